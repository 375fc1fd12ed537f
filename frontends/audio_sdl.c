/* Sound to the host's loudspeakers. SDL plays a queue; how much is in it is how late the sound is.
 *
 * The clocks of guest and sound card differ a little, which stretching the sound by up to half a percent
 * makes up for. A guest that is slower than that leaves gaps; what one that is faster makes too much is
 * dropped. */
#include <stdlib.h>

#include "frontends/audio.h"
#include "frontends/resample.h"
#include "frontends/sdl_library.h"

/* Frames in the queue: what it should hold, and the most that it gets. */
enum { QUEUE_WANTED = AUDIO_HZ / 20, QUEUE_MOST = AUDIO_HZ / 5, DEVICE_FRAMES = 512 };
enum { STRETCH_PERMILLE = 5 };

typedef struct Speakers {
    AudioSink sink;
    Resampler resampler;
    SDL_AudioDeviceID device;
} Speakers;

/* Input frames that make 1000 seconds of output: more than there are if the queue is long. */
static uint64_t stretched(unsigned rate, size_t queued)
{
    int64_t off = ((int64_t)queued - QUEUE_WANTED) * STRETCH_PERMILLE / QUEUE_WANTED;
    off = off < -STRETCH_PERMILLE ? -STRETCH_PERMILLE : off > STRETCH_PERMILLE ? STRETCH_PERMILLE : off;
    return rate * (uint64_t)(1000 + off);
}

static void play(AudioSink *sink, const AudioFrame *frames, size_t count, unsigned rate)
{
    static const AudioFrame silence[QUEUE_WANTED];
    Speakers *speakers = (Speakers *)sink;
    AudioFrame out[AUDIO_CHUNK * (AUDIO_HZ / RESAMPLE_LEAST_HZ + 2)];
    size_t queued = sdl.GetQueuedAudioSize(speakers->device) / sizeof(AudioFrame);
    if (queued > QUEUE_MOST)
        return;
    /* Sound begins: a reserve, so that it does not stop at the first delay. */
    if (!queued)
        sdl.QueueAudio(speakers->device, silence, sizeof silence);
    count = resample(&speakers->resampler, frames, count, stretched(rate, queued ? queued : QUEUE_WANTED),
                     UINT64_C(1000) * AUDIO_HZ, out);
    sdl.QueueAudio(speakers->device, out, (Uint32)(count * sizeof *out));
}

/* The run is over; the end of its last sound is still to be heard. */
static bool finish(AudioSink *sink, Error *err)
{
    SDL_AudioDeviceID device = ((Speakers *)sink)->device;
    (void)err;
    for (unsigned waits = 0; sdl.GetQueuedAudioSize(device) && waits < 2 * QUEUE_MOST * 100 / AUDIO_HZ;
         waits++)
        sdl.Delay(10);
    return true;
}

static void free_speakers(AudioSink *sink)
{
    sdl.CloseAudioDevice(((Speakers *)sink)->device);
    sdl.QuitSubSystem(SDL_INIT_AUDIO);
    free(sink);
}

AudioSink *audio_sdl_new(Error *err)
{
    SDL_AudioSpec wanted = {
        .freq = AUDIO_HZ, .format = AUDIO_S16SYS, .channels = 2, .samples = DEVICE_FRAMES};
    Error why;
    if (!sdl_load(&why)) {
        error_set(err, "--audio sdl: %s; --audio none does without", why.text);
        return NULL;
    }
    sdl.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); /* the session has its own */
    if (sdl.InitSubSystem(SDL_INIT_AUDIO)) {
        error_set(err, "--audio sdl: no sound on this host (%s); --audio none does without", sdl.GetError());
        return NULL;
    }
    SDL_AudioDeviceID device = sdl.OpenAudioDevice(NULL, 0, &wanted, NULL, 0);
    if (!device) {
        error_set(err, "--audio sdl: cannot open a sound device (%s); --audio none does without",
                  sdl.GetError());
        sdl.QuitSubSystem(SDL_INIT_AUDIO);
        return NULL;
    }
    Speakers *speakers = calloc(1, sizeof *speakers);
    if (!speakers)
        abort();
    *speakers = (Speakers){
        .sink = {play, finish, free_speakers},
          .device = device
    };
    sdl.PauseAudioDevice(device, 0);
    return &speakers->sink;
}
