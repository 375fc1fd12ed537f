/* When blocks are compiled, and by whom.
 *
 * With a worker, a block is asked for when it was interpreted three quarters as often as the threshold says,
 * and taken when it was interpreted as often again, or when a number of instructions were executed since,
 * whichever comes first. Both depend on what the guest does and not on when the worker is ready: where it is
 * not, the block is compiled here. */
#define _GNU_SOURCE
#include "jit/hot.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

static uint64_t host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Everything goes when the next block is looked for: the blocks in hand stay readable until then. */
static void drop_all(Jit *jit)
{
    code_cache_flush(jit->code, FLUSH_HOST_CODE);
    jit->flushing = true;
    for (unsigned n = 0; n < jit->cpus; n++)
        jit->peers[n]->leave = 0;
}

/* ---- Installing -------------------------------------------------------------------------------------- */

static void installed(Jit *jit, Block *block, uint32_t pc)
{
    block->jit = jit->count++;
    jit->counts.blocks++;
    jit->counts.insns += block->count;
    if (__builtin_expect(jit->perf_map != NULL, 0))
        jit_map_block(jit, block, pc);
}

/* The block gets the code, if there is some, and room for it. */
static bool install(Jit *jit, Block *block, const Result *result, uint32_t pc)
{
    JitBlock *made = &jit->blocks[jit->count];
    jit->counts.shortened += result->shortened;
    if (!result->fit) {
        block->jit = BLOCK_UNFIT;
        jit->counts.unfit++;
        return false;
    }
    if (jit->count == jit->most_blocks ||
        !x64_place(&jit->buf, &jit->runtime, &result->piece, jit->count, &made->exits)) {
        drop_all(jit);
        return false;
    }
    for (unsigned n = 0; n < result->shortened; n++)
        code_cache_shorten(block);
    if (result->literals)
        code_cache_depend(jit->code, block, result->literals);
    made->block = block;
    installed(jit, block, pc);
    return true;
}

/* The log shows the IR, which only a block that this thread compiled leaves behind. */
static bool logs_code(const Cpu *cpu)
{
    return log_on(cpu->log, LOG_IR) || log_on(cpu->log, LOG_OUT_ASM);
}

static bool compile_now(Jit *jit, Cpu *cpu, Block *block)
{
    source_take(jit->source, cpu, block);
    compile(&jit->compiler, jit->source, jit->result);
    bool done = install(jit, block, jit->result, cpu->pc);
    if (done && logs_code(cpu))
        jit_log_block(jit, cpu, block, cpu->pc);
    return done;
}

/* ---- Jobs that were asked for ------------------------------------------------------------------------ */

static uint64_t executed(const Jit *jit)
{
    return jit->counts.interpreted + jit->counts.compiled;
}

static void append(Jit *jit, Job *job)
{
    job->newer = NULL;
    job->older = jit->newest;
    if (jit->newest)
        jit->newest->newer = job;
    else
        jit->oldest = job;
    jit->newest = job;
    jit->asked++;
}

static void take_out(Jit *jit, Job *job)
{
    if (job->older)
        job->older->newer = job->newer;
    else
        jit->oldest = job->newer;
    if (job->newer)
        job->newer->older = job->older;
    else
        jit->newest = job->older;
    jit->asked--;
}

static Job *job_of(const Jit *jit, const Block *block)
{
    return worker_job(jit->worker, block->jit - FIRST_JOB);
}

static void discard(Jit *jit, Job *job)
{
    take_out(jit, job);
    worker_put(jit->worker, job);
    jit->counts.worker_stale++;
}

/* Where the worker gets no processor, asking it costs a few percent for nothing: it is tried again now and
 * then. Not in repeatable runs, whose blocks must not be compiled earlier or later for that. */
static void note_missed(Jit *jit, bool missed)
{
    enum { ENOUGH = 64, WITHOUT = 4096 };
    jit->missed_in_row = missed ? jit->missed_in_row + 1 : 0;
    if (jit->missed_in_row == ENOUGH && !jit->options.repeatable) {
        jit->missed_in_row = 0;
        jit->without = WITHOUT;
    }
}

/* Constants that the code contains are looked at again: writes to them were nobody's business until now. */
static bool take(Jit *jit, Job *job)
{
    Block *block = job->block;
    bool missed;
    uint64_t waited;
    block->jit = 0;
    if (jit->flushing) {
        discard(jit, job);
        return false;
    }
    const Result *result = worker_take(jit->worker, job, &jit->compiler, jit->result, &missed, &waited);
    jit->counts.worker_missed += missed && worker_has_thread(jit->worker);
    note_missed(jit, missed);
    jit->waited_ns += waited;
    if (result->literals && !source_holds(job->source, result->literals, block->host_page)) {
        discard(jit, job);
        return false;
    }
    bool done = install(jit, block, result, job->pc);
    jit->counts.worker_blocks += done && !missed;
    if (done && missed && logs_code(job->cpu))
        jit_log_block(jit, job->cpu, block, job->pc);
    take_out(jit, job);
    worker_put(jit->worker, job);
    return done;
}

static void ask(Jit *jit, Cpu *cpu, Block *block)
{
    if (jit->asked == WORKER_JOBS)
        take(jit, jit->oldest);
    Job *job = worker_get(jit->worker);
    source_take(job->source, cpu, block);
    job->block = block;
    job->cpu = cpu;
    job->pc = cpu->pc;
    job->due = executed(jit) + jit->options.thread_delay;
    block->jit = FIRST_JOB + worker_number(jit->worker, job);
    append(jit, job);
    worker_post(jit->worker, job, logs_code(cpu));
}

/* ---- The policy -------------------------------------------------------------------------------------- */

static bool became_hot(Jit *jit, Cpu *cpu, Block *block)
{
    bool wait = !block->jit && block->heat <= jit->hot_at;
    if (wait && jit->worker && !jit->without) {
        ask(jit, cpu, block);
        return false;
    }
    if (jit->without && !block->jit) {
        if (block->heat <= jit->options.threshold)
            return false;
        jit->without--;
    }
    uint64_t before = host_ns();
    bool done = block->jit ? take(jit, job_of(jit, block)) : compile_now(jit, cpu, block);
    jit->compile_ns += host_ns() - before;
    return done;
}

bool hot_block(Jit *jit, Cpu *cpu, Block *block)
{
    uint32_t heat = block->heat++;
    if (block->jit == BLOCK_UNFIT || jit->flushing)
        return false;
    if (heat >= jit->hot_at || (heat >= jit->ask_at && !block->jit))
        return became_hot(jit, cpu, block);
    return false;
}

void hot_take_due(Jit *jit)
{
    if (executed(jit) < jit->oldest->due)
        return;
    uint64_t before = host_ns();
    while (jit->oldest && executed(jit) >= jit->oldest->due)
        take(jit, jit->oldest);
    jit->compile_ns += host_ns() - before;
}

void hot_dropped(Jit *jit, Block *block)
{
    if (block->jit >= FIRST_JOB && block->jit != BLOCK_UNFIT)
        discard(jit, job_of(jit, block));
}

void hot_emptied(Jit *jit)
{
    jit->flushing = false;
    while (jit->oldest)
        discard(jit, jit->oldest);
}

/* ---- Making ------------------------------------------------------------------------------------------ */

/* On one processor the worker would only take turns with the one who waits for it. */
static bool several_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

static bool wants_thread(const JitOptions *options)
{
    if (options->thread == JIT_THREAD_AUTO)
        return options->mode != JIT_VERIFY && several_processors();
    return options->thread == JIT_THREAD_ON;
}

/* Nothing is asked for before it is needed if it is needed at once. Repeatable runs ask and take at the same
 * instructions on every host, whether there is a thread or not: which engine runs what shows in the TLB, and
 * so in its counters. */
static void make_worker(Jit *jit)
{
    const JitOptions *options = &jit->options;
    bool thread = wants_thread(options);
    if (options->threshold && (thread || options->repeatable))
        jit->worker = worker_new(&jit->runtime, thread, options->worker_hook, options->worker_opaque);
    if (jit->worker && !worker_has_thread(jit->worker) && !options->repeatable) { /* the host refused one */
        worker_free(jit->worker);
        jit->worker = NULL;
    }
}

void hot_init(Jit *jit)
{
    JitOptions *options = &jit->options;
    compiler_init(&jit->compiler, &jit->runtime);
    jit->source = source_new();
    jit->result = malloc(sizeof *jit->result);
    if (!jit->result)
        abort();
    make_worker(jit);
    jit->ask_at = jit->worker ? (3 * options->threshold + 3) / 4 : options->threshold;
    jit->hot_at = jit->worker ? 2 * jit->ask_at : jit->ask_at;
    if (options->thread_delay == 0)
        options->thread_delay = THREAD_DELAY;
}

void hot_free(Jit *jit)
{
    worker_free(jit->worker);
    compiler_free(&jit->compiler);
    source_free(jit->source);
    free(jit->result);
}
