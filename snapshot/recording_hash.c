/* Hashes as events of a journal: the first of whole machines in a recording says that the right one is
 * replayed, all others that it does the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/bytes.h"
#include "snapshot/recording.h"

/* What an event is: hashes of all components in their order, of the parts or of the memories, too. */
enum { PARTS = 'p', WHOLE = 'w' };

static MachineHash *hash_of(Machine *machine, bool memories)
{
    MachineHash *hash = malloc(sizeof *hash);
    if (!hash)
        abort();
    if (memories)
        machine_hash(machine, hash);
    else
        machine_hash_parts(machine, hash);
    return hash;
}

void recording_note_hash(Machine *machine, JournalChannel *channel, bool memories)
{
    machine_stop_pacing(machine);
    MachineHash *hash = hash_of(machine, memories);
    Buffer out = {0};
    for (unsigned n = 0; n < hash->count; n++)
        buffer_put64(&out, hash->component[n].hash);
    journal_event(channel, memories ? WHOLE : PARTS, out.data, out.size);
    buffer_free(&out);
    free(hash);
}

bool recording_compare_hash(Machine *machine, uint8_t what, const uint8_t *data, size_t size,
                            char name[RECORDING_COMPONENT])
{
    name[0] = 0;
    if (what != PARTS && what != WHOLE)
        return false;
    MachineHash *hash = hash_of(machine, what == WHOLE);
    if (size != 8 * (size_t)hash->count)
        snprintf(name, RECORDING_COMPONENT, "the parts that the machine has");
    for (unsigned n = 0; !name[0] && n < hash->count; n++) {
        uint64_t then;
        memcpy(&then, data + 8 * (size_t)n, 8);
        if (then != hash->component[n].hash)
            snprintf(name, RECORDING_COMPONENT, "%s", hash->component[n].name);
    }
    free(hash);
    return true;
}
