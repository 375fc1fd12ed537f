#define _GNU_SOURCE
#include "frontends/screen_png.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/new_file.h"

static bool has_name(const char *path, Error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    return (length > 4 && !strcmp(name + length - 4, ".png")) ||
           error_set(err, "%.400s: give a name that ends in .png", *path ? path : "\"\"");
}

/* A device or a folder of that name is no place for a picture. */
static bool is_free(const char *path, Error *err)
{
    struct stat status;
    return stat(path, &status) || S_ISREG(status.st_mode) ||
           error_set(err, "%.400s is there already, and is no plain file", path);
}

bool screen_png_check(const char *path, Error *err)
{
    if (!has_name(path, err) || !is_free(path, err))
        return false;
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!folder)
        abort();
    bool ok = !access(folder, W_OK | X_OK) ||
              error_set(err, "cannot write %.400s: %s: %s", path, folder, strerror(errno));
    free(folder);
    return ok;
}

static uint8_t *to_bytes(const Frame *frame)
{
    size_t count = (size_t)frame->width * frame->height;
    uint8_t *bytes = malloc(3 * count), *to = bytes;
    if (!bytes)
        abort();
    for (size_t n = 0; n < count; n++) {
        *to++ = (uint8_t)(frame->pixels[n] >> 16);
        *to++ = (uint8_t)(frame->pixels[n] >> 8);
        *to++ = (uint8_t)frame->pixels[n];
    }
    return bytes;
}

/* False, with *why allocated, if it cannot be written. */
static bool write_picture(FILE *file, const Frame *frame, uint64_t *size, char **why)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = frame->width,
                       .height = frame->height,
                       .format = PNG_FORMAT_RGB};
    uint8_t *bytes = to_bytes(frame);
    errno = 0;
    bool ok = png_image_write_to_stdio(&image, file, 0, bytes, 0, NULL) && !fflush(file);
    *why = ok ? NULL : strdup(errno ? strerror(errno) : image.message);
    free(bytes);
    if (size)
        *size = ok ? (uint64_t)ftell(file) : 0;
    return ok;
}

bool screen_png_write(const Frame *frame, const char *path, uint64_t *size, Error *err)
{
    char *why = NULL;
    NewFile png;
    Error reason;
    if (!has_name(path, err) || !is_free(path, err))
        return false;
    if (!frame->width)
        return error_set(err, "the screen is dark: no display controller shows a picture");
    bool ok = new_file_open(&png, path, false, &reason);
    FILE *file = ok ? new_file_stream(&png) : NULL;
    if (ok && !(file && write_picture(file, frame, size, &why)))
        ok = error_set(&reason, "%s", why ? why : strerror(errno));
    if (file && fclose(file) && ok)
        ok = error_set(&reason, "%s", strerror(errno));
    if (!ok || !new_file_keep(&png, &reason))
        ok = error_set(err, "cannot write %.400s: %s", path, reason.text);
    new_file_drop(&png);
    free(why);
    return ok;
}

uint8_t *screen_png_bytes(const Frame *frame, size_t *size)
{
    char *data = NULL, *why = NULL;
    *size = 0;
    FILE *file = frame->width ? open_memstream(&data, size) : NULL;
    bool ok = file && write_picture(file, frame, NULL, &why);
    if (file)
        fclose(file);
    free(why);
    if (ok)
        return (uint8_t *)data;
    free(data);
    *size = 0;
    return NULL;
}
