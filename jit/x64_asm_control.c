/* The assembler: branches, calls and no-operations. See x64_asm.h. */
#include "jit/x64_encode.h"

/* A displacement of 32 bits comes next. */
static void note_near(Asm *a)
{
    if (!a->nears)
        return;
    if (a->nears->count == X64_MOST_NEARS)
        a->full = true;
    else
        a->nears->at[a->nears->count++] = a->at;
}

/* A displacement of `bytes` to be filled in. */
static Patch put_hole(Asm *a, unsigned bytes)
{
    Patch patch = a->at;
    if (bytes == 4)
        note_near(a);
    memset(a->at, 0, bytes);
    a->at += bytes;
    return patch;
}

Patch x64_jcc(Asm *a, Cc cc)
{
    if (!room(a))
        return NULL;
    put_op(a, plain(0x0f, 0x80 | cc), 0, 0, 0);
    return put_hole(a, 4);
}

Patch x64_jmp(Asm *a)
{
    if (!room(a))
        return NULL;
    put8(a, 0xe9);
    return put_hole(a, 4);
}

Patch x64_call(Asm *a)
{
    if (!room(a))
        return NULL;
    put8(a, 0xe8);
    return put_hole(a, 4);
}

Patch x64_jcc_short(Asm *a, Cc cc)
{
    if (!room(a))
        return NULL;
    put8(a, 0x70 | cc);
    return put_hole(a, 1);
}

Patch x64_jmp_short(Asm *a)
{
    if (!room(a))
        return NULL;
    put8(a, 0xeb);
    return put_hole(a, 1);
}

/* How far it is from the end of an instruction of `length` bytes written here to the target. */
static int64_t distance(const Asm *a, const void *run_target, unsigned length)
{
    return (int64_t)((uint64_t)(uintptr_t)run_target - ((uint64_t)(uintptr_t)a->at + (uint64_t)a->to_run) -
                     length);
}

/* A branch with a 32-bit displacement, or nothing and `full` if that does not reach. */
static void put_near(Asm *a, Op op, const void *run_target)
{
    int64_t disp = distance(a, run_target, op.map ? 6 : 5);
    if (!fits32(disp)) {
        a->full = true;
        return;
    }
    put_op(a, op, 0, 0, 0);
    note_near(a);
    put32(a, (uint32_t)disp);
}

/* The same, or with 8 bits where that is enough. */
static void put_branch(Asm *a, unsigned short_opcode, Op near, const void *run_target)
{
    int64_t disp = distance(a, run_target, 2);
    if (fits8(disp)) {
        put8(a, short_opcode);
        put8(a, (uint8_t)disp);
    } else {
        put_near(a, near, run_target);
    }
}

void x64_jcc_to(Asm *a, Cc cc, const void *run_target)
{
    if (room(a))
        put_branch(a, 0x70 | cc, plain(0x0f, 0x80 | cc), run_target);
}

void x64_jmp_to(Asm *a, const void *run_target)
{
    if (room(a))
        put_branch(a, 0xeb, plain(0, 0xe9), run_target);
}

void x64_call_to(Asm *a, const void *run_target)
{
    if (room(a))
        put_near(a, plain(0, 0xe8), run_target);
}

void x64_jmp_r(Asm *a, Reg reg)
{
    if (room(a))
        put_rr(a, plain(0, 0xff), 4, reg);
}

void x64_jmp_m(Asm *a, Mem mem)
{
    if (room(a))
        x64_put_rm(a, plain(0, 0xff), 4, mem);
}

void x64_call_r(Asm *a, Reg reg)
{
    if (room(a))
        put_rr(a, plain(0, 0xff), 2, reg);
}

void x64_ret(Asm *a)
{
    if (room(a))
        put8(a, 0xc3);
}

void x64_int3(Asm *a)
{
    if (room(a))
        put8(a, 0xcc);
}

void x64_nop(Asm *a, unsigned bytes)
{
    static const uint8_t forms[9][9] = {
  /* clang-format off */
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
  /* clang-format on */
    };
    while (bytes && room(a)) {
        unsigned n = bytes < 9 ? bytes : 9;
        memcpy(a->at, forms[n - 1], n);
        a->at += n;
        bytes -= n;
    }
}

void x64_patch(Patch patch, const uint8_t *target)
{
    /* One store even though it need not be aligned: the code may be entered again right after it. */
    typedef volatile int32_t Displacement __attribute__((aligned(1), may_alias));
    if (!patch)
        return;
    int64_t disp = (int64_t)((uint64_t)(uintptr_t)target - (uint64_t)(uintptr_t)patch - 4);
    assert(fits32(disp));
    *(Displacement *)patch = (int32_t)disp;
}

void x64_patch_short(Patch patch, const uint8_t *target)
{
    if (!patch)
        return;
    int64_t disp = (int64_t)((uint64_t)(uintptr_t)target - (uint64_t)(uintptr_t)patch - 1);
    assert(fits8(disp));
    *patch = (uint8_t)disp;
}
