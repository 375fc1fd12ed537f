/* PL041: FIFOs, slot registers, interrupts, and what the codec is heard to play. */
#include "tests/devices/harness.h"

#define FRAME_NS (SECOND_NS / 48000 + 1)

enum {
    RXCR = 0x00,
    TXCR = 0x04,
    SR = 0x08,
    ISR = 0x0c,
    IE = 0x10,
    CHANNEL = 0x14,
    SL1RX = 0x50,
    SL1TX = 0x54,
    SL2RX = 0x58,
    SL2TX = 0x5c,
    SL12RX = 0x60,
    SL12TX = 0x64,
    SLFR = 0x68,
    SLISTAT = 0x6c,
    SLIEN = 0x70,
    INTCLR = 0x74,
    MAINCR = 0x78,
    RESET = 0x7c,
    SYNC = 0x80,
    ALLINTS = 0x84,
    MAINFR = 0x88,
    DR1 = 0x90,
    DR2 = 0xb0
};

enum {
    ENABLE = 1,
    SLOT3 = 1 << 3,
    SLOT4 = 1 << 4,
    STEREO = SLOT3 | SLOT4,
    COMPACT = 1 << 15,
    FIFO = 1 << 16
};
enum { BITS_18 = 1 << 13, BITS_20 = 2 << 13, BITS_12 = 3 << 13 };
enum { RXFE = 1, TXFE = 2, RXHF = 4, TXHE = 8, RXFF = 16, TXFF = 32, TXB = 128, RXO = 256, TXU = 512 };
enum { RXTO = 1 << 10, RXTOFE = 1 << 11 };
enum { INT_TXC = 1, INT_RXTO = 2, INT_TX = 4, INT_RX = 8, INT_OR = 16, INT_UR = 32, INT_RXTOFE = 64 };
enum { MAIN_ON = 1, LOOP = 2, LOW_POWER = 4, SLOT_REGS = 0x1f8 };
enum { HEARD = 200000 };

typedef struct Aaci {
    Harness h;
    Device *dev;
    AudioFrame heard[HEARD];
    size_t count;
    unsigned rate;
} Aaci;

static void hear(void *opaque, const AudioFrame *frames, size_t count, unsigned rate)
{
    Aaci *a = opaque;
    a->rate = rate;
    for (size_t n = 0; n < count && a->count < HEARD; n++)
        a->heard[a->count++] = frames[n];
}

static int setup(void **state)
{
    Aaci *a = calloc(1, sizeof *a);
    assert_non_null(a);
    harness_init(&a->h, 1);
    a->h.env.audio = (AudioPort){hear, a};
    a->dev = harness_device(&a->h, "pl041", "aaci", NULL);
    *state = a;
    return 0;
}

static int teardown(void **state)
{
    Aaci *a = *state;
    harness_done(&a->h);
    free(a);
    return 0;
}

static void frames(Aaci *a, unsigned count)
{
    step(&a->h, count * FRAME_NS);
}

static void start(Aaci *a)
{
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS);
    write_reg(a->dev, RESET, 1);
}

static void write_codec(Aaci *a, uint32_t index, uint32_t value)
{
    write_reg(a->dev, SL2TX, value << 4);
    write_reg(a->dev, SL1TX, index << 12);
    frames(a, 1);
    expect_equal(read_reg(a->dev, SLFR) & 0xa, 0);
}

static uint32_t read_codec(Aaci *a, uint32_t index)
{
    write_reg(a->dev, SL1TX, 1u << 19 | index << 12);
    frames(a, 2);
    expect_equal(read_reg(a->dev, SLFR) & 0x140, 0x140);
    expect_equal(read_reg(a->dev, SL1RX) >> 12, index);
    return read_reg(a->dev, SL2RX) >> 4;
}

static void unmute(Aaci *a)
{
    write_codec(a, 0x02, 0);
    write_codec(a, 0x18, 0x0808);
}

static void test_reset_state(void **state)
{
    Aaci *a = *state;
    for (unsigned n = 0; n < 4; n++) {
        expect_reg(a->dev, n * CHANNEL + SR, RXFE | TXFE | TXHE);
        expect_reg(a->dev, n * CHANNEL + ISR, 0);
    }
    expect_reg(a->dev, SLFR, 0xa80);
    expect_reg(a->dev, SLISTAT, 0);
    expect_reg(a->dev, ALLINTS, 0);
    expect_reg(a->dev, MAINCR, 0);
    expect_reg(a->dev, RESET, 0);
    expect_irq(a->dev, 0, false);
    assert_true(clock_next_due(a->h.env.clock) == CLOCK_NEVER);
}

/* Channels and depth are in the last byte of the peripheral identification. */
static void test_identification(void **state)
{
    static const struct {
        uint32_t channels, samples, id;
    } kinds[] = {
        {0, 0,   0x00},
        {4, 8,   0x00},
        {1, 8,   0x01},
        {2, 32,  0x0a},
        {3, 64,  0x13},
        {1, 256, 0x21},
        {1, 512, 0x29},
    };
    static const uint8_t rest[] = {0x41, 0x10, 0x04, 0, 0x0d, 0xf0, 0x05, 0xb1};
    Aaci *a = *state;
    for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        DeviceProps props = {
            {kinds[n].channels, kinds[n].samples}
        };
        Device *dev = harness_device(&a->h, "pl041", "other", &props);
        for (unsigned k = 0; k < 8; k++)
            expect_reg(dev, 0xfe0 + 4 * k, k == 3 ? kinds[n].id : rest[k]);
        device_free(dev);
        a->h.device_count--;
    }
}

static void test_bad_properties(void **state)
{
    static const DeviceProps bad[] = {{{5, 8}}, {{1, 16}}, {{1, 1024}}, {{1, 7}}};
    Aaci *a = *state;
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        Error err = {""};
        assert_null(device_new(device_type_find("pl041"), "aaci9", &a->h.env, &bad[n], 0, &err));
        assert_non_null(strstr(err.text, "aaci9"));
    }
}

/* As drivers measure the FIFO: write until it says that it is full. */
static void test_depth(void **state)
{
    static const uint32_t modes[][2] = {
        {FIFO,           512},
        {FIFO | COMPACT, 256},
        {0,              1  }
    };
    Aaci *a = *state;
    Device *dev = harness_device(&a->h, "pl041", "board",
                                 &(DeviceProps){
                                     {1, 512}
    });
    for (unsigned m = 0; m < 3; m++) {
        unsigned words = 0;
        write_reg(dev, MAINCR, 0);
        write_reg(dev, TXCR, modes[m][0]);
        for (; !(read_reg(dev, SR) & TXFF) && words < 4096; words++)
            write_reg(dev, DR1 + words % 8 * 4, words);
        expect_equal(words, modes[m][1]);
        write_reg(dev, DR1, 0); /* lost */
        expect_equal(read_reg(dev, SR) & (TXFF | TXHE | TXFE), TXFF);
    }
    write_reg(dev, CHANNEL + TXCR, 0x1ffff); /* a channel that is not there */
    expect_reg(dev, CHANNEL + TXCR, 0);
    expect_reg(dev, CHANNEL + SR, 0);
    write_reg(dev, DR2, 1);
    expect_reg(dev, DR2, 0);
}

/* Disabling the interface empties the FIFOs, disabling a channel does not. */
static void test_emptying(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, TXCR, FIFO | STEREO);
    for (unsigned n = 0; n < 8; n++)
        write_reg(a->dev, DR1, n);
    expect_equal(read_reg(a->dev, SR) & (TXFF | TXFE), TXFF);
    write_reg(a->dev, TXCR, 0);
    write_reg(a->dev, TXCR, FIFO | STEREO);
    expect_equal(read_reg(a->dev, SR) & (TXFF | TXFE), TXFF);
    write_reg(a->dev, MAINCR, SLOT_REGS);
    expect_equal(read_reg(a->dev, SR) & (TXFF | TXFE), TXFE);
}

static void test_codec_registers(void **state)
{
    Aaci *a = *state;
    start(a);
    expect_equal(read_codec(a, 0x7c), 0x4e53);
    expect_equal(read_codec(a, 0x7e), 0x4331);
    write_codec(a, 0x18, 0x0102);
    expect_equal(read_codec(a, 0x18), 0x0102);
    write_reg(a->dev, RESET, 0);
    write_reg(a->dev, RESET, 1);
    expect_equal(read_codec(a, 0x18), 0x8808);
    assert_true(clock_next_due(a->h.env.clock) == CLOCK_NEVER);
}

static void test_slot_flags(void **state)
{
    Aaci *a = *state;
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS);
    write_reg(a->dev, SL2TX, 0);
    expect_reg(a->dev, SLFR, 0x888);
    write_reg(a->dev, SL1TX, 1u << 19 | 0x7c << 12);
    frames(a, 10);
    expect_reg(a->dev, SLFR, 0x80a); /* nothing goes out while the codec is in reset */
    expect_reg(a->dev, MAINFR, 2);
    write_reg(a->dev, RESET, 1);
    expect_reg(a->dev, SLFR, 0x80a);
    frames(a, 1);
    expect_reg(a->dev, SLFR, 0xa80);
    expect_reg(a->dev, MAINFR, 0);
    frames(a, 1);
    expect_reg(a->dev, SLFR, 0xbc0);
    device_peek(a->dev, SL1RX, 0);
    expect_reg(a->dev, SLFR, 0xbc0);
    expect_reg(a->dev, SL2RX, 0x4e530);
    expect_reg(a->dev, SLFR, 0xac0);
    read_reg(a->dev, SL1RX);
    expect_reg(a->dev, SLFR, 0xa80);
}

/* The data may be written a long time before the command. */
static void test_slot_2_waits_for_slot_1(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, SL2TX, 0x0102 << 4);
    frames(a, 50);
    expect_equal(read_reg(a->dev, SLFR) & 8, 8);
    write_reg(a->dev, SL1TX, 0x18 << 12);
    frames(a, 1);
    expect_equal(read_codec(a, 0x18), 0x0102);
}

static void test_slot_enables(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, MAINCR, MAIN_ON | 1 << 3 | 1 << 5); /* receive only */
    write_reg(a->dev, SL1TX, 1u << 19);
    frames(a, 5);
    expect_equal(read_reg(a->dev, SLFR) & 2, 2);
    write_reg(a->dev, MAINCR, MAIN_ON | 1 << 4 | 1 << 5); /* send slot 1, receive slot 2 */
    frames(a, 5);
    expect_equal(read_reg(a->dev, SLFR) & 0x142, 0x100);
}

static void test_slot_interrupts(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, SLIEN, 0x02);
    expect_irq(a->dev, 0, true);
    expect_reg(a->dev, SLISTAT, 0x02);
    write_reg(a->dev, SL1TX, 1u << 19);
    expect_irq(a->dev, 0, false);
    frames(a, 1);
    expect_irq(a->dev, 0, true);
    write_reg(a->dev, SLIEN, 0x04);
    expect_irq(a->dev, 0, false);
    frames(a, 1);
    expect_irq(a->dev, 0, true);
    expect_reg(a->dev, SLISTAT, 0x04);
    read_reg(a->dev, SL2RX);
    expect_irq(a->dev, 0, false);
}

static void test_other_codec(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS | 2 << 10);
    write_reg(a->dev, SL1TX, 1u << 19 | 0x7c << 12);
    frames(a, 5);
    expect_reg(a->dev, SLFR, 0xa80);
}

/* Compact words: the lower half is the slot with the lower number. */
static void test_playing(void **state)
{
    Aaci *a = *state;
    start(a);
    unmute(a);
    write_reg(a->dev, TXCR, FIFO | COMPACT | STEREO | ENABLE);
    write_reg(a->dev, DR1, 0x80007fff);
    write_reg(a->dev, DR1 + 4, 0xffff0001);
    frames(a, 3);
    assert_int_equal(a->count, 2);
    assert_int_equal(a->rate, 48000);
    assert_int_equal(a->heard[0].left, 32767);
    assert_int_equal(a->heard[0].right, -32768);
    assert_int_equal(a->heard[1].left, 1);
    assert_int_equal(a->heard[1].right, -1);
    expect_equal(read_reg(a->dev, SR) & (TXU | TXFE), TXU | TXFE);
}

static void test_sample_sizes(void **state)
{
    static const struct {
        uint32_t mode, word;
        int heard;
    } sizes[] = {
        {FIFO,           0x8001,  -32767 },
        {FIFO | BITS_18, 0x10004, 0x4001 },
        {FIFO | BITS_20, 0xc0010, -0x3fff},
        {FIFO | BITS_12, 0x801,   -32752 },
        {BITS_12,        0x001,   16     },
    };
    Aaci *a = *state;
    start(a);
    unmute(a);
    for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        write_reg(a->dev, TXCR, sizes[n].mode | SLOT4 | ENABLE);
        write_reg(a->dev, DR1, sizes[n].word);
        frames(a, 2);
        assert_int_equal(a->count, n + 1);
        assert_int_equal(a->heard[n].left, 0);
        assert_int_equal(a->heard[n].right, sizes[n].heard);
    }
}

static void test_transmit_interrupts(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, IE, INT_TX);
    write_reg(a->dev, TXCR, FIFO | STEREO);
    expect_irq(a->dev, 0, true); /* empty */
    for (unsigned n = 0; n < 4; n++)
        write_reg(a->dev, DR1, 0);
    expect_irq(a->dev, 0, true); /* half */
    write_reg(a->dev, DR1, 0);
    expect_irq(a->dev, 0, false);
    for (unsigned n = 5; n < 8; n++)
        write_reg(a->dev, DR1, 0);
    write_reg(a->dev, TXCR, FIFO | STEREO | ENABLE);
    frames(a, 1);
    expect_irq(a->dev, 0, false); /* six left */
    expect_equal(read_reg(a->dev, SR) & TXB, TXB);
    frames(a, 1);
    expect_irq(a->dev, 0, true);
    expect_reg(a->dev, ISR, INT_TX);
    expect_reg(a->dev, ALLINTS, INT_TX);
    write_reg(a->dev, IE, INT_TXC | INT_UR);
    expect_irq(a->dev, 0, false);
    frames(a, 2);
    expect_reg(a->dev, ISR, INT_TXC);
    expect_irq(a->dev, 0, true);
    frames(a, 1);
    expect_reg(a->dev, ISR, INT_TXC | INT_UR);
    expect_equal(read_reg(a->dev, SR) & (TXB | TXU), TXU);
    assert_true(clock_next_due(a->h.env.clock) == CLOCK_NEVER);
    write_reg(a->dev, IE, INT_UR);
    write_reg(a->dev, TXCR, 0);
    expect_irq(a->dev, 0, true);
    write_reg(a->dev, INTCLR, 1 << 6); /* channel 2's */
    expect_irq(a->dev, 0, true);
    write_reg(a->dev, INTCLR, 1 << 5);
    expect_irq(a->dev, 0, false);
}

/* Interrupts come at the frame at which they are due although frames are not computed one by one. */
static void test_interrupt_time(void **state)
{
    Aaci *a = *state;
    Device *dev = harness_device(&a->h, "pl041", "board",
                                 &(DeviceProps){
                                     {1, 512}
    });
    write_reg(dev, MAINCR, MAIN_ON | SLOT_REGS);
    write_reg(dev, RESET, 1);
    write_reg(dev, TXCR, FIFO | COMPACT | STEREO);
    for (unsigned n = 0; n < 256; n++)
        write_reg(dev, DR1, n);
    write_reg(dev, IE, INT_TX);
    write_reg(dev, TXCR, FIFO | COMPACT | STEREO | ENABLE);
    uint64_t began = a->h.now;
    while (!dev->out[0].level && a->h.now < SECOND_NS)
        step(&a->h, 1000);
    uint64_t took = a->h.now - began;
    assert_in_range(took, 127 * FRAME_NS, 129 * FRAME_NS);
    assert_true(clock_callbacks(a->h.env.clock) < 10);
}

/* The codec takes samples at its rate; what a second of playing takes from the FIFO is that many. */
static void test_variable_rate(void **state)
{
    static const unsigned rates[] = {48000, 44100, 8000, 4000};
    Aaci *a = *state;
    start(a);
    unmute(a);
    write_codec(a, 0x2a, 1);
    for (unsigned r = 0; r < 4; r++) {
        write_codec(a, 0x2c, rates[r]);
        write_reg(a->dev, MAINCR, SLOT_REGS);
        write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS);
        write_reg(a->dev, TXCR, FIFO | COMPACT | STEREO | ENABLE);
        a->count = 0;
        uint64_t end = a->h.now + SECOND_NS;
        for (uint32_t sample = 0; a->h.now < end;) {
            while (!(read_reg(a->dev, SR) & TXFF)) {
                write_reg(a->dev, DR1, (sample & 0xffff) * 0x10001);
                sample++;
            }
            frames(a, 2);
        }
        assert_int_equal(a->rate, rates[r]);
        assert_in_range(a->count, rates[r] - 8, rates[r] + 8);
        for (size_t n = 0; n < a->count; n++)
            assert_int_equal(a->heard[n].left & 0xffff, n & 0xffff);
    }
}

static void test_two_channels(void **state)
{
    Aaci *a = *state;
    start(a);
    unmute(a);
    write_reg(a->dev, TXCR, FIFO | SLOT3);
    write_reg(a->dev, CHANNEL + TXCR, FIFO | SLOT4);
    write_reg(a->dev, DR1, 11);
    write_reg(a->dev, DR2, 22);
    write_reg(a->dev, CHANNEL + IE, INT_TXC);
    expect_reg(a->dev, ALLINTS, 0);
    write_reg(a->dev, TXCR, FIFO | SLOT3 | ENABLE);
    write_reg(a->dev, CHANNEL + TXCR, FIFO | SLOT4 | ENABLE);
    frames(a, 1);
    expect_reg(a->dev, ALLINTS, INT_TXC << 7);
    expect_irq(a->dev, 0, true);
    read_reg(a->dev, SR);
    assert_int_equal(a->count, 1);
    assert_int_equal(a->heard[0].left, 11);
    assert_int_equal(a->heard[0].right, 22);
}

/* The board has no microphone: silence, at the rate of the ADC. */
static void test_recording(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, IE, INT_RX | INT_OR);
    write_reg(a->dev, RXCR, FIFO | COMPACT | STEREO | ENABLE);
    frames(a, 1);
    expect_irq(a->dev, 0, false);
    expect_equal(read_reg(a->dev, SR) & (RXFE | RXHF | RXFF), 0);
    frames(a, 1);
    expect_reg(a->dev, ISR, INT_RX);
    frames(a, 2);
    expect_equal(read_reg(a->dev, SR) & (RXFE | RXHF | RXFF | RXO), RXHF | RXFF);
    frames(a, 1);
    expect_reg(a->dev, ISR, INT_RX | INT_OR);
    write_reg(a->dev, INTCLR, 1 << 1);
    write_reg(a->dev, RXCR, FIFO | COMPACT | STEREO);
    for (unsigned n = 0; n < 4; n++) {
        expect_equal(read_reg(a->dev, SR) & RXFE, 0);
        expect_reg(a->dev, DR1, 0);
    }
    expect_equal(read_reg(a->dev, SR) & (RXFE | RXO), RXFE);
    expect_irq(a->dev, 0, false);
}

/* Loop-back: what is sent is received; the codec hears nothing. */
static void test_loopback(void **state)
{
    Aaci *a = *state;
    start(a);
    unmute(a);
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS | LOOP);
    write_reg(a->dev, RXCR, FIFO | COMPACT | 1 << 5 | 1 << 9 | ENABLE);
    write_reg(a->dev, TXCR, FIFO | COMPACT | 1 << 5 | 1 << 9 | ENABLE);
    write_reg(a->dev, DR1, 0x12345678);
    write_reg(a->dev, SLIEN, 0x40);
    write_reg(a->dev, SL12TX, 0x54321);
    frames(a, 2);
    expect_reg(a->dev, DR1, 0x12345678);
    expect_reg(a->dev, SL12RX, 0x54321);
    expect_reg(a->dev, SLISTAT, 0x40); /* bit 0 of slot 12 */
    write_reg(a->dev, RXCR, FIFO | BITS_20 | SLOT3 | ENABLE);
    write_reg(a->dev, TXCR, FIFO | BITS_12 | SLOT3 | ENABLE);
    write_reg(a->dev, DR1, 0xabc);
    frames(a, 2);
    expect_reg(a->dev, DR1, 0xabc00);
    assert_int_equal(a->count, 0);
    write_reg(a->dev, SL1TX, 1u << 19 | 0x7c << 12);
    frames(a, 3);
    expect_reg(a->dev, SL1RX, 1u << 19 | 0x7c << 12);
    expect_equal(read_reg(a->dev, SLFR) & 0x100, 0);
}

static void test_receive_timeout(void **state)
{
    Aaci *a = *state;
    start(a);
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS | LOOP);
    write_reg(a->dev, IE, INT_RXTO | INT_RXTOFE);
    write_reg(a->dev, RXCR, 20u << 17 | FIFO | SLOT3 | ENABLE);
    write_reg(a->dev, TXCR, FIFO | SLOT3 | ENABLE);
    write_reg(a->dev, DR1, 7);
    frames(a, 20);
    expect_irq(a->dev, 0, false);
    frames(a, 1);
    expect_irq(a->dev, 0, true);
    expect_reg(a->dev, ISR, INT_RXTO);
    expect_reg(a->dev, DR1, 7);
    expect_irq(a->dev, 0, false);
    frames(a, 19);
    expect_irq(a->dev, 0, false);
    frames(a, 1);
    expect_reg(a->dev, ISR, INT_RXTOFE);
    expect_equal(read_reg(a->dev, SR) & (RXTO | RXTOFE), RXTOFE);
    write_reg(a->dev, INTCLR, 1 << 9);
    expect_irq(a->dev, 0, false);
}

static void test_low_power(void **state)
{
    Aaci *a = *state;
    start(a);
    write_codec(a, 0x02, 0x0303);
    write_codec(a, 0x26, 0x1000);
    write_reg(a->dev, SL1TX, 1u << 19 | 0x02 << 12);
    frames(a, 10);
    expect_equal(read_reg(a->dev, SLFR) & 2, 2); /* no clock */
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS | LOW_POWER);
    write_reg(a->dev, SYNC, 1);
    write_reg(a->dev, SYNC, 0);
    frames(a, 10);
    expect_equal(read_reg(a->dev, SLFR) & 2, 2);
    write_reg(a->dev, MAINCR, MAIN_ON | SLOT_REGS);
    frames(a, 2);
    expect_equal(read_reg(a->dev, SL2RX) >> 4, 0x0303);
}

/* No time is lost or made up: what was idle starts with the next frame. */
static void test_idle_time(void **state)
{
    Aaci *a = *state;
    start(a);
    unmute(a);
    step(&a->h, 3600 * SECOND_NS);
    write_reg(a->dev, TXCR, FIFO | COMPACT | STEREO | ENABLE);
    write_reg(a->dev, DR1, 1);
    read_reg(a->dev, SR);
    assert_int_equal(a->count, 0);
    frames(a, 1);
    read_reg(a->dev, SR);
    assert_int_equal(a->count, 1);
}

/* Whatever is written: no storm of events, and no more sound than there is time for. */
static void test_hostile(void **state)
{
    Aaci *a = *state;
    uint64_t random = 88172645463325252u, began = a->h.now;
    start(a);
    for (unsigned n = 0; n < 300000; n++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint32_t offset = (uint32_t)(random >> 8) % 0x110 & ~3u, value = (uint32_t)(random >> 32);
        if (random & 1)
            write_reg(a->dev, offset, random & 2 ? value : value & value >> 7);
        else
            read_reg(a->dev, offset);
        if (!(random >> 60)) {
            step(&a->h, value % (3 * MILLISECOND_NS));
            start(a);
        }
    }
    uint64_t most = (a->h.now - began) / FRAME_NS + 1000;
    assert_true(clock_callbacks(a->h.env.clock) <= most);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reset_state),    CASE(test_identification),
        CASE(test_bad_properties), CASE(test_depth),
        CASE(test_emptying),       CASE(test_codec_registers),
        CASE(test_slot_flags),     CASE(test_slot_2_waits_for_slot_1),
        CASE(test_slot_enables),   CASE(test_slot_interrupts),
        CASE(test_other_codec),    CASE(test_playing),
        CASE(test_sample_sizes),   CASE(test_transmit_interrupts),
        CASE(test_interrupt_time), CASE(test_variable_rate),
        CASE(test_two_channels),   CASE(test_recording),
        CASE(test_loopback),       CASE(test_receive_timeout),
        CASE(test_low_power),      CASE(test_idle_time),
        CASE(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
