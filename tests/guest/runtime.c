/* The shared parts of the test programs: printing, running code until an exception, page tables, interrupts.
 */
#include "runtime.h"

State before, after;
uint32_t shown = 0x7fff;
uint32_t l1_table[4096] __attribute__((aligned(16384)));
uint32_t l1_other[4096] __attribute__((aligned(16384)));
uint32_t l2_table[4][256] __attribute__((aligned(1024)));

void *memset(void *to, int value, unsigned size);
void *memset(void *to, int value, unsigned size)
{
    for (volatile uint8_t *p = to; size--; p++)
        *p = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, unsigned size);
void *memcpy(void *to, const void *from, unsigned size)
{
    const uint8_t *in = from;
    for (volatile uint8_t *p = to; size--; p++)
        *p = *in++;
    return to;
}

/* ---- Printing
 * --------------------------------------------------------------------------------------------------- */

enum { UART = 0x10009000, UARTDR = 0, UARTFR = 0x18, UARTCR = 0x30, FR_TXFF = 1 << 5 };

static void put(char ch)
{
    while (*word_at(UART + UARTFR) & FR_TXFF)
        ;
    *word_at(UART + UARTDR) = (uint8_t)ch;
}

static void put_hex(uint32_t value, bool all_digits)
{
    bool started = all_digits;
    for (int shift = 28; shift >= 0; shift -= 4) {
        uint32_t digit = value >> shift & 15;
        started |= digit || !shift;
        if (started)
            put("0123456789abcdef"[digit]);
    }
}

static void put_decimal(int value)
{
    static const int power[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    bool started = false;
    if (value < 0)
        put('-');
    uint32_t rest = value < 0 ? -(uint32_t)value : (uint32_t)value;
    for (unsigned n = 0; n < sizeof power / sizeof *power; n++) {
        unsigned digit = 0;
        for (; rest >= (uint32_t)power[n]; rest -= (uint32_t)power[n])
            digit++;
        started |= digit || n == 9;
        if (started)
            put((char)('0' + digit));
    }
}

static void put_text(const char *text)
{
    for (; *text; text++)
        put(*text == '\t' ? ' ' : *text);
}

void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 'x':
            put_hex(va_arg(args, uint32_t), true);
            break;
        case 'w':
            put_hex(va_arg(args, uint32_t), false);
            break;
        case 'd':
            put_decimal(va_arg(args, int));
            break;
        case 's':
            put_text(va_arg(args, const char *));
            break;
        case 'c':
            put((char)va_arg(args, int));
            break;
        }
    }
    va_end(args);
}

/* ---- Running code
 * ----------------------------------------------------------------------------------------------- */

void set_state(void)
{
    for (unsigned n = 0; n < 13; n++)
        before.r[n] = SCRATCH + 0x1000 * n;
    before.sp = SCRATCH + 0xd000;
    before.lr = SCRATCH + 0xe000;
}

static const char *mode_name(uint32_t psr)
{
    switch (psr & 0x1f) {
    case USR:
        return "usr";
    case FIQ:
        return "fiq";
    case IRQ:
        return "irq";
    case SVC:
        return "svc";
    case MON:
        return "mon";
    case ABT:
        return "abt";
    case UND:
        return "und";
    case SYS:
        return "sys";
    default:
        return "???";
    }
}

void run_quietly(uint32_t code, uint32_t cpsr)
{
    before.pc = code & ~1u;
    before.cpsr = cpsr | (code & 1 ? PSR_T : 0);
    after.kind = 0;
    enter(&before);
}

/* LR of SVC mode after an SVC there is the return address, which is printed already. */
static void print_registers(void)
{
    static const char *const names[] = {"r0", "r1", "r2",  "r3",  "r4",  "r5", "r6", "r7",
                                        "r8", "r9", "r10", "r11", "r12", "sp", "lr"};
    const uint32_t *was = before.r, *is = after.r;
    for (unsigned n = 0; n < (after.kind < MONITOR_CALL ? 15 : 13); n++)
        if (shown >> n & 1 && was[n] != is[n] && !(n == 14 && is[n] == after.pc))
            print(" %s=%w", names[n], is[n]);
}

void print_result(const char *text, uint32_t code)
{
    static const char *const kinds[] = {
        "?", "und", "svc", "prefetch abort",        "data abort",        "?", "irq",        "fiq",
        "?", "?",   "smc", "prefetch abort to mon", "data abort to mon", "?", "irq to mon", "fiq to mon"};
    int offset = (int)(after.pc - (code & ~1u));
    print("%s %s: %s ", mode_name(before.cpsr), text, kinds[after.kind & 15]);
    if (offset > -4096 && offset < 4096)
        print("pc%s%d", offset < 0 ? "" : "+", offset);
    else
        print("at %x", after.pc);
    print(" spsr %x handler %x", after.cpsr, after.handler_cpsr);
    if (after.kind == DATA_ABORT || after.kind == MONITOR_DATA)
        print(" dfsr %w dfar %x", after.dfsr, after.dfar);
    if (after.kind == PREFETCH_ABORT || after.kind == MONITOR_PREFETCH) {
        print(" ifsr %w", after.ifsr & ~0xf0u);
        if ((after.ifsr & 0x40f) != 2)
            print(" ifar%s%x", after.ifar == (code & ~1u) ? "=pc+" : " ",
                  after.ifar == (code & ~1u) ? 0 : after.ifar);
    }
    print_registers();
    print("\n");
}

void run(const char *text, uint32_t code, uint32_t cpsr)
{
    run_quietly(code, cpsr);
    print_result(text, code);
}

/* ---- MMU
 * -------------------------------------------------------------------------------------------------------- */

void tlb_flush(void)
{
    __asm__ volatile("dsb\n\tmcr p15, 0, %0, c8, c7, 0\n\tmcr p15, 0, %0, c7, c5, 0\n\tdsb\n\tisb" ::"r"(0)
                     : "memory");
}

void make_flat_map(void)
{
    for (uint32_t n = 0; n < 4096; n++) {
        l1_table[n] = l1_other[n] = 0;
        if (n >= 0x600 && n < 0x700)
            l1_table[n] = n << 20 | SECTION | SECTION_NORMAL | SECTION_AP_ALL;
        if (n >= 0x100 && n < 0x200)
            l1_table[n] = n << 20 | SECTION | SECTION_B | SECTION_XN | SECTION_AP_ALL;
    }
    for (unsigned table = 0; table < 4; table++)
        for (unsigned n = 0; n < 256; n++)
            l2_table[table][n] = 0;
}

void mmu_on(void)
{
    CP15_WRITE(0, c2, c0, 0, (uint32_t)l1_table);
    CP15_WRITE(0, c2, c0, 2, 0);
    DACR_WRITE(1);
    tlb_flush();
    SCTLR_WRITE(SCTLR_READ() | SCTLR_M);
}

void mmu_off(void)
{
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_M);
    tlb_flush();
}

void map_section(uint32_t va, uint32_t descriptor)
{
    l1_table[va >> 20] = descriptor;
    tlb_flush();
}

void map_page(uint32_t table, uint32_t va, uint32_t domain, uint32_t descriptor)
{
    l1_table[va >> 20] = (uint32_t)l2_table[table] | domain << 5 | 1;
    for (unsigned n = 0; n < ((descriptor & 3) == LARGE ? 16 : 1); n++)
        l2_table[table][(va >> 12 & 0xff) + n] = descriptor;
    tlb_flush();
}

/* ---- Interrupts
 * ------------------------------------------------------------------------------------------------- */

void gic_init(void)
{
    *word_at(GIC_DIST) = 0;
    for (unsigned n = 0; n < 3; n++) {
        *word_at(GIC_DIST + 0x180 + 4 * n) = 0xffffffff;
        *word_at(GIC_DIST + 0x280 + 4 * n) = 0xffffffff;
    }
    for (unsigned n = 0; n < 24; n++)
        *word_at(GIC_DIST + 0x400 + 4 * n) = 0xa0a0a0a0;
    for (unsigned n = 8; n < 24; n++)
        *word_at(GIC_DIST + 0x800 + 4 * n) = 0x01010101;
    *word_at(GIC_DIST) = 1;
    *word_at(GIC_CPU + 4) = 0xf0;
    *word_at(GIC_CPU) = 1;
}

void gic_enable(unsigned id)
{
    *word_at(GIC_DIST + 0x100 + id / 32 * 4) = 1u << (id & 31);
}

void gic_disable(unsigned id)
{
    *word_at(GIC_DIST + 0x180 + id / 32 * 4) = 1u << (id & 31);
}

static Handler *irq_handler;
extern uint32_t resume_vectors[8];
void resume_irq(void);

/* Saves all that C may change, on the stack of SVC mode, so that handlers nest. */
__asm__(
    ".arm\n\t.balign 32\n\t.global resume_vectors\n"
    "resume_vectors:\n\tb vectors\n\tb vectors+4\n\tb vectors+8\n\tb vectors+12\n\tb vectors+16\n\tb .\n"
    "resume_irq:\n\tb 1f\n\tb vectors+28\n"
    "1:\tsub lr, lr, #4\n\tsrsdb sp!, #0x13\n\tcps #0x13\n\tpush {r0-r3, r12, lr}\n\t"
    "and r1, sp, #4\n\tsub sp, sp, r1\n\tpush {r1, r2}\n\tbl handle_irq\n\tpop {r1, r2}\n\tadd sp, sp, r1\n\t"
    "pop {r0-r3, r12, lr}\n\trfeia sp!\n\t");

void handle_irq(void);
void handle_irq(void)
{
    irq_handler();
}

void on_irq(Handler *handler)
{
    irq_handler = handler;
    CP15_WRITE(0, c12, c0, 0, handler ? (uint32_t)resume_vectors : (uint32_t)vectors);
}

/* ---- Other CPUs
 * ------------------------------------------------------------------------------------------------- */

extern void (*volatile secondary_main)(unsigned);
void _start(void);

unsigned cpu_count(void)
{
    return (*word_at(0x1e000004) & 3) + 1;
}

void start_others(void (*entry)(unsigned))
{
    secondary_main = entry;
    *word_at(0x10000034) = 0xffffffff;
    *word_at(0x10000030) = (uint32_t)_start;
    dsb();
    *word_at(GIC_DIST) = 1;
    *word_at(GIC_DIST + 0xf00) = 1 << 24;
}
