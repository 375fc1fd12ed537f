/* Recordings of the screen: a video file without compression (Y4M), or a folder of pictures with a list of
 * when each was shown. Times are the guest's. */
#ifndef ARMATURE_FRONTENDS_SCREEN_RECORD_H
#define ARMATURE_FRONTENDS_SCREEN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/display.h"
#include "machine/error.h"

typedef struct Recording Recording;

enum { RECORD_RATE_MOST = 100 /* frames a second */ };

/* A recording ends when it has written so much. */
#define RECORD_BYTES_MOST (UINT64_C(4) << 30)

/* path: a name that ends in .y4m, or a folder, which is made if it is not there. It begins at `now`, with
 * `rate` frames a second of guest time. NULL with err set if that cannot be. */
Recording *recording_new(const char *path, unsigned rate, uint64_t now, Error *err);

/* When the next picture is wanted. */
uint64_t recording_due(const Recording *recording);

/* Takes the picture. False with err set if it cannot be written, or if that would be too much. */
bool recording_take(Recording *recording, const Frame *frame, uint64_t now, Error *err);

/* Completes what was recorded. *frames: how many pictures that are. False with err set if it failed. */
bool recording_end(Recording *recording, uint64_t now, uint64_t *frames, Error *err);

#endif
