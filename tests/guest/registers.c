/* The values that identification registers show, and which bits of the others can be written. */
#include "runtime.h"

#define SHOW(name, opc1, crn, crm, opc2) print("%s %x\n", name, CP15_READ(opc1, crn, crm, opc2))

static void identification(void)
{
    SHOW("MIDR", 0, c0, c0, 0);
    SHOW("CTR", 0, c0, c0, 1);
    SHOW("TCMTR", 0, c0, c0, 2);
    SHOW("TLBTR", 0, c0, c0, 3);
    SHOW("MPIDR", 0, c0, c0, 5);
    SHOW("REVIDR", 0, c0, c0, 6);
    SHOW("ID_PFR0", 0, c0, c1, 0);
    SHOW("ID_PFR1", 0, c0, c1, 1);
    SHOW("ID_DFR0", 0, c0, c1, 2);
    SHOW("ID_AFR0", 0, c0, c1, 3);
    SHOW("ID_MMFR0", 0, c0, c1, 4);
    SHOW("ID_MMFR1", 0, c0, c1, 5);
    SHOW("ID_MMFR2", 0, c0, c1, 6);
    SHOW("ID_MMFR3", 0, c0, c1, 7);
    SHOW("ID_ISAR0", 0, c0, c2, 0);
    SHOW("ID_ISAR1", 0, c0, c2, 1);
    SHOW("ID_ISAR2", 0, c0, c2, 2);
    SHOW("ID_ISAR3", 0, c0, c2, 3);
    SHOW("ID_ISAR4", 0, c0, c2, 4);
    SHOW("ID_ISAR5", 0, c0, c2, 5);
    SHOW("reserved", 0, c0, c2, 7);
    SHOW("reserved", 0, c0, c7, 0);
    SHOW("CLIDR", 1, c0, c0, 1);
    SHOW("AIDR", 1, c0, c0, 7);
    for (uint32_t n = 0; n < 2; n++) {
        CP15_WRITE(2, c0, c0, 0, n);
        SHOW("CCSIDR", 1, c0, c0, 0);
    }
    CP15_WRITE(2, c0, c0, 0, 0);
    SHOW("SCTLR at start", 0, c1, c0, 0);
    SHOW("CBAR", 4, c15, c0, 0);
    uint32_t value;
#define SHOW_FPU(name, reg)                                                                                  \
    __asm__ volatile("vmrs %0, " reg : "=r"(value));                                                         \
    print("%s %x\n", name, value)
    SHOW_FPU("FPSID", "fpsid");
    SHOW_FPU("MVFR0", "mvfr0");
    SHOW_FPU("MVFR1", "mvfr1");
    SHOW_FPU("FPEXC", "fpexc");
    SHOW_FPU("FPSCR", "fpscr");
#define SHOW_14(name, numbers)                                                                               \
    __asm__ volatile("mrc p14, " numbers : "=r"(value));                                                     \
    print("%s %x\n", name, value)
    SHOW_14("DBGDIDR", "0, %0, c0, c0, 0");
    SHOW_14("DBGDSCR", "0, %0, c0, c1, 0");
    SHOW_14("DBGDRAR", "0, %0, c1, c0, 0");
    SHOW_14("DBGDSAR", "0, %0, c2, c0, 0");
    SHOW_14("TEECR", "6, %0, c0, c0, 0");
    SHOW_14("JIDR", "7, %0, c0, c0, 0");
    SHOW_14("JOSCR", "7, %0, c1, c0, 0");
    SHOW_14("JMCR", "7, %0, c2, c0, 0");
}

/* All ones and all zeros, where that does no harm. */
#define MASK(name, opc1, crn, crm, opc2)                                                                     \
    do {                                                                                                     \
        uint32_t old = CP15_READ(opc1, crn, crm, opc2);                                                      \
        CP15_WRITE(opc1, crn, crm, opc2, 0xffffffff);                                                        \
        uint32_t ones = CP15_READ(opc1, crn, crm, opc2);                                                     \
        CP15_WRITE(opc1, crn, crm, opc2, 0);                                                                 \
        uint32_t zeros = CP15_READ(opc1, crn, crm, opc2);                                                    \
        CP15_WRITE(opc1, crn, crm, opc2, old);                                                               \
        print("%s was %x, ones %x zeros %x\n", name, old, ones, zeros);                                      \
    } while (0)

static void masks(void)
{
    MASK("CSSELR", 2, c0, c0, 0);
    MASK("ACTLR", 0, c1, c0, 1);
    MASK("CPACR", 0, c1, c0, 2);
    MASK("SDER", 0, c1, c1, 1);
    MASK("NSACR", 0, c1, c1, 2);
    MASK("TTBR0", 0, c2, c0, 0);
    MASK("TTBR1", 0, c2, c0, 1);
    MASK("TTBCR", 0, c2, c0, 2);
    MASK("DACR", 0, c3, c0, 0);
    MASK("DFSR", 0, c5, c0, 0);
    MASK("IFSR", 0, c5, c0, 1);
    MASK("ADFSR", 0, c5, c1, 0);
    MASK("AIFSR", 0, c5, c1, 1);
    MASK("DFAR", 0, c6, c0, 0);
    MASK("IFAR", 0, c6, c0, 2);
    MASK("PAR", 0, c7, c4, 0);
    MASK("PRRR", 0, c10, c2, 0);
    MASK("NMRR", 0, c10, c2, 1);
    MASK("MVBAR", 0, c12, c0, 1);
    MASK("FCSEIDR", 0, c13, c0, 0);
    MASK("CONTEXTIDR", 0, c13, c0, 1);
    MASK("TPIDRURW", 0, c13, c0, 2);
    MASK("TPIDRURO", 0, c13, c0, 3);
    MASK("PMSELR", 0, c9, c12, 5);
    MASK("PMUSERENR", 0, c9, c14, 0);
    MASK("power control", 0, c15, c0, 0);
    /* SCTLR: nothing that would turn on the MMU, alignment checks, other vectors or endianness. */
    uint32_t old = SCTLR_READ();
    SCTLR_WRITE(0xffffffff & ~(uint32_t)(SCTLR_M | SCTLR_A | SCTLR_V | SCTLR_EE | SCTLR_TE));
    uint32_t ones = SCTLR_READ();
    SCTLR_WRITE(0);
    uint32_t zeros = SCTLR_READ();
    SCTLR_WRITE(old);
    print("SCTLR ones %x zeros %x\n", ones, zeros);
    old = CP15_READ(0, c1, c1, 0);
    CP15_WRITE(0, c1, c1, 0, 0xfffffffe & ~0xeu);
    ones = CP15_READ(0, c1, c1, 0);
    CP15_WRITE(0, c1, c1, 0, old);
    print("SCR ones but NS, IRQ, FIQ, EA %x\n", ones);
    uint32_t fpscr;
    __asm__ volatile("vmsr fpscr, %1; vmrs %0, fpscr; vmsr fpscr, %2"
                     : "=&r"(fpscr)
                     : "r"(0xffffffff), "r"(0));
    print("FPSCR ones %x\n", fpscr);
    uint32_t fpexc;
    __asm__ volatile("vmsr fpexc, %1; vmrs %0, fpexc; vmsr fpexc, %2"
                     : "=&r"(fpexc)
                     : "r"(0xffffffff), "r"(0x40000000));
    print("FPEXC ones %x\n", fpexc);
}

static void performance_monitors(void)
{
    print("PMCR %x\n", CP15_READ(0, c9, c12, 0));
    MASK("PMCNTENSET", 0, c9, c12, 1);
    CP15_WRITE(0, c9, c12, 2, 0xffffffff);
    MASK("PMINTENSET", 0, c9, c14, 1);
    CP15_WRITE(0, c9, c14, 2, 0xffffffff);
    print("cleared %x %x\n", CP15_READ(0, c9, c12, 1), CP15_READ(0, c9, c14, 1));
    CP15_WRITE(0, c9, c12, 0, 4); /* reset the cycle counter */
    uint32_t stopped = CP15_READ(0, c9, c13, 0);
    CP15_WRITE(0, c9, c12, 1, 1u << 31);
    CP15_WRITE(0, c9, c12, 0, 1);
    uint32_t a = CP15_READ(0, c9, c13, 0);
    for (volatile unsigned n = 0; n < 1000; n++)
        ;
    uint32_t b = CP15_READ(0, c9, c13, 0);
    CP15_WRITE(0, c9, c12, 0, 0);
    uint32_t c = CP15_READ(0, c9, c13, 0), d = CP15_READ(0, c9, c13, 0);
    print("cycle counter: %w, counts %s, stops %s\n", stopped, b > a ? "ok" : "wrong",
          c == d && c >= b ? "ok" : "wrong");
    CP15_WRITE(0, c9, c13, 0, 0xfffffff0);
    print("written %x\n", CP15_READ(0, c9, c13, 0));
    CP15_WRITE(0, c9, c12, 3, 0xffffffff);
    CP15_WRITE(0, c9, c12, 0, 1);
    for (volatile unsigned n = 0; n < 1000; n++)
        ;
    CP15_WRITE(0, c9, c12, 0, 0);
    print("overflow %x", CP15_READ(0, c9, c12, 3));
    CP15_WRITE(0, c9, c12, 3, 1u << 31);
    print(" %x\n", CP15_READ(0, c9, c12, 3));
    CP15_WRITE(0, c9, c12, 2, 0xffffffff);
}

/* Event counters of the Cortex-A9: software increments and exceptions. */
static void events(void)
{
    CP15_WRITE(0, c9, c12, 5, 0);
    CP15_WRITE(0, c9, c13, 1, 0);
    CP15_WRITE(0, c9, c13, 2, 0);
    CP15_WRITE(0, c9, c12, 5, 1);
    CP15_WRITE(0, c9, c13, 1, 9);
    CP15_WRITE(0, c9, c13, 2, 0);
    CP15_WRITE(0, c9, c12, 1, 3);
    CP15_WRITE(0, c9, c12, 0, 1);
    for (unsigned n = 0; n < 5; n++)
        CP15_WRITE(0, c9, c12, 4, 1);
    set_state();
    for (unsigned n = 0; n < 7; n++)
        run_quietly(A32("svc 0"), SVC | MASKED);
    CP15_WRITE(0, c9, c12, 0, 0);
    uint32_t exceptions = CP15_READ(0, c9, c13, 2);
    CP15_WRITE(0, c9, c12, 5, 0);
    print("events: software increments %d, exceptions %d\n", (int)CP15_READ(0, c9, c13, 2), (int)exceptions);
    CP15_WRITE(0, c9, c12, 2, 0xffffffff);
}

int main(void)
{
    identification();
    masks();
    performance_monitors();
    events();
    return 0;
}
