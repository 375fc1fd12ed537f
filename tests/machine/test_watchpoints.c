/* Watchpoints in whole machines, in the interpreter, in compiled code and where
 * each is compared with the other: each kind of access, and long
 * random runs against a list of accesses that is worked out from the registers, instruction by instruction,
 * without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/code_cache.h"
#include "jit/state.h"
#include "machine/machine.h"

#define RAM 0x60000000u
#define CODE (RAM + 0x1000)
#define DATA (RAM + 0x9000)
#define UART 0x10009000u /* its data register, flags at 0x18 */

enum { ADD_R0_1 = 0xe2800001, BACK_2 = 0xeafffffc };

typedef struct Fixture {
    JitMode mode;
    Machine *machine;
    Cpu *cpu;
    unsigned stops;
    uint64_t most;
} Fixture;

static bool look(void *opaque, uint64_t timeout_ns)
{
    Fixture *f = opaque;
    unsigned cpu;
    if (machine_stopped(f->machine, &cpu)) {
        f->stops++;
        return false;
    }
    return !timeout_ns && machine_icount(f->machine) < f->most;
}

static void start(Fixture *f)
{
    MachineOptions options = {
        .cpus = 1, .memory = 4 << 20, .deterministic = true, .jit = {.mode = f->mode, .threshold = 1}
    };
    f->machine = machine_new(&options, log_new(NULL), NULL);
    assert_non_null(f->machine);
    f->machine->poll = look;
    f->machine->poll_opaque = f;
    f->cpu = f->machine->cpu[0];
    f->cpu->pc = CODE;
    f->cpu->r[4] = DATA;
    f->stops = 0;
    f->most = UINT64_MAX;
}

static int setup(void **state)
{
    start(*state);
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    machine_free(f->machine);
    return 0;
}

static void put(const Fixture *f, uint32_t address, const uint32_t *code, size_t words)
{
    code_cache_written(f->machine->code, address, (uint32_t)(4 * words));
    memcpy(f->machine->ram + (address - RAM), code, 4 * words);
}

static void watch(const Fixture *f, uint32_t address, uint32_t size, unsigned kinds)
{
    Error err;
    assert_true(machine_add_watchpoint(f->machine, address, size, kinds, &err));
}

static void unwatch(const Fixture *f, uint32_t address)
{
    Error err;
    assert_true(machine_remove_watchpoint(f->machine, address, &err));
}

static void loop_of(const Fixture *f, uint32_t instruction)
{
    put(f, CODE, (uint32_t[]){instruction, ADD_R0_1, BACK_2}, 3);
    machine_step(f->machine, 3000); /* hot */
    assert_int_equal(f->cpu->pc, CODE);
}

static void never_stops(Fixture *f)
{
    uint64_t before = machine_icount(f->machine);
    machine_step(f->machine, 3000);
    assert_false(f->cpu->stopped);
    assert_int_equal(machine_icount(f->machine) - before, 3000);
}

static void stops_each_time(Fixture *f, uint32_t address, bool write)
{
    for (unsigned n = 0; n < 20; n++) {
        uint64_t before = machine_icount(f->machine);
        assert_int_equal(machine_run(f->machine), END_STOPPED);
        assert_int_equal(f->stops, n + 1);
        assert_int_equal(f->cpu->pc, CODE + 4);
        assert_int_equal(machine_icount(f->machine) - before, n ? 3 : 1);
        const WatchHit *hit = machine_stop_hit(f->machine, 0);
        assert_non_null(hit);
        assert_int_equal(hit->pc, CODE);
        assert_int_equal(hit->write, write);
        assert_int_equal(hit->address, address);
    }
    f->stops = 0;
    f->machine->cpu[0]->pc = CODE;
}

/* ---- Kinds of accesses ------------------------------------------------------------------------------- */

static const struct {
    uint32_t instruction;
    int from, to; /* bytes that are accessed, from DATA on */
    bool write;
    int first; /* the access that meets DATA + to - 1 begins here */
} kinds[] = {
    {0xe5941000, 0,  4,  false, 0 }, /* ldr r1, [r4] */
    {0xe5841000, 0,  4,  true,  0 }, /* str r1, [r4] */
    {0xe5d41003, 3,  4,  false, 3 }, /* ldrb r1, [r4, #3] */
    {0xe1c410b2, 2,  4,  true,  2 }, /* strh r1, [r4, #2] */
    {0xe1c420d0, 0,  8,  false, 4 }, /* ldrd r2, r3, [r4] */
    {0xe1c420f0, 0,  8,  true,  4 }, /* strd r2, r3, [r4] */
    {0xe894000e, 0,  12, false, 8 }, /* ldm r4, {r1-r3} */
    {0xe884000e, 0,  12, true,  8 }, /* stm r4, {r1-r3} */
    {0xe9040006, -8, 0,  true,  -4}, /* stmdb r4, {r1, r2} */
    {0xe1941f9f, 0,  4,  false, 0 }, /* ldrex r1, [r4] */
};

static void each_kind(void **state)
{
    Fixture *f = *state;
    for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        uint32_t from = DATA + (uint32_t)kinds[n].from, to = DATA + (uint32_t)kinds[n].to;
        unsigned own = kinds[n].write ? WATCH_WRITE : WATCH_READ, other = WATCH_ACCESS & ~own;
        loop_of(f, kinds[n].instruction);
        watch(f, from - 1, 1, WATCH_ACCESS);
        watch(f, to, 100, WATCH_ACCESS);
        watch(f, from, to - from, other);
        never_stops(f);
        watch(f, to - 1, 1, own);
        stops_each_time(f, DATA + (uint32_t)kinds[n].first, kinds[n].write);
        unwatch(f, from - 1);
        unwatch(f, to);
        unwatch(f, from);
        if (to - 1 != from)
            unwatch(f, to - 1);
        assert_int_equal(machine_watchpoints(f->machine)->count, 0);
        never_stops(f);
    }
}

/* Compiled code takes such a constant without a load. */
static void literal(void **state)
{
    Fixture *f = *state;
    loop_of(f, 0xe59f1020); /* ldr r1, [pc, #0x20] */
    watch(f, CODE + 0x28, 4, WATCH_READ);
    stops_each_time(f, CODE + 0x28, false);
}

static void swap(void **state)
{
    Fixture *f = *state;
    cp_write(f->cpu, 15, 0, 1, 0, 0, 1 << 10); /* SCTLR.SW */
    f->cpu->leave = 0;
    loop_of(f, 0xe1041092); /* swp r1, r2, [r4] */
    watch(f, DATA, 4, WATCH_WRITE);
    stops_each_time(f, DATA, true);
}

static void failing_exclusive_store(void **state)
{
    Fixture *f = *state;
    loop_of(f, 0xe1842f91); /* strex r2, r1, [r4]: no ldrex before */
    watch(f, DATA, 4, WATCH_ACCESS);
    never_stops(f);
    assert_int_equal(f->cpu->r[2], 1);
}

static void device(void **state)
{
    Fixture *f = *state;
    f->cpu->r[4] = UART;
    loop_of(f, 0xe5941018); /* ldr r1, [r4, #0x18] */
    watch(f, UART + 0x18, 4, WATCH_READ);
    stops_each_time(f, UART + 0x18, false);
    unwatch(f, UART + 0x18);
    watch(f, UART + 0x1c, 4, WATCH_READ);
    never_stops(f);
}

static void refused(void **state)
{
    Fixture *f = *state;
    Error err;
    assert_false(machine_add_watchpoint(f->machine, 0xfffffffe, 3, WATCH_READ, &err));
    assert_false(machine_add_watchpoint(f->machine, 0, 0, WATCH_READ, &err));
    assert_false(machine_remove_watchpoint(f->machine, DATA, &err));
    for (unsigned n = 0; n < WATCHPOINTS_MOST; n++)
        watch(f, DATA + 8 * n, 4, WATCH_READ);
    assert_false(machine_add_watchpoint(f->machine, DATA + 4, 4, WATCH_READ, &err));
    watch(f, DATA, 4, WATCH_WRITE); /* changes the first */
    assert_int_equal(machine_watchpoints(f->machine)->item[0].kinds, WATCH_WRITE);
}

/* ---- Random runs ------------------------------------------------------------------------------------- */

enum { LENGTH = 40000, HITS_MOST = LENGTH };

/* r1 = r1 * 1103515245 + r2; r3 = bits 12 to 23, a word of the page at r4. */
static const uint32_t program[] = {
    0xe0212195, /* mla r1, r5, r1, r2 */
    0xe7eb3651, /* ubfx r3, r1, #12, #12 */
    0xe3c33003, /* bic r3, r3, #3 */
    0xe3110020, /* tst r1, #0x20 */
    0x17847003, /* strne r7, [r4, r3] */
    0x07946003, /* ldreq r6, [r4, r3] */
    0xe3110040, /* tst r1, #0x40 */
    0x17c47003, /* strbne r7, [r4, r3] */
    0xe0877001, /* add r7, r7, r1 */
    0xeafffff5, /* b */
};

static void begin(Fixture *f)
{
    start(f);
    put(f, CODE, program, sizeof program / sizeof *program);
    f->cpu->r[1] = 1;
    f->cpu->r[2] = 12345;
    f->cpu->r[5] = 1103515245;
}

static const Watchpoint watched[] = {
    {DATA + 0x104, 4,     WATCH_READ  },
    {DATA + 0x203, 1,     WATCH_WRITE },
    {DATA + 0x400, 0x200, WATCH_ACCESS},
    {DATA + 0xa02, 9,     WATCH_WRITE },
};

static bool is_watched(uint32_t address, uint32_t size, bool write)
{
    for (unsigned n = 0; n < sizeof watched / sizeof *watched; n++)
        if (watched[n].kinds & (write ? WATCH_WRITE : WATCH_READ) &&
            address < watched[n].address + watched[n].size && watched[n].address < address + size)
            return true;
    return false;
}

/* After which instructions it has to stop. */
static unsigned accesses(uint64_t *hit)
{
    Fixture f = {.mode = JIT_OFF};
    unsigned count = 0;
    begin(&f);
    while (machine_icount(f.machine) < LENGTH) {
        uint32_t at = (f.cpu->pc - CODE) / 4, address = DATA + f.cpu->r[3];
        bool not_equal = !(cpsr_read(f.cpu) >> 30 & 1), access = false;
        if (at == 4)
            access = not_equal && is_watched(address, 4, true);
        else if (at == 5)
            access = !not_equal && is_watched(address, 4, false);
        else if (at == 7)
            access = not_equal && is_watched(address, 1, true);
        machine_step(f.machine, 1);
        if (access)
            hit[count++] = machine_icount(f.machine);
    }
    machine_free(f.machine);
    return count;
}

static void random_accesses(void **state)
{
    Fixture *f = *state;
    Fixture own = {.mode = f->mode};
    uint64_t *wanted = malloc(HITS_MOST * sizeof *wanted);
    unsigned count = accesses(wanted), n = 0;
    assert_true(count > 300);
    begin(&own);
    machine_step(own.machine, 1000);
    while (wanted[n] <= 1000)
        n++;
    for (unsigned k = 0; k < sizeof watched / sizeof *watched; k++)
        watch(&own, watched[k].address, watched[k].size, watched[k].kinds);
    for (; n < count; n++) {
        machine_run(own.machine);
        assert_int_equal(machine_icount(own.machine), wanted[n]);
        assert_non_null(machine_stop_hit(own.machine, 0));
    }
    machine_free(own.machine);
    free(wanted);
}

/* ---- */

/* In all engines. */
#define ALL(test)                                                                                            \
    {#test "_interpreted", test, setup, teardown, &interpreted},                                             \
        {#test "_compiled", test, setup, teardown, &compiled},                                               \
    {                                                                                                        \
#test "_verified", test, setup, teardown, &verified                                                  \
    }

int main(void)
{
    static Fixture interpreted = {.mode = JIT_OFF}, compiled = {.mode = JIT_ON},
                   verified = {.mode = JIT_VERIFY};
    const struct CMUnitTest tests[] = {
        ALL(each_kind), ALL(literal),         ALL(swap), ALL(failing_exclusive_store), ALL(device),
        ALL(refused),   ALL(random_accesses),
    };
    return cmocka_run_group_tests_name("watchpoints", tests, NULL, NULL);
}
