/* Hands that type and click: sequences of key and button events, performed one after the other, each event
 * when the guest has taken the one before, and a pause of guest time has passed. */
#ifndef ARMATURE_FRONTENDS_HANDS_H
#define ARMATURE_FRONTENDS_HANDS_H

#include <stdint.h>

#include "frontends/operation.h"
#include "machine/input.h"

typedef struct Hands Hands; /* one for each session */

Hands *hands_new(void);
void hands_free(Hands *hands); /* NULL is allowed */

/* What the hands shall do. */
typedef struct Movements {
    InputEvent *event;
    size_t count, capacity;
} Movements;

void movements_add(Movements *movements, InputEvent event);
void movements_free(Movements *movements);

/* Makes the call wait until all of it was done and the guest has taken it. pause_ns, timeout_ns: UINT64_MAX
 * for the defaults. `movements` and `what`, what is done in words, are taken over. If the call ends before,
 * what is held down is let go. */
void hands_perform(Call *call, Movements *movements, uint64_t pause_ns, uint64_t timeout_ns, char *what);

#endif
