/* Where a machine goes to (unix:PATH, tcp:HOST:PORT), and where one is waited for (unix:PATH,
 * tcp-listen:PORT). */
#ifndef ARMATURE_FRONTENDS_MIGRATION_PLACE_H
#define ARMATURE_FRONTENDS_MIGRATION_PLACE_H

#include "frontends/serial_spec.h"

/* Fill spec, which serial_spec_free() frees, also after a failure. err says what would be right. */
bool migration_to_parse(SerialSpec *spec, const char *text, Error *err);
bool migration_from_parse(SerialSpec *spec, const char *text, Error *err);
/* Whether it can be given to --incoming. */
bool migration_from_check(const char *text, Error *err);

#endif
