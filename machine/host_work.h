/* Work that a device of the machine gives to the host and that may take long: disks, file operations. Jobs
 * are carried out one after the other, in the order of submission, by a thread of the host, so that the CPU
 * goes on; what is done comes back by arrivals.h. In deterministic runs there is no thread: a job is carried
 * out, all of it, at a virtual time that depends on nothing but the jobs. */
#ifndef ARMATURE_MACHINE_HOST_WORK_H
#define ARMATURE_MACHINE_HOST_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/arrivals.h"
#include "machine/clock.h"

typedef struct HostWork HostWork;

/* At an address that stays, untouched until it is done. */
typedef struct HostJob {
    void (*carry_out)(struct HostJob *job); /* on some thread; never two jobs of one HostWork at a time */
    void (*done)(struct HostJob *job);      /* on the machine's thread, between instructions */
    uint64_t takes;                         /* virtual ns that it takes in deterministic runs */
    /* Deterministic runs: when it is carried out. host_work_submit() sets it if it is 0; jobs that are
     * submitted again after a snapshot was loaded come in the order of this time, with the value that was
     * saved. */
    uint64_t due;
    struct HostJob *next; /* for host_work.c */
} HostJob;

/* With a clock: deterministic. Otherwise `arrivals` brings what the thread has done; it is started by the
 * first job. name is copied. */
HostWork *host_work_new(const char *name, Clock *clock, Arrivals *arrivals);
/* As host_work_drop(), then ends the thread. NULL is allowed. */
void host_work_free(HostWork *work);

/* What follows is for the machine's thread. */

/* Whether there is, or need not be, a thread. False: the host has none left, and whoever submits waits until
 * the job is carried out. */
bool host_work_ready(HostWork *work);

void host_work_submit(HostWork *work, HostJob *job);

/* Takes a job back that was submitted and is not done: it may have been carried out all the same, but done()
 * will not be called. Waits if it is carried out just now. */
void host_work_take_back(HostWork *work, HostJob *job);

/* Waits until all that was submitted is carried out, and calls done() for each. Does nothing in deterministic
 * runs, where what is under way is part of the machine's state. */
void host_work_drain(HostWork *work);

/* The same, and in deterministic runs what waits is carried out at once. */
void host_work_finish(HostWork *work);

/* Waits for the job that is carried out; those that wait go on waiting until the release. */
void host_work_hold(HostWork *work);
void host_work_release(HostWork *work);

/* Takes back what has not begun, and waits for the job that has; done() is called for none of them. */
void host_work_drop(HostWork *work);

#endif
