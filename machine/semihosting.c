/* See semihosting.h. One function for each call, in a table; what the program hands over is read and written
 * with the permissions that it has itself, and every failure is the call's error result. */
#include "machine/semihosting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/board.h"
#include "machine/semihosting_files.h"

/* What one call transfers at most, so that it cannot take long. */
enum { FILE_TRANSFER_MOST = 256 << 20, CONSOLE_TRANSFER_MOST = 1 << 20 };

enum { CHUNK = 1 << 16, FIELDS = 4 };

/* PL011. */
enum { UARTDR = 0x00, UARTFR = 0x18, DR_BE = 1 << 10, FR_RXFE = 1 << 4 };

enum { REASON_FIRST = 0x20000, APPLICATION_EXIT = 0x20026 };

#define NS_PER_SECOND 1000000000u
#define NS_PER_CENTISECOND 10000000u

struct Semihosting {
    Machine *machine;
    SerialPort *console; /* NULL: the first serial port */
    Files files;
    int error; /* what SYS_ERRNO answers */
    char *command_line;
    uint32_t free_base, free_limit;
    uint64_t started; /* virtual ns */
    uint8_t chunk[CHUNK];
};

typedef struct Call {
    Semihosting *s;
    Cpu *cpu;
    uint32_t parameter;     /* r1 */
    uint32_t field[FIELDS]; /* of the block that it points to */
    uint32_t result;        /* for r0 */
    bool waits;             /* nothing was done: there is no input */
} Call;

#define FAILED UINT32_MAX

/* bad is a negative errno. */
static void fail(Call *c, int64_t bad)
{
    c->s->error = (int)-bad;
    c->result = FAILED;
}

static void finish(Call *c, int64_t result)
{
    if (result < 0)
        fail(c, result);
    else
        c->result = (uint32_t)result;
}

/* ---- The program's memory ----------------------------------------------------------------------------- */

static uint32_t word_order(const Call *c, uint32_t value)
{
    return c->cpu->e ? __builtin_bswap32(value) : value;
}

static bool read_words(const Call *c, uint32_t address, uint32_t *word, unsigned count)
{
    if (!mmu_copy_in(c->cpu, address, word, 4 * count))
        return false;
    for (unsigned n = 0; n < count; n++)
        word[n] = word_order(c, word[n]);
    return true;
}

static bool write_words(const Call *c, uint32_t address, const uint32_t *word, unsigned count)
{
    uint32_t ordered[FIELDS];
    for (unsigned n = 0; n < count; n++)
        ordered[n] = word_order(c, word[n]);
    return mmu_copy_out(c->cpu, address, ordered, 4 * count);
}

/* A name of `length` characters and the null that must follow them; 0 or a negative errno. */
static int read_name(const Call *c, uint32_t address, uint32_t length, char name[FILES_NAME_MOST])
{
    if (length >= FILES_NAME_MOST)
        return -ENAMETOOLONG;
    if (!mmu_copy_in(c->cpu, address, name, length + 1))
        return -EFAULT;
    return strnlen(name, length + 1) == length ? 0 : -EINVAL;
}

/* ---- Console ------------------------------------------------------------------------------------------ */

static SerialPort *console(const Semihosting *s)
{
    return s->console ? s->console : &s->machine->env.serial[0];
}

static void console_write(const Semihosting *s, const uint8_t *data, size_t size)
{
    SerialPort *port = console(s);
    for (size_t n = 0; n < size; n++)
        serial_output(port, data[n]);
}

/* What the UART of the first serial port received already counts as typed too, since boot software may have
 * switched its receiver on. NULL: the console is another port. */
static Device *console_uart(const Semihosting *s)
{
    return s->console ? NULL : machine_device(s->machine, vexpress_a9.console);
}

static bool uart_has_input(const Semihosting *s)
{
    Device *uart = console_uart(s);
    return uart && !(device_peek(uart, UARTFR, 0) & FR_RXFE);
}

/* Takes an item as software does. */
static uint16_t uart_take(const Semihosting *s)
{
    BusAccess access = {.size = 4, .cpu = BUS_DMA, .secure = true, .privileged = true};
    uint32_t value = 0;
    device_mmio.read(console_uart(s), UARTDR, &access, &value);
    return value & DR_BE ? SERIAL_BREAK : value & 0xff;
}

bool semihosting_has_input(const Semihosting *s)
{
    return console(s)->length || console(s)->ended || uart_has_input(s);
}

/* False: there is no character. Breaks mean nothing here. */
static bool console_take(const Semihosting *s, uint8_t *ch)
{
    uint16_t item;
    for (;;) {
        if (uart_has_input(s))
            item = uart_take(s);
        else if (!serial_take(console(s), &item))
            return false;
        if (item < SERIAL_BREAK) {
            *ch = (uint8_t)item;
            return true;
        }
    }
}

static void sys_writec(Call *c)
{
    uint8_t ch;
    if (!mmu_copy_in(c->cpu, c->parameter, &ch, 1)) {
        fail(c, -EFAULT);
        return;
    }
    console_write(c->s, &ch, 1);
}

static void sys_write0(Call *c)
{
    uint8_t text[256];
    uint32_t at = c->parameter;
    for (uint32_t done = 0; done < CONSOLE_TRANSFER_MOST;) {
        uint32_t part = sizeof text - at % sizeof text; /* stays in a page */
        if (!mmu_copy_in(c->cpu, at, text, part)) {
            fail(c, -EFAULT);
            return;
        }
        size_t length = strnlen((const char *)text, part);
        console_write(c->s, text, length);
        if (length < part)
            return;
        at += part;
        done += part;
    }
    fail(c, -EFBIG);
}

static void sys_readc(Call *c)
{
    uint8_t ch;
    if (console_take(c->s, &ch))
        c->result = ch;
    else if (console(c->s)->ended)
        c->result = FAILED;
    else
        c->waits = true;
}

static bool writable(const Call *c, uint32_t address)
{
    uint8_t old;
    return mmu_copy_in(c->cpu, address, &old, 1) && mmu_copy_out(c->cpu, address, &old, 1);
}

/* Takes what is there, but no character that cannot be handed over. Programs expect lines to end as in C,
 * where the key of a terminal sends a carriage return. */
static void console_read(Call *c, uint32_t to, uint32_t size)
{
    uint8_t ch;
    uint32_t done = 0;
    while (done < size) {
        if (!writable(c, to + done)) {
            c->s->error = EFAULT;
            break;
        }
        if (!console_take(c->s, &ch)) {
            c->waits = !done && !console(c->s)->ended;
            break;
        }
        ch = ch == '\r' ? '\n' : ch;
        mmu_copy_out(c->cpu, to + done++, &ch, 1);
    }
    c->result = size - done;
}

/* ---- Files -------------------------------------------------------------------------------------------- */

static void sys_open(Call *c)
{
    char name[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[2], name);
    finish(c, bad ? bad : files_open(&c->s->files, name, c->field[1]));
}

static void sys_close(Call *c)
{
    finish(c, files_close(&c->s->files, c->field[0]));
}

/* What was not written, of all that was to be. */
static void sys_write(Call *c)
{
    Semihosting *s = c->s;
    OpenFile *file = files_get(&s->files, c->field[0]);
    uint32_t size = c->field[2], done = 0;
    int64_t wrote = file && file->how & HOST_WRITE ? 0 : -EBADF;
    uint32_t most = file && file->kind == FILE_CONSOLE ? CONSOLE_TRANSFER_MOST : FILE_TRANSFER_MOST;
    while (wrote >= 0 && done < size) {
        uint32_t part = size - done < CHUNK ? size - done : CHUNK;
        if (done >= most) {
            wrote = -EFBIG;
        } else if (!mmu_copy_in(c->cpu, c->field[1] + done, s->chunk, part)) {
            wrote = -EFAULT;
        } else if (file->kind == FILE_CONSOLE) {
            console_write(s, s->chunk, part);
            wrote = part;
        } else {
            wrote = files_write(&s->files, file, s->chunk, part);
        }
        done += wrote > 0 ? (uint32_t)wrote : 0;
    }
    if (wrote < 0)
        s->error = (int)-wrote;
    c->result = size - done;
}

/* What was not read, of all that was to be: as much as that at the end of the file, and after errors. */
static void file_read(Call *c, OpenFile *file, uint32_t to, uint32_t size)
{
    Semihosting *s = c->s;
    uint32_t done = 0, most = size < FILE_TRANSFER_MOST ? size : FILE_TRANSFER_MOST;
    int64_t got = 1;
    while (got > 0 && done < most) {
        got = files_read(file, s->chunk, most - done < CHUNK ? most - done : CHUNK);
        if (got > 0 && !mmu_copy_out(c->cpu, to + done, s->chunk, (uint32_t)got)) {
            file->at -= (uint64_t)got;
            got = -EFAULT;
        }
        done += got > 0 ? (uint32_t)got : 0;
    }
    if (got < 0)
        s->error = (int)-got;
    c->result = size - done;
}

static void sys_read(Call *c)
{
    OpenFile *file = files_get(&c->s->files, c->field[0]);
    if (!file || !(file->how & HOST_READ)) {
        c->s->error = EBADF;
        c->result = c->field[2];
    } else if (file->kind == FILE_CONSOLE) {
        console_read(c, c->field[1], c->field[2]);
    } else {
        file_read(c, file, c->field[1], c->field[2]);
    }
}

static void sys_istty(Call *c)
{
    const OpenFile *file = files_get(&c->s->files, c->field[0]);
    finish(c, !file ? -EBADF : file->kind == FILE_CONSOLE);
}

static void sys_seek(Call *c)
{
    OpenFile *file = files_get(&c->s->files, c->field[0]);
    finish(c, file ? files_seek(&c->s->files, file, c->field[1]) : -EBADF);
}

static void sys_flen(Call *c)
{
    OpenFile *file = files_get(&c->s->files, c->field[0]);
    finish(c, file ? files_length(file) : -EBADF);
}

static void sys_remove(Call *c)
{
    char name[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[1], name);
    finish(c, bad ? bad : files_remove(&c->s->files, name));
}

static void sys_rename(Call *c)
{
    char from[FILES_NAME_MOST], to[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[1], from);
    if (!bad)
        bad = read_name(c, c->field[2], c->field[3], to);
    finish(c, bad ? bad : files_rename(&c->s->files, from, to));
}

static void sys_tmpnam(Call *c)
{
    char name[16];
    int length = snprintf(name, sizeof name, "tmp-%03u", c->field[1] & 0xff);
    if (!c->s->files.folder)
        fail(c, -EACCES);
    else if (c->field[1] > 0xff || c->field[2] <= (uint32_t)length)
        fail(c, -EINVAL);
    else
        finish(c, mmu_copy_out(c->cpu, c->field[0], name, (uint32_t)length + 1) ? 0 : -EFAULT);
}

/* ---- Time --------------------------------------------------------------------------------------------- */

static uint64_t elapsed(const Call *c)
{
    return clock_now(c->s->machine->clock) - c->s->started;
}

static void sys_clock(Call *c)
{
    c->result = (uint32_t)(elapsed(c) / NS_PER_CENTISECOND);
}

static void sys_time(Call *c)
{
    uint64_t now = clock_now(c->s->machine->clock) / NS_PER_SECOND;
    c->result = c->s->machine->options.rtc_base + (uint32_t)now;
}

static void sys_elapsed(Call *c)
{
    uint64_t ns = elapsed(c);
    uint32_t word[2] = {(uint32_t)ns, (uint32_t)(ns >> 32)};
    if (write_words(c, c->parameter, word, 2))
        return;
    fail(c, -EFAULT);
    c->cpu->r[1] = FAILED;
}

static void sys_tickfreq(Call *c)
{
    c->result = NS_PER_SECOND;
}

/* ---- The program and its surroundings ----------------------------------------------------------------- */

static void sys_iserror(Call *c)
{
    c->result = c->field[0] >> 31;
}

static void sys_errno(Call *c)
{
    c->result = (uint32_t)c->s->error;
}

/* No program of a guest's choice runs on the host. */
static void sys_system(Call *c)
{
    fail(c, -EACCES);
}

static void sys_get_cmdline(Call *c)
{
    const char *text = c->s->command_line ? c->s->command_line : "";
    uint32_t length = (uint32_t)strlen(text);
    if (c->field[1] <= length)
        fail(c, -E2BIG);
    else if (!mmu_copy_out(c->cpu, c->field[0], text, length + 1) ||
             !write_words(c, c->parameter + 4, &length, 1))
        fail(c, -EFAULT);
}

/* One piece of memory, in which heap and stack grow towards each other. */
static void sys_heapinfo(Call *c)
{
    uint32_t base = c->s->free_base, limit = c->s->free_limit;
    uint32_t block[FIELDS] = {base, limit, limit, base};
    if (!write_words(c, c->field[0], block, FIELDS))
        fail(c, -EFAULT);
}

static const char *reason_name(uint32_t reason)
{
    static const char *const names[] = {
        [0x00] = "branch through zero",    [0x01] = "undefined instruction", [0x02] = "software interrupt",
        [0x03] = "prefetch abort",         [0x04] = "data abort",            [0x05] = "address exception",
        [0x06] = "IRQ",                    [0x07] = "FIQ",                   [0x20] = "breakpoint",
        [0x21] = "watchpoint",             [0x22] = "step complete",         [0x23] = "run-time error",
        [0x24] = "internal error",         [0x25] = "user interruption",     [0x27] = "stack overflow",
        [0x28] = "division by zero",       [0x29] = "reason of the operating system",
    };
    uint32_t n = reason - REASON_FIRST;
    return n < sizeof names / sizeof *names && names[n] ? names[n] : "unknown reason";
}

/* The registers stay as they are, for whoever lets the program go on. */
static void end(Call *c, uint32_t reason, uint32_t code)
{
    Machine *m = c->s->machine;
    m->exit_reason = reason == APPLICATION_EXIT ? NULL : reason_name(reason);
    m->env.exit_code = reason == APPLICATION_EXIT ? (int)code : 1;
    c->result = c->cpu->r[0];
    m->env.request(m->env.machine, REQUEST_EXIT);
}

static void sys_exit(Call *c)
{
    end(c, c->parameter, 0);
}

static void sys_exit_extended(Call *c)
{
    end(c, c->field[0], c->field[1]);
}

/* ---- Calls -------------------------------------------------------------------------------------------- */

typedef struct CallInfo {
    void (*run)(Call *c);
    unsigned fields; /* words that the parameter points to and that the call needs */
} CallInfo;

/* clang-format off */
static const CallInfo calls[] = {
    [0x01] = {sys_open,          3},
    [0x02] = {sys_close,         1},
    [0x03] = {sys_writec,        0},
    [0x04] = {sys_write0,        0},
    [0x05] = {sys_write,         3},
    [0x06] = {sys_read,          3},
    [0x07] = {sys_readc,         0},
    [0x08] = {sys_iserror,       1},
    [0x09] = {sys_istty,         1},
    [0x0a] = {sys_seek,          2},
    [0x0c] = {sys_flen,          1},
    [0x0d] = {sys_tmpnam,        3},
    [0x0e] = {sys_remove,        2},
    [0x0f] = {sys_rename,        4},
    [0x10] = {sys_clock,         0},
    [0x11] = {sys_time,          0},
    [0x12] = {sys_system,        2},
    [0x13] = {sys_errno,         0},
    [0x15] = {sys_get_cmdline,   2},
    [0x16] = {sys_heapinfo,      1},
    [0x18] = {sys_exit,          0},
    [0x20] = {sys_exit_extended, 2},
    [0x30] = {sys_elapsed,       0},
    [0x31] = {sys_tickfreq,      0},
};
/* clang-format on */

static void run_call(Call *c, uint32_t number)
{
    const CallInfo *info = number < sizeof calls / sizeof *calls ? &calls[number] : NULL;
    if (!info || !info->run) {
        log_once(c->s->machine->log, LOG_GUEST, c->cpu->name, "semihosting call 0x%x: there is none", number);
        fail(c, -ENOSYS);
    } else if (!read_words(c, c->parameter, c->field, info->fields)) {
        log_once(c->s->machine->log, LOG_GUEST, c->cpu->name,
                 "semihosting call 0x%x: cannot read its parameters at 0x%08x", number, c->parameter);
        fail(c, -EFAULT);
    } else {
        info->run(c);
    }
}

static bool semihost(Cpu *cpu)
{
    Call call = {.s = cpu->semihost_opaque, .cpu = cpu, .parameter = cpu->r[1]};
    run_call(&call, cpu->r[0]);
    if (!call.waits)
        cpu->r[0] = call.result;
    return !call.waits;
}

/* ---- Life --------------------------------------------------------------------------------------------- */

Semihosting *semihosting_new(Machine *machine, Error *err)
{
    const char *path = machine->options.semihosting_dir;
    HostFolder *folder = path ? host_folder_new(path, err) : NULL;
    if (path && !folder)
        return NULL;
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
