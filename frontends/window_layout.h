/* Where the picture is in the window. All lengths are pixels of the output. */
#ifndef ARMATURE_FRONTENDS_WINDOW_LAYOUT_H
#define ARMATURE_FRONTENDS_WINDOW_LAYOUT_H

#include <stdbool.h>

typedef struct WindowBox {
    int x, y, width, height;
} WindowBox;

/* The largest place with the picture's aspect in the middle of an area; only whole multiples of the picture's
 * size unless `smooth` or the area is smaller than that. Empty if one of them is. */
WindowBox window_fit(WindowBox area, int width, int height, bool smooth);

/* The size for a new window: the largest whole multiple of the picture's size that leaves an eighth of the
 * screen free, at most `most`; the picture's own size if that is too large already. */
int window_multiple(int screen_width, int screen_height, int width, int height, int most);

/* A place of the output as a position of INPUT_POSITION; what is outside of the box counts as its edge. */
void window_position(WindowBox box, int x, int y, int *across, int *down);
bool window_inside(WindowBox box, int x, int y);

#endif
