/* The debugger's breakpoints and watchpoints. The machine keeps its memory as it is: they are addresses. */
#include <inttypes.h>
#include <stdio.h>

#include "frontends/gdb_parts.h"

static const unsigned watch_kinds[GDB_POINT_KINDS] = {
    [GDB_WATCH_WRITE] = WATCH_WRITE, [GDB_WATCH_READ] = WATCH_READ, [GDB_WATCH_ACCESS] = WATCH_ACCESS};

static bool same(const GdbPoint *a, const GdbPoint *b)
{
    return a->kind == b->kind && a->address == b->address && (!watch_kinds[a->kind] || a->size == b->size);
}

static bool set(Gdb *gdb, GdbPoint *point, Error *err)
{
    Machine *machine = gdb_machine(gdb);
    if (watch_kinds[point->kind])
        return machine_add_watchpoint(machine, point->address, point->size, watch_kinds[point->kind], err);
    point->address &= ~UINT32_C(1);
    point->shared = machine_has_breakpoint(machine, point->address);
    return point->shared || machine_add_breakpoint(machine, point->address, err);
}

/* Others of the same place go with it, and come back. */
static void unset(Gdb *gdb, const GdbPoint *point)
{
    Error err;
    Machine *machine = gdb_machine(gdb);
    bool watches = watch_kinds[point->kind];
    if (watches)
        machine_remove_watchpoint(machine, point->address, &err);
    else if (!point->shared)
        machine_remove_breakpoint(machine, point->address, &err);
    for (unsigned n = 0; n < gdb->points; n++) {
        GdbPoint *other = &gdb->point[n];
        if (other->address == point->address && watches == !!watch_kinds[other->kind])
            set(gdb, other, &err);
    }
}

bool gdb_point_add(Gdb *gdb, const GdbPoint *point, Error *err)
{
    GdbPoint added = *point;
    for (unsigned n = 0; n < gdb->points; n++)
        if (same(&gdb->point[n], point))
            return true;
    if (gdb->points == GDB_POINTS_MOST)
        return error_set(err, "there are %d already", GDB_POINTS_MOST);
    if (!set(gdb, &added, err))
        return false;
    gdb->point[gdb->points++] = added;
    return true;
}

bool gdb_point_remove(Gdb *gdb, const GdbPoint *point)
{
    for (unsigned n = 0; n < gdb->points; n++) {
        GdbPoint removed = gdb->point[n];
        if (!same(&removed, point))
            continue;
        gdb->point[n] = gdb->point[--gdb->points];
        unset(gdb, &removed);
        return true;
    }
    return false;
}

void gdb_points_clear(Gdb *gdb)
{
    while (gdb->points) {
        GdbPoint last = gdb->point[--gdb->points];
        unset(gdb, &last);
    }
}

/* The debugger's breakpoint there; NULL: it has none, and would take a stop for one that it has removed. */
static const GdbPoint *breakpoint_at(const Gdb *gdb, uint32_t pc)
{
    for (unsigned n = 0; n < gdb->points; n++)
        if (!watch_kinds[gdb->point[n].kind] && gdb->point[n].address == pc)
            return &gdb->point[n];
    return NULL;
}

void gdb_point_reason(const Gdb *gdb, unsigned cpu, char text[32])
{
    const WatchHit *hit = machine_stop_hit(gdb_machine(gdb), cpu);
    text[0] = 0;
    if (hit) {
        /* The access may begin before what is watched. */
        uint32_t address = hit->address > hit->at.address ? hit->address : hit->at.address;
        const char *kind = hit->at.kinds == WATCH_WRITE  ? "watch"
                           : hit->at.kinds == WATCH_READ ? "rwatch"
                                                         : "awatch";
        snprintf(text, 32, "%s:%08" PRIx32 ";", kind, address);
        return;
    }
    const GdbPoint *point = breakpoint_at(gdb, gdb_machine(gdb)->cpu[cpu]->pc);
    bool hardware = point && point->kind == GDB_HARDWARE;
    if (point && (hardware ? gdb->knows_hwbreak : gdb->knows_swbreak))
        snprintf(text, 32, "%s:;", hardware ? "hwbreak" : "swbreak");
}
