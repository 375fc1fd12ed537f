/* See disk.h. A request is carried out at once, or is work for the host (host_work.h): by the disk's thread,
 * or at deterministic time. */
#include "machine/disk.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "machine/host_time.h"

/* Deterministic time of a request: that of a quick solid-state disk. */
enum { LATENCY_NS = 20000, NS_PER_KIB = 1000 };

/* Longer requests are for the thread even if the host has all in memory: copying takes time, too. */
enum { READ_AT_ONCE = 128 << 10, WRITE_AT_ONCE = 64 << 10 };

/* The host makes who writes more than its media take wait, for as long as it sees fit. When a write at once
 * took longer than SLOW_NS, the thread does them for a while, which is longer each time. */
enum { SLOW_NS = 5000000, SHORT_PAUSE_NS = 100000000, QUICK_AGAIN = 1000 };
#define LONG_PAUSE_NS 10000000000u

/* So many requests without a failure, and the user is told of the next one even if it is like the last. */
enum { WELL_AGAIN = 100 };

struct Disk {
    char *name;
    const MediumOps *ops;
    void *medium;
    MediumInfo info;
    DiskStats stats;
    unsigned under_way;
    JournalChannel *channel;                                        /* its slot's */
    uint64_t run, changes;                                          /* for snapshots: see MediumIdentity */
    void (*before)(void *opaque, uint64_t offset, uint64_t length); /* a change; NULL: nobody */
    void *before_opaque;
    void (*trouble)(void *opaque, const char *text);
    void *trouble_opaque;
    char *told[DISK_ACTIONS];          /* the last failure that the user heard of; NULL: none lately */
    unsigned well_since[DISK_ACTIONS]; /* how many requests were well since then */
    HostWork *work;
    bool deterministic;
    uint64_t no_write_before, pause_ns; /* at once; host time */
    unsigned quick_writes;
    pthread_mutex_t mutex; /* over what follows */
    Error error;           /* of the first request that failed since the user was told of one */
    DiskAction failed_action;
    bool failed;
};

/* ---- Carrying out ------------------------------------------------------------------------------------ */

static DiskResult write_zeros(Disk *disk, uint64_t offset, uint64_t length, Error *err)
{
    static const uint8_t zeros[64 << 10];
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, length -= part) {
        part = length < sizeof zeros ? length : sizeof zeros;
        result = disk->ops->write(disk->medium, offset, zeros, part, err);
    }
    return result;
}

/* The part of a range that the medium has: the last sector may go beyond its end. */
static uint64_t inside(const Disk *disk, uint64_t offset, uint64_t length)
{
    uint64_t rest = disk->info.size > offset ? disk->info.size - offset : 0;
    return length < rest ? length : rest;
}

static bool changes(DiskAction action)
{
    return action == DISK_WRITE || action == DISK_DISCARD || action == DISK_ZERO;
}

static DiskResult check(const Disk *disk, const DiskRequest *request)
{
    uint64_t size = disk_size(disk);
    if (request->action == DISK_FLUSH)
        return DISK_OK;
    if (request->offset > size || request->length > size - request->offset)
        return DISK_OUTSIDE;
    return disk->info.read_only && changes(request->action) ? DISK_READ_ONLY : DISK_OK;
}

static DiskResult carry_out_action(Disk *disk, const DiskRequest *request, Error *err)
{
    uint64_t offset = request->offset, length = inside(disk, offset, request->length);
    disk->changes += changes(request->action);
    if (disk->before && changes(request->action))
        disk->before(disk->before_opaque, offset, length);
    switch (request->action) {
    case DISK_READ:
        memset(request->data + length, 0, request->length - length);
        return disk->ops->read(disk->medium, offset, request->data, length, err);
    case DISK_WRITE:
        return disk->ops->write(disk->medium, offset, request->data, length, err);
    case DISK_FLUSH:
        return disk->info.read_only ? DISK_OK : disk->ops->flush(disk->medium, err);
    case DISK_DISCARD:
        return disk->ops->discard ? disk->ops->discard(disk->medium, offset, length, err) : DISK_OK;
    case DISK_ZERO:
        return disk->ops->zero ? disk->ops->zero(disk->medium, offset, length, err)
                               : write_zeros(disk, offset, length, err);
    case DISK_ACTIONS:
        break;
    }
    assert(!"an action");
    return DISK_IO_ERROR;
}

/* The guest has been told, and may have given its file system up. */
static void add_advice(Error *err)
{
    static const char advice[] = "; the guest gets I/O errors: make room, then reboot it";
    size_t length = err ? strlen(err->text) : sizeof err->text;
    if (length + sizeof advice <= sizeof err->text)
        strcpy(err->text + length, advice);
}

static DiskResult carry_out(Disk *disk, const DiskRequest *request, Error *err)
{
    DiskResult result = carry_out_action(disk, request, err);
    if (!result && request->settle && disk->ops->settle)
        result = disk->ops->settle(disk->medium, err);
    if (result == DISK_NO_SPACE)
        add_advice(err);
    return result;
}

/* ---- Being done -------------------------------------------------------------------------------------- */

/* A full host, or a bad place on its medium, lets some requests fail and others not: who was told of it need
 * not hear it again each time. */
static void tell(Disk *disk, DiskAction action, const char *text)
{
    char **told = &disk->told[action];
    bool again = *told && !strcmp(*told, text);
    disk->well_since[action] = 0;
    if (again)
        return;
    free(*told);
    if (!(*told = strdup(text)))
        abort();
    if (disk->trouble)
        disk->trouble(disk->trouble_opaque, text);
}

static void note_well(Disk *disk, DiskAction action)
{
    if (!disk->told[action] || ++disk->well_since[action] < WELL_AGAIN)
        return;
    free(disk->told[action]);
    disk->told[action] = NULL;
}

static void count(Disk *disk, const DiskRequest *request)
{
    disk->stats.requests[request->action]++;
    if (request->action != DISK_FLUSH)
        disk->stats.bytes[request->action] += request->length;
    disk->stats.errors += request->result != DISK_OK;
    if (request->result == DISK_OK)
        note_well(disk, request->action);
}

static void finish(Disk *disk, DiskRequest *request)
{
    disk->under_way--;
    count(disk, request);
    request->done(request);
}

/* On the disk's thread. */
static void carry_out_there(Disk *disk, DiskRequest *request)
{
    Error err = {""};
    request->result = carry_out(disk, request, &err);
    if (!request->result)
        return;
    pthread_mutex_lock(&disk->mutex);
    if (!disk->failed) {
        disk->failed = true;
        disk->failed_action = request->action;
        disk->error = err;
    }
    pthread_mutex_unlock(&disk->mutex);
}

static void tell_failure(Disk *disk)
{
    Error err;
    pthread_mutex_lock(&disk->mutex);
    bool failed = disk->failed;
    DiskAction action = disk->failed_action;
    if (failed)
        err = disk->error;
    disk->failed = false;
    pthread_mutex_unlock(&disk->mutex);
    if (failed)
        tell(disk, action, err.text);
}

/* A failure in the journal: result, action, offset in 8 bytes; and what was read nevertheless. */
enum { FAILURE_HEADER = 10 };

static void keep_failure(Disk *disk, const DiskRequest *request)
{
    uint64_t length = request->action == DISK_READ ? request->length : 0;
    uint8_t *bytes = malloc(FAILURE_HEADER + length);
    if (!bytes)
        abort();
    bytes[0] = (uint8_t)request->result;
    bytes[1] = (uint8_t)request->action;
    memcpy(bytes + 2, &request->offset, 8);
    if (length)
        memcpy(bytes + FAILURE_HEADER, request->data, length);
    journal_keep(disk->channel, bytes, FAILURE_HEADER + length);
    free(bytes);
}

/* Whether the host failed here when this was recorded. */
static bool recall_failure(Disk *disk, DiskRequest *request)
{
    const JournalEntry *entry = journal_recalls(disk->channel) ? journal_recall_here(disk->channel) : NULL;
    uint64_t length = request->action == DISK_READ ? request->length : 0, offset;
    if (!entry || entry->size != FAILURE_HEADER + length || entry->data[1] != request->action)
        return false;
    memcpy(&offset, entry->data + 2, 8);
    bool known = entry->data[0] > DISK_OK && entry->data[0] <= DISK_OUTSIDE;
    if (offset != request->offset || !known)
        return false;
    request->result = (DiskResult)entry->data[0];
    if (length)
        memcpy(request->data, entry->data + FAILURE_HEADER, length);
    journal_take(disk->channel);
    return true;
}

/* On the machine's thread. */
static void carry_out_now(Disk *disk, DiskRequest *request)
{
    Error err = {"as recorded"};
    bool recalled = recall_failure(disk, request);
    if (!recalled)
        request->result = carry_out(disk, request, &err);
    if (!request->result)
        return;
    tell(disk, request->action, err.text);
    if (!recalled && journal_recalls(disk->channel))
        journal_channel_fail(disk->channel, "the host failed: %s", err.text);
    else if (!recalled && disk->channel)
        keep_failure(disk, request);
}

/* ---- Submitting -------------------------------------------------------------------------------------- */

static DiskRequest *request_of(HostJob *job)
{
    return (DiskRequest *)((uint8_t *)job - offsetof(DiskRequest, job));
}

static void carry_out_job(HostJob *job)
{
    DiskRequest *request = request_of(job);
    if (!request->disk->deterministic) {
        carry_out_there(request->disk, request);
        return;
    }
    request->due = 0;
    carry_out_now(request->disk, request);
}

static void job_done(HostJob *job)
{
    DiskRequest *request = request_of(job);
    tell_failure(request->disk);
    finish(request->disk, request);
}

static void hand_over(Disk *disk, DiskRequest *request)
{
    disk->under_way++;
    request->disk = disk;
    request->job = (HostJob){.carry_out = carry_out_job,
                             .done = job_done,
                             .takes = LATENCY_NS + muldiv64(request->length, NS_PER_KIB, 1024),
                             .due = request->due};
    host_work_submit(disk->work, &request->job);
    if (disk->deterministic)
        request->due = request->job.due;
}

static bool may_be_at_once(const Disk *disk, const DiskRequest *request, uint64_t most)
{
    return !disk->under_way && request->length <= most &&
           disk->info.size - request->offset >= request->length;
}

static bool read_at_once(Disk *disk, const DiskRequest *request)
{
    return disk->ops->read_now && may_be_at_once(disk, request, READ_AT_ONCE) &&
           disk->ops->read_now(disk->medium, request->offset, request->data, request->length);
}

static void note_pace(Disk *disk, uint64_t start, uint64_t end)
{
    if (end - start <= SLOW_NS) {
        if (++disk->quick_writes >= QUICK_AGAIN)
            disk->pause_ns = 0;
        return;
    }
    uint64_t longer = disk->pause_ns ? 2 * disk->pause_ns : SHORT_PAUSE_NS;
    disk->pause_ns = longer < LONG_PAUSE_NS ? longer : LONG_PAUSE_NS;
    disk->no_write_before = end + disk->pause_ns;
    disk->quick_writes = 0;
}

static bool write_at_once(Disk *disk, DiskRequest *request)
{
    if (!disk->ops->may_write_now || !may_be_at_once(disk, request, WRITE_AT_ONCE))
        return false;
    uint64_t start = host_ns();
    if (start < disk->no_write_before ||
        !disk->ops->may_write_now(disk->medium, request->offset, request->length))
        return false;
    carry_out_now(disk, request);
    note_pace(disk, start, host_ns());
    return true;
}

static bool at_once_done(Disk *disk, DiskRequest *request)
{
    switch (request->action) {
    case DISK_READ:
        return read_at_once(disk, request);
    case DISK_WRITE:
        return write_at_once(disk, request);
    default:
        return false;
    }
}

bool disk_submit(Disk *disk, DiskRequest *request)
{
    assert(request->action == DISK_FLUSH ||
           (request->offset % DISK_SECTOR == 0 && request->length % DISK_SECTOR == 0));
    if (request->action == DISK_FLUSH)
        request->offset = request->length = 0;
    request->result = check(disk, request);
    bool at_once = !request->result && !disk->deterministic && at_once_done(disk, request);
    if (!request->result && !at_once && !host_work_ready(disk->work)) {
        carry_out_now(disk, request);
        at_once = true;
    }
    if (request->result || at_once) {
        disk->stats.at_once += at_once;
        count(disk, request);
        return true;
    }
    hand_over(disk, request);
    return false;
}

void disk_take_back(Disk *disk, DiskRequest *request)
{
    disk->under_way--;
    host_work_take_back(disk->work, &request->job);
}

void disk_drain(Disk *disk)
{
    host_work_drain(disk->work);
}

/* ---- Snapshots --------------------------------------------------------------------------------------- */

void disk_hold(Disk *disk)
{
    host_work_hold(disk->work);
}

void disk_release(Disk *disk)
{
    host_work_release(disk->work);
}

void disk_let_go(Disk *disk)
{
    Error err;
    disk_hold(disk);
    if (disk->ops->own)
        disk->ops->own(disk->medium, false, &err);
}

bool disk_take_again(Disk *disk, Error *err)
{
    if (disk->ops->own && !disk->ops->own(disk->medium, true, err))
        return false;
    disk_release(disk);
    return true;
}

const MediumPointOps *disk_point_ops(const Disk *disk)
{
    return disk->ops->point;
}

static bool identify(Disk *disk, MediumIdentity *identity, Error *err)
{
    *identity = (MediumIdentity){.size = disk->info.size};
    if (disk->ops->point && !disk->ops->point->identify(disk->medium, identity, err))
        return false;
    identity->changes += identity->keeps_changes ? 0 : disk->changes;
    identity->run = disk->run;
    /* The time of a file below an overlay says enough, and is the same in all processes. */
    if (identity->keeps_changes && identity->modified)
        identity->run = identity->changes = 0;
    return true;
}

bool disk_identify(Disk *disk, MediumIdentity *identity, Error *err)
{
    disk_hold(disk);
    bool ok = identify(disk, identity, err);
    disk_release(disk);
    return ok;
}

bool disk_freeze(Disk *disk, MediumIdentity *identity, Error *err)
{
    disk_hold(disk);
    if (disk->ops->point)
        disk->ops->point->freeze(disk->medium);
    bool ok = identify(disk, identity, err);
    if (!ok && disk->ops->point)
        disk->ops->point->thaw(disk->medium);
    disk_release(disk);
    return ok;
}

bool disk_freeze_again(Disk *disk, MediumIdentity *identity, Error *err)
{
    disk_hold(disk);
    if (disk->ops->point)
        disk->ops->point->refreeze(disk->medium);
    bool ok = identify(disk, identity, err);
    disk_release(disk);
    return ok;
}

void disk_thaw(Disk *disk)
{
    disk_hold(disk);
    if (disk->ops->point)
        disk->ops->point->thaw(disk->medium);
    disk_release(disk);
}

void disk_mark(Disk *disk, const uint64_t *id)
{
    const MediumPointOps *point = disk->ops->point;
    disk_hold(disk);
    if (point && point->mark)
        point->mark(disk->medium, id);
    disk_release(disk);
}

bool disk_since(Disk *disk, const uint64_t *id)
{
    const MediumPointOps *point = disk->ops->point;
    disk_hold(disk);
    bool known = point && point->since && point->since(disk->medium, id);
    disk_release(disk);
    return known;
}

/* Whole sectors at a time, as media are read. */
bool disk_peek(Disk *disk, uint64_t offset, void *data, uint64_t length, Error *err)
{
    enum { PART = 128 << 10 };
    uint8_t *part = malloc(PART);
    uint64_t done = 0;
    bool ok = part && offset <= disk_size(disk) && length <= disk_size(disk) - offset;
    if (!ok)
        error_set(err, "%s: outside the medium", disk->name);
    while (ok && done < length) {
        uint64_t at = offset + done, start = at - at % DISK_SECTOR, rest = offset + length - start;
        rest = (rest + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
        DiskRequest request = {
            .action = DISK_READ, .offset = start, .length = rest < PART ? rest : PART, .data = part};
        ok = carry_out(disk, &request, err) == DISK_OK;
        uint64_t got = request.length - (at - start);
        got = got < length - done ? got : length - done;
        if (ok)
            memcpy((uint8_t *)data + done, part + (at - start), got);
        done += got;
    }
    free(part);
    return ok;
}

bool disk_poke(Disk *disk, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    DiskRequest request = {
        .action = data ? DISK_WRITE : DISK_ZERO, .offset = offset, .length = length, .data = (uint8_t *)data};
    void (*before)(void *opaque, uint64_t offset, uint64_t length) = disk->before;
    disk->before = NULL;
    DiskResult result = check(disk, &request);
    if (result)
        error_set(err, "%s: %s", disk->name, result == DISK_READ_ONLY ? "read-only" : "outside the medium");
    else
        result = carry_out(disk, &request, err);
    disk->before = before;
    return result == DISK_OK;
}

void disk_before_change(Disk *disk, void (*before)(void *opaque, uint64_t offset, uint64_t length),
                        void *opaque)
{
    disk->before = before;
    disk->before_opaque = opaque;
}

/* ---- Disks ------------------------------------------------------------------------------------------- */

Disk *disk_new(const char *name, const MediumOps *ops, void *medium, const MediumInfo *info, Clock *clock,
               Arrivals *arrivals)
{
    Disk *disk = calloc(1, sizeof *disk);
    if (!disk || !(disk->name = strdup(name)))
        abort();
    disk->ops = ops;
    disk->medium = medium;
    disk->info = *info;
    disk->deterministic = clock != NULL;
    disk->work = host_work_new(name, clock, arrivals);
    if (getrandom(&disk->run, sizeof disk->run, 0) != sizeof disk->run)
        abort();
    pthread_mutex_init(&disk->mutex, NULL);
    return disk;
}

void disk_free(Disk *disk)
{
    if (!disk)
        return;
    host_work_free(disk->work);
    disk->ops->close(disk->medium);
    pthread_mutex_destroy(&disk->mutex);
    for (unsigned n = 0; n < DISK_ACTIONS; n++)
        free(disk->told[n]);
    free(disk->name);
    free(disk);
}

uint64_t disk_size(const Disk *disk)
{
    uint64_t size = disk->info.size;
    return size + (DISK_SECTOR - size % DISK_SECTOR) % DISK_SECTOR;
}

bool disk_read_only(const Disk *disk)
{
    return disk->info.read_only;
}

const char *disk_serial(const Disk *disk)
{
    return disk->info.serial;
}

const char *disk_name(const Disk *disk)
{
    return disk->name;
}

const char *disk_medium_name(const Disk *disk)
{
    return disk->info.name;
}

unsigned disk_under_way(const Disk *disk)
{
    return disk->under_way;
}

void *disk_medium(Disk *disk)
{
    return disk->medium;
}

void disk_resized(Disk *disk, uint64_t size)
{
    disk->info.size = size;
}

void disk_on_trouble(Disk *disk, void (*trouble)(void *opaque, const char *text), void *opaque)
{
    disk->trouble = trouble;
    disk->trouble_opaque = opaque;
}

const DiskStats *disk_stats(const Disk *disk)
{
    return &disk->stats;
}

Disk *disk_slot_set(DiskSlot *slot, Disk *disk)
{
    Disk *before = slot->disk;
    if (before) /* in deterministic runs, too: taking a disk out is an event like any other */
        host_work_finish(before->work);
    slot->disk = disk;
    if (disk)
        disk->channel = slot->channel;
    if (slot->changed)
        slot->changed(slot->changed_opaque);
    return before;
}

void disk_slot_set_journal(DiskSlot *slot, Journal *journal, const char *name)
{
    slot->channel = journal_channel(journal, name, NULL, NULL);
    if (slot->disk)
        slot->disk->channel = slot->channel;
}
