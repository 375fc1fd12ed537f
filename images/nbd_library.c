#include "images/nbd_library.h"

#include "machine/library.h"

Nbd nbd;

bool nbd_load(Error *err)
{
#define NBD_NAME(name) "nbd_" #name,
    static const char *const names[] = {NBD_FUNCTIONS(NBD_NAME)};
#undef NBD_NAME
    static Library library = {.soname = "libnbd.so.0",
                              .package = "libnbd0",
                              .names = names,
                              .count = sizeof names / sizeof *names,
                              .functions = &nbd};
    return library_load(&library, err);
}
