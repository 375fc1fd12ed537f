/* Where machines go to, and where they are waited for: as serial ports say it. */
#include "frontends/migration_place.h"

#include "frontends/serial_spec.h"

static bool parse(SerialSpec *spec, const char *text, SerialKind tcp, const char *forms, Error *err)
{
    Error why;
    bool ok = serial_spec_parse(spec, text, &why);
    bool fits = ok && (spec->kind == SERIAL_UNIX || spec->kind == tcp) && !spec->wait && !spec->keep &&
                !spec->reconnect;
    if (fits)
        return true;
    bool near = !ok && (spec->kind == SERIAL_UNIX || spec->kind == tcp);
    return near ? error_set(err, "%s", why.text) : error_set(err, "give %s", forms);
}

bool migration_to_parse(SerialSpec *spec, const char *text, Error *err)
{
    return parse(spec, text, SERIAL_TCP_CONNECT, "unix:PATH or tcp:HOST:PORT", err);
}

bool migration_from_parse(SerialSpec *spec, const char *text, Error *err)
{
    return parse(spec, text, SERIAL_TCP_LISTEN, "unix:PATH or tcp-listen:PORT", err);
}

bool migration_from_check(const char *text, Error *err)
{
    SerialSpec spec;
    bool ok = migration_from_parse(&spec, text, err);
    serial_spec_free(&spec);
    return ok;
}
