/* A file that appears at its path whole, or not at all. */
#ifndef ARMATURE_SNAPSHOT_TEMPORARY_H
#define ARMATURE_SNAPSHOT_TEMPORARY_H

#include "machine/error.h"

typedef struct Temporary {
    int fd;
    char *path, *temporary; /* NULL: there is no file any more */
} Temporary;

/* Makes a temporary file beside path. */
bool temporary_open(Temporary *file, const char *path, Error *err);
/* Gives it its name; it is on the host's disk (fsync) already, and its name is afterwards. */
bool temporary_keep(Temporary *file, Error *err);
/* Removes it if it was not kept. */
void temporary_free(Temporary *file);

#endif
