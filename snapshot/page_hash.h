/* Hashes that tell pages apart although a guest wants two different ones to look equal.
 *
 * NH, the universal hash of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99), twice, with
 * the key shifted: whoever does not know the key, which is random and never leaves the process, finds no two
 * pages that are equal with a greater probability than 2^-128, whatever he knows of the function. XXH64 has
 * pairs that are equal under every second seed (test_page_hash makes some). */
#ifndef ARMATURE_SNAPSHOT_PAGE_HASH_H
#define ARMATURE_SNAPSHOT_PAGE_HASH_H

#include <stdbool.h>
#include <stdint.h>

enum { PAGE_HASH_WORDS = 512 }; /* of 64 bits, in a page */

typedef struct PageKey {
    uint64_t word[PAGE_HASH_WORDS + 2];
} PageKey;

typedef struct PageHash {
    uint64_t word[4];
} PageHash;

/* A new key from the host. */
void page_key_init(PageKey *key);
/* page: 4096 bytes, anywhere. */
PageHash page_hash(const PageKey *key, const uint8_t *page);
bool page_hash_equal(const PageHash *a, const PageHash *b);

#endif
