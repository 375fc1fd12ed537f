/* Silence is measured in host time by a timer of the loop. When it has lasted long enough, the CPUs' places
 * are sampled for a moment, so that a loop shows; then the explanation is written.
 *
 * A panic's text takes the guest some time to print: its report is waited for on the machine's clock, so that
 * deterministic runs end at the same instruction. */
#define _GNU_SOURCE
#include "frontends/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontends/client.h"
#include "frontends/exit_codes.h"
#include "frontends/transcript.h"
#include "machine/diagnose.h"
#include "machine/host_time.h"
#include "machine/panic.h"

#define SECOND UINT64_C(1000000000)

/* Host seconds of silence that a run with --until or --script bears if nothing else was said. */
enum { DEFAULT_SECONDS = 120 };

/* Guest time: what a report takes at most to be printed, and what may follow its last line. */
#define REPORT_NS (2 * SECOND)
#define REPORT_REST_NS (SECOND / 20)

/* Samples of a run that ends, in guest time; of one that goes on, in host time: that disturbs nothing. */
enum { FINE_SAMPLES = DIAGNOSE_SAMPLES, COARSE_SAMPLES = 256 };
#define FINE_SAMPLE_NS 4985 /* 997 instructions in deterministic runs: no multiple of a loop's length */
#define COARSE_SAMPLE_NS 1000000

enum { OUTPUT_TAIL = 32 << 10 };

struct Watchdog {
    Session *session;
    Machine *machine;
    SessionListener *listener;
    Symbols *symbols;
    unsigned seconds; /* 0: silence is not watched */
    bool ends_run;    /* a hang or a panic ends it; else they are only told */
    unsigned held;
    /* Silence */
    LoopTimer *look;
    uint64_t active;              /* host ns when the guest last did something that shows */
    size_t waiting[SERIAL_PORTS]; /* input that the guest has not taken */
    bool told;                    /* this silence */
    DiagnoseSamples *samples;     /* while they are being taken */
    Timer fine;
    LoopTimer *coarse;
    /* Panics */
    Panic *panic[SERIAL_PORTS];
    unsigned port;  /* of the report that is being waited for */
    bool reporting; /* one is */
    Timer report;
    uint64_t begin[SERIAL_PORTS]; /* of the transcripts, at the last reset */
};

static void tell(Watchdog *w, SessionEventKind kind, const char *text)
{
    size_t length = strlen(text);
    session_say(w->session, "%.*s", (int)(length && text[length - 1] == '\n' ? length - 1 : length), text);
    session_post(w->session, &(SessionEvent){.kind = kind, .port = w->port, .text = text});
}

/* ---- Panics ------------------------------------------------------------------------------------------ */

static void end_for_panic(Watchdog *w, const char *summary)
{
    char line[200];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(summary, "\n"), summary);
    if (w->ends_run && !session_options(w->session)->ignore_panic)
        session_end(w->session, EXIT_PANIC, line);
}

static void report(void *opaque)
{
    Watchdog *w = opaque;
    Panic *panic = w->panic[w->port];
    if (!w->reporting)
        return;
    w->reporting = false;
    timer_cancel(&w->report);
    panic_close(panic);
    char *summary = panic_summary(panic);
    if (!summary)
        return;
    tell(w, SESSION_PANIC, summary);
    if (panic_kind(panic) == PANIC_PANIC)
        end_for_panic(w, summary);
    free(summary);
}

static void output(Watchdog *w, const SessionEvent *event)
{
    Panic *panic = w->panic[event->port];
    PanicKind begun = panic_feed(panic, event->data, event->length);
    uint64_t now = clock_now(w->machine->clock);
    if (begun != PANIC_NONE) {
        if (w->reporting && w->port != event->port)
            report(w);
        w->reporting = true;
        w->port = event->port;
        timer_set(&w->report, now + REPORT_NS);
    }
    if (w->reporting && w->port == event->port && panic_complete(panic))
        timer_set(&w->report, now + REPORT_REST_NS);
}

bool watchdog_guest_ended(Watchdog *watchdog)
{
    report(watchdog);
    return session_ending(watchdog->session);
}

static void machine_was_reset(Watchdog *w)
{
    report(w);
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        panic_reset(w->panic[n]);
        w->begin[n] = transcript_end(session_transcript(w->session, n));
    }
}

/* ---- Silence ----------------------------------------------------------------------------------------- */

static uint64_t limit_ns(const Watchdog *w)
{
    return w->seconds * SECOND;
}

static void stop_sampling(Watchdog *w)
{
    free(w->samples);
    w->samples = NULL;
    timer_cancel(&w->fine);
    loop_timer_set(w->coarse, UINT64_MAX);
}

static void restart(Watchdog *w)
{
    w->active = host_ns();
    w->told = false;
    if (w->samples)
        stop_sampling(w);
}

/* True if the guest took input, or got some, since the last call. */
static bool input_moved(Watchdog *w)
{
    bool moved = false;
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        size_t length = w->machine->env.serial[n].length;
        moved |= length != w->waiting[n];
        w->waiting[n] = length;
    }
    return moved;
}

static uint64_t output_length(const Watchdog *w, unsigned port)
{
    return transcript_end(session_transcript(w->session, port)) - w->begin[port];
}

/* The end of what the busiest port has shown since the reset, as text. */
static char *output_tail(const Watchdog *w)
{
    unsigned port = 0;
    for (unsigned n = 1; n < SERIAL_PORTS; n++)
        if (output_length(w, n) > output_length(w, port))
            port = n;
    uint64_t end = transcript_end(session_transcript(w->session, port)), from = w->begin[port];
    if (end - from > OUTPUT_TAIL)
        from = end - OUTPUT_TAIL;
    size_t length;
    const uint8_t *data = transcript_text(session_transcript(w->session, port), from, &length);
    char *text = malloc(length + 1);
    if (!text)
        abort();
    for (size_t n = 0; n < length; n++)
        text[n] = (char)(data[n] ? data[n] : ' ');
    text[length] = 0;
    return text;
}

static char *explain(Watchdog *w, unsigned silent_seconds)
{
    char *tail = output_tail(w);
    DiagnoseHints hints = {
        .symbols = w->symbols, .samples = w->samples, .output = tail, .silent_seconds = silent_seconds};
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        hints.output_length += output_length(w, n);
    char *text = diagnose_explain(w->machine, &hints);
    free(tail);
    return text;
}

char *watchdog_explain(Watchdog *watchdog)
{
    return explain(watchdog, 0);
}

static void silent(Watchdog *w)
{
    unsigned seconds = (unsigned)((host_ns() - w->active) / SECOND);
    char *text = explain(w, seconds);
    stop_sampling(w);
    w->told = true;
    tell(w, SESSION_SILENCE, text);
    free(text);
    char line[120];
    snprintf(line, sizeof line, "the guest hangs: it has said nothing for %u seconds (--watchdog)", seconds);
    if (w->ends_run)
        session_end(w->session, EXIT_HANG, line);
}

static void take_fine_sample(void *opaque)
{
    Watchdog *w = opaque;
    diagnose_sample(w->samples, w->machine);
    if (w->samples->count >= FINE_SAMPLES)
        silent(w);
    else
        timer_set(&w->fine, clock_now(w->machine->clock) + FINE_SAMPLE_NS);
}

static void take_coarse_sample(void *opaque)
{
    Watchdog *w = opaque;
    diagnose_sample(w->samples, w->machine);
    if (w->samples->count >= COARSE_SAMPLES)
        silent(w);
    else
        loop_timer_set(w->coarse, COARSE_SAMPLE_NS);
}

static void start_sampling(Watchdog *w)
{
    w->samples = calloc(1, sizeof *w->samples);
    if (!w->samples)
        abort();
    if (w->ends_run)
        timer_set(&w->fine, clock_now(w->machine->clock) + FINE_SAMPLE_NS);
    else
        loop_timer_set(w->coarse, COARSE_SAMPLE_NS);
}

static void look(void *opaque)
{
    Watchdog *w = opaque;
    uint64_t limit = limit_ns(w);
    if (input_moved(w) || w->held || session_paused(w->session))
        restart(w);
    uint64_t passed = host_ns() - w->active;
    if (passed >= limit && !w->told && !w->samples)
        start_sampling(w);
    uint64_t next = passed < limit ? limit - passed : limit;
    loop_timer_set(w->look, next < limit / 8 ? next : limit / 8);
}

void watchdog_hold(Watchdog *watchdog)
{
    watchdog->held++;
    restart(watchdog);
}

void watchdog_release(Watchdog *watchdog)
{
    watchdog->held--;
    restart(watchdog);
}

/* ---- Attaching --------------------------------------------------------------------------------------- */

static void heard(void *opaque, const SessionEvent *event)
{
    Watchdog *w = opaque;
    switch (event->kind) {
    case SESSION_OUTPUT:
        restart(w);
        output(w, event);
        break;
    case SESSION_RESET:
        machine_was_reset(w);
        restart(w);
        break;
    case SESSION_PAUSED:
    case SESSION_RESUMED:
        restart(w);
        break;
    case SESSION_STOPPED:
        report(w);
        break;
    default:
        break;
    }
}

/* Nobody is there who could do something about it. */
static bool unattended(const Options *options)
{
    if (options->gdb)
        return false;
    if (options->script || options->until_count)
        return true;
    return !options->control && !options->monitor && !isatty(STDIN_FILENO);
}

static void set_up(Watchdog *w)
{
    Session *session = w->session;
    const Options *options = session_options(session);
    Clock *clock = w->machine->clock;
    w->ends_run = unattended(options);
    bool driven = options->script || options->until_count;
    w->seconds = options->watchdog_given ? options->watchdog : driven ? DEFAULT_SECONDS : 0;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        w->panic[n] = panic_new(w->symbols);
    timer_init(&w->report, clock, "watchdog report", CLIENT_TIMER_PRIORITY, report, w);
    timer_init(&w->fine, clock, "watchdog sample", CLIENT_TIMER_PRIORITY, take_fine_sample, w);
    w->look = loop_timer_new(session_loop(session), look, w);
    w->coarse = loop_timer_new(session_loop(session), take_coarse_sample, w);
    w->listener = session_listen(session, heard, w);
    w->active = host_ns();
    if (w->seconds)
        loop_timer_set(w->look, limit_ns(w) / 8);
}

Watchdog *watchdog_attach(Session *session, Error *err)
{
    const char *path = session_options(session)->symbols;
    Symbols *symbols = path ? symbols_load(path, err) : NULL;
    if (path && !symbols)
        return NULL;
    Watchdog *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->session = session;
    w->machine = session_machine(session);
    w->symbols = symbols;
    set_up(w);
    return w;
}

void watchdog_detach(Watchdog *watchdog)
{
    if (!watchdog)
        return;
    stop_sampling(watchdog);
    timer_cancel(&watchdog->report);
    session_unlisten(watchdog->listener);
    loop_timer_free(watchdog->look);
    loop_timer_free(watchdog->coarse);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        panic_free(watchdog->panic[n]);
    symbols_free(watchdog->symbols);
    free(watchdog);
}

const Symbols *watchdog_symbols(const Watchdog *watchdog)
{
    return watchdog->symbols;
}
