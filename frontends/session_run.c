/* Runs a session. The machine runs inside session_run() and comes back through session_poll(): every
 * millisecond, when it is idle, and whenever something was posted. */
#include <stdlib.h>
#include <string.h>

#include "frontends/exit_codes.h"
#include "frontends/session_parts.h"
#include "machine/host_time.h"

#define LOOK_INTERVAL_NS 1000000u
#define LAZY_INTERVAL_NS 1000000000u

/* ---- The machine's view ------------------------------------------------------------------------------ */

/* Looks at descriptors at most every millisecond, unless there is time to wait. */
static void look(Session *session, uint64_t timeout_ns)
{
    if (!timeout_ns && host_ns() - session->looked < LOOK_INTERVAL_NS)
        return;
    loop_poll(session->loop, timeout_ns);
    session->looked = host_ns();
}

static bool stands_still(Session *session)
{
    bool held = serial_backends_hold(session->serial);
    if (held != session->held) {
        session->held = held;
        session_hold_time(session);
    }
    bool paused = session->paused && !past_travels(session->past);
    return (paused || held || session->away) && !session->ending;
}

bool session_poll(void *opaque, uint64_t timeout_ns)
{
    Session *session = opaque;
    past_look(session->past);
    session_note_stop(session);
    snapshots_look(session->snapshots);
    recorder_look(session->recorder, timeout_ns > 0);
    gdb_look(session->gdb);
    if (session->on_look)
        session->on_look(session->on_look_opaque);
    /* What was delivered may have given the guest something to do. */
    if (session_events_deliver(session->events) || session->ending)
        timeout_ns = 0;
    look(session, timeout_ns);
    session_events_deliver(session->events);
    while (stands_still(session)) {
        recorder_look(session->recorder, true);
        loop_poll(session->loop, bus_look_after_lazy(session->machine->bus) ? LAZY_INTERVAL_NS : UINT64_MAX);
        session_events_deliver(session->events);
    }
    return !session->ending;
}

void session_serve(Session *session)
{
    loop_poll(session->loop, 0);
}

/* ---- Running ----------------------------------------------------------------------------------------- */

/* Who waits for this may go on, or reset the machine; otherwise this is the end. */
static void switched_off(Session *session)
{
    if (watchdog_guest_ended(session->watchdog))
        return;
    session->off = true;
    session_post(session, &(SessionEvent){.kind = SESSION_OFF});
    session_events_deliver(session->events);
    recorder_feed(session->recorder, true);
    if (session->off)
        session_end(session, EXIT_OFF, NULL);
}

static void rebooted(Session *session)
{
    Error err;
    if (watchdog_guest_ended(session->watchdog))
        return;
    if (session->options.no_reboot)
        recorder_feed(session->recorder, false);
    if (session->options.no_reboot)
        session_end(session, EXIT_REBOOT, "the guest rebooted (--no-reboot)");
    else if (!session_reset_now(session, &err))
        session_end(session, EXIT_USAGE, err.text);
}

static void guest_exited(Session *session)
{
    int code = session->machine->exit_code;
    char text[80];
    recorder_feed(session->recorder, false);
    snprintf(text, sizeof text, "the guest ended the run with code %d", code);
    session_end(session, code < 0 || code > EXIT_GUEST_MOST ? EXIT_GUEST_MOST : code, code ? text : NULL);
}

static void announce_end(Session *session)
{
    session_post(session,
                 &(SessionEvent){.kind = SESSION_STOPPED, .code = session->code, .text = session->end_text});
    session_events_deliver(session->events);
}

/* A run whose output was lost did not end well. */
static void finish_output(Session *session)
{
    Error err;
    bool kept = recorder_finish(session->recorder, &err);
    kept = audio_finish(session->audio, kept ? &err : NULL) && kept;
    kept = networks_finish(session->networks, kept ? &err : NULL) && kept;
    kept = screen_finish(session->screen, kept ? &err : NULL) && kept; /* the first loss is told */
    kept = serial_backends_finish(session->serial, session->code < EXIT_SIGNAL, kept ? &err : NULL) && kept;
    if (kept)
        return;
    if (session->code) {
        fprintf(stderr, "armature: %s\n", err.text);
        return;
    }
    session->code = EXIT_HOST;
    free(session->end_text);
    session->end_text = strdup(err.text);
}

int session_run(Session *session)
{
    session->ran = true;
    session_events_deliver(session->events);
    while (!session->ending) {
        switch (machine_run(session->machine)) {
        case END_POWER_OFF:
            switched_off(session);
            break;
        case END_REBOOT:
            rebooted(session);
            break;
        case END_GUEST_EXIT:
            guest_exited(session);
            break;
        case END_BROKEN:
            session_end(session, EXIT_HOST, session->machine->broken);
            break;
        case END_STOPPED:
            break;
        }
    }
    recorder_ended(session->recorder, session->code, session->end_text);
    announce_end(session);
    finish_output(session);
    return session->code;
}
