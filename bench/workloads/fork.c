/* fork of a process with some memory that both sides then write to, exit, wait. */
#include "workload.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1u << 20)

uint32_t run(unsigned units)
{
    uint8_t *memory = malloc(SIZE);
    uint32_t hash = 0;

    require(memory != NULL, "memory");
    for (uint32_t i = 0; i < SIZE; i += 4096)
        memory[i] = (uint8_t)(i >> 12);
    for (unsigned i = 0; i < 5 * units; i++) {
        int status;
        pid_t child = fork();
        require(child >= 0, "fork");
        for (uint32_t at = 0; at < SIZE; at += 65536)
            memory[at] += child == 0 ? 1 : 2;
        if (child == 0)
            _exit(memory[i % 16 * 65536]);
        require(waitpid(child, &status, 0) == child && WIFEXITED(status), "wait");
        hash = mix(hash, (uint32_t)WEXITSTATUS(status));
    }
    free(memory);
    return hash;
}
