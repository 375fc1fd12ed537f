/* The farm's main loop: starts jobs, waits, counts, ends them. */
#define _GNU_SOURCE
#include "frontends/farm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/farm_job.h"
#include "machine/host_time.h"

/* How often limits are looked at and the terminal is drawn. */
enum { TICK_MS = 250 };

static int fail(int code, const Error *err)
{
    fprintf(stderr, "armature farm: %s\n", err->text);
    return code;
}

static void show_help(void)
{
    fputs(
        "Usage: armature farm [options] [SCRIPT.lua] IMAGE... [-- script arguments]\n"
        "       armature farm [options] [SCRIPT.lua] --jobs-file FILE\n\n"
        "Runs many machines, some at once, each a process of its own with one image. An image is what\n"
        "--kernel takes, a configuration (FILE.conf), or a folder with an armature.conf. All options of\n"
        "armature can be given too and hold for every job; in their values {name} stands for the job's name\n"
        "and {number} for its number.\n\n",
        stdout);
    option_help_group(stdout, &farm_option_table, GROUP_FARM);
    printf("Exit code: 0 all jobs passed, %d some did not, %d bad usage, %d time limit, %d the host failed,\n"
           "%d + n ended by signal n.\n\n"
           "Example:\n"
           "  armature farm --memory 256M --junit results.xml boot.lua images/*.zImage -- --quick\n",
           FARM_FAILED, EXIT_USAGE, EXIT_TIMEOUT, EXIT_HOST, EXIT_SIGNAL);
}

/* ---- What happens to jobs --------------------------------------------------------------------- */

static void finish(Farm *farm, Job *job, JobState state)
{
    job->state = state;
    farm->passed += state == JOB_PASSED;
    farm->failed += state == JOB_FAILED || state == JOB_BROKEN;
    farm->left += state == JOB_LEFT;
}

/* No more jobs are started, and those that run are asked to end. */
static void stop(Farm *farm, const char *why, int code)
{
    if (!farm->stop) {
        farm->stop = why;
        farm->code = code;
    }
    for (unsigned i = 0; i < farm->count; i++)
        if (farm->job[i].state == JOB_RUNS)
            job_end(&farm->job[i], false);
}

static void start_more(Farm *farm)
{
    for (unsigned i = 0; i < farm->count && !farm->stop && farm->running < farm->options.jobs; i++) {
        Job *job = &farm->job[i];
        Error err;
        if (job->state != JOB_WAITS)
            continue;
        if (job_start(farm, job, &err)) {
            farm->running++;
            continue;
        }
        snprintf(job->reason, sizeof job->reason, "%.*s", (int)sizeof job->reason - 1, err.text);
        finish(farm, job, JOB_BROKEN);
        farm_report_job(farm, job, false);
        stop(farm, "the host failed", EXIT_HOST);
    }
}

static void job_ended(Farm *farm, Job *job, int code)
{
    farm->running--;
    if (job->over_limit)
        snprintf(job->reason, sizeof job->reason, "ended by --job-time-limit");
    else
        job_explain(code, job->reason, sizeof job->reason);
    if (code == EXIT_OFF && !job->over_limit) {
        finish(farm, job, JOB_PASSED);
    } else if (farm->stop && job->kill_at != UINT64_MAX && !job->over_limit) {
        snprintf(job->reason, sizeof job->reason, "ended: %s", farm->stop);
        finish(farm, job, JOB_LEFT);
    } else if (!farm->stop && job->attempt <= farm->options.retries && code != EXIT_USAGE) {
        farm_words_add(&job->earlier, settings_keep(farm->strings, job->reason, strlen(job->reason)));
        job->state = JOB_FAILED; /* for the report */
        farm_report_job(farm, job, true);
        job->state = JOB_WAITS;
        return;
    } else {
        finish(farm, job, code == EXIT_HOST || code == EXIT_USAGE ? JOB_BROKEN : JOB_FAILED);
    }
    farm_report_job(farm, job, false);
    if (farm->options.fail_fast && (job->state == JOB_FAILED || job->state == JOB_BROKEN))
        stop(farm, "a job failed", FARM_FAILED);
}

static void reap(Farm *farm)
{
    for (unsigned i = 0; i < farm->count; i++) {
        int code;
        if (farm->job[i].state != JOB_RUNS)
            continue;
        if (farm->job[i].status_fd >= 0)
            job_read_status(&farm->job[i]);
        if (job_reap(&farm->job[i], &code))
            job_ended(farm, &farm->job[i], code);
    }
}

static void check_limits(Farm *farm)
{
    uint64_t now = host_ns();
    if (farm->options.time_limit && now - farm->started >= farm->options.time_limit && !farm->stop)
        stop(farm, "the time limit was reached", EXIT_TIMEOUT);
    for (unsigned i = 0; i < farm->count; i++) {
        Job *job = &farm->job[i];
        if (job->state != JOB_RUNS)
            continue;
        if (now >= job->kill_at)
            job_end(job, true);
        if (farm->options.job_limit && now - job->started >= farm->options.job_limit &&
            job->kill_at == UINT64_MAX) {
            job->over_limit = true;
            job_end(job, false);
        }
    }
}

/* ---- Signals ---------------------------------------------------------------------------------- */

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* If whoever started the farm ignores SIGCHLD, children would vanish before their exit codes are read. */
    signal(SIGCHLD, SIG_DFL);
    /* A reader that went away must not leave the rest of the farm undone. */
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The first signal lets jobs end in order, the second one does not. */
static void read_signals(Farm *farm, int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        bool again = farm->stop_signal;
        farm->stop_signal = (int)info.ssi_signo;
        stop(farm, "interrupted", EXIT_SIGNAL + farm->stop_signal);
        for (unsigned i = 0; again && i < farm->count; i++)
            if (farm->job[i].state == JOB_RUNS)
                job_end(&farm->job[i], true);
    }
}

/* ---- The loop --------------------------------------------------------------------------------- */

static void wait_for_something(Farm *farm, int signals)
{
    struct pollfd *fds = calloc(farm->running + 1, sizeof *fds);
    nfds_t count = 0;
    if (!fds)
        abort();
    fds[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (unsigned i = 0; i < farm->count; i++)
        if (farm->job[i].state == JOB_RUNS && farm->job[i].status_fd >= 0)
            fds[count++] = (struct pollfd){.fd = farm->job[i].status_fd, .events = POLLIN};
    poll(fds, count, TICK_MS);
    read_signals(farm, signals);
    free(fds);
}

static void run(Farm *farm, int signals)
{
    uint64_t drawn = 0;
    farm->started = host_ns();
    farm_report_start(farm);
    for (;;) {
        start_more(farm);
        if (!farm->running)
            break;
        wait_for_something(farm, signals);
        reap(farm);
        check_limits(farm);
        if (host_ns() - drawn >= TICK_MS * 1000000u / 2) {
            farm_report_live(farm, false);
            drawn = host_ns();
        }
    }
    for (unsigned i = 0; i < farm->count; i++)
        if (farm->job[i].state == JOB_WAITS) {
            snprintf(farm->job[i].reason, sizeof farm->job[i].reason, "not run: %s", farm->stop);
            finish(farm, &farm->job[i], JOB_LEFT);
        }
    farm_report_end(farm);
}

/* ---- Before and after ------------------------------------------------------------------------- */

static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count < 1 ? 1 : (unsigned)count;
}

/* What would fail at the end fails now. */
static bool prepare_output(const Farm *farm, Error *err)
{
    if (mkdir(farm->options.log_dir, 0777) && errno != EEXIST)
        return error_set(err, "--log-dir: cannot make the folder %.400s: %s", farm->options.log_dir,
                         strerror(errno));
    if (access(farm->options.log_dir, W_OK | X_OK))
        return error_set(err, "--log-dir: cannot write to %.400s: %s", farm->options.log_dir,
                         strerror(errno));
    return !farm->options.junit || junit_check(farm->options.junit, err);
}

static int run_farm(Farm *farm)
{
    Error err;
    int signals = watch_signals();
    farm->started = host_ns();
    if (!farm->options.jobs)
        farm->options.jobs = processors();
    if (farm->options.jobs > farm->count)
        farm->options.jobs = farm->count;
    if (!prepare_output(farm, &err))
        return fail(EXIT_USAGE, &err);
    if (signals < 0) {
        error_set(&err, "cannot watch for signals: %s", strerror(errno));
        return fail(EXIT_HOST, &err);
    }
    run(farm, signals);
    close(signals);
    if (farm->options.junit && !junit_write(farm, farm->options.junit, &err))
        return fail(EXIT_HOST, &err);
    if (farm->stop)
        return farm->code;
    return farm->failed ? FARM_FAILED : EXIT_OFF;
}

int farm_main(int argc, char **argv)
{
    Farm farm = {.strings = settings_new()};
    Words common = {0}, plain = {0};
    Error err;
    int code = EXIT_OFF, fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ; /* descriptors 0 to 2 are open from here on, whatever the farm was started with */
    if (fd >= 0)
        close(fd);
    if (!farm_parse(&farm, argc, argv, &common, &plain, &err))
        code = fail(EXIT_USAGE, &err);
    else if (farm.options.help)
        show_help();
    else if (!farm_make_jobs(&farm, &common, &plain, &err))
        code = fail(EXIT_USAGE, &err);
    else
        code = run_farm(&farm);
    for (unsigned i = 0; i < farm.count; i++) {
        farm_words_free(&farm.job[i].argv);
        farm_words_free(&farm.job[i].earlier);
    }
    free(farm.job);
    farm_words_free(&common);
    farm_words_free(&plain);
    settings_free(farm.strings);
    return code;
}
