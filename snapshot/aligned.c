#include "snapshot/aligned.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/hash64.h"

enum { TABLE_HEAD = 16, METHOD_AT = 4 };

/* ---- Writing ------------------------------------------------------------------------------------------- */

static bool write_data(ChunkWriter *writer, const PageUnit *unit, size_t padding, Error *err)
{
    size_t bytes = (size_t)unit->pages * MEMORY_PAGE;
    Buffer data = {0};
    memset(buffer_grow(&data, padding), 0, padding);
    buffer_put(&data, unit->data, bytes);
    bool ok = chunk_write(writer, CHUNK_DATA, data.data, data.size, err);
    buffer_free(&data);
    return ok;
}

/* The runs of a unit that have contents, or that have none. */
static uint32_t put_runs(const PageUnit *unit, bool contents, Buffer *out)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < unit->runs; n++) {
        if ((unit->run[n].source == RUN_IS_DATA) != contents)
            continue;
        buffer_put(out, &unit->run[n], sizeof unit->run[n]);
        count++;
    }
    return count;
}

static void put_head(const PageUnit *unit, uint32_t method, uint32_t runs, uint32_t pages, Buffer *out)
{
    buffer_put32(out, unit->memory);
    buffer_put32(out, method);
    buffer_put32(out, runs);
    buffer_put32(out, pages);
}

static bool write_aligned(ChunkWriter *writer, const PageUnit *unit, Buffer *runs, uint32_t count, Error *err)
{
    Buffer table = {0};
    put_head(unit, PAGES_ALIGNED, count, unit->pages, &table);
    buffer_put(&table, runs->data, runs->size);
    uint64_t size = table.size + unit->pages * sizeof(uint64_t);
    uint64_t start = writer->offset + CHUNK_HEADER + size + CHUNK_HEADER;
    uint64_t padding = -start % MEMORY_PAGE;
    for (uint32_t n = 0; n < unit->pages; n++)
        buffer_put64(&table, hash64(unit->data[n], MEMORY_PAGE, start + padding + (uint64_t)n * MEMORY_PAGE));
    bool ok = chunk_write(writer, CHUNK_PAGES, table.data, table.size, err) &&
              write_data(writer, unit, padding, err);
    buffer_free(&table);
    return ok;
}

bool aligned_write(ChunkWriter *writer, const PageUnit *unit, Error *err)
{
    Buffer own = {0}, others = {0}, payload = {0};
    uint32_t with = put_runs(unit, true, &own), without = put_runs(unit, false, &others);
    bool ok = !with || write_aligned(writer, unit, &own, with, err);
    put_head(unit, PAGES_RAW, without, 0, &payload);
    buffer_put(&payload, others.data, others.size);
    ok = ok && (!without || chunk_write(writer, CHUNK_PAGES, payload.data, payload.size, err));
    buffer_free(&own);
    buffer_free(&others);
    buffer_free(&payload);
    return ok;
}

/* ---- Reading ------------------------------------------------------------------------------------------- */

bool aligned_is(const uint8_t *payload, size_t size)
{
    uint32_t method;
    if (size < TABLE_HEAD)
        return false;
    memcpy(&method, payload + METHOD_AT, sizeof method);
    return method == PAGES_ALIGNED;
}

static bool find_data(const PageUnit *unit, uint64_t *at, const ChunkFile *file, unsigned n, Error *err)
{
    uint64_t bytes = (uint64_t)unit->pages * MEMORY_PAGE;
    const Chunk *data = n + 1 < file->count ? &file->chunk[n + 1] : NULL;
    if (!data || strcmp(data->type, CHUNK_DATA) || data->length < bytes ||
        data->length - bytes >= MEMORY_PAGE || (data->offset + data->length) % MEMORY_PAGE)
        return error_set(err, "pages: a chunk does not have the pages that it says");
    *at = data->offset + data->length - bytes;
    return true;
}

bool aligned_decode(PageUnit *unit, uint64_t *sum, uint64_t *at, const ChunkFile *file, unsigned n,
                    const uint8_t *payload, Error *err)
{
    Cursor cursor = {payload, file->chunk[n].length, false};
    unit->memory = cursor_take32(&cursor);
    cursor_take32(&cursor);
    unit->runs = cursor_take32(&cursor);
    unit->pages = cursor_take32(&cursor);
    if (cursor.short_of || unit->runs > UNIT_RUNS || unit->pages > UNIT_PAGES || !unit->pages ||
        cursor.left != unit->runs * sizeof *unit->run + unit->pages * sizeof *sum)
        return error_set(err, "pages: a chunk is damaged");
    uint64_t pages = 0;
    memcpy(unit->run, cursor_take(&cursor, unit->runs * sizeof *unit->run), unit->runs * sizeof *unit->run);
    for (uint32_t k = 0; k < unit->runs; k++) {
        if (unit->run[k].source != RUN_IS_DATA)
            return error_set(err, "pages: a chunk is damaged");
        pages += unit->run[k].count;
    }
    if (pages != unit->pages)
        return error_set(err, "pages: a chunk does not have the pages that it says");
    memcpy(sum, cursor_take(&cursor, unit->pages * sizeof *sum), unit->pages * sizeof *sum);
    return find_data(unit, at, file, n, err);
}

static bool read_data(PageUnit *unit, const uint64_t *sum, uint64_t at, const ChunkFile *file, unsigned n,
                      Error *err)
{
    const Chunk *chunk = &file->chunk[n + 1];
    uint8_t *data = malloc(chunk->length);
    if (!data)
        return error_set(err, "not enough memory");
    bool ok = chunk_read(file, chunk, data, err);
    if (ok)
        memcpy(unit->data, data + (at - chunk->offset), (size_t)unit->pages * MEMORY_PAGE);
    free(data);
    for (uint32_t k = 0; ok && k < unit->pages; k++)
        if (hash64(unit->data[k], MEMORY_PAGE, at + (uint64_t)k * MEMORY_PAGE) != sum[k])
            ok = error_set(err, "pages: a chunk does not have the pages that it says");
    return ok;
}

bool aligned_read(PageUnit *unit, const ChunkFile *file, unsigned n, const uint8_t *payload, Error *err)
{
    uint64_t sum[UNIT_PAGES], at;
    if (!aligned_is(payload, file->chunk[n].length))
        return unit_decode(unit, payload, file->chunk[n].length, err);
    return aligned_decode(unit, sum, &at, file, n, payload, err) && read_data(unit, sum, at, file, n, err);
}
