/* What is where: `place` and `sum` for each page, `away` says which pages nobody has looked at yet, `known`
 * which are out of the file at all, `mapped` which of them the file is mapped for. Whoever fetches a page
 * holds the mutex; who finds it there needs nothing.
 *
 * A mapped page shows what others write into the file as long as the guest has not written it, and where the
 * file becomes shorter even pages that were written are gone (truncate takes private ones, too). So the file
 * is mapped only under a lease: who opens it for writing has to wait until the machine's thread has copied
 * all of it. */
#define _GNU_SOURCE
#include "snapshot/lazy_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/checked.h"
#include "snapshot/hash64.h"
#include "snapshot/memory.h"

/* A mapping costs the host as much as some pages copied; a process may have 65,530. */
enum { WORTH_MAPPING = 8, MAPPINGS_MOST = 16384, COPIED_AT_ONCE = 16 };
enum { BITS = 64 };

struct LazyMemory {
    int fd;
    char *path;
    uint32_t pages;
    uint32_t *place; /* [pages]: in the file, in units of pages */
    uint64_t *sum;   /* [pages] */
    atomic_uint_fast64_t *away;
    uint64_t *known, *mapped;
    Machine *machine; /* NULL: not started */
    MachineMemory memory;
    pthread_mutex_t mutex;
    bool leased; /* and there is a thread that keeps the lease */
    pthread_t keeper;
    sem_t answered;
    atomic_bool stop, wanted; /* somebody waits for the file */
    Arrival arrival;
};

static bool bit(const uint64_t *bits, uint32_t n)
{
    return bits[n / BITS] >> (n % BITS) & 1;
}

static void set_bits(uint64_t *bits, uint32_t n, uint32_t count)
{
    for (; count; n++, count--)
        bits[n / BITS] |= (uint64_t)1 << (n % BITS);
}

static bool is_away(const LazyMemory *lazy, uint32_t n)
{
    return atomic_load_explicit(&lazy->away[n / BITS], memory_order_acquire) >> (n % BITS) & 1;
}

static uint8_t *host_of(const LazyMemory *lazy, uint32_t n)
{
    return lazy->memory.host + (size_t)n * MEMORY_PAGE;
}

static off_t offset_of(const LazyMemory *lazy, uint32_t n)
{
    return (off_t)lazy->place[n] * MEMORY_PAGE;
}

LazyMemory *lazy_new(int fd, const char *path, uint32_t pages, Error *err)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        error_set(err, "%s", strerror(errno));
        return NULL;
    }
    LazyMemory *lazy = checked(calloc(1, sizeof *lazy));
    uint32_t words = pages / BITS + 1;
    lazy->fd = own;
    lazy->path = checked(strdup(path));
    lazy->pages = pages;
    lazy->place = checked(calloc(pages, sizeof *lazy->place));
    lazy->sum = checked(calloc(pages, sizeof *lazy->sum));
    lazy->away = checked(calloc(words, sizeof *lazy->away));
    lazy->known = checked(calloc(words, sizeof *lazy->known));
    lazy->mapped = checked(calloc(words, sizeof *lazy->mapped));
    pthread_mutex_init(&lazy->mutex, NULL);
    sem_init(&lazy->answered, 0, 0);
    return lazy;
}

void lazy_put(LazyMemory *lazy, uint32_t page, uint64_t offset, uint64_t sum)
{
    lazy->place[page] = (uint32_t)(offset / MEMORY_PAGE);
    lazy->sum[page] = sum;
    atomic_fetch_or(&lazy->away[page / BITS], (uint64_t)1 << (page % BITS));
}

bool lazy_put_equal(LazyMemory *lazy, uint32_t page, uint32_t source)
{
    if (source >= lazy->pages || !is_away(lazy, source))
        return false;
    lazy_put(lazy, page, (uint64_t)lazy->place[source] * MEMORY_PAGE, lazy->sum[source]);
    return true;
}

/* ---- Pages, under the mutex ---------------------------------------------------------------------------- */

static bool copy_in(const LazyMemory *lazy, uint32_t n, uint32_t count)
{
    uint8_t *to = host_of(lazy, n);
    off_t from = offset_of(lazy, n);
    for (size_t size = (size_t)count * MEMORY_PAGE; size;) {
        ssize_t got = pread(lazy->fd, to, size, from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        from += got;
        size -= (size_t)got;
    }
    return true;
}

/* How many pages from n on, all away and not mapped, follow each other in the file. */
static uint32_t copied_together(const LazyMemory *lazy, uint32_t n)
{
    uint32_t count = 1;
    while (count < COPIED_AT_ONCE && n + count < lazy->pages && is_away(lazy, n + count) &&
           !bit(lazy->mapped, n + count) && lazy->place[n + count] == lazy->place[n] + count)
        count++;
    return count;
}

static bool is_right(const LazyMemory *lazy, uint32_t n)
{
    return hash64(host_of(lazy, n), MEMORY_PAGE, (uint64_t)offset_of(lazy, n)) == lazy->sum[n];
}

/* The page n, and perhaps some after it. */
static bool bring(LazyMemory *lazy, uint32_t n)
{
    uint32_t count = bit(lazy->mapped, n) ? 1 : copied_together(lazy, n);
    if (!bit(lazy->mapped, n) && !copy_in(lazy, n, count) && !copy_in(lazy, n, count = 1))
        return false;
    for (uint32_t k = n; k < n + count; k++)
        if (is_right(lazy, k))
            atomic_fetch_and_explicit(&lazy->away[k / BITS], ~((uint64_t)1 << (k % BITS)),
                                      memory_order_release);
    return !is_away(lazy, n);
}

static bool bring_all(LazyMemory *lazy)
{
    bool all = true;
    for (uint32_t n = 0; n < lazy->pages; n++)
        all = (!is_away(lazy, n) || bring(lazy, n)) && all;
    return all;
}

/* The next pages from *n on whose bits are set; false: none. */
static bool next_run(const LazyMemory *lazy, const uint64_t *bits, uint32_t *n, uint32_t *count)
{
    while (*n < lazy->pages && !bit(bits, *n))
        *n = bits[*n / BITS] >> (*n % BITS) ? *n + 1 : (*n / BITS + 1) * BITS;
    if (*n >= lazy->pages)
        return false;
    for (*count = 1; *n + *count < lazy->pages && bit(bits, *n + *count);)
        ++*count;
    return true;
}

/* ---- The lease ----------------------------------------------------------------------------------------- */

/* The host tells us of a lease's end by a signal, which only this thread waits for. */
static bool take_lease(const LazyMemory *lazy)
{
    struct f_owner_ex owner = {F_OWNER_TID, gettid()};
    return !fcntl(lazy->fd, F_SETOWN_EX, &owner) && !fcntl(lazy->fd, F_SETSIG, SIGIO) &&
           !fcntl(lazy->fd, F_SETLEASE, F_RDLCK);
}

static void *keep_lease(void *opaque)
{
    LazyMemory *lazy = opaque;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGIO);
    lazy->leased = take_lease(lazy);
    bool leased = lazy->leased;
    sem_post(&lazy->answered);
    if (!leased)
        return NULL;
    while (!atomic_load(&lazy->stop))
        if (sigwaitinfo(&end, NULL) > 0 && !atomic_load(&lazy->stop)) {
            atomic_store(&lazy->wanted, true);
            arrivals_post(lazy->machine->arrivals, &lazy->arrival);
        }
    fcntl(lazy->fd, F_SETLEASE, F_UNLCK);
    return NULL;
}

static void start_keeper(LazyMemory *lazy)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = !pthread_create(&lazy->keeper, NULL, keep_lease, lazy);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started)
        return;
    while (sem_wait(&lazy->answered)) {
    }
    if (!lazy->leased)
        pthread_join(lazy->keeper, NULL);
}

static void stop_keeper(LazyMemory *lazy)
{
    if (!lazy->leased)
        return;
    atomic_store(&lazy->stop, true);
    pthread_kill(lazy->keeper, SIGIO);
    pthread_join(lazy->keeper, NULL);
    lazy->leased = false;
}

void lazy_free(LazyMemory *lazy)
{
    if (!lazy)
        return;
    stop_keeper(lazy);
    if (lazy->machine)
        arrivals_cancel(lazy->machine->arrivals, &lazy->arrival);
    close(lazy->fd);
    free(lazy->path);
    free(lazy->place);
    free(lazy->sum);
    free(lazy->away);
    free(lazy->known);
    free(lazy->mapped);
    pthread_mutex_destroy(&lazy->mutex);
    sem_destroy(&lazy->answered);
    free(lazy);
}

/* ---- For the bus --------------------------------------------------------------------------------------- */

static bool fetch(void *opaque, uint32_t n)
{
    LazyMemory *lazy = opaque;
    pthread_mutex_lock(&lazy->mutex);
    bool there = !is_away(lazy, n) || bring(lazy, n);
    pthread_mutex_unlock(&lazy->mutex);
    return there;
}

static void failed(void *opaque, uint32_t n)
{
    LazyMemory *lazy = opaque;
    Error why;
    error_set(
        &why,
        "'%s' is damaged, or was changed since it was loaded: bytes %llu to %llu are not those that were "
        "written; the machine has stopped before it used them. `armature snapshot verify` reads all of a "
        "file",
        lazy->path, (unsigned long long)offset_of(lazy, n),
        (unsigned long long)offset_of(lazy, n) + MEMORY_PAGE);
    machine_break(lazy->machine, why.text);
}

static bool next(void *opaque, uint64_t *from, uint64_t *to)
{
    const LazyMemory *lazy = opaque;
    uint32_t n = (uint32_t)(*from / MEMORY_PAGE), count;
    if (!next_run(lazy, lazy->known, &n, &count))
        return false;
    if (*from < (uint64_t)n * MEMORY_PAGE)
        *from = (uint64_t)n * MEMORY_PAGE;
    *to = (uint64_t)(n + count) * MEMORY_PAGE;
    return true;
}

/* What the mapped pages hold goes into the file behind memory, which is mapped over all of it again. */
static bool unmap(LazyMemory *lazy)
{
    uint32_t count;
    for (uint32_t n = 0; next_run(lazy, lazy->mapped, &n, &count); n += count) {
        size_t size = (size_t)count * MEMORY_PAGE;
        off_t at = (off_t)n * MEMORY_PAGE;
        for (ssize_t done; size; size -= (size_t)done, at += done)
            if ((done = pwrite(*lazy->memory.fd, lazy->memory.host + at, size, at)) <= 0)
                return false;
    }
    void *at = mmap(lazy->memory.host, lazy->memory.size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, *lazy->memory.fd, 0);
    if (at != MAP_FAILED)
        memset(lazy->mapped, 0, (lazy->pages / BITS + 1) * sizeof *lazy->mapped);
    return at != MAP_FAILED;
}

static void settle(void *opaque)
{
    LazyMemory *lazy = opaque;
    uint32_t n = 0, count;
    pthread_mutex_lock(&lazy->mutex);
    bool all = bring_all(lazy);
    while (!all && n < lazy->pages && !is_away(lazy, n))
        n++;
    if (!all)
        failed(lazy, n);
    n = 0;
    if (next_run(lazy, lazy->mapped, &n, &count) && !unmap(lazy))
        machine_break(lazy->machine, "the host has no memory for the guest's");
    pthread_mutex_unlock(&lazy->mutex);
    stop_keeper(lazy);
    atomic_store(&lazy->wanted, false);
}

static bool wanted(void *opaque)
{
    return atomic_load(&((LazyMemory *)opaque)->wanted);
}

static void release(void *opaque)
{
    lazy_free(opaque);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static uint32_t mapped_together(const LazyMemory *lazy, uint32_t n)
{
    uint32_t count = 1;
    while (n + count < lazy->pages && is_away(lazy, n + count) &&
           lazy->place[n + count] == lazy->place[n] + count)
        count++;
    return count;
}

static void map_file(LazyMemory *lazy)
{
    struct stat status;
    unsigned mappings = 0;
    if (fstat(lazy->fd, &status))
        return;
    for (uint32_t n = 0, count; n < lazy->pages && mappings < MAPPINGS_MOST; n += count) {
        count = 1;
        if (!is_away(lazy, n))
            continue;
        count = mapped_together(lazy, n);
        size_t size = (size_t)count * MEMORY_PAGE;
        if (count < WORTH_MAPPING || offset_of(lazy, n) + (off_t)size > status.st_size)
            continue;
        void *at = mmap(host_of(lazy, n), size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, lazy->fd, offset_of(lazy, n));
        if (at == MAP_FAILED)
            return;
        set_bits(lazy->mapped, n, count);
        mappings++;
    }
}

void lazy_start(LazyMemory *lazy, Machine *machine, const MachineMemory *memory)
{
    lazy->machine = machine;
    lazy->memory = *memory;
    for (uint32_t n = 0; n < lazy->pages / BITS + 1; n++)
        lazy->known[n] = atomic_load(&lazy->away[n]);
    lazy->arrival = (Arrival){.run = settle, .opaque = lazy};
    start_keeper(lazy);
    if (lazy->leased)
        map_file(lazy);
    bus_set_lazy(machine->bus, &(BusLazy){.host = memory->host,
                                          .size = memory->size,
                                          .away = lazy->away,
                                          .fetch = fetch,
                                          .failed = failed,
                                          .next = next,
                                          .settle = settle,
                                          .wanted = wanted,
                                          .release = release,
                                          .opaque = lazy});
}
