/* What --disk takes: a disk and where its medium is, as text. docs/disks.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_DISK_SPEC_H
#define ARMATURE_FRONTENDS_DISK_SPEC_H

#include <stdbool.h>

#include "machine/disk.h"
#include "machine/error.h"

typedef enum DiskBus { DISK_BUS_VIRTIO, DISK_BUS_SD, DISK_BUS_CF, DISK_BUSES } DiskBus;

/* FILE[,overlay=temp|PATH][,ro][,format=raw][,if=virtio|sd|cf][,serial=TEXT][,name=TEXT] */
typedef struct DiskSpec {
    char *file;    /* or nbd:PATH, nbd+unix://... */
    char *overlay; /* PATH; NULL: none, or a temporary one */
    bool temporary, read_only, raw;
    DiskBus bus;
    char serial[DISK_SERIAL_BYTES + 1]; /* "": none */
    char *name;                         /* NULL: disk0, disk1, ...; sd; cf */
} DiskSpec;

/* Fills spec; disk_spec_free() frees its strings (also after a failure). err says what would be right, but
 * not what was given. */
bool disk_spec_parse(DiskSpec *spec, const char *text, Error *err);
void disk_spec_free(DiskSpec *spec);

/* True if `text` can be given to --disk, as far as its form goes. */
bool disk_spec_check(const char *text, DiskBus *bus, Error *err);

/* text with its relative file names put into folder. Allocated. */
char *disk_spec_move(const char *text, const char *folder);

/* The value of --disk if `text`, a file's name, or one with options, names a disk image by its contents; else
 * NULL. Allocated. */
char *disk_spec_of_plain(const char *text);

/* "virtio", "sd", "cf". */
const char *disk_bus_name(DiskBus bus);

#endif
