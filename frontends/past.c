#include "frontends/past.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/networks.h"
#include "frontends/snapshots.h"

/* A search looks at the piece between two checkpoints as a whole, and then goes to the last stop in it. */
typedef enum Travel { TRAVEL_NONE, TRAVEL_GO, TRAVEL_SEARCH, TRAVEL_RETURN } Travel;

struct Past {
    Session *session;
    Machine *machine;
    History *history;
    Travel travel;
    uint64_t goal;          /* where it ends, or the piece does */
    uint64_t limit;         /* of a search: stops before this place count */
    uint64_t from;          /* where the piece begins */
    uint64_t stops, wanted; /* that were met in this piece; how many there are */
    unsigned stopped_cpu;
    bool was_past, told;
    PastArrived *arrived;
    void *opaque;
};

History *past_history(Past *past)
{
    return past ? past->history : NULL;
}

uint64_t past_goal(const Past *past)
{
    return past && past->travel ? past->goal : UINT64_MAX;
}

bool past_travels(const Past *past)
{
    return past && past->travel;
}

bool past_is_past(const Past *past)
{
    return past && history_in_past(past->history);
}

static void aim(Past *past)
{
    snapshots_aim(session_snapshots(past->session));
    machine_yield(past->machine);
}

/* ---- The end of a travel ------------------------------------------------------------------------------- */

static void end(Past *past, PastEnd how, const char *text)
{
    PastArrived *arrived = past->arrived;
    void *opaque = past->opaque;
    past->travel = TRAVEL_NONE;
    past->arrived = NULL;
    past->opaque = NULL;
    aim(past);
    if (arrived)
        arrived(opaque, &(PastArrival){how, past->stopped_cpu, text});
}

void past_forget(Past *past, const void *opaque)
{
    if (!past || past->opaque != opaque)
        return;
    past->arrived = NULL;
    end(past, PAST_FAILED, NULL);
}

static void begin(Past *past, Travel travel, PastArrived *arrived, void *opaque)
{
    if (past->travel)
        end(past, PAST_FAILED, "the machine was sent somewhere else meanwhile");
    session_pause(past->session);
    past->travel = travel;
    past->arrived = arrived;
    past->opaque = opaque;
    past->stops = past->wanted = 0;
}

/* ---- Going --------------------------------------------------------------------------------------------- */

/* Behind what is known there is nothing to go to. */
static bool is_known(const Past *past, uint64_t icount, Error *err)
{
    HistoryInfo info;
    history_info(past->history, &info);
    if (icount < info.begin)
        return error_set(err, "the history begins at instruction %" PRIu64, info.begin);
    if (icount > info.end)
        return error_set(err, "the history ends at instruction %" PRIu64 "; pause_at waits for later ones",
                         info.end);
    return true;
}

static void arrive_if_there(Past *past)
{
    if (past->travel == TRAVEL_GO && machine_icount(past->machine) == past->goal)
        end(past, PAST_ARRIVED, NULL);
    else
        aim(past);
}

bool past_go(Past *past, uint64_t icount, PastArrived *arrived, void *opaque, Error *err)
{
    if (!is_known(past, icount, err))
        return false;
    if (icount == machine_icount(past->machine) && !past->travel) {
        begin(past, TRAVEL_GO, arrived, opaque);
        end(past, PAST_ARRIVED, NULL);
        return true;
    }
    if (!history_go(past->history, icount, err))
        return false;
    begin(past, TRAVEL_GO, arrived, opaque);
    past->goal = icount;
    arrive_if_there(past);
    return true;
}

/* ---- Searching ----------------------------------------------------------------------------------------- */

/* The piece before `goal`; false if there is none. */
static bool begin_piece(Past *past, uint64_t goal, Error *err)
{
    unsigned number;
    if (!history_last_before(past->history, goal, &number))
        return false;
    past->from = history_checkpoint(past->history, number);
    past->goal = goal;
    past->stops = 0;
    if (!history_go_checkpoint(past->history, number, err))
        return false;
    aim(past);
    return true;
}

static void go_to_beginning(Past *past)
{
    Error err;
    if (history_go_checkpoint(past->history, 0, &err))
        end(past, PAST_BEGINNING, NULL);
    else
        end(past, PAST_FAILED, err.text);
}

static void piece_ended(Past *past)
{
    Error err = {""};
    if (past->travel == TRAVEL_RETURN) {
        end(past, PAST_FAILED, "the past did not repeat itself");
        return;
    }
    bool found = past->stops;
    past->wanted = past->stops;
    past->travel = found ? TRAVEL_RETURN : TRAVEL_SEARCH;
    if (begin_piece(past, found ? past->goal : past->from, &err))
        return;
    if (err.text[0])
        end(past, PAST_FAILED, err.text);
    else
        go_to_beginning(past);
}

bool past_run_back(Past *past, PastArrived *arrived, void *opaque, Error *err)
{
    uint64_t here = machine_icount(past->machine);
    HistoryInfo info;
    history_info(past->history, &info);
    if (here <= info.begin)
        return error_set(err, "the history begins here");
    begin(past, TRAVEL_SEARCH, arrived, opaque);
    past->limit = here;
    if (begin_piece(past, here, err))
        return true;
    past->arrived = NULL;
    end(past, PAST_FAILED, NULL);
    return false;
}

bool past_passes(Past *past, unsigned cpu)
{
    if (!past_travels(past))
        return false;
    if (past->travel == TRAVEL_GO || machine_icount(past->machine) >= past->limit)
        return true;
    past->stops++;
    past->stopped_cpu = cpu;
    if (past->travel == TRAVEL_RETURN && past->stops == past->wanted)
        end(past, PAST_STOPPED, NULL);
    return true;
}

/* ---- Rewinding and diverging ------------------------------------------------------------------------- */

bool past_rewind(Past *past)
{
    unsigned number;
    Error err;
    if (!past || !history_before(past->history, &number))
        return false;
    begin(past, TRAVEL_GO, NULL, NULL);
    bool went = history_go_checkpoint(past->history, number, &err);
    past->goal = machine_icount(past->machine);
    end(past, PAST_ARRIVED, NULL);
    return went;
}

void past_diverge(Past *past)
{
    if (!past)
        return;
    if (past->travel)
        end(past, PAST_FAILED, "the machine goes another way from here");
    history_diverge(past->history);
    networks_loaded(session_networks(past->session));
    past->was_past = past->told = false;
    aim(past);
}

void past_restart(Past *past)
{
    if (past && past->travel)
        end(past, PAST_FAILED, "the machine is another one now");
    history_restart(past_history(past));
    if (past)
        past->was_past = past->told = false;
}

/* ---- While the machine runs -------------------------------------------------------------------------- */

/* The end of what is known was reached by running. */
static void note_live(Past *past)
{
    bool is_past = history_in_past(past->history);
    if (past->was_past && !is_past && !past->travel && !session_paused(past->session))
        session_post(past->session, &(SessionEvent){.kind = SESSION_PROGRESS,
                                                    .text = "the past is over: the machine is live"});
    if (!is_past)
        past->told = false;
    past->was_past = is_past;
}

static void tell_trouble(Past *past)
{
    const char *trouble = history_trouble(past->history);
    if (!trouble)
        return;
    session_say(past->session, "history: %s; it begins anew", trouble);
    history_restart(past->history);
    if (past->travel)
        end(past, PAST_FAILED, "the history was lost");
}

void past_look(Past *past)
{
    if (!past)
        return;
    history_look(past->history);
    tell_trouble(past);
    note_live(past);
    if (past->travel && machine_icount(past->machine) >= past->goal) {
        if (past->travel == TRAVEL_GO)
            end(past, PAST_ARRIVED, NULL);
        else
            piece_ended(past);
    }
}

/* ---- Life -------------------------------------------------------------------------------------------- */

static void ignored(void *opaque, const char *channel)
{
    Past *past = opaque;
    if (!past->told && !past->travel)
        session_say(past->session,
                    "the machine is in its past, and what comes from outside is ignored (%s); diverge lets "
                    "it go on from here",
                    channel);
    past->told = true;
}

Past *past_new(Session *session, uint64_t budget, Error *err)
{
    Machine *machine = session_machine(session);
    if (budget < HISTORY_BUDGET_LEAST) {
        error_set(err, "--history: at least %uM are needed", HISTORY_BUDGET_LEAST >> 20);
        return NULL;
    }
    Past *past = calloc(1, sizeof *past);
    if (!past)
        abort();
    past->session = session;
    past->machine = machine;
    journal_on_ignored(machine->journal, ignored, past);
    past->history = history_new(machine, budget);
    return past;
}

void past_free(Past *past)
{
    if (!past)
        return;
    journal_on_ignored(past->machine->journal, NULL, NULL);
    history_free(past->history);
    free(past);
}
