/* One word in each of many pages in random order: nearly every access misses every TLB. */
#define _GNU_SOURCE
#include "workload.h"

#include <sys/mman.h>

#define PAGES 32768u /* 128 MiB; a power of two */
#define PAGE 4096u

uint32_t run(unsigned units)
{
    uint8_t *pages = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t at = 1, sum = 0;

    require(pages != MAP_FAILED, "mmap");
    madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE); /* the guest's kernel has small pages only */
    for (uint32_t i = 0; i < PAGES; i++)
        pages[i * PAGE + i % 64 * 64] = (uint8_t)i;
    for (unsigned i = 0; i < units * 20000; i++) {
        at = at * 1664525 + 1013904223;
        uint32_t page = at >> 8 & (PAGES - 1);
        sum += pages[page * PAGE + page % 64 * 64]++;
    }
    munmap(pages, PAGES * PAGE);
    return sum;
}
