#include "snapshot/page_walk.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/aligned.h"
#include "snapshot/disk_record.h"

typedef struct Equal {
    unsigned memory;
    PageRun run;
} Equal;

typedef struct Walk {
    const Snapshot *file; /* that is read */
    const PageSink *sink;
    WalkMemory memory[WALK_MEMORIES]; /* of the snapshot */
    unsigned count;
    unsigned map[CHAIN_MOST]
                [WALK_MEMORIES]; /* by file, the snapshot's own being 0; WALK_MEMORIES: not wanted */
    bool whole[WALK_MEMORIES];   /* disks: no file below has anything of it */
    Equal *equal;
    size_t equals, capacity;
} Walk;

/* ---- What there is ------------------------------------------------------------------------------------- */

static bool describe_memory(const ChunkFile *file, const Chunk *chunk, WalkMemory *memory, Error *err)
{
    MemoryRecord record;
    if (!memory_read_record(&record, file, chunk, err))
        return false;
    *memory = (WalkMemory){.pages = record.size / MEMORY_PAGE, .fill = record.fill};
    memcpy(memory->name, record.name, sizeof record.name);
    return memory->pages <= UINT32_MAX || error_set(err, "a memory's description is damaged");
}

static bool describe_disk(const ChunkFile *file, const Chunk *chunk, WalkMemory *memory, bool *from_base,
                          Error *err)
{
    uint8_t payload[DISK_RECORD_MOST];
    DiskRecord record;
    if (chunk->length > sizeof payload)
        return error_set(err, "a disk's description is too long");
    if (!chunk_read(file, chunk, payload, err) || !disk_record_decode(&record, payload, chunk->length, err))
        return false;
    *memory =
        (WalkMemory){.pages = record.size / MEMORY_PAGE + (record.size % MEMORY_PAGE != 0), .disk = true};
    strcpy(memory->name, disk_slot_name(record.slot));
    *from_base = record.from_base;
    return memory->pages < UINT32_MAX || error_set(err, "a disk's size is impossible");
}

static bool describe(const ChunkFile *file, WalkMemory *memory, bool *from_base, unsigned *count, Error *err)
{
    *count = 0;
    for (unsigned disks = 0; disks < 2; disks++) { /* disks have their numbers behind the memories' */
        for (unsigned n = 0; n < file->count; n++) {
            const Chunk *chunk = &file->chunk[n];
            if (!chunk_is(chunk, disks ? CHUNK_DISK : CHUNK_MEMORY))
                continue;
            if (*count == WALK_MEMORIES)
                return error_set(err, "there are too many memories and disks");
            from_base[*count] = false;
            if (!(disks ? describe_disk(file, chunk, &memory[*count], &from_base[*count], err)
                        : describe_memory(file, chunk, &memory[*count], err)))
                return false;
            ++*count;
        }
    }
    return true;
}

bool walk_memories(const Snapshot *snapshot, WalkMemory *memory, unsigned *count, Error *err)
{
    bool from_base[WALK_MEMORIES];
    return describe(&snapshot->file, memory, from_base, count, err) || snapshot_about(snapshot, err);
}

static unsigned find(const Walk *walk, const WalkMemory *memory)
{
    unsigned n = 0;
    while (n < walk->count &&
           (walk->memory[n].disk != memory->disk || strcmp(walk->memory[n].name, memory->name)))
        n++;
    return n;
}

static bool map_file(Walk *walk, const Snapshot *file, unsigned *map, bool disks_too, Error *err)
{
    WalkMemory memory[WALK_MEMORIES];
    bool from_base[WALK_MEMORIES];
    unsigned count;
    if (!describe(&file->file, memory, from_base, &count, err))
        return false;
    for (unsigned n = 0; n < WALK_MEMORIES; n++)
        map[n] = WALK_MEMORIES;
    for (unsigned n = 0; n < count; n++) {
        unsigned k = find(walk, &memory[n]);
        if (memory[n].disk && (!disks_too || k == walk->count || walk->whole[k]))
            continue;
        if (k == walk->count || memory[n].pages != walk->memory[k].pages ||
            memory[n].fill != walk->memory[k].fill)
            return error_set(err, "'%s' is not of the same size", memory[n].name);
        walk->whole[k] = memory[n].disk && !from_base[n];
        map[n] = k;
    }
    return true;
}

/* ---- Pages --------------------------------------------------------------------------------------------- */

static void note_equal(Walk *walk, unsigned memory, const PageRun *run)
{
    if (walk->equals == walk->capacity) {
        walk->capacity = 2 * walk->capacity + 256;
        walk->equal = realloc(walk->equal, walk->capacity * sizeof *walk->equal);
        if (!walk->equal)
            abort();
    }
    walk->equal[walk->equals++] = (Equal){memory, *run};
}

static bool put_run(Walk *walk, unsigned memory, const PageRun *run, const uint8_t *data, Error *err)
{
    uint64_t pages = walk->memory[memory].pages;
    if (run->first >= pages || run->count > pages - run->first ||
        (run->source < RUN_IS_ZEROS && run->source >= pages))
        return error_set(err, "pages: there is no such page in '%s'", walk->memory[memory].name);
    if (run->source < RUN_IS_ZEROS) {
        note_equal(walk, memory, run);
        return true;
    }
    for (uint32_t n = 0; n < run->count; n++)
        if (!walk->sink->put(walk->sink->opaque, memory, run->first + n,
                             data ? data + (size_t)n * MEMORY_PAGE : NULL, err))
            return false;
    return true;
}

static bool put_chunk(Walk *walk, const Chunk *chunk, const unsigned *map, PageUnit *unit, Error *err)
{
    uint32_t number = WALK_MEMORIES;
    const size_t most = 16 + sizeof unit->run + sizeof unit->data;
    chunk_peek(&walk->file->file, chunk, &number, sizeof number);
    if (number < WALK_MEMORIES && map[number] == WALK_MEMORIES)
        return true;
    uint8_t *payload = chunk->length > most ? NULL : malloc(chunk->length + 1);
    if (!payload)
        return error_set(err, "pages: a chunk is too long");
    bool ok = chunk_read(&walk->file->file, chunk, payload, err) &&
              aligned_read(unit, &walk->file->file, (unsigned)(chunk - walk->file->file.chunk), payload, err);
    free(payload);
    if (!ok)
        return false;
    if (unit->memory >= WALK_MEMORIES || map[unit->memory] == WALK_MEMORIES)
        return error_set(err, "pages: there is no such memory or disk");
    const uint8_t *data = unit->data[0];
    for (uint32_t n = 0; ok && n < unit->runs; n++) {
        bool contents = unit->run[n].source == RUN_IS_DATA;
        ok = put_run(walk, map[unit->memory], &unit->run[n], contents ? data : NULL, err);
        data += contents ? (size_t)unit->run[n].count * MEMORY_PAGE : 0;
    }
    return ok;
}

static bool put_equals(Walk *walk, Error *err)
{
    bool ok = true;
    for (size_t n = 0; ok && n < walk->equals; n++) {
        const Equal *equal = &walk->equal[n];
        for (uint32_t k = 0; ok && k < equal->run.count; k++)
            ok = walk->sink->equal(walk->sink->opaque, equal->memory, equal->run.first + k, equal->run.source,
                                   err);
    }
    walk->equals = 0;
    return ok;
}

static bool walk_file(Walk *walk, const unsigned *map, Error *err)
{
    PageUnit *unit = malloc(sizeof *unit);
    bool ok = true;
    if (!unit)
        abort();
    for (unsigned n = 0; ok && n < walk->file->file.count; n++)
        if (chunk_is(&walk->file->file.chunk[n], CHUNK_PAGES))
            ok = put_chunk(walk, &walk->file->file.chunk[n], map, unit, err);
    free(unit);
    return (ok && put_equals(walk, err)) || snapshot_about(walk->file, err);
}

bool walk_pages(const Snapshot *snapshot, bool disks_too, const PageSink *sink, Error *err)
{
    Walk *walk = calloc(1, sizeof *walk);
    const Snapshot *file[CHAIN_MOST];
    unsigned files = 0;
    if (!walk)
        abort();
    walk->sink = sink;
    bool ok = walk_memories(snapshot, walk->memory, &walk->count, err);
    for (const Snapshot *at = snapshot; ok && at; at = at->base, files++) {
        file[files] = at;
        ok = map_file(walk, at, walk->map[files], disks_too, err) || snapshot_about(at, err);
    }
    while (ok && files--) {
        walk->file = file[files];
        ok = walk_file(walk, walk->map[files], err);
    }
    free(walk->equal);
    free(walk);
    return ok;
}
