/* Split virtqueues: Virtual I/O Device (VIRTIO) 1.2, section 2.7. Finds the buffers that a driver offers, and
 * gives them back.
 *
 * The rings are in the guest's memory and hold whatever it put there. What comes out of here is checked: a
 * chain has at most as many buffers as a queue has descriptors, and all of them lie in memory. */
#ifndef ARMATURE_DEVICES_VIRTQUEUE_H
#define ARMATURE_DEVICES_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/bus.h"

enum { VIRTQUEUE_MOST = 256 /* descriptors in a queue, buffers in a chain */ };

/* All of it is saved, as FIELD_U32. */
typedef struct Virtqueue {
    uint32_t size;           /* descriptors: a power of two */
    uint32_t ready;          /* 1: the driver has set it up */
    uint32_t descriptors[2]; /* addresses: low word, high word */
    uint32_t driver[2];      /* the available ring */
    uint32_t device[2];      /* the used ring */
    uint32_t taken;          /* how many chains were taken from it, modulo 2^16 */
    uint32_t used;           /* how many were given back, modulo 2^16 */
    uint32_t signalled;      /* `used` when the driver was told of it last */
} Virtqueue;

/* How a queue is accessed: what was negotiated, and where the rings are. */
typedef struct VirtqueueAccess {
    Bus *bus;
    Virtqueue *queue;
    bool indirect;    /* RING_INDIRECT_DESC */
    bool event_index; /* RING_EVENT_IDX */
} VirtqueueAccess;

typedef struct VirtSegment {
    uint32_t address, size;
} VirtSegment;

/* A request: buffers that the device reads, then such that it writes. */
typedef struct VirtChain {
    Bus *bus;
    uint16_t head;               /* its name: what gives it back */
    uint16_t readable, writable; /* number of segments */
    uint32_t readable_bytes, writable_bytes;
    VirtSegment segment[VIRTQUEUE_MOST];
} VirtChain;

/* Are size and addresses usable? NULL if so, else what is wrong. */
const char *virtqueue_problem(const VirtqueueAccess *access);

/* How many chains the driver offers that were not taken; more than the queue's size: the ring is broken. */
uint32_t virtqueue_waiting(const VirtqueueAccess *access);

/* The next chain, which stays in the queue until virtqueue_advance(). There must be one. NULL, or what is
 * wrong with it. */
const char *virtqueue_next(const VirtqueueAccess *access, VirtChain *chain);
void virtqueue_advance(const VirtqueueAccess *access);

/* The chain that begins at descriptor `head`, once more: for requests that are finished later. */
const char *virtqueue_chain(const VirtqueueAccess *access, uint32_t head, VirtChain *chain);

/* Gives a chain back; `written` bytes were stored into its writable part. False if the ring is not in memory.
 */
bool virtqueue_give_back(const VirtqueueAccess *access, uint32_t head, uint32_t written);

/* Whether the driver wants an interrupt for what was given back since this was asked last. */
bool virtqueue_wants_interrupt(const VirtqueueAccess *access);

/* Asks the driver for a notification when it offers the next chain. */
void virtqueue_ask_for_notification(const VirtqueueAccess *access);

/* Copies from the chain's readable part, or to its writable part, from byte `offset` of that part on. Returns
 * how many bytes there were: fewer than `size` at the part's end. */
size_t virt_chain_read(const VirtChain *chain, size_t offset, void *data, size_t size);
size_t virt_chain_write(const VirtChain *chain, size_t offset, const void *data, size_t size);

#endif
