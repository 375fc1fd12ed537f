/* Operations that go back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation_functions.h"
#include "frontends/past.h"
#include "machine/inspect.h"

/* NULL, and the call has failed, if there is none. */
static Past *past_of(Call *call)
{
    Past *past = session_past(call->client->session);
    if (!past)
        call_fail(call, "%s: there is no history; start with --history SIZE", call->operation->name);
    return past;
}

static void put(json_t *result, const char *name, uint64_t value)
{
    json_object_set_new(result, name, json_integer((json_int_t)value));
}

static const char *why(const Machine *machine, const PastArrival *arrival)
{
    switch (arrival->end) {
    case PAST_STOPPED:
        return machine_stop_hit(machine, arrival->cpu) ? "watchpoint" : "breakpoint";
    case PAST_BEGINNING:
        return "beginning";
    default:
        return "there";
    }
}

static void arrived(void *opaque, const PastArrival *arrival)
{
    Call *call = opaque;
    Machine *machine = session_machine(call->client->session);
    call->stop = NULL;
    if (arrival->end == PAST_FAILED) {
        call_fail(call, "%s: %s", call->operation->name, arrival->text ? arrival->text : "given up");
        return;
    }
    json_t *result = place_json(call, arrival->end == PAST_STOPPED ? arrival->cpu : 0);
    put(result, "instructions", machine_icount(machine));
    json_object_set_new(result, "why", json_string(why(machine, arrival)));
    if (arrival->end == PAST_STOPPED)
        add_hit(call, result, arrival->cpu);
    call_finish(call, result);
}

static void left(Call *call)
{
    past_forget(session_past(call->client->session), call);
}

static void goes_on(Call *call, const SessionEvent *event)
{
    (void)call;
    (void)event;
}

/* The callback may come before they return. */
static void prepare(Call *call)
{
    call->stop = left;
    call->stopped = goes_on;
}

static void begun(Call *call, bool ok, const Error *err)
{
    if (ok)
        return;
    call->stop = NULL;
    call_fail(call, "%s: %s", call->operation->name, err->text);
}

static void go(Call *call, Past *past, uint64_t icount)
{
    Error err;
    prepare(call);
    begun(call, past_go(past, icount, arrived, call, &err), &err);
}

void op_goto(Call *call, uint64_t instructions)
{
    Past *past = past_of(call);
    if (past)
        go(call, past, instructions);
}

void op_step_back(Call *call, uint64_t count)
{
    Past *past = past_of(call);
    uint64_t now = machine_icount(session_machine(call->client->session));
    if (!past)
        return;
    if (count > now)
        call_fail(call, "step_back: the CPUs have begun %" PRIu64 " instructions", now);
    else
        go(call, past, now - count);
}

void op_run_back(Call *call)
{
    Error err;
    Past *past = past_of(call);
    if (!past)
        return;
    prepare(call);
    begun(call, past_run_back(past, arrived, call, &err), &err);
}

void op_diverge(Call *call)
{
    Past *past = past_of(call);
    if (!past)
        return;
    if (!past_is_past(past)) {
        call_fail(call, "diverge: the machine is not in its past");
        return;
    }
    past_diverge(past);
    session_resume(call->client->session);
}

json_t *op_history(Call *call)
{
    Past *past = past_of(call);
    HistoryInfo info;
    if (!past)
        return NULL;
    history_info(past_history(past), &info);
    json_t *result = json_object();
    json_object_set_new(result, "state", json_string(past_is_past(past) ? "past" : "live"));
    put(result, "begin", info.begin);
    put(result, "now", info.now);
    put(result, "end", info.end);
    json_object_set_new(result, "begin_seconds", json_real((double)info.begin_ns / 1e9));
    json_object_set_new(result, "now_seconds", json_real((double)info.now_ns / 1e9));
    json_object_set_new(result, "end_seconds", json_real((double)info.end_ns / 1e9));
    put(result, "checkpoints", info.checkpoints);
    put(result, "bytes", info.bytes);
    put(result, "budget", info.budget);
    put(result, "made", info.made);
    put(result, "dropped", info.dropped);
    return result;
}
