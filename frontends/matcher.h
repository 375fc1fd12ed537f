/* Looks for texts and Lua patterns in a stream of characters, one character at a time: the end of a match is
 * known at the very character that completes it, whatever came before, and each character costs a bounded
 * amount of work, so that megabytes of output, also hostile ones, take a time proportional to their length.
 *
 * A match ends as soon as it can: "%d+" matches the first digit. Of the matches that end at the same
 * character the one that begins first counts; among those, the one that Lua would choose. `$` is the end of
 * what has come so far, `^` the place where the search began. %b, %f and %1 to %9 are refused: they need text
 * that is all there. */
#ifndef ARMATURE_FRONTENDS_MATCHER_H
#define ARMATURE_FRONTENDS_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

enum { MATCHER_MAX_LENGTH = 4096, MATCHER_MAX_PATTERNS = 64, MATCHER_MAX_CAPTURES = 32 };

typedef struct Matcher Matcher;

typedef struct MatchCapture {
    uint64_t start, end; /* offsets in the stream */
    bool position;       /* "()": only start counts */
} MatchCapture;

typedef struct Match {
    unsigned index; /* of the pattern, in the order they were added */
    uint64_t start, end;
    unsigned capture_count;
    MatchCapture capture[MATCHER_MAX_CAPTURES];
} Match;

Matcher *matcher_new(void);
void matcher_free(Matcher *matcher); /* NULL is allowed */

/* Adds a plain text or a Lua pattern. False with err set if it is malformed, too long, or matches the empty
 * text. */
bool matcher_add(Matcher *matcher, const void *text, size_t length, bool is_pattern, Error *err);

/* Begins a search; the next character has this offset. */
void matcher_start(Matcher *matcher, uint64_t offset);

/* Takes the next character. True, with *match filled, if a match ends with it. After that the search is over.
 */
bool matcher_feed(Matcher *matcher, uint8_t ch, Match *match);

#endif
