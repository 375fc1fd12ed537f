/* The Arm side of the instruction oracle: runs cases from a file and writes what became of them. See
 * oracle.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "oracle.h"

/* Shared with runner_asm.S. */
OracleState oracle_in, oracle_out, oracle_signal;
void oracle_enter(void);
extern const char oracle_stub_start[], oracle_stub_end[];
void oracle_on_signal(int number, siginfo_t *info, void *context);
void oracle_handler(int number, siginfo_t *info, void *context);

static sigjmp_buf back;
static OracleResult result;

/* Called by oracle_on_signal with the vector registers and FPSCR already in oracle_signal. */
void oracle_handler(int number, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    const unsigned long *regs = &uc->uc_mcontext.arm_r0;
    (void)info;
    result.out = oracle_signal;
    for (unsigned n = 0; n < 15; n++)
        result.out.r[n] = (uint32_t)regs[n];
    result.out.cpsr = (uint32_t)uc->uc_mcontext.arm_cpsr;
    result.pc = (uint32_t)uc->uc_mcontext.arm_pc;
    result.outcome = number == SIGILL ? ORACLE_UNDEFINED : number == SIGTRAP ? ORACLE_TRAP : ORACLE_ABORT;
    if (number == SIGALRM)
        result.outcome = ORACLE_STUCK;
    siglongjmp(back, 1);
}

static void *map_fixed(uint32_t address, size_t size, int protection)
{
    void *at = mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return at;
}

static void install_handlers(void)
{
    static const int numbers[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGALRM};
    static char stack[65536];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_sigaction = oracle_on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++)
        sigaction(numbers[n], &action, NULL);
}

static void run_case(const OracleCase *c)
{
    uint32_t *data = (uint32_t *)ORACLE_DATA;
    memcpy((void *)ORACLE_CODE, c->code, sizeof c->code);
    __builtin___clear_cache((char *)ORACLE_CODE, (char *)ORACLE_CODE + sizeof c->code);
    oracle_fill(data, c->data_seed);
    memset(&result, 0, sizeof result);
    oracle_in = c->in;
    uint32_t *entry = (uint32_t *)ORACLE_ENTRY;
    entry[0] = 0xe51ff004; /* ldr pc, [pc, #-4] */
    entry[1] = ORACLE_CODE | c->thumb;
    memcpy((void *)ORACLE_STUB, oracle_stub_start, (size_t)(oracle_stub_end - oracle_stub_start));
    __builtin___clear_cache((char *)entry, (char *)ORACLE_STUB + (oracle_stub_end - oracle_stub_start));
    alarm(5);
    if (!sigsetjmp(back, 1)) {
        oracle_enter();
        result.outcome = ORACLE_ENDED;
        result.out = oracle_out;
    }
    result.data_hash = oracle_hash(data);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: runner CASES RESULTS\n");
        return 2;
    }
    FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
    if (!in || !out) {
        perror("open");
        return 2;
    }
    map_fixed(ORACLE_CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    map_fixed(ORACLE_DATA, ORACLE_DATA_BYTES, PROT_READ | PROT_WRITE);
    install_handlers();
    static OracleCase c;
    while (fread(&c, sizeof c, 1, in) == 1) {
        run_case(&c);
        fwrite(&result, sizeof result, 1, out);
    }
    return fclose(out) ? 2 : 0;
}
