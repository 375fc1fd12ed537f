#include "machine/host_work.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TIMER_PRIORITY = 50 };

typedef struct Queue {
    HostJob *first, **last;
} Queue;

struct HostWork {
    char *name;
    /* Deterministic runs: what waits, in the order of `due`. */
    Clock *clock;
    Timer timer;
    Queue scheduled;
    /* Others. */
    Arrivals *arrivals;
    Arrival arrival;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t work, idle;
    Queue waiting, finished;
    HostJob *current;   /* is carried out */
    bool busy, awaited; /* somebody waits until the current job is carried out */
    bool held, stop;
    Queue arrived; /* machine's thread: finished, and done() was not called yet */
};

static void queue_init(Queue *queue)
{
    *queue = (Queue){NULL, &queue->first};
}

static void push(Queue *queue, HostJob *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static HostJob *pop(Queue *queue)
{
    HostJob *job = queue->first;
    if (job && !(queue->first = job->next))
        queue->last = &queue->first;
    return job;
}

static bool unlink_job(Queue *queue, HostJob *job)
{
    for (HostJob **at = &queue->first; *at; at = &(*at)->next) {
        if (*at != job)
            continue;
        if (!(*at = job->next))
            queue->last = at;
        return true;
    }
    return false;
}

/* The thread has finished some. done() may submit, take back, and even drain. */
static void arrived(void *opaque)
{
    HostWork *work = opaque;
    pthread_mutex_lock(&work->mutex);
    for (HostJob *job; (job = pop(&work->finished));)
        push(&work->arrived, job);
    pthread_mutex_unlock(&work->mutex);
    for (HostJob *job; (job = pop(&work->arrived));)
        job->done(job);
}

static void *run(void *opaque)
{
    HostWork *work = opaque;
    pthread_mutex_lock(&work->mutex);
    while (!work->stop) {
        HostJob *job = work->held ? NULL : pop(&work->waiting);
        work->busy = job != NULL;
        if (!job) {
            pthread_cond_broadcast(&work->idle);
            pthread_cond_wait(&work->work, &work->mutex);
            continue;
        }
        work->current = job;
        pthread_mutex_unlock(&work->mutex);
        job->carry_out(job);
        pthread_mutex_lock(&work->mutex);
        work->current = NULL;
        if (work->awaited)
            pthread_cond_broadcast(&work->idle);
        push(&work->finished, job);
        arrivals_post(work->arrivals, &work->arrival);
    }
    work->busy = false;
    pthread_mutex_unlock(&work->mutex);
    return NULL;
}

/* With the lock. */
static void wait_for_current(HostWork *work, const HostJob *job)
{
    work->awaited = true;
    while (work->current && (!job || work->current == job))
        pthread_cond_wait(&work->idle, &work->mutex);
    work->awaited = false;
}

static void set_timer(HostWork *work)
{
    timer_set(&work->timer, work->scheduled.first ? work->scheduled.first->due : CLOCK_NEVER);
}

/* Deterministic time has come. */
static void due(void *opaque)
{
    HostWork *work = opaque;
    uint64_t now = clock_now(work->clock);
    while (work->scheduled.first && work->scheduled.first->due <= now) {
        HostJob *job = pop(&work->scheduled);
        job->carry_out(job);
        job->done(job);
    }
    set_timer(work);
}

/* One after the other. */
static void schedule(HostWork *work, HostJob *job)
{
    uint64_t start = clock_now(work->clock);
    for (const HostJob *other = work->scheduled.first; other; other = other->next)
        start = other->due > start ? other->due : start;
    if (!job->due)
        job->due = start + job->takes;
    push(&work->scheduled, job);
    set_timer(work);
}

bool host_work_ready(HostWork *work)
{
    if (!work->clock && !work->has_thread)
        work->has_thread = !pthread_create(&work->thread, NULL, run, work);
    return work->clock || work->has_thread;
}

void host_work_submit(HostWork *work, HostJob *job)
{
    if (work->clock) {
        schedule(work, job);
        return;
    }
    bool ready = host_work_ready(work);
    if (!ready)
        job->carry_out(job);
    pthread_mutex_lock(&work->mutex);
    push(ready ? &work->waiting : &work->finished, job);
    if (!ready)
        arrivals_post(work->arrivals, &work->arrival);
    else if (!work->busy)
        pthread_cond_signal(&work->work);
    pthread_mutex_unlock(&work->mutex);
}

void host_work_take_back(HostWork *work, HostJob *job)
{
    if (work->clock) {
        unlink_job(&work->scheduled, job);
        set_timer(work);
        return;
    }
    pthread_mutex_lock(&work->mutex);
    wait_for_current(work, job);
    bool found = unlink_job(&work->waiting, job) || unlink_job(&work->finished, job) ||
                 unlink_job(&work->arrived, job);
    pthread_mutex_unlock(&work->mutex);
    assert(found);
    (void)found;
}

/* Without the lock. */
static void wait_until_idle(HostWork *work)
{
    pthread_mutex_lock(&work->mutex);
    while (work->has_thread && (work->waiting.first || work->busy))
        pthread_cond_wait(&work->idle, &work->mutex);
    pthread_mutex_unlock(&work->mutex);
}

static bool has_finished(HostWork *work)
{
    pthread_mutex_lock(&work->mutex);
    bool any = work->finished.first;
    pthread_mutex_unlock(&work->mutex);
    return any;
}

void host_work_drain(HostWork *work)
{
    if (work->clock)
        return;
    do { /* done() may have submitted another */
        wait_until_idle(work);
        arrived(work);
        wait_until_idle(work);
    } while (has_finished(work));
}

void host_work_finish(HostWork *work)
{
    host_work_drain(work);
    for (HostJob *job; (job = pop(&work->scheduled));) {
        job->carry_out(job);
        job->done(job);
    }
    if (work->clock)
        timer_set(&work->timer, CLOCK_NEVER);
}

void host_work_hold(HostWork *work)
{
    pthread_mutex_lock(&work->mutex);
    work->held = true;
    wait_for_current(work, NULL);
    pthread_mutex_unlock(&work->mutex);
}

void host_work_release(HostWork *work)
{
    pthread_mutex_lock(&work->mutex);
    work->held = false;
    pthread_cond_signal(&work->work);
    pthread_mutex_unlock(&work->mutex);
}

void host_work_drop(HostWork *work)
{
    queue_init(&work->scheduled);
    if (work->clock) {
        timer_cancel(&work->timer);
        return;
    }
    pthread_mutex_lock(&work->mutex);
    queue_init(&work->waiting);
    pthread_mutex_unlock(&work->mutex);
    wait_until_idle(work);
    queue_init(&work->finished);
    queue_init(&work->arrived);
    arrivals_cancel(work->arrivals, &work->arrival);
}

HostWork *host_work_new(const char *name, Clock *clock, Arrivals *arrivals)
{
    HostWork *work = calloc(1, sizeof *work);
    if (!work || !(work->name = strdup(name)))
        abort();
    work->clock = clock;
    work->arrivals = arrivals;
    work->arrival = (Arrival){.run = arrived, .opaque = work};
    queue_init(&work->scheduled);
    queue_init(&work->waiting);
    queue_init(&work->finished);
    queue_init(&work->arrived);
    pthread_mutex_init(&work->mutex, NULL);
    pthread_cond_init(&work->work, NULL);
    pthread_cond_init(&work->idle, NULL);
    if (clock)
        timer_init(&work->timer, clock, work->name, TIMER_PRIORITY, due, work);
    return work;
}

void host_work_free(HostWork *work)
{
    if (!work)
        return;
    host_work_drop(work);
    if (work->has_thread) {
        pthread_mutex_lock(&work->mutex);
        work->stop = true;
        pthread_cond_signal(&work->work);
        pthread_mutex_unlock(&work->mutex);
        pthread_join(work->thread, NULL);
    }
    pthread_mutex_destroy(&work->mutex);
    pthread_cond_destroy(&work->work);
    pthread_cond_destroy(&work->idle);
    free(work->name);
    free(work);
}
