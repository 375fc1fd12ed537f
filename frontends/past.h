/* Going back: the session's history (history/history.h), and travels in it. While the machine travels to a
 * place in its past it runs, though the session is paused, and nothing that it does reaches the host.
 *
 * All of it is on the machine's thread, between instructions. */
#ifndef ARMATURE_FRONTENDS_PAST_H
#define ARMATURE_FRONTENDS_PAST_H

#include "frontends/session.h"
#include "history/history.h"

typedef struct Past Past;

/* NULL with err set if the session has something that the history cannot follow. budget: bytes. */
Past *past_new(Session *session, uint64_t budget, Error *err);
void past_free(Past *past); /* NULL is allowed, here and below */

History *past_history(Past *past); /* NULL: none */

/* The machine's poll(): first of all. */
void past_look(Past *past);
/* A CPU has stopped at a breakpoint or watchpoint. True: it was on the way, and does not count. */
bool past_passes(Past *past, unsigned cpu);
/* The place where the machine is to stop next on its way; UINT64_MAX: none. */
uint64_t past_goal(const Past *past);
/* The machine runs to a place in its past now, whether the session is paused or not. */
bool past_travels(const Past *past);
bool past_is_past(const Past *past);

/* The machine is another one, or its disks are others. */
void past_restart(Past *past);

typedef enum PastEnd {
    PAST_ARRIVED,
    PAST_STOPPED,   /* at a breakpoint or watchpoint: cpu */
    PAST_BEGINNING, /* there was none; the machine is where the history begins */
    PAST_FAILED     /* text */
} PastEnd;

typedef struct PastArrival {
    PastEnd end;
    unsigned cpu;
    const char *text;
} PastArrival;

/* Each pauses the session, and calls arrived() when the machine is there: perhaps at once. A travel that is
 * under way ends with PAST_FAILED. False with err set: nothing happens. arrived may be NULL. */
typedef void PastArrived(void *opaque, const PastArrival *arrival);
bool past_go(Past *past, uint64_t icount, PastArrived *arrived, void *opaque, Error *err);
bool past_run_back(Past *past, PastArrived *arrived, void *opaque, Error *err);
/* Nobody waits for it any more: the machine stays where it is. */
void past_forget(Past *past, const void *opaque);

/* To the checkpoint before, at once. False: there is none. */
bool past_rewind(Past *past);
/* From here on the machine goes another way; the session stays paused if it is. */
void past_diverge(Past *past);

#endif
