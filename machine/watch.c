#include "machine/watch.h"

#include <assert.h>
#include <stdlib.h>

#include "machine/checked.h"

enum { PAGE_BITS = 12, PAGES = 1 << 20, BITS = 64, KEEPERS_MOST = 4 };

struct Watch {
    Watch *next;
    uint32_t first, count; /* pages */
    uint64_t written[];    /* one bit for each */
};

struct Watches {
    Watch *list;
    void (*guard)(void *opaque, uint32_t page);
    void *guard_opaque;
    struct Keeper {
        void (*before)(void *opaque, uint32_t page);
        void *opaque;
    } keeper[KEEPERS_MOST];
    unsigned keepers;
    uint64_t guarded[PAGES / BITS];
};

static bool bit(const uint64_t *bits, uint32_t n)
{
    return bits[n / BITS] >> (n % BITS) & 1;
}

static void set_bit(uint64_t *bits, uint32_t n)
{
    bits[n / BITS] |= (uint64_t)1 << (n % BITS);
}

static void clear_bit(uint64_t *bits, uint32_t n)
{
    bits[n / BITS] &= ~((uint64_t)1 << (n % BITS));
}

Watches *watches_new(void)
{
    return checked(calloc(1, sizeof(Watches)));
}

void watches_free(Watches *watches)
{
    while (watches && watches->list)
        watches_remove(watches, watches->list);
    free(watches);
}

void watches_on_guard(Watches *watches, void (*guard)(void *opaque, uint32_t page), void *opaque)
{
    watches->guard = guard;
    watches->guard_opaque = opaque;
}

Watch *watches_add(Watches *watches, uint32_t pa, uint32_t size)
{
    assert(size && (uint64_t)pa + size <= (uint64_t)1 << 32);
    uint32_t first = pa >> PAGE_BITS, count = ((pa + (size - 1)) >> PAGE_BITS) - first + 1;
    Watch *watch = checked(calloc(1, sizeof *watch + (count / BITS + 1) * sizeof *watch->written));
    watch->first = first;
    watch->count = count;
    for (uint32_t n = 0; n < count; n++)
        set_bit(watch->written, n);
    watch->next = watches->list;
    watches->list = watch;
    return watch;
}

static bool covers(const Watch *watch, uint32_t page)
{
    return page - watch->first < watch->count;
}

void watches_remove(Watches *watches, Watch *watch)
{
    if (!watch)
        return;
    for (Watch **at = &watches->list; *at; at = &(*at)->next) {
        if (*at != watch)
            continue;
        *at = watch->next;
        break;
    }
    /* What others watch, too, was written for them; they look at it once in vain. */
    for (uint32_t n = 0; n < watch->count; n++)
        watches_written(watches, (watch->first + n) << PAGE_BITS, 1);
    free(watch);
}

bool watches_guard(const Watches *watches, uint32_t pa)
{
    return bit(watches->guarded, pa >> PAGE_BITS);
}

void watches_written(Watches *watches, uint32_t pa, uint32_t size)
{
    uint32_t last = (pa + (size ? size - 1 : 0)) >> PAGE_BITS;
    for (uint32_t page = pa >> PAGE_BITS; page <= last; page++) {
        if (!bit(watches->guarded, page))
            continue;
        for (unsigned n = 0; n < watches->keepers; n++)
            watches->keeper[n].before(watches->keeper[n].opaque, page << PAGE_BITS);
        clear_bit(watches->guarded, page);
        for (Watch *watch = watches->list; watch; watch = watch->next)
            if (covers(watch, page))
                set_bit(watch->written, page - watch->first);
    }
}

void watches_guard_all(Watches *watches, uint32_t pa, uint64_t size)
{
    uint64_t page = pa >> PAGE_BITS, end = (pa + size) >> PAGE_BITS;
    for (; page < end && page % BITS; page++)
        set_bit(watches->guarded, (uint32_t)page);
    for (; page + BITS <= end; page += BITS)
        watches->guarded[page / BITS] = UINT64_MAX;
    for (; page < end; page++)
        set_bit(watches->guarded, (uint32_t)page);
}

void watches_seen(Watches *watches, Watch *watch)
{
    for (uint32_t n = 0; n < watch->count; n++) {
        clear_bit(watch->written, n);
        set_bit(watches->guarded, watch->first + n);
    }
}

void watches_before_write(Watches *watches, void (*before)(void *opaque, uint32_t page), void *opaque)
{
    assert(watches->keepers < KEEPERS_MOST);
    watches->keeper[watches->keepers++] = (struct Keeper){before, opaque};
}

void watches_not_before_write(Watches *watches, void (*before)(void *opaque, uint32_t page), void *opaque)
{
    for (unsigned n = 0; n < watches->keepers; n++) {
        if (watches->keeper[n].before != before || watches->keeper[n].opaque != opaque)
            continue;
        watches->keeper[n] = watches->keeper[--watches->keepers];
        return;
    }
}

/* Takes note that the page was seen: the next write counts again. */
static void look_at(Watches *watches, Watch *watch, uint32_t n)
{
    uint32_t page = watch->first + n;
    clear_bit(watch->written, n);
    if (bit(watches->guarded, page))
        return;
    set_bit(watches->guarded, page);
    if (watches->guard)
        watches->guard(watches->guard_opaque, page << PAGE_BITS);
}

void watches_take(Watches *watches, Watch *watch, void (*written)(void *opaque, uint32_t pa, uint32_t size),
                  void *opaque)
{
    for (uint32_t n = 0; n < watch->count; n++) {
        if (!watch->written[n / BITS]) {
            n |= BITS - 1;
            continue;
        }
        uint32_t start = n;
        for (; n < watch->count && bit(watch->written, n); n++)
            look_at(watches, watch, n);
        if (n > start)
            written(opaque, (watch->first + start) << PAGE_BITS, (n - start) << PAGE_BITS);
    }
}
