#include "frontends/audio.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/resample.h"

struct Audio {
    AudioPort *port;
    AudioSink *sink; /* NULL: none */
};

static void play(void *opaque, const AudioFrame *frames, size_t count, unsigned rate)
{
    Audio *audio = opaque;
    if (rate < RESAMPLE_LEAST_HZ)
        return;
    while (count) {
        size_t some = count < AUDIO_CHUNK ? count : AUDIO_CHUNK;
        audio->sink->play(audio->sink, frames, some, rate);
        frames += some;
        count -= some;
    }
}

Audio *audio_new(AudioPort *port, const char *where, Error *err)
{
    bool none = !strcmp(where, "none"), sdl = !strcmp(where, "sdl");
    if (!audio_check(where, err))
        return NULL;
    AudioSink *sink = none ? NULL : sdl ? audio_sdl_new(err) : audio_wav_new(where + strlen("wav:"), err);
    if (!sink && !none)
        return NULL;
    Audio *audio = calloc(1, sizeof *audio);
    if (!audio)
        abort();
    *audio = (Audio){port, sink};
    if (sink)
        *port = (AudioPort){play, audio};
    return audio;
}

bool audio_finish(Audio *audio, Error *err)
{
    return !audio->sink || !audio->sink->finish || audio->sink->finish(audio->sink, err);
}

void audio_free(Audio *audio)
{
    if (!audio)
        return;
    if (audio->sink) {
        *audio->port = (AudioPort){0};
        audio->sink->free(audio->sink);
    }
    free(audio);
}
