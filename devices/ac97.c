/* AC'97 codec LM4549 (National Semiconductor; Audio Codec '97 revision 2.1).
 *
 * Modelled: the registers, variable sample rates, powering down, both resets, and the way from the DAC
 * through the PCM and master volumes to LINE_OUT, which is what is heard. Nothing is connected to the analog
 * inputs: the ADC delivers silence at its rate. Everything is ready as soon as it is powered. Not modelled:
 * the LNLVL_OUT and MONO_OUT pins (their volumes are kept), 3D sound, the loop from ADC to DAC. */
#include "devices/ac97.h"

#include <string.h>

enum {
    RESET = 0x00,
    MASTER_VOLUME = 0x02,
    LINE_LEVEL_VOLUME = 0x04,
    MONO_VOLUME = 0x06,
    PC_BEEP_VOLUME = 0x0a,
    PHONE_VOLUME = 0x0c,
    MIC_VOLUME = 0x0e,
    LINE_IN_VOLUME = 0x10,
    CD_VOLUME = 0x12,
    VIDEO_VOLUME = 0x14,
    AUX_VOLUME = 0x16,
    PCM_OUT_VOLUME = 0x18,
    RECORD_SELECT = 0x1a,
    RECORD_GAIN = 0x1c,
    GENERAL_PURPOSE = 0x20,
    CONTROL_3D = 0x22,
    POWERDOWN = 0x26,
    EXTENDED_ID = 0x28,
    EXTENDED_CONTROL = 0x2a,
    DAC_RATE = 0x2c,
    ADC_RATE = 0x32,
    VENDOR_ID1 = 0x7c,
    VENDOR_ID2 = 0x7e
};

enum { MUTE = 1 << 15, VRA = 1 << 0, RATE_LEAST = 4000, RATE_MOST = 48000 };

/* Powerdown register: what is ready, and what was powered down. */
enum {
    READY_ADC = 1 << 0,
    READY_DAC = 1 << 1,
    READY_ANL = 1 << 2,
    READY_REF = 1 << 3,
    PR0_ADC = 1 << 8,
    PR1_DAC = 1 << 9,
    PR2_MIXER = 1 << 10,
    PR3_VREF = 1 << 11,
    PR4_LINK = 1 << 12,
    PR5_CLOCK = 1 << 13
};

typedef struct CodecReg {
    uint8_t index;
    uint16_t reset, writable;
} CodecReg;

/* What is not here reads as 0. Bits 13 and 5 of the output volumes are handled below. */
static const CodecReg regs[] = {
    {RESET,             0x0d50,    0     },
    {MASTER_VOLUME,     0x8000,    0x9f1f},
    {LINE_LEVEL_VOLUME, 0x8000,    0x9f1f},
    {MONO_VOLUME,       0x8000,    0x801f},
    {PC_BEEP_VOLUME,    0x0000,    0x801e},
    {PHONE_VOLUME,      0x8008,    0x801f},
    {MIC_VOLUME,        0x8008,    0x805f},
    {LINE_IN_VOLUME,    0x8808,    0x9f1f},
    {CD_VOLUME,         0x8808,    0x9f1f},
    {VIDEO_VOLUME,      0x8808,    0x9f1f},
    {AUX_VOLUME,        0x8808,    0x9f1f},
    {PCM_OUT_VOLUME,    0x8808,    0x9f1f},
    {RECORD_SELECT,     0x0000,    0x0707},
    {RECORD_GAIN,       0x8000,    0x8f0f},
    {GENERAL_PURPOSE,   0x0000,    0xa380},
    {CONTROL_3D,        0x0101,    0     },
    {POWERDOWN,         0x0000,    0xbf00},
    {EXTENDED_ID,       0x0001,    0     },
    {EXTENDED_CONTROL,  0x0000,    VRA   },
    {DAC_RATE,          RATE_MOST, 0xffff},
    {ADC_RATE,          RATE_MOST, 0xffff},
    {VENDOR_ID1,        0x4e53,    0     },
    {VENDOR_ID2,        0x4331,    0     },
};

static const CodecReg *find(unsigned index)
{
    for (unsigned n = 0; n < sizeof regs / sizeof *regs; n++)
        if (regs[n].index == index)
            return &regs[n];
    return NULL;
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static void register_reset(Ac97 *codec)
{
    memset(codec->reg, 0, sizeof codec->reg);
    for (unsigned n = 0; n < sizeof regs / sizeof *regs; n++)
        codec->reg[regs[n].index / 2] = regs[n].reset;
    codec->dac_phase = codec->adc_phase = 0;
}

static uint16_t powered(const Ac97 *codec)
{
    uint16_t down = codec->reg[POWERDOWN / 2];
    uint16_t ready = READY_ADC | READY_DAC | READY_ANL | READY_REF;
    if (down & (PR0_ADC | PR3_VREF | PR5_CLOCK))
        ready &= (uint16_t)~READY_ADC;
    if (down & (PR1_DAC | PR3_VREF | PR5_CLOCK))
        ready &= (uint16_t)~READY_DAC;
    if (down & (PR2_MIXER | PR3_VREF))
        ready &= (uint16_t)~READY_ANL;
    if (down & PR3_VREF)
        ready &= (uint16_t)~READY_REF;
    return ready;
}

static uint16_t read_reg(const Ac97 *codec, unsigned index)
{
    if (index & 1)
        return 0;
    return codec->reg[index / 2] | (index == POWERDOWN ? powered(codec) : 0);
}

/* A level whose sixth bit is set stands for the softest that there is, which tells software so. */
static uint16_t output_level(uint16_t value, unsigned shift)
{
    return value >> shift & 0x20 ? (uint16_t)(value | 0x1f << shift) : value;
}

static uint16_t nearest_rate(uint16_t value)
{
    return value < RATE_LEAST ? RATE_LEAST : value > RATE_MOST ? RATE_MOST : value;
}

static void write_reg(Ac97 *codec, unsigned index, uint16_t value)
{
    const CodecReg *row = find(index);
    if (!row)
        return;
    switch (index) {
    case RESET:
        register_reset(codec);
        return;
    case MASTER_VOLUME:
    case LINE_LEVEL_VOLUME:
        value = output_level(output_level(value, 8), 0);
        break;
    case MONO_VOLUME:
        value = output_level(value, 0);
        break;
    case DAC_RATE:
    case ADC_RATE:
        /* Without VRA the rates are fixed. */
        value = codec->reg[EXTENDED_CONTROL / 2] & VRA ? nearest_rate(value) : RATE_MOST;
        break;
    case EXTENDED_CONTROL:
        if (!(value & VRA))
            codec->reg[DAC_RATE / 2] = codec->reg[ADC_RATE / 2] = RATE_MOST;
        break;
    default:
        break;
    }
    codec->reg[index / 2] = (uint16_t)((codec->reg[index / 2] & ~row->writable) | (value & row->writable));
}

/* ---- Sound -------------------------------------------------------------------------------------------- */

/* 65536 times the gain of +12 dB less n steps of 1.5 dB. */
static const uint32_t gains[] = {
    260904, 219523, 184706, 155410, 130762, 110022, 92572, 77890, 65536, 55142, 46396, 39037, 32846,
    27636,  23253,  19565,  16462,  13851,  11654,  9806,  8250,  6942,  5841,  4915,  4135,  3479,
    2927,   2463,   2072,   1744,   1467,   1234,   1039,  874,   735,   619,   521,   438,   369,
    310,    261,    220,    185,    155,    131,    110,   93,    78,    66,    55,    46,    39,
    33,     28,     23,     20,     16,     14,     12,    10,    8,     7,     6,
};

enum { GAIN_STEPS = sizeof gains / sizeof *gains };

/* What the PCM and master volumes make of a sample that has its sign in bit 19. The DAC takes 18 bits. */
static int16_t volume(const Ac97 *codec, uint32_t sample, unsigned shift)
{
    uint16_t pcm = codec->reg[PCM_OUT_VOLUME / 2], master = codec->reg[MASTER_VOLUME / 2];
    if ((pcm | master) & MUTE || (powered(codec) & (READY_DAC | READY_ANL)) != (READY_DAC | READY_ANL))
        return 0;
    unsigned step = (pcm >> shift & 0x1f) + (master >> shift & 0x1f);
    int64_t value = (int32_t)(sample << 12) >> 12 & ~3;
    value = (value * gains[step < GAIN_STEPS ? step : GAIN_STEPS - 1] + (1 << 19)) >> 20;
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

static bool play(const Ac97 *codec, const Ac97Frame *out, AudioFrame *sound)
{
    if (!(out->slot[0] & (AC97_TAG(3) | AC97_TAG(4))))
        return false;
    sound->left = out->slot[0] & AC97_TAG(3) ? volume(codec, out->slot[3], 8) : 0;
    sound->right = out->slot[0] & AC97_TAG(4) ? volume(codec, out->slot[4], 0) : 0;
    return true;
}

/* True in `rate` of AC97_FRAME_HZ frames, evenly spread. */
static bool tick(uint32_t *phase, unsigned rate)
{
    *phase += rate;
    if (*phase < AC97_FRAME_HZ)
        return false;
    *phase -= AC97_FRAME_HZ;
    return true;
}

/* ---- The link ----------------------------------------------------------------------------------------- */

void ac97_cold_reset(Ac97 *codec)
{
    register_reset(codec);
    codec->answering = false;
    codec->answer = 0;
}

void ac97_warm_reset(Ac97 *codec)
{
    if (!ac97_clocked(codec))
        codec->reg[POWERDOWN / 2] &= (uint16_t) ~(PR4_LINK | PR5_CLOCK);
}

bool ac97_clocked(const Ac97 *codec)
{
    return !(codec->reg[POWERDOWN / 2] & (PR4_LINK | PR5_CLOCK));
}

unsigned ac97_dac_rate(const Ac97 *codec)
{
    return codec->reg[EXTENDED_CONTROL / 2] & VRA ? nearest_rate(codec->reg[DAC_RATE / 2]) : RATE_MOST;
}

static unsigned adc_rate(const Ac97 *codec)
{
    return codec->reg[EXTENDED_CONTROL / 2] & VRA ? nearest_rate(codec->reg[ADC_RATE / 2]) : RATE_MOST;
}

static void send(Ac97 *codec, Ac97Frame *in)
{
    *in = (Ac97Frame){{AC97_TAG_FRAME}};
    if (codec->answering) {
        in->slot[0] |= AC97_TAG(1) | AC97_TAG(2);
        in->slot[1] = (uint32_t)codec->answer << 12;
        in->slot[2] = (uint32_t)read_reg(codec, codec->answer) << 4;
        codec->answering = false;
    }
    if (!tick(&codec->dac_phase, ac97_dac_rate(codec)))
        in->slot[1] |= AC97_NOT_WANTED(3) | AC97_NOT_WANTED(4);
    if (powered(codec) & READY_ADC && tick(&codec->adc_phase, adc_rate(codec)))
        in->slot[0] |= AC97_TAG(3) | AC97_TAG(4);
}

/* A command is for this codec if it is for number 0; a write needs its data in the same frame. */
static void obey(Ac97 *codec, const Ac97Frame *out)
{
    if (!(out->slot[0] & AC97_TAG(1)) || out->slot[0] & AC97_TAG_CODEC)
        return;
    unsigned index = AC97_INDEX(out->slot[1]);
    if (out->slot[1] & AC97_READ) {
        codec->answering = true;
        codec->answer = (uint8_t)index;
    } else if (out->slot[0] & AC97_TAG(2)) {
        write_reg(codec, index, (uint16_t)(out->slot[2] >> 4));
    }
}

bool ac97_exchange(Ac97 *codec, const Ac97Frame *out, Ac97Frame *in, AudioFrame *sound)
{
    bool played = play(codec, out, sound);
    send(codec, in);
    obey(codec, out);
    return played;
}

void ac97_sanitise(Ac97 *codec)
{
    codec->dac_phase %= AC97_FRAME_HZ;
    codec->adc_phase %= AC97_FRAME_HZ;
    codec->answer &= 0x7f;
}
