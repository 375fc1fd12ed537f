/* From a store of the CPU to the picture that frontends get: both display controllers of the board, in both
 * engines, with the multiplexer and the oscillators of the system registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/machine.h"

#define RAM 0x60000000u
#define FRAME_RAM (RAM + 0x100000u)
#define VRAM 0x4c000000u
#define CODE (RAM + 0x2000u)
#define MOTHERBOARD_CLCD 0x1001f000u
#define TILE_CLCD 0x10020000u
#define SYSREG 0x10000000u
#define MUXFPGA (7u << 20)
#define OSC1(site) (1u << 20 | (site) << 16 | 1)

enum { WIDTH = 64, HEIGHT = 48, ROW = 2 * WIDTH, LOOP = 0xeafffffe };

static Machine *machine;

static void bus_store(uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    assert_int_equal(bus_write(machine->bus, address, &access, value), BUS_OK);
}

static uint32_t bus_load_word(uint32_t address)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    uint32_t value = 0;
    assert_int_equal(bus_read(machine->bus, address, &access, &value), BUS_OK);
    return value;
}

static void configure(uint32_t what, uint32_t value)
{
    bus_store(SYSREG + 0xa8, 0);
    bus_store(SYSREG + 0xa0, value);
    bus_store(SYSREG + 0xa4, 0xc0000000 | what);
    assert_int_equal(bus_load_word(SYSREG + 0xa8), 1);
}

/* 64 x 48, 5:6:5, red in the highest bits. */
static void show(uint32_t clcd, uint32_t base)
{
    bus_store(clcd + 0x18, 0);
    bus_store(clcd + 0x00, (WIDTH / 16 - 1) << 2);
    bus_store(clcd + 0x04, HEIGHT - 1);
    bus_store(clcd + 0x08, 1u << 26 | (WIDTH - 1) << 16);
    bus_store(clcd + 0x10, base);
    bus_store(clcd + 0x18, 0x92d);
}

static void start(JitMode mode)
{
    MachineOptions options = {
        .cpus = 1, .memory = 4 << 20, .deterministic = true, .jit = {.mode = mode, .threshold = 1}
    };
    machine = machine_new(&options, log_new(stderr), NULL);
    assert_non_null(machine);
}

/* Stores the value again and again, so that the instruction is compiled. */
static void store(uint32_t address, uint16_t value)
{
    const uint32_t code[] = {
        0xe1c210b0, /* strh r1, [r2] */
        0xe2533001, /* subs r3, r3, #1 */
        0x1afffffc, /* bne to the first */
        LOOP,
    };
    assert_true(bus_dma_write(machine->bus, CODE, code, sizeof code));
    Cpu *cpu = machine->cpu[0];
    cpu->r[1] = value;
    cpu->r[2] = address;
    cpu->r[3] = 100;
    cpu->pc = CODE;
    machine_step(machine, 301);
    assert_int_equal(cpu->r[3], 0);
}

/* Every store is on the screen at the next look, and only its row changes. */
static void check_stores(JitMode mode, uint32_t clcd, uint32_t base, uint32_t source)
{
    start(mode);
    configure(MUXFPGA, source);
    show(clcd, base);
    const Frame *frame = display_frame(machine->display);
    assert_int_equal(frame->width, WIDTH);
    assert_int_equal(frame->height, HEIGHT);
    assert_int_equal(frame->output, source);
    for (uint32_t n = 0; n < 20; n++) {
        uint64_t serial = frame->serial;
        uint32_t x = n * 3, y = n * 7 % HEIGHT;
        store(base + y * ROW + 2 * x, 0xf800);
        frame = display_frame(machine->display);
        assert_int_equal(frame->pixels[y * WIDTH + x], 0xff0000);
        for (uint32_t row = 0; row < HEIGHT; row++)
            assert_int_equal(frame->changed[row] > serial, row == y);
    }
    machine_free(machine);
}

static void test_tile_shows_ram(void **state)
{
    (void)state;
    check_stores(JIT_OFF, TILE_CLCD, FRAME_RAM + 0x40, DISPLAY_TILE);
    check_stores(JIT_ON, TILE_CLCD, FRAME_RAM + 0x40, DISPLAY_TILE);
}

static void test_video_ram(void **state)
{
    (void)state;
    check_stores(JIT_OFF, MOTHERBOARD_CLCD, VRAM + 0x1000, DISPLAY_MOTHERBOARD);
    check_stores(JIT_ON, MOTHERBOARD_CLCD, VRAM + 0x1000, DISPLAY_MOTHERBOARD);
    check_stores(JIT_ON, TILE_CLCD, VRAM + 0x7ff000 - 0x1000, DISPLAY_TILE);
}

/* The motherboard's controller cannot read the daughterboard's memory. */
static void test_motherboard_reaches_video_ram_only(void **state)
{
    (void)state;
    start(JIT_OFF);
    show(MOTHERBOARD_CLCD, VRAM + 0x800000 - HEIGHT * ROW);
    assert_int_equal(bus_load_word(MOTHERBOARD_CLCD + 0x20) & 0x10, 0);
    show(MOTHERBOARD_CLCD, VRAM + 0x800000 - HEIGHT * ROW + 8);
    assert_int_equal(bus_load_word(MOTHERBOARD_CLCD + 0x20) & 0x10, 0x10);
    bus_store(MOTHERBOARD_CLCD + 0x28, 0x1e);
    show(MOTHERBOARD_CLCD, FRAME_RAM);
    assert_int_equal(bus_load_word(MOTHERBOARD_CLCD + 0x20) & 0x10, 0x10);
    machine_free(machine);
}

static void test_multiplexer(void **state)
{
    (void)state;
    start(JIT_OFF);
    show(TILE_CLCD, FRAME_RAM);
    bus_store(FRAME_RAM, 0xffffffff);
    assert_int_equal(display_frame(machine->display)->width, 0); /* the motherboard's is off */
    configure(MUXFPGA, 1);
    assert_int_equal(display_frame(machine->display)->pixels[0], 0xffffff);
    configure(MUXFPGA, 2); /* nothing is at site 2 */
    assert_int_equal(display_frame(machine->display)->width, 0);
    show(MOTHERBOARD_CLCD, VRAM);
    configure(MUXFPGA, 0);
    assert_int_equal(display_frame(machine->display)->pixels[0], 0);
    assert_int_equal(display_frame(machine->display)->output, DISPLAY_MOTHERBOARD);
    machine_free(machine);
}

/* Oscillator 1 of each site is the pixel clock of its controller. */
static void test_oscillators(void **state)
{
    (void)state;
    const uint32_t frame = (WIDTH + 3) * (HEIGHT + 1);
    start(JIT_OFF);
    show(TILE_CLCD, FRAME_RAM);
    show(MOTHERBOARD_CLCD, VRAM);
    assert_int_equal(display_frame(machine->display)->frame_ns, (frame * 1000000ull + 23749) / 23750);
    configure(OSC1(0u), 50000000);
    assert_int_equal(display_frame(machine->display)->frame_ns, frame * 20);
    configure(MUXFPGA, 1);
    configure(OSC1(1u), 20000000);
    assert_int_equal(display_frame(machine->display)->frame_ns, frame * 50);
    machine_free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tile_shows_ram),
        cmocka_unit_test(test_video_ram),
        cmocka_unit_test(test_motherboard_reaches_video_ram_only),
        cmocka_unit_test(test_multiplexer),
        cmocka_unit_test(test_oscillators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
