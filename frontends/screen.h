/* The session's view of the screen: pictures as files, the text on it, recordings. All of it happens between
 * instructions, at moments of guest time. */
#ifndef ARMATURE_FRONTENDS_SCREEN_H
#define ARMATURE_FRONTENDS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/console.h"
#include "frontends/screen_text.h"
#include "frontends/session.h"
#include "machine/display.h"
#include "machine/error.h"

typedef struct Screen Screen;

/* Does what the options ask for: --screenshot, --screenshot-at, --screen-font, --record-screen. NULL with err
 * set if something is wrong with them. */
Screen *screen_new(Session *session, Error *err);
void screen_free(Screen *screen); /* NULL is allowed */

/* Adds a screenshot to the terminal's menu. */
void screen_add_command(Screen *screen, Console *console);

/* At the end of the run: --screenshot, and whatever was recorded. False with err set if a file could not be
 * written. */
bool screen_finish(Screen *screen, Error *err);

const Frame *screen_frame(Screen *screen);
/* A copy of it for another thread, without what says which rows changed; the caller's, for free(). */
Frame *screen_frame_copy(Screen *screen);

/* False with err set: "the screen is dark ..." */
bool screen_is_lit(Screen *screen, Error *err);

/* Saves the picture. path NULL or empty: the next name that is free, armature-1.png or as --screenshot says.
 * The name that it got, allocated; NULL with err set. */
char *screen_shot(Screen *screen, const char *path, Error *err);

/* The same with a word about it on stderr: for signals and keys. */
void screen_shot_by_hand(Screen *screen);

/* Reads the text on the screen; NULL with err set if it is dark, or if no font fits. `hurry`: as part of
 * waiting, where what takes long is done once in a second of guest time. */
const ScreenText *screen_read(Screen *screen, bool hurry, Error *err);

/* One recording at a time. rate: frames a second. */
bool screen_record(Screen *screen, const char *path, unsigned rate, Error *err);
/* *frames: how many pictures were written. */
bool screen_record_end(Screen *screen, uint64_t *frames, Error *err);

#endif
