/* Changing the rate of sound: how much comes out, that it is the same sound, and that none of it overflows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "frontends/audio.h"
#include "frontends/resample.h"

static AudioFrame in[48000], out[48000 * 14];

static void ramp(void)
{
    for (int n = 0; n < 48000; n++)
        in[n] = (AudioFrame){(int16_t)(n - 24000), (int16_t)(24000 - n)};
}

static void test_equal_rates(void **state)
{
    (void)state;
    Resampler resampler = {0};
    size_t made = 0;
    for (unsigned n = 0; n < 48000; n++)
        in[n] = (AudioFrame){(int16_t)(n * 40503), (int16_t)(n * n)};
    for (unsigned n = 0; n < 48000; n += 100)
        made += resample(&resampler, in + n, 100, 44100, 44100, out + made);
    assert_int_equal(made, 47999);
    assert_memory_equal(in, out, made * sizeof *in);
}

/* A second makes a second, in pieces of any size; a straight line stays one. */
static void test_lengths(void **state)
{
    static const unsigned rates[] = {4000, 8000, 11025, 22050, 44100, 47999, 48000};
    (void)state;
    ramp();
    for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++) {
        Resampler resampler = {0};
        size_t made = 0, piece = 1;
        for (size_t n = 0; n < rates[r]; n += piece, piece = n * 7 % 61 + 1) {
            size_t count = rates[r] - n < piece ? rates[r] - n : piece;
            size_t some = resample(&resampler, in + n, count, rates[r], AUDIO_HZ, out + made);
            assert_true(some <= resample_most(count, AUDIO_HZ));
            made += some;
        }
        assert_in_range(made, 48000 - 2 * 48000 / rates[r], 48000);
        for (size_t n = 20; n < made; n++) {
            int line = (int)((int64_t)n * rates[r] / AUDIO_HZ) - 24000;
            assert_in_range(out[n].left - line + 3, 0, 6);
            assert_in_range(out[n].right + line + 3, 0, 6);
        }
    }
}

/* The cubic overshoots between extremes: it is cut, not wrapped. */
static void test_extremes(void **state)
{
    (void)state;
    Resampler resampler = {0};
    for (unsigned n = 0; n < 4000; n++)
        in[n].left = in[n].right = n / 3 % 2 ? INT16_MAX : INT16_MIN;
    size_t made = resample(&resampler, in, 4000, 4000, AUDIO_HZ, out);
    for (size_t n = 1; n < made; n++)
        assert_true(abs(out[n].left - out[n - 1].left) < 16000);
}

/* Rates may change while sound goes on. */
static void test_changes(void **state)
{
    (void)state;
    Resampler resampler = {0};
    uint64_t random = 1;
    ramp();
    for (unsigned n = 0; n + 256 <= 48000; n += 256) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned rate = RESAMPLE_LEAST_HZ + (unsigned)(random >> 33) % 44001;
        size_t made = resample(&resampler, in + n, 256, rate, AUDIO_HZ, out);
        assert_true(made <= resample_most(256, AUDIO_HZ));
        for (size_t k = 0; k < made; k++)
            assert_in_range(out[k].left + 24000 + 4, n > 4 ? n - 4 : 0, n + 264);
    }
}

static void test_option(void **state)
{
    (void)state;
    Error err = {""};
    assert_true(audio_check("none", &err));
    assert_true(audio_check("sdl", &err));
    assert_true(audio_check("wav:x", &err));
    static const char *const wrong[] = {"", "wav", "wav:", "sdl:1", "alsa", "NONE"};
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++)
        assert_false(audio_check(wrong[n], &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_rates), cmocka_unit_test(test_lengths), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_changes),     cmocka_unit_test(test_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
