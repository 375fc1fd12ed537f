/* The translation table walk of the short-descriptor format (ARM DDI 0406C, B3.5 to B3.8).
 *
 * Pure: what it depends on comes in through MmuRegs and the descriptor reader, what it finds goes out. As on
 * the Cortex-A9: no PXN (bit 0 of a section and bit 2 of a page-table descriptor are reserved), no hardware
 * management of the access flag, 32-bit physical addresses (bits 39:32 of a supersection are ignored). */
#include "mmu/mmu.h"

#include <string.h>

enum {
    SCTLR_M = 1 << 0,
    SCTLR_I = 1 << 12,
    SCTLR_EE = 1 << 25,
    SCTLR_TRE = 1 << 28,
    SCTLR_AFE = 1 << 29,
    TTBCR_N = 7,
    TTBCR_PD0 = 1 << 4,
    TTBCR_PD1 = 1 << 5
};

/* Cacheability as PAR reports it. */
enum { CACHE_NONE, CACHE_WBWA, CACHE_WT, CACHE_WB };

/* DACR fields. */
enum { DOMAIN_CLIENT = 1, DOMAIN_MANAGER = 3 };

/* One walk in progress. */
typedef struct Walk {
    const MmuRegs *regs;
    WalkRead read;
    void *opaque;
    uint32_t va;
    AccessKind kind;
    bool privileged;
    Translation *out;
    Fault *fault;
} Walk;

/* What a descriptor that maps memory says, whatever its format. */
typedef struct Attributes {
    uint8_t ap;  /* AP[2:0] */
    uint8_t tex; /* TEX[2:0] */
    bool c, b, s, ng, xn;
} Attributes;

static bool fail(const Walk *w, FaultKind kind, unsigned level, unsigned domain)
{
    w->fault->kind = kind;
    w->fault->level = (uint8_t)level;
    w->fault->domain = (uint8_t)domain;
    return false;
}

static bool read_descriptor(const Walk *w, uint32_t pa, unsigned level, unsigned domain, uint32_t *value)
{
    if (!w->read(w->opaque, pa, value, w->fault))
        return fail(w, FAULT_EXTERNAL_ON_WALK, level, domain);
    if (w->regs->sctlr & SCTLR_EE)
        *value = __builtin_bswap32(*value);
    return true;
}

static void set_normal(Translation *out, unsigned inner, unsigned outer, bool shareable)
{
    out->type = MEM_NORMAL;
    out->inner = (uint8_t)inner;
    out->outer = (uint8_t)outer;
    out->shareable = shareable;
}

static void set_strongly_ordered(Translation *out)
{
    out->type = MEM_STRONGLY_ORDERED;
    out->shareable = true;
}

static void set_device(Translation *out, bool shareable)
{
    out->type = MEM_DEVICE;
    out->shareable = shareable;
}

/* TEX, C and B with SCTLR.TRE = 0 (table B3-10). Reserved encodings behave as the strictest type. */
static void decode_type(Translation *out, const Attributes *a)
{
    unsigned cb = (unsigned)a->c << 1 | a->b;
    if (a->tex & 4) {
        set_normal(out, cb, a->tex & 3, a->s);
        return;
    }
    switch (a->tex << 2 | cb) {
    case 0x1:
        set_device(out, true);
        break;
    case 0x2:
        set_normal(out, CACHE_WT, CACHE_WT, a->s);
        break;
    case 0x3:
        set_normal(out, CACHE_WB, CACHE_WB, a->s);
        break;
    case 0x4:
        set_normal(out, CACHE_NONE, CACHE_NONE, a->s);
        break;
    case 0x7:
        set_normal(out, CACHE_WBWA, CACHE_WBWA, a->s);
        break;
    case 0x8:
        set_device(out, false);
        break;
    default:
        set_strongly_ordered(out);
        break;
    }
}

/* TEX[0], C and B with SCTLR.TRE = 1 select a field of PRRR and NMRR (B3.8.3). */
static void remap_type(Translation *out, const Attributes *a, const MmuRegs *regs)
{
    unsigned n = (a->tex & 1u) << 2 | (unsigned)a->c << 1 | a->b;
    switch (regs->prrr >> (2 * n) & 3) {
    case 0:
        set_strongly_ordered(out);
        break;
    case 1:
        set_device(out, regs->prrr >> (16 + a->s) & 1);
        break;
    default:
        set_normal(out, regs->nmrr >> (2 * n) & 3, regs->nmrr >> (16 + 2 * n) & 3,
                   regs->prrr >> (18 + a->s) & 1);
        break;
    }
    out->inner_shareable = out->shareable && regs->prrr >> (24 + n) & 1;
}

/* AP[2:0] at one privilege (table B3-8). With SCTLR.AFE = 1 the access flag, AP[0], is 1 by now, which leaves
 * the simplified model of table B3-9. */
static void decode_permissions(Translation *out, unsigned ap, bool privileged)
{
    static const struct {
        bool privileged_read, privileged_write, user_read, user_write;
    } rights[8] = {
        {0, 0, 0, 0},
        {1, 1, 0, 0},
        {1, 1, 1, 0},
        {1, 1, 1, 1},
        {0, 0, 0, 0},
        {1, 0, 0, 0},
        {1, 0, 1, 0},
        {1, 0, 1, 0},
    };
    out->may_read = privileged ? rights[ap].privileged_read : rights[ap].user_read;
    out->may_write = privileged ? rights[ap].privileged_write : rights[ap].user_write;
}

static bool allowed(const Translation *t, AccessKind kind)
{
    return kind == ACCESS_READ ? t->may_read : kind == ACCESS_WRITE ? t->may_write : t->may_fetch;
}

/* The checks that follow a successful lookup, in the order of their priority: access flag, domain,
 * permission. w->out has pa, page_size, level, domain and ns. */
static bool check_access(const Walk *w, const Attributes *a)
{
    Translation *out = w->out;
    out->global = !a->ng;
    if (w->regs->sctlr & SCTLR_TRE)
        remap_type(out, a, w->regs);
    else
        decode_type(out, a);
    if (w->regs->sctlr & SCTLR_AFE && !(a->ap & 1))
        return fail(w, FAULT_ACCESS_FLAG, out->level, out->domain);
    unsigned rights = w->regs->dacr >> (2 * out->domain) & 3;
    if (rights == DOMAIN_MANAGER) {
        out->may_read = out->may_write = out->may_fetch = true;
        return true;
    }
    if (rights != DOMAIN_CLIENT)
        return fail(w, FAULT_DOMAIN, out->level, out->domain);
    decode_permissions(out, a->ap, w->privileged);
    out->may_fetch = out->may_read && !a->xn;
    if (!allowed(out, w->kind))
        return fail(w, FAULT_PERMISSION, out->level, out->domain);
    return true;
}

static void set_output(const Walk *w, uint32_t base, uint32_t size, unsigned level, unsigned domain, bool ns)
{
    w->out->page_size = size;
    w->out->pa = (base & ~(size - 1)) | (w->va & (size - 1));
    w->out->level = (uint8_t)level;
    w->out->domain = (uint8_t)domain;
    w->out->ns = ns || !w->regs->secure;
}

static bool small_page(const Walk *w, uint32_t d, unsigned domain, bool ns)
{
    Attributes a = {
        .ap = (uint8_t)((d >> 7 & 4) | (d >> 4 & 3)),
        .tex = d >> 6 & 7,
        .c = d >> 3 & 1,
        .b = d >> 2 & 1,
        .s = d >> 10 & 1,
        .ng = d >> 11 & 1,
        .xn = d & 1,
    };
    set_output(w, d, 0x1000, 2, domain, ns);
    return check_access(w, &a);
}

static bool large_page(const Walk *w, uint32_t d, unsigned domain, bool ns)
{
    Attributes a = {
        .ap = (uint8_t)((d >> 7 & 4) | (d >> 4 & 3)),
        .tex = d >> 12 & 7,
        .c = d >> 3 & 1,
        .b = d >> 2 & 1,
        .s = d >> 10 & 1,
        .ng = d >> 11 & 1,
        .xn = d >> 15 & 1,
    };
    set_output(w, d, 0x10000, 2, domain, ns);
    return check_access(w, &a);
}

static bool page_table(const Walk *w, uint32_t d)
{
    unsigned domain = d >> 5 & 15;
    uint32_t page;
    if (!read_descriptor(w, (d & 0xfffffc00) | (w->va >> 10 & 0x3fc), 2, domain, &page))
        return false;
    bool ns = d >> 3 & 1;
    if (page & 2)
        return small_page(w, page, domain, ns);
    if (page & 1)
        return large_page(w, page, domain, ns);
    return fail(w, FAULT_TRANSLATION, 2, domain);
}

static bool section(const Walk *w, uint32_t d)
{
    Attributes a = {
        .ap = (uint8_t)((d >> 13 & 4) | (d >> 10 & 3)),
        .tex = d >> 12 & 7,
        .c = d >> 3 & 1,
        .b = d >> 2 & 1,
        .s = d >> 16 & 1,
        .ng = d >> 17 & 1,
        .xn = d >> 4 & 1,
    };
    bool super = d >> 18 & 1;
    set_output(w, d, super ? 0x1000000 : 0x100000, 1, super ? 0 : d >> 5 & 15, d >> 19 & 1);
    return check_access(w, &a);
}

/* Finds the first-level descriptor with TTBR0 or TTBR1 (B3.5.4) and follows it. */
static bool first_level(const Walk *w)
{
    const MmuRegs *regs = w->regs;
    unsigned n = regs->ttbcr & TTBCR_N;
    bool use_ttbr1 = n && w->va >> (32 - n);
    if (regs->ttbcr & (use_ttbr1 ? TTBCR_PD1 : TTBCR_PD0))
        return fail(w, FAULT_TRANSLATION, 1, 0);
    if (use_ttbr1)
        n = 0;
    uint32_t table_size = 0x4000u >> n;
    uint32_t base = (use_ttbr1 ? regs->ttbr1 : regs->ttbr0) & ~(table_size - 1);
    uint32_t descriptor;
    if (!read_descriptor(w, base | (w->va >> 18 & (table_size - 4)), 1, 0, &descriptor))
        return false;
    switch (descriptor & 3) {
    case 1:
        return page_table(w, descriptor);
    case 2:
        return section(w, descriptor);
    default:
        return fail(w, FAULT_TRANSLATION, 1, 0);
    }
}

/* The flat map of B3.2.1. */
static bool mmu_off(const Walk *w)
{
    Translation *out = w->out;
    set_output(w, w->va, 0x1000, 1, 0, false);
    out->global = true;
    out->may_read = out->may_write = out->may_fetch = true;
    if (w->kind != ACCESS_FETCH)
        set_strongly_ordered(out);
    else if (w->regs->sctlr & SCTLR_I)
        set_normal(out, CACHE_WT, CACHE_WT, false);
    else
        set_normal(out, CACHE_NONE, CACHE_NONE, true);
    return true;
}

bool mmu_walk(const MmuRegs *regs, WalkRead read, void *opaque, uint32_t va, AccessKind kind, bool privileged,
              Translation *out, Fault *fault)
{
    memset(out, 0, sizeof *out);
    *fault = (Fault){.kind = FAULT_NONE, .va = va, .write = kind == ACCESS_WRITE};
    Walk w = {regs, read, opaque, va, kind, privileged, out, fault};
    return regs->sctlr & SCTLR_M ? first_level(&w) : mmu_off(&w);
}
