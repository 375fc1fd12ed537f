/* Snapshots of a session's machine, and pauses and hashes at exact instruction counts. */
#ifndef ARMATURE_FRONTENDS_SNAPSHOTS_H
#define ARMATURE_FRONTENDS_SNAPSHOTS_H

#include "frontends/operation.h"
#include "frontends/session.h"
#include "snapshot/snapshot.h"

typedef struct Snapshots Snapshots;

/* loaded: the identity of the snapshot that the machine comes from, [2]; NULL: from none. */
Snapshots *snapshots_new(Session *session, const uint64_t *loaded);
/* Waits for a save that is under way, unless the session was ended by a signal. */
void snapshots_free(Snapshots *snapshots); /* NULL is allowed */

/* Begins to save under the next free name, armature-1.snap and so on, and tells the user how that ends. */
void snapshots_save_by_hand(Snapshots *snapshots);

/* Somebody's place to pause at is another one, or the machine is at another place. */
void snapshots_aim(Snapshots *snapshots);

/* The machine looks up: is it where somebody wanted it to pause? */
void snapshots_look(Snapshots *snapshots);

/* Waits for a save that is under way: disks are about to change places. */
void snapshots_finish(Snapshots *snapshots); /* NULL is allowed */
/* The same; the machine's memory is about to change unannounced. */
void snapshots_reset(Snapshots *snapshots); /* NULL is allowed */

#endif
