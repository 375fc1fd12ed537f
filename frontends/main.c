/* armature: builds a machine from the command line, runs it, and turns its end into an exit code. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "frontends/headless.h"
#include "frontends/options.h"
#include "machine/boot.h"

/* See docs/booting.md. */
enum { EXIT_OFF = 0, EXIT_USAGE = 2, EXIT_HOST = 3, EXIT_SIGNAL = 128 };

static int fail(int code, const Error *err)
{
    fprintf(stderr, "armature: %s\n", err->text);
    return code;
}

/* A flash file with something in it, and nothing else to run: the CPU starts in the flash, as on a board
 * whose boot monitor was replaced. */
static bool check_flash(Options *options, Error *err)
{
    for (unsigned bank = 0; bank < 2; bank++) {
        const char *path = options->machine.flash[bank];
        if (!path)
            continue;
        FILE *file = fopen(path, "rb");
        if (!file)
            return error_set(err, "cannot read flash contents %s: %s", path, strerror(errno));
        uint32_t first = 0;
        bool filled = fread(&first, sizeof first, 1, file) == 1 && first != 0 && first != UINT32_MAX;
        fclose(file);
        if (bank == 0 && !options->boot.kernel && !options->boot.load_count && !options->boot.has_entry)
            options->machine.boot_from_flash = filled;
    }
    return true;
}

/* NULL with err set if the options make no sense. */
static Log *make_log(const Options *options, FILE **file, Error *err)
{
    *file = stderr;
    if (options->log_file && !(*file = fopen(options->log_file, "w"))) {
        error_set(err, "--log-file: cannot write %s: %s", options->log_file, strerror(errno));
        return NULL;
    }
    Log *log = log_new(*file);
    if (!options->log_kinds || log_select(log, options->log_kinds, err))
        return log;
    log_free(log);
    return NULL;
}

/* Runs until the guest switches off; a reboot loads the images again, which may have changed. */
static int run(Machine *machine, const Options *options, Headless *headless)
{
    Error err;
    MachineEnd end;
    while ((end = machine_run(machine)) == END_REBOOT) {
        machine_reset(machine);
        if (!boot_load(machine, &options->boot, &err))
            return fail(EXIT_USAGE, &err);
    }
    if (!headless_output_ok(headless, &err))
        return fail(EXIT_HOST, &err);
    if (headless_signal(headless))
        return EXIT_SIGNAL + headless_signal(headless);
    return EXIT_OFF;
}

static int start(const Options *options, Log *log)
{
    Error err;
    Machine *machine = machine_new(&options->machine, log, &err);
    if (!machine)
        return fail(EXIT_HOST, &err);
    int code = EXIT_USAGE;
    if (!boot_load(machine, &options->boot, &err)) {
        fail(code, &err);
    } else {
        Headless *headless = headless_new(machine, options->serial, &err);
        code = headless ? run(machine, options, headless) : fail(EXIT_HOST, &err);
        if (headless)
            headless_free(headless);
    }
    machine_free(machine);
    return code;
}

int main(int argc, char **argv)
{
    Options options;
    Error err;
    if (!options_parse(&options, argc, argv, &err))
        return fail(EXIT_USAGE, &err);
    if (options.help) {
        options_help(stdout);
        return EXIT_OFF;
    }
    if (options.version) {
        puts("armature " ARMATURE_VERSION);
        return EXIT_OFF;
    }
    FILE *log_file;
    Log *log = check_flash(&options, &err) ? make_log(&options, &log_file, &err) : NULL;
    if (!log)
        return fail(EXIT_USAGE, &err);
    int code = start(&options, log);
    if (log_file != stderr)
        fclose(log_file);
    return code;
}
