/* The project's sign and name. */
#ifndef ARMATURE_ROMS_PICTURE_H
#define ARMATURE_ROMS_PICTURE_H

#include <stdint.h>

enum { COLOUR_BACKGROUND = 0x10161c, COLOUR_TEXT = 0xd8dee4, COLOUR_DIM = 0x8a98a6 };

/* Rows that the picture takes, at the size that fits the screen. */
uint32_t picture_rows(void);

/* Draws it with its first row at `top`, in the middle of the columns, on the background that is there. */
void picture_draw(uint32_t top);

#endif
