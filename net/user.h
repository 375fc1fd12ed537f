/* A user-mode network: libslirp plays router, DHCP server and name server, and carries the guest's
 * connections over the host's own sockets. No rights are needed for it.
 *
 * The guest's network is 10.0.2.0/24 and fec0::/64: the host is 10.0.2.2 and fec0::2, the name
 * server 10.0.2.3 and fec0::3, the first address that DHCP gives 10.0.2.15. */
#ifndef ARMATURE_NET_USER_H
#define ARMATURE_NET_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"
#include "net/end.h"

enum { NET_ADDRESS = 64, NET_FORWARDS = 64 };

/* A port of the host that leads to one of the guest. Addresses are numbers, IPv4 both or IPv6 both. */
typedef struct NetForward {
    bool udp;
    char host[NET_ADDRESS];  /* where the host listens */
    uint16_t host_port;      /* 0: any that is free */
    char guest[NET_ADDRESS]; /* "": 10.0.2.15, or whatever address the guest has taken */
    uint16_t guest_port;
} NetForward;

typedef struct NetUserOptions {
    bool restricted;      /* the guest reaches neither the host nor the world; forwards still work */
    const char *tftp;     /* a folder whose files the guest gets by TFTP from 10.0.2.2; NULL: none */
    const char *bootfile; /* what DHCP calls the file to boot; NULL: nothing */
} NetUserOptions;

/* Starts nothing before the guest sends a frame or a port is forwarded. NULL with err set if this build has
 * no libslirp, or the host has no more descriptors. */
NetEnd *net_user_new(NetPort *port, Arrivals *arrivals, const NetUserOptions *options, Error *err);

/* The guest is at another place of its life: its connections are closed, and the host's ports lead to it as
 * before. net_end_flows() makes the guest hear of it. */
void net_user_restart(NetEnd *end);

/* Adds a forward, and fills in what was left open. False with err set if the host's port is taken, or there
 * are NET_FORWARDS already. */
bool net_user_add(NetEnd *end, NetForward *forward, Error *err);
/* False with err set if there is none at that port of the host. */
bool net_user_remove(NetEnd *end, const NetForward *forward, Error *err);
/* The forwards, and how many. They stay until the next change. */
const NetForward *net_user_forwards(const NetEnd *end, unsigned *count);

/* Whether this end is one. */
bool net_end_is_user(const NetEnd *end);

/* "tcp:127.0.0.1:2222:10.0.2.15:22", as --forward takes it. */
void net_forward_text(const NetForward *forward, char *text, size_t size);

#endif
