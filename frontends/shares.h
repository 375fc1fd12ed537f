/* The folders of the host that the guest can use: Options.share. */
#ifndef ARMATURE_FRONTENDS_SHARES_H
#define ARMATURE_FRONTENDS_SHARES_H

#include "machine/error.h"
#include "machine/machine.h"

typedef struct Shares Shares;

/* Connects them to the machine, which has as many share devices as values were given. NULL with err set if a
 * folder cannot be used. recorded: a recording is replayed, which has their answers. */
Shares *shares_new(Machine *machine, const char *const *values, bool recorded, Error *err);

/* Before the machine is freed. NULL is allowed. */
void shares_free(Shares *shares);

#endif
