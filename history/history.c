#include "history/history.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history/checkpoints.h"
#include "history/exchange.h"
#include "machine/host_time.h"
#include "snapshot/state.h"

/* Between two checkpoints at least: to run through this once more takes a moment, and the checkpoint little
 * of it.
 */
#define HOST_NS_BETWEEN UINT64_C(200000000)

/* The processor time between them is at least so many times that of a checkpoint: a busy host makes the guest
 * take longer, and that must not add to it. */
enum { SHARE = 50 };

/* Above this part of the budget, in 1/16, old checkpoints go; at once until there is some room again. */
enum { ROOM = 1 };

typedef struct DiskFollower {
    History *history;
    unsigned slot;
} DiskFollower;

struct History {
    Machine *machine;
    DiskFollower disk[DISK_SLOTS];
    uint64_t budget, most_bytes, made, dropped, lost;
    Checkpoints all;
    PageSet open;    /* of the last checkpoint before here: the pages that have changed since, as they were */
    bool past;       /* there are checkpoints behind here */
    bool exchanging; /* what is written now is not the guest's doing */
    bool over;       /* the budget did not suffice, or a disk could not be read: begins anew */
    uint64_t host_between, between;
    uint64_t last_host, last_icount; /* of the last checkpoint that was made */
    uint64_t last_computed, took;    /* processor time then, and what it took */
    Error trouble;                   /* "": none */
};

static uint64_t bytes(const History *h)
{
    return h->all.bytes + page_set_bytes(&h->open) + journal_bytes(h->machine->journal);
}

static void forget_journal(History *h)
{
    if (h->all.count)
        journal_forget(h->machine->journal, h->all.item[0].journal);
}

/* Makes room for `more` bytes. False: the budget does not allow it, whatever goes. */
static bool make_room(History *h, uint64_t more)
{
    uint64_t least = page_set_bytes(&h->open) + journal_bytes(h->machine->journal) + more;
    if (bytes(h) + more <= h->budget)
        return true;
    uint64_t most = least < h->budget ? h->budget - least : 0, room = h->budget / 16 * ROOM;
    unsigned before = h->all.count;
    bool enough = checkpoints_thin(&h->all, most > room ? most - room : most);
    h->dropped += before - h->all.count;
    forget_journal(h);
    return enough || bytes(h) + more <= h->budget;
}

static void note_bytes(History *h)
{
    if (bytes(h) > h->most_bytes)
        h->most_bytes = bytes(h);
}

/* ---- Before something changes ------------------------------------------------------------------------ */

static void give_up(History *h, const char *why)
{
    h->over = true;
    h->lost++;
    error_set(&h->trouble, "%.900s", why);
    page_set_free(&h->open);
    checkpoints_free(&h->all);
}

/* Whether the page is to be kept, and there is room. */
static bool wanted(History *h, uint64_t key)
{
    if (h->over || h->exchanging || page_set_find(&h->open, key))
        return false;
    if (make_room(h, 2 * (uint64_t)PAGE_SET_COST + page_set_bytes(&h->open) / 64))
        return true;
    give_up(h, "more was changed at once than the history's budget has room for");
    return false;
}

static void before_memory(void *opaque, uint32_t pa)
{
    History *h = opaque;
    if (wanted(h, memory_key(pa)))
        keep_memory(&h->open, h->machine, memory_key(pa));
    note_bytes(h);
}

static void before_disk(void *opaque, uint64_t offset, uint64_t length)
{
    const DiskFollower *follower = opaque;
    History *h = follower->history;
    unsigned slot = follower->slot;
    Error err;
    uint64_t end = length ? (offset + length - 1) / PAGE_SET_PAGE + 1 : 0;
    for (uint64_t block = offset / PAGE_SET_PAGE; block < end && !h->over; block++)
        if (wanted(h, disk_key(slot, block)) && !keep_disk(&h->open, h->machine, disk_key(slot, block), &err))
            give_up(h, err.text);
    note_bytes(h);
}

static void follow_disks(History *h, void (*before)(void *opaque, uint64_t offset, uint64_t length))
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (h->machine->env.disk[n].disk)
            disk_before_change(h->machine->env.disk[n].disk, before, &h->disk[n]);
}

/* ---- Checkpoints ------------------------------------------------------------------------------------- */

static void guard(History *h)
{
    MachineMemory memory;
    for (unsigned n = 0; machine_memory(h->machine, n, &memory); n++)
        watches_guard_all(bus_watches(h->machine->bus), memory.base, memory.size);
    for (unsigned n = 0; n < h->machine->options.cpus; n++)
        mmu_protect_all(h->machine->cpu[n]);
}

static Checkpoint *last(History *h)
{
    return &h->all.item[h->all.count - 1];
}

/* Here, at the end of what is known. */
static void make(History *h, bool arrived)
{
    Buffer state = {0};
    Machine *m = h->machine;
    uint64_t begun = host_thread_ns();
    bus_settle(m->bus);
    state_encode(m, &state);
    if (h->all.count)
        last(h)->pages = h->open;
    else
        page_set_free(&h->open);
    h->open = (PageSet){0};
    Checkpoint *made = checkpoints_add(&h->all, state.data, state.size);
    made->icount = h->last_icount = machine_icount(m);
    made->time = clock_now(m->clock);
    made->journal = journal_next(m->journal);
    made->arrived = arrived;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        made->sent[n] = m->env.serial[n].sent;
    buffer_free(&state);
    h->all.at = h->all.count - 1;
    h->last_host = host_ns();
    h->made++;
    guard(h);
    make_room(h, 0);
    note_bytes(h);
    h->last_computed = host_thread_ns();
    h->took = h->last_computed - begun;
}

/* ---- Going ------------------------------------------------------------------------------------------- */

/* The pages between the checkpoint where the machine is and the one beside it, on the way to number n. */
static PageSet *on_the_way(History *h, unsigned n)
{
    return &h->all.item[n < h->all.at ? h->all.at - 1 : h->all.at].pages;
}

static void go_back_to(History *h, unsigned start)
{
    while (h->all.at != start) {
        exchange_back(on_the_way(h, start), h->machine);
        h->all.at = h->all.at < start ? h->all.at + 1 : h->all.at - 1;
    }
    exchange_back(&h->open, h->machine);
}

/* Memory and disks as they were at number n. False: a disk failed, and everything is as it was, but perhaps
 * that disk. */
static bool exchange_to(History *h, unsigned n, Error *err)
{
    unsigned start = h->all.at;
    h->exchanging = true;
    bool ok = exchange(&h->open, h->machine, err);
    bool open = ok;
    while (ok && h->all.at != n) {
        ok = exchange(on_the_way(h, n), h->machine, err);
        if (ok)
            h->all.at = h->all.at < n ? h->all.at + 1 : h->all.at - 1;
    }
    if (open && !ok)
        go_back_to(h, start);
    h->exchanging = false;
    if (ok)
        page_set_free(&h->open);
    checkpoints_count(&h->all);
    return ok;
}

static void settle_place(History *h)
{
    Machine *m = h->machine;
    const Checkpoint *here = &h->all.item[h->all.at];
    h->past = h->all.at + 1 < h->all.count;
    if (h->past)
        journal_replay(m->journal, here->journal);
    else
        journal_record(m->journal);
    machine_mark_at(m, h->past ? h->all.item[h->all.at + 1].icount : UINT64_MAX);
}

/* A live machine's place is kept, to come back to. */
static void leave_live(History *h)
{
    const Checkpoint *here = last(h);
    bool same = here->icount == machine_icount(h->machine) && here->time == clock_now(h->machine->clock) &&
                here->journal == journal_next(h->machine->journal) && !h->open.count;
    if (!same)
        make(h, false);
}

bool history_go_checkpoint(History *h, unsigned number, Error *err)
{
    Machine *m = h->machine;
    if (h->over || number >= h->all.count)
        return error_set(err, "nothing is known of that");
    uint64_t icount = h->all.item[number].icount, time = h->all.item[number].time;
    if (!h->past)
        leave_live(h);
    /* Making it may have let others go. */
    for (number = 0; number < h->all.count && h->all.item[number].icount < icount;)
        number++;
    while (number + 1 < h->all.count && h->all.item[number].icount == icount &&
           h->all.item[number].time < time)
        number++;
    if (number == h->all.count)
        return error_set(err, "nothing is known of that");
    const Checkpoint *goal = &h->all.item[number];
    uint8_t *bytes = checkpoint_state(goal);
    StagedState *state = state_decode(m, bytes, goal->size, err);
    bool ok = state && exchange_to(h, number, err);
    if (ok) {
        goal = &h->all.item[number];
        state_apply(state, m, STATE_MEMORY_TOLD);
        for (unsigned n = 0; n < SERIAL_PORTS; n++)
            m->env.serial[n].sent = goal->sent[n];
        machine_moved(m);
    } else if (state) {
        give_up(h, err->text);
    }
    state_stage_free(state);
    free(bytes);
    guard(h);
    if (ok) {
        settle_place(h);
        make_room(h, page_set_bytes(&h->all.item[h->all.at].pages));
    }
    return ok;
}

bool history_go(History *h, uint64_t icount, Error *err)
{
    unsigned n = 0;
    if (h->over || !h->all.count || icount < h->all.item[0].icount)
        return error_set(err, "the history begins at instruction %llu",
                         (unsigned long long)(h->over || !h->all.count ? machine_icount(h->machine)
                                                                       : h->all.item[0].icount));
    while (n + 1 < h->all.count) {
        const Checkpoint *next = &h->all.item[n + 1];
        if (next->icount > icount || (next->icount == icount && !next->arrived))
            break;
        n++;
    }
    return history_go_checkpoint(h, n, err);
}

void history_diverge(History *h)
{
    Machine *m = h->machine;
    if (!h->past)
        return;
    checkpoints_cut(&h->all, h->all.at);
    journal_cut(m->journal, journal_next(m->journal));
    journal_record(m->journal);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        m->env.serial[n].shown = m->env.serial[n].sent;
    h->past = false;
    h->last_icount = machine_icount(m);
    machine_mark_at(m, UINT64_MAX);
}

void history_ignore(History *h, bool ignore)
{
    if (h)
        h->exchanging = ignore;
}

void history_restart(History *h)
{
    if (!h)
        return;
    history_diverge(h);
    page_set_free(&h->open);
    checkpoints_free(&h->all);
    h->over = h->exchanging = false;
    follow_disks(h, before_disk);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        h->machine->env.serial[n].shown = h->machine->env.serial[n].sent;
    journal_record(h->machine->journal);
    make(h, false);
    forget_journal(h);
    machine_mark_at(h->machine, UINT64_MAX);
}

/* ---- While the machine runs -------------------------------------------------------------------------- */

/* The pages that have changed since the checkpoint before are those that change on the way to this one. */
static void pass(History *h)
{
    Checkpoints *all = &h->all;
    page_set_free(&all->item[all->at].pages);
    all->item[all->at++].pages = h->open;
    h->open = (PageSet){0};
    checkpoints_count(all);
    guard(h);
    h->past = all->at + 1 < all->count;
    if (!h->past)
        journal_record(h->machine->journal);
    machine_mark_at(h->machine, h->past ? all->item[all->at + 1].icount : UINT64_MAX);
}

static void diverged(History *h, const char *why)
{
    error_set(&h->trouble, "the past did not repeat itself: %.900s", why);
    history_diverge(h);
}

static void look_in_past(History *h)
{
    Error err;
    Machine *m = h->machine;
    const Checkpoint *next = &h->all.item[h->all.at + 1];
    const char *other = journal_diverged(m->journal);
    if (other) {
        diverged(h, other);
    } else if (machine_icount(m) > next->icount) {
        diverged(h, "it went beyond a checkpoint");
    } else if (machine_icount(m) == next->icount) {
        if (next->arrived && next->journal == journal_next(m->journal))
            pass(h);
        else if (!history_go_checkpoint(h, h->all.at + 1, &err))
            diverged(h, err.text);
    }
}

static void look_live(History *h)
{
    Machine *m = h->machine;
    uint64_t icount = machine_icount(m);
    if (m->mark_at == icount) {
        machine_mark_at(m, UINT64_MAX);
        make(h, true);
    } else if (m->mark_at == UINT64_MAX || m->mark_at < icount) { /* a debugger's steps go past it */
        machine_mark_at(m, UINT64_MAX);
        if (icount - h->last_icount < h->between || host_ns() - h->last_host < h->host_between ||
            (h->host_between && host_thread_ns() - h->last_computed < SHARE * h->took))
            return;
        machine_mark_at(m, icount + 1);
    }
}

void history_look(History *h)
{
    if (h->over)
        history_restart(h);
    else if (h->past)
        look_in_past(h);
    else
        look_live(h);
}

/* ---- What there is ----------------------------------------------------------------------------------- */

bool history_in_past(const History *h)
{
    return h && h->past;
}

void history_info(const History *h, HistoryInfo *info)
{
    const Checkpoints *all = &h->all;
    *info = (HistoryInfo){
        .now = machine_icount(h->machine),
        .now_ns = clock_now(h->machine->clock),
        .checkpoints = all->count,
        .bytes = bytes(h),
        .budget = h->budget,
        .most_bytes = h->most_bytes,
        .made = h->made,
        .dropped = h->dropped,
        .lost = h->lost,
    };
    info->begin = info->end = info->now;
    info->begin_ns = info->end_ns = info->now_ns;
    if (all->count) {
        info->begin = all->item[0].icount;
        info->begin_ns = all->item[0].time;
    }
    if (h->past) {
        info->end = all->item[all->count - 1].icount;
        info->end_ns = all->item[all->count - 1].time;
    }
}

uint64_t history_checkpoint(const History *h, unsigned number)
{
    assert(number < h->all.count);
    return h->all.item[number].icount;
}

bool history_last_before(const History *h, uint64_t icount, unsigned *number)
{
    unsigned n = 0;
    while (!h->over && n < h->all.count && h->all.item[n].icount < icount)
        n++;
    *number = n ? n - 1 : 0;
    return n;
}

bool history_before(const History *h, unsigned *number)
{
    const Checkpoints *all = &h->all;
    if (h->over || !all->count)
        return false;
    bool beyond = machine_icount(h->machine) > all->item[all->at].icount ||
                  clock_now(h->machine->clock) > all->item[all->at].time;
    *number = beyond ? all->at : all->at - 1;
    return beyond || all->at;
}

const char *history_trouble(const History *h)
{
    return h->trouble.text[0] ? h->trouble.text : NULL;
}

/* ---- Life -------------------------------------------------------------------------------------------- */

void history_pace(History *h, uint64_t host_between, uint64_t instructions)
{
    h->host_between = host_between;
    h->between = instructions ? instructions : 1;
}

History *history_new(Machine *machine, uint64_t budget)
{
    assert(machine->options.deterministic && machine->journal);
    History *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->machine = machine;
    h->budget = budget < HISTORY_BUDGET_LEAST ? HISTORY_BUDGET_LEAST : budget;
    history_pace(h, HOST_NS_BETWEEN, 1);
    watches_before_write(bus_watches(machine->bus), before_memory, h);
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        h->disk[n] = (DiskFollower){h, n};
    history_restart(h);
    return h;
}

void history_free(History *h)
{
    if (!h)
        return;
    watches_not_before_write(bus_watches(h->machine->bus), before_memory, h);
    follow_disks(h, NULL);
    machine_mark_at(h->machine, UINT64_MAX);
    page_set_free(&h->open);
    checkpoints_free(&h->all);
    free(h);
}
