#define _GNU_SOURCE
#include "frontends/snapshots.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "frontends/disks.h"
#include "frontends/migration.h"
#include "frontends/operation_functions.h"
#include "frontends/past.h"
#include "frontends/screen.h"
#include "frontends/screen_png.h"
#include "frontends/wait.h"
#include "snapshot/machine_hash.h"

enum { PAUSES = 16 };

struct Snapshots {
    Session *session;
    SnapshotMarks *marks;
    /* A save that is under way. */
    SnapshotSave *save;
    Call *call;    /* who waits for it; NULL: nobody any more */
    char *by_hand; /* the file, if a signal wants it; else NULL */
    Frame *picture;
    bool warned; /* of disks without overlays */
    int ended;   /* an eventfd, written by the thread that saves */
    LoopWatch *watch;
    /* Where to pause. */
    uint64_t hash_at[OPTIONS_MAX_HASHES];
    unsigned hash_count;
    struct Pause {
        uint64_t icount;
        Wait *wait; /* NULL: free */
    } pause[PAUSES];
};

static Machine *machine_of(const Snapshots *snapshots)
{
    return session_machine(snapshots->session);
}

/* ---- Saving -------------------------------------------------------------------------------------------- */

static void tell(void *opaque)
{
    const Snapshots *snapshots = opaque;
    const uint64_t one = 1;
    if (write(snapshots->ended, &one, sizeof one) != sizeof one) {
        /* It is full: then somebody will look. */
    }
}

static void finish_save(Snapshots *snapshots)
{
    Error err;
    Call *call = snapshots->call;
    bool ok = snapshot_save_end(snapshots->save, &err);
    snapshots->save = NULL;
    snapshots->call = NULL;
    free(snapshots->picture);
    snapshots->picture = NULL;
    if (ok && snapshots->by_hand)
        fprintf(stderr, "\narmature: saved %s\n", snapshots->by_hand);
    free(snapshots->by_hand);
    snapshots->by_hand = NULL;
    if (call) {
        call->stop = NULL;
        if (ok)
            call_finish(call, NULL);
        else
            call_fail(call, "save: %s", err.text);
    } else if (!ok) {
        fprintf(stderr, "armature: %s\n", err.text);
    }
}

static void save_ended(void *opaque, short revents)
{
    Snapshots *snapshots = opaque;
    uint64_t count, done, all;
    (void)revents;
    if (read(snapshots->ended, &count, sizeof count) != sizeof count || !snapshots->save)
        return;
    if (snapshot_save_progress(snapshots->save, &done, &all))
        finish_save(snapshots);
}

void snapshots_finish(Snapshots *snapshots)
{
    if (snapshots && snapshots->save)
        finish_save(snapshots);
}

/* Who waited is gone; it asked for a file, which it gets. */
static void forget_call(Call *call)
{
    Snapshots *snapshots = session_snapshots(call->client->session);
    if (snapshots->call == call)
        snapshots->call = NULL;
}

/* Saving does not need the guest. */
static void goes_on(Call *call)
{
    (void)call;
}

static void goes_on_at_stop(Call *call, const SessionEvent *event)
{
    (void)call;
    (void)event;
}

/* A snapshot of a disk that is written directly is good only until the guest writes again. */
static void warn_of_disks(Snapshots *snapshots)
{
    Disks *disks = session_disks(snapshots->session);
    for (unsigned n = 0; !snapshots->warned && n < disks_count(disks); n++) {
        const DiskPlace *place = disks_place(disks, n);
        const Disk *disk = place->slot->disk;
        if (!disk || disk_read_only(disk) || place->image.kind == IMAGE_OVERLAY)
            continue;
        fprintf(stderr,
                "armature: %s is written directly: the snapshot can be loaded only until the guest writes "
                "again; with overlay=temp it has the disk's changes in it\n",
                place->name);
        snapshots->warned = true;
    }
}

static uint8_t *png_of(const void *picture, size_t *size)
{
    return screen_png_bytes(picture, size);
}

static bool begin_save(Snapshots *snapshots, const char *file, const char *note, bool compress,
                       const char *base, Error *err)
{
    Session *session = snapshots->session;
    SnapshotWish wish = {.compress = compress,
                         .note = *note ? note : NULL,
                         .host_time = time(NULL),
                         .base = *base ? base : NULL,
                         .marks = snapshots->marks,
                         .ended = tell,
                         .opaque = snapshots};
    if (snapshots->save)
        return error_set(err, "another save is not finished yet");
    if (migrations_send(session_migrations(session)))
        return error_set(err, "the machine is leaving for another process");
    wish.png = png_of;
    wish.picture = snapshots->picture = screen_frame_copy(session_screen(session));
    snapshots->save = snapshot_save_begin(session_machine(session), file, &wish, err);
    if (!snapshots->save) {
        free(snapshots->picture);
        snapshots->picture = NULL;
    }
    if (snapshots->save)
        warn_of_disks(snapshots);
    return snapshots->save;
}

/* When it ends is up to the host; the guest must not see that. */
static void begun(Snapshots *snapshots)
{
    if (machine_of(snapshots)->options.deterministic)
        finish_save(snapshots);
}

void op_save(Call *call, const char *file, const char *note, bool compress, const char *base)
{
    Error err;
    Snapshots *snapshots = session_snapshots(call->client->session);
    if (!call_needs_power(call))
        return;
    if (!begin_save(snapshots, file, note, compress, base, &err)) {
        call_fail(call, "save: %s", err.text);
        return;
    }
    snapshots->call = call;
    call->stop = forget_call;
    call->off = goes_on;
    call->stopped = goes_on_at_stop;
    begun(snapshots);
}

/* The next name that is free. */
static char *free_name(void)
{
    char *name = NULL;
    for (unsigned n = 1; n; n++) {
        if (asprintf(&name, "armature-%u.snap", n) < 0)
            abort();
        if (access(name, F_OK))
            break;
        free(name);
    }
    return name;
}

void snapshots_save_by_hand(Snapshots *snapshots)
{
    Error err;
    char *name = free_name();
    bool ok = !session_off(snapshots->session) || error_set(&err, "the machine is switched off");
    if (ok && begin_save(snapshots, name, "", true, "", &err)) {
        snapshots->by_hand = name;
        begun(snapshots);
        return;
    }
    fprintf(stderr, "\narmature: no snapshot: %s\n", err.text);
    free(name);
}

json_t *op_saving(Call *call)
{
    Snapshots *snapshots = session_snapshots(call->client->session);
    uint64_t done = 0, all = 0;
    if (snapshots->save)
        snapshot_save_progress(snapshots->save, &done, &all);
    return json_pack("{s:b, s:I, s:I}", "saving", snapshots->save != NULL, "done", (json_int_t)done, "all",
                     (json_int_t)all);
}

bool op_save_cancel(Call *call)
{
    Snapshots *snapshots = session_snapshots(call->client->session);
    if (!snapshots->save)
        return false;
    snapshot_save_cancel(snapshots->save);
    finish_save(snapshots);
    return true;
}

/* ---- Loading ----------------------------------------------------------------------------------------- */

void op_load(Call *call, const char *file, bool force)
{
    Error err;
    Session *session = call->client->session;
    Snapshots *snapshots = session_snapshots(session);
    if (session_recorder(session)) {
        call_fail(call, "load: a run that is recorded or replayed cannot become another one");
        return;
    }
    if (snapshots->save) {
        call_fail(call, "load: a save is not finished yet");
        return;
    }
    if (migrations_under_way(session_migrations(session))) {
        call_fail(call, "load: the machine is leaving for another process");
        return;
    }
    Snapshot *snapshot = snapshot_open(file, &err);
    if (snapshot && force)
        snapshot_force(snapshot);
    History *history = past_history(session_past(session));
    history_ignore(history, true);
    bool ok = snapshot && snapshot_load(snapshot, session_machine(session), &err);
    history_ignore(history, false);
    if (ok)
        snapshot_marks_loaded(snapshots->marks, snapshot_info(snapshot)->identity);
    snapshot_close(snapshot);
    if (ok)
        session_loaded(session);
    else
        call_fail(call, "load: %s", err.text);
}

/* ---- Hashes ------------------------------------------------------------------------------------------ */

json_t *op_hash(Call *call, const char *component)
{
    char text[24];
    MachineHash *hash = malloc(sizeof *hash);
    if (!hash)
        abort();
    machine_hash(session_machine(call->client->session), hash);
    json_t *result = json_object();
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash->all);
    json_object_set_new(result, "all", json_string(text));
    for (unsigned n = 0; n < hash->count; n++) {
        snprintf(text, sizeof text, "%016llx", (unsigned long long)hash->component[n].hash);
        json_object_set_new(result, hash->component[n].name, json_string(text));
    }
    free(hash);
    if (!*component)
        return result;
    json_t *one = json_incref(json_object_get(result, component));
    json_decref(result);
    if (!one)
        call_fail(call, "hash: there is no part '%s'", component);
    return one;
}

static void print_hashes(Machine *machine)
{
    MachineHash *hash = malloc(sizeof *hash);
    if (!hash)
        abort();
    unsigned long long icount = machine_icount(machine);
    machine_hash(machine, hash);
    fprintf(stderr, "hash %llu all %016llx\n", icount, (unsigned long long)hash->all);
    for (unsigned n = 0; n < hash->count; n++)
        fprintf(stderr, "hash %llu %s %016llx\n", icount, hash->component[n].name,
                (unsigned long long)hash->component[n].hash);
    free(hash);
}

/* ---- Pauses ------------------------------------------------------------------------------------------ */

/* The nearest of all places ahead. */
void snapshots_aim(Snapshots *snapshots)
{
    uint64_t now = machine_icount(machine_of(snapshots)), next = UINT64_MAX;
    uint64_t goal = past_goal(session_past(snapshots->session));
    if (goal > now)
        next = goal;
    for (unsigned n = 0; n < snapshots->hash_count; n++)
        if (snapshots->hash_at[n] > now && snapshots->hash_at[n] < next)
            next = snapshots->hash_at[n];
    for (unsigned n = 0; n < PAUSES; n++)
        if (snapshots->pause[n].wait && snapshots->pause[n].icount > now && snapshots->pause[n].icount < next)
            next = snapshots->pause[n].icount;
    machine_pause_at(machine_of(snapshots), next);
}

void snapshots_look(Snapshots *snapshots)
{
    Machine *machine = machine_of(snapshots);
    uint64_t now = machine_icount(machine);
    if (now != machine->pause_at)
        return;
    for (unsigned n = 0; n < snapshots->hash_count; n++)
        if (snapshots->hash_at[n] == now && !past_is_past(session_past(snapshots->session))) {
            print_hashes(machine);
            break;
        }
    for (unsigned n = 0; n < PAUSES; n++) {
        Wait *wait = snapshots->pause[n].wait;
        if (!wait || snapshots->pause[n].icount != now)
            continue;
        session_pause(snapshots->session);
        wait_finish(wait, NULL);
    }
    snapshots_aim(snapshots);
}

static void let_go(Wait *wait)
{
    Snapshots *snapshots = wait->data;
    for (unsigned n = 0; n < PAUSES; n++)
        if (snapshots->pause[n].wait == wait)
            snapshots->pause[n].wait = NULL;
    snapshots_aim(snapshots);
}

void op_pause_at(Call *call, uint64_t instructions, uint64_t timeout)
{
    Session *session = call->client->session;
    Snapshots *snapshots = session_snapshots(session);
    uint64_t now = machine_icount(session_machine(session));
    unsigned n = 0;
    while (n < PAUSES && snapshots->pause[n].wait)
        n++;
    if (instructions <= now || n == PAUSES) {
        call_fail(call,
                  n == PAUSES ? "pause_at: too many wait already"
                              : "pause_at: the CPUs have begun %llu already",
                  (unsigned long long)now);
        return;
    }
    session_resume(session);
    Wait *wait = wait_new(call, timeout, strdup("pause_at"), wait_timed_out);
    if (!wait)
        return;
    wait->data = snapshots;
    wait->let_go = let_go;
    snapshots->pause[n] = (struct Pause){instructions, wait};
    snapshots_aim(snapshots);
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

void snapshots_reset(Snapshots *snapshots)
{
    snapshots_finish(snapshots);
    if (snapshots)
        snapshot_marks_forget(snapshots->marks);
}

Snapshots *snapshots_new(Session *session, const uint64_t *loaded)
{
    Snapshots *snapshots = calloc(1, sizeof *snapshots);
    const Options *options = session_options(session);
    if (!snapshots)
        abort();
    snapshots->session = session;
    snapshots->marks = snapshot_marks_new(session_machine(session));
    if (loaded)
        snapshot_marks_loaded(snapshots->marks, loaded);
    snapshots->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    snapshots->watch = loop_watch(session_loop(session), snapshots->ended, POLLIN, save_ended, snapshots);
    memcpy(snapshots->hash_at, options->hash_at, sizeof snapshots->hash_at);
    snapshots->hash_count = options->hash_at_count;
    snapshots_aim(snapshots);
    return snapshots;
}

void snapshots_free(Snapshots *snapshots)
{
    if (!snapshots)
        return;
    snapshots_finish(snapshots);
    snapshot_marks_free(snapshots->marks);
    loop_unwatch(snapshots->watch);
    close(snapshots->ended);
    free(snapshots);
}
