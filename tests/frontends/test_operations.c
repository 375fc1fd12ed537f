/* The table of operations, the conversion of arguments, and conversations on the control socket, on a machine
 * that does not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/client.h"
#include "frontends/kernel_lines.h"
#include "frontends/options.h"
#include "frontends/rpc.h"
#include "frontends/session.h"

typedef struct Fixture {
    Options options;
    Session *session;
    Client client;
    Rpc *rpc;
    char *sent; /* by rpc */
    json_t *result;
    char *error;
} Fixture;

static void append(void *opaque, const char *line, size_t length)
{
    Fixture *f = opaque;
    size_t have = f->sent ? strlen(f->sent) : 0;
    f->sent = realloc(f->sent, have + length + 1);
    memcpy(f->sent + have, line, length);
    f->sent[have + length] = 0;
}

static void ignore_seen(void *opaque, unsigned port, uint64_t offset)
{
    (void)opaque;
    (void)port;
    (void)offset;
}

static int setup(void **state)
{
    static char *argv[] = {"armature", "--serial", "none", "--memory", "16M", "--cpus", "2", NULL};
    static const uint64_t read[SERIAL_PORTS];
    Fixture *f = calloc(1, sizeof *f);
    Error err = {""};
    int code;
    if (!options_parse(&f->options, 7, argv, &err))
        fail_msg("%s", err.text);
    f->session = session_new(&f->options, log_new(stderr), &code, &err);
    if (!f->session)
        fail_msg("%s", err.text);
    client_init(&f->client, f->session, "test");
    f->rpc = rpc_new(f->session, read, append, ignore_seen, f);
    *state = f;
    return 0;
}

static void forget(Fixture *f)
{
    json_decref(f->result);
    free(f->error);
    free(f->sent);
    f->result = NULL;
    f->error = f->sent = NULL;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    forget(f);
    rpc_free(f->rpc);
    client_leave(&f->client);
    session_free(f->session);
    options_free(&f->options);
    free(f);
    return 0;
}

static void done(Call *call, void *opaque)
{
    Fixture *f = opaque;
    f->result = json_incref(call->result);
    f->error = call->error ? strdup(call->error) : NULL;
}

static void call(Fixture *f, const char *name, const char *arguments)
{
    const Operation *operation = operation_find(name);
    assert_non_null(operation);
    json_t *json = json_loads(arguments, JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    forget(f);
    assert_null(operation_call(&f->client, operation, json, done, f));
    json_decref(json);
}

/* ---- The table --------------------------------------------------------------------------------------- */

static void table_makes_sense(void **state)
{
    (void)state;
    for (unsigned n = 0; n < operation_count; n++) {
        const Operation *operation = &operations[n];
        assert_ptr_equal(operation_find(operation->name), operation);
        assert_true(*operation->help && strlen(operation->help) < 120);
        bool optional = false;
        for (unsigned k = 0; k < operation_parameters(operation); k++) {
            const Parameter *parameter = &operation->parameter[k];
            assert_true(!optional || parameter->value); /* required ones come first */
            optional |= parameter->value != NULL;
            for (unsigned j = 0; j < k; j++)
                assert_string_not_equal(parameter->name, operation->parameter[j].name);
        }
    }
    assert_null(operation_find("nonsense"));
}

/* Every default is a value that its own type takes. */
static void defaults_convert(void **state)
{
    Fixture *f = *state;
    for (unsigned n = 0; n < operation_count; n++) {
        Arguments arguments;
        Error err = {""};
        json_t *given = json_array();
        const Operation *operation = &operations[n];
        for (unsigned k = 0; k < operation_parameters(operation) && !operation->parameter[k].value; k++)
            json_array_append_new(given, json_string("1"));
        bool ok = arguments_convert(&arguments, operation, given, &f->client, &err);
        if (!ok && !strstr(err.text, "hexadecimal"))
            fail_msg("%s", err.text);
        arguments_free(&arguments);
        json_decref(given);
    }
}

/* ---- Arguments --------------------------------------------------------------------------------------- */

typedef struct Case {
    const char *operation, *arguments, *error; /* NULL: fine */
} Case;

/* clang-format off */
static const Case cases[] = {
    {"read_word",  "[1610612736]",                        NULL},
    {"read_word",  "[\"0x60000000\"]",                    NULL},
    {"read_word",  "[1610612736.0]",                      NULL},
    {"read_word",  "{\"address\": \"0x60000000\"}",       NULL},
    {"read_word",  "{\"address\": 1610612736, \"cpu\": null}", NULL},
    {"read_word",  "[\"0x60000000\", 1]",                 NULL},
    {"read_word",  "[\"0x60000000\", \"none\"]",          NULL},
    {"read_word",  "[\"0x60000000\", 2]",                 "a CPU's number, 0 to 1, or none, not 2"},
    {"read_word",  "[\"0x60000000\", -1]",                "a CPU's number"},
    {"read_word",  "[4294967296]",                        "an address from 0 to 0xffffffff"},
    {"read_word",  "[-1]",                                "an address"},
    {"read_word",  "[1.5]",                               "an address"},
    {"read_word",  "[true]",                              "an address"},
    {"read_word",  "[\"start_kernel\"]",                  "or a symbol's name, not start_kernel"},
    {"read_word",  "[]",                                  "address is missing; use: read_word address [cpu=none]"},
    {"read_word",  "[1, 2, 3]",                           "too many arguments"},
    {"read_word",  "{\"adress\": 1}",                     "has no argument adress"},
    {"read_word",  "[[1]]",                               "not a list"},
    {"read_word",  "[{}]",                                "not an object"},
    {"write_word", "[\"0x60000000\", 4294967295]",        NULL},
    {"write_word", "[\"0x60000000\", \"0xffffffff\"]",    NULL},
    {"write_word", "[\"0x60000000\", 4294967296]",        "a number from 0 to 0xffffffff"},
    {"write_word", "[\"0x60000000\", \"12x\"]",           "a number"},
    {"write_word", "[\"0x60000000\", \"\"]",              "not empty"},
    {"write_memory", "[\"0x60000000\", \"00 11ff\"]",     NULL},
    {"write_memory", "[\"0x60000000\", \"001\"]",         "bytes in hexadecimal"},
    {"write_memory", "[\"0x60000000\", \"zz\"]",          "bytes in hexadecimal"},
    {"write_memory", "[\"0x60000000\", 5]",               "bytes in hexadecimal"},
    {"write_register", "[\"d3\", \"0xffffffffffffffff\"]", NULL},
    {"write_register", "[\"d3\", -1]",                    NULL},
    {"write_register", "[\"r3\", -1]",                    NULL},
    {"write_register", "[\"r3\", 4294967296]",            "r3 has 32 bits"},
    {"write_register", "[\"d3\", \"99999999999999999999\"]", "a number"},
    {"write_register", "[\"r16\", 1]",                    "there is no register r16"},
    {"write_register", "[\"r01\", 1]",                    "there is no register r01"},
    {"write_register", "[\"midr\", 1]",                   "MIDR cannot be written"},
    {"write_register", "[\"cpsr\", 0]",                   "no mode"},
    {"read_register", "[\"SCTLR\"]",                      NULL},
    {"read_register", "[\"lr_irq\", 1]",                  NULL},
    {"read_register", "[\"tlbiall\"]",                    "there is no register"},
    {"read_register", "[\"r1\\n\"]",                      "printable text, not r1\\n"},
    {"read_register", "[\"r1\\u0000\"]",                  "text"},
    {"read_register", "[\"r1\", \"none\"]",               "which CPU?"},
    {"read_memory", "[0, 4]",                             NULL},
    {"read_memory", "[\"0xffffffff\", 2]",                "memory"},
    {"read_memory", "[\"0x10009000\", 4]",                "there is no memory at physical address 0x10009000"},
    {"read_memory", "[\"0x60000000\", 4294967295]",       "at most"},
    {"dump",        "[\"0x60ffffff\", 2]",                "there is no memory at physical address 0x61000000"},
    {"send",        "[\"a\\u0000b\"]",                    NULL},
    {"send",        "[\"a\", 4]",                         "the number of a serial port, 0 to 3, not 4"},
    {"timeout",     "[0.5]",                              NULL},
    {"timeout",     "[\"1.5\"]",                          NULL},
    {"timeout",     "[-1]",                               "a number of seconds"},
    {"timeout",     "[1e300]",                            "a number of seconds"},
    {"timeout",     "[\"1s\"]",                           "a number of seconds"},
    {"device",      "[\"uart0\"]",                        NULL},
    {"device",      "[\"uart9\"]",                        "there is no device uart9"},
    {"read_device", "[\"uart0\", \"UARTCR\"]",            NULL},
    {"read_device", "[\"uart0\", \"0x30\"]",              NULL},
    {"read_device", "[\"uart0\", \"nope\"]",              "has no register nope"},
    {"disassemble", "[]",                                 NULL},
    {"disassemble", "{\"address\": 0, \"count\": 3, \"set\": \"thumb\"}", NULL},
    {"disassemble", "{\"set\": \"x86\"}",                 "set must be"},
    {"expect",      "[[]]",                               "nothing to wait for"},
    {"expect",      "[\"\"]",                             "match nothing"},
    {"expect",      "[[5]]",                              "give texts"},
    {"expect",      "[{\"pattern\": \"(\"}]",             "malformed pattern"},
    {"match",       "[\"%b()\"]",                         "while text still comes"},
    {"quit",        "[64]",                               "from 0 to 63"},
    {"quit",        "[\"x\"]",                            "a number"},
    {"log",         "[\"nonsense\"]",                     "nonsense"},
    {"log",         "[\"none\"]",                         NULL},
    {"help",        "[\"expect\"]",                       NULL},
    {"help",        "[\"nonsense\"]",                     "there is no operation nonsense"},
    {"subscribe",   "[\"output\"]",                       "only for clients of the control socket"},
    {"cancel",      "[1]",                                "only for clients of the control socket"},
    {"symbol",      "[0]",                                "there are no symbols"},
};
/* clang-format on */

static void arguments(void **state)
{
    Fixture *f = *state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        const Case *c = &cases[n];
        call(f, c->operation, c->arguments);
        if (!c->error && f->error)
            fail_msg("%s %s: %s", c->operation, c->arguments, f->error);
        if (c->error && (!f->error || !strstr(f->error, c->error)))
            fail_msg("%s %s: %s, not %s", c->operation, c->arguments, f->error ? f->error : "no error",
                     c->error);
    }
}

static void values(void **state)
{
    Fixture *f = *state;
    call(f, "write_memory", "[\"0x60000010\", \"78563412 ff\"]");
    call(f, "read_word", "[\"0x60000010\"]");
    assert_int_equal(json_integer_value(f->result), 0x12345678);
    call(f, "read_memory", "[\"0x60000010\", 5]");
    assert_string_equal(json_string_value(f->result), "78563412ff");
    call(f, "write_register", "[\"r8_fiq\", \"0xfedcba98\"]");
    call(f, "read_register", "[\"r8_fiq\"]");
    assert_int_equal(json_integer_value(f->result), 0xfedcba98);
    call(f, "read_register", "[\"r8\"]");
    assert_int_equal(json_integer_value(f->result), 0);
    call(f, "write_register", "[\"d1\", \"0x8000000000000001\"]");
    call(f, "read_register", "[\"d1\"]");
    assert_string_equal(json_string_value(f->result), "0x8000000000000001");
    call(f, "read_register", "[\"s2\"]");
    assert_int_equal(json_integer_value(f->result), 1);
    call(f, "write_register", "[\"pc\", \"0x60000000\", 1]");
    call(f, "read_register", "[\"pc\", 1]");
    assert_int_equal(json_integer_value(f->result), 0x60000000);
    call(f, "read_register", "[\"midr\"]");
    assert_int_equal(json_integer_value(f->result), 0x410fc091);
    call(f, "write_memory", "[\"0x60000000\", \"0100a0e1\"]");
    call(f, "disassemble", "[\"0x60000000\", 1, 0]");
    assert_string_equal(json_string_value(json_object_get(json_array_get(f->result, 0), "text")),
                        "mov r0, r1");
}

static char *words(const char *operation, unsigned count, const char **word)
{
    Error err;
    json_t *json = arguments_from_words(operation_find(operation), count, (char *const *)word, &err);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : strdup(err.text);
    json_decref(json);
    return text;
}

#define CHECK_WORDS(wanted, operation, ...)                                                                  \
    do {                                                                                                     \
        const char *list[] = {__VA_ARGS__};                                                                  \
        char *text = words(operation, sizeof list / sizeof *list, list);                                     \
        assert_string_equal(text, wanted);                                                                   \
        free(text);                                                                                          \
    } while (0)

static void command_lines(void **state)
{
    (void)state;
    CHECK_WORDS("{\"address\":\"0x100\",\"size\":\"4\"}", "read_memory", "0x100", "4");
    CHECK_WORDS("{\"address\":\"0x100\",\"cpu\":\"1\",\"size\":\"4\"}", "read_memory", "cpu=1", "0x100", "4");
    CHECK_WORDS("{\"text\":\"a\\r\\u0003=\"}", "send", "a\\r\\x03=");
    CHECK_WORDS("{\"text\":\"a=b\"}", "send", "a=b");
    CHECK_WORDS("{\"text\":[\"a\",\"b\"],\"timeout\":\"5\"}", "expect", "a", "timeout=5", "b");
    CHECK_WORDS("read_word: address is given twice", "read_word", "1", "address=2");
    CHECK_WORDS("read_word: too many arguments; use: read_word address [cpu=none]", "read_word", "1", "2",
                "3");
}

static void escapes(void **state)
{
    (void)state;
    char text[] = "\\r\\n\\t\\e\\x1B\\\\\\q\\x4\\", hostile[] = "a\x1b[2J\xff\xc2\x9b\tb\r\n\xc3\xa9";
    size_t length = text_unescape(text);
    assert_int_equal(length, 12);
    assert_memory_equal(text, "\r\n\t\x1b\x1b\\\\q\\x4\\", 12);
    char *shown = text_escaped(hostile, sizeof hostile - 1),
         *line = text_one_line(hostile, sizeof hostile - 1);
    assert_string_equal(shown, "a\\x1b[2J\\xff\\xc2\\x9b\tb\n\xc3\xa9");
    assert_string_equal(line, "a\\x1b[2J\\xff\\xc2\\x9b\\tb\\r\\n\xc3\xa9");
    free(shown);
    free(line);
}

/* ---- Conversations ----------------------------------------------------------------------------------- */

static void say(Fixture *f, const char *line, const char *reply)
{
    forget(f);
    rpc_line(f->rpc, line, strlen(line));
    if (!reply)
        assert_null(f->sent);
    else if (!f->sent || !strstr(f->sent, reply))
        fail_msg("%s: %s, not %s", line, f->sent ? f->sent : "nothing", reply);
}

#define REQUEST(id, method, params)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"

static void conversations(void **state)
{
    Fixture *f = *state;
    say(f, REQUEST("1", "version", "[]"), "\"id\":1,\"result\":\"");
    say(f, REQUEST("\"x\"", "version", "{}"), "\"id\":\"x\",\"result\":");
    say(f, "{\"jsonrpc\":\"2.0\",\"method\":\"version\"}", NULL);
    say(f, "", NULL);
    say(f, "{", "-32700");
    say(f, "5", "-32600");
    say(f, "{\"id\":1,\"method\":\"version\"}", "\"id\":1,\"error\":{\"code\":-32600");
    say(f, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"version\"}",
        "\"id\":null,\"error\":{\"code\":-32600");
    say(f, REQUEST("1", "version", "5"), "-32600");
    say(f, REQUEST("1", "nonsense", "[]"), "-32601");
    say(f, REQUEST("1", "read_word", "[]"), "-32602");
    say(f, REQUEST("1", "read_word", "[5000000000]"), "-32602");
    say(f, REQUEST("1", "device", "[\"x\"]"), "-32000");
    say(f, "{\"a\":1,\"a\":2}", "-32700");
    say(f, "[]", "the batch is empty");
    say(f, "[" REQUEST("1", "version", "[]") ",5," REQUEST("2", "nonsense", "[]") "]",
        "[{\"jsonrpc\":\"2.0\",\"id\":1");
    assert_non_null(strstr(f->sent, "-32600"));
    assert_non_null(strstr(f->sent, "-32601"));
    char deep[200] = "", *at = deep;
    for (unsigned n = 0; n < 100; n++)
        *at++ = '[';
    say(f, deep, "nested too deeply");
}

static void waiting_and_cancelling(void **state)
{
    Fixture *f = *state;
    say(f, REQUEST("7", "expect", "[\"never\", 0]"), NULL);
    say(f, REQUEST("8", "version", "[]"), "\"id\":8"); /* others go on */
    say(f, REQUEST("9", "cancel", "[7]"), "\"id\":7,\"error\":{\"code\":-32001");
    assert_non_null(strstr(f->sent, "\"id\":9,\"result\":true"));
    say(f, REQUEST("10", "cancel", "[7]"), "\"id\":10,\"result\":false");
    /* A batch with a call that waits is answered when that has ended. */
    say(f, "[" REQUEST("1", "expect", "[\"never\", 0]") "," REQUEST("2", "version", "[]") "]", NULL);
    say(f, REQUEST("3", "cancel", "{\"id\": 1}"), "[{\"jsonrpc\":\"2.0\",\"id\":2");
    for (unsigned n = 0; n < RPC_WAITING_MOST; n++)
        say(f, REQUEST("7", "expect", "[\"never\", 0]"), NULL);
    say(f, REQUEST("8", "version", "[]"), "-32002");
}

static void events(void **state)
{
    Fixture *f = *state;
    SessionEvent output = {.kind = SESSION_OUTPUT, .port = 1, .data = (const uint8_t *)"a\xff", .length = 2};
    SessionEvent stopped = {.kind = SESSION_STOPPED, .code = 5, .text = "why"};
    rpc_event(f->rpc, &output);
    assert_null(f->sent);
    say(f, REQUEST("1", "subscribe", "[[\"output\", \"nonsense\"]]"), "there is no event nonsense");
    say(f, REQUEST("1", "subscribe", "[[\"output\", \"stopped\"]]"), "null");
    forget(f);
    rpc_event(f->rpc, &output);
    assert_string_equal(
        f->sent,
        "{\"jsonrpc\":\"2.0\",\"method\":\"output\",\"params\":{\"port\":1,\"text\":\"a\xef\xbf\xbd\","
        "\"hex\":\"61ff\"}}\n");
    forget(f);
    rpc_event(f->rpc, &stopped);
    assert_non_null(strstr(f->sent, "\"method\":\"stopped\",\"params\":{\"code\":5,\"text\":\"why\"}"));
    say(f, REQUEST("1", "unsubscribe", "[\"all\"]"), "null");
    forget(f);
    rpc_event(f->rpc, &output);
    assert_null(f->sent);
}

/* ---- The kernel's messages --------------------------------------------------------------------------- */

typedef struct Console {
    KernelLines *lines;
    char text[4096];
    size_t length;
    uint64_t now;
} Console;

static void print(Console *c, const char *text)
{
    for (; *text; text++) {
        kernel_lines_feed(c->lines, c->length, (uint8_t)*text, c->now);
        c->text[c->length++] = *text;
        c->now += 1000;
    }
}

static void kernel_messages(void **state)
{
    (void)state;
    Console c = {.lines = kernel_lines_new(), .now = 3000000000};
    print(&c,
          "[    0.000000] Booting\r\n[    0.000000] Linux\r\n"); /* kept back until the console was there */
    c.now = 4000000000;                                          /* the kernel began at 2.9 */
    print(&c, "[    1.100000] one\r\n");
    c.now = 4200000000;
    print(&c, "[    1.300000] two\r\n");
    size_t begin = c.length;
    c.now = 5000000000;
    print(&c, "out[    2.100000] message\r\nput\r\n[    1.300000] two\r\n");
    print(&c, "[    2.100000] message\r\n[x] [  5.1] [   99.000000] no\r\n"); /* as from dmesg */
    c.now = 5100000000;
    print(&c, "[    2.200000] a\r\n[    2.200000] b\r\nend\r\n[    2.200000] b\r\n");
    char text[4096];
    memcpy(text, c.text + begin, c.length - begin);
    size_t left = kernel_lines_strip(c.lines, begin, text, c.length - begin);
    text[left] = 0;
    assert_string_equal(
        text, "output\r\n[    1.300000] two\r\n[    2.100000] message\r\n[x] [  5.1] [   99.000000] no\r\n"
              "end\r\n[    2.200000] b\r\n");
    kernel_lines_free(c.lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_makes_sense),
        cmocka_unit_test_setup_teardown(defaults_convert, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(values, setup, teardown),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(escapes),
        cmocka_unit_test_setup_teardown(conversations, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_and_cancelling, setup, teardown),
        cmocka_unit_test_setup_teardown(events, setup, teardown),
        cmocka_unit_test(kernel_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
