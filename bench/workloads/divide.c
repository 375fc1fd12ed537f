/* Division and remainder of 32 and 64 bits; a Cortex-A9 has no instruction for them. */
#include "workload.h"

uint32_t run(unsigned units)
{
    uint32_t state = 362436069, hash = 0;

    for (unsigned i = 0; i < units * 50000; i++) {
        uint32_t a = next_random(&state), b = (next_random(&state) >> (a & 15)) | 1;
        int32_t c = (int32_t)a / (int32_t)(b | 1), d = (int32_t)b % 1000;
        uint64_t wide = (uint64_t)a << 20 | b;
        hash = mix(hash, a / b + a % 10 + (uint32_t)c + (uint32_t)d);
        if (i % 4 == 0)
            hash += (uint32_t)(wide / b) + (uint32_t)(wide % (a | 1));
    }
    return hash;
}
