#include "images/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images/host_file.h"
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

static bool open_file(DiskImage *image, const ImageOptions *options, bool read_only, Error *err)
{
    HostFile file;
    ImageContent content = CONTENT_UNKNOWN;
    if (!host_file_open(&file, options->path, read_only ? HOST_READ : HOST_TRY_WRITE, err))
        return false;
    bool ok = file.size ||
              error_set(err, "%s is empty; \"armature disk create FILE SIZE\" makes an image", file.path);
    if (!ok || (!options->raw && !probe(&file, &content, err))) {
        host_file_close(&file);
        return false;
    }
    if (file.refused)
        snprintf(image->note, sizeof image->note, "%s cannot be written (%s): the disk is read-only",
                 file.path, strerror(file.refused));
    raw_open(image, &file, !options->raw);
    return true;
}

bool image_open(DiskImage *image, const ImageOptions *options, Error *err)
{
    bool changes_base = !options->read_only && !options->overlay && !options->temporary;
    *image = (DiskImage){.kind = IMAGE_FILE};
    if (is_nbd(options->path))
        return error_set(err, "%s: this build of armature has no NBD", options->path);
    return open_file(image, options, !changes_base, err);
}

void image_close(DiskImage *image)
{
    if (image->medium)
        image->ops->close(image->medium);
    image->medium = NULL;
}
