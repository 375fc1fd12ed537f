#include "frontends/kernel_lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Messages whose places are remembered. */
enum { SPANS = 4096 };

/* Two stamps at least this far apart, between which the machine's clock went as far, fix the beginning. */
#define PAIR_NS 50000000
#define PAIR_SLACK_NS 10000000
/* How long a message may take to come out. */
#define LATE_NS 100000000

typedef struct Span {
    uint64_t start, end; /* end 0: not yet known */
} Span;

struct KernelLines {
    /* "[   12.345678] " as far as it has come. */
    enum { OUTSIDE, SPACES, SECONDS, FRACTION, BRACKET } state;
    uint64_t start, start_time; /* of the bracket */
    uint64_t seconds, micros;
    unsigned digits;
    /* The stamp that the next one is compared with. */
    bool has_first, known;
    int64_t first_time, first_stamp;
    int64_t base;   /* machine time at which the kernel's clock was 0 */
    int64_t newest; /* stamp of the newest message */
    bool in_message;
    unsigned spans; /* in all; the last SPANS are kept */
    Span span[SPANS];
};

KernelLines *kernel_lines_new(void)
{
    KernelLines *lines = calloc(1, sizeof *lines);
    if (!lines)
        abort();
    return lines;
}

void kernel_lines_free(KernelLines *lines)
{
    free(lines);
}

void kernel_lines_reset(KernelLines *lines)
{
    lines->has_first = lines->known = false;
    lines->newest = 0;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Lines that come slower or faster than their stamps say (kept back, or from a file) fix nothing. */
static void compare(KernelLines *lines, int64_t stamp)
{
    int64_t time = (int64_t)lines->start_time;
    if (lines->has_first && stamp >= lines->first_stamp && stamp - lines->first_stamp < PAIR_NS &&
        time - lines->first_time < PAIR_NS)
        return;
    if (lines->has_first && stamp - lines->first_stamp >= PAIR_NS &&
        distance(stamp - lines->first_stamp, time - lines->first_time) <= PAIR_SLACK_NS) {
        lines->known = true;
        lines->base = time - stamp;
    }
    lines->has_first = true;
    lines->first_time = time;
    lines->first_stamp = stamp;
}

/* What was written once is not written again: it is dmesg that repeats it. A message of several lines has the
 * same stamp on each. */
static bool is_new(const KernelLines *lines, int64_t stamp)
{
    const Span *last = lines->spans ? &lines->span[(lines->spans - 1) % SPANS] : NULL;
    return stamp > lines->newest || (stamp == lines->newest && last && last->end == lines->start);
}

static void stamped(KernelLines *lines)
{
    int64_t stamp = (int64_t)(lines->seconds * 1000000000u + lines->micros * 1000u);
    compare(lines, stamp);
    int64_t late = (int64_t)lines->start_time - lines->base - stamp;
    if (!lines->known || distance(late, 0) > LATE_NS || !is_new(lines, stamp))
        return;
    lines->newest = stamp;
    lines->span[lines->spans++ % SPANS] = (Span){lines->start, 0};
    lines->in_message = true;
}

static void scan(KernelLines *lines, uint64_t offset, uint8_t ch, uint64_t now)
{
    bool digit = ch >= '0' && ch <= '9';
    if (ch == '[') {
        lines->state = SPACES;
        lines->start = offset;
        lines->start_time = now;
        lines->seconds = lines->micros = lines->digits = 0;
    } else if (lines->state == SPACES && ch == ' ' && offset - lines->start < 6) {
        return;
    } else if ((lines->state == SPACES || lines->state == SECONDS) && digit && lines->seconds < 100000000) {
        lines->state = SECONDS;
        lines->seconds = 10 * lines->seconds + (ch - '0');
    } else if (lines->state == SECONDS && ch == '.') {
        lines->state = FRACTION;
    } else if (lines->state == FRACTION && digit && lines->digits < 6) {
        lines->micros = 10 * lines->micros + (ch - '0');
        lines->digits++;
    } else if (lines->state == FRACTION && ch == ']' && lines->digits == 6) {
        lines->state = BRACKET;
    } else {
        if (lines->state == BRACKET && ch == ' ')
            stamped(lines);
        lines->state = OUTSIDE;
    }
}

void kernel_lines_feed(KernelLines *lines, uint64_t offset, uint8_t ch, uint64_t now)
{
    if (!lines->in_message) {
        if (lines->state != OUTSIDE || ch == '[')
            scan(lines, offset, ch, now);
        return;
    }
    if (ch != '\n')
        return;
    lines->span[(lines->spans - 1) % SPANS].end = offset + 1;
    lines->in_message = false;
    lines->state = OUTSIDE;
}

size_t kernel_lines_strip(const KernelLines *lines, uint64_t from, char *text, size_t length)
{
    unsigned first = lines->spans > SPANS ? lines->spans - SPANS : 0;
    size_t kept = 0, at = 0;
    for (unsigned n = first; n < lines->spans; n++) {
        const Span *span = &lines->span[n % SPANS];
        if (span->end && span->end <= from)
            continue;
        size_t start = span->start > from ? (size_t)(span->start - from) : 0;
        size_t end = span->end ? (size_t)(span->end - from) : length;
        start = start < length ? start : length;
        end = end < length ? end : length;
        memmove(text + kept, text + at, start - at);
        kept += start - at;
        at = end;
    }
    memmove(text + kept, text + at, length - at);
    return kept + length - at;
}
