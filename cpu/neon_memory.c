/* Element and structure loads and stores (DDI 0406C A7.7, VLD1 to VLD4, VST1 to VST4). A transfer that lies
 * in one page of plain memory uses host memory directly, others go element by element through a buffer. No
 * register changes before all of memory was read; nothing is written if a later page of a store cannot be. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

enum { MAX_TRANSFER = 32, SCTLR_A = 2 };

/* ---- Memory ---- */

/* The bytes of the accesses that a transfer is made of: elements, words of 64-bit ones. */
static unsigned access_size(const Insn *i)
{
    return i->size < 2 ? 1u << i->size : 4;
}

/* Host memory of the transfer if the TLB's tag allows it and no alignment rule forbids it, else NULL. */
INLINE uint8_t *direct_host(Cpu *c, const Insn *i, uint32_t va, unsigned bytes, bool write)
{
    const TlbEntry *e = tlb_entry(c->tlb, va);
    if ((write ? e->write : e->read) != (va & PAGE_MASK) || (va & ~PAGE_MASK) + bytes > PAGE_SIZE)
        return NULL;
    if (va & ((1u << i->rs) - 1))
        return NULL;
    if (va & (access_size(i) - 1) && (e->type != MEM_NORMAL || cp15_bank(c)->sctlr & SCTLR_A))
        return NULL;
    return (uint8_t *)(e->host + va);
}

/* The alignment that the instruction asks for holds for the whole transfer: the first access checks it. */
static unsigned access_op(const Insn *i, unsigned done)
{
    return access_size(i) | (done ? 0 : (unsigned)i->rs << MEM_ALIGN_SHIFT);
}

/* Where in a little-endian buffer an access goes: 64-bit elements in big-endian memory have their high word
 * first. */
static unsigned place(const Cpu *c, const Insn *i, unsigned done)
{
    return i->size == 3 && c->e ? done ^ 4 : done;
}

static bool read_slowly(Cpu *c, const Insn *i, uint32_t va, uint8_t *buffer, unsigned bytes)
{
    unsigned size = access_size(i);
    for (unsigned done = 0; done < bytes; done += size) {
        uint64_t value = mmu_load(c, va + done, access_op(i, done));
        if (c->leave & LEAVE_FAULT)
            return false;
        memcpy(buffer + place(c, i, done), &value, size);
    }
    return true;
}

static bool write_slowly(Cpu *c, const Insn *i, uint32_t va, const uint8_t *buffer, unsigned bytes)
{
    unsigned size = access_size(i);
    if ((va & ~PAGE_MASK) + bytes > PAGE_SIZE && !mmu_probe(c, va, bytes, ACCESS_WRITE, access_op(i, 0)))
        return false;
    for (unsigned done = 0; done < bytes; done += size) {
        uint64_t value = 0;
        memcpy(&value, buffer + place(c, i, done), size);
        mmu_store(c, va + done, value, access_op(i, done));
        if (c->leave & LEAVE_FAULT)
            return false;
    }
    return true;
}

INLINE void write_back(Cpu *c, const Insn *i, unsigned bytes)
{
    if (i->rm == 13)
        c->r[i->rn] += bytes;
    else if (i->rm != 15)
        c->r[i->rn] += c->r[i->rm];
}

/* The bytes to load from: host memory or the buffer, filled. NULL: a fault was taken. */
INLINE const uint8_t *source(Cpu *c, const Insn *i, unsigned bytes, uint8_t *buffer)
{
    uint32_t va = c->r[i->rn];
    const uint8_t *host = direct_host(c, i, va, bytes, false);
    if (__builtin_expect(host != NULL, 1))
        return host;
    return read_slowly(c, i, va, buffer, bytes) ? buffer : NULL;
}

/* What a store fills: host memory or the buffer, which finish_store() writes. */
INLINE uint8_t *destination(Cpu *c, const Insn *i, unsigned bytes, uint8_t *buffer)
{
    uint8_t *host = direct_host(c, i, c->r[i->rn], bytes, true);
    return __builtin_expect(host != NULL, 1) ? host : buffer;
}

INLINE void finish_store(Cpu *c, const Insn *i, unsigned bytes, const uint8_t *filled, const uint8_t *buffer)
{
    if (filled != buffer || write_slowly(c, i, c->r[i->rn], buffer, bytes))
        write_back(c, i, bytes);
}

/* ---- Multiple structures ---- */

/* Copies `bytes` bytes, a constant; which way, the caller's constant says. */
typedef void Copy(uint8_t *in_register, uint8_t *in_memory, unsigned bytes);

INLINE void copy_to_register(uint8_t *in_register, uint8_t *in_memory, unsigned bytes)
{
    memcpy(in_register, in_memory, bytes);
}

INLINE void copy_to_memory(uint8_t *in_register, uint8_t *in_memory, unsigned bytes)
{
    memcpy(in_memory, in_register, bytes);
}

/* Walks the elements of the list's registers in the order of memory: structures of n elements. */
INLINE void walk_structures(Cpu *c, const Insn *i, uint8_t *memory, Copy *copy, unsigned size, unsigned n)
{
    unsigned groups = i->ra / n, spacing = 8u * i->shift_n;
    for (unsigned group = 0; group < groups; group++) {
        uint8_t *registers = &c->v.b[8 * (i->rd + group)];
        for (unsigned lane = 0; lane < 8u >> size; lane++)
            for (unsigned k = 0; k < n; k++) {
                copy(registers + k * spacing + (lane << size), memory, 1u << size);
                memory += 1u << size;
            }
    }
}

INLINE void walk_by_count(Cpu *c, const Insn *i, uint8_t *memory, Copy *copy, unsigned size)
{
    switch (i->q) {
    case 2:
        walk_structures(c, i, memory, copy, size, 2);
        break;
    case 3:
        walk_structures(c, i, memory, copy, size, 3);
        break;
    default:
        walk_structures(c, i, memory, copy, size, 4);
    }
}

/* Whole registers one after the other, whatever the element size. */
INLINE void walk_registers(Cpu *c, const Insn *i, uint8_t *memory, Copy *copy)
{
    uint8_t *first = &c->v.b[8 * i->rd];
    switch (i->ra) {
    case 1:
        copy(first, memory, 8);
        break;
    case 2:
        copy(first, memory, 16);
        break;
    case 3:
        copy(first, memory, 24);
        break;
    default:
        copy(first, memory, 32);
    }
}

INLINE void walk_list(Cpu *c, const Insn *i, uint8_t *memory, Copy *copy)
{
    if (i->q == 1) {
        walk_registers(c, i, memory, copy);
        return;
    }
    switch (i->size) {
    case 0:
        walk_by_count(c, i, memory, copy, 0);
        break;
    case 1:
        walk_by_count(c, i, memory, copy, 1);
        break;
    default:
        walk_by_count(c, i, memory, copy, 2);
    }
}

void neon_vld_multiple(Cpu *c, const Insn *i)
{
    uint8_t buffer[MAX_TRANSFER];
    unsigned bytes = 8u * i->ra;
    const uint8_t *from = source(c, i, bytes, buffer);
    if (!from)
        return;
    walk_list(c, i, (uint8_t *)from, copy_to_register);
    write_back(c, i, bytes);
}

void neon_vst_multiple(Cpu *c, const Insn *i)
{
    uint8_t buffer[MAX_TRANSFER];
    unsigned bytes = 8u * i->ra;
    uint8_t *to = destination(c, i, bytes, buffer);
    walk_list(c, i, to, copy_to_memory);
    finish_store(c, i, bytes, to, buffer);
}

/* ---- One structure, to or from one lane or to all lanes ---- */

static uint8_t *lane_of(Cpu *c, const Insn *i, unsigned k)
{
    return &c->v.b[8u * (i->rd + k * i->shift_n) + (i->imm << i->size)];
}

void neon_vld_lane(Cpu *c, const Insn *i)
{
    uint8_t buffer[MAX_TRANSFER];
    unsigned element = 1u << i->size, bytes = i->q * element;
    const uint8_t *from = source(c, i, bytes, buffer);
    if (!from)
        return;
    for (unsigned k = 0; k < i->q; k++)
        memcpy(lane_of(c, i, k), from + k * element, element);
    write_back(c, i, bytes);
}

void neon_vst_lane(Cpu *c, const Insn *i)
{
    uint8_t buffer[MAX_TRANSFER];
    unsigned element = 1u << i->size, bytes = i->q * element;
    uint8_t *to = destination(c, i, bytes, buffer);
    for (unsigned k = 0; k < i->q; k++)
        memcpy(to + k * element, lane_of(c, i, k), element);
    finish_store(c, i, bytes, to, buffer);
}

void neon_vld_all(Cpu *c, const Insn *i)
{
    uint8_t buffer[MAX_TRANSFER];
    unsigned element = 1u << i->size, bytes = i->q * element;
    const uint8_t *from = source(c, i, bytes, buffer);
    if (!from)
        return;
    for (unsigned k = 0; k < i->ra; k++) {
        uint64_t value = 0;
        memcpy(&value, i->q == 1 ? from : from + k * element, element);
        c->v.d[i->rd + k * (i->q == 1 ? 1 : i->shift_n)] = v_dup(value, i->size)[0];
    }
    write_back(c, i, bytes);
}
