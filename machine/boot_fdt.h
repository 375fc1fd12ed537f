/* The device tree that is handed to the guest. Private to machine/. */
#ifndef ARMATURE_MACHINE_BOOT_FDT_H
#define ARMATURE_MACHINE_BOOT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/boot_display.h"
#include "machine/error.h"

typedef struct TreeSource {
    const uint8_t *data;
    size_t size;
    const char *path; /* NULL: the board's own */
} TreeSource;

/* A virtio slot, which no board has. */
typedef struct TreeVirtio {
    uint32_t base, size;
    uint32_t interrupt; /* number of the shared peripheral interrupt */
} TreeVirtio;

enum { TREE_VIRTIO_MOST = 24, TREE_SEED_BYTES = 32 };

typedef struct TreeChanges {
    uint32_t ram_base;
    uint64_t ram_size;
    unsigned cpus;
    const char *bootargs;              /* NULL: leave what is there */
    uint32_t initrd_start, initrd_end; /* equal: no initrd */
    const uint8_t *seed;               /* TREE_SEED_BYTES for the kernel's random numbers; NULL: none */
    uint32_t test_device;              /* its address; 0: none */
    uint32_t test_device_size;
    /* Slots to announce, unless the tree brings nodes for virtio over MMIO, or has no interrupt controller.
     */
    TreeVirtio virtio[TREE_VIRTIO_MOST];
    unsigned virtio_count;
    BootDisplay display; /* width 0: none */
} TreeChanges;

/* Is it a device tree, and whole? *warning is set (else NULL) if it is for another board. */
bool tree_check(const TreeSource *source, const char **warning, Error *err);

/* Bytes that the completed tree needs at most. */
uint32_t tree_room(const TreeSource *source, const TreeChanges *changes);

/* Writes the completed tree to out (room bytes); the source must have passed tree_check(). */
bool tree_complete(const TreeSource *source, const TreeChanges *changes, uint8_t *out, uint32_t room,
                   Error *err);

/* The command line the tree itself brings, NULL if none. */
const char *tree_bootargs(const TreeSource *source);

/* True if the tree names a console (/chosen/stdout-path). */
bool tree_has_console(const TreeSource *source);

#endif
