/* Operations on the screen: pictures, the text on it, recordings. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontends/operation_functions.h"
#include "frontends/screen.h"
#include "frontends/wait.h"
#include "frontends/wanted.h"

/* How often waiting looks at the screen: guest time. */
#define LOOK_NS UINT64_C(40000000)

static Screen *screen_of(const Call *call)
{
    return session_screen(call->client->session);
}

/* ---- Pictures ---------------------------------------------------------------------------------------- */

char *op_screenshot(Call *call, const char *file)
{
    Error err;
    char *name = screen_shot(screen_of(call), file, &err);
    if (!name)
        call_fail(call, "screenshot: %s", err.text);
    return name;
}

json_t *op_screen_size(Call *call)
{
    const Frame *frame = screen_frame(screen_of(call));
    return json_pack("{s:I, s:I}", "width", (json_int_t)frame->width, "height", (json_int_t)frame->height);
}

typedef struct Area {
    uint32_t x, y, width, height; /* 0: up to the edge */
} Area;

static bool fits(const Frame *frame, const Area *area)
{
    return area->x < frame->width && area->y < frame->height && area->width <= frame->width - area->x &&
           area->height <= frame->height - area->y;
}

/* CRC-32 of the pixels' red, green and blue, row by row. */
static uint32_t checksum(const Frame *frame, const Area *area)
{
    uint32_t width = area->width ? area->width : frame->width - area->x,
             height = area->height ? area->height : frame->height - area->y;
    uint8_t bytes[3 * DISPLAY_MOST];
    uLong sum = crc32(0, NULL, 0);
    for (uint32_t y = 0; y < height; y++) {
        const uint32_t *from = frame->pixels + (size_t)(area->y + y) * frame->width + area->x;
        for (uint32_t x = 0; x < width; x++) {
            bytes[3 * x] = (uint8_t)(from[x] >> 16);
            bytes[3 * x + 1] = (uint8_t)(from[x] >> 8);
            bytes[3 * x + 2] = (uint8_t)from[x];
        }
        sum = crc32(sum, bytes, 3 * width);
    }
    return (uint32_t)sum;
}

uint32_t op_screen_checksum(Call *call, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    Error err;
    const Area area = {x, y, width, height};
    if (!screen_is_lit(screen_of(call), &err)) {
        call_fail(call, "screen_checksum: %s", err.text);
        return 0;
    }
    const Frame *frame = screen_frame(screen_of(call));
    if (!fits(frame, &area)) {
        call_fail(call, "screen_checksum: that is not on the screen of %u x %u pixels", frame->width,
                  frame->height);
        return 0;
    }
    return checksum(frame, &area);
}

typedef struct Pixels {
    Area area;
    uint32_t wanted;
    uint64_t serial; /* of the frame that was looked at */
} Pixels;

static void free_data(Wait *wait)
{
    free(wait->data);
}

static bool look_at_pixels(Wait *wait)
{
    Pixels *pixels = wait->data;
    const Frame *frame = screen_frame(screen_of(wait->call));
    if (frame->serial == pixels->serial)
        return false;
    pixels->serial = frame->serial;
    return frame->width && fits(frame, &pixels->area) && checksum(frame, &pixels->area) == pixels->wanted;
}

static void pixels_ended(Wait *wait)
{
    if (wait->matched)
        wait_finish(wait, NULL);
    else
        wait_timed_out(wait);
}

void op_wait_pixels(Call *call, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t wanted,
                    uint64_t timeout)
{
    char *what;
    if (asprintf(&what, "wait_pixels 0x%08x", wanted) < 0)
        abort();
    Wait *wait = wait_new(call, timeout, what, pixels_ended);
    if (!wait)
        return;
    Pixels *pixels = calloc(1, sizeof *pixels);
    if (!pixels)
        abort();
    *pixels = (Pixels){
        .area = {x, y, width, height},
          .wanted = wanted, .serial = UINT64_MAX
    };
    wait->data = pixels;
    wait->let_go = free_data;
    wait_look(wait, LOOK_NS, look_at_pixels);
}

/* ---- Text -------------------------------------------------------------------------------------------- */

Bytes *op_screen_text(Call *call)
{
    Error err;
    size_t length;
    const ScreenText *text = screen_read(screen_of(call), false, &err);
    if (!text) {
        call_fail(call, "screen_text: %s", err.text);
        return NULL;
    }
    const char *rows = screen_text_rows(text, &length);
    Bytes *result = bytes_new(rows, length);
    size_t end = 0;
    for (size_t n = 0; n < length; n++)
        if (rows[n] != ' ' || rows[n + 1] != '\n')
            result->data[end++] = (uint8_t)rows[n];
    result->length = end;
    return result;
}

/* The text that is on the screen is searched as a whole, from its first character on. */
typedef struct Search {
    Matcher *matcher;
    char *rows; /* in which the match is */
    size_t length;
    ScreenPlace place;
    uint64_t serial; /* of the frame that was looked at */
    Error why;       /* nothing could be read: why, the last time */
} Search;

static void free_search(Search *search)
{
    matcher_free(search->matcher);
    free(search->rows);
    free(search);
}

static Search *search_new(Matcher *matcher)
{
    Search *search = calloc(1, sizeof *search);
    if (!search)
        abort();
    search->matcher = matcher;
    return search;
}

static bool find(Search *search, const ScreenText *text, Match *match)
{
    size_t length;
    const char *rows = screen_text_rows(text, &length);
    bool found = false;
    matcher_start(search->matcher, 0);
    for (size_t n = 0; n < length && !found; n++)
        found = matcher_feed(search->matcher, (uint8_t)rows[n], match);
    if (!found)
        return false;
    search->rows = strdup(rows);
    if (!search->rows)
        abort();
    search->length = length;
    search->place = screen_text_place(text, match->start);
    return true;
}

static json_t *captured(const Search *search, const MatchCapture *capture)
{
    return capture->position
               ? json_integer((json_int_t)capture->start + 1)
               : json_bytes(search->rows + capture->start, (size_t)(capture->end - capture->start));
}

static json_t *found_json(const Search *search, const Match *match)
{
    json_t *captures = json_array();
    for (unsigned n = 0; n < match->capture_count; n++)
        json_array_append_new(captures, captured(search, &match->capture[n]));
    const ScreenPlace *place = &search->place;
    json_t *result = json_pack("{s:i, s:o, s:I, s:I, s:I, s:I}", "index", (int)match->index + 1, "captures",
                               captures, "row", (json_int_t)place->row, "column", (json_int_t)place->column,
                               "x", (json_int_t)place->x, "y", (json_int_t)place->y);
    json_object_set_new(result, "text",
                        json_bytes(search->rows + match->start, (size_t)(match->end - match->start)));
    return result;
}

static void let_search_go(Wait *wait)
{
    free_search(wait->data);
}

static bool look_for_text(Wait *wait)
{
    Search *search = wait->data;
    const ScreenText *text = screen_read(screen_of(wait->call), true, &search->why);
    if (!text) {
        search->serial = 0;
        return false;
    }
    search->why.text[0] = 0;
    uint64_t serial = screen_frame(screen_of(wait->call))->serial;
    if (serial == search->serial)
        return false;
    search->serial = serial;
    return find(search, text, &wait->match);
}

static void text_ended(Wait *wait)
{
    const Search *search = wait->data;
    if (wait->matched)
        wait_finish(wait, found_json(search, &wait->match));
    else if (search->why.text[0])
        call_fail(wait->call, "%s: not within %.9g seconds of guest time; %s", wait->what,
                  (double)wait->limit_ns / 1e9, search->why.text);
    else
        wait_timed_out(wait);
}

void op_wait_screen(Call *call, const json_t *text, uint64_t timeout)
{
    char *what;
    Matcher *matcher = wanted_matcher(call, text, false, &what);
    Wait *wait = matcher ? wait_new(call, timeout, what, text_ended) : NULL;
    if (!wait) {
        matcher_free(matcher);
        return;
    }
    wait->data = search_new(matcher);
    wait->let_go = let_search_go;
    wait_look(wait, LOOK_NS, look_for_text);
}

json_t *op_screen_find(Call *call, const json_t *wanted)
{
    Error err;
    char *what;
    Match match;
    json_t *result = NULL;
    Matcher *matcher = wanted_matcher(call, wanted, false, &what);
    if (!matcher)
        return NULL;
    Search *search = search_new(matcher);
    const ScreenText *text = screen_read(screen_of(call), false, &err);
    if (!text)
        call_fail(call, "screen_find: %s", err.text);
    else if (find(search, text, &match))
        result = found_json(search, &match);
    else
        call_fail(call, "%s: it is not on the screen", what);
    free_search(search);
    free(what);
    return result;
}

/* ---- Recordings -------------------------------------------------------------------------------------- */

void op_record_start(Call *call, const char *path, uint32_t rate)
{
    Error err;
    unsigned given = rate ? rate : session_options(call->client->session)->record_rate;
    if (call_needs_power(call) && !screen_record(screen_of(call), path, given, &err))
        call_fail(call, "record_start: %s", err.text);
}

uint32_t op_record_stop(Call *call)
{
    Error err;
    uint64_t frames = 0;
    if (!screen_record_end(screen_of(call), &frames, &err))
        call_fail(call, "record_stop: %s", err.text);
    return (uint32_t)frames;
}
