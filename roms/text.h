/* Text on the screen. */
#ifndef ARMATURE_ROMS_TEXT_H
#define ARMATURE_ROMS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { TEXT_COLUMNS = 8, TEXT_ROWS = 16 }; /* pixels of a character's cell */

/* Draws text in one line, at any place of the screen. */
void text_draw(int32_t x, uint32_t y, const char *text, uint32_t colour, uint32_t background);

/* From now on the rows from `top` on are a terminal, which is empty. */
void text_start(uint32_t top);

/* The terminal's output: printable characters, \r, \n and \b. Does nothing before text_start(). */
void text_put(char ch);

/* Shows or hides the mark where the next character will be. */
void text_cursor(bool show);

#endif
