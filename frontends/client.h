/* Whoever calls operations: a script, the monitor, a connection to the control socket. */
#ifndef ARMATURE_FRONTENDS_CLIENT_H
#define ARMATURE_FRONTENDS_CLIENT_H

#include "frontends/operation.h"
#include "frontends/session.h"

/* Of virtual timers: after all of the machine's. */
enum { CLIENT_TIMER_PRIORITY = 1000 };

/* How long an operation waits for the guest if nothing else is said: guest time. */
#define CLIENT_TIMEOUT_NS UINT64_C(600000000000)

struct Client {
    Session *session;
    const char *name;
    bool binary;                 /* binary data is not in hexadecimal */
    bool sets_breakpoints;       /* it has set some */
    uint64_t read[SERIAL_PORTS]; /* how far it has seen each port's output */
    uint64_t timeout_ns;
    Call *calls; /* that wait */
    SessionListener *listener;
    /* What only some clients can do; NULL: this one cannot. */
    bool (*subscribe)(Client *client, const json_t *events, bool on, Error *err);
    bool (*cancel)(Client *client, const json_t *id);
    void (*seen)(Client *client, unsigned port); /* read[port] moved */
};

void client_init(Client *client, Session *session, const char *name);

/* Stops all waiting calls without a word to whoever asked. */
void client_leave(Client *client);

#endif
