/* The picture that the boot ROM sets up: its size as a user writes it, and how it lies in memory. */
#ifndef ARMATURE_MACHINE_BOOT_DISPLAY_H
#define ARMATURE_MACHINE_BOOT_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"

typedef struct BootDisplay {
    uint32_t width, height; /* pixels; 0: the display stays off */
    uint32_t bits;          /* for each pixel: 16 or 32 */
} BootDisplay;

/* Reads "1024x768", "1024x768x32" or "none". False with err set if it is none of these, or more than the
 * motherboard's display controller can do. */
bool boot_display_parse(const char *text, BootDisplay *display, Error *err);

/* Bytes from one row to the next, and of the whole frame. */
uint32_t boot_display_stride(const BootDisplay *display);
uint32_t boot_display_bytes(const BootDisplay *display);

#endif
