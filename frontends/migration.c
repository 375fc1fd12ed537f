/* The operation `migrate` and what belongs to it. */
#define _GNU_SOURCE
#include "frontends/migration.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/migration_place.h"
#include "frontends/operation_functions.h"
#include "frontends/snapshots.h"
#include "frontends/sockets.h"

struct Migrations {
    Session *session;
    SerialSpec spec;
    char *to; /* as the user wrote it */
    Migration *migration;
    bool stuck; /* it must stand still here until somebody decides */
    Call *call; /* who waits; NULL: nobody any more */
    int ended;  /* an eventfd, written by the thread that sends */
    LoopWatch *watch;
    SessionTask leave;
};

/* ---- The connection ---------------------------------------------------------------------------------- */

static int connect_unix(const char *path, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof address))
        return fd;
    error_set(err, "cannot connect to %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int connect_to(void *opaque, Error *err)
{
    const SerialSpec *spec = &((Migrations *)opaque)->spec;
    int yes = 1;
    if (spec->kind == SERIAL_UNIX)
        return connect_unix(spec->path, err);
    int fd = tcp_connect(spec->host, spec->service, err);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

/* ---- The end ----------------------------------------------------------------------------------------- */

static void forget(Migrations *m)
{
    migration_free(m->migration);
    m->migration = NULL;
    serial_spec_free(&m->spec);
    free(m->to);
    m->to = NULL;
}

static Call *take_call(Migrations *m)
{
    Call *call = m->call;
    m->call = NULL;
    if (call)
        call->stop = NULL;
    return call;
}

static void failed(Migrations *m, const char *what, const char *then)
{
    Call *call = take_call(m);
    if (call)
        call_fail(call, "migrate: %s; %s", what, then);
    else
        session_say(m->session, "migrate: %s; %s", what, then);
}

static void goes_on_here(Migrations *m, const Error *err)
{
    failed(m, err->text, "the machine goes on here");
    forget(m);
}

static void stands_still(Migrations *m, const char *what)
{
    m->stuck = true;
    session_set_away(m->session, true);
    failed(m, what, "it stands still here; `migrate_cancel` lets it go on here, `save` saves it");
}

static void leave(void *opaque)
{
    session_end(((Migrations *)opaque)->session, EXIT_OFF, NULL);
}

/* Whoever waited hears of it before the session ends. */
static void moved(Migrations *m)
{
    MigrationProgress progress;
    Call *call = take_call(m);
    migration_progress(m->migration, &progress);
    session_set_away(m->session, true);
    session_say(m->session, "the machine has moved to %s; it stood still for %.1f ms", m->to,
                (double)progress.downtime_ns / 1e6);
    if (call)
        call_finish(call, json_pack("{s:f, s:f, s:i, s:I}", "downtime", (double)progress.downtime_ns / 1e9,
                                    "seconds", (double)progress.seconds_ns / 1e9, "rounds",
                                    (int)progress.rounds, "bytes", (json_int_t)progress.bytes));
    session_later(m->session, &m->leave);
}

/* Only what stands still is handed over. */
static void hand_over(Migrations *m)
{
    Error err;
    Machine *machine = session_machine(m->session);
    if (session_off(m->session)) {
        error_set(&err, "the guest has switched itself off");
        goes_on_here(m, &err);
        return;
    }
    snapshots_finish(session_snapshots(m->session));
    bool holds = machine->held_at == CLOCK_NEVER;
    if (holds)
        machine_hold_time(machine, true);
    MigrationEnd end = migration_hand_over(m->migration, session_paused(m->session), &err);
    switch (end) {
    case MIGRATION_MOVED:
        moved(m);
        break;
    case MIGRATION_REFUSED:
        goes_on_here(m, &err);
        break;
    case MIGRATION_UNKNOWN:
        stands_still(m,
                     "the other end had everything and was told to go on, but its answer was lost: whether "
                     "the machine runs there cannot be known from here");
        break;
    case MIGRATION_TAKEN:
        stands_still(m, err.text);
        break;
    }
    if (holds && end == MIGRATION_REFUSED)
        machine_hold_time(machine, false);
}

static void step(Migrations *m)
{
    Error err;
    switch (migration_step(m->migration, &err)) {
    case MIGRATION_ROUND:
        break;
    case MIGRATION_LAST:
        hand_over(m);
        break;
    case MIGRATION_FAILED:
        goes_on_here(m, &err);
        break;
    }
}

static void round_ended(void *opaque, short revents)
{
    Migrations *m = opaque;
    uint64_t count;
    (void)revents;
    if (read(m->ended, &count, sizeof count) == sizeof count && m->migration && !m->stuck &&
        !session_ending(m->session))
        step(m);
}

static void tell(void *opaque)
{
    const Migrations *m = opaque;
    const uint64_t one = 1;
    if (write(m->ended, &one, sizeof one) != sizeof one) {
        /* It is full: then somebody will look. */
    }
}

/* ---- Operations -------------------------------------------------------------------------------------- */

/* Who waited is gone; the machine leaves all the same. */
static void forget_call(Call *call)
{
    session_migrations(call->client->session)->call = NULL;
}

static void goes_on(Call *call)
{
    (void)call;
}

static void goes_on_at_stop(Call *call, const SessionEvent *event)
{
    (void)call;
    (void)event;
}

void op_migrate(Call *call, const char *to, uint64_t downtime, bool compress, uint32_t rounds)
{
    Error err;
    Session *session = call->client->session;
    Migrations *m = session_migrations(session);
    bool deterministic = session_machine(session)->options.deterministic;
    if (!call_needs_power(call))
        return;
    if (m->migration) {
        call_fail(call, "migrate: the machine is leaving for %s already", m->to);
        return;
    }
    if (session_recorder(session)) {
        call_fail(call, "migrate: the run is recorded or replayed, which ends with this process");
        return;
    }
    if (!migration_to_parse(&m->spec, to, &err)) {
        call_fail(call, "migrate: %s: %s", to, err.text);
        serial_spec_free(&m->spec);
        return;
    }
    m->to = strdup(to);
    m->call = call;
    call->stop = forget_call;
    call->off = goes_on;
    call->stopped = goes_on_at_stop;
    MigrationWish wish = {.connect = connect_to,
                          .connect_opaque = m,
                          .compress = compress,
                          .downtime_ns = downtime == UINT64_MAX ? 50000000 : downtime,
                          .rounds = rounds ? rounds : 1,
                          .ended = deterministic ? NULL : tell,
                          .opaque = m};
    snapshots_finish(session_snapshots(session));
    m->migration = migration_begin(session_machine(session), &wish, &err);
    if (!m->migration)
        goes_on_here(m, &err);
    else if (deterministic)
        step(m);
}

json_t *op_migrating(Call *call)
{
    const Migrations *m = session_migrations(call->client->session);
    MigrationProgress progress = {0};
    if (m->migration)
        migration_progress(m->migration, &progress);
    return json_pack("{s:b, s:b, s:i, s:I, s:I, s:I, s:f}", "migrating", m->migration && !m->stuck, "stuck",
                     m->stuck, "rounds", (int)progress.rounds, "bytes", (json_int_t)progress.bytes, "left",
                     (json_int_t)progress.left, "all", (json_int_t)progress.all, "seconds",
                     (double)progress.seconds_ns / 1e9);
}

bool op_migrate_cancel(Call *call)
{
    Error err;
    Migrations *m = session_migrations(call->client->session);
    if (!m->migration)
        return false;
    if (!m->stuck) {
        migration_cancel(m->migration);
        return true;
    }
    if (!migration_take_back(m->migration, &err)) {
        call_fail(call, "migrate_cancel: %s", err.text);
        return false;
    }
    m->stuck = false;
    forget(m);
    session_set_away(m->session, false);
    return true;
}

/* ---- Life -------------------------------------------------------------------------------------------- */

bool migrations_under_way(const Migrations *migrations)
{
    return migrations->migration;
}

bool migrations_send(const Migrations *migrations)
{
    return migrations->migration && !migrations->stuck;
}

void migrations_memory_changed(Migrations *migrations)
{
    if (migrations && migrations->migration)
        migration_all_changed(migrations->migration);
}

Migrations *migrations_new(Session *session)
{
    Migrations *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->session = session;
    m->leave = (SessionTask){.run = leave, .opaque = m};
    m->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->watch = loop_watch(session_loop(session), m->ended, POLLIN, round_ended, m);
    return m;
}

void migrations_free(Migrations *m)
{
    if (!m)
        return;
    session_not_later(m->session, &m->leave);
    forget(m);
    loop_unwatch(m->watch);
    close(m->ended);
    free(m);
}
