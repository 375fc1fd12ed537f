/* Runs single A32 and Thumb instructions on a CPU with 64 KiB of RAM and nothing else.
 *
 *     Bench b;
 *     bench_init(&b);
 *     b.cpu->r[1] = RAM_BASE + 0x1000;
 *     run_a32(&b, 0xe5910004);   // ldr r0, [r1, #4]
 *     bench_done(&b);
 *
 * Instructions run at CODE_BASE, where no memory needs to hold them. */
#ifndef ARMATURE_TESTS_CPU_ONE_INSN_H
#define ARMATURE_TESTS_CPU_ONE_INSN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/insn.h"

enum { RAM_BASE = 0x60000000, RAM_BYTES = 0x10000, CODE_BASE = RAM_BASE + 0x100 };

typedef struct Bench {
    Log *log;
    Bus *bus;
    Clock *clock;
    Cpu *cpu;
    uint8_t *ram;
} Bench;

static inline uint64_t bench_time(void *opaque)
{
    (void)opaque;
    return 0;
}

/* After reset: Secure SVC mode, MMU off. */
static inline void bench_init(Bench *b)
{
    decode_init();
    b->log = log_new(NULL);
    b->bus = bus_new(b->log);
    b->clock = clock_new(bench_time, NULL);
    b->ram = aligned_alloc(PAGE_SIZE, RAM_BYTES);
    assert_non_null(b->ram);
    memset(b->ram, 0, RAM_BYTES);
    bus_add(b->bus, &(Region){.name = "ram",
                              .base = RAM_BASE,
                              .size = RAM_BYTES,
                              .kind = REGION_RAM,
                              .host = b->ram,
                              .direct = true});
    b->cpu = cpu_new(0, 1, b->bus, b->clock, b->log);
    b->cpu->leave = 0;
}

static inline void bench_done(Bench *b)
{
    cpu_free(b->cpu);
    clock_free(b->clock);
    bus_free(b->bus);
    log_free(b->log);
    free(b->ram);
}

static inline uint32_t ram_word(const Bench *b, uint32_t address)
{
    uint32_t value;
    memcpy(&value, b->ram + (address - RAM_BASE), sizeof value);
    return value;
}

static inline void set_ram_word(Bench *b, uint32_t address, uint32_t value)
{
    memcpy(b->ram + (address - RAM_BASE), &value, sizeof value);
}

/* What the engine does for one instruction; pc is CODE_BASE before it. Returns cpu->leave. */
static inline uint8_t run_insn(Bench *b, InsnSet set, uint32_t raw)
{
    Cpu *cpu = b->cpu;
    Insn insn;
    cpu->thumb = set != SET_A32;
    decode(&insn, set, raw, 0);
    insn.offset = CODE_BASE & ~PAGE_MASK;
    cpu->page_va = CODE_BASE & PAGE_MASK;
    cpu->pc = CODE_BASE + insn.length;
    cpu->r[15] = CODE_BASE + (cpu->thumb ? 4 : 8);
    cpu->insn = cpu->block_start = &insn;
    cpu->itstate = 0;
    cpu->leave = 0;
    uint32_t flags = cpsr_read(cpu) >> 28;
    bool n = flags & 8, z = flags & 4, c = flags & 2, v = flags & 1;
    const bool holds[] = {z,       !z,     c,      !c,           n,           !n,  v, !v, c && !z,
                          !c || z, n == v, n != v, !z && n == v, z || n != v, true};
    if (holds[insn.cond])
        insn.exec(cpu, &insn);
    cpu->insn = NULL;
    return cpu->leave;
}

static inline uint8_t run_a32(Bench *b, uint32_t raw)
{
    return run_insn(b, SET_A32, raw);
}

#endif
