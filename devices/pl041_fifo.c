/* The PL041's FIFOs, and the status and interrupts that follow from what they hold. */
#include "devices/pl041.h"

uint32_t aaci_channels(const Aaci *s)
{
    return s->dev.props.value[0] ? s->dev.props.value[0] : CHANNELS;
}

/* Without FIFO, there is room for one word. */
uint32_t aaci_depth(const Aaci *s, uint32_t cr)
{
    if (!(cr & CR_FIFO))
        return cr & CR_COMPACT ? 2 : 1;
    return s->dev.props.value[1] ? s->dev.props.value[1] : 8;
}

uint32_t aaci_word_samples(uint32_t cr)
{
    return cr & CR_COMPACT ? 2 : 1;
}

unsigned aaci_sample_bits(uint32_t cr)
{
    static const uint8_t bits[4] = {16, 18, 20, 12};
    return bits[cr >> 13 & 3];
}

void aaci_push(Fifo *fifo, uint32_t sample)
{
    fifo->sample[(fifo->head + fifo->level++) % FIFO_MOST] = sample;
}

uint32_t aaci_pop(Fifo *fifo)
{
    uint32_t sample = fifo->sample[fifo->head];
    fifo->head = (fifo->head + 1) % FIFO_MOST;
    fifo->level--;
    return sample;
}

uint32_t aaci_slots(uint32_t cr)
{
    return (uint32_t)__builtin_popcount(cr & CR_SLOTS);
}

uint32_t aaci_timeout(const Aaci *s, unsigned n)
{
    return s->rxcr[n] >> 17;
}

/* ---- Status ------------------------------------------------------------------------------------------- */

uint32_t aaci_tx_status(const Aaci *s, unsigned n)
{
    uint32_t cr = s->txcr[n], level = s->tx[n].level, all = aaci_depth(s, cr);
    return (level ? 0 : SR_TXFE) | (level <= (cr & CR_FIFO ? all / 2 : 0) ? SR_TXHE : 0) |
           (level + aaci_word_samples(cr) > all ? SR_TXFF : 0) | (level && cr & CR_ENABLE ? SR_TXBUSY : 0);
}

static uint32_t rx_status(const Aaci *s, unsigned n)
{
    uint32_t cr = s->rxcr[n], level = s->rx[n].level, all = aaci_depth(s, cr);
    bool late = aaci_timeout(s, n) && s->silence[n] >= aaci_timeout(s, n) && level >= aaci_word_samples(cr);
    return (level < aaci_word_samples(cr) ? SR_RXFE : 0) | (level >= (all + 1) / 2 ? SR_RXHF : 0) |
           (level >= all ? SR_RXFF : 0) | (late ? SR_RXTIMEOUT : 0);
}

uint32_t aaci_status(const Aaci *s, unsigned n)
{
    return aaci_tx_status(s, n) | rx_status(s, n) | s->events[n];
}

/* Half a FIFO asks for service; without FIFO, its one word does. */
uint32_t aaci_interrupts(const Aaci *s, unsigned n)
{
    uint32_t sr = aaci_status(s, n), rx = s->rxcr[n] & CR_FIFO ? sr & SR_RXHF : ~sr & SR_RXFE;
    uint32_t raw = (sr & SR_TXFE ? INT_TXCOMPLETE : 0) | (sr & SR_RXTIMEOUT ? INT_RXTIMEOUT : 0) |
                   (sr & SR_TXHE ? INT_TX : 0) | (rx ? INT_RX : 0) | (sr & SR_RXOVERRUN ? INT_RXOVERRUN : 0) |
                   (sr & SR_TXUNDERRUN ? INT_TXUNDERRUN : 0) | (sr & SR_RXTOFE ? INT_RXTOFE : 0);
    return raw & s->ie[n];
}

uint32_t aaci_all_interrupts(const Aaci *s)
{
    uint32_t all = 0;
    for (unsigned n = 0; n < aaci_channels(s); n++)
        all |= aaci_interrupts(s, n) << (INT_BITS * n);
    return all;
}

uint32_t aaci_slot_flags(const Aaci *s)
{
    uint32_t flags = s->gpio ? SLFR_GPIO : 0;
    for (unsigned n = 0; n < SLOT_REGS; n++) {
        bool pending = s->slot_pending >> n & 1;
        flags |= (pending ? 2u : 0) << (2 * n);
        flags |= ((s->slot_valid >> n & 1) | (pending ? 0 : 2u)) << (SLFR_STATUS + 2 * n);
    }
    return flags;
}
