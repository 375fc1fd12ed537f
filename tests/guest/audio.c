/* Sound: a driver for the PL041 and its codec plays tones by interrupts, at several rates. */
#include "runtime.h"

#define AACI 0x10004000u
#define A(offset) (*word_at(AACI + (offset)))
enum {
    TXCR = 0x04,
    SR = 0x08,
    ISR = 0x0c,
    IE = 0x10,
    SL1RX = 0x50,
    SL1TX = 0x54,
    SL2RX = 0x58,
    SL2TX = 0x5c,
    SLFR = 0x68,
    INTCLR = 0x74,
    MAINCR = 0x78,
    RESET = 0x7c,
    ALLINTS = 0x84,
    DR = 0x90
};
enum { INTERRUPT_ID = 32 + 11, TXFE = 2, TXHE = 8, TXFF = 32, INT_TX = 4, INT_UR = 32 };
enum { STEREO_COMPACT_FIFO = 0x18018, HALF = 128, AMPLITUDE = 12000 };

static void write_codec(uint32_t index, uint32_t value)
{
    A(SL2TX) = value << 4;
    A(SL1TX) = index << 12;
    while (A(SLFR) & 0xa)
        ;
}

static uint32_t read_codec(uint32_t index)
{
    A(SL1TX) = 1u << 19 | index << 12;
    while ((A(SLFR) & 0x140) != 0x140)
        ;
    uint32_t at = A(SL1RX) >> 12, value = A(SL2RX) >> 4;
    return at == index ? value : ~0u;
}

static void reset(void)
{
    A(MAINCR) = 0x1f9; /* interface and slot registers on */
    A(RESET) = 0;
    A(RESET) = 1;
}

static void identify(void)
{
    print("id");
    for (unsigned n = 0; n < 8; n++)
        print(" %w", A(0xfe0 + 4 * n));
    A(TXCR) = STEREO_COMPACT_FIFO;
    unsigned words = 0;
    while (!(A(SR) & TXFF) && words < 4096) {
        A(DR) = 0;
        words++;
    }
    A(MAINCR) = 0;
    print("\nfifo %d words, SR then %w\n", (int)words, A(SR));
    reset();
    print("codec %w %w, status %w\n", read_codec(0x7c), read_codec(0x7e), read_codec(0x26));
}

/* A sine by s[n+1] = 2 cos(w) s[n] - s[n-1], all in 30 bits after the point. */
static int64_t twice_cosine, now, before_now;
static unsigned left_to_write, interrupts, underruns;

static uint32_t next_word(void)
{
    int64_t next = (twice_cosine * now >> 30) - before_now;
    int32_t sample = (int32_t)((now + (1 << 13)) >> 14);
    before_now = now;
    now = next;
    return (uint32_t)(sample & 0xffff) * 0x10001u;
}

static void feed(void)
{
    uint32_t status = A(ISR);
    interrupts++;
    if (status & INT_UR) {
        underruns++;
        A(INTCLR) = 1 << 5;
    }
    while (left_to_write && A(SR) & TXHE)
        for (unsigned n = 0; n < HALF && left_to_write; n++, left_to_write--)
            A(DR) = next_word();
    if (!left_to_write)
        A(IE) = 0;
}

static void interrupted(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc);
    if ((id & 0x3ff) == INTERRUPT_ID)
        feed();
    *word_at(GIC_CPU + 0x10) = id;
}

/* first: the sample after zero, with 14 bits more than a sample has */
static void play(uint32_t rate, int64_t cosine, int32_t first)
{
    write_codec(0x2a, 1);
    write_codec(0x2c, rate);
    print("rate %d", (int)read_codec(0x2c));
    twice_cosine = cosine;
    before_now = 0;
    now = first;
    left_to_write = rate / 4;
    interrupts = underruns = 0;
    A(TXCR) = STEREO_COMPACT_FIFO | 1;
    A(IE) = INT_TX | INT_UR;
    irq_on();
    while (*(volatile unsigned *)&left_to_write)
        wfi();
    irq_off();
    while (!(A(SR) & TXFE))
        ;
    A(TXCR) = 0;
    print(": interrupts %s, underruns %d\n", interrupts > rate / 4 / (3 * HALF) ? "ok" : "too few",
          (int)underruns);
}

int main(void)
{
    identify();
    gic_init();
    gic_enable(INTERRUPT_ID);
    on_irq(interrupted);
    write_codec(0x18, 0x0808);
    write_codec(0x02, 0x0004); /* the right side 6 dB softer */
    print("volumes %w %w\n", read_codec(0x18), read_codec(0x02));
    play(48000, 2129111628, 25662494);  /* 1000 Hz */
    play(44100, 2125724211, 27917219);  /* 1000 Hz */
    play(8000, 2020526066, 66598585);   /* 440 Hz */
    play(48000, 1703713325, 119687367); /* 5000 Hz */
    on_irq(0);
    A(MAINCR) = 0;
    return 0;
}
