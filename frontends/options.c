/* One table describes every option: how it is written, what it takes, what it does, and how it is parsed. */
#define _GNU_SOURCE
#include "frontends/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With --deterministic a run must not depend on today's date: 2025-01-01 00:00:00 UTC. */
#define FIXED_RTC 1735689600u

typedef struct OptionDef {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;
    bool (*parse)(Options *options, char *value, Error *err); /* value is part of argv: it may be cut */
} OptionDef;

/* ---- Values ---------------------------------------------------------------------------------- */

static bool parse_address(const char *text, uint32_t *address)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    *address = (uint32_t)value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value <= UINT32_MAX;
}

/* As QEMU: a plain number means MiB. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || value > 1ull << 40)
        return false;
    unsigned shift = *end == 'G' || *end == 'g' ? 30 : *end == 'K' || *end == 'k' ? 10 : 20;
    end += *end && strchr("GgMmKk", *end);
    *bytes = value << shift;
    return !*end;
}

static bool set_kernel(Options *options, char *value, Error *err)
{
    if (options->boot.kernel)
        return error_set(err, "there are two kernels: %s and %s", options->boot.kernel, value);
    options->boot.kernel = value;
    return true;
}

static bool set_initrd(Options *options, char *value, Error *err)
{
    (void)err;
    options->boot.initrd = value;
    return true;
}

static bool set_dtb(Options *options, char *value, Error *err)
{
    (void)err;
    options->boot.dtb = value;
    return true;
}

static bool set_append(Options *options, char *value, Error *err)
{
    (void)err;
    options->boot.append = value;
    return true;
}

static bool set_load(Options *options, char *value, Error *err)
{
    char *at = strrchr(value, '@');
    BootLoad load;
    if (!at || at == value || !parse_address(at + 1, &load.address))
        return error_set(err, "--load %s: give a file and an address, as in --load data.bin@0x60100000",
                         value);
    if (options->boot.load_count == BOOT_MAX_LOADS)
        return error_set(err, "--load %s: at most %d files can be loaded", value, BOOT_MAX_LOADS);
    load.path = value;
    *at = 0;
    options->boot.load[options->boot.load_count++] = load;
    return true;
}

static bool set_entry(Options *options, char *value, Error *err)
{
    options->boot.has_entry = true;
    if (!parse_address(value, &options->boot.entry))
        return error_set(err, "--entry %s: give an address, as in --entry 0x60100000", value);
    return true;
}

static bool set_memory(Options *options, char *value, Error *err)
{
    uint64_t size;
    if (!parse_size(value, &size))
        return error_set(err, "--memory %s: give a size, as in --memory 256M or --memory 1G", value);
    if (size > 1u << 30)
        return error_set(err, "--memory %s: the board has room for at most 1G", value);
    if (size < 1 << 20 || size % (1 << 20))
        return error_set(err, "--memory %s: give a multiple of 1M", value);
    options->machine.memory = size;
    return true;
}

static bool set_cpus(Options *options, char *value, Error *err)
{
    if (value[0] < '1' || value[0] > '0' + MAX_CPUS || value[1])
        return error_set(err, "--cpus %s: the board has 1 to %d CPUs", value, MAX_CPUS);
    options->machine.cpus = (unsigned)(value[0] - '0');
    return true;
}

static bool set_flash0(Options *options, char *value, Error *err)
{
    (void)err;
    options->machine.flash[0] = value;
    return true;
}

static bool set_flash1(Options *options, char *value, Error *err)
{
    (void)err;
    options->machine.flash[1] = value;
    return true;
}

static bool set_deterministic(Options *options, char *value, Error *err)
{
    (void)value;
    (void)err;
    options->machine.deterministic = true;
    return true;
}

static bool set_rtc(Options *options, char *value, Error *err)
{
    struct tm tm = {0};
    char *end;
    options->rtc_given = true;
    if (!strcmp(value, "host")) {
        options->machine.rtc_base = (uint32_t)time(NULL);
        return true;
    }
    const char *rest = strptime(value, "%Y-%m-%d", &tm);
    if (rest && *rest)
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
    long long seconds = rest && !*rest ? (long long)timegm(&tm) : strtoll(value, &end, 10);
    bool number = *value >= '0' && *value <= '9' && ((rest && !*rest) || !*end);
    if (!number || seconds < 0 || seconds > UINT32_MAX)
        return error_set(
            err, "--rtc %s: give host, a date like 2025-01-31T12:00:00 (UTC), or seconds since 1970", value);
    options->machine.rtc_base = (uint32_t)seconds;
    return true;
}

static bool set_serial(Options *options, char *value, Error *err)
{
    if (options->serial_count == SERIAL_PORTS)
        return error_set(err, "--serial %s: the board has %d serial ports", value, SERIAL_PORTS);
    bool file = !strncmp(value, "file:", 5) && value[5];
    if (!file && strcmp(value, "stdio") && strcmp(value, "none"))
        return error_set(err, "--serial %s: give stdio, none or file:PATH", value);
    for (unsigned n = 0; n < options->serial_count; n++)
        if (!strcmp(value, "stdio") && !strcmp(options->serial[n], "stdio"))
            return error_set(err, "--serial stdio: only one serial port can have the terminal");
    options->serial[options->serial_count++] = value;
    return true;
}

static bool set_log(Options *options, char *value, Error *err)
{
    (void)err;
    options->log_kinds = value;
    return true;
}

static bool set_log_file(Options *options, char *value, Error *err)
{
    (void)err;
    options->log_file = value;
    return true;
}

static bool set_help(Options *options, char *value, Error *err)
{
    (void)value;
    (void)err;
    options->help = true;
    return true;
}

static bool set_version(Options *options, char *value, Error *err)
{
    (void)value;
    (void)err;
    options->version = true;
    return true;
}

/* ---- The table ------------------------------------------------------------------------------- */

/* clang-format off */
static const OptionDef defs[] = {
    {"--kernel",  "FILE",  "what to run: zImage, Image, uImage, ELF or raw program (the plain argument is the same)",
     set_kernel},
    {"--initrd",  "FILE",  "initial file system for the kernel", set_initrd},
    {"--dtb",     "FILE",  "device tree to use instead of the built-in one", set_dtb},
    {"--append",  "TEXT",  "the kernel's command line (default: console=ttyAMA0)", set_append},
    {"--load",    "FILE@ADDRESS", "put a file into memory; several are possible", set_load},
    {"--entry",   "ADDRESS", "start there instead (bit 0 set: in Thumb state)", set_entry},
    {"--memory",  "SIZE",  "RAM, up to 1G (default: 1G)", set_memory},
    {"--cpus",    "N",     "CPUs, 1 to 4 (default: 1)", set_cpus},
    {"--flash0",  "FILE",  "contents of the first NOR flash bank; changes are kept in the file", set_flash0},
    {"--flash1",  "FILE",  "contents of the second NOR flash bank", set_flash1},
    {"--rtc",     "TIME",  "date at power-on: host, 2025-01-31T12:00:00 (UTC) or seconds since 1970", set_rtc},
    {"--deterministic", NULL, "let virtual time follow the instructions: every run is the same", set_deterministic},
    {"--serial",  "WHERE", "stdio, none or file:PATH; again for each further port (default: stdio, then none)",
     set_serial},
    {"--log",     "KINDS", "what to log, separated by commas", set_log},
    {"--log-file", "FILE", "where to log (default: stderr)", set_log_file},
    {"--help",    NULL,    "show this text", set_help},
    {"--version", NULL,    "show the version", set_version},
};

/* What people type who come from QEMU. */
static const struct { const char *typed, *meant; } habits[] = {
    {"-m", "--memory"},   {"-smp", "--cpus"},        {"-append", "--append"}, {"-kernel", "--kernel"},
    {"-initrd", "--initrd"}, {"-dtb", "--dtb"},      {"-serial", "--serial"}, {"-bios", "--flash0"},
    {"-pflash", "--flash0"}, {"-d", "--log"},        {"-D", "--log-file"},    {"-h", "--help"},
    {"-help", "--help"},  {"-V", "--version"},       {"-version", "--version"}, {"-rtc", "--rtc"},
    {"-icount", "--deterministic"}, {"-device", "--load"}, {"--smp", "--cpus"}, {"--mem", "--memory"},
    {"--cmdline", "--append"}, {"--bios", "--flash0"},
};
/* clang-format on */

enum { DEFS = sizeof defs / sizeof *defs, HABITS = sizeof habits / sizeof *habits };

void options_help(FILE *out)
{
    fputs("Usage: armature [options] [kernel]\n\n"
          "Emulates an Arm Versatile Express with the CoreTile Express A9x4 (Cortex-A9). Without a kernel, "
          "its boot\n"
          "ROM starts a small monitor on the serial port.\n\n",
          out);
    for (unsigned i = 0; i < DEFS; i++) {
        char left[40];
        snprintf(left, sizeof left, "%s %s", defs[i].name, defs[i].argument ? defs[i].argument : "");
        fprintf(out, "  %-22s %s\n", left, defs[i].help);
    }
    fputs("\nLog kinds:", out);
    for (LogKind kind = 0; kind < LOG_KINDS; kind++)
        fprintf(out, " %s", log_kind_name(kind));
    fputs(" all\n"
          "In the terminal, Ctrl-A x leaves, Ctrl-A Ctrl-A sends Ctrl-A; everything else goes to the guest.\n"
          "Exit code: 0 the guest switched off or you left, 2 bad usage or an unusable file, 3 the host "
          "failed;\n"
          "128 + n when signal n ended the program.\n\n"
          "Examples:\n"
          "  armature --kernel zImage --initrd initrd.gz --append \"console=ttyAMA0 quiet\" --memory 512M\n"
          "  armature program.elf\n"
          "  armature --load u-boot.bin@0x60800000\n",
          out);
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* Levenshtein's distance; long words are as far away as can be. */
static unsigned distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    unsigned row[MOST + 1];
    size_t n = strlen(b);
    if (n > MOST || strlen(a) > MOST)
        return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}

static const char *suggestion(const char *typed)
{
    for (unsigned i = 0; i < HABITS; i++)
        if (!strcmp(typed, habits[i].typed))
            return habits[i].meant;
    const char *best = NULL;
    unsigned nearest = 4; /* farther is a guess, not a slip */
    for (unsigned i = 0; i < DEFS; i++) {
        unsigned far = distance(typed, defs[i].name);
        if (far < nearest) {
            nearest = far;
            best = defs[i].name;
        }
    }
    return best;
}

static const OptionDef *find(const char *name, size_t length)
{
    for (unsigned i = 0; i < DEFS; i++)
        if (strlen(defs[i].name) == length && !memcmp(defs[i].name, name, length))
            return &defs[i];
    return NULL;
}

static bool unknown(const char *word, size_t length, Error *err)
{
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)(length < sizeof typed ? length : sizeof typed - 1), word);
    const char *meant = suggestion(typed);
    if (meant)
        return error_set(err, "there is no option %s; did you mean %s?", typed, meant);
    return error_set(err, "there is no option %s; armature --help lists them all", typed);
}

/* One option at argv[*i]; moves *i past a value of its own. */
static bool parse_option(Options *options, int argc, char **argv, int *i, Error *err)
{
    char *word = argv[*i], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const OptionDef *def = find(word, length);
    if (!def)
        return unknown(word, length, err);
    if (!def->argument)
        return equals ? error_set(err, "%s takes no value", def->name) : def->parse(options, NULL, err);
    if (equals)
        return def->parse(options, equals + 1, err);
    if (*i + 1 >= argc)
        return error_set(err, "%s needs a value: %s %s", def->name, def->name, def->argument);
    return def->parse(options, argv[++*i], err);
}

static void set_defaults(Options *options)
{
    if (!options->rtc_given)
        options->machine.rtc_base = options->machine.deterministic ? FIXED_RTC : (uint32_t)time(NULL);
    if (!options->serial_count)
        options->serial[options->serial_count++] = "stdio";
    for (; options->serial_count < SERIAL_PORTS; options->serial_count++)
        options->serial[options->serial_count] = "none";
}

bool options_parse(Options *options, int argc, char **argv, Error *err)
{
    *options = (Options){
        .machine = {.cpus = 1, .memory = 1u << 30}
    };
    bool only_files = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (!only_files && !strcmp(word, "--"))
            only_files = true;
        else if (!only_files && word[0] == '-' && word[1]) {
            if (!parse_option(options, argc, argv, &i, err))
                return false;
        } else if (!set_kernel(options, word, err))
            return false;
    }
    set_defaults(options);
    return true;
}
