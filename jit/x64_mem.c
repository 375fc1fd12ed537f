/* Guest memory, and the way off the fast path.
 *
 * The table of accesses is indexed by page number and holds what must be added to a guest address to get the
 * host's, or 0 where an access must not go straight to memory. An access is: page number, entry, zero and
 * alignment tests, access.
 *
 * The slow path of an instruction is the interpreter's function for the whole of it: nothing was changed yet
 * when the fast path is left, and it goes on behind the instruction. */
#include <stddef.h>

#include "jit/x64_lower.h"

/* Whatever must move to free a temporary moves now: between the branches of a site nothing may. */
static void make_room(Lower *l)
{
    end_scratch(l, scratch(l));
}

SlowSite *new_site(Lower *l)
{
    if (l->sites == MAX_SITES) {
        l->failed = true;
        l->sites = 0;
    }
    SlowSite *site = &l->site[l->sites++];
    site->froms = 0;
    site->insn = l->insn;
    site->flags = l->ir->snap[0];
    if (insn_of(l, l->at)->snap)
        site->flags = l->ir->snap[insn_of(l, l->at)->snap];
    keep_books(l, &site->books);
    site->host = 0;
    site->rest = false;
    site->look.kind = LOOK_NONE;
    site->span.bytes = 0;
    site->from_odd = NULL;
    return site;
}

SlowSite *same_site(Lower *l)
{
    SlowSite *last = &l->site[l->sites - 1];
    bool same = l->open_sites < l->sites && last->insn == l->insn && !last->rest && last->froms < 4;
    return same ? last : new_site(l);
}

void leave_if(Lower *l, SlowSite *site, Cc cc)
{
    site->from[site->froms++] = x64_jcc(l->a, cc);
}

/* The slow path does not make what the fast path makes behind the site: the translator must not go on with
 * it. */
static bool made_behind(const SlowSite *site, const LiveAt *live)
{
    return live->ref > site->books.at && (live->loc.kind == LOC_TEMP || live->loc.kind == LOC_SPILL);
}

/* The guest instruction is complete: here its slow paths go on. */
void close_sites(Lower *l)
{
    for (; l->open_sites < l->sites; l->open_sites++) {
        SlowSite *site = &l->site[l->open_sites];
        live_after(l, l->at, &site->after);
        for (unsigned n = 0; n < site->after.count && !site->rest; n++)
            l->failed |= made_behind(site, &site->after.at[n]);
        site->resume = l->a->at;
        site->copies = l->xmm.copies;
        forget_slots(l, site->books.spill);
    }
}

void load_entry(Asm *a, Reg page, Reg address, bool write)
{
    x64_mov_rr(a, W32, page, address);
    x64_shift_ri(a, SHIFT_OP_SHR, W32, page, PAGE_BITS);
    x64_load(a, W64, page, mem_index(REG_TLB, page, 8, write ? (int32_t)offsetof(FastTlb, write) : 0));
}

/* The address must be aligned as the instruction asks for, and the last byte be in the same page. */
static void look_at_span(Lower *l, const SlowSite *site)
{
    const SpanLook *span = &site->span;
    Asm *a = l->a;
    Patch odd = NULL;
    if (span->alignment > 1) {
        x64_test_ri(a, W32, span->address, span->alignment - 1);
        odd = x64_jcc_short(a, CC_NE);
    }
    x64_mov_rr(a, W32, span->free, span->address);
    x64_alu_ri(a, ALU_AND, W32, span->free, PAGE_SIZE - 1);
    x64_alu_ri(a, ALU_CMP, W32, span->free, (int32_t)PAGE_SIZE - span->bytes);
    x64_jcc_to(a, CC_BE, site->back + a->to_run);
    if (odd)
        x64_patch_short(odd, a->at);
}

/* An unaligned access may go on all the same. */
static void look_at_odd(Lower *l, const SlowSite *site)
{
    const OddLook *odd = &site->odd;
    x64_patch(site->from_odd, l->a->at);
    x64_call_to(l->a, l->runtime->odd[odd->write][odd->bytes == 4][temp_number(odd->page)][odd->address]);
    x64_jcc_to(l->a, CC_NE, site->back + l->a->to_run);
}

static void emit_site(Lower *l, const SlowSite *site)
{
    Asm *a = l->a;
    if (site->from_odd)
        look_at_odd(l, site);
    for (unsigned n = 0; n < site->froms; n++)
        x64_patch(site->from[n], a->at);
    if (site->host) {
        x64_call_to(a, l->runtime->fp_host);
        x64_test_mi(a, W8, CPU_FIELD(fp_host), site->host);
        x64_jcc_to(a, CC_NE, site->back + a->to_run);
    }
    if (site->look.kind != LOOK_NONE)
        second_look(l, site);
    if (site->span.bytes)
        look_at_span(l, site);
    enter_books(l, &site->books);
    store_flags(l, &site->flags);
    save_lives(l, site);
    x64_mov_ri(a, RAX, site->insn | (site->rest ? 0 : JIT_SLOW));
    add_number(l);
    x64_call_to(a, site->rest ? l->runtime->call_rest : l->runtime->call_insn);
    if (site->rest)
        return;
    reload_lives(l, site);
    reload_xmms(l, &site->copies);
    x64_patch(x64_jmp(a), site->resume);
}

void emit_sites(Lower *l)
{
    for (unsigned n = 0; n < l->sites && !l->a->full; n++)
        emit_site(l, &l->site[n]);
}

void lower_call(Lower *l, const IrInsn *insn)
{
    (void)insn;
    x64_mov_ri(l->a, RAX, l->insn);
    add_number(l);
    x64_call_to(l->a, l->runtime->call_insn);
    clobber_flags(l);
    for (unsigned n = 0; n < 15; n++)
        l->holds[n] = IR_NO_REF;
    forget_xmms(l);
}

void lower_guard(Lower *l, const IrInsn *insn)
{
    SlowSite *site = new_site(l);
    x64_alu_mi(l->a, ALU_CMP, W8, CPU_FIELD(world), (int32_t)insn->imm);
    clobber_flags(l);
    leave_if(l, site, CC_NE);
}

/* ---- Accesses ---------------------------------------------------------------------------------------- */

static Width width_of(uint32_t imm)
{
    return (Width)(8 * (imm & ~(uint32_t)IR_ALIGNED));
}

/* The table's entry for the page of address, in a temporary; leaves the fast path if there is none or the
 * address is not a multiple of alignment. */
static Reg host_page(Lower *l, SlowSite *site, Reg address, bool write, uint32_t alignment)
{
    Reg page = scratch(l);
    Asm *a = l->a;
    load_entry(l->a, page, address, write);
    if (alignment > 1) {
        x64_test_ri(a, W32, address, (int32_t)(alignment - 1));
        leave_if(l, site, CC_NE);
    }
    x64_test_rr(a, W64, page, page);
    leave_if(l, site, CC_E);
    clobber_flags(l);
    return page;
}

/* The same for a load or store, which may be unaligned unless it says IR_ALIGNED. */
static Reg host_page_of(Lower *l, Reg address, bool write, uint32_t imm)
{
    uint32_t bytes = imm & ~(uint32_t)IR_ALIGNED;
    SlowSite *site = new_site(l);
    if (bytes == 1 || imm & IR_ALIGNED)
        return host_page(l, site, address, write, bytes);
    Reg page = scratch(l);
    load_entry(l->a, page, address, write);
    x64_test_ri(l->a, W32, address, (int32_t)(bytes - 1));
    site->from_odd = x64_jcc(l->a, CC_NE);
    site->odd = (OddLook){(uint8_t)bytes, write, address, page};
    site->back = l->a->at;
    x64_test_rr(l->a, W64, page, page);
    leave_if(l, site, CC_E);
    clobber_flags(l);
    return page;
}

void lower_load(Lower *l, const IrInsn *insn)
{
    Reg address = use_reg(l, insn->a);
    make_room(l);
    Reg page = host_page_of(l, address, false, insn->imm);
    Reg dst = define(l, page);
    x64_load(l->a, width_of(insn->imm), dst, mem_index(page, address, 1, 0));
}

void lower_store(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    bool constant = is_const(l, insn->b, &value);
    Reg address = use_reg(l, insn->a);
    Reg data = constant ? REG_NONE : use_reg(l, insn->b);
    make_room(l);
    Reg page = host_page_of(l, address, true, insn->imm);
    unsigned bytes = width_of(insn->imm) / 8;
    Mem mem = mem_index(page, address, 1, 0);
    if (constant)
        x64_store_imm(l->a, width_of(insn->imm), mem,
                      bytes == 1   ? (int8_t)value
                      : bytes == 2 ? (int16_t)value
                                   : (int32_t)value);
    else
        x64_store(l->a, width_of(insn->imm), mem, data);
}

/* place, a host address, becomes the physical one; only that of RAM is known. */
static void to_physical(Lower *l, SlowSite *site, Reg place)
{
    x64_alu_rm(l->a, ALU_SUB, W64, place, CPU_FIELD(ram_host));
    x64_alu_rm(l->a, ALU_CMP, W64, place, CPU_FIELD(ram_size));
    leave_if(l, site, CC_AE);
    x64_alu_rm(l->a, ALU_ADD, W64, place, CPU_FIELD(ram_base));
}

static void to_host(Lower *l, Reg place)
{
    x64_alu_rm(l->a, ALU_SUB, W64, place, CPU_FIELD(ram_base));
    x64_alu_rm(l->a, ALU_ADD, W64, place, CPU_FIELD(ram_host));
}

/* A store without a reservation is the slow path's: it fails there. Other CPUs have no reservations while
 * this one runs. */
void lower_exclusive(Lower *l, const IrInsn *insn)
{
    bool write = insn->op == IR_STORE_EX;
    Asm *a = l->a;
    Reg address = use_reg(l, insn->a);
    Reg data = write ? use_reg(l, insn->b) : REG_NONE;
    make_room(l);
    SlowSite *site = new_site(l);
    Reg place = host_page(l, site, address, write, insn->imm);
    x64_alu_rr(a, ALU_ADD, W64, place, address);
    to_physical(l, site, place);
    if (!write) {
        x64_store_imm(a, W8, CPU_FIELD(exclusive_valid), 1);
        x64_store_imm(a, W8, CPU_FIELD(exclusive_size), (int32_t)insn->imm);
        x64_store(a, W32, CPU_FIELD(exclusive_pa), place);
        to_host(l, place);
        x64_load(a, width_of(insn->imm), define(l, place), mem_at(place, 0));
        return;
    }
    x64_alu_mr(a, ALU_CMP, W32, CPU_FIELD(exclusive_pa), place);
    leave_if(l, site, CC_NE);
    x64_alu_mi(a, ALU_CMP, W16, CPU_FIELD(exclusive_valid), (int32_t)(insn->imm << 8 | 1));
    leave_if(l, site, CC_NE);
    to_host(l, place);
    x64_store_imm(a, W8, CPU_FIELD(exclusive_valid), 0);
    x64_store(a, width_of(insn->imm), mem_at(place, 0), data);
}

/* Most addresses are multiples of what is accessed there; the others are looked at out of line. */
static void leave_if_odd(Lower *l, SpanLook span)
{
    SlowSite *site = new_site(l);
    site->span = span;
    x64_test_ri(l->a, W32, span.address, span.bytes - 1);
    leave_if(l, site, CC_NE);
    site->back = l->a->at;
}

/* The words, or bytes, are in one page. */
void lower_words(Lower *l, const IrInsn *insn)
{
    bool span = insn->op == IR_SPAN_READ || insn->op == IR_SPAN_WRITE;
    bool write = insn->op == IR_WORDS_WRITE || insn->op == IR_SPAN_WRITE;
    uint32_t bytes = span ? insn->imm & 0xff : 4 * insn->imm, alignment = span ? 1u << (insn->imm >> 8) : 4;
    Reg address = use_reg(l, insn->a);
    make_room(l);
    if (bytes > alignment && (bytes & (bytes - 1)) == 0 && bytes <= 32) {
        Reg free = scratch(l);
        leave_if_odd(l, (SpanLook){(uint8_t)bytes, (uint8_t)alignment, address, free});
        end_scratch(l, free);
        bytes = alignment = 1; /* all is known */
    }
    SlowSite *site = new_site(l);
    if (bytes > alignment) {
        Reg offset = scratch(l);
        x64_mov_rr(l->a, W32, offset, address);
        x64_alu_ri(l->a, ALU_AND, W32, offset, PAGE_SIZE - 1);
        x64_alu_ri(l->a, ALU_CMP, W32, offset, (int32_t)(PAGE_SIZE - bytes));
        leave_if(l, site, CC_A);
        end_scratch(l, offset);
    }
    Reg page = host_page(l, site, address, write, alignment);
    x64_alu_rr(l->a, ALU_ADD, W64, page, address);
    define_in(l, page);
}
