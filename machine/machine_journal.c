/* The machine and its journal: where the run is, what enters there, and the channels. */
#include "machine/machine_journal.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/inspect.h"
#include "machine/machine_parts.h"
#include "machine/semihosting.h"

/* What a debugger does. */
enum { STEP = 's', MEMORY = 'm', REGISTER = 'r', NAME_MOST = 32 };

#define STEP_MOST UINT32_MAX

bool machine_replays(const Machine *machine)
{
    return machine->journal && journal_mode(machine->journal) == JOURNAL_REPLAY;
}

void machine_own_timers_ran(void *opaque)
{
    const Machine *m = opaque;
    if (m->journal)
        journal_settled(m->journal);
}

/* A slice that has just come to its end counts as ended, whoever interrupted it. One CPU has all turns: a
 * slice of it more or less changes nothing, and in a run that was loaded they are others. */
static uint8_t turn(const Machine *m)
{
    if (m->options.cpus == 1)
        return 0;
    unsigned n = m->next_cpu;
    bool inside = m->slice_end && n < m->options.cpus && m->slice_end > m->cpu[n]->icount;
    if (m->slice_end && !inside)
        n++;
    return (uint8_t)(2 * (n % m->options.cpus) + inside);
}

static void here(void *opaque, JournalPlace *place)
{
    Machine *m = opaque;
    if (journal_mode(m->journal) == JOURNAL_RECORD)
        machine_pass_idle_time(m);
    *place = (JournalPlace){.icount = machine_icount(m), .time = clock_now(m->clock), .turn = turn(m)};
}

/* ---- Replaying ----------------------------------------------------------------------------------------- */

uint64_t machine_next_event(const Machine *machine)
{
    const JournalEntry *event = journal_next_event(machine->journal);
    return event ? event->place.icount : UINT64_MAX;
}

static bool is_here(Machine *m, const JournalPlace *place)
{
    return place->icount == machine_icount(m) && place->time == clock_now(m->clock) && place->turn == turn(m);
}

/* The run has got past it: it went another way before. */
static bool is_missed(const Machine *m, const JournalPlace *place)
{
    uint64_t icount = machine_icount(m);
    return place->icount < icount || (place->icount == icount && place->time < clock_now(m->clock));
}

static void missed(Machine *m, const JournalEntry *event)
{
    journal_fail(m->journal,
                 "%s: its input at %" PRIu64 " instructions and %" PRIu64 " ns did not find the guest there",
                 journal_channel_name(m->journal, event->channel), event->place.icount, event->place.time);
}

/* A step that a debugger made from a breakpoint begins with that stop. */
static bool stops_before(Machine *m, const JournalEntry *event)
{
    bool is_step =
        event->channel == journal_channel_number(m->debugger) && event->size > 1 && event->data[0] == STEP;
    unsigned cpu = is_step ? event->data[1] : UINT_MAX;
    if (cpu >= m->options.cpus || !cpu_stops(m->cpu[cpu]))
        return false;
    m->stopped_cpu = (int)cpu;
    m->yield = true;
    return true;
}

bool machine_attend(Machine *machine)
{
    Journal *journal = machine->journal;
    const JournalEntry *event;
    bool any = false;
    if (journal_mode(journal) != JOURNAL_REPLAY || journal_diverged(journal))
        return false;
    while ((event = journal_next_event(journal)) && is_here(machine, &event->place) &&
           !journal_diverged(journal)) {
        if (event->place.settled && any)
            machine_settle(machine);
        if (stops_before(machine, event))
            break;
        journal_apply(journal);
        any = true;
        if (journal_mode(journal) != JOURNAL_REPLAY)
            break;
    }
    if (event && !any && is_missed(machine, &event->place))
        missed(machine, event);
    if (any || journal_diverged(journal))
        machine->yield = true;
    return machine->yield;
}

uint64_t machine_idle_until(Machine *machine, uint64_t due)
{
    const JournalEntry *event = journal_next_event(machine->journal);
    bool sleeps_on = event && event->place.icount == machine_icount(machine);
    if (event && !sleeps_on && due >= MACHINE_END_OF_TIME) {
        missed(machine, event);
        machine->yield = true;
    }
    return sleeps_on && event->place.time < due ? event->place.time : due;
}

/* ---- A debugger ---------------------------------------------------------------------------------------- */

static bool step_enters(Machine *m, unsigned cpu, uint64_t count)
{
    uint8_t bytes[9] = {(uint8_t)cpu};
    memcpy(bytes + 1, &count, 8);
    return journal_event(m->debugger, STEP, bytes, sizeof bytes);
}

/* The order of the CPUs is part of a run, but there is only one: it goes on as it would anyway, up to the
 * next input. */
static uint64_t step_in_replay(Machine *m, uint64_t count)
{
    uint64_t now = machine_icount(m), next = machine_next_event(m);
    uint64_t most = next > now ? next - now : 0;
    return machine_step_raw(m, 0, count < most ? count : most);
}

/* Breakpoints are not part of the journal: what it is told is how far a step really goes. */
uint64_t machine_step_by_journal(Machine *machine, unsigned cpu, uint64_t count)
{
    unsigned breakpoints;
    uint64_t done = 0, part;
    if (machine_replays(machine) && machine->options.cpus == 1)
        return step_in_replay(machine, count);
    machine_breakpoints(machine, &breakpoints);
    do {
        if (done && machine_has_breakpoint(machine, machine->cpu[cpu]->pc)) {
            machine->stopped_cpu = (int)cpu;
            break;
        }
        part = breakpoints ? 1 : count < STEP_MOST ? count : STEP_MOST;
        if (!step_enters(machine, cpu, part))
            break;
        part = machine_step_raw(machine, cpu, part);
        done += part;
    } while (part && done < count && breakpoints);
    return done;
}

static bool apply_step(Machine *m, const uint8_t *data, size_t size)
{
    uint64_t count, part;
    const JournalEntry *next = journal_next_event(m->journal);
    if (size != 9 || data[0] >= m->options.cpus)
        return false;
    memcpy(&count, data + 1, 8);
    uint64_t most =
        next ? next->place.icount - machine_icount(m) : STEP_MOST; /* it cannot have gone further */
    count = count < most ? count : most;
    while (count && (part = machine_step_raw(m, data[0], count)))
        count -= part;
    m->stopped_cpu = -1;
    return true;
}

bool machine_memory_enters(Machine *machine, int cpu, uint32_t address, const void *data, uint32_t size)
{
    if (!machine->debugger)
        return true;
    uint8_t *bytes = malloc(size + 5);
    if (!bytes)
        abort();
    bytes[0] = (uint8_t)cpu;
    memcpy(bytes + 1, &address, 4);
    memcpy(bytes + 5, data, size);
    bool enters = journal_event(machine->debugger, MEMORY, bytes, size + 5);
    free(bytes);
    return enters;
}

bool machine_register_enters(Machine *machine, unsigned cpu, const char *name, uint64_t value)
{
    uint8_t bytes[9 + NAME_MOST] = {(uint8_t)cpu};
    size_t length = strnlen(name, NAME_MOST);
    memcpy(bytes + 1, &value, 8);
    memcpy(bytes + 9, name, length);
    return journal_event(machine->debugger, REGISTER, bytes, 9 + length);
}

/* What the machine refused when it was recorded it refuses again. */
static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Machine *m = opaque;
    char name[NAME_MOST + 1] = "";
    uint32_t address;
    uint64_t value;
    Error err;
    bool all = what == MEMORY && size && data[0] == 0xff; /* a physical address */
    if (what == STEP)
        return apply_step(m, data, size);
    if (size < 5 || (!all && data[0] >= m->options.cpus))
        return false;
    if (what == MEMORY) {
        memcpy(&address, data + 1, 4);
        inspect_write_memory(m, all ? -1 : data[0], address, data + 5, (uint32_t)size - 5, &err);
        return true;
    }
    if (what != REGISTER || size < 9 || size > 9 + NAME_MOST)
        return false;
    memcpy(&value, data + 1, 8);
    memcpy(name, data + 9, size - 9);
    inspect_write_register(m, data[0], name, value, &err);
    return true;
}

/* ---- Channels ------------------------------------------------------------------------------------------ */

static const char *numbered(char text[JOURNAL_NAME], const char *name, unsigned number)
{
    snprintf(text, JOURNAL_NAME, "%s%u", name, number);
    return text;
}

static void make_disk_channels(Machine *m)
{
    char name[JOURNAL_NAME];
    disk_slot_set_journal(&m->env.disk[DISK_SLOT_SD], m->journal, "sd");
    disk_slot_set_journal(&m->env.disk[DISK_SLOT_CF], m->journal, "cf");
    for (unsigned n = DISK_SLOT_VIRTIO; n < DISK_SLOTS; n++)
        disk_slot_set_journal(&m->env.disk[n], m->journal, numbered(name, "disk", n - DISK_SLOT_VIRTIO));
}

/* All there could be, whatever the machine has: the numbers are the same in each. */
void machine_make_journal(Machine *machine)
{
    DeviceEnv *env = &machine->env;
    char name[JOURNAL_NAME];
    assert(machine->options.deterministic && !machine->journal);
    Journal *journal = machine->journal = journal_new(here, machine);
    for (unsigned n = 0; n < SERIAL_UARTS; n++)
        serial_set_journal(&env->serial[n], journal, numbered(name, "uart", n));
    serial_set_journal(&env->serial[SERIAL_CONSOLE], journal, "console");
    input_set_journal(machine->input, journal);
    display_set_journal(machine->display, journal);
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_set_journal(&env->net[n], journal, numbered(name, "net", n));
    make_disk_channels(machine);
    for (unsigned n = 0; n < SHARES; n++)
        env->share[n].channel = journal_channel(journal, numbered(name, "share", n), NULL, NULL);
    balloon_set_journal(&env->balloon, journal);
    if (machine->semihosting)
        semihosting_set_journal(machine->semihosting, journal);
    machine->debugger = journal_channel(journal, "debugger", apply, machine);
}

void machine_feed_journal(Machine *machine)
{
    machine_attend(machine);
}
