/* The state of one Cortex-A9 and what the rest of the machine may do with it. */
#ifndef ARMATURE_CPU_CPU_H
#define ARMATURE_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/watchpoints.h"
#include "machine/bus.h"
#include "machine/clock.h"
#include "machine/irq.h"
#include "machine/log.h"
#include "mmu/mmu.h"

typedef enum CpuMode {
    MODE_USR = 0x10,
    MODE_FIQ = 0x11,
    MODE_IRQ = 0x12,
    MODE_SVC = 0x13,
    MODE_MON = 0x16,
    MODE_ABT = 0x17,
    MODE_UND = 0x1b,
    MODE_SYS = 0x1f
} CpuMode;

/* Banks of r13, r14 and SPSR. */
typedef enum CpuBank { BANK_USR, BANK_FIQ, BANK_IRQ, BANK_SVC, BANK_ABT, BANK_UND, BANK_MON, BANKS } CpuBank;

enum {
    PSR_N = 1u << 31,
    PSR_Z = 1 << 30,
    PSR_C = 1 << 29,
    PSR_V = 1 << 28,
    PSR_Q = 1 << 27,
    PSR_J = 1 << 24,
    PSR_GE = 0xf << 16,
    PSR_E = 1 << 9,
    PSR_A = 1 << 8,
    PSR_I = 1 << 7,
    PSR_F = 1 << 6,
    PSR_T = 1 << 5,
    PSR_MODE = 0x1f,
    PSR_IT = 0x0600fc00
};

typedef enum Exception {
    EXC_RESET,
    EXC_UNDEFINED,
    EXC_SVC,
    EXC_SMC,
    EXC_PREFETCH_ABORT,
    EXC_DATA_ABORT,
    EXC_IRQ,
    EXC_FIQ,
    EXC_COUNT
} Exception;

/* Why the engine must look up before the next block (cpu->attention). */
enum {
    ATTN_IRQ = 1,      /* the IRQ input is high */
    ATTN_FIQ = 2,      /* the FIQ input is high */
    ATTN_HALTED = 4,   /* in WFI or WFE */
    ATTN_STOP = 8,     /* the machine wants control (request, event became due sooner) */
    ATTN_RESET = 16,   /* held in reset */
    ATTN_VIRTUAL = 32, /* a virtual interrupt or abort is pending (VIR), for Non-secure state */
    ATTN_INPUT =
        64 /* a semihosting call waits for a character: its instruction is at pc and executes again */
};

/* Set while an instruction executes, to end the block after it (cpu->leave). */
enum {
    LEAVE_PC = 1,    /* cpu->pc was written: a branch or an exception */
    LEAVE_FAULT = 2, /* the instruction took an abort: it must change nothing more */
    LEAVE_CHECK = 4 /* state changed (attention, mode, code): go on at the next instruction, but look first */
};

struct Insn;
struct Block;
struct CodeCache;

/* CP15 registers with one copy per security state (DDI 0406C B3.15.3). Index: 0 Secure, 1 Non-secure. */
typedef struct Cp15Banked {
    uint32_t csselr, sctlr, actlr_unused, ttbr0, ttbr1, ttbcr, dacr, dfsr, ifsr, adfsr, aifsr, dfar, ifar,
        par, prrr, nmrr, vbar, fcseidr, contextidr, tpidrurw, tpidruro, tpidrprw;
} Cp15Banked;

/* A fault that was taken (undefined instruction, abort), for those who explain where a guest went. */
typedef struct ExceptionRecord {
    uint64_t icount;   /* when it was taken, the last time */
    uint64_t times;    /* how often in a row from the same instruction */
    uint32_t pc;       /* of the instruction */
    uint32_t cpsr;     /* before */
    uint32_t vector;   /* where it went, unless to Monitor mode */
    uint32_t fsr, far; /* aborts */
    uint32_t raw;      /* the instruction's bits, if has_insn */
    uint8_t kind;      /* Exception */
    bool has_insn;
} ExceptionRecord;

enum { EXCEPTION_RECORDS = 8 };

enum { PMU_COUNTERS = 6, JIT_CONSTANTS = 64 };

typedef struct Pmu {
    uint32_t pmcr, pmcnten, pmovsr, pmselr, pmuserenr, pminten;
    uint32_t evtyper[PMU_COUNTERS];
    uint32_t count[PMU_COUNTERS]; /* value when base was taken */
    uint64_t base[PMU_COUNTERS];  /* event total when count was taken */
    uint32_t ccnt;
    uint64_t ccnt_base;
} Pmu;

typedef struct Cp15 {
    Cp15Banked bank[2];
    uint32_t actlr, cpacr, scr, sder, nsacr, mvbar, diagnostic, power_control, config_base;
    uint32_t virtualization_control, virtualization_interrupt, tlb_lockdown, lockdown_va, lockdown_pa,
        lockdown_attributes, plecr[8];
    Pmu pmu;
    uint32_t teecr, teehbr;   /* CP14 */
    uint32_t dbgdscr, dbgvcr; /* CP14 debug, as far as software probes it */
} Cp15;

typedef struct Cpu {
    /* Hot state first. r[15] holds, while an instruction executes, what reading PC gives it. */
    uint32_t r[16];
    uint32_t nf;             /* N is bit 31 */
    uint32_t zf;             /* Z is set if this is 0 */
    uint32_t cf;             /* 0 or 1 */
    uint32_t vf;             /* 0 or 1 */
    uint32_t pc;             /* address of the next instruction, between blocks */
    uint32_t page_va;        /* va of the page of the block that runs */
    uint8_t leave;           /* LEAVE_* */
    uint8_t attention;       /* ATTN_* */
    uint8_t thumb;           /* CPSR.T */
    uint8_t itstate;         /* CPSR.IT, between blocks */
    const struct Insn *insn; /* the instruction that executes, NULL between blocks */
    const struct Insn *block_start;
    TlbTable *tlb; /* for the current address space and privilege */
    FastTlb *fast; /* the same for compiled code, and where it jumps */
    JumpEntry *jumps;
    int64_t jit_budget; /* instructions that compiled code may begin, while it does not run */
    uint64_t jit_end;   /* icount when the budget is used up */
    uint8_t world; /* privilege (bit 0), security state (bit 1: Secure) and SCR.NS (bit 2: Monitor mode's CP15
                      bank), kept by mmu_select() */
    /* Loads and stores of Normal memory may be unaligned, and nobody counts those that are: kept by
     * mmu_select(). */
    uint8_t unaligned;
    bool counts_refills; /* a counter of the PMU counts TLB refills: only the interpreter makes the same ones
                          */
    uint32_t stamp[STAMPS]; /* see mmu_jump_stamp() */
    uint32_t jit_target;    /* where compiled code wanted to go */
    uint32_t jit_exit;      /* what it returns if that is not known */
    uint64_t jit_second;    /* jumps found in the second part of `jumps`, for statistics */
    uint64_t icount;        /* instructions begun before block_start (exact between blocks) */
    uint64_t icount_limit;  /* the engine returns when icount reaches it */

    uint8_t mode;          /* CpuMode */
    uint8_t ge;            /* CPSR.GE, 4 bits */
    bool q, e, a, i, f, j; /* CPSR bits */
    bool secure;           /* !SCR.NS or Monitor mode */
    bool halted_for_event; /* ATTN_HALTED by WFE rather than WFI */
    bool event;            /* the Event Register */
    /* RAM, for exclusive accesses of compiled code: size 0 sends them to mmu_load_exclusive() and its fellow.
     */
    uint64_t ram_host, ram_size, ram_base;
    bool exclusive_valid;
    uint8_t exclusive_size; /* follows exclusive_valid: compiled code looks at both at once */
    uint32_t exclusive_pa;  /* aligned to exclusive_size */

    uint32_t bank_r13[BANKS], bank_r14[BANKS], spsr[BANKS];
    uint32_t usr_r8_12[5], fiq_r8_12[5]; /* the set that is not current is valid */

    /* VFP and Advanced SIMD: D0-D31; S and Q registers are views (little-endian host). */
    union {
        uint64_t d[32];
        uint32_t s[64];
        uint16_t h[128];
        uint8_t b[256];
    } v __attribute__((aligned(16)));
    uint32_t fpscr, fpexc;
    uint8_t fp_access; /* FP_ACCESS_*: follows from CPACR, NSACR, FPEXC, FPSCR, mode and security state */

    /* Compiled code: FP_HOST_*; 0 when fp_access changes, and outside of it. */
    uint8_t fp_host;
    uint32_t jit_mxcsr[2]; /* as floating-point code begins; working memory */
    uint64_t jit_const[JIT_CONSTANTS][2] __attribute__((aligned(16))); /* vectors that it uses */
    uint64_t jit_spill[16], jit_save[16];                              /* working memory of compiled code */

    Cp15 cp15;

    unsigned number; /* 0 to 3: MPIDR.CPU ID */
    unsigned cpus;   /* in the cluster */
    char name[8];    /* "cpu0" */
    Mmu *mmu;
    Bus *bus;
    Clock *clock;
    Log *log;
    struct CodeCache *code;
    struct Jit *jit;         /* NULL: interpreter only */
    struct StoreLog *stores; /* NULL, or where stores are noted, see store_log.h */
    /* The breakpoint that it stopped at the last time: it goes on from there. UINT64_MAX: none. */
    uint64_t stop_icount;
    uint32_t stop_pc;
    bool stopped;                   /* the engine returned for that; cleared by whoever lets it run */
    const Watchpoints *watchpoints; /* the machine's; NULL: there are none */
    WatchHit watch_hit;             /* why it stopped; cleared with `stopped` */
    IrqLine pmu_irq;
    struct Cpu *const *peers;            /* all CPUs of the machine, [cpus] */
    void (*send_event)(struct Cpu *cpu); /* SEV: set by the machine */
    /* Semihosting, NULL: off. Does the call that r0 and r1 describe. False: it has to wait for input. */
    bool (*semihost)(struct Cpu *cpu);
    void *semihost_opaque;
    uint64_t exceptions[EXC_COUNT]; /* counters */
    /* The last faults in a ring; the newest is at (recent_count - 1) % EXCEPTION_RECORDS. */
    ExceptionRecord recent[EXCEPTION_RECORDS];
    uint64_t recent_count;
} Cpu;

Cpu *cpu_new(unsigned number, unsigned cpus, Bus *bus, Clock *clock, Log *log);
void cpu_free(Cpu *cpu);

/* Power-on reset: Secure SVC mode, interrupts masked, pc at the reset vector (0). */
void cpu_reset(Cpu *cpu);

/* ---- Snapshots, between instructions (state.c) ---- */

/* Gives state that has several representations the one that a snapshot has; changes nothing that can be seen.
 */
void cpu_settle(Cpu *cpu);

/* What of a CPU's saved state cannot be, NULL if all of it can. */
const char *cpu_problem(const Cpu *cpu);

/* The saved state was set: everything that follows from it is brought up to date, all caches are emptied. */
void cpu_loaded(Cpu *cpu);

/* Interrupt inputs (level). opaque of the IrqLine is the Cpu, input is EXC_IRQ or EXC_FIQ. */
void cpu_interrupt_changed(void *cpu, unsigned input, bool level);

/* Instructions begun so far, exact also while an instruction executes (it is not counted yet). */
uint64_t cpu_icount(const Cpu *cpu);

/* Address of the instruction that executes, or of the next one between blocks. */
uint32_t cpu_insn_address(const Cpu *cpu);

/* ---- PSRs and modes (cpu.c) ------------------------------------------------------------------------- */

uint32_t cpsr_read(const Cpu *cpu); /* ITSTATE is that of the executing instruction */
/* Writes the bits in mask without any checks, switching banks when the mode changes (an illegal mode value is
 * ignored and logged). Selects the TLB table; sets LEAVE_CHECK. */
void cpsr_write(Cpu *cpu, uint32_t value, uint32_t mask);
uint32_t spsr_read(const Cpu *cpu); /* UNKNOWN (0) in User and System mode */
void spsr_write(Cpu *cpu, uint32_t value, uint32_t mask);
/* CPSRWriteByInstr and SPSRWriteByInstr of the manual (B1.3.3): byte mask in bits 3:0. */
void cpsr_write_by_instr(Cpu *cpu, uint32_t value, unsigned bytemask, bool is_exception_return);
void spsr_write_by_instr(Cpu *cpu, uint32_t value, unsigned bytemask);
void cpu_switch_mode(Cpu *cpu, CpuMode mode);
bool cpu_mode_valid(const Cpu *cpu, uint32_t mode); /* in the current security state */
CpuBank cpu_bank_of(uint32_t mode);
/* Registers of another mode: r0 to r14 (LDM/STM user registers, SRS, MRS banked views). */
uint32_t cpu_reg_of_mode(const Cpu *cpu, unsigned reg, CpuMode mode);
void cpu_set_reg_of_mode(Cpu *cpu, unsigned reg, CpuMode mode, uint32_t value);

static inline bool cpu_privileged(const Cpu *cpu)
{
    return cpu->mode != MODE_USR;
}

static inline Cp15Banked *cp15_bank(Cpu *cpu)
{
    return &cpu->cp15.bank[!cpu->secure];
}

/* ---- Exceptions (exception.c) ----------------------------------------------------------------------- */

/* "data abort", "IRQ" ... */
const char *exception_name(Exception exc);

/* Takes the exception for the executing instruction, with the return address the manual gives (B1.8.3): sets
 * SPSR, LR, mode, masks, T, E, J, IT, pc and LEAVE_PC | LEAVE_FAULT. */
void exception_undefined(Cpu *cpu);
void exception_svc(Cpu *cpu);
void exception_smc(Cpu *cpu);
void exception_data_abort(Cpu *cpu, const Fault *fault);
/* Between blocks, or for BKPT from the executing instruction: cpu_insn_address() is the faulting address. */
void exception_prefetch_abort(Cpu *cpu, const Fault *fault);
void exception_interrupt(Cpu *cpu, Exception irq_or_fiq);
/* The executing instruction is a trap of semihosting, which is on. */
void cpu_semihost(Cpu *cpu);
/* Between blocks: takes a pending, unmasked interrupt if there is one (FIQ first); true if so. */
bool exception_take_pending(Cpu *cpu);

/* ---- Coprocessors (cp15.c) -------------------------------------------------------------------------- */

/* MCR/MRC/MCRR/MRRC to CP14 and CP15. coproc 14 or 15. They take Undefined Instruction themselves where
 * access is not allowed; the caller checks faulted(). Writes set LEAVE_CHECK where the engine must look. */
uint32_t cp_read(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2);
void cp_write(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2,
              uint32_t value);
uint64_t cp_read64(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crm);
void cp_write64(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crm, uint64_t value);
void cp15_reset(Cpu *cpu);
/* True if all that reading the register (coproc 15) does, as long as the CPU stays in its world, is to load
 * the word at *offset of the CPU. */
bool cp15_plain_read(Cpu *cpu, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t *offset);
/* Performance counters: an event (manual's number) happened n times; only rare events are reported this way.
 */
void pmu_event(Cpu *cpu, unsigned event, uint32_t n);
enum { PMU_ITLB_REFILL = 0x02, PMU_DTLB_REFILL = 0x05, PMU_UNALIGNED = 0x0f };
/* Instruction count at which a counter will overflow and interrupt (UINT64_MAX: none will). The engine's
 * caller does not set icount_limit beyond it, and calls pmu_check() when the engine returned. */
uint64_t pmu_next_overflow(const Cpu *cpu);
void pmu_check(Cpu *cpu);
void pmu_settle(Cpu *cpu); /* see cpu_settle() */

/* ---- VFP access (fpu.c) ----------------------------------------------------------------------------- */

enum {
    FP_ACCESS_VFP = 1, /* VFP instructions execute, with all registers */
    FP_ACCESS_SCALAR =
        2,              /* so do the data-processing ones that could work on short vectors: FPSCR.Len is 0 */
    FP_ACCESS_SIMD = 4, /* Advanced SIMD instructions execute */
    FP_ACCESS_HOST =
        8 /* FP_ACCESS_SCALAR, and FPSCR asks for what the host does too, but for NaNs: RMode, FZ are 0 */
};

/* What compiled code may rely on (cpu->fp_host). */
enum {
    FP_HOST_FLAGS = 1, /* the host's sticky exception flags are the guest's, not in FPSCR yet */
    FP_HOST_VFP = 2    /* besides, FP_ACCESS_HOST */
};

/* Recomputes fp_access. To be called after CPACR, NSACR, SCR, the mode, FPEXC or FPSCR changed otherwise than
 * by fpu_write_register() (reset, loading a snapshot, exceptions, CPS ...). */
void fpu_update_access(Cpu *cpu);
/* True if VFP/NEON instructions may execute now (CPACR, NSACR, FPEXC.EN); otherwise takes Undefined
 * Instruction. needs_simd: Advanced SIMD (CPACR.ASEDIS); ignore_enable: VMRS/VMSR of FPEXC, FPSID, MVFRx in
 * privileged modes. */
bool fpu_access(Cpu *cpu, bool needs_simd, bool ignore_enable);
/* Slow path of VFP instructions, when a bit of `need` (FP_ACCESS_*) is not set: the same decision for one
 * that uses the D registers whose numbers, or-ed together, are d_registers. */
bool fpu_access_vfp(Cpu *cpu, unsigned need, unsigned d_registers);
/* VMRS and VMSR, with all checks: they take Undefined Instruction themselves (the caller checks faulted()).
 * reg is the manual's number: 0 FPSID, 1 FPSCR, 6 MVFR1, 7 MVFR0, 8 FPEXC. */
uint32_t fpu_read_register(Cpu *cpu, unsigned reg);
void fpu_write_register(Cpu *cpu, unsigned reg, uint32_t value);

static inline bool fpu_simd_enabled(Cpu *cpu)
{
    return __builtin_expect(cpu->fp_access & FP_ACCESS_SIMD, 1) || fpu_access(cpu, true, false);
}

/* ---- Engine (interp.c) ------------------------------------------------------------------------------ */

/* Runs until icount reaches icount_limit, attention demands the machine (ATTN_STOP, halted), or a breakpoint
 * is reached (stopped). */
void interp_run(Cpu *cpu);
/* The same after engine_attend() let the CPU go on: what is pending is not looked at again before the next
 * instruction, as an interrupt that its own entry does not mask would be taken twice. */
void interp_go_on(Cpu *cpu);

/* Stops the CPU, and returns true, if its next instruction is at a breakpoint that it has not stopped at now.
 */
bool cpu_stops(Cpu *cpu);

/* Why all decoded code is dropped. */
typedef enum CodeFlush {
    FLUSH_FULL,        /* no more room for blocks */
    FLUSH_HOST_CODE,   /* no more room for compiled code */
    FLUSH_RESET,       /* the machine was reset */
    FLUSH_MAP,         /* the memory map changed */
    FLUSH_BREAKPOINTS, /* breakpoints changed */
    FLUSH_REASONS
} CodeFlush;

struct CodeCache *code_cache_new(unsigned cpus, Cpu *const *peers);
void code_cache_free(struct CodeCache *cache);
/* Physical memory [pa, pa+size) is about to be or was just written: decoded code in it is dropped. */
void code_cache_written(struct CodeCache *cache, uint32_t pa, uint32_t size);
/* True if the page of pa holds decoded code, so that stores to it must be reported. */
bool code_cache_has_code(const struct CodeCache *cache, uint32_t pa);
void code_cache_flush(struct CodeCache *cache, CodeFlush reason);

#endif
