#include "tests/jit/pair.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/code_cache.h"
#include "jit/state.h"

enum { TABLE_1 = 0x10000, TABLE_2 = 0x14000 }; /* offsets in RAM */
enum { ROM_BYTES = PAGE_SIZE };

/* Which page of RAM is behind each page of the window, -1: none. */
static const int8_t behind[WINDOW_PAGES] = {
    [PAGE_VECTORS] = 0,    [PAGE_CODE] = 1,       [PAGE_CODE_2] = 2,    [PAGE_NOTHING] = -1,
    [PAGE_DATA] = 9,       [PAGE_DATA_2] = 5,     [PAGE_READ_ONLY] = 6, [PAGE_NOTHING_2] = -1,
    [PAGE_ORDERED] = 7,    [PAGE_DEVICE] = -1,    [PAGE_DATA_3] = 4,    [PAGE_PRIVILEGED] = 8,
    [PAGE_DATA_ALIAS] = 9, [PAGE_CODE_ALIAS] = 1, [PAGE_ROM] = -1,      [PAGE_DATA_4] = 3,
};

uint32_t pair_offset(WindowPage page)
{
    return (uint32_t)behind[page] * PAGE_SIZE;
}

static uint64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

/* ---- The device ------------------------------------------------------------------------------------- */

static void touch(PairDevice *d, uint32_t with)
{
    d->state = (d->state ^ with) * 0x9e3779b1u + 0x7f4a7c15u;
    d->accesses++;
    if (d->state >> 28 == 5) /* as an interrupt line would */
        d->cpu->leave |= LEAVE_CHECK;
}

static BusResult device_read(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value)
{
    PairDevice *d = opaque;
    touch(d, offset << 8 | access->size);
    *value = d->state ^ d->state >> 13;
    return offset >= 0xfc0 ? BUS_SLAVE_ERROR : BUS_OK;
}

static BusResult device_write(void *opaque, uint32_t offset, const BusAccess *access, uint32_t value)
{
    touch(opaque, offset << 16 | access->size << 8 | access->privileged);
    touch(opaque, value);
    return offset >= 0xfc0 ? BUS_SLAVE_ERROR : BUS_OK;
}

static const MmioOps device_ops = {device_read, device_write};

/* ---- Tables and vectors ----------------------------------------------------------------------------- */

static void put_word(uint8_t *ram, uint32_t offset, uint32_t word)
{
    memcpy(ram + offset, &word, 4);
}

/* Small page descriptor: access by AP[2:0], Normal or Strongly-ordered. */
static uint32_t small_page(uint32_t pa, unsigned ap, bool normal)
{
    return pa | 2 | (normal ? 1 << 2 | 1 << 3 : 0) | (ap & 3) << 4 | (ap >> 2) << 9;
}

static uint32_t descriptor(WindowPage page)
{
    enum { AP_PRIVILEGED = 1, AP_ALL = 3, AP_READ = 7 };
    if (page == PAGE_DEVICE)
        return small_page(PAIR_DEVICE, AP_ALL, false);
    if (page == PAGE_ROM)
        return small_page(PAIR_ROM, AP_ALL, true);
    if (behind[page] < 0)
        return 0;
    unsigned ap = page == PAGE_READ_ONLY                            ? AP_READ
                  : page == PAGE_PRIVILEGED || page == PAGE_VECTORS ? AP_PRIVILEGED
                                                                    : AP_ALL;
    return small_page(PAIR_RAM + pair_offset(page), ap, page != PAGE_ORDERED);
}

static void make_tables(uint8_t *ram)
{
    put_word(ram, TABLE_1 + 4 * (WINDOW >> 20), (PAIR_RAM + TABLE_2) | 1);
    for (unsigned n = 0; n < WINDOW_PAGES; n++)
        put_word(ram, TABLE_2 + 4 * n, descriptor((WindowPage)n));
}

/* Undefined instructions, calls and data aborts go on behind the instruction; prefetch aborts at the start of
 * the code. (A Thumb instruction of 16 bits that aborts takes the next one with it.) */
static void make_vectors(uint8_t *ram)
{
    enum { NEXT = 0xe1b0f00e /* movs pc, lr */, BEHIND = 0xe25ef004 /* subs pc, lr, #4 */ };
    const uint32_t handler[8] = {
        0xe59ff018 /* ldr pc, [pc, #24] */, NEXT, NEXT, 0xe59ff00c, BEHIND, BEHIND, BEHIND, BEHIND};
    for (unsigned n = 0; n < 8; n++)
        put_word(ram, 4 * n, handler[n]);
    put_word(ram, 0x20, window(PAGE_CODE));
}

static void set_cp15(Cpu *cpu)
{
    cp_write(cpu, 15, 0, 2, 0, 0, PAIR_RAM + TABLE_1); /* TTBR0 */
    cp_write(cpu, 15, 0, 3, 0, 0, 1);                  /* DACR: domain 0 client */
    cp_write(cpu, 15, 0, 12, 0, 0, WINDOW);            /* VBAR */
    cp_write(cpu, 15, 0, 1, 0, 2, 0xf << 20);          /* CPACR: VFP and NEON for all */
    cp_write(cpu, 15, 0, 1, 0, 0, cp_read(cpu, 15, 0, 1, 0, 0) | 1 | 1 << 10); /* SCTLR: MMU on, SWP on */
    cpu->fpexc = 1u << 30;
    fpu_update_access(cpu);
}

/* ---- Life ------------------------------------------------------------------------------------------- */

static uint8_t *pages(size_t bytes)
{
    void *at = NULL;
    if (posix_memalign(&at, PAGE_SIZE, bytes))
        abort();
    return memset(at, 0, bytes);
}

static void written(void *opaque, uint32_t pa, uint32_t size)
{
    code_cache_written(((Side *)opaque)->cache, pa, size);
}

static void side_new(Side *s, const JitOptions *options)
{
    s->log = log_new(stderr);
    s->clock = clock_new(no_time, NULL);
    s->bus = bus_new(s->log);
    s->ram = pages(PAIR_RAM_BYTES);
    s->rom = pages(ROM_BYTES);
    for (unsigned n = 0; n < ROM_BYTES; n++)
        s->rom[n] = (uint8_t)(n * 7 + (n >> 8));
    bus_add(s->bus,
            &(Region){
                .name = "ram", .base = PAIR_RAM, .size = PAIR_RAM_BYTES, .kind = REGION_RAM, .host = s->ram});
    bus_add(
        s->bus,
        &(Region){.name = "rom", .base = PAIR_ROM, .size = ROM_BYTES, .kind = REGION_ROM, .host = s->rom});
    bus_add(s->bus, &(Region){.name = "device",
                              .base = PAIR_DEVICE,
                              .size = PAGE_SIZE,
                              .kind = REGION_MMIO,
                              .ops = &device_ops,
                              .opaque = &s->device});
    s->cpu = s->peers[0] = cpu_new(0, 1, s->bus, s->clock, s->log);
    s->device.cpu = s->cpu;
    s->cpu->peers = s->peers;
    s->cache = code_cache_new(1, s->peers);
    s->cpu->code = s->cache;
    bus_on_write(s->bus, written, s);
    Error err;
    if (options && !(s->jit = jit_new(options, s->cache, 1, s->peers, &err)))
        abort();
    cpu_reset(s->cpu);
    make_tables(s->ram);
    make_vectors(s->ram);
    set_cp15(s->cpu);
    s->cpu->leave = 0;
    s->fresh = *s->cpu;
}

Pair *pair_new(const JitOptions *options)
{
    Pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        abort();
    side_new(&pair->side[0], NULL);
    side_new(&pair->side[1], options);
    pair->clean = pages(PAIR_RAM_BYTES);
    memcpy(pair->clean, pair->side[0].ram, PAIR_RAM_BYTES);
    return pair;
}

static void side_free(Side *s)
{
    cpu_free(s->cpu);
    jit_free(s->jit);
    code_cache_free(s->cache);
    bus_free(s->bus);
    clock_free(s->clock);
    log_free(s->log);
    free(s->ram);
    free(s->rom);
}

void pair_free(Pair *pair)
{
    side_free(&pair->side[0]);
    side_free(&pair->side[1]);
    free(pair->clean);
    free(pair);
}

static void side_write(Side *s, uint32_t offset, const uint8_t *data, uint32_t size)
{
    code_cache_written(s->cache, PAIR_RAM + offset, size);
    memcpy(s->ram + offset, data, size);
}

void pair_write(Pair *pair, uint32_t ram_offset, const void *data, uint32_t size)
{
    side_write(&pair->side[0], ram_offset, data, size);
    side_write(&pair->side[1], ram_offset, data, size);
}

static void side_reset(Side *s, const uint8_t *clean)
{
    enum { GRAIN = 64 };
    for (uint32_t at = 0; at < PAIR_RAM_BYTES; at += GRAIN)
        if (memcmp(s->ram + at, clean + at, GRAIN))
            side_write(s, at, clean + at, GRAIN);
    *s->cpu = s->fresh;
    mmu_flush_all(s->cpu);
    s->device.state = s->device.accesses = 0;
}

void pair_reset(Pair *pair)
{
    side_reset(&pair->side[0], pair->clean);
    side_reset(&pair->side[1], pair->clean);
}

void side_run(Side *s, uint64_t count)
{
    s->cpu->icount_limit = s->cpu->icount + count;
    s->cpu->stopped = false;
    if (s->jit)
        jit_run(s->jit, s->cpu);
    else
        interp_run(s->cpu);
    s->stops += s->cpu->stopped;
}

void side_break(Side *s, const uint32_t *address, unsigned count)
{
    Breakpoints *list = code_cache_breakpoints(s->cache);
    while (list->count)
        breakpoints_remove(list, list->address[0]);
    for (unsigned n = 0; n < count; n++)
        breakpoints_add(list, address[n]);
    code_cache_flush(s->cache, FLUSH_BREAKPOINTS);
    s->cpu->leave = 0;
}

void pair_run(Pair *pair, uint64_t count)
{
    side_run(&pair->side[0], count);
    side_run(&pair->side[1], count);
}

const char *pair_differs(const Pair *pair)
{
    const Side *a = &pair->side[0], *b = &pair->side[1];
    const char *part = state_differs(a->cpu, b->cpu);
    if (part)
        return part;
    if (a->device.state != b->device.state || a->device.accesses != b->device.accesses)
        return "device";
    return memcmp(a->ram, b->ram, PAIR_RAM_BYTES) ? "memory" : NULL;
}

void pair_print(const Pair *pair, FILE *out)
{
    const Side *a = &pair->side[0], *b = &pair->side[1];
    state_print(a->cpu, b->cpu, "interpreted", "compiled", out);
    if (a->device.accesses != b->device.accesses || a->device.state != b->device.state)
        fprintf(out, "device accesses    %u, %u\n", a->device.accesses, b->device.accesses);
    for (uint32_t at = 0; at < PAIR_RAM_BYTES; at += 4) {
        uint32_t x, y;
        memcpy(&x, a->ram + at, 4);
        memcpy(&y, b->ram + at, 4);
        if (x != y)
            fprintf(out, "memory %08x    %08x, %08x\n", PAIR_RAM + at, x, y);
    }
}
