/* See session.h. The machine runs inside session_run() and comes back through poll_host(): every millisecond,
 * when it is idle, and whenever something was posted. */
#define _GNU_SOURCE
#include "frontends/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "frontends/audio.h"
#include "frontends/boot_disk.h"
#include "frontends/client.h"
#include "frontends/control.h"
#include "frontends/disks.h"
#include "frontends/exit_codes.h"
#include "frontends/hands.h"
#include "frontends/kernel_lines.h"
#include "frontends/migration.h"
#include "frontends/monitor.h"
#include "frontends/networks.h"
#include "frontends/past.h"
#include "frontends/recorder.h"
#include "frontends/report.h"
#include "frontends/screen.h"
#include "frontends/script.h"
#include "frontends/serial_backend.h"
#include "frontends/session_events.h"
#include "frontends/shares.h"
#include "frontends/snapshots.h"
#include "frontends/status.h"
#include "frontends/transcript.h"
#include "frontends/watchdog.h"
#include "machine/boot.h"

#define LOOK_INTERVAL_NS 1000000u
#define LAZY_INTERVAL_NS 1000000000u

struct Session {
    Options options;
    Machine *machine;
    Loop *loop;
    SessionEvents *events;
    Transcript *transcript[SERIAL_PORTS];
    KernelLines *kernel_lines[SERIAL_PORTS];
    SerialBackends *serial;
    Audio *audio;
    Disks *disks;
    Networks *networks;
    Shares *shares;
    Watchdog *watchdog;
    Screen *screen;
    Hands *hands;
    Snapshots *snapshots;
    Recorder *recorder;
    Past *past; /* NULL: no history */
    Migrations *migrations;
    Script *script;
    Snapshot *saved;  /* while the machine is built: --load */
    Incoming *coming; /* the same: --incoming */
    uint64_t loaded[2];
    bool was_loaded;  /* from the snapshot with this identity */
    Console *console; /* the monitor's; the serial ports have their own */
    Monitor *monitor;
    Control *control;
    Timer timeout;
    int signal_fd;
    sigset_t old_signals;
    uint64_t looked; /* host ns at the last look at descriptors */
    void (*on_look)(void *opaque);
    void *on_look_opaque;
    bool paused, held, away, ending, off, ran, attended;
    bool stopped; /* at a breakpoint, which nobody has taken notice of */
    unsigned stopped_cpu;
    unsigned number;
    int code;
    char *end_text;
};

static uint64_t host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

Machine *session_machine(Session *session)
{
    return session->machine;
}

Loop *session_loop(Session *session)
{
    return session->loop;
}

const Options *session_options(const Session *session)
{
    return &session->options;
}

Transcript *session_transcript(Session *session, unsigned port)
{
    return session->transcript[port];
}

KernelLines *session_kernel_lines(Session *session, unsigned port)
{
    return session->kernel_lines[port];
}

unsigned session_number(Session *session)
{
    return ++session->number;
}

Watchdog *session_watchdog(Session *session)
{
    return session->watchdog;
}

SerialBackends *session_serial(Session *session)
{
    return session->serial;
}

Screen *session_screen(Session *session)
{
    return session->screen;
}

Hands *session_hands(Session *session)
{
    return session->hands;
}

Disks *session_disks(Session *session)
{
    return session->disks;
}

Networks *session_networks(Session *session)
{
    return session->networks;
}

Snapshots *session_snapshots(Session *session)
{
    return session->snapshots;
}

Past *session_past(Session *session)
{
    return session->past;
}

Recorder *session_recorder(Session *session)
{
    return session->recorder;
}

Migrations *session_migrations(Session *session)
{
    return session->migrations;
}

/* ---- Events ------------------------------------------------------------------------------------------ */

SessionListener *session_listen(Session *session, void (*event)(void *opaque, const SessionEvent *event),
                                void *opaque)
{
    return session_events_listen(session->events, event, opaque);
}

static void note_output(Session *session, const SessionEvent *event)
{
    Transcript *transcript = session->transcript[event->port];
    KernelLines *lines = session->kernel_lines[event->port];
    uint64_t now = clock_now(session->machine->clock), offset = transcript_end(transcript);
    for (size_t n = 0; n < event->length; n++)
        kernel_lines_feed(lines, offset + n, event->data[n], now);
    transcript_append(transcript, event->data, event->length);
}

void session_post(Session *session, const SessionEvent *event)
{
    if (event->kind == SESSION_OUTPUT)
        note_output(session, event);
    if (session_events_post(session->events, event))
        machine_yield(session->machine);
}

static void post(Session *session, SessionEventKind kind)
{
    session_post(session, &(SessionEvent){.kind = kind});
}

void session_later(Session *session, SessionTask *task)
{
    session_events_later(session->events, task);
    machine_yield(session->machine);
}

void session_not_later(Session *session, SessionTask *task)
{
    session_events_not_later(session->events, task);
}

/* ---- Pausing, resetting, ending ---------------------------------------------------------------------- */

static void hold_time(Session *session)
{
    machine_hold_time(session->machine, session->paused || session->held || session->away);
}

void session_set_away(Session *session, bool away)
{
    session->away = away;
    hold_time(session);
}

void session_pause(Session *session)
{
    if (session->paused)
        return;
    session->paused = true;
    hold_time(session);
    post(session, SESSION_PAUSED);
}

void session_resume(Session *session)
{
    if (!session->paused)
        return;
    session->paused = session->stopped = false;
    hold_time(session);
    post(session, SESSION_RESUMED);
}

bool session_paused(const Session *session)
{
    return session->paused;
}

bool session_note_stop(Session *session)
{
    unsigned cpu;
    char address[SYMBOLS_TEXT], text[SYMBOLS_TEXT + 64];
    if (!machine_stopped(session->machine, &cpu) || past_passes(session->past, cpu))
        return false;
    uint32_t pc = session->machine->cpu[cpu]->pc;
    session_pause(session);
    session->stopped = true;
    session->stopped_cpu = cpu;
    const WatchHit *hit = machine_stop_hit(session->machine, cpu);
    symbols_text(watchdog_symbols(session->watchdog), hit ? hit->pc : pc, address, sizeof address);
    if (hit)
        snprintf(text, sizeof text, "cpu%u stopped after it %s 0x%08x, at %s", cpu,
                 hit->write ? "wrote" : "read", hit->address, address);
    else
        snprintf(text, sizeof text, "cpu%u stopped at a breakpoint at %s", cpu, address);
    session_post(session, &(SessionEvent){.kind = SESSION_BREAKPOINT, .cpu = cpu, .pc = pc, .text = text});
    return true;
}

bool session_take_stop(Session *session, unsigned *cpu)
{
    bool stopped = session->stopped;
    session->stopped = false;
    *cpu = session->stopped_cpu;
    return stopped;
}

bool session_attended(const Session *session)
{
    const Console *console = session->serial ? serial_backends_console(session->serial) : NULL;
    return session->attended || session->control || session->console ||
           (console && console_escape_name(console));
}

void session_attend(Session *session)
{
    session->attended = true;
}

void session_on_look(Session *session, void (*look)(void *opaque), void *opaque)
{
    session->on_look = look;
    session->on_look_opaque = opaque;
}

/* What is on a disk may be another kernel than the last time. */
static bool load(Session *session, Error *err)
{
    BootOptions options;
    BootDisk *disk = boot_disk_find(session->machine, &session->options.boot, &options, err);
    bool ok = disk && boot_load(session->machine, &options, err);
    boot_disk_free(disk);
    return ok;
}

static void forget_guest(Session *session)
{
    session->stopped = session->off = false;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        kernel_lines_reset(session->kernel_lines[n]);
    post(session, SESSION_RESET);
}

void session_loaded(Session *session)
{
    if (session->options.rtc_given && session->options.rtc_host)
        machine_set_date(session->machine, (uint32_t)time(NULL));
    past_restart(session->past);
    forget_guest(session);
}

bool session_reset(Session *session, Error *err)
{
    if (!recorder_reset_enters(session->recorder))
        return error_set(err, "a recording is being replayed");
    return session_reset_now(session, err);
}

bool session_power_off(Session *session)
{
    Machine *machine = session->machine;
    if (!recorder_power_off_enters(session->recorder))
        return false;
    machine->env.request(machine->env.machine, REQUEST_POWER_OFF);
    return true;
}

bool session_reset_now(Session *session, Error *err)
{
    snapshots_reset(session->snapshots);
    machine_reset(session->machine);
    session->stopped = false;
    if (!load(session, err))
        return false;
    migrations_memory_changed(session->migrations);
    forget_guest(session);
    return true;
}

void session_end(Session *session, int code, const char *text)
{
    if (session->ending)
        return;
    session->ending = true;
    session->code = code;
    session->end_text = text ? strdup(text) : NULL;
    machine_yield(session->machine);
}

bool session_off(const Session *session)
{
    return session->off;
}

bool session_ending(const Session *session)
{
    return session->ending;
}

const char *session_end_text(const Session *session)
{
    return session->end_text;
}

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
        hold_time(session);
    }
    bool paused = session->paused && !past_travels(session->past);
    return (paused || held || session->away) && !session->ending;
}

static bool poll_host(void *opaque, uint64_t timeout_ns)
{
    Session *session = opaque;
    past_look(session->past);
    session_note_stop(session);
    snapshots_look(session->snapshots);
    recorder_look(session->recorder, timeout_ns > 0);
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

/* ---- Building ---------------------------------------------------------------------------------------- */

static void read_signal(void *opaque, short revents)
{
    Session *session = opaque;
    struct signalfd_siginfo info;
    (void)revents;
    if (read(session->signal_fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGUSR1) {
        screen_shot_by_hand(session->screen);
        return;
    }
    if (info.ssi_signo == SIGUSR2) {
        snapshots_save_by_hand(session->snapshots);
        return;
    }
    char text[80];
    snprintf(text, sizeof text, "ended by signal %u (%s)", info.ssi_signo, strsignal((int)info.ssi_signo));
    session_end(session, EXIT_SIGNAL + (int)info.ssi_signo, text);
}

static bool catch_signals(Session *session, Error *err)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (unsigned n = 0; n < sizeof caught / sizeof *caught; n++)
        sigaddset(&set, caught[n]);
    sigprocmask(SIG_BLOCK, &set, &session->old_signals);
    session->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session->signal_fd < 0)
        return error_set(err, "cannot watch for signals: %s", strerror(errno));
    loop_watch(session->loop, session->signal_fd, POLLIN, read_signal, session);
    return true;
}

static void timeout_passed(void *opaque)
{
    Session *session = opaque;
    char text[120];
    snprintf(text, sizeof text, "--timeout: %.9g seconds of guest time have passed",
             (double)session->options.timeout_ns / 1e9);
    session_end(session, EXIT_TIMEOUT, text);
}

static void wake(void *opaque)
{
    loop_wake(((Session *)opaque)->loop);
}

static bool make_machine(Session *session, Log *log, Error *err)
{
    MachineOptions options = session->options.machine;
    options.semihosting |= session->options.semihosting;
    options.test_device |= session->options.test_device;
    if (session->options.semihosting_dir)
        options.semihosting_dir = session->options.semihosting_dir;
    Snapshot *made_by = session->coming ? incoming_build(session->coming) : session->saved;
    if (made_by && !snapshot_options(made_by, &options, err)) {
        log_free(log);
        return false;
    }
    if (session->options.record || session->options.replay || session->options.history) {
        options.paced = !session->options.machine.deterministic;
        options.deterministic = true;
    }
    if (session->options.replay && !session->saved)
        options.semihosting_dir = NULL;
    session->machine = machine_new(&options, log, err);
    if (!session->machine)
        return false;
    session->machine->poll = poll_host;
    session->machine->poll_opaque = session;
    arrivals_on_wake(session->machine->arrivals, wake, session);
    timer_init(&session->timeout, session->machine->clock, "session timeout", CLIENT_TIMER_PRIORITY,
               timeout_passed, session);
    if (session->options.timeout_ns)
        timer_set(&session->timeout, session->options.timeout_ns);
    return true;
}

/* What runs only when it was asked for. *code is for what goes wrong. */
static bool make_parts(Session *session, int *code, Error *err)
{
    const Options *options = &session->options;
    *code = EXIT_USAGE;
    session->watchdog = watchdog_attach(session, err);
    if (!session->watchdog || !status_attach(session, err))
        return false;
    if (!(session->screen = screen_new(session, err)))
        return false;
    session->hands = hands_new();
    session->snapshots = snapshots_new(session, session->was_loaded ? session->loaded : NULL);
    session->migrations = migrations_new(session);
    if (script_wanted(options) && !(session->script = script_new(session, err)))
        return false;
    if (options->control && !(session->control = control_new(session, options->control, err)))
        return false;
    Console *console = session->console ? session->console : serial_backends_console(session->serial);
    if (console) {
        session->monitor = monitor_new(session, console);
        screen_add_command(session->screen, console);
    }
    return true;
}

/* With --monitor the terminal is not the first serial port's. */
static bool make_serial(Session *session, Error *err)
{
    if (session->options.monitor) {
        for (unsigned n = 0; n < SERIAL_PORTS; n++)
            if (!strcmp(session->options.serial[n], "stdio"))
                session->options.serial[n] = "none";
        session->console = console_new(session, NULL, err);
        if (!session->console)
            return false;
    }
    session->serial = serial_backends_new(session, err);
    return session->serial;
}

/* The clock goes on from the snapshot's time, or shows what --rtc says. Recordings say what the base was
 * after that. */
static void start_clock(Session *session)
{
    const Options *options = &session->options;
    Machine *machine = session->machine;
    uint32_t base = options->machine.rtc_base;
    if (options->replay && base != machine->options.rtc_base)
        machine_set_date(machine, base + (uint32_t)(clock_now(machine->clock) / 1000000000u));
    else if (!options->replay && options->rtc_given && !options->rtc_frozen)
        machine_set_date(machine, base);
}

/* Nothing may depend on today's date. */
static bool check_clock(const Session *session, Error *err)
{
    const Options *options = &session->options;
    bool today = options->rtc_given && options->rtc_host && session->machine->options.deterministic;
    return !session->saved || !today || options->record ||
           error_set(err,
                     "--rtc host: '%s' is of a deterministic run, which would depend on today's date; give a "
                     "date, as in --rtc 2025-01-31",
                     options->snapshot);
}

/* The guest goes on where a snapshot says it is, with the disks, shares and networks that it had. */
static bool load_saved(Session *session, Error *err)
{
    if (session->options.force)
        snapshot_force(session->saved);
    bool loaded = snapshot_load(session->saved, session->machine, err);
    memcpy(session->loaded, snapshot_info(session->saved)->identity, sizeof session->loaded);
    session->was_loaded = loaded;
    snapshot_close(session->saved);
    session->saved = NULL;
    if (loaded)
        start_clock(session);
    return loaded;
}

static bool open_disks(Session *session, Error *err)
{
    session->disks = disks_new(session->machine, session->options.disk, session->options.disk_count,
                               session->options.replay, err);
    return session->disks;
}

/* Disks that are written directly are free only when everything has come. */
static bool receive(Session *session, Error *err)
{
    Incoming *coming = session->coming;
    incoming_wake(coming, session->signal_fd);
    if (incoming_has_disks(coming) &&
        (!open_disks(session, err) ||
         !incoming_take_disks(coming, session->machine, session->options.force, err)))
        return false;
    return incoming_receive(coming, session->machine, err);
}

/* From here on the machine is ours. */
static bool take_over(Session *session, Error *err)
{
    bool paused;
    if (!incoming_take_over(session->coming, &paused, err))
        return false;
    incoming_free(session->coming);
    session->coming = NULL;
    if (paused)
        session_pause(session);
    fprintf(stderr, "armature: the machine has come%s\n", paused ? ", and is paused" : "");
    return true;
}

static bool give_state(Session *session, Error *err)
{
    if (session->coming)
        return incoming_load(session->coming, session->machine, session->options.force, err);
    return !session->saved || load_saved(session, err);
}

static bool build(Session *session, Log *log, int *code, Error *err)
{
    const char *saved = session->options.snapshot, *from = session->options.incoming;
    *code = EXIT_USAGE;
    if ((saved && !(session->saved = snapshot_open(saved, err))) ||
        (from && !(session->coming = migration_await(from, err)))) {
        log_free(log);
        return false;
    }
    *code = saved ? EXIT_USAGE : EXIT_HOST;
    if (!make_machine(session, log, err) || !catch_signals(session, err))
        return false;
    *code = EXIT_USAGE;
    if (!check_clock(session, err))
        return false;
    *code = EXIT_HOST;
    if (session->coming && !receive(session, err))
        return false;
    *code = EXIT_USAGE;
    if (!session->disks && !open_disks(session, err))
        return false;
    if (!session->saved && !session->coming && !load(session, err))
        return false;
    session->shares = shares_new(session->machine, session->options.share, session->options.replay, err);
    if (!session->shares)
        return false;
    session->audio = audio_new(&session->machine->env.audio, session->options.audio, err);
    if (!session->audio)
        return false;
    session->networks = networks_new(session, err);
    if (!session->networks || !give_state(session, err))
        return false;
    if ((session->options.record || session->options.replay || session->options.history) &&
        !(session->recorder = recorder_new(session, err)))
        return false;
    if (!make_serial(session, err) || !make_parts(session, code, err))
        return false;
    if (session->options.history && !(session->past = past_new(session, session->options.history, err)))
        return false;
    *code = EXIT_HOST;
    return !session->coming || take_over(session, err);
}

Session *session_new(const Options *options, Log *log, int *code, Error *err)
{
    Session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    session->options = *options;
    session->loop = loop_new();
    session->events = session_events_new();
    session->signal_fd = -1;
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        session->transcript[n] = transcript_new();
        session->kernel_lines[n] = kernel_lines_new();
    }
    if (build(session, log, code, err))
        return session;
    if (session->coming)
        incoming_refuse(session->coming, err->text);
    session_free(session);
    return NULL;
}

void session_free(Session *session)
{
    monitor_free(session->monitor);
    control_free(session->control);
    script_free(session->script);
    hands_free(session->hands);
    past_free(session->past);
    session->past = NULL;
    migrations_free(session->migrations);
    snapshots_free(session->snapshots);
    screen_free(session->screen);
    watchdog_detach(session->watchdog);
    console_free(session->console);
    serial_backends_free(session->serial, session->code < EXIT_SIGNAL);
    networks_free(session->networks);
    recorder_free(session->recorder);
    if (session->ran)
        report_end(session->machine, &session->options, stderr);
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        transcript_free(session->transcript[n]);
        kernel_lines_free(session->kernel_lines[n]);
    }
    session_events_free(session->events);
    loop_free(session->loop);
    audio_free(session->audio);
    disks_free(session->disks);
    shares_free(session->shares);
    if (session->machine)
        timer_cancel(&session->timeout);
    machine_free(session->machine);
    if (session->signal_fd >= 0) {
        close(session->signal_fd);
        sigprocmask(SIG_SETMASK, &session->old_signals, NULL);
    }
    snapshot_close(session->saved);
    incoming_free(session->coming);
    free(session->end_text);
    free(session);
}

/* ---- Running ----------------------------------------------------------------------------------------- */

/* Who waits for this may go on, or reset the machine; otherwise this is the end. */
static void switched_off(Session *session)
{
    if (watchdog_guest_ended(session->watchdog))
        return;
    session->off = true;
    post(session, SESSION_OFF);
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
