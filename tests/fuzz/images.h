/* Images of every kind that the loader knows, and ways to spoil them. */
#ifndef ARMATURE_TESTS_FUZZ_IMAGES_H
#define ARMATURE_TESTS_FUZZ_IMAGES_H

#include <stddef.h>

#include "tests/fuzz/random.h"

enum { IMAGE_ROOM = 1 << 16 };

/* What option an image is for. */
typedef enum ImageUse { USE_KERNEL, USE_INITRD, USE_TREE } ImageUse;

typedef struct FuzzImage {
    uint8_t data[IMAGE_ROOM];
    size_t size;
} FuzzImage;

typedef struct ImageKind {
    const char *name;
    ImageUse use;
    void (*make)(FuzzImage *image);
} ImageKind;

extern const ImageKind image_kinds[];
extern const unsigned image_kind_count;

/* Changes some bytes, words or the length; sometimes repairs checksums afterwards, so that what lies behind
 * them is reached too. */
void image_spoil(FuzzImage *image, Random *random);

#endif
