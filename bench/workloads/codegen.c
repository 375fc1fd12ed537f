/* Writes machine code and runs it, as a run-time compiler does: new functions, and constants patched in old
 * ones. */
#define _GNU_SOURCE
#include "workload.h"

#include <string.h>
#include <sys/mman.h>

#define BUFFER 65536u
#define STEPS 12u

typedef uint32_t Function(uint32_t);

/* One step is x += constant (1 to 255); x ^= x >> 7. The code of a step has the same size for every constant.
 */
#if defined __arm__
#define STEP_SIZE 8u

static uint8_t *begin(uint8_t *at)
{
    return at;
}

static uint8_t *step(uint8_t *at, uint32_t constant)
{
    uint32_t code[] = {0xe2800000 | constant, 0xe02003a0}; /* add r0, r0, #constant; eor r0, r0, r0, lsr #7 */

    memcpy(at, code, sizeof code);
    return at + STEP_SIZE;
}

static uint8_t *end(uint8_t *at)
{
    memcpy(at, &(uint32_t){0xe12fff1e}, 4); /* bx lr */
    return at + 4;
}
#elif defined __x86_64__
#define STEP_SIZE 12u

static uint8_t *begin(uint8_t *at)
{
    memcpy(at, "\x89\xf8", 2); /* mov eax, edi */
    return at + 2;
}

static uint8_t *step(uint8_t *at, uint32_t constant)
{
    at[0] = 0x05; /* add eax, constant */
    memcpy(at + 1, &constant, 4);
    memcpy(at + 5, "\x89\xc1\xc1\xe9\x07\x31\xc8", 7); /* mov ecx, eax; shr ecx, 7; xor eax, ecx */
    return at + STEP_SIZE;
}

static uint8_t *end(uint8_t *at)
{
    *at = 0xc3; /* ret */
    return at + 16 - (uintptr_t)at % 16;
}
#else
#error "no code for this processor"
#endif

static uint8_t *make(uint8_t *at, uint32_t *state)
{
    at = begin(at);
    for (unsigned i = 0; i < STEPS; i++)
        at = step(at, next_random(state) % 255 + 1);
    return end(at);
}

uint32_t run(unsigned units)
{
    uint8_t *code = mmap(0, BUFFER, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            *at = code;
    uint32_t state = 141421356, hash = 1;

    require(code != MAP_FAILED, "mmap");
    for (unsigned i = 0; i < units * 100; i++) {
        if (at + 512 > code + BUFFER)
            at = code;
        uint8_t *function = at;
        at = make(at, &state);
        __builtin___clear_cache((char *)function, (char *)at);
        for (int call = 0; call < 20; call++)
            hash = ((Function *)(uintptr_t)function)(hash);
        uint8_t *patched = begin(function) + next_random(&state) % STEPS * STEP_SIZE;
        step(patched, next_random(&state) % 255 + 1);
        __builtin___clear_cache((char *)patched, (char *)patched + STEP_SIZE);
        for (int call = 0; call < 20; call++)
            hash = ((Function *)(uintptr_t)function)(hash);
    }
    munmap(code, BUFFER);
    return hash;
}
