/* Memory attributes, as PAR reports them, of every combination of TEX, C, B and S in pages and sections, with
 * and without TEX remap. */
#include "runtime.h"

#define BACKING 0x60500000u

static uint32_t par_of(uint32_t va)
{
    CP15_WRITE(0, c7, c8, 0, va);
    return CP15_READ(0, c7, c4, 0);
}

static uint32_t page_par(uint32_t tex, uint32_t c, uint32_t b, uint32_t s)
{
    map_page(0, 0x80000000, 0, BACKING | SMALL | PAGE_AP_ALL | b << 2 | c << 3 | tex << 6 | s << 10);
    map_page(0, 0x80010000, 0, BACKING | LARGE | PAGE_AP_ALL | b << 2 | c << 3 | tex << 12 | s << 10);
    map_section(0x80100000, BACKING | SECTION | SECTION_AP_ALL | b << 2 | c << 3 | tex << 12 | s << 16);
    uint32_t small = par_of(0x80000000), large = par_of(0x80010000), section = par_of(0x80100000);
    return small == large && small == section ? small & 0xfff : 0xffffffff;
}

static void all(const char *text)
{
    for (uint32_t n = 0; n < 16; n++) {
        print("%s TEX %d S %d:", text, (int)(n >> 1), (int)(n & 1));
        for (uint32_t cb = 0; cb < 4; cb++)
            print(" %w", page_par(n >> 1, cb >> 1, cb & 1, n & 1));
        print("\n");
    }
}

int main(void)
{
    make_flat_map();
    mmu_on();
    all("plain");
    print("PRRR %x NMRR %x\n", CP15_READ(0, c10, c2, 0), CP15_READ(0, c10, c2, 1));
    SCTLR_WRITE(SCTLR_READ() | SCTLR_TRE);
    all("remap, as after reset");
    CP15_WRITE(0, c10, c2, 0, 0xaa0da8a4); /* devices are shareable where S is 0; NOS of the odd ones */
    CP15_WRITE(0, c10, c2, 1, 0x44e048d2);
    all("remap");
    return 0;
}
