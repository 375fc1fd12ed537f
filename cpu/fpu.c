/* The system side of VFP and Advanced SIMD on the Cortex-A9 (DDI 0409, DDI 0406C B1.11): who may use it, and
 * its special registers.
 *
 * The A9 does not trap floating-point exceptions (FPSCR 15:8 read as zero) and has no short vectors: with
 * FPSCR.Len not 0 the instructions that could work on them are UNDEFINED and leave FPEXC.DEX set for the
 * support code. The Stride field is kept and otherwise ignored. */
#include "cpu/cpu.h"
#include "cpu/fp.h"

enum {
    CPACR_ASEDIS = 1u << 31,
    CPACR_D32DIS = 1 << 30,
    NSACR_CP10 = 1 << 10,
    NSACR_NSASEDIS = 1 << 15,
    NSACR_NSD32DIS = 1 << 14,
    FPEXC_EN = 1 << 30,
    FPEXC_DEX = 1 << 29
};

enum { REG_FPSID = 0, REG_FPSCR = 1, REG_MVFR1 = 6, REG_MVFR0 = 7, REG_FPEXC = 8 };

#define FPSCR_WRITABLE 0xfff7009fu
#define FPEXC_WRITABLE (FPEXC_EN | FPEXC_DEX)

/* Non-secure reads of CPACR see ASEDIS and D32DIS as set if NSACR says so, and that is what counts there. */
static uint32_t effective_cpacr(const Cpu *cpu)
{
    uint32_t cpacr = cpu->cp15.cpacr, nsacr = cpu->cp15.nsacr;
    if (cpu->secure)
        return cpacr;
    return cpacr | (nsacr & NSACR_NSASEDIS ? CPACR_ASEDIS : 0) | (nsacr & NSACR_NSD32DIS ? CPACR_D32DIS : 0);
}

/* Coprocessors 10 and 11 as the program may use them; that they differ is UNPREDICTABLE: 10 counts. */
static bool coprocessor_access(const Cpu *cpu)
{
    if (!cpu->secure && !(cpu->cp15.nsacr & NSACR_CP10))
        return false;
    switch (cpu->cp15.cpacr >> 20 & 3) {
    case 1:
        return cpu_privileged(cpu);
    case 3:
        return true;
    default:
        return false;
    }
}

static bool enabled(const Cpu *cpu)
{
    return coprocessor_access(cpu) && (cpu->fpexc & FPEXC_EN);
}

/* VFP as FPSCR has it set. */
static uint8_t vfp_access(const Cpu *cpu)
{
    if (cpu->fpscr & FPSCR_LEN)
        return FP_ACCESS_VFP;
    bool as_host = !(cpu->fpscr & (FPSCR_FZ | FPSCR_RMODE));
    return FP_ACCESS_VFP | FP_ACCESS_SCALAR | (as_host ? FP_ACCESS_HOST : 0);
}

static uint8_t access_now(const Cpu *cpu)
{
    if (!enabled(cpu))
        return 0;
    uint32_t cpacr = effective_cpacr(cpu);
    uint8_t simd = cpacr & CPACR_ASEDIS ? 0 : FP_ACCESS_SIMD;
    return cpacr & CPACR_D32DIS ? simd : simd | vfp_access(cpu);
}

void fpu_update_access(Cpu *cpu)
{
    uint8_t access = access_now(cpu);
    if (access != cpu->fp_access)
        cpu->fp_host = 0;
    cpu->fp_access = access;
}

static bool refuse(Cpu *cpu, bool vector)
{
    cpu->fpexc = (cpu->fpexc & ~(uint32_t)FPEXC_DEX) | (vector ? FPEXC_DEX : 0);
    exception_undefined(cpu);
    return false;
}

bool fpu_access(Cpu *cpu, bool needs_simd, bool ignore_enable)
{
    fpu_update_access(cpu);
    bool allowed = ignore_enable ? coprocessor_access(cpu) && cpu_privileged(cpu)
                   : needs_simd  ? cpu->fp_access & FP_ACCESS_SIMD
                                 : enabled(cpu);
    return allowed || refuse(cpu, false);
}

bool fpu_access_vfp(Cpu *cpu, unsigned need, unsigned d_registers)
{
    fpu_update_access(cpu);
    if ((cpu->fp_access & need) == need)
        return true;
    bool registers = d_registers < 16 || !(effective_cpacr(cpu) & CPACR_D32DIS);
    if (!enabled(cpu) || !registers)
        return refuse(cpu, false);
    if ((need & FP_ACCESS_SCALAR) && (cpu->fpscr & FPSCR_LEN))
        return refuse(cpu, true);
    return true;
}

uint32_t fpu_read_register(Cpu *cpu, unsigned reg)
{
    if (!fpu_access(cpu, false, reg != REG_FPSCR))
        return 0;
    switch (reg) {
    case REG_FPSID:
        return 0x41033090;
    case REG_FPSCR:
        return cpu->fpscr;
    case REG_MVFR1:
        return 0x01111111;
    case REG_MVFR0:
        return 0x10110222;
    case REG_FPEXC:
        return cpu->fpexc;
    default:
        exception_undefined(cpu);
        return 0;
    }
}

void fpu_write_register(Cpu *cpu, unsigned reg, uint32_t value)
{
    if (!fpu_access(cpu, false, reg != REG_FPSCR))
        return;
    switch (reg) {
    case REG_FPSCR:
        cpu->fpscr = value & FPSCR_WRITABLE;
        break;
    case REG_FPEXC:
        cpu->fpexc = value & FPEXC_WRITABLE;
        break;
    case REG_FPSID: /* read-only: writes are ignored */
    case REG_MVFR1:
    case REG_MVFR0:
        return;
    default:
        exception_undefined(cpu);
        return;
    }
    fpu_update_access(cpu);
}
