/* Bytes of a disk, or of a part of one, that can be read. */
#ifndef ARMATURE_VOLUMES_SOURCE_H
#define ARMATURE_VOLUMES_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Source {
    /* Reads any range inside the whole; false if the host cannot. */
    bool (*read)(void *opaque, uint64_t offset, void *data, size_t length);
    void *opaque;
    uint64_t base, size; /* of this part, in bytes */
} Source;

/* False also for a range that is not inside. */
static inline bool source_read(const Source *source, uint64_t offset, void *data, size_t length)
{
    return offset <= source->size && length <= source->size - offset &&
           source->read(source->opaque, source->base + offset, data, length);
}

/* Cut to what the whole has. */
static inline Source source_part(const Source *whole, uint64_t offset, uint64_t size)
{
    Source part = *whole;
    uint64_t rest = offset < whole->size ? whole->size - offset : 0;
    part.base += offset < whole->size ? offset : whole->size;
    part.size = size < rest ? size : rest;
    return part;
}

static inline uint16_t source_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t source_le32(const uint8_t *at)
{
    return source_le16(at) | (uint32_t)source_le16(at + 2) << 16;
}

static inline uint64_t source_le64(const uint8_t *at)
{
    return source_le32(at) | (uint64_t)source_le32(at + 4) << 32;
}

#endif
