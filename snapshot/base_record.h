/* What an incremental snapshot says of its base: a BASE chunk. */
#ifndef ARMATURE_SNAPSHOT_BASE_RECORD_H
#define ARMATURE_SNAPSHOT_BASE_RECORD_H

#include "snapshot/part_code.h"

enum { BASE_RECORD_MOST = 1 << 13, BASE_FILE_BYTES = 4096 };

typedef struct BaseRecord {
    uint64_t identity[2];
    char file[BASE_FILE_BYTES]; /* from the folder of the file that says it, or from the root */
} BaseRecord;

void base_record_encode(const BaseRecord *record, Buffer *out);
/* False with err set if it is damaged. */
bool base_record_decode(BaseRecord *record, const uint8_t *data, size_t size, Error *err);

/* How a file at `from` calls the one at `to`, which is there; false with err set if there is no way. */
bool base_relative_path(const char *from, const char *to, char *path, size_t size, Error *err);

#endif
