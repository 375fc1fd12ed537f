/* Opening images in tests, which must go well, or be refused for the right reason. Behind cmocka.h. */
#ifndef ARMATURE_TESTS_IMAGES_OPENING_H
#define ARMATURE_TESTS_IMAGES_OPENING_H

#include <string.h>

#include "images/image.h"

static inline DiskImage opened(const ImageOptions *options)
{
    DiskImage image;
    Error err;
    if (!image_open(&image, options, &err))
        fail_msg("%s", err.text);
    return image;
}

static inline void refused(const ImageOptions *options, const char *why)
{
    DiskImage image;
    Error err = {""};
    if (image_open(&image, options, &err))
        fail_msg("%s was opened", options->path);
    if (!strstr(err.text, why))
        fail_msg("\"%s\", not \"%s\"", err.text, why);
}

#endif
