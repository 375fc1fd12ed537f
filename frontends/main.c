/* armature: builds a session from the command line, runs it, and turns its end into an exit code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/ctl.h"
#include "frontends/disk_tool.h"
#include "frontends/exit_codes.h"
#include "frontends/farm.h"
#include "frontends/options.h"
#include "frontends/session.h"
#include "frontends/snapshot_command.h"
#include "frontends/window.h"
#include "frontends/window_session.h"

static int fail(int code, const Error *err)
{
    fprintf(stderr, "armature: %s\n", err->text);
    return code;
}

static bool check_flash_file(unsigned bank, const char *path, Error *err)
{
    struct stat status;
    if (stat(path, &status) || access(path, R_OK))
        return error_set(err, "--flash%u: cannot read %s: %s", bank, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, "--flash%u: %s is not a regular file", bank, path);
    if (status.st_size > MACHINE_FLASH_BYTES)
        return error_set(err, "--flash%u: %s has %lld bytes, but the bank holds %d", bank, path,
                         (long long)status.st_size, MACHINE_FLASH_BYTES);
    return true;
}

/* A flash file with something in it, and nothing else to run: the CPU starts in the flash, as on a board
 * whose boot monitor was replaced. */
static bool check_flash(Options *options, Error *err)
{
    for (unsigned bank = 0; bank < 2; bank++)
        if (options->machine.flash[bank] && !check_flash_file(bank, options->machine.flash[bank], err))
            return false;
    const BootOptions *boot = &options->boot;
    FILE *file = options->machine.flash[0] ? fopen(options->machine.flash[0], "rb") : NULL;
    uint32_t first = 0;
    bool filled = file && fread(&first, sizeof first, 1, file) == 1 && first != 0 && first != UINT32_MAX;
    if (file)
        fclose(file);
    options->machine.boot_from_flash = filled && !boot->kernel && !boot->load_count && !boot->has_entry;
    return true;
}

static bool check_folder(const Options *options, Error *err)
{
    bool used = options->semihosting_dir && !options->replay;
    int fd = used ? open(options->semihosting_dir, O_DIRECTORY | O_RDONLY) : -1;
    if (used && fd < 0)
        return error_set(err, "--semihosting-dir: cannot use %s: %s", options->semihosting_dir,
                         strerror(errno));
    if (fd >= 0)
        close(fd);
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
    bool ok = !options->log_kinds || log_select(log, options->log_kinds, err);
    if (ok && (!options->log_filter || log_filter(log, options->log_filter, err)))
        return log;
    log_free(log);
    if (*file != stderr)
        fclose(*file);
    return NULL;
}

typedef struct Run {
    const Options *options;
    Log *log;
} Run;

/* The whole life of a session; link: to the window, NULL if there is none. */
static int run(void *opaque, WindowLink *link)
{
    const Run *what = opaque;
    Error err;
    int code;
    Session *session = session_new(what->options, what->log, &code, &err);
    if (!session)
        return fail(code, &err);
    WindowSession *window = link ? window_session_attach(session, link) : NULL;
    code = session_run(session);
    window_session_detach(window);
    char *text = session_end_text(session) ? strdup(session_end_text(session)) : NULL;
    session_free(session);
    if (code && text)
        fprintf(stderr, "armature: %s\n", text);
    free(text);
    return code;
}

/* A window that nobody asked for is left out where there is no display. */
static int run_in_window(const Options *options, Log *log)
{
    Run what = {options, log};
    Error err;
    if (!window_wanted(options))
        return run(&what, NULL);
    Window *window = window_open(options, &err);
    if (!window && options->window == WINDOW_ALWAYS) {
        log_free(log);
        fprintf(stderr, "armature: --display window: %s\n", err.text);
        return EXIT_HOST;
    }
    if (!window) {
        fprintf(stderr, "armature: no window: %s\n", err.text);
        return run(&what, NULL);
    }
    int code = window_run(window, run, &what);
    window_close(window);
    return code;
}

static int start(Options *options)
{
    Error err;
    FILE *log_file;
    if (options->help)
        return options_help(stdout, options->help_topic, &err) ? EXIT_OFF : fail(EXIT_USAGE, &err);
    if (options->version) {
        puts("armature " ARMATURE_VERSION);
        return EXIT_OFF;
    }
    if (options->print_config) {
        options_print_config(options, stdout);
        return EXIT_OFF;
    }
    bool usable = check_flash(options, &err) && check_folder(options, &err);
    Log *log = usable ? make_log(options, &log_file, &err) : NULL;
    if (!log)
        return fail(EXIT_USAGE, &err);
    int code = run_in_window(options, log);
    if (log_file != stderr)
        fclose(log_file);
    return code;
}

/* Descriptors 0 to 2 are open from here on, whatever the program was started with: what it opens must not be
 * taken for them. */
static void open_standard_files(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
    }
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    Options options;
    Error err;
    open_standard_files();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full host, not the end */
    if (argc > 1 && !strcmp(argv[1], "farm"))
        return farm_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "disk"))
        return disk_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "ctl"))
        return ctl_main(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "snapshot"))
        return snapshot_main(argc - 1, argv + 1);
    if (!options_parse(&options, argc, argv, &err))
        return fail(EXIT_USAGE, &err);
    int code = start(&options);
    options_free(&options);
    return code;
}
