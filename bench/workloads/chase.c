/* Follows a random ring of pointers, one small enough for the caches and one through 16 MiB. */
#include "workload.h"

#include <stdlib.h>

typedef struct Link {
    struct Link *next;
    uint32_t value;
} Link;

/* A random order that is one ring (Sattolo's algorithm). */
static Link *make_ring(uint32_t count, uint32_t *state)
{
    Link *links = malloc(count * sizeof *links);
    uint32_t *order = malloc(count * sizeof *order);

    require(links && order, "memory");
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = next_random(state) % i, swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (uint32_t i = 0; i < count; i++)
        links[order[i]] = (Link){&links[order[(i + 1) % count]], order[i]};
    free(order);
    return links;
}

static uint32_t follow(const Link *link, uint32_t steps)
{
    uint32_t sum = 0;

    for (; steps > 0; steps--) {
        sum += link->value;
        link = link->next;
    }
    return mix(sum, link->value);
}

uint32_t run(unsigned units)
{
    uint32_t state = 161803398, hash = 0;
    Link *small = make_ring(4096, &state), *large = make_ring(2u << 20, &state);

    for (unsigned unit = 0; unit < units; unit++)
        hash = mix(hash, follow(small, 400000) + follow(large, 40000 + unit));
    free(small);
    free(large);
    return hash;
}
