/* PL111 (DDI 0293): frame timing, interrupts, which rows are drawn, and guests that mean harm. */
#include "tests/devices/clcd.h"

#include "devices/pl111_picture.h"
#include "devices/pl111_timing.h"

enum { FUF = 2, LNBU = 4, VCOMP = 8, MBERROR = 16 };

#define SHOWN (TFT | BPP(6))

/* ---- Timing ------------------------------------------------------------------------------------------- */

/* 800x600 at 56 Hz as Linux sets it: 36 MHz, 1024 ticks by 625 lines. */
static void test_timing_of_a_monitor(void **state)
{
    (void)state;
    const uint32_t timing[3] = {127u << 24 | 23 << 16 | 71 << 8 | 49 << 2,
                                22u << 24 | 1 << 16 | 1 << 10 | 599, BCD | 799 << 16};
    ScanTiming t = scan_timing(timing, TFT | EN);
    assert_int_equal(t.width, 800);
    assert_int_equal(t.height, 600);
    assert_int_equal(t.line, 1024);
    assert_int_equal(t.frame, 1024 * 625);
    assert_int_equal(scan_region(&t, VCOMP_REGION(0)), 0);
    assert_int_equal(scan_region(&t, VCOMP_REGION(1)), 2 * 1024);
    assert_int_equal(scan_region(&t, VCOMP_REGION(2)), 24 * 1024);
    assert_int_equal(scan_region(&t, VCOMP_REGION(3)), 624 * 1024);
}

static void test_divider(void **state)
{
    (void)state;
    uint32_t timing[3] = {0, 0, 0};
    assert_int_equal(scan_timing(timing, TFT).line, 2 * 19);
    timing[2] = 5;
    assert_int_equal(scan_timing(timing, TFT).line, 7 * 19);
    timing[2] = 1u << 27;
    assert_int_equal(scan_timing(timing, TFT).line, 34 * 19);
    timing[2] = 0xf800001f; /* 10 bits of ones */
    assert_int_equal(scan_timing(timing, TFT).line, 1025 * 19);
    timing[2] |= BCD;
    assert_int_equal(scan_timing(timing, TFT).line, 19);
    timing[2] = BCD | 5 << 16; /* STN: 16 pixels in 6 ticks */
    assert_int_equal(scan_timing(timing, 0).line, 9);
    assert_int_equal(scan_timing(timing, 0).frame, 18);
}

static void test_largest_timing(void **state)
{
    (void)state;
    const uint32_t timing[3] = {~0u, ~0u, ~0u & ~BCD};
    ScanTiming t = scan_timing(timing, TFT);
    assert_int_equal(t.line, (256 * 3 + 1024) * 1025);
    assert_int_equal(t.frame, (uint64_t)t.line * (64 + 255 + 1024 + 255));
    assert_int_equal(t.width, 1024);
    assert_int_equal(t.height, 1024);
}

static void test_passing(void **state)
{
    (void)state;
    assert_false(scan_passed(100, 50, 10, 100, 109));
    assert_true(scan_passed(100, 50, 10, 100, 110));
    assert_false(scan_passed(100, 50, 10, 110, 159));
    assert_true(scan_passed(100, 50, 10, 110, 160));
    assert_true(scan_passed(100, 50, 10, 99, 1000));
    assert_int_equal(scan_next(100, 50, 10, 99), 110);
    assert_int_equal(scan_next(100, 50, 10, 110), 160);
    assert_int_equal(scan_next(100, 50, 0, 99), 100);
    assert_int_equal(scan_next(100, 50, 0, 100), 150);
}

/* The oscillator is the board's; the mode's frame time follows it. */
static void test_clock(void **state)
{
    (void)state;
    clcd_size(&clcd, 16, 9);
    clcd_show(&clcd, MEMORY, SHOWN);
    assert_int_equal(clcd_frame(&clcd)->frame_ns, 19 * 10 * 100);
    display_set_clock(clcd.h.env.display, DISPLAY_TILE, CLCDCLK / 2); /* of another controller */
    assert_int_equal(clcd_frame(&clcd)->frame_ns, 19 * 10 * 100);
    display_set_clock(clcd.h.env.display, DISPLAY_MOTHERBOARD, CLCDCLK / 2);
    assert_int_equal(clcd_frame(&clcd)->frame_ns, 19 * 10 * 200);
    write_reg(clcd.dev, ICR, LNBU);
    step(&clcd.h, 37999);
    expect_reg(clcd.dev, RIS, VCOMP);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    display_set_clock(clcd.h.env.display, DISPLAY_MOTHERBOARD, 0);
    assert_int_equal(clcd_frame(&clcd)->width, 0);
}

/* ---- Interrupts --------------------------------------------------------------------------------------- */

/* A line is 1.9 us, a frame ten of them: sync, 8 visible lines, front porch. */
static void start(uint32_t control)
{
    clcd_size(&clcd, 16, 8);
    write_reg(clcd.dev, TIMING1, 1 << 16 | 7);
    clcd_show(&clcd, MEMORY, SHOWN | control);
}

enum { LINE_NS = 1900, FRAME_NS = 10 * LINE_NS };

static void test_next_base(void **state)
{
    (void)state;
    start(0);
    write_reg(clcd.dev, ICR, ~0u);
    expect_reg(clcd.dev, UPCURR, MEMORY);
    write_reg(clcd.dev, UPBASE, MEMORY + 0x1000);
    write_reg(clcd.dev, LPBASE, MEMORY + 0x2007);
    expect_reg(clcd.dev, UPBASE, MEMORY + 0x1000);
    expect_reg(clcd.dev, LPBASE, MEMORY + 0x2000);
    step(&clcd.h, FRAME_NS - 1);
    expect_reg(clcd.dev, UPCURR, MEMORY + 8 * 32); /* all of the old frame was read */
    expect_reg(clcd.dev, RIS, 0);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    expect_reg(clcd.dev, UPCURR, MEMORY + 0x1000);
    expect_reg(clcd.dev, LPCURR, MEMORY + 0x2000);
    step(&clcd.h, LINE_NS); /* the first visible line begins */
    expect_reg(clcd.dev, UPCURR, MEMORY + 0x1000);
    step(&clcd.h, 3 * LINE_NS);
    expect_reg(clcd.dev, UPCURR, MEMORY + 0x1000 + 3 * 32);
}

/* Which picture is shown follows the base at the frame's end. */
static void test_double_buffer(void **state)
{
    (void)state;
    memset(clcd.memory + 0x1000, 0xff, 0x1000);
    start(0);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0);
    write_reg(clcd.dev, UPBASE, MEMORY + 0x1000);
    step(&clcd.h, FRAME_NS - 1);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0);
    step(&clcd.h, 1);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
}

static void test_lnbu_interrupt(void **state)
{
    (void)state;
    start(0);
    write_reg(clcd.dev, ICR, ~0u);
    assert_true(clock_next_due(clcd.h.env.clock) == CLOCK_NEVER); /* nobody would notice */
    write_reg(clcd.dev, IMSC, LNBU);
    for (unsigned frame = 0; frame < 3; frame++) {
        step(&clcd.h, FRAME_NS - 1);
        expect_irq(clcd.dev, 0, false);
        step(&clcd.h, 1);
        expect_irq(clcd.dev, 0, true);
        expect_reg(clcd.dev, MIS, LNBU);
        assert_true(clock_next_due(clcd.h.env.clock) == CLOCK_NEVER); /* it is up already */
        write_reg(clcd.dev, ICR, LNBU);
        expect_irq(clcd.dev, 0, false);
    }
    write_reg(clcd.dev, CONTROL, SHOWN);
    step(&clcd.h, 10 * FRAME_NS);
    expect_irq(clcd.dev, 0, false);
}

static void check_region(uint32_t region, uint32_t line)
{
    start(VCOMP_REGION(region));
    write_reg(clcd.dev, TIMING1, 2u << 24 | 1 << 16 | 7); /* two lines of back porch */
    write_reg(clcd.dev, ICR, ~0u);
    write_reg(clcd.dev, IMSC, VCOMP);
    for (unsigned frame = 0; frame < 2; frame++) {
        uint64_t first = line ? line * LINE_NS : 12 * LINE_NS;
        step(&clcd.h, frame ? 12 * LINE_NS - 1 : first - 1);
        expect_irq(clcd.dev, 0, false);
        step(&clcd.h, 1);
        expect_irq(clcd.dev, 0, true);
        write_reg(clcd.dev, ICR, VCOMP);
        expect_irq(clcd.dev, 0, false);
    }
    write_reg(clcd.dev, IMSC, 0);
}

static void test_vertical_compare(void **state)
{
    (void)state;
    check_region(0, 0);
    check_region(1, 1);
    check_region(2, 3);
    check_region(3, 11);
}

/* Without lines of front porch, its start is the next frame's. */
static void test_no_front_porch(void **state)
{
    (void)state;
    clcd_size(&clcd, 16, 9);
    clcd_show(&clcd, MEMORY, SHOWN | VCOMP_REGION(3));
    write_reg(clcd.dev, ICR, ~0u);
    step(&clcd.h, FRAME_NS - 1);
    expect_reg(clcd.dev, RIS, 0);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
}

/* Status that is only read is as exact as with interrupts, however long nobody looked. */
static void test_polled(void **state)
{
    (void)state;
    start(VCOMP_REGION(3));
    write_reg(clcd.dev, ICR, ~0u);
    step(&clcd.h, 9 * LINE_NS - 1);
    expect_reg(clcd.dev, RIS, 0);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, RIS, VCOMP);
    expect_reg(clcd.dev, MIS, 0);
    write_reg(clcd.dev, ICR, ~0u);
    step(&clcd.h, 1000000 * (uint64_t)FRAME_NS - 1);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    write_reg(clcd.dev, ICR, ~0u);
    expect_reg(clcd.dev, RIS, 0);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, RIS, VCOMP); /* still in step */
    assert_int_equal(clock_callbacks(clcd.h.env.clock), 0);
}

/* No memory at the frame: MBERROR, the FIFOs run dry, black until the error is cleared. */
static void test_bus_error(void **state)
{
    (void)state;
    memset(clcd.memory, 0xff, sizeof clcd.memory);
    start(0);
    write_reg(clcd.dev, IMSC, MBERROR);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
    write_reg(clcd.dev, UPBASE, MEMORY + MEMORY_SIZE - 8 * 32 + 8); /* the last 8 bytes are beyond */
    step(&clcd.h, FRAME_NS - 1);
    expect_irq(clcd.dev, 0, false);
    step(&clcd.h, 1);
    expect_irq(clcd.dev, 0, true);
    expect_reg(clcd.dev, RIS, MBERROR | FUF | LNBU | VCOMP);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0);
    write_reg(clcd.dev, UPBASE, MEMORY + MEMORY_SIZE - 8 * 32); /* just inside */
    step(&clcd.h, 2 * FRAME_NS);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0); /* DMA waits for the error to be cleared */
    write_reg(clcd.dev, ICR, MBERROR | FUF);
    expect_irq(clcd.dev, 0, false);
    step(&clcd.h, FRAME_NS);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    const Frame *frame = clcd_frame(&clcd);
    assert_int_equal(frame->pixels[0], 0xffffff);
    assert_int_equal(frame->pixels[8 * 16 - 1], 0xffffff);
}

static void test_reach(void **state)
{
    (void)state;
    DeviceProps props = {
        {DISPLAY_TILE, MEMORY + 0x2000, 0x1000}
    };
    clcd.dev = harness_device(&clcd.h, "pl111", "clcd1", &props);
    display_set_clock(clcd.h.env.display, DISPLAY_TILE, CLCDCLK);
    clcd_size(&clcd, 16, 8);
    clcd_show(&clcd, MEMORY + 0x2000, SHOWN);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    clcd_show(&clcd, MEMORY + 0x3000 - 256, SHOWN);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    clcd_show(&clcd, MEMORY + 0x3000 - 248, SHOWN);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP | MBERROR | FUF);
    write_reg(clcd.dev, ICR, ~0u);
    clcd_show(&clcd, MEMORY + 0x1ff8, SHOWN);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP | MBERROR | FUF);
}

static void test_cursor_interrupt(void **state)
{
    (void)state;
    clcd_size(&clcd, 48, 40); /* a line is 5.1 us */
    clcd_show(&clcd, MEMORY, SHOWN);
    write_reg(clcd.dev, CURSOR_IMSC, 1);
    step(&clcd.h, 10 * 41 * 5100);
    expect_reg(clcd.dev, CURSOR_RIS, 0); /* it is off */
    write_reg(clcd.dev, CURSOR_XY, 5 << 16);
    write_reg(clcd.dev, CURSOR_CTRL, 1);
    step(&clcd.h, 38 * 5100 - 1); /* sync, 5 lines, 32 lines of it */
    expect_irq(clcd.dev, 0, false);
    step(&clcd.h, 1);
    expect_irq(clcd.dev, 0, true);
    expect_reg(clcd.dev, CURSOR_MIS, 1);
    write_reg(clcd.dev, CURSOR_ICR, 1);
    expect_irq(clcd.dev, 0, false);
    write_reg(clcd.dev, CURSOR_XY, 20 << 16); /* reaches the end of the frame, which has no front porch */
    step(&clcd.h, 3 * 5100 - 1);
    expect_irq(clcd.dev, 0, false);
    step(&clcd.h, 1);
    expect_irq(clcd.dev, 0, true);
    write_reg(clcd.dev, CURSOR_ICR, 1);
    write_reg(clcd.dev, CURSOR_XY, 48); /* beyond the right edge: nothing of it is read */
    step(&clcd.h, 10 * 41 * 5100);
    expect_reg(clcd.dev, CURSOR_RIS, 0);
}

/* The lines of both panels are scanned at the same time. */
static void check_cursor_line(uint32_t y, uint32_t line)
{
    clcd_size(&clcd, 48, 40); /* two of these; a line is 5.1 us */
    clcd_show(&clcd, MEMORY, BPP(6) | DUAL);
    write_reg(clcd.dev, TIMING2, BCD | 47 << 16);
    write_reg(clcd.dev, CURSOR_XY, y << 16);
    write_reg(clcd.dev, CURSOR_CTRL, 1);
    write_reg(clcd.dev, CURSOR_ICR, 1);
    step(&clcd.h, (line + 1) * 5100 - 1);
    expect_reg(clcd.dev, CURSOR_RIS, 0);
    step(&clcd.h, 1);
    expect_reg(clcd.dev, CURSOR_RIS, 1);
}

static void test_cursor_on_two_panels(void **state)
{
    (void)state;
    write_reg(clcd.dev, LPBASE, MEMORY);
    check_cursor_line(5, 37);
    check_cursor_line(20, 40); /* in both: the upper one's end is later */
    check_cursor_line(45, 37);
    check_cursor_line(70, 40);
}

/* What a frame does before it ends, though the next one does not, and nobody looked in between. */
static void test_cursor_of_past_frame(void **state)
{
    (void)state;
    clcd_size(&clcd, 48, 40);
    write_reg(clcd.dev, CURSOR_CONFIG, 2);
    write_reg(clcd.dev, CURSOR_CTRL, 1);
    clcd_show(&clcd, MEMORY, SHOWN);
    write_reg(clcd.dev, CURSOR_XY, 48); /* beyond the edge, from the next frame on */
    step(&clcd.h, 10 * 41 * 5100);
    expect_reg(clcd.dev, CURSOR_RIS, 1);
    write_reg(clcd.dev, CURSOR_ICR, 1);
    step(&clcd.h, 10 * 41 * 5100);
    expect_reg(clcd.dev, CURSOR_RIS, 0);
}

/* With FrameSync, position and clip count from the next frame on. */
static void test_cursor_frame_sync(void **state)
{
    (void)state;
    clcd_size(&clcd, 48, 40);
    clcd_show(&clcd, MEMORY, SHOWN);
    write_reg(clcd.dev, CURSOR_PALETTE, 0xffffff);
    write_reg(clcd.dev, CURSOR_CONFIG, 2);
    write_reg(clcd.dev, CURSOR_CTRL, 1);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
    write_reg(clcd.dev, CURSOR_XY, 1);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
    step(&clcd.h, 41 * 5100);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0);
    expect_equal(clcd_frame(&clcd)->pixels[1], 0xffffff);
    write_reg(clcd.dev, CURSOR_CONFIG, 0);
    write_reg(clcd.dev, CURSOR_XY, 2);
    expect_equal(clcd_frame(&clcd)->pixels[1], 0);
}

/* ---- What is drawn ------------------------------------------------------------------------------------ */

static unsigned changed_rows(uint64_t *serial)
{
    const Frame *frame = clcd_frame(&clcd);
    unsigned count = 0;
    for (uint32_t y = 0; y < frame->height; y++)
        count += frame->changed[y] > *serial;
    *serial = frame->serial;
    return count;
}

static void store(uint32_t offset, uint8_t value)
{
    BusAccess access = {.size = 1, .cpu = 0, .secure = true, .privileged = true};
    assert_int_equal(bus_write(clcd.h.env.bus, MEMORY + offset, &access, value), BUS_OK);
}

static void test_only_changed_rows(void **state)
{
    (void)state;
    uint64_t serial = 0;
    clcd_size(&clcd, 64, 100); /* rows of 128 bytes: 32 a page */
    clcd_show(&clcd, MEMORY + 0x1040, SHOWN);
    clcd_frame(&clcd);
    changed_rows(&serial);
    assert_int_equal(changed_rows(&serial), 0);
    store(0x1040 + 50 * 128, 1);
    assert_int_equal(changed_rows(&serial), 1);
    assert_int_equal(clcd_frame(&clcd)->changed[50], serial);
    store(0x1000, 1); /* the same page, but before the frame */
    store(0x1040 + 100 * 128, 1);
    assert_int_equal(changed_rows(&serial), 0);
    write_reg(clcd.dev, CURSOR_PALETTE, 0xffffff);
    write_reg(clcd.dev, CURSOR_XY, 90 << 16);
    write_reg(clcd.dev, CURSOR_CTRL, 1);
    assert_int_equal(changed_rows(&serial), 10);
    write_reg(clcd.dev, CURSOR_XY, 60 << 16);
    assert_int_equal(changed_rows(&serial), 10 + 32 - 2 * 2); /* two rows stay covered */
    write_reg(clcd.dev, CURSOR_IMAGE + 8 * 3, 0xaaaaaaaa);
    assert_int_equal(changed_rows(&serial), 1);
    clcd_size(&clcd, 64, 99);
    assert_int_equal(changed_rows(&serial), 99); /* another size */
}

/* The picture alone, to count the rows that are drawn whether they turn out different or not. */
typedef struct Counted {
    Picture picture;
    PictureFrame frame;
    PixelCursor cursor;
    unsigned rows;
} Counted;

static DisplayMode counted_mode(void *opaque)
{
    const PictureFrame *frame = &((Counted *)opaque)->frame;
    return (DisplayMode){frame->width, frame->height * frame->panels, 1};
}

static void counted_changes(void *opaque, Display *display)
{
    Counted *c = opaque;
    picture_look(&c->picture, &c->frame, &c->cursor, display);
}

static void counted_row(void *opaque, uint32_t y, uint32_t *pixels)
{
    Counted *c = opaque;
    c->rows++;
    picture_row(&c->picture, y, pixels);
}

static unsigned drawn(Counted *c)
{
    c->rows = 0;
    clcd_frame(&clcd);
    return c->rows;
}

static void test_drawn_rows(void **state)
{
    (void)state;
    static const DisplayOps ops = {counted_mode, counted_changes, counted_row, NULL, NULL};
    static uint32_t palette[PIXELS_PALETTE], image[PIXELS_CURSOR];
    Counted c = {
        .frame =
            {{MEMORY + 0x1000, MEMORY + 0x5000}, 2, 64, 64, BPP(6), 0}  /* 32 rows a page, STN, two panels */
    };
    picture_init(&c.picture, clcd.h.env.bus, palette, image);
    display_connect(clcd.h.env.display, DISPLAY_MOTHERBOARD, &ops, &c);
    assert_int_equal(drawn(&c), 128);
    assert_int_equal(drawn(&c), 0);
    store(0x1000, 0);
    assert_int_equal(drawn(&c), 32);
    store(0x6fff, 0);
    assert_int_equal(drawn(&c), 32);
    assert_int_equal(drawn(&c), 0);
    c.picture.palette_changed = true; /* not used by this format */
    assert_int_equal(drawn(&c), 0);
    c.cursor = (PixelCursor){.size = 32, .y = 100};
    assert_int_equal(drawn(&c), 28);
    c.picture.cursor_changed = true;
    assert_int_equal(drawn(&c), 28);
    c.cursor.size = 0;
    assert_int_equal(drawn(&c), 28);
    c.frame.base[1] += 0x1000;
    assert_int_equal(drawn(&c), 128);
    c.frame.format = BPP(3); /* of the same base, 64 rows a page */
    assert_int_equal(drawn(&c), 128);
    c.picture.palette_changed = true;
    assert_int_equal(drawn(&c), 128);
    store(0x1fff, 0);
    assert_int_equal(drawn(&c), 64);
    c.frame.dark = 1;
    assert_int_equal(drawn(&c), 128);
    store(0x1fff, 0);
    assert_int_equal(drawn(&c), 0);
    picture_done(&c.picture);
}

static void test_palette_redraws(void **state)
{
    (void)state;
    clcd_size(&clcd, 64, 10);
    clcd_show(&clcd, MEMORY, TFT | BPP(3));
    expect_equal(clcd_frame(&clcd)->pixels[5], 0);
    write_reg(clcd.dev, PALETTE, 0xffff);
    expect_equal(clcd_frame(&clcd)->pixels[5], 0xffffff);
    device_reset(clcd.dev);
    assert_int_equal(clcd_frame(&clcd)->width, 0);
    clcd_size(&clcd, 64, 10);
    clcd_show(&clcd, MEMORY, TFT | BPP(3));
    expect_equal(clcd_frame(&clcd)->pixels[5], 0);
}

static void test_power(void **state)
{
    (void)state;
    clcd_size(&clcd, 64, 10);
    write_reg(clcd.dev, UPBASE, MEMORY);
    write_reg(clcd.dev, CONTROL, SHOWN | PWR);
    assert_int_equal(clcd_frame(&clcd)->width, 0);
    write_reg(clcd.dev, CONTROL, SHOWN | EN);
    assert_int_equal(clcd_frame(&clcd)->width, 0);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP); /* it scans all the same */
    write_reg(clcd.dev, CONTROL, SHOWN | EN | PWR);
    assert_int_equal(clcd_frame(&clcd)->width, 64);
    assert_int_equal(clcd_frame(&clcd)->height, 10);
}

/* ---- Memory of other kinds ---------------------------------------------------------------------------- */

enum { REGISTERS = 0x10000000, ROM = 0x20000000 };

static unsigned register_reads;

static BusResult acting_read(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value)
{
    (void)opaque;
    (void)offset;
    (void)access;
    register_reads++;
    *value = 0xffffffff;
    return BUS_OK;
}

static void test_frame_over_devices(void **state)
{
    (void)state;
    static const MmioOps ops = {acting_read, NULL};
    Region registers = {
        .name = "registers", .base = REGISTERS, .size = 0x1000, .kind = REGION_MMIO, .ops = &ops};
    Region rom = {
        .name = "rom", .base = REGISTERS + 0x1000, .size = 0x1000, .kind = REGION_ROM, .host = clcd.memory};
    bus_add(clcd.h.env.bus, &registers);
    bus_add(clcd.h.env.bus, &rom);
    memset(clcd.memory, 0xff, 0x1000);
    register_reads = 0;
    clcd_size(&clcd, 64, 64); /* two pages */
    clcd_show(&clcd, REGISTERS, SHOWN);
    const uint32_t *pixels = clcd_frame(&clcd)->pixels;
    assert_int_equal(pixels[0], 0);
    assert_int_equal(pixels[64 * 32 - 1], 0);
    assert_int_equal(pixels[64 * 32], 0xffffff);
    assert_int_equal(register_reads, 0);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    clcd.memory[0] = clcd.memory[1] = 0; /* nobody tells */
    assert_int_equal(clcd_frame(&clcd)->pixels[64 * 32], 0);
    Region flash = {.name = "flash",
                    .base = ROM,
                    .size = 0x1000,
                    .kind = REGION_ROM_DEVICE,
                    .host = clcd.memory,
                    .ops = &ops,
                    .direct = true};
    Region *device = bus_add(clcd.h.env.bus, &flash);
    clcd_size(&clcd, 16, 16);
    clcd_show(&clcd, ROM, SHOWN);
    assert_int_equal(clcd_frame(&clcd)->pixels[1], 0xffffff);
    device->direct = false; /* it answers with its status */
    assert_int_equal(clcd_frame(&clcd)->pixels[1], 0);
    assert_int_equal(register_reads, 0);
}

/* What is at the frame changes under the controller. */
static void test_memory_moves(void **state)
{
    (void)state;
    Region window = {.name = "window", .base = ROM, .size = 0x1000, .kind = REGION_ROM, .host = clcd.memory};
    memset(clcd.memory, 0xff, 0x1000);
    Region *rom = bus_add(clcd.h.env.bus, &window);
    clcd_size(&clcd, 16, 16);
    clcd_show(&clcd, ROM, SHOWN);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
    bus_remove(clcd.h.env.bus, rom);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0);
    window.kind = REGION_RAM;
    bus_add(clcd.h.env.bus, &window);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xffffff);
    store(0, 0x1f); /* its home is elsewhere */
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xff00ff | 0x00e300);
    store(1, 0);
    assert_int_equal(clcd_frame(&clcd)->pixels[0], 0xff0000);
}

/* ---- Hostile guests ----------------------------------------------------------------------------------- */

static void test_end_of_address_space(void **state)
{
    (void)state;
    Region top = {.name = "top", .base = 0xfffff000, .size = 0x1000, .kind = REGION_RAM, .host = clcd.memory};
    Region bottom = {.name = "bottom", .base = 0, .size = 0x1000, .kind = REGION_RAM, .host = clcd.memory};
    bus_add(clcd.h.env.bus, &top);
    bus_add(clcd.h.env.bus, &bottom); /* addresses do not wrap */
    clcd_size(&clcd, 16, 128);
    clcd_show(&clcd, 0xfffff000, SHOWN); /* up to the last byte */
    expect_reg(clcd.dev, RIS, LNBU | VCOMP);
    memset(clcd.memory, 0xff, 0x1000);
    assert_int_equal(clcd_frame(&clcd)->pixels[16 * 128 - 1], 0xffffff);
    clcd_show(&clcd, 0xfffff008, SHOWN);
    expect_reg(clcd.dev, RIS, LNBU | VCOMP | MBERROR | FUF);
    clcd_show(&clcd, 0xfffffff8, BPP(5) | DUAL);
    write_reg(clcd.dev, LPBASE, 0xfffffff8);
    write_reg(clcd.dev, TIMING0, ~0u);
    write_reg(clcd.dev, TIMING1, ~0u);
    write_reg(clcd.dev, TIMING2, ~0u);
    const Frame *frame = clcd_frame(&clcd);
    assert_int_equal(frame->width, 1024);
    assert_int_equal(frame->height, 2048);
    for (uint32_t n = 0; n < 1024 * 2048; n++)
        assert_int_equal(frame->pixels[n], 0);
}

static uint32_t random_word(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 32);
}

static void random_write(uint64_t *seed)
{
    uint32_t what = random_word(seed) % 16, value = random_word(seed);
    if (what < 4)
        write_reg(clcd.dev, UPBASE + (what & 4), MEMORY + value % (MEMORY_SIZE + 0x1000));
    else if (what < 6)
        write_reg(clcd.dev, CONTROL, value | EN | PWR);
    else if (what == 6)
        write_reg(clcd.dev, ICR, value);
    else if (what < 9)
        write_reg(clcd.dev, TIMING1, value & 0xff3f);
    else if (what == 9)
        write_reg(clcd.dev, TIMING0, value & 0x3f3f3fff);
    else if (what < 12)
        write_reg(clcd.dev, CURSOR_CTRL + (value & 0x1c), value >> 4);
    else
        write_narrow(clcd.dev, value & 0xfff, 1, value >> 24);
}

/* A guest that writes anything while somebody looks: nothing breaks, and what was not looked at in between
 * comes out the same. */
static void test_random_use(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    clcd_size(&clcd, 64, 64);
    clcd_show(&clcd, MEMORY, SHOWN);
    for (unsigned n = 0; n < 6000; n++) {
        random_write(&seed);
        step(&clcd.h, random_word(&seed) % 1000000);
        store(random_word(&seed) % MEMORY_SIZE, (uint8_t)n);
        if (n % 8)
            continue;
        if (random_word(&seed) % 8 == 0)
            display_set_clock(clcd.h.env.display, DISPLAY_MOTHERBOARD, random_word(&seed) % 80000000);
        uint32_t ris = read_reg(clcd.dev, RIS), current = read_reg(clcd.dev, UPCURR);
        const Frame *frame = clcd_frame(&clcd);
        size_t bytes = (size_t)frame->width * frame->height * sizeof *frame->pixels;
        expect_reg(clcd.dev, RIS, ris);
        expect_reg(clcd.dev, UPCURR, current);
        uint32_t *copy = malloc(bytes + 1);
        memcpy(copy, frame->pixels ? frame->pixels : (uint32_t *)copy, bytes);
        display_invalidate(clcd.h.env.display, DISPLAY_MOTHERBOARD);
        if (memcmp(copy, clcd_frame(&clcd)->pixels ? clcd_frame(&clcd)->pixels : copy, bytes))
            fail_msg("step %u: a change was missed", n);
        free(copy);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, clcd_setup, clcd_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_timing_of_a_monitor),
        CASE(test_divider),
        CASE(test_largest_timing),
        CASE(test_passing),
        CASE(test_clock),
        CASE(test_next_base),
        CASE(test_double_buffer),
        CASE(test_lnbu_interrupt),
        CASE(test_vertical_compare),
        CASE(test_no_front_porch),
        CASE(test_polled),
        CASE(test_bus_error),
        CASE(test_reach),
        CASE(test_cursor_interrupt),
        CASE(test_cursor_on_two_panels),
        CASE(test_cursor_of_past_frame),
        CASE(test_cursor_frame_sync),
        CASE(test_only_changed_rows),
        CASE(test_drawn_rows),
        CASE(test_palette_redraws),
        CASE(test_power),
        CASE(test_frame_over_devices),
        CASE(test_memory_moves),
        CASE(test_end_of_address_space),
        CASE(test_random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
