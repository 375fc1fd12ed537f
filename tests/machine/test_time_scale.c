/* --time-scale: how guest time follows the host's clock. Whatever else the host does, what passes between two
 * looks at the guest's clock lies between what passes on the host's inside and around them. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/host_time.h"
#include "machine/machine.h"
#include "snapshot/snapshot.h"

#define SECOND UINT64_C(1000000000)

static const uint32_t scales[] = {0, 10 * TIME_SCALE_ONE, TIME_SCALE_ONE / 8, 2500000, TIME_SCALE_MOST};

static void pass(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

static double factor(const Machine *machine)
{
    return machine->options.time_scale ? machine->options.time_scale / (double)TIME_SCALE_ONE : 1;
}

/* "wfi; b ." with all interrupts masked. */
static Machine *new_machine(uint32_t scale)
{
    static const uint32_t code[] = {0xe320f003, 0xeafffffd};
    const MachineOptions options = {.cpus = 1, .memory = 1 << 20, .time_scale = scale};
    Machine *machine = machine_new(&options, log_new(NULL), NULL);
    memcpy(machine->ram, code, sizeof code);
    machine->cpu[0]->pc = 0x60000000;
    return machine;
}

/* Looks twice, while the host lets some time pass. */
static void check_rate(Machine *machine)
{
    uint64_t outer = host_ns(), first = clock_now(machine->clock), inner = host_ns();
    pass(3000000);
    uint64_t inner_end = host_ns(), second = clock_now(machine->clock), outer_end = host_ns();
    double passed = (double)(second - first) * factor(machine), rounding = factor(machine) + 1;
    assert_true(passed >= (double)(inner_end - inner) - rounding);
    assert_true(passed <= (double)(outer_end - outer) + rounding);
}

static void test_rate(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof scales / sizeof *scales; n++) {
        Machine *machine = new_machine(scales[n]);
        check_rate(machine);
        machine_hold_time(machine, true);
        uint64_t then = clock_now(machine->clock);
        pass(2000000);
        assert_int_equal(clock_now(machine->clock), then);
        uint64_t released = host_ns();
        machine_hold_time(machine, false);
        uint64_t now = clock_now(machine->clock);
        assert_true(now >= then &&
                    (double)(now - then) * factor(machine) <= (double)(host_ns() - released) + 1);
        check_rate(machine);
        machine_set_time(machine, 77 * SECOND);
        assert_true(clock_now(machine->clock) >= 77 * SECOND);
        check_rate(machine);
        machine_free(machine);
    }
}

static uint64_t asked, asked_at;

static bool note(void *opaque, uint64_t timeout_ns)
{
    (void)opaque;
    if (!timeout_ns)
        return true;
    asked = timeout_ns;
    asked_at = host_ns();
    return false;
}

/* A timer that ends the run. */
typedef struct Alarm {
    Timer timer;
    Machine *machine;
    bool came;
} Alarm;

static void ring(void *opaque)
{
    Alarm *alarm = opaque;
    alarm->came = true;
    machine_stop(alarm->machine);
}

static void set_alarm(Alarm *alarm, Machine *machine, uint64_t in)
{
    *alarm = (Alarm){.machine = machine};
    timer_init(&alarm->timer, machine->clock, "test", 0, ring, alarm);
    timer_set(&alarm->timer, clock_now(machine->clock) + in);
}

/* The frontend is asked to sleep in host time. */
static void test_sleep(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof scales / sizeof *scales; n++) {
        Machine *machine = new_machine(scales[n]);
        Alarm alarm;
        machine->poll = note;
        asked = 0;
        uint64_t begun = host_ns();
        set_alarm(&alarm, machine, SECOND / 100);
        machine_run(machine);
        double wanted = 0.01 * (double)SECOND * factor(machine),
               least = (double)(asked_at - begun) + factor(machine) + 1;
        /* A host that was too busy to look in time has asked for what comes after that. */
        if (!alarm.came) {
            assert_true((double)asked <= wanted + factor(machine) + 1);
            assert_true((double)asked >= wanted - least);
        }
        timer_cancel(&alarm.timer);
        machine_free(machine);
    }
}

/* A frontend that only sleeps, until the alarm. */
static bool sleep_for(void *opaque, uint64_t timeout_ns)
{
    const Alarm *alarm = opaque;
    if (!alarm->came && timeout_ns)
        pass(timeout_ns < SECOND ? (long)timeout_ns : (long)SECOND - 1);
    return !alarm->came;
}

static void test_timer_comes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        Machine *machine = new_machine(scales[n]);
        Alarm alarm;
        const uint64_t guest = 400000;
        uint64_t begun = host_ns();
        machine->poll = sleep_for;
        machine->poll_opaque = &alarm;
        set_alarm(&alarm, machine, guest);
        machine_run(machine);
        assert_true(alarm.came);
        assert_true((double)(host_ns() - begun) + factor(machine) + 1 >= (double)guest * factor(machine));
        machine_free(machine);
    }
}

/* Turbo skips time of the guest's, however long that is for the host. */
static void test_turbo(void **state)
{
    (void)state;
    Machine *machine = new_machine(TIME_SCALE_MOST);
    Alarm alarm;
    machine->turbo = true;
    machine->poll = sleep_for;
    machine->poll_opaque = &alarm;
    uint64_t then = clock_now(machine->clock), begun = host_ns();
    set_alarm(&alarm, machine, 1000 * SECOND);
    machine_run(machine);
    assert_true(alarm.came);
    assert_true(clock_now(machine->clock) >= then + 1000 * SECOND);
    assert_true(host_ns() - begun < 1000 * SECOND);
    machine_free(machine);
}

/* A snapshot has the guest's time, and the scale is each run's own. */
static void test_snapshot(void **state)
{
    (void)state;
    char path[] = "/tmp/armature-scale-XXXXXX";
    Error err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    Machine *slow = new_machine(50 * TIME_SCALE_ONE), *fast = new_machine(TIME_SCALE_ONE / 50);
    machine_set_time(slow, 1234 * SECOND);
    machine_hold_time(slow, true);
    machine_hold_time(fast, true);
    assert_true(snapshot_save(slow, path, &(SnapshotWish){.compress = true}, &err));
    Snapshot *snapshot = snapshot_open(path, &err);
    assert_non_null(snapshot);
    if (!snapshot_load(snapshot, fast, &err))
        fail_msg("%s", err.text);
    snapshot_close(snapshot);
    assert_int_equal(clock_now(fast->clock), clock_now(slow->clock));
    machine_hold_time(fast, false);
    check_rate(fast);
    machine_free(slow);
    machine_free(fast);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),  cmocka_unit_test(test_sleep),    cmocka_unit_test(test_timer_comes),
        cmocka_unit_test(test_turbo), cmocka_unit_test(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
