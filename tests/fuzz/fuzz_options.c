/* Odd command lines, configuration files and environments: each is refused with one line of text, or gives
 * options that are all within their limits, and that --print-config writes so that they are read the same. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frontends/disk_spec.h"
#include "frontends/option_table.h"
#include "frontends/serial_spec.h"
#include "tests/fuzz/random.h"
#include "tests/frontends/printed_config.h"

enum { WORDS = 12, LONG = 3000, VARIABLES = 6, LINES = 12 };

extern char **environ;

static unsigned failed;

static void fail(uint64_t seed, int argc, char **argv, const char *what)
{
    printf("seed %llu: %s:", (unsigned long long)seed, what);
    for (int n = 1; n < argc; n++)
        printf(" [%.200s]", argv[n]);
    printf("\n");
    failed++;
}

static const char *const names[] = {
    "--kernel",
    "--initrd",
    "--dtb",
    "--append",
    "--load",
    "--entry",
    "--memory",
    "--cpus",
    "--flash0",
    "--flash1",
    "--rtc",
    "--deterministic",
    "--serial",
    "--disk",
    "--log",
    "--log-file",
    "--help",
    "--version",
    "-m",
    "-smp",
    "--",
    "-",
    "--memroy",
    "--x",
    "---",
    "-serial",
    "--kernel=",
    "--cpus=",
    "--config",
    "--no-config",
    "--until",
    "--send",
    "--timeout",
    "--no-reboot",
    "--reboot",
    "--watchdog",
    "--monitor",
    "--script",
    "--script-arg",
    "--semihosting",
    "--semihosting-dir",
    "--escape-key",
    "--log-filter",
    "--no-serial",
    "--no-memory",
    "--no-",
    "--no",
    "--status-fd",
    "--symbols",
    "--control",
    "--stats",
    "--print-config",
    "--no-x",
};

static const char *const values[] = {
    "",
    "1",
    "4",
    "5",
    "0",
    "-1",
    "1G",
    "1024M",
    "1T",
    "256m",
    "1.5G",
    "0x100",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "1048576K",
    "1K",
    "4096k",
    " 1",
    "1 ",
    "+4",
    "stdio",
    "none",
    "file:",
    "file:/x",
    "tcp::1",
    "host",
    "2025-01-31",
    "2025-01-31T12:00:00",
    "2025-01-31T12:00:00Z",
    "2025-01-31 1:2:3",
    "9999-12-31",
    "1969-12-31",
    "2025-13-45",
    "0000-00-00",
    "a@0x1000",
    "@",
    "@@",
    "a@",
    "a@b@0x60000000",
    "a@-1",
    "a@4294967296",
    "0x",
    "0xg",
    "guest",
    "guest,irq",
    "all",
    ",",
    "all,",
    "guest,,irq",
    "mmio irq",
    "k",
    "\n",
    "a\nb",
    "\x01\x7f",
    "\xff\xfe",
    "%s%n%d",
    "--kernel",
    "=",
    "yes",
    "no",
    "ON",
    "0.5",
    "1.",
    ".5",
    "999999999.999999999999",
    "1e5",
    "ctrl-a",
    "^",
    "^]",
    "none ",
    "tcp-listen:0",
    "tcp:h:1,reconnect=1",
    "unix:/a,,b,wait",
    "unix:a,b",
    "pty:",
    "a.img,overlay=temp,if=sd",
    "a,,b,overlay=c,,d,serial=x,,y,name=n",
    "nbd:/a,ro",
    ",overlay=temp",
    "a,if=,serial=,name=",
    "a,ro,overlay=b,format=raw",
    "\"",
    "\"\"",
    "\"a",
    "\"a\\n\\x41\"",
    "\"\\x00\"",
    "\"a\" b",
    "# no comment",
    "/dev/null",
    "/nonexistent",
    "a\r",
    "\t",
};

static char *copy(const char *text)
{
    char *at = strdup(text); /* its own piece of memory, so that overruns show */
    if (!at)
        abort();
    return at;
}

static char *noise(Random *random)
{
    uint32_t length = random_one_in(random, 8) ? random_below(random, LONG) : random_below(random, 12);
    char *text = malloc(length + 1);
    if (!text)
        abort();
    for (uint32_t n = 0; n < length; n++)
        text[n] = (char)(1 + random_below(random, 255));
    text[length] = 0;
    return text;
}

static char *random_word(Random *random)
{
    const char *name = names[random_below(random, sizeof names / sizeof *names)];
    const char *value = values[random_below(random, sizeof values / sizeof *values)];
    char text[128];
    switch (random_below(random, 8)) {
    case 0:
        return noise(random);
    case 1:
    case 2:
        snprintf(text, sizeof text, "%s=%s", name, value);
        return copy(text);
    case 3:
    case 4:
        return copy(value);
    default:
        return copy(name);
    }
}

static bool message_ok(const Error *err)
{
    bool plain = err->text[0] && strlen(err->text) < sizeof err->text;
    for (const char *p = err->text; *p; p++)
        plain &= (unsigned char)*p >= ' ' && *p != 0x7f;
    return plain;
}

static bool options_ok(const Options *o)
{
    DiskBus bus;
    bool ok = o->machine.cpus >= 1 && o->machine.cpus <= MAX_CPUS;
    ok &= o->machine.memory >= 1 << 20 && o->machine.memory <= 1u << 30 && o->machine.memory % (1 << 20) == 0;
    ok &= o->boot.load_count <= BOOT_MAX_LOADS && o->serial_count == SERIAL_UARTS;
    for (unsigned n = 0; ok && n < SERIAL_PORTS; n++)
        ok &= serial_backend_check(o->serial[n], NULL);
    for (unsigned n = 0; n < o->disk_count; n++)
        ok &= disk_spec_check(o->disk[n], &bus, NULL);
    ok &= o->disk_count <= OPTIONS_MAX_DISKS && o->machine.virtio_disks <= 8;
    ok &= o->until_count <= OPTIONS_MAX_UNTIL && o->escape_key >= -1 && o->escape_key < 32;
    for (unsigned n = 0; ok && n < o->until_count; n++)
        ok &= o->until[n] && *o->until[n];
    for (int n = 0; ok && n < o->script_arg_count; n++)
        ok &= o->script_args[n] != NULL;
    ok &= !o->script_arg_count || !o->script_args[o->script_arg_count];
    for (unsigned n = 0; ok && n < o->boot.load_count; n++)
        ok &= o->boot.load[n].path && *o->boot.load[n].path;
    return ok;
}

static void check_log(uint64_t seed, int argc, char **argv, const char *kinds)
{
    Error err = {""};
    Log *log = log_new(stderr);
    if (!log_select(log, kinds, &err) && !message_ok(&err))
        fail(seed, argc, argv, "--log is refused without a plain line");
    log_free(log);
}

/* ---- Files and environments ------------------------------------------------------------------- */

/* One memory file serves all configurations. */
static int file = -1;
static char path[64];

static void fill_file(const char *text, size_t length)
{
    if (file < 0 && (file = memfd_create("config", 0)) < 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (ftruncate(file, 0) || pwrite(file, text, length, 0) != (ssize_t)length)
        abort();
}

/* A line of a configuration, usually almost right. */
static void random_line(Random *random, FILE *out)
{
    const char *name = names[random_below(random, sizeof names / sizeof *names)];
    char *value = random_word(random);
    static const char *const between[] = {" = ", "=", " =\t", " ", " == ", "\n= ", "="};
    switch (random_below(random, 10)) {
    case 0:
        fprintf(out, "# %s", value);
        break;
    case 1:
        fputs(value, out);
        break;
    case 2:
        fputc((int)random_below(random, 256), out); /* a zero byte too */
        break;
    default:
        fprintf(out, "%s%s%s", name + strspn(name, "-") * !random_one_in(random, 16),
                between[random_below(random, random_one_in(random, 4) ? 7 : 2)], value);
    }
    fputs(random_one_in(random, 8) ? "\r\n" : random_one_in(random, 32) ? "" : "\n", out);
    free(value);
}

static void random_file(Random *random)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        abort();
    uint32_t lines = random_below(random, random_one_in(random, 8) ? LINES : 4);
    for (uint32_t n = 0; n < lines; n++)
        random_line(random, out);
    fclose(out);
    fill_file(text, length);
    free(text);
}

static char *random_variable(Random *random)
{
    const OptionDef *def = &option_table.defs[random_below(random, option_table.count)];
    char *value = random_word(random), name[64], *text;
    option_variable(def, random_one_in(random, 8), name, sizeof name);
    if (random_one_in(random, 32)) /* a slip */
        name[random_below(random, (uint32_t)strlen(name))] = 'X';
    if (asprintf(&text, "%s=%s%s%s", name, value, random_one_in(random, 8) ? "\n" : "",
                 random_one_in(random, 8) ? value : "") < 0)
        abort();
    free(value);
    return text;
}

/* What --print-config prints is read as the same options. */
static bool same_again(const Options *options, Error *err)
{
    char *argv[] = {"armature", "--config", path, NULL}, *none[] = {NULL}, **before = environ,
         *first = printed_config(options);
    Options again;
    environ = none;
    fill_file(first, strlen(first));
    bool ok = options_parse(&again, 3, argv, err);
    if (ok) {
        char *second = printed_config(&again);
        keep_values(first);
        keep_values(second);
        ok = !strcmp(first, second) || error_set(err, "--print-config differs after reading it again");
        free(second);
        options_free(&again);
    }
    free(first);
    environ = before;
    return ok;
}

/* ---- All -------------------------------------------------------------------------------------- */

static void parse(uint64_t seed, Random *random, int argc, char **argv)
{
    Options options;
    Error err = {""};
    if (!options_parse(&options, argc, argv, &err)) {
        if (!message_ok(&err))
            fail(seed, argc, argv, "refused without a plain line");
        return;
    }
    if (options.help || options.version)
        ;
    else if (!options_ok(&options))
        fail(seed, argc, argv, "accepted with values out of range");
    else if (options.log_kinds)
        check_log(seed, argc, argv, options.log_kinds);
    if (!options.help && !options.version && random_one_in(random, 4) && !same_again(&options, &err))
        fail(seed, argc, argv, err.text);
    options_free(&options);
}

static void check(uint64_t seed)
{
    Random random = {seed * 0x2545f4914f6cdd1du};
    int argc = 1 + (int)random_below(&random, random_one_in(&random, 16) ? 2 * WORDS : 5), variables = 0;
    char *argv[2 * WORDS + 4] = {copy("armature")}, *kept[2 * WORDS + 4], *variable[VARIABLES + 1] = {NULL};
    if (random_one_in(&random, 2)) {
        argc = argc > 3 ? 3 : argc;
        random_file(&random);
    }
    for (int n = 1; n < argc; n++)
        argv[n] = random_word(&random);
    if (*path && random_one_in(&random, 2)) {
        argv[argc++] = copy("--config");
        argv[argc++] = copy(path);
    }
    if (random_one_in(&random, 2))
        variables = (int)random_below(&random, VARIABLES);
    for (int n = 0; n < variables; n++)
        variable[n] = random_variable(&random);
    environ = variable; /* the user's own settings must not decide */
    memcpy(kept, argv, sizeof kept);
    parse(seed, &random, argc, argv);
    for (int n = 0; n < argc; n++)
        free(kept[n]);
    for (int n = 0; n < variables; n++)
        free(variable[n]);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             runs = argc > 2 ? strtoull(argv[2], NULL, 0) : 50000;
    for (uint64_t seed = first; seed < first + runs && failed < 10; seed++)
        check(seed);
    printf("%llu command lines, %u failures\n", (unsigned long long)runs, failed);
    return failed != 0;
}
