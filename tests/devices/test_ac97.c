/* The LM4549 codec by itself: frame by frame, as on the AC-link. */
#include "tests/devices/harness.h"

#include "devices/ac97.h"

static Ac97Frame exchange(Ac97 *codec, const Ac97Frame *out)
{
    Ac97Frame in;
    AudioFrame sound;
    ac97_exchange(codec, out, &in, &sound);
    return in;
}

static void write_codec(Ac97 *codec, uint32_t index, uint32_t value)
{
    exchange(codec, &(Ac97Frame){
                        {0xe000, index << 12, value << 4}
    });
}

/* The answer is in the frame after the command's. */
static uint32_t read_codec(Ac97 *codec, uint32_t index)
{
    static const Ac97Frame nothing;
    exchange(codec, &(Ac97Frame){
                        {0xc000, 1u << 19 | index << 12}
    });
    Ac97Frame in = exchange(codec, &nothing);
    expect_equal(in.slot[0] & 0xe000, 0xe000);
    expect_equal(in.slot[1] >> 12, index);
    return in.slot[2] >> 4;
}

static int setup(void **state)
{
    static Ac97 codec;
    memset(&codec, 0x5a, sizeof codec);
    ac97_cold_reset(&codec);
    *state = &codec;
    return 0;
}

typedef struct Value {
    uint8_t index;
    uint16_t value;
} Value;

static const Value defaults[] = {
    {0x00, 0x0d50},
    {0x02, 0x8000},
    {0x04, 0x8000},
    {0x06, 0x8000},
    {0x0a, 0x0000},
    {0x0c, 0x8008},
    {0x0e, 0x8008},
    {0x10, 0x8808},
    {0x12, 0x8808},
    {0x14, 0x8808},
    {0x16, 0x8808},
    {0x18, 0x8808},
    {0x1a, 0x0000},
    {0x1c, 0x8000},
    {0x20, 0x0000},
    {0x22, 0x0101},
    {0x26, 0x000f},
    {0x28, 0x0001},
    {0x2a, 0x0000},
    {0x2c, 0xbb80},
    {0x32, 0xbb80},
    {0x7c, 0x4e53},
    {0x7e, 0x4331},
    {0x3c, 0x0000},
};

static void expect_defaults(Ac97 *codec)
{
    for (unsigned n = 0; n < sizeof defaults / sizeof *defaults; n++)
        expect_equal(read_codec(codec, defaults[n].index), defaults[n].value);
}

static void test_defaults(void **state)
{
    expect_defaults(*state);
}

static void test_register_reset(void **state)
{
    for (unsigned index = 2; index < 0x80; index += 2)
        if (index != 0x26)
            write_codec(*state, index, 0x5a5a);
    write_codec(*state, 0x26, 0x0700);
    write_codec(*state, 0x00, 0x1234);
    expect_defaults(*state);
}

static void test_write_masks(void **state)
{
    static const Value masks[] = {
        {0x02, 0x9f1f},
        {0x06, 0x801f},
        {0x0a, 0x801e},
        {0x0c, 0x801f},
        {0x0e, 0x805f},
        {0x10, 0x9f1f},
        {0x18, 0x9f1f},
        {0x1a, 0x0707},
        {0x1c, 0x8f0f},
        {0x20, 0xa380},
        {0x22, 0x0101},
        {0x28, 0x0001},
        {0x2a, 0x0001},
        {0x7c, 0x4e53},
        {0x7e, 0x4331},
        {0x00, 0x0d50},
        {0x3e, 0x0000},
    };
    for (unsigned n = 0; n < sizeof masks / sizeof *masks; n++) {
        write_codec(*state, masks[n].index, 0xffff);
        expect_equal(read_codec(*state, masks[n].index), masks[n].value);
    }
}

/* Software finds out with the sixth bit whether a volume has 32 or 64 steps. */
static void test_volume_steps(void **state)
{
    write_codec(*state, 0x02, 0x2001);
    expect_equal(read_codec(*state, 0x02), 0x1f01);
    write_codec(*state, 0x04, 0x0120);
    expect_equal(read_codec(*state, 0x04), 0x011f);
    write_codec(*state, 0x06, 0x0020);
    expect_equal(read_codec(*state, 0x06), 0x001f);
}

static void test_rates(void **state)
{
    write_codec(*state, 0x2c, 44100);
    expect_equal(read_codec(*state, 0x2c), 48000);
    write_codec(*state, 0x2a, 1);
    static const uint32_t rates[][2] = {
        {44100, 44100},
        {8000,  8000 },
        {11025, 11025},
        {4001,  4001 },
        {4000,  4000 },
        {3999,  4000 },
        {0,     4000 },
        {48001, 48000}
    };
    for (unsigned n = 0; n < sizeof rates / sizeof *rates; n++) {
        write_codec(*state, 0x2c, rates[n][0]);
        write_codec(*state, 0x32, rates[n][0]);
        expect_equal(read_codec(*state, 0x2c), rates[n][1]);
        expect_equal(read_codec(*state, 0x32), rates[n][1]);
        expect_equal(ac97_dac_rate(*state), rates[n][1]);
    }
    write_codec(*state, 0x2c, 22050);
    write_codec(*state, 0x2a, 0);
    expect_equal(read_codec(*state, 0x2c), 48000);
    expect_equal(ac97_dac_rate(*state), 48000);
}

/* In a second of frames, as many samples are wanted and recorded as the rates say, and evenly spread. */
static void test_requests(void **state)
{
    static const Ac97Frame nothing;
    write_codec(*state, 0x2a, 1);
    write_codec(*state, 0x2c, 44100);
    write_codec(*state, 0x32, 8000);
    unsigned wanted = 0, recorded = 0, gap = 0, longest = 0;
    for (unsigned n = 0; n < 48000; n++) {
        Ac97Frame in = exchange(*state, &nothing);
        bool wants = !(in.slot[1] & 0xc00);
        expect_equal(in.slot[1] & 0xc00, wants ? 0 : 0xc00);
        wanted += wants;
        gap = wants ? 0 : gap + 1;
        longest = gap > longest ? gap : longest;
        recorded += in.slot[0] == 0x9800;
        expect_equal(in.slot[3] | in.slot[4], 0);
    }
    expect_equal(wanted, 44100);
    expect_equal(recorded, 8000);
    expect_equal(longest, 1);
}

static void test_powerdown(void **state)
{
    static const Value ready[] = {
        {0x01, 0x0e},
        {0x02, 0x0d},
        {0x04, 0x0b},
        {0x08, 0x00},
        {0x00, 0x0f}
    };
    for (unsigned n = 0; n < sizeof ready / sizeof *ready; n++) {
        write_codec(*state, 0x26, (uint32_t)ready[n].index << 8);
        expect_equal(read_codec(*state, 0x26), (uint32_t)ready[n].index << 8 | ready[n].value);
    }
    write_codec(*state, 0x02, 0x0505);
    assert_true(ac97_clocked(*state));
    write_codec(*state, 0x26, 0x1000);
    assert_false(ac97_clocked(*state));
    ac97_warm_reset(*state);
    assert_true(ac97_clocked(*state));
    expect_equal(read_codec(*state, 0x02), 0x0505);
    write_codec(*state, 0x26, 0x2000);
    assert_false(ac97_clocked(*state));
    ac97_cold_reset(*state);
    expect_defaults(*state);
}

/* Commands to another codec, and writes without data, are not for this one. */
static void test_other_commands(void **state)
{
    exchange(*state, &(Ac97Frame){
                         {0xe001, 0x02 << 12, 0}
    });
    exchange(*state, &(Ac97Frame){
                         {0xc000, 0x02 << 12, 0}
    });
    exchange(*state, &(Ac97Frame){
                         {0xa000, 0x02 << 12, 0}
    });
    exchange(*state, &(Ac97Frame){
                         {0xe000, 0x03 << 12, 0}
    });
    expect_equal(read_codec(*state, 0x02), 0x8000);
    expect_equal(read_codec(*state, 0x03), 0);
    exchange(*state, &(Ac97Frame){
                         {0xc002, 1u << 19 | 0x02 << 12}
    });
    expect_equal(exchange(*state, &(Ac97Frame){{0}}).slot[0] & 0x6000, 0);
}

static AudioFrame play(Ac97 *codec, int left, int right)
{
    AudioFrame sound = {1, 1};
    Ac97Frame in, out = {
                      {0x9800, 0, 0, (uint32_t)left & 0xfffff, (uint32_t)right & 0xfffff}
    };
    assert_true(ac97_exchange(codec, &out, &in, &sound));
    return sound;
}

static void expect_sound(AudioFrame sound, int left, int right, int tolerance)
{
    assert_in_range(sound.left - left + tolerance, 0, 2 * tolerance);
    assert_in_range(sound.right - right + tolerance, 0, 2 * tolerance);
}

static void test_volumes(void **state)
{
    expect_sound(play(*state, 16 * 1000, 16 * 1000), 0, 0, 0); /* muted */
    write_codec(*state, 0x02, 0x0000);
    expect_sound(play(*state, 16 * 1000, 16 * 1000), 0, 0, 0); /* PCM still is */
    write_codec(*state, 0x18, 0x0808);
    expect_sound(play(*state, 16 * 1000, 16 * -1000), 1000, -1000, 0);
    expect_sound(play(*state, 16 * 32767, 16 * -32768), 32767, -32768, 0);
    expect_sound(play(*state, 8, -8), 1, 0, 0); /* 20 bits are rounded */
    write_codec(*state, 0x02, 0x0400);          /* left 6 dB softer */
    expect_sound(play(*state, 16 * 10000, 16 * 10000), 5012, 10000, 1);
    write_codec(*state, 0x02, 0x001f); /* right 46.5 dB */
    expect_sound(play(*state, 16 * 10000, 16 * 10000), 10000, 47, 1);
    write_codec(*state, 0x02, 0x0000);
    write_codec(*state, 0x18, 0x0008); /* left 12 dB louder, where it clips */
    expect_sound(play(*state, 16 * 1000, 16 * 1000), 3981, 1000, 1);
    expect_sound(play(*state, 16 * 30000, 0), 32767, 0, 0);
    expect_sound(play(*state, 16 * -30000, 0), -32768, 0, 0);
    write_codec(*state, 0x18, 0x1f1f);
    expect_sound(play(*state, 16 * 30000, 0), 565, 0, 1); /* 34.5 dB */
    write_codec(*state, 0x02, 0x1f1f);
    expect_sound(play(*state, 16 * 30000, 0), 3, 0, 1);
    write_codec(*state, 0x02, 0x0000);
    write_codec(*state, 0x18, 0x0808);
    write_codec(*state, 0x26, 0x0200); /* no DAC */
    expect_sound(play(*state, 16 * 30000, 16 * 30000), 0, 0, 0);
}

static void test_one_slot(void **state)
{
    Ac97Frame in;
    AudioFrame sound;
    write_codec(*state, 0x02, 0);
    write_codec(*state, 0x18, 0x0808);
    assert_false(ac97_exchange(*state,
                               &(Ac97Frame){
                                   {0x8000, 0, 0, 0x40000, 0x40000}
    },
                               &in, &sound));
    assert_true(ac97_exchange(*state,
                              &(Ac97Frame){
                                  {0x9000, 0, 0, 0x40000, 0x40000}
    },
                              &in, &sound));
    expect_sound(sound, 0x4000, 0, 0);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_defaults), CASE(test_register_reset), CASE(test_write_masks), CASE(test_volume_steps),
        CASE(test_rates),    CASE(test_requests),       CASE(test_powerdown),   CASE(test_other_commands),
        CASE(test_volumes),  CASE(test_one_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
