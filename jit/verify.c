/* The interpreter against compiled code, block by block, while a guest runs.
 *
 * The interpreter comes first, with all its accesses going through mmu/access.c, where stores are noted. Then
 * memory and the CPU are put back, and compiled code runs from the same state. Now and then it finds no page
 * that it may access directly, so that slow paths are compared too. */
#define _GNU_SOURCE
#include "jit/verify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/engine.h"
#include "cpu/store_log.h"
#include "jit/print.h"
#include "jit/private.h"
#include "jit/state.h"

/* One execution of so many takes slow paths only; not a power of two, which loops could be in step with. */
enum { SLOW_ONE_IN = 13 };

struct Verifier {
    StoreLog log;
    TlbTable no_pages; /* neither ever matches: no load or store bypasses mmu/access.c */
    FastTlb *no_fast;
    Cpu before, interpreted;
    uint64_t runs;
    bool different;
};

Verifier *verifier_new(void)
{
    Verifier *v = calloc(1, sizeof *v);
    void *fast = mmap(NULL, sizeof(FastTlb), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!v || fast == MAP_FAILED)
        abort();
    v->no_fast = fast;
    for (unsigned n = 0; n < TLB_SIZE; n++)
        v->no_pages.entry[n] = (TlbEntry){
            .read = TLB_NO_MATCH, .write = TLB_NO_MATCH, .fetch = TLB_NO_MATCH, .page = TLB_NO_MATCH};
    return v;
}

void verifier_free(Verifier *verifier)
{
    if (verifier)
        munmap(verifier->no_fast, sizeof(FastTlb));
    free(verifier);
}

static void interpret(Verifier *v, Cpu *cpu, const Block *block)
{
    v->log.count = 0;
    v->log.final = false;
    cpu->stores = &v->log;
    cpu->tlb = &v->no_pages;
    cpu->fast = v->no_fast;
    engine_step(cpu, block);
    cpu->stores = NULL;
    mmu_select(cpu);
}

/* The CPU as it was; the TLB may have learnt something meanwhile. */
static void put_back(Cpu *cpu, const Cpu *saved)
{
    *cpu = *saved;
    mmu_select(cpu);
}

static void take_back_stores(StoreLog *log)
{
    for (unsigned n = 0; n < log->count; n++)
        memcpy(&log->entry[n].after, log->entry[n].host, log->entry[n].size);
    for (unsigned n = log->count; n-- > 0;)
        memcpy(log->entry[n].host, &log->entry[n].before, log->entry[n].size);
}

/* True if memory is not what the interpreter left where it stored. */
static bool stores_differ(const StoreLog *log)
{
    for (unsigned n = 0; n < log->count; n++)
        if (memcmp(log->entry[n].host, &log->entry[n].after, log->entry[n].size))
            return true;
    return false;
}

/* Refills of the TLB are counted when they happen, which is once. */
static void take_over_counters(const Verifier *v, Cpu *cpu)
{
    memcpy(cpu->cp15.pmu.count, v->interpreted.cp15.pmu.count, sizeof cpu->cp15.pmu.count);
    memcpy(cpu->cp15.pmu.base, v->interpreted.cp15.pmu.base, sizeof cpu->cp15.pmu.base);
}

static void print_stores(const StoreLog *log, FILE *out)
{
    for (unsigned n = 0; n < log->count; n++) {
        const StoreLogEntry *entry = &log->entry[n];
        uint64_t now = 0;
        memcpy(&now, entry->host, entry->size);
        fprintf(out, "store of %u bytes to page offset %03x: before %llx, interpreted %llx, compiled %llx\n",
                entry->size, (unsigned)((uintptr_t)entry->host % PAGE_SIZE),
                (unsigned long long)entry->before, (unsigned long long)entry->after, (unsigned long long)now);
    }
}

static void write_report(Jit *jit, const Cpu *cpu, Block *block, const char *part, FILE *out)
{
    const Verifier *v = jit->verifier;
    fprintf(out,
            "%s: compiled code differs from the interpreter in %s, at pc %08x, after %llu instructions\n",
            cpu->name, part, v->before.pc, (unsigned long long)v->before.icount);
    jit_print_block(jit, block, v->before.pc & PAGE_MASK, out);
    fputs("before, if it is not as the interpreter left it:\n", out);
    state_print(&v->before, &v->interpreted, "before", "interpreted", out);
    fputs("after:\n", out);
    state_print(&v->interpreted, cpu, "interpreted", "compiled", out);
    print_stores(&v->log, out);
}

static void report(Jit *jit, const Cpu *cpu, Block *block, const char *part)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    write_report(jit, cpu, block, part, out);
    fclose(out);
    jit->verifier->different = true;
    if (jit->difference)
        jit->difference(jit->difference_opaque, text);
    free(text);
}

static bool stop(Cpu *cpu)
{
    cpu->icount_limit = cpu->icount;
    return false;
}

bool verify_block(Jit *jit, Cpu *cpu, Block *block)
{
    Verifier *v = jit->verifier;
    if (v->different)
        return stop(cpu);
    cpu->leave = 0; /* asks for the look that was just taken */
    v->before = *cpu;
    uint64_t dropped = code_cache_counts(jit->code).dropped;
    interpret(v, cpu, block);
    if (v->log.final || code_cache_counts(jit->code).dropped != dropped) {
        jit->counts.unrepeated++;
        return true;
    }
    v->interpreted = *cpu;
    take_back_stores(&v->log);
    put_back(cpu, &v->before);
    if (++v->runs % SLOW_ONE_IN == 0)
        cpu->fast = v->no_fast;
    jit_enter(jit, cpu, block);
    cpu->leave = 0;
    mmu_select(cpu);
    jit->counts.verified++;
    take_over_counters(v, cpu);
    const char *part = state_differs(&v->interpreted, cpu);
    if (!part && stores_differ(&v->log))
        part = "memory";
    if (part)
        report(jit, cpu, block, part);
    return !v->different || stop(cpu);
}
