/* Texts that an operation waits for, as they are given: texts, or objects that say what they are. */
#ifndef ARMATURE_FRONTENDS_WANTED_H
#define ARMATURE_FRONTENDS_WANTED_H

#include "frontends/matcher.h"
#include "frontends/operation.h"

/* A matcher for the texts of the list, which are patterns if that is so or their objects say so. *what is the
 * wait in words, allocated. NULL, and the call has failed, if something is wrong with them. */
Matcher *wanted_matcher(Call *call, const json_t *list, bool is_pattern, char **what);

#endif
