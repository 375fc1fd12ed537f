/* --record and --replay: a session's journal and its file. docs/replay.md explains both to users. */
#ifndef ARMATURE_FRONTENDS_RECORDER_H
#define ARMATURE_FRONTENDS_RECORDER_H

#include "frontends/session.h"

typedef struct Recorder Recorder;

/* The machine is built, and everything that enters it from now on is part of the run. NULL with err set if
 * the file cannot be used, or is of another machine. */
Recorder *recorder_new(Session *session, Error *err);
void recorder_free(Recorder *recorder);

/* What follows does nothing, or lets everything in, if recorder is NULL. */

/* At each look at the host. waits: the guest sleeps. */
void recorder_look(Recorder *recorder, bool waits);

/* The machine does not run: what was recorded of this place enters it. */
void recorder_feed(Recorder *recorder);

/* Somebody wants a reset, or to switch off; false: a recording is being replayed. */
bool recorder_reset_enters(Recorder *recorder);
bool recorder_power_off_enters(Recorder *recorder);

/* The session ends. */
void recorder_ended(Recorder *recorder, int code, const char *text);
/* The recording is on the disk; false with err set if it is not whole. */
bool recorder_finish(Recorder *recorder, Error *err);

#endif
