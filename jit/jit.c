/* The dispatcher: interprets what is cold, enters compiled code, and links its exits. What is compiled when
 * is hot.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "cpu/engine.h"
#include "jit/hot.h"
#include "jit/verify.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

typedef uint64_t Enter(Cpu *cpu, const void *code);

/* ---- What is dropped --------------------------------------------------------------------------------- */

static void dropped(void *opaque, Block *block)
{
    Jit *jit = opaque;
    hot_dropped(jit, block);
    if (!is_compiled(block))
        return;
    const X64Exits *exits = &jit->blocks[block->jit].exits;
    x64_redirect(&jit->buf, exits->entry, exits->stale);
    if (exits->again != exits->entry)
        x64_redirect(&jit->buf, exits->again, exits->stale);
    jit->counts.dropped++;
}

static void emptied(void *opaque)
{
    Jit *jit = opaque;
    codebuf_reset(&jit->buf, jit->runtime_end);
    jit->count = 1;
    jit->counts.emptied++;
    hot_emptied(jit);
    for (unsigned n = 0; n < jit->cpus; n++)
        mmu_forget_jumps(jit->peers[n]);
}

/* Big-endian data are the interpreter's: compiled code takes constants from memory as they are in
 * little-endian state. So are TLB refills while they are counted. Whatever changes that leaves compiled code.
 */
static bool only_interpreted(const Cpu *cpu)
{
    return cpu->e || cpu->counts_refills;
}

static bool has_code(Jit *jit, Cpu *cpu, Block *block)
{
    return is_compiled(block) || hot_block(jit, cpu, block);
}

/* ---- Running ----------------------------------------------------------------------------------------- */

/* Compiled code for pc, if nothing else is to be looked at first. */
static const void *next_code(Cpu *cpu)
{
    uint32_t key = cpu->pc | cpu->thumb;
    const JumpEntry *entry = jump_find(cpu->jumps, key);
    if (cpu->attention || cpu->icount_limit != cpu->jit_end || !entry || cpu->itstate ||
        only_interpreted(cpu))
        return JIT_LEAVE;
    cpu->jit_target = key;
    cpu->jit_budget = (int64_t)(cpu->jit_end - cpu->icount);
    return entry->code;
}

const void *jit_call_insn(Cpu *cpu, uint32_t where)
{
    Jit *jit = cpu->jit;
    const Block *block = jit->blocks[where >> 8].block;
    unsigned n = where & (JIT_SLOW - 1);
    cpu->icount = cpu->jit_end - (uint64_t)cpu->jit_budget - block->count;
    jit->counts.calls++;
    jit->counts.slow += (where & JIT_SLOW) != 0;
    jit->calls_by_row[block->insn[n].row]++;
    return engine_run_one(cpu, block, n, &jit->left) ? next_code(cpu) : JIT_GO_ON;
}

const void *jit_call_rest(Cpu *cpu, uint32_t where)
{
    Jit *jit = cpu->jit;
    const Block *block = jit->blocks[where >> 8].block;
    unsigned n = where & 0xff;
    cpu->icount = cpu->jit_end - (uint64_t)cpu->jit_budget - block->count + n;
    jit->counts.calls += block->count - n;
    jit->left = engine_run_from(cpu, block, n);
    return next_code(cpu);
}

static void at_block(Cpu *cpu, const Block *block)
{
    cpu->pc = cpu->page_va + (block->key.pa & ~PAGE_MASK);
    cpu->thumb = block->key.thumb;
    cpu->itstate = block->key.itstate;
}

static void at_link(Cpu *cpu, const Block *block, const X64Link *link)
{
    (void)block;
    cpu->pc = cpu->page_va + link->offset;
    cpu->thumb = link->thumb;
    cpu->itstate = link->itstate;
}

static void at_target(Cpu *cpu, uint32_t target)
{
    cpu->thumb = target & 1;
    cpu->pc = target & (target & 1 ? ~1u : ~3u);
    cpu->itstate = 0;
}

uint64_t jit_enter(Jit *jit, Cpu *cpu, const Block *block)
{
    uint64_t before = cpu->icount;
    cpu->jit_budget = (int64_t)(cpu->icount_limit - before);
    cpu->jit_end = cpu->icount_limit;
    cpu->page_va = cpu->pc & PAGE_MASK;
    jit->counts.enters++;
    const uint8_t *code = jit->buf.run + jit->blocks[block->jit].exits.entry;
    uint64_t exit = ((Enter *)(uintptr_t)jit->runtime.enter)(cpu, code);
    unsigned kind = exit & 0xff;
    const JitBlock *from = &jit->blocks[exit >> 8];
    if (kind != EXIT_LEFT)
        cpu->icount = cpu->jit_end - (uint64_t)cpu->jit_budget;
    if (kind == EXIT_FAR)
        at_target(cpu, cpu->jit_target);
    else if (kind == EXIT_BUDGET || kind == EXIT_STALE)
        at_block(cpu, from->block);
    else if (kind != EXIT_LEFT)
        at_link(cpu, from->block, &from->exits.link[kind]);
    jit->counts.compiled += cpu->icount - before;
    jit->counts.exits[kind >= EXIT_BUDGET ? kind - EXIT_BUDGET + 1 : 0]++;
    return exit;
}

/* Lets compiled code go from where it left to `next` by itself from now on. */
/* To another page: under the stamp that holds now. cpu->page_va is still the page that was left. */
static void link_far(Jit *jit, Cpu *cpu, const X64Link *link, const Block *next)
{
    const X64Exits *to = &jit->blocks[next->jit].exits;
    FarLink far = {.from_page = cpu->page_va, .page = cpu->pc & PAGE_MASK};
    if (next->key.itstate)
        return;
    mmu_add_jump(cpu, cpu->pc | cpu->thumb, jit->buf.run + to->far_entry);
    far.stamp = mmu_jump_stamp(cpu, cpu->page_va, cpu->pc, &far.which);
    if (far.stamp)
        x64_link_far(&jit->buf, link, to->entry, &far);
    jit->counts.links += far.stamp != 0;
}

static void link_exit(Jit *jit, Cpu *cpu, uint64_t exit, const Block *next)
{
    unsigned kind = exit & 0xff;
    const X64Exits *to = &jit->blocks[next->jit].exits;
    JitBlock *from = &jit->blocks[exit >> 8];
    if (kind == EXIT_FAR || kind == EXIT_LEFT) {
        if (next->key.itstate == 0)
            mmu_add_jump(cpu, cpu->pc | cpu->thumb, jit->buf.run + to->far_entry);
        return;
    }
    if (kind < X64_MAX_LINKS && from->exits.link[kind].far) {
        if (from->block->valid)
            link_far(jit, cpu, &from->exits.link[kind], next);
        return;
    }
    if ((from->block->key.pa ^ next->key.pa) & PAGE_MASK)
        return;
    if (kind == EXIT_STALE) {
        x64_redirect(&jit->buf, from->exits.entry, to->entry);
    } else if (kind < X64_MAX_LINKS && from->block->valid && from->exits.link[kind].offset < PAGE_SIZE) {
        x64_link(&jit->buf, &from->exits.link[kind], from->block == next ? to->again : to->entry);
        jit->counts.links++;
    }
}

/* From the block at pc on, until something needs a look. */
static void run_chain(Jit *jit, Cpu *cpu, Block *block)
{
    uint64_t exit = EXIT_NONE;
    while (cpu->icount < cpu->icount_limit && !only_interpreted(cpu)) {
        uint32_t epoch = code_cache_epoch(jit->code);
        if (unlikely(jit->oldest != NULL))
            hot_take_due(jit);
        bool compiled = has_code(jit, cpu, block);
        if (compiled && exit != EXIT_NONE)
            link_exit(jit, cpu, exit, block);
        if (compiled && cpu->icount_limit - cpu->icount >= block->count) {
            if (unlikely(jit->verifier != NULL) && !verify_block(jit, cpu, block))
                return;
            exit = jit->verifier ? EXIT_NONE : jit_enter(jit, cpu, block);
        } else {
            uint64_t before = cpu->icount;
            engine_step(cpu, block);
            jit->counts.interpreted += cpu->icount - before;
            exit = EXIT_NONE;
        }
        if (unlikely(cpu->attention) || cpu->icount >= cpu->icount_limit)
            return;
        block = engine_lookup(cpu);
        if (!block)
            return;
        if (epoch != code_cache_epoch(jit->code))
            exit = EXIT_NONE;
    }
}

/* What is only interpreted is run by the interpreter's own loop: refills are counted the same then, down to
 * those that fetches cause. */
static void interpret(Jit *jit, Cpu *cpu)
{
    uint64_t before = cpu->icount;
    interp_go_on(cpu);
    jit->counts.interpreted += cpu->icount - before;
}

static void run(Jit *jit, Cpu *cpu)
{
    while (cpu->icount < cpu->icount_limit) {
        if (cpu->attention && !engine_attend(cpu))
            return;
        if (unlikely(only_interpreted(cpu))) {
            interpret(jit, cpu);
            return;
        }
        Block *block = engine_lookup(cpu);
        if (block)
            run_chain(jit, cpu, block);
    }
}

void jit_run(Jit *jit, Cpu *cpu)
{
    run(jit, cpu);
    if (jit->worker)
        worker_wake(jit->worker);
}

/* ---- Making ------------------------------------------------------------------------------------------ */

Jit *jit_new(const JitOptions *options, struct CodeCache *code, unsigned cpus, Cpu *const *peers, Error *err)
{
    Jit *jit = calloc(1, sizeof *jit);
    if (!jit)
        abort();
    if (!codebuf_new(&jit->buf, options->code_bytes ? options->code_bytes : CODE_BYTES, err)) {
        free(jit);
        return NULL;
    }
    jit->options = *options;
    jit->code = code;
    jit->cpus = cpus;
    jit->peers = peers;
    jit->calls_by_row = calloc(insn_count, sizeof *jit->calls_by_row);
    jit->most_blocks = options->most_blocks ? options->most_blocks : BLOCKS_MAX;
    jit->blocks = calloc(jit->most_blocks, sizeof *jit->blocks);
    if (!jit->blocks || !jit->calls_by_row || !x64_make_runtime(&jit->buf, &jit->runtime))
        abort();
    jit->runtime_end = jit->buf.used;
    hot_init(jit);
    if (options->perf_map)
        jit_open_perf_map(jit);
    if (options->mode == JIT_VERIFY)
        jit->verifier = verifier_new();
    jit->count = 1;
    code_cache_set_side_exits(code, SIDE_EXITS);
    code_cache_set_hooks(code, &(CodeCacheHooks){dropped, emptied, jit});
    for (unsigned n = 0; n < cpus; n++)
        peers[n]->jit = jit, x64_prepare_cpu(peers[n]);
    return jit;
}

void jit_free(Jit *jit)
{
    if (!jit)
        return;
    hot_free(jit);
    codebuf_free(&jit->buf);
    if (jit->perf_map)
        fclose(jit->perf_map);
    free(jit->blocks);
    free(jit->calls_by_row);
    verifier_free(jit->verifier);
    free(jit);
}

void jit_on_difference(Jit *jit, JitDifference *hook, void *opaque)
{
    jit->difference = hook;
    jit->difference_opaque = opaque;
}

JitCounts jit_counts(const Jit *jit)
{
    JitCounts counts = jit->counts;
    uint64_t blocks;
    counts.bytes = codebuf_bytes(&jit->buf);
    counts.compile_us = jit->compile_ns / 1000;
    counts.waited_us = jit->waited_ns / 1000;
    if (jit->worker)
        counts.worker_us = worker_busy(jit->worker, &blocks) / 1000;
    for (unsigned n = 0; n < jit->cpus; n++)
        counts.second += jit->peers[n]->jit_second;
    return counts;
}
