/* "Did you mean ...?" */
#ifndef ARMATURE_FRONTENDS_SUGGEST_H
#define ARMATURE_FRONTENDS_SUGGEST_H

/* The nearest of `count` names to what was typed, NULL if none is near. name(table, n) gives them. */
const char *suggest(const char *typed, const void *table, unsigned count,
                    const char *(*name)(const void *table, unsigned n));

#endif
