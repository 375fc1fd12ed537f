/* `armature disk info`. */
#ifndef ARMATURE_FRONTENDS_DISK_INFO_H
#define ARMATURE_FRONTENDS_DISK_INFO_H

#include <stdbool.h>

#include "machine/error.h"

/* Prints what the image at path is, also while a machine uses it. */
bool disk_info(const char *path, bool json, Error *err);

#endif
