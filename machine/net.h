/* The wire from a network controller of the board to whatever is at its other end: a user-mode network, a
 * switch, a tap device, or a hub inside the machine to which other controllers are wired.
 *
 * Frames are Ethernet frames without preamble and check sequence: 14 bytes at least. To the guest they wait
 * in a queue with a bound; who sends there stops when net_has_room() says so, until room() is called: then
 * none is lost. Everything here is for the machine's thread, between instructions or (the guest's side) in
 * one; host threads hand their frames over with arrivals.h.
 *
 * A hub needs no host, and no time: what one controller sends is in the others' queues at once, within the
 * guest's instruction. So it is part of the machine, and nothing of it goes through a journal. */
#ifndef ARMATURE_MACHINE_NET_H
#define ARMATURE_MACHINE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/journal.h"
#include "machine/net_flows.h"

enum { NET_MAC = 6, NET_HEADER = 14, NET_FRAME_MOST = 65536 + NET_HEADER + 4, NET_QUEUE_BYTES = 1 << 20 };
enum { NET_MTU_LEAST = 68, NET_MTU_MOST = 65521 };

/* The controllers that the board has. */
typedef enum NetPortNumber {
    NET_PORT_LAN9118,
    NET_PORT_VIRTIO,
    NET_PORTS = NET_PORT_VIRTIO + 2
} NetPortNumber;

typedef struct NetFrame {
    struct NetFrame *next;
    size_t length;
    uint8_t data[];
} NetFrame;

typedef struct NetStats {
    uint64_t sent, sent_bytes, received, received_bytes, dropped;
} NetStats;

typedef struct NetPort {
    /* Host side, set by the frontend before the machine runs. */
    bool connected;       /* the cable is in: what it is in a later moment, net_connect() says */
    bool pulled;          /* net_connect() has pulled it out */
    uint8_t mac[NET_MAC]; /* the controller's address, see net_set_mac() */
    uint16_t mtu;         /* bytes of payload that the other end takes: 1500, or up to 65535 for virtio */
    bool follows_flows;   /* the other end has the connections' other ends, which a snapshot has not */
    bool whole_segments;  /* the other end takes TCP segments of up to 64 KiB, whatever mtu is */
    /* NULL: frames are dropped. False: not now, and not taken; net_send_again() says when. */
    bool (*send)(void *opaque, const uint8_t *frame, size_t length);
    void *send_opaque;
    void (*room)(void *opaque); /* may be NULL; the queue is short again */
    void *room_opaque;
    /* Each frame in either direction, for captures; may be NULL. */
    void (*watch)(void *opaque, const uint8_t *frame, size_t length, bool to_guest);
    void *watch_opaque;
    /* Guest side, set by the controller. Takes a frame, or says false: it has no room, and calls
     * net_deliver() later. */
    bool (*receive)(void *opaque, const uint8_t *frame, size_t length);
    void (*link_changed)(void *opaque);
    void (*mac_changed)(void *opaque);
    void (*send_again)(void *opaque); /* a frame that was not taken may be sent once more */
    void *receive_opaque;
    struct NetPort *next_on_hub; /* of those on one hub, in a ring; NULL: there is no hub */
    /* The queue. */
    NetFrame *first, **last;
    size_t queued;   /* bytes */
    bool full;       /* somebody was told so, and waits for room() */
    bool delivering; /* receive() is under way */
    /* With a journal no frame is refused: those that the other end does not take wait here, up to as many
     * bytes as the queue has; more are lost. */
    JournalChannel *channel; /* NULL: no journal */
    NetFrame *out_first, **out_last;
    size_t out_queued;
    NetFlows flows;
    bool refused; /* a frame was, and the guest has not been told to send it again */
    NetStats stats;
} NetPort;

/* A wire that leads nowhere; `number` makes its controller's address. */
void net_port_init(NetPort *port, unsigned number);
void net_port_free(NetPort *port);

/* Before the machine runs: wires `count` ports, which are on no hub yet, to hubs, with their cables in.
 * number[n] is that of the hub to which ports[n] leads, 0: to none. */
void net_join_hubs(NetPort *ports, unsigned count, const uint8_t *number);

/* Host side: a frame for the guest, copied. One that is shorter than a header or longer than NET_FRAME_MOST
 * is dropped, and so is every one while the cable is out. */
void net_receive(NetPort *port, const uint8_t *frame, size_t length);
/* False: the queue is full; room() will be called. */
bool net_has_room(NetPort *port);
/* Host side, before the machine runs: another address. */
void net_set_mac(NetPort *port, const uint8_t *mac);
/* Host side: puts the cable in or pulls it out. */
void net_connect(NetPort *port, bool connected);
/* Host side: there is room again for what the guest sends. */
void net_send_again(NetPort *port);
/* Host side, where a state goes on without the other ends of the guest's connections: they will be reset. */
void net_end_flows(NetPort *port);
/* Host side: forgets frames that wait: a reset. */
void net_reset(NetPort *port);

/* What enters goes through the journal, by this name, from now on. */
void net_set_journal(NetPort *port, Journal *journal, const char *name);

/* For snapshots: a frame more waits for the guest, which is not told. */
void net_put_back(NetPort *port, const uint8_t *frame, size_t length);

/* Guest side: a frame leaves the controller. False: the other end has no room, and the frame may wait for
 * send_again(). While the cable is out frames are lost, as they are on a wire. */
bool net_send(NetPort *port, const uint8_t *frame, size_t length);
/* Guest side: the controller has room again. */
void net_deliver(NetPort *port);

#endif
