#include "snapshot/page_hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 Wide;

void page_key_init(PageKey *key)
{
    uint8_t *at = (uint8_t *)key;
    for (size_t left = sizeof *key; left;) { /* the host gives at least 256 bytes at once */
        ssize_t got = getrandom(at, left < 256 ? left : 256, 0);
        if (got <= 0)
            abort();
        at += got;
        left -= (size_t)got;
    }
}

PageHash page_hash(const PageKey *key, const uint8_t *page)
{
    const uint64_t *k = key->word;
    Wide a = 0, b = 0;
    for (unsigned n = 0; n < PAGE_HASH_WORDS; n += 2) {
        uint64_t word[2];
        memcpy(word, page + (size_t)n * sizeof *word, sizeof word);
        a += (Wide)(word[0] + k[n]) * (word[1] + k[n + 1]);
        b += (Wide)(word[0] + k[n + 2]) * (word[1] + k[n + 3]);
    }
    return (PageHash){
        {(uint64_t)a, (uint64_t)(a >> 64), (uint64_t)b, (uint64_t)(b >> 64)}
    };
}

bool page_hash_equal(const PageHash *a, const PageHash *b)
{
    return !memcmp(a, b, sizeof *a);
}
