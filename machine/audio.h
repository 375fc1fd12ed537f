/* The wire from the board's loudspeaker output to whatever plays or records it. */
#ifndef ARMATURE_MACHINE_AUDIO_H
#define ARMATURE_MACHINE_AUDIO_H

#include <stddef.h>
#include <stdint.h>

/* A sample for each ear. */
typedef struct AudioFrame {
    int16_t left, right;
} AudioFrame;

typedef struct AudioPort {
    /* Host side, set by the frontend; NULL drops what the guest plays. Called while an instruction executes
     * or a timer fires, in the order of virtual time, with `rate` frames for each second of it while the
     * guest plays; it may only take note. */
    void (*output)(void *opaque, const AudioFrame *frames, size_t count, unsigned rate);
    void *output_opaque;
} AudioPort;

#endif
