#define _GNU_SOURCE /* posix_spawn_file_actions_addclosefrom_np() */
#include "frontends/clipboard_picture.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *driver;
    char *words[7]; /* both read standard input */
} programs[] = {
    {"x11",     {"xclip", "-selection", "clipboard", "-target", "image/png", "-in", NULL}},
    {"wayland", {"wl-copy", "--type", "image/png", NULL}                                 },
};

/* The program stays in the background for as long as it owns the clipboard: it must hold nothing of ours, no
 * locked image and no socket, and Ctrl-C in the terminal is not for it. */
static bool start(char *const *words, const char *path, pid_t *pid)
{
    extern char **environ;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t signals;
    if (posix_spawn_file_actions_init(&files))
        return false;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&files);
        return false;
    }
    sigfillset(&signals);
    bool ready = !posix_spawnattr_setsigdefault(&attributes, &signals) && !sigemptyset(&signals) &&
                 !posix_spawnattr_setsigmask(&attributes, &signals) &&
                 !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                            POSIX_SPAWN_SETSID) &&
                 !posix_spawn_file_actions_addopen(&files, STDIN_FILENO, path, O_RDONLY, 0) &&
                 !posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) &&
                 !posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO) &&
                 !posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    bool ok = ready && !posix_spawnp(pid, words[0], &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return ok;
}

/* They fork once they have read everything. */
static bool ends_well(pid_t pid)
{
    enum { TRIES = 100 };
    const struct timespec pause = {0, 5000000};
    int status;
    for (unsigned n = 0; n < TRIES; n++) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended)
            return ended == pid && WIFEXITED(status) && !WEXITSTATUS(status);
        nanosleep(&pause, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return false;
}

bool clipboard_put_picture(const char *video_driver, const char *path)
{
    for (unsigned n = 0; video_driver && n < sizeof programs / sizeof *programs; n++) {
        pid_t pid;
        if (!strcmp(video_driver, programs[n].driver))
            return start(programs[n].words, path, &pid) && ends_well(pid);
    }
    return false;
}
