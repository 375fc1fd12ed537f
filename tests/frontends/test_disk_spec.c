/* What --disk takes, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "frontends/disk_spec.h"

static void test_whole(void **state)
{
    (void)state;
    DiskSpec spec;
    assert_true(
        disk_spec_parse(&spec, "a,,b.img,overlay=c,,d,if=sd,serial=A B,,1,name=root-1.x,format=raw", NULL));
    assert_string_equal(spec.file, "a,b.img");
    assert_string_equal(spec.overlay, "c,d");
    assert_false(spec.temporary || spec.read_only);
    assert_true(spec.raw);
    assert_int_equal(spec.bus, DISK_BUS_SD);
    assert_string_equal(spec.serial, "A B,1");
    assert_string_equal(spec.name, "root-1.x");
    disk_spec_free(&spec);
    assert_true(disk_spec_parse(&spec, "nbd+unix:///x?socket=/tmp/s,ro", NULL));
    assert_string_equal(spec.file, "nbd+unix:///x?socket=/tmp/s");
    assert_true(spec.read_only);
    assert_null(spec.overlay);
    assert_null(spec.name);
    disk_spec_free(&spec);
    assert_true(disk_spec_parse(&spec, "a,overlay=b,overlay=temp", NULL));
    assert_true(spec.temporary);
    assert_null(spec.overlay);
    disk_spec_free(&spec);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"",                                           "give a file"   },
        {",ro",                                        "give a file"   },
        {"a,",                                         "of no name"    },
        {"a,rw",                                       "no option rw"  },
        {"a,if=ide",                                   "if=virtio"     },
        {"a,overlay=",                                 "overlay=PATH"  },
        {"a,serial=",                                  "1 to 20"       },
        {"a,serial=123456789012345678901",             "1 to 20"       },
        {"a,serial=\xc3\xa4",                          "ASCII"         },
        {"a,name=1",                                   "a letter"      },
        {"a,name=x/y",                                 "a letter"      },
        {"a,name=abcdefghijklmnopqrstuvwxyzabcdefghi", "a letter"      },
        {"a,format=qcow2",                             "format=raw"    },
        {"a,ro,overlay=temp",                          "ro and overlay"},
        {"nbd:/a,format=raw",                          "raw anyway"    },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        DiskSpec spec;
        Error err = {""};
        bool ok = disk_spec_parse(&spec, cases[n].text, &err);
        disk_spec_free(&spec);
        if (ok || !strstr(err.text, cases[n].why))
            fail_msg("%s: %s, not %s", cases[n].text, ok ? "accepted" : err.text, cases[n].why);
    }
}

static void test_move(void **state)
{
    (void)state;
    static const struct {
        const char *text, *moved;
    } cases[] = {
        {"a.img",                         "/f,,g/a.img"                        },
        {"/a.img,overlay=b,ro",           "/a.img,overlay=/f,,g/b,ro"          },
        {"a,,b,overlay=temp,serial=x,,y", "/f,,g/a,,b,overlay=temp,serial=x,,y"},
        {"a,overlay=/b",                  "/f,,g/a,overlay=/b"                 },
        {"nbd:/sock",                     "nbd:/sock"                          },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        char *moved = disk_spec_move(cases[n].text, "/f,g");
        assert_string_equal(moved, cases[n].moved);
        free(moved);
    }
}

/* The plain argument: by contents, and with options behind it. */
static void test_plain(void **state)
{
    (void)state;
    static uint8_t sector[2048];
    char path[] = "/tmp/armature,spec-XXXXXX", text[200];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, sector, sizeof sector, 0), sizeof sector);
    assert_null(disk_spec_of_plain(path));
    memcpy(sector + 512, "EFI PART", 8);
    assert_int_equal(pwrite(fd, sector, sizeof sector, 0), sizeof sector);
    char *value = disk_spec_of_plain(path);
    assert_non_null(value);
    DiskSpec spec;
    assert_true(disk_spec_parse(&spec, value, NULL));
    assert_string_equal(spec.file, path);
    disk_spec_free(&spec);
    snprintf(text, sizeof text, "%s,overlay=temp", value);
    free(value);
    value = disk_spec_of_plain(text);
    assert_string_equal(value, text);
    free(value);
    sector[0x24] = 0x18, sector[0x25] = 0x28, sector[0x26] = 0x6f, sector[0x27] = 0x01; /* a zImage */
    assert_int_equal(pwrite(fd, sector, sizeof sector, 0), sizeof sector);
    assert_null(disk_spec_of_plain(path));
    assert_null(disk_spec_of_plain("/nowhere,overlay=temp"));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_move), cmocka_unit_test(test_plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
