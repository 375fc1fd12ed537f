/* The shortest system call. */
#define _GNU_SOURCE
#include "workload.h"

#include <sys/syscall.h>
#include <unistd.h>

uint32_t run(unsigned units)
{
    uint32_t good = 0;
    long pid = syscall(SYS_getpid);

    for (unsigned i = 0; i < units * 20000; i++)
        good += syscall(SYS_getpid) == pid;
    return good;
}
