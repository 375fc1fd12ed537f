/* What User mode may not do: every privileged instruction and system register, tried there and in System
 * mode. */
#include "runtime.h"

static void both(const char *text, uint32_t code)
{
    static const uint32_t modes[] = {USR, SYS};
    print("%s:", text);
    for (unsigned n = 0; n < 2; n++) {
        set_state();
        before.r[0] = 0x000001df;
        run_quietly(code, modes[n] | MASKED);
        print(" %s %s", n ? "sys" : "usr",
              after.kind == UNDEFINED    ? "und"
              : after.kind == SUPERVISOR ? "ok"
                                         : "??");
        if (after.kind == SUPERVISOR)
            print(" %x", after.cpsr);
    }
    print("\n");
}

#define BOTH(text) both(text, A32(text))
#define BOTH_T32(text) both("t32 " text, T32(text))

static void status_registers(void)
{
    /* In User mode writes of the privileged part of CPSR are ignored, not refused. */
    BOTH("msr cpsr_c, r0");
    BOTH("mov r0, #0xf8000000; orr r0, r0, #0xf0000; msr cpsr_fs, r0");
    BOTH("mov r0, #0x13; msr cpsr_fsxc, r0");
    BOTH("orr r0, r0, #0x200; msr cpsr_x, r0; setend le");
    BOTH("mov r0, #0; msr cpsr_x, r0");
    BOTH("msr cpsr_c, #0x13");
    BOTH("cpsie aif");
    BOTH("cpsid i, #0x1f");
    BOTH("cps #0x1f");
    BOTH("setend be; setend le");
    BOTH("mrs r0, cpsr");
    BOTH("mrs r1, cpsr; tst r1, #0xf; moveq r0, #0xf0000000; movne r0, #0x50000000; msr cpsr_f, r0");
    BOTH_T32("cpsie i");
    BOTH_T32("cpsid.w if, #0x1f");
    BOTH_T32("msr cpsr_c, r0");
    BOTH_T32("setend be; setend le");
}

static void instructions(void)
{
    BOTH("smc #0");
    BOTH("sev; wfe");
    BOTH("sev; wfe; yield; nop");
    BOTH("dbg #3");
    BOTH("dmb; dsb; isb; clrex");
    BOTH("ldrt r0, [r1]");
    BOTH("mcr p15, 0, r0, c7, c5, 4");
    BOTH("mcr p15, 0, r0, c7, c10, 4");
    BOTH("mcr p15, 0, r0, c7, c10, 5");
    BOTH("mov r0, #0; vmsr fpscr, r0; vmrs r0, fpscr");
    BOTH("vmrs r0, fpexc");
    BOTH("mov r0, #0x40000000; vmsr fpexc, r0");
    BOTH("vmrs r0, fpsid");
    BOTH("vmrs r0, mvfr0");
    BOTH("vmrs r0, mvfr1");
    BOTH("vmrs apsr_nzcv, fpscr");
    BOTH("mrc p14, 0, apsr_nzcv, c0, c1, 0");
    BOTH("mrc p14, 0, r0, c0, c0, 0");
    BOTH("mrc p14, 6, r0, c0, c0, 0");
    BOTH("mrc p14, 7, r0, c0, c0, 0");
}

/* One line for each CP15 register: what reading and writing it does at both privileges. Writes put back what
 * was read. */
static char outcome(uint32_t code, uint32_t mode)
{
    set_state();
    run_quietly(code, mode | MASKED);
    return after.kind == UNDEFINED ? 'u' : after.kind == SUPERVISOR ? '+' : '?';
}

static void register_access(const char *text, uint32_t read, uint32_t write)
{
    print("%s: usr read %c write %c, sys read %c write %c\n", text, outcome(read, USR), outcome(write, USR),
          outcome(read, SYS), outcome(write, SYS));
}

#define ACCESS(name, numbers_before, numbers)                                                                \
    register_access(                                                                                         \
        name, A32("mrc p15, " numbers_before ", r0, " numbers),                                              \
        A32("mrc p15, " numbers_before ", r0, " numbers "; mcr p15, " numbers_before ", r0, " numbers))
#define WRITE_ONLY(name, numbers)                                                                            \
    register_access(name, A32("mov r0, #0x60000000; mrc p15, 0, r0, " numbers),                              \
                    A32("mov r0, #0x60000000; mcr p15, 0, r0, " numbers))

static void registers(void)
{
    ACCESS("MIDR", "0", "c0, c0, 0");
    ACCESS("CTR", "0", "c0, c0, 1");
    ACCESS("MPIDR", "0", "c0, c0, 5");
    ACCESS("ID_PFR0", "0", "c0, c1, 0");
    ACCESS("ID_ISAR5", "0", "c0, c2, 5");
    ACCESS("CCSIDR", "1", "c0, c0, 0");
    ACCESS("CLIDR", "1", "c0, c0, 1");
    ACCESS("CSSELR", "2", "c0, c0, 0");
    ACCESS("SCTLR", "0", "c1, c0, 0");
    ACCESS("ACTLR", "0", "c1, c0, 1");
    ACCESS("CPACR", "0", "c1, c0, 2");
    ACCESS("SCR", "0", "c1, c1, 0");
    ACCESS("SDER", "0", "c1, c1, 1");
    ACCESS("NSACR", "0", "c1, c1, 2");
    ACCESS("TTBR0", "0", "c2, c0, 0");
    ACCESS("TTBR1", "0", "c2, c0, 1");
    ACCESS("TTBCR", "0", "c2, c0, 2");
    ACCESS("DACR", "0", "c3, c0, 0");
    ACCESS("DFSR", "0", "c5, c0, 0");
    ACCESS("IFSR", "0", "c5, c0, 1");
    ACCESS("ADFSR", "0", "c5, c1, 0");
    ACCESS("AIFSR", "0", "c5, c1, 1");
    ACCESS("DFAR", "0", "c6, c0, 0");
    ACCESS("IFAR", "0", "c6, c0, 2");
    ACCESS("PAR", "0", "c7, c4, 0");
    WRITE_ONLY("ICIALLUIS", "c7, c1, 0");
    WRITE_ONLY("BPIALLIS", "c7, c1, 6");
    WRITE_ONLY("ICIALLU", "c7, c5, 0");
    WRITE_ONLY("ICIMVAU", "c7, c5, 1");
    WRITE_ONLY("CP15ISB", "c7, c5, 4");
    WRITE_ONLY("BPIALL", "c7, c5, 6");
    WRITE_ONLY("BPIMVA", "c7, c5, 7");
    WRITE_ONLY("DCIMVAC", "c7, c6, 1");
    WRITE_ONLY("DCISW", "c7, c6, 2");
    WRITE_ONLY("ATS1CPR", "c7, c8, 0");
    WRITE_ONLY("ATS1CUW", "c7, c8, 3");
    WRITE_ONLY("ATS12NSOPR", "c7, c8, 4");
    WRITE_ONLY("DCCMVAC", "c7, c10, 1");
    WRITE_ONLY("DCCSW", "c7, c10, 2");
    WRITE_ONLY("CP15DSB", "c7, c10, 4");
    WRITE_ONLY("CP15DMB", "c7, c10, 5");
    WRITE_ONLY("DCCMVAU", "c7, c11, 1");
    WRITE_ONLY("prefetch", "c7, c13, 1");
    WRITE_ONLY("DCCIMVAC", "c7, c14, 1");
    WRITE_ONLY("DCCISW", "c7, c14, 2");
    WRITE_ONLY("CP15WFI", "c7, c0, 4");
    WRITE_ONLY("TLBIALLIS", "c8, c3, 0");
    WRITE_ONLY("ITLBIALL", "c8, c5, 0");
    WRITE_ONLY("DTLBIMVA", "c8, c6, 1");
    WRITE_ONLY("TLBIALL", "c8, c7, 0");
    WRITE_ONLY("TLBIMVAA", "c8, c7, 3");
    ACCESS("PMCR", "0", "c9, c12, 0");
    ACCESS("PMCNTENSET", "0", "c9, c12, 1");
    ACCESS("PMCCNTR", "0", "c9, c13, 0");
    ACCESS("PMUSERENR", "0", "c9, c14, 0");
    ACCESS("PMINTENSET", "0", "c9, c14, 1");
    CP15_WRITE(0, c9, c14, 0, 1);
    ACCESS("PMCR enabled", "0", "c9, c12, 0");
    ACCESS("PMCNTENSET enabled", "0", "c9, c12, 1");
    ACCESS("PMCCNTR enabled", "0", "c9, c13, 0");
    ACCESS("PMSELR enabled", "0", "c9, c12, 5");
    ACCESS("PMUSERENR enabled", "0", "c9, c14, 0");
    ACCESS("PMINTENSET enabled", "0", "c9, c14, 1");
    CP15_WRITE(0, c9, c14, 0, 0);
    ACCESS("PRRR", "0", "c10, c2, 0");
    ACCESS("NMRR", "0", "c10, c2, 1");
    ACCESS("TLB lockdown", "0", "c10, c0, 0");
    ACCESS("VBAR", "0", "c12, c0, 0");
    ACCESS("MVBAR", "0", "c12, c0, 1");
    ACCESS("ISR", "0", "c12, c1, 0");
    ACCESS("FCSEIDR", "0", "c13, c0, 0");
    ACCESS("CONTEXTIDR", "0", "c13, c0, 1");
    ACCESS("TPIDRURW", "0", "c13, c0, 2");
    ACCESS("TPIDRURO", "0", "c13, c0, 3");
    ACCESS("power control", "0", "c15, c0, 0");
    ACCESS("diagnostic", "0", "c15, c0, 1");
    ACCESS("CBAR", "4", "c15, c0, 0");
    ACCESS("reserved c4", "0", "c4, c0, 0");
    ACCESS("generic timer", "0", "c14, c0, 0");
    ACCESS("HCR", "4", "c1, c1, 0");
}

/* Exception returns and banked accesses, where User mode has none. */
static void registers_of_modes(void)
{
    RUN_A32(USR, "mov r0, r13; mov r1, r14");
    RUN_A32(FIQ,
            "mov r8, #0x88; mov r9, #0x99; mov r10, #0xaa; mov r11, #0xbb; mov r12, #0xcc; mov r13, #0xdd");
    RUN_A32(USR, "mov r0, r8");
    set_state();
    for (unsigned n = 0; n < 5; n++)
        before.r[8 + n] = 0xf1000000 + n;
    RUN_A32(
        FIQ,
        "mov r0, r8; mov r1, r12; mov r2, r13; cps #0x1f; mov r3, r8; mov r4, r12; cps #0x11; mov r5, r9");
}

int main(void)
{
    make_flat_map();
    mmu_on();
    set_state();
    status_registers();
    instructions();
    registers();
    registers_of_modes();
    return 0;
}
