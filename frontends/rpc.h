/* One client's conversation in JSON-RPC 2.0: lines in, lines out. Knows operations and events, no sockets. */
#ifndef ARMATURE_FRONTENDS_RPC_H
#define ARMATURE_FRONTENDS_RPC_H

#include "frontends/client.h"

/* Limits for what a client sends: characters of a line, depth of nesting, calls that wait at once, calls in a
 * batch. */
enum { RPC_LINE_MOST = 4 << 20, RPC_NESTING_MOST = 32, RPC_WAITING_MOST = 64, RPC_BATCH_MOST = 256 };

typedef struct Rpc Rpc;

/* send(opaque, ...) is called with whole lines. It must not free the conversation. read[]: up to where
 * clients before this one have seen the ports' output; seen() tells how far this one has. */
Rpc *rpc_new(Session *session, const uint64_t read[SERIAL_PORTS],
             void (*send)(void *opaque, const char *line, size_t length),
             void (*seen)(void *opaque, unsigned port, uint64_t offset), void *opaque);
void rpc_free(Rpc *rpc);

/* One line, without its end. */
void rpc_line(Rpc *rpc, const char *line, size_t length);

/* The client sent a line that is longer than allowed. */
void rpc_too_long(Rpc *rpc);

void rpc_event(Rpc *rpc, const SessionEvent *event);

#endif
