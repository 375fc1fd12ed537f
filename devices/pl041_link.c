/* The PL041 at its end of the AC-link: what goes out and comes in with each frame, and when frames are
 * computed. */
#include "devices/pl041.h"

/* Sound reaches the host after so many frames at the latest; this many are computed at once at most. */
enum { FRAMES_HEARD = 240, FRAMES_MOST = 9600 };

static const uint8_t register_slot[SLOT_REGS] = {1, 2, 12};

/* ---- Frames ------------------------------------------------------------------------------------------- */

static bool slot_enabled(const Aaci *s, unsigned n, bool transmit)
{
    return s->maincr >> (3 + 2 * n + transmit) & 1;
}

/* Slots of which registers go out with the next frame: bit n for sltx[n]. */
static uint32_t slots_to_send(const Aaci *s)
{
    uint32_t send = 0;
    for (unsigned n = 0; n < SLOT_REGS; n++)
        if (s->slot_pending >> n & 1 && slot_enabled(s, n, true))
            send |= 1u << n;
    return send & 1 ? send : send & ~2u;
}

static bool looped(const Aaci *s)
{
    return s->maincr & MAIN_LOOPBACK;
}

static void send_channel(Aaci *s, unsigned n, Ac97Frame *out)
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
        out->slot[slot] = aaci_pop(&s->tx[n]);
        out->slot[0] |= AC97_TAG(slot);
    }
}

static Ac97Frame outgoing(Aaci *s)
{
    Ac97Frame out = {{0}};
    for (unsigned n = 0; n < aaci_channels(s); n++)
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

static void receive_channel(Aaci *s, unsigned n, const Ac97Frame *in)
{
    bool received = false;
    for (unsigned slot = 1; slot < AC97_SLOTS; slot++) {
        if (!(s->rxcr[n] >> slot & 1) || !(in->slot[0] & AC97_TAG(slot)))
            continue;
        received = true;
        if (s->rx[n].level < aaci_depth(s, s->rxcr[n]))
            aaci_push(&s->rx[n], in->slot[slot]);
        else
            s->events[n] |= SR_RXOVERRUN;
    }
    s->silence[n] = received ? 0 : s->silence[n] + (s->silence[n] < UINT32_MAX);
    if (aaci_timeout(s, n) && s->silence[n] == aaci_timeout(s, n) &&
        s->rx[n].level < aaci_word_samples(s->rxcr[n]))
        s->events[n] |= SR_RXTOFE;
}

static void incoming(Aaci *s, const Ac97Frame *in)
{
    for (unsigned n = 0; n < aaci_channels(s); n++)
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

static void hear(Aaci *s, unsigned rate)
{
    AudioPort *port = &s->dev.env->audio;
    if (s->sound_count && port->output)
        port->output(port->output_opaque, s->sound, s->sound_count, rate);
    s->sound_count = 0;
}

/* In the loop the codec gets nothing, and what it sends is not heard. */
static void run_frame(Aaci *s)
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

static bool linked(const Aaci *s)
{
    return (s->maincr & (MAIN_ENABLE | MAIN_LOWPOWER)) == MAIN_ENABLE && s->reset_pin && !s->sync &&
           ac97_clocked(&s->codec);
}

static uint32_t sooner(uint32_t frames, uint32_t samples, uint32_t cr)
{
    uint32_t after = (samples + aaci_slots(cr) - 1) / aaci_slots(cr);
    return after && after < frames ? after : frames;
}

/* What is ahead for the link: whether it has work, whether the next frame already matters, and otherwise
 * after how many frames something may happen that software or the host wants to know at once. That is a lower
 * bound, as the codec may take less than a sample in each frame. */
typedef struct Ahead {
    bool work, soon;
    uint32_t frames;
} Ahead;

static void look_at_transmitter(const Aaci *s, unsigned n, Ahead *ahead)
{
    uint32_t cr = s->txcr[n], level = s->tx[n].level, half = aaci_depth(s, cr) / 2;
    if (!(cr & CR_ENABLE) || !aaci_slots(cr) || (!level && s->events[n] & SR_TXUNDERRUN))
        return;
    ahead->work = true;
    ahead->soon |= !level;
    ahead->frames = sooner(ahead->frames, level, cr);
    ahead->frames = sooner(ahead->frames, level > half ? level - half : 0, cr);
}

static void look_at_receiver(const Aaci *s, unsigned n, Ahead *ahead)
{
    uint32_t cr = s->rxcr[n], level = s->rx[n].level, all = aaci_depth(s, cr);
    if (!(cr & CR_ENABLE) || !aaci_slots(cr))
        return;
    ahead->work = true;
    ahead->soon |= level >= all && !(s->events[n] & SR_RXOVERRUN);
    ahead->frames = sooner(ahead->frames, level < all ? all - level : 0, cr);
    ahead->frames = sooner(ahead->frames, level < (all + 1) / 2 ? (all + 1) / 2 - level : 0, cr);
    if (aaci_timeout(s, n) > s->silence[n] && aaci_timeout(s, n) - s->silence[n] < ahead->frames)
        ahead->frames = aaci_timeout(s, n) - s->silence[n];
}

uint32_t aaci_frames_ahead(const Aaci *s)
{
    Ahead ahead = {.frames = FRAMES_HEARD};
    if (!linked(s))
        return 0;
    for (unsigned n = 0; n < aaci_channels(s); n++) {
        look_at_transmitter(s, n, &ahead);
        look_at_receiver(s, n, &ahead);
    }
    if (ahead.soon || slots_to_send(s) || s->codec.answering)
        return 1;
    return ahead.work ? ahead.frames : 0;
}

void aaci_catch_up(Aaci *s)
{
    uint64_t now = clock_ns_to_ticks(device_now(&s->dev), AC97_FRAME_HZ);
    if (s->next_frame > now + 1 || s->next_frame + FRAMES_MOST < now)
        s->next_frame = now + 1;
    bool ran = false;
    while (s->next_frame <= now && aaci_frames_ahead(s)) {
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
