/* extlinux.conf, which U-Boot and others boot by: the entry that is booted by default. */
#ifndef ARMATURE_VOLUMES_EXTLINUX_H
#define ARMATURE_VOLUMES_EXTLINUX_H

#include <stdbool.h>

enum { EXTLINUX_PATH = 512, EXTLINUX_APPEND = 2048 };

typedef struct ExtlinuxEntry {
    char kernel[EXTLINUX_PATH], initrd[EXTLINUX_PATH], append[EXTLINUX_APPEND]; /* "": there is none */
} ExtlinuxEntry;

/* The entry that DEFAULT names, else the first. False if none has a kernel. */
bool extlinux_parse(const char *text, ExtlinuxEntry *entry);

#endif
