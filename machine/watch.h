/* Which pages of memory have been written since somebody looked last: for displays, which draw only what
 * changed. A page that was not written since then is guarded: CPUs must not write it straight, but come here
 * first, once. So watching costs a slow store for each page and look, and nothing while nothing is written.
 */
#ifndef ARMATURE_MACHINE_WATCH_H
#define ARMATURE_MACHINE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Watches Watches; /* all of a bus */
typedef struct Watch Watch;

Watches *watches_new(void);
void watches_free(Watches *watches);

/* Called when a page becomes guarded: whoever writes it without watches_written() must not from now on. */
void watches_on_guard(Watches *watches, void (*guard)(void *opaque, uint32_t page), void *opaque);

/* Watches the pages of [pa, pa + size), addresses as bus_home() gives them, size not 0. To begin with, all
 * count as written. */
Watch *watches_add(Watches *watches, uint32_t pa, uint32_t size);
void watches_remove(Watches *watches, Watch *watch); /* NULL is allowed */

/* Whether a write in the page of pa must be told. */
bool watches_guard(const Watches *watches, uint32_t pa);
/* Something in [pa, pa + size) is being written. */
void watches_written(Watches *watches, uint32_t pa, uint32_t size);

/* Guards every page of [pa, pa + size), whole pages; the caller sees to it that nobody writes them straight
 * any more. Nobody counts them as seen. */
void watches_guard_all(Watches *watches, uint32_t pa, uint64_t size);

/* All that is watched counts as seen, and is guarded as above. */
void watches_seen(Watches *watches, Watch *watch);

/* Called before the first write in a guarded page, by home address: for snapshots and the history, which keep
 * what was there. Several may; each may be called again for a page that others have guarded anew. */
void watches_before_write(Watches *watches, void (*before)(void *opaque, uint32_t page), void *opaque);
void watches_not_before_write(Watches *watches, void (*before)(void *opaque, uint32_t page), void *opaque);

/* Calls written(opaque, pa, size) for every run of whole pages that were written since the last call, in
 * ascending order, and guards them again. The runs may reach beyond what is watched, to the page's ends. */
void watches_take(Watches *watches, Watch *watch, void (*written)(void *opaque, uint32_t pa, uint32_t size),
                  void *opaque);

#endif
