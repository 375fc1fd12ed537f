/* Expressions over the lanes of vectors. Sizes are log2 of the bytes of a lane. What the host cannot do makes
 * the instruction one that is called. */
#ifndef ARMATURE_JIT_EMIT_LANES_H
#define ARMATURE_JIT_EMIT_LANES_H

#include "jit/emit.h"
#include "jit/simd.h"

IrRef lanes_with_number(C *c, IrOp ir_op, VecOp op, unsigned size, unsigned number, IrRef a, IrRef b);
IrRef lanes_binary(C *c, VecOp op, unsigned size, IrRef a, IrRef b);
IrRef lanes_unary(C *c, VecOp op, unsigned size, unsigned number, IrRef a);
IrRef lanes_low_half(C *c, IrRef a);
/* value in all lanes; all bits 1; all 0. */
IrRef lanes_splat(C *c, uint64_t value, unsigned size);
IrRef lanes_ones(C *c);
IrRef lanes_zero(C *c);
IrRef lanes_invert(C *c, IrRef a);
/* The bits of a where the mask has ones, else those of b. */
IrRef lanes_choose(C *c, IrRef mask, IrRef a, IrRef b);

/* Shifts by a constant, right ones by up to the lane's size; rounded: plus the last bit that goes out. */
IrRef lanes_left(C *c, IrRef x, unsigned size, unsigned n);
IrRef lanes_right_unsigned(C *c, IrRef x, unsigned size, unsigned n);
IrRef lanes_right_signed(C *c, IrRef x, unsigned size, unsigned n);
IrRef lanes_right(C *c, IrRef x, unsigned size, unsigned n, bool is_signed);
IrRef lanes_right_rounded(C *c, IrRef x, unsigned size, unsigned n, bool is_signed);

/* Lanes of other sizes: size is always that of the narrower ones. The low lanes to twice their size; the low
 * parts of the lanes of one, and of two side by side. */
IrRef lanes_widen(C *c, IrRef x, unsigned size, bool is_signed);
IrRef lanes_narrow(C *c, IrRef x, unsigned size);
IrRef lanes_narrow_two(C *c, IrRef x, IrRef y, unsigned size);
/* From signed or unsigned lanes to signed or unsigned ones (not from unsigned to signed); sets QC. */
IrRef lanes_narrow_saturated(C *c, IrRef x, unsigned size, bool from_signed, bool to_signed);
/* Sets QC if a and b are not the same. */
void lanes_saturated_if_differ(C *c, IrRef a, IrRef b);

#endif
