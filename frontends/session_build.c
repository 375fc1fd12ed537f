/* Makes a session of the options: the machine, its images, and the parts that were asked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "frontends/client.h"
#include "frontends/exit_codes.h"
#include "frontends/report.h"
#include "frontends/session_parts.h"
#include "frontends/status.h"

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
    session->machine->poll = session_poll;
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
    if (options->gdb && !(session->gdb = gdb_new(session, options->gdb, err)))
        return false;
    Console *console = session->console ? session->console : serial_backends_console(session->serial);
    if (console) {
        session->monitor = monitor_new(session, console);
        screen_add_command(session->screen, console);
    }
    return true;
}

static void begin_line(void *opaque)
{
    Session *session = opaque;
    if (session->serial)
        serial_backends_begin_line(session->serial);
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
    if (!session->options.log_file)
        log_set_before_line(session->machine->env.log, begin_line, session);
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
    if (!session->saved && !session->coming && !session_load_images(session, err))
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
    if (session->was_loaded || session->coming)
        networks_loaded(session->networks);
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
    gdb_free(session->gdb);
    session->gdb = NULL;
    script_free(session->script);
    hands_free(session->hands);
    past_free(session->past);
    session->past = NULL;
    migrations_free(session->migrations);
    snapshots_free(session->snapshots);
    screen_free(session->screen);
    watchdog_detach(session->watchdog);
    console_free(session->console);
    if (session->machine)
        log_set_before_line(session->machine->env.log, NULL, NULL);
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
