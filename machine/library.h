/* Libraries of the host that few runs need. They are loaded when they are first used, since the start of
 * every run would wait for the dynamic loader otherwise. */
#ifndef ARMATURE_MACHINE_LIBRARY_H
#define ARMATURE_MACHINE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/error.h"

typedef struct Library {
    const char *soname;       /* as the dynamic loader finds it */
    const char *package;      /* who lacks it installs this one of Debian's */
    const char *const *names; /* of the functions that are used */
    size_t count;
    void *functions; /* count pointers to functions, in the order of the names: a struct of nothing else */
    bool loaded;
} Library;

/* Fills in the functions. False with err set, which names the package, if the library is not installed, or is
 * so old that it lacks one of them. It stays loaded. May be called again, and by any thread. */
bool library_load(Library *library, Error *err);

#endif
