#define _GNU_SOURCE
#include "frontends/screen_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/screen_png.h"
#include "machine/checked.h"

#define SECOND UINT64_C(1000000000)

/* The list of a folder's pictures, as ffmpeg reads it. */
#define LIST_NAME "frames.ffconcat"

struct Recording {
    char *path;
    bool video;
    unsigned rate;
    uint64_t start;  /* virtual ns: frame n is due at start + n / rate seconds */
    uint64_t taken;  /* frames that were due so far */
    uint64_t frames; /* in the files */
    uint64_t bytes;
    uint64_t serial; /* of the frame that was taken last */
    FILE *file;      /* the video; or the folder's list */
    /* Video. */
    unsigned files;         /* one for each size of the picture */
    uint32_t width, height; /* 0: no picture so far */
    uint8_t *planes;        /* Y, Cb, Cr: [3 * width * height] */
    /* Folder. */
    uint64_t shown_at;
    char *shown; /* the name of the picture that is shown; NULL: none yet */
};

/* ---- Files ------------------------------------------------------------------------------------------- */

static bool failed(const Recording *recording, Error *err)
{
    return error_set(err, "cannot write %.400s: %s", recording->path, strerror(errno));
}

/* The first file has the name that was asked for; those of other sizes NAME-2.y4m and so on. */
static bool open_video(Recording *recording, Error *err)
{
    char *name = NULL;
    int stem = (int)strlen(recording->path) - 4;
    if (recording->file && fclose(recording->file)) {
        recording->file = NULL;
        return failed(recording, err);
    }
    recording->files++;
    int made = recording->files == 1
                   ? asprintf(&name, "%s", recording->path)
                   : asprintf(&name, "%.*s-%u.y4m", stem, recording->path, recording->files);
    if (made < 0)
        abort();
    recording->file = fopen(name, "wb");
    free(name);
    return recording->file || failed(recording, err);
}

static char *in_folder(const Recording *recording, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", recording->path, name) < 0)
        abort();
    return path;
}

static bool open_folder(Recording *recording, Error *err)
{
    if (mkdir(recording->path, 0777) && errno != EEXIST)
        return error_set(err, "cannot make the folder %.400s: %s", recording->path, strerror(errno));
    char *list = in_folder(recording, LIST_NAME);
    recording->file = fopen(list, "wbx");
    bool there = errno == EEXIST;
    free(list);
    if (!recording->file)
        return there
                   ? error_set(err, "%.400s holds a recording already: give another folder", recording->path)
                   : failed(recording, err);
    return fputs("ffconcat version 1.0\n", recording->file) >= 0 || failed(recording, err);
}

static bool ends_in(const char *path, const char *end)
{
    size_t length = strlen(path), tail = strlen(end);
    return length > tail && !strcasecmp(path + length - tail, end);
}

static bool check_name(const char *path, Error *err)
{
    static const char *const others[] = {".mkv", ".mp4", ".avi", ".webm", ".gif", ".mov", ".png"};
    for (unsigned n = 0; n < sizeof others / sizeof *others; n++)
        if (ends_in(path, others[n]))
            return error_set(err, "%.400s: give a name that ends in .y4m, which ffmpeg converts, or a folder",
                             path);
    return *path || error_set(err, "give a name that ends in .y4m, or a folder");
}

Recording *recording_new(const char *path, unsigned rate, uint64_t now, Error *err)
{
    if (!rate || rate > RECORD_RATE_MOST) {
        error_set(err, "a recording has 1 to %d frames a second", RECORD_RATE_MOST);
        return NULL;
    }
    if (!check_name(path, err))
        return NULL;
    Recording *recording = checked(calloc(1, sizeof *recording));
    *recording = (Recording){.path = checked(strdup(path)), .rate = rate, .start = now};
    recording->video = ends_in(path, ".y4m");
    if (recording->video ? open_video(recording, err) : open_folder(recording, err))
        return recording;
    if (recording->file)
        fclose(recording->file);
    free(recording->path);
    free(recording);
    return NULL;
}

uint64_t recording_due(const Recording *recording)
{
    return recording->start + recording->taken * SECOND / recording->rate;
}

/* ---- Video ------------------------------------------------------------------------------------------- */

/* BT.601 in the range of television, which is what players take Y4M to be. */
static void convert_row(const Recording *recording, const Frame *frame, uint32_t y)
{
    size_t plane = (size_t)recording->width * recording->height, at = (size_t)y * recording->width;
    const uint32_t *from = frame->pixels + at;
    uint8_t *luma = recording->planes + at;
    for (uint32_t x = 0; x < recording->width; x++) {
        int r = from[x] >> 16 & 0xff, g = from[x] >> 8 & 0xff, b = from[x] & 0xff;
        luma[x] = (uint8_t)(16 + ((66 * r + 129 * g + 25 * b + 128) >> 8));
        luma[plane + x] = (uint8_t)(128 + ((-38 * r - 74 * g + 112 * b + 128) >> 8));
        luma[2 * plane + x] = (uint8_t)(128 + ((112 * r - 94 * g - 18 * b + 128) >> 8));
    }
}

static void blacken(Recording *recording)
{
    size_t plane = (size_t)recording->width * recording->height;
    memset(recording->planes, 16, plane);
    memset(recording->planes + plane, 128, 2 * plane);
}

/* A file has one size; another picture goes to another file. */
static bool begin_size(Recording *recording, const Frame *frame, Error *err)
{
    if (recording->width && !open_video(recording, err))
        return false;
    recording->width = frame->width;
    recording->height = frame->height;
    recording->serial = 0;
    free(recording->planes);
    recording->planes = checked(malloc(3 * (size_t)frame->width * frame->height));
    blacken(recording);
    return fprintf(recording->file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C444\n", frame->width, frame->height,
                   recording->rate) > 0 ||
           failed(recording, err);
}

static bool write_frame(Recording *recording, Error *err)
{
    size_t size = 3 * (size_t)recording->width * recording->height;
    recording->bytes += size;
    recording->frames++;
    if (recording->bytes > RECORD_BYTES_MOST)
        return error_set(err, "%.400s: a recording may have 4 GiB; it ends here", recording->path);
    return (fputs("FRAME\n", recording->file) >= 0 &&
            fwrite(recording->planes, 1, size, recording->file) == size) ||
           failed(recording, err);
}

/* Dark before the first picture is nothing, later it is black. */
static bool take_for_video(Recording *recording, const Frame *frame, Error *err)
{
    bool other = frame->width != recording->width || frame->height != recording->height;
    if (!frame->width && !recording->width)
        return true;
    if (!frame->width) {
        blacken(recording);
        recording->serial = 0;
    } else if (other && !begin_size(recording, frame, err)) {
        return false;
    }
    for (uint32_t y = 0; y < frame->height; y++)
        if (frame->changed[y] > recording->serial || !recording->serial)
            convert_row(recording, frame, y);
    if (frame->width)
        recording->serial = frame->serial;
    return write_frame(recording, err);
}

/* ---- Folder ------------------------------------------------------------------------------------------ */

static bool end_shown(Recording *recording, uint64_t now, Error *err)
{
    uint64_t ns = now - recording->shown_at;
    return !recording->shown ||
           fprintf(recording->file, "file '%s'\nduration %llu.%09llu\n", recording->shown,
                   (unsigned long long)(ns / SECOND), (unsigned long long)(ns % SECOND)) > 0 ||
           failed(recording, err);
}

/* A picture for each change, named after the guest's time. */
static bool take_for_folder(Recording *recording, const Frame *frame, uint64_t now, Error *err)
{
    uint64_t size = 0;
    char *name = NULL;
    if (!frame->width || (recording->shown && frame->serial == recording->serial))
        return true;
    if (!end_shown(recording, now, err))
        return false;
    if (asprintf(&name, "%06llu.%06llu.png", (unsigned long long)(now / SECOND),
                 (unsigned long long)(now % SECOND / 1000)) < 0)
        abort();
    free(recording->shown);
    recording->shown = name;
    recording->shown_at = now;
    recording->serial = frame->serial;
    recording->frames++;
    char *path = in_folder(recording, name);
    bool ok = screen_png_write(frame, path, &size, err);
    free(path);
    recording->bytes += size;
    return ok && (recording->bytes <= RECORD_BYTES_MOST ||
                  error_set(err, "%.400s: a recording may have 4 GiB; it ends here", recording->path));
}

/* ---- Both -------------------------------------------------------------------------------------------- */

bool recording_take(Recording *recording, const Frame *frame, uint64_t now, Error *err)
{
    if (!recording->video) {
        recording->taken = (now - recording->start) / SECOND * recording->rate +
                           (now - recording->start) % SECOND * recording->rate / SECOND + 1;
        recording->taken += recording_due(recording) <= now;
        return take_for_folder(recording, frame, now, err);
    }
    /* A host that was late has missed some; they showed the same for all that is known. */
    for (; recording_due(recording) <= now; recording->taken++)
        if (!take_for_video(recording, frame, err))
            return false;
    return true;
}

bool recording_end(Recording *recording, uint64_t now, uint64_t *frames, Error *err)
{
    bool ok = recording->video || end_shown(recording, now, err);
    if (ok && recording->shown) /* ffmpeg takes the last duration only from a file that follows */
        ok = fprintf(recording->file, "file '%s'\n", recording->shown) > 0 || failed(recording, err);
    if (recording->file && fclose(recording->file) && ok)
        ok = failed(recording, err);
    *frames = recording->frames;
    free(recording->planes);
    free(recording->shown);
    free(recording->path);
    free(recording);
    return ok;
}
