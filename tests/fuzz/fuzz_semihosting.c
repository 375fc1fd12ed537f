/* Semihosting calls with random numbers, pointers, lengths, handles and names, most of them nearly right, in
 * a machine whose memory is partly out of reach. Whatever they do, the emulator goes on, nothing outside the
 * folder changes, and a second run of the same seed goes the same way. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/semihosting.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"

#define RAM 0x60000000u
#define RAM_BYTES (1u << 20)

enum { CALLS = 3000, HUNG = 60, STRINGS = 0x10000, STRING_ROOM = 256, BLOCKS = 0x8000, TABLES = 0x4000 };

static const char *const names[] = {"a",
                                    "b",
                                    "sub/c",
                                    "sub/../d",
                                    ":tt",
                                    ":semihosting-features",
                                    "tmp-001",
                                    "../secret",
                                    "../new",
                                    "sub/../../secret",
                                    "/etc/passwd",
                                    "up/secret",
                                    "link",
                                    "fifo",
                                    "sub",
                                    "",
                                    ".",
                                    "..",
                                    "/proc/self/cmdline",
                                    "a/b/c",
                                    "\xff\x01\n"};
enum { NAMES = sizeof names / sizeof *names };

typedef struct Run {
    Random random;
    Machine *machine;
    char parent[64], folder[80];
    uint64_t sum; /* fingerprint of results and output */
} Run;

static void mix(Run *run, uint64_t value)
{
    run->sum = (run->sum ^ value) * 0x100000001b3u;
}

static void output(void *opaque, uint8_t ch)
{
    mix(opaque, ch);
}

/* ---- The host's side --------------------------------------------------------------------------------- */

static bool make_folder(Run *run)
{
    strcpy(run->parent, "/tmp/armature-fuzz-XXXXXX");
    if (!mkdtemp(run->parent))
        return false;
    snprintf(run->folder, sizeof run->folder, "%s/in", run->parent);
    int parent = open(run->parent, O_PATH | O_DIRECTORY);
    int secret = openat(parent, "secret", O_WRONLY | O_CREAT, 0600);
    bool ok = write(secret, "secret", 6) == 6 && !mkdirat(parent, "in", 0700) &&
              !mkdirat(parent, "in/sub", 0700) && !symlinkat("..", parent, "in/up") &&
              !symlinkat("../secret", parent, "in/link") && !mkfifoat(parent, "in/fifo", 0600);
    close(secret);
    close(parent);
    return ok;
}

static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

/* What was there outside is still there, as it was, and there is nothing new. */
static const char *check_outside(const Run *run)
{
    char path[96], text[8] = "";
    snprintf(path, sizeof path, "%s/secret", run->parent);
    int fd = open(path, O_RDONLY);
    ssize_t got = read(fd, text, sizeof text);
    close(fd);
    if (got != 6 || memcmp(text, "secret", 6))
        return "a file outside the folder changed";
    return entries(run->parent) == 4 ? NULL : "a file outside the folder came or went";
}

static void remove_folder(const Run *run)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", run->parent);
    if (system(command))
        fputs("cannot clean up\n", stderr);
}

/* ---- The program's side ------------------------------------------------------------------------------ */

static void put_word(const Run *run, uint32_t address, uint32_t value)
{
    memcpy(run->machine->ram + (address - RAM), &value, 4);
}

static void fill_memory(Run *run)
{
    Random *r = &run->random;
    for (uint32_t n = 0; n < RAM_BYTES; n += 4)
        put_word(run, RAM + n, random_one_in(r, 4) ? random_next(r) : 0x61616161);
    for (unsigned n = 0; n < NAMES; n++)
        strcpy((char *)run->machine->ram + STRINGS + n * STRING_ROOM, names[n]);
    for (uint32_t n = 0; n < 4096; n++) {
        uint32_t bits = random_one_in(r, 2) ? 0xc02 : random_next(r) & 0x8c1e;
        put_word(run, RAM + TABLES + 4 * n,
                 n == 0x600            ? RAM | 0xc02
                 : random_one_in(r, 2) ? RAM | bits
                                       : n << 20 | bits);
    }
}

/* The trap instructions and the section that they are in: calls may have written over them. */
static void put_code(const Run *run)
{
    static const uint32_t code[] = {0xef123456, 0xe10f0070, 0xbabcdfab}, section = RAM | 0xc02;
    Bus *bus = run->machine->bus;
    if (memcmp(run->machine->ram, code, sizeof code))
        bus_dma_write(bus, RAM, code, sizeof code);
    if (memcmp(run->machine->ram + TABLES + 4 * 0x600, &section, sizeof section))
        bus_dma_write(bus, RAM + TABLES + 4 * 0x600, &section, sizeof section);
}

static uint32_t pointer(Run *run)
{
    static const uint32_t edges[] = {0,          RAM - 1,         RAM + RAM_BYTES - 3, RAM + RAM_BYTES,
                                     0x10009000, 0xfffffffe,      0xffffffff,          0x40000000,
                                     0x1e000000, 0x1fff0000 + 16, 0x4c000000,          0x30000000};
    Random *r = &run->random;
    if (random_one_in(r, 6))
        return random_next(r);
    if (random_one_in(r, 6))
        return edges[random_below(r, sizeof edges / sizeof *edges)];
    return RAM + 0x20000 + random_below(r, RAM_BYTES - 0x20000);
}

static uint32_t size(Run *run)
{
    Random *r = &run->random;
    if (random_one_in(r, 12))
        return random_next(r);
    return random_below(r, random_one_in(r, 4) ? RAM_BYTES : 300);
}

static uint32_t field(Run *run, uint32_t kind, uint32_t *length)
{
    Random *r = &run->random;
    unsigned name = random_below(r, NAMES);
    switch (kind) {
    case 'h':
        return random_one_in(r, 16) ? random_next(r) : random_below(r, 70);
    case 'n':
        *length = (uint32_t)strlen(names[name]);
        return random_one_in(r, 12) ? pointer(run) : RAM + STRINGS + name * STRING_ROOM;
    case 'l':
        return random_one_in(r, 12) ? size(run) : *length;
    case 'p':
        return pointer(run);
    case 's':
        return size(run);
    case 'i':
        return random_one_in(r, 8) ? random_next(r) : random_below(r, 300);
    default: /* m */
        return random_one_in(r, 16) ? random_next(r) : random_below(r, 12);
    }
}

/* Numbers and what their fields are; twice what should come often. */
static const struct {
    uint32_t number;
    const char *fields;
} calls[] = {
    {0x01, "nml" },
    {0x01, "nml" },
    {0x01, "nml" },
    {0x02, "h"   },
    {0x03, "ppp" },
    {0x04, "ppp" },
    {0x05, "hps" },
    {0x05, "hps" },
    {0x06, "hps" },
    {0x06, "hps" },
    {0x07, ""    },
    {0x08, "s"   },
    {0x09, "h"   },
    {0x0a, "hs"  },
    {0x0c, "h"   },
    {0x0d, "pis" },
    {0x0e, "nl"  },
    {0x0f, "nlnl"},
    {0x10, ""    },
    {0x11, ""    },
    {0x12, "nl"  },
    {0x13, ""    },
    {0x15, "ps"  },
    {0x16, "p"   },
    {0x18, "s"   },
    {0x20, "ss"  },
    {0x30, "pp"  },
    {0x31, ""    },
    {0x17, "ss"  },
    {0x99, "ss"  }
};

static void prepare(Run *run, Cpu *cpu)
{
    Random *r = &run->random;
    unsigned trap = random_below(r, 4), which = random_below(r, sizeof calls / sizeof *calls);
    uint32_t block = random_one_in(r, 16) ? pointer(run) : RAM + BLOCKS + random_below(r, 64), length = 0;
    for (unsigned n = 0; calls[which].fields[n]; n++) {
        uint32_t value = field(run, (uint32_t)calls[which].fields[n], &length);
        if (block >= RAM && block < RAM + RAM_BYTES - 16)
            put_word(run, block + 4 * n, cpu->e ? __builtin_bswap32(value) : value);
    }
    cpu->pc = RAM + (trap < 2 ? 4 * trap : 4 + 2 * trap);
    cpu->thumb = trap >= 2;
    cpu->r[0] = calls[which].number;
    cpu->r[1] = random_one_in(r, 12) ? pointer(run) : block;
}

static void change_surroundings(Run *run, Cpu *cpu)
{
    static const uint8_t modes[] = {MODE_USR, MODE_SVC, MODE_SYS, MODE_IRQ};
    Random *r = &run->random;
    cpsr_write(cpu, MODE_SVC, PSR_MODE);
    cp_write(cpu, 15, 0, 2, 0, 0, RAM + TABLES);
    cp_write(cpu, 15, 0, 3, 0, 0, random_one_in(r, 2) ? 1 : 3);
    cp_write(cpu, 15, 0, 1, 0, 0, random_below(r, 2));
    cpsr_write(cpu, random_one_in(r, 4) ? PSR_E : 0, PSR_E);
    cpsr_write(cpu, modes[random_below(r, 4)], PSR_MODE);
    cpu->leave = 0;
    if (random_one_in(r, 10))
        machine_reset(run->machine);
}

/* One call; NULL or what is wrong. */
static const char *step(Run *run)
{
    Cpu *cpu = run->machine->cpu[0];
    SerialPort *port = &run->machine->env.serial[0];
    put_code(run);
    prepare(run, cpu);
    uint32_t pc = cpu->pc, next = pc + (cpu->thumb ? 2 : 4);
    uint64_t began = cpu->icount;
    machine_step(run->machine, 1);
    run->machine->request_pending = false;
    mix(run, cpu->r[0]);
    mix(run, cpu->r[1]);
    if (cpu->icount != began + 1)
        return "one instruction was not one";
    bool waits = cpu->attention & ATTN_INPUT;
    if (cpu->pc != (waits ? pc : next))
        return "the call did not go on after its instruction";
    if (waits && semihosting_has_input(run->machine->semihosting))
        return "a call waits for what is there";
    cpu->attention &= (uint8_t)~ATTN_INPUT;
    if (random_one_in(&run->random, 8))
        serial_send(port, "typed\r\n", 1 + random_below(&run->random, 7));
    port->ended = random_one_in(&run->random, 16);
    return NULL;
}

static const char *run_seed(Run *run, uint64_t seed)
{
    *run = (Run){.random = {seed * 0x2545f4914f6cdd1du}};
    if (!make_folder(run))
        return "cannot make a folder";
    MachineOptions options = {.cpus = 1,
                              .memory = RAM_BYTES,
                              .deterministic = true,
                              .semihosting = true,
                              .semihosting_dir = random_one_in(&run->random, 8) ? NULL : run->folder};
    run->machine = machine_new(&options, log_new(stderr), NULL);
    if (!run->machine)
        return "cannot make a machine";
    run->machine->env.serial[0].output = output;
    run->machine->env.serial[0].output_opaque = run;
    semihosting_set_command_line(run->machine->semihosting, "program", "arguments");
    fill_memory(run);
    const char *wrong = NULL;
    for (unsigned n = 0; n < CALLS && !wrong; n++) {
        if (n % 50 == 0)
            change_surroundings(run, run->machine->cpu[0]);
        wrong = step(run);
    }
    if (!wrong)
        wrong = check_outside(run);
    for (uint32_t n = 0; n < RAM_BYTES; n += 4)
        mix(run, *(const uint32_t *)(run->machine->ram + n));
    machine_free(run->machine);
    remove_folder(run);
    return wrong;
}

static bool check_seed(uint64_t seed)
{
    Run first, second;
    const char *wrong = run_seed(&first, seed);
    if (!wrong)
        wrong = run_seed(&second, seed);
    if (!wrong && first.sum != second.sum)
        wrong = "a second run went another way";
    if (wrong)
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, wrong);
    return !wrong;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, "programs", 12, HUNG, check_seed);
}
