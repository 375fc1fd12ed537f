/* See boot_disk.h. */
#include "frontends/boot_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volumes/bootable.h"

struct BootDisk {
    Bootable bootable;
    BootMedium medium;
    char *command_line;
    char kernel_name[BOOTABLE_NAME + 300], initrd_name[BOOTABLE_NAME + 300];
};

static bool read_disk(void *opaque, uint64_t offset, void *data, size_t length)
{
    return disk_peek(opaque, offset, data, length, NULL);
}

/* The first two names of a slot's disk: what the user called it. */
static const char *medium_name(const Disk *disk)
{
    return disk_medium_name(disk) ? disk_medium_name(disk) : disk_name(disk);
}

static void complete(BootDisk *found, const Disk *disk, const BootOptions *given, BootOptions *options)
{
    const Bootable *b = &found->bootable;
    snprintf(found->kernel_name, sizeof found->kernel_name, "%.250s, %s", medium_name(disk), b->kernel_name);
    snprintf(found->initrd_name, sizeof found->initrd_name, "%.250s, %s", medium_name(disk), b->initrd_name);
    found->command_line = bootable_command_line(
        b->command_line, given->screen_console ? "console=ttyAMA0 console=tty0" : "console=ttyAMA0",
        given->append);
    found->medium = (BootMedium){found->kernel_name, found->initrd_name, b->kernel, b->initrd};
    options->medium = &found->medium;
    options->append = found->command_line;
}

static bool look(BootDisk *found, Disk *disk, const BootOptions *given, Error *err)
{
    Source source = {read_disk, disk, 0, disk_size(disk)};
    bool has_root = given->append && strstr(given->append, "root=");
    disk_drain(disk);
    if (!bootable_find(&source, has_root, &found->bootable, err))
        return false;
    if (found->bootable.warning[0])
        fprintf(stderr, "armature: warning: %s: %s\n", medium_name(disk), found->bootable.warning);
    return true;
}

/* Disks in the order in which Linux would look for its root. */
static Disk *nth_disk(const Machine *machine, unsigned n)
{
    enum { VIRTIO = DISK_SLOTS - DISK_SLOT_VIRTIO };
    unsigned slot = n < VIRTIO ? DISK_SLOT_VIRTIO + n : n == VIRTIO ? DISK_SLOT_SD : DISK_SLOT_CF;
    return machine->env.disk[slot].disk;
}

BootDisk *boot_disk_find(Machine *machine, const BootOptions *given, BootOptions *options, Error *err)
{
    BootDisk *found = calloc(1, sizeof *found);
    const Disk *first = NULL;
    unsigned others = 0;
    Error why = {""}, other;
    if (!found)
        abort();
    found->bootable.kernel = found->bootable.initrd = -1;
    *options = *given;
    if (given->kernel || given->load_count || given->has_entry || machine->options.boot_from_flash)
        return found;
    for (unsigned n = 0; n < DISK_SLOTS; n++) {
        Disk *disk = nth_disk(machine, n);
        if (!disk)
            continue;
        if (look(found, disk, given, first ? &other : &why)) {
            complete(found, disk, given, options);
            return found;
        }
        others += first != NULL;
        first = first ? first : disk;
    }
    if (!first)
        return found;
    error_set(err, "no kernel to boot on %.250s%s: %.700s", medium_name(first),
              others ? ", nor on the other disks" : "", why.text);
    boot_disk_free(found);
    return NULL;
}

void boot_disk_free(BootDisk *disk)
{
    if (!disk)
        return;
    bootable_close(&disk->bootable);
    free(disk->command_line);
    free(disk);
}
