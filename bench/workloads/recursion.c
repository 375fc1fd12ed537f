/* Calls and returns: Fibonacci, Takeuchi and Ackermann functions. */
#include "workload.h"

#define CALL __attribute__((noinline, noclone))

CALL static uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

CALL static int tak(int x, int y, int z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

CALL static uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

uint32_t run(unsigned units)
{
    uint32_t hash = 0;

    for (unsigned i = 0; i < units; i++) {
        hash = mix(hash, fibonacci(20 + i % 3));
        hash = mix(hash, (uint32_t)tak(16, 10, 3 + (int)(i % 3)));
        hash = mix(hash, ackermann(2, 150 + i % 10));
    }
    return hash;
}
