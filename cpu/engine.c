/* The run loop: finds decoded blocks, runs them, and looks up between them.
 *
 * Interrupts and stop requests are seen between instructions: `attention` is checked after each block, and
 * whatever raises it from within an instruction sets LEAVE_CHECK, which ends the block there. */
#include "cpu/engine.h"
#include "cpu/exec.h"

#include <stddef.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Runs n instructions from first; the last one run is left in cpu->insn. Returns how many began. */
static inline unsigned run_insns(Cpu *cpu, const Insn *first, unsigned n)
{
    const Insn *i = first, *end = first + n;
    uint32_t base = cpu->page_va + (cpu->thumb ? 4 : 8);
    cpu->block_start = first;
    do {
        cpu->insn = i;
        cpu->r[15] = base + i->offset;
        if (likely(i->cond == 14) || condition_holds(cpu, i->cond)) {
            i->exec(cpu, i);
            if (unlikely(cpu->leave)) {
                i++;
                break;
            }
        }
    } while (++i != end);
    return (unsigned)(i - first);
}

/* Brings pc, ITSTATE and the count up to date after `ran` instructions from first. Returns what was in leave.
 */
static inline uint8_t finish(Cpu *cpu, const Insn *first, unsigned ran)
{
    const Insn *last = first + ran - 1;
    uint8_t leave = cpu->leave;
    cpu->leave = 0;
    cpu->insn = NULL;
    cpu->icount += ran;
    if (!(leave & LEAVE_PC)) {
        cpu->pc = cpu->page_va + last->offset + last->length;
        cpu->itstate = insn_next_itstate(last);
    }
    return leave;
}

/* The successor of b in the same page, if it was met before and is still there. (The page may be mapped
 * elsewhere now: links never leave the physical page.) */
static inline Block *linked(const Cpu *cpu, const Block *b, unsigned slot)
{
    Block *next = b->link[slot];
    uint32_t offset = cpu->pc - cpu->page_va;
    if (next && next->valid && (next->key.pa & ~PAGE_MASK) == offset && next->key.thumb == cpu->thumb &&
        next->key.itstate == cpu->itstate)
        return next;
    return NULL;
}

static void log_insns(const Cpu *cpu, const Insn *insn, unsigned count)
{
    char text[96];
    if (log_on_at(cpu->log, LOG_EXEC, cpu->pc))
        log_line(cpu->log, LOG_EXEC, cpu->name, "%08x %s icount %llu", cpu->pc, cpu->thumb ? "T32" : "A32",
                 (unsigned long long)cpu->icount);
    for (unsigned n = 0; log_on(cpu->log, LOG_IN_ASM) && n < count; n++) {
        uint32_t address = (cpu->pc & PAGE_MASK) + insn[n].offset;
        if (!log_on_at(cpu->log, LOG_IN_ASM, address))
            continue;
        disassemble(&insn[n], address, text, sizeof text);
        log_line(cpu->log, LOG_IN_ASM, cpu->name, "%08x  %08x  %s", address, insn[n].raw, text);
    }
}

static bool logging_blocks(const Cpu *cpu)
{
    return log_on(cpu->log, LOG_EXEC) || log_on(cpu->log, LOG_IN_ASM);
}

/* True between a stop at a breakpoint and the instruction that it is at. */
static bool goes_on(const Cpu *cpu)
{
    return cpu->icount == cpu->stop_icount && cpu->pc == cpu->stop_pc;
}

bool cpu_stops(Cpu *cpu)
{
    if (goes_on(cpu) || !breakpoints_at(code_cache_breakpoints(cpu->code), cpu->pc))
        return false;
    cpu->stop_icount = cpu->icount_limit = cpu->icount;
    cpu->stop_pc = cpu->pc;
    return cpu->stopped = true;
}

/* Fetches and decodes the instruction at pc, whatever it lies in. False: an abort was taken. */
static bool fetch_insn(Cpu *cpu, Insn *insn)
{
    uint16_t half[2] = {0};
    bool is_32bit = !cpu->thumb;
    if (!mmu_fetch_halfword(cpu, cpu->pc, &half[0]))
        return false;
    is_32bit |= thumb_is_32bit(half[0]);
    if (is_32bit && !mmu_fetch_halfword(cpu, cpu->pc + 2, &half[1]))
        return false;
    if (!cpu->thumb)
        decode(insn, SET_A32, (uint32_t)half[1] << 16 | half[0], 0);
    else if (is_32bit)
        decode(insn, SET_T32, (uint32_t)half[0] << 16 | half[1], cpu->itstate);
    else
        decode(insn, SET_T16, half[0], cpu->itstate);
    insn->offset = (uint16_t)(cpu->pc & ~PAGE_MASK);
    return true;
}

static void count_aborted_fetch(Cpu *cpu)
{
    cpu->leave = 0;
    cpu->icount++;
}

/* Runs one instruction that cannot be kept: it crosses a page, its memory is not plain, or there may be a
 * breakpoint, which counts only where the instruction can be fetched. */
static void run_unkept(Cpu *cpu)
{
    Insn insn;
    if (!fetch_insn(cpu, &insn)) {
        count_aborted_fetch(cpu);
        return;
    }
    if (cpu_stops(cpu))
        return;
    if (unlikely(logging_blocks(cpu)))
        log_insns(cpu, &insn, 1);
    cpu->page_va = cpu->pc & PAGE_MASK;
    cpu->itstate = 0;
    finish(cpu, &insn, run_insns(cpu, &insn, 1));
}

Block *engine_lookup(Cpu *cpu)
{
    const TlbEntry *e = tlb_entry(cpu->tlb, cpu->pc);
    BlockKey key = {.thumb = cpu->thumb, .itstate = cpu->itstate};
    if (likely(e->fetch == (cpu->pc & PAGE_MASK))) {
        key.pa = e->pa_page | (cpu->pc & ~PAGE_MASK);
        Block *b = code_cache_find(cpu->code, key);
        if (likely(b != NULL))
            return b;
    }
    const uint8_t *host_page;
    if (!mmu_fetch_page(cpu, cpu->pc, &key.pa, &host_page)) {
        count_aborted_fetch(cpu);
        return NULL;
    }
    if (!host_page) {
        run_unkept(cpu);
        return NULL;
    }
    Block *b = code_cache_find(cpu->code, key);
    if (!b)
        b = code_cache_decode(cpu->code, key, host_page);
    if (!b)
        run_unkept(cpu);
    return b;
}

uint8_t engine_step(Cpu *cpu, const Block *block)
{
    uint64_t left = cpu->icount_limit - cpu->icount;
    if (unlikely(logging_blocks(cpu)))
        log_insns(cpu, block->insn, block->count);
    cpu->page_va = cpu->pc & PAGE_MASK;
    cpu->itstate = 0;
    return finish(cpu, block->insn,
                  run_insns(cpu, block->insn, block->count <= left ? block->count : (unsigned)left));
}

bool engine_run_one(Cpu *cpu, const Block *block, unsigned n, uint8_t *leave)
{
    const Insn *insn = &block->insn[n];
    cpu->thumb = block->key.thumb;
    cpu->itstate = 0;
    cpu->block_start = block->insn;
    cpu->insn = insn;
    cpu->r[15] = cpu->page_va + insn->offset + (cpu->thumb ? 4 : 8);
    insn->exec(cpu, insn);
    if (likely(!cpu->leave)) {
        cpu->insn = NULL;
        return false;
    }
    *leave = finish(cpu, block->insn, n + 1);
    return true;
}

uint8_t engine_run_from(Cpu *cpu, const Block *block, unsigned n)
{
    cpu->thumb = block->key.thumb;
    cpu->itstate = 0;
    return finish(cpu, block->insn + n, run_insns(cpu, block->insn + n, block->count - n));
}

/* Runs blocks until something needs a look or the limit is near enough to cut a block. */
static void run_chain(Cpu *cpu, Block *b)
{
    bool logging = logging_blocks(cpu);
    cpu->page_va = cpu->pc & PAGE_MASK;
    for (;;) {
        if (unlikely(logging))
            log_insns(cpu, b->insn, b->count);
        uint64_t left = cpu->icount_limit - cpu->icount;
        unsigned n = likely(b->count <= left) ? b->count : (unsigned)left;
        cpu->itstate = 0;
        uint8_t leave = finish(cpu, b->insn, run_insns(cpu, b->insn, n));
        if (unlikely(leave & ~LEAVE_PC) || unlikely(cpu->attention))
            return;
        if (unlikely(cpu->icount >= cpu->icount_limit)) /* before a lookup, which may take an abort */
            return;
        if ((cpu->pc ^ cpu->page_va) & PAGE_MASK) {
            b = engine_lookup(cpu);
            if (!b)
                return;
            cpu->page_va = cpu->pc & PAGE_MASK;
            continue;
        }
        unsigned slot = leave & LEAVE_PC;
        Block *next = linked(cpu, b, slot);
        if (unlikely(!next)) {
            uint32_t epoch = code_cache_epoch(cpu->code);
            next = engine_lookup(cpu);
            if (!next)
                return;
            bool same_page = !((next->key.pa ^ b->key.pa) & PAGE_MASK);
            if (epoch == code_cache_epoch(cpu->code) && b->valid && same_page)
                b->link[slot] = next;
        }
        b = next;
    }
}

/* Wakes a halted CPU if it may (DDI 0406C B1.8.13, B1.8.14). Returns false while it sleeps. */
static bool awake(Cpu *cpu)
{
    bool wake;
    if (cpu->halted_for_event) {
        bool irq = (cpu->attention & ATTN_IRQ) && !cpu->i, fiq = (cpu->attention & ATTN_FIQ) && !cpu->f;
        wake = cpu->event || irq || fiq;
        if (wake)
            cpu->event = false;
    } else {
        wake = cpu->attention & (ATTN_IRQ | ATTN_FIQ);
    }
    if (wake)
        cpu->attention &= (uint8_t)~ATTN_HALTED;
    return wake;
}

/* Returns false if the CPU cannot go on now. What comes while it stands at a breakpoint is taken after that
 * instruction: otherwise it would come back there and stop once more. */
bool engine_attend(Cpu *cpu)
{
    if (cpu->attention & (ATTN_STOP | ATTN_RESET))
        return false;
    if ((cpu->attention & ATTN_HALTED) && !awake(cpu))
        return false;
    if (!goes_on(cpu) && exception_take_pending(cpu)) {
        cpu->leave = 0;
        cpu->attention &= (uint8_t)~ATTN_INPUT;
    }
    return !(cpu->attention & ATTN_INPUT);
}

static bool may_go_on(Cpu *cpu)
{
    return cpu->icount < cpu->icount_limit && (!cpu->attention || engine_attend(cpu));
}

void interp_go_on(Cpu *cpu)
{
    do {
        Block *b = engine_lookup(cpu);
        if (b)
            run_chain(cpu, b);
    } while (may_go_on(cpu));
}

void interp_run(Cpu *cpu)
{
    if (may_go_on(cpu))
        interp_go_on(cpu);
}
