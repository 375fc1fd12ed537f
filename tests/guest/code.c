/* Code that changes: written by the program itself, through another mapping, in the block that runs, across
 * pages; the same code at two addresses; remapped pages. After the maintenance that the architecture asks for
 * the new code must run. */
#include "runtime.h"

#define BACKING 0x60500000u
#define ALIAS_A 0x80000000u
#define ALIAS_B 0x90000000u

enum { BX_LR = 0xe12fff1e, MOV_R0 = 0xe3a00000, ADD_R0 = 0xe2800000, T_MOV_R0 = 0x2000, T_BX_LR = 0x4770 };

static void maintain(uint32_t from, uint32_t bytes)
{
    for (uint32_t at = from & ~31u; at < from + bytes; at += 32)
        __asm__ volatile("mcr p15, 0, %0, c7, c11, 1" ::"r"(at) : "memory");
    __asm__ volatile("dsb" ::: "memory");
    for (uint32_t at = from & ~31u; at < from + bytes; at += 32)
        __asm__ volatile("mcr p15, 0, %0, c7, c5, 1" ::"r"(at) : "memory");
    __asm__ volatile("mcr p15, 0, %0, c7, c5, 6; dsb; isb" ::"r"(0) : "memory");
}

static uint32_t call(uint32_t at)
{
    register uint32_t r0 __asm__("r0") = 0;
    __asm__ volatile("blx %1" : "+r"(r0) : "r"(at) : "r1", "r2", "r3", "r12", "lr", "cc", "memory");
    return r0;
}

static void simple(void)
{
    uint32_t at = BACKING + 0x100, sum = 0;
    for (uint32_t n = 0; n < 200; n++) {
        *word_at(at) = MOV_R0 | n;
        *word_at(at + 4) = BX_LR;
        maintain(at, 8);
        sum += call(at) == n;
    }
    print("200 versions of one function: %d right\n", (int)sum);
    volatile uint16_t *half = (volatile uint16_t *)(BACKING + 0x200);
    sum = 0;
    for (uint32_t n = 0; n < 200; n++) {
        half[0] = (uint16_t)(T_MOV_R0 | n);
        half[1] = T_BX_LR;
        maintain((uint32_t)half, 4);
        sum += call((uint32_t)half | 1) == n;
    }
    print("in Thumb: %d right\n", (int)sum);
    /* One byte of an instruction. */
    sum = 0;
    for (uint32_t n = 0; n < 200; n++) {
        *(volatile uint8_t *)at = (uint8_t)n;
        maintain(at, 1);
        sum += call(at) == n;
    }
    print("a byte: %d right\n", (int)sum);
    /* The same words as A32 and as Thumb. */
    *word_at(BACKING + 0x300) = 0x47702055; /* Thumb: movs r0, #0x55; bx lr */
    maintain(BACKING + 0x300, 4);
    uint32_t thumb = call(BACKING + 0x301);
    *word_at(BACKING + 0x300) = MOV_R0 | 0x66;
    *word_at(BACKING + 0x304) = BX_LR;
    maintain(BACKING + 0x300, 8);
    print("Thumb %w, A32 %w\n", thumb, call(BACKING + 0x300));
}

/* Code that changes the instruction that follows it, and a loop that changes its own body. */
static void own_block(void)
{
    set_state();
    before.r[1] = BACKING + 0x400;
    static const uint32_t program[] = {
        0xe59f0018, /* ldr r0, [pc, #24]: the new instruction */
        0xe58f0004, /* str r0, [pc, #4]: two further on */
        0xf57ff04f, /* dsb */
        0xf57ff06f, /* isb */
        0xe3a02001, /* mov r2, #1, becomes mov r2, #2 */
        0xef000000, /* svc 0 */
        0,          0, 0xe3a02002,
    };
    for (unsigned n = 0; n < sizeof program / 4; n++)
        word_at(BACKING + 0x400)[n] = program[n];
    maintain(BACKING + 0x400, sizeof program);
    run("store to the next instruction but two, then isb", A32("bx r1"), SVC | MASKED);
    /* for (r3 = 8; r3; r3--) { add r0, #imm; imm++ by strb } */
    static const uint32_t loop[] = {
        0xe3a00000,                         /* mov r0, #0 */
        0xe3a03008,                         /* mov r3, #8 */
        0xe2800001,                         /* add r0, r0, #1  <- changed */
        0xe55f400c,                         /* ldrb r4, [pc, #-12] */
        0xe2844001,                         /* add r4, r4, #1 */
        0xe54f4014,                         /* strb r4, [pc, #-20] */
        0xee07cf3b,                         /* mcr p15, 0, r12, c7, c11, 1 */
        0xf57ff04f,                         /* dsb */
        0xee07cf35,                         /* mcr p15, 0, r12, c7, c5, 1 */
        0xf57ff04f, 0xf57ff06f, 0xe2533001, /* subs r3, r3, #1 */
        0x1afffff4,                         /* bne */
        0xef000000,
    };
    for (unsigned n = 0; n < sizeof loop / 4; n++)
        word_at(BACKING + 0x500)[n] = loop[n];
    maintain(BACKING + 0x500, sizeof loop);
    before.r[1] = BACKING + 0x500;
    before.r[12] = BACKING + 0x508;
    run("a loop that changes itself", A32("bx r1"), SVC | MASKED);
}

/* Stores of every kind over code that has run. */
static void all_stores(void)
{
    static const char *const names[] = {"str",  "strb",  "strh", "strd",        "stm",        "vstr",
                                        "vst1", "strex", "swp",  "stm 8 words", "big-endian", "unaligned"};
    uint32_t at = BACKING + 0x800;
    uint32_t code[12];
    code[0] = A32("str r2, [r1]");
    code[1] = A32("strb r2, [r1]");
    code[2] = A32("strh r2, [r1]");
    code[3] = A32("strd r2, r3, [r1]");
    code[4] = A32("stm r1, {r2, r3}");
    code[5] = A32("vmov d0, r2, r3; vstr d0, [r1]");
    code[6] = A32("vmov d0, r2, r3; vst1.8 {d0}, [r1]");
    code[7] = A32("1: ldrex r4, [r1]; strex r4, r2, [r1]; cmp r4, #0; bne 1b");
    code[8] = A32("swp r4, r2, [r1]");
    code[9] = A32("sub r1, r1, #24; mov r4, r2; mov r5, r3; stm r1, {r4-r11}; add r1, #24; stm r1, {r2, r3}");
    code[10] = A32("rev r2, r2; setend be; str r2, [r1]; setend le");
    code[11] = A32("lsl r4, r2, #8; ldrb r5, [r1, #-1]; orr r4, r4, r5; str r4, [r1, #-1]");
    SCTLR_WRITE(SCTLR_READ() | SCTLR_SW);
    for (unsigned n = 0; n < 12; n++) {
        *word_at(at) = MOV_R0 | 1;
        *word_at(at + 4) = BX_LR;
        maintain(at, 8);
        uint32_t first = call(at) + call(at);
        set_state();
        before.r[1] = at;
        before.r[2] = MOV_R0 | 7;
        before.r[3] = BX_LR;
        run_quietly(code[n], SYS | MASKED);
        maintain(at, 8);
        print("%s: %w then %w\n", names[n], first, call(at));
    }
}

static void aliases(void)
{
    make_flat_map();
    map_section(ALIAS_A, BACKING | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    map_section(ALIAS_B, BACKING | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    mmu_on();
    uint32_t sum = 0;
    for (uint32_t n = 0; n < 100; n++) {
        uint32_t write = n & 1 ? ALIAS_A : BACKING, other = n & 2 ? ALIAS_B : ALIAS_A;
        *word_at(write + 0x1000) = MOV_R0 | n;
        *word_at(write + 0x1004) = BX_LR;
        maintain(write + 0x1000, 8);
        CP15_WRITE(0, c7, c5, 0, 0);
        sum += call(ALIAS_A + 0x1000) == n && call(ALIAS_B + 0x1000) == n && call(BACKING + 0x1000) == n;
        sum += call(other + 0x1000) == n;
    }
    print("written and run at three addresses: %d of 200\n", (int)sum);
    /* What PC-relative code sees depends on where it runs. */
    *word_at(BACKING + 0x1100) = 0xe1a0000f; /* mov r0, pc */
    *word_at(BACKING + 0x1104) = BX_LR;
    CP15_WRITE(0, c7, c5, 0, 0);
    print("pc: %x %x %x\n", call(BACKING + 0x1100), call(ALIAS_A + 0x1100), call(ALIAS_B + 0x1100));
    /* A page with code is replaced by another one. */
    for (uint32_t n = 0; n < 4; n++) {
        word_at(BACKING + 0x2000 + n * 0x1000)[0] = MOV_R0 | (0x20 + n);
        word_at(BACKING + 0x2000 + n * 0x1000)[1] = BX_LR;
    }
    for (uint32_t n = 0; n < 8; n++) {
        map_page(0, 0xa0000000, 0,
                 (BACKING + 0x2000 + (n & 3) * 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
        print("%w ", call(0xa0000000));
    }
    print("\n");
    /* The same with address spaces: one page table, other ASIDs, no flush in between is needed as each ASID
     * is used for one page only. */
    for (uint32_t n = 0; n < 8; n++) {
        CP15_WRITE(0, c13, c0, 1, n & 3);
        l2_table[0][0] = (BACKING + 0x2000 + (n & 3) * 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_NG;
        dsb();
        if (n == 0)
            TLBIALL();
        CP15_WRITE(0, c7, c5, 6, 0);
        print("%w ", call(0xa0000000));
    }
    print("\n");
    CP15_WRITE(0, c13, c0, 1, 0);
}

/* An instruction of four bytes in two pages, each of which changes; and code that falls through a page end.
 */
static void across_pages(void)
{
    uint32_t end = 0xa0001000;
    for (uint32_t n = 0; n < 4; n++) {
        volatile uint16_t *first = (volatile uint16_t *)(BACKING + 0x4ffe);
        volatile uint16_t *second = (volatile uint16_t *)(BACKING + 0x8000 + (n >> 1) * 0x1000);
        *first = n & 1 ? 0xf04f : 0xf06f; /* mov.w or mvn.w r0, #imm */
        second[0] = (uint16_t)(0x10 + (n >> 1));
        second[1] = T_BX_LR;
        map_page(0, end - 0x1000, 0, (BACKING + 0x4000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
        map_page(0, end, 0, (uint32_t)second | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
        print("%x ", call(end - 2 + 1));
        second[0] = (uint16_t)(0x20 + n);
        maintain(end, 2);
        CP15_WRITE(0, c7, c5, 0, 0);
        print("%x\n", call(end - 2 + 1));
    }
    /* Fall through: the second page is remapped. */
    *word_at(BACKING + 0x4ff8) = MOV_R0 | 1;
    *word_at(BACKING + 0x4ffc) = ADD_R0 | 1;
    for (uint32_t n = 0; n < 4; n++) {
        word_at(BACKING + 0x8000 + n * 0x1000)[0] = ADD_R0 | (n << 4);
        word_at(BACKING + 0x8000 + n * 0x1000)[1] = BX_LR;
    }
    for (uint32_t n = 0; n < 8; n++) {
        map_page(0, end, 0, (BACKING + 0x8000 + (n & 3) * 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
        CP15_WRITE(0, c7, c5, 0, 0);
        print("%w ", call(end - 8));
    }
    print("\n");
}

/* A page that was executable no longer is, and the other way round; user code becomes privileged. */
static void rights(void)
{
    set_state();
    *word_at(BACKING + 0xa000) = 0xef000000;
    for (uint32_t n = 0; n < 4; n++) {
        map_page(0, 0xa0003000, 0,
                 (BACKING + 0xa000) | SMALL | SMALL_NORMAL | (n & 2 ? PAGE_AP_PRIV : PAGE_AP_ALL) |
                     (n & 1 ? SMALL_XN : 0));
        before.r[0] = 0xa0003000;
        RUN_A32(SVC, "bx r0");
        RUN_A32(USR, "bx r0");
    }
}

/* Code in static RAM and video RAM on the motherboard. */
static void other_memory(void)
{
    static const uint32_t places[] = {0x48000100, 0x4c000100};
    mmu_off();
    for (unsigned n = 0; n < 2; n++) {
        for (uint32_t k = 0; k < 3; k++) {
            word_at(places[n])[0] = MOV_R0 | (0x30 + k);
            word_at(places[n])[1] = BX_LR;
            maintain(places[n], 8);
            print("%w ", call(places[n]));
        }
    }
    print("\n");
}

int main(void)
{
    make_flat_map();
    mmu_on();
    simple();
    own_block();
    all_stores();
    aliases();
    across_pages();
    rights();
    other_memory();
    return 0;
}
