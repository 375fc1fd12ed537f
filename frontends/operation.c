/* Calls of operations: the rows become calls of C functions. */
#define _GNU_SOURCE
#include "frontends/operation.h"

#include <assert.h>
#include <ffi.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/client.h"
#include "frontends/operation_functions.h"
#include "frontends/suggest.h"
#include "frontends/wait.h"

#define REQUIRED NULL
#define PARAM(name, type, value) {#name, TYPE_##type, value},
#define OPERATION(name, function, result, fields, parameters, help)                                          \
    {#name, (void (*)(void))function, TYPE_##result, fields, help, {parameters{0}}},

const Operation operations[] = {
#include "frontends/operations.def"
};

#undef OPERATION
#undef PARAM
#undef REQUIRED

const unsigned operation_count = sizeof operations / sizeof *operations;

const Operation *operation_find(const char *name)
{
    for (unsigned n = 0; n < operation_count; n++)
        if (!strcmp(operations[n].name, name))
            return &operations[n];
    return NULL;
}

static const char *name_at(const void *table, unsigned n)
{
    return ((const Operation *)table)[n].name;
}

void operation_unknown(const char *name, const char *list, char *text, size_t size)
{
    const char *meant = suggest(name, operations, operation_count, name_at);
    if (meant)
        snprintf(text, size, "there is no operation %.60s; did you mean %s?", name, meant);
    else
        snprintf(text, size, "there is no operation %.60s; %s lists them", name, list);
}

unsigned operation_parameters(const Operation *operation)
{
    unsigned n = 0;
    while (n < OPERATION_PARAMETERS && operation->parameter[n].name)
        n++;
    return n;
}

char *operation_usage(const Operation *operation)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fputs(operation->name, out);
    for (unsigned n = 0; n < operation_parameters(operation); n++) {
        const Parameter *parameter = &operation->parameter[n];
        const char *more = parameter->type == TYPE_LIST ? "..." : "";
        if (!parameter->value)
            fprintf(out, " %s%s", parameter->name, more);
        else
            fprintf(out, " [%s%s%s%s]", parameter->name, *parameter->value ? "=" : "", parameter->value,
                    more);
    }
    fclose(out);
    return text;
}

/* ---- Clients ----------------------------------------------------------------------------------------- */

static void switched_off(Call *call, const SessionEvent *event)
{
    const Wait *wait = call->wait;
    (void)event;
    if (call->off)
        call->off(call);
    else
        call_fail(call, "%s: the guest switched the machine off", wait ? wait->what : call->operation->name);
}

bool call_ends_at_stop(const Call *call)
{
    const Client *client = call->client;
    bool one_thing = client->sets_breakpoints && !client->subscribe;
    return call->stopped || one_thing || !session_attended(client->session);
}

static void stopped(Call *call, const SessionEvent *event)
{
    const Wait *wait = call->wait;
    if (!session_paused(call->client->session))
        return; /* somebody has let it go on already */
    if (call->stopped)
        call->stopped(call, event);
    else if (call_ends_at_stop(call))
        call_fail(call, "%s: %s", wait ? wait->what : call->operation->name, event->text);
}

/* Tells the calls that wait now. Whoever is told may call again; those calls are newer and come first in the
 * list. */
static void tell_calls(const Client *client, const SessionEvent *event,
                       void (*tell)(Call *call, const SessionEvent *event))
{
    Call *waiting[64];
    unsigned count = 0;
    for (Call *call = client->calls; call && count < 64; call = call->next)
        waiting[count++] = call;
    for (unsigned n = count; n-- > 0;)
        for (Call *call = client->calls; call; call = call->next)
            if (call == waiting[n]) {
                tell(call, event);
                break;
            }
}

static void client_event(void *opaque, const SessionEvent *event)
{
    if (event->kind == SESSION_OFF)
        tell_calls(opaque, event, switched_off);
    else if (event->kind == SESSION_BREAKPOINT)
        tell_calls(opaque, event, stopped);
}

void client_init(Client *client, Session *session, const char *name)
{
    *client = (Client){.session = session, .name = name, .timeout_ns = CLIENT_TIMEOUT_NS};
    client->listener = session_listen(session, client_event, client);
}

static void call_free(Call *call)
{
    json_decref(call->result);
    free(call->error);
    free(call);
}

void client_leave(Client *client)
{
    while (client->calls) {
        Call *call = client->calls;
        client->calls = call->next;
        if (call->stop)
            call->stop(call);
        call_free(call);
    }
    session_unlisten(client->listener);
    client->listener = NULL;
}

/* ---- Finishing --------------------------------------------------------------------------------------- */

static void unlink_call(Call *call)
{
    Call **link = &call->client->calls;
    while (*link && *link != call)
        link = &(*link)->next;
    if (*link)
        *link = call->next;
}

/* Calls that the function ends itself are reported when it has returned. */
static void report(Call *call)
{
    if (!call->started)
        return;
    unlink_call(call);
    call->done(call, call->opaque);
    call_free(call);
}

void call_finish(Call *call, json_t *result)
{
    assert(!call->finished);
    call->finished = true;
    call->result = result;
    report(call);
}

void call_fail(Call *call, const char *format, ...)
{
    va_list arguments;
    if (call->finished)
        return;
    /* The message may be made of what stop() frees. */
    va_start(arguments, format);
    if (vasprintf(&call->error, format, arguments) < 0)
        abort();
    va_end(arguments);
    if (call->stop)
        call->stop(call);
    call->stop = NULL;
    call->finished = true;
    report(call);
}

void call_cancel(Call *call)
{
    call->cancelled = true;
    call_fail(call, "cancelled");
}

/* ---- Calling ----------------------------------------------------------------------------------------- */

static ffi_type *const ffi_types[VALUE_TYPES] = {
    [TYPE_NONE] = &ffi_type_void,    [TYPE_BOOL] = &ffi_type_uint8,   [TYPE_INT] = &ffi_type_sint,
    [TYPE_U32] = &ffi_type_uint32,   [TYPE_U64] = &ffi_type_uint64,   [TYPE_ADDRESS] = &ffi_type_uint32,
    [TYPE_CPU] = &ffi_type_sint,     [TYPE_PORT] = &ffi_type_uint,    [TYPE_SECONDS] = &ffi_type_uint64,
    [TYPE_NAME] = &ffi_type_pointer, [TYPE_TEXT] = &ffi_type_pointer, [TYPE_BYTES] = &ffi_type_pointer,
    [TYPE_LIST] = &ffi_type_pointer, [TYPE_DATA] = &ffi_type_pointer, [TYPE_LATER] = &ffi_type_void};

/* Room for any result: libffi widens small integers to a register. */
typedef union Result {
    ffi_arg word;
    uint64_t u64;
    void *pointer;
} Result;

/* Lua's integers have 64 bits, and its programs know what to do with them. */
static json_t *number_json(uint64_t value, bool binary)
{
    char text[24];
    if (value <= INT64_MAX || binary)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof text, "0x%016llx", (unsigned long long)value);
    return json_string(text);
}

static json_t *hex_json(const Bytes *bytes)
{
    char *text = malloc(2 * bytes->length + 1);
    if (!text)
        abort();
    bytes_hex(bytes->data, bytes->length, text);
    json_t *json = json_stringn_nocheck(text, 2 * bytes->length);
    free(text);
    return json;
}

static json_t *bytes_json(Bytes *bytes, bool hex)
{
    json_t *json = hex ? hex_json(bytes) : json_bytes(bytes->data, bytes->length);
    free(bytes->data);
    free(bytes);
    return json;
}

Bytes *bytes_new(const void *data, size_t length)
{
    Bytes *bytes = malloc(sizeof *bytes);
    if (!bytes || !(bytes->data = malloc(length + 1)))
        abort();
    memcpy(bytes->data, data, length);
    bytes->length = length;
    return bytes;
}

static json_t *name_json(char *text)
{
    json_t *json = json_bytes(text, strlen(text));
    free(text);
    return json;
}

/* Pointers are NULL when the function failed. */
static json_t *result_json(const Call *call, const Result *result)
{
    ValueType type = call->operation->result;
    switch (type) {
    case TYPE_BOOL:
        return json_boolean((uint8_t)result->word);
    case TYPE_U32:
        return json_integer((uint32_t)result->word);
    case TYPE_U64:
        return number_json(result->u64, call->client->binary);
    case TYPE_NAME:
        return result->pointer ? name_json(result->pointer) : NULL;
    case TYPE_TEXT:
    case TYPE_BYTES:
        return result->pointer ? bytes_json(result->pointer, type == TYPE_BYTES && !call->client->binary)
                               : NULL;
    case TYPE_DATA:
        return result->pointer;
    default:
        return NULL;
    }
}

static void call_function(Call *call, Arguments *arguments, Result *result)
{
    const Operation *operation = call->operation;
    unsigned count = operation_parameters(operation);
    ffi_cif cif;
    ffi_type *types[OPERATION_PARAMETERS + 1] = {&ffi_type_pointer};
    void *values[OPERATION_PARAMETERS + 1] = {&call};
    for (unsigned n = 0; n < count; n++) {
        types[n + 1] = ffi_types[operation->parameter[n].type];
        values[n + 1] = &arguments->value[n];
    }
    ffi_status status = ffi_prep_cif(&cif, FFI_DEFAULT_ABI, count + 1, ffi_types[operation->result], types);
    assert(status == FFI_OK);
    (void)status;
    ffi_call(&cif, operation->function, result, values);
}

static void start(Call *call, const json_t *given)
{
    Arguments arguments;
    Error err;
    Result result = {0};
    bool ok = arguments_convert(&arguments, call->operation, given, call->client, &err);
    call->refused = !ok;
    if (ok)
        call_function(call, &arguments, &result);
    else
        call_fail(call, "%s", err.text);
    arguments_free(&arguments);
    if (!ok || call->operation->result == TYPE_LATER)
        return;
    json_t *json = result_json(call, &result);
    if (call->finished)
        json_decref(json);
    else
        call_finish(call, json);
}

Call *operation_call(Client *client, const Operation *operation, const json_t *arguments,
                     void (*done)(Call *call, void *opaque), void *opaque)
{
    Call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    *call = (Call){
        .client = client, .operation = operation, .done = done, .opaque = opaque, .next = client->calls};
    client->calls = call;
    start(call, arguments);
    call->started = true;
    if (!call->finished)
        return call;
    report(call);
    return NULL;
}
