/* The wire from a virtio file system device of the board to a shared folder of the host: messages of the 9P
 * protocol in one direction, their answers in the other.
 *
 * A request is submitted by the device and done later, see host_work.h. */
#ifndef ARMATURE_MACHINE_SHARE_PORT_H
#define ARMATURE_MACHINE_SHARE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/host_work.h"
#include "machine/journal.h"

enum {
    SHARES = 4, /* folders at most */
    SHARE_TAG_MOST = 31,
    SHARE_MESSAGE_MOST = 512 << 10, /* bytes: the largest message in either direction */
    SHARE_MESSAGE_LEAST = 7         /* size, type, tag */
};

/* The device's, at an address that stays, untouched until it is done. */
typedef struct ShareRequest {
    HostJob job; /* first; `due` is the device's to save */
    struct SharePort *port;
    const uint8_t *message; /* SHARE_MESSAGE_LEAST bytes at least */
    size_t size;
    uint8_t *answer; /* of `room` bytes */
    size_t room;
    size_t answered; /* bytes of the answer; 0: there was no room for any */
    void (*done)(struct ShareRequest *request);
    void *opaque;
} ShareRequest;

/* What serves a folder. Never called on two threads at a time. */
typedef struct ShareOps {
    void (*handle)(void *share, ShareRequest *request); /* fills answer and answered; blocks */
    void (*reset)(void *share);                         /* forgets its client */
    /* What it knows of its client, for a snapshot: bytes, to be freed. */
    uint8_t *(*save)(void *share, size_t *size);
    /* The other way; false if the bytes are not what save() gives: then it is as after reset(). */
    bool (*load)(void *share, const uint8_t *bytes, size_t size);
} ShareOps;

typedef struct SharePort {
    char tag[SHARE_TAG_MOST + 1]; /* by which the guest mounts it; "" while nothing is connected */
    const ShareOps *ops;
    void *share;
    HostWork *work;          /* NULL: nothing is connected */
    JournalChannel *channel; /* for answers; NULL: no journal */
} SharePort;

/* Host side, before the machine runs. tag: 1 to SHARE_TAG_MOST bytes. With a clock the requests are carried
 * out by its timers (deterministic), otherwise by a thread. */
void share_port_connect(SharePort *port, const char *tag, const ShareOps *ops, void *share, Clock *clock,
                        Arrivals *arrivals);
/* Drops what is under way. */
void share_port_disconnect(SharePort *port);

/* Device's side. */

/* How long the answer to a message can be, headers and errors included. */
size_t share_answer_most(const uint8_t *message, size_t size);

/* done() will be called. Only while something is connected. */
void share_submit(SharePort *port, ShareRequest *request);

/* Drops the requests under way (done() will not be called) and makes the share forget its client. */
void share_reset(SharePort *port);

#endif
