/* Streams through arrays much larger than caches and TLB: fill, scale, add, copy (C library). */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#define WORDS (2u << 20) /* 8 MiB each */

uint32_t run(unsigned units)
{
    uint32_t *a = malloc(WORDS * 4), *b = malloc(WORDS * 4), *c = malloc(WORDS * 4), sum = 0;

    require(a && b && c, "memory");
    for (uint32_t i = 0; i < WORDS; i++)
        a[i] = i * 2654435761u;
    for (unsigned unit = 0; unit < units; unit += 4) {
        for (uint32_t i = 0; i < WORDS; i++)
            b[i] = a[i] * 3 + unit;
        for (uint32_t i = 0; i < WORDS; i++)
            c[i] = a[i] + b[i];
        memcpy(a, c, WORDS * 4);
        for (uint32_t i = 0; i < WORDS; i++)
            sum += a[i] ^ i;
    }
    free(a);
    free(b);
    free(c);
    return sum;
}
