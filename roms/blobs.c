/* Takes the files that the build made from roms/ into the program. ROM_IMAGE and ROM_DEVICE_TREE are their
 * paths. */
#include "roms/rom.h"

/* The assembler reads them: no step that turns binaries into C text, and no limit on their size. */
__asm__(".section .rodata\n"
        ".balign 8\n"
        ".global rom_image, rom_image_end, rom_device_tree, rom_device_tree_end\n"
        "rom_image: .incbin \"" ROM_IMAGE "\"\n"
        "rom_image_end:\n"
        ".balign 8\n"
        "rom_device_tree: .incbin \"" ROM_DEVICE_TREE "\"\n"
        "rom_device_tree_end:\n"
        ".byte 0\n"
        ".previous\n");
