/* Sound into a WAV file. The header is brought up to date after each piece of sound, so that the file is
 * whole however the process ends. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/audio.h"
#include "frontends/resample.h"

enum { HEADER = 44, FRAME = 4 };
/* The sizes in the header have 32 bits, and one of them counts most of the header, too. */
#define DATA_MOST ((UINT32_MAX - HEADER) / FRAME * FRAME)

typedef struct Wav {
    AudioSink sink;
    Resampler resampler;
    int fd;
    uint32_t size; /* bytes of sound */
    AudioFrame last;
    unsigned rate; /* of the last piece */
    bool full;
    int error; /* errno of the first write that failed */
    char *path;
} Wav;

static bool write_at(Wav *wav, const void *data, size_t size, off_t at)
{
    const char *from = data;
    while (size && !wav->error) {
        ssize_t done = pwrite(wav->fd, from, size, at);
        if (done < 0 && errno != EINTR)
            wav->error = errno;
        if (!done)
            wav->error = EIO;
        if (done <= 0)
            continue;
        from += done;
        at += done;
        size -= (size_t)done;
    }
    return !wav->error;
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static bool write_header(Wav *wav)
{
    uint8_t header[HEADER] = "RIFF....WAVEfmt \20\0\0\0\1\0\2\0........\4\0\20\0data";
    put32(header + 4, wav->size + HEADER - 8);
    put32(header + 24, AUDIO_HZ);
    put32(header + 28, AUDIO_HZ * FRAME);
    put32(header + 40, wav->size);
    return write_at(wav, header, HEADER, 0);
}

static void play(AudioSink *sink, const AudioFrame *frames, size_t count, unsigned rate)
{
    Wav *wav = (Wav *)sink;
    AudioFrame out[AUDIO_CHUNK * (AUDIO_HZ / RESAMPLE_LEAST_HZ + 2)];
    if (wav->error || wav->full)
        return;
    wav->last = frames[count - 1];
    wav->rate = rate;
    count = resample(&wav->resampler, frames, count, rate, AUDIO_HZ, out);
    if (count * FRAME > DATA_MOST - wav->size) {
        wav->full = true;
        return;
    }
    for (size_t n = 0; n < count; n++) {
        out[n].left = (int16_t)htole16((uint16_t)out[n].left);
        out[n].right = (int16_t)htole16((uint16_t)out[n].right);
    }
    if (!write_at(wav, out, count * FRAME, HEADER + (off_t)wav->size))
        return;
    wav->size += (uint32_t)(count * FRAME);
    write_header(wav);
}

static bool finish(AudioSink *sink, Error *err)
{
    Wav *wav = (Wav *)sink;
    if (wav->rate) /* what the resampler still holds */
        play(sink, &wav->last, 1, wav->rate);
    if (wav->error)
        return error_set(err, "sound was lost: cannot write %s: %s", wav->path, strerror(wav->error));
    if (wav->full)
        return error_set(err, "sound was lost: %s is as long as a WAV file can be", wav->path);
    return true;
}

static void free_wav(AudioSink *sink)
{
    Wav *wav = (Wav *)sink;
    close(wav->fd);
    free(wav->path);
    free(wav);
}

AudioSink *audio_wav_new(const char *path, Error *err)
{
    struct stat status;
    Wav *wav = calloc(1, sizeof *wav);
    if (!wav || !(wav->path = strdup(path)))
        abort();
    wav->sink = (AudioSink){play, finish, free_wav};
    wav->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (wav->fd >= 0 && !fstat(wav->fd, &status) && S_ISREG(status.st_mode) && write_header(wav))
        return &wav->sink;
    if (wav->fd >= 0 && !wav->error)
        error_set(err, "--audio: %s is not a regular file, which a WAV file has to be", path);
    else
        error_set(err, "--audio: cannot write %s: %s", path, strerror(wav->error ? wav->error : errno));
    free_wav(&wav->sink);
    return NULL;
}
