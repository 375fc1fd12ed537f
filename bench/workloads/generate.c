/* Not a workload: writes KIBIBYTES of text to its output that compresses like text, the same everywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

#define WORDS 3000

static char words[WORDS][12];

static void make_words(uint32_t *state)
{
    static const char letters[] = "eeeeeetttttaaaaooooiiiinnnnssshhhrrrddlllcuumwfgypbvk";

    for (int i = 0; i < WORDS; i++) {
        int length = 2 + (int)(next_random(state) % 9);
        for (int j = 0; j < length; j++)
            words[i][j] = letters[next_random(state) % (sizeof letters - 1)];
    }
}

int main(int argc, char **argv)
{
    long left = argc == 2 ? strtol(argv[1], NULL, 10) * 1024 : 0;
    uint32_t state = 2718281828u;
    char line[160];

    make_words(&state);
    while (left > 0) {
        size_t length = 0;
        while (length < 70) {
            /* Small numbers are much more frequent. */
            uint32_t random = next_random(&state), word = random % WORDS * (random >> 16 & 255) / 255;
            length += (size_t)snprintf(line + length, sizeof line - length, "%s ",
                                       words[word * (random >> 24) / 255]);
        }
        line[length - 1] = '\n';
        length = (long)length > left ? (size_t)left : length;
        if (fwrite(line, 1, length, stdout) != length)
            return 1;
        left -= (long)length;
    }
    return fflush(stdout) ? 1 : 0;
}
