/* A matrix product and an elimination on NUMBER (float or double), which the including file defines. */
#include "workload.h"

#include <string.h>

#define SIZE 48

static NUMBER a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void fill(NUMBER m[SIZE][SIZE], uint32_t *state)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            m[i][j] = (NUMBER)(int)(next_random(state) % 2000) / 1000 - 1 + (i == j ? SIZE : 0);
}

static void multiply(void)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            NUMBER sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

/* The diagonal dominates, so that no pivoting is needed. */
static NUMBER eliminate(void)
{
    NUMBER product = 1;

    for (int k = 0; k < SIZE; k++) {
        for (int i = k + 1; i < SIZE; i++) {
            NUMBER factor = c[i][k] / c[k][k];
            for (int j = k; j < SIZE; j++)
                c[i][j] -= factor * c[k][j];
        }
        product *= c[k][k] / (SIZE * SIZE);
    }
    return product;
}

uint32_t run(unsigned units)
{
    uint32_t state = 521288629, hash = 0, bits[sizeof(NUMBER) / 4];

    for (unsigned unit = 0; unit < 6 * units; unit++) {
        fill(a, &state);
        fill(b, &state);
        multiply();
        NUMBER product = eliminate();
        memcpy(bits, &product, sizeof bits);
        for (unsigned i = 0; i < sizeof(NUMBER) / 4; i++)
            hash = mix(hash, bits[i]);
    }
    return hash;
}
