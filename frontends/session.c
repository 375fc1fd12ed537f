/* See session.h: what a session's parts and clients ask of it. session_build.c makes one, session_run.c runs
 * it. */
#include "frontends/session_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/boot_disk.h"
#include "machine/boot.h"

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

void session_flush_output(Session *session)
{
    if (session->serial)
        serial_backends_flush(session->serial);
}

void session_say(Session *session, const char *format, ...)
{
    va_list args;
    session_flush_output(session);
    fputs("\narmature: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
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

void session_hold_time(Session *session)
{
    machine_hold_time(session->machine, session->paused || session->held || session->away);
}

void session_set_away(Session *session, bool away)
{
    session->away = away;
    session_hold_time(session);
}

void session_pause(Session *session)
{
    if (session->paused)
        return;
    session->paused = true;
    session_hold_time(session);
    post(session, SESSION_PAUSED);
}

void session_resume(Session *session)
{
    if (!session->paused)
        return;
    session->paused = session->stopped = false;
    session_hold_time(session);
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

bool session_step(Session *session, unsigned cpu, uint64_t count, uint64_t *executed)
{
    session_pause(session);
    session->stopped = false;
    *executed = machine_step_cpu(session->machine, cpu, count);
    bool stopped = session_note_stop(session);
    session->stopped = false;
    if (session->machine->request_pending)
        session_resume(session);
    return stopped;
}

bool session_order_is_recorded(const Session *session)
{
    const Machine *machine = session->machine;
    return machine->options.cpus > 1 && machine->journal && journal_mode(machine->journal) == JOURNAL_REPLAY;
}

bool session_attended(const Session *session)
{
    const Console *console = session->serial ? serial_backends_console(session->serial) : NULL;
    return session->attended || session->control || session->gdb || session->console ||
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

bool session_load_images(Session *session, Error *err)
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
    networks_loaded(session->networks);
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
    if (!session_load_images(session, err))
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
