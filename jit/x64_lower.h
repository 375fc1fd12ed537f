/* Private to the x86-64 back end: the state of one lowering, and what its files offer each other.
 *
 * x64_lower.c    a block: the table of IR operations, guest state, what is around the operations
 * x64_int.c      integers
 * x64_control.c  ways out of the block, conditional instructions
 * x64_values.c   where values are: the register allocator
 * x64_flags.c    guest flags in host flags, conditions
 * x64_mem.c      guest memory, slow paths
 * x64_xmm.c      vector registers; x64_fp.c, x64_vec.c: what is computed in them
 * x64_piece.c    the block as a piece that can be placed anywhere
 *
 * Fixed registers. RBP: the CPU, plus CPU_BIAS, so that its first 256 bytes have short displacements. R13:
 * the budget of instructions. R14: the page table of accesses. Guest r0 to r7 and sp have homes; the other
 * guest registers are in the CPU. RAX, RCX and RDX hold everything else. */
#ifndef ARMATURE_JIT_X64_LOWER_H
#define ARMATURE_JIT_X64_LOWER_H

#include "cpu/code_cache.h"
#include "jit/backend.h"
#include "jit/ir.h"
#include "jit/x64_asm.h"
#include "jit/x64_xmm.h"

enum { CPU_BIAS = 128, TEMPS = 3, SPILLS = 16, SAVES = 16, MAX_LIVE = 48, MAX_SITES = BLOCK_MAX_INSNS * 4 };

#define REG_CPU RBP
#define REG_BUDGET R13
#define REG_TLB R14

/* In a link to another page, from the branch's displacement: the page that the block is at (there may be
 * others), the stamp, where it is in the CPU, and the target's page. */
enum { FAR_FROM_PAGE = -31, FAR_STAMP_DISP = -19, FAR_STAMP = -18, FAR_PAGE = -5 };

/* A field of the CPU as an operand. */
#define CPU_FIELD(field) mem_at(REG_CPU, (int32_t)offsetof(Cpu, field) - CPU_BIAS)
#define CPU_OFFSET(offset) mem_at(REG_CPU, (int32_t)(offset)-CPU_BIAS)

typedef enum LocKind {
    LOC_NONE,  /* not made yet, or no longer needed */
    LOC_CONST, /* the operation says it */
    LOC_TEMP,  /* in temporary register n */
    LOC_GUEST, /* guest register n holds it: its home or its place in the CPU */
    LOC_SPILL, /* in spill slot n */
    LOC_FIELD, /* field n of the CPU holds it */
    LOC_AT,    /* in memory at the host address that operand a of the operation is */
    LOC_FLAGS  /* carry or overflow of an addition or subtraction: found where it is used */
} LocKind;

typedef struct Loc {
    uint8_t kind, n;
} Loc;

/* A value that outlives a branch, and where it is there. */
typedef struct LiveAt {
    IrRef ref;
    Loc loc;
} LiveAt;

typedef struct LiveSet {
    LiveAt at[MAX_LIVE];
    unsigned count;
} LiveSet;

/* Where values are at a branch. */
typedef struct Books {
    IrRef at; /* the operation */
    LiveSet here;
    IrRef spill[SPILLS];
} Books;

/* A conditional way out of the block. */
typedef struct SideExit {
    Patch from;
    Books books;
    IrFlags flags;    /* to be stored first */
    IrRef host_flags; /* what the host's flags are at the branch */
    bool host_flags_all;
    unsigned not_begun; /* instructions of the block behind it */
    uint32_t offset;
} SideExit;

/* A way off the fast path: code that is appended after the block. */
typedef struct SlowSite {
    Patch from[6]; /* branches to it */
    unsigned froms;
    unsigned insn; /* index in the block */
    IrFlags flags; /* to be stored first */
    Books books;
    LiveSet after;    /* where values are where the fast path goes on */
    uint8_t *resume;  /* where the fast path goes on */
    XmmCopies copies; /* in XMM registers there */
    uint8_t host;     /* FP_HOST_* that it can bring about, going back to `back` */
    bool rest;        /* it leaves the block, the rest of which is interpreted */
    uint8_t *back;
    FloatLook look; /* a second one, which may go to `back` */
    SpanLook span;  /* likewise */
    OddLook odd;    /* of an unaligned address, which does not come here otherwise */
    Patch from_odd;
} SlowSite;

struct Lower {
    Asm *a;
    uint8_t *base; /* of the piece */
    X64Piece *piece;
    Ir *ir;
    const Block *block;
    const X64Runtime *runtime;
    IrRef at;      /* the operation that is lowered */
    unsigned insn; /* the guest instruction that it belongs to */
    Loc loc[IR_MAX];
    IrRef live[MAX_LIVE]; /* values that have a place */
    unsigned lives;
    IrRef temp[TEMPS]; /* what is in each, IR_NO_REF: free */
    bool pinned[TEMPS];
    IrRef spill[SPILLS];
    bool spills;         /* a slot was used in this block */
    IrRef holds[15];     /* the value that a guest register has, if one is known */
    IrRef host_flags;    /* the operation whose result the host's flags describe, IR_NO_REF: none */
    bool host_flags_all; /* carry and overflow too, as an addition or subtraction leaves them */
    SideExit side[SIDE_EXITS];
    unsigned sides;
    SlowSite site[MAX_SITES];
    unsigned sites;
    unsigned open_sites; /* first site whose resume point is not known yet */
    Patch skip;          /* the pending conditional skip */
    LiveSet at_skip;
    IrRef spill_at_skip[SPILLS];
    uint16_t set_in_skip; /* guest registers that are written before the label */
    IrRef skip_flags;
    bool skip_flags_all;
    XmmState xmm;
    XmmCopies copies_at_skip;
    XmmCopies loop; /* where the block goes on when it jumps to itself */
    bool loops;
    Patch elsewhere[X64_MAX_LINKS][2]; /* branches of links to other pages that are not good now */
    bool failed;                       /* more values than places: the block cannot be compiled */
    X64Exits *exits;
    NearList nears[2]; /* of the two parts */
};

/* ---- x64_piece.c ------------------------------------------------------------------------------------- */

/* Begins a part of the piece: the usual one (0) or the rare one (1). */
Asm begin_part(Lower *l, unsigned part);
/* The 32 bits just written get the block's number. */
void add_number(Lower *l);
/* Notes what must be put right when the piece is placed. */
void end_piece(Lower *l, const Asm *usual, const Asm *rare);

/* ---- x64_values.c ------------------------------------------------------------------------------------ */

extern const Reg temp_regs[TEMPS];

/* Which of temp_regs it is. */
unsigned temp_number(Reg reg);

/* The home of guest register n, or REG_NONE. */
Reg home_of(unsigned n);

const IrInsn *insn_of(const Lower *l, IrRef ref);
bool is_const(const Lower *l, IrRef ref, uint32_t *value);
bool fits_imm(const Lower *l, IrRef ref);

/* dst := dst op value. */
void alu_operand(Lower *l, AluOp op, Reg dst, IrRef ref);
/* A field of the CPU is about to be written: values that are there move away. */
void save_field(Lower *l, unsigned field);

/* The value's register; it is put into a temporary if it has none. Pins temporaries until the end of the
 * operation. */
Reg use_reg(Lower *l, IrRef ref);
/* A copy of the value that may be changed. The value itself moves elsewhere if it is still needed. */
Reg use_copy(Lower *l, IrRef ref);
/* A free temporary, pinned. */
Reg scratch(Lower *l);
void end_scratch(Lower *l, Reg reg); /* free again */
/* Only what was pinned before stays so: the rest was only looked at. */
void unpin(Lower *l, const bool *before);
/* RCX in particular, and no other. */
void scratch_rcx(Lower *l);
/* True if the value is in memory that an operand can name. */
bool in_memory(const Lower *l, IrRef ref, Mem *mem);
/* Where the current operation's result goes: the home it is on its way to, or a temporary. To be called when
 * the operands were read into registers (they are not changed); equal to `reuse` if that dies here. */
Reg define(Lower *l, Reg reuse);
/* The same without any operand in mind. */
void define_as(Lower *l, Loc loc);
/* The result is in a temporary that scratch() or use_copy() gave. */
void define_in(Lower *l, Reg temp);
/* dst := value, by moves only. */
void move_to(Lower *l, Reg dst, IrRef ref);
/* Guest register n is about to be written: values that are there move away, but for `except`. */
void save_guest(Lower *l, unsigned n, IrRef except);
void store_guest(Lower *l, unsigned n, IrRef ref);
void read_guest(Lower *l, unsigned n);
bool needed_after(const Lower *l, IrRef ref);
void end_operation(Lower *l);
void live_after(const Lower *l, IrRef end, LiveSet *set);
void keep_before_skip(Lower *l, IrRef label);
void restore_at_label(Lower *l);
void forget_slots(Lower *l, const IrRef *filled_before);
void keep_books(const Lower *l, Books *books);
void enter_books(Lower *l, const Books *books);
void save_lives(Lower *l, const SlowSite *site);
void reload_lives(Lower *l, const SlowSite *site);

/* ---- x64_flags.c ------------------------------------------------------------------------------------- */

/* Host code that changes flags follows. */
void clobber_flags(Lower *l);
void flags_are(Lower *l, IrRef ref, bool all);
/* Leaves the host's flags such that the condition holds if the result holds. */
Cc condition(Lower *l, const IrCond *cond);
/* The condition under which the carry or overflow ref is 1. */
Cc flag_condition(Lower *l, IrRef ref);
/* Carry flag of the host := value ref (0 or 1), or its opposite. */
void carry_in(Lower *l, IrRef ref, bool inverted);
void store_flag(Lower *l, IrField field, IrRef ref);
/* All of them that are values, one after the other. */
void store_flags(Lower *l, const IrFlags *flags);
/* A value that was not computed because only its flags were wanted, in a temporary. */
Reg compute(Lower *l, IrRef ref);

/* ---- x64_mem.c --------------------------------------------------------------------------------------- */

/* page := the entry of the table of accesses for the page of address. */
void load_entry(Asm *a, Reg page, Reg address, bool write);

void lower_load(Lower *l, const IrInsn *insn);
void lower_store(Lower *l, const IrInsn *insn);
void lower_exclusive(Lower *l, const IrInsn *insn);
void lower_words(Lower *l, const IrInsn *insn);
void lower_call(Lower *l, const IrInsn *insn);
void lower_guard(Lower *l, const IrInsn *insn);
/* A way off the fast path at the current operation. Whatever must move to free a temporary moves before. */
SlowSite *new_site(Lower *l);
/* The same again if the current instruction has one and no value of the IR moved since. */
SlowSite *same_site(Lower *l);
void leave_if(Lower *l, SlowSite *site, Cc cc);
void close_sites(Lower *l);
void emit_sites(Lower *l);
Mem field_mem(IrField field);
Width field_width(IrField field); /* what is read of it: the rest of its word is 0 */

/* ---- x64_int.c --------------------------------------------------------------------------------------- */

void lower_add_sub(Lower *l, const IrInsn *insn);
void lower_logic(Lower *l, const IrInsn *insn);
void lower_adc_sbc(Lower *l, const IrInsn *insn);
void lower_mul(Lower *l, const IrInsn *insn);
void lower_shift(Lower *l, const IrInsn *insn);
void lower_simple(Lower *l, const IrInsn *insn);
void lower_bits(Lower *l, const IrInsn *insn);
void lower_insert(Lower *l, const IrInsn *insn);
void lower_clz(Lower *l, const IrInsn *insn);
void lower_shift_by(Lower *l, const IrInsn *insn);
void lower_shift_carry(Lower *l, const IrInsn *insn);
/* The current operation's result is 1 if cc holds, or 0. */
void define_condition(Lower *l, Cc cc);
void lower_less(Lower *l, const IrInsn *insn);
void lower_eqz(Lower *l, const IrInsn *insn);
void lower_select(Lower *l, const IrInsn *insn);
void lower_select_if(Lower *l, const IrInsn *insn);
void lower_mul64(Lower *l, const IrInsn *insn);
void lower_wide(Lower *l, const IrInsn *insn);

/* ---- x64_control.c ----------------------------------------------------------------------------------- */

/* True if the exit goes to the block's own first instruction. */
bool is_own_start(const Lower *l, const IrInsn *exit);
/* Rare code: where a link to another page goes that is not good now. */
void far_link_elsewhere(Lower *l, unsigned number);
/* Behind the operations: what the conditional ways out do. */
void emit_side_exits(Lower *l);
void lower_exit(Lower *l, const IrInsn *insn);
void lower_exit_if(Lower *l, const IrInsn *insn);
void lower_exit_to(Lower *l, const IrInsn *insn);
void lower_skip(Lower *l, const IrInsn *insn);
void lower_label(Lower *l, const IrInsn *insn);

/* ---- x64_xmm.c --------------------------------------------------------------------------------------- */

Mem const_mem(XmmConst which);
/* The value's register, for reading. Registers that these give are pinned until end_xmm(). */
Xmm use_xmm(Lower *l, IrRef ref);
/* A copy of the value that may be changed. */
Xmm copy_xmm(Lower *l, IrRef ref);
Xmm scratch_xmm(Lower *l);
/* The current operation's result is in the register. */
void define_xmm(Lower *l, Xmm xmm);
void end_xmm(Lower *l);
void forget_xmms(Lower *l);
/* Where two ways meet: what both have stays. */
void merge_xmms(Lower *l, const XmmCopies *other);
void reload_xmms(Lower *l, const XmmCopies *copies);
/* Bytes [first, first + count) of the vector registers are written. */
void drop_xmms(Lower *l, unsigned first, unsigned count);
void lower_vector_state(Lower *l, const IrInsn *insn);
/* A block that jumps to itself keeps what it reads first in XMM registers: what is loaded before the first
 * round, and brought back to its places at the end of each. */
void load_loop_xmms(Lower *l);
void settle_loop_xmms(Lower *l);

/* ---- x64_fp.c ---------------------------------------------------------------------------------------- */

void lower_fp(Lower *l, const IrInsn *insn);
/* FP_FLAG as a value, in a temporary. */
Reg fp_flag_value(Lower *l, const IrInsn *insn);
/* False if the condition is not one over the result of one comparison. */
bool fp_condition(Lower *l, const IrCond *cond, Cc *cc);
/* In the runtime: what the host's sticky flags say goes to FPSCR (RCX and RDX are used), and they begin anew.
 */
void fold_fp_flags(Asm *a);
void begin_fp_flags(Asm *a);
void make_fp_host(Asm *a);

/* ---- x64_vec.c --------------------------------------------------------------------------------------- */

void lower_vec(Lower *l, const IrInsn *insn);
/* Of a slow path: goes back if nothing is the matter. */
void second_look(Lower *l, const SlowSite *site);

#endif
