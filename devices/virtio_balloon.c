/* Virtio memory balloon: Virtual I/O Device (VIRTIO) 1.2, section 5.5. Pages that the guest puts into the
 * balloon, and those that it reports to be free, are given back to the host (bus_discard()) and read as zero
 * until they are written again.
 *
 * Hints of free pages (FREE_PAGE_HINT) are offered, since the numbers of the queues depend on it, but never
 * asked for. A driver that fills free pages with a pattern (PAGE_POISON) keeps what it reports. */
#include "devices/virtio.h"

#include <string.h>

enum { ID_BALLOON = 5 };
enum { F_STATS_VQ = 1, F_DEFLATE_ON_OOM = 2, F_FREE_PAGE_HINT = 3, F_PAGE_POISON = 4, F_REPORTING = 5 };
enum { INFLATE, DEFLATE, STATS, FREE_PAGES, REPORTS };
enum {
    QUEUE_SIZE = 128,
    PAGE_SHIFT = 12,
    NUMBERS = 256,
    NUMBERS_MOST = 65536,
    STAT_BYTES = 10,
    NO_HEAD = 0xffffffff
};

_Static_assert(BALLOON_PAGE == 1 << PAGE_SHIFT, "the balloon's page");

typedef struct {
    Virtio virtio;
    uint32_t num_pages, actual, hint_id, poison_val; /* configuration space */
    uint32_t stats_head;                             /* the driver's buffer for statistics, NO_HEAD: none */
    uint32_t known;
    uint64_t stat[BALLOON_STATS];
    uint64_t given_back;
} State;

/* ---- Giving back -------------------------------------------------------------------------------------- */

/* Whole pages of RAM only; everything else a driver may not name. */
static void give_back(State *s, uint64_t address, uint64_t size)
{
    uint64_t first = (address + BALLOON_PAGE - 1) & ~(uint64_t)(BALLOON_PAGE - 1);
    uint64_t end = (address + size) & ~(uint64_t)(BALLOON_PAGE - 1);
    if (end <= first)
        return;
    Virtio *v = &s->virtio;
    if (end - 1 <= UINT32_MAX && bus_discard(v->dev.env->bus, (uint32_t)first, end - first))
        s->given_back += end - first;
    else
        log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "0x%llx is not in memory",
                 (unsigned long long)first);
}

/* Page numbers, of which those in a row are given back at once. */
static VirtioAnswer inflated(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    (void)written;
    State *s = (State *)v;
    uint32_t page[NUMBERS];
    uint64_t first = 0, count = 0;
    for (size_t at = 0, size; (size = virt_chain_read(chain, at, page, sizeof page)) && at < NUMBERS_MOST;
         at += size)
        for (size_t n = 0; n < size / sizeof *page; n++) {
            if (count && page[n] == first + count) {
                count++;
                continue;
            }
            give_back(s, first << PAGE_SHIFT, count << PAGE_SHIFT);
            first = page[n];
            count = 1;
        }
    give_back(s, first << PAGE_SHIFT, count << PAGE_SHIFT);
    return VIRTIO_DONE;
}

/* The driver just takes them. */
static VirtioAnswer deflated(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)v;
    (void)queue;
    (void)chain;
    (void)written;
    return VIRTIO_DONE;
}

/* The buffers are the free pages. */
static VirtioAnswer reported(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    (void)written;
    State *s = (State *)v;
    if (virtio_has(v, F_PAGE_POISON) && s->poison_val)
        return VIRTIO_DONE;
    for (unsigned n = chain->readable; n < chain->readable + chain->writable; n++)
        give_back(s, chain->segment[n].address, chain->segment[n].size);
    return VIRTIO_DONE;
}

/* By the standard, reports have a queue of their own; to Linux, a queue of a feature that was not negotiated
 * does not count. */
static VirtioAnswer hinted(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    bool reports = !virtio_has(v, F_FREE_PAGE_HINT) && virtio_has(v, F_REPORTING);
    return reports ? reported(v, queue, chain, written) : VIRTIO_DONE;
}

/* ---- Statistics --------------------------------------------------------------------------------------- */

/* The driver gives a buffer with what it knows, and gets it back when news are wanted. */
static VirtioAnswer stats_told(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    State *s = (State *)v;
    uint8_t entry[STAT_BYTES];
    (void)written;
    s->known = 0;
    for (unsigned n = 0; n < 2 * BALLOON_STATS; n++) {
        uint16_t tag;
        uint64_t value;
        if (virt_chain_read(chain, n * STAT_BYTES, entry, STAT_BYTES) < STAT_BYTES)
            break;
        memcpy(&tag, entry, sizeof tag);
        memcpy(&value, entry + sizeof tag, sizeof value);
        if (tag >= BALLOON_STATS)
            continue;
        s->stat[tag] = value;
        s->known |= 1u << tag;
    }
    if (s->stats_head != NO_HEAD)
        virtio_finish(v, queue, s->stats_head, 0);
    s->stats_head = chain->head;
    return VIRTIO_LATER;
}

static void ask_for_stats(State *s)
{
    if (s->stats_head == NO_HEAD)
        return;
    virtio_finish(&s->virtio, STATS, s->stats_head, 0);
    s->stats_head = NO_HEAD;
    virtio_signal(&s->virtio, STATS);
}

static const VirtioQueueDef queues[] = {
    [INFLATE] = {QUEUE_SIZE, inflated,   NULL},
      [DEFLATE] = {QUEUE_SIZE, deflated,   NULL},
    [STATS] = {QUEUE_SIZE, stats_told, NULL},
      [FREE_PAGES] = {QUEUE_SIZE, hinted,     NULL},
    [REPORTS] = {QUEUE_SIZE, reported,   NULL},
};

static const VirtioConfigDef config[] = {
    {"num_pages",             0,  4, AT(num_pages),  false, NULL, NULL},
    {"actual",                4,  4, AT(actual),     true,  NULL, NULL},
    {"free_page_hint_cmd_id", 8,  4, AT(hint_id),    false, NULL, NULL},
    {"poison_val",            12, 4, AT(poison_val), true,  NULL, NULL},
};

/* ---- Whoever moves it --------------------------------------------------------------------------------- */

static void set_target(void *opaque, uint32_t pages)
{
    State *s = opaque;
    if (s->num_pages == pages)
        return;
    s->num_pages = pages;
    virtio_config_changed(&s->virtio);
}

static void look(void *opaque, BalloonState *state)
{
    State *s = opaque;
    *state = (BalloonState){.driven = virtio_running(&s->virtio),
                            .reports = virtio_running(&s->virtio) && virtio_has(&s->virtio, F_REPORTING),
                            .target = s->num_pages,
                            .actual = s->actual,
                            .given_back = s->given_back,
                            .known = s->known};
    memcpy(state->stat, s->stat, sizeof state->stat);
    ask_for_stats(s);
}

/* ---- The device --------------------------------------------------------------------------------------- */

/* What is wished for outlives a reset; the memory of a guest that begins anew is its own again. */
static void reset(Virtio *v)
{
    State *s = (State *)v;
    s->actual = s->poison_val = s->known = 0;
    s->stats_head = NO_HEAD;
    memset(s->stat, 0, sizeof s->stat);
}

static const VirtioType type = {
    .id = ID_BALLOON,
    .features = 1 << F_STATS_VQ | 1 << F_DEFLATE_ON_OOM | 1 << F_FREE_PAGE_HINT | 1 << F_PAGE_POISON |
                1 << F_REPORTING,
    VIRTIO_TABLES,
    .reset = reset,
};

static bool create(Device *dev, Error *err)
{
    (void)err;
    virtio_create((Virtio *)dev, &type);
    dev->env->balloon = (BalloonPort){.set_target = set_target, .look = look, .opaque = dev};
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD(num_pages, FIELD_U32),
    FIELD(actual, FIELD_U32),
    FIELD(hint_id, FIELD_U32),
    FIELD(poison_val, FIELD_U32),
    FIELD(stats_head, FIELD_U32),
    FIELD(known, FIELD_U32),
    FIELD_ARRAY(stat, FIELD_U64, BALLOON_STATS),
    FIELD(given_back, FIELD_U64),
};

const DeviceType virtio_balloon_type = {
    VIRTIO_DEVICE,
    .name = "virtio_balloon",
    .summary = "virtio memory balloon",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
};
