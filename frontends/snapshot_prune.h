/* `armature snapshot prune`. */
#ifndef ARMATURE_FRONTENDS_SNAPSHOT_PRUNE_H
#define ARMATURE_FRONTENDS_SNAPSHOT_PRUNE_H

#include <stdbool.h>

#include "machine/error.h"

/* Of the snapshots that `paths` name, or that are in folders that they name, all but the `keep` newest and
 * what any snapshot that stays needs are listed, and deleted if `remove`. Others in the same folders stay,
 * and so does what they need. False with err set if one cannot be deleted or found. */
bool snapshot_prune(char *const *paths, unsigned count, unsigned keep, bool remove, Error *err);

#endif
