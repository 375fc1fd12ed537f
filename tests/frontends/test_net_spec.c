/* What --net and --forward take. */
#include "frontends/net_spec.h"
#include "tests/frontends/spec_cases.h"

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        NetSpec want;
    } cases[] = {
        {"user",                                             {.kind = NET_USER}                                     },
        {"none",                                             {.kind = NET_NONE}                                     },
        {"switch:/run/a:b",                                  {.kind = NET_SWITCH, .path = "/run/a:b"}               },
        {"switch:a,,b,mtu=9000",                             {.kind = NET_SWITCH, .path = "a,b", .mtu = 9000}       },
        {"tap:tap0,model=lan9118",                           {.kind = NET_TAP, .path = "tap0", .model = NET_LAN9118}},
        {"user,model=virtio,restrict,mac=02:00:00:0a:0B:0c",
         {.kind = NET_USER, .restricted = true, .has_mac = true, .mac = {2, 0, 0, 10, 11, 12}}                      },
        {"user,mtu=68,pcap=x,,y,tftp=/srv,bootfile=z",
         {.kind = NET_USER, .mtu = 68, .pcap = "x,y", .tftp = "/srv", .bootfile = "z"}                              },
        {"hub",                                              {.kind = NET_HUB, .path = ""}                          },
        {"hub:a,,b,model=lan9118",                           {.kind = NET_HUB, .path = "a,b", .model = NET_LAN9118} },
        {"user,pcap=a,pcap=b",                               {.kind = NET_USER, .pcap = "b"}                        },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        NetSpec spec;
        const NetSpec *want = &cases[n].want;
        Error err;
        expect_accepted(net_spec_parse(&spec, cases[n].text, &err), cases[n].text, &err);
        if (spec.kind != want->kind || spec.model != want->model || spec.restricted != want->restricted ||
            spec.has_mac != want->has_mac || spec.mtu != want->mtu ||
            memcmp(spec.mac, want->mac, NET_MAC) != 0)
            fail_msg("%s was misunderstood", cases[n].text);
        expect_text(spec.path, want->path);
        expect_text(spec.pcap, want->pcap);
        expect_text(spec.tftp, want->tftp);
        expect_text(spec.bootfile, want->bootfile);
        net_spec_free(&spec);
    }
}

static void test_refused_networks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                              "give user, switch:PATH"      },
        {"usr",                           "give user, switch:PATH"      },
        {"user:x",                        "write just user"             },
        {"none:",                         "write just none"             },
        {"switch",                        "switch:PATH"                 },
        {"switch:",                       "switch:PATH"                 },
        {"tap:",                          "tap:NAME"                    },
        {"tap:a/b",                       "at most 15"                  },
        {"tap:sixteenletters16",          "at most 15"                  },
        {"user,",                         "no option \"\""              },
        {"user,fast",                     "no option \"fast\""          },
        {"user,model",                    "model needs a value"         },
        {"user,model=e1000",              "model=virtio"                },
        {"user,restrict=yes",             "restrict takes no value"     },
        {"switch:x,restrict",             "is for the user-mode network"},
        {"hub,restrict",                  "is for the user-mode network"},
        {"tap:x,tftp=/",                  "is for the user-mode network"},
        {"user,mac=1:2:3:4:5:6",          "give a hardware address"     },
        {"user,mac=02:00:00:00:00:0g",    "give a hardware address"     },
        {"user,mac=02:00:00:00:00:01:02", "give a hardware address"     },
        {"user,mac=01:00:00:00:00:01",    "address of a group"          },
        {"user,mtu=67",                   "give mtu="                   },
        {"user,mtu=65522",                "give mtu="                   },
        {"user,mtu=-1",                   "give mtu="                   },
        {"user,model=lan9118,mtu=9000",   "leave mtu= out"              },
        {"user,pcap=",                    "needs a name"                },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        NetSpec spec;
        Error err;
        expect_refused(net_spec_parse(&spec, cases[n].text, &err), cases[n].text, &err, cases[n].message);
        net_spec_free(&spec);
    }
}

static void test_forwards(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        NetForward want;
    } cases[] = {
        {"tcp:2222:22",                    {false, "127.0.0.1", 2222, "", 22}        },
        {"udp:53:5353",                    {true, "127.0.0.1", 53, "", 5353}         },
        {"tcp:0:22",                       {false, "127.0.0.1", 0, "", 22}           },
        {"tcp:0.0.0.0:80:8080",            {false, "0.0.0.0", 80, "", 8080}          },
        {"tcp::80:8080",                   {false, "0.0.0.0", 80, "", 8080}          },
        {"tcp:10.0.0.1:80:10.0.2.16:8080", {false, "10.0.0.1", 80, "10.0.2.16", 8080}},
        {"tcp:127.0.0.1:80::8080",         {false, "127.0.0.1", 80, "", 8080}        },
        {"tcp:[::1]:80:[fec0::15]:8080",   {false, "::1", 80, "fec0::15", 8080}      },
        {"tcp:80:[fec0::15]:8080",         {false, "::1", 80, "fec0::15", 8080}      },
        {"tcp:2222",                       {false, "127.0.0.1", 2222, "", 0}         },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        NetForward forward;
        const NetForward *want = &cases[n].want;
        Error err;
        expect_accepted(net_forward_parse(&forward, cases[n].text, &err), cases[n].text, &err);
        if (forward.udp != want->udp || forward.host_port != want->host_port ||
            forward.guest_port != want->guest_port)
            fail_msg("%s was misunderstood", cases[n].text);
        assert_string_equal(forward.host, want->host);
        assert_string_equal(forward.guest, want->guest);
    }
}

static void test_refused_forwards(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "2222:22",
                                        "sctp:1:2",
                                        "tcp",
                                        "tcp:",
                                        "tcp:x:22",
                                        "tcp:65536:22",
                                        "tcp:1:65536",
                                        "tcp:1:2:3",
                                        "tcp:localhost:1:2",
                                        "tcp:1:2:3:4",
                                        "tcp:127.0.0.1:1:10.0.2.15:2:3",
                                        "tcp:[::1:1:2",
                                        "tcp:[::1]x:1:2",
                                        "tcp:300.0.0.1:1:2"};
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        NetForward forward;
        Error err = {""};
        expect_refused(net_forward_parse(&forward, cases[n], &err), cases[n], &err, "");
        assert_true(strlen(err.text) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_refused_networks),
        cmocka_unit_test(test_forwards),
        cmocka_unit_test(test_refused_forwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
