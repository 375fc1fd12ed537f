#include "snapshot/head.h"

#include <stdlib.h>
#include <string.h>

#define MEMBER(member, kind)                                                                                 \
    {                                                                                                        \
#member, kind, offsetof(Head, member), 1, 1, NULL                                                    \
    }

static const FieldDef fields[] = {
    MEMBER(program, FIELD_MEMORY),   MEMBER(note, FIELD_MEMORY),
    MEMBER(host_time, FIELD_U64),    MEMBER(guest_ns, FIELD_U64),
    MEMBER(instructions, FIELD_U64), MEMBER(memory, FIELD_U64),
    MEMBER(cpus, FIELD_U32),         MEMBER(deterministic, FIELD_BOOL),
    MEMBER(compressed, FIELD_BOOL),  {"identity", FIELD_U64, offsetof(Head, identity), 2, 2, NULL},
};

static Part part_of(Head *head)
{
    return (Part){.name = "snapshot",
                  .type = "head",
                  .version = 2,
                  .base = head,
                  .fields = fields,
                  .field_count = sizeof fields / sizeof *fields};
}

static void set_text(DeviceMemory *memory, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    if (!device_memory_set(memory, length))
        abort();
    if (length)
        memcpy(memory->bytes, text, length);
}

void head_fill(Head *head, Machine *machine, const SnapshotWish *wish, const uint64_t identity[2])
{
    *head = (Head){.host_time = (uint64_t)wish->host_time,
                   .guest_ns = clock_now(machine->clock),
                   .instructions = machine_icount(machine),
                   .memory = machine->options.memory,
                   .cpus = machine->options.cpus,
                   .deterministic = machine->options.deterministic,
                   .compressed = wish->compress};
    memcpy(head->identity, identity, sizeof head->identity);
    set_text(&head->program, "armature " ARMATURE_VERSION);
    set_text(&head->note, wish->note);
}

void head_free(Head *head)
{
    device_memory_set(&head->program, 0);
    device_memory_set(&head->note, 0);
}

void head_encode(Head *head, Buffer *out)
{
    Part part = part_of(head);
    part_encode(&part, out);
}

bool head_decode(Head *head, const uint8_t *data, size_t size, Error *err)
{
    Part part = part_of(head);
    *head = (Head){0};
    return part_decode(&part, data, size, err);
}

bool head_rewrite(const uint8_t *payload, size_t size, const uint64_t identity[2], bool compressed,
                  Buffer *out, Error *err)
{
    Head head;
    bool ok = head_decode(&head, payload, size, err);
    head.compressed = compressed;
    memcpy(head.identity, identity, sizeof head.identity);
    if (ok)
        head_encode(&head, out);
    head_free(&head);
    return ok;
}
