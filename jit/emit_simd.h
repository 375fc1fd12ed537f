/* Translation of VFP and Advanced SIMD instructions: what emit_vfp.c and emit_neon.c share.
 *
 * Within a block it is known what was checked: FP_ACCESS_* (low bits) and FP_HOST_* (from FP_KNOWN_HOST on).
 */
#ifndef ARMATURE_JIT_EMIT_SIMD_H
#define ARMATURE_JIT_EMIT_SIMD_H

#include "jit/emit.h"

typedef void EmitBody(C *c, const Insn *insn);

enum { FP_KNOWN_HOST = 4 }; /* shift */

/* The body of the instruction that is translated, NULL if there is none. */
EmitBody *emit_simd_body(const C *c);

/* Advanced SIMD: by row of neon.def. */
EmitBody *emit_neon_body(const C *c, unsigned row);
unsigned emit_first_neon_row(void); /* in insn_table */

/* VDUP from a core register. */
void emit_vdup_core(C *c, const Insn *i);

/* The instruction needs this access (one of FP_ACCESS_*), or compiled code's relation to the host
 * (FP_HOST_*). Nothing of guest state may have changed before. */
void emit_fp_access(C *c, unsigned access);
void emit_fp_host(C *c, unsigned host);

/* ---- Vector registers by their first word ------------------------------------------------------------- */

/* `words` (1, 2 or 4) words from word n on, a multiple of `words`, as a vector value. */
IrRef emit_get_x(C *c, unsigned n, unsigned words);
void emit_set_x(C *c, unsigned n, unsigned words, IrRef value);

/* Moves `words` words from word n on between registers and memory at the host address. */
void emit_load_registers(C *c, IrRef at, unsigned n, unsigned words);
void emit_store_registers(C *c, IrRef at, unsigned n, unsigned words);

#endif
