/* Configuration files, the environment, which of them wins, and --print-config. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "frontends/option_table.h"
#include "tests/frontends/printed_config.h"

static char folder[] = "/tmp/armature-config-XXXXXX";
static char path[256], user[256];
static Options options;
static Error err;

/* ---- Helpers ---------------------------------------------------------------------------------- */

static void put(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

/* Parses words separated by blanks; @ stands for the configuration file. */
static bool parse(const char *line)
{
    static char copies[2][1024]; /* options keep pointing into them */
    static unsigned turn;
    char *copy = copies[turn++ % 2];
    static char *argv[64] = {"armature"};
    int argc = 1;
    options_free(&options);
    snprintf(copy, sizeof copies[0], "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "@") ? word : path;
    return options_parse(&options, argc, argv, &err);
}

static void accepted(const char *line)
{
    if (!parse(line))
        fail_msg("\"%s\" was refused: %s", line, err.text);
}

static void refused(const char *line, const char *message)
{
    if (parse(line))
        fail_msg("\"%s\" was accepted", line);
    if (!strstr(err.text, message))
        fail_msg("\"%s\" is not in \"%s\"", message, err.text);
}

static void file_accepted(const char *text)
{
    put_text(path, text);
    accepted("--config @");
}

/* The message names the file and this line of it. */
static void file_refused(const char *text, unsigned line, const char *message)
{
    char where[500];
    put_text(path, text);
    refused("--config @", message);
    snprintf(where, sizeof where, "%s:%u: ", path, line);
    if (strncmp(err.text, where, strlen(where)))
        fail_msg("\"%s\" does not begin with \"%s\"", err.text, where);
}

/* ---- Files ------------------------------------------------------------------------------------ */

static void test_format(void **state)
{
    (void)state;
    file_accepted(
        "# a comment\n\n  memory=256M  \ncpus =\t2\r\n   # another\nappend = console=ttyAMA0 # quiet\n"
        "until = login:\nuntil = \"  # \"\nsend = root\\n\ndeterministic = on\nreboot = no");
    assert_int_equal(options.machine.memory, 256 << 20);
    assert_int_equal(options.machine.cpus, 2);
    assert_string_equal(options.boot.append, "console=ttyAMA0 # quiet");
    assert_int_equal(options.until_count, 2);
    assert_string_equal(options.until[1], "  # ");
    assert_string_equal(options.send, "root\\n"); /* whoever sends it resolves the escape */
    assert_true(options.machine.deterministic);
    assert_true(options.no_reboot);
    file_accepted("send = \"a\\n\\t\\\\\\\"\\x1b\\xFF\"\nno-reboot = yes\nno-stats = no\nno-memory = yes\n");
    assert_string_equal(options.send, "a\n\t\\\"\x1b\xff");
    assert_true(options.no_reboot);
    assert_true(options.stats);
    file_accepted("\xef\xbb\xbf"
                  "cpus = 3\n");
    assert_int_equal(options.machine.cpus, 3);
    file_accepted("");
    file_accepted("append =\n");
    assert_string_equal(options.boot.append, "");
}

static void test_mistakes(void **state)
{
    (void)state;
    file_refused("cpus = 1\n\nmemory\n", 3, "memory: give name = value");
    file_refused("= 3\n", 1, "give name = value");
    file_refused("memory = 2G\n", 1, "memory = 2G: the board has room for at most 1G");
    file_refused("memroy = 1G\n", 1, "there is no option memroy; did you mean memory?");
    file_refused("smp = 1\n", 1, "did you mean cpus?");
    file_refused("--memory = 1G\n", 1, "there is no option --memory; did you mean memory?");
    file_refused("no_reboot = yes\n", 1, "did you mean reboot?");
    file_refused("frobnicate = yes\n", 1, "armature --help lists them all");
    file_refused("deterministic =\n", 1, "deterministic = : give yes or no");
    file_refused("no-reboot = 2\n", 1, "no-reboot = 2: give yes or no");
    file_refused("cpus = 1\n# x\ncpus = 1\n", 3, "cpus was already set in line 1");
    file_refused("reboot = no\nno-reboot = yes\n", 2, "reboot was already set in line 1");
    file_refused("config = other\n", 1, "config belongs on the command line, not in a file");
    file_refused("help = yes\n", 1, "belongs on the command line");
    file_refused("send = \"x\n", 1, "the closing quote is missing");
    file_refused("send = \"x\\\n", 1, "there is no such escape");
    file_refused("send = \"x\\x0\"\n", 1, "there is no such escape");
    file_refused("send = \"x\\x00\"\n", 1, "there is no such escape");
    file_refused("send = \"x\" y\n", 1, "something follows the closing quote");
    file_refused("serial = stdio\nserial = none\nserial = stdio\n", 3, "only one serial port");
    put(path, "cpus = 1\n\0\n", 11);
    refused("--config @", "it holds a zero byte");
    refused("--config /nonexistent/file", "cannot read configuration /nonexistent/file: No such file");
    refused("--config /tmp", "cannot read configuration /tmp: Is a directory");
    refused("--config /dev/zero", "larger than 1048576 bytes");
}

/* A weaker source's bad value is still a mistake. */
static void test_overridden_mistake(void **state)
{
    (void)state;
    put_text(path, "cpus = 9\n");
    refused("--config @ --cpus 1", ":1: cpus = 9");
}

static void test_paths(void **state)
{
    char expected[512];
    (void)state;
    file_accepted("kernel = zImage\ninitrd = /abs/initrd\nload = a/b@0x1000\nserial = file:out.log\n"
                  "serial = tcp-listen:4000\nserial = unix:s,wait\nappend = root=x\nsymbols = ../vmlinux\n");
    snprintf(expected, sizeof expected, "%s/zImage", folder);
    assert_string_equal(options.boot.kernel, expected);
    assert_string_equal(options.boot.initrd, "/abs/initrd");
    snprintf(expected, sizeof expected, "%s/a/b", folder);
    assert_string_equal(options.boot.load[0].path, expected);
    snprintf(expected, sizeof expected, "file:%s/out.log", folder);
    assert_string_equal(options.serial[0], expected);
    assert_string_equal(options.serial[1], "tcp-listen:4000");
    snprintf(expected, sizeof expected, "unix:%s/s,wait", folder);
    assert_string_equal(options.serial[2], expected);
    assert_string_equal(options.boot.append, "root=x");
    snprintf(expected, sizeof expected, "%s/../vmlinux", folder);
    assert_string_equal(options.symbols, expected);
}

static void test_folder_with_comma(void **state)
{
    char expected[512], file[300];
    (void)state;
    snprintf(file, sizeof file, "%s/a,b", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(path, sizeof path, "%s/a,b/config", folder);
    file_accepted("serial = file:x,append\nlog-file = y\n");
    snprintf(expected, sizeof expected, "file:%s/a,,b/x,append", folder);
    assert_string_equal(options.serial[0], expected);
    snprintf(expected, sizeof expected, "%s/a,b/y", folder);
    assert_string_equal(options.log_file, expected);
    unlink(path);
    rmdir(file);
    snprintf(path, sizeof path, "%s/config", folder);
}

/* ---- Precedence ------------------------------------------------------------------------------- */

static void test_precedence(void **state)
{
    char line[700], other[300];
    (void)state;
    accepted("");
    assert_int_equal(options.machine.cpus, 1);
    put_text(user, "cpus = 2\nuntil = user\nuntil = two\nstats = yes\nmemory = 64M\n");
    accepted("");
    assert_int_equal(options.machine.cpus, 2);
    assert_int_equal(options.until_count, 2);
    put_text(path, "cpus = 3\nuntil = file\nstats = no\n");
    accepted("--config @");
    assert_int_equal(options.machine.cpus, 3);
    assert_int_equal(options.until_count, 1); /* lists are replaced, not continued */
    assert_string_equal(options.until[0], "file");
    assert_false(options.stats);
    assert_int_equal(options.machine.memory, 64 << 20);
    snprintf(other, sizeof other, "%s/other", folder);
    put_text(other, "memory = 128M\n");
    snprintf(line, sizeof line, "--config @ --config %s", other);
    accepted(line);
    assert_int_equal(options.machine.cpus, 3);
    assert_int_equal(options.machine.memory, 128 << 20);
    put_text(other, "cpus = 1\n");
    accepted(line);
    assert_int_equal(options.machine.cpus, 1);
    setenv("ARMATURE_CPUS", "4", 1);
    setenv("ARMATURE_UNTIL", "one\ntwo\n\nthree", 1);
    accepted("--config @");
    assert_int_equal(options.machine.cpus, 4);
    assert_int_equal(options.until_count, 3);
    assert_string_equal(options.until[2], "three");
    accepted("--config @ --cpus 2");
    assert_int_equal(options.machine.cpus, 2);
    accepted("--config @ --no-cpus --no-until");
    assert_int_equal(options.machine.cpus, 1);
    assert_int_equal(options.until_count, 0);
    unsetenv("ARMATURE_CPUS");
    unsetenv("ARMATURE_UNTIL");
    accepted("--no-config");
    assert_int_equal(options.machine.cpus, 1);
    accepted("--no-config --config @");
    assert_int_equal(options.machine.cpus, 3);
    assert_int_equal(options.machine.memory, 1 << 30);
    put_text(user, "cpus = x\n");
    refused("", "armature/config:1: cpus = x");
    accepted("--help"); /* can be read whatever the files hold */
    accepted("--version");
    unlink(user);
    unlink(other);
}

static void test_environment(void **state)
{
    (void)state;
    put_text(path, "cpus = 3\n");
    setenv("ARMATURE_CONFIG", path, 1);
    accepted("");
    assert_int_equal(options.machine.cpus, 3);
    accepted("--no-config");
    assert_int_equal(options.machine.cpus, 1);
    setenv("ARMATURE_NO_CONFIG", "yes", 1);
    accepted("");
    assert_int_equal(options.machine.cpus, 1);
    accepted("--config @");
    assert_int_equal(options.machine.cpus, 3);
    setenv("ARMATURE_NO_CONFIG", "never", 1);
    refused("", "ARMATURE_NO_CONFIG=never: give yes or no");
    unsetenv("ARMATURE_NO_CONFIG");
    unsetenv("ARMATURE_CONFIG");
    setenv("ARMATURE_NO_REBOOT", "1", 1);
    accepted("");
    assert_true(options.no_reboot);
    setenv("ARMATURE_NO_REBOOT", "maybe", 1);
    refused("", "ARMATURE_NO_REBOOT=maybe: give yes or no");
    unsetenv("ARMATURE_NO_REBOOT");
    setenv("ARMATURE_LOG_FILE", "x", 1);
    accepted("");
    assert_string_equal(options.log_file, "x");
    unsetenv("ARMATURE_LOG_FILE");
    setenv("ARMATURE_MEMORY", "", 1); /* as if it were not there */
    accepted("");
    setenv("ARMATURE_MEMORY", "2G", 1);
    refused("", "ARMATURE_MEMORY=2G: the board has room");
    unsetenv("ARMATURE_MEMORY");
    setenv("ARMATURE_MEMROY", "64M", 1);
    refused("", "ARMATURE_MEMROY, which is no option; did you mean ARMATURE_MEMORY?");
    accepted("--help");
    unsetenv("ARMATURE_MEMROY");
    setenv("ARMATURE_HOME_PAGE", "x", 1);
    setenv("ARMATURE_VERSION", "1.0", 1); /* continuous integration likes such names */
    setenv("ARMATURE_", "x", 1);
    accepted("");
    assert_false(options.version);
    unsetenv("ARMATURE_HOME_PAGE");
    unsetenv("ARMATURE_VERSION");
    unsetenv("ARMATURE_");
}

/* Whether -- begins the script's arguments does not depend on where the script was named. */
static void test_script_from_file(void **state)
{
    (void)state;
    put_text(path, "script = s.lua\nscript-arg = x\n");
    accepted("--config @ k -- a b");
    assert_int_equal(options.script_arg_count, 2);
    assert_string_equal(options.script_args[0], "a");
    accepted("--config @ k");
    assert_int_equal(options.script_arg_count, 1);
    assert_string_equal(options.script_args[0], "x");
    accepted("--config @ --no-script --no-script-arg -- --k");
    assert_string_equal(options.boot.kernel, "--k");
}

static void test_conflict_across_sources(void **state)
{
    char where[500];
    (void)state;
    put_text(path, "cpus = 1\nserial = stdio\n");
    snprintf(where, sizeof where, "--monitor and serial stdio (%s:2): both want", path);
    refused("--config @ --monitor", where);
    setenv("ARMATURE_MONITOR", "yes", 1);
    snprintf(where, sizeof where, "monitor (ARMATURE_MONITOR) and serial stdio (%s:2): both want", path);
    refused("--config @", where);
    accepted("--config @ --no-monitor");
    unsetenv("ARMATURE_MONITOR");
}

/* ---- --print-config --------------------------------------------------------------------------- */

static void check_round_trip(const char *line)
{
    accepted(line);
    Options before = options;
    char *first = printed_config(&options);
    put_text(path, first);
    options.settings = NULL; /* `before` keeps what its strings lie in */
    accepted("--no-config --config @");
    char *second = printed_config(&options);
    keep_values(first);
    keep_values(second);
    assert_string_equal(first, second);
    assert_int_equal(before.machine.memory, options.machine.memory);
    assert_int_equal(before.machine.deterministic, options.machine.deterministic);
    assert_int_equal(before.serial_count, options.serial_count);
    assert_int_equal(before.until_count, options.until_count);
    for (unsigned n = 0; n < before.until_count; n++)
        assert_string_equal(before.until[n], options.until[n]);
    assert_int_equal(before.script_arg_count, options.script_arg_count);
    for (int n = 0; n < before.script_arg_count; n++)
        assert_string_equal(before.script_args[n], options.script_args[n]);
    assert_int_equal(before.timeout_ns, options.timeout_ns);
    assert_int_equal(before.no_reboot, options.no_reboot);
    assert_int_equal(before.watchdog_given, options.watchdog_given);
    if (before.boot.append)
        assert_string_equal(before.boot.append, options.boot.append);
    free(first);
    free(second);
    options_free(&before);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip("");
    check_round_trip("--deterministic --memory 64 --serial file:out --serial none --no-reboot --timeout 1.5");
    check_round_trip("--monitor --watchdog 7");
    check_round_trip("--script s.lua -- a # \"b\" '' = --x");
    check_round_trip(
        "--until \x01\x7f --until \"quoted\" --until a\tb --until \\ --until \xc3\xa4\xff --append=");
    check_round_trip("--load a@0x1000 --load b@c@4096 --rtc 5 --log guest --log-filter x --send \\n");
}

static void test_sources(void **state)
{
    char expected[400], folder_now[200];
    (void)state;
    put_text(path, "# x\ncpus = 2\n");
    setenv("ARMATURE_RTC", "5", 1);
    accepted("--config @ --memory 64M --kernel here");
    unsetenv("ARMATURE_RTC");
    char *text = printed_config(&options);
    assert_non_null(strstr(text, "# command line\nmemory = 64M\n"));
    snprintf(expected, sizeof expected, "# %s:2\ncpus = 2\n", path);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "# ARMATURE_RTC\nrtc = 5\n"));
    assert_non_null(strstr(text, "# built-in default\nserial = stdio\n"));
    assert_non_null(strstr(text, "# built-in default\nreboot = yes\n"));
    assert_non_null(getcwd(folder_now, sizeof folder_now));
    snprintf(expected, sizeof expected, "kernel = %s/here\n", folder_now);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "# not set: initrd, dtb, append, load, incoming, entry\n"));
    free(text);
}

/* ---- The rest --------------------------------------------------------------------------------- */

static int make_folder(void **state)
{
    extern char **environ;
    static char *none[] = {NULL};
    (void)state;
    environ = none; /* the user's own settings must not decide */
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/config", folder);
    snprintf(user, sizeof user, "%s/armature", folder);
    if (mkdir(user, 0700))
        return -1;
    snprintf(user, sizeof user, "%s/armature/config", folder);
    return setenv("XDG_CONFIG_HOME", folder, 1);
}

static int remove_folder(void **state)
{
    (void)state;
    options_free(&options);
    unlink(path);
    unlink(user);
    *strrchr(user, '/') = 0;
    rmdir(user);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_overridden_mistake),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_folder_with_comma),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_script_from_file),
        cmocka_unit_test(test_conflict_across_sources),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
