#include "frontends/transcript.h"

#include <stdlib.h>
#include <string.h>

struct TranscriptWatch {
    Transcript *transcript;
    Matcher *matcher;
    void (*found)(void *opaque, const Match *match);
    void *opaque;
    TranscriptWatch *next;
};

struct Transcript {
    uint8_t *data;
    size_t length, capacity;
    uint64_t begin; /* offset of data[0] */
    TranscriptWatch *watches;
};

Transcript *transcript_new(void)
{
    Transcript *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    return t;
}

void transcript_free(Transcript *transcript)
{
    if (!transcript)
        return;
    while (transcript->watches)
        transcript_unwatch(transcript->watches);
    free(transcript->data);
    free(transcript);
}

/* When twice as much as is kept is there, the older half goes: each character is moved once. */
static void make_room(Transcript *t)
{
    if (t->length < t->capacity)
        return;
    if (t->capacity < 2 * TRANSCRIPT_KEPT) {
        t->capacity = t->capacity ? 2 * t->capacity : 4096;
        t->data = realloc(t->data, t->capacity);
        if (!t->data)
            abort();
        return;
    }
    size_t gone = t->length - TRANSCRIPT_KEPT;
    memmove(t->data, t->data + gone, TRANSCRIPT_KEPT);
    t->length = TRANSCRIPT_KEPT;
    t->begin += gone;
}

static void feed(Transcript *t, uint8_t ch)
{
    for (TranscriptWatch *watch = t->watches, *next; watch; watch = next) {
        Match match;
        next = watch->next;
        if (!matcher_feed(watch->matcher, ch, &match))
            continue;
        void (*found)(void *, const Match *) = watch->found;
        void *opaque = watch->opaque;
        transcript_unwatch(watch);
        found(opaque, &match);
    }
}

void transcript_append(Transcript *transcript, const uint8_t *data, size_t length)
{
    for (size_t n = 0; n < length; n++) {
        make_room(transcript);
        transcript->data[transcript->length++] = data[n];
        if (transcript->watches)
            feed(transcript, data[n]);
    }
}

uint64_t transcript_begin(const Transcript *transcript)
{
    return transcript->begin;
}

uint64_t transcript_end(const Transcript *transcript)
{
    return transcript->begin + transcript->length;
}

const uint8_t *transcript_text(const Transcript *transcript, uint64_t from, size_t *length)
{
    uint64_t end = transcript_end(transcript);
    if (from < transcript->begin)
        from = transcript->begin;
    if (from > end)
        from = end;
    *length = (size_t)(end - from);
    return *length ? transcript->data + (from - transcript->begin) : (const uint8_t *)"";
}

TranscriptWatch *transcript_watch(Transcript *transcript, Matcher *matcher, uint64_t from,
                                  void (*found)(void *opaque, const Match *match), void *opaque)
{
    size_t length;
    const uint8_t *text = transcript_text(transcript, from, &length);
    matcher_start(matcher, transcript_end(transcript) - length);
    for (size_t n = 0; n < length; n++) {
        Match match;
        if (!matcher_feed(matcher, text[n], &match))
            continue;
        found(opaque, &match);
        return NULL;
    }
    TranscriptWatch *watch = calloc(1, sizeof *watch);
    if (!watch)
        abort();
    *watch = (TranscriptWatch){transcript, matcher, found, opaque, transcript->watches};
    transcript->watches = watch;
    return watch;
}

void transcript_unwatch(TranscriptWatch *watch)
{
    if (!watch)
        return;
    TranscriptWatch **link = &watch->transcript->watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    free(watch);
}
