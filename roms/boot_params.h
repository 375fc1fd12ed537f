/* The block through which the loader (machine/boot.c) tells the boot ROM what to do. It lies at the end of
 * the ROM; both sides are compiled from this header. */
#ifndef ARMATURE_ROMS_BOOT_PARAMS_H
#define ARMATURE_ROMS_BOOT_PARAMS_H

#include <stdint.h>

/* Where the ROM is. At reset it is at address 0 too, until it asks for RAM there. */
#define BOOT_ROM_BASE 0x1fff0000u
#define BOOT_REMAP_BYTES 0x4000000u /* how much RAM then appears at 0 (if the machine has as much) */

#define BOOT_PARAMS_OFFSET 0xff00u
#define BOOT_PARAMS_MAGIC 0x424d5241u /* "ARMB" */
#define BOOT_PARAMS_VERSION 2u

/* Where the ROM has the motherboard's display controller read its picture: video RAM. */
#define BOOT_FRAME_BASE 0x4c000000u
#define BOOT_FRAME_BYTES 0x800000u

/* Bits of BootParams.flags. */
#define BOOT_PARAMS_ENTER 1u      /* something was loaded: enter it; else the monitor starts */
#define BOOT_PARAMS_KEEP_FRAME 2u /* something was loaded into the picture: draw nothing over it */

/* Machine type of the Versatile Express in Linux's registry of Arm machines, handed over in r1. */
#define BOOT_MACHINE_TYPE 2272u

typedef struct BootParams {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t entry; /* address to enter; bit 0 set: in Thumb state */
    uint32_t r0, r1, r2;
    uint32_t cpus;
    uint32_t ram_base;
    uint32_t ram_bytes;
    uint32_t display_width, display_height; /* pixels; 0: the display stays off */
    uint32_t display_bits;                  /* for each pixel: 16 (r5g6b5) or 32 (x8r8g8b8) */
    char release[24];                       /* version of the emulator, for the banner; ends with a 0 */
} BootParams;

#endif
