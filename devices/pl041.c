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
#include "devices/ac97.h"
#include "devices/device.h"

enum {
    CHANNELS = 4,
    FIFO_MOST = 512,
    FIFO_WORDS = FIFO_MOST + 2,
    CHANNEL_STRIDE = 0x14,
    WINDOW_BASE = 0x90,
    WINDOW_STRIDE = 0x20
};
/* Sound reaches the host after so many frames at the latest; this many are computed at once at most. */
enum { FRAMES_HEARD = 240, FRAMES_MOST = 9600, SOUND_MOST = 256 };

/* AACIRXCR and AACITXCR; bits 12:1 choose the slots. The timeout is in AACIRXCR only. */
enum {
    CR_ENABLE = 1 << 0,
    CR_SLOTS = 0x1ffe,
    CR_COMPACT = 1 << 15,
    CR_FIFO = 1 << 16,
    TXCR_WRITABLE = 0x1ffff,
    RXCR_WRITABLE = 0x1fffffff
};

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

/* The slots that have registers, in the order of their bits in AACISLFR: Rx and Tx busy from bit 0 on, Rx
 * valid and Tx empty from bit 6 on. AACISLISTAT and AACISLIEN have bits 13:6 of it. */
enum { SLOT_REGS = 3, SLFR_STATUS = 6, SLFR_GPIO = 1 << 12, SLIEN_WRITABLE = 0xff };
static const uint8_t register_slot[SLOT_REGS] = {1, 2, 12};

/* AACIMAINCR; the enables of the slot registers go by pairs, Rx and Tx, from bit 3 on. */
enum { MAIN_ENABLE = 1 << 0, MAIN_LOOPBACK = 1 << 1, MAIN_LOWPOWER = 1 << 2, MAIN_WRITABLE = 0xfff };
enum { MAINFR_TXBUSY = 1 << 1 };

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
} State;

/* ---- FIFOs -------------------------------------------------------------------------------------------- */

static uint32_t channels(const State *s)
{
    return s->dev.props.value[0] ? s->dev.props.value[0] : CHANNELS;
}

/* Without FIFO, there is room for one word. */
static uint32_t depth(const State *s, uint32_t cr)
{
    if (!(cr & CR_FIFO))
        return cr & CR_COMPACT ? 2 : 1;
    return s->dev.props.value[1] ? s->dev.props.value[1] : 8;
}

static uint32_t word_samples(uint32_t cr)
{
    return cr & CR_COMPACT ? 2 : 1;
}

static unsigned sample_bits(uint32_t cr)
{
    static const uint8_t bits[4] = {16, 18, 20, 12};
    return bits[cr >> 13 & 3];
}

static void push(Fifo *fifo, uint32_t sample)
{
    fifo->sample[(fifo->head + fifo->level++) % FIFO_MOST] = sample;
}

static uint32_t pop(Fifo *fifo)
{
    uint32_t sample = fifo->sample[fifo->head];
    fifo->head = (fifo->head + 1) % FIFO_MOST;
    fifo->level--;
    return sample;
}

static uint32_t slots(uint32_t cr)
{
    return (uint32_t)__builtin_popcount(cr & CR_SLOTS);
}

static uint32_t timeout(const State *s, unsigned n)
{
    return s->rxcr[n] >> 17;
}

/* ---- Status ------------------------------------------------------------------------------------------- */

static uint32_t tx_status(const State *s, unsigned n)
{
    uint32_t cr = s->txcr[n], level = s->tx[n].level, all = depth(s, cr);
    return (level ? 0 : SR_TXFE) | (level <= (cr & CR_FIFO ? all / 2 : 0) ? SR_TXHE : 0) |
           (level + word_samples(cr) > all ? SR_TXFF : 0) | (level && cr & CR_ENABLE ? SR_TXBUSY : 0);
}

static uint32_t rx_status(const State *s, unsigned n)
{
    uint32_t cr = s->rxcr[n], level = s->rx[n].level, all = depth(s, cr);
    bool late = timeout(s, n) && s->silence[n] >= timeout(s, n) && level >= word_samples(cr);
    return (level < word_samples(cr) ? SR_RXFE : 0) | (level >= (all + 1) / 2 ? SR_RXHF : 0) |
           (level >= all ? SR_RXFF : 0) | (late ? SR_RXTIMEOUT : 0);
}

static uint32_t status(const State *s, unsigned n)
{
    return tx_status(s, n) | rx_status(s, n) | s->events[n];
}

/* Half a FIFO asks for service; without FIFO, its one word does. */
static uint32_t interrupts(const State *s, unsigned n)
{
    uint32_t sr = status(s, n), rx = s->rxcr[n] & CR_FIFO ? sr & SR_RXHF : ~sr & SR_RXFE;
    uint32_t raw = (sr & SR_TXFE ? INT_TXCOMPLETE : 0) | (sr & SR_RXTIMEOUT ? INT_RXTIMEOUT : 0) |
                   (sr & SR_TXHE ? INT_TX : 0) | (rx ? INT_RX : 0) | (sr & SR_RXOVERRUN ? INT_RXOVERRUN : 0) |
                   (sr & SR_TXUNDERRUN ? INT_TXUNDERRUN : 0) | (sr & SR_RXTOFE ? INT_RXTOFE : 0);
    return raw & s->ie[n];
}

static uint32_t all_interrupts(const State *s)
{
    uint32_t all = 0;
    for (unsigned n = 0; n < channels(s); n++)
        all |= interrupts(s, n) << (INT_BITS * n);
    return all;
}

static uint32_t slot_flags(const State *s)
{
    uint32_t flags = s->gpio ? SLFR_GPIO : 0;
    for (unsigned n = 0; n < SLOT_REGS; n++) {
        bool pending = s->slot_pending >> n & 1;
        flags |= (pending ? 2u : 0) << (2 * n);
        flags |= ((s->slot_valid >> n & 1) | (pending ? 0 : 2u)) << (SLFR_STATUS + 2 * n);
    }
    return flags;
}

static uint32_t slot_interrupts(const State *s)
{
    return slot_flags(s) >> SLFR_STATUS & s->slien;
}

/* ---- Frames ------------------------------------------------------------------------------------------- */

static bool slot_enabled(const State *s, unsigned n, bool transmit)
{
    return s->maincr >> (3 + 2 * n + transmit) & 1;
}

/* Slots of which registers go out with the next frame: bit n for sltx[n]. */
static uint32_t slots_to_send(const State *s)
{
    uint32_t send = 0;
    for (unsigned n = 0; n < SLOT_REGS; n++)
        if (s->slot_pending >> n & 1 && slot_enabled(s, n, true))
            send |= 1u << n;
    return send & 1 ? send : send & ~2u;
}

static bool looped(const State *s)
{
    return s->maincr & MAIN_LOOPBACK;
}

static void send_channel(State *s, unsigned n, Ac97Frame *out)
{
    for (unsigned slot = 1; slot < AC97_SLOTS; slot++) {
        if (!(s->txcr[n] >> slot & 1))
            continue;
        if (slot > 2 && !looped(s) && s->not_wanted & AC97_NOT_WANTED(slot))
            continue;
        if (!s->tx[n].level) {
            s->events[n] |= SR_TXUNDERRUN;
            return;
        }
        out->slot[slot] = pop(&s->tx[n]);
        out->slot[0] |= AC97_TAG(slot);
    }
}

static Ac97Frame outgoing(State *s)
{
    Ac97Frame out = {{0}};
    for (unsigned n = 0; n < channels(s); n++)
        if (s->txcr[n] & CR_ENABLE)
            send_channel(s, n, &out);
    uint32_t send = slots_to_send(s);
    for (unsigned n = 0; n < SLOT_REGS; n++) {
        if (!(send >> n & 1))
            continue;
        out.slot[register_slot[n]] = s->sltx[n];
        out.slot[0] |= AC97_TAG(register_slot[n]);
    }
    s->slot_pending &= ~send;
    if (out.slot[0])
        out.slot[0] |= AC97_TAG_FRAME | (s->maincr >> 10 & AC97_TAG_CODEC);
    return out;
}

static void receive_channel(State *s, unsigned n, const Ac97Frame *in)
{
    bool received = false;
    for (unsigned slot = 1; slot < AC97_SLOTS; slot++) {
        if (!(s->rxcr[n] >> slot & 1) || !(in->slot[0] & AC97_TAG(slot)))
            continue;
        received = true;
        if (s->rx[n].level < depth(s, s->rxcr[n]))
            push(&s->rx[n], in->slot[slot]);
        else
            s->events[n] |= SR_RXOVERRUN;
    }
    s->silence[n] = received ? 0 : s->silence[n] + (s->silence[n] < UINT32_MAX);
    if (timeout(s, n) && s->silence[n] == timeout(s, n) && s->rx[n].level < word_samples(s->rxcr[n]))
        s->events[n] |= SR_RXTOFE;
}

static void incoming(State *s, const Ac97Frame *in)
{
    for (unsigned n = 0; n < channels(s); n++)
        if (s->rxcr[n] & CR_ENABLE)
            receive_channel(s, n, in);
    for (unsigned n = 0; n < SLOT_REGS; n++) {
        if (!(in->slot[0] & AC97_TAG(register_slot[n])) || !slot_enabled(s, n, false))
            continue;
        s->slrx[n] = in->slot[register_slot[n]];
        s->slot_valid |= 1u << n;
        s->gpio |= register_slot[n] == 12 && s->slrx[n] & 1;
    }
}

static void hear(State *s, unsigned rate)
{
    AudioPort *port = &s->dev.env->audio;
    if (s->sound_count && port->output)
        port->output(port->output_opaque, s->sound, s->sound_count, rate);
    s->sound_count = 0;
}

/* In the loop the codec gets nothing, and what it sends is not heard. */
static void run_frame(State *s)
{
    static const Ac97Frame nothing;
    Ac97Frame out = outgoing(s), in;
    unsigned rate = ac97_dac_rate(&s->codec);
    if (ac97_exchange(&s->codec, looped(s) ? &nothing : &out, &in, &s->sound[s->sound_count]))
        s->sound_count++;
    if (s->sound_count == SOUND_MOST || rate != ac97_dac_rate(&s->codec))
        hear(s, rate);
    s->not_wanted = in.slot[1];
    incoming(s, looped(s) ? &out : &in);
}

/* ---- Time --------------------------------------------------------------------------------------------- */

static bool linked(const State *s)
{
    return (s->maincr & (MAIN_ENABLE | MAIN_LOWPOWER)) == MAIN_ENABLE && s->reset_pin && !s->sync &&
           ac97_clocked(&s->codec);
}

static uint32_t sooner(uint32_t frames, uint32_t samples, uint32_t cr)
{
    uint32_t after = (samples + slots(cr) - 1) / slots(cr);
    return after && after < frames ? after : frames;
}

/* What is ahead for the link: whether it has work, whether the next frame already matters, and otherwise
 * after how many frames something may happen that software or the host wants to know at once. That is a lower
 * bound, as the codec may take less than a sample in each frame. */
typedef struct Ahead {
    bool work, soon;
    uint32_t frames;
} Ahead;

static void look_at_transmitter(const State *s, unsigned n, Ahead *ahead)
{
    uint32_t cr = s->txcr[n], level = s->tx[n].level, half = depth(s, cr) / 2;
    if (!(cr & CR_ENABLE) || !slots(cr) || (!level && s->events[n] & SR_TXUNDERRUN))
        return;
    ahead->work = true;
    ahead->soon |= !level;
    ahead->frames = sooner(ahead->frames, level, cr);
    ahead->frames = sooner(ahead->frames, level > half ? level - half : 0, cr);
}

static void look_at_receiver(const State *s, unsigned n, Ahead *ahead)
{
    uint32_t cr = s->rxcr[n], level = s->rx[n].level, all = depth(s, cr);
    if (!(cr & CR_ENABLE) || !slots(cr))
        return;
    ahead->work = true;
    ahead->soon |= level >= all && !(s->events[n] & SR_RXOVERRUN);
    ahead->frames = sooner(ahead->frames, level < all ? all - level : 0, cr);
    ahead->frames = sooner(ahead->frames, level < (all + 1) / 2 ? (all + 1) / 2 - level : 0, cr);
    if (timeout(s, n) > s->silence[n] && timeout(s, n) - s->silence[n] < ahead->frames)
        ahead->frames = timeout(s, n) - s->silence[n];
}

/* Frames until the timer has to fire; 0: never. */
static uint32_t frames_ahead(const State *s)
{
    Ahead ahead = {.frames = FRAMES_HEARD};
    if (!linked(s))
        return 0;
    for (unsigned n = 0; n < channels(s); n++) {
        look_at_transmitter(s, n, &ahead);
        look_at_receiver(s, n, &ahead);
    }
    if (ahead.soon || slots_to_send(s) || s->codec.answering)
        return 1;
    return ahead.work ? ahead.frames : 0;
}

/* Computes the frames that have passed. Time in which nothing happened is skipped. */
static void catch_up(State *s)
{
    uint64_t now = clock_ns_to_ticks(device_now(&s->dev), AC97_FRAME_HZ);
    if (s->next_frame > now + 1 || s->next_frame + FRAMES_MOST < now)
        s->next_frame = now + 1;
    bool ran = false;
    while (s->next_frame <= now && frames_ahead(s)) {
        run_frame(s);
        s->next_frame++;
        ran = true;
    }
    if (s->next_frame <= now)
        s->next_frame = now + 1;
    hear(s, ac97_dac_rate(&s->codec));
    if (ran)
        device_changed(&s->dev);
}

static void due(void *opaque)
{
    State *s = opaque;
    catch_up(s);
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
    catch_up(s);
    if (access->offset < CHANNELS * CHANNEL_STRIDE)
        return channel(access) < channels(s);
    if (access->offset >= WINDOW_BASE && access->offset < WINDOW_BASE + CHANNELS * WINDOW_STRIDE)
        return window_channel(access) < channels(s);
    return true;
}

static uint32_t sr_read(Device *dev, const RegAccess *access)
{
    return status((State *)dev, channel(access));
}

static uint32_t isr_read(Device *dev, const RegAccess *access)
{
    return interrupts((State *)dev, channel(access));
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
    if (s->rx[n].level < word_samples(cr))
        return 0;
    for (unsigned k = 0; k < word_samples(cr); k++)
        word |= pop(&s->rx[n]) >> (20 - sample_bits(cr)) << (16 * k);
    s->silence[n] = 0;
    return word;
}

/* The sample of the lower slot is in the lower half of a compact word. */
static void data_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned n = window_channel(access);
    uint32_t cr = s->txcr[n];
    if (s->tx[n].level + word_samples(cr) > depth(s, cr)) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "AACIDR%u written while the transmit FIFO is full",
                 n + 1);
        return;
    }
    for (unsigned k = 0; k < word_samples(cr); k++)
        push(&s->tx[n],
             (cr & CR_COMPACT ? value >> (16 * k) & 0xffff : value) << (20 - sample_bits(cr)) & 0xfffff);
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
    return slot_flags((State *)dev);
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
    return all_interrupts((State *)dev);
}

static uint32_t mainfr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t busy = s->slot_pending;
    for (unsigned n = 0; n < channels(s); n++)
        busy |= tx_status(s, n) & SR_TXBUSY;
    return busy ? MAINFR_TXBUSY : 0;
}

/* Bits 5:3 of the last byte of PeriphID: depth in compact words, 4 and from 16 on; 2:0 channels, 0: four. */
static uint32_t id_read(Device *dev, const RegAccess *access)
{
    static const uint8_t id[8] = {0x41, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    State *s = (State *)dev;
    uint32_t code = 0;
    while (depth(s, CR_FIFO) > 16u << code)
        code++;
    unsigned n = (access->offset - 0xfe0) / 4;
    return n == 3 ? code << 3 | channels(s) % CHANNELS : id[n];
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
    uint32_t frames = frames_ahead(s);
    irq_set(&dev->out[0], all_interrupts(s) || slot_interrupts(s));
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
            if (fifos[k]->level > depth(s, CR_FIFO))
                fifos[k]->level = depth(s, CR_FIFO);
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
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .version = 2,
    .outputs = 1,
    .create = create,
    .reset = reset,
    .update = update,
    .loaded = loaded,
    .allows = allows,
};
