/* Operations on the emulator itself. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation_functions.h"
#include "frontends/watchdog.h"
#include "machine/diagnose.h"
#include "machine/stats.h"

static Machine *machine_of(const Call *call)
{
    return session_machine(call->client->session);
}

/* ---- Log and counters -------------------------------------------------------------------------------- */

void op_log(Call *call, const char *kinds)
{
    Error err;
    if (!log_select(machine_of(call)->log, kinds, &err))
        call_fail(call, "log: %s", err.text);
}

void op_log_filter(Call *call, const char *names)
{
    Error err;
    if (!log_filter(machine_of(call)->log, names, &err))
        call_fail(call, "log_filter: %s", err.text);
}

json_t *op_stats(Call *call)
{
    const Machine *machine = machine_of(call);
    json_t *result = json_object();
    for (unsigned n = 0; n < stats_count(machine); n++) {
        Stat stat;
        stats_get(machine, n, &stat);
        json_object_set_new(result, stat.name,
                            stat.whole ? json_integer((json_int_t)stat.value) : json_real(stat.value));
    }
    return result;
}

char *op_explain(Call *call)
{
    Watchdog *watchdog = session_watchdog(call->client->session);
    return watchdog ? watchdog_explain(watchdog) : diagnose_explain(machine_of(call), NULL);
}

/* ---- Help -------------------------------------------------------------------------------------------- */

static char *help_on(const Operation *operation)
{
    char *text, *usage = operation_usage(operation);
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fprintf(out, "%s\n  %s\n", usage, operation->help);
    for (unsigned n = 0; n < operation_parameters(operation); n++) {
        const Parameter *parameter = &operation->parameter[n];
        fprintf(out, "  %-10s %s", parameter->name, value_type_name(parameter->type));
        if (parameter->value && *parameter->value)
            fprintf(out, "; if not given: %s", parameter->value);
        else if (parameter->type == TYPE_LIST)
            fputs("; on a command line all words that are not name=value", out);
        fputc('\n', out);
    }
    fclose(out);
    free(usage);
    return text;
}

static char *help_on_all(void)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    for (unsigned n = 0; n < operation_count; n++)
        fprintf(out, "%-16s %s\n", operations[n].name, operations[n].help);
    fputs("help NAME tells more. Arguments are given by position, or as name=value.\n", out);
    fclose(out);
    return text;
}

char *op_help(Call *call, const char *name)
{
    const Operation *operation = operation_find(name);
    if (!*name)
        return help_on_all();
    if (operation)
        return help_on(operation);
    char text[200];
    operation_unknown(name, "help", text, sizeof text);
    call_fail(call, "help: %s", text);
    return NULL;
}

static json_t *parameters_json(const Operation *operation)
{
    json_t *parameters = json_array();
    for (unsigned n = 0; n < operation_parameters(operation); n++) {
        const Parameter *parameter = &operation->parameter[n];
        json_t *row =
            json_pack("{s:s, s:s}", "name", parameter->name, "type", value_type_name(parameter->type));
        if (parameter->value)
            json_object_set_new(row, "default", json_string(parameter->value));
        json_array_append_new(parameters, row);
    }
    return parameters;
}

json_t *op_operations(Call *call)
{
    (void)call;
    json_t *rows = json_array();
    for (unsigned n = 0; n < operation_count; n++)
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:s, s:o}", "name", operations[n].name, "help",
                                        operations[n].help, "result", value_type_name(operations[n].result),
                                        "parameters", parameters_json(&operations[n])));
    return rows;
}

char *op_version(Call *call)
{
    (void)call;
    return strdup(ARMATURE_VERSION);
}

/* ---- What only the control socket's clients can do --------------------------------------------------- */

static void subscribe(Call *call, const json_t *events, bool on)
{
    Error err;
    if (!call->client->subscribe)
        call_fail(call, "%s: only for clients of the control socket", call->operation->name);
    else if (!call->client->subscribe(call->client, events, on, &err))
        call_fail(call, "%s: %s", call->operation->name, err.text);
}

void op_subscribe(Call *call, const json_t *events)
{
    subscribe(call, events, true);
}

void op_unsubscribe(Call *call, const json_t *events)
{
    subscribe(call, events, false);
}

bool op_cancel(Call *call, const json_t *id)
{
    if (call->client->cancel)
        return call->client->cancel(call->client, json_array_get(id, 0));
    call_fail(call, "cancel: only for clients of the control socket");
    return false;
}
