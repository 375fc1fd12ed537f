#include "images/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/host_file.h"
#include "images/nbd.h"
#include "images/overlay.h"
#include "images/raw.h"

static bool is_nbd(const char *path)
{
    return !strncmp(path, "nbd:", 4) || !strncmp(path, "nbd+unix:", 9);
}

const char *image_kind_name(ImageKind kind)
{
    static const char *const names[] = {[IMAGE_FILE] = "file",
                                        [IMAGE_DEVICE] = "block device",
                                        [IMAGE_OVERLAY] = "overlay",
                                        [IMAGE_NBD] = "NBD"};
    return names[kind];
}

/* False with err set if the contents say that this is no disk as it stands. */
static bool probe(HostFile *file, ImageContent *content, Error *err)
{
    size_t size = file->size < IMAGE_PROBE_BYTES ? (size_t)file->size : IMAGE_PROBE_BYTES;
    uint8_t *data = malloc(size + 1);
    const char *what = NULL, *path = file->path;
    if (!data)
        abort();
    DiskResult result = host_file_read(file, 0, data, size, err);
    *content = result ? CONTENT_UNKNOWN : image_probe(data, size, &what);
    free(data);
    if (result)
        return false;
    if (*content == CONTENT_FOREIGN)
        return error_set(err,
                         "%s is %s; serve it with \"qemu-nbd --socket=/tmp/disk.sock %s\" and give "
                         "nbd:/tmp/disk.sock, or format=raw if these bytes are the disk's own",
                         path, what, path);
    return *content != CONTENT_COMPRESSED || error_set(err, "%s is %s", path, what);
}

static void note_refused(DiskImage *image, const HostFile *file)
{
    if (file->refused)
        snprintf(image->note, sizeof image->note, "%s cannot be written (%s): the disk is read-only",
                 file->path, strerror(file->refused));
}

static bool open_file(DiskImage *image, const ImageOptions *options, unsigned depth, Error *err)
{
    HostFile file;
    ImageContent content = CONTENT_UNKNOWN;
    if (!host_file_open(&file, options->path,
                        options->look        ? HOST_LOOK
                        : options->read_only ? HOST_READ
                                             : HOST_TRY_WRITE,
                        err))
        return false;
    bool ok = file.size ||
              error_set(err, "%s is empty; \"armature disk create FILE SIZE\" makes an image", file.path);
    if (!ok || (!options->raw && !probe(&file, &content, err))) {
        host_file_close(&file);
        return false;
    }
    note_refused(image, &file);
    if (content == CONTENT_OVERLAY)
        return overlay_open(image, &file, &(OverlayOptions){.depth = depth, .look = options->look}, err);
    raw_open(image, &file, !options->raw);
    return true;
}

bool image_open_below(DiskImage *image, const ImageOptions *options, unsigned depth, Error *err)
{
    *image = (DiskImage){.kind = IMAGE_FILE};
    return is_nbd(options->path) ? nbd_image_open(image, options, err)
                                 : open_file(image, options, depth, err);
}

static bool same_file(const char *one, const char *other)
{
    struct stat a, b;
    return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The overlay that is asked for lies over what is named. */
static bool open_overlay(DiskImage *image, const ImageOptions *options, Error *err)
{
    DiskImage base;
    HostFile file;
    ImageOptions below = {.path = options->path, .read_only = true, .raw = options->raw};
    OverlayOptions over = {.base = &base, .base_path = options->path, .base_raw = options->raw};
    if (options->overlay && same_file(options->path, options->overlay))
        return error_set(err,
                         "overlay= names the image itself; give another name, for a file that will be made");
    if (options->overlay && access(options->overlay, F_OK)) {
        if (!image_open_below(&base, &below, 1, err) || !overlay_create(options->overlay, &over, 0, err))
            return false;
    }
    if (options->overlay && !host_file_open(&file, options->overlay, HOST_TRY_WRITE, err))
        return false;
    if (!image_open_below(&base, &below, 1, err)) {
        if (options->overlay)
            host_file_close(&file);
        return false;
    }
    *image = (DiskImage){.kind = IMAGE_OVERLAY};
    if (!options->overlay)
        return overlay_temporary(image, &over, err);
    note_refused(image, &file);
    return overlay_open(image, &file, &over, err);
}

bool image_open(DiskImage *image, const ImageOptions *options, Error *err)
{
    *image = (DiskImage){.kind = IMAGE_FILE};
    return options->overlay || options->temporary ? open_overlay(image, options, err)
                                                  : image_open_below(image, options, 0, err);
}

void image_close(DiskImage *image)
{
    if (image->medium)
        image->ops->close(image->medium);
    image->medium = NULL;
}
