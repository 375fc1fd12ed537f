#define _GNU_SOURCE
#include "frontends/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/operation.h"

enum { FAILED = 1 };

typedef struct Ctl {
    FILE *from;
    int fd;
    bool json;
} Ctl;

static int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("armature ctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

static int usage(FILE *out)
{
    fputs("Usage: armature ctl [--json] PATH OPERATION [argument | name=value ...]\n"
          "       armature ctl [--json] PATH --events [event ...]\n"
          "       armature ctl --list-operations\n"
          "Calls an operation of the machine whose control socket (--control) is at PATH; armature ctl PATH "
          "help\n"
          "lists them. --events prints what happens until the machine ends. --json prints JSON.\n",
          out);
    return out == stdout ? EXIT_OFF : EXIT_USAGE;
}

static int list_operations(void)
{
    for (unsigned n = 0; n < operation_count; n++)
        printf("%s\t%s\n", operations[n].name, operations[n].help);
    return EXIT_OFF;
}

/* ---- The connection ---------------------------------------------------------------------------------- */

static bool open_socket(Ctl *ctl, const char *path, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, "%s is too long for a socket's path", path);
    strcpy(address.sun_path, path);
    ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ctl->fd < 0 || connect(ctl->fd, (struct sockaddr *)&address, sizeof address))
        return error_set(
            err, "cannot connect to %s: %s%s", path, strerror(errno),
            errno == ECONNREFUSED || errno == ENOENT ? "; is a machine running with --control there?" : "");
    ctl->from = fdopen(ctl->fd, "r");
    return ctl->from || error_set(err, "cannot read from %s: %s", path, strerror(errno));
}

static bool send_request(const Ctl *ctl, const char *method, json_t *params)
{
    json_t *printable = json_printable(params);
    json_t *request =
        json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method, "params", printable);
    char *line = json_dumps(request, JSON_COMPACT);
    size_t length = strlen(line), done = 0;
    line[length++] = '\n';
    while (done < length) {
        ssize_t sent = send(ctl->fd, line + done, length - done, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            break;
        done += sent > 0 ? (size_t)sent : 0;
    }
    free(line);
    json_decref(request);
    return done == length;
}

/* The next message, NULL at the end. */
static json_t *receive(Ctl *ctl)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, ctl->from);
    json_t *message = length > 0 ? json_loadb(line, (size_t)length, JSON_ALLOW_NUL, NULL) : NULL;
    free(line);
    return message;
}

/* The reply to the request, NULL with a message if there is none. */
static json_t *await_reply(Ctl *ctl)
{
    json_t *message;
    while ((message = receive(ctl)) && json_integer_value(json_object_get(message, "id")) != 1)
        json_decref(message);
    if (!message)
        complain(FAILED, "the machine has ended");
    return message;
}

static void print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    printf("%s\n", text ? text : "null");
    free(text);
}

/* ---- Calls ------------------------------------------------------------------------------------------- */

/* A terminal must not be steered by the guest; files and pipes get the text as it is. */
static void print_text(const char *text, size_t length)
{
    char *shown = isatty(STDOUT_FILENO) ? text_escaped(text, length) : NULL;
    if (shown)
        fputs(shown, stdout);
    else
        fwrite(text, 1, length, stdout);
    if (length && text[length - 1] != '\n')
        putchar('\n');
    free(shown);
}

/* The output of a command in the guest, as if it had been run here. */
static int print_run(const json_t *result)
{
    const json_t *output = json_object_get(result, "output");
    json_int_t status = json_integer_value(json_object_get(result, "status"));
    print_text(json_string_value(output), json_string_length(output));
    return status ? complain(FAILED, "the command's exit status is %lld", (long long)status) : EXIT_OFF;
}

static int print_result(const Ctl *ctl, const Operation *operation, const json_t *result)
{
    bool is_run = json_object_get(result, "output") && json_object_get(result, "status");
    if (ctl->json) {
        print_json(result);
        return is_run && json_integer_value(json_object_get(result, "status")) ? FAILED : EXIT_OFF;
    }
    if (is_run)
        return print_run(result);
    if (json_is_string(result)) {
        print_text(json_string_value(result), json_string_length(result));
        return EXIT_OFF;
    }
    char *text = result_text(operation, result);
    fputs(text, stdout);
    free(text);
    return EXIT_OFF;
}

static int call(Ctl *ctl, const Operation *operation, json_t *arguments)
{
    if (!send_request(ctl, operation->name, arguments))
        return complain(FAILED, "the machine has ended");
    json_t *message = await_reply(ctl);
    if (!message)
        return FAILED;
    const json_t *error = json_object_get(message, "error");
    const char *text = json_string_value(json_object_get(error, "message"));
    char *shown = text ? text_escaped(text, strlen(text)) : NULL;
    int code = error ? complain(FAILED, "%s", shown ? shown : "the operation failed")
                     : print_result(ctl, operation, json_object_get(message, "result"));
    free(shown);
    json_decref(message);
    return code;
}

static void print_event(const Ctl *ctl, const json_t *message)
{
    const json_t *params = json_object_get(message, "params"), *port = json_object_get(params, "port"),
                 *code = json_object_get(params, "code"), *text = json_object_get(params, "text");
    const char *name = json_string_value(json_object_get(message, "method"));
    if (ctl->json || !name) {
        print_json(message);
        return;
    }
    char *shown = text_one_line(text ? json_string_value(text) : "", json_string_length(text));
    printf("%s", name);
    if (port)
        printf(" %lld", (long long)json_integer_value(port));
    if (code)
        printf(" %lld", (long long)json_integer_value(code));
    printf("%s%s\n", *shown ? ": " : "", shown);
    free(shown);
}

static int follow_events(Ctl *ctl, int count, char **names)
{
    const Operation *subscribe = operation_find("subscribe");
    json_t *list = json_array(), *message;
    for (int n = 0; n < count; n++)
        json_array_append_new(list, json_bytes(names[n], strlen(names[n])));
    if (!count)
        json_array_append_new(list, json_string("all"));
    json_t *arguments = json_pack("[o]", list);
    bool quiet = ctl->json;
    ctl->json = false;
    int code = call(ctl, subscribe, arguments);
    ctl->json = quiet;
    json_decref(arguments);
    while (!code && (message = receive(ctl))) {
        print_event(ctl, message);
        fflush(stdout);
        json_decref(message);
    }
    return code;
}

static int call_words(Ctl *ctl, const char *path, int count, char **words)
{
    Error err;
    const Operation *operation = operation_find(words[0]);
    if (!operation) {
        operation_unknown(words[0], "armature ctl --list-operations", err.text, sizeof err.text);
        return complain(EXIT_USAGE, "%s", err.text);
    }
    json_t *arguments = arguments_from_words(operation, (unsigned)count - 1, words + 1, &err);
    if (!arguments)
        return complain(EXIT_USAGE, "%s", err.text);
    int code =
        open_socket(ctl, path, &err) ? call(ctl, operation, arguments) : complain(EXIT_HOST, "%s", err.text);
    json_decref(arguments);
    return code;
}

int ctl_main(int argc, char **argv)
{
    Ctl ctl = {.fd = -1};
    Error err;
    int at = 1, code;
    for (; at < argc && !strcmp(argv[at], "--json"); at++)
        ctl.json = true;
    if (at < argc && !strcmp(argv[at], "--list-operations"))
        return list_operations();
    if (at < argc && !strcmp(argv[at], "--help"))
        return usage(stdout);
    if (argc - at < 2 || argv[at][0] == '-')
        return usage(stderr);
    const char *path = argv[at++];
    for (; at < argc && !strcmp(argv[at], "--json"); at++)
        ctl.json = true;
    if (at == argc)
        return usage(stderr);
    if (strcmp(argv[at], "--events"))
        code = call_words(&ctl, path, argc - at, argv + at);
    else
        code = open_socket(&ctl, path, &err) ? follow_events(&ctl, argc - at - 1, argv + at + 1)
                                             : complain(EXIT_HOST, "%s", err.text);
    if (ctl.from)
        fclose(ctl.from);
    else if (ctl.fd >= 0)
        close(ctl.fd);
    return code;
}
