#define _GNU_SOURCE
#include "snapshot/memory_loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/pages.h"

enum { THREADS_MOST = 4 };

/* What is known of a page. */
enum { FILLED, CONTENTS, EQUAL };

typedef struct Staged {
    MachineMemory memory; /* the machine's */
    int fd;               /* the new contents; holes are what `fill` fills */
    atomic_uchar *page;   /* [pages] */
    uint32_t pages;
    bool there; /* the machine's memory has them already, there is nothing to stage */
} Staged;

typedef struct EqualRun {
    uint32_t memory;
    PageRun run;
} EqualRun;

struct StagedMemory {
    const ChunkFile *file;
    Staged staged[MACHINE_MEMORIES]; /* as in the file */
    unsigned count;
    bool there;
    StagedDisks *disks; /* numbered behind them */
    atomic_uint next;   /* chunk */
    atomic_bool failed;
    pthread_mutex_t mutex; /* over what follows */
    EqualRun *equal;
    size_t equal_count, equal_capacity;
    Error error;
};

static bool fail(StagedMemory *all, const Error *err)
{
    pthread_mutex_lock(&all->mutex);
    if (!atomic_exchange(&all->failed, true))
        all->error = *err;
    pthread_mutex_unlock(&all->mutex);
    return false;
}

/* ---- Which memories there are -----------------------------------------------------------------------------
 */

static bool find_memory(const Machine *machine, const char *name, MachineMemory *memory)
{
    for (unsigned n = 0; machine_memory(machine, n, memory); n++)
        if (!strcmp(memory->name, name))
            return true;
    return false;
}

static bool stage_memory(StagedMemory *all, const Machine *machine, const Chunk *chunk, Error *err)
{
    uint8_t payload[300];
    char name[256];
    if (chunk->length > sizeof payload)
        return error_set(err, "a memory's description is too long");
    if (!chunk_read(all->file, chunk, payload, err))
        return false;
    Cursor cursor = {payload, chunk->length, false};
    cursor_take_name(&cursor, name);
    uint64_t size = cursor_take64(&cursor);
    uint8_t fill = cursor_take8(&cursor);
    Staged staged = {.fd = -1};
    if (cursor.short_of || cursor.left || all->count == MACHINE_MEMORIES)
        return error_set(err, "a memory's description is damaged");
    if (!find_memory(machine, name, &staged.memory))
        return error_set(err, "the machine has no memory '%s'", name);
    for (unsigned n = 0; n < all->count; n++)
        if (!strcmp(all->staged[n].memory.name, name))
            return error_set(err, "memory '%s' is there twice", name);
    if (size != staged.memory.size || fill != staged.memory.fill)
        return error_set(err, "memory '%s' is of another size", name);
    staged.pages = (uint32_t)(size / MEMORY_PAGE);
    staged.there = all->there && staged.memory.fd;
    staged.page = calloc(staged.pages, sizeof *staged.page);
    staged.fd = staged.there ? -1 : memfd_create("armature-memory", MFD_CLOEXEC);
    if (!staged.page)
        abort();
    all->staged[all->count++] = staged;
    return staged.there || (staged.fd >= 0 && !ftruncate(staged.fd, (off_t)size)) ||
           error_set(err, "not enough memory: %s", strerror(errno));
}

static bool stage_memories(StagedMemory *all, const Machine *machine, Error *err)
{
    MachineMemory memory;
    unsigned own = 0;
    for (unsigned n = 0; n < all->file->count; n++)
        if (!strcmp(all->file->chunk[n].type, CHUNK_MEMORY) &&
            !stage_memory(all, machine, &all->file->chunk[n], err))
            return false;
    while (machine_memory(machine, own, &memory))
        own++;
    return own == all->count || error_set(err, "not all of the machine's memory is there");
}

/* ---- Pages, by several threads ------------------------------------------------------------------------- */

static bool put(const Staged *staged, uint32_t page, const uint8_t *data, uint32_t count, Error *err)
{
    size_t size = (size_t)count * MEMORY_PAGE;
    off_t at = (off_t)page * MEMORY_PAGE;
    while (size) {
        ssize_t done = pwrite(staged->fd, data, size, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set(err, "not enough memory: %s", strerror(errno));
        data += done;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static bool claim(const Staged *staged, const PageRun *run, unsigned char what, Error *err)
{
    if (run->first >= staged->pages || run->count > staged->pages - run->first)
        return error_set(err, "pages: there is no such page in '%s'", staged->memory.name);
    if (staged->there)
        return error_set(err, "pages: those of '%s' are out of place", staged->memory.name);
    for (uint32_t n = 0; n < run->count; n++)
        if (atomic_exchange(&staged->page[run->first + n], what) != FILLED)
            return error_set(err, "pages: one of '%s' is there twice", staged->memory.name);
    return true;
}

static void note_equal(StagedMemory *all, uint32_t memory, const PageRun *run)
{
    pthread_mutex_lock(&all->mutex);
    if (all->equal_count == all->equal_capacity) {
        all->equal_capacity = 2 * all->equal_capacity + 256;
        all->equal = realloc(all->equal, all->equal_capacity * sizeof *all->equal);
        if (!all->equal)
            abort();
    }
    all->equal[all->equal_count++] = (EqualRun){memory, *run};
    pthread_mutex_unlock(&all->mutex);
}

static bool place_run(StagedMemory *all, uint32_t memory, const PageRun *run, const uint8_t *data, Error *err)
{
    bool equal = run->source < RUN_IS_ZEROS || (memory < all->count && !data);
    if (memory < all->count && !claim(&all->staged[memory], run, data ? CONTENTS : EQUAL, err))
        return false;
    if (equal) {
        note_equal(all, memory, run);
        return true;
    }
    return memory < all->count
               ? put(&all->staged[memory], run->first, data, run->count, err)
               : disks_put(all->disks, memory - all->count, run->first, run->count, data, err);
}

static bool place_unit(StagedMemory *all, const PageUnit *unit, Error *err)
{
    const uint8_t *data = unit->data[0];
    for (uint32_t n = 0; n < unit->runs; n++) {
        const PageRun *run = &unit->run[n];
        bool contents = run->source == RUN_IS_DATA;
        if (!place_run(all, unit->memory, run, contents ? data : NULL, err))
            return false;
        data += contents ? (size_t)run->count * MEMORY_PAGE : 0;
    }
    return true;
}

static bool load_chunk(StagedMemory *all, const Chunk *chunk, Buffer *payload, PageUnit *unit, Error *err)
{
    const size_t most = 16 + sizeof unit->run + sizeof unit->data;
    if (chunk->length > most)
        return error_set(err, "pages: a chunk is too long");
    payload->size = 0;
    buffer_grow(payload, chunk->length);
    return chunk_read(all->file, chunk, payload->data, err) &&
           unit_decode(unit, payload->data, chunk->length, err) && place_unit(all, unit, err);
}

static void *load_chunks(void *opaque)
{
    StagedMemory *all = opaque;
    Buffer payload = {0};
    PageUnit *unit = malloc(sizeof *unit);
    Error err;
    if (!unit)
        abort();
    while (!atomic_load(&all->failed)) {
        unsigned n = atomic_fetch_add(&all->next, 1);
        if (n >= all->file->count)
            break;
        const Chunk *chunk = &all->file->chunk[n];
        if (!strcmp(chunk->type, CHUNK_PAGES) && !load_chunk(all, chunk, &payload, unit, &err))
            fail(all, &err);
    }
    buffer_free(&payload);
    free(unit);
    return NULL;
}

static void run_threads(StagedMemory *all)
{
    pthread_t thread[THREADS_MOST];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = 0, wanted = processors > THREADS_MOST ? THREADS_MOST : (unsigned)processors;
    while (count + 1 < wanted && !pthread_create(&thread[count], NULL, load_chunks, all))
        count++;
    load_chunks(all);
    while (count)
        pthread_join(thread[--count], NULL);
}

static bool copy_equal(StagedMemory *all, Error *err)
{
    uint8_t data[MEMORY_PAGE];
    for (size_t n = 0; n < all->equal_count; n++) {
        uint32_t memory = all->equal[n].memory;
        const Staged *staged = &all->staged[memory];
        const PageRun *run = &all->equal[n].run;
        if (memory >= all->count) {
            if (!disks_put_equal(all->disks, memory - all->count, run->first, run->count, run->source, err))
                return false;
            continue;
        }
        if (run->source >= staged->pages || atomic_load(&staged->page[run->source]) != CONTENTS)
            return error_set(err, "pages: one of '%s' is equal to one that is not there",
                             staged->memory.name);
        if (pread(staged->fd, data, sizeof data, (off_t)run->source * MEMORY_PAGE) != sizeof data)
            return error_set(err, "not enough memory: %s", strerror(errno));
        for (uint32_t k = 0; k < run->count; k++)
            if (!put(staged, run->first + k, data, 1, err))
                return false;
    }
    return true;
}

StagedMemory *memory_stage(const ChunkFile *file, const Machine *machine, bool there, StagedDisks *disks,
                           Error *err)
{
    StagedMemory *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    all->file = file;
    all->there = there;
    all->disks = disks;
    pthread_mutex_init(&all->mutex, NULL);
    bool ok = stage_memories(all, machine, err);
    if (ok) {
        run_threads(all);
        ok = !atomic_load(&all->failed);
        if (!ok)
            *err = all->error;
    }
    if (ok && copy_equal(all, err))
        return all;
    memory_unstage(all);
    return NULL;
}

void memory_unstage(StagedMemory *all)
{
    if (!all)
        return;
    for (unsigned n = 0; n < all->count; n++) {
        if (all->staged[n].fd >= 0)
            close(all->staged[n].fd);
        free(all->staged[n].page);
    }
    free(all->equal);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static void fill_page(void *opaque, uint32_t page, const uint8_t *data)
{
    const Staged *staged = opaque;
    if (atomic_load(&staged->page[page]) == FILLED)
        memset((uint8_t *)data, staged->memory.fill, MEMORY_PAGE);
}

/* Into memory that is not ours to replace; what is equal already is not written. */
static void copy_into(Staged *staged)
{
    uint8_t data[MEMORY_PAGE];
    memory_pages(&staged->memory, fill_page, staged);
    for (uint32_t page = 0; page < staged->pages; page++) {
        uint8_t *host = staged->memory.host + (size_t)page * MEMORY_PAGE;
        if (atomic_load(&staged->page[page]) == FILLED)
            continue;
        if (pread(staged->fd, data, sizeof data, (off_t)page * MEMORY_PAGE) == sizeof data &&
            memcmp(host, data, sizeof data) != 0)
            memcpy(host, data, sizeof data);
    }
}

static bool replace(Staged *staged)
{
    void *at = mmap(staged->memory.host, staged->memory.size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, staged->fd, 0);
    if (at == MAP_FAILED)
        return false;
    close(*staged->memory.fd);
    *staged->memory.fd = staged->fd;
    staged->fd = -1;
    return true;
}

bool memory_apply(StagedMemory *all, Machine *machine, Error *err)
{
    bool changed = false;
    (void)machine;
    for (unsigned n = 0; n < all->count; n++) {
        Staged *staged = &all->staged[n];
        if (staged->there)
            continue;
        if (staged->memory.fd && replace(staged)) {
            changed = true;
            continue;
        }
        if (staged->memory.fd && !changed)
            return error_set(err, "the host refuses to map memory: %s", strerror(errno));
        copy_into(staged);
        changed = true;
    }
    return true;
}
