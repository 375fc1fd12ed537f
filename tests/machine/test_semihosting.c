/* Semihosting calls as a program makes them: one trap instruction at a time, with the registers and memory
 * that the test puts there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/semihosting.h"

#define RAM 0x60000000u
#define SECOND UINT64_C(1000000000)

enum { BLOCK = 0x1000, TEXT = 0x2000, BUFFER = 0x4000, TABLES = 0x8000 };
enum {
    SYS_OPEN = 1,
    SYS_CLOSE,
    SYS_WRITEC,
    SYS_WRITE0,
    SYS_WRITE,
    SYS_READ,
    SYS_READC,
    SYS_ISERROR,
    SYS_ISTTY,
    SYS_SEEK,
    SYS_FLEN = 12,
    SYS_TMPNAM,
    SYS_REMOVE,
    SYS_RENAME,
    SYS_CLOCK,
    SYS_TIME,
    SYS_SYSTEM,
    SYS_ERRNO,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ
};
enum { SVC_A32, HLT_A32, SVC_T32, HLT_T32, TRAPS };

#define FAILED UINT32_MAX
#define APPLICATION_EXIT 0x20026u
#define BAD 0x10009000u /* a device, not memory */

static Machine *machine;
static Cpu *cpu;
static char folder[64];
static char output[4096];
static size_t output_length;

static void take_output(void *opaque, uint8_t ch)
{
    (void)opaque;
    if (output_length < sizeof output - 1)
        output[output_length++] = (char)ch;
    output[output_length] = '\0';
}

static uint8_t *at(uint32_t offset)
{
    return machine->ram + offset;
}

static void put_word(uint32_t offset, uint32_t value)
{
    memcpy(at(offset), &value, 4);
}

static uint32_t get_word(uint32_t offset)
{
    uint32_t value;
    memcpy(&value, at(offset), 4);
    return value;
}

static void build(MachineOptions options)
{
    static const uint32_t a32[] = {0xef123456, 0xeafffffe, 0xe10f0070, 0xeafffffe};
    static const uint16_t t32[] = {0xdfab, 0xe7fe, 0xbabc, 0xe7fe};
    options.deterministic = true;
    options.rtc_base = 1700000000;
    machine = machine_new(&options, log_new(stderr), NULL);
    assert_non_null(machine);
    cpu = machine->cpu[0];
    memcpy(at(0), a32, sizeof a32);
    memcpy(at(16), t32, sizeof t32);
    machine->env.serial[0].output = take_output;
    output_length = 0;
    output[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/armature-semihosting-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    build((MachineOptions){.cpus = 1, .memory = 2 << 20, .semihosting = true, .semihosting_dir = folder});
    return 0;
}

static int setup_without(void **state)
{
    (void)state;
    build((MachineOptions){.cpus = 1, .memory = 2 << 20});
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    machine_free(machine);
    if (!folder[0])
        return 0;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    folder[0] = '\0';
    return system(command);
}

/* Puts the CPU in front of a trap instruction. */
static void prepare(unsigned trap, uint32_t number, uint32_t parameter)
{
    static const uint32_t where[TRAPS] = {0, 8, 16, 20};
    cpu->pc = RAM + where[trap];
    cpu->thumb = trap >= SVC_T32;
    cpu->r[0] = number;
    cpu->r[1] = parameter;
}

static uint32_t call(uint32_t number, uint32_t parameter)
{
    prepare(SVC_A32, number, parameter);
    machine_step(machine, 1);
    assert_int_equal(cpu->pc, RAM + 4);
    return cpu->r[0];
}

static uint32_t call_block(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t word[] = {a, b, c, d};
    memcpy(at(BLOCK), word, sizeof word);
    return call(number, RAM + BLOCK);
}

static uint32_t put_text(uint32_t offset, const char *text)
{
    strcpy((char *)at(offset), text);
    return RAM + offset;
}

static uint32_t open_named(const char *name, uint32_t mode)
{
    return call_block(SYS_OPEN, put_text(TEXT, name), mode, (uint32_t)strlen(name), 0);
}

static uint32_t write_text(uint32_t handle, const char *text)
{
    return call_block(SYS_WRITE, handle, put_text(BUFFER, text), (uint32_t)strlen(text), 0);
}

static uint32_t read_bytes(uint32_t handle, uint32_t size)
{
    memset(at(BUFFER), 0, size + 1);
    return call_block(SYS_READ, handle, RAM + BUFFER, size, 0);
}

static uint32_t last_errno(void)
{
    return call(SYS_ERRNO, 0);
}

#define expect_error(code, expression)                                                                       \
    do {                                                                                                     \
        assert_int_equal((expression), FAILED);                                                              \
        assert_int_equal(last_errno(), code);                                                                \
    } while (0)

/* ---- Off --------------------------------------------------------------------------------------------- */

static void test_off(void **state)
{
    static const uint32_t vector[TRAPS] = {8, 4, 8, 4};
    static const uint8_t mode[TRAPS] = {MODE_SVC, MODE_UND, MODE_SVC, MODE_UND};
    (void)state;
    for (unsigned trap = 0; trap < TRAPS; trap++) {
        cpsr_write(cpu, MODE_SYS, PSR_MODE);
        prepare(trap, SYS_EXIT, APPLICATION_EXIT);
        uint32_t from = cpu->pc, thumb = cpu->thumb;
        machine_step(machine, 1);
        assert_int_equal(cpu->pc, vector[trap]);
        assert_int_equal(cpu->mode, mode[trap]);
        assert_int_equal(cpu->r[14], from + (thumb ? 2 : 4));
        assert_int_equal(cpu->r[0], SYS_EXIT);
        assert_false(machine->request_pending);
    }
}

/* Only the immediates of the specification; BKPT 0xAB is for another profile. */
static void test_other_traps(void **state)
{
    static const struct {
        uint32_t code, vector;
        bool thumb;
    } other[] = {
        {0xef000000, 0x8, false},
        {0xef0000ab, 0x8, false},
        {0xef123457, 0x8, false},
        {0xe10f0071, 0x4, false},
        {0xe100f070, 0x4, false},
        {0xe1200a7b, 0xc, false},
        {0xdf56,     0x8, true },
        {0xbabd,     0x4, true },
        {0xbeab,     0xc, true }
    };
    (void)state;
    for (unsigned n = 0; n < sizeof other / sizeof *other; n++) {
        put_word(0x100 + 8 * n, other[n].code);
        prepare(SVC_A32, SYS_EXIT, APPLICATION_EXIT);
        cpsr_write(cpu, MODE_SYS, PSR_MODE);
        cpu->pc = RAM + 0x100 + 8 * n;
        cpu->thumb = other[n].thumb;
        machine_step(machine, 1);
        if (cpu->pc != other[n].vector)
            fail_msg("0x%08x went to 0x%08x", other[n].code, cpu->pc);
        assert_false(machine->request_pending);
    }
}

/* ---- Ending the run ---------------------------------------------------------------------------------- */

static int exit_code(void)
{
    assert_int_equal(machine_run(machine), END_GUEST_EXIT);
    return machine->exit_code;
}

static void test_exit(void **state)
{
    static const uint8_t modes[] = {MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC,
                                    MODE_ABT, MODE_UND, MODE_SYS, MODE_MON};
    (void)state;
    for (unsigned trap = 0; trap < TRAPS; trap++) {
        prepare(trap, SYS_EXIT, APPLICATION_EXIT);
        assert_int_equal(exit_code(), 0);
        assert_null(machine->exit_reason);
        prepare(trap, SYS_EXIT, 0x20023);
        assert_int_equal(exit_code(), 1);
        assert_string_equal(machine->exit_reason, "run-time error");
        prepare(trap, SYS_EXIT, 12345);
        assert_int_equal(exit_code(), 1);
        for (unsigned n = 0; n < sizeof modes; n++) {
            cpsr_write(cpu, MODE_SVC, PSR_MODE);
            cpsr_write(cpu, modes[n], PSR_MODE);
            put_word(BLOCK, APPLICATION_EXIT);
            put_word(BLOCK + 4, 40 + n);
            prepare(trap, SYS_EXIT_EXTENDED, RAM + BLOCK);
            uint64_t before = cpu->icount;
            assert_int_equal(exit_code(), 40 + n);
            assert_int_equal(cpu->icount, before + 1);
            assert_int_equal(cpu->mode, modes[n]);
        }
        cpsr_write(cpu, MODE_SVC, PSR_MODE);
    }
}

static void test_exit_codes(void **state)
{
    static const uint32_t codes[] = {0, 1, 63, 64, 255, 256, 0x7fffffff, 0xffffffff};
    (void)state;
    for (unsigned n = 0; n < sizeof codes / sizeof *codes; n++) {
        put_word(BLOCK, APPLICATION_EXIT);
        put_word(BLOCK + 4, codes[n]);
        prepare(SVC_A32, SYS_EXIT_EXTENDED, RAM + BLOCK);
        assert_int_equal(exit_code(), (int)codes[n]);
    }
    put_word(BLOCK, 0x20024);
    put_word(BLOCK + 4, 0);
    prepare(SVC_A32, SYS_EXIT_EXTENDED, RAM + BLOCK);
    assert_int_equal(exit_code(), 1);
    assert_string_equal(machine->exit_reason, "internal error");
    expect_error(EFAULT, call(SYS_EXIT_EXTENDED, BAD));
    assert_false(machine->request_pending);
}

/* ---- Console ----------------------------------------------------------------------------------------- */

static void test_console_output(void **state)
{
    (void)state;
    *at(TEXT) = 'x';
    call(SYS_WRITEC, RAM + TEXT);
    call(SYS_WRITE0, put_text(TEXT + 0xfe, "hello over a boundary"));
    call(SYS_WRITE0, put_text(TEXT, ""));
    assert_string_equal(output, "xhello over a boundary");
    uint32_t out = open_named(":tt", 4), err = open_named(":tt", 8);
    assert_true(out != FAILED && err != FAILED && out && err && out != err);
    assert_int_equal(write_text(out, "out"), 0);
    assert_int_equal(write_text(err, "err"), 0);
    assert_string_equal(output, "xhello over a boundaryouterr");
    assert_int_equal(read_bytes(out, 4), 4);
    assert_int_equal(last_errno(), EBADF);
    assert_int_equal(call_block(SYS_ISTTY, out, 0, 0, 0), 1);
    expect_error(ESPIPE, call_block(SYS_SEEK, out, 0, 0, 0));
    expect_error(ESPIPE, call_block(SYS_FLEN, out, 0, 0, 0));
}

static SerialPort own_console;

static void test_own_console(void **state)
{
    static char text[16];
    (void)state;
    own_console = (SerialPort){.output = take_output, .output_opaque = text};
    machine->env.serial[0].output = NULL;
    semihosting_set_console(machine->semihosting, &own_console);
    call(SYS_WRITE0, put_text(TEXT, "own"));
    assert_string_equal(output, "own");
    serial_send(&own_console, "z", 1);
    assert_int_equal(call(SYS_READC, 0), 'z');
    semihosting_set_console(machine->semihosting, NULL);
    serial_free(&own_console);
}

/* A text without an end, in memory that repeats: as much as one call may print, then the error. */
static void test_endless_text(void **state)
{
    (void)state;
    memset(at(0x10000), 'a', (2 << 20) - 0x10000);
    assert_int_equal(call(SYS_WRITE0, RAM + 0x10000), FAILED);
    assert_int_equal(last_errno(), EFBIG);
    for (uint32_t n = 0; n < 4096; n++)
        put_word(TABLES + 4 * n, (n == 0x600 ? RAM : RAM + 0x100000) | 0xc02);
    cp_write(cpu, 15, 0, 2, 0, 0, RAM + TABLES);
    cp_write(cpu, 15, 0, 3, 0, 0, 1);
    cp_write(cpu, 15, 0, 1, 0, 0, 1);
    cpu->leave = 0;
    assert_int_equal(call(SYS_WRITE0, 0x70000000), FAILED);
    assert_int_equal(call_block(SYS_WRITE, 0, 0, FAILED, 0), FAILED);
}

static unsigned polls;
static uint64_t icount_when_typed;

static bool type_at_third_poll(void *opaque, uint64_t timeout)
{
    if (polls < 3)
        assert_true(timeout == UINT64_MAX); /* nothing but input can help */
    if (++polls == 3) {
        icount_when_typed = cpu->icount;
        serial_send(&machine->env.serial[0], opaque, strlen(opaque));
    }
    return polls < 6;
}

/* The emulator is not blocked, and no instructions are burnt. */
static void test_waits_for_input(void **state)
{
    (void)state;
    machine->poll = type_at_third_poll;
    machine->poll_opaque = "ab";
    polls = 0;
    prepare(SVC_A32, SYS_READC, 0);
    machine_step(machine, 1);
    assert_int_equal(cpu->pc, RAM);
    assert_int_equal(cpu->r[0], SYS_READC);
    assert_true(cpu->attention & ATTN_INPUT);
    uint64_t before = cpu->icount;
    assert_int_equal(machine_run(machine), END_STOPPED);
    assert_int_equal(icount_when_typed, before);
    assert_int_equal(cpu->r[0], 'a');
    assert_int_equal(cpu->pc, RAM + 4);
    assert_int_equal(machine->env.serial[0].length, 1);
}

static bool stop_at_once(void *opaque, uint64_t timeout)
{
    (void)opaque;
    (void)timeout;
    return false;
}

/* The receiver of the UART is on, as boot software leaves it. */
static void test_input_through_uart(void **state)
{
    (void)state;
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    bus_write(machine->bus, 0x1000902c, &access, 0x70);
    bus_write(machine->bus, 0x10009030, &access, 0x301);
    char text[101] = "";
    memset(text, 'u', 100);
    text[99] = 'v';
    uint32_t in = open_named(":tt", 0);
    prepare(SVC_A32, SYS_READC, 0);
    machine_step(machine, 1);
    assert_true(cpu->attention & ATTN_INPUT);
    assert_false(semihosting_has_input(machine->semihosting));
    serial_send(&machine->env.serial[0], text, 100);
    assert_true(machine->env.serial[0].length < 100);
    assert_true(semihosting_has_input(machine->semihosting));
    cpu->attention &= (uint8_t)~ATTN_INPUT;
    assert_int_equal(call(SYS_READC, 0), 'u');
    assert_int_equal(read_bytes(in, 200), 101);
    assert_string_equal((char *)at(BUFFER), text + 1);
    serial_send_break(&machine->env.serial[0]);
    serial_send(&machine->env.serial[0], "w", 1);
    assert_int_equal(call(SYS_READC, 0), 'w');
}

static void test_read_from_console(void **state)
{
    (void)state;
    SerialPort *port = &machine->env.serial[0];
    uint32_t in = open_named(":tt", 0);
    assert_int_equal(call_block(SYS_WRITE, in, RAM + TEXT, 3, 0), 3);
    serial_send_break(port);
    serial_send(port, "abc\r", 4);
    assert_int_equal(read_bytes(in, 100), 96);
    assert_string_equal((char *)at(BUFFER), "abc\n");
    serial_send(port, "xyz\r", 4);
    assert_int_equal(read_bytes(in, 2), 0);
    assert_int_equal(call(SYS_READC, 0), 'z');
    assert_int_equal(call_block(SYS_READ, in, BAD, 1, 0), 1); /* nothing is lost */
    assert_int_equal(last_errno(), EFAULT);
    assert_int_equal(call(SYS_READC, 0), '\r');
    assert_int_equal(read_bytes(in, 0), 0);
    prepare(SVC_T32, SYS_READ, RAM + BLOCK);
    put_word(BLOCK + 8, 5);
    machine_step(machine, 1);
    assert_int_equal(cpu->pc, RAM + 16);
    assert_int_equal(cpu->r[0], SYS_READ);
    assert_true(cpu->attention & ATTN_INPUT);
    machine->poll = stop_at_once;
    port->ended = true;
    assert_int_equal(machine_run(machine), END_STOPPED);
    assert_int_equal(cpu->r[0], 5);
    assert_int_equal(call(SYS_READC, 0), FAILED);
}

/* An interrupt is served while a call waits; the call goes on afterwards, with its registers and ITSTATE. */
static void test_interrupt_while_waiting(void **state)
{
    (void)state;
    put_word(16, 0xdfabbf08); /* it eq; svceq 0xab */
    prepare(SVC_T32, SYS_READC, 0);
    cpsr_write(cpu, 0, PSR_I | PSR_F | PSR_A);
    cpsr_write(cpu, PSR_Z, PSR_Z);
    machine_step(machine, 2);
    assert_int_equal(cpu->pc, RAM + 18);
    assert_int_equal(cpu->itstate, 0x08);
    cpu_interrupt_changed(cpu, EXC_IRQ, true);
    machine_step(machine, 1);
    assert_int_equal(cpu->mode, MODE_IRQ);
    assert_int_equal(cpu->r[14], RAM + 18 + 4);
    assert_int_equal(cpu->spsr[BANK_IRQ] & PSR_IT, 0x08 << 8);
    assert_false(cpu->attention & ATTN_INPUT);
    cpu_interrupt_changed(cpu, EXC_IRQ, false);
    cpsr_write_by_instr(cpu, spsr_read(cpu), 0xf, true);
    cpu->pc = RAM + 18;
    cpu->leave = 0;
    serial_send(&machine->env.serial[0], "k", 1);
    machine_step(machine, 1);
    assert_int_equal(cpu->r[0], 'k');
    assert_int_equal(cpu->pc, RAM + 20);
    assert_int_equal(cpu->itstate, 0);
}

static void test_reset_while_waiting(void **state)
{
    (void)state;
    uint32_t handle = open_named("left-open", 4);
    prepare(SVC_A32, SYS_READC, 0);
    machine_step(machine, 1);
    machine_reset(machine);
    assert_false(cpu->attention & ATTN_INPUT);
    expect_error(EBADF, call_block(SYS_CLOSE, handle, 0, 0, 0));
}

/* ---- Files ------------------------------------------------------------------------------------------- */

static void test_files(void **state)
{
    (void)state;
    uint32_t h = open_named("a file", 6);
    assert_true(h && h != FAILED);
    assert_int_equal(write_text(h, "0123456789"), 0);
    assert_int_equal(call_block(SYS_FLEN, h, 0, 0, 0), 10);
    assert_int_equal(call_block(SYS_ISTTY, h, 0, 0, 0), 0);
    assert_int_equal(call_block(SYS_SEEK, h, 4, 0, 0), 0);
    assert_int_equal(read_bytes(h, 3), 0);
    assert_string_equal((char *)at(BUFFER), "456");
    assert_int_equal(write_text(h, "XY"), 0);
    assert_int_equal(read_bytes(h, 100), 99);
    assert_int_equal(read_bytes(h, 100), 100);
    assert_int_equal(call_block(SYS_SEEK, h, 0, 0, 0), 0);
    assert_int_equal(read_bytes(h, 100), 90);
    assert_string_equal((char *)at(BUFFER), "0123456XY9");
    assert_int_equal(call_block(SYS_CLOSE, h, 0, 0, 0), 0);
    expect_error(EBADF, call_block(SYS_CLOSE, h, 0, 0, 0));
    h = open_named("a file", 8);
    assert_int_equal(write_text(h, "end"), 0);
    assert_int_equal(read_bytes(h, 1), 1);
    assert_int_equal(call_block(SYS_FLEN, h, 0, 0, 0), 13);
    call_block(SYS_CLOSE, h, 0, 0, 0);
    h = open_named("a file", 1);
    assert_int_equal(write_text(h, "no"), 2);
    assert_int_equal(last_errno(), EBADF);
    assert_int_equal(read_bytes(h, 13), 0);
    assert_string_equal((char *)at(BUFFER), "0123456XY9end");
    assert_int_equal(call_block(SYS_CLOSE, h, 0, 0, 0), 0);
    assert_int_equal(call_block(SYS_FLEN, open_named("a file", 4), 0, 0, 0), 0);
}

static void test_names(void **state)
{
    (void)state;
    open_named("one", 4);
    put_text(TEXT, "one");
    put_text(TEXT + 16, "two");
    assert_int_equal(call_block(SYS_RENAME, RAM + TEXT, 3, RAM + TEXT + 16, 3), 0);
    expect_error(ENOENT, call_block(SYS_RENAME, RAM + TEXT, 3, RAM + TEXT + 16, 3));
    assert_int_equal(call_block(SYS_REMOVE, RAM + TEXT + 16, 3, 0, 0), 0);
    expect_error(ENOENT, call_block(SYS_REMOVE, RAM + TEXT + 16, 3, 0, 0));
    assert_int_equal(call_block(SYS_TMPNAM, RAM + BUFFER, 7, 20, 0), 0);
    assert_string_equal((char *)at(BUFFER), "tmp-007");
    expect_error(EINVAL, call_block(SYS_TMPNAM, RAM + BUFFER, 7, 7, 0));
    expect_error(EINVAL, call_block(SYS_TMPNAM, RAM + BUFFER, 256, 20, 0));
    expect_error(EACCES, open_named("/etc/passwd", 0));
    expect_error(EACCES, open_named("../x", 4));
    expect_error(EINVAL, open_named("x", 12));
    put_text(TEXT, "two\0three");
    expect_error(EINVAL, call_block(SYS_OPEN, RAM + TEXT, 4, 2, 0)); /* no null where it must be */
    expect_error(EINVAL, call_block(SYS_OPEN, RAM + TEXT, 4, 5, 0)); /* one in the middle */
    memset(at(TEXT), 'n', 5000);
    *at(TEXT + 300) = 0;
    expect_error(ENAMETOOLONG, call_block(SYS_OPEN, RAM + TEXT, 4, 300, 0));
    expect_error(ENAMETOOLONG, call_block(SYS_OPEN, RAM + TEXT, 4, 4096, 0));
    expect_error(ENAMETOOLONG, call_block(SYS_OPEN, RAM + TEXT, 4, FAILED, 0));
    expect_error(EACCES, call_block(SYS_SYSTEM, put_text(TEXT, "touch /tmp/armature-was-here"), 28, 0, 0));
    assert_int_equal(access("/tmp/armature-was-here", F_OK), -1);
}

static void test_features(void **state)
{
    (void)state;
    uint32_t h = open_named(":semihosting-features", 0), second = open_named(":semihosting-features", 1);
    assert_true(h != FAILED && second != FAILED && h != second);
    assert_int_equal(call_block(SYS_FLEN, h, 0, 0, 0), 5);
    assert_int_equal(call_block(SYS_ISTTY, h, 0, 0, 0), 0);
    assert_int_equal(read_bytes(h, 8), 3);
    assert_memory_equal(at(BUFFER), "SHFB\3", 5);
    assert_int_equal(read_bytes(h, 8), 8);
    assert_int_equal(call_block(SYS_SEEK, h, 4, 0, 0), 0);
    assert_int_equal(read_bytes(h, 1), 0);
    assert_int_equal(*at(BUFFER), 3);
    expect_error(EINVAL, call_block(SYS_SEEK, h, 6, 0, 0));
    assert_int_equal(call_block(SYS_SEEK, h, 5, 0, 0), 0);
    assert_int_equal(read_bytes(h, 1), 1);
    assert_int_equal(read_bytes(second, 5), 0);
    assert_int_equal(write_text(h, "no"), 2);
    assert_int_equal(call_block(SYS_CLOSE, h, 0, 0, 0), 0);
    expect_error(EACCES, open_named(":semihosting-features", 2));
    expect_error(EACCES, open_named(":semihosting-features", 4));
}

static void test_bounds(void **state)
{
    (void)state;
    uint32_t first = open_named("bound", 6), last = first;
    for (uint32_t h = first; h != FAILED; h = open_named("bound", 0))
        last = h;
    assert_int_equal(last, 64);
    assert_int_equal(last_errno(), EMFILE);
    for (uint32_t h = 2; h <= 64; h++)
        assert_int_equal(call_block(SYS_CLOSE, h, 0, 0, 0), 0);
    /* Two files may have 2 GiB - 1 each, a third only what is left of 4 GiB. */
    assert_int_equal(call_block(SYS_SEEK, first, 0x7ffffffe, 0, 0), 0);
    assert_int_equal(write_text(first, "ab"), 1);
    assert_int_equal(last_errno(), EFBIG);
    assert_int_equal(call_block(SYS_FLEN, first, 0, 0, 0), 0x7fffffff);
    expect_error(EINVAL, call_block(SYS_SEEK, first, 0x80000000, 0, 0));
    uint32_t second = open_named("bound2", 4), third = open_named("bound3", 4);
    assert_int_equal(call_block(SYS_SEEK, second, 0x7ffffffe, 0, 0), 0);
    assert_int_equal(write_text(second, "a"), 1);
    assert_int_equal(last_errno(), ENOSPC);
    assert_int_equal(call_block(SYS_SEEK, second, 0x7fff0000, 0, 0), 0);
    assert_int_equal(write_text(second, "a"), 0);
    assert_int_equal(call_block(SYS_SEEK, third, 0x10000, 0, 0), 0);
    assert_int_equal(write_text(third, "abc"), 3);
    assert_int_equal(last_errno(), ENOSPC);
    /* Removing makes room, but not before the last handle is closed. */
    put_text(TEXT, "bound");
    assert_int_equal(call_block(SYS_REMOVE, RAM + TEXT, 5, 0, 0), 0);
    assert_int_equal(write_text(third, "abc"), 3);
    put_text(TEXT, "bound2");
    call_block(SYS_CLOSE, second, 0, 0, 0);
    assert_int_equal(call_block(SYS_REMOVE, RAM + TEXT, 6, 0, 0), 0);
    assert_int_equal(write_text(third, "abc"), 0);
    open_named("bound3", 4);
}

static void test_no_folder(void **state)
{
    (void)state;
    machine_free(machine);
    build((MachineOptions){.cpus = 1, .memory = 2 << 20, .semihosting = true});
    expect_error(EACCES, open_named("x", 0));
    expect_error(EACCES, open_named("x", 4));
    expect_error(EACCES, call_block(SYS_REMOVE, RAM + TEXT, 1, 0, 0));
    expect_error(EACCES, call_block(SYS_RENAME, RAM + TEXT, 1, RAM + TEXT, 1));
    expect_error(EACCES, call_block(SYS_TMPNAM, RAM + BUFFER, 7, 20, 0));
    assert_int_equal(open_named(":tt", 4), 1);
    assert_int_equal(open_named(":semihosting-features", 0), 2);
}

static void test_folder_is_missing(void **state)
{
    Error err = {""};
    MachineOptions options = {
        .cpus = 1, .memory = 1 << 20, .semihosting = true, .semihosting_dir = "/nowhere"};
    (void)state;
    assert_null(machine_new(&options, log_new(stderr), &err));
    assert_non_null(strstr(err.text, "--semihosting-dir"));
    assert_non_null(strstr(err.text, "/nowhere"));
}

/* ---- Time and surroundings --------------------------------------------------------------------------- */

static void test_time(void **state)
{
    (void)state;
    assert_int_equal(call(SYS_CLOCK, 0), 0);
    assert_int_equal(call(SYS_TIME, 0), 1700000000);
    machine->time_base += 90 * SECOND + SECOND / 2;
    assert_int_equal(call(SYS_CLOCK, 0), 9050);
    assert_int_equal(call(SYS_TIME, 0), 1700000090);
    assert_int_equal(call(SYS_TICKFREQ, 0), 1000000000);
    assert_int_equal(call(SYS_ELAPSED, RAM + BUFFER), 0);
    uint64_t ticks = (uint64_t)get_word(BUFFER + 4) << 32 | get_word(BUFFER);
    assert_true(ticks > 90 * SECOND && ticks < 91 * SECOND);
    assert_int_equal(cpu->r[1], RAM + BUFFER);
    assert_int_equal(call(SYS_ELAPSED, BAD), FAILED);
    assert_int_equal(cpu->r[1], FAILED);
    machine_reset(machine);
    assert_int_equal(call(SYS_CLOCK, 0), 0);
}

static void test_surroundings(void **state)
{
    (void)state;
    semihosting_set_command_line(machine->semihosting, "/a/b/prog.elf", "one two");
    assert_int_equal(call_block(SYS_GET_CMDLINE, RAM + BUFFER, 80, 0, 0), 0);
    assert_string_equal((char *)at(BUFFER), "prog.elf one two");
    assert_int_equal(get_word(BLOCK), RAM + BUFFER);
    assert_int_equal(get_word(BLOCK + 4), 16);
    assert_int_equal(call_block(SYS_GET_CMDLINE, RAM + BUFFER, 17, 0, 0), 0);
    expect_error(E2BIG, call_block(SYS_GET_CMDLINE, RAM + BUFFER, 16, 0, 0));
    expect_error(EFAULT, call_block(SYS_GET_CMDLINE, BAD, 80, 0, 0));
    semihosting_set_free_memory(machine->semihosting, RAM + 0x10000, RAM + 0x100000);
    call_block(SYS_HEAPINFO, RAM + BUFFER, 0, 0, 0);
    assert_int_equal(get_word(BUFFER), RAM + 0x10000);
    assert_int_equal(get_word(BUFFER + 4), RAM + 0x100000);
    assert_int_equal(get_word(BUFFER + 8), RAM + 0x100000);
    assert_int_equal(get_word(BUFFER + 12), RAM + 0x10000);
    expect_error(EFAULT, call_block(SYS_HEAPINFO, BAD, 0, 0, 0));
    assert_int_equal(call_block(SYS_ISERROR, 0, 0, 0, 0), 0);
    assert_int_equal(call_block(SYS_ISERROR, 5, 0, 0, 0), 0);
    assert_int_not_equal(call_block(SYS_ISERROR, FAILED, 0, 0, 0), 0);
    expect_error(ENOSYS, call(0x17, 0));
    expect_error(ENOSYS, call(0x1ff, 0));
    expect_error(ENOSYS, call(FAILED, 0));
}

/* ---- Hostile pointers -------------------------------------------------------------------------------- */

static void test_bad_pointers(void **state)
{
    static const uint32_t bad[] = {BAD, 0x30000000, 0xfffffffe, RAM + (2 << 20) - 2, RAM - 2, FAILED};
    (void)state;
    uint32_t h = open_named("file", 6), tt = open_named(":tt", 6);
    assert_int_equal(write_text(h, "0123456789"), 0);
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        for (uint32_t number = 0; number < 0x40; number++)
            if (number != SYS_READC && number != SYS_EXIT)
                call(number, bad[n]);
        assert_false(machine->request_pending);
        expect_error(EFAULT, call_block(SYS_OPEN, bad[n], 0, 4, 0));
        expect_error(EFAULT, call_block(SYS_REMOVE, bad[n], 4, 0, 0));
        put_text(TEXT, "file");
        expect_error(EFAULT, call_block(SYS_RENAME, RAM + TEXT, 4, bad[n], 4));
        call_block(SYS_SEEK, h, 0, 0, 0);
        assert_int_equal(call_block(SYS_READ, h, bad[n], 8, 0), 8);
        assert_int_equal(last_errno(), EFAULT);
        assert_int_equal(call_block(SYS_WRITE, h, bad[n], 8, 0), 8);
        assert_int_equal(call_block(SYS_WRITE, tt, bad[n], 8, 0), 8);
        assert_int_equal(last_errno(), EFAULT);
        assert_int_equal(read_bytes(h, 10), 0); /* the position did not move */
        assert_string_equal((char *)at(BUFFER), "0123456789");
    }
}

/* As far as the memory goes, and no further. */
static void test_lengths_beyond_memory(void **state)
{
    (void)state;
    uint32_t h = open_named("file", 6);
    memset(at(0x100000), 'q', 0x100000);
    uint32_t left = call_block(SYS_WRITE, h, RAM + 0x100000, FAILED, 0);
    assert_int_equal(FAILED - left, 0x100000);
    assert_int_equal(call_block(SYS_FLEN, h, 0, 0, 0), 0x100000);
    call_block(SYS_SEEK, h, 0, 0, 0);
    left = call_block(SYS_READ, h, RAM + 0x180000, FAILED, 0);
    assert_int_equal(FAILED - left, 0x80000);
    assert_int_equal(last_errno(), EFAULT);
}

/* A program has no more rights by way of the host than by itself. */
static void test_permissions(void **state)
{
    (void)state;
    uint32_t tt = open_named(":tt", 6);
    for (uint32_t n = 0; n < 4096; n++)
        put_word(TABLES + 4 * n, 0);
    put_word(TABLES + 4 * 0x600, RAM | 0xc02);              /* all access */
    put_word(TABLES + 4 * 0x700, (RAM + 0x100000) | 0x402); /* privileged only */
    put_word(TABLES + 4 * 0x701, (RAM + 0x100000) | 0x802); /* user mode reads */
    put_word(TABLES + 4 * 0x702, (RAM + 0x100000) | 0x22);  /* domain 1: no access */
    cp_write(cpu, 15, 0, 2, 0, 0, RAM + TABLES);
    cp_write(cpu, 15, 0, 3, 0, 0, 1);
    cp_write(cpu, 15, 0, 1, 0, 0, 1);
    cpu->leave = 0;
    put_text(0x100000, "kernel");
    assert_int_equal(call_block(SYS_WRITE, tt, 0x70000000, 6, 0), 0);
    assert_int_equal(call_block(SYS_WRITE, tt, 0x70200000, 6, 0), 6);
    assert_string_equal(output, "kernel");
    cpsr_write(cpu, MODE_USR, PSR_MODE);
    assert_int_equal(call_block(SYS_WRITE, tt, 0x70000000, 6, 0), 6);
    assert_int_equal(last_errno(), EFAULT);
    assert_int_equal(call_block(SYS_WRITE, tt, 0x70100000, 6, 0), 0);
    assert_string_equal(output, "kernelkernel");
    expect_error(EFAULT, call(SYS_ELAPSED, 0x70100000));
    expect_error(EFAULT, call(SYS_ELAPSED, 0x70000000));
    expect_error(EFAULT, call_block(SYS_GET_CMDLINE, 0x70100000, 80, 0, 0));
    assert_string_equal((char *)at(0x100000), "kernel");
    assert_int_equal(call(SYS_ELAPSED, RAM + BUFFER), 0);
}

/* Code that a call writes is what executes next. */
static void test_reading_code(void **state)
{
    (void)state;
    uint32_t h = open_named("code", 6), add = 0xe2822001; /* add r2, r2, #1 */
    memcpy(at(BUFFER), &add, 4);
    assert_int_equal(call_block(SYS_WRITE, h, RAM + BUFFER, 4, 0), 0);
    call_block(SYS_SEEK, h, 0, 0, 0);
    cpu->pc = RAM + 4;
    machine_step(machine, 3);
    assert_int_equal(cpu->pc, RAM + 4); /* b . is there now */
    cpu->r[2] = 0;
    prepare(SVC_A32, SYS_READ, RAM + BLOCK);
    put_word(BLOCK + 4, RAM + 4);
    put_word(BLOCK, h);
    put_word(BLOCK + 8, 4);
    machine_step(machine, 2);
    assert_int_equal(cpu->r[0], 0);
    assert_int_equal(cpu->r[2], 1);
    assert_int_equal(cpu->pc, RAM + 8);
}

/* Blocks of words follow the data endianness. */
static void test_big_endian(void **state)
{
    (void)state;
    uint32_t h = open_named("x", 4);
    cpsr_write(cpu, PSR_E, PSR_E);
    assert_int_equal(call_block(SYS_CLOSE, __builtin_bswap32(h), 0, 0, 0), 0);
    machine->time_base += SECOND;
    assert_int_equal(call(SYS_ELAPSED, RAM + BUFFER), 0);
    assert_int_equal(__builtin_bswap32(get_word(BUFFER)) / 1000000, 1000);
    assert_int_equal(get_word(BUFFER + 4), 0);
    cpsr_write(cpu, 0, PSR_E);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_off, setup_without, teardown),
        TEST(test_other_traps),
        TEST(test_exit),
        TEST(test_exit_codes),
        TEST(test_console_output),
        TEST(test_own_console),
        TEST(test_endless_text),
        TEST(test_waits_for_input),
        TEST(test_input_through_uart),
        TEST(test_read_from_console),
        TEST(test_interrupt_while_waiting),
        TEST(test_reset_while_waiting),
        TEST(test_files),
        TEST(test_names),
        TEST(test_features),
        TEST(test_bounds),
        TEST(test_no_folder),
        TEST(test_folder_is_missing),
        TEST(test_time),
        TEST(test_surroundings),
        TEST(test_bad_pointers),
        TEST(test_lengths_beyond_memory),
        TEST(test_permissions),
        TEST(test_reading_code),
        TEST(test_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
