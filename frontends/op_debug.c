/* Operations that stop CPUs at instructions. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation_functions.h"
#include "frontends/past.h"
#include "frontends/wait.h"
#include "machine/inspect.h"
#include "machine/symbols.h"

/* They execute at once, while everybody waits. */
enum { STEPS_MOST = 1000000 };

static Machine *machine_of(const Call *call)
{
    return session_machine(call->client->session);
}

/* ---- The list ---------------------------------------------------------------------------------------- */

void op_breakpoint(Call *call, uint32_t address)
{
    Error err;
    if (machine_add_breakpoint(machine_of(call), address, &err))
        call->client->sets_breakpoints = true;
    else
        call_fail(call, "breakpoint: %s", err.text);
}

void op_delete_breakpoint(Call *call, uint32_t address)
{
    Error err;
    if (!machine_remove_breakpoint(machine_of(call), address, &err))
        call_fail(call, "delete_breakpoint: %s", err.text);
}

/* "schedule+0x34", or null. */
static json_t *symbol_json(const Call *call, uint32_t address)
{
    uint32_t offset;
    char *text;
    const char *name = symbols_name(call_symbols(call), address, &offset);
    if (!name)
        return json_null();
    if ((offset ? asprintf(&text, "%s+0x%x", name, offset) : asprintf(&text, "%s", name)) < 0)
        abort();
    json_t *json = json_bytes(text, strlen(text));
    free(text);
    return json;
}

/* As a member, where there are symbols. */
static void add_symbol(const Call *call, json_t *object, uint32_t address)
{
    if (call_symbols(call))
        json_object_set_new(object, "symbol", symbol_json(call, address));
}

json_t *op_breakpoints(Call *call)
{
    unsigned count;
    const uint32_t *address = machine_breakpoints(machine_of(call), &count);
    json_t *result = json_array();
    for (unsigned n = 0; n < count; n++) {
        json_t *row = json_object();
        json_object_set_new(row, "address", address_json(call, address[n]));
        add_symbol(call, row, address[n]);
        json_array_append_new(result, row);
    }
    return result;
}

/* ---- Watchpoints ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned kinds;
} watch_kinds[] = {
    {"write",  WATCH_WRITE },
    {"read",   WATCH_READ  },
    {"access", WATCH_ACCESS},
};

enum { WATCH_KINDS = sizeof watch_kinds / sizeof *watch_kinds };

void op_watchpoint(Call *call, uint32_t address, uint32_t size, const char *kind)
{
    Error err;
    unsigned n = 0;
    while (n < WATCH_KINDS && strcmp(watch_kinds[n].name, kind))
        n++;
    if (n == WATCH_KINDS)
        call_fail(call, "watchpoint: the kind is write, read or access, not %.40s", kind);
    else if (machine_add_watchpoint(machine_of(call), address, size, watch_kinds[n].kinds, &err))
        call->client->sets_breakpoints = true;
    else
        call_fail(call, "watchpoint: %s", err.text);
}

void op_delete_watchpoint(Call *call, uint32_t address)
{
    Error err;
    if (!machine_remove_watchpoint(machine_of(call), address, &err))
        call_fail(call, "delete_watchpoint: %s", err.text);
}

static json_t *watchpoint_json(const Call *call, const Watchpoint *watchpoint)
{
    json_t *row = json_object();
    json_object_set_new(row, "address", address_json(call, watchpoint->address));
    json_object_set_new(row, "size", json_integer(watchpoint->size));
    for (unsigned n = 0; n < WATCH_KINDS; n++)
        if (watch_kinds[n].kinds == watchpoint->kinds)
            json_object_set_new(row, "kind", json_string(watch_kinds[n].name));
    add_symbol(call, row, watchpoint->address);
    return row;
}

json_t *op_watchpoints(Call *call)
{
    const Watchpoints *list = machine_watchpoints(machine_of(call));
    json_t *result = json_array();
    for (unsigned n = 0; n < list->count; n++)
        json_array_append_new(result, watchpoint_json(call, &list->item[n]));
    return result;
}

/* ---- Stops and steps --------------------------------------------------------------------------------- */

/* Where a CPU is, and the instruction that comes next. */
json_t *place_json(const Call *call, unsigned number)
{
    const Cpu *cpu = machine_of(call)->cpu[number];
    json_t *result = json_object();
    char text[128];
    uint32_t raw;
    json_object_set_new(result, "cpu", json_integer(number));
    json_object_set_new(result, "pc", address_json(call, cpu->pc));
    add_symbol(call, result, cpu->pc);
    if (inspect_disassemble(machine_of(call), number, cpu->pc, cpu->thumb, &raw, text, sizeof text))
        json_object_set_new(result, "text", json_string(text));
    return result;
}

void add_hit(const Call *call, json_t *place, unsigned cpu)
{
    const WatchHit *hit = machine_stop_hit(machine_of(call), cpu);
    if (!hit)
        return;
    json_t *row = watchpoint_json(call, &hit->at);
    json_object_set_new(row, "accessed", address_json(call, hit->address));
    json_object_set_new(row, "access", json_string(hit->write ? "write" : "read"));
    json_object_set_new(row, "by", address_json(call, hit->pc));
    json_object_set_new(place, "watchpoint", row);
}

static json_t *stop_json(const Call *call, unsigned cpu)
{
    json_t *result = place_json(call, cpu);
    add_hit(call, result, cpu);
    return result;
}

static void reached(Call *call, const SessionEvent *event)
{
    unsigned cpu;
    session_take_stop(call->client->session, &cpu);
    wait_finish(call->wait, stop_json(call, event->cpu));
}

/* A stop that came before the call is not missed. */
void op_wait_breakpoint(Call *call, uint64_t timeout)
{
    unsigned cpu, count;
    Session *session = call->client->session;
    if (!call_needs_power(call))
        return;
    if (session_take_stop(session, &cpu)) {
        call_finish(call, stop_json(call, cpu));
        return;
    }
    machine_breakpoints(machine_of(call), &count);
    if (!count && !machine_watchpoints(machine_of(call))->count) {
        call_fail(call, "wait_breakpoint: there are no breakpoints and no watchpoints");
        return;
    }
    session_resume(session);
    if (wait_new(call, timeout, strdup(call->operation->name), wait_timed_out))
        call->stopped = reached;
}

json_t *op_step(Call *call, uint32_t count, int cpu)
{
    uint64_t executed;
    if (!call_needs_power(call) || !call_has_cpu(call, cpu))
        return NULL;
    if (past_is_past(session_past(call->client->session))) {
        call_fail(call, "step: the machine is in its past, where goto goes to any instruction; diverge lets "
                        "it go on from here");
        return NULL;
    }
    if (session_order_is_recorded(call->client->session)) {
        call_fail(call,
                  "step: in a replay the order of several CPUs is that of the recording; pause_at goes to "
                  "any instruction");
        return NULL;
    }
    if (count < 1 || count > STEPS_MOST) {
        call_fail(call, "step: from 1 to %d instructions", STEPS_MOST);
        return NULL;
    }
    bool stopped = session_step(call->client->session, (unsigned)cpu, count, &executed);
    json_t *result = place_json(call, (unsigned)cpu);
    json_object_set_new(result, "instructions", json_integer((json_int_t)executed));
    json_object_set_new(
        result, "state",
        json_string(stopped ? "at a breakpoint" : inspect_activity(machine_of(call), (unsigned)cpu)));
    return result;
}
