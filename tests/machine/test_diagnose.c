/* What is said about machines that are stuck in ways that guests get stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/diagnose.h"

#define RAM 0x60000000u
#define GIC 0x1e001000u
#define GIC_CPU 0x1e000100u

static Machine *machine;
static DiagnoseSamples samples;

static int setup(void **state)
{
    (void)state;
    MachineOptions options = {.cpus = 1, .memory = 4 << 20, .deterministic = true};
    machine = machine_new(&options, log_new(stderr), NULL);
    memset(&samples, 0, sizeof samples);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free(machine);
    return 0;
}

static void write_word(uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    assert_int_equal(bus_write(machine->bus, address, &access, value), BUS_OK);
}

static void run(const uint32_t *code, size_t size, uint64_t count)
{
    memcpy(machine->ram, code, size);
    machine->cpu[0]->pc = RAM;
    machine_step(machine, count);
}

static void take_samples(void)
{
    for (unsigned n = 0; n < 500; n++) {
        machine_step(machine, 97);
        diagnose_sample(&samples, machine);
    }
}

static void has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in:\n%s", wanted, text);
}

static void lacks(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted))
        fail_msg("\"%s\" is in:\n%s", unwanted, text);
}

static void explanation_has(const DiagnoseHints *hints, const char *wanted)
{
    char *text = diagnose_explain(machine, hints);
    has(text, wanted);
    free(text);
}

/* ---- CPUs -------------------------------------------------------------------------------------------- */

static void test_cpu_line(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xe320f003 /* wfi */, 0xeafffffd};
    run(code, sizeof code, 10);
    char *text = diagnose_cpus(machine, NULL);
    has(text, "cpu0: pc 0x60000004, Supervisor mode, Secure, MMU off, IRQ and FIQ masked, asleep (WFI), 1 "
              "instructions\n");
    free(text);
    assert_true(diagnose_idle(machine));
    explanation_has(NULL, "Likely reason: every CPU sleeps (WFI) and no timer runs");
}

static void test_loop(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xe1a00000, 0xe1a00000, 0xe1a00000, 0xeafffffb};
    run(code, sizeof code, 100);
    assert_false(diagnose_idle(machine));
    take_samples();
    DiagnoseHints hints = {.samples = &samples, .silent_seconds = 30};
    explanation_has(&hints, "said nothing for 30 seconds");
    explanation_has(&hints, "it loops within 16 bytes from 0x60000000 to 0x6000000c");
    explanation_has(&hints, "stopped itself early, in a small loop with the MMU off");
}

/* Far apart: two pages, most of the time in the second. */
static void test_wide_loop(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 0x3000 / 4; n++)
        write_word(RAM + 4 * n, 0xe1a00000);
    write_word(RAM + 0x3000, 0xeafff3fe); /* b RAM */
    machine->cpu[0]->pc = RAM;
    take_samples();
    DiagnoseHints hints = {.samples = &samples};
    explanation_has(&hints, "of 500 samples ");
    explanation_has(&hints, "lie in the page at 0x6000");
}

/* ---- Exceptions -------------------------------------------------------------------------------------- */

/* Nothing at the vectors but what is undefined. */
static void test_fault_loop_at_vectors(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xe7f000f0 /* udf */};
    machine->cpu[0]->cp15.bank[0].vbar = RAM + 0x100000;
    for (unsigned n = 0; n < 8; n++)
        write_word(RAM + 0x100000 + 4 * n, 0xe7f000f0);
    run(code, sizeof code, 50000);
    explanation_has(NULL, "cpu0 takes exceptions over and over (undefined instruction at 0x60100004)");
    explanation_has(NULL, "there is no code at its exception vectors (0x60100000)");
    explanation_has(NULL, "instruction 0xe7f000f0 \"udf");
    explanation_has(NULL, "times in a row");
}

static void test_data_abort(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xe3a0120e /* mov r1, #0xe0000000 */, 0xe5812004 /* str r2, [r1, #4] */};
    machine->cpu[0]->cp15.bank[0].vbar = RAM + 0x100000;
    for (unsigned n = 0; n < 8; n++)
        write_word(RAM + 0x100000 + 4 * n, 0xeafffffe); /* b . */
    run(code, sizeof code, 100);
    explanation_has(NULL,
                    "data abort at 0x60000004 on a write of 0xe0000004: external abort: nothing answers");
    explanation_has(NULL, "\"str r2, [r1, #4]\"");
}

static void test_two_faults_in_turn(void **state)
{
    (void)state;
    /* The handler of undefined instructions reads where nothing is; that of data aborts is undefined. */
    machine->cpu[0]->cp15.bank[0].vbar = RAM;
    static const uint32_t code[] = {0xe7f000f0, 0xe3a0120e, 0xe5912000, 0xe7f000f0,
                                    0xe7f000f0, 0xe7f000f0, 0xe7f000f0, 0xe7f000f0};
    run(code, sizeof code, 50000);
    explanation_has(NULL, "takes exceptions over and over");
    char *text = diagnose_explain(machine, NULL);
    has(text, "data abort at 0x60000008 on a read of 0xe0000000");
    has(text, "undefined instruction at 0x60000010");
    free(text);
}

/* A guest that takes faults now and then is not in a loop of them. */
static void test_faults_are_no_loop(void **state)
{
    (void)state;
    static const uint32_t code[] = {
        0xea000006,                            /* reset: b main */
        0xe1b0f00e,                            /* undefined: movs pc, lr */
        0,          0, 0, 0, 0, 0, 0xe3a00a02, /* main: mov r0, #8192 */
        0xe2500001,                            /* subs r0, r0, #1 */
        0x1afffffd,                            /* bne */
        0xe7f000f0,                            /* udf */
        0xeafffffa,                            /* b main */
    };
    machine->cpu[0]->cp15.bank[0].vbar = RAM;
    run(code, sizeof code, 200000);
    assert_true(machine->cpu[0]->exceptions[EXC_UNDEFINED] > 5);
    char *text = diagnose_explain(machine, NULL);
    lacks(text, "over and over");
    free(text);
}

/* ---- Interrupts -------------------------------------------------------------------------------------- */

static void raise_uart0(void)
{
    machine_device(machine, "gic")->type->input(machine_device(machine, "gic"), 5, true);
    device_changed(machine_device(machine, "gic"));
}

static void open_gic(void)
{
    write_word(GIC + 0x000, 1);
    write_word(GIC + 0x104, 1u << 5); /* ID 37 */
    write_word(GIC + 0x800 + 36, 0x01010101);
    write_word(GIC_CPU + 0x00, 1);
    write_word(GIC_CPU + 0x04, 0xf8);
}

static void test_interrupts(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xeafffffe};
    run(code, sizeof code, 10);
    open_gic();
    raise_uart0();
    explanation_has(NULL, "interrupts pending for cpu0:\n    37 (uart0): the CPU masks IRQ (CPSR.I)");
    write_word(GIC_CPU + 0x04, 0);
    explanation_has(NULL, "37 (uart0): its priority is not above the mask (ICCPMR)");
    write_word(GIC_CPU + 0x04, 0xf8);
    write_word(GIC_CPU + 0x00, 0);
    explanation_has(NULL, "37 (uart0): the CPU interface is off (ICCICR)");
    write_word(GIC_CPU + 0x00, 1);
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    uint32_t id;
    bus_read(machine->bus, GIC_CPU + 0x0c, &access, &id);
    assert_int_equal(id, 37);
    explanation_has(NULL, "37 (uart0): it is being handled and was not ended (ICCEOIR)");
}

/* ---- The kernel's log -------------------------------------------------------------------------------- */

/* Linux 5.10 and later: an id before each text. */
static size_t put_record(uint32_t at, uint32_t id, const char *text)
{
    size_t length = strlen(text) + 1;
    memcpy(machine->ram + at, &id, 4);
    memcpy(machine->ram + at + 4, text, length);
    return 4 + (length + 3) / 4 * 4;
}

static void put_log(uint32_t at)
{
    static const char *const messages[] = {
        "Booting Linux on physical CPU 0x0", "Linux version 6.1.0-18-armmp (a@b)", "CPU: ARMv7 Processoror\n",
        "OF: fdt: Machine model: V2P-CA9",   "Kernel command line: quiet",         "the last one\nne\n"};
    uint32_t id = 0x3fffe000;
    for (unsigned n = 0; n < sizeof messages / sizeof *messages; n++)
        at += (uint32_t)put_record(at, id++ & 0x3fffffff, messages[n]);
}

static void test_kernel_log_by_search(void **state)
{
    (void)state;
    /* Format strings and copies in files are not it. */
    strcpy((char *)machine->ram + 0x40000, "\0016Booting Linux on physical CPU 0x%x\n");
    strcpy((char *)machine->ram + 0x50000, "[    0.000000] Booting Linux on physical CPU 0x0\n");
    assert_null(diagnose_kernel_log(machine, NULL, 10));
    put_log(0x200010);
    char *text = diagnose_kernel_log(machine, NULL, 3);
    assert_string_equal(text, "OF: fdt: Machine model: V2P-CA9\nKernel command line: quiet\nthe last one\n");
    free(text);
    DiagnoseHints hints = {0};
    explanation_has(&hints, "the kernel runs, but there is no console= on its command line");
    explanation_has(&hints, "the last messages in the kernel's log buffer:\n");
    explanation_has(&hints, "    the last one\n");
}

/* Linux 3.5 to 5.9: a header with lengths before each text. */
static void test_older_kernel_log(void **state)
{
    (void)state;
    static const char *const messages[] = {"Booting Linux on physical CPU 0x0", "Linux version 4.19.0",
                                           "third"};
    for (unsigned header = 16; header <= 24; header += 8) {
        uint32_t at = 0x100000;
        memset(machine->ram + at, 0, 4096);
        for (unsigned n = 0; n < 3; n++) {
            uint64_t time = n * UINT64_C(1500000000);
            uint16_t text = (uint16_t)strlen(messages[n]), length = (uint16_t)((header + text + 7u) / 8 * 8);
            memcpy(machine->ram + at, &time, 8);
            memcpy(machine->ram + at + 8, &length, 2);
            memcpy(machine->ram + at + 10, &text, 2);
            memcpy(machine->ram + at + header, messages[n], text);
            at += length;
        }
        char *log = diagnose_kernel_log(machine, NULL, 2);
        assert_string_equal(log, "[    1.500000] Linux version 4.19.0\n[    3.000000] third\n");
        free(log);
    }
}

static void test_oldest_kernel_log(void **state)
{
    (void)state;
    strcpy((char *)machine->ram + 0x100000,
           "<6>Booting Linux on physical CPU 0\n<5>Linux version 2.6.32\n<6>end\n");
    char *log = diagnose_kernel_log(machine, NULL, 2);
    assert_string_equal(log, "Linux version 2.6.32\nend\n");
    free(log);
}

/* With symbols, through descriptors; the ring has wrapped, and a text lies at its start. */
static void test_kernel_log_by_symbols(void **state)
{
    (void)state;
    enum { PRB = 0x1000, RING = 0x1100, DESCS = 0x2000, INFOS = 0x3000, DATA = 0x4000 };
    for (unsigned layout = 5; layout <= 6; layout++) {
        uint32_t page_offset = 0xc0000000, pointer = page_offset + RING;
        uint32_t head = 0x12, tail = 0x11;
        uint32_t ring[10] = {4, page_offset + DESCS, page_offset + INFOS, head, tail};
        ring[layout] = 12;
        ring[layout + 1] = page_offset + DATA;
        memcpy(machine->ram + PRB, &pointer, 4);
        memcpy(machine->ram + RING, ring, sizeof ring);
        static const char *const texts[] = {"before the end", "at the start"};
        static const uint32_t begin[] = {0x1fc0, 0x1ff8}, next[] = {0x1fd8, 0x2014}, at[] = {0xfc0, 0};
        for (unsigned n = 0; n < 2; n++) {
            uint32_t id = tail + n, desc[3] = {id | 0x80000000, begin[n], next[n]};
            uint64_t time = (n + 1) * UINT64_C(1000000);
            uint16_t length = (uint16_t)strlen(texts[n]);
            memcpy(machine->ram + DESCS + (id & 15) * 12, desc, 12);
            memcpy(machine->ram + INFOS + (id & 15) * 88 + 8, &time, 8);
            memcpy(machine->ram + INFOS + (id & 15) * 88 + 16, &length, 2);
            memcpy(machine->ram + DATA + at[n], &id, 4);
            memcpy(machine->ram + DATA + at[n] + 4, texts[n], length);
        }
        char path[] = "/tmp/armature-map-XXXXXX";
        int fd = mkstemp(path);
        assert_int_equal(write(fd, "c0001000 D prb\n", 15), 15);
        close(fd);
        Symbols *symbols = symbols_load(path, NULL);
        unlink(path);
        char *log = diagnose_kernel_log(machine, symbols, 10);
        assert_string_equal(log, "[    0.001000] before the end\n[    0.002000] at the start\n");
        free(log);
        symbols_free(symbols);
    }
}

/* Whatever the guest's memory holds. */
static void test_hostile_memory(void **state)
{
    (void)state;
    uint32_t random = 7;
    char path[] = "/tmp/armature-map-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "c0001000 D prb\n", 15), 15);
    close(fd);
    Symbols *symbols = symbols_load(path, NULL);
    unlink(path);
    for (unsigned round = 0; round < 200; round++) {
        for (uint32_t at = 0; at < 0x8000; at += 4) {
            random = random * 1664525 + 1013904223;
            uint32_t value = random >> 28 ? random >> (random >> 8 & 31) : 0xc0001000 + (random & 0xffc);
            memcpy(machine->ram + at, &value, 4);
        }
        uint32_t last = 0x400000 - 40;
        strcpy((char *)machine->ram + (random >> 17 & ~3u), "Booting Linux on physical CPU 0");
        memcpy(machine->ram + last, "\x01\0\0\0Booting Linux on physical CPU 012345", 40);
        free(diagnose_kernel_log(machine, round & 1 ? symbols : NULL, 20));
    }
    symbols_free(symbols);
}

/* ---- Reasons ----------------------------------------------------------------------------------------- */

static void test_consoles(void **state)
{
    (void)state;
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"Kernel command line: root=/dev/ram",                "there is no console= on its command line"},
        {"Kernel command line: console=ttyS0,115200",         "its console is \"ttyS0,115200\""         },
        {"Kernel command line: console=ttyAMA0 console=tty0", "its console is \"tty0\""                 },
        {"Kernel command line: console=tty0 console=ttyAMA1", "not the first serial port"               },
        {"Kernel command line: netconsole=ttyAMA0",           "there is no console="                    },
        {"Kernel command line: console=ttyAMA0 quiet",        "\"quiet\""                               },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        memset(machine->ram + 0x100000, 0, 4096);
        uint32_t at = 0x100000;
        at += (uint32_t)put_record(at, 1, "Booting Linux on physical CPU 0x0");
        at += (uint32_t)put_record(at, 2, cases[n].line);
        put_record(at, 3, "end");
        DiagnoseHints hints = {0};
        explanation_has(&hints, cases[n].reason);
    }
}

static void test_output_gives_the_reason(void **state)
{
    (void)state;
    DiagnoseHints hints = {.output = "[    3.000000] Waiting for root device /dev/mmcblk0p2...\r\n",
                           .output_length = 60};
    explanation_has(&hints, "waits for its root device /dev/mmcblk0p2, which does not appear");
    hints.output = "[    1.0] x\n[    3.000000] Kernel panic - not syncing: No working init found.\n";
    explanation_has(
        &hints, "the kernel panicked (\"No working init found.\"): the root file system holds no program");
}

/* The boot ROM's monitor, when there is nothing to run. */
static void test_monitor(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 200; n++)
        machine_step(machine, 10000);
    DiagnoseHints hints = {.output_length = 400};
    explanation_has(&hints, "the boot ROM's monitor waits for a command");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_cpu_line),
        TEST(test_loop),
        TEST(test_wide_loop),
        TEST(test_fault_loop_at_vectors),
        TEST(test_data_abort),
        TEST(test_two_faults_in_turn),
        TEST(test_faults_are_no_loop),
        TEST(test_interrupts),
        TEST(test_kernel_log_by_search),
        TEST(test_older_kernel_log),
        TEST(test_oldest_kernel_log),
        TEST(test_kernel_log_by_symbols),
        TEST(test_hostile_memory),
        TEST(test_consoles),
        TEST(test_output_gives_the_reason),
        TEST(test_monitor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
