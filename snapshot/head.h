/* The first chunk: what the file is. */
#ifndef ARMATURE_SNAPSHOT_HEAD_H
#define ARMATURE_SNAPSHOT_HEAD_H

#include "snapshot/part_code.h"
#include "snapshot/snapshot.h"

typedef struct Head {
    DeviceMemory program, note;
    uint64_t host_time, guest_ns, instructions, memory;
    uint64_t identity[2]; /* random; the state's, in whatever file it is */
    uint32_t cpus;
    bool deterministic, compressed;
} Head;

void head_fill(Head *head, Machine *machine, const SnapshotWish *wish, const uint64_t identity[2]);
void head_free(Head *head);
void head_encode(Head *head, Buffer *out);
/* Fills head; false with err set if it is damaged. */
bool head_decode(Head *head, const uint8_t *data, size_t size, Error *err);
/* The head of the same state in another file, appended to out. False with err set if the payload is damaged.
 */
bool head_rewrite(const uint8_t *payload, size_t size, const uint64_t identity[2], bool compressed,
                  Buffer *out, Error *err);

#endif
