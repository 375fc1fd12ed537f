/* Blocks that were once compiled wrongly, or that are near such ones: each runs interpreted and compiled. */
#include <stdio.h>
#include <string.h>

#include "tests/jit/pair.h"

enum { MAX_WORDS = 8, MODE = 0x1f /* System */ };

typedef struct Case {
    const char *name;
    uint32_t word[MAX_WORDS]; /* A32; ends with 0 */
    uint32_t r[15];
} Case;

/* Registers without a home of their own (r8 to r12, lr) are loaded into temporaries. */
static const Case cases[] = {
    {"an index that is read behind an access which leaves the fast path",
     {0xe309c000 /* movw r12, #0x9000, in PAGE_DEVICE */, 0xe346c000 /* movt r12, #0x6000 */,
      0xf48c24ce /* vst1.16 {d2[3]}, [r12], lr */, 0xe3042000 /* movw r2, #0x4000, in PAGE_DATA */,
      0xe3462000 /* movt r2, #0x6000 */, 0xf4e2680e /* vld1.32 {d22[0]}, [r2], lr */},
     {[14] = 8}                                                           },
    {"the same with a load first",
     {0xe69c000b /* ldr r0, [r12], r11 */, 0xe081100b /* add r1, r1, r11 */},
     {[1] = 3, [11] = 16, [12] = WINDOW + PAGE_SIZE * PAGE_DEVICE}        },
    {"a shifted index",
     {0xe69c0109 /* ldr r0, [r12], r9, lsl #2 */, 0xe0811109 /* add r1, r1, r9, lsl #2 */,
      0xe0822009 /* add r2, r2, r9 */},
     {[1] = 3, [9] = 4, [12] = WINDOW + PAGE_SIZE * PAGE_DEVICE}          },
    {"a base that is written back and used again",
     {0xe49c0004 /* ldr r0, [r12], #4 */, 0xe49c1004 /* ldr r1, [r12], #4 */,
      0xe08c2001 /* add r2, r12, r1 */},
     {[12] = WINDOW + PAGE_SIZE * PAGE_DEVICE}                            },
    {"a loaded value without a home",
     {0xe59c9000 /* ldr r9, [r12] */, 0xe0891009 /* add r1, r9, r9 */, 0xe58c9004 /* str r9, [r12, #4] */},
     {[12] = WINDOW + PAGE_SIZE * PAGE_DEVICE}                            },
    {"flags from before an access that leaves the fast path",
     {0xe0500001 /* subs r0, r0, r1 */, 0xe69c200e /* ldr r2, [r12], lr */, 0xe0ae300e /* adc r3, lr, lr */},
     {[0] = 7, [1] = 5, [12] = WINDOW + PAGE_SIZE * PAGE_DEVICE, [14] = 4}},
};

static bool passes(Pair *pair, const Case *c)
{
    uint32_t code[MAX_WORDS + 2];
    unsigned count = 0;
    for (; c->word[count]; count++)
        code[count] = c->word[count];
    code[count] = 0xea000000 | (0xffffff & (0u - count - 2)); /* b to the start */
    pair_reset(pair);
    pair_write(pair, pair_offset(PAGE_CODE), code, 4 * (count + 1));
    for (unsigned n = 0; n < 2; n++) {
        Cpu *cpu = pair->side[n].cpu;
        cpsr_write(cpu, MODE, UINT32_MAX);
        memcpy(cpu->r, c->r, sizeof c->r);
        cpu->pc = window(PAGE_CODE);
        cpu->leave = 0;
    }
    for (unsigned round = 0; round < 3; round++) {
        pair_run(pair, count + 1);
        const char *part = pair_differs(pair);
        if (!part)
            continue;
        printf("FAILED: %s: %s differs in round %u\n", c->name, part, round);
        pair_print(pair, stdout);
        return false;
    }
    return true;
}

int main(void)
{
    Pair *pair = pair_new(&(JitOptions){.mode = JIT_ON, .threshold = 0});
    unsigned failed = 0;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        failed += !passes(pair, &cases[n]);
    printf("%zu blocks, %u failed\n", sizeof cases / sizeof *cases, failed);
    if (jit_counts(pair->side[1].jit).compiled == 0) {
        puts("nothing ran in compiled code");
        failed++;
    }
    pair_free(pair);
    return failed != 0;
}
