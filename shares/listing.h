/* What is in a folder, as it was when reading began: sorted by name, so that places in it are stable, and the
 * same on every host. Private to shares/. */
#ifndef ARMATURE_SHARES_LISTING_H
#define ARMATURE_SHARES_LISTING_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that a listing takes at most. */
#define LISTING_MOST ((size_t)64 << 20)

typedef struct ListingEntry {
    uint64_t inode;
    uint8_t kind;  /* DT_* of dirent.h */
    uint32_t name; /* its place in names */
} ListingEntry;

typedef struct Listing {
    ListingEntry *entry;
    size_t count;
    char *names;
    size_t bytes; /* of all */
} Listing;

/* Reads the open folder fd, with "." and "..". NULL with *error set to a negative errno: -ENOMEM if it is too
 * large. */
Listing *listing_new(int fd, int *error);
void listing_free(Listing *listing); /* NULL is allowed */

static inline const char *listing_name(const Listing *listing, size_t n)
{
    return listing->names + listing->entry[n].name;
}

#endif
