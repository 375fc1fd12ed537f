#define _GNU_SOURCE
#include "shares/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Builder {
    Listing *listing;
    size_t entries, names, used; /* room, room, and used bytes of names */
} Builder;

/* Makes room for one more of so many; false if there is not so much memory. */
static bool reserve(void **memory, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return true;
    size_t more = *room ? *room * 2 : 64;
    while (more < needed)
        more *= 2;
    void *bigger = realloc(*memory, more * size);
    if (!bigger)
        return false;
    *memory = bigger;
    *room = more;
    return true;
}

static bool add(Builder *b, const struct dirent64 *from)
{
    Listing *listing = b->listing;
    size_t length = strlen(from->d_name) + 1;
    if (!reserve((void **)&listing->entry, &b->entries, listing->count + 1, sizeof *listing->entry) ||
        !reserve((void **)&listing->names, &b->names, b->used + length, 1))
        return false;
    listing->entry[listing->count++] = (ListingEntry){from->d_ino, from->d_type, (uint32_t)b->used};
    memcpy(listing->names + b->used, from->d_name, length);
    b->used += length;
    listing->bytes = b->names + b->entries * sizeof *listing->entry;
    return listing->bytes <= LISTING_MOST;
}

static int by_name(const void *a, const void *b, void *names)
{
    return strcmp((char *)names + ((const ListingEntry *)a)->name,
                  (char *)names + ((const ListingEntry *)b)->name);
}

static int read_all(Builder *b, DIR *folder)
{
    struct dirent64 *from;
    while (errno = 0, (from = readdir64(folder)))
        if (!add(b, from))
            return -ENOMEM;
    return -errno;
}

Listing *listing_new(int fd, int *error)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = own >= 0 ? fdopendir(own) : NULL;
    *error = -errno;
    if (!folder) {
        if (own >= 0)
            close(own);
        return NULL;
    }
    Builder b = {.listing = calloc(1, sizeof(Listing))};
    *error = b.listing ? read_all(&b, folder) : -ENOMEM;
    closedir(folder);
    if (*error) {
        listing_free(b.listing);
        return NULL;
    }
    if (b.listing->count)
        qsort_r(b.listing->entry, b.listing->count, sizeof *b.listing->entry, by_name, b.listing->names);
    return b.listing;
}

void listing_free(Listing *listing)
{
    if (!listing)
        return;
    free(listing->entry);
    free(listing->names);
    free(listing);
}
