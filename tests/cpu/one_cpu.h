/* A CPU with 1 MiB of RAM at 0x60000000 and a device page at 0x10000000, without a machine or an engine
 * around it. */
#ifndef ARMATURE_TESTS_CPU_ONE_CPU_H
#define ARMATURE_TESTS_CPU_ONE_CPU_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/insn.h"

enum { RAM_BASE = 0x60000000, RAM_SIZE = 0x100000, DEVICE_BASE = 0x10000000, MAX_TEST_CPUS = 2 };

typedef struct OneCpu {
    Log *log;
    Bus *bus;
    Cpu *cpu; /* CPU 0 */
    Cpu *peers[MAX_TEST_CPUS];
    unsigned cpus;
    uint8_t *ram;
    Insn insn;             /* the instruction that "executes" */
    uint32_t device[1024]; /* what the device page holds */
    BusAccess last_access; /* that the device page saw */
    unsigned device_accesses;
    BusResult device_result;
} OneCpu;

static inline BusResult test_device_read(void *opaque, uint32_t offset, const BusAccess *access,
                                         uint32_t *value)
{
    OneCpu *t = opaque;
    t->last_access = *access;
    t->device_accesses++;
    *value = t->device[offset / 4] >> (8 * (offset & 3));
    return t->device_result;
}

static inline BusResult test_device_write(void *opaque, uint32_t offset, const BusAccess *access,
                                          uint32_t value)
{
    OneCpu *t = opaque;
    t->last_access = *access;
    t->device_accesses++;
    if (t->device_result == BUS_OK)
        memcpy((uint8_t *)t->device + offset, &value, access->size);
    return t->device_result;
}

static const MmioOps test_device_ops = {test_device_read, test_device_write};

static inline OneCpu *one_cpu_new(unsigned cpus)
{
    OneCpu *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->log = log_new(stderr);
    t->bus = bus_new(t->log);
    t->ram = aligned_alloc(4096, RAM_SIZE);
    assert_non_null(t->ram);
    memset(t->ram, 0, RAM_SIZE);
    bus_add(t->bus,
            &(Region){.name = "ram", .base = RAM_BASE, .size = RAM_SIZE, .kind = REGION_RAM, .host = t->ram});
    bus_add(t->bus, &(Region){.name = "device",
                              .base = DEVICE_BASE,
                              .size = 0x1000,
                              .kind = REGION_MMIO,
                              .ops = &test_device_ops,
                              .opaque = t});
    t->cpus = cpus;
    for (unsigned n = 0; n < cpus; n++)
        t->peers[n] = cpu_new(n, cpus, t->bus, NULL, t->log);
    for (unsigned n = 0; n < cpus; n++)
        t->peers[n]->peers = t->peers;
    t->cpu = t->peers[0];
    return t;
}

static inline void one_cpu_free(OneCpu *t)
{
    for (unsigned n = 0; n < t->cpus; n++)
        cpu_free(t->peers[n]);
    bus_free(t->bus);
    log_free(t->log);
    free(t->ram);
    free(t);
}

/* An instruction at address begins to execute. */
static inline void begin(OneCpu *t, uint32_t address, bool thumb, uint8_t itstate)
{
    memset(&t->insn, 0, sizeof t->insn);
    t->insn.offset = address & 0xfff;
    t->insn.length = thumb ? 2 : 4;
    t->insn.itstate = itstate;
    t->cpu->page_va = address & PAGE_MASK;
    t->cpu->thumb = thumb;
    t->cpu->insn = t->cpu->block_start = &t->insn;
    t->cpu->leave = 0;
}

/* It ends; true if it took an exception. */
static inline bool end(OneCpu *t)
{
    bool taken = t->cpu->leave & LEAVE_FAULT;
    t->cpu->insn = NULL;
    t->cpu->leave = 0;
    return taken;
}

static inline void put32(OneCpu *t, uint32_t pa, uint32_t value)
{
    memcpy(t->ram + (pa - RAM_BASE), &value, 4);
}

static inline uint32_t get32(OneCpu *t, uint32_t pa)
{
    uint32_t value;
    memcpy(&value, t->ram + (pa - RAM_BASE), 4);
    return value;
}

/* One CP15 access as an instruction; *taken tells whether it was UNDEFINED or faulted. */
static inline uint32_t mrc(OneCpu *t, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, bool *taken)
{
    begin(t, 0x1000, false, 0);
    uint32_t value = cp_read(t->cpu, 15, opc1, crn, crm, opc2);
    *taken = end(t);
    return value;
}

static inline bool mcr(OneCpu *t, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t value)
{
    begin(t, 0x1000, false, 0);
    cp_write(t->cpu, 15, opc1, crn, crm, opc2, value);
    return !end(t);
}

#endif
