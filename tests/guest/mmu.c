/* The translation tables: page sizes, TTBCR, ASIDs and what TLB maintenance must achieve. Memory attributes
 * are left out of what is printed of PAR: attributes.c has them. */
#include "runtime.h"

#define BACKING 0x60500000u

static uint32_t par_of(uint32_t va, unsigned op)
{
    switch (op) {
    case 0:
        CP15_WRITE(0, c7, c8, 0, va);
        break;
    case 1:
        CP15_WRITE(0, c7, c8, 1, va);
        break;
    case 2:
        CP15_WRITE(0, c7, c8, 2, va);
        break;
    default:
        CP15_WRITE(0, c7, c8, 3, va);
        break;
    }
    uint32_t par = CP15_READ(0, c7, c4, 0);
    return par & 1 ? par : par & ~0x4fcu;
}

static void par_line(const char *text, uint32_t va)
{
    print("%s %x: PAR", text, va);
    for (unsigned op = 0; op < 4; op++)
        print(" %x", par_of(va, op));
    print("\n");
}

static void sizes(void)
{
    make_flat_map();
    mmu_on();
    for (uint32_t n = 0; n < 16; n++)
        l1_table[0x900 + n] = 0x60000000 | SECTION | SUPERSECTION | SECTION_NORMAL | SECTION_AP_ALL;
    tlb_flush();
    *word_at(0x60555550) = 0x11111111;
    *word_at(0x60c00004) = 0x22222222;
    print("supersection: %x %x\n", *word_at(0x90555550), *word_at(0x90c00004));
    par_line("supersection", 0x90555550);
    map_section(0x80000000, 0x60500000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    print("section: %x\n", *word_at(0x80055550));
    par_line("section", 0x80055550);
    map_page(1, 0x80100000, 0, 0x60550000 | LARGE | 0x1000 | PAGE_B | PAGE_C | PAGE_AP_ALL);
    print("large page: %x\n", *word_at(0x80105550));
    par_line("large page", 0x80105550);
    map_page(1, 0x80110000, 0, 0x60555000 | SMALL | SMALL_NORMAL | PAGE_AP_ALL | SMALL_XN);
    print("small page: %x\n", *word_at(0x80110550));
    par_line("small page", 0x80110550);
    par_line("no page", 0x80111550);
    par_line("no section", 0x70000000);
    map_page(1, 0x80112000, 0, 0x60555000 | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_APX);
    par_line("read only", 0x80112000);
    map_page(1, 0x80113000, 0, 0x60555000 | SMALL | SMALL_NORMAL | PAGE_AP_USER_RO);
    par_line("user reads", 0x80113000);
    map_page(1, 0x80114000, 0, 0x60555000 | SMALL | SMALL_NORMAL | PAGE_AP_PRIV);
    par_line("privileged", 0x80114000);
    map_page(2, 0x80200000, 5, 0x60555000 | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    par_line("domain", 0x80200000);
    map_section(0x80300000, 0x60500000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL | 7 << 5);
    par_line("domain", 0x80300000);
    SCTLR_WRITE(SCTLR_READ() | SCTLR_AFE);
    tlb_flush();
    par_line("access flag", 0x80113000);
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_AFE);
    tlb_flush();
    /* A large page whose 16 descriptors differ is a bug of software, but a small page between them is not. */
    map_page(1, 0x80120000, 0, 0x60550000 | LARGE | 0x1000 | PAGE_B | PAGE_C | PAGE_AP_ALL);
    map_page(1, 0x80130000, 0, 0x60560000 | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    print("neighbours: %x %x\n", par_of(0x8012ffff, 0), par_of(0x80130000, 0));
    mmu_off();
    par_line("MMU off", 0x80555550);
    mmu_on();
}

/* TTBCR.N: the lower part of the map from TTBR0 with a small table, the rest from TTBR1. */
static void two_tables(void)
{
    make_flat_map();
    for (uint32_t n = 0; n < 4096; n++)
        l1_other[n] = l1_table[n];
    mmu_on();
    CP15_WRITE(0, c2, c0, 1, (uint32_t)l1_other);
    for (uint32_t n = 0; n <= 7; n++) {
        uint32_t split = n ? 1u << (32 - n) : 0;
        /* The small table begins somewhere in l1_table: only its alignment and size count. */
        static const uint32_t places[] = {0, 0, 0x800, 0xa00, 0x900, 0x880, 0x840, 0x820};
        uint32_t small = n ? (uint32_t)&l1_table[places[n]] : (uint32_t)l1_table;
        for (uint32_t k = 0; k < 4096; k++)
            l1_other[k] = k >= 0x600 && k < 0x700 ? k << 20 | SECTION | SECTION_NORMAL | SECTION_AP_ALL
                          : k >= 0x100 && k < 0x200
                              ? k << 20 | SECTION | SECTION_B | SECTION_XN | SECTION_AP_ALL
                              : 0x60900000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL;
        if (n == 0) {
            print("N 0: PAR %x\n", par_of(0x20000000, 0));
            continue;
        }
        if (n == 1) {
            /* The program lies in the lower half. */
            CP15_WRITE(0, c2, c0, 0, (uint32_t)l1_table);
            CP15_WRITE(0, c2, c0, 2, 1);
            tlb_flush();
            print("N 1: last of TTBR0 %x, first of TTBR1 %x\n", par_of(0x7ff00000, 0), par_of(0x80000000, 0));
            CP15_WRITE(0, c2, c0, 2, 0);
            tlb_flush();
            continue;
        }
        uint32_t last = split - 0x100000;
        uint32_t *table = (uint32_t *)small;
        for (uint32_t k = 0; k < split >> 20; k++)
            table[k] =
                k >= 0x100 && k < 0x200 ? k << 20 | SECTION | SECTION_B | SECTION_XN | SECTION_AP_ALL : 0;
        table[0] = 0x60a00000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL;
        table[last >> 20] = 0x60b00000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL;
        if (split <= 0x60000000) {
            CP15_WRITE(0, c2, c0, 1, (uint32_t)l1_other);
            __asm__ volatile("mcr p15, 0, %0, c2, c0, 2; mcr p15, 0, %1, c2, c0, 0; isb" ::"r"(n), "r"(small)
                             : "memory");
            tlb_flush();
            uint32_t a = par_of(0, 0), b = par_of(last, 0), c = par_of(split, 0);
            CP15_WRITE(0, c2, c0, 2, n | 0x10); /* PD0 */
            tlb_flush();
            uint32_t d = par_of(0, 0), e = par_of(split, 0);
            uint32_t ttbcr = CP15_READ(0, c2, c0, 2);
            __asm__ volatile("mcr p15, 0, %0, c2, c0, 0; mcr p15, 0, %1, c2, c0, 2; isb" ::"r"(l1_other),
                             "r"(0)
                             : "memory");
            tlb_flush();
            print("N %d: first %x last %x TTBR1 %x; PD0 %x: %x %x\n", n, a, b, c, ttbcr, d, e);
        }
    }
    /* PD1 while the program runs from TTBR0. */
    mmu_off();
    make_flat_map();
    mmu_on();
    CP15_WRITE(0, c2, c0, 1, (uint32_t)l1_table);
    CP15_WRITE(0, c2, c0, 2, 0x21);
    tlb_flush();
    map_section(0x90000000, BACKING | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    print("PD1: %x\n", par_of(0x90000000, 0));
    set_state();
    before.r[0] = 0x90000000;
    RUN_A32(SVC, "ldr r1, [r0]");
    CP15_WRITE(0, c2, c0, 2, 1);
    tlb_flush();
    print("without PD1: %x\n", par_of(0x90000000, 0));
    CP15_WRITE(0, c2, c0, 2, 0);
    tlb_flush();
}

/* ---- ASIDs and maintenance: what must be true after the operation, whatever is cached before
 * ------------------------- */

static void set_asid(uint32_t asid)
{
    CP15_WRITE(0, c13, c0, 1, asid);
}

static void put_page(uint32_t n, uint32_t flags)
{
    l2_table[3][0x10] = (BACKING + n * 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL | flags;
    dsb();
}

static uint32_t look(void)
{
    return *word_at(0x80010000);
}

static void asids(void)
{
    make_flat_map();
    mmu_on();
    for (uint32_t n = 0; n < 8; n++)
        *word_at(BACKING + n * 0x1000) = 0x1000 + n;
    map_page(3, 0x80010000, 0, BACKING | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_NG);
    /* Each address space has seen its own page: switching back and forth shows each its own, with no
     * maintenance, only after the tables were switched too. */
    set_asid(1);
    put_page(1, PAGE_NG);
    TLBIALL();
    uint32_t a = look();
    set_asid(2);
    put_page(2, PAGE_NG);
    uint32_t b = look();
    set_asid(3);
    put_page(3, PAGE_NG);
    uint32_t c = look();
    print("asids: %x %x %x\n", a, b, c);
    /* TLBIASID of another address space and of this one. */
    CP15_WRITE(0, c8, c7, 2, 3);
    put_page(4, PAGE_NG);
    print("after TLBIASID: %x\n", look());
    CP15_WRITE(0, c8, c7, 1, 0x80010000 | 3);
    put_page(5, PAGE_NG);
    CP15_WRITE(0, c8, c7, 1, 0x80010000 | 3);
    dsb();
    print("after TLBIMVA: %x\n", look());
    put_page(6, PAGE_NG);
    CP15_WRITE(0, c8, c7, 3, 0x80010000);
    dsb();
    print("after TLBIMVAA: %x\n", look());
    set_asid(1);
    print("asid 1 after TLBIMVAA: %x\n", look());
    put_page(7, PAGE_NG);
    CP15_WRITE(0, c8, c3, 2, 1);
    dsb();
    print("after TLBIASIDIS: %x\n", look());
    put_page(1, PAGE_NG);
    CP15_WRITE(0, c8, c3, 1, 0x80010001);
    dsb();
    print("after TLBIMVAIS: %x\n", look());
    put_page(2, PAGE_NG);
    CP15_WRITE(0, c8, c3, 3, 0x80010000);
    dsb();
    print("after TLBIMVAAIS: %x\n", look());
    put_page(3, PAGE_NG);
    CP15_WRITE(0, c8, c3, 0, 0);
    dsb();
    print("after TLBIALLIS: %x\n", look());
    put_page(4, PAGE_NG);
    CP15_WRITE(0, c8, c6, 1, 0x80010001);
    dsb();
    print("after DTLBIMVA: %x\n", look());
    /* Global pages: dropped by address whatever the ASID, seen by every ASID. */
    put_page(5, 0);
    TLBIALL();
    print("global: %x", look());
    set_asid(2);
    print(" %x", look());
    put_page(6, 0);
    CP15_WRITE(0, c8, c7, 1, 0x80010000 | 0x77);
    dsb();
    print(", after TLBIMVA of another asid %x", look());
    set_asid(1);
    print(" %x\n", look());
    /* Sections and large pages: any address in them drops them. */
    map_section(0x80000000, 0x60500000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL | SECTION_NG);
    *word_at(0x60510000) = 0x51;
    *word_at(0x60610000) = 0x61;
    *word_at(0x605ff000) = 0x5f;
    *word_at(0x606ff000) = 0x6f;
    print("section: %x %x", look(), *word_at(0x800ff000));
    l1_table[0x800] = 0x60600000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL | SECTION_NG;
    dsb();
    CP15_WRITE(0, c8, c7, 1, 0x80055000 | 1);
    dsb();
    print(", after TLBIMVA in it %x %x\n", look(), *word_at(0x800ff000));
    for (uint32_t n = 0; n < 16; n++)
        l1_table[0x900 + n] = 0x60000000 | SECTION | SUPERSECTION | SECTION_NORMAL | SECTION_AP_ALL;
    tlb_flush();
    print("supersection: %x", *word_at(0x905ff000));
    for (uint32_t n = 0; n < 16; n++)
        l1_table[0x900 + n] = 0x60600000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL;
    dsb();
    CP15_WRITE(0, c8, c7, 3, 0x90c00000);
    dsb();
    print(", after TLBIMVAA in it %x\n", *word_at(0x905ff000));
    set_asid(0);
}

/* Changes that need no maintenance at all: from a fault to a mapping, and rights given through DACR. */
static void no_maintenance(void)
{
    make_flat_map();
    mmu_on();
    set_state();
    before.r[0] = 0x80010000;
    l1_table[0x800] = (uint32_t)l2_table[3] | 4 << 5 | 1;
    l2_table[3][0x10] = 0;
    tlb_flush();
    *word_at(BACKING + 0x1000) = 0x1001;
    DACR_WRITE(1 | 1 << 8);
    RUN_A32(SVC, "ldr r1, [r0]");
    put_page(1, 0);
    RUN_A32(SVC, "ldr r1, [r0]");
    DACR_WRITE(1);
    RUN_A32(SVC, "ldr r1, [r0]");
    DACR_WRITE(1 | 3 << 8);
    RUN_A32(USR, "ldr r1, [r0]");
    l2_table[3][0x10] = (BACKING + 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_PRIV | SMALL_XN;
    CP15_WRITE(0, c8, c7, 1, 0x80010000);
    dsb();
    RUN_A32(USR, "ldr r1, [r0]");
    DACR_WRITE(1 | 1 << 8);
    RUN_A32(USR, "ldr r1, [r0]");
    RUN_A32(SVC, "ldr r1, [r0]");
    RUN_A32(SVC, "bx r0");
    DACR_WRITE(1 | 2 << 8); /* reserved value */
    RUN_A32(SVC, "ldr r1, [r0]");
    DACR_WRITE(1);
}

/* Tables in big-endian order with SCTLR.EE; only the walk depends on it. */
static void big_endian_tables(void)
{
    mmu_off();
    make_flat_map();
    for (uint32_t n = 0; n < 4096; n++)
        l1_other[n] = __builtin_bswap32(l1_table[n]);
    l1_other[0x800] = __builtin_bswap32(BACKING | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    *word_at(BACKING) = 0x12345678;
    CP15_WRITE(0, c2, c0, 0, (uint32_t)l1_other);
    CP15_WRITE(0, c2, c0, 2, 0);
    DACR_WRITE(1);
    tlb_flush();
    SCTLR_WRITE(SCTLR_READ() | SCTLR_M | SCTLR_EE);
    uint32_t value = *word_at(0x80000000);
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)(SCTLR_M | SCTLR_EE));
    tlb_flush();
    print("big-endian tables: %x\n", value);
}

int main(void)
{
    make_flat_map();
    mmu_on();
    sizes();
    two_tables();
    asids();
    no_maintenance();
    big_endian_tables();
    return 0;
}
