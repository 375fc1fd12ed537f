/* What --share takes: DIR[,ro][,name=TAG][,owner=UID[:GID]]. docs/sharing.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_SHARE_SPEC_H
#define ARMATURE_FRONTENDS_SHARE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"
#include "machine/share_port.h"

typedef struct ShareSpec {
    char *path;
    bool read_only;
    char tag[SHARE_TAG_MOST + 1];
    bool has_owner;
    uint32_t uid, gid;
} ShareSpec;

/* number: which share it is, for the tag of one that is not named. share_spec_free() frees spec, also after a
 * failure. err says what would be right, but not what was given. */
bool share_spec_parse(ShareSpec *spec, const char *text, unsigned number, Error *err);
void share_spec_free(ShareSpec *spec);

/* Whether the last of so many values is right, and its tag its own. */
bool share_specs_check(const char *const *texts, unsigned count, Error *err);

#endif
