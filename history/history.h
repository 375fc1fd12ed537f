/* The machine's recent past, and the way back there: checkpoints in memory, between which it is run forward
 * again with what entered it (machine/journal.h). docs/going-back.md says how it works.
 *
 * A checkpoint has the machine's state as snapshots do. Of memory and disks, it has what pages were that
 * changed before the next checkpoint, copied before their first write. Going to a checkpoint exchanges these
 * pages with those that there are now, so that both directions are open, and the memory that they take stays
 * the same.
 *
 * Places are instruction counts, as machine_icount() has them. The machine has deterministic time and a
 * journal. All of it is for the machine's thread, between instructions. */
#ifndef ARMATURE_HISTORY_HISTORY_H
#define ARMATURE_HISTORY_HISTORY_H

#include "machine/machine.h"

typedef struct History History;

enum { HISTORY_BUDGET_LEAST = 4 << 20 /* bytes */, HISTORY_MARK_ALWAYS = 1 };

/* Begins here. budget: bytes for everything that is kept, at least HISTORY_BUDGET_LEAST. The machine is not
 * taken over and outlives it; its journal records from now on. */
History *history_new(Machine *machine, uint64_t budget);
void history_free(History *history); /* NULL is allowed */

/* How often checkpoints are made: after so many host ns in which the machine ran, and so many instructions at
 * least. What history_new() sets suits people. */
void history_pace(History *history, uint64_t host_ns, uint64_t instructions);

/* Machine's poll() calls it whenever it is called. */
void history_look(History *history);

/* What is known of the past begins here: it is another machine now (a snapshot was loaded), or its disks are
 * others. If the machine was in the past, what comes after is lost. */
void history_restart(History *history);

/* All memory is about to change by other means than its guest's doing, before history_restart(); or not after
 * all.
 */
void history_ignore(History *history, bool ignore);

/* ---- Going ------------------------------------------------------------------------------------------- */

/* Whether the machine is in its past, and what it does is a repetition. When it comes to the end of what is
 * known, it is not any more, and goes on live. */
bool history_in_past(const History *history);

/* Brings the machine to the last place at or before `icount` that there is a checkpoint of; the caller runs
 * it to `icount` (machine_pause_at()). False with err set: nothing has changed, but for disks if they fail.
 */
bool history_go(History *history, uint64_t icount, Error *err);

/* To a checkpoint, by its number. */
bool history_go_checkpoint(History *history, unsigned number, Error *err);

/* What comes after this place is forgotten, and the machine goes on live. */
void history_diverge(History *history);

/* ---- What there is ----------------------------------------------------------------------------------- */

typedef struct HistoryInfo {
    uint64_t begin, now, end; /* instruction counts: the first place, here, and the last one that is known */
    uint64_t begin_ns, now_ns, end_ns; /* the same in virtual time */
    unsigned checkpoints;
    uint64_t bytes, budget, most_bytes; /* kept, allowed; kept at any time until now */
    uint64_t made, dropped;             /* checkpoints, since it began */
    uint64_t lost;                      /* how often it began anew because the budget did not suffice */
} HistoryInfo;

void history_info(const History *history, HistoryInfo *info);

/* The place of a checkpoint; 0 is the first. */
uint64_t history_checkpoint(const History *history, unsigned number);

/* The last one before an instruction count; false: there is none. */
bool history_last_before(const History *history, uint64_t icount, unsigned *number);

/* The last one before this place, or at it if the machine has run since; false: there is none. */
bool history_before(const History *history, unsigned *number);

/* Why the past could not be repeated, the last time; NULL: it could. */
const char *history_trouble(const History *history);

#endif
