/* A tap device of the host: frames as they are, for bridges and routers that its administrator has set up. */
#ifndef ARMATURE_NET_TAP_H
#define ARMATURE_NET_TAP_H

#include "machine/error.h"
#include "net/end.h"

/* NULL with err set if there is no such device, or it may not be used. */
NetEnd *net_tap_new(NetPort *port, Arrivals *arrivals, const char *name, Error *err);

#endif
