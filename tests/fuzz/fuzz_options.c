/* Odd command lines: each is refused with one line of text, or gives options that are all within their
 * limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/options.h"
#include "tests/fuzz/random.h"

enum { WORDS = 12, LONG = 3000 };

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
    "--kernel", "--initrd",  "--dtb",      "--append", "--load",    "--entry",
    "--memory", "--cpus",    "--flash0",   "--flash1", "--rtc",     "--deterministic",
    "--serial", "--log",     "--log-file", "--help",   "--version", "-m",
    "-smp",     "--",        "-",          "--memroy", "--x",       "---",
    "-serial",  "--kernel=", "--cpus=",
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
    bool ok = o->machine.cpus >= 1 && o->machine.cpus <= MAX_CPUS;
    ok &= o->machine.memory >= 1 << 20 && o->machine.memory <= 1u << 30 && o->machine.memory % (1 << 20) == 0;
    ok &= o->boot.load_count <= BOOT_MAX_LOADS && o->serial_count == SERIAL_PORTS;
    for (unsigned n = 0; ok && n < SERIAL_PORTS; n++)
        ok &= !strcmp(o->serial[n], "stdio") || !strcmp(o->serial[n], "none") ||
              (!strncmp(o->serial[n], "file:", 5) && o->serial[n][5]);
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

static void check(uint64_t seed)
{
    Random random = {seed * 0x2545f4914f6cdd1du};
    Options options;
    Error err = {""};
    int argc = 1 + (int)random_below(&random, random_one_in(&random, 16) ? 2 * WORDS : 5);
    char *argv[2 * WORDS + 2] = {copy("armature")}, *kept[2 * WORDS + 2];
    for (int n = 1; n < argc; n++)
        argv[n] = random_word(&random);
    memcpy(kept, argv, sizeof kept);
    if (!options_parse(&options, argc, argv, &err)) {
        if (!message_ok(&err))
            fail(seed, argc, argv, "refused without a plain line");
    } else if (!options_ok(&options)) {
        fail(seed, argc, argv, "accepted with values out of range");
    } else if (options.log_kinds) {
        check_log(seed, argc, argv, options.log_kinds);
    }
    for (int n = 0; n < argc; n++)
        free(kept[n]);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
             runs = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
    for (uint64_t seed = first; seed < first + runs && failed < 10; seed++)
        check(seed);
    printf("%llu command lines, %u failures\n", (unsigned long long)runs, failed);
    return failed != 0;
}
