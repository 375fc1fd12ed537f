/* Which TCP connections the guest has through a wire whose other end carries them over the host's sockets.
 * They are followed by the frames that pass, and are part of snapshots: where such a state goes on, the other
 * ends have gone, and a guest that only listens would wait for ever.
 *
 * RFC 9293 (TCP), 791 and 8200 (IP). Connections with extension headers of IPv6, VLAN tags or tunnels are not
 * followed. */
#ifndef ARMATURE_MACHINE_NET_FLOWS_H
#define ARMATURE_MACHINE_NET_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NET_FLOWS = 64, NET_FLOW_ADDRESS = 16, NET_PROBE_MOST = 14 + 40 + 20 };

/* One, as it is in snapshots, too. */
typedef struct NetFlow {
    uint8_t guest[NET_FLOW_ADDRESS], peer[NET_FLOW_ADDRESS]; /* IPv4: the first 4 bytes */
    uint8_t guest_port[2], peer_port[2];                     /* as on the wire, and what follows */
    uint8_t ethernet[14];                                    /* header of frames to the guest */
    uint8_t ended; /* 1: the guest has ended its half, 2: the peer */
    uint8_t zero;
    uint32_t seq, ack; /* the next byte of the guest, and the next that it wants */
} NetFlow;

_Static_assert(sizeof(NetFlow) == 60, "no padding, as it is saved");

/* The one that has not been heard of for longest is first; if there are more, it is forgotten. */
typedef struct NetFlows {
    NetFlow flow[NET_FLOWS];
    unsigned count;
} NetFlows;

/* A frame passes. */
void net_flows_note(NetFlows *flows, const uint8_t *frame, size_t length, bool to_guest);

/* Makes a frame for the guest, [NET_PROBE_MOST], as if the peer wanted to know whether connection n is there
 * still (RFC 9293, 3.8.4): the guest's answer meets a peer that knows nothing of it, and resets it. Returns
 * its length, 0 if there is no connection n or it has ended. */
size_t net_flows_probe(const NetFlows *flows, unsigned n, uint8_t *frame);

/* Takes what a snapshot has. False: it is nothing that could have been saved. */
bool net_flows_set(NetFlows *flows, const void *data, size_t size);

#endif
