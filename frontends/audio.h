/* Where the guest's sound goes: Options.audio says it.
 *
 *     none        nowhere
 *     sdl         the host's loudspeakers, through SDL2
 *     wav:FILE    a WAV file, 16 bits, stereo, 48 kHz; what the guest plays, without the pauses between
 *
 * Sound reaches the host at AUDIO_HZ, whatever rate the guest plays at. Nothing here makes the guest wait. */
#ifndef ARMATURE_FRONTENDS_AUDIO_H
#define ARMATURE_FRONTENDS_AUDIO_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/audio.h"
#include "machine/error.h"

enum { AUDIO_HZ = 48000, AUDIO_CHUNK = 256 };

typedef struct Audio Audio;

/* What the guest's sound is given to. */
typedef struct AudioSink AudioSink;
struct AudioSink {
    /* Takes up to AUDIO_CHUNK frames at `rate`, which is not less than RESAMPLE_LEAST_HZ. */
    void (*play)(AudioSink *sink, const AudioFrame *frames, size_t count, unsigned rate);
    /* False with err set if sound was lost that the user wants to have. NULL: it never is. */
    bool (*finish)(AudioSink *sink, Error *err);
    void (*free)(AudioSink *sink);
};

/* Whether `where` is written as above. */
bool audio_check(const char *where, Error *err);

/* Connects the port. NULL with err set if that cannot be done. */
Audio *audio_new(AudioPort *port, const char *where, Error *err);

/* At the end of a run: false with err set if sound was lost. */
bool audio_finish(Audio *audio, Error *err);

/* Disconnects; NULL is allowed. */
void audio_free(Audio *audio);

/* ---- The sinks: each in a file of its own ---- */

AudioSink *audio_wav_new(const char *path, Error *err);
/* Without SDL2 at build time, an error that says so. */
AudioSink *audio_sdl_new(Error *err);

#endif
