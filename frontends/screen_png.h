/* Pictures as files. */
#ifndef ARMATURE_FRONTENDS_SCREEN_PNG_H
#define ARMATURE_FRONTENDS_SCREEN_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/display.h"
#include "machine/error.h"

/* Writes the picture to a file whose name ends in .png, which exists as a whole or not at all: it is written
 * under another name beside it. *size, if not NULL, is how long it became. False with err set if the screen
 * is dark, the name is another, or the file cannot be written. */
bool screen_png_write(const Frame *frame, const char *path, uint64_t *size, Error *err);

/* The same as bytes, allocated; NULL, with *size 0, if the screen is dark. */
uint8_t *screen_png_bytes(const Frame *frame, size_t *size);

/* Whether a picture could be written there: for options, before anything runs. */
bool screen_png_check(const char *path, Error *err);

#endif
