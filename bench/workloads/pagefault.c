/* Maps memory, touches every page, protects and unmaps it. */
#define _GNU_SOURCE
#include "workload.h"

#include <sys/mman.h>

#define PAGES 256u
#define PAGE 4096u

uint32_t run(unsigned units)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 4 * units; i++) {
        uint8_t *pages = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(pages != MAP_FAILED, "mmap");
        madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE);
        for (uint32_t page = 0; page < PAGES; page++)
            pages[page * PAGE] += (uint8_t)(page + i);
        require(mprotect(pages, PAGES * PAGE, PROT_READ) == 0, "mprotect");
        for (uint32_t page = 0; page < PAGES; page += 3)
            sum += pages[page * PAGE];
        require(munmap(pages, PAGES * PAGE) == 0, "munmap");
    }
    return sum;
}
