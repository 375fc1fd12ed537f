/* The picture on the screen: the motherboard's PL111 reads it from video RAM. Colours are 0x00RRGGBB. */
#ifndef ARMATURE_ROMS_DISPLAY_H
#define ARMATURE_ROMS_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

/* Programs clock, multiplexer and controller for the size that the loader asks for. False if it asks for
 * none. The frame is left as it is. */
bool display_start(void);

uint32_t display_width(void);
uint32_t display_height(void);

/* All pixels of rows [y, y + rows). */
void display_fill(uint32_t y, uint32_t rows, uint32_t colour);

/* Moves rows [top + rows, bottom) up by `rows`. */
void display_scroll(uint32_t top, uint32_t bottom, uint32_t rows);

/* What follows draws only what lies on the screen. */

/* Pixels [left, right) of row y. */
void display_span(uint32_t y, int32_t left, int32_t right, uint32_t colour);

/* One pixel, of which `coverage` 256ths get the colour. */
void display_blend(uint32_t y, int32_t x, uint32_t colour, uint32_t coverage);

#endif
