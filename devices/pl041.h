/* What the parts of the PL041 share: pl041.c has its registers, pl041_fifo.c the FIFOs and the status that
 * follows from them, pl041_link.c the frames on the AC-link and when they are computed. */
#ifndef ARMATURE_DEVICES_PL041_H
#define ARMATURE_DEVICES_PL041_H

#include "devices/ac97.h"
#include "devices/device.h"

enum { CHANNELS = 4, FIFO_MOST = 512, FIFO_WORDS = FIFO_MOST + 2, SOUND_MOST = 256 };

/* AACIRXCR and AACITXCR; bits 12:1 choose the slots. The timeout is in AACIRXCR only. */
enum { CR_ENABLE = 1 << 0, CR_SLOTS = 0x1ffe, CR_COMPACT = 1 << 15, CR_FIFO = 1 << 16 };

enum {
    SR_RXFE = 1 << 0,
    SR_TXFE = 1 << 1,
    SR_RXHF = 1 << 2,
    SR_TXHE = 1 << 3,
    SR_RXFF = 1 << 4,
    SR_TXFF = 1 << 5,
    SR_TXBUSY = 1 << 7,
    SR_RXOVERRUN = 1 << 8,
    SR_TXUNDERRUN = 1 << 9,
    SR_RXTIMEOUT = 1 << 10,
    SR_RXTOFE = 1 << 11
};

/* AACIISR, AACIIE and, seven bits for each channel, AACIALLINTS. */
enum {
    INT_TXCOMPLETE = 1 << 0,
    INT_RXTIMEOUT = 1 << 1,
    INT_TX = 1 << 2,
    INT_RX = 1 << 3,
    INT_RXOVERRUN = 1 << 4,
    INT_TXUNDERRUN = 1 << 5,
    INT_RXTOFE = 1 << 6,
    INT_BITS = 7
};

/* The slots that have registers (1, 2 and 12), in the order of their bits in AACISLFR: Rx and Tx busy from
 * bit 0 on, Rx valid and Tx empty from bit 6 on. AACISLISTAT and AACISLIEN have bits 13:6 of it. */
enum { SLOT_REGS = 3, SLFR_STATUS = 6, SLFR_GPIO = 1 << 12 };

/* AACIMAINCR; the enables of the slot registers go by pairs, Rx and Tx, from bit 3 on. */
enum { MAIN_ENABLE = 1 << 0, MAIN_LOOPBACK = 1 << 1, MAIN_LOWPOWER = 1 << 2 };

typedef struct Fifo {
    uint32_t head, level;
    uint32_t sample[FIFO_MOST]; /* 20 bits each */
} Fifo;

typedef struct {
    Device dev;
    uint32_t rxcr[CHANNELS], txcr[CHANNELS], ie[CHANNELS];
    uint32_t slrx[SLOT_REGS], sltx[SLOT_REGS];
    uint32_t slien, maincr, reset_pin, sync;
    uint32_t events[CHANNELS];  /* bits of AACISR that stay until they are cleared */
    uint32_t silence[CHANNELS]; /* frames since a sample was received or read */
    uint32_t slot_valid;        /* bit n: slrx[n] holds something new */
    uint32_t slot_pending;      /* bit n: sltx[n] waits to be sent */
    bool gpio;
    uint32_t not_wanted; /* as in the codec's last slot 1 */
    uint64_t next_frame; /* counted from virtual time 0 */
    Fifo rx[CHANNELS], tx[CHANNELS];
    Ac97 codec;
    Timer timer;
    AudioFrame sound[SOUND_MOST];
    uint32_t sound_count;
} Aaci;

/* ---- pl041_fifo.c; cr is a channel's AACIRXCR or AACITXCR ---- */

uint32_t aaci_channels(const Aaci *s);

/* Samples that a FIFO holds; one word's, if it is switched off. */
uint32_t aaci_depth(const Aaci *s, uint32_t cr);
uint32_t aaci_word_samples(uint32_t cr); /* samples in a word of AACIDR */
unsigned aaci_sample_bits(uint32_t cr);
uint32_t aaci_slots(uint32_t cr); /* how many slots it takes part in */

/* There must be room, and a sample. */
void aaci_push(Fifo *fifo, uint32_t sample);
uint32_t aaci_pop(Fifo *fifo);

/* Frames without a sample until the receiver of channel n gives up waiting; 0: never. */
uint32_t aaci_timeout(const Aaci *s, unsigned n);

uint32_t aaci_tx_status(const Aaci *s, unsigned n);  /* the transmitter's bits of AACISR */
uint32_t aaci_status(const Aaci *s, unsigned n);     /* AACISR */
uint32_t aaci_interrupts(const Aaci *s, unsigned n); /* AACIISR */
uint32_t aaci_all_interrupts(const Aaci *s);         /* AACIALLINTS */
uint32_t aaci_slot_flags(const Aaci *s);             /* AACISLFR */

/* ---- pl041_link.c ---- */

/* Frames until the timer has to fire; 0: never. */
uint32_t aaci_frames_ahead(const Aaci *s);

/* Computes the frames that have passed. Time in which nothing happened is skipped. */
void aaci_catch_up(Aaci *s);

#endif
