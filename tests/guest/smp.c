/* Four CPUs: start, locks with LDREX, STREX, WFE and SEV, atomic counters, plain stores against exclusives,
 * interrupts between CPUs, TLB and instruction cache maintenance that reaches the others, code that others
 * run. */
#include "runtime.h"

enum { CPUS = 4 };
#define BACKING 0x60500000u
#define WINDOW 0x80000000u

static volatile uint32_t arrived, job, done, mpidr[CPUS], scratch[CPUS];
static uint32_t lock_word, counter, atomic_word, double_word[2] __attribute__((aligned(8)));
static volatile uint8_t byte_counter;
static volatile uint32_t received[CPUS], sources[CPUS];

/* ---- Synchronization
 * -------------------------------------------------------------------------------------------- */

static void sev(void)
{
    __asm__ volatile("dsb; sev" ::: "memory");
}

static void wfe(void)
{
    __asm__ volatile("wfe" ::: "memory");
}

static uint32_t add_atomically(volatile uint32_t *word, uint32_t value)
{
    uint32_t result, failed;
    __asm__ volatile("1: ldrex %0, [%2]; add %0, %0, %3; strex %1, %0, [%2]; cmp %1, #0; bne 1b"
                     : "=&r"(result), "=&r"(failed)
                     : "r"(word), "r"(value)
                     : "cc", "memory");
    return result;
}

static void lock(uint32_t *word)
{
    uint32_t tmp;
    __asm__ volatile("1: ldrex %0, [%1]; cmp %0, #0; wfene; strexeq %0, %2, [%1]; cmpeq %0, #0; bne 1b; dmb"
                     : "=&r"(tmp)
                     : "r"(word), "r"(1)
                     : "cc", "memory");
}

static void unlock(uint32_t *word)
{
    __asm__ volatile("dmb; str %1, [%0]; dsb; sev" ::"r"(word), "r"(0) : "memory");
}

/* All CPUs meet. */
static void barrier(void)
{
    static volatile uint32_t waiting, round;
    uint32_t now = round;
    if (add_atomically(&waiting, 1) == CPUS) {
        waiting = 0;
        dsb();
        round = now + 1;
        sev();
    } else {
        while (round == now)
            wfe();
    }
    dsb();
}

/* ---- Jobs: all CPUs run each
 * --------------------------------------------------------------------------------------- */

static void job_counters(unsigned cpu)
{
    (void)cpu;
    for (unsigned n = 0; n < 1000; n++) {
        lock(&lock_word);
        counter++;
        unlock(&lock_word);
        add_atomically(&atomic_word, 3);
    }
}

static void job_doubleword(unsigned cpu)
{
    (void)cpu;
    for (unsigned n = 0; n < 500; n++) {
        uint32_t failed;
        __asm__ volatile("1: ldrexd r4, r5, [%1]; adds r4, r4, #1; adc r5, r5, #1; strexd %0, r4, r5, [%1]; "
                         "cmp %0, #0; bne 1b"
                         : "=&r"(failed)
                         : "r"(double_word)
                         : "r4", "r5", "cc", "memory");
        __asm__ volatile("1: ldrexb r4, [%1]; add r4, r4, #1; strexb %0, r4, [%1]; cmp %0, #0; bne 1b"
                         : "=&r"(failed)
                         : "r"(&byte_counter)
                         : "r4", "cc", "memory");
    }
}

/* A store of another CPU between LDREX and STREX makes STREX fail, an exclusive one or not. */
static volatile uint32_t victim, step;
static volatile uint32_t outcome[4];

static uint32_t wait_between(void)
{
    uint32_t failed, value;
    __asm__ volatile("ldrex %1, [%2]; str %3, [%4]; dsb; sev\n"
                     "1: ldr %0, [%4]; cmp %0, %3; beq 1b; mov %1, #0x99; strex %0, %1, [%2]"
                     : "=&r"(failed), "=&r"(value)
                     : "r"(&victim), "r"(1), "r"(&step)
                     : "cc", "memory");
    return failed;
}

static void job_monitor(unsigned cpu)
{
    for (unsigned n = 0; n < 3; n++) {
        barrier();
        if (cpu == 0) {
            victim = 7;
            step = 0;
            outcome[n] = wait_between() << 8 | victim;
        }
        if (cpu == 1) {
            while (step != 1)
                ;
            if (n == 0)
                victim = 0x55;
            if (n == 1)
                add_atomically(&victim, 0x10);
            if (n == 2)
                __asm__ volatile("strb %0, [%1]" ::"r"(0x66), "r"(&victim) : "memory");
            dsb();
            step = 2;
        }
        barrier();
    }
}

/* Message passing: data first, then the flag. */
static volatile uint32_t mail_data[CPUS], mail_flag[CPUS], mail_wrong;

static void job_messages(unsigned cpu)
{
    unsigned to = (cpu + 1) & 3;
    for (uint32_t n = 1; n <= 100; n++) {
        while (mail_flag[to])
            ;
        mail_data[to] = n * 5 + to;
        __asm__ volatile("dmb" ::: "memory");
        mail_flag[to] = 1;
        while (!mail_flag[cpu])
            ;
        __asm__ volatile("dmb" ::: "memory");
        if (mail_data[cpu] != n * 5 + cpu)
            mail_wrong++;
        mail_flag[cpu] = 0;
    }
}

/* Everybody looks through a window whose page CPU 0 exchanges; each way of invalidating must reach all of
 * them. */
static volatile uint32_t window_wrong;

static void invalidate_window(uint32_t n)
{
    dsb();
    switch (n & 3) {
    case 0:
        CP15_WRITE(0, c8, c3, 0, 0);
        break;
    case 1:
        CP15_WRITE(0, c8, c3, 1, WINDOW);
        break;
    case 2:
        CP15_WRITE(0, c8, c3, 3, WINDOW);
        break;
    default:
        CP15_WRITE(0, c8, c3, 2, 0);
        break;
    }
    dsb();
}

static void job_window(unsigned cpu)
{
    for (uint32_t n = 0; n < 64; n++) {
        if (cpu == 0) {
            l2_table[0][0] = (BACKING + (n & 7) * 0x1000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL | PAGE_NG;
            invalidate_window(n);
        }
        barrier();
        if (*word_at(WINDOW) != 0x1000 + (n & 7))
            add_atomically(&window_wrong, 1);
        barrier();
    }
}

/* Everybody runs code that CPU n writes and maintains with the inner-shareable operations. */
static volatile uint32_t code_wrong;

static void job_code(unsigned cpu)
{
    uint32_t at = BACKING + 0x10000;
    for (uint32_t n = 0; n < 60; n++) {
        if (cpu == (n & 3)) {
            word_at(at)[0] = 0xe3a00000 | (n & 0xff); /* mov r0, #n */
            word_at(at)[1] = 0xe12fff1e;              /* bx lr */
            __asm__ volatile("mcr p15, 0, %0, c7, c11, 1; dsb; mcr p15, 0, %1, c7, c1, 0; mcr p15, 0, %1, "
                             "c7, c1, 6; dsb; isb" ::"r"(at),
                             "r"(0)
                             : "memory");
        }
        barrier();
        __asm__ volatile("isb" ::: "memory");
        uint32_t (*function)(void) = (uint32_t(*)(void))at;
        if (function() != (n & 0xff))
            add_atomically(&code_wrong, 1);
        barrier();
    }
}

/* Software-generated interrupts from everybody to everybody. */
static void on_sgi(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc), cpu = CP15_READ(0, c0, c0, 5) & 3;
    if ((id & 0x3ff) < 16) {
        received[cpu] = received[cpu] + 1;
        sources[cpu] |= 1u << (id >> 10 & 7);
    }
    *word_at(GIC_CPU + 0x10) = id;
}

static void job_interrupts(unsigned cpu)
{
    *word_at(GIC_CPU + 4) = 0xf0;
    *word_at(GIC_CPU) = 1;
    while ((*word_at(GIC_CPU + 0xc) & 0x3ff) != 1023) /* what started us */
        *word_at(GIC_CPU + 0x10) = 0;
    CP15_WRITE(0, c12, c0, 0, CP15_READ(0, c12, c0, 0));
    barrier();
    irq_on();
    for (uint32_t n = 0; n < 20; n++) {
        for (unsigned who = 0; who < CPUS; who++) {
            barrier();
            uint32_t before_it = received[cpu];
            barrier();
            if (who == cpu)
                *word_at(GIC_DIST + 0xf00) = (n & 1 ? 1u << 24 : 0xfu << 16) | (n & 15);
            bool expected = !(n & 1) || who != cpu;
            while (expected && received[cpu] == before_it)
                wfi();
        }
    }
    irq_off();
    barrier();
}

static volatile uint32_t private_ok;

/* Private peripherals differ per CPU. */
static void job_private(unsigned cpu)
{
    *word_at(PRIVATE_TIMER + 8) = 0;
    *word_at(PRIVATE_TIMER) = 0x1000 + cpu;
    *word_at(GIC_DIST + 0x400 + 28) = 0x10101010 * (cpu + 1);
    barrier();
    if (*word_at(PRIVATE_TIMER) == 0x1000 + cpu && *word_at(GIC_DIST + 0x400 + 28) == 0x10101010 * (cpu + 1))
        add_atomically(&private_ok, 1);
    barrier();
}

typedef void Job(unsigned);
static Job *const jobs[] = {job_counters, job_doubleword, job_monitor, job_messages,
                            job_window,   job_code,       job_private, job_interrupts};
enum { JOBS = sizeof jobs / sizeof *jobs };

static void run_jobs(unsigned cpu)
{
    for (unsigned n = 0; n < JOBS; n++) {
        barrier();
        jobs[n](cpu);
    }
    barrier();
}

static void mmu_on_here(void)
{
    CP15_WRITE(0, c1, c0, 1,
               CP15_READ(0, c1, c0, 1) | 0x41); /* SMP and FW: take part in coherency, broadcast */
    mmu_on();
    CP15_WRITE(0, c13, c0, 1, 0);
}

static void other(unsigned cpu)
{
    extern uint32_t resume_vectors[];
    CP15_WRITE(0, c12, c0, 0, (uint32_t)resume_vectors);
    mpidr[cpu] = CP15_READ(0, c0, c0, 5);
    mmu_on_here();
    run_jobs(cpu);
    add_atomically(&done, 1);
}

int main(void)
{
    print("CPUs %d MPIDR %x\n", (int)cpu_count(), CP15_READ(0, c0, c0, 5));
    make_flat_map();
    for (uint32_t n = 0; n < 8; n++)
        *word_at(BACKING + n * 0x1000) = 0x1000 + n;
    l1_table[WINDOW >> 20] = (uint32_t)l2_table[0] | 1;
    gic_init();
    on_irq(on_sgi);
    mmu_on_here();
    start_others(other);
    run_jobs(0);
    while (done != CPUS - 1)
        ;
    print("MPIDRs %x %x %x\n", mpidr[1], mpidr[2], mpidr[3]);
    print("locked counter %d, atomic counter %d\n", (int)counter, (int)atomic_word);
    print("doubleword %d %d, byte %w\n", (int)double_word[0], (int)double_word[1], (uint32_t)byte_counter);
    print("store between %w, exclusive %w, byte %w\n", outcome[0], outcome[1], outcome[2]);
    print("messages wrong %d\n", (int)mail_wrong);
    print("window wrong %d, code wrong %d\n", (int)window_wrong, (int)code_wrong);
    print("private registers right %d\n", (int)private_ok);
    for (unsigned n = 0; n < CPUS; n++)
        print("cpu %d: %d interrupts, sources %w\n", (int)n, (int)received[n], sources[n]);
    return 0;
}
