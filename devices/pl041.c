/* PL041 Advanced Audio Codec Interface (AACI), DDI 0173B, with the codec at its AC-link (ac97.h).
 *
 * The link carries 48000 frames a second of virtual time. Frames are computed when somebody looks, or when a
 * timer says that an interrupt may be due or that sound should reach the host; no time is spent while nothing
 * plays, records or waits for a slot. A frame takes no time of its own: the receivers are never seen busy,
 * a transmitter is busy while its FIFO holds data. The units of the receive timeout are frames, 0 is never.
 *
 * A command in the slot 1 register takes the data of slot 2 along; slot 2 alone waits. Disabling the
 * interface empties FIFOs and slots. The slots' interrupts are in AACISLISTAT, those of the FIFOs in AACIISR
 * and AACIALLINTS, all masked. Not modelled: DMA requests (DMAEnable is kept), wake-up by a modem codec, the
 * test registers.
 *
 * Properties: value[0] channels (0: 4), value[1] depth of the FIFOs in samples, one of 8 (or 0), 32, 64, 128,
 * 256, 512. In compact mode, a word is two samples. PeriphID3 tells software both.
 * Outputs: 0 AACIINTR (combined). */
#include "devices/pl041.h"

typedef Aaci State;

enum { CHANNEL_STRIDE = 0x14, WINDOW_BASE = 0x90, WINDOW_STRIDE = 0x20 };
enum { TXCR_WRITABLE = 0x1ffff, RXCR_WRITABLE = 0x1fffffff, SLIEN_WRITABLE = 0xff, MAIN_WRITABLE = 0xfff };
enum { MAINFR_TXBUSY = 1 << 1 };

static uint32_t slot_interrupts(const State *s)
{
    return aaci_slot_flags(s) >> SLFR_STATUS & s->slien;
}

static void due(void *opaque)
{
    State *s = opaque;
    aaci_catch_up(s);
    device_changed(&s->dev);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static unsigned channel(const RegAccess *access)
{
    return access->offset / CHANNEL_STRIDE;
}

static unsigned window_channel(const RegAccess *access)
{
    return (access->offset - WINDOW_BASE) / WINDOW_STRIDE;
}

/* Asked before every access, which makes it the place where the past is settled under the old settings.
 * Channels that are not there have no registers. */
static bool allows(Device *dev, const RegAccess *access, bool write)
{
    (void)write;
    State *s = (State *)dev;
    aaci_catch_up(s);
    if (access->offset < CHANNELS * CHANNEL_STRIDE)
        return channel(access) < aaci_channels(s);
    if (access->offset >= WINDOW_BASE && access->offset < WINDOW_BASE + CHANNELS * WINDOW_STRIDE)
        return window_channel(access) < aaci_channels(s);
    return true;
}

static uint32_t sr_read(Device *dev, const RegAccess *access)
{
    return aaci_status((State *)dev, channel(access));
}

static uint32_t isr_read(Device *dev, const RegAccess *access)
{
    return aaci_interrupts((State *)dev, channel(access));
}

/* The receive timeout begins anew. */
static void rxcr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)value;
    ((State *)dev)->silence[channel(access)] = 0;
}

static uint32_t data_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned n = window_channel(access);
    uint32_t cr = s->rxcr[n], word = 0;
    if (s->rx[n].level < aaci_word_samples(cr))
        return 0;
    for (unsigned k = 0; k < aaci_word_samples(cr); k++)
        word |= aaci_pop(&s->rx[n]) >> (20 - aaci_sample_bits(cr)) << (16 * k);
    s->silence[n] = 0;
    return word;
}

/* The sample of the lower slot is in the lower half of a compact word. */
static void data_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned n = window_channel(access);
    uint32_t cr = s->txcr[n];
    if (s->tx[n].level + aaci_word_samples(cr) > aaci_depth(s, cr)) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "AACIDR%u written while the transmit FIFO is full",
                 n + 1);
        return;
    }
    for (unsigned k = 0; k < aaci_word_samples(cr); k++)
        aaci_push(&s->tx[n], (cr & CR_COMPACT ? value >> (16 * k) & 0xffff : value)
                                     << (20 - aaci_sample_bits(cr)) &
                                 0xfffff);
}

static unsigned slot_register(const RegAccess *access)
{
    return (access->offset - 0x50) / 8;
}

static uint32_t slrx_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    s->slot_valid &= ~(1u << slot_register(access));
    return s->slrx[slot_register(access)];
}

static void sltx_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)value;
    ((State *)dev)->slot_pending |= 1u << slot_register(access);
}

static uint32_t slfr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return aaci_slot_flags((State *)dev);
}

static uint32_t slistat_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return slot_interrupts((State *)dev);
}

/* Bit 0 is the wake-up interrupt's, which never comes; then four bits each, for the channels. */
static void intclr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    for (unsigned n = 0; n < CHANNELS; n++)
        s->events[n] &=
            ~((value >> (1 + n) & 1 ? SR_RXOVERRUN : 0u) | (value >> (5 + n) & 1 ? SR_TXUNDERRUN : 0u) |
              (value >> (9 + n) & 1 ? SR_RXTOFE : 0u));
}

static void empty(State *s)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        s->rx[n].head = s->rx[n].level = s->tx[n].head = s->tx[n].level = 0;
        s->events[n] = s->silence[n] = 0;
    }
    s->slot_pending = s->slot_valid = 0;
    s->gpio = false;
    s->not_wanted = 0;
}

static void maincr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    if (!(value & MAIN_ENABLE))
        empty((State *)dev);
}

static void reset_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    if (!value)
        ac97_cold_reset(&s->codec);
}

static void sync_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    if (value && s->reset_pin)
        ac97_warm_reset(&s->codec);
}

static uint32_t allints_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return aaci_all_interrupts((State *)dev);
}

static uint32_t mainfr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t busy = s->slot_pending;
    for (unsigned n = 0; n < aaci_channels(s); n++)
        busy |= aaci_tx_status(s, n) & SR_TXBUSY;
    return busy ? MAINFR_TXBUSY : 0;
}

/* Bits 5:3 of the last byte of PeriphID: depth in compact words, 4 and from 16 on; 2:0 channels, 0: four. */
static uint32_t id_read(Device *dev, const RegAccess *access)
{
    static const uint8_t id[8] = {0x41, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    State *s = (State *)dev;
    uint32_t code = 0;
    while (aaci_depth(s, CR_FIFO) > 16u << code)
        code++;
    unsigned n = (access->offset - 0xfe0) / 4;
    return n == 3 ? code << 3 | aaci_channels(s) % CHANNELS : id[n];
}

/* clang-format off */
#define CHANNEL(n) \
    {"AACIRXCR" #n, CHANNEL_STRIDE * (n - 1) + 0x00, REG_RW, AT(rxcr[n - 1]), 0, RXCR_WRITABLE,    NULL,     rxcr_written, 0, 0}, \
    {"AACITXCR" #n, CHANNEL_STRIDE * (n - 1) + 0x04, REG_RW, AT(txcr[n - 1]), 0, TXCR_WRITABLE,    NULL,     NULL,         0, 0}, \
    {"AACISR" #n,   CHANNEL_STRIDE * (n - 1) + 0x08, REG_RO, NO_STORE,        0, 0,                sr_read,  NULL,         0, 0}, \
    {"AACIISR" #n,  CHANNEL_STRIDE * (n - 1) + 0x0c, REG_RO, NO_STORE,        0, 0,                isr_read, NULL,         0, 0}, \
    {"AACIIE" #n,   CHANNEL_STRIDE * (n - 1) + 0x10, REG_RW, AT(ie[n - 1]),   0, 0x7f,             NULL,     NULL,         0, 0}, \
    {"AACIDR" #n,   WINDOW_BASE + WINDOW_STRIDE * (n - 1), REG_RW, NO_STORE,  0, 0xffffffff,       data_read, data_written, 8, REG_READ_ACTS}

static const RegDef regs[] = {
    CHANNEL(1), CHANNEL(2), CHANNEL(3), CHANNEL(4),
    /* name        offset kind      storage        reset writable        read          written         */
    {"AACISL1RX",  0x050, REG_RO,   AT(slrx[0]),   0,    0,              slrx_read,    NULL,           0, REG_READ_ACTS},
    {"AACISL1TX",  0x054, REG_RW,   AT(sltx[0]),   0,    0xfffff,        NULL,         sltx_written,   0, 0},
    {"AACISL2RX",  0x058, REG_RO,   AT(slrx[1]),   0,    0,              slrx_read,    NULL,           0, REG_READ_ACTS},
    {"AACISL2TX",  0x05c, REG_RW,   AT(sltx[1]),   0,    0xfffff,        NULL,         sltx_written,   0, 0},
    {"AACISL12RX", 0x060, REG_RO,   AT(slrx[2]),   0,    0,              slrx_read,    NULL,           0, REG_READ_ACTS},
    {"AACISL12TX", 0x064, REG_RW,   AT(sltx[2]),   0,    0xfffff,        NULL,         sltx_written,   0, 0},
    {"AACISLFR",   0x068, REG_RO,   NO_STORE,      0,    0,              slfr_read,    NULL,           0, 0},
    {"AACISLISTAT",0x06c, REG_RO,   NO_STORE,      0,    0,              slistat_read, NULL,           0, 0},
    {"AACISLIEN",  0x070, REG_RW,   AT(slien),     0,    SLIEN_WRITABLE, NULL,         NULL,           0, 0},
    {"AACIINTCLR", 0x074, REG_WO,   NO_STORE,      0,    0x1fff,         NULL,         intclr_written, 0, 0},
    {"AACIMAINCR", 0x078, REG_RW,   AT(maincr),    0,    MAIN_WRITABLE,  NULL,         maincr_written, 0, 0},
    {"AACIRESET",  0x07c, REG_RW,   AT(reset_pin), 0,    0x1,            NULL,         reset_written,  0, 0},
    {"AACISYNC",   0x080, REG_RW,   AT(sync),      0,    0x1,            NULL,         sync_written,   0, 0},
    {"AACIALLINTS",0x084, REG_RO,   NO_STORE,      0,    0,              allints_read, NULL,           0, 0},
    {"AACIMAINFR", 0x088, REG_RO,   NO_STORE,      0,    0,              mainfr_read,  NULL,           0, 0},
    {"AACIPeriphID",0xfe0,REG_RO,   NO_STORE,      0,    0,              id_read,      NULL,           4, 0},
    {"AACIPCellID",0xff0, REG_RO,   NO_STORE,      0,    0,              id_read,      NULL,           4, 0},
};

static const FieldDef fields[] = {
    FIELD_ARRAY(events, FIELD_U32, CHANNELS),
    FIELD_ARRAY(silence, FIELD_U32, CHANNELS),
    FIELD(slot_valid, FIELD_U32),
    FIELD(slot_pending, FIELD_U32),
    FIELD(gpio, FIELD_BOOL),
    FIELD(not_wanted, FIELD_U32),
    FIELD(next_frame, FIELD_U64),
    FIELD_ARRAY(rx, FIELD_U32, CHANNELS * FIFO_WORDS),
    FIELD_ARRAY(tx, FIELD_U32, CHANNELS * FIFO_WORDS),
    FIELD_ARRAY(codec.reg, FIELD_U16, AC97_REGS),
    FIELD(codec.dac_phase, FIELD_U32),
    FIELD(codec.adc_phase, FIELD_U32),
    FIELD(codec.answering, FIELD_BOOL),
    FIELD(codec.answer, FIELD_U8),
    FIELD(timer, FIELD_TIMER),
    TRANSIENT(sound, "handed to the host before anybody can save"),
    TRANSIENT(sound_count, "handed to the host before anybody can save"),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    static const uint16_t depths[] = {0, 8, 32, 64, 128, 256, 512};
    State *s = (State *)dev;
    bool known = false;
    for (unsigned n = 0; n < sizeof depths / sizeof *depths; n++)
        known |= dev->props.value[1] == depths[n];
    if (!known || dev->props.value[0] > CHANNELS)
        return error_set(err, "%s: %u channels with FIFOs of %u cannot be had", dev->name,
                         dev->props.value[0], dev->props.value[1]);
    timer_init(&s->timer, dev->env->clock, dev->name, 0, due, s);
    return true;
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    empty(s);
    s->sound_count = 0;
    s->next_frame = 0;
    ac97_cold_reset(&s->codec);
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    uint32_t frames = aaci_frames_ahead(s);
    irq_set(&dev->out[0], aaci_all_interrupts(s) || slot_interrupts(s));
    if (frames)
        timer_set(&s->timer, clock_ticks_to_ns(s->next_frame + frames - 1, AC97_FRAME_HZ));
    else
        timer_cancel(&s->timer);
}

_Static_assert(sizeof(Fifo) == FIFO_WORDS * sizeof(uint32_t), "the FIFOs are saved as words");

/* Heads and levels index the FIFOs. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    uint64_t now = clock_ns_to_ticks(device_now(dev), AC97_FRAME_HZ);
    for (unsigned n = 0; n < CHANNELS; n++) {
        Fifo *fifos[] = {&s->rx[n], &s->tx[n]};
        for (unsigned k = 0; k < 2; k++) {
            fifos[k]->head %= FIFO_MOST;
            if (fifos[k]->level > aaci_depth(s, CR_FIFO))
                fifos[k]->level = aaci_depth(s, CR_FIFO);
        }
    }
    if (s->next_frame > now + 1)
        s->next_frame = now + 1;
    s->sound_count = 0;
    ac97_sanitise(&s->codec);
}

const DeviceType pl041_type = {
    .name = "pl041",
    .summary = "audio codec interface, PrimeCell PL041 (DDI 0173), with an LM4549 codec",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 2,
    .outputs = 1,
    .create = create,
    .reset = reset,
    .update = update,
    .loaded = loaded,
    .allows = allows,
};
