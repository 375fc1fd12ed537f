#include "frontends/rpc.h"

#include <stdlib.h>
#include <string.h>

enum {
    ERROR_PARSE = -32700,
    ERROR_REQUEST = -32600,
    ERROR_METHOD = -32601,
    ERROR_ARGUMENTS = -32602,
    ERROR_FAILED = -32000,
    ERROR_CANCELLED = -32001,
    ERROR_BUSY = -32002
};

/* Several requests in one array: the replies go out together. */
typedef struct Batch {
    json_t *replies;
    unsigned pending;
} Batch;

typedef struct Request Request;
struct Request {
    Rpc *rpc;
    json_t *id; /* NULL: a notification, which gets no reply */
    Batch *batch;
    Call *call; /* while it waits */
    Request *next;
};

struct Rpc {
    Client client; /* first: the client's functions find the conversation by it */
    void (*send)(void *opaque, const char *line, size_t length);
    void (*seen)(void *opaque, unsigned port, uint64_t offset);
    void *opaque;
    Request *requests; /* that wait */
    unsigned waiting;
    unsigned events; /* bits of SessionEventKind */
};

/* ---- Replies ----------------------------------------------------------------------------------------- */

static void send_json(Rpc *rpc, json_t *message)
{
    char *line = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (!line)
        return;
    size_t length = strlen(line);
    line[length] = '\n'; /* in place of the 0 */
    rpc->send(rpc->opaque, line, length + 1);
    free(line);
}

static void batch_done(Rpc *rpc, Batch *batch)
{
    if (--batch->pending)
        return;
    if (json_array_size(batch->replies))
        send_json(rpc, batch->replies);
    else
        json_decref(batch->replies);
    free(batch);
}

/* Sends the reply, or puts it to its batch; takes over both members. */
static void reply(Rpc *rpc, Batch *batch, json_t *id, const char *name, json_t *value)
{
    json_t *message = json_object();
    json_object_set_new(message, "jsonrpc", json_string("2.0"));
    json_object_set_new(message, "id", id);
    json_object_set_new(message, name, value);
    if (batch)
        json_array_append_new(batch->replies, message);
    else
        send_json(rpc, message);
}

static json_t *error_json(int code, const char *text)
{
    json_t *raw = json_bytes(text, strlen(text)), *error = json_object();
    json_object_set_new(error, "code", json_integer(code));
    json_object_set_new(error, "message", json_printable(raw));
    json_decref(raw);
    return error;
}

/* ---- Requests ---------------------------------------------------------------------------------------- */

static void unlink_request(Request *request)
{
    Request **link = &request->rpc->requests;
    while (*link && *link != request)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = request->next;
    request->rpc->waiting--;
}

static void free_request(Request *request)
{
    json_decref(request->id);
    free(request);
}

static void finish_request(Request *request, int error_code, const char *error, const json_t *result)
{
    Rpc *rpc = request->rpc;
    unlink_request(request);
    if (request->id && error)
        reply(rpc, request->batch, json_incref(request->id), "error", error_json(error_code, error));
    else if (request->id)
        reply(rpc, request->batch, json_incref(request->id), "result",
              result ? json_printable(result) : json_null());
    if (request->batch)
        batch_done(rpc, request->batch);
    free_request(request);
}

static void call_done(Call *call, void *opaque)
{
    int code = call->refused ? ERROR_ARGUMENTS : call->cancelled ? ERROR_CANCELLED : ERROR_FAILED;
    finish_request(opaque, code, call->error, call->result);
}

static bool valid_id(const json_t *id)
{
    return !id || json_is_string(id) || json_is_number(id) || json_is_null(id);
}

/* What is wrong with the request as such; 0 if nothing is. */
static int check_request(const Rpc *rpc, const json_t *json, const Operation **operation, char *text,
                         size_t size)
{
    const json_t *version = json_object_get(json, "jsonrpc"), *method = json_object_get(json, "method"),
                 *params = json_object_get(json, "params");
    if (!json_is_object(json) || !json_is_string(version) || strcmp(json_string_value(version), "2.0") ||
        !json_is_string(method) || !valid_id(json_object_get(json, "id"))) {
        snprintf(text, size, "no request of JSON-RPC 2.0");
        return ERROR_REQUEST;
    }
    if (params && !json_is_array(params) && !json_is_object(params)) {
        snprintf(text, size, "params must be an array or an object");
        return ERROR_REQUEST;
    }
    *operation = operation_find(json_string_value(method));
    if (!*operation) {
        operation_unknown(json_string_value(method), "the operation operations", text, size);
        return ERROR_METHOD;
    }
    if (rpc->waiting < RPC_WAITING_MOST)
        return 0;
    snprintf(text, size, "%d calls are waiting already", RPC_WAITING_MOST);
    return ERROR_BUSY;
}

static void take_request(Rpc *rpc, const json_t *json, Batch *batch)
{
    const Operation *operation = NULL;
    char text[160];
    const json_t *id = json_object_get(json, "id");
    int error = check_request(rpc, json, &operation, text, sizeof text);
    Request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    *request = (Request){.rpc = rpc, .batch = batch, .next = rpc->requests};
    /* Malformed requests are answered even where they have no id that could be told. */
    if (error == ERROR_REQUEST)
        request->id = id && valid_id(id) ? json_incref((json_t *)(uintptr_t)id) : json_null();
    else
        request->id = json_incref((json_t *)(uintptr_t)id);
    rpc->requests = request;
    rpc->waiting++;
    if (error) {
        finish_request(request, error, text, NULL);
        return;
    }
    Call *call = operation_call(&rpc->client, operation, json_object_get(json, "params"), call_done, request);
    if (call)
        request->call = call;
}

static void take_batch(Rpc *rpc, const json_t *array)
{
    size_t count = json_array_size(array);
    if (!count || count > RPC_BATCH_MOST) {
        reply(rpc, NULL, json_null(), "error",
              error_json(ERROR_REQUEST, count ? "the batch is too large" : "the batch is empty"));
        return;
    }
    Batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        abort();
    batch->replies = json_array();
    batch->pending = (unsigned)count;
    for (size_t n = 0; n < count; n++)
        take_request(rpc, json_array_get(array, n), batch);
}

/* ---- Lines ------------------------------------------------------------------------------------------- */

/* Depth of brackets, which the parser would follow by recursion. */
static unsigned nesting(const char *line, size_t length)
{
    unsigned depth = 0, most = 0;
    bool in_string = false;
    for (size_t n = 0; n < length; n++) {
        char ch = line[n];
        if (in_string && ch == '\\')
            n++;
        else if (ch == '"')
            in_string = !in_string;
        else if (!in_string && (ch == '[' || ch == '{'))
            most = ++depth > most ? depth : most;
        else if (!in_string && (ch == ']' || ch == '}') && depth)
            depth--;
    }
    return most;
}

static bool is_blank(const char *line, size_t length)
{
    return strspn(line, " \t\r") >= length;
}

void rpc_line(Rpc *rpc, const char *line, size_t length)
{
    json_error_t problem;
    if (is_blank(line, length))
        return;
    if (nesting(line, length) > RPC_NESTING_MOST) {
        reply(rpc, NULL, json_null(), "error", error_json(ERROR_PARSE, "nested too deeply"));
        return;
    }
    json_t *json =
        json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &problem);
    if (!json) {
        char text[sizeof problem.text + 32];
        snprintf(text, sizeof text, "no JSON: %s", problem.text);
        reply(rpc, NULL, json_null(), "error", error_json(ERROR_PARSE, text));
        return;
    }
    if (json_is_array(json))
        take_batch(rpc, json);
    else
        take_request(rpc, json, NULL);
    json_decref(json);
}

void rpc_too_long(Rpc *rpc)
{
    reply(rpc, NULL, json_null(), "error", error_json(ERROR_PARSE, "the line is too long"));
}

/* ---- Events ------------------------------------------------------------------------------------------ */

static const char *const event_names[] = {
    [SESSION_OUTPUT] = "output",        [SESSION_PROGRESS] = "progress", [SESSION_PANIC] = "panic",
    [SESSION_SILENCE] = "silence",      [SESSION_RESET] = "reset",       [SESSION_PAUSED] = "paused",
    [SESSION_RESUMED] = "resumed",      [SESSION_STOPPED] = "stopped",   [SESSION_OFF] = "off",
    [SESSION_BREAKPOINT] = "breakpoint"};

enum { EVENTS = sizeof event_names / sizeof *event_names };

static bool subscribe(Client *client, const json_t *events, bool on, Error *err)
{
    Rpc *rpc = (Rpc *)client;
    unsigned bits = 0;
    size_t index;
    json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)events, index, entry)
    {
        const char *name = json_is_string(entry) ? json_string_value(entry) : "";
        unsigned kind = 0;
        while (kind < EVENTS && strcmp(name, event_names[kind]))
            kind++;
        if (kind == EVENTS && strcmp(name, "all"))
            return error_set(err, "there is no event %.40s; see docs/control.md", name);
        bits |= kind == EVENTS ? (1u << EVENTS) - 1 : 1u << kind;
    }
    rpc->events = on ? rpc->events | bits : rpc->events & ~bits;
    return true;
}

/* text shows the characters as well as JSON can; where it cannot show them all, hex has them. */
static void add_output(json_t *params, const SessionEvent *event)
{
    json_t *raw = json_bytes(event->data, event->length), *text = json_printable(raw);
    bool same = json_string_length(text) == event->length &&
                !memcmp(json_string_value(text), event->data, event->length);
    json_object_set_new(params, "port", json_integer(event->port));
    json_object_set_new(params, "text", text);
    json_decref(raw);
    if (same)
        return;
    char *hex = malloc(2 * event->length + 1);
    if (!hex)
        abort();
    bytes_hex(event->data, event->length, hex);
    json_object_set_new(params, "hex", json_string(hex));
    free(hex);
}

static void add_stop(json_t *params, const SessionEvent *event)
{
    char pc[16];
    snprintf(pc, sizeof pc, "0x%08x", event->pc);
    json_object_set_new(params, "cpu", json_integer(event->cpu));
    json_object_set_new(params, "pc", json_string(pc));
}

void rpc_event(Rpc *rpc, const SessionEvent *event)
{
    if (!(rpc->events >> event->kind & 1))
        return;
    json_t *message = json_object(), *params = json_object();
    if (event->kind == SESSION_OUTPUT)
        add_output(params, event);
    if (event->kind == SESSION_BREAKPOINT)
        add_stop(params, event);
    if (event->kind == SESSION_STOPPED)
        json_object_set_new(params, "code", json_integer(event->code));
    if (event->text) {
        json_t *raw = json_bytes(event->text, strlen(event->text));
        json_object_set_new(params, "text", json_printable(raw));
        json_decref(raw);
    }
    json_object_set_new(message, "jsonrpc", json_string("2.0"));
    json_object_set_new(message, "method", json_string(event_names[event->kind]));
    json_object_set_new(message, "params", params);
    send_json(rpc, message);
}

/* ---- Building ---------------------------------------------------------------------------------------- */

static bool cancel(Client *client, const json_t *id)
{
    for (Request *request = ((Rpc *)client)->requests; request; request = request->next)
        if (request->call && request->id && json_equal(request->id, id)) {
            call_cancel(request->call);
            return true;
        }
    return false;
}

static void seen(Client *client, unsigned port)
{
    Rpc *rpc = (Rpc *)client;
    rpc->seen(rpc->opaque, port, client->read[port]);
}

Rpc *rpc_new(Session *session, const uint64_t read[SERIAL_PORTS],
             void (*send)(void *opaque, const char *line, size_t length),
             void (*seen_by)(void *opaque, unsigned port, uint64_t offset), void *opaque)
{
    Rpc *rpc = calloc(1, sizeof *rpc);
    if (!rpc)
        abort();
    client_init(&rpc->client, session, "control client");
    rpc->client.subscribe = subscribe;
    rpc->client.cancel = cancel;
    rpc->client.seen = seen;
    rpc->send = send;
    rpc->seen = seen_by;
    rpc->opaque = opaque;
    memcpy(rpc->client.read, read, sizeof rpc->client.read);
    return rpc;
}

void rpc_free(Rpc *rpc)
{
    client_leave(&rpc->client);
    while (rpc->requests) {
        Request *request = rpc->requests;
        Batch *batch = request->batch;
        unlink_request(request);
        free_request(request);
        if (batch && !--batch->pending) {
            json_decref(batch->replies);
            free(batch);
        }
    }
    free(rpc);
}
