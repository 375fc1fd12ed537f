/* The PS/2 keyboard, if there is one: scan codes of set 2, US layout. */
#ifndef ARMATURE_ROMS_KEYBOARD_H
#define ARMATURE_ROMS_KEYBOARD_H

#include <stdbool.h>

/* Switches the interface on and asks the keyboard for key strokes, without waiting for an answer. */
void keyboard_start(void);

/* A character that was typed; 0: none. */
char keyboard_get(void);

/* Whether something arrived, which need not become a character; whether that raises the interrupt. */
bool keyboard_waiting(void);
void keyboard_interrupt(bool on);

#endif
