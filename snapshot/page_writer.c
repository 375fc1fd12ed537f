/* One thread looks for pages and fills units, others deflate them and write chunks. Pages that are equal to
 * earlier ones of the same memory are found by their hashes (page_hash.h). */
#define _GNU_SOURCE
#include "snapshot/page_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "snapshot/aligned.h"
#include "snapshot/page_hash.h"

enum { WORKERS_MOST = 4, UNITS = 2 * WORKERS_MOST, NICENESS = 5 };

/* ---- Equal pages ------------------------------------------------------------------------------------- */

typedef struct Seen {
    PageHash hash;
    uint32_t page, used;
} Seen;

typedef struct SeenTable {
    Seen *seen;
    size_t capacity, count; /* capacity: a power of two */
    PageKey key;
} SeenTable;

static void seen_init(SeenTable *table)
{
    *table = (SeenTable){.capacity = 1 << 12};
    table->seen = calloc(table->capacity, sizeof *table->seen);
    if (!table->seen)
        abort();
    page_key_init(&table->key);
}

static Seen *seen_place(const SeenTable *table, const PageHash *hash)
{
    size_t n = hash->word[0] & (table->capacity - 1);
    while (table->seen[n].used && !page_hash_equal(&table->seen[n].hash, hash))
        n = (n + 1) & (table->capacity - 1);
    return &table->seen[n];
}

static void seen_grow(SeenTable *table)
{
    SeenTable larger = *table;
    larger.capacity *= 2;
    larger.seen = calloc(larger.capacity, sizeof *larger.seen);
    if (!larger.seen)
        abort();
    for (size_t n = 0; n < table->capacity; n++)
        if (table->seen[n].used)
            *seen_place(&larger, &table->seen[n].hash) = table->seen[n];
    free(table->seen);
    *table = larger;
}

/* The page with the same contents, or RUN_IS_DATA if this is the first. */
static uint32_t seen_before(SeenTable *table, const uint8_t *data, uint32_t page)
{
    PageHash hash = page_hash(&table->key, data);
    Seen *seen = seen_place(table, &hash);
    if (seen->used)
        return seen->page;
    *seen = (Seen){hash, page, 1};
    if (++table->count > table->capacity / 2)
        seen_grow(table);
    return RUN_IS_DATA;
}

/* ---- Workers ------------------------------------------------------------------------------------------- */

typedef struct Pool {
    ChunkWriter *writer;
    bool deflate;
    unsigned aligned; /* memories */
    PageProgress *progress;
    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t full, empty, turn;
    PageUnit *unit[UNITS]; /* unit number n, which waits for a worker, is at n % UNITS */
    uint64_t submitted, taken, written;
    PageUnit *spare[UNITS];
    unsigned spare_count;
    bool finished, failed;
    Error error;
    pthread_t thread[WORKERS_MOST];
    unsigned threads;
} Pool;

static void fail(Pool *pool, const Error *err)
{
    pthread_mutex_lock(&pool->mutex);
    if (!pool->failed)
        pool->error = *err;
    pool->failed = true;
    pthread_cond_broadcast(&pool->full);
    pthread_cond_broadcast(&pool->empty);
    pthread_cond_broadcast(&pool->turn);
    pthread_mutex_unlock(&pool->mutex);
}

static PageUnit *take_work(Pool *pool, uint64_t *number)
{
    PageUnit *unit = NULL;
    pthread_mutex_lock(&pool->mutex);
    while (pool->taken == pool->submitted && !pool->finished && !pool->failed)
        pthread_cond_wait(&pool->full, &pool->mutex);
    if (pool->taken != pool->submitted && !pool->failed) {
        *number = pool->taken++;
        unit = pool->unit[*number % UNITS];
    }
    pthread_mutex_unlock(&pool->mutex);
    return unit;
}

/* Chunks are in the order of pages, whoever deflates them. */
static bool await_turn(Pool *pool, uint64_t number)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->written != number && !pool->failed)
        pthread_cond_wait(&pool->turn, &pool->mutex);
    bool go_on = !pool->failed;
    pthread_mutex_unlock(&pool->mutex);
    return go_on;
}

static void end_turn(Pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->written++;
    pthread_cond_broadcast(&pool->turn);
    pthread_mutex_unlock(&pool->mutex);
}

static void give_back(Pool *pool, PageUnit *unit)
{
    pthread_mutex_lock(&pool->mutex);
    pool->spare[pool->spare_count++] = unit;
    pthread_cond_signal(&pool->empty);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *opaque)
{
    Pool *pool = opaque;
    Buffer payload = {0};
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    uint64_t number;
    for (PageUnit *unit; (unit = take_work(pool, &number));) {
        Error err;
        bool aligned = unit->memory < pool->aligned;
        payload.size = 0;
        if (!aligned)
            unit_encode(unit, pool->deflate, &payload);
        bool ok = !await_turn(pool, number) ||
                  (aligned ? aligned_write(pool->writer, unit, &err)
                           : chunk_write(pool->writer, CHUNK_PAGES, payload.data, payload.size, &err));
        give_back(pool, unit);
        if (!ok)
            fail(pool, &err);
        end_turn(pool);
    }
    buffer_free(&payload);
    return NULL;
}

static PageUnit *take_spare(Pool *pool)
{
    PageUnit *unit = NULL;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->spare_count && !pool->failed)
        pthread_cond_wait(&pool->empty, &pool->mutex);
    if (!pool->failed)
        unit = pool->spare[--pool->spare_count];
    pthread_mutex_unlock(&pool->mutex);
    return unit;
}

static void submit(Pool *pool, PageUnit *unit)
{
    pthread_mutex_lock(&pool->mutex);
    pool->unit[pool->submitted++ % UNITS] = unit;
    pthread_cond_signal(&pool->full);
    pthread_mutex_unlock(&pool->mutex);
}

static bool start(Pool *pool, Error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = !pool->deflate || processors < 1 ? 1
                      : processors > WORKERS_MOST      ? WORKERS_MOST
                                                       : (unsigned)processors;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->full, NULL);
    pthread_cond_init(&pool->empty, NULL);
    pthread_cond_init(&pool->turn, NULL);
    while (pool->threads < wanted && !pthread_create(&pool->thread[pool->threads], NULL, work, pool))
        pool->threads++;
    for (unsigned n = 0; n < 2 * pool->threads; n++)
        if (!(pool->spare[pool->spare_count++] = malloc(sizeof(PageUnit))))
            abort();
    return pool->threads || error_set(err, "the host gives no thread");
}

static bool finish(Pool *pool, Error *err)
{
    pthread_mutex_lock(&pool->mutex);
    pool->finished = true;
    pthread_cond_broadcast(&pool->full);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned n = 0; n < pool->threads; n++)
        pthread_join(pool->thread[n], NULL);
    while (pool->spare_count)
        free(pool->spare[--pool->spare_count]);
    while (pool->taken != pool->submitted)
        free(pool->unit[pool->taken++ % UNITS]);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->full);
    pthread_cond_destroy(&pool->empty);
    pthread_cond_destroy(&pool->turn);
    if (pool->failed)
        *err = pool->error;
    return !pool->failed;
}

/* ---- Looking for pages --------------------------------------------------------------------------------- */

static PageUnit *fresh_unit(Pool *pool, unsigned memory)
{
    PageUnit *unit = take_spare(pool);
    if (unit) {
        unit->memory = memory;
        unit->runs = unit->pages = 0;
    }
    return unit;
}

/* One step's pages into the unit. Pages that are to be mapped follow each other, whether they are equal or
 * not. */
static void add(PageUnit *unit, SeenTable *table, bool aligned, MediumStep step, uint64_t page,
                uint64_t count)
{
    if (step == STEP_ZEROS)
        unit_add_zeros(unit, (uint32_t)page, (uint32_t)count);
    else if (aligned)
        unit_add(unit, (uint32_t)page, RUN_IS_DATA);
    else
        unit_add(unit, (uint32_t)page, seen_before(table, unit->data[unit->pages], (uint32_t)page));
}

static bool is_cancelled(const PageProgress *progress, Error *err)
{
    bool cancel = atomic_load_explicit(&progress->cancel, memory_order_relaxed);
    if (cancel)
        error_set(err, "it was cancelled");
    return cancel;
}

/* False once somebody has failed. */
static bool write_memory(Pool *pool, const PageSource *source, unsigned memory)
{
    SeenTable table;
    seen_init(&table);
    PageUnit *unit = fresh_unit(pool, memory);
    uint64_t before = atomic_load(&pool->progress->done);
    MediumStep step = STEP_DATA;
    for (uint64_t page = 0, count = 1; unit; page += count) {
        Error err;
        count = 1;
        step = source->next(source->opaque, memory, &page, &count, unit->data[unit->pages], &err);
        if (step == STEP_END)
            break;
        if (step == STEP_FAILED || is_cancelled(pool->progress, &err)) {
            fail(pool, &err);
            break;
        }
        add(unit, &table, memory < pool->aligned, step, page, count);
        atomic_store_explicit(&pool->progress->done, before + page * MEMORY_PAGE, memory_order_relaxed);
        if (!unit_is_full(unit))
            continue;
        submit(pool, unit);
        unit = fresh_unit(pool, memory);
    }
    bool whole = unit && step == STEP_END;
    if (unit && unit->runs)
        submit(pool, unit);
    else if (unit)
        give_back(pool, unit);
    free(table.seen);
    return whole;
}

bool pages_write(ChunkWriter *writer, const PageSource *source, bool deflate, PageProgress *progress,
                 Error *err)
{
    Pool pool = {
        .writer = writer, .deflate = deflate, .aligned = deflate ? 0 : source->aligned, .progress = progress};
    bool started = start(&pool, err);
    for (unsigned n = 0; started && n < source->memories && write_memory(&pool, source, n); n++) {
    }
    return finish(&pool, err) && started;
}
