#include "frontends/wait.h"

#include <stdio.h>
#include <stdlib.h>

#include "frontends/operation_functions.h"
#include "frontends/watchdog.h"

static void run_task(void *opaque)
{
    Wait *wait = opaque;
    wait->ended(wait);
}

static void end_soon(Wait *wait)
{
    timer_cancel(&wait->timer);
    timer_cancel(&wait->look_timer);
    session_later(wait->call->client->session, &wait->task);
}

static void time_over(void *opaque)
{
    end_soon(opaque);
}

static void text_found(void *opaque, const Match *match)
{
    Wait *wait = opaque;
    wait->watch = NULL;
    wait->matched = true;
    wait->match = *match;
    end_soon(wait);
}

static void look_again(void *opaque)
{
    Wait *wait = opaque;
    const Clock *clock = wait->look_timer.clock;
    wait->matched = wait->look(wait);
    if (wait->matched)
        end_soon(wait);
    else
        timer_set(&wait->look_timer, clock_now(clock) + wait->look_ns);
}

static void stop(Call *call)
{
    Wait *wait = call->wait;
    Session *session = call->client->session;
    timer_cancel(&wait->timer);
    timer_cancel(&wait->look_timer);
    session_not_later(session, &wait->task);
    transcript_unwatch(wait->watch);
    matcher_free(wait->matcher);
    if (wait->holds && session_watchdog(session))
        watchdog_release(session_watchdog(session));
    if (wait->let_go)
        wait->let_go(wait);
    free(wait->what);
    free(wait);
    call->wait = NULL;
}

bool call_needs_power(Call *call)
{
    if (!session_off(call->client->session))
        return true;
    call_fail(call, "%s: the machine is switched off", call->operation->name);
    return false;
}

/* Nothing happens in a machine that is paused, and nobody is there to let it go on. */
static bool can_end(Call *call)
{
    Session *session = call->client->session;
    if (!session_paused(session) || session_attended(session))
        return true;
    call_fail(call, "%s: the machine is paused: nothing can come", call->operation->name);
    return false;
}

/* For whoever looks on: `armature farm` shows it. */
static void tell_progress(Session *session, const char *what)
{
    char text[256];
    snprintf(text, sizeof text, "waits: %s", what);
    session_post(session, &(SessionEvent){.kind = SESSION_PROGRESS, .text = text});
}

Wait *wait_new(Call *call, uint64_t timeout_ns, char *what, void (*ended)(Wait *wait))
{
    Session *session = call->client->session;
    Clock *clock = session_machine(session)->clock;
    if (!call_needs_power(call) || !can_end(call)) {
        free(what);
        return NULL;
    }
    Wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        abort();
    bool own = timeout_ns && timeout_ns != UINT64_MAX;
    *wait = (Wait){
        .call = call,
        .ended = ended,
        .limit_ns = timeout_ns == UINT64_MAX ? call->client->timeout_ns : timeout_ns,
        .what = what,
        .task = {.run = run_task, .opaque = wait}
    };
    call->wait = wait;
    call->stop = stop;
    timer_init(&wait->timer, clock, call->operation->name, CLIENT_TIMER_PRIORITY, time_over, wait);
    timer_init(&wait->look_timer, clock, call->operation->name, CLIENT_TIMER_PRIORITY, look_again, wait);
    if (wait->limit_ns)
        timer_set(&wait->timer, clock_now(clock) + wait->limit_ns);
    wait->holds = own && session_watchdog(session);
    if (wait->holds)
        watchdog_hold(session_watchdog(session));
    tell_progress(session, what);
    return wait;
}

void wait_for_text(Wait *wait, unsigned port, Matcher *matcher, uint64_t from)
{
    Transcript *transcript = session_transcript(wait->call->client->session, port);
    wait->port = port;
    wait->from = from < transcript_begin(transcript) ? transcript_begin(transcript) : from;
    wait->matcher = matcher;
    wait->watch = transcript_watch(transcript, matcher, from, text_found, wait);
}

void wait_look(Wait *wait, uint64_t every_ns, bool (*look)(Wait *wait))
{
    wait->look = look;
    wait->look_ns = every_ns;
    look_again(wait);
}

void wait_finish(Wait *wait, json_t *result)
{
    Call *call = wait->call;
    stop(call);
    call->stop = NULL;
    call_finish(call, result);
}

void wait_timed_out(Wait *wait)
{
    call_fail(wait->call, "%s: not within %.9g seconds of guest time", wait->what,
              (double)wait->limit_ns / 1e9);
}
