/* One whole machine: CPUs, memory, devices, clock. No state lives outside it, so that several run in one
 * process. */
#ifndef ARMATURE_MACHINE_MACHINE_H
#define ARMATURE_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "devices/device.h"
#include "jit/jit.h"
#include "machine/arrivals.h"
#include "machine/bus.h"
#include "machine/clock.h"
#include "machine/error.h"
#include "machine/journal.h"
#include "machine/log.h"

enum { MAX_CPUS = 4, MAX_DEVICES = 128 };
enum { TIME_SCALE_ONE = 1000000, TIME_SCALE_LEAST = 10000, TIME_SCALE_MOST = 1000000000 };
enum { MACHINE_FLASH_BYTES = 64 << 20 }; /* of each of the two NOR flash banks */

typedef struct MachineOptions {
    unsigned cpus;   /* 1 to 4 */
    uint64_t memory; /* bytes of RAM, multiple of 1 MiB, up to 1 GiB */
    JitOptions jit;
    bool deterministic;  /* virtual time from the instruction count instead of the host's clock */
    bool paced;          /* deterministic: idle time takes as long on the host, instead of being skipped */
    uint32_t time_scale; /* otherwise: millionths of host time in a time of the guest's; 0: as many as that */
    uint32_t rtc_base;   /* seconds since 1970 at power-on */
    const char *flash[2]; /* files with the contents of the NOR flash banks, NULL = erased, not kept */
    bool boot_from_flash; /* no boot ROM: address 0 is flash bank 0 */
    bool semihosting;     /* trap instructions of semihosting are calls to the host, see semihosting.h */
    const char *semihosting_dir; /* the folder whose files these calls may use, NULL: none */
    bool test_device;            /* the board has the test device, see docs/test-device.md */
    bool gpu;                    /* the board has the virtio GPU */
    /* How many of these virtio devices the board has; what is connected to them is DeviceEnv's. */
    unsigned virtio_disks, virtio_nets, shares;
    uint8_t hub[NET_PORTS];     /* number of the hub inside the machine that the port leads to; 0: none */
    uint64_t seed;              /* of random numbers in deterministic runs */
    bool rng, console, balloon; /* whether it has the virtio devices of that kind */
} MachineOptions;

typedef enum MachineEnd {
    END_POWER_OFF,
    END_REBOOT,
    END_STOPPED,
    END_GUEST_EXIT, /* by semihosting or the test device: see Machine.exit_code */
    END_BROKEN      /* machine_break(): see Machine.broken */
} MachineEnd;

typedef struct Semihosting Semihosting;

typedef struct Machine {
    MachineOptions options;
    DeviceEnv env; /* clock, log, bus, serial ports */
    Clock *clock;
    Arrivals *arrivals; /* what host threads have for it */
    Log *log;
    Bus *bus;
    Display *display;
    Input *input;
    struct CodeCache *code;
    Jit *jit; /* NULL: interpreter only */
    Cpu *cpu[MAX_CPUS];
    Device *device[MAX_DEVICES];
    unsigned device_count;
    uint8_t *ram; /* host view of RAM: a memfd mapping, and so are the others, see machine_memory() */
    int ram_fd;
    uint8_t *rom; /* boot ROM, at address 0 */
    uint8_t *vram, *psram;
    int rom_fd, vram_fd, psram_fd;
    Region *remapped[4]; /* what is mapped only before or only after the remap */
    unsigned remapped_count;
    bool is_remapped;
    uint64_t time_base;       /* virtual ns that do not come from the source below (idle time skipped) */
    uint64_t host_base;       /* host ns at power-on */
    uint64_t idle_ns;         /* host time with nothing to run, for statistics */
    uint64_t built;           /* host ns when the machine was built, for statistics */
    bool turbo;               /* idle time is skipped, though time follows the host's clock */
    uint64_t idle_since;      /* host ns since when all CPUs sleep, for options.paced; 0: they do not */
    Journal *journal;         /* NULL: none, see machine_make_journal() */
    JournalChannel *debugger; /* its channel for what inspect.h and steps do */
    unsigned current_cpu;
    unsigned next_cpu; /* whose slice is next */
    bool running;      /* a CPU executes right now */
    bool yield;        /* machine_yield() */
    int stopped_cpu;   /* for machine_stopped(); -1: none */
    /* A breakpoint interrupted the slice of next_cpu, which goes up to this icount; 0: none did. */
    uint64_t slice_end;
    Watchpoints watchpoints;
    uint64_t pause_at; /* for machine_pause_at(); UINT64_MAX: nowhere */
    int pause_cpu;     /* for machine_pause_cpu_at(): -1: none */
    uint64_t pause_cpu_at;
    uint64_t mark_at; /* for machine_mark_at(); UINT64_MAX: nowhere */
    /* The identity of the state that it is in, if a snapshot has it: as long as nothing has run, and nobody
     * called machine_changed(). known: 0, or a sum of the state without memory (snapshot/identity.h). */
    uint64_t identity[2], known;
    uint64_t held_at; /* virtual time stands still at this time, CLOCK_NEVER: it runs */
    bool stop_requested, request_pending;
    MachineRequest request;
    int exit_code;            /* END_GUEST_EXIT: what the guest chose, any value; 0 means success */
    const char *exit_reason;  /* END_GUEST_EXIT: what failed, in words, if the guest named that; or NULL */
    char *broken;             /* END_BROKEN: what is wrong, many lines; NULL: nothing */
    Semihosting *semihosting; /* NULL: off */
    /* Set by the frontend: sleeps until fds are ready or timeout_ns of host time passed, and feeds serial
     * input. With timeout 0 it only polls. May be NULL. Returns false to stop the machine (END_STOPPED). */
    bool (*poll)(void *opaque, uint64_t timeout_ns);
    void *poll_opaque;
} Machine;

/* Builds the board. NULL with err set if the host lacks memory, or a file cannot be used. log is taken over.
 */
Machine *machine_new(const MachineOptions *options, Log *log, Error *err);
void machine_free(Machine *machine);

/* Power-on reset of CPUs and devices; memory keeps its contents. */
void machine_reset(Machine *machine);

/* Runs until the guest powers off, reboots or exits, poll() says stop, or machine_stop() was called. */
MachineEnd machine_run(Machine *machine);
void machine_stop(Machine *machine);

/* Ends machine_run() after the current instruction with END_BROKEN: the machine cannot go on as it should.
 * report: lines for the user, copied; the first one stays. */
void machine_break(Machine *machine, const char *report);

/* Makes machine_run() call poll() after the current instruction, before any other. */
void machine_yield(Machine *machine);

/* Stops virtual time, or lets it go on from there: while poll() keeps the machine paused. (Deterministic time
 * stands still anyway while nothing executes.) */
void machine_hold_time(Machine *machine, bool hold);

/* Makes machine_run() call poll() when the CPUs together have begun exactly so many instructions, before any
 * other; if they have begun more already, never. One place at a time; UINT64_MAX: none. Nothing is different
 * from a run that does not pause. */
void machine_pause_at(Machine *machine, uint64_t icount);

/* The same for the history, which has a place of its own; poll() compares it with machine_icount(). */
void machine_mark_at(Machine *machine, uint64_t icount);

/* The same for one CPU's own count. CPU -1: for none. */
void machine_pause_cpu_at(Machine *machine, int cpu, uint64_t icount);

/* The machine is at another place of its run now: what is kept about the place where it was is forgotten, and
 * poll() is called before it goes on. */
void machine_moved(Machine *machine);

/* Gives the machine a journal, off at first, with channels for all that enters it; see journal.h. It must be
 * deterministic. While it replays, idle time is not paced, and the next event is fed at its place by
 * machine_run(), which calls poll() when journal_diverged() becomes true, and after each event. */
void machine_make_journal(Machine *machine);

/* Paced idle time that has passed on the host passes, and no more before machine_run() goes on: what is
 * looked at now is what it was at the place of an event that is written down now. */
void machine_stop_pacing(Machine *machine);

/* While machine_run() does not run, and the journal replays: feeds what it has for this place. */
void machine_feed_journal(Machine *machine);

/* Runs so many instructions on CPU 0, or fewer, as machine_step_cpu() does. */
void machine_step(Machine *machine, uint64_t count);

/* Runs so many instructions on one CPU while the others stand still. It ends earlier where the CPU waits, at
 * a breakpoint other than one that it begins at, and when a device ends the run. Returns how many there were.
 */
uint64_t machine_step_cpu(Machine *machine, unsigned cpu, uint64_t count);

/* Before the instruction at a breakpoint, the CPU stops and poll() is called, which asks machine_stopped().
 * When it returns, the CPU goes on with that instruction, and nothing is different from a run without
 * breakpoints. They outlive a reset. Both are for between instructions. False with err set if there are too
 * many, or if there is none to remove. Adding one twice is adding it once. */
bool machine_add_breakpoint(Machine *machine, uint32_t address, Error *err);
bool machine_remove_breakpoint(Machine *machine, uint32_t address, Error *err);
bool machine_has_breakpoint(const Machine *machine, uint32_t address);
/* Their addresses, ascending. */
const uint32_t *machine_breakpoints(const Machine *machine, unsigned *count);

/* After an instruction that reads or writes (WATCH_*) something in [address, address + size) of the memory
 * that its CPU sees there, the CPU stops in the same way; machine_stop_hit() says so. See cpu/watchpoints.h.
 */
bool machine_add_watchpoint(Machine *machine, uint32_t address, uint32_t size, unsigned kinds, Error *err);
bool machine_remove_watchpoint(Machine *machine, uint32_t address, Error *err);
const Watchpoints *machine_watchpoints(const Machine *machine);

/* What the CPU, which has stopped, met: NULL for a breakpoint. Until it goes on. */
const WatchHit *machine_stop_hit(const Machine *machine, unsigned cpu);

/* True once for each stop: which CPU it was. */
bool machine_stopped(Machine *machine, unsigned *cpu);

Device *machine_device(Machine *machine, const char *name);

/* Memory with contents: RAM, boot ROM, video RAM, PSRAM, NOR flash. */
typedef struct MachineMemory {
    const char *name;
    uint8_t *host;
    uint64_t size; /* bytes: whole pages */
    int *fd;       /* what is mapped at host, shared; NULL: something else */
    uint32_t base; /* home address, see bus_home() */
    uint8_t fill;  /* what fills it before anybody writes */
    bool watched;  /* every write is told to bus_watches() before it happens */
    bool blank;    /* fd is NULL: pages that are not the process's own are filled */
} MachineMemory;

enum { MACHINE_MEMORIES = 6 };
/* Number n of them; false if there are not so many. */
bool machine_memory(const Machine *machine, unsigned n, MachineMemory *memory);

/* ---- For snapshots, between instructions ---- */

/* Sets virtual time, in ns. Timers keep the times at which they are due. */
void machine_set_time(Machine *machine, uint64_t now);

/* Sets the date: what the real-time clock shows, as if it had been written there, and what semihosting says.
 * Seconds since 1970. */
void machine_set_date(Machine *machine, uint32_t seconds);

/* Memory or disks have been changed from outside. */
void machine_changed(Machine *machine);

/* Maps what is at address 0 before or after the remap. */
void machine_set_remap(Machine *machine, bool after);
bool machine_is_remapped(const Machine *machine);

/* Forgets everything that is kept about memory and CP15 registers: decoded code, TLBs, what displays saw. */
void machine_forget(Machine *machine);

/* Base address and size of RAM. */
uint32_t machine_ram_base(const Machine *machine);

/* Instructions begun by all CPUs. */
uint64_t machine_icount(const Machine *machine);

#endif
