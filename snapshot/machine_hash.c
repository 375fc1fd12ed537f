#include "snapshot/machine_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/hash64.h"
#include "snapshot/memory.h"

static uint64_t item_hash(const Item *item, uint64_t sum)
{
    unsigned size = item_size(item->kind);
    sum = hash64(item->name, strlen(item->name), sum);
    for (uint32_t n = 0; n < item->count; n++) {
        const uint8_t *at = item->at + (size_t)n * item->stride;
        if (item->kind == ITEM_TIMER)
            sum = hash64(&((const Timer *)at)->due, size, sum);
        else if (item->kind == ITEM_MEMORY)
            sum = hash64(((const DeviceMemory *)at)->bytes, ((const DeviceMemory *)at)->size, sum);
        else if (item->stride == size) {
            return hash64(at, (size_t)size * item->count, sum);
        } else
            sum = hash64(at, size, sum);
    }
    return sum;
}

static uint64_t part_hash(const Part *part)
{
    unsigned count = part_items(part, NULL);
    Item *items = malloc((count + 1) * sizeof *items);
    if (!items)
        abort();
    part_items(part, items);
    uint64_t sum = hash64(part->type, strlen(part->type), part->version);
    for (unsigned n = 0; n < count; n++)
        if (items[n].hashed)
            sum = item_hash(&items[n], sum);
    free(items);
    return sum;
}

static void page_hash(void *opaque, uint32_t page, const uint8_t *data)
{
    uint64_t *sum = opaque;
    *sum = hash64(data, MEMORY_PAGE, *sum ^ page * UINT64_C(0x9e3779b185ebca87));
}

static void add(MachineHash *hash, const char *name, uint64_t value)
{
    ComponentHash *component = &hash->component[hash->count++];
    snprintf(component->name, sizeof component->name, "%s", name);
    component->hash = value;
    hash->all = hash64(&value, sizeof value, hash->all);
}

void machine_hash_parts(Machine *machine, MachineHash *hash)
{
    Parts parts;
    *hash = (MachineHash){0};
    bus_settle(machine->bus);
    parts_take(&parts, machine);
    for (unsigned n = 0; n < parts.count; n++)
        if (!(parts.part[n].flags & PART_NOT_HASHED))
            add(hash, parts.part[n].name, part_hash(&parts.part[n]));
    parts_free(&parts);
}

void machine_hash(Machine *machine, MachineHash *hash)
{
    MachineMemory memory;
    machine_hash_parts(machine, hash);
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++) {
        uint64_t sum = memory.size;
        memory_pages(&memory, page_hash, &sum);
        add(hash, memory.name, sum);
    }
}

const char *machine_hash_difference(const MachineHash *a, const MachineHash *b)
{
    if (a->count != b->count)
        return "the components themselves";
    for (unsigned n = 0; n < a->count; n++)
        if (a->component[n].hash != b->component[n].hash ||
            strcmp(a->component[n].name, b->component[n].name))
            return a->component[n].name;
    return NULL;
}
