#include "frontends/suggest.h"

#include <stdint.h>
#include <string.h>

/* Levenshtein's distance; long words are as far away as can be. */
static unsigned distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    unsigned row[MOST + 1];
    size_t n = strlen(b);
    if (n > MOST || strlen(a) > MOST)
        return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}

const char *suggest(const char *typed, const void *table, unsigned count,
                    const char *(*name)(const void *table, unsigned n))
{
    const char *best = NULL;
    /* Farther is a guess, not a slip; in a short word every letter counts. */
    unsigned nearest = strlen(typed) < 4 ? 2 : strlen(typed) < 6 ? 3 : 4;
    for (unsigned n = 0; n < count; n++) {
        unsigned far = distance(typed, name(table, n));
        if (far < nearest) {
            nearest = far;
            best = name(table, n);
        }
    }
    return best;
}
