/* The page of the window's menu that shows the slots (slots.h): to save the machine into one, or to go back
 * to one. */
#ifndef ARMATURE_FRONTENDS_WINDOW_SLOTS_H
#define ARMATURE_FRONTENDS_WINDOW_SLOTS_H

#include "frontends/slots.h"
#include "frontends/window_canvas.h"

typedef struct WindowSlots {
    bool open, saving;
    int chosen;        /* 0 to SLOTS - 1 */
    int sure;          /* choosing this one again replaces what is in it; -1: none */
    int x, y, columns; /* where it was drawn last */
    char folder[1024]; /* of the machine */
    Slot slot[SLOTS];
} WindowSlots;

typedef enum SlotsKey { SLOTS_UP, SLOTS_DOWN, SLOTS_LEFT, SLOTS_RIGHT, SLOTS_ENTER, SLOTS_BACK } SlotsKey;

/* Reads what is in the slots. */
void window_slots_open(WindowSlots *slots, bool saving);

/* All of these say which slot was chosen, and close the page; -1: none yet. */
int window_slots_key(WindowSlots *slots, SlotsKey key);
/* 1 to 9 and 0 for the tenth. */
int window_slots_digit(WindowSlots *slots, int digit);
/* The pointer is at a place of the canvas, and maybe clicks there: outside, the page closes. */
int window_slots_pointer(WindowSlots *slots, int x, int y, bool click);

void window_slots_draw(WindowSlots *slots, Canvas *canvas);

#endif
