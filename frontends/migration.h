/* Machines that leave for another process, and come from one: docs/migration.md. */
#ifndef ARMATURE_FRONTENDS_MIGRATION_H
#define ARMATURE_FRONTENDS_MIGRATION_H

#include "frontends/operation.h"
#include "frontends/session.h"
#include "snapshot/migrate.h"

typedef struct Migrations Migrations;

Migrations *migrations_new(Session *session);
/* Gives up what is under way. NULL is allowed. */
void migrations_free(Migrations *migrations);

/* Whether one is under way, or has ended in such a way that the machine must not change here. */
bool migrations_under_way(const Migrations *migrations);
/* Whether the disks are needed as they are, and no snapshot can be saved. */
bool migrations_send(const Migrations *migrations);
/* The guest's memory has changed without a word. NULL is allowed. */
void migrations_memory_changed(Migrations *migrations);

/* Waits at the place (--incoming) until a machine comes, says so, and reads how it is built. NULL with err
 * set if nobody can come. */
Incoming *migration_await(const char *place, Error *err);

#endif
