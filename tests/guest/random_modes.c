/* Random walks through the processor modes: each step is a short privileged instruction sequence on random
 * registers, through which banked registers, SPSRs and flags travel. Afterwards all banks are added up. */
#include "runtime.h"

#define BUFFER (SCRATCH + 0x40000)

static uint32_t seed = 0x2545f491, sum;

static uint32_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static uint32_t *code;

static void emit(uint32_t insn)
{
    *code++ = insn;
}

/* A register that is neither the base of what is stored (r12) nor PC. */
static uint32_t reg(void)
{
    static const uint8_t usable[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14};
    return usable[next() % sizeof usable];
}

static uint32_t mode(void)
{
    static const uint8_t modes[] = {FIQ, IRQ, SVC, ABT, UND, SYS};
    return modes[next() % sizeof modes];
}

static void load_base(void)
{
    emit(0xe300c000 | (BUFFER & 0xf000) << 4 | (BUFFER & 0xfff));           /* movw r12 */
    emit(0xe340c000 | (BUFFER >> 28 & 0xf) << 16 | (BUFFER >> 16 & 0xfff)); /* movt r12 */
}

/* r11 = a valid PSR with random flags. */
static void load_psr(void)
{
    uint32_t psr = (next() & 0xf80f0000) | 0x1c0 | mode();
    emit(0xe300b000 | (psr & 0xf000) << 4 | (psr & 0xfff));
    emit(0xe340b000 | (psr >> 28 & 0xf) << 16 | (psr >> 16 & 0xfff));
}

static bool has_spsr; /* the mode that the code generated so far ends in */

static void change_mode(void)
{
    uint32_t to = mode();
    emit(0xf1020000 | to); /* cps */
    has_spsr = to != SYS;
    load_base();
}

/* After a return to a mode that is not known here: note CPSR and go to one that is. */
static void leave_unknown_mode(void)
{
    emit(0xe10fb000);       /* mrs r11, cpsr */
    emit(0xf1020000 | SVC); /* cps */
    has_spsr = true;
    load_base();
}

static void step(void)
{
    uint32_t r = reg(), s = reg(), list = (next() & 0x67ff) | 1u << reg();
    switch (next() % 13) {
    case 0:
        change_mode();
        break;
    case 1:
        load_psr();
        if (has_spsr)
            emit(0xe168f00b | (next() & 0x70000)); /* msr spsr, r11 */
        break;
    case 2:
        if (has_spsr)
            emit(0xe14f0000 | r << 12); /* mrs r, spsr */
        break;
    case 3:
        emit(0xe10f0000 | r << 12); /* mrs r, cpsr */
        break;
    case 4:
        emit(0xe128f000 | r | (next() & 0x40000)); /* msr cpsr_f(s), r */
        break;
    case 5: /* user registers out and in */
        if (!has_spsr)
            break;
        emit(0xe8cc0000 | (list & 0x67ff)); /* stm r12, {...}^ */
        emit(0xe320f000);
        emit(0xe8dc0000 | (list & 0x6000) | 0x3f); /* ldm r12, {...}^ */
        emit(0xe320f000);
        break;
    case 6:
        emit(0xe0900000 | r << 16 | r << 12 | s); /* adds r, r, s */
        break;
    case 7:
        emit(0xe0300060 | r << 16 | s << 12 | r | (next() & 0xf80)); /* eors s, r, r, ror #n */
        break;
    case 8:                         /* the banked stack pointer and link register */
        emit(0xe1a0d000 | r);       /* mov sp, r */
        emit(0xe1a0e000 | s);       /* mov lr, s */
        emit(0xe02d000e | r << 12); /* eor r, sp, lr */
        break;
    case 9: /* rfe to the instruction behind it */
        load_psr();
        emit(0xe28fe008); /* add lr, pc, #8 */
        emit(0xe58ce000); /* str lr, [r12] */
        emit(0xe58cb004); /* str r11, [r12, #4] */
        emit(0xf89c0a00); /* rfeia r12 */
        leave_unknown_mode();
        break;
    case 11: { /* srs to the stack of another mode, which is set up for it */
        uint32_t to = mode();
        emit(0xf1020000 | to);
        load_base();
        emit(0xe28cd010); /* add sp, r12, #16 */
        emit(0xf1020000 | SVC);
        has_spsr = true;
        load_base();
        emit(0xf84d0500 | to | (next() & 0x1a00000)); /* srs, four ways, writing back or not */
        break;
    }
    case 10: /* exception return with the S bit */
        if (!has_spsr)
            break;
        load_psr();
        emit(0xe16ff00b);
        emit(0xe28fe000); /* add lr, pc, #0 */
        emit(0xe1b0f00e); /* movs pc, lr */
        leave_unknown_mode();
        break;
    default:
        emit(0xe58c0000 | r << 12 | (next() & 0x3c)); /* str r, [r12, #n] */
        emit(0xe59c0000 | s << 12 | (next() & 0x3c)); /* ldr s, [r12, #n] */
        break;
    }
}

static void add(uint32_t value)
{
    sum = (sum << 5 | sum >> 27) * 0x9e3779b1u + value;
}

static void add_all(void)
{
    for (unsigned n = 0; n < 15; n++)
        add(n < 13 ? after.r[n] : n == 13 ? after.sp : after.lr);
    add(after.cpsr);
    add(after.kind);
    for (unsigned n = 0; n < 32; n++)
        add(word_at(BUFFER)[n]);
    /* sp, lr and SPSR of every mode but those the harness uses. */
    before.r[0] = BUFFER;
    run_quietly(A32(".irp m, 0x1f, 0x11, 0x12\n"
                    "cps #\\m; str sp, [r0], #4; str lr, [r0], #4\n"
                    ".if \\m != 0x1f; mrs r1, spsr; str r1, [r0], #4; stm r0!, {r8-r12}; .endif\n"
                    ".endr; cps #0x13"),
                SVC | MASKED);
    for (unsigned n = 0; n < 18; n++)
        add(word_at(BUFFER)[n]);
}

int main(void)
{
    set_state();
    for (unsigned n = 0; n < 32; n++)
        word_at(BUFFER)[n] = next();
    for (unsigned n = 0; n < 2000; n++) {
        code = (uint32_t *)0x60500000 + (n & 15) * 512;
        uint32_t start = (uint32_t)code;
        for (unsigned k = 0; k < 13; k++)
            before.r[k] = next();
        has_spsr = true;
        load_base();
        for (unsigned k = 0; k < 20; k++)
            step();
        emit(0xef0000f0); /* svc 0xf0 */
        CP15_WRITE(0, c7, c5, 0, 0);
        dsb();
        run_quietly(start, SVC | MASKED);
        add_all();
        if (n % 125 == 124)
            print("%x\n", sum);
    }
    return 0;
}
