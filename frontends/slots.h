/* Ten snapshots of a machine that are kept without a name: files in $XDG_STATE_HOME/armature/slots, in a
 * folder for each machine, which its kernel, initrd, disks, flash files and what else is loaded make. Several
 * processes may use a slot at once: files take their names when they are whole. */
#ifndef ARMATURE_FRONTENDS_SLOTS_H
#define ARMATURE_FRONTENDS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/options.h"

enum { SLOTS = 10, THUMBNAIL_WIDTH = 96, THUMBNAIL_HEIGHT = 72, SLOT_TEXT = 40 };

typedef struct Slot {
    bool used;
    char date[SLOT_TEXT]; /* when it was saved, local time */
    char text[SLOT_TEXT]; /* what else there is to say; if the file is none of ours, that */
    int width, height;    /* of the thumbnail; 0: there is none */
    uint32_t thumbnail[THUMBNAIL_WIDTH * THUMBNAIL_HEIGHT]; /* 0xAARRGGBB, row by row */
} Slot;

/* The folder of the machine that the options make; false: there is no home. */
bool slots_folder(const Options *options, char *path, size_t size);

/* The file of slot n, 0 to SLOTS - 1; false if the name is too long. */
bool slot_path(const char *folder, unsigned n, char *path, size_t size);

/* Whether the host has so much room that slots need not be compressed: all of them, with so many bytes each,
 * would take no more than half of what is free where the file at path is or would be. */
bool slots_fit(const char *path, uint64_t bytes);

void slot_read(Slot *slot, const char *path);

#endif
