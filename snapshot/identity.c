#include "snapshot/identity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "snapshot/hash64.h"
#include "snapshot/part.h"
#include "snapshot/part_code.h"

static uint64_t sum_of(const Buffer *part, unsigned parts)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < parts; n++)
        sum = hash64(part[n].data, part[n].size, sum);
    return sum ? sum : 1;
}

void identity_of(Machine *machine, const Buffer *part, unsigned parts, uint64_t identity[2])
{
    uint64_t sum = sum_of(part, parts);
    if (machine->known != sum &&
        getrandom(machine->identity, sizeof machine->identity, 0) != sizeof machine->identity)
        abort();
    machine->known = sum;
    memcpy(identity, machine->identity, sizeof machine->identity);
}

void identity_loaded(Machine *machine, const uint64_t identity[2])
{
    Parts parts;
    uint64_t sum = 0;
    Buffer payload = {0};
    parts_take(&parts, machine);
    for (unsigned n = 0; n < parts.count; n++) {
        payload.size = 0;
        part_encode(&parts.part[n], &payload);
        sum = hash64(payload.data, payload.size, sum);
    }
    buffer_free(&payload);
    parts_free(&parts);
    machine->known = sum ? sum : 1;
    memcpy(machine->identity, identity, sizeof machine->identity);
}
