/* A hostile client of the control socket: requests that are right, nearly right, and no requests at all, cut
 * into pieces anywhere. The machine must go on, every line that comes back must be a message of JSON-RPC 2.0,
 * no request may be answered twice, and at the end a plain request must be answered. */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/control.h"
#include "frontends/operation.h"
#include "frontends/options.h"
#include "frontends/session.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/stream.h"

enum { LINES = 120, IDS = 1 << 16, READ_ROUNDS = 200, LAST_ID = IDS - 1 };

typedef struct Run {
    uint64_t seed;
    Random random;
    Session *session;
    Control *control;
    LoopTimer *timer;
    Stream out; /* from the client's end */
    char *in;
    size_t in_length;
    unsigned lines, next_id, rounds;
    bool answered[IDS];
    bool last_sent, ended;
    bool mutates; /* the line that is being made: its identifiers must not become another's */
} Run;

static unsigned failed;

static void fail(const Run *run, const char *what, const char *line)
{
    printf("seed %llu: %s: %.300s\n", (unsigned long long)run->seed, what, line);
    failed++;
}

/* ---- Requests ---------------------------------------------------------------------------------------- */

static json_t *random_json(Random *random, unsigned depth)
{
    static const char *const texts[] = {"",      "0x60000000", "uart0",       "pc",   "r1",  "none",
                                        "stdio", "a\\x00",     "\xc3\xa9",    "1.5",  "-1",  "help\r",
                                        "> ",    "(%d+)",      "[",           "%",    "all", "output",
                                        "a.png", "frames",     "ctrl+alt+F2", "right"};
    json_t *json;
    switch (random_below(random, depth > 3 ? 7 : 10)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(random_one_in(random, 2));
    case 2:
        return json_real((double)(int32_t)random_next(random) / 256);
    case 3:
    case 4:
        return json_integer((json_int_t)random_value(random) - random_below(random, 2));
    case 5:
        return json_integer(0x60000000 + (json_int_t)random_below(random, 0x2000000));
    case 6:
        return json_string(texts[random_below(random, sizeof texts / sizeof *texts)]);
    case 7:
        json = json_object();
        json_object_set_new(json, random_one_in(random, 2) ? "pattern" : "x", random_json(random, depth + 1));
        return json;
    default:
        json = json_array();
        for (unsigned n = random_below(random, 4); n; n--)
            json_array_append_new(json, random_json(random, depth + 1));
        return json;
    }
}

/* A value that fits, most of the time. */
static json_t *argument(Random *random, const Parameter *parameter)
{
    if (random_one_in(random, 8))
        return random_json(random, 0);
    switch (parameter->type) {
    case TYPE_ADDRESS:
        return json_integer(0x60000000 + (json_int_t)random_below(random, 0x110000));
    case TYPE_U32:
    case TYPE_INT:
        return json_integer(random_one_in(random, 3) ? random_value(random) : random_below(random, 300));
    case TYPE_CPU:
        return random_one_in(random, 2) ? json_string("none") : json_integer(random_below(random, 3));
    case TYPE_PORT:
        return json_integer(random_below(random, 5));
    case TYPE_SECONDS:
        return json_real(random_below(random, 100) / 10000.0);
    case TYPE_BYTES:
        return json_string(random_one_in(random, 4) ? "0g" : "00112233 ff");
    case TYPE_TEXT:
        return json_string(random_one_in(random, 2) ? "help\r" : "md 60000000\r");
    default:
        return random_json(random, 1);
    }
}

static json_t *request(Run *run)
{
    Random *random = &run->random;
    const Operation *operation = &operations[random_below(random, operation_count)];
    bool by_name = random_one_in(random, 2);
    json_t *params = by_name ? json_object() : json_array(), *json = json_object();
    unsigned count = operation_parameters(operation);
    for (unsigned n = 0; n < count && !random_one_in(random, 4); n++) {
        json_t *value = argument(random, &operation->parameter[n]);
        if (by_name)
            json_object_set_new(params, operation->parameter[n].name, value);
        else
            json_array_append_new(params, value);
    }
    json_object_set_new(json, "jsonrpc", json_string("2.0"));
    if (!random_one_in(random, 10) && run->next_id < LAST_ID)
        json_object_set_new(json, "id", run->mutates ? json_string("m") : json_integer(run->next_id++));
    /* The end of the run is for other tests. */
    bool ends = !strcmp(operation->name, "quit") || !strcmp(operation->name, "power_button");
    json_object_set_new(json, "method", json_string(ends ? "status" : operation->name));
    json_object_set_new(json, "params", params);
    return json;
}

static char *request_text(Run *run)
{
    json_t *json = request(run);
    if (random_one_in(&run->random, 10)) {
        json_t *batch = json_array();
        json_array_append_new(batch, json);
        for (unsigned n = random_below(&run->random, 5); n; n--)
            json_array_append_new(batch, random_one_in(&run->random, 4) ? random_json(&run->random, 0)
                                                                        : request(run));
        json = batch;
    }
    char *text = json_dumps(json, 0);
    json_decref(json);
    return text;
}

static char *noise(Random *random)
{
    size_t length = random_one_in(random, 30) ? 100000 : random_below(random, 200);
    char *text = malloc(length + 1);
    char fill = "[{\"\\ "[random_below(random, 5)];
    bool same = random_one_in(random, 3);
    for (size_t n = 0; n < length; n++)
        text[n] = same ? fill : (char)(1 + random_below(random, 255));
    text[length] = 0;
    return text;
}

static void mutate(Random *random, char *text)
{
    size_t length = strlen(text);
    for (unsigned n = 1 + random_below(random, 4); n && length; n--) {
        size_t at = random_below(random, (uint32_t)length);
        if (random_one_in(random, 3))
            text[at] = (char)(1 + random_below(random, 255));
        else if (random_one_in(random, 2))
            text[at] = "\"{}[]:,\\019e-"[random_below(random, 13)];
        else
            memmove(text + at, text + at + 1, length-- - at);
    }
}

static void add_line(Run *run, const char *text)
{
    stream_add(&run->out, text, strlen(text));
    stream_add(&run->out, "\n", 1);
}

static void add_random_line(Run *run)
{
    bool is_noise = random_one_in(&run->random, 6);
    run->mutates = random_one_in(&run->random, 4);
    char *text = is_noise ? noise(&run->random) : request_text(run);
    if (!text)
        return;
    if (!is_noise && run->mutates)
        mutate(&run->random, text);
    add_line(run, text);
    free(text);
}

/* ---- Replies ----------------------------------------------------------------------------------------- */

static void check_message(Run *run, const json_t *message, const char *line)
{
    const json_t *version = json_object_get(message, "jsonrpc"), *id = json_object_get(message, "id");
    bool has_result = json_object_get(message, "result"), has_error = json_object_get(message, "error");
    if (!json_is_string(version) || strcmp(json_string_value(version), "2.0"))
        fail(run, "no message of JSON-RPC", line);
    else if (json_object_get(message, "method") ? has_result || has_error || id
                                                : !id || has_result == has_error)
        fail(run, "neither a reply nor an event", line);
    json_int_t number = json_is_integer(id) ? json_integer_value(id) : -1;
    if (number >= 0 && number < IDS) {
        if (run->answered[number])
            fail(run, "answered twice", line);
        run->answered[number] = true;
    }
    run->ended |= number == LAST_ID;
}

static void check_line(Run *run, const char *line, size_t length)
{
    size_t index;
    json_t *message = json_loadb(line, length, JSON_ALLOW_NUL, NULL), *part;
    if (!message)
        fail(run, "no JSON", line);
    else if (json_is_array(message) && json_array_size(message))
        json_array_foreach(message, index, part) check_message(run, part, line);
    else
        check_message(run, message, line);
    json_decref(message);
}

static void take_replies(Run *run)
{
    char *end;
    ssize_t got;
    do {
        run->in = realloc(run->in, run->in_length + 65536);
        if (!run->in)
            abort();
        got = recv(run->out.fd, run->in + run->in_length, 65536, MSG_DONTWAIT);
        run->in_length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    size_t begin = 0;
    while ((end = memchr(run->in + begin, '\n', run->in_length - begin))) {
        size_t length = (size_t)(end - run->in) - begin;
        *end = 0;
        check_line(run, run->in + begin, length);
        begin += length + 1;
    }
    run->in_length -= begin;
    memmove(run->in, run->in + begin, run->in_length);
}

/* ---- A run ------------------------------------------------------------------------------------------- */

static void send_some(Run *run)
{
    char text[120];
    if (stream_is_sent(&run->out) && run->lines < LINES) {
        run->lines++;
        add_random_line(run);
    } else if (stream_is_sent(&run->out) && !run->last_sent) {
        run->last_sent = true;
        snprintf(text, sizeof text, "\n{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"version\"}", LAST_ID);
        add_line(run, "{\"jsonrpc\":\"2.0\",\"method\":\"resume\"}");
        add_line(run, text);
    }
    stream_send(&run->out, &run->random);
}

static void step(void *opaque)
{
    Run *run = opaque;
    send_some(run);
    take_replies(run);
    run->rounds += run->last_sent && stream_is_sent(&run->out);
    if (run->ended || run->rounds > READ_ROUNDS)
        session_end(run->session, 0, NULL);
    else
        loop_timer_set(run->timer, run->rounds > 20 ? 1000000 : 0);
}

static bool start(Run *run, const Options *options)
{
    Error err;
    int code, pair[2];
    FILE *nowhere = fopen("/dev/null", "w");
    run->session = session_new(options, log_new(nowhere), &code, &err);
    if (!run->session || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        printf("cannot start: %s\n", err.text);
        failed++;
        return false;
    }
    run->control = control_new(run->session, NULL, &err);
    control_adopt(run->control, pair[0]);
    run->out.fd = pair[1];
    run->timer = loop_timer_new(session_loop(run->session), step, run);
    loop_timer_set(run->timer, 0);
    session_run(run->session);
    if (!run->ended && !session_off(run->session)) /* what was typed may have switched it off */
        fail(run, "the last request was not answered", "");
    close(run->out.fd);
    loop_timer_free(run->timer);
    control_free(run->control);
    session_free(run->session);
    fclose(nowhere);
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Screenshots and recordings go to a folder of their own. */
static bool enter_folder(char *folder)
{
    return mkdtemp(folder) && !chdir(folder);
}

static void leave_folder(const char *folder)
{
    if (!chdir("/"))
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/armature-fuzz-XXXXXX";
    static char *words[] = {"armature", "--serial", "none", "--memory", "16M", "--cpus", "2", NULL};
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             runs = argc > 2 ? strtoull(argv[2], NULL, 0) : 30;
    Options options;
    Error err;
    if (!options_parse(&options, 7, words, &err) || !enter_folder(folder))
        return 1;
    uint64_t done = 0;
    for (; done < runs && failed < 10; done++) {
        Run *run = calloc(1, sizeof *run);
        run->seed = first + done;
        run->random.state = run->seed * 0x2545f4914f6cdd1du;
        bool ok = start(run, &options);
        free(run->out.data);
        free(run->in);
        free(run);
        if (!ok)
            break;
    }
    options_free(&options);
    leave_folder(folder);
    printf("%llu conversations, %u failures\n", (unsigned long long)done, failed);
    return failed != 0;
}
