/* Loading: everything is read, checked and prepared first; what changes the machine after that cannot fail.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/disk_loader.h"
#include "snapshot/memory_loader.h"
#include "snapshot/open.h"
#include "snapshot/part_code.h"
#include "snapshot/views.h"

/* ---- Parts --------------------------------------------------------------------------------------------- */

/* A machine's state that was read and checked. */
typedef struct Stage {
    Parts parts;
    StagedPart part[PARTS_MOST]; /* as in parts; part NULL: not in the file */
    uint8_t *payload[PARTS_MOST];
    StagedMemory *memory;
    StagedDisks *disks;
} Stage;

static bool stage_part(Stage *stage, const Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    char name[256];
    uint8_t *payload = snapshot_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    const Part *part = NULL;
    if (!part_name(payload, chunk->length, name))
        error_set(err, "a part has no name");
    else if (!(part = parts_find(&stage->parts, name)))
        error_set(err, "this machine has no part '%s'", name);
    unsigned n = part ? (unsigned)(part - stage->parts.part) : 0;
    if (part && stage->payload[n]) {
        error_set(err, "part '%s' is there twice", name);
        part = NULL;
    }
    if (!part) {
        free(payload);
        return false;
    }
    stage->payload[n] = payload;
    return part_stage(&stage->part[n], part, payload, chunk->length, err);
}

/* A device that the file's version did not have is as after a reset. */
static bool check_all_there(const Stage *stage, Error *err)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->payload[n] && !stage->parts.part[n].device)
            return error_set(err, "the state of '%s' is missing", stage->parts.part[n].name);
    return true;
}

/* On copies of the CPUs. */
static bool check_cpus(Stage *stage, Error *err)
{
    for (unsigned n = 0; n < stage->parts.count; n++) {
        const Part *part = &stage->parts.part[n];
        if (!part->cpu)
            continue;
        Cpu *copy = aligned_alloc(_Alignof(Cpu), sizeof *copy);
        if (!copy)
            abort();
        *copy = *part->cpu;
        part_apply(&stage->part[n], copy);
        const char *problem = cpu_problem(copy);
        free(copy);
        if (problem)
            return error_set(err, "%s: %s is impossible", part->name, problem);
    }
    return true;
}

static void apply_views(Stage *stage)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->parts.part[n].cpu && !stage->parts.part[n].device)
            part_apply(&stage->part[n], stage->parts.part[n].base);
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
    parts_prepare(&stage->parts, machine);
    for (unsigned n = 0; n < snapshot->file.count; n++)
        if (chunk_is(&snapshot->file.chunk[n], CHUNK_PART) &&
            !stage_part(stage, snapshot, &snapshot->file.chunk[n], err))
            return false;
    if (!check_all_there(stage, err) || !check_cpus(stage, err))
        return false;
    apply_views(stage);
    if (!views_check(stage->parts.views, dry, err))
        return false;
    DiskRigour rigour = dry ? DISKS_DRY : snapshot->force ? DISKS_FORCED : DISKS_SAME;
    Layers layers;
    snapshot_layers(snapshot, &layers);
    stage->disks = stage_disks(snapshot, machine, rigour, err);
    stage->memory =
        stage->disks ? memory_stage(&layers, machine, snapshot->memory_there, stage->disks, err) : NULL;
    return stage->memory && disks_ready(stage->disks, err);
}

static void stage_free(Stage *stage)
{
    memory_unstage(stage->memory);
    disks_unstage(stage->disks);
    for (unsigned n = 0; n < stage->parts.count; n++) {
        part_unstage(&stage->part[n]);
        free(stage->payload[n]);
    }
    parts_free(&stage->parts);
    free(stage);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static void apply_device(Stage *stage, unsigned n)
{
    Device *dev = stage->parts.part[n].device;
    if (!stage->payload[n])
        device_reset(dev);
    else
        part_apply(&stage->part[n], dev);
}

static void devices_loaded(Machine *machine)
{
    for (unsigned n = 0; n < machine->device_count; n++)
        device_loaded(machine->device[n]);
    for (unsigned n = 0; n < machine->device_count; n++)
        device_changed(machine->device[n]);
}

/* Time goes on from what was saved, before devices set their timers by it. */
static void apply(Stage *stage, Machine *machine)
{
    const Parts *parts = &stage->parts;
    uint64_t before = clock_now(machine->clock);
    for (unsigned n = 0; n < parts->count; n++)
        if (parts->part[n].cpu)
            part_apply(&stage->part[n], parts->part[n].cpu);
    views_apply_time(parts->views);
    clock_shift(machine->clock, (int64_t)(clock_now(machine->clock) - before));
    for (unsigned n = 0; n < parts->count; n++)
        if (parts->part[n].device)
            apply_device(stage, n);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_loaded(machine->cpu[n]);
    machine_forget(machine);
    views_apply(parts->views);
    devices_loaded(machine);
}

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

static bool load(Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    if (!snapshot_open_chain(snapshot, err))
        return false;
    Stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    if (!dry)
        drain(machine);
    bus_settle(machine->bus);
    bool ok = stage_all(stage, snapshot, machine, dry, err);
    if (ok && !dry) {
        ok = exchange(stage, machine, err);
        if (ok)
            apply(stage, machine);
    }
    stage_free(stage);
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
    Stage *stage = calloc(1, sizeof *stage);
    bool found = false, ok = true;
    char name[256];
    if (!stage)
        abort();
    parts_prepare(&stage->parts, &none);
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
    stage_free(stage);
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
