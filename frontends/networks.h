/* What the board's network controllers are connected to on the host: Options.net says it, net_spec.h how. */
#ifndef ARMATURE_FRONTENDS_NETWORKS_H
#define ARMATURE_FRONTENDS_NETWORKS_H

#include <stdbool.h>

#include <jansson.h>

#include "frontends/session.h"
#include "machine/error.h"

typedef struct Networks Networks;

/* Connects the controllers of the session's machine. NULL with err set if something cannot be opened. Needs
 * session_machine() and session_options(). */
Networks *networks_new(Session *session, Error *err);

/* At the end of a run: false with err set if a capture is not complete. */
bool networks_finish(Networks *networks, Error *err);

/* The guest is at another place of its life (a snapshot was loaded): what it was connected to through the
 * host's sockets has gone. NULL is allowed. */
void networks_loaded(Networks *networks);

/* Disconnects; NULL is allowed. */
void networks_free(Networks *networks);

/* Adds or removes a port forward of the first user-mode network, as --forward writes it; text becomes what it
 * is in full. False with err set. */
bool networks_forward(Networks *networks, const char *forward, char *text, size_t size, Error *err);
bool networks_unforward(Networks *networks, const char *forward, Error *err);
/* An array of texts. */
json_t *networks_forwards(const Networks *networks);

/* An array, with an object for each controller that is connected to something. */
json_t *networks_list(const Networks *networks);

/* Begins and ends a capture of what passes on a wire. False with err set. */
bool networks_capture(Networks *networks, unsigned number, const char *path, Error *err);
bool networks_capture_end(Networks *networks, unsigned number, Error *err);

/* Puts a wire's cable in or pulls it out. False with err set if there is no such wire. */
bool networks_plug(Networks *networks, unsigned number, bool in, Error *err);

#endif
