/* Two processes that hand a word to and fro through pipes. */
#define _GNU_SOURCE
#include "workload.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(int from, int to)
{
    uint32_t word;

    while (read(from, &word, sizeof word) == sizeof word) {
        word = word * 3 + 1;
        if (write(to, &word, sizeof word) != sizeof word)
            _exit(1);
    }
    _exit(0);
}

/* The guest has one CPU; a second one would make the host's waking slower. */
static void stay_on_this_cpu(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    require(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

uint32_t run(unsigned units)
{
    int to[2], from[2];
    uint32_t word = 1;

    stay_on_this_cpu();
    require(pipe(to) == 0 && pipe(from) == 0, "pipe");
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        close(to[1]);
        close(from[0]);
        answer(to[0], from[1]);
    }
    for (unsigned i = 0; i < units * 500; i++) {
        require(write(to[1], &word, sizeof word) == sizeof word, "write");
        require(read(from[0], &word, sizeof word) == sizeof word, "read");
    }
    close(to[1]);
    require(waitpid(child, NULL, 0) == child, "wait");
    return word;
}
