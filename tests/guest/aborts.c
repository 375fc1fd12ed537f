/* Data and prefetch aborts of every kind: fault status and address, return address, and that the instruction
 * changed no register, its base least of all. */
#include "runtime.h"

/* Virtual addresses, each a megabyte; what lies there is 0x60500000 or nothing. */
#define UNMAPPED 0x80000000u
#define PAGES 0x80100000u     /* domain 1; the pages below */
#define NO_DOMAIN 0x80200000u /* domain 2: no access */
#define NO_DOMAIN_PAGE 0x80300000u
#define AP_NONE 0x80400000u
#define AP_PRIV 0x80500000u
#define AP_USER_RO 0x80600000u
#define AP_PRIV_RO 0x80700000u
#define AP_RO 0x80800000u
#define ORDERED 0x80900000u
#define NEVER 0x80a00000u   /* XN */
#define MANAGER 0x80b00000u /* domain 3: manager, though AP gives nothing and XN is set */
#define BACKING 0x60500000u

#define PAGE_GOOD (PAGES + 0x0000)
#define PAGE_UNMAPPED (PAGES + 0x1000)
#define PAGE_NONE (PAGES + 0x3000)
#define PAGE_RO (PAGES + 0x5000)
#define PAGE_PRIV (PAGES + 0x7000)
#define PAGE_NEVER (PAGES + 0x9000)

static void map(void)
{
    const uint32_t normal = BACKING | SECTION | SECTION_NORMAL;
    make_flat_map();
    l1_table[NO_DOMAIN >> 20] = normal | SECTION_AP_ALL | 2 << 5;
    l1_table[AP_NONE >> 20] = normal;
    l1_table[AP_PRIV >> 20] = normal | SECTION_AP_PRIV;
    l1_table[AP_USER_RO >> 20] = normal | SECTION_AP_USER_RO;
    l1_table[AP_PRIV_RO >> 20] = normal | SECTION_AP_PRIV | SECTION_APX;
    l1_table[AP_RO >> 20] = normal | SECTION_AP_ALL | SECTION_APX;
    l1_table[ORDERED >> 20] = BACKING | SECTION | SECTION_AP_ALL;
    l1_table[NEVER >> 20] = normal | SECTION_AP_ALL | SECTION_XN;
    l1_table[MANAGER >> 20] = normal | SECTION_XN | 3 << 5;
    for (uint32_t page = 0; page < 0x20; page += 2)
        map_page(0, PAGES + page * 0x1000, 1, BACKING | page << 12 | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    map_page(0, PAGE_NONE, 1, BACKING | SMALL | SMALL_NORMAL);
    map_page(0, PAGE_RO, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_APX);
    map_page(0, PAGE_PRIV, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_PRIV);
    map_page(0, PAGE_NEVER, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL | SMALL_XN);
    map_page(1, NO_DOMAIN_PAGE, 2, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    mmu_on();
    DACR_WRITE(1 | 1 << 2 | 3 << 6);
}

static const struct {
    const char *name;
    uint32_t address;
} places[] = {
    {"unmapped section",         UNMAPPED + 0x123450  },
    {"unmapped page",            PAGE_UNMAPPED + 0x10 },
    {"domain, section",          NO_DOMAIN + 0x20     },
    {"domain, page",             NO_DOMAIN_PAGE + 0x30},
    {"no rights, section",       AP_NONE + 0x40       },
    {"no rights, page",          PAGE_NONE + 0x50     },
    {"privileged, section",      AP_PRIV + 0x60       },
    {"privileged, page",         PAGE_PRIV + 0x70     },
    {"user read, section",       AP_USER_RO + 0x80    },
    {"privileged read, section", AP_PRIV_RO + 0x90    },
    {"read, section",            AP_RO + 0xa0         },
    {"read, page",               PAGE_RO + 0xb0       },
    {"no fetch, section",        NEVER + 0xc0         },
    {"no fetch, page",           PAGE_NEVER + 0xd0    },
    {"manager",                  MANAGER + 0xe0       },
    {"good page",                PAGE_GOOD + 0xf0     },
};
enum { PLACES = sizeof places / sizeof *places };

/* One letter for each place: the low bits of the fault status, or '-'. */
static void row(const char *text, uint32_t code, uint32_t mode)
{
    print("%s:", text);
    for (unsigned n = 0; n < PLACES; n++) {
        set_state();
        before.r[1] = places[n].address;
        run_quietly(code, mode | MASKED);
        bool data = after.kind == DATA_ABORT;
        if (data && after.dfar == places[n].address)
            print(" %w", after.dfsr);
        else if (after.kind == PREFETCH_ABORT && after.ifar == places[n].address)
            print(" i%w", after.ifsr & ~0xf0u);
        else if (after.kind == SUPERVISOR)
            print(" -");
        else
            print(" kind%d dfar %x", after.kind, after.dfar);
    }
    print("\n");
}

static void permissions(void)
{
    for (unsigned n = 0; n < PLACES; n++)
        *word_at(BACKING + (places[n].address & 0xfff)) = 0xef0000f0; /* svc 0xf0 */
    row("svc ldr", A32("ldr r0, [r1]"), SVC);
    row("svc str", A32("mov r0, #0xef000000; orr r0, r0, #0xf0; str r0, [r1]"), SVC);
    row("usr ldrb", A32("ldrb r0, [r1]"), USR);
    row("usr strh", A32("mov r0, #0xf0; strh r0, [r1]"), USR);
    row("svc ldrt", A32("ldrt r0, [r1]"), SVC);
    row("svc strbt", A32("mov r0, #0xf0; strbt r0, [r1]"), SVC);
    row("svc t32 ldrsht", T32("ldrsht r0, [r1]"), SVC);
    row("svc vldr", A32("vldr d0, [r1]"), SVC);
    row("usr vld1", A32("vld1.8 {d0}, [r1]"), USR);
    row("svc ldrex", A32("ldrex r0, [r1]"), SVC);
    row("svc strex without monitor", A32("clrex; mov r0, #0; strex r2, r0, [r1]"), SVC);
    row("svc swp", A32("mov r0, #0xef000000; orr r0, r0, #0xf0; swp r0, r0, [r1]"), SVC);
    row("svc fetch", A32("bx r1"), SVC);
    row("usr fetch", A32("bx r1"), USR);
    row("svc pld", A32("pld [r1]; pldw [r1]; pli [r1]"), SVC);
    row("svc dccmvac", A32("mcr p15, 0, r1, c7, c10, 1"), SVC);
    row("svc icimvau", A32("mcr p15, 0, r1, c7, c5, 1"), SVC);
}

/* Each touches the good page first and then, 16 bytes on, an unmapped one. Registers that were to be loaded
 * are UNKNOWN after an abort: only the bases are shown. */
static void bases(void)
{
    shown = 1 << 1 | 1 << 2 | 1 << 13;
#define ACROSS(text)                                                                                         \
    do {                                                                                                     \
        set_state();                                                                                         \
        before.r[1] = before.sp = PAGE_UNMAPPED - 16;                                                        \
        before.r[2] = PAGE_UNMAPPED + 16;                                                                    \
        RUN_BOTH(SVC, text);                                                                                 \
    } while (0)
#define ACROSS_A32(text)                                                                                     \
    do {                                                                                                     \
        set_state();                                                                                         \
        before.r[1] = before.sp = PAGE_UNMAPPED - 16;                                                        \
        before.r[2] = PAGE_UNMAPPED + 16;                                                                    \
        RUN_A32(SVC, text);                                                                                  \
    } while (0)
    ACROSS("ldr r0, [r2], #4");
    ACROSS("ldr r0, [r1, #16]!");
    ACROSS("str r0, [r1, #20]!");
    ACROSS("ldrb r1, [r2]");
    ACROSS("ldrsh r0, [r2, #-2]!");
    ACROSS("ldrd r4, r5, [r1, #16]!");
    ACROSS("strd r4, r5, [r2], #-8");
    ACROSS("ldrd r4, r5, [r1, #12]");
    ACROSS("strd r4, r5, [r1, #12]!");
    ACROSS("ldm r1!, {r3-r10}");
    ACROSS("ldm r1, {r0, r1, r3-r10}");
    ACROSS("ldmdb r2!, {r3-r7}");
    ACROSS("stm r1!, {r3-r10}");
    ACROSS("stmdb r2!, {r3-r7}");
    ACROSS("pop {r3-r10}");
    ACROSS("ldm r1, {r3-r10, pc}");
    ACROSS_A32("ldmib r1!, {r3-r10}");
    ACROSS_A32("stmda r2!, {r3-r10}");
    ACROSS_A32("ldm r1, {r3-r10}^");
    ACROSS_A32("stm r1, {r3-r10, sp, lr}^");
    ACROSS("vldm r1!, {d0-d3}");
    ACROSS("vstm r1!, {d0-d3}");
    ACROSS("vldmdb r2!, {s0-s7}");
    ACROSS("vld1.32 {d0-d3}, [r1]!");
    ACROSS("vst4.16 {d0-d3}, [r1]!");
    ACROSS("vld2.8 {d0[3], d1[3]}, [r2], r3");
    ACROSS("vld3.32 {d0[], d1[], d2[]}, [r1]!; vld3.32 {d0[], d1[], d2[]}, [r1]!");
    ACROSS("ldr pc, [r2]");
    ACROSS("ldr r0, [r1, #14]");
    ACROSS("str r0, [r1, #13]!");
    ACROSS("ldrh r0, [r1, #15]");
    ACROSS("ldr r0, [r2, #-17]");
    ACROSS("ldrexd r4, r5, [r2]");
    ACROSS("ldrexb r1, [r2]");
    ACROSS("rfeia r2!");
    ACROSS("ldr sp, [sp, #16]");
    ACROSS_A32("swpb r1, r1, [r2]");
    ACROSS("stm r1!, {r3}; push {r0-r7}; srsdb sp!, #0x13");
    set_state();
    before.r[2] = PAGE_UNMAPPED + 16;
    RUN_T32(SVC, "movs r3, #5; tbb [r2, r3]");
    RUN_T32(SVC, "movs r3, #4; tbh [r2, r3, lsl #1]");
    before.sp = PAGE_UNMAPPED + 0x20;
    RUN_BOTH(SVC, "srsia sp!, #0x13");
    RUN_A32(SVC, "push {r0}");
    shown = 0x7fff;
}

static void in_it_blocks(void)
{
    set_state();
    before.r[2] = PAGE_UNMAPPED + 16;
#define IN_IT(text) run(text, T32(text), SVC | MASKED | PSR_Z)
    IN_IT("it eq; ldreq r0, [r2]");
    IN_IT("itt eq; ldreq r0, [r2]; addeq r0, #1");
    IN_IT("ittte eq; addeq r0, #1; streq r0, [r2, #4]!; addeq r1, #1; addne r3, #1");
    IN_IT("itett eq; addeq r0, #1; addne r3, #1; ldmeq r2!, {r4-r6}; addeq r1, #1");
    IN_IT("ite ne; ldrne r0, [r2]; vldreq d0, [r2, #8]");
    IN_IT("itttt eq; addeq r0, #1; addeq r1, #1; addeq r3, #1; bxeq r2");
    IN_IT("it ne; ldrne r0, [r2]");
}

/* Words 2 and 3 of the snippet lie behind the end of the last mapped page of code. */
static void fetches(void)
{
    static const uint32_t at[] = {UNMAPPED + 0x100, NEVER + 0x40, NO_DOMAIN, AP_NONE + 4, PAGE_NEVER + 8};
    set_state();
    before.r[1] = PAGE_UNMAPPED;
    run_quietly(A32("bx r1"), SVC | MASKED);
    print("whole IFSR %x\n", after.ifsr);
    for (unsigned n = 0; n < sizeof at / sizeof *at; n++) {
        before.r[1] = at[n];
        before.r[2] = at[n] | 1;
        RUN_A32(SVC, "bx r1");
        RUN_A32(USR, "bx r2");
        RUN_T32(SVC, "blx r2");
        RUN_T32(SVC, "mov pc, r1");
    }
    /* A Thumb-2 instruction whose second half cannot be fetched: IFAR is in the second page. */
    uint32_t end = PAGE_UNMAPPED;
    *(volatile uint16_t *)(BACKING + 0xffc) = 0x3001; /* adds r0, #1 */
    *(volatile uint16_t *)(BACKING + 0xffe) = 0xf8d1; /* ldr.w r0, [r1, ...] */
    dsb();
    tlb_flush();
    before.r[1] = (end - 4) | 1;
    run("bx r1 to the end of a page", A32("bx r1"), SVC | MASKED);
    print("  from the end of the page: %d, ifar %x\n", (int)(after.pc - end), after.ifar);
    *(volatile uint16_t *)(BACKING + 0xffe) = 0x3102; /* adds r1, #2 */
    tlb_flush();
    run("bx r1 to the end of a page, falling off it", A32("bx r1"), SVC | MASKED);
    print("  from the end of the page: %d, ifar %x\n", (int)(after.pc - end), after.ifar);
    before.r[1] = end - 4;
    *word_at(BACKING + 0xffc) = 0xe2800001; /* add r0, r0, #1 */
    tlb_flush();
    run("A32 falling off a page", A32("bx r1"), USR | MASKED);
    print("  from the end of the page: %d, ifar %x\n", (int)(after.pc - end), after.ifar);
    /* The condition fails, or the instruction is skipped by an IT block: fetched all the same. */
    *(volatile uint16_t *)(BACKING + 0xffe) = 0xbf08; /* it eq */
    tlb_flush();
    before.r[1] = (end - 2) | 1;
    run("IT at the end of a page", A32("bx r1"), USR | MASKED);
    print("  from the end of the page: %d, ifar %x\n", (int)(after.pc - end), after.ifar);
}

static void alignment(void)
{
    set_state();
    before.r[1] = PAGE_GOOD + 0x201;
    before.r[2] = ORDERED + 0x202;
    before.sp = PAGE_GOOD + 0x302;
    for (unsigned a = 0; a < 2; a++) {
        SCTLR_WRITE(a ? SCTLR_READ() | SCTLR_A : SCTLR_READ() & ~(uint32_t)SCTLR_A);
        print("SCTLR.A = %d\n", a);
#define ALIGN(text) RUN_BOTH(SVC, text)
        ALIGN("ldr r0, [r1]");
        ALIGN("strh r0, [r1]");
        ALIGN("ldrsh r0, [r1], #1");
        ALIGN("ldrb r0, [r2, #1]");
        ALIGN("ldr r0, [r2]");
        ALIGN("strh r0, [r2, #1]");
        ALIGN("ldrh r0, [r2]");
        ALIGN("ldrd r4, r5, [r1, #4]");
        ALIGN("add r1, #3; ldrd r4, r5, [r1]");
        ALIGN("sub r2, #2; strd r4, r5, [r2, #4]");
        ALIGN("strd r4, r5, [r2]");
        ALIGN("ldm r1!, {r3, r4}");
        ALIGN("stm r1!, {r3, r4}");
        ALIGN("push {r3, r4}");
        ALIGN("ldrex r0, [r1]");
        ALIGN("ldrexh r0, [r1]");
        ALIGN("ldrexb r0, [r1]; clrex");
        ALIGN("ldrexd r4, r5, [r1]");
        ALIGN("strex r0, r3, [r2]");
        ALIGN("vldr s0, [r1]");
        ALIGN("vldr d0, [r1, #4]");
        ALIGN("vstm r2!, {d0, d1}");
        ALIGN("vld1.8 {d0}, [r1]");
        ALIGN("vld1.32 {d0}, [r1]");
        ALIGN("vld1.8 {d0}, [r1:64]");
        ALIGN("vld1.16 {d0[1]}, [r1:16]");
        ALIGN("vst1.32 {d0, d1}, [r1:128]");
        ALIGN("vst2.8 {d0[0], d1[0]}, [r1]");
        ALIGN("ldrt r0, [r1]");
        ALIGN("rfeia r1");
        RUN_A32(SVC, "swp r0, r0, [r1]");
        RUN_A32(SVC, "swpb r0, r0, [r1]");
    }
    /* Alignment comes before translation. */
    before.r[1] = UNMAPPED + 1;
    RUN_A32(SVC, "ldr r0, [r1]");
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_A);
    RUN_A32(SVC, "ldr r0, [r1]");
    RUN_A32(SVC, "ldm r1, {r2, r3}");
    /* Across the end of a page of ordered memory. */
    mmu_off();
    before.r[1] = BACKING + 0x402;
    RUN_A32(SVC, "ldr r0, [r1]");
    RUN_A32(SVC, "ldrh r0, [r1]");
    mmu_on();
}

/* AFE: AP[0] is the access flag. */
static void access_flag(void)
{
    map_page(2, 0x80d00000, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_USER_RO); /* AP[2:1] = 01, flag 0 */
    map_page(2, 0x80d01000, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL);     /* user RW, flag 1 */
    map_page(2, 0x80d02000, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_PRIV);    /* privileged RW */
    map_page(2, 0x80d03000, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_PRIV | PAGE_APX);
    map_page(2, 0x80d04000, 1, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_APX);
    map_page(2, 0x80d05000, 3, BACKING | SMALL | SMALL_NORMAL); /* flag 0 */
    map_section(0x80e00000, BACKING | SECTION | SECTION_NORMAL | SECTION_AP_USER_RO | 1 << 5);
    map_section(0x80f00000, BACKING | SECTION | SECTION_NORMAL | SECTION_AP_USER_RO | 3 << 5);
    DACR_WRITE(1 | 1 << 2 | 3 << 6);
    for (unsigned afe = 0; afe < 2; afe++) {
        SCTLR_WRITE(afe ? SCTLR_READ() | SCTLR_AFE : SCTLR_READ() & ~(uint32_t)SCTLR_AFE);
        tlb_flush();
        for (uint32_t at = 0x80d00000; at < 0x81000000; at += at < 0x80d05000   ? 0x1000
                                                              : at < 0x80e00000 ? 0xfb000
                                                                                : 0x100000) {
            before.r[1] = at;
            print("AFE %d, %x\n", afe, at);
            RUN_A32(SVC, "ldr r0, [r1]");
            RUN_A32(SVC, "str r0, [r1]");
            RUN_A32(USR, "ldr r0, [r1]");
            RUN_A32(USR, "str r0, [r1]");
        }
    }
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_AFE);
    tlb_flush();
}

/* WnR: SWP and STREX count as writes where the write is what is refused. */
static void write_not_read(void)
{
    set_state();
    before.r[1] = AP_RO + 0x100;
    RUN_A32(SVC, "swp r0, r0, [r1]");
    RUN_A32(SVC, "ldrex r0, [r1]; strex r2, r0, [r1]");
    RUN_A32(SVC, "clrex; strex r2, r0, [r1]");
    RUN_A32(SVC, "mcr p15, 0, r1, c7, c6, 1");
    before.r[1] = UNMAPPED + 0x100;
    RUN_A32(SVC, "swp r0, r0, [r1]");
    RUN_A32(SVC, "mcr p15, 0, r1, c7, c10, 1");
    RUN_A32(SVC, "mcr p15, 0, r1, c7, c11, 1");
    RUN_A32(SVC, "mcr p15, 0, r1, c7, c14, 1");
}

int main(void)
{
    SCTLR_WRITE(SCTLR_READ() | SCTLR_SW);
    map();
    permissions();
    bases();
    in_it_blocks();
    fetches();
    alignment();
    access_flag();
    write_not_read();
    return 0;
}
