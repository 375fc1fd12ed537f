/* What --serial takes, and the name of the escape key. */
#include "frontends/escape_key.h"
#include "frontends/serial_spec.h"
#include "tests/frontends/spec_cases.h"

static void test_accepted(void **state)
{
    static const struct {
        const char *text;
        SerialSpec want;
    } cases[] = {
        {"stdio",                          {.kind = SERIAL_STDIO}                                                   },
        {"none",                           {.kind = SERIAL_NONE}                                                    },
        {"null",                           {.kind = SERIAL_NONE}                                                    },
        {"pty",                            {.kind = SERIAL_PTY}                                                     },
        {"pty:/tmp/a:b",                   {.kind = SERIAL_PTY, .path = "/tmp/a:b"}                                 },
        {"pty,keep",                       {.kind = SERIAL_PTY, .keep = true}                                       },
        {"file:log",                       {.kind = SERIAL_FILE, .path = "log"}                                     },
        {"file:a,,b,append",               {.kind = SERIAL_FILE, .path = "a,b", .append = true}                     },
        {"file:a,,,append",                {.kind = SERIAL_FILE, .path = "a,", .append = true}                      },
        {"unix:/run/x",                    {.kind = SERIAL_UNIX, .path = "/run/x"}                                  },
        {"unix:x,server,nowait",           {.kind = SERIAL_UNIX, .path = "x"}                                       },
        {"unix:x,wait,keep",               {.kind = SERIAL_UNIX, .path = "x", .wait = true, .keep = true}           },
        {"tcp-listen:4000",                {.kind = SERIAL_TCP_LISTEN, .service = "4000"}                           },
        {"tcp-listen::0",                  {.kind = SERIAL_TCP_LISTEN, .service = "0"}                              },
        {"tcp-listen:0.0.0.0:4000,wait",
         {.kind = SERIAL_TCP_LISTEN, .host = "0.0.0.0", .service = "4000", .wait = true}                            },
        {"tcp-listen:[::1]:65535",         {.kind = SERIAL_TCP_LISTEN, .host = "::1", .service = "65535"}           },
        {"tcp::4000,server,nowait",        {.kind = SERIAL_TCP_LISTEN, .service = "4000"}                           },
        {"tcp:4000,server",                {.kind = SERIAL_TCP_LISTEN, .service = "4000"}                           },
        {"tcp:localhost:4000,server,wait",
         {.kind = SERIAL_TCP_LISTEN, .host = "localhost", .service = "4000", .wait = true}                          },
        {"tcp:localhost:4000",             {.kind = SERIAL_TCP_CONNECT, .host = "localhost", .service = "4000"}     },
        {"tcp::4000",                      {.kind = SERIAL_TCP_CONNECT, .service = "4000"}                          },
        {"tcp:h:1,reconnect=5",            {.kind = SERIAL_TCP_CONNECT, .host = "h", .service = "1", .reconnect = 5}},
    };
    (void)state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        SerialSpec spec;
        const SerialSpec *want = &cases[n].want;
        Error err;
        expect_accepted(serial_spec_parse(&spec, cases[n].text, &err), cases[n].text, &err);
        if (spec.kind != want->kind || spec.append != want->append || spec.wait != want->wait ||
            spec.keep != want->keep || spec.reconnect != want->reconnect)
            fail_msg("%s was misunderstood", cases[n].text);
        expect_text(spec.path, want->path);
        expect_text(spec.host, want->host);
        expect_text(spec.service, want->service);
        serial_spec_free(&spec);
        assert_true(serial_backend_check(cases[n].text, &err));
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                            "give stdio"            },
        {"std",                         "give stdio"            },
        {"tcpx:1",                      "give stdio"            },
        {":",                           "give stdio"            },
        {"stdio:",                      "write just stdio"      },
        {"stdio,keep",                  "stdio takes no options"},
        {"none:x",                      "write just none"       },
        {"null,",                       "null takes no options" },
        {"file",                        "write it as file:PATH" },
        {"file:",                       "write it as file:PATH" },
        {"file:,append",                "write it as file:PATH" },
        {"file:a,apend",                "no option apend"       },
        {"file:a,",                     "has no option"         },
        {"file:a,wait",                 "no option wait"        },
        {"file:a,append=1",             "no option append=1"    },
        {"pty:",                        "pty:LINK"              },
        {"pty:x,wait",                  "no option wait"        },
        {"unix:",                       "write it as unix:PATH" },
        {"unix:x,append",               "no option append"      },
        {"unix:x,reconnect=1",          "no option reconnect=1" },
        {"tcp-listen:",                 "tcp-listen:PORT"       },
        {"tcp-listen:host",             "give a port number"    },
        {"tcp-listen:host:",            "give a port number"    },
        {"tcp-listen:65536",            "give a port number"    },
        {"tcp-listen:-1",               "give a port number"    },
        {"tcp-listen:1x",               "give a port number"    },
        {"tcp-listen:::1:4000",         "in brackets"           },
        {"tcp-listen:[::1:4000",        "in brackets"           },
        {"tcp-listen:4000,reconnect=1", "no option reconnect=1" },
        {"tcp:host",                    "give a port number"    },
        {"tcp:4000",                    "give a port number"    },
        {"tcp:host:0",                  "only for listening"    },
        {"tcp:host:1,wait",             "others connect to"     },
        {"tcp:host:1,keep",             "others connect to"     },
        {"tcp:host:1,reconnect=0",      "reconnect= seconds"    },
        {"tcp:host:1,reconnect=",       "reconnect= seconds"    },
        {"tcp:host:1,reconnect=-5",     "reconnect= seconds"    },
        {"tcp:host:1,reconnect=9999",   "reconnect= seconds"    },
        {"tcp:host:1,reconnect",        "no option reconnect"   },
        {"tcp::1,server,reconnect=5",   "reconnect is for"      },
    };
    (void)state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        Error err = {""};
        expect_refused(serial_backend_check(cases[n].text, &err), cases[n].text, &err, cases[n].message);
    }
}

/* A socket's path has room for 107 characters. */
static void test_long_socket_path(void **state)
{
    char text[256] = "unix:";
    Error err;
    (void)state;
    memset(text + 5, 'x', 107);
    text[5 + 107] = 0;
    assert_true(serial_backend_check(text, &err));
    strcat(text, "x");
    assert_false(serial_backend_check(text, &err));
    assert_non_null(strstr(err.text, "too long"));
}

/* Whatever is typed is refused or understood: memory errors would show under sanitizers. */
static void test_all_short_texts(void **state)
{
    static const char *const pieces[] = {"tcp", "file", "pty", ":", ",",    ",,",
                                         "[",   "]",    "1",   "=", "keep", "-listen"};
    enum { PIECES = sizeof pieces / sizeof *pieces };
    unsigned good = 0;
    (void)state;
    for (unsigned n = 0; n < PIECES * PIECES * PIECES * PIECES; n++) {
        char text[64] = "";
        Error err = {""};
        for (unsigned left = n, k = 0; k < 4; k++, left /= PIECES)
            strcat(text, pieces[left % PIECES]);
        bool ok = serial_backend_check(text, &err);
        good += ok;
        assert_true(ok || err.text[0]);
    }
    assert_true(good > 10);
}

static void test_escape_key(void **state)
{
    static const struct {
        const char *text;
        int key;
        const char *name;
    } cases[] = {
        {"ctrl-a", 1,    "Ctrl-A"},
        {"Ctrl-A", 1,    "Ctrl-A"},
        {"^t",     20,   "Ctrl-T"},
        {"C-]",    0x1d, "Ctrl-]"},
        {"ctrl+_", 0x1f, "Ctrl-_"},
        {"none",   -1,   "none"  },
    };
    static const char *const wrong[] = {"", "a", "ctrl-", "ctrl-ab", "^", "^1", "^@", "alt-x", "nonesuch"};
    char name[ESCAPE_KEY_NAME];
    Error err;
    int key;
    (void)state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        assert_true(escape_key_parse(cases[n].text, &key, &err));
        assert_int_equal(key, cases[n].key);
        escape_key_name(key, name);
        assert_string_equal(name, cases[n].name);
    }
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++)
        assert_false(escape_key_parse(wrong[n], &key, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_socket_path), cmocka_unit_test(test_all_short_texts),
        cmocka_unit_test(test_escape_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
