/* What --share takes, and what it says of what it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/share_spec.h"

static void test_right(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned number;
        ShareSpec spec;
    } cases[] = {
        {"/home/me",                  0, {.path = "/home/me", .tag = "share"}                                         },
        {"x",                         1, {.path = "x", .tag = "share1"}                                               },
        {"x,ro",                      3, {.path = "x", .tag = "share3", .read_only = true}                            },
        {"a,,b,,,name=My-tag_1.x,rw", 0, {.path = "a,b,", .tag = "My-tag_1.x"}                                        },
        {"x,owner=5",                 0, {.path = "x", .tag = "share", .has_owner = true, .uid = 5, .gid = 5}         },
        {"x,owner=0:4294967294",
         0,                              {.path = "x", .tag = "share", .has_owner = true, .uid = 0, .gid = 4294967294}},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        ShareSpec spec;
        Error err = {""};
        if (!share_spec_parse(&spec, cases[n].text, cases[n].number, &err))
            fail_msg("%s: %s", cases[n].text, err.text);
        const ShareSpec *want = &cases[n].spec;
        assert_string_equal(spec.path, want->path);
        assert_string_equal(spec.tag, want->tag);
        assert_int_equal(spec.read_only, want->read_only);
        assert_int_equal(spec.has_owner, want->has_owner);
        assert_int_equal(spec.uid, want->uid);
        assert_int_equal(spec.gid, want->gid);
        share_spec_free(&spec);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"",                                        "give a folder"       },
        {",ro",                                     "give a folder"       },
        {"x,",                                      "no option of no name"},
        {"x,rx",                                    "no option rx"        },
        {"x,name=",                                 "1 to 31 characters"  },
        {"x,name=a b",                              "letters, digits and" },
        {"x,name=12345678901234567890123456789012", "1 to 31 characters"  },
        {"x,owner=",                                "owner=1000:1000"     },
        {"x,owner=1:",                              "owner=1000:1000"     },
        {"x,owner=me",                              "owner=1000:1000"     },
        {"x,owner=1:2:3",                           "owner=1000:1000"     },
        {"x,owner=4294967295",                      "owner=1000:1000"     },
        {"x,owner=-1",                              "owner=1000:1000"     },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        ShareSpec spec;
        Error err = {""};
        if (share_spec_parse(&spec, cases[n].text, 0, &err) || !strstr(err.text, cases[n].says))
            fail_msg("%s: \"%s\", not \"...%s...\"", cases[n].text, err.text, cases[n].says);
        share_spec_free(&spec);
    }
}

static void test_names_differ(void **state)
{
    (void)state;
    Error err;
    const char *right[] = {"x", "x", "x,name=two", "x"};
    const char *wrong[] = {"x,name=share1", "y"};
    for (unsigned n = 1; n <= 4; n++)
        assert_true(share_specs_check(right, n, &err));
    assert_true(share_specs_check(wrong, 1, &err));
    assert_false(share_specs_check(wrong, 2, &err));
    assert_string_equal(err.text, "two shares have the name share1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
