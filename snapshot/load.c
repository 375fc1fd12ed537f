/* Loading: everything is read, checked and prepared first; what changes the machine after that cannot fail.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/disk_loader.h"
#include "snapshot/identity.h"
#include "snapshot/memory_loader.h"
#include "snapshot/open.h"
#include "snapshot/state.h"
#include "snapshot/views.h"

/* ---- Parts --------------------------------------------------------------------------------------------- */

/* A machine's state that was read and checked. */
typedef struct Stage {
    StagedState *state;
    StagedMemory *memory;
    StagedDisks *disks;
} Stage;

static bool stage_part(StagedState *state, const Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    uint8_t *payload = snapshot_payload(snapshot, chunk, err);
    return payload && state_stage_part(state, payload, chunk->length, err);
}

/* For the stage to free. */
static StagedDisks *stage_disks(Snapshot *snapshot, Machine *machine, DiskRigour rigour, Error *err)
{
    StagedDisks *disks = snapshot->disks;
    if (!disks)
        return disks_stage(&snapshot->file, machine, rigour, err);
    if (!disks_check_same(disks, &snapshot->file, err))
        return NULL;
    snapshot->disks = NULL;
    return disks;
}

static bool stage_all(Stage *stage, Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    stage->state = state_stage_new(machine);
    for (unsigned n = 0; n < snapshot->file.count; n++)
        if (chunk_is(&snapshot->file.chunk[n], CHUNK_PART) &&
            !stage_part(stage->state, snapshot, &snapshot->file.chunk[n], err))
            return false;
    if (!state_stage_check(stage->state, dry, err))
        return false;
    DiskRigour rigour = dry ? DISKS_DRY : snapshot->force ? DISKS_FORCED : DISKS_SAME;
    Layers layers;
    snapshot_layers(snapshot, &layers);
    stage->disks = stage_disks(snapshot, machine, rigour, err);
    stage->memory =
        stage->disks ? memory_stage(&layers, machine, snapshot->memory_there, stage->disks, !dry, err) : NULL;
    return stage->memory && disks_ready(stage->disks, err);
}

static void stage_free(Stage *stage)
{
    memory_unstage(stage->memory);
    disks_unstage(stage->disks);
    state_stage_free(stage->state);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

/* What threads of the host do for devices ends in the memory, and on the disks, that they do it for. In
 * deterministic runs there are none, and devices take back what waits when they are loaded. */
static void drain(Machine *machine)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk)
            disk_drain(machine->env.disk[n].disk);
    for (unsigned n = 0; n < SHARES; n++)
        if (machine->env.share[n].work)
            host_work_drain(machine->env.share[n].work);
    arrivals_deliver(machine->arrivals);
}

/* The disks can change back, memory cannot. */
static bool exchange(Stage *stage, Machine *machine, Error *err)
{
    Error other;
    if (!disks_swap(stage->disks, err))
        return false;
    if (memory_apply(stage->memory, machine, err))
        return true;
    disks_swap(stage->disks, &other);
    return false;
}

static void apply(Stage *stage, const Snapshot *snapshot, Machine *machine)
{
    state_apply(stage->state, machine, STATE_MEMORY_OTHER);
    identity_loaded(machine, snapshot->info.identity);
}

static bool load(Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    Stage stage = {0};
    if (!snapshot_open_chain(snapshot, err))
        return false;
    if (!dry)
        drain(machine);
    bus_await(machine->bus);
    bool ok = stage_all(&stage, snapshot, machine, dry, err);
    if (ok && !dry) {
        ok = exchange(&stage, machine, err);
        if (ok)
            apply(&stage, snapshot, machine);
    }
    stage_free(&stage);
    return ok || snapshot_about(snapshot, err);
}

void snapshot_memory_is_there(Snapshot *snapshot)
{
    snapshot->memory_there = true;
}

void snapshot_disks_are_there(Snapshot *snapshot, StagedDisks *disks)
{
    snapshot->disks = disks;
}

StagedDisks *snapshot_stage_disks(Snapshot *snapshot, Machine *machine, Error *err)
{
    StagedDisks *disks =
        disks_stage(&snapshot->file, machine, snapshot->force ? DISKS_FORCED : DISKS_SAME, err);
    if (disks)
        disks_renew(disks);
    else
        snapshot_about(snapshot, err);
    return disks;
}

void snapshot_force(Snapshot *snapshot)
{
    snapshot->force = true;
}

bool snapshot_load(Snapshot *snapshot, Machine *machine, Error *err)
{
    return load(snapshot, machine, false, err);
}

/* ---- Without a machine --------------------------------------------------------------------------------- */

bool snapshot_options(Snapshot *snapshot, MachineOptions *options, Error *err)
{
    Machine none = {.options.cpus = 0};
    StagedState *stage = state_stage_new(&none);
    bool found = false, ok = true;
    char name[256];
    for (unsigned n = 0; ok && !found && n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        uint8_t *payload = chunk_is(chunk, CHUNK_PART) ? snapshot_payload(snapshot, chunk, err) : NULL;
        ok = payload || !chunk_is(chunk, CHUNK_PART);
        found = payload && part_name(payload, chunk->length, name) && !strcmp(name, "setup");
        free(payload);
        if (found)
            ok = stage_part(stage, snapshot, chunk, err);
    }
    if (ok && !found)
        ok = error_set(err, "it does not say what machine it is of");
    if (ok) {
        const Part *setup = parts_find(&stage->parts, "setup");
        part_apply(&stage->part[setup - stage->parts.part], setup->base);
        ok = views_options(stage->parts.views, options, err);
    }
    state_stage_free(stage);
    return ok || snapshot_about(snapshot, err);
}

/* Of a file below, what a load does not look at; pages it does. */
static bool verify_others(const Snapshot *snapshot, Error *err)
{
    for (unsigned n = 0; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        uint8_t *payload = chunk_is(chunk, CHUNK_PAGES) ? NULL : snapshot_payload(snapshot, chunk, err);
        free(payload);
        if (!payload && !chunk_is(chunk, CHUNK_PAGES))
            return snapshot_about(snapshot, err);
    }
    return true;
}

bool snapshot_verify(Snapshot *snapshot, Error *err)
{
    MachineOptions options = {.jit.mode = JIT_OFF};
    if (!snapshot_options(snapshot, &options, err))
        return false;
    Machine *machine = machine_new(&options, log_new(NULL), err);
    if (!machine)
        return snapshot_about(snapshot, err);
    bool ok = load(snapshot, machine, true, err);
    for (const Snapshot *base = snapshot->base; ok && base; base = base->base)
        ok = verify_others(base, err);
    size_t size;
    Error png = {""};
    if (ok) {
        free(snapshot_png(snapshot, &size, &png));
        ok = !png.text[0];
        if (!ok)
            *err = png;
    }
    machine_free(machine);
    return ok;
}

uint8_t *snapshot_png(Snapshot *snapshot, size_t *size, Error *err)
{
    for (unsigned n = 0; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (!chunk_is(chunk, CHUNK_PNG))
            continue;
        uint8_t *png = snapshot_payload(snapshot, chunk, err);
        *size = chunk->length;
        if (!png)
            snapshot_about(snapshot, err);
        return png;
    }
    return NULL;
}
