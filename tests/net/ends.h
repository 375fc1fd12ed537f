/* A machine's side of a wire for tests of its other ends: frames arrive by arrivals that wait() delivers. */
#ifndef ARMATURE_TESTS_NET_ENDS_H
#define ARMATURE_TESTS_NET_ENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/arrivals.h"
#include "machine/net.h"

typedef struct Side {
    NetPort port;
    Arrivals *arrivals;
    bool accepts;
    unsigned frames;
    uint8_t last[NET_FRAME_MOST];
    size_t length;
} Side;

static inline bool side_receive(void *opaque, const uint8_t *frame, size_t length)
{
    Side *side = opaque;
    if (!side->accepts)
        return false;
    side->frames++;
    memcpy(side->last, frame, length);
    side->length = length;
    return true;
}

static inline void side_init(Side *side, unsigned number)
{
    memset(side, 0, sizeof *side);
    net_port_init(&side->port, number);
    side->port.receive = side_receive;
    side->port.receive_opaque = side;
    side->accepts = true;
    side->arrivals = arrivals_new();
    net_connect(&side->port, true);
}

static inline void side_free(Side *side)
{
    net_port_free(&side->port);
    arrivals_free(side->arrivals);
}

static inline void side_deliver(Side *side)
{
    if (arrivals_waiting(side->arrivals))
        arrivals_deliver(side->arrivals);
}

/* Until the side has had so many frames; ten seconds at most. */
static inline void side_wait(Side *side, unsigned frames)
{
    for (unsigned n = 0; n < 10000 && side->frames < frames; n++) {
        side_deliver(side);
        usleep(1000);
    }
    if (side->frames < frames)
        fail_msg("%u frames, not %u", side->frames, frames);
}

/* Sends a frame of `length` bytes that ends with `value`. */
static inline bool side_send(Side *side, const uint8_t *to, size_t length, uint8_t value)
{
    static uint8_t frame[NET_FRAME_MOST];
    memset(frame, value, length);
    memcpy(frame, to, NET_MAC);
    memcpy(frame + NET_MAC, side->port.mac, NET_MAC);
    return net_send(&side->port, frame, length);
}

#endif
