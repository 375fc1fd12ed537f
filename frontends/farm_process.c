/* A job's processes: starting, asking how far it is, ending. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/farm_job.h"
#include "machine/host_time.h"

static const uint64_t patience = 5000000000u; /* ns between SIGTERM and SIGKILL */

/* ---- Starting --------------------------------------------------------------------------------- */

static void child_fails(const char *what)
{
    dprintf(STDERR_FILENO, "armature: cannot start the job: %s: %s\n", what, strerror(errno));
    _exit(EXIT_HOST);
}

/* In the new process, which becomes the emulator. Only calls that are allowed after fork(). */
static void become(char **argv, pid_t farm, int input, int log, int status)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0); /* the farm ends jobs in order; Ctrl-C is for the farm */
    /* Even if the farm is killed no machine may go on running. */
    if (dup2(log, STDERR_FILENO) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL))
        child_fails("setting up");
    if (getppid() != farm)
        _exit(EXIT_HOST);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
        child_fails("redirecting");
    if (status == FARM_STATUS_FD ? fcntl(status, F_SETFD, 0) : dup2(status, FARM_STATUS_FD) < 0)
        child_fails("redirecting");
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    child_fails("/proc/self/exe");
}

static bool open_files(Farm *farm, Job *job, int *input, int *log, int pipes[2], Error *err)
{
    char path[4200];
    int length =
        job->attempt > 1
            ? snprintf(path, sizeof path, "%s/%s.%u.log", farm->options.log_dir, job->name, job->attempt)
            : snprintf(path, sizeof path, "%s/%s.log", farm->options.log_dir, job->name);
    job->log = settings_keep(farm->strings, path, (size_t)length < sizeof path ? (size_t)length : 0);
    *input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* O_APPEND: what the machine prints and what the emulator says go in turn to one file. */
    *log = open(job->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (*log < 0)
        return error_set(err, "cannot write %.400s: %s", job->log, strerror(errno));
    if (*input < 0 || pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
        return error_set(err, "cannot start job %s: %s", job->name, strerror(errno));
    return true;
}

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

bool job_start(Farm *farm, Job *job, Error *err)
{
    int input = -1, log = -1, pipes[2] = {-1, -1};
    pid_t parent = getpid();
    Words argv = {0};
    job->attempt++;
    bool ok = open_files(farm, job, &input, &log, pipes, err);
    for (unsigned i = 0; i < job->argv.count; i++)
        farm_words_add(&argv, job->argv.word[i]);
    farm_words_add(&argv, "--status-fd=3");
    _Static_assert(FARM_STATUS_FD == 3, "as written above");
    fflush(NULL); /* the child must not write what waits here */
    job->pid = ok ? fork() : -1;
    if (job->pid == 0)
        become(argv.word, parent, input, log, pipes[1]);
    if (ok && job->pid < 0)
        ok = error_set(err, "cannot start job %s: %s", job->name, strerror(errno));
    farm_words_free(&argv);
    close_open(input);
    close_open(log);
    close_open(pipes[1]);
    if (!ok) {
        close_open(pipes[0]);
        return false;
    }
    setpgid(job->pid, job->pid); /* whoever is first: the group must exist before it is signalled */
    job->status_fd = pipes[0];
    job->state = JOB_RUNS;
    job->started = host_ns();
    job->kill_at = UINT64_MAX;
    job->over_limit = false;
    job->status[0] = 0;
    return true;
}

/* ---- Watching and ending ---------------------------------------------------------------------- */

void job_end(Job *job, bool now)
{
    if (job->kill_at == UINT64_MAX || now)
        kill(-job->pid, now ? SIGKILL : SIGTERM);
    if (job->kill_at == UINT64_MAX)
        job->kill_at = host_ns() + patience;
}

/* The last whole line counts. */
void job_read_status(Job *job)
{
    char data[2048];
    ssize_t got;
    while ((got = read(job->status_fd, data, sizeof data - 1)) > 0) {
        data[got] = 0;
        char *end = strrchr(data, '\n');
        if (!end)
            continue;
        *end = 0;
        char *line = strrchr(data, '\n');
        snprintf(job->status, sizeof job->status, "%.*s", (int)sizeof job->status - 1,
                 line ? line + 1 : data);
    }
    if (got == 0) {
        close(job->status_fd);
        job->status_fd = -1;
    }
}

bool job_reap(Job *job, int *code)
{
    int status;
    if (waitpid(job->pid, &status, WNOHANG) != job->pid)
        return false;
    kill(-job->pid, SIGKILL); /* what it may have started */
    close_open(job->status_fd);
    job->status_fd = -1;
    job->took = host_ns() - job->started;
    *code = WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}
