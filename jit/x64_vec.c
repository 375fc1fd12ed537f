/* Vectors. */
#include "jit/x64_lower.h"

void lower_vec(Lower *l, const IrInsn *insn)
{
    (void)insn;
    l->failed = true;
}
