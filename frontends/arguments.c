/* From JSON values and words to the C values that an operation's function takes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontends/client.h"
#include "frontends/operation.h"
#include "frontends/watchdog.h"
#include "machine/symbols.h"

/* One argument on its way. A number that was typed arrives as text. */
typedef struct Given {
    const Operation *operation;
    const Parameter *parameter;
    const json_t *json; /* NULL: the default, `text` */
    const char *text;   /* of JSON strings without NUL, and of defaults; else NULL */
    size_t length;
    const Client *client;
    Error *err;
} Given;

static const char *const type_names[VALUE_TYPES] = {
    [TYPE_NONE] = "nothing", [TYPE_BOOL] = "true or false", [TYPE_INT] = "a number",
    [TYPE_U32] = "a number", [TYPE_U64] = "a number",       [TYPE_ADDRESS] = "an address",
    [TYPE_CPU] = "a CPU",    [TYPE_PORT] = "a port",        [TYPE_SECONDS] = "seconds",
    [TYPE_NAME] = "text",    [TYPE_TEXT] = "text",          [TYPE_BYTES] = "bytes",
    [TYPE_LIST] = "a list",  [TYPE_DATA] = "data",          [TYPE_LATER] = "data"};

const char *value_type_name(ValueType type)
{
    return type_names[type];
}

/* What was given, for messages: short and printable. */
static char *describe(const Given *given)
{
    if (!given->json || json_is_string(given->json))
        return text_one_line(given->text ? given->text : json_string_value(given->json),
                             given->length > 60 ? 60 : given->length);
    if (json_is_array(given->json) || json_is_object(given->json))
        return strdup(json_is_array(given->json) ? "a list" : "an object");
    char *text = json_dumps(given->json, JSON_ENCODE_ANY);
    return text ? text : strdup("?");
}

static bool refuse(const Given *given, const char *wanted)
{
    char *text = describe(given);
    error_set(given->err, "%s: %s must be %s, not %s", given->operation->name, given->parameter->name, wanted,
              *text ? text : "empty");
    free(text);
    return false;
}

/* ---- Numbers ----------------------------------------------------------------------------------------- */

/* Decimal, 0x hexadecimal; negative numbers as two's complement. */
static bool text_number(const char *text, uint64_t *value, bool *negative)
{
    char *end;
    *negative = *text == '-';
    const char *digits = text + *negative;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    *value = strtoull(digits, &end, hex ? 16 : 10);
    if (*end || errno || (*negative && *value > (uint64_t)INT64_MAX + 1))
        return false;
    *value = *negative ? 0 - *value : *value;
    return true;
}

/* Any whole number, as 64 bits of two's complement. */
static bool whole(const Given *given, uint64_t *value, bool *negative)
{
    if (given->text)
        return text_number(given->text, value, negative);
    if (json_is_integer(given->json)) {
        *value = (uint64_t)json_integer_value(given->json);
        *negative = json_integer_value(given->json) < 0;
        return true;
    }
    double real = json_is_real(given->json) ? json_real_value(given->json) : NAN;
    if (!(real >= -9e15 && real <= 9e15) || real != floor(real))
        return false;
    *value = (uint64_t)(int64_t)real;
    *negative = real < 0;
    return true;
}

static bool ranged(const Given *given, uint64_t most, const char *wanted, uint64_t *value)
{
    bool negative;
    return (whole(given, value, &negative) && !negative && *value <= most) || refuse(given, wanted);
}

static bool convert_u32(const Given *given, uint32_t *value)
{
    uint64_t number;
    if (!ranged(given, UINT32_MAX, "a number from 0 to 0xffffffff", &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool convert_int(const Given *given, int *value)
{
    uint64_t number;
    bool negative;
    if (!whole(given, &number, &negative) || (int64_t)number < INT32_MIN || (int64_t)number > INT32_MAX ||
        (!negative && (int64_t)number < 0))
        return refuse(given, "a number");
    *value = (int)(int64_t)number;
    return true;
}

static bool convert_u64(const Given *given, uint64_t *value)
{
    bool negative; /* JSON's numbers are signed: the bits count */
    return whole(given, value, &negative) || refuse(given, "a number");
}

bool address_from_text(Session *session, const char *text, uint32_t *address, Error *err)
{
    uint64_t number;
    bool negative;
    const Watchdog *watchdog = session_watchdog(session);
    const Symbols *symbols = watchdog ? watchdog_symbols(watchdog) : NULL;
    bool is_number = text_number(text, &number, &negative) && !negative && number <= UINT32_MAX;
    if (is_number)
        *address = (uint32_t)number;
    if (is_number || symbols_address(symbols, text, address))
        return true;
    return error_set(err,
                     symbols ? "%.60s is no address from 0 to 0xffffffff, and no symbol's name"
                             : "%.60s is no address from 0 to 0xffffffff",
                     text);
}

static bool convert_address(const Given *given, uint32_t *value)
{
    uint64_t number;
    bool negative;
    if (given->text)
        return address_from_text(given->client->session, given->text, value, NULL) ||
               refuse(given, "an address from 0 to 0xffffffff, or a symbol's name");
    if (!whole(given, &number, &negative) || negative || number > UINT32_MAX)
        return refuse(given, "an address from 0 to 0xffffffff");
    *value = (uint32_t)number;
    return true;
}

static bool is_none(const Given *given)
{
    return given->text && !strcmp(given->text, "none");
}

static bool convert_cpu(const Given *given, int *value)
{
    uint64_t number;
    char wanted[60];
    unsigned cpus = session_machine(given->client->session)->options.cpus;
    snprintf(wanted, sizeof wanted, "a CPU's number, 0 to %u, or none", cpus - 1);
    *value = -1;
    if (is_none(given))
        return true;
    if (!ranged(given, cpus - 1, wanted, &number))
        return false;
    *value = (int)number;
    return true;
}

static bool convert_port(const Given *given, unsigned *value)
{
    uint64_t number = SERIAL_CONSOLE;
    bool console = session_machine(given->client->session)->options.console;
    const char *wanted =
        console ? "the number of a serial port, 0 to 3, or console" : "the number of a serial port, 0 to 3";
    bool named = console && given->text && !strcmp(given->text, "console");
    if (!named && !ranged(given, console ? SERIAL_CONSOLE : SERIAL_UARTS - 1, wanted, &number))
        return false;
    *value = (unsigned)number;
    return true;
}

/* "default" is UINT64_MAX: what it means is for the operation to say. */
static bool convert_seconds(const Given *given, uint64_t *value)
{
    double seconds = -1;
    *value = UINT64_MAX;
    if (given->text && !strcmp(given->text, "default"))
        return true;
    if (given->text && *given->text >= '0' && *given->text <= '9') {
        char *end;
        seconds = strtod(given->text, &end);
        seconds = *end ? -1 : seconds;
    } else if (json_is_number(given->json)) {
        seconds = json_number_value(given->json);
    }
    if (!(seconds >= 0 && seconds <= 1e9))
        return refuse(given, "a number of seconds");
    *value = (uint64_t)(seconds * 1e9 + 0.5);
    return true;
}

static bool convert_bool(const Given *given, bool *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    *value = json_is_true(given->json);
    if (json_is_boolean(given->json))
        return true;
    for (unsigned n = 0; given->text && n < sizeof yes / sizeof *yes; n++) {
        *value = !strcasecmp(given->text, yes[n]);
        if (*value || !strcasecmp(given->text, no[n]))
            return true;
    }
    return refuse(given, "true or false");
}

/* ---- Texts ------------------------------------------------------------------------------------------- */

static bool convert_name(const Given *given, char number[static 32], const char **value)
{
    *value = given->text;
    for (const char *p = given->text; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return refuse(given, "printable text");
    if (given->text)
        return true;
    if (!json_is_integer(given->json))
        return refuse(given, "text");
    snprintf(number, 32, "%lld", (long long)json_integer_value(given->json));
    *value = number;
    return true;
}

static bool convert_text(const Given *given, Bytes *bytes)
{
    if (given->json && !json_is_string(given->json))
        return refuse(given, "text");
    const char *from = given->json ? json_string_value(given->json) : given->text;
    *bytes = (Bytes){(uint8_t *)(uintptr_t)from, given->length};
    return true;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* "00 11 22ff": pairs of digits, spaces between them. */
static bool from_hex(const Given *given, Bytes *bytes)
{
    const char *p = given->text;
    bytes->data = malloc(given->length / 2 + 1);
    if (!bytes->data)
        abort();
    while (*p) {
        if (*p == ' ') {
            p++;
            continue;
        }
        int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);
        if (low < 0)
            return refuse(given, "bytes in hexadecimal, as 00ff1a2b");
        bytes->data[bytes->length++] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    return true;
}

static bool convert_bytes(const Given *given, Bytes *bytes, void **owned)
{
    if (given->client && given->client->binary)
        return convert_text(given, bytes);
    if (!given->text)
        return refuse(given, "bytes in hexadecimal, as 00ff1a2b");
    bool ok = from_hex(given, bytes);
    *owned = bytes->data;
    return ok;
}

static bool convert_list(const Given *given, const json_t **list, json_t **owned)
{
    *list = given->json;
    if (json_is_array(given->json))
        return true;
    json_t *one = json_array();
    json_array_append_new(one, given->json ? json_incref((json_t *)(uintptr_t)given->json)
                                           : json_bytes(given->text, given->length));
    *owned = one;
    *list = one;
    return true;
}

/* ---- All of them ------------------------------------------------------------------------------------- */

static bool convert(Arguments *a, unsigned n, const Given *given)
{
    Value *value = &a->value[n];
    switch (given->parameter->type) {
    case TYPE_BOOL:
        return convert_bool(given, &value->boolean);
    case TYPE_INT:
        return convert_int(given, &value->integer);
    case TYPE_U32:
        return convert_u32(given, &value->u32);
    case TYPE_U64:
        return convert_u64(given, &value->u64);
    case TYPE_ADDRESS:
        return convert_address(given, &value->u32);
    case TYPE_CPU:
        return convert_cpu(given, &value->integer);
    case TYPE_PORT:
        return convert_port(given, &value->number);
    case TYPE_SECONDS:
        return convert_seconds(given, &value->u64);
    case TYPE_NAME:
        a->owned[n] = calloc(1, 32);
        if (!a->owned[n])
            abort();
        return convert_name(given, a->owned[n], &value->name);
    case TYPE_TEXT:
        value->bytes = &a->bytes[n];
        return convert_text(given, &a->bytes[n]);
    case TYPE_BYTES:
        value->bytes = &a->bytes[n];
        return convert_bytes(given, &a->bytes[n], &a->owned[n]);
    case TYPE_LIST:
        return convert_list(given, &value->list, &a->list[n]);
    default:
        return error_set(given->err, "%s: internal error: bad row", given->operation->name);
    }
}

/* A member of an object that is no parameter. */
static bool check_names(const Operation *operation, const json_t *given, Error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)given, name, value)
    {
        bool known = false;
        for (unsigned n = 0; n < operation_parameters(operation); n++)
            known |= !strcmp(operation->parameter[n].name, name);
        if (known)
            continue;
        char *shown = text_one_line(name, strlen(name) > 60 ? 60 : strlen(name)),
             *usage = operation_usage(operation);
        error_set(err, "%s has no argument %s; use: %s", operation->name, shown, usage);
        free(shown);
        free(usage);
        return false;
    }
    return true;
}

static bool check_given(const Operation *operation, const json_t *given, Error *err)
{
    if (json_is_object(given))
        return check_names(operation, given, err);
    if (given && !json_is_array(given))
        return error_set(err, "%s: the arguments are neither a list nor an object", operation->name);
    if (json_array_size(given) <= operation_parameters(operation))
        return true;
    char *usage = operation_usage(operation);
    error_set(err, "%s: too many arguments; use: %s", operation->name, usage);
    free(usage);
    return false;
}

static bool missing(const Given *given)
{
    char *usage = operation_usage(given->operation);
    error_set(given->err, "%s: %s is missing; use: %s", given->operation->name, given->parameter->name,
              usage);
    free(usage);
    return false;
}

static bool fill_in(Given *given, const json_t *json)
{
    given->json = json && !json_is_null(json) ? json : NULL;
    given->text = NULL;
    if (json_is_string(given->json)) {
        given->length = json_string_length(given->json);
        const char *text = json_string_value(given->json);
        given->text = strlen(text) == given->length ? text : NULL;
    } else if (!given->json) {
        if (!given->parameter->value)
            return missing(given);
        given->text = given->parameter->value;
        given->length = strlen(given->text);
    }
    return true;
}

bool arguments_convert(Arguments *arguments, const Operation *operation, const json_t *given,
                       const Client *client, Error *err)
{
    *arguments = (Arguments){0};
    if (!check_given(operation, given, err))
        return false;
    for (unsigned n = 0; n < operation_parameters(operation); n++) {
        const Parameter *parameter = &operation->parameter[n];
        const json_t *json =
            json_is_object(given) ? json_object_get(given, parameter->name) : json_array_get(given, n);
        Given one = {.operation = operation, .parameter = parameter, .client = client, .err = err};
        if (!fill_in(&one, json) || !convert(arguments, n, &one))
            return false;
    }
    return true;
}

void arguments_free(Arguments *arguments)
{
    for (unsigned n = 0; n < OPERATION_PARAMETERS; n++) {
        json_decref(arguments->list[n]);
        free(arguments->owned[n]);
    }
}
