/* The machine's memory as it is at one moment, while the machine goes on: pages are copied by whoever comes
 * first, the thread that saves them or the CPU that is about to write them. */
#ifndef ARMATURE_SNAPSHOT_CAPTURE_H
#define ARMATURE_SNAPSHOT_CAPTURE_H

#include "machine/machine.h"
#include "snapshot/memory.h"

typedef struct Capture Capture;

/* Machine's thread, between instructions. One at a time for each machine. */
Capture *capture_begin(Machine *machine);
/* Machine's thread: the other thread has ended. */
void capture_end(Capture *capture);

/* The other thread: before either of the following, for pages that come from elsewhere. False with err set if
 * one cannot be had. */
bool capture_fetch(Capture *capture, unsigned memory, uint32_t page, Error *err);

/* The other thread: copies a page of machine_memory() number `memory`, once for each page. False: it is all
 * `fill`. Nothing is copied then. */
bool capture_page(Capture *capture, unsigned memory, uint32_t page, uint8_t *copy);

/* The other thread: as memory_next_data(). */
bool capture_next_data(Capture *capture, unsigned memory, uint64_t *from, uint64_t *to);

#endif
