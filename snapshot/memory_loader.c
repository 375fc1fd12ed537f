#define _GNU_SOURCE
#include "snapshot/memory_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/aligned.h"
#include "snapshot/lazy_memory.h"

enum { THREADS_MOST = 4 };

/* What is known of a page, and, shifted, the number of the file that says so, from 1. */
enum { FILLED, CONTENTS, EQUAL, KNOWN = 3, BY_FILE = 2 };
_Static_assert(CHAIN_MOST < 1 << (8 - BY_FILE), "the number of a file fits");

typedef struct Staged {
    MachineMemory memory; /* the machine's */
    int fd;               /* the new contents; holes are what `fill` fills */
    atomic_uchar *page;   /* [pages] */
    LazyMemory *lazy;     /* NULL: all is read at once */
    uint32_t pages;
    bool there; /* the machine's memory has them already, there is nothing to stage */
} Staged;

typedef struct EqualRun {
    uint32_t memory;
    PageRun run;
} EqualRun;

enum { NUMBERS = MACHINE_MEMORIES + DISK_SLOTS };

/* One of the files. */
typedef struct Layer {
    const ChunkFile *file;
    unsigned map[NUMBERS]; /* what its memories and disks are here; NUMBERS: nothing */
    unsigned count;
} Layer;

struct StagedMemory {
    Layer layer[CHAIN_MOST];         /* the last is the snapshot itself */
    unsigned layers, now;            /* now: the one that is read */
    Staged staged[MACHINE_MEMORIES]; /* as in the last file */
    unsigned count;
    bool there;
    const char *path;   /* of the only file; NULL: all is read at once */
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

/* ---- Which memories there are ------------------------------------------------------------------------ */

static bool find_memory(const Machine *machine, const char *name, MachineMemory *memory)
{
    for (unsigned n = 0; machine_memory(machine, n, memory); n++)
        if (!strcmp(memory->name, name))
            return true;
    return false;
}

static unsigned staged_number(const StagedMemory *all, const char *name)
{
    unsigned n = 0;
    while (n < all->count && strcmp(all->staged[n].memory.name, name) != 0)
        n++;
    return n;
}

static bool stage_memory(StagedMemory *all, const Machine *machine, const ChunkFile *file, const Chunk *chunk,
                         Error *err)
{
    MemoryRecord is;
    Staged staged = {.fd = -1};
    if (!memory_read_record(&is, file, chunk, err))
        return false;
    if (all->count == MACHINE_MEMORIES)
        return error_set(err, "there are too many memories");
    if (!find_memory(machine, is.name, &staged.memory))
        return error_set(err, "the machine has no memory '%s'", is.name);
    if (staged_number(all, is.name) != all->count)
        return error_set(err, "memory '%s' is there twice", is.name);
    if (is.size != staged.memory.size || is.fill != staged.memory.fill)
        return error_set(err, "memory '%s' is of another size", is.name);
    staged.pages = (uint32_t)(is.size / MEMORY_PAGE);
    staged.there = all->there && staged.memory.fd;
    staged.page = calloc(staged.pages, sizeof *staged.page);
    staged.fd = staged.there ? -1 : memfd_create("armature-memory", MFD_CLOEXEC);
    if (!staged.page)
        abort();
    bool can_wait = all->path && !staged.there && !strcmp(is.name, "ram") && staged.memory.fd;
    if (can_wait && !(staged.lazy = lazy_new(file->fd, all->path, staged.pages, err))) {
        close(staged.fd);
        free(staged.page);
        return false;
    }
    all->staged[all->count++] = staged;
    return staged.there || (staged.fd >= 0 && !ftruncate(staged.fd, (off_t)is.size)) ||
           error_set(err, "not enough memory: %s", strerror(errno));
}

static bool stage_memories(StagedMemory *all, const Machine *machine, const ChunkFile *file, Error *err)
{
    MachineMemory memory;
    unsigned own = 0;
    for (unsigned n = 0; n < file->count; n++)
        if (chunk_is(&file->chunk[n], CHUNK_MEMORY) &&
            !stage_memory(all, machine, file, &file->chunk[n], err))
            return false;
    while (machine_memory(machine, own, &memory))
        own++;
    return own == all->count || error_set(err, "not all of the machine's memory is there");
}

/* What the memories of a file below are in the last one. */
static bool map_memories(StagedMemory *all, Layer *layer, Error *err)
{
    bool used[MACHINE_MEMORIES] = {false};
    for (unsigned n = 0; n < layer->file->count; n++) {
        MemoryRecord is;
        if (!chunk_is(&layer->file->chunk[n], CHUNK_MEMORY))
            continue;
        if (!memory_read_record(&is, layer->file, &layer->file->chunk[n], err))
            return false;
        unsigned k = staged_number(all, is.name);
        if (k == all->count || used[k])
            return error_set(err, "it is of another machine: memory '%s'", is.name);
        if (is.size != all->staged[k].memory.size || is.fill != all->staged[k].memory.fill)
            return error_set(err, "it is of another machine: memory '%s' is of another size", is.name);
        used[k] = true;
        layer->map[layer->count++] = k;
    }
    return true;
}

static bool map_disks(StagedMemory *all, Layer *layer, Error *err)
{
    unsigned map[DISK_SLOTS], count;
    if (!disks_below(all->disks, layer->file, map, &count, err))
        return false;
    for (unsigned n = 0; n < count; n++)
        layer->map[layer->count++] = map[n] == DISK_NOT_HERE ? NUMBERS : all->count + map[n];
    return true;
}

/* The last file says what there is. */
static bool map_layers(StagedMemory *all, const Layers *layers, Error *err)
{
    Error why;
    all->layers = layers->count;
    for (unsigned n = layers->count; n--;) {
        Layer *layer = &all->layer[n];
        layer->file = layers->file[n];
        if (n == layers->count - 1) {
            layer->count = NUMBERS;
            for (unsigned k = 0; k < NUMBERS; k++)
                layer->map[k] = k;
        } else if (!map_memories(all, layer, &why) || !map_disks(all, layer, &why)) {
            return error_set(err, "its base '%s': %s", layers->path[n], why.text);
        }
    }
    return disks_founded(all->disks, err);
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

/* Once in each file. */
static bool claim(const Staged *staged, const PageRun *run, unsigned file, unsigned what, Error *err)
{
    unsigned char now = (unsigned char)((file + 1) << BY_FILE | what);
    if (run->first >= staged->pages || run->count > staged->pages - run->first)
        return error_set(err, "pages: there is no such page in '%s'", staged->memory.name);
    if (staged->there)
        return error_set(err, "pages: those of '%s' are out of place", staged->memory.name);
    for (uint32_t n = 0; n < run->count; n++)
        if (atomic_exchange(&staged->page[run->first + n], now) >> BY_FILE == now >> BY_FILE)
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

/* Nothing of what a file below had stays. */
static bool put_fill(const StagedMemory *all, const Staged *staged, const PageRun *run, Error *err)
{
    off_t from = (off_t)run->first * MEMORY_PAGE, size = (off_t)run->count * MEMORY_PAGE;
    return !all->now || !fallocate(staged->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, size) ||
           error_set(err, "not enough memory: %s", strerror(errno));
}

static bool place_in_memory(StagedMemory *all, uint32_t memory, const PageRun *run, const uint8_t *data,
                            Error *err)
{
    const Staged *staged = &all->staged[memory];
    bool fills = run->source == RUN_IS_ZEROS;
    if (!claim(staged, run, all->now, fills ? FILLED : data ? CONTENTS : EQUAL, err))
        return false;
    if (fills)
        return put_fill(all, staged, run, err);
    if (data)
        return put(staged, run->first, data, run->count, err);
    note_equal(all, memory, run);
    return true;
}

static bool place_run(StagedMemory *all, uint32_t memory, const PageRun *run, const uint8_t *data, Error *err)
{
    if (memory < all->count)
        return place_in_memory(all, memory, run, data, err);
    if (run->source >= RUN_IS_ZEROS)
        return disks_put(all->disks, memory - all->count, run->first, run->count, data, err);
    note_equal(all, memory, run);
    return true;
}

static bool place_unit(StagedMemory *all, const PageUnit *unit, Error *err)
{
    const Layer *layer = &all->layer[all->now];
    const uint8_t *data = unit->data[0];
    if (unit->memory >= layer->count)
        return error_set(err, "pages: there is no such memory or disk");
    for (uint32_t n = 0; n < unit->runs; n++) {
        const PageRun *run = &unit->run[n];
        bool contents = run->source == RUN_IS_DATA;
        uint32_t memory = layer->map[unit->memory];
        if (memory != NUMBERS && !place_run(all, memory, run, contents ? data : NULL, err))
            return false;
        data += contents ? (size_t)run->count * MEMORY_PAGE : 0;
    }
    return true;
}

/* Notes where the pages are, for later. */
static bool place_later(const StagedMemory *all, const Staged *staged, const PageUnit *unit,
                        const uint64_t *sum, uint64_t at, Error *err)
{
    for (uint32_t n = 0; n < unit->runs; n++) {
        const PageRun *run = &unit->run[n];
        if (!claim(staged, run, all->now, CONTENTS, err))
            return false;
        for (uint32_t k = 0; k < run->count; k++, sum++, at += MEMORY_PAGE)
            lazy_put(staged->lazy, run->first + k, at, *sum);
    }
    return true;
}

static bool place_chunk(StagedMemory *all, unsigned n, const uint8_t *payload, PageUnit *unit, Error *err)
{
    uint64_t sum[UNIT_PAGES], at;
    const ChunkFile *file = all->layer[all->now].file;
    if (!aligned_is(payload, file->chunk[n].length))
        return unit_decode(unit, payload, file->chunk[n].length, err) && place_unit(all, unit, err);
    if (!aligned_decode(unit, sum, &at, file, n, payload, err))
        return false;
    if (unit->memory < all->count && all->staged[unit->memory].lazy)
        return place_later(all, &all->staged[unit->memory], unit, sum, at, err);
    return aligned_read(unit, file, n, payload, err) && place_unit(all, unit, err);
}

static bool load_chunk(StagedMemory *all, unsigned n, Buffer *payload, PageUnit *unit, Error *err)
{
    const size_t most = 16 + sizeof unit->run + sizeof unit->data;
    const ChunkFile *file = all->layer[all->now].file;
    const Chunk *chunk = &file->chunk[n];
    if (chunk->length > most)
        return error_set(err, "pages: a chunk is too long");
    payload->size = 0;
    buffer_grow(payload, chunk->length);
    return chunk_read(file, chunk, payload->data, err) && place_chunk(all, n, payload->data, unit, err);
}

static void *load_chunks(void *opaque)
{
    StagedMemory *all = opaque;
    const ChunkFile *file = all->layer[all->now].file;
    Buffer payload = {0};
    PageUnit *unit = malloc(sizeof *unit);
    Error err;
    if (!unit)
        abort();
    while (!atomic_load(&all->failed)) {
        unsigned n = atomic_fetch_add(&all->next, 1);
        if (n >= file->count)
            break;
        if (chunk_is(&file->chunk[n], CHUNK_PAGES) && !load_chunk(all, n, &payload, unit, &err))
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

/* False: the page that they are equal to was read. */
static bool equal_later(const Staged *staged, const PageRun *run)
{
    if (!staged->lazy || !lazy_put_equal(staged->lazy, run->first, run->source))
        return false;
    for (uint32_t k = 1; k < run->count; k++)
        lazy_put_equal(staged->lazy, run->first + k, run->source);
    return true;
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
        if (run->source >= staged->pages ||
            atomic_load(&staged->page[run->source]) != ((all->now + 1) << BY_FILE | CONTENTS))
            return error_set(err, "pages: one of '%s' is equal to one that is not there",
                             staged->memory.name);
        if (equal_later(staged, run))
            continue;
        if (pread(staged->fd, data, sizeof data, (off_t)run->source * MEMORY_PAGE) != sizeof data)
            return error_set(err, "not enough memory: %s", strerror(errno));
        for (uint32_t k = 0; k < run->count; k++)
            if (!put(staged, run->first + k, data, 1, err))
                return false;
    }
    return true;
}

/* All pages of one file. */
static bool load_layer(StagedMemory *all, Error *err)
{
    atomic_store(&all->next, 0);
    all->equal_count = 0;
    if (all->now)
        disks_again(all->disks);
    run_threads(all);
    if (!atomic_load(&all->failed))
        return copy_equal(all, err);
    *err = all->error;
    return false;
}

static bool load_layers(StagedMemory *all, const Layers *layers, Error *err)
{
    Error why;
    for (all->now = 0; all->now < all->layers; all->now++) {
        if (load_layer(all, &why))
            continue;
        return all->now == all->layers - 1
                   ? error_set(err, "%s", why.text)
                   : error_set(err, "its base '%s': %s", layers->path[all->now], why.text);
    }
    return true;
}

StagedMemory *memory_stage(const Layers *layers, const Machine *machine, bool there, StagedDisks *disks,
                           bool later, Error *err)
{
    StagedMemory *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    all->there = there;
    all->path = later && layers->count == 1 ? layers->path[0] : NULL;
    all->disks = disks;
    pthread_mutex_init(&all->mutex, NULL);
    if (stage_memories(all, machine, layers->file[layers->count - 1], err) && map_layers(all, layers, err) &&
        load_layers(all, layers, err))
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
        lazy_free(all->staged[n].lazy);
    }
    free(all->equal);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static void fill_page(void *opaque, uint32_t page, const uint8_t *data)
{
    const Staged *staged = opaque;
    if ((atomic_load(&staged->page[page]) & KNOWN) == FILLED)
        memset((uint8_t *)data, staged->memory.fill, MEMORY_PAGE);
}

/* Into memory that is not ours to replace; what is equal already is not written. */
static void copy_into(Staged *staged)
{
    uint8_t data[MEMORY_PAGE];
    memory_pages(&staged->memory, fill_page, staged);
    for (uint32_t page = 0; page < staged->pages; page++) {
        uint8_t *host = staged->memory.host + (size_t)page * MEMORY_PAGE;
        if ((atomic_load(&staged->page[page]) & KNOWN) == FILLED)
            continue;
        if (pread(staged->fd, data, sizeof data, (off_t)page * MEMORY_PAGE) == sizeof data &&
            memcmp(host, data, sizeof data) != 0)
            memcpy(host, data, sizeof data);
    }
}

/* What was in memory is not needed any more, wherever it came from. */
static void start_lazy(Staged *staged, Machine *machine)
{
    const BusLazy *before = bus_lazy(machine->bus);
    if (staged->lazy)
        lazy_start(staged->lazy, machine, &staged->memory);
    else if (before && before->host == staged->memory.host)
        bus_set_lazy(machine->bus, NULL);
    staged->lazy = NULL;
}

static bool replace(Staged *staged, Machine *machine)
{
    void *at = mmap(staged->memory.host, staged->memory.size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, staged->fd, 0);
    if (at == MAP_FAILED)
        return false;
    close(*staged->memory.fd);
    *staged->memory.fd = staged->fd;
    staged->fd = -1;
    start_lazy(staged, machine);
    return true;
}

bool memory_apply(StagedMemory *all, Machine *machine, Error *err)
{
    bool changed = false;
    for (unsigned n = 0; n < all->count; n++) {
        Staged *staged = &all->staged[n];
        if (staged->there)
            continue;
        if (staged->memory.fd && replace(staged, machine)) {
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
