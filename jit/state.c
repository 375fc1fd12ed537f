/* The guest's state, member by member. */
#include "jit/state.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

typedef struct Part {
    const char *name;
    uint16_t offset;
    uint8_t size;   /* of one: 1, 2, 4, 8 bytes */
    uint16_t count; /* several are numbered */
} Part;

#define ONE(name, member)                                                                                    \
    {                                                                                                        \
        name, offsetof(Cpu, member), sizeof(((Cpu *)0)->member), 1                                           \
    }
#define MANY(name, member)                                                                                   \
    {                                                                                                        \
        name, offsetof(Cpu, member), sizeof(*((Cpu *)0)->member),                                            \
            sizeof(((Cpu *)0)->member) / sizeof(*((Cpu *)0)->member)                                         \
    }

/* clang-format off */
static const Part parts[] = {
    {"r", offsetof(Cpu, r), 4, 15}, /* r15 is no state between blocks */
    ONE("pc", pc), ONE("icount", icount),
    ONE("itstate", itstate), ONE("attention", attention), ONE("mode", mode), ONE("secure", secure),
    ONE("halted_for_event", halted_for_event), ONE("event", event),
    ONE("exclusive_valid", exclusive_valid),
    ONE("exclusive_size", exclusive_size), ONE("exclusive_pa", exclusive_pa),
    MANY("bank_r13_", bank_r13), MANY("bank_r14_", bank_r14), MANY("spsr", spsr),
    MANY("usr_r8_12_", usr_r8_12), MANY("fiq_r8_12_", fiq_r8_12),
    {"d", offsetof(Cpu, v), 8, 32}, ONE("fpscr", fpscr), ONE("fpexc", fpexc), ONE("fp_access", fp_access),
    {"cp15.secure+", offsetof(Cpu, cp15.bank[0]), 4, sizeof(Cp15Banked) / 4},
    {"cp15.nonsecure+", offsetof(Cpu, cp15.bank[1]), 4, sizeof(Cp15Banked) / 4},
    {"cp15.common+", offsetof(Cpu, cp15.actlr), 4, (offsetof(Cp15, pmu) - offsetof(Cp15, actlr)) / 4},
    {"pmu+", offsetof(Cpu, cp15.pmu), 4, offsetof(Pmu, count) / 4},
    MANY("pmu.count", cp15.pmu.count), MANY("pmu.base", cp15.pmu.base), ONE("pmu.ccnt", cp15.pmu.ccnt),
    ONE("pmu.ccnt_base", cp15.pmu.ccnt_base),
    {"cp14+", offsetof(Cpu, cp15.teecr), 4, 4},
    MANY("exceptions", exceptions), ONE("recent_count", recent_count),
};
/* clang-format on */

enum { PARTS = sizeof parts / sizeof *parts };

static uint64_t value_of(const Cpu *cpu, const Part *part, unsigned n)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)cpu + part->offset + n * part->size, part->size);
    return value;
}

const char *state_differs(const Cpu *a, const Cpu *b)
{
    for (const Part *part = parts; part < parts + PARTS; part++)
        if (memcmp((const char *)a + part->offset, (const char *)b + part->offset,
                   (size_t)part->size * part->count))
            return part->name;
    return cpsr_read(a) != cpsr_read(b) ? "cpsr" : NULL;
}

void state_print(const Cpu *a, const Cpu *b, const char *name_a, const char *name_b, FILE *out)
{
    fprintf(out, "%-18s %18s %18s\n", "", name_a, name_b);
    for (const Part *part = parts; part < parts + PARTS; part++) {
        for (unsigned n = 0; n < part->count; n++) {
            uint64_t x = value_of(a, part, n), y = value_of(b, part, n);
            char name[32];
            if (x == y)
                continue;
            snprintf(name, sizeof name, part->count > 1 ? "%s%u" : "%s", part->name, n);
            fprintf(out, "%-18s %18" PRIx64 " %18" PRIx64 "\n", name, x, y);
        }
    }
    if (cpsr_read(a) != cpsr_read(b))
        fprintf(out, "%-18s %18x %18x\n", "cpsr", cpsr_read(a), cpsr_read(b));
}
