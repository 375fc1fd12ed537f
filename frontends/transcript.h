/* What a serial port has shown: the newest megabytes of it, and who waits for texts in it.
 *
 * Characters have offsets, counted from the first one the guest sent. */
#ifndef ARMATURE_FRONTENDS_TRANSCRIPT_H
#define ARMATURE_FRONTENDS_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "frontends/matcher.h"

/* How much is kept at least; what nobody looked at by then is lost to those who wait for it. */
enum { TRANSCRIPT_KEPT = 8 << 20 };

typedef struct Transcript Transcript;
typedef struct TranscriptWatch TranscriptWatch;

Transcript *transcript_new(void);
void transcript_free(Transcript *transcript); /* NULL is allowed */

void transcript_append(Transcript *transcript, const uint8_t *data, size_t length);

/* The oldest character that is kept, and the one that comes next. */
uint64_t transcript_begin(const Transcript *transcript);
uint64_t transcript_end(const Transcript *transcript);

/* The characters from offset `from` (or the oldest that is kept) to the end, *length of them; valid until the
 * next one is appended. */
const uint8_t *transcript_text(const Transcript *transcript, uint64_t from, size_t *length);

/* Searches from offset `from` on, in what is there and in what comes, and calls found() once, at the
 * character that completes the match: maybe before this returns, maybe while an instruction executes. found()
 * only takes notes: it neither watches nor unwatches. The matcher is borrowed until then or until the watch
 * is removed. NULL if the match was there already. */
TranscriptWatch *transcript_watch(Transcript *transcript, Matcher *matcher, uint64_t from,
                                  void (*found)(void *opaque, const Match *match), void *opaque);
void transcript_unwatch(TranscriptWatch *watch); /* NULL is allowed; not after found() was called */

#endif
