/* NBD servers of other programs, for tests. Who includes it defines _GNU_SOURCE. */
#ifndef ARMATURE_TESTS_IMAGES_NBD_SERVER_H
#define ARMATURE_TESTS_IMAGES_NBD_SERVER_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/images/folder.h"

static char sock[200], address[220];

static inline bool there(const char *program)
{
    char command[200];
    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return !system(command);
}

/* Where servers of this test listen: in folder.h's folder. */
static inline char *nbd_socket(void)
{
    snprintf(sock, sizeof sock, "%s", in_folder("sock"));
    return sock;
}

/* Starts a server that listens at nbd_socket(). */
static inline pid_t serve(char *const *words)
{
    snprintf(address, sizeof address, "nbd:%s", nbd_socket());
    unlink(sock);
    fflush(NULL);
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(words[0], words);
        _exit(127);
    }
    for (unsigned n = 0; n < 1000 && access(sock, F_OK); n++)
        usleep(10000);
    usleep(20000); /* between its bind() and listen() */
    return pid;
}

static inline void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#endif
