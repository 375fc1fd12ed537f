/* The machine that comes. Pages go straight into the memory of a machine that was just built and has not run;
 * the rest is a snapshot file, which comes into a file without a name and is loaded as any other. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/new_file.h"
#include "machine/checked.h"
#include "snapshot/disk_loader.h"
#include "snapshot/memory.h"
#include "snapshot/migrate.h"
#include "snapshot/pages.h"
#include "snapshot/stream.h"

#define NAME "the machine that came"

enum {
    BUILD_MOST = 1 << 20,
    MESSAGE_MOST = 16 + sizeof(((PageUnit *)0)->run) + sizeof(((PageUnit *)0)->data) + (1 << 16)
};

typedef struct Place {
    MachineMemory memory;
    uint8_t *written; /* [pages] bits: not untouched */
    uint32_t pages;
} Place;

struct Incoming {
    Stream stream;
    Snapshot *build, *rest;
    int build_fd, rest_fd;
    uint64_t rest_size;
    Place place[MACHINE_MEMORIES];
    unsigned places;
    StagedDisks *disks; /* NULL: their changes do not come with memory */
    PageUnit *unit;
    bool paused;
};

static bool write_all(int fd, const uint8_t *data, size_t size, uint64_t at, Error *err)
{
    while (size) {
        ssize_t done = pwrite(fd, data, size, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set(err, "cannot keep what came: %s", done ? strerror(errno) : "no space");
        data += done;
        at += (uint64_t)done;
        size -= (size_t)done;
    }
    return true;
}

/* ---- The beginning ------------------------------------------------------------------------------------- */

static bool read_build(Incoming *in, Error *err)
{
    char type[STREAM_TYPE + 1];
    Buffer payload = {0};
    bool ok = stream_await_greeting(&in->stream, err) &&
              stream_receive(&in->stream, type, &payload, BUILD_MOST, err);
    if (ok && strcmp(type, STREAM_BUILD) != 0)
        ok = error_set(err, "it does not say what machine it is");
    in->build_fd = ok ? memfd_create("armature-build", MFD_CLOEXEC) : -1;
    if (ok && in->build_fd < 0)
        ok = error_set(err, "not enough memory: %s", strerror(errno));
    ok = ok && write_all(in->build_fd, payload.data, payload.size, 0, err) &&
         (in->build = snapshot_open_received(in->build_fd, NAME, err));
    buffer_free(&payload);
    return ok;
}

Incoming *incoming_begin(int fd, int wake, Error *err)
{
    Incoming *in = checked(calloc(1, sizeof *in));
    stream_init(&in->stream, fd);
    in->stream.wake = wake;
    in->build_fd = in->rest_fd = -1;
    in->unit = checked(malloc(sizeof *in->unit));
    if (read_build(in, err))
        return in;
    incoming_refuse(in, err->text);
    incoming_free(in);
    return NULL;
}

void incoming_wake(Incoming *incoming, int wake)
{
    incoming->stream.wake = wake;
}

void incoming_free(Incoming *in)
{
    if (!in)
        return;
    stream_close(&in->stream);
    disks_unstage(in->disks);
    snapshot_close(in->build);
    snapshot_close(in->rest);
    if (in->build_fd >= 0)
        close(in->build_fd);
    if (in->rest_fd >= 0)
        close(in->rest_fd);
    for (unsigned n = 0; n < in->places; n++)
        free(in->place[n].written);
    free(in->unit);
    free(in);
}

Snapshot *incoming_build(Incoming *incoming)
{
    return incoming->build;
}

bool incoming_has_disks(const Incoming *incoming)
{
    return snapshot_info(incoming->build)->disks;
}

bool incoming_take_disks(Incoming *incoming, Machine *machine, bool force, Error *err)
{
    if (force)
        snapshot_force(incoming->build);
    incoming->disks = snapshot_stage_disks(incoming->build, machine, err);
    return incoming->disks;
}

/* ---- Pages --------------------------------------------------------------------------------------------- */

static bool is_written(const Place *place, uint32_t page)
{
    return place->written[page / 8] >> page % 8 & 1;
}

/* What nobody has written is filled already; to write it would take the host's memory. */
static void fill(Place *place, const PageRun *run)
{
    for (uint32_t page = run->first; page < run->first + run->count; page++)
        if (is_written(place, page))
            memset(place->memory.host + (size_t)page * MEMORY_PAGE, place->memory.fill, MEMORY_PAGE);
}

static void copy(Place *place, const PageRun *run, const uint8_t *data)
{
    memcpy(place->memory.host + (size_t)run->first * MEMORY_PAGE, data, (size_t)run->count * MEMORY_PAGE);
    for (uint32_t page = run->first; page < run->first + run->count; page++)
        place->written[page / 8] |= (uint8_t)(1 << page % 8);
}

/* data NULL: there is none, it is filled. */
static bool put_run(Incoming *in, uint32_t memory, const PageRun *run, const uint8_t *data, Error *err)
{
    if (memory >= in->places)
        return in->disks ? disks_put(in->disks, memory - in->places, run->first, run->count, data, err)
                         : error_set(err, "pages: there is no such memory");
    Place *place = &in->place[memory];
    if (!place->written)
        return error_set(err, "pages: those of '%s' are out of place", place->memory.name);
    if (run->first >= place->pages || run->count > place->pages - run->first)
        return error_set(err, "pages: there is no such page in '%s'", place->memory.name);
    if (data)
        copy(place, run, data);
    else
        fill(place, run);
    return true;
}

static bool put_pages(Incoming *in, const Buffer *payload, Error *err)
{
    PageUnit *unit = in->unit;
    const uint8_t *data = unit->data[0];
    if (!unit_decode(unit, payload->data, payload->size, err))
        return false;
    for (uint32_t n = 0; n < unit->runs; n++) {
        const PageRun *run = &unit->run[n];
        bool is_data = run->source == RUN_IS_DATA;
        if (!is_data && run->source != RUN_IS_ZEROS)
            return error_set(err, "pages: a chunk is damaged");
        if (!put_run(in, unit->memory, run, is_data ? data : NULL, err))
            return false;
        data += is_data ? (size_t)run->count * MEMORY_PAGE : 0;
    }
    return true;
}

static void find_places(Incoming *in, const Machine *machine)
{
    MachineMemory memory;
    for (; machine_memory(machine, in->places, &memory); in->places++) {
        Place *place = &in->place[in->places];
        *place = (Place){.memory = memory, .pages = (uint32_t)(memory.size / MEMORY_PAGE)};
        if (memory.fd)
            place->written = checked(calloc(place->pages / 8 + 1, 1));
    }
}

/* ---- The rest ------------------------------------------------------------------------------------------ */

static bool open_rest(Incoming *in, Error *err)
{
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    in->rest_fd = nameless_file(folder);
    return in->rest_fd >= 0 || error_set(err, "cannot make a file in %s: %s", folder, strerror(errno));
}

static bool keep_rest(Incoming *in, const Buffer *payload, Error *err)
{
    if ((in->rest_fd < 0 && !open_rest(in, err)) ||
        !write_all(in->rest_fd, payload->data, payload->size, in->rest_size, err))
        return false;
    in->rest_size += payload->size;
    return true;
}

/* One message; *over: it was the last. */
static bool take(Incoming *in, const char *type, const Buffer *payload, bool *over, Error *err)
{
    if (!strcmp(type, STREAM_PAGES) && in->rest_fd < 0)
        return put_pages(in, payload, err);
    if (!strcmp(type, STREAM_ROUND) && payload->size == 8)
        return true;
    if (!strcmp(type, STREAM_REST))
        return keep_rest(in, payload, err);
    *over = !strcmp(type, STREAM_OVER) && payload->size == 1 && in->rest_fd >= 0;
    in->paused = *over && payload->data[0];
    return *over || error_set(err, "what came makes no sense");
}

bool incoming_receive(Incoming *in, Machine *machine, Error *err)
{
    char type[STREAM_TYPE + 1];
    Buffer payload = {0};
    bool ok = true, over = false;
    find_places(in, machine);
    while (ok && !over)
        ok = stream_receive(&in->stream, type, &payload, MESSAGE_MOST, err) &&
             take(in, type, &payload, &over, err);
    buffer_free(&payload);
    return ok;
}

bool incoming_load(Incoming *in, Machine *machine, bool force, Error *err)
{
    if (!(in->rest = snapshot_open_received(in->rest_fd, NAME, err)))
        return false;
    snapshot_memory_is_there(in->rest);
    if (in->disks)
        snapshot_disks_are_there(in->rest, in->disks);
    in->disks = NULL;
    if (force)
        snapshot_force(in->rest);
    return snapshot_load(in->rest, machine, err);
}

bool incoming_take_over(Incoming *in, bool *paused, Error *err)
{
    char type[STREAM_TYPE + 1];
    Buffer payload = {0};
    Error lost;
    bool ok = stream_send(&in->stream, STREAM_READY, NULL, 0, err) &&
              stream_receive(&in->stream, type, &payload, 0, err) &&
              (!strcmp(type, STREAM_GO) || error_set(err, "what came makes no sense"));
    buffer_free(&payload);
    *paused = in->paused;
    /* From here on it is ours, whether the other end hears of it or not. */
    if (ok)
        stream_send(&in->stream, STREAM_RUNS, NULL, 0, &lost);
    return ok;
}

void incoming_refuse(Incoming *in, const char *text)
{
    stream_refuse(&in->stream, text);
}
