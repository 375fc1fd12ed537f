/* The thread that compiles; see worker.h. */
#define _GNU_SOURCE
#include "jit/worker.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* Posted jobs, in order. The worker may find jobs there that the owner took back, or the same one twice. */
enum { RING = 2 * WORKER_JOBS, JOBS = WORKER_JOBS + 1 };

/* Waking it costs the owner several microseconds, as much as compiling a block. So as long as jobs come, the
 * worker looks for them by itself, now and then; when none came for a while, it sleeps until it is woken, for
 * a few jobs at a time or at the end of the owner's turn. */
enum { LOOK_NS = 50000, LOOKS = 40, WAKE_AT = 4 };

/* So long it is worth waiting for a job that the worker is doing, rather than doing it again. */
enum { PATIENCE_NS = 10000 };

struct Worker {
    /* The worker's. */
    Compiler compiler;
    WorkerHook *hook;
    void *opaque;
    _Atomic uint64_t busy_ns, blocks;
    _Atomic unsigned fetched;
    /* The owner's. */
    _Alignas(64) _Atomic unsigned posted;
    Job *ring[RING];
    Job *idle[JOBS];
    unsigned idles;
    bool has_thread;
    Job *abandoned; /* the latest: only that one can still be with the worker */
    /* Both. */
    _Alignas(64) _Atomic bool sleeps, ends;
    sem_t wake; /* a semaphore, since the owner must never wait for the worker, as with a lock it might */
    pthread_t thread;
    Job job[JOBS];
    Result *results; /* [JOBS] */
};

static uint64_t host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- The worker's side ------------------------------------------------------------------------------- */

static bool change(Job *job, unsigned from, unsigned to)
{
    return atomic_compare_exchange_strong(&job->state, &from, to);
}

static void work(Worker *w, Job *job)
{
    if (!change(job, JOB_POSTED, JOB_RUNNING))
        return;
    if (w->hook)
        w->hook(w->opaque);
    uint64_t before = host_ns();
    compile(&w->compiler, job->source, job->result);
    atomic_fetch_add_explicit(&w->busy_ns, host_ns() - before, memory_order_relaxed);
    if (!change(job, JOB_RUNNING, JOB_DONE))
        atomic_store(&job->state, JOB_IDLE);
    atomic_fetch_add(&w->blocks, 1);
}

/* Sleeps until there is something to do. The owner looks at `sleeps` after it posted, the worker looks for
 * jobs after it set that: one of them sees the other. Whoever takes `sleeps` back is the only one to. */
static void wait_for_jobs(Worker *w, unsigned fetched)
{
    atomic_store(&w->sleeps, true);
    bool nothing = atomic_load(&w->posted) == fetched && !atomic_load(&w->ends);
    if (!nothing && atomic_exchange(&w->sleeps, false))
        return;
    while (sem_wait(&w->wake)) /* a signal */
        ;
}

static void look_again(Worker *w, unsigned fetched, unsigned *looks)
{
    const struct timespec pause = {0, LOOK_NS};
    if (++*looks <= LOOKS) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        return;
    }
    wait_for_jobs(w, fetched);
    *looks = 0;
}

static void *run(void *opaque)
{
    Worker *w = opaque;
    unsigned looks = 0;
    /* On a host that is busy with other things it must not take the owner's processor: every wake-up would.
     */
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
    prctl(PR_SET_TIMERSLACK, 1000ul);
    for (unsigned fetched = 0; !atomic_load(&w->ends);) {
        if (atomic_load(&w->posted) == fetched) {
            look_again(w, fetched, &looks);
            continue;
        }
        looks = 0;
        Job *job = w->ring[fetched % RING];
        atomic_store(&w->fetched, ++fetched);
        work(w, job);
    }
    return NULL;
}

/* ---- The owner's side -------------------------------------------------------------------------------- */

Job *worker_job(Worker *worker, unsigned n)
{
    return &worker->job[n];
}

unsigned worker_number(const Worker *worker, const Job *job)
{
    return (unsigned)(job - worker->job);
}

Job *worker_get(Worker *w)
{
    if (!w->idles)
        return NULL;
    return w->idle[--w->idles];
}

/* The worker does one job at a time: an earlier one that was abandoned is idle by now. */
static void abandon(Worker *w, Job *job)
{
    if (w->abandoned)
        w->idle[w->idles++] = w->abandoned;
    w->abandoned = job;
}

void worker_put(Worker *w, Job *job)
{
    if (job == w->abandoned)
        return;
    unsigned state = atomic_load(&job->state);
    while (
        !atomic_compare_exchange_strong(&job->state, &state, state == JOB_RUNNING ? JOB_ABANDONED : JOB_IDLE))
        ;
    if (state == JOB_RUNNING)
        abandon(w, job);
    else
        w->idle[w->idles++] = job;
}

void worker_wake(Worker *w)
{
    if (atomic_load(&w->sleeps) && atomic_load(&w->posted) != atomic_load(&w->fetched) &&
        atomic_exchange(&w->sleeps, false))
        sem_post(&w->wake);
}

/* Where the ring is full, the owner does the job when it needs it. */
void worker_post(Worker *w, Job *job, bool own)
{
    unsigned posted = atomic_load_explicit(&w->posted, memory_order_relaxed);
    unsigned waiting = posted - atomic_load(&w->fetched);
    atomic_store(&job->state, JOB_POSTED);
    if (own || !w->has_thread || waiting == RING)
        return;
    w->ring[posted % RING] = job;
    atomic_store(&w->posted, posted + 1);
    if (waiting + 1 >= WAKE_AT)
        worker_wake(w);
}

/* Waits for a running job, but not long: the worker may have lost its processor. */
static uint64_t wait_for(const Job *job)
{
    uint64_t begin = host_ns(), waited = 0;
    while (atomic_load(&job->state) == JOB_RUNNING && waited < PATIENCE_NS)
        waited = host_ns() - begin;
    return waited;
}

const Result *worker_take(Worker *w, Job *job, Compiler *own, Result *spare, bool *missed, uint64_t *waited)
{
    *waited = 0;
    *missed = change(job, JOB_POSTED, JOB_IDLE);
    if (!*missed) {
        if (atomic_load(&job->state) == JOB_RUNNING)
            *waited = wait_for(job);
        *missed = change(job, JOB_RUNNING, JOB_ABANDONED);
        if (!*missed)
            return job->result;
        abandon(w, job);
    }
    compile(own, job->source, spare);
    return spare;
}

uint64_t worker_busy(const Worker *w, uint64_t *blocks)
{
    *blocks = atomic_load(&w->blocks);
    return atomic_load_explicit(&w->busy_ns, memory_order_relaxed);
}

/* ---- Making ------------------------------------------------------------------------------------------ */

static void make_jobs(Worker *w)
{
    w->results = calloc(JOBS, sizeof *w->results); /* mostly never touched */
    if (!w->results)
        abort();
    for (unsigned n = 0; n < JOBS; n++) {
        w->job[n].source = source_new();
        w->job[n].result = &w->results[n];
        w->idle[w->idles++] = &w->job[n];
    }
}

static void free_all(Worker *w)
{
    for (unsigned n = 0; n < JOBS; n++)
        source_free(w->job[n].source);
    free(w->results);
    compiler_free(&w->compiler);
    sem_destroy(&w->wake);
    free(w);
}

/* Signals are for the program's other threads. */
static bool start(Worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, NULL, run, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        pthread_setname_np(w->thread, "compiler");
    return started;
}

bool worker_has_thread(const Worker *w)
{
    return w->has_thread;
}

Worker *worker_new(const X64Runtime *runtime, bool thread, WorkerHook *hook, void *opaque)
{
    Worker *w = aligned_alloc(_Alignof(Worker), sizeof *w);
    if (!w)
        abort();
    memset(w, 0, sizeof *w);
    w->hook = hook;
    w->opaque = opaque;
    compiler_init(&w->compiler, runtime);
    sem_init(&w->wake, 0, 0);
    make_jobs(w);
    w->has_thread = thread && start(w);
    return w;
}

void worker_free(Worker *w)
{
    if (!w)
        return;
    atomic_store(&w->ends, true);
    if (atomic_exchange(&w->sleeps, false))
        sem_post(&w->wake);
    if (w->has_thread)
        pthread_join(w->thread, NULL);
    free_all(w);
}
