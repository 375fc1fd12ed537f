/* Additions, shifts, logic and multiplications in registers, with a few branches that depend on the data. */
#include "workload.h"

uint32_t run(unsigned units)
{
    uint32_t a = 0x12345678, b = 0x9abcdef0, c = 1, odd = 0;

    for (unsigned i = 0; i < units * 1000000; i++) {
        a += (b << 5) ^ (c >> 3);
        b = (b >> 7 | b << 25) + a;
        c = c * 1664525 + 1013904223;
        if (c & 0x10000)
            odd += a & 0xff;
        else
            b ^= c;
    }
    return mix(mix(mix(a, b), c), odd);
}
