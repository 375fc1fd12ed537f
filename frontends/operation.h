/* What can be done to a running machine from outside: one table (operations.def) serves Lua scripts, the
 * monitor, the control socket and `armature ctl`.
 *
 * An operation is a C function with natural argument types and a row. Arguments arrive as JSON values (Lua's
 * values and the words of a command line are turned into those), are checked and converted by the row's
 * types, and the function is called with them. What it returns becomes a JSON value again. Operations that
 * wait return at once and finish later, with call_finish() or call_fail(). */
#ifndef ARMATURE_FRONTENDS_OPERATION_H
#define ARMATURE_FRONTENDS_OPERATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/session.h"
#include "machine/error.h"

typedef enum ValueType {
    TYPE_NONE,
    TYPE_BOOL,
    TYPE_INT, /* int */
    TYPE_U32, /* uint32_t */
    TYPE_U64, /* uint64_t; JSON knows signed numbers only: larger ones are texts like "0xffffffffffffffff" */
    TYPE_ADDRESS, /* uint32_t: a number, or a symbol's name */
    TYPE_CPU,     /* int: number of a CPU, -1 for none */
    TYPE_PORT,    /* unsigned: number of a serial port */
    TYPE_SECONDS, /* uint64_t, nanoseconds; given as seconds, with fractions */
    TYPE_NAME,    /* const char *: printable text; as a result, allocated text of any number of lines */
    TYPE_TEXT,    /* const Bytes *: characters to or from the guest, any bytes */
    TYPE_BYTES,   /* const Bytes *: binary data, in hexadecimal outside Lua; as a result, allocated */
    TYPE_LIST,    /* const json_t *: an array; a single value is an array of one */
    TYPE_DATA,    /* json_t *: a result of any structure */
    TYPE_LATER,   /* a result that comes with call_finish() */
    VALUE_TYPES
} ValueType;

typedef struct Bytes {
    uint8_t *data;
    size_t length;
} Bytes;

typedef struct Parameter {
    const char *name;
    ValueType type;
    const char *value; /* what it is if it is not given, as one would type it; NULL: it must be given */
} Parameter;

enum { OPERATION_PARAMETERS = 7 }; /* six, and the end of the list */

typedef struct Operation {
    const char *name;
    void (*function)(void);
    ValueType result;
    const char *fields; /* members of the result that Lua gets one by one; NULL: the result as it is */
    const char *help;
    Parameter parameter[OPERATION_PARAMETERS]; /* name NULL: no more */
} Operation;

extern const Operation operations[];
extern const unsigned operation_count;

/* NULL if there is none of that name. */
const Operation *operation_find(const char *name);
/* The message for a name that is none, with the one that was meant, or else with `list`, what lists them. */
void operation_unknown(const char *name, const char *list, char *text, size_t size);
unsigned operation_parameters(const Operation *operation);
/* How to write it: "read_memory ADDRESS SIZE [cpu=none]". */
char *operation_usage(const Operation *operation);
const char *value_type_name(ValueType type);

/* ---- Calls ------------------------------------------------------------------------------------------- */

typedef struct Client Client;
typedef struct Call Call;

struct Call {
    Client *client;
    const Operation *operation;
    /* Result, once finished. */
    json_t *result;                    /* NULL: none, or failed */
    char *error;                       /* NULL: it succeeded */
    bool finished, cancelled, refused; /* refused: its arguments were wrong */
    /* Who asked. */
    void (*done)(Call *call, void *opaque);
    void *opaque;
    /* Set by functions that wait. stop: the call ends before its time (cancelled, the guest switched off):
     * let go of everything. off: the guest switched the machine off; NULL: that is a failure. */
    void (*stop)(Call *call);
    void (*off)(Call *call);
    /* A CPU stopped at a breakpoint; NULL: see call_ends_at_stop(). */
    void (*stopped)(Call *call, const SessionEvent *event);
    void *wait;
    bool started; /* the function has returned */
    Call *next;
};

/* Calls an operation. arguments (borrowed) is an array, by position, or an object, by name, or NULL. done()
 * is called exactly once: before this returns, or later, between instructions; the call is gone after that.
 * Returns the call if it waits, else NULL. */
Call *operation_call(Client *client, const Operation *operation, const json_t *arguments,
                     void (*done)(Call *call, void *opaque), void *opaque);

/* For the functions behind the rows. The result is taken over; call_fail() with a format makes the error. */
void call_finish(Call *call, json_t *result);
void call_fail(Call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True if the call does not wait any longer when a CPU stops at a breakpoint. Calls that wait for something
 * else fail then if nobody is there to let the machine go on, or if whoever waits has set breakpoints and
 * does one thing at a time (scripts, the monitor): it would wait for itself. */
bool call_ends_at_stop(const Call *call);

/* Ends a waiting call as failed, "cancelled". */
void call_cancel(Call *call);

/* ---- Conversion (arguments.c) ------------------------------------------------------------------------- */

typedef union Value {
    bool boolean;
    int integer;
    unsigned number;
    uint32_t u32;
    uint64_t u64;
    const char *name;
    const Bytes *bytes;
    const json_t *list;
} Value;

/* One call's converted arguments. */
typedef struct Arguments {
    Value value[OPERATION_PARAMETERS];
    Bytes bytes[OPERATION_PARAMETERS];
    void *owned[OPERATION_PARAMETERS];
    json_t *list[OPERATION_PARAMETERS];
} Arguments;

/* Checks and converts. False with err set: a name or number of arguments that is wrong, a value of another
 * type, out of range. arguments_free() is needed in both cases. */
bool arguments_convert(Arguments *arguments, const Operation *operation, const json_t *given,
                       const Client *client, Error *err);
void arguments_free(Arguments *arguments);

/* A number or a symbol's name as an address. False with err set if it is neither. */
bool address_from_text(Session *session, const char *text, uint32_t *address, Error *err);

/* Words of a command line as arguments: by position, or name=value where the row has such a name. Characters
 * for the guest may have C's escapes (\r, \n, \t, \e, \xHH, \\). NULL with err set; else for the caller to
 * release. */
json_t *arguments_from_words(const Operation *operation, unsigned count, char *const *word, Error *err);

/* What a person typed: the operation's name ("?" is help) and its arguments, between blanks; the line is
 * changed. Quotes keep blanks together; a backslash is part of the word, except before a quote, since
 * operations know escapes themselves. *arguments are for the caller to release. NULL with err set, whose text
 * is empty if the line was; list: see operation_unknown(). */
const Operation *operation_from_line(char *line, const char *list, json_t **arguments, Error *err);

/* Writes 2 * length hexadecimal digits and a 0. */
void bytes_hex(const void *data, size_t length, char *text);

/* A JSON string of any bytes; only for use within the process. */
json_t *json_bytes(const void *data, size_t length);

/* A copy of value that can be written as JSON: bytes that are not UTF-8 are replaced. */
json_t *json_printable(const json_t *value);

/* For people: the result as text of lines, with the guest's control characters made visible. Allocated. */
char *result_text(const Operation *operation, const json_t *result);

/* text with control characters and bytes that are not UTF-8 as \xHH, \r, \n or \t. The first one leaves
 * newlines and tabs as they are, and carriage returns at the ends of lines out. Allocated. */
char *text_escaped(const void *text, size_t length);
char *text_one_line(const void *text, size_t length);
/* The reverse: \r \n \t \e \0 \xHH \\. In place; returns the length. */
size_t text_unescape(char *text);

#endif
