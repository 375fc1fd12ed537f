/* Words made, hashed, looked up and joined with the C library's string functions. */
#include "workload.h"

#include <stdio.h>
#include <string.h>

#define BUCKETS 1024
#define WORDS 2048
#define WORD_SIZE 16

static char words[WORDS][WORD_SIZE];
static short next_word[WORDS], first_word[BUCKETS];
static char text[WORDS * WORD_SIZE];

static unsigned hash_of(const char *word)
{
    unsigned hash = 5381;

    while (*word)
        hash = hash * 33 + (unsigned char)*word++;
    return hash % BUCKETS;
}

static void make_words(uint32_t *state)
{
    memset(first_word, -1, sizeof first_word);
    for (int i = 0; i < WORDS; i++) {
        int length = 3 + next_random(state) % 10;
        for (int j = 0; j < length; j++)
            words[i][j] = (char)('a' + next_random(state) % 26);
        words[i][length] = 0;
        unsigned hash = hash_of(words[i]);
        next_word[i] = first_word[hash];
        first_word[hash] = (short)i;
    }
}

static int find_word(const char *word)
{
    int i = first_word[hash_of(word)];

    while (i >= 0 && strcmp(words[i], word))
        i = next_word[i];
    return i;
}

static uint32_t join_and_split(uint32_t hash)
{
    char *end = text;

    for (int i = 0; i < WORDS; i++) {
        size_t length = strlen(words[i]);
        memcpy(end, words[i], length);
        end += length;
        *end++ = i % 16 == 15 ? '\n' : ' ';
    }
    *end = 0;
    for (char *at = text, *space; (space = strpbrk(at, " \n")); at = space + 1) {
        *space = 0;
        hash = mix(hash, (uint32_t)find_word(at));
    }
    return hash;
}

uint32_t run(unsigned units)
{
    uint32_t state = 88172645, hash = 0;
    char line[64];

    for (unsigned unit = 0; unit < units; unit++) {
        make_words(&state);
        for (int repeat = 0; repeat < 4; repeat++)
            hash = join_and_split(hash);
        for (int i = 0; i < WORDS; i += 8) {
            int length = snprintf(line, sizeof line, "%s=%d,%08x", words[i], i, (unsigned)hash);
            hash = mix(hash, (uint32_t)length + (strstr(line, "ab") != NULL) + (uint8_t)line[length - 1]);
        }
    }
    return hash;
}
