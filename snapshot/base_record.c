#define _GNU_SOURCE
#include "snapshot/base_record.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As fields know it. */
typedef struct Flat {
    DeviceMemory file;
    uint64_t identity[2];
} Flat;

static const FieldDef fields[] = {
    {"file",     FIELD_MEMORY, offsetof(Flat, file),     1, 1, NULL},
    {"identity", FIELD_U64,    offsetof(Flat, identity), 2, 1, NULL},
};

static Part part_of(Flat *flat)
{
    return (Part){.name = "base",
                  .type = "base",
                  .version = 1,
                  .base = flat,
                  .fields = fields,
                  .field_count = sizeof fields / sizeof *fields};
}

void base_record_encode(const BaseRecord *record, Buffer *out)
{
    Flat flat = {
        .file = {.bytes = (uint8_t *)record->file, .size = strlen(record->file)},
        .identity = {record->identity[0],              record->identity[1]         }
    };
    Part part = part_of(&flat);
    part_encode(&part, out);
}

static bool take(BaseRecord *record, const Flat *flat)
{
    const uint8_t *bytes = flat->file.bytes;
    memset(record, 0, sizeof *record);
    if (!flat->file.size || flat->file.size >= sizeof record->file)
        return false;
    for (uint64_t n = 0; n < flat->file.size; n++)
        if (bytes[n] < ' ' || bytes[n] == 0x7f)
            return false;
    memcpy(record->file, bytes, flat->file.size);
    memcpy(record->identity, flat->identity, sizeof record->identity);
    return true;
}

bool base_record_decode(BaseRecord *record, const uint8_t *data, size_t size, Error *err)
{
    Flat flat = {.file = {.bytes = NULL}};
    Part part = part_of(&flat);
    bool ok = part_decode(&part, data, size, err);
    if (ok && !take(record, &flat))
        ok = error_set(err, "what it says of its base is damaged");
    device_memory_set(&flat.file, 0);
    return ok;
}

/* ---- Paths --------------------------------------------------------------------------------------------- */

static bool folder_of(const char *path, char *folder, Error *err)
{
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    if (!copy)
        abort();
    if (slash)
        slash[slash == copy] = 0;
    bool ok = realpath(slash ? copy : ".", folder) || error_set(err, "'%s': %s", path, strerror(errno));
    free(copy);
    return ok;
}

/* Where the part of both that is the same ends, behind a slash. */
static size_t common(const char *a, const char *b)
{
    size_t same = 0;
    for (size_t n = 0; a[n] && a[n] == b[n]; n++)
        if (a[n] == '/')
            same = n + 1;
    return same;
}

bool base_relative_path(const char *from, const char *to, char *path, size_t size, Error *err)
{
    char folder[PATH_MAX + 1], target[PATH_MAX];
    if (!folder_of(from, folder, err))
        return false;
    if (!realpath(to, target))
        return error_set(err, "'%s': %s", to, strerror(errno));
    if (folder[1])
        strcat(folder, "/");
    size_t same = common(folder, target), used = 0;
    for (const char *at = folder + same; (at = strchr(at, '/')) && used < size; at++)
        used += (size_t)snprintf(path + used, size - used, "../");
    used += used < size ? (size_t)snprintf(path + used, size - used, "%s", target + same) : 0;
    for (const char *at = target; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return error_set(err, "'%s': there are control characters in its name", to);
    return used < size || error_set(err, "'%s': its path is too long", to);
}
