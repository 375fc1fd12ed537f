/* The command line. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/option_table.h"

static Options options;
static Error err;

/* Parses a command line given as one text, words separated by blanks. */
static bool parse(const char *text)
{
    static char copy[1024];
    static char *argv[64] = {"armature"};
    int argc = 1;
    options_free(&options);
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
    assert_int_equal(options.boot.display.width, 1024);
    assert_int_equal(options.boot.display.height, 768);
    assert_int_equal(options.boot.display.bits, 16);
    assert_null(options.boot.kernel);
    assert_string_equal(options.serial[0], "stdio");
    assert_string_equal(options.serial[1], "none");
    assert_true(options.machine.rtc_base > 1700000000);
}

static void test_everything(void **state)
{
    (void)state;
    accepted(
        "--kernel k --initrd=i --dtb d --append a=b --load x@0x1000 --load=y@z@4096 --load was.snap "
        "--hash-at 7 --entry 0x60000001 "
        "--memory 256M "
        "--cpus 4 --flash0 f0 --flash1 f1 --serial file:log --serial stdio --log guest,irq --log-file l");
    assert_string_equal(options.boot.kernel, "k");
    assert_string_equal(options.boot.initrd, "i");
    assert_string_equal(options.boot.dtb, "d");
    assert_string_equal(options.boot.append, "a=b");
    assert_int_equal(options.boot.load_count, 2);
    assert_string_equal(options.snapshot, "was.snap");
    assert_int_equal(options.hash_at[0], 7);
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

static void test_display_size(void **state)
{
    (void)state;
    static const char *const no_sizes[] = {
        "",         "x",      "1024",    "1024x",        "x768", "1024x768x",   "1024x768x16x",
        "1024*768", "-1x768", "1024x-1", "00001024x768", "None", "99999x99999", "1024x768x00016"};
    accepted("--display-size 800x600");
    assert_int_equal(options.boot.display.width, 800);
    assert_int_equal(options.boot.display.height, 600);
    assert_int_equal(options.boot.display.bits, 16);
    accepted("--display-size 1024X1024x32");
    assert_int_equal(options.boot.display.height, 1024);
    assert_int_equal(options.boot.display.bits, 32);
    accepted("--display-size 640x480 --display-size none");
    assert_int_equal(options.boot.display.width, 0);
    refused("--display-size 1280x1024", "at most 1024x1024 pixels; --gpu virtio");
    refused("--display-size 1024x1025", "at most 1024x1024");
    refused("--display-size 304x200", "at least 320x200");
    refused("--display-size 320x199", "at least 320x200");
    refused("--display-size 1000x700", "counts in 16 pixels: give 992x700 or 1008x700");
    refused("--display-size 800x600x24", "16 or 32 bits, as in 800x600x16");
    refused("--display-size 0x0", "at least");
    for (unsigned n = 0; n < sizeof no_sizes / sizeof *no_sizes; n++) {
        char line[64];
        snprintf(line, sizeof line, "--display-size=%s", no_sizes[n]);
        refused(line, "give a size, as in 1024x768");
    }
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
    accepted("--rtc frozen");
    assert_true(options.rtc_frozen && !options.rtc_host && options.machine.rtc_base > 1700000000);
    accepted("--deterministic --rtc frozen");
    assert_int_equal(options.machine.rtc_base, 1735689600);
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
    refused("--hash-at x", "give a number of instructions");
    refused("--load @0x100", "give a file and an address");
    refused("--load file@zero", "give a file and an address");
    refused("--load file@0x100000000", "give a file and an address");
    refused("--entry here", "give an address");
    refused("--serial tcp:1", "--serial tcp:1: give a port number");
    refused("--serial serial.log", "--serial serial.log: give stdio, none, pty, file:PATH");
    refused("--serial file:", "--serial file:: write it as file:PATH");
    refused("--serial stdio --serial stdio", "only one");
    refused("--serial none --serial none --serial none --serial none --serial none", "4 serial ports");
    refused("--cpus", "--cpus needs a value");
    refused("--no-cpus=x", "takes no value");
    refused("--no-deterministic=no", "takes no value");
    refused("--deterministic=perhaps", "--deterministic=perhaps: give yes or no");
    refused("--timeout 1s", "--timeout 1s: give seconds, as in --timeout 30 or --timeout 0.5");
    refused("--timeout -1", "give seconds");
    refused("--timeout .5", "give seconds");
    refused("--timeout 1.", "give seconds");
    refused("--timeout 1e3", "give seconds");
    refused("--timeout 9999999999", "give seconds");
    refused("--watchdog 1.5", "give whole seconds");
    refused("--status-fd x", "file descriptor");
    refused("--escape-key a", "--escape-key a: give a key");
    refused("--until 1 --until 2 --until 3 --until 4 --until 5 --until 6 --until 7 --until 8 --until 9",
            "at most 8");
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
    refused("-d guest", "did you mean --log?");
    refused("--no-rebot", "did you mean --no-reboot?");
    refused("-append x", "did you mean --append?");
    refused("-c x", "did you mean --config?");
    refused("--a-very-long-option-name-that-no-program-has-ever-had-nor-will-have-in-its-table x", "--help");
}

static void test_new_fields(void **state)
{
    (void)state;
    accepted(
        "--until login: --until $ --send root --timeout 1.25 --no-reboot --semihosting --semihosting-dir d "
        "--test-device --gpu virtio --watchdog 0 --ignore-panic --symbols vmlinux --stats --list-unmodelled "
        "--log irq "
        "--log-filter uart0 --control sock --status-fd 5 --escape-key ctrl-]");
    assert_int_equal(options.until_count, 2);
    assert_string_equal(options.until[1], "$");
    assert_string_equal(options.send, "root");
    assert_int_equal(options.timeout_ns, 1250000000);
    assert_true(options.no_reboot);
    assert_true(options.semihosting);
    assert_string_equal(options.semihosting_dir, "d");
    assert_true(options.test_device);
    assert_true(options.machine.gpu);
    assert_int_equal(options.watchdog, 0);
    assert_true(options.watchdog_given);
    assert_true(options.ignore_panic);
    assert_string_equal(options.symbols, "vmlinux");
    assert_true(options.stats && options.list_unmodelled);
    assert_string_equal(options.log_filter, "uart0");
    assert_string_equal(options.control, "sock");
    assert_int_equal(options.status_fd, 5);
    assert_int_equal(options.escape_key, ']' & 0x1f);
    accepted("");
    assert_false(options.watchdog_given);
    assert_false(options.machine.gpu);
    assert_false(options.rtc_given);
    assert_false(options.no_reboot);
    assert_int_equal(options.status_fd, -1);
    assert_int_equal(options.escape_key, 1);
    assert_int_equal(options.timeout_ns, 0);
    accepted("--timeout 0.000000001");
    assert_int_equal(options.timeout_ns, 1);
    accepted("--timeout 0.1234567899");
    assert_int_equal(options.timeout_ns, 123456789);
}

static void test_script_arguments(void **state)
{
    (void)state;
    accepted("k --script s.lua -- --memory x --");
    assert_string_equal(options.script, "s.lua");
    assert_int_equal(options.script_arg_count, 3);
    assert_string_equal(options.script_args[0], "--memory");
    assert_string_equal(options.script_args[2], "--");
    assert_null(options.script_args[3]);
    assert_string_equal(options.boot.kernel, "k");
    accepted("--script s.lua --script-arg a --script-arg b -- c");
    assert_int_equal(options.script_arg_count, 3);
    assert_string_equal(options.script_args[2], "c");
    accepted("--script s.lua --");
    assert_int_equal(options.script_arg_count, 0);
}

static void test_taking_back(void **state)
{
    (void)state;
    accepted("--deterministic --no-deterministic");
    assert_false(options.machine.deterministic);
    accepted("--deterministic=yes --no-reboot --reboot");
    assert_true(options.machine.deterministic);
    assert_false(options.no_reboot);
    accepted("--memory 64M --no-memory --initrd i --no-initrd");
    assert_int_equal(options.machine.memory, 1 << 30);
    assert_null(options.boot.initrd);
    accepted("--until a --no-until --until b");
    assert_int_equal(options.until_count, 1);
    assert_string_equal(options.until[0], "b");
    accepted("--cpus 2 --cpus 3");
    assert_int_equal(options.machine.cpus, 3);
    accepted("--kernel one --no-kernel two");
    assert_string_equal(options.boot.kernel, "two");
}

static void test_conflicts(void **state)
{
    (void)state;
    refused("--monitor --serial stdio", "--monitor and --serial stdio: both want the terminal");
    accepted("--monitor");
    assert_string_equal(options.serial[0], "none");
    refused("--monitor --script s", "--monitor and --script s: both drive");
    refused("--script s --until x", "--until x and --script s: both decide");
    refused("--script s --send x", "--send x and --script s: both type");
    refused("--deterministic --rtc host", "--deterministic and --rtc host: the run would depend");
    accepted("--no-deterministic --rtc host");
    refused("--semihosting-dir d", "--semihosting-dir d has no effect without --semihosting");
    refused("--semihosting-dir d --no-semihosting", "no effect");
    refused("--script-arg x", "no effect without --script");
    refused("--log-filter x", "no effect without --log");
    refused("--serial file:a --serial file:a", "a is written by two");
    refused("--serial file:a --log-file a", "a is written by two");
    refused("--flash0 a --flash1 a", "a is written by two");
    accepted("--serial file:/dev/null --serial file:/dev/null");
}

static void test_help(void **state)
{
    (void)state;
    accepted("--help");
    assert_true(options.help);
    assert_null(options.help_topic);
    accepted("--help memory --no-such");
    assert_string_equal(options.help_topic, "memory");
    accepted("--help --memory");
    assert_string_equal(options.help_topic, "--memory");
    accepted("--help=run");
    assert_string_equal(options.help_topic, "run");
    accepted("--monitor --serial stdio --help"); /* answered, whatever else there is */
    accepted("--version");
    assert_true(options.version);
}

/* No line is wider than 100 columns, each option is there, and every topic has an answer. */
static void test_help_text(void **state)
{
    char *text;
    size_t size;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_true(options_help(out, NULL, &err));
    fclose(out);
    for (unsigned i = 0; i < option_table.count; i++) {
        const OptionDef *def = &option_table.defs[i];
        char name[64];
        snprintf(name, sizeof name, "\n  --%s%s ", def->flags & OPTION_ON ? "no-" : "", def->name);
        if (!strstr(text, name))
            fail_msg("--help does not show --%s", def->name);
    }
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > 100)
            fail_msg("wider than 100 columns: %s", line);
    free(text);
    static char words[8192];
    option_offers(option_find(&option_table, "help", 4), words, sizeof words);
    for (char *topic = strtok(words, " "); topic; topic = strtok(NULL, " ")) {
        out = open_memstream(&text, &size);
        if (!options_help(out, topic, &err))
            fail_msg("--help %s: %s", topic, err.text);
        fclose(out);
        assert_true(size > 20);
        free(text);
    }
    assert_false(options_help(stdout, "memroy", &err));
    assert_non_null(strstr(err.text, "did you mean memory?"));
}

/* Rows that cannot work. */
static void test_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < option_table.count; i++) {
        const OptionDef *def = &option_table.defs[i];
        assert_non_null(def->set);
        assert_true(def->help && *def->help);
        assert_null(strchr(def->help, '\n'));
        assert_ptr_equal(option_find(&option_table, def->name, strlen(def->name)), def);
        if (strncmp(def->name, "no-", 3) == 0)
            fail_msg("%s: --no-%s would be ambiguous", def->name, def->name);
        if (strspn(def->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(def->name))
            fail_msg("%s is no good name in the environment", def->name);
        char offers[8192];
        option_offers(def, offers, sizeof offers);
        assert_true(strlen(offers) < sizeof offers - 1);
    }
    for (unsigned i = 0; i < option_table.habit_count; i++) {
        const char *meant = option_table.habits[i].meant;
        if (!option_find(&option_table, meant, strlen(meant)))
            fail_msg("%s: there is no option %s", option_table.habits[i].typed, meant);
    }
}

/* The tests are about the command line alone. */
static int leave_the_users_settings(void **state)
{
    (void)state;
    extern char **environ;
    static char *none[] = {NULL};
    environ = none;
    return 0;
}

static int forget(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_kernel_as_plain_argument),
        cmocka_unit_test(test_display_size),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_rtc),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown_options),
        cmocka_unit_test(test_new_fields),
        cmocka_unit_test(test_script_arguments),
        cmocka_unit_test(test_taking_back),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_help_text),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, leave_the_users_settings, forget);
}
