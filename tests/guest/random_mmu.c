/* Random translation tables and control registers; loads, stores and fetches at both privileges through them.
 * What comes out is added up and printed every 64 rounds. */
#include "runtime.h"

#define BACKING 0x60500000u
#define WINDOW 0x80000000u

static uint32_t seed = 0x12345678, sum;

static uint32_t random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void add(uint32_t value)
{
    sum = (sum << 5 | sum >> 27) * 0x9e3779b1u + value;
}

/* The megabyte at WINDOW: a section, supersection, page table or nothing; the output is always in BACKING's
 * megabyte. */
static void make_tables(void)
{
    uint32_t kind = random() & 7, domain = (random() & 3) << 5, bits = random();
    uint32_t first;
    if (kind == 0) {
        first = random() & ~3u;
    } else if (kind <= 3) {
        /* TEX, C, B, S, nG, XN, AP at random: normal memory and others */
        first = BACKING | SECTION | (bits & 0x3fc1cu & ~0x7000u) | domain | SECTION_NORMAL;
    } else {
        first = (uint32_t)l2_table[0] | 1 | domain;
        for (unsigned n = 0; n < 256; n++) {
            uint32_t d = random();
            uint32_t page = BACKING | n << 12;
            switch (d >> 28) {
            case 0:
                l2_table[0][n] = d & ~3u;
                break;
            default:
                l2_table[0][n] = page | SMALL | SMALL_NORMAL | (d & 0xe31);
                break;
            }
        }
        for (unsigned n = 0; n < 256; n += 16)
            if (random() & 1) {
                uint32_t large = BACKING | n << 12 | LARGE | 0x1000 | PAGE_B | PAGE_C | (random() & 0x8e30);
                for (unsigned k = 0; k < 16; k++)
                    l2_table[0][n + k] = large;
            }
    }
    l1_table[WINDOW >> 20] = first;
}

static void try(uint32_t code, uint32_t va, uint32_t mode)
{
    before.r[1] = va;
    before.r[0] = 0x5a5a5a5a;
    run_quietly(code, mode | MASKED);
    add(after.kind);
    if (after.kind == DATA_ABORT) {
        add(after.dfsr & 0xf);
        add(after.dfsr & 0x800);
        add(after.dfar);
        if ((after.dfsr & 0xf) != 5)
            add(after.dfsr & 0xf0);
    } else if (after.kind == PREFETCH_ABORT) {
        add(after.ifsr & 0xf);
        add(after.ifar);
    } else {
        add(after.r[0]);
    }
    add(after.cpsr);
    add(after.r[1]);
}

static void round(bool access_flag)
{
    static uint32_t load, store, byte, multiple, jump, unprivileged;
    load = A32("ldr r0, [r1]");
    store = A32("str r0, [r1]");
    byte = A32("strb r0, [r1], #1");
    multiple = A32("ldm r1!, {r0}");
    jump = A32("bx r1");
    unprivileged = A32("ldrt r0, [r1], #4");
    make_tables();
    /* Domain 0 stays the program's own. QEMU looks at domains before the access flag: with it all are
     * clients. */
    uint32_t dacr = random();
    for (unsigned n = 0; n < 16; n++)
        if ((dacr >> 2 * n & 3) == 2)
            dacr ^= 3u << 2 * n;
    if (access_flag)
        dacr = 0x55555555;
    /* Nor has a page table a domain without access: QEMU looks at that before the second level is read. */
    uint32_t first = l1_table[WINDOW >> 20];
    if ((first & 3) == 1 && !(dacr >> (first >> 4 & 0x1e) & 3))
        dacr |= 1u << (first >> 4 & 0x1e);
    DACR_WRITE((dacr & ~3u) | 1);
    tlb_flush();
    for (unsigned n = 0; n < 24; n++) {
        uint32_t at = WINDOW | (random() & 0xffffc);
        uint32_t pa = BACKING | (at & 0xfffff);
        *word_at(pa) = 0xef0000f0;
        uint32_t mode = random() & 1 ? USR : SVC, what = random() % 6;
        uint32_t code = what == 0   ? load
                        : what == 1 ? store
                        : what == 2 ? byte
                        : what == 3 ? multiple
                        : what == 4 ? jump
                                    : unprivileged;
        /* QEMU looks at XN before the access flag. */
        if (what == 4 && (access_flag || pa >= 0x605ffff0))
            continue;
        try(code, at, mode);
        add(*word_at(pa));
        if (n % 8 == 7) {
            /* The other privilege at the same place, then PAR. */
            try(load, at, USR ^ SVC ^ mode);
            CP15_WRITE(0, c7, c8, 0, at);
            uint32_t par = CP15_READ(0, c7, c4, 0);
            add(par & 1 ? par & 0x1f : par & 0xfffff000);
            CP15_WRITE(0, c7, c8, 3, at);
            par = CP15_READ(0, c7, c4, 0);
            add(par & 1 ? par & 0x1f : par & 0xfffff000);
        }
    }
}

int main(void)
{
    make_flat_map();
    mmu_on();
    set_state();
    for (unsigned n = 0; n < 1024; n++) {
        bool access_flag = n >> 8 & 1;
        SCTLR_WRITE(access_flag ? SCTLR_READ() | SCTLR_AFE : SCTLR_READ() & ~(uint32_t)SCTLR_AFE);
        round(access_flag);
        if (n % 64 == 63)
            print("%x\n", sum);
    }
    return 0;
}
