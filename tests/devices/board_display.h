/* A display of the board, which shows a small picture that never changes: what a GPU competes with. */
#ifndef ARMATURE_TESTS_DEVICES_BOARD_DISPLAY_H
#define ARMATURE_TESTS_DEVICES_BOARD_DISPLAY_H

#include <stddef.h>

#include "machine/display.h"

enum { BOARD_DISPLAY_SIDE = 16 };

static DisplayMode board_mode(void *opaque)
{
    (void)opaque;
    return (DisplayMode){BOARD_DISPLAY_SIDE, BOARD_DISPLAY_SIDE, 1};
}

static void board_changes(void *opaque, Display *display)
{
    (void)opaque;
    (void)display;
}

static void board_row(void *opaque, uint32_t y, uint32_t *pixels)
{
    (void)opaque;
    for (uint32_t x = 0; x < BOARD_DISPLAY_SIDE; x++)
        pixels[x] = y;
}

static const DisplayOps board_display = {board_mode, board_changes, board_row, NULL, NULL};

#endif
