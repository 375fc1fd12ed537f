/* A thread that compiles.
 *
 * One thread, the owner's, asks for blocks and takes them; the worker shares nothing with it but the job at
 * hand, and never decides anything: a job that is needed and not done is done by the owner, with the same
 * result. So what the machine does, down to which engine runs which block, does not depend on when the worker
 * gets its turn. */
#ifndef ARMATURE_JIT_WORKER_H
#define ARMATURE_JIT_WORKER_H

#include <stdatomic.h>

#include "jit/compile.h"

typedef enum JobState {
    JOB_IDLE,     /* the owner's */
    JOB_POSTED,   /* whoever sets it to something else first */
    JOB_RUNNING,  /* the worker's */
    JOB_DONE,     /* the owner's, with a result */
    JOB_ABANDONED /* the worker's, but nobody wants the result */
} JobState;

typedef struct Job {
    _Atomic unsigned state; /* JobState */
    Source *source;
    Result *result;
    /* The owner's notes. */
    struct Job *older, *newer; /* of those that are asked for */
    Block *block;
    Cpu *cpu; /* that was about to run it, at pc */
    uint32_t pc;
    uint64_t due; /* when it is taken at the latest */
} Job;

typedef struct Worker Worker;

/* So many jobs can be asked for at a time. */
enum { WORKER_JOBS = 128 };

/* The hook (may be NULL) is called by the worker after it took on a job, before it works: tests hold it
 * there. */
typedef void WorkerHook(void *opaque);

/* thread: starts it, if the host lets; without one, the owner does all jobs when it takes them. */
Worker *worker_new(const X64Runtime *runtime, bool thread, WorkerHook *hook, void *opaque);
bool worker_has_thread(const Worker *worker);
/* Ends it, after what it is doing. */
void worker_free(Worker *worker);

/* By its number, below WORKER_JOBS + 1 (one more than can be asked for, as one may be abandoned). */
Job *worker_job(Worker *worker, unsigned n);
unsigned worker_number(const Worker *worker, const Job *job);

/* An idle job, to fill its source in. There is one while less than WORKER_JOBS are in use. */
Job *worker_get(Worker *worker);
/* own: the job is left to the owner. */
void worker_post(Worker *worker, Job *job, bool own);
/* Wakes the worker if it has something to do and sleeps; posting does so only when several jobs wait. */
void worker_wake(Worker *worker);

/* The result of a posted job: the worker's, or what `own` makes of it now, in `spare`. *missed: the latter;
 * *waited: host time spent waiting for the worker, in ns. */
const Result *worker_take(Worker *worker, Job *job, Compiler *own, Result *spare, bool *missed,
                          uint64_t *waited);
/* Gives a job back whose result was looked at, or is not wanted. */
void worker_put(Worker *worker, Job *job);

/* Host time that the worker spent on compiling, in ns, and blocks that it compiled, wanted or not. */
uint64_t worker_busy(const Worker *worker, uint64_t *blocks);

#endif
