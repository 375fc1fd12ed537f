/* What is used of libnbd, which only disks on NBD servers need: see machine/library.h. A call is written
 * nbd.create(...) where libnbd's manual says nbd_create(...). Private to images/. */
#ifndef ARMATURE_IMAGES_NBD_LIBRARY_H
#define ARMATURE_IMAGES_NBD_LIBRARY_H

#include <libnbd.h>

#include "machine/error.h"

/* clang-format off */
#define NBD_FUNCTIONS(F) \
    F(aio_command_completed) \
    F(aio_connect_unix) \
    F(aio_connect_uri) \
    F(aio_disconnect) \
    F(aio_flush) \
    F(aio_is_closed) \
    F(aio_is_connecting) \
    F(aio_is_dead) \
    F(aio_is_ready) \
    F(aio_pread) \
    F(aio_pwrite) \
    F(aio_trim) \
    F(aio_zero) \
    F(can_flush) \
    F(can_trim) \
    F(can_zero) \
    F(close) \
    F(create) \
    F(get_errno) \
    F(get_error) \
    F(get_size) \
    F(is_read_only) \
    F(poll)
/* clang-format on */

typedef struct Nbd {
#define NBD_MEMBER(name) __typeof__(nbd_##name) *name;
    NBD_FUNCTIONS(NBD_MEMBER)
#undef NBD_MEMBER
} Nbd;

/* Nothing of it may be called before nbd_load(). */
extern Nbd nbd;

/* False with err set if libnbd is not installed. */
bool nbd_load(Error *err);

#endif
