/* Signals that a process sends itself, and faults that a handler repairs. */
#define _GNU_SOURCE
#include "workload.h"

#include <signal.h>
#include <sys/mman.h>

#define PAGE 4096u

static volatile uint32_t raised, repaired;
static uint8_t *page;

static void on_signal(int number)
{
    raised += (uint32_t)number;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    repaired += info->si_addr == page + 128;
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

uint32_t run(unsigned units)
{
    struct sigaction action = {.sa_handler = on_signal},
                     fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    page = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(page != MAP_FAILED, "mmap");
    require(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGSEGV, &fault, NULL) == 0, "sigaction");
    for (unsigned i = 0; i < units * 500; i++) {
        raise(SIGUSR1);
        if (i % 4)
            continue;
        mprotect(page, PAGE, PROT_READ);
        *(volatile uint8_t *)(page + 128) = (uint8_t)i;
    }
    return mix(raised / SIGUSR1, repaired) + page[128];
}
