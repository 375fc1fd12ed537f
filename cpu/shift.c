/* Shifts by an amount from a register (Shift_C of the manual with any amount). */
#include "cpu/exec.h"

static ShiftOut lsl(V x, unsigned n)
{
    if (n < 32)
        return (ShiftOut){x << n, x >> (32 - n) & 1};
    return (ShiftOut){0, n == 32 ? x & 1 : 0};
}

static ShiftOut lsr(V x, unsigned n)
{
    if (n < 32)
        return (ShiftOut){x >> n, x >> (n - 1) & 1};
    return (ShiftOut){0, n == 32 ? x >> 31 : 0};
}

static ShiftOut asr(V x, unsigned n)
{
    if (n < 32)
        return (ShiftOut){(V)((int32_t)x >> n), x >> (n - 1) & 1};
    return (ShiftOut){(V)((int32_t)x >> 31), x >> 31};
}

static ShiftOut ror(V x, unsigned n)
{
    V value = x >> (n & 31) | x << (-n & 31);
    return (ShiftOut){value, value >> 31};
}

ShiftOut shift_reg_c(C *c, V x, unsigned type, V amount)
{
    unsigned n = amount & 0xff;
    if (n == 0)
        return (ShiftOut){x, c->cf};
    switch (type) {
    case SHIFT_LSL:
        return lsl(x, n);
    case SHIFT_LSR:
        return lsr(x, n);
    case SHIFT_ASR:
        return asr(x, n);
    default:
        return ror(x, n);
    }
}
