/* See semihosting.h. One function for each call, in a table; what the program hands over is read and written
 * with the permissions that it has itself, and every failure is the call's error result. */
#include "machine/semihosting_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_FIRST = 0x20000, APPLICATION_EXIT = 0x20026 };

#define NS_PER_SECOND 1000000000u
#define NS_PER_CENTISECOND 10000000u

void semihost_fail(SemihostCall *c, int64_t bad)
{
    c->s->error = (int)-bad;
    c->result = SEMIHOST_FAILED;
}

void semihost_finish(SemihostCall *c, int64_t result)
{
    if (result < 0)
        semihost_fail(c, result);
    else
        c->result = (uint32_t)result;
}

/* ---- The program's memory ----------------------------------------------------------------------------- */

static uint32_t word_order(const SemihostCall *c, uint32_t value)
{
    return c->cpu->e ? __builtin_bswap32(value) : value;
}

bool semihost_read_words(const SemihostCall *c, uint32_t address, uint32_t *word, unsigned count)
{
    if (!mmu_copy_in(c->cpu, address, word, 4 * count))
        return false;
    for (unsigned n = 0; n < count; n++)
        word[n] = word_order(c, word[n]);
    return true;
}

bool semihost_write_words(const SemihostCall *c, uint32_t address, const uint32_t *word, unsigned count)
{
    uint32_t ordered[SEMIHOST_FIELDS];
    for (unsigned n = 0; n < count; n++)
        ordered[n] = word_order(c, word[n]);
    return mmu_copy_out(c->cpu, address, ordered, 4 * count);
}

/* ---- Time --------------------------------------------------------------------------------------------- */

static uint64_t elapsed(const SemihostCall *c)
{
    return clock_now(c->s->machine->clock) - c->s->started;
}

static void semihost_clock(SemihostCall *c)
{
    c->result = (uint32_t)(elapsed(c) / NS_PER_CENTISECOND);
}

static void semihost_time(SemihostCall *c)
{
    uint64_t now = clock_now(c->s->machine->clock) / NS_PER_SECOND;
    c->result = c->s->machine->options.rtc_base + (uint32_t)now;
}

static void semihost_elapsed(SemihostCall *c)
{
    uint64_t ns = elapsed(c);
    uint32_t word[2] = {(uint32_t)ns, (uint32_t)(ns >> 32)};
    if (semihost_write_words(c, c->parameter, word, 2))
        return;
    semihost_fail(c, -EFAULT);
    c->cpu->r[1] = SEMIHOST_FAILED;
}

static void semihost_tickfreq(SemihostCall *c)
{
    c->result = NS_PER_SECOND;
}

/* ---- The program and its surroundings ----------------------------------------------------------------- */

static void semihost_iserror(SemihostCall *c)
{
    c->result = c->field[0] >> 31;
}

static void semihost_errno(SemihostCall *c)
{
    c->result = (uint32_t)c->s->error;
}

/* No program of a guest's choice runs on the host. */
static void semihost_system(SemihostCall *c)
{
    semihost_fail(c, -EACCES);
}

static void semihost_get_cmdline(SemihostCall *c)
{
    const char *text = c->s->command_line ? c->s->command_line : "";
    uint32_t length = (uint32_t)strlen(text);
    if (c->field[1] <= length)
        semihost_fail(c, -E2BIG);
    else if (!mmu_copy_out(c->cpu, c->field[0], text, length + 1) ||
             !semihost_write_words(c, c->parameter + 4, &length, 1))
        semihost_fail(c, -EFAULT);
}

/* One piece of memory, in which heap and stack grow towards each other. */
static void semihost_heapinfo(SemihostCall *c)
{
    uint32_t base = c->s->free_base, limit = c->s->free_limit;
    uint32_t block[SEMIHOST_FIELDS] = {base, limit, limit, base};
    if (!semihost_write_words(c, c->field[0], block, SEMIHOST_FIELDS))
        semihost_fail(c, -EFAULT);
}

static const char *reason_name(uint32_t reason)
{
    static const char *const names[] = {
        [0x00] = "branch through zero",
        [0x01] = "undefined instruction",
        [0x02] = "software interrupt",
        [0x03] = "prefetch abort",
        [0x04] = "data abort",
        [0x05] = "address exception",
        [0x06] = "IRQ",
        [0x07] = "FIQ",
        [0x20] = "breakpoint",
        [0x21] = "watchpoint",
        [0x22] = "step complete",
        [0x23] = "run-time error",
        [0x24] = "internal error",
        [0x25] = "user interruption",
        [0x27] = "stack overflow",
        [0x28] = "division by zero",
        [0x29] = "reason of the operating system",
    };
    uint32_t n = reason - REASON_FIRST;
    return n < sizeof names / sizeof *names && names[n] ? names[n] : "unknown reason";
}

/* The registers stay as they are, for whoever lets the program go on. */
static void end(SemihostCall *c, uint32_t reason, uint32_t code)
{
    Machine *m = c->s->machine;
    m->exit_reason = reason == APPLICATION_EXIT ? NULL : reason_name(reason);
    m->env.exit_code = reason == APPLICATION_EXIT ? (int)code : 1;
    c->result = c->cpu->r[0];
    m->env.request(m->env.machine, REQUEST_EXIT);
}

static void semihost_exit(SemihostCall *c)
{
    end(c, c->parameter, 0);
}

static void semihost_exit_extended(SemihostCall *c)
{
    end(c, c->field[0], c->field[1]);
}

/* ---- Calls -------------------------------------------------------------------------------------------- */

typedef struct CallInfo {
    void (*run)(SemihostCall *c);
    unsigned fields; /* words that the parameter points to and that the call needs */
} CallInfo;

/* clang-format off */
static const CallInfo calls[] = {
    [0x01] = {semihost_open,          3},
    [0x02] = {semihost_close,         1},
    [0x03] = {semihost_writec,        0},
    [0x04] = {semihost_write0,        0},
    [0x05] = {semihost_write,         3},
    [0x06] = {semihost_read,          3},
    [0x07] = {semihost_readc,         0},
    [0x08] = {semihost_iserror,       1},
    [0x09] = {semihost_istty,         1},
    [0x0a] = {semihost_seek,          2},
    [0x0c] = {semihost_flen,          1},
    [0x0d] = {semihost_tmpnam,        3},
    [0x0e] = {semihost_remove,        2},
    [0x0f] = {semihost_rename,        4},
    [0x10] = {semihost_clock,         0},
    [0x11] = {semihost_time,          0},
    [0x12] = {semihost_system,        2},
    [0x13] = {semihost_errno,         0},
    [0x15] = {semihost_get_cmdline,   2},
    [0x16] = {semihost_heapinfo,      1},
    [0x18] = {semihost_exit,          0},
    [0x20] = {semihost_exit_extended, 2},
    [0x30] = {semihost_elapsed,       0},
    [0x31] = {semihost_tickfreq,      0},
};
/* clang-format on */

static void run_call(SemihostCall *c, uint32_t number)
{
    const CallInfo *info = number < sizeof calls / sizeof *calls ? &calls[number] : NULL;
    if (!info || !info->run) {
        log_once(c->s->machine->log, LOG_GUEST, c->cpu->name, "semihosting call 0x%x: there is none", number);
        semihost_fail(c, -ENOSYS);
    } else if (!semihost_read_words(c, c->parameter, c->field, info->fields)) {
        log_once(c->s->machine->log, LOG_GUEST, c->cpu->name,
                 "semihosting call 0x%x: cannot read its parameters at 0x%08x", number, c->parameter);
        semihost_fail(c, -EFAULT);
    } else {
        info->run(c);
    }
}

static bool semihost(Cpu *cpu)
{
    SemihostCall call = {.s = cpu->semihost_opaque, .cpu = cpu, .parameter = cpu->r[1]};
    run_call(&call, cpu->r[0]);
    if (!call.waits)
        cpu->r[0] = call.result;
    return !call.waits;
}

/* ---- Life --------------------------------------------------------------------------------------------- */

Semihosting *semihosting_new(Machine *machine, Error *err)
{
    const char *path = machine->options.semihosting_dir;
    Error why;
    HostFolder *folder = path ? host_folder_new(path, &why) : NULL;
    if (path && !folder) {
        error_set(err, "--semihosting-dir: %s", why.text);
        return NULL;
    }
    Semihosting *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->machine = machine;
    files_init(&s->files, folder);
    for (unsigned n = 0; n < machine->options.cpus; n++) {
        machine->cpu[n]->semihost = semihost;
        machine->cpu[n]->semihost_opaque = s;
    }
    return s;
}

void semihosting_free(Semihosting *s)
{
    if (!s)
        return;
    files_done(&s->files);
    free(s->command_line);
    free(s);
}

void semihosting_reset(Semihosting *s)
{
    if (!s)
        return;
    files_close_all(&s->files);
    s->error = 0;
    s->started = clock_now(s->machine->clock);
}

void semihosting_set_command_line(Semihosting *s, const char *program, const char *arguments)
{
    const char *slash = program ? strrchr(program, '/') : NULL;
    const char *name = slash ? slash + 1 : program ? program : "";
    size_t size = strlen(name) + (arguments ? strlen(arguments) : 0) + 2;
    free(s->command_line);
    s->command_line = malloc(size);
    if (!s->command_line)
        abort();
    snprintf(s->command_line, size, "%s%s%s", name, arguments && *arguments ? " " : "",
             arguments ? arguments : "");
}

void semihosting_set_free_memory(Semihosting *s, uint32_t base, uint32_t limit)
{
    s->free_base = base;
    s->free_limit = limit;
}

void semihosting_set_console(Semihosting *s, SerialPort *port)
{
    s->console = port;
}
