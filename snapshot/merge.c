/* A chain as one file. All pages go into a file without a name beside it, in the order of their numbers when
 * they are written, since a page's last contents are known only at the end of the chain. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/new_file.h"
#include "snapshot/disk_record.h"
#include "snapshot/head.h"
#include "snapshot/open.h"
#include "snapshot/page_table.h"
#include "snapshot/page_walk.h"
#include "snapshot/page_writer.h"

typedef struct Merge {
    WalkMemory memory[WALK_MEMORIES];
    PageTable table[WALK_MEMORIES]; /* places in the store, from 1 */
    unsigned count;
    int store;
    uint32_t used;
} Merge;

static off_t place_of(uint32_t number)
{
    return (off_t)(number - 1) * MEMORY_PAGE;
}

/* ---- Into the store ------------------------------------------------------------------------------------ */

static bool store(Merge *merge, uint32_t number, const uint8_t *data, Error *err)
{
    ssize_t done = pwrite(merge->store, data, MEMORY_PAGE, place_of(number));
    return done == MEMORY_PAGE || error_set(err, "%s", done < 0 ? strerror(errno) : "the disk is full");
}

static bool fetch(const Merge *merge, uint32_t number, uint8_t *data, Error *err)
{
    ssize_t done = pread(merge->store, data, MEMORY_PAGE, place_of(number));
    return done == MEMORY_PAGE || error_set(err, "%s", done < 0 ? strerror(errno) : "it was cut off");
}

static bool put(void *opaque, unsigned memory, uint32_t page, const uint8_t *data, Error *err)
{
    Merge *merge = opaque;
    PageTable *table = &merge->table[memory];
    uint32_t number = page_table_get(table, page);
    if (!data) {
        page_table_set(table, page, merge->memory[memory].disk ? PAGE_ZEROS : PAGE_NONE);
        return true;
    }
    if (number == PAGE_NONE || number == PAGE_ZEROS) {
        if (merge->used == PAGE_ZEROS - 1)
            return error_set(err, "there is too much in it");
        number = ++merge->used;
        page_table_set(table, page, number);
    }
    return store(merge, number, data, err);
}

static bool equal(void *opaque, unsigned memory, uint32_t page, uint32_t source, Error *err)
{
    const Merge *merge = opaque;
    uint8_t data[MEMORY_PAGE];
    uint32_t number = page_table_get(&merge->table[memory], source);
    if (number == PAGE_NONE || number == PAGE_ZEROS)
        return put(opaque, memory, page, NULL, err);
    return fetch(merge, number, data, err) && put(opaque, memory, page, data, err);
}

/* ---- Out of it ----------------------------------------------------------------------------------------- */

static MediumStep next(void *opaque, unsigned memory, uint64_t *page, uint64_t *count, uint8_t *copy,
                       Error *err)
{
    const Merge *merge = opaque;
    const PageTable *table = &merge->table[memory];
    *page = page_table_next(table, *page);
    if (*page == table->pages)
        return STEP_END;
    uint32_t number = page_table_get(table, *page);
    if (number == PAGE_ZEROS) {
        *count = 1;
        return STEP_ZEROS;
    }
    return fetch(merge, number, copy, err) ? STEP_DATA : STEP_FAILED;
}

static bool write_disk(const uint8_t *payload, size_t size, Buffer *out, Error *err)
{
    DiskRecord record;
    if (!disk_record_decode(&record, payload, size, err))
        return false;
    record.from_base = false;
    disk_record_encode(&record, out);
    return true;
}

/* All that is not pages, as the last file has it. */
static bool write_others(const Snapshot *snapshot, ChunkWriter *writer, bool compress, Error *err)
{
    Buffer out = {0};
    bool ok = true;
    for (unsigned n = 0; ok && n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (chunk_is(chunk, CHUNK_PAGES) || chunk_is(chunk, CHUNK_BASE))
            continue;
        uint8_t *payload = snapshot_payload(snapshot, chunk, err);
        out.size = 0;
        if (!payload)
            ok = false;
        else if (chunk_is(chunk, CHUNK_HEAD))
            ok = head_rewrite(payload, chunk->length, snapshot->info.identity, compress, &out, err);
        else if (chunk_is(chunk, CHUNK_DISK))
            ok = write_disk(payload, chunk->length, &out, err);
        else
            buffer_put(&out, payload, chunk->length);
        ok = ok && chunk_write(writer, chunk->type, out.data, out.size, err);
        free(payload);
    }
    buffer_free(&out);
    return ok;
}

static bool write_all(Merge *merge, const Snapshot *snapshot, int fd, bool compress, Error *err)
{
    unsigned memories = 0;
    while (memories < merge->count && !merge->memory[memories].disk)
        memories++;
    const PageSource source = {next, merge, merge->count, memories};
    PageProgress progress = {.cancel = false};
    ChunkWriter writer;
    return chunk_begin(&writer, CHUNKS_SNAPSHOT, fd, err) && write_others(snapshot, &writer, compress, err) &&
           pages_write(&writer, &source, compress, &progress, err) && chunk_finish(&writer, err);
}

static bool merge_into(Merge *merge, const Snapshot *snapshot, const char *path, bool compress, Error *err)
{
    const PageSink sink = {merge, put, equal};
    NewFile out;
    Error why;
    bool writes = new_file_open(&out, path, true, &why);
    merge->store = writes ? nameless_file_beside(path) : -1;
    if (writes && merge->store < 0)
        writes = error_set(&why, "%s", strerror(errno));
    bool ok = !writes || walk_pages(snapshot, true, &sink, err);
    if (ok && !(writes && write_all(merge, snapshot, out.fd, compress, &why) && new_file_keep(&out, &why)))
        ok = error_set(err, "cannot save '%s': %s", path, why.text);
    if (merge->store >= 0)
        close(merge->store);
    new_file_drop(&out);
    return ok;
}

bool snapshot_merge(Snapshot *snapshot, const char *path, bool compress, Error *err)
{
    if (!snapshot_verify(snapshot, err) || !snapshot_may_write(snapshot->base, path, err))
        return false;
    Merge *merge = calloc(1, sizeof *merge);
    if (!merge)
        abort();
    bool ok = walk_memories(snapshot, merge->memory, &merge->count, err);
    for (unsigned n = 0; ok && n < merge->count; n++)
        page_table_init(&merge->table[n], merge->memory[n].pages);
    ok = ok && merge_into(merge, snapshot, path, compress, err);
    for (unsigned n = 0; n < merge->count; n++)
        page_table_free(&merge->table[n]);
    free(merge);
    return ok;
}
