#include "snapshot/pages.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

bool unit_is_full(const PageUnit *unit)
{
    return unit->pages == UNIT_PAGES || unit->runs == UNIT_RUNS;
}

static void add(PageUnit *unit, uint32_t page, uint32_t count, uint32_t source)
{
    PageRun *last = unit->runs ? &unit->run[unit->runs - 1] : NULL;
    if (last && last->first + last->count == page && last->source == source)
        last->count += count;
    else
        unit->run[unit->runs++] = (PageRun){page, count, source};
}

void unit_add(PageUnit *unit, uint32_t page, uint32_t source)
{
    unit->pages += source == RUN_IS_DATA;
    add(unit, page, 1, source);
}

void unit_add_zeros(PageUnit *unit, uint32_t page, uint32_t count)
{
    add(unit, page, count, RUN_IS_ZEROS);
}

void unit_encode(const PageUnit *unit, bool deflate, Buffer *out)
{
    size_t bytes = (size_t)unit->pages * MEMORY_PAGE;
    buffer_put32(out, unit->memory);
    size_t method = out->size;
    buffer_put32(out, PAGES_RAW);
    buffer_put32(out, unit->runs);
    buffer_put32(out, unit->pages);
    buffer_put(out, unit->run, unit->runs * sizeof *unit->run);
    uLongf length = compressBound(bytes);
    if (deflate) {
        uint8_t *at = buffer_grow(out, length);
        bool smaller = compress2(at, &length, unit->data[0], bytes, Z_BEST_SPEED) == Z_OK && length < bytes;
        out->size -= compressBound(bytes);
        if (smaller) {
            const uint32_t deflated = PAGES_DEFLATED;
            out->size += length;
            memcpy(out->data + method, &deflated, sizeof deflated);
            return;
        }
    }
    buffer_put(out, unit->data, bytes);
}

static bool inflate_all(PageUnit *unit, const Cursor *cursor)
{
    uLongf length = (uLongf)unit->pages * MEMORY_PAGE, wanted = length;
    uLong used = cursor->left;
    return uncompress2(unit->data[0], &length, cursor->at, &used) == Z_OK && length == wanted &&
           used == cursor->left;
}

bool unit_decode(PageUnit *unit, const uint8_t *payload, size_t size, Error *err)
{
    Cursor cursor = {payload, size, false};
    unit->memory = cursor_take32(&cursor);
    uint32_t method = cursor_take32(&cursor);
    unit->runs = cursor_take32(&cursor);
    unit->pages = cursor_take32(&cursor);
    if (cursor.short_of || unit->runs > UNIT_RUNS || unit->pages > UNIT_PAGES)
        return error_set(err, "pages: a chunk is damaged");
    const uint8_t *runs = cursor_take(&cursor, unit->runs * sizeof *unit->run);
    if (!runs)
        return error_set(err, "pages: a chunk is cut off");
    memcpy(unit->run, runs, unit->runs * sizeof *unit->run);
    uint64_t pages = 0;
    for (uint32_t n = 0; n < unit->runs; n++)
        pages += unit->run[n].source == RUN_IS_DATA ? unit->run[n].count : 0;
    size_t bytes = (size_t)unit->pages * MEMORY_PAGE;
    if (pages != unit->pages || method > PAGES_DEFLATED || (method == PAGES_RAW && cursor.left != bytes))
        return error_set(err, "pages: a chunk does not have the pages that it says");
    if (method == PAGES_RAW)
        memcpy(unit->data, cursor.at, bytes);
    else if (!inflate_all(unit, &cursor))
        return error_set(err, "pages: a chunk cannot be decompressed");
    return true;
}
