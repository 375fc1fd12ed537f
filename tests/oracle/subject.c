#include "tests/oracle/subject.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "jit/jit.h"

enum { TABLES = 0x40000000, VECTORS = 0x50000000, TABLES_BYTES = 0x5000, LIMIT = 400 };

struct Subject {
    Log *log;
    Clock *clock;
    Bus *bus;
    Cpu *cpu;
    Cpu *peers[1];
    struct CodeCache *cache;
    Jit *jit; /* NULL: interpreter */
    uint8_t code[4096], data[ORACLE_DATA_BYTES], vectors[4096], tables[TABLES_BYTES];
};

static uint64_t no_time(void *opaque)
{
    (void)opaque;
    return 0;
}

static void add_ram(Subject *s, const char *name, uint32_t base, uint8_t *host, uint32_t size)
{
    bus_add(s->bus, &(Region){.name = name, .base = base, .size = size, .kind = REGION_RAM, .host = host});
}

static void put_word(uint8_t *at, uint32_t word)
{
    memcpy(at, &word, 4);
}

/* Sections for code (read, write, execute by all) and vectors (privileged), a small page for the data. */
static void make_tables(Subject *s)
{
    const uint32_t section = 2 | 1 << 2 | 1 << 3, user = 3 << 10, privileged = 1 << 10;
    put_word(s->tables + 4 * (ORACLE_CODE >> 20), ORACLE_CODE | section | user);
    put_word(s->tables + 4 * (VECTORS >> 20), VECTORS | section | privileged);
    put_word(s->tables + 4 * (ORACLE_DATA >> 20), (TABLES + 0x4000) | 1);
    put_word(s->tables + 0x4000, ORACLE_DATA | 2 | 1 << 2 | 1 << 3 | 3 << 4);
    for (unsigned n = 0; n < 8; n++)
        put_word(s->vectors + 4 * n, 0xeafffffe);
}

static void set_cp15(Cpu *cpu)
{
    cp_write(cpu, 15, 0, 2, 0, 0, TABLES);    /* TTBR0 */
    cp_write(cpu, 15, 0, 3, 0, 0, 1);         /* DACR: domain 0 client */
    cp_write(cpu, 15, 0, 12, 0, 0, VECTORS);  /* VBAR */
    cp_write(cpu, 15, 0, 1, 0, 2, 0xf << 20); /* CPACR: VFP and NEON for all */
    cp_write(cpu, 15, 0, 1, 0, 0, cp_read(cpu, 15, 0, 1, 0, 0) | 1 | 1 << 10); /* SCTLR: MMU on, SWP on */
    cpu->fpexc = 1u << 30;
    fpu_update_access(cpu);
}

static Jit *make_jit(Subject *s)
{
    Error err;
    Jit *jit = jit_new(&(JitOptions){.mode = JIT_ON, .threshold = 0}, s->cache, 1, s->peers, &err);
    if (!jit)
        abort();
    return jit;
}

Subject *subject_new(bool jit)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 4096, sizeof(Subject)))
        abort();
    Subject *s = memory;
    memset(s, 0, sizeof *s);
    s->log = log_new(stderr);
    s->clock = clock_new(no_time, NULL);
    s->bus = bus_new(s->log);
    add_ram(s, "code", ORACLE_CODE, s->code, sizeof s->code);
    add_ram(s, "data", ORACLE_DATA, s->data, sizeof s->data);
    add_ram(s, "vectors", VECTORS, s->vectors, sizeof s->vectors);
    add_ram(s, "tables", TABLES, s->tables, sizeof s->tables);
    make_tables(s);
    s->cpu = s->peers[0] = cpu_new(0, 1, s->bus, s->clock, s->log);
    s->cpu->peers = s->peers;
    s->cache = code_cache_new(1, s->peers);
    s->cpu->code = s->cache;
    s->jit = jit ? make_jit(s) : NULL;
    cpu_reset(s->cpu);
    set_cp15(s->cpu);
    put_word(s->code + (ORACLE_STUB - ORACLE_CODE), 0xeafffffe);
    return s;
}

void subject_free(Subject *s)
{
    cpu_free(s->cpu);
    jit_free(s->jit);
    code_cache_free(s->cache);
    bus_free(s->bus);
    clock_free(s->clock);
    log_free(s->log);
    free(s);
}

uint32_t subject_fault_address(const Subject *s)
{
    return cp_read(s->cpu, 15, 0, 6, 0, 0);
}

const uint32_t *subject_data(const Subject *s)
{
    return (const uint32_t *)s->data;
}

static void set_state(Cpu *cpu, const OracleCase *c)
{
    cpsr_write(cpu, c->in.cpsr | (c->thumb ? PSR_T : 0), 0xffffffff);
    memcpy(cpu->r, c->in.r, sizeof c->in.r);
    memcpy(cpu->v.d, c->in.d, sizeof c->in.d);
    cpu->fpscr = c->in.fpscr;
    fpu_update_access(cpu);
    cpu->pc = ORACLE_CODE;
    cpu->itstate = 0;
    cpu->leave = 0;
}

/* What the exception that was taken says, as the runner's signal handler sees it. */
static void exception_result(Cpu *cpu, OracleResult *result)
{
    uint32_t spsr = spsr_read(cpu), thumb = spsr & PSR_T;
    uint32_t back;
    if (cpu->mode == MODE_UND) {
        result->outcome = ORACLE_UNDEFINED;
        back = thumb ? 2 : 4;
    } else {
        result->outcome = ORACLE_ABORT;
        back = (cpu->pc & 0x1f) == 0x10 ? 8 : 4;
    }
    result->pc = cpu->r[14] - back;
    for (unsigned n = 0; n < 15; n++)
        result->out.r[n] = cpu_reg_of_mode(cpu, n, MODE_USR);
    result->out.cpsr = spsr;
}

void subject_run(Subject *s, const OracleCase *c, OracleResult *result)
{
    Cpu *cpu = s->cpu;
    memset(result, 0, sizeof *result);
    code_cache_written(s->cache, ORACLE_CODE, sizeof c->code);
    memcpy(s->code, c->code, sizeof c->code);
    oracle_fill((uint32_t *)s->data, c->data_seed);
    set_state(cpu, c);
    cpu->icount_limit = cpu->icount + LIMIT;
    if (s->jit)
        jit_run(s->jit, cpu);
    else
        interp_run(cpu);
    memcpy(result->out.d, cpu->v.d, sizeof result->out.d);
    result->out.fpscr = cpu->fpscr;
    result->data_hash = oracle_hash((uint32_t *)s->data);
    if (cpu->mode != MODE_USR) {
        exception_result(cpu, result);
        return;
    }
    memcpy(result->out.r, cpu->r, sizeof result->out.r);
    result->out.cpsr = cpsr_read(cpu);
    result->outcome = cpu->pc == ORACLE_STUB ? ORACLE_ENDED : ORACLE_STUCK;
}
