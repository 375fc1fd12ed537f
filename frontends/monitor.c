#define _GNU_SOURCE
#include "frontends/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/client.h"
#include "frontends/exit_codes.h"
#include "frontends/line_editor.h"
#include "frontends/script.h"

enum { CTRL_C = 3 };

struct Monitor {
    Client client;
    Session *session;
    SessionListener *listener;
    Console *console;
    LineEditor *editor; /* NULL: input is no terminal, lines are taken as they come */
    char *line;         /* the line that is coming, without an editor */
    size_t length;
    Call *waiting;
    bool active, input_ended;
};

/* ---- Calls ------------------------------------------------------------------------------------------- */

static void print_text(FILE *out, const char *prefix, const char *text)
{
    size_t length = strlen(text);
    fprintf(out, "%s%s%s", prefix, text, length && text[length - 1] == '\n' ? "" : "\n");
}

static void show(const Call *call)
{
    if (call->error) {
        char *text = text_escaped(call->error, strlen(call->error));
        print_text(stdout, "error: ", text);
        free(text);
    } else if (call->result) {
        char *text = result_text(call->operation, call->result);
        if (*text)
            print_text(stdout, "", text);
        free(text);
    }
    fflush(stdout);
}

static void take_lines(Monitor *monitor);

static void next_line(Monitor *monitor)
{
    if (!monitor->active || session_ending(monitor->session))
        return;
    if (monitor->editor)
        line_editor_prompt(monitor->editor);
    else
        take_lines(monitor);
}

static void call_done(Call *call, void *opaque)
{
    Monitor *monitor = opaque;
    show(call);
    if (monitor->waiting != call)
        return; /* it did not wait: whoever called goes on */
    monitor->waiting = NULL;
    next_line(monitor);
}

static void run_line(Monitor *monitor, const char *text)
{
    Error err;
    json_t *arguments;
    char *line = strdup(text);
    if (!line)
        abort();
    const Operation *operation = operation_from_line(line, "help", &arguments, &err);
    if (operation) {
        monitor->waiting = operation_call(&monitor->client, operation, arguments, call_done, monitor);
        json_decref(arguments);
    } else if (*err.text) {
        printf("error: %s\n", err.text);
    }
    fflush(stdout);
    free(line);
}

/* ---- Input ------------------------------------------------------------------------------------------- */

static void edited_line(void *opaque, const char *line)
{
    Monitor *monitor = opaque;
    run_line(monitor, line);
    if (!monitor->waiting)
        next_line(monitor);
}

/* Lines from a pipe or a file, one after the other; the end of input ends the run. */
static void take_lines(Monitor *monitor)
{
    char *end;
    while (!monitor->waiting && !session_ending(monitor->session) &&
           (end = memchr(monitor->line, '\n', monitor->length))) {
        size_t length = (size_t)(end - monitor->line) + 1;
        char *line = strndup(monitor->line, length - 1);
        if (!line)
            abort();
        line[strcspn(line, "\r")] = 0;
        memmove(monitor->line, monitor->line + length, monitor->length - length);
        monitor->length -= length;
        run_line(monitor, line);
        free(line);
    }
    if (monitor->input_ended && !monitor->waiting)
        session_end(monitor->session, EXIT_OFF, NULL);
}

static void take_input(Monitor *monitor, const uint8_t *data, size_t length)
{
    monitor->input_ended |= !length;
    monitor->line = realloc(monitor->line, monitor->length + length + 2);
    if (!monitor->line)
        abort();
    if (length)
        memcpy(monitor->line + monitor->length, data, length);
    monitor->length += length;
    if (!length && monitor->length && monitor->line[monitor->length - 1] != '\n')
        monitor->line[monitor->length++] = '\n';
    take_lines(monitor);
}

static void input(void *opaque, const uint8_t *data, size_t length)
{
    Monitor *monitor = opaque;
    if (!monitor->editor) {
        take_input(monitor, data, length);
        return;
    }
    if (!length) {
        session_end(monitor->session, EXIT_OFF, NULL);
        return;
    }
    if (monitor->waiting && memchr(data, CTRL_C, length)) {
        line_editor_forget(monitor->editor);
        call_cancel(monitor->waiting);
        return;
    }
    line_editor_input(monitor->editor, data, length);
}

/* ---- Breakpoints ------------------------------------------------------------------------------------- */

/* What has been typed so far is shown again behind the text. */
static void show_between(Monitor *monitor, const char *text)
{
    bool at_prompt = monitor->editor && !monitor->waiting;
    printf("%s%s\n", at_prompt ? "\n" : "", text);
    fflush(stdout);
    if (at_prompt)
        line_editor_show(monitor->editor);
}

/* Whoever waits for a stop, or fails because of it, is told another way. */
static void on_event(void *opaque, const SessionEvent *event)
{
    Monitor *monitor = opaque;
    const char *key = console_escape_name(monitor->console);
    if (event->kind != SESSION_BREAKPOINT || (monitor->waiting && call_ends_at_stop(monitor->waiting)))
        return;
    if (monitor->active)
        show_between(monitor, event->text);
    else if (key && !script_wanted(session_options(monitor->session)))
        session_say(monitor->session, "%s; %s p goes on", event->text, key);
}

/* ---- Completion -------------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *begin)
{
    return !strncmp(text, begin, strlen(begin));
}

static char *choice(const char *name, const char *end)
{
    char *text;
    if (asprintf(&text, "%s%s", name, end) < 0)
        abort();
    return text;
}

static char *complete_operation(const char *word, unsigned n)
{
    for (unsigned k = 0; k < operation_count; k++)
        if (begins_with(operations[k].name, word) && n-- == 0)
            return choice(operations[k].name, " ");
    return NULL;
}

static char *complete_parameter(const Operation *operation, const char *word, unsigned n)
{
    for (unsigned k = 0; k < operation_parameters(operation); k++)
        if (begins_with(operation->parameter[k].name, word) && n-- == 0)
            return choice(operation->parameter[k].name, "=");
    return NULL;
}

static char *complete_device(Monitor *monitor, const char *word, unsigned n)
{
    const Machine *machine = session_machine(monitor->session);
    for (unsigned k = 0; k < machine->device_count; k++)
        if (begins_with(machine->device[k]->name, word) && n-- == 0)
            return choice(machine->device[k]->name, " ");
    return NULL;
}

static char *complete(void *opaque, const char *before, const char *word, unsigned n)
{
    char name[32];
    const char *first = before + strspn(before, " ");
    size_t length = strcspn(first, " ");
    if (first + length >= word)
        return complete_operation(word, n);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : 0), first);
    const Operation *operation = operation_find(name);
    if (!operation)
        return NULL;
    if (!strcmp(name, "help"))
        return complete_operation(word, n);
    if (strstr(name, "device") && first + length + 1 == word)
        return complete_device(opaque, word, n);
    return complete_parameter(operation, word, n);
}

/* ---- Coming and going -------------------------------------------------------------------------------- */

static void enter(Monitor *monitor)
{
    const char *key = console_escape_name(monitor->console);
    monitor->active = true;
    console_divert(monitor->console, input, monitor);
    if (!monitor->editor)
        return;
    printf("\nThis is the emulator's monitor: help lists the operations%s%s%s.\n", key ? ", " : "",
           key ? key : "", key ? " x leaves the emulator" : "");
    line_editor_prompt(monitor->editor);
}

static void leave(Monitor *monitor)
{
    monitor->active = false;
    line_editor_stop(monitor->editor);
    console_divert(monitor->console, NULL, NULL);
    printf("The guest has the terminal again.\n");
    fflush(stdout);
}

static void left(void *opaque)
{
    Monitor *monitor = opaque;
    if (session_options(monitor->session)->monitor)
        session_end(monitor->session, EXIT_OFF, NULL);
    else
        leave(monitor);
}

static void make_editor(Monitor *monitor)
{
    LineEditorOwner owner = {.line = edited_line, .left = left, .complete = complete, .opaque = monitor};
    if (!monitor->editor)
        monitor->editor = line_editor_new(session_loop(monitor->session), "(armature) ", &owner);
}

/* From the console's menu. */
static void toggle(void *opaque)
{
    Monitor *monitor = opaque;
    if (monitor->active) {
        if (!session_options(monitor->session)->monitor)
            leave(monitor);
        return;
    }
    make_editor(monitor);
    if (monitor->editor)
        enter(monitor);
    else
        fputs("\narmature: this terminal cannot show the monitor\n", stderr);
}

Monitor *monitor_new(Session *session, Console *console)
{
    Monitor *monitor = calloc(1, sizeof *monitor);
    if (!monitor)
        abort();
    monitor->session = session;
    monitor->console = console;
    /* Before the client: whether its call waits is known then. */
    monitor->listener = session_listen(session, on_event, monitor);
    client_init(&monitor->client, session, "monitor");
    if (!session_options(session)->monitor) {
        console_add_command(console, 'c', "goes to the emulator's monitor, and back", toggle, monitor);
        return monitor;
    }
    make_editor(monitor);
    enter(monitor);
    return monitor;
}

void monitor_free(Monitor *monitor)
{
    if (!monitor)
        return;
    if (monitor->active && monitor->editor)
        line_editor_stop(monitor->editor);
    console_divert(monitor->console, NULL, NULL);
    client_leave(&monitor->client);
    session_unlisten(monitor->listener);
    line_editor_free(monitor->editor);
    free(monitor->line);
    free(monitor);
}
