/* The audio codec at the other end of the PL041's AC-link: a National LM4549 (AC'97 2.1), as on the V2M-P1.
 * It is part of its controller: the controller's FieldDef rows save it, and frames are exchanged by calls. */
#ifndef ARMATURE_DEVICES_AC97_H
#define ARMATURE_DEVICES_AC97_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/audio.h"

enum { AC97_FRAME_HZ = 48000, AC97_SLOTS = 13, AC97_REGS = 64 };

/* One frame in one direction. Slots hold 20 bits, the first on the wire in bit 19; slot 0 is the tag. */
typedef struct Ac97Frame {
    uint32_t slot[AC97_SLOTS];
} Ac97Frame;

/* Tag bits: bit 15 the frame (from the codec: it is ready), then one for each slot; 1:0 which codec. */
#define AC97_TAG_FRAME 0x8000u
#define AC97_TAG_CODEC 0x0003u
#define AC97_TAG(slot) (0x8000u >> (slot))
/* Slot 1: a read; which register; from the codec also the slots that are not to send, 3 to 12 from bit 11. */
#define AC97_READ (1u << 19)
#define AC97_INDEX(slot1) ((slot1) >> 12 & 0x7f)
#define AC97_NOT_WANTED(slot) (1u << (14 - (slot)))

typedef struct Ac97 {
    uint16_t reg[AC97_REGS];       /* by index / 2 */
    uint32_t dac_phase, adc_phase; /* AC97_FRAME_HZth parts of a sample */
    bool answering;                /* the next frame answers a read of: */
    uint8_t answer;
} Ac97;

/* The RESET pin: all registers take their default values. */
void ac97_cold_reset(Ac97 *codec);
/* SYNC while the clock stands still: wakes the link, keeps the registers. */
void ac97_warm_reset(Ac97 *codec);
/* The codec drives the bit clock: no, if it was told to power the link down. */
bool ac97_clocked(const Ac97 *codec);

/* Exchanges a frame: fills `in` with what the codec sends and takes `out`. True if the DAC turned a sample
 * into `sound`: what leaves at LINE_OUT, with all volumes applied. */
bool ac97_exchange(Ac97 *codec, const Ac97Frame *out, Ac97Frame *in, AudioFrame *sound);

/* Samples a second that the DAC takes. */
unsigned ac97_dac_rate(const Ac97 *codec);

/* For a state that comes from a file: makes it one that a codec can have. */
void ac97_sanitise(Ac97 *codec);

#endif
