/* Keyboard and pointers: what the user does on its way to the device that the guest listens to.
 *
 * Several devices may be there: a PS/2 keyboard and a virtio keyboard, a mouse, a tablet. Events go to the
 * one of their kind that the guest drives; of several, to the one that was connected last. Events wait in a
 * queue without bounds until that device has room, so that none is ever lost; movements that wait are added
 * up. */
#ifndef ARMATURE_MACHINE_INPUT_H
#define ARMATURE_MACHINE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/journal.h"

typedef struct Input Input;

/* Keys and buttons have the numbers of Linux's input events, see keys.def. */
enum { INPUT_KEYS = 0x120 };
enum { BUTTON_LEFT = 0x110, BUTTON_RIGHT, BUTTON_MIDDLE, BUTTON_SIDE, BUTTON_EXTRA };
/* Positions go from 0 to this, whatever the size of the picture: left or top edge to right or bottom edge. */
enum { INPUT_POSITION_MOST = 0x7fff };
/* A keyboard's lights. */
enum { LED_NUM_LOCK = 1, LED_CAPS_LOCK = 2, LED_SCROLL_LOCK = 4 };

typedef enum InputKind { INPUT_KEYBOARD, INPUT_MOUSE, INPUT_TABLET, INPUT_KINDS } InputKind;

typedef enum InputEventKind {
    INPUT_KEY,      /* code, down */
    INPUT_BUTTON,   /* code, down: of the tablet, if there is one, or the mouse */
    INPUT_MOVE,     /* x, y: to the right and down, in units of the mouse: goes to the mouse */
    INPUT_POSITION, /* x, y: from 0 to INPUT_POSITION_MOST: goes to the tablet */
    INPUT_WHEEL     /* x, y: clicks to the right and up (away from the user) */
} InputEventKind;

typedef struct InputEvent {
    InputEventKind kind;
    uint16_t code;
    bool down;
    int32_t x, y;
} InputEvent;

/* ---- For devices ---- */

typedef struct InputOps {
    /* The guest's driver has set the device up, so that it would see an event. */
    bool (*driven)(void *opaque);
    /* It can take an event of any kind without losing anything. */
    bool (*has_room)(void *opaque);
    void (*event)(void *opaque, const InputEvent *event);
} InputOps;

/* Connects a device of that kind; ops and opaque stay valid as long as the input. */
void input_connect(Input *input, InputKind kind, const InputOps *ops, void *opaque);

/* A device has room again, or is driven now, or is not any more. */
void input_deliver(Input *input);

/* The guest switched the keyboard's lights. */
void input_set_leds(Input *input, unsigned leds);

/* ---- For frontends, between instructions ---- */

Input *input_new(void);
void input_free(Input *input);

/* Whether the guest drives a device of the kind. */
bool input_driven(const Input *input, InputKind kind);

/* Sends an event. A key or button that is up already, and goes up, is ignored; one that is down and goes down
 * repeats. A position without a tablet that is driven is ignored; so are movements without a mouse. Keys wait
 * for a keyboard. */
void input_send(Input *input, const InputEvent *event);

/* Lets go of every key and button that is down: the window lost the keyboard. */
void input_release_all(Input *input);

/* Events that wait for room. */
unsigned input_waiting(const Input *input);

unsigned input_leds(const Input *input); /* LED_* */

/* What enters goes through the journal from now on. */
void input_set_journal(Input *input, Journal *journal);

/* For snapshots: event n of those that wait; an event more waits, which nobody is told of; which keys and
 * buttons are down, [INPUT_KEYS]. */
InputEvent input_event_waiting(const Input *input, unsigned n);
void input_put_back(Input *input, const InputEvent *event);
void input_keys_down(const Input *input, bool *down);
void input_set_keys_down(Input *input, const bool *down);

/* Everything that waits is dropped, all keys are up: a reset. */
void input_reset(Input *input);

#endif
