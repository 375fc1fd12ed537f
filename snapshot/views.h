/* State that is not in tables where it lives: copied into structs that have tables, and back. */
#ifndef ARMATURE_SNAPSHOT_VIEWS_H
#define ARMATURE_SNAPSHOT_VIEWS_H

#include "snapshot/part.h"

typedef struct Views Views;

typedef struct View {
    const char *name, *type;
    void *base;
    const FieldTable *table;
    unsigned flags; /* PART_* */
} View;

/* Empty ones. */
Views *views_new(Machine *machine);
void views_free(Views *views);

/* Number n of them; false if there are not so many. */
bool views_get(const Views *views, unsigned n, View *view);

/* The machine's state into the views. */
void views_fill(Views *views);

/* Whether the views hold something that this machine can take; prepares it, so that views_apply() cannot
 * fail. With `dry`, files that the guest has open are not looked for: nothing can be applied. */
bool views_check(Views *views, bool dry, Error *err);

/* What the view of the setup says; false with err set if no machine is like that. */
bool views_options(const Views *views, MachineOptions *options, Error *err);

/* The views' state into the machine: first its time and what the CPUs do, for which the CPUs' state is set
 * already; then, after all other state, the rest. */
void views_apply_time(Views *views);
void views_apply(Views *views);

#endif
