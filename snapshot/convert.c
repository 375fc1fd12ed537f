/* The same state in another file. */
#include <stdlib.h>
#include <string.h>

#include "snapshot/base_record.h"
#include "snapshot/head.h"
#include "snapshot/open.h"
#include "snapshot/pages.h"
#include "snapshot/temporary.h"

static bool convert_head(const Snapshot *snapshot, const uint8_t *payload, size_t size, bool compress,
                         Buffer *out, Error *err)
{
    Head head;
    bool ok = head_decode(&head, payload, size, err);
    head.compressed = compress;
    memcpy(head.identity, snapshot->info.identity, sizeof head.identity);
    if (ok)
        head_encode(&head, out);
    head_free(&head);
    return ok;
}

/* As seen from the new file; what is written there is not at the path yet, but its folder is. */
static bool convert_base(const Snapshot *snapshot, const char *path, Buffer *out, Error *err)
{
    BaseRecord base;
    memcpy(base.identity, snapshot->info.base_identity, sizeof base.identity);
    if (!base_relative_path(path, snapshot->base->path, base.file, sizeof base.file, err))
        return false;
    base_record_encode(&base, out);
    return true;
}

static bool convert_pages(const uint8_t *payload, size_t size, bool compress, Buffer *out, Error *err)
{
    PageUnit *unit = malloc(sizeof *unit);
    if (!unit)
        abort();
    bool ok = unit_decode(unit, payload, size, err);
    if (ok)
        unit_encode(unit, compress, out);
    free(unit);
    return ok;
}

static bool convert_chunk(const Snapshot *snapshot, const Chunk *chunk, ChunkWriter *writer, const char *path,
                          bool compress, Error *err)
{
    Buffer out = {0};
    bool ok = true;
    uint8_t *payload = snapshot_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    if (chunk_is(chunk, CHUNK_HEAD))
        ok = convert_head(snapshot, payload, chunk->length, compress, &out, err);
    else if (chunk_is(chunk, CHUNK_BASE))
        ok = convert_base(snapshot, path, &out, err);
    else if (chunk_is(chunk, CHUNK_PAGES))
        ok = convert_pages(payload, chunk->length, compress, &out, err);
    else
        buffer_put(&out, payload, chunk->length);
    ok = ok && chunk_write(writer, chunk->type, out.data, out.size, err);
    buffer_free(&out);
    free(payload);
    return ok;
}

bool snapshot_convert(Snapshot *snapshot, const char *path, bool compress, Error *err)
{
    Temporary file;
    ChunkWriter writer;
    if (!snapshot_open_chain(snapshot, err) || !snapshot_may_write(snapshot->base, path, err))
        return false;
    if (!temporary_open(&file, path, err)) {
        temporary_free(&file);
        return false;
    }
    bool ok = chunk_begin(&writer, CHUNKS_SNAPSHOT, file.fd, err);
    for (unsigned n = 0; ok && n < snapshot->file.count; n++)
        ok = convert_chunk(snapshot, &snapshot->file.chunk[n], &writer, path, compress, err);
    ok = ok && chunk_finish(&writer, err);
    if (!ok)
        snapshot_about(snapshot, err);
    ok = ok && temporary_keep(&file, err);
    temporary_free(&file);
    return ok;
}
