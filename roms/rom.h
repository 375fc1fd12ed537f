/* The boot ROM and the board's device tree, as built from the sources in roms/ and linked into the program.
 */
#ifndef ARMATURE_ROMS_ROM_H
#define ARMATURE_ROMS_ROM_H

#include <stdint.h>

extern const uint8_t rom_image[], rom_image_end[];
extern const uint8_t rom_device_tree[], rom_device_tree_end[]; /* a flattened device tree, 8-byte aligned */

#endif
