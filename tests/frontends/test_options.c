/* The command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/options.h"

static Options options;
static Error err;

/* Parses a command line given as one text, words separated by blanks. */
static bool parse(const char *text)
{
    static char copy[1024];
    static char *argv[64] = {"armature"};
    int argc = 1;
    strncpy(copy, text, sizeof copy - 1);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return options_parse(&options, argc, argv, &err);
}

static void accepted(const char *text)
{
    if (!parse(text))
        fail_msg("\"%s\" was refused: %s", text, err.text);
}

static void refused(const char *text, const char *message)
{
    if (parse(text))
        fail_msg("\"%s\" was accepted", text);
    if (!strstr(err.text, message))
        fail_msg("\"%s\" is not in \"%s\"", message, err.text);
    assert_null(strchr(err.text, '\n'));
}

static void test_defaults(void **state)
{
    (void)state;
    accepted("");
    assert_int_equal(options.machine.cpus, 1);
    assert_int_equal(options.machine.memory, 1u << 30);
    assert_null(options.boot.kernel);
    assert_string_equal(options.serial[0], "stdio");
    assert_string_equal(options.serial[1], "none");
    assert_true(options.machine.rtc_base > 1700000000);
}

static void test_everything(void **state)
{
    (void)state;
    accepted(
        "--kernel k --initrd=i --dtb d --append a=b --load x@0x1000 --load=y@z@4096 --entry 0x60000001 "
        "--memory 256M "
        "--cpus 4 --flash0 f0 --flash1 f1 --serial file:log --serial stdio --log guest,irq --log-file l");
    assert_string_equal(options.boot.kernel, "k");
    assert_string_equal(options.boot.initrd, "i");
    assert_string_equal(options.boot.dtb, "d");
    assert_string_equal(options.boot.append, "a=b");
    assert_int_equal(options.boot.load_count, 2);
    assert_string_equal(options.boot.load[0].path, "x");
    assert_int_equal(options.boot.load[0].address, 0x1000);
    assert_string_equal(options.boot.load[1].path, "y@z");
    assert_int_equal(options.boot.load[1].address, 4096);
    assert_true(options.boot.has_entry);
    assert_int_equal(options.boot.entry, 0x60000001);
    assert_int_equal(options.machine.memory, 256 << 20);
    assert_int_equal(options.machine.cpus, 4);
    assert_string_equal(options.machine.flash[0], "f0");
    assert_string_equal(options.machine.flash[1], "f1");
    assert_string_equal(options.serial[0], "file:log");
    assert_string_equal(options.serial[1], "stdio");
    assert_string_equal(options.serial[2], "none");
    assert_string_equal(options.log_kinds, "guest,irq");
    assert_string_equal(options.log_file, "l");
}

static void test_kernel_as_plain_argument(void **state)
{
    (void)state;
    accepted("zImage --cpus 2");
    assert_string_equal(options.boot.kernel, "zImage");
    accepted("-- --odd-name");
    assert_string_equal(options.boot.kernel, "--odd-name");
    refused("one two", "two kernels: one and two");
}

static void test_sizes(void **state)
{
    (void)state;
    accepted("--memory 512"); /* MiB, as elsewhere */
    assert_int_equal(options.machine.memory, 512 << 20);
    accepted("--memory 1g");
    assert_int_equal(options.machine.memory, 1 << 30);
    accepted("--memory 65536K");
    assert_int_equal(options.machine.memory, 64 << 20);
    refused("--memory 2G", "at most 1G");
    refused("--memory 1000K", "multiple of 1M");
    refused("--memory 0", "multiple of 1M");
    refused("--memory x", "give a size");
    refused("--memory 1GB", "give a size");
    refused("--memory 99999999999999999999", "give a size");
    refused("--memory -1", "give a size");
}

static void test_rtc(void **state)
{
    (void)state;
    accepted("--rtc 1000");
    assert_int_equal(options.machine.rtc_base, 1000);
    accepted("--rtc 2025-01-31");
    assert_int_equal(options.machine.rtc_base, 1738281600);
    accepted("--rtc 2025-01-31T12:00:05");
    assert_int_equal(options.machine.rtc_base, 1738281600 + 12 * 3600 + 5);
    accepted("--deterministic"); /* the same date in every run */
    assert_true(options.machine.deterministic);
    assert_int_equal(options.machine.rtc_base, 1735689600);
    accepted("--deterministic --rtc 5");
    assert_int_equal(options.machine.rtc_base, 5);
    refused("--rtc yesterday", "--rtc yesterday: give");
    refused("--rtc 2025-01-31T", "give");
    refused("--rtc -5", "give");
    refused("--rtc 99999999999", "give");
}

static void test_bad_values(void **state)
{
    (void)state;
    refused("--cpus 0", "1 to 4 CPUs");
    refused("--cpus 5", "1 to 4 CPUs");
    refused("--cpus 1x", "1 to 4 CPUs");
    refused("--load file", "give a file and an address");
    refused("--load @0x100", "give a file and an address");
    refused("--load file@zero", "give a file and an address");
    refused("--load file@0x100000000", "give a file and an address");
    refused("--entry here", "give an address");
    refused("--serial tcp:1", "give stdio, none or file:PATH");
    refused("--serial file:", "give stdio, none or file:PATH");
    refused("--serial stdio --serial stdio", "only one");
    refused("--serial none --serial none --serial none --serial none --serial none", "4 serial ports");
    refused("--cpus", "--cpus needs a value");
    refused("--help=x", "takes no value");
    refused(
        "--load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 "
        "--load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0 --load a@0",
        "at most 16");
}

static void test_unknown_options(void **state)
{
    (void)state;
    refused("--kernal x", "no option --kernal; did you mean --kernel?");
    refused("--memmory=1G", "no option --memmory; did you mean --memory?");
    refused("-m 256", "did you mean --memory?");
    refused("-smp 4", "did you mean --cpus?");
    refused("--frobnicate", "no option --frobnicate; armature --help lists them all");
    refused("--a-very-long-option-name-that-no-program-has-ever-had-nor-will-have-in-its-table x", "--help");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_kernel_as_plain_argument),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_rtc),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
