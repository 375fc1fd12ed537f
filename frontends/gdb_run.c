/* How the machine moves for the debugger, and how it is told of the end of each motion. */
#include <stdio.h>
#include <string.h>

#include "frontends/gdb_parts.h"
#include "frontends/gdb_registers.h"

enum { RANGE_STEPS_MOST = 10000 };

/* ---- Reports ----------------------------------------------------------------------------------------- */

/* By these registers the debugger finds out where it is without asking for all. */
static void add_registers(const Gdb *gdb, char *text, size_t size)
{
    static const uint8_t numbers[] = {11, 13, 14, 15, 25};
    for (unsigned n = 0; n < sizeof numbers; n++) {
        uint8_t bytes[GDB_REGISTER_MOST];
        char hex[2 * GDB_REGISTER_MOST + 1];
        unsigned at = (unsigned)gdb_register_by_number(numbers[n]);
        size_t used = strlen(text);
        if (!gdb_register_read(gdb_machine(gdb), gdb->cpu, at, bytes))
            continue;
        bytes_hex(bytes, gdb_register_bytes(at), hex);
        snprintf(text + used, size - used, "%02x:%s;", numbers[n], hex);
    }
}

static void stand(Gdb *gdb)
{
    gdb->motion = GDB_STANDS;
    machine_pause_cpu_at(gdb_machine(gdb), -1, 0);
}

void gdb_report(Gdb *gdb, unsigned signal, const char *reason)
{
    char registers[200] = "";
    stand(gdb);
    add_registers(gdb, registers, sizeof registers);
    gdb_reply_text(gdb, "T%02xthread:%x;%s%s", signal, gdb->cpu + 1, reason, registers);
}

static void report_stop(Gdb *gdb, unsigned cpu)
{
    char reason[32];
    unsigned taken;
    session_take_stop(gdb->session, &taken);
    gdb->cpu = cpu;
    gdb_point_reason(gdb, cpu, reason);
    gdb_report(gdb, GDB_SIGNAL_TRAP, reason);
}

/* Somebody paused the machine, and it was no breakpoint: that event would have come before. */
static void report_pause(void *opaque)
{
    Gdb *gdb = opaque;
    if (gdb->motion == GDB_STANDS || gdb->motion == GDB_GOES_BACK || !session_paused(gdb->session))
        return;
    gdb_report(gdb, GDB_SIGNAL_INT, "");
}

void gdb_event(Gdb *gdb, const SessionEvent *event)
{
    bool waits = gdb->motion == GDB_RUNS || gdb->motion == GDB_STEPS;
    switch (event->kind) {
    case SESSION_BREAKPOINT:
        if (waits)
            report_stop(gdb, event->cpu);
        break;
    case SESSION_PAUSED:
        if (waits)
            session_later(gdb->session, &gdb->report);
        break;
    case SESSION_RESET:
        if (gdb->pause_at_reset)
            session_pause(gdb->session);
        gdb->pause_at_reset = false;
        break;
    case SESSION_STOPPED:
        stand(gdb);
        gdb_reply_text(gdb, "W%02x", (unsigned)event->code & 0xff);
        break;
    default:
        break;
    }
}

void gdb_run_init(Gdb *gdb)
{
    gdb->report = (SessionTask){.run = report_pause, .opaque = gdb};
}

/* ---- Forward ----------------------------------------------------------------------------------------- */

static bool is_off(Gdb *gdb)
{
    if (!session_off(gdb->session))
        return false;
    gdb_reply_text(gdb, "W00");
    return true;
}

/* Whoever paused it meanwhile is told of by the task. */
static void run(Gdb *gdb, GdbMotion motion)
{
    unsigned cpu;
    gdb->motion = motion;
    session_take_stop(gdb->session, &cpu);
    session_resume(gdb->session);
}

void gdb_continue(Gdb *gdb)
{
    if (!is_off(gdb))
        run(gdb, GDB_RUNS);
}

/* The order of CPUs is not ours to choose where the machine repeats what it did; and a CPU that sleeps needs
 * the others, or time, to wake up. */
static bool steps_alone(const Gdb *gdb)
{
    const Machine *machine = gdb_machine(gdb);
    const Cpu *cpu = machine->cpu[gdb->cpu];
    return !past_is_past(session_past(gdb->session)) && !session_order_is_recorded(gdb->session) &&
           !(cpu->attention & (ATTN_RESET | ATTN_HALTED | ATTN_INPUT));
}

/* False: the CPU has not just executed an instruction; the rest is under way, or was told. */
static bool step_alone(Gdb *gdb)
{
    uint64_t executed;
    bool stopped = session_step(gdb->session, gdb->cpu, 1, &executed);
    if (gdb_machine(gdb)->request_pending) {
        gdb->motion = GDB_RUNS; /* off, or a reset: the machine carries it out when it runs */
        gdb->pause_at_reset = true;
        return false;
    }
    if (stopped)
        report_stop(gdb, gdb->cpu);
    return !stopped;
}

/* All run as they would anyway, until this one has executed an instruction. */
static void step_with_others(Gdb *gdb)
{
    gdb->stepped_to = gdb_machine(gdb)->cpu[gdb->cpu]->icount + 1;
    machine_pause_cpu_at(gdb_machine(gdb), (int)gdb->cpu, gdb->stepped_to);
    run(gdb, GDB_STEPS);
}

void gdb_look(Gdb *gdb)
{
    if (!gdb || gdb->motion != GDB_STEPS || gdb_machine(gdb)->cpu[gdb->cpu]->icount < gdb->stepped_to)
        return;
    session_pause(gdb->session);
    gdb_report(gdb, GDB_SIGNAL_TRAP, "");
}

void gdb_step(Gdb *gdb)
{
    if (is_off(gdb))
        return;
    if (!steps_alone(gdb))
        step_with_others(gdb);
    else if (step_alone(gdb))
        gdb_report(gdb, GDB_SIGNAL_TRAP, "");
}

/* Stopping within the range is allowed: the debugger goes on. */
void gdb_step_range(Gdb *gdb, uint32_t first, uint32_t end)
{
    const Cpu *cpu = gdb_machine(gdb)->cpu[gdb->cpu];
    if (is_off(gdb))
        return;
    for (unsigned n = 0; n < RANGE_STEPS_MOST && steps_alone(gdb); n++) {
        if (!step_alone(gdb))
            return;
        if (cpu->pc < first || cpu->pc >= end) {
            gdb_report(gdb, GDB_SIGNAL_TRAP, "");
            return;
        }
    }
    if (steps_alone(gdb))
        gdb_report(gdb, GDB_SIGNAL_TRAP, "");
    else
        step_with_others(gdb);
}

/* ---- Back -------------------------------------------------------------------------------------------- */

static void failed(Gdb *gdb, const char *why)
{
    stand(gdb);
    gdb_reply_text(gdb, "E.%s", why);
}

static Past *past_of(Gdb *gdb)
{
    Past *past = session_past(gdb->session);
    if (!past)
        failed(gdb, "there is no history; start with --history SIZE");
    return past;
}

static void looked(void *opaque, const PastArrival *arrival);

static void look_at(Gdb *gdb, uint64_t place)
{
    Error err;
    if (!past_go(session_past(gdb->session), place, looked, gdb, &err))
        failed(gdb, err.text);
}

static void at_beginning(Gdb *gdb)
{
    gdb_report(gdb, GDB_SIGNAL_TRAP, "replaylog:begin;");
}

/* The last place where the CPU's own count is `goal`: backwards in growing steps until it is not more, then
 * by halves. With one CPU that is the place before. */
static void look_further(Gdb *gdb)
{
    GdbSearch *search = &gdb->search;
    HistoryInfo info;
    history_info(past_history(session_past(gdb->session)), &info);
    if (!search->low_known && search->high <= info.begin) {
        at_beginning(gdb);
    } else if (!search->low_known) {
        uint64_t room = search->high - info.begin;
        uint64_t distance = search->distance < room ? search->distance : room;
        search->distance *= 2;
        look_at(gdb, search->high - distance);
    } else if (search->high - search->low > 1) {
        look_at(gdb, search->low + (search->high - search->low) / 2);
    } else {
        search->found = true;
        look_at(gdb, search->low);
    }
}

static void looked(void *opaque, const PastArrival *arrival)
{
    Gdb *gdb = opaque;
    GdbSearch *search = &gdb->search;
    if (gdb->motion != GDB_GOES_BACK)
        return;
    if (arrival->end == PAST_FAILED) {
        failed(gdb, arrival->text ? arrival->text : "given up");
        return;
    }
    uint64_t here = machine_icount(gdb_machine(gdb));
    bool before = gdb_machine(gdb)->cpu[gdb->cpu]->icount <= search->goal;
    if (search->found || (before && here + 1 == search->high)) {
        gdb_report(gdb, GDB_SIGNAL_TRAP, "");
        return;
    }
    if (before)
        search->low = here;
    else
        search->high = here;
    search->low_known |= before;
    look_further(gdb);
}

void gdb_step_back(Gdb *gdb)
{
    const Cpu *cpu = gdb_machine(gdb)->cpu[gdb->cpu];
    if (!past_of(gdb))
        return;
    gdb->motion = GDB_GOES_BACK;
    gdb->search =
        (GdbSearch){.goal = cpu->icount - 1, .high = machine_icount(gdb_machine(gdb)), .distance = 1};
    if (cpu->icount)
        look_further(gdb);
    else
        at_beginning(gdb);
}

static void ran_back(void *opaque, const PastArrival *arrival)
{
    Gdb *gdb = opaque;
    if (gdb->motion != GDB_GOES_BACK)
        return;
    if (arrival->end == PAST_FAILED)
        failed(gdb, arrival->text ? arrival->text : "given up");
    else if (arrival->end == PAST_STOPPED)
        report_stop(gdb, arrival->cpu);
    else
        at_beginning(gdb);
}

void gdb_run_back(Gdb *gdb)
{
    Error err;
    Past *past = past_of(gdb);
    if (!past)
        return;
    gdb->motion = GDB_GOES_BACK;
    if (!past_run_back(past, ran_back, gdb, &err))
        failed(gdb, err.text);
}

/* ---- Stopping ---------------------------------------------------------------------------------------- */

void gdb_forget_motion(Gdb *gdb)
{
    Call *call = gdb->call;
    stand(gdb);
    gdb->pause_at_reset = false;
    past_forget(session_past(gdb->session), gdb);
    session_not_later(gdb->session, &gdb->report);
    if (call)
        call_cancel(call);
}

void gdb_interrupt(Gdb *gdb)
{
    bool moves = gdb->motion != GDB_STANDS;
    gdb_forget_motion(gdb);
    if (!moves)
        return;
    session_pause(gdb->session);
    gdb_report(gdb, GDB_SIGNAL_INT, "");
}
