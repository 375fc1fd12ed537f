#include "frontends/resample.h"

#include <string.h>

enum { PART_BITS = 15 };

size_t resample_most(size_t count, unsigned to)
{
    return count * (to / RESAMPLE_LEAST_HZ + 2);
}

/* The cubic through b and c whose slopes there are those of their neighbours (Catmull and Rom); part is how
 * far from b to c, in PART_BITS. It gives exactly c at the end. */
static int16_t between(int16_t a, int16_t b, int16_t c, int16_t d, int64_t part)
{
    int64_t cubic = -a + 3 * b - 3 * c + d, square = 2 * a - 5 * b + 4 * c - d, slope = c - a;
    int64_t value = (cubic * part >> PART_BITS) + square;
    value = (value * part >> PART_BITS) + slope;
    value = (value * part >> (PART_BITS + 1)) + b;
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

static AudioFrame frame_at(const Resampler *resampler, uint64_t to)
{
    const AudioFrame *f = resampler->past;
    int64_t part = (int64_t)((resampler->phase << PART_BITS) / to);
    return (AudioFrame){between(f[0].left, f[1].left, f[2].left, f[3].left, part),
                        between(f[0].right, f[1].right, f[2].right, f[3].right, part)};
}

size_t resample(Resampler *resampler, const AudioFrame *in, size_t count, uint64_t from, uint64_t to,
                AudioFrame *out)
{
    size_t made = 0;
    for (size_t n = 0; n < count; n++) {
        AudioFrame *past = resampler->past;
        if (!resampler->phase) { /* the very first: it becomes the first that comes out */
            past[1] = past[2] = past[3] = in[n];
            resampler->phase = to;
            continue;
        }
        memmove(past, past + 1, 3 * sizeof *past);
        past[3] = in[n];
        for (; resampler->phase <= to; resampler->phase += from)
            out[made++] = frame_at(resampler, to);
        resampler->phase -= to;
    }
    return made;
}
