/* Puts what is to run into the machine's memory: kernels (zImage, Image, ELF, uImage), initrd, device tree,
 * raw binaries; and tells the boot ROM through its parameter block what to enter. See docs/booting.md. */
#ifndef ARMATURE_MACHINE_BOOT_H
#define ARMATURE_MACHINE_BOOT_H

#include "machine/boot_display.h"
#include "machine/machine.h"

enum { BOOT_MAX_LOADS = 16 };

typedef struct BootLoad {
    const char *path;
    uint32_t address;
} BootLoad;

/* What a disk is booted with: files in memory, by descriptors that stay the caller's, and what they are
 * called in messages. */
typedef struct BootMedium {
    const char *kernel_name, *initrd_name;
    int kernel, initrd; /* initrd -1: there is none */
} BootMedium;

typedef struct BootOptions {
    const BootMedium *medium; /* kernel and initrd where no files are given; NULL: none */
    const char *kernel;       /* NULL: the ROM's monitor, or what was loaded with `load` */
    const char *initrd;
    const char *dtb;     /* NULL: the built-in device tree */
    const char *append;  /* NULL: the default, "console=ttyAMA0" with a Linux kernel */
    BootDisplay display; /* what the boot ROM sets up, and the device tree describes */
    bool screen_console; /* somebody looks at the screen: the default command line names it, too */
    BootLoad load[BOOT_MAX_LOADS];
    unsigned load_count;
    bool has_entry;
    uint32_t entry;
} BootOptions;

/* Loads everything; the machine is ready to run from reset afterwards. Warnings (no console= on the command
 * line ...) go to stderr as one line each. */
bool boot_load(Machine *machine, const BootOptions *options, Error *err);

#endif
