/* XXH64, as its specification (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) defines it:
 * checks chunks of files and tells states of machines apart. Not meant against forgery. */
#ifndef ARMATURE_SNAPSHOT_HASH64_H
#define ARMATURE_SNAPSHOT_HASH64_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *data, size_t size, uint64_t seed);

#endif
