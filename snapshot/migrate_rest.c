/* The rest of a machine that leaves: a snapshot file without the pages that were sent in rounds. */
#include "snapshot/migrate_out.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

enum { REST_PIECE = 256 << 10 };

static bool send_piece(Migration *m, Error *err)
{
    bool ok = !m->rest.size || stream_send(&m->stream, STREAM_REST, m->rest.data, m->rest.size, err);
    m->rest.size = 0;
    return ok;
}

static bool put_to_rest(void *opaque, const void *data, size_t size, Error *err)
{
    Migration *m = opaque;
    const uint8_t *at = data;
    while (size) {
        size_t room = REST_PIECE - m->rest.size, part = size < room ? size : room;
        buffer_put(&m->rest, at, part);
        at += part;
        size -= part;
        if (m->rest.size == REST_PIECE && !send_piece(m, err))
            return false;
    }
    return true;
}

static void add_flash_page(void *opaque, uint32_t page, const uint8_t *data)
{
    Migration *m = opaque;
    (void)data;
    if (m->flash_count == m->flash_capacity) {
        m->flash_capacity = 2 * m->flash_capacity + 64;
        m->flash = checked(realloc(m->flash, m->flash_capacity * sizeof *m->flash));
    }
    m->flash[m->flash_count++] = page;
}

static MediumStep next_of_flash(Migration *m, unsigned memory, uint64_t *page, uint8_t *copy)
{
    if (m->flash_memory != memory) {
        m->flash_memory = memory;
        m->flash_count = m->flash_at = 0;
        memory_pages(&m->memory[memory], add_flash_page, m);
    }
    if (m->flash_at == m->flash_count)
        return STEP_END;
    *page = m->flash[m->flash_at++];
    memcpy(copy, m->memory[memory].host + *page * MEMORY_PAGE, MEMORY_PAGE);
    return STEP_DATA;
}

static MediumStep next_page(void *opaque, unsigned memory, uint64_t *page, uint64_t *count, uint8_t *copy,
                            Error *err)
{
    Migration *m = opaque;
    if (memory >= m->memories)
        return disk_capture_next(m->disks, memory - m->memories, page, count, copy, err);
    return m->memory[memory].fd ? STEP_END : next_of_flash(m, memory, page, copy);
}

static bool write_descriptions(Migration *m, ChunkWriter *writer, Error *err)
{
    Buffer payload = {0};
    bool ok = true;
    for (unsigned n = 0; ok && n < m->memories; n++) {
        payload.size = 0;
        memory_encode(&m->memory[n], &payload);
        ok = chunk_write(writer, CHUNK_MEMORY, payload.data, payload.size, err);
    }
    for (unsigned n = 0; ok && n < disk_capture_count(m->disks); n++) {
        payload.size = 0;
        disk_capture_encode(m->disks, n, &payload);
        ok = chunk_write(writer, CHUNK_DISK, payload.data, payload.size, err);
    }
    buffer_free(&payload);
    return ok;
}

bool migration_send_rest(Migration *m, Error *err)
{
    ChunkWriter writer;
    PageProgress progress = {false};
    PageSource source = {next_page, m, m->memories + disk_capture_count(m->disks), 0};
    m->flash_memory = MACHINE_MEMORIES;
    bool ok = chunk_begin_stream(&writer, put_to_rest, m, err);
    for (unsigned n = 0; ok && n < m->parts; n++)
        ok = chunk_write(&writer, n ? CHUNK_PART : CHUNK_HEAD, m->part[n].data, m->part[n].size, err);
    return ok && write_descriptions(m, &writer, err) &&
           pages_write(&writer, &source, m->wish.compress, &progress, err) && chunk_finish(&writer, err) &&
           send_piece(m, err);
}
