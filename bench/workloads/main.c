/* Runs one workload: PROGRAM UNITS. Prints its checksum. */
#include <stdio.h>
#include <stdlib.h>

#include "workload.h"

void require(int success, const char *what)
{
    if (!success) {
        perror(what);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    unsigned long units = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

    if (units == 0) {
        fprintf(stderr, "usage: %s UNITS\n", argv[0]);
        return 2;
    }
    printf("checksum %08x\n", (unsigned)run((unsigned)units));
    return fflush(stdout) ? 1 : 0;
}
