/* See serial_spec.h. A description is KIND[:PLACE][,OPTION]..., as QEMU writes it; ",," in a place is a
 * comma. */
#define _GNU_SOURCE
#include "frontends/serial_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "frontends/spec.h"

enum { LONGEST_RECONNECT = 3600 };

typedef enum Place { PLACE_NONE, PLACE_MAY_BE, PLACE_PATH, PLACE_ADDRESS } Place;

typedef struct KindDef {
    const char *name;
    SerialKind kind;
    Place place;
    const char *options; /* between blanks; with = if one takes a value */
    const char *form;    /* for messages */
} KindDef;

/* clang-format off */
static const KindDef kinds[] = {
    {"stdio",      SERIAL_STDIO,       PLACE_NONE,    "", "stdio"},
    {"none",       SERIAL_NONE,        PLACE_NONE,    "", "none"},
    {"null",       SERIAL_NONE,        PLACE_NONE,    "", "null"},
    {"pty",        SERIAL_PTY,         PLACE_MAY_BE,  " keep ", "pty or pty:LINK"},
    {"file",       SERIAL_FILE,        PLACE_PATH,    " append ", "file:PATH"},
    {"unix",       SERIAL_UNIX,        PLACE_PATH,    " wait keep server nowait ", "unix:PATH"},
    {"tcp-listen", SERIAL_TCP_LISTEN,  PLACE_ADDRESS, " wait keep server nowait ",
     "tcp-listen:PORT or tcp-listen:HOST:PORT"},
    {"tcp",        SERIAL_TCP_CONNECT, PLACE_ADDRESS, " wait keep server nowait reconnect= ", "tcp:HOST:PORT"},
};
/* clang-format on */

enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- Options ------------------------------------------------------------------------------------------ */

static bool knows(const KindDef *def, const char *name, size_t length)
{
    for (const char *at = def->options; (at = strchr(at, ' ')) && at[1]; at++)
        if (!strncmp(at + 1, name, length) && at[1 + length] == ' ')
            return true;
    return false;
}

static bool set_reconnect(SerialSpec *spec, const char *value, Error *err)
{
    char *end;
    unsigned long seconds = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || !seconds || seconds > LONGEST_RECONNECT)
        return error_set(err, "give reconnect= seconds, 1 to %d", LONGEST_RECONNECT);
    spec->reconnect = (unsigned)seconds;
    return true;
}

static bool set_option(SerialSpec *spec, const KindDef *def, const char *option, Error *err)
{
    const char *equals = strchr(option, '=');
    if (!knows(def, option, equals ? (size_t)(equals + 1 - option) : strlen(option))) {
        if (!*def->options)
            return error_set(err, "%s takes no options", def->name);
        return error_set(err, "%s has no option %s (a comma in a name is written twice)", def->name,
                         *option ? option : "of no name");
    }
    if (equals)
        return set_reconnect(spec, equals + 1, err);
    spec->append |= !strcmp(option, "append");
    spec->keep |= !strcmp(option, "keep");
    spec->wait |= !strcmp(option, "wait");
    if (!strcmp(option, "server") && spec->kind == SERIAL_TCP_CONNECT)
        spec->kind = SERIAL_TCP_LISTEN;
    return true;
}

/* The options follow the first single comma of `rest`, which is cut there; pairs become one. */
static bool take_options(SerialSpec *spec, const KindDef *def, char *rest, Error *err)
{
    char *option = spec_cut_place(rest);
    while (option) {
        char *next = spec_cut_option(option);
        if (!set_option(spec, def, option, err))
            return false;
        option = next;
    }
    return true;
}

/* ---- Places ------------------------------------------------------------------------------------------- */

static char *copy(const char *text)
{
    char *result = strdup(text);
    if (!result)
        abort();
    return result;
}

static bool port_number(const char *service)
{
    char *end;
    unsigned long value = strtoul(service, &end, 10);
    return isdigit((unsigned char)*service) && !*end && value <= 65535;
}

/* HOST:PORT, [V6]:PORT, :PORT or PORT. */
static bool set_address(SerialSpec *spec, char *place, Error *err)
{
    char *colon = strrchr(place, ':'), *host = place;
    bool listens = spec->kind == SERIAL_TCP_LISTEN;
    if (colon) {
        *colon = 0;
        size_t length = strlen(host);
        if (*host == '[' && length > 1 && host[length - 1] == ']') {
            host[length - 1] = 0;
            host++;
        } else if (strpbrk(host, ":[]")) {
            return error_set(err, "write an IPv6 address in brackets, as in [::1]:4000");
        }
    }
    const char *service = colon ? colon + 1 : place;
    if (!port_number(service) || (!colon && !listens))
        return error_set(err, "give a port number, as in %s",
                         listens ? "tcp-listen:4000" : "tcp:localhost:4000");
    if (!listens && atoi(service) == 0)
        return error_set(err, "port 0 (any) is only for listening");
    spec->service = copy(service);
    spec->host = colon && *host ? copy(host) : NULL;
    return true;
}

static bool set_place(SerialSpec *spec, const KindDef *def, char *place, Error *err)
{
    struct sockaddr_un address;
    if (def->place == PLACE_ADDRESS)
        return set_address(spec, place, err);
    if (def->kind == SERIAL_UNIX && strlen(place) >= sizeof address.sun_path)
        return error_set(err, "the path is too long for a socket (at most %zu characters)",
                         sizeof address.sun_path - 1);
    spec->path = copy(place);
    return true;
}

/* ---- All ---------------------------------------------------------------------------------------------- */

static const KindDef *find(const char *text)
{
    size_t length = strcspn(text, ":,");
    for (unsigned n = 0; n < KINDS; n++)
        if (strlen(kinds[n].name) == length && !memcmp(kinds[n].name, text, length))
            return &kinds[n];
    return NULL;
}

static bool check_together(const SerialSpec *spec, Error *err)
{
    bool connects = spec->kind == SERIAL_TCP_CONNECT, listens = spec->kind == SERIAL_TCP_LISTEN;
    if (connects && (spec->wait || spec->keep))
        return error_set(err, "wait and keep are for ports that others connect to");
    if (listens && spec->reconnect)
        return error_set(err, "reconnect is for tcp:HOST:PORT without server");
    return true;
}

static bool parse(SerialSpec *spec, const char *text, char *rest, Error *err)
{
    const KindDef *def = find(text);
    if (!def)
        return error_set(err, "give stdio, none, pty, file:PATH, unix:PATH, tcp:HOST:PORT or "
                              "tcp-listen:PORT");
    rest += strlen(def->name);
    bool colon = *rest == ':';
    rest += colon;
    spec->kind = def->kind;
    if (colon && def->place == PLACE_NONE)
        return error_set(err, "write just %s", def->form);
    if (!take_options(spec, def, rest, err))
        return false;
    bool named = colon && *rest;
    if ((colon || def->place > PLACE_MAY_BE) && !named)
        return error_set(err, "write it as %s", def->form);
    return (!named || set_place(spec, def, rest, err)) && check_together(spec, err);
}

bool serial_spec_parse(SerialSpec *spec, const char *text, Error *err)
{
    *spec = (SerialSpec){.kind = SERIAL_NONE};
    char *work = copy(text);
    bool ok = parse(spec, text, work, err);
    free(work);
    return ok;
}

void serial_spec_free(SerialSpec *spec)
{
    free(spec->path);
    free(spec->host);
    free(spec->service);
    *spec = (SerialSpec){.kind = SERIAL_NONE};
}

bool serial_backend_check(const char *text, Error *err)
{
    SerialSpec spec;
    bool ok = serial_spec_parse(&spec, text, err);
    serial_spec_free(&spec);
    return ok;
}
