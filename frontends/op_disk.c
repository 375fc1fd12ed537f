/* Operations on disks. The guest stands still while one runs, and its time with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/disks.h"
#include "frontends/operation_functions.h"
#include "frontends/migration.h"
#include "frontends/past.h"
#include "frontends/snapshots.h"
#include "images/manage.h"

static Disks *disks_of(const Call *call)
{
    return session_disks(call->client->session);
}

static DiskPlace *find(Call *call, const char *name)
{
    DiskPlace *place = disks_find(disks_of(call), name);
    if (!place)
        call_fail(call, "%s: there is no disk %.40s; the operation disks lists them", call->operation->name,
                  name);
    return place;
}

/* The same, with something in it. */
static DiskPlace *find_full(Call *call, const char *name)
{
    DiskPlace *place = find(call, name);
    if (!place || place->slot->disk)
        return place;
    call_fail(call, "%s: %s is empty", call->operation->name, place->name);
    return NULL;
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text && *text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static void put(json_t *row, const char *name, uint64_t value)
{
    json_object_set_new(row, name, json_integer((json_int_t)value));
}

static void add_stats(json_t *row, const DiskStats *stats)
{
    put(row, "reads", stats->requests[DISK_READ]);
    put(row, "read_bytes", stats->bytes[DISK_READ]);
    put(row, "writes", stats->requests[DISK_WRITE]);
    put(row, "written_bytes", stats->bytes[DISK_WRITE]);
    put(row, "flushes", stats->requests[DISK_FLUSH]);
    put(row, "discards", stats->requests[DISK_DISCARD] + stats->requests[DISK_ZERO]);
    put(row, "errors", stats->errors);
}

static json_t *describe(const DiskPlace *place)
{
    const Disk *disk = place->slot->disk;
    const DiskImage *image = &place->image;
    OverlayInfo overlay = {.path = NULL};
    bool over = disk && image_overlay(image, &overlay);
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(place->name));
    json_object_set_new(row, "bus", json_string(disk_bus_name(place->bus)));
    json_object_set_new(row, "file",
                        disk ? text_or_null(over ? overlay.base : image->info.name) : json_null());
    json_object_set_new(row, "kind", disk ? json_string(image_kind_name(image->kind)) : json_null());
    json_object_set_new(row, "overlay",
                        over ? json_string(overlay.path ? overlay.path : "temp") : json_null());
    put(row, "size", disk ? disk_size(disk) : 0);
    json_object_set_new(row, "read_only", json_boolean(disk && disk_read_only(disk)));
    put(row, "changed_bytes", overlay.changed);
    add_stats(row, disk ? disk_stats(disk) : &(DiskStats){.errors = 0});
    return row;
}

json_t *op_disks(Call *call)
{
    Disks *disks = disks_of(call);
    json_t *rows = json_array();
    for (unsigned n = 0; n < disks_count(disks); n++)
        json_array_append_new(rows, describe(disks_place(disks, n)));
    return rows;
}

/* The history follows what the guest does to its disks, and nothing else. */
static bool disks_may_change(Call *call)
{
    bool may = !past_is_past(session_past(call->client->session));
    if (!may)
        call_fail(call, "%s: the machine is in its past; diverge first", call->operation->name);
    return may;
}

void op_disk_insert(Call *call, const char *name, const char *file)
{
    DiskPlace *place = find(call, name);
    Error err;
    if (!place || !disks_may_change(call))
        return;
    if (!disks_insert_text(disks_of(call), place, file, &err))
        call_fail(call, "disk_insert: %s", err.text);
    past_restart(session_past(call->client->session));
}

/* A save that is under way is of the disks as they are. */
static void act(Call *call, const char *name, bool (*action)(Disks *disks, DiskPlace *place, Error *err))
{
    DiskPlace *place = find_full(call, name);
    Error err;
    snapshots_finish(session_snapshots(call->client->session));
    if (place && migrations_under_way(session_migrations(call->client->session))) {
        call_fail(call, "%s: the machine is leaving for another process", call->operation->name);
        return;
    }
    if (!place || !disks_may_change(call))
        return;
    if (!action(disks_of(call), place, &err))
        call_fail(call, "%s: %s", call->operation->name, err.text);
    past_restart(session_past(call->client->session));
}

void op_disk_eject(Call *call, const char *name)
{
    act(call, name, disks_eject);
}

void op_disk_commit(Call *call, const char *name)
{
    act(call, name, disks_commit);
}

void op_disk_revert(Call *call, const char *name)
{
    act(call, name, disks_revert);
}
