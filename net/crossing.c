#define _GNU_SOURCE
#include "net/crossing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Frames one after the other, each after its length. */
typedef struct Lane {
    uint8_t *bytes;
    size_t size, room;
} Lane;

struct Crossing {
    NetPort *port;
    Arrivals *arrivals;
    Arrival arrival;
    int event_fd;
    void (*first)(void *opaque);
    void *first_opaque;
    pthread_mutex_t mutex; /* over all that follows */
    Lane to_host, to_guest;
    bool asleep;       /* the network's thread waits, and may be woken */
    bool guest_waits;  /* a frame found to_host full */
    bool thread_waits; /* the thread found to_guest full */
    /* The machine's thread only: what it has taken and not yet delivered. */
    Lane delivering;
    size_t delivered;
    /* The network's thread only. */
    Lane taken;
};

/* ---- Lanes -------------------------------------------------------------------------------------------- */

static void append(Lane *lane, const uint8_t *frame, size_t length)
{
    uint32_t size = (uint32_t)length;
    if (lane->room - lane->size < length + sizeof size) {
        lane->room = 2 * (lane->room + length + sizeof size);
        lane->bytes = realloc(lane->bytes, lane->room);
        if (!lane->bytes)
            abort();
    }
    memcpy(lane->bytes + lane->size, &size, sizeof size);
    memcpy(lane->bytes + lane->size + sizeof size, frame, length);
    lane->size += sizeof size + length;
}

/* The frame at *at, which moves on to the next; NULL at the end. */
static const uint8_t *next_frame(const Lane *lane, size_t *at, size_t *length)
{
    uint32_t size;
    if (*at >= lane->size)
        return NULL;
    memcpy(&size, lane->bytes + *at, sizeof size);
    const uint8_t *frame = lane->bytes + *at + sizeof size;
    *at += sizeof size + size;
    *length = size;
    return frame;
}

static void swap(Lane *one, Lane *other)
{
    Lane lane = *one;
    *one = *other;
    *other = lane;
}

/* ---- The machine's thread ----------------------------------------------------------------------------- */

void crossing_wake(Crossing *crossing)
{
    uint64_t one = 1;
    ssize_t written = write(crossing->event_fd, &one, sizeof one);
    (void)written; /* the counter cannot run over: it is read before each sleep */
}

static bool send(void *opaque, const uint8_t *frame, size_t length)
{
    Crossing *crossing = opaque;
    if (crossing->first) {
        void (*first)(void *) = crossing->first;
        crossing->first = NULL;
        first(crossing->first_opaque);
    }
    pthread_mutex_lock(&crossing->mutex);
    bool fits = crossing->to_host.size < CROSSING_FULL, wake = fits && crossing->asleep;
    if (fits)
        append(&crossing->to_host, frame, length);
    else
        crossing->guest_waits = true;
    if (wake)
        crossing->asleep = false;
    pthread_mutex_unlock(&crossing->mutex);
    if (wake)
        crossing_wake(crossing);
    return fits;
}

/* The next batch for the guest, once the last one is delivered. */
static bool next_batch(Crossing *crossing)
{
    pthread_mutex_lock(&crossing->mutex);
    crossing->delivering.size = crossing->delivered = 0;
    swap(&crossing->delivering, &crossing->to_guest);
    bool wake = crossing->thread_waits;
    crossing->thread_waits = false;
    if (wake)
        crossing->asleep = false;
    pthread_mutex_unlock(&crossing->mutex);
    if (wake)
        crossing_wake(crossing);
    return crossing->delivering.size;
}

static void deliver(Crossing *crossing)
{
    do {
        const uint8_t *frame;
        size_t length;
        while (net_has_room(crossing->port) &&
               (frame = next_frame(&crossing->delivering, &crossing->delivered, &length)))
            net_receive(crossing->port, frame, length);
        if (crossing->delivered < crossing->delivering.size)
            return; /* room() goes on */
    } while (next_batch(crossing));
}

static void arrived(void *opaque)
{
    Crossing *crossing = opaque;
    pthread_mutex_lock(&crossing->mutex);
    bool again = crossing->guest_waits && crossing->to_host.size < CROSSING_FULL;
    if (again)
        crossing->guest_waits = false;
    pthread_mutex_unlock(&crossing->mutex);
    if (again)
        net_send_again(crossing->port);
    deliver(crossing);
}

/* Called from within net_receive() too: what is to be delivered then waits for its own turn. */
static void room(void *opaque)
{
    Crossing *crossing = opaque;
    arrivals_post(crossing->arrivals, &crossing->arrival);
}

Crossing *crossing_new(NetPort *port, Arrivals *arrivals)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return NULL;
    Crossing *crossing = calloc(1, sizeof *crossing);
    if (!crossing)
        abort();
    crossing->port = port;
    crossing->arrivals = arrivals;
    crossing->arrival = (Arrival){.run = arrived, .opaque = crossing};
    crossing->event_fd = fd;
    pthread_mutex_init(&crossing->mutex, NULL);
    port->send = send;
    port->room = room;
    port->send_opaque = port->room_opaque = crossing;
    return crossing;
}

void crossing_on_first(Crossing *crossing, void (*first)(void *opaque), void *opaque)
{
    crossing->first = first;
    crossing->first_opaque = opaque;
}

void crossing_free(Crossing *crossing)
{
    arrivals_cancel(crossing->arrivals, &crossing->arrival);
    crossing->port->send = NULL;
    crossing->port->room = NULL;
    pthread_mutex_destroy(&crossing->mutex);
    close(crossing->event_fd);
    free(crossing->to_host.bytes);
    free(crossing->to_guest.bytes);
    free(crossing->delivering.bytes);
    free(crossing->taken.bytes);
    free(crossing);
}

/* ---- The network's thread ----------------------------------------------------------------------------- */

bool crossing_put(Crossing *crossing, const uint8_t *frame, size_t length)
{
    pthread_mutex_lock(&crossing->mutex);
    bool fits = crossing->to_guest.size < 2 * CROSSING_FULL && length <= NET_FRAME_MOST, begins = false;
    if (fits) {
        begins = !crossing->to_guest.size;
        append(&crossing->to_guest, frame, length);
    }
    pthread_mutex_unlock(&crossing->mutex);
    if (begins)
        arrivals_post(crossing->arrivals, &crossing->arrival);
    return fits;
}

bool crossing_full(Crossing *crossing)
{
    pthread_mutex_lock(&crossing->mutex);
    bool full = crossing->to_guest.size >= CROSSING_FULL;
    pthread_mutex_unlock(&crossing->mutex);
    return full;
}

void crossing_take(Crossing *crossing, void (*each)(void *opaque, const uint8_t *frame, size_t length),
                   void *opaque)
{
    pthread_mutex_lock(&crossing->mutex);
    crossing->taken.size = 0;
    swap(&crossing->taken, &crossing->to_host);
    bool waits = crossing->guest_waits;
    pthread_mutex_unlock(&crossing->mutex);
    if (waits)
        arrivals_post(crossing->arrivals, &crossing->arrival);
    const uint8_t *frame;
    size_t at = 0, length;
    while ((frame = next_frame(&crossing->taken, &at, &length)))
        each(opaque, frame, length);
}

bool crossing_sleep(Crossing *crossing, bool blocked)
{
    pthread_mutex_lock(&crossing->mutex);
    bool reason = blocked ? crossing->to_guest.size < CROSSING_FULL : crossing->to_host.size > 0;
    crossing->asleep = !reason && !blocked;
    crossing->thread_waits = !reason && blocked;
    pthread_mutex_unlock(&crossing->mutex);
    return !reason;
}

void crossing_woken(Crossing *crossing, bool readable)
{
    uint64_t count;
    ssize_t got = readable ? read(crossing->event_fd, &count, sizeof count) : 0;
    (void)got; /* any number will do */
    pthread_mutex_lock(&crossing->mutex);
    crossing->asleep = crossing->thread_waits = false;
    pthread_mutex_unlock(&crossing->mutex);
}

int crossing_fd(const Crossing *crossing)
{
    return crossing->event_fd;
}
