/* Host code for operations of the IR against their meaning in C. For each operation, random lists of
 * operations that have it, so that its operands are in homes, in the CPU, in temporaries, spilled, constant,
 * equal to each other and to the register that the result goes to; each list runs from several states.
 *
 *     jit_lowering [--seed N] [--lists N] [--only OP] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/private.h"
#include "tests/fuzz/random.h"
#include "tests/jit/ir_eval.h"

enum { STATES = 4, MOST_VALUES = 60 };

typedef struct Bench {
    CodeBuf buf;
    X64Runtime runtime;
    size_t runtime_end;
    Lower *lower;
    X64Piece piece;
    Cpu *cpu;
    Log *log;
    Clock *clock;
    Bus *bus;
    Ir ir, plain; /* as lowered, as made */
    Block *block;
} Bench;

typedef struct Maker {
    Random *random;
    Ir *ir;
    IrRef value[MOST_VALUES], wide[MOST_VALUES], bit[MOST_VALUES]; /* 32 bits, 64 bits, 0 or 1 */
    unsigned values, wides, bits;
    IrFlags flags;
} Maker;

/* ---- Making a list ---------------------------------------------------------------------------------- */

static IrRef add(Maker *m, IrOp op, IrRef a, IrRef b, IrRef c, uint32_t imm)
{
    Ir *ir = m->ir;
    ir->insn[ir->count] = (IrInsn){.op = (uint8_t)op, .a = a, .b = b, .c = c, .imm = imm};
    return (IrRef)ir->count++;
}

static IrRef keep(Maker *m, IrRef *list, unsigned *count, IrRef ref)
{
    list[*count < MOST_VALUES ? (*count)++ : random_below(m->random, MOST_VALUES)] = ref;
    return ref;
}

static IrRef constant(Maker *m)
{
    return add(m, IR_CONST, 0, 0, 0, random_value(m->random));
}

/* A value that is no constant: an old one, or a register's. */
static IrRef variable(Maker *m)
{
    Random *r = m->random;
    if (m->values && !random_one_in(r, 3)) /* the newest most often */
        return m->value[random_one_in(r, 2) ? m->values - 1 : random_below(r, m->values)];
    return keep(m, m->value, &m->values,
                random_one_in(r, 12) ? add(m, IR_PCREL, 0, 0, 0, random_below(r, PAGE_SIZE))
                                     : add(m, IR_GET_REG, 0, 0, 0, random_below(r, 15)));
}

static IrRef any(Maker *m)
{
    return random_one_in(m->random, 4) ? constant(m) : variable(m);
}

/* 0 or 1. */
static IrRef bit(Maker *m)
{
    Random *r = m->random;
    if (m->bits && random_one_in(r, 2))
        return m->bit[random_one_in(r, 2) ? m->bits - 1 : random_below(r, m->bits)];
    if (random_one_in(r, 4))
        return add(m, IR_CONST, 0, 0, 0, random_below(r, 2));
    return keep(m, m->bit, &m->bits,
                random_one_in(r, 2) ? add(m, IR_GET_FIELD, 0, 0, 0, FIELD_CF)
                                    : add(m, IR_UBITS, variable(m), 0, 0, random_below(r, 32) | 1 << 8));
}

static IrRef wide(Maker *m)
{
    static const uint8_t ops[] = {IR_PAIR, IR_ZEXT64, IR_SEXT64, IR_MULU64, IR_MULS64};
    Random *r = m->random;
    if (m->wides && random_one_in(r, 2))
        return m->wide[random_below(r, m->wides)];
    IrOp op = (IrOp)ops[random_below(r, sizeof ops)];
    IrRef a = any(m), b = ir_ops[op].operands > 1 ? any(m) : 0;
    return keep(m, m->wide, &m->wides, add(m, op, a, b, 0, 0));
}

static uint32_t field_of_bits(Random *r)
{
    uint32_t lsb = random_below(r, 32);
    return lsb | (1 + random_below(r, 32 - lsb)) << 8;
}

/* The flags of what was just made are what conditions and stores look at from now on. */
static void set_flags(Maker *m, IrRef of, bool all)
{
    m->flags.value[FIELD_NF] = m->flags.value[FIELD_ZF] = of;
    if (!all)
        return;
    m->flags.value[FIELD_CF] = keep(m, m->bit, &m->bits, add(m, IR_CARRY, of, 0, 0, 0));
    m->flags.value[FIELD_VF] = keep(m, m->bit, &m->bits, add(m, IR_OVERFLOW, of, 0, 0, 0));
}

static uint32_t condition(Maker *m)
{
    Ir *ir = m->ir;
    IrCond *cond = &ir->cond[ir->conds];
    cond->cond = (uint8_t)random_below(m->random, 14);
    cond->flags = m->flags;
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
        if (random_one_in(m->random, 8))
            cond->flags.value[f] = IR_NO_REF; /* the CPU's */
    return ir->conds++;
}

static void make_store_flags(Maker *m)
{
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
        if (m->flags.value[f])
            add(m, IR_SET_FIELD, m->flags.value[f], 0, 0, f);
}

static void make_variable(Maker *m, IrOp op)
{
    (void)op;
    variable(m);
}

static void make_add_sub(Maker *m, IrOp op)
{
    IrRef a = op == IR_SUB && random_one_in(m->random, 4) ? constant(m) : variable(m);
    IrRef b = ir_is(m->ir, a, IR_CONST) ? variable(m) : any(m);
    a = keep(m, m->value, &m->values, add(m, op, a, b, 0, 0));
    if (random_one_in(m->random, 2))
        set_flags(m, a, true);
}

static void make_adc_sbc(Maker *m, IrOp op)
{
    IrRef a = any(m), b = any(m);
    a = keep(m, m->value, &m->values, add(m, op, a, b, bit(m), 0));
    set_flags(m, a, true);
}

static void make_flag_of(Maker *m, IrOp op)
{
    IrRef a = add(m, random_one_in(m->random, 2) ? IR_ADD : IR_SUB, variable(m), any(m), 0, 0);
    keep(m, m->bit, &m->bits, add(m, op, a, 0, 0, 0));
}

static void make_logic(Maker *m, IrOp op)
{
    IrRef a = variable(m);
    a = keep(m, m->value, &m->values, add(m, op, a, any(m), 0, 0));
    if (random_one_in(m->random, 2))
        set_flags(m, a, false);
}

static void make_mul(Maker *m, IrOp op)
{
    IrRef a = variable(m);
    keep(m, m->value, &m->values, add(m, op, a, any(m), 0, 0));
}

static void make_less(Maker *m, IrOp op)
{
    IrRef a = random_one_in(m->random, 4) ? constant(m) : variable(m);
    IrRef b = ir_is(m->ir, a, IR_CONST) ? variable(m) : any(m);
    keep(m, m->bit, &m->bits, add(m, op, a, b, 0, 0));
}

static void make_eqz(Maker *m, IrOp op)
{
    keep(m, m->bit, &m->bits, add(m, op, variable(m), 0, 0, 0));
}

static void make_shift(Maker *m, IrOp op)
{
    keep(m, m->value, &m->values, add(m, op, variable(m), 0, 0, 1 + random_below(m->random, 31)));
}

static void make_bits(Maker *m, IrOp op)
{
    keep(m, m->value, &m->values, add(m, op, variable(m), 0, 0, field_of_bits(m->random)));
}

static void make_insert(Maker *m, IrOp op)
{
    Random *r = m->random;
    IrRef a = any(m), b = variable(m);
    keep(m, m->value, &m->values, add(m, op, a, b, 0, random_below(r, 16) | (1 + random_below(r, 16)) << 8));
}

static void make_unary(Maker *m, IrOp op)
{
    keep(m, m->value, &m->values, add(m, op, variable(m), 0, 0, 0));
}

static void make_shift_by(Maker *m, IrOp op)
{
    IrRef a = any(m);
    keep(m, m->value, &m->values, add(m, op, a, any(m), 0, 0));
}

static void make_shift_carry(Maker *m, IrOp op)
{
    IrRef a = any(m), b = any(m);
    keep(m, m->bit, &m->bits, add(m, op, a, b, bit(m), 0));
}

static void make_select(Maker *m, IrOp op)
{
    IrRef a = random_one_in(m->random, 2) ? variable(m) : bit(m);
    if (ir_is(m->ir, a, IR_CONST))
        a = variable(m);
    IrRef b = any(m);
    keep(m, m->value, &m->values, add(m, op, a, b, any(m), 0));
}

static void make_select_if(Maker *m, IrOp op)
{
    IrRef a = any(m), b = any(m);
    keep(m, m->value, &m->values, add(m, op, a, b, 0, condition(m)));
}

static void make_wide_of_two(Maker *m, IrOp op)
{
    IrRef a = any(m);
    keep(m, m->wide, &m->wides, add(m, op, a, any(m), 0, 0));
}

static void make_wide_of_one(Maker *m, IrOp op)
{
    keep(m, m->wide, &m->wides, add(m, op, any(m), 0, 0, 0));
}

static void make_wide_add_sub(Maker *m, IrOp op)
{
    IrRef a = wide(m);
    keep(m, m->wide, &m->wides, add(m, op, a, wide(m), 0, 0));
}

static void make_wide_shift(Maker *m, IrOp op)
{
    keep(m, m->wide, &m->wides, add(m, op, wide(m), 0, 0, random_below(m->random, 64)));
}

static void make_half(Maker *m, IrOp op)
{
    keep(m, m->value, &m->values, add(m, op, wide(m), 0, 0, 0));
}

static void make_get_field(Maker *m, IrOp op)
{
    keep(m, m->value, &m->values, add(m, op, 0, 0, 0, random_below(m->random, IR_FIELDS)));
}

static void make_set_field(Maker *m, IrOp op)
{
    Random *r = m->random;
    if (random_one_in(r, 3))
        add(m, op, add(m, IR_UBITS, variable(m), 0, 0, random_below(r, 28) | 4 << 8), 0, 0, FIELD_GE);
    else if (random_one_in(r, 2))
        add(m, op, any(m), 0, 0, random_below(r, 2)); /* N and Z */
    else
        add(m, op, bit(m), 0, 0, FIELD_CF + random_below(r, 2));
}

static void make_or_field(Maker *m, IrOp op)
{
    add(m, op, bit(m), 0, 0, FIELD_Q);
}

static void make_set_reg(Maker *m, IrOp op)
{
    add(m, op, any(m), 0, 0, random_below(m->random, 15));
}

/* An operation with whatever it needs before it. Operands of both kinds are never constant where the
 * translator would have computed the result itself. */
static void (*const maker[IR_OPS])(Maker *m, IrOp op) = {
    [IR_PCREL] = make_variable,
    [IR_GET_REG] = make_variable,
    [IR_GET_FIELD] = make_get_field,
    [IR_SET_FIELD] = make_set_field,
    [IR_OR_FIELD] = make_or_field,
    [IR_SET_REG] = make_set_reg,
    [IR_ADD] = make_add_sub,
    [IR_SUB] = make_add_sub,
    [IR_ADC] = make_adc_sbc,
    [IR_SBC] = make_adc_sbc,
    [IR_CARRY] = make_flag_of,
    [IR_OVERFLOW] = make_flag_of,
    [IR_MUL] = make_mul,
    [IR_AND] = make_logic,
    [IR_OR] = make_logic,
    [IR_XOR] = make_logic,
    [IR_NOT] = make_unary,
    [IR_CLZ] = make_unary,
    [IR_BSWAP] = make_unary,
    [IR_SHL] = make_shift,
    [IR_SHR] = make_shift,
    [IR_SAR] = make_shift,
    [IR_ROR] = make_shift,
    [IR_SHLV] = make_shift_by,
    [IR_SHRV] = make_shift_by,
    [IR_SARV] = make_shift_by,
    [IR_RORV] = make_shift_by,
    [IR_SHLV_C] = make_shift_carry,
    [IR_SHRV_C] = make_shift_carry,
    [IR_SARV_C] = make_shift_carry,
    [IR_RORV_C] = make_shift_carry,
    [IR_UBITS] = make_bits,
    [IR_SBITS] = make_bits,
    [IR_INSERT] = make_insert,
    [IR_LTU] = make_less,
    [IR_LTS] = make_less,
    [IR_EQZ] = make_eqz,
    [IR_SELECT] = make_select,
    [IR_SELECT_IF] = make_select_if,
    [IR_MULU64] = make_wide_of_two,
    [IR_MULS64] = make_wide_of_two,
    [IR_PAIR] = make_wide_of_two,
    [IR_ZEXT64] = make_wide_of_one,
    [IR_SEXT64] = make_wide_of_one,
    [IR_ADD64] = make_wide_add_sub,
    [IR_SUB64] = make_wide_add_sub,
    [IR_SHL64] = make_wide_shift,
    [IR_SAR64] = make_wide_shift,
    [IR_LOW] = make_half,
    [IR_HIGH] = make_half,
};

static void make(Maker *m, IrOp op)
{
    maker[op](m, op);
}

static const uint8_t plain_ops[] = {
    IR_PCREL,  IR_GET_REG,     IR_SET_REG,      IR_GET_FIELD, IR_SET_FIELD, IR_OR_FIELD, IR_ADD,
    IR_SUB,    IR_ADC,         IR_SBC,          IR_CARRY,     IR_OVERFLOW,  IR_MUL,      IR_AND,
    IR_OR,     IR_XOR,         IR_NOT,          IR_SHL,       IR_SHR,       IR_SAR,      IR_ROR,
    IR_SHLV,   IR_SHRV,        IR_SARV,         IR_RORV,      IR_SHLV_C,    IR_SHRV_C,   IR_SARV_C,
    IR_RORV_C, IR_UBITS,       IR_SBITS,        IR_INSERT,    IR_CLZ,       IR_BSWAP,    IR_LTU,
    IR_LTS,    IR_EQZ,         IR_SELECT,       IR_SELECT_IF, IR_MULU64,    IR_MULS64,   IR_PAIR,
    IR_ZEXT64, IR_SEXT64,      IR_ADD64,        IR_SUB64,     IR_SHL64,     IR_SAR64,    IR_LOW,
    IR_HIGH,   IR_SKIP_UNLESS, IR_SKIP_IF_ZERO, IR_EXIT_IF};

static IrOp random_op(Random *r)
{
    IrOp op;
    do
        op = random_one_in(r, 3) ? IR_SET_REG : (IrOp)plain_ops[random_below(r, sizeof plain_ops)];
    while (op == IR_SKIP_UNLESS || op == IR_SKIP_IF_ZERO || op == IR_EXIT_IF);
    return op;
}

/* A few operations that are skipped or not. What they define is not known after them. */
static void make_skip(Maker *m, IrOp op)
{
    Random *r = m->random;
    make_store_flags(m);
    IrRef a = op == IR_SKIP_IF_ZERO ? variable(m) : 0;
    IrRef skip = add(m, op, a, 0, 0, op == IR_SKIP_UNLESS ? condition(m) : 0);
    Maker inner = *m;
    for (unsigned n = random_below(r, 4); n > 0; n--)
        make(&inner, random_op(r));
    make_store_flags(&inner);
    IrRef label = add(m, IR_LABEL, 0, 0, 0, skip);
    if (op == IR_SKIP_IF_ZERO)
        m->ir->insn[skip].imm = label;
    m->flags = (IrFlags){{0}};
}

/* A way out, on which flags are stored that may be used again behind it. */
static void make_exit_if(Maker *m)
{
    Ir *ir = m->ir;
    IrRef exit = add(m, IR_EXIT_IF, 0, 0, 0, condition(m) | 0x200 << 16);
    ir->snap[ir->snaps] = m->flags;
    ir->insn[exit].snap = (uint16_t)ir->snaps++;
}

static void make_list(Ir *ir, Random *r, IrOp op)
{
    Maker m = {.random = r, .ir = ir};
    ir_reset(ir);
    add(&m, IR_INSN, 0, 0, 0, 0);
    for (unsigned n = random_below(r, 8); n > 0; n--)
        make(&m, random_op(r));
    if (op == IR_SKIP_UNLESS || op == IR_SKIP_IF_ZERO)
        make_skip(&m, op);
    else if (op == IR_EXIT_IF)
        make_exit_if(&m);
    else
        make(&m, op);
    for (unsigned n = random_below(r, 10); n > 0; n--)
        make(&m, random_op(r));
    make_store_flags(&m);
    for (unsigned n = random_below(r, 4); n > 0 && m.wides; n--)
        add(&m, IR_SET_REG, add(&m, IR_HIGH, wide(&m), 0, 0, 0), 0, 0, random_below(r, 15));
    for (unsigned n = 1 + random_below(r, 6); n > 0; n--)
        add(&m, IR_SET_REG, random_one_in(r, 3) && m.bits ? bit(&m) : any(&m), 0, 0, random_below(r, 15));
    add(&m, IR_INSN, 0, 0, 0, 1);
    add(&m, IR_EXIT, 0, 0, 0, 0x104);
}

/* ---- Running it ------------------------------------------------------------------------------------- */

static uint64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static Bench *bench_new(void)
{
    Bench *b = calloc(1, sizeof *b);
    Error err;
    decode_init();
    if (!b || !codebuf_new(&b->buf, 1 << 20, &err) || !x64_make_runtime(&b->buf, &b->runtime))
        abort();
    b->runtime_end = b->buf.used;
    b->lower = x64_lower_new();
    b->log = log_new(stderr);
    b->clock = clock_new(no_time, NULL);
    b->bus = bus_new(b->log);
    b->cpu = cpu_new(0, 1, b->bus, b->clock, b->log);
    x64_prepare_cpu(b->cpu);
    b->block = calloc(1, sizeof *b->block + sizeof(Insn));
    b->block->count = 1;
    b->block->insn[0] = (Insn){.offset = 0x100, .length = 4};
    return b;
}

static void bench_free(Bench *b)
{
    cpu_free(b->cpu);
    bus_free(b->bus);
    clock_free(b->clock);
    log_free(b->log);
    codebuf_free(&b->buf);
    free(b->lower);
    free(b->block);
    free(b);
}

static void random_state(Random *r, IrState *state)
{
    for (unsigned n = 0; n < 15; n++)
        state->reg[n] = random_value(r);
    state->field[FIELD_NF] = random_value(r);
    state->field[FIELD_ZF] = random_one_in(r, 2) ? 0 : random_value(r);
    state->field[FIELD_CF] = random_below(r, 2);
    state->field[FIELD_VF] = random_below(r, 2);
    state->field[FIELD_Q] = random_below(r, 2);
    state->field[FIELD_GE] = random_below(r, 16);
    state->page_va = random_next(r) & PAGE_MASK;
}

static void to_cpu(Cpu *cpu, const IrState *s)
{
    memcpy(cpu->r, s->reg, sizeof s->reg);
    cpu->nf = s->field[FIELD_NF];
    cpu->zf = s->field[FIELD_ZF];
    cpu->cf = s->field[FIELD_CF];
    cpu->vf = s->field[FIELD_VF];
    cpu->q = s->field[FIELD_Q];
    cpu->ge = (uint8_t)s->field[FIELD_GE];
    cpu->page_va = s->page_va;
    cpu->jit_budget = 1000;
}

static IrState from_cpu(const Cpu *cpu)
{
    IrState s = {
        .field = {cpu->nf, cpu->zf, cpu->cf, cpu->vf, cpu->q, cpu->ge},
          .page_va = cpu->page_va
    };
    memcpy(s.reg, cpu->r, sizeof s.reg);
    return s;
}

typedef uint64_t Enter(Cpu *cpu, const void *code);

/* NULL, or what is wrong. */
static const char *run_list(Bench *b, Random *r, IrState *before, IrState *expected, IrState *got,
                            bool *unfit)
{
    X64Exits exits;
    b->plain = b->ir;
    ir_optimise(&b->ir);
    codebuf_reset(&b->buf, b->runtime_end);
    *unfit = !x64_lower(b->lower, &b->piece, &b->runtime, &b->ir, b->block);
    if (*unfit)
        return NULL;
    if (!x64_place(&b->buf, &b->runtime, &b->piece, 1, &exits))
        return "the place";
    for (unsigned n = 0; n < STATES; n++) {
        random_state(r, before);
        *expected = *before;
        unsigned left = ir_eval(&b->plain, expected); /* the block's end has the first link */
        to_cpu(b->cpu, before);
        uint64_t exit = ((Enter *)(uintptr_t)b->runtime.enter)(b->cpu, b->buf.run + exits.entry);
        *got = from_cpu(b->cpu);
        if (exit != (1 << 8 | (EXIT_LINK + left)))
            return "the exit";
        if (b->cpu->jit_budget != 999)
            return "the budget";
        if (memcmp(got, expected, sizeof *got))
            return "the state";
    }
    return NULL;
}

static void report(const Bench *b, IrOp op, uint64_t seed, const char *wrong, const IrState *state)
{
    printf("%s, seed %llu: %s is wrong\n", ir_ops[op].name, (unsigned long long)seed, wrong);
    ir_print(&b->ir, stdout);
    for (unsigned n = 0; n < 15 + IR_FIELDS; n++) {
        uint32_t v[3];
        for (unsigned k = 0; k < 3; k++)
            v[k] = n < 15 ? state[k].reg[n] : state[k].field[n - 15];
        printf("  %s%u: before %08x, expected %08x, got %08x%s\n", n < 15 ? "r" : "field ",
               n < 15 ? n : n - 15, v[0], v[1], v[2], v[1] != v[2] ? " <---" : "");
    }
    puts("  code:");
    for (size_t n = b->runtime_end; n < b->buf.used; n++)
        printf("%02x%s", b->buf.write[n],
               (n - b->runtime_end) % 32 == 31 || n + 1 == b->buf.used ? "\n" : "");
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    unsigned lists = 1000, failed = 0, all = 0, unfits = 0;
    const char *only = NULL;
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--seed"))
            seed = strtoull(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--lists"))
            lists = (unsigned)strtoul(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--only"))
            only = argv[n + 1];
    }
    Bench *b = bench_new();
    for (unsigned k = 0; k < sizeof plain_ops && failed < 5; k++) {
        IrOp op = (IrOp)plain_ops[k];
        if (only && strcmp(only, ir_ops[op].name))
            continue;
        for (unsigned n = 0; n < lists && failed < 5; n++, all++) {
            Random random = {(seed + n) * 0x2545f4914f6cdd1du + k};
            IrState state[3];
            bool unfit;
            make_list(&b->ir, &random, op);
            const char *wrong = run_list(b, &random, &state[0], &state[1], &state[2], &unfit);
            unfits += unfit;
            if (wrong) {
                failed++;
                report(b, op, seed + n, wrong, state);
            }
        }
    }
    bench_free(b);
    printf("%u lists of operations, %u failed, %u had more values than there are places\n", all, failed,
           unfits);
    return failed || unfits > all / 20;
}
