/* Reads the clock. */
#include "workload.h"

#include <time.h>

uint32_t run(unsigned units)
{
    struct timespec last = {0, 0}, now;
    uint32_t backwards = 0;

    for (unsigned i = 0; i < units * 10000; i++) {
        require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
        backwards += now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec);
        last = now;
    }
    return backwards;
}
