/* A view of what a serial port shows: with history to scroll through, and text to mark and copy. */
#ifndef ARMATURE_FRONTENDS_WINDOW_PANE_H
#define ARMATURE_FRONTENDS_WINDOW_PANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/window_canvas.h"

typedef struct Pane Pane;

Pane *pane_new(void);
void pane_free(Pane *pane); /* NULL is allowed */

/* The guest sent this. Who looks at history goes on seeing the same lines. */
void pane_write(Pane *pane, const uint8_t *data, size_t length);

/* Draws on the canvas down to `height`, as much as fits, the newest at the bottom. */
void pane_draw(Pane *pane, Canvas *canvas, int height);

/* Looks so many lines further back in history (forward, if negative). */
void pane_scroll(Pane *pane, int lines);
/* To the newest lines: the user types. */
void pane_newest(Pane *pane);

/* Marks from one place of the canvas as drawn last (begin) to another. */
void pane_mark(Pane *pane, int x, int y, bool begin);
/* What is marked, as UTF-8; NULL if nothing is. Allocated. */
char *pane_marked(const Pane *pane);

#endif
