#include "snapshot/state.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/views.h"

/* ---- Staging ------------------------------------------------------------------------------------------- */

StagedState *state_stage_new(Machine *machine)
{
    StagedState *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    parts_prepare(&stage->parts, machine);
    return stage;
}

void state_stage_free(StagedState *stage)
{
    if (!stage)
        return;
    for (unsigned n = 0; n < stage->parts.count; n++) {
        part_unstage(&stage->part[n]);
        free(stage->payload[n]);
    }
    parts_free(&stage->parts);
    free(stage);
}

bool state_stage_part(StagedState *stage, uint8_t *payload, size_t size, Error *err)
{
    char name[256];
    const Part *part = NULL;
    if (!part_name(payload, size, name))
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
    return part_stage(&stage->part[n], part, payload, size, err);
}

/* A device that the file's version did not have is as after a reset. */
static bool check_all_there(const StagedState *stage, Error *err)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->payload[n] && !stage->parts.part[n].device)
            return error_set(err, "the state of '%s' is missing", stage->parts.part[n].name);
    return true;
}

/* On copies of the CPUs. */
static bool check_cpus(StagedState *stage, Error *err)
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

static void apply_views(StagedState *stage)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->parts.part[n].cpu && !stage->parts.part[n].device)
            part_apply(&stage->part[n], stage->parts.part[n].base);
}

bool state_stage_check(StagedState *stage, bool dry, Error *err)
{
    if (!check_all_there(stage, err) || !check_cpus(stage, err))
        return false;
    apply_views(stage);
    return views_check(stage->parts.views, dry, err);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static void apply_device(StagedState *stage, unsigned n)
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
void state_apply(StagedState *stage, Machine *machine, StateMemory memory)
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
    if (memory == STATE_MEMORY_OTHER)
        machine_forget(machine);
    views_apply(parts->views);
    devices_loaded(machine);
}

/* ---- As bytes ------------------------------------------------------------------------------------------ */

/* Each part with its length in 32 bits before it. */
void state_encode(Machine *machine, Buffer *out)
{
    Parts parts;
    parts_take(&parts, machine);
    for (unsigned n = 0; n < parts.count; n++) {
        size_t at = out->size;
        buffer_put32(out, 0);
        part_encode(&parts.part[n], out);
        uint32_t size = (uint32_t)(out->size - at - sizeof size);
        memcpy(out->data + at, &size, sizeof size);
    }
    parts_free(&parts);
}

static bool decode_part(StagedState *stage, Cursor *cursor, Error *err)
{
    uint32_t size = cursor_take32(cursor);
    const uint8_t *data = cursor_take(cursor, size);
    uint8_t *payload = data ? malloc(size + (size_t)1) : NULL;
    if (!payload)
        return error_set(err, "a part is cut off");
    memcpy(payload, data, size);
    return state_stage_part(stage, payload, size, err);
}

StagedState *state_decode(Machine *machine, const uint8_t *data, size_t size, Error *err)
{
    StagedState *stage = state_stage_new(machine);
    Cursor cursor = {data, size, false};
    bool ok = true;
    while (ok && cursor.left)
        ok = decode_part(stage, &cursor, err);
    if (ok && state_stage_check(stage, false, err))
        return stage;
    state_stage_free(stage);
    return NULL;
}
