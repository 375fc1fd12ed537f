/* VFP: the bodies of cpu/sem_vfp.h compiled against emit_vfp.h. Loads and stores have bodies of their own,
 * which move doublewords and quadwords at once. */
#include "jit/emit_vfp.h"

#include "cpu/sem_operand.h"
#include "cpu/sem_vfp.h"

/* ---- What is checked ---- */

void emit_fp_access(C *c, unsigned access)
{
    if (c->fp_known & access)
        return;
    if (access == FP_ACCESS_SIMD)
        emit_slow(c, IR_FP_ACCESS, 0, 0, access);
    else if (c->fp_check == IR_NO_REF)
        c->fp_check = emit_slow(c, IR_FP_ACCESS, 0, 0, access);
    else if (c->ir->insn[c->fp_check].op == IR_FP_ACCESS)
        c->ir->insn[c->fp_check].imm = access; /* the stronger one */
    c->fp_known |= (uint8_t)(access == FP_ACCESS_SCALAR ? FP_ACCESS_SCALAR | FP_ACCESS_VFP : access);
}

/* What is needed for arithmetic implies access: the check that is there already becomes one for both. */
void emit_fp_host(C *c, unsigned host)
{
    if (c->fp_known & host << FP_KNOWN_HOST)
        return;
    if (host == FP_HOST_VFP && c->fp_check != IR_NO_REF) {
        c->ir->insn[c->fp_check].op = IR_FP_HOST;
        c->ir->insn[c->fp_check].imm = host;
    } else {
        emit_slow(c, IR_FP_HOST, 0, 0, host);
    }
    c->fp_known |= (uint8_t)(FP_HOST_FLAGS << FP_KNOWN_HOST);
    if (host == FP_HOST_VFP)
        c->fp_known |= (uint8_t)(FP_HOST_VFP << FP_KNOWN_HOST) | FP_ACCESS_SCALAR | FP_ACCESS_VFP;
}

/* ---- Registers ---- */

IrRef emit_get_x(C *c, unsigned n, unsigned words)
{
    IrOp op = words == 1 ? IR_GET_S : words == 2 ? IR_GET_D : IR_GET_Q;
    return emit_op(c, op, 0, 0, 0, words == 1 ? n : n / 2);
}

void emit_set_x(C *c, unsigned n, unsigned words, IrRef value)
{
    IrOp op = words == 1 ? IR_SET_S : words == 2 ? IR_SET_D : IR_SET_Q;
    emit_op(c, op, value, 0, 0, words == 1 ? n : n / 2);
}

/* A vector register that this instruction has read, and not written since. (Core registers may hold what
 * others read.) */
static bool is_register(const C *c, IrRef ref)
{
    const Ir *ir = c->ir;
    if (!ir_is(ir, ref, IR_GET_WORD) && !ir_is(ir, ref, IR_GET_LONG))
        return false;
    for (unsigned at = ref; at < ir->count; at++) {
        IrOp op = (IrOp)ir->insn[at].op;
        if (op == IR_INSN || op == IR_SET_WORD || op == IR_SET_S || op == IR_SET_LONG || op == IR_SET_D)
            return false;
    }
    return true;
}

static bool is_float(const C *c, IrRef ref)
{
    return ir_ops[c->ir->insn[ref].op].result == IR_V128 || is_register(c, ref);
}

IrRef emit_float(C *c, IrRef ref)
{
    const IrInsn *insn = &c->ir->insn[ref];
    if (is_register(c, ref))
        return emit_op(c, insn->op == IR_GET_WORD ? IR_GET_S : IR_GET_D, 0, 0, 0, insn->imm);
    if (ir_ops[insn->op].result != IR_V128)
        c->must_call = true;
    return ref;
}

void set_s(C *c, unsigned n, V value)
{
    if (is_float(c, value.ref))
        emit_op(c, IR_SET_S, emit_float(c, value.ref), 0, 0, n);
    else
        emit_op(c, IR_SET_WORD, value.ref, 0, 0, n);
}

void set_d(C *c, unsigned n, V64 value)
{
    const IrInsn *insn = &c->ir->insn[value.ref];
    if (is_float(c, value.ref))
        emit_op(c, IR_SET_D, emit_float(c, value.ref), 0, 0, n);
    else if (insn->op == IR_PAIR && ir_is(c->ir, insn->a, IR_CONST) && ir_is(c->ir, insn->b, IR_CONST))
        emit_op(c, IR_SET_LONG_CONST, insn->a, insn->b, 0, n);
    else
        emit_op(c, IR_SET_LONG, value.ref, 0, 0, n);
}

/* ---- Arithmetic ---- */

/* The result of a product that goes on into a sum is looked at there. */
static void check_later(C *c, IrRef ref)
{
    IrInsn *insn = &c->ir->insn[ref];
    if (insn->op == IR_FP_SIGN)
        insn = &c->ir->insn[insn->a];
    if (insn->op == IR_FP_BINARY)
        insn->imm |= FP_LATER;
}

IrRef emit_fp_binary(C *c, FpOp op, IrRef x, IrRef y, unsigned how)
{
    emit_fp_host(c, FP_HOST_VFP);
    check_later(c, x);
    check_later(c, y);
    x = emit_float(c, x);
    y = emit_float(c, y);
    return emit_slow(c, IR_FP_BINARY, x, y, op | how);
}

IrRef emit_fp_unary(C *c, FpOp op, IrRef x, unsigned how)
{
    emit_fp_host(c, FP_HOST_VFP);
    return emit_slow(c, IR_FP_UNARY, emit_float(c, x), 0, op | how);
}

IrRef emit_fp_sign(C *c, FpOp op, IrRef x, unsigned how)
{
    return emit_op(c, IR_FP_SIGN, emit_float(c, x), 0, 0, op | how);
}

/* The only constant that is compared with is 0. */
IrRef emit_fp_compare(C *c, IrRef x, IrRef y, unsigned how)
{
    emit_fp_host(c, FP_HOST_VFP);
    bool zero = !is_float(c, y);
    x = emit_float(c, x);
    y = zero ? x : emit_float(c, y);
    return emit_op(c, IR_FP_COMPARE, x, y, 0, how | (zero ? FP_ZERO : 0));
}

static unsigned fixed_how(C *c, FpFixed format, unsigned how)
{
    c->must_call |= format.size != 32 || format.fraction != 0;
    return how | (format.is_unsigned ? FP_UNSIGNED : 0);
}

IrRef emit_fp_to_fixed(C *c, IrRef x, FpFixed to, bool round_zero, unsigned how)
{
    emit_fp_host(c, FP_HOST_VFP);
    how = fixed_how(c, to, how);
    c->must_call |= to.is_unsigned && !round_zero;
    return emit_slow(c, IR_FP_TO_INT, emit_float(c, x), 0, how | (round_zero ? 0 : FP_NEAREST));
}

IrRef emit_fp_from_fixed(C *c, IrRef x, FpFixed from, unsigned how)
{
    emit_fp_host(c, FP_HOST_VFP);
    return emit_op(c, IR_FP_FROM_INT, x, 0, 0, fixed_how(c, from, how));
}

/* APSR's flags: in the CPU at once, and known to be those of a comparison if FPSCR's are. */
void set_nzcv_from_fpscr(C *c)
{
    IrRef nzcv = c->fp_nzcv;
    if (nzcv == IR_NO_REF)
        nzcv = emit_op(c, IR_GET_NZCV, 0, 0, 0, 0);
    emit_op(c, IR_SET_FLAGS, nzcv, 0, 0, 0);
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
        c->flags.value[f] = c->fp_nzcv ? emit_op(c, IR_FP_FLAG, nzcv, 0, 0, f) : IR_NO_REF;
    c->flags_stored = 0xf;
}

/* ---- Loads and stores ---- */

static unsigned widest(unsigned n, unsigned words)
{
    return words >= 4 && n % 4 == 0 ? 4 : words >= 2 && n % 2 == 0 ? 2 : 1;
}

void emit_load_registers(C *c, IrRef at, unsigned n, unsigned words)
{
    for (unsigned done = 0, w; done < words; done += w) {
        w = widest(n + done, words - done);
        emit_set_x(c, n + done, w, emit_op(c, IR_LOAD_X, at, 0, 0, 4 * done | w << 18));
    }
}

void emit_store_registers(C *c, IrRef at, unsigned n, unsigned words)
{
    for (unsigned done = 0, w; done < words; done += w) {
        w = widest(n + done, words - done);
        emit_op(c, IR_STORE_X, at, emit_get_x(c, n + done, w), 0, 4 * done | w << 18);
    }
}

enum { WORD_ALIGNED = 2 << 8 };

static void load_one(C *c, const Insn *i, unsigned n, unsigned words)
{
    vfp_begin(c, 0);
    IrRef at = emit_slow(c, IR_SPAN_READ, offset_address(c, i).ref, 0, 4 * words | WORD_ALIGNED);
    emit_load_registers(c, at, n, words);
}

static void store_one(C *c, const Insn *i, unsigned n, unsigned words)
{
    vfp_begin(c, 0);
    IrRef at = emit_slow(c, IR_SPAN_WRITE, offset_address(c, i).ref, 0, 4 * words | WORD_ALIGNED);
    emit_store_registers(c, at, n, words);
}

static void emit_vldr_s(C *c, const Insn *i)
{
    load_one(c, i, i->rd, 1);
}

static void emit_vldr_d(C *c, const Insn *i)
{
    load_one(c, i, 2u * i->rd, 2);
}

static void emit_vstr_s(C *c, const Insn *i)
{
    store_one(c, i, i->rd, 1);
}

static void emit_vstr_d(C *c, const Insn *i)
{
    store_one(c, i, 2u * i->rd, 2);
}

static void load_multiple(C *c, const Insn *i, unsigned n, unsigned words)
{
    vfp_begin(c, 0);
    V base = base_register(c, i);
    IrRef address = vfp_multiple_address(c, i, base).ref;
    emit_load_registers(c, emit_slow(c, IR_SPAN_READ, address, 0, 4 * words | WORD_ALIGNED), n, words);
    vfp_multiple_write_back(c, i, base);
}

static void store_multiple(C *c, const Insn *i, unsigned n, unsigned words)
{
    vfp_begin(c, 0);
    V base = base_register(c, i);
    IrRef address = vfp_multiple_address(c, i, base).ref;
    emit_store_registers(c, emit_slow(c, IR_SPAN_WRITE, address, 0, 4 * words | WORD_ALIGNED), n, words);
    vfp_multiple_write_back(c, i, base);
}

static void emit_vldm_s(C *c, const Insn *i)
{
    load_multiple(c, i, i->rd, i->shift_n);
}

static void emit_vldm_d(C *c, const Insn *i)
{
    load_multiple(c, i, 2u * i->rd, 2u * i->shift_n);
}

static void emit_vstm_s(C *c, const Insn *i)
{
    store_multiple(c, i, i->rd, i->shift_n);
}

static void emit_vstm_d(C *c, const Insn *i)
{
    store_multiple(c, i, 2u * i->rd, 2u * i->shift_n);
}

/* ---- The table ---- */

/* clang-format off */
#define sem_vldr_s emit_vldr_s
#define sem_vldr_d emit_vldr_d
#define sem_vstr_s emit_vstr_s
#define sem_vstr_d emit_vstr_d
#define sem_vldm_s emit_vldm_s
#define sem_vldm_d emit_vldm_d
#define sem_vstm_s emit_vstm_s
#define sem_vstm_d emit_vstm_d
#define sem_vdup_core emit_vdup_core

/* In the order of vfp.def. */
static EmitBody *const vfp_bodies[] = {
#define INSN(name, pattern, format, body, flags, text) body,
#include "cpu/vfp.def"
#undef INSN
};

/* How many rows of insn_table come before vfp.def's and neon.def's. */
#define INSN(name, pattern, format, body, flags, text) + 1
enum {
    FIRST_VFP = 1
#include "cpu/a32.def"
#include "cpu/cop.def"
};
#undef INSN
/* clang-format on */

enum { VFP_ROWS = sizeof vfp_bodies / sizeof *vfp_bodies };

unsigned emit_first_neon_row(void)
{
    return FIRST_VFP + VFP_ROWS;
}

EmitBody *emit_simd_body(const C *c)
{
    unsigned row = c->insn->row - FIRST_VFP;
    if (c->insn->row < FIRST_VFP)
        return NULL;
    return row < VFP_ROWS ? vfp_bodies[row] : emit_neon_body(c, row - VFP_ROWS);
}
