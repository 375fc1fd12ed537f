/* Bit patterns to and from the host's arithmetic, and when it may be used: see fp.c. Private to cpu/fp*.c. */
#ifndef ARMATURE_CPU_FP_HOST_H
#define ARMATURE_CPU_FP_HOST_H

#include "cpu/fp.h"

#include <string.h>

static inline float to_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t from_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline double to_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline uint64_t from_double(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* Exponents at least two away from the subnormal numbers and from infinity. */
static inline bool plain32(uint32_t a)
{
    return (a << 1) - (3u << 24) < 0xfbu << 24;
}

static inline bool plain64(uint64_t a)
{
    return (a << 1) - (3ull << 53) < 0x7fbull << 53;
}

static inline bool zero32(uint32_t a)
{
    return a << 1 == 0;
}

static inline bool plain_or_zero32(uint32_t a)
{
    return plain32(a) || zero32(a);
}

static inline bool zero64(uint64_t a)
{
    return a << 1 == 0;
}

static inline bool plain_or_zero64(uint64_t a)
{
    return plain64(a) || zero64(a);
}

static inline bool nearest(const FpEnv *env)
{
    return (*env & FPSCR_RMODE) == 0;
}

static inline bool must_see_inexact(const FpEnv *env)
{
    return !(*env & FPSCR_IXC);
}

static inline void inexact_if(FpEnv *env, bool inexact)
{
    *env |= inexact ? FPSCR_IXC : 0;
}

#endif
