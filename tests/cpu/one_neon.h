/* Single Advanced SIMD instructions on a CPU where they are enabled. */
#ifndef ARMATURE_TESTS_CPU_ONE_NEON_H
#define ARMATURE_TESTS_CPU_ONE_NEON_H

#include "tests/cpu/one_insn.h"

static inline void enable_neon(Cpu *cpu)
{
    cpu->cp15.cpacr = 0xf << 20;
    cpu->fpexc = 1u << 30;
    fpu_update_access(cpu);
}

/* The T32 encoding that has the operands of an A32 one. */
static inline uint32_t neon_thumb(uint32_t insn)
{
    return insn >> 24 == 0xf4 ? 0xf9000000 | (insn & 0xffffff)
                              : 0xef000000 | (insn & 0x01000000) << 4 | (insn & 0xffffff);
}

/* Runs the A32 encoding insn, as itself or in its T32 form. */
static inline uint8_t run_neon(Bench *b, InsnSet set, uint32_t insn)
{
    return run_insn(b, set, set == SET_T32 ? neon_thumb(insn) : insn);
}

static inline void neon(Bench *b, const char *text, InsnSet set, uint32_t insn)
{
    if (run_neon(b, set, insn) & LEAVE_FAULT)
        fail_msg("%s took an exception, mode %02x", text, b->cpu->mode);
}

static inline bool neon_undefined(Bench *b, uint32_t insn)
{
    bool undefined = run_a32(b, insn) & LEAVE_FAULT && b->cpu->mode == MODE_UND;
    cpu_switch_mode(b->cpu, MODE_SVC);
    return undefined;
}

static inline int neon_setup(void **state)
{
    Bench *b = malloc(sizeof *b);
    assert_non_null(b);
    bench_init(b);
    enable_neon(b->cpu);
    *state = b;
    return 0;
}

static inline int neon_teardown(void **state)
{
    bench_done(*state);
    free(*state);
    return 0;
}

#endif
