#define _GNU_SOURCE
#include "frontends/gdb_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

/* Places are written as for serial ports that listen; QEMU puts "tcp:" before them. */
bool gdb_spec_parse(SerialSpec *spec, const char *text, Error *err)
{
    char *as_serial;
    Error why;
    const char *place = strncmp(text, "tcp:", 4) ? text : text + 4;
    bool is_unix = !strncmp(text, "unix:", 5);
    if (asprintf(&as_serial, "%s%s", is_unix ? "" : "tcp-listen:", place) < 0)
        out_of_memory();
    bool good = serial_spec_parse(spec, as_serial, &why) && !spec->keep;
    free(as_serial);
    return good ||
           error_set(err, "give PORT, HOST:PORT or unix:PATH; the machine waits for the debugger with "
                          ",wait behind it");
}
