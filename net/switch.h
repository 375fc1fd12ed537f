/* A switch that machines share, by a UNIX socket (SOCK_SEQPACKET, one frame a message). Whoever comes first
 * opens the socket and forwards for all; when that one leaves, the next of the others does. PATH.lock tells
 * who it is. */
#ifndef ARMATURE_NET_SWITCH_H
#define ARMATURE_NET_SWITCH_H

#include "machine/error.h"
#include "net/end.h"

enum { SWITCH_PEERS = 64 };

/* NULL with err set if the socket can be neither opened nor reached. */
NetEnd *net_switch_new(NetPort *port, Arrivals *arrivals, const char *path, Error *err);

#endif
