/* The memory balloon. */
#include <stddef.h>

#include "frontends/operation_functions.h"
#include "machine/balloon.h"

enum { KIB = 1024, MIB = 1 << 20 };

/* In the order of their numbers. */
static const struct {
    const char *name;
    bool bytes;
} stats[] = {
    {"swapped in",    true },
    {"swapped out",   true },
    {"major faults",  false},
    {"minor faults",  false},
    {"free",          true },
    {"total",         true },
    {"available",     true },
    {"disk caches",   true },
    {"huge pages",    false},
    {"huge failures", false},
};

/* MiB, with a fraction if there is one. */
static json_t *mib(uint64_t bytes)
{
    return bytes % MIB ? json_real((double)(bytes / KIB) / KIB) : json_integer((json_int_t)(bytes / MIB));
}

static json_t *describe(const BalloonState *state)
{
    json_t *result = json_object();
    json_object_set_new(result, "target", mib((uint64_t)state->target * BALLOON_PAGE));
    json_object_set_new(result, "actual", mib((uint64_t)state->actual * BALLOON_PAGE));
    json_object_set_new(result, "driver", json_boolean(state->driven));
    json_object_set_new(result, "reporting", json_boolean(state->reports));
    json_object_set_new(result, "given back", mib(state->given_back));
    for (unsigned n = 0; n < sizeof stats / sizeof *stats; n++)
        if (state->known >> n & 1)
            json_object_set_new(result, stats[n].name,
                                stats[n].bytes ? mib(state->stat[n])
                                               : json_integer((json_int_t)state->stat[n]));
    return result;
}

json_t *op_balloon(Call *call, int size)
{
    Machine *machine = session_machine(call->client->session);
    BalloonPort *balloon = &machine->env.balloon;
    BalloonState state;
    if (!balloon->look) {
        call_fail(call, "balloon: the machine has none; start it with --balloon on");
        return NULL;
    }
    if (size >= 0 && (uint64_t)size * MIB >= machine->options.memory) {
        call_fail(call, "balloon: the guest has %u MiB in all, and needs some",
                  (unsigned)(machine->options.memory / MIB));
        return NULL;
    }
    if (size >= 0)
        balloon_set_target(balloon, (uint32_t)size * (MIB / BALLOON_PAGE));
    balloon_look(balloon, &state);
    return describe(&state);
}
