/* Semihosting: the calls on the console and on files. */
#include "machine/semihosting_call.h"

#include <errno.h>
#include <string.h>

#include "machine/board.h"

/* What one call transfers at most, so that it cannot take long. */
enum { FILE_TRANSFER_MOST = 256 << 20, CONSOLE_TRANSFER_MOST = 1 << 20 };

/* PL011. */
enum { UARTDR = 0x00, UARTFR = 0x18, DR_BE = 1 << 10, FR_RXFE = 1 << 4 };

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

void semihost_writec(SemihostCall *c)
{
    uint8_t ch;
    if (!mmu_copy_in(c->cpu, c->parameter, &ch, 1)) {
        semihost_fail(c, -EFAULT);
        return;
    }
    console_write(c->s, &ch, 1);
}

void semihost_write0(SemihostCall *c)
{
    uint8_t text[256];
    uint32_t at = c->parameter;
    for (uint32_t done = 0; done < CONSOLE_TRANSFER_MOST;) {
        uint32_t part = sizeof text - at % sizeof text; /* stays in a page */
        if (!mmu_copy_in(c->cpu, at, text, part)) {
            semihost_fail(c, -EFAULT);
            return;
        }
        size_t length = strnlen((const char *)text, part);
        console_write(c->s, text, length);
        if (length < part)
            return;
        at += part;
        done += part;
    }
    semihost_fail(c, -EFBIG);
}

void semihost_readc(SemihostCall *c)
{
    uint8_t ch;
    if (console_take(c->s, &ch))
        c->result = ch;
    else if (console(c->s)->ended)
        c->result = SEMIHOST_FAILED;
    else
        c->waits = true;
}

static bool writable(const SemihostCall *c, uint32_t address)
{
    uint8_t old;
    return mmu_copy_in(c->cpu, address, &old, 1) && mmu_copy_out(c->cpu, address, &old, 1);
}

/* Takes what is there, but no character that cannot be handed over. Programs expect lines to end as in C,
 * where the key of a terminal sends a carriage return. */
static void console_read(SemihostCall *c, uint32_t to, uint32_t size)
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

/* A name of `length` characters and the null that must follow them; 0 or a negative errno. */
static int read_name(const SemihostCall *c, uint32_t address, uint32_t length, char name[FILES_NAME_MOST])
{
    if (length >= FILES_NAME_MOST)
        return -ENAMETOOLONG;
    if (!mmu_copy_in(c->cpu, address, name, length + 1))
        return -EFAULT;
    return strnlen(name, length + 1) == length ? 0 : -EINVAL;
}

void semihost_open(SemihostCall *c)
{
    char name[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[2], name);
    semihost_finish(c, bad ? bad : semihost_files_open(c->s, name, c->field[1]));
}

void semihost_close(SemihostCall *c)
{
    semihost_finish(c, files_close(&c->s->files, c->field[0]));
}

/* What was not written, of all that was to be. */
void semihost_write(SemihostCall *c)
{
    Semihosting *s = c->s;
    OpenFile *file = files_get(&s->files, c->field[0]);
    uint32_t size = c->field[2], done = 0;
    int64_t wrote = file && file->how & HOST_WRITE ? 0 : -EBADF;
    uint32_t most = file && file->kind == FILE_CONSOLE ? CONSOLE_TRANSFER_MOST : FILE_TRANSFER_MOST;
    while (wrote >= 0 && done < size) {
        uint32_t part = size - done < SEMIHOST_CHUNK ? size - done : SEMIHOST_CHUNK;
        if (done >= most) {
            wrote = -EFBIG;
        } else if (!mmu_copy_in(c->cpu, c->field[1] + done, s->chunk, part)) {
            wrote = -EFAULT;
        } else if (file->kind == FILE_CONSOLE) {
            console_write(s, s->chunk, part);
            wrote = part;
        } else {
            wrote = semihost_files_write(s, file, s->chunk, part);
        }
        done += wrote > 0 ? (uint32_t)wrote : 0;
    }
    if (wrote < 0)
        s->error = (int)-wrote;
    c->result = size - done;
}

/* What was not read, of all that was to be: as much as that at the end of the file, and after errors. */
static void file_read(SemihostCall *c, OpenFile *file, uint32_t to, uint32_t size)
{
    Semihosting *s = c->s;
    uint32_t done = 0, most = size < FILE_TRANSFER_MOST ? size : FILE_TRANSFER_MOST;
    int64_t got = 1;
    while (got > 0 && done < most) {
        got = semihost_files_read(s, file, s->chunk,
                                  most - done < SEMIHOST_CHUNK ? most - done : SEMIHOST_CHUNK);
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

void semihost_read(SemihostCall *c)
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

void semihost_istty(SemihostCall *c)
{
    const OpenFile *file = files_get(&c->s->files, c->field[0]);
    semihost_finish(c, !file ? -EBADF : file->kind == FILE_CONSOLE);
}

void semihost_seek(SemihostCall *c)
{
    OpenFile *file = files_get(&c->s->files, c->field[0]);
    semihost_finish(c, file ? semihost_files_seek(c->s, file, c->field[1]) : -EBADF);
}

void semihost_flen(SemihostCall *c)
{
    OpenFile *file = files_get(&c->s->files, c->field[0]);
    semihost_finish(c, file ? semihost_files_length(c->s, file) : -EBADF);
}

void semihost_remove(SemihostCall *c)
{
    char name[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[1], name);
    semihost_finish(c, bad ? bad : semihost_files_remove(c->s, name));
}

void semihost_rename(SemihostCall *c)
{
    char from[FILES_NAME_MOST], to[FILES_NAME_MOST];
    int bad = read_name(c, c->field[0], c->field[1], from);
    if (!bad)
        bad = read_name(c, c->field[2], c->field[3], to);
    semihost_finish(c, bad ? bad : semihost_files_rename(c->s, from, to));
}

void semihost_tmpnam(SemihostCall *c)
{
    char name[16];
    int length = snprintf(name, sizeof name, "tmp-%03u", c->field[1] & 0xff);
    int bad = semihost_files_allowed(c->s);
    if (bad)
        semihost_fail(c, bad);
    else if (c->field[1] > 0xff || c->field[2] <= (uint32_t)length)
        semihost_fail(c, -EINVAL);
    else
        semihost_finish(c, mmu_copy_out(c->cpu, c->field[0], name, (uint32_t)length + 1) ? 0 : -EFAULT);
}
