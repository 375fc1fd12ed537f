/* Changes the rate of sound by cubic interpolation, in integers: the same on every host. */
#ifndef ARMATURE_FRONTENDS_RESAMPLE_H
#define ARMATURE_FRONTENDS_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "machine/audio.h"

typedef struct Resampler {
    AudioFrame past[4]; /* the newest frames that were taken, in order */
    uint64_t phase;     /* where the next frame to be made lies after past[1], in parts of `to`; 0: no past */
} Resampler;

/* Input rates are at least this. */
enum { RESAMPLE_LEAST_HZ = 4000 };

/* How many frames may come out of `count`, at most. */
size_t resample_most(size_t count, unsigned to);

/* Makes frames at rate `to` from `count` frames at rate `from`, to be called again with what follows. `from`
 * may change between calls, `to` may not; their units do not matter as long as they are the same. Returns how
 * many frames it put into `out`, which has room for resample_most(). */
size_t resample(Resampler *resampler, const AudioFrame *in, size_t count, uint64_t from, uint64_t to,
                AudioFrame *out);

#endif
