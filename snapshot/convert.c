/* The same state in another file. */
#include <stdlib.h>
#include <string.h>

#include "machine/new_file.h"
#include "snapshot/aligned.h"
#include "snapshot/base_record.h"
#include "snapshot/head.h"
#include "snapshot/open.h"

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

static bool write_unit(const PageUnit *unit, ChunkWriter *writer, bool aligned, bool compress, Error *err)
{
    Buffer out = {0};
    if (aligned)
        return aligned_write(writer, unit, err);
    unit_encode(unit, compress, &out);
    bool ok = chunk_write(writer, CHUNK_PAGES, out.data, out.size, err);
    buffer_free(&out);
    return ok;
}

static bool convert_pages(const Snapshot *snapshot, unsigned n, const uint8_t *payload, ChunkWriter *writer,
                          bool compress, Error *err)
{
    unsigned memories = 0;
    PageUnit *unit = malloc(sizeof *unit);
    if (!unit)
        abort();
    for (unsigned k = 0; k < snapshot->file.count; k++)
        memories += chunk_is(&snapshot->file.chunk[k], CHUNK_MEMORY);
    bool ok = aligned_read(unit, &snapshot->file, n, payload, err) &&
              write_unit(unit, writer, !compress && unit->memory < memories, compress, err);
    free(unit);
    return ok;
}

/* DATA chunks were read, and are written, with the ones before. */
static bool convert_chunk(const Snapshot *snapshot, unsigned n, ChunkWriter *writer, const char *path,
                          bool compress, Error *err)
{
    const Chunk *chunk = &snapshot->file.chunk[n];
    Buffer out = {0};
    bool ok = true, pages = chunk_is(chunk, CHUNK_PAGES);
    if (chunk_is(chunk, CHUNK_DATA))
        return true;
    uint8_t *payload = snapshot_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    if (chunk_is(chunk, CHUNK_HEAD))
        ok = head_rewrite(payload, chunk->length, snapshot->info.identity, compress, &out, err);
    else if (chunk_is(chunk, CHUNK_BASE))
        ok = convert_base(snapshot, path, &out, err);
    else if (pages)
        ok = convert_pages(snapshot, n, payload, writer, compress, err);
    else
        buffer_put(&out, payload, chunk->length);
    ok = ok && (pages || chunk_write(writer, chunk->type, out.data, out.size, err));
    buffer_free(&out);
    free(payload);
    return ok;
}

bool snapshot_convert(Snapshot *snapshot, const char *path, bool compress, Error *err)
{
    NewFile file;
    Error why;
    ChunkWriter writer;
    if (!snapshot_open_chain(snapshot, err) || !snapshot_may_write(snapshot->base, path, err))
        return false;
    if (!new_file_open(&file, path, true, &why)) {
        new_file_drop(&file);
        return error_set(err, "cannot save '%s': %s", path, why.text);
    }
    bool ok = chunk_begin(&writer, CHUNKS_SNAPSHOT, file.fd, err);
    for (unsigned n = 0; ok && n < snapshot->file.count; n++)
        ok = convert_chunk(snapshot, n, &writer, path, compress, err);
    ok = ok && chunk_finish(&writer, err);
    if (!ok)
        snapshot_about(snapshot, err);
    if (ok && !new_file_keep(&file, &why))
        ok = error_set(err, "cannot save '%s': %s", path, why.text);
    new_file_drop(&file);
    return ok;
}
