/* What the bare-metal test programs share. A program prints what it observes; compare.py compares that with
 * the text that is stored beside the program and with what QEMU prints.
 *
 * RUN() executes a few instructions in any mode until an exception ends them (SVC 0xF0 follows them) and
 * prints how they ended: which exception, its return address relative to the first instruction, SPSR, the
 * fault registers, and every general register that changed. */
#ifndef GUEST_RUNTIME_H
#define GUEST_RUNTIME_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct State {
    uint32_t r[13], sp, lr;
    uint32_t pc;   /* after: LR of the exception */
    uint32_t cpsr; /* after: SPSR of the exception */
    uint32_t kind, handler_cpsr, dfsr, dfar, ifsr, ifar, scr;
} State;

enum {
    UNDEFINED = 1,
    SUPERVISOR,
    PREFETCH_ABORT,
    DATA_ABORT,
    INTERRUPT = 6,
    FAST_INTERRUPT,
    MONITOR_CALL = 10,
    MONITOR_PREFETCH,
    MONITOR_DATA,
    MONITOR_INTERRUPT = 14,
    MONITOR_FAST
};
enum { USR = 0x10, FIQ, IRQ, SVC, MON = 0x16, ABT, UND = 0x1b, SYS = 0x1f };
enum {
    PSR_T = 0x20,
    PSR_F = 0x40,
    PSR_I = 0x80,
    PSR_A = 0x100,
    PSR_E = 0x200,
    PSR_C = 1 << 29,
    PSR_Z = 1 << 30
};
#define MASKED (PSR_A | PSR_I | PSR_F)

extern State before, after; /* `before` may be changed at will; set_state() gives it its usual contents */
extern uint32_t vectors[8], monitor_vectors[8];

extern uint32_t shown; /* registers that print_result() compares, one bit each */

void enter(const State *state);
void power_off(void);
void set_state(void);

/* Executes `code` (bit 0: Thumb) with the given CPSR and prints the result after `text`. */
void run(const char *text, uint32_t code, uint32_t cpsr);
/* The same without printing. */
void run_quietly(uint32_t code, uint32_t cpsr);
void print_result(const char *text, uint32_t code);

/* %x: 8 digits, %w: as short as possible, %d: small decimal, %s, %c. */
void print(const char *format, ...);

/* Address of instructions that lie out of line. */
#define CODE(set, bit, ...)                                                                                  \
    ({                                                                                                       \
        uint32_t code_;                                                                                      \
        __asm__ volatile(".pushsection .snippets, \"ax\"\n\t" set "\n\t.balign 32\n77:\t" __VA_ARGS__        \
                         "\n\tsvc 0xf0\n\t.ltorg\n\t.popsection\n\t.arm\n\t"                                 \
                         "movw %0, #:lower16:77b\n\tmovt %0, #:upper16:77b"                                  \
                         : "=r"(code_));                                                                     \
        code_ | (bit);                                                                                       \
    })
#define A32(...) CODE(".arm", 0u, __VA_ARGS__)
#define T32(...) CODE(".thumb", 1u, __VA_ARGS__)

#define RUN_A32(mode, text) run("a32 " text, A32(text), (mode) | MASKED)
#define RUN_T32(mode, text) run("t32 " text, T32(text), (mode) | MASKED)
#define RUN_BOTH(mode, text)                                                                                 \
    do {                                                                                                     \
        RUN_A32(mode, text);                                                                                 \
        RUN_T32(mode, text);                                                                                 \
    } while (0)

#define CP15_READ(opc1, crn, crm, opc2)                                                                      \
    ({                                                                                                       \
        uint32_t value_;                                                                                     \
        __asm__ volatile("mrc p15, " #opc1 ", %0, " #crn ", " #crm ", " #opc2 : "=r"(value_)::"memory");     \
        value_;                                                                                              \
    })
#define CP15_WRITE(opc1, crn, crm, opc2, value)                                                              \
    __asm__ volatile("mcr p15, " #opc1 ", %0, " #crn ", " #crm ", " #opc2 "\n\tisb" ::"r"(value) : "memory")

#define SCTLR_READ() CP15_READ(0, c1, c0, 0)
#define SCTLR_WRITE(v) CP15_WRITE(0, c1, c0, 0, v)
#define DACR_WRITE(v) CP15_WRITE(0, c3, c0, 0, v)
#define TLBIALL() tlb_flush()

enum {
    SCTLR_M = 1,
    SCTLR_A = 2,
    SCTLR_C = 4,
    SCTLR_SW = 1 << 10,
    SCTLR_I = 1 << 12,
    SCTLR_V = 1 << 13,
    SCTLR_EE = 1 << 25,
    SCTLR_TRE = 1 << 28,
    SCTLR_AFE = 1 << 29,
    SCTLR_TE = 1 << 30
};

static inline volatile uint32_t *word_at(uint32_t address)
{
    return (volatile uint32_t *)address;
}

static inline void dsb(void)
{
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

static inline void wfi(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

static inline void irq_on(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

static inline void irq_off(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

void tlb_flush(void);

/* ---- MMU
 * ------------------------------------------------------------------------------------------------------ */

/* First-level descriptors; or in AP, domain, and so on. */
enum {
    SECTION = 2,
    SECTION_B = 4,
    SECTION_C = 8,
    SECTION_XN = 0x10,
    SECTION_AP_NONE = 0,
    SECTION_AP_PRIV = 0x400,
    SECTION_AP_USER_RO = 0x800,
    SECTION_AP_ALL = 0xc00,
    SECTION_APX = 0x8000,
    SECTION_S = 0x10000,
    SECTION_NG = 0x20000,
    SUPERSECTION = 0x40000,
    SECTION_NS = 0x80000,
    SECTION_NORMAL = 0x1000 | SECTION_B | SECTION_C /* write-back, write-allocate */
};
/* Second level. */
enum {
    SMALL = 2,
    LARGE = 1,
    PAGE_B = 4,
    PAGE_C = 8,
    SMALL_XN = 1,
    LARGE_XN = 0x8000,
    PAGE_AP_PRIV = 0x10,
    PAGE_AP_USER_RO = 0x20,
    PAGE_AP_ALL = 0x30,
    PAGE_APX = 0x200,
    PAGE_S = 0x400,
    PAGE_NG = 0x800,
    SMALL_NORMAL = 0x40 | PAGE_B | PAGE_C
};

extern uint32_t l1_table[4096], l1_other[4096], l2_table[4][256];

/* Flat map: RAM (normal, all access) and peripherals (device, never executed), domain 0, everything else
 * unmapped; l2_table[] is not used yet. */
void make_flat_map(void);
void mmu_on(void);
void mmu_off(void);
void map_section(uint32_t va, uint32_t descriptor);
/* Makes the megabyte of va a page table; page is set in it. */
void map_page(uint32_t table, uint32_t va, uint32_t domain, uint32_t descriptor);

/* Memory that tests may use as they like. */
#define SCRATCH 0x60400000u

/* ---- Peripherals
 * ------------------------------------------------------------------------------------------------ */

#define GIC_CPU 0x1e000100u
#define GIC_DIST 0x1e001000u
#define PRIVATE_TIMER 0x1e000600u
#define GLOBAL_TIMER 0x1e000200u
#define SP804 0x10011000u

/* Distributor and this CPU's interface on, everything else disabled, priorities 0xa0. */
void gic_init(void);
void gic_enable(unsigned id);
void gic_disable(unsigned id);

/* Exceptions run `handler` instead of ending RUN(). Return addresses are the architecture's preferred ones.
 */
typedef void Handler(void);
void on_irq(Handler *handler);

/* Number of CPUs; starts the others in `entry` (number of the CPU). */
unsigned cpu_count(void);
void start_others(void (*entry)(unsigned));

#endif
