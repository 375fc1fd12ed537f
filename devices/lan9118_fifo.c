/* The LAN9118's FIFOs: datasheet sections 3.12 (transmission) and 3.13 (reception). Frames need no time on
 * the wire. */
#include <string.h>
#include <zlib.h>

#include "devices/lan9118.h"

enum { CRC_BYTES = 4, SHORTEST = 60, LONGEST = 1518 };
enum { LEAST_TYPE = 0x600 /* of Ethernet; below, it is a length */ };

/* TX command A. */
#define TX_IOC (1u << 31)
#define TX_FIRST (1u << 13)
#define TX_LAST (1u << 12)
/* TX command B. */
#define TX_NO_CRC (1u << 13)
#define TX_NO_PADDING (1u << 12)
enum { TX_SIZE = 0x7ff };
enum { STATE_A, STATE_B, STATE_DATA };

/* TX status. */
#define TX_ERROR (1u << 15)
#define TX_LOST_CARRIER (1u << 11)
#define TX_NO_CARRIER (1u << 10)

/* RX status. */
#define RX_FILTER_FAILED (1u << 30)
#define RX_BROADCAST (1u << 13)
#define RX_MULTICAST (1u << 10)
#define RX_TOO_LONG (1u << 7)
#define RX_FRAME_TYPE (1u << 5)
#define RX_ERROR (1u << 15)

enum { FLOW_FCEN = 2 };
enum { WUCSR_MPR = 1 << 5, WUPS_FRAME = 2 << 4 };

/* ---- Rings -------------------------------------------------------------------------------------------- */

static void push(uint32_t *words, uint32_t size, LanRing *ring, uint32_t value)
{
    uint32_t at = ring->head + ring->used++;
    words[at >= size ? at - size : at] = value;
}

static uint32_t pop(const uint32_t *words, uint32_t size, LanRing *ring)
{
    uint32_t value = words[ring->head++];
    if (ring->head == size)
        ring->head = 0;
    ring->used--;
    return value;
}

/* ---- Sizes: HW_CFG divides 16 KiB between both directions --------------------------------------------- */

static uint32_t tx_share(const Lan9118 *s)
{
    uint32_t kib = s->hw_cfg >> 16 & 15;
    return kib < 2 ? 2 : kib > 14 ? 14 : kib;
}

static uint32_t tx_data_words(const Lan9118 *s)
{
    return tx_share(s) * 256 - LAN_TX_STATUS;
}

static uint32_t rx_data_words(const Lan9118 *s)
{
    return (16 - tx_share(s)) * 240;
}

static uint32_t rx_status_words(const Lan9118 *s)
{
    return (16 - tx_share(s)) * 16;
}

static uint32_t tx_free_words(const Lan9118 *s)
{
    uint32_t used = s->tx_data_ring.used + s->tx_held, size = tx_data_words(s);
    return used < size ? size - used : 0;
}

/* FIFO_INT's levels count 64 bytes of space, and words of status. */
uint32_t lan9118_fifo_levels(const Lan9118 *s)
{
    uint32_t levels = 0;
    if (tx_free_words(s) / 16 > s->fifo_int >> 24)
        levels |= LAN_TDFA;
    if (s->tx_status_ring.used > (s->fifo_int >> 16 & 0xff))
        levels |= LAN_TSFL;
    if (s->tx_status_ring.used >= LAN_TX_STATUS)
        levels |= LAN_TSFF;
    if (s->rx_status_ring.used > (s->fifo_int & 0xff))
        levels |= LAN_RSFL;
    if (s->rx_status_ring.used >= rx_status_words(s))
        levels |= LAN_RSFF;
    return levels;
}

uint32_t lan9118_rx_inf_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const Lan9118 *s = (Lan9118 *)dev;
    return s->rx_status_ring.used << 16 | s->rx_data_ring.used * 4;
}

uint32_t lan9118_tx_inf_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const Lan9118 *s = (Lan9118 *)dev;
    return s->tx_status_ring.used << 16 | tx_free_words(s) * 4;
}

/* ---- Receiving ---------------------------------------------------------------------------------------- */

/* End alignment of RX_CFG and of TX command A: to 4, 16 or 32 bytes; in words. */
static uint32_t aligned(uint32_t words, uint32_t code)
{
    static const uint32_t align[] = {1, 4, 8, 1};
    uint32_t to = align[code & 3];
    return (words + to - 1) / to * to;
}

/* Something that is not there was read. */
static uint32_t underrun(Lan9118 *s, const char *what)
{
    log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "%s FIFO read while empty", what);
    s->int_sts |= LAN_RXE;
    return 0;
}

static void end_frame(Lan9118 *s, bool padded)
{
    s->rx_padding = padded ? aligned(s->rx_frame_words, s->rx_cfg >> 30) - s->rx_frame_words : 0;
    pop(s->rx_frame, LAN_RX_STATUS, &s->rx_frame_ring);
    s->rx_frame_words = 0;
    net_deliver(s->port);
}

uint32_t lan9118_rx_data_read(Device *dev, const RegAccess *access)
{
    Lan9118 *s = (Lan9118 *)dev;
    (void)access;
    if (s->rx_padding) {
        s->rx_padding--;
        return 0;
    }
    if (!s->rx_frame_ring.used || !s->rx_data_ring.used)
        return underrun(s, "RX data");
    uint32_t *left = &s->rx_frame[s->rx_frame_ring.head];
    if (!s->rx_frame_words)
        s->rx_frame_words = *left;
    uint32_t value = pop(s->rx_data, LAN_RX_DATA, &s->rx_data_ring);
    if (!--*left)
        end_frame(s, true);
    return value;
}

void lan9118_rx_skip(Lan9118 *s)
{
    s->rx_padding = 0;
    if (!s->rx_frame_ring.used)
        return;
    for (uint32_t left = s->rx_frame[s->rx_frame_ring.head]; left && s->rx_data_ring.used; left--)
        pop(s->rx_data, LAN_RX_DATA, &s->rx_data_ring);
    end_frame(s, false);
}

void lan9118_rx_dump(Lan9118 *s)
{
    s->rx_data_ring = s->rx_status_ring = s->rx_frame_ring = (LanRing){0};
    s->rx_frame_words = s->rx_padding = 0;
    net_deliver(s->port);
}

uint32_t lan9118_rx_status_peek(Device *dev, const RegAccess *access)
{
    (void)access;
    const Lan9118 *s = (Lan9118 *)dev;
    return s->rx_status_ring.used ? s->rx_status[s->rx_status_ring.head] : 0;
}

uint32_t lan9118_rx_status_read(Device *dev, const RegAccess *access)
{
    Lan9118 *s = (Lan9118 *)dev;
    (void)access;
    if (!s->rx_status_ring.used)
        return underrun(s, "RX status");
    uint32_t value = pop(s->rx_status, LAN_RX_STATUS, &s->rx_status_ring);
    net_deliver(s->port);
    return value;
}

static uint32_t rx_status_of(const uint8_t *frame, size_t length, bool wanted)
{
    uint32_t status = (uint32_t)(length + CRC_BYTES) << 16;
    if (!wanted)
        status |= RX_FILTER_FAILED;
    if (frame[0] & 1)
        status |= !memcmp(frame, "\xff\xff\xff\xff\xff\xff", NET_MAC) ? RX_BROADCAST : RX_MULTICAST;
    if (((uint32_t)frame[12] << 8 | frame[13]) >= LEAST_TYPE)
        status |= RX_FRAME_TYPE;
    if (length + CRC_BYTES > LONGEST)
        status |= RX_TOO_LONG | RX_ERROR;
    return status;
}

/* The frame with its check sequence, behind RX_CFG's offset, as whole words. */
static void store_frame(Lan9118 *s, const uint8_t *frame, size_t length, uint32_t offset, uint32_t words)
{
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), frame, (uInt)length);
    uint32_t buffer[(LAN_PACKET + 32 + 8) / 4] = {0};
    memcpy((uint8_t *)buffer + offset, frame, length);
    memcpy((uint8_t *)buffer + offset + length, &crc, sizeof crc);
    for (uint32_t n = 0; n < words; n++)
        push(s->rx_data, LAN_RX_DATA, &s->rx_data_ring, buffer[n]);
    push(s->rx_frame, LAN_RX_STATUS, &s->rx_frame_ring, words);
}

static bool fits(const Lan9118 *s, uint32_t words)
{
    return s->rx_data_ring.used + words <= rx_data_words(s) && s->rx_status_ring.used < rx_status_words(s) &&
           s->rx_frame_ring.used < rx_status_words(s);
}

/* Puts a frame into the FIFOs; false if it does not fit. */
static bool take_frame(Lan9118 *s, const uint8_t *frame, size_t length)
{
    bool wanted = lan9118_wanted(s, frame);
    uint32_t offset = s->rx_cfg >> 8 & 31, words = (uint32_t)(offset + length + CRC_BYTES + 3) / 4;
    if (length > LAN_PACKET - CRC_BYTES || (!wanted && !(s->mac[MAC_CR] & MAC_CR_RXALL)))
        return true;
    if (!fits(s, words))
        return false;
    store_frame(s, frame, length, offset, words);
    push(s->rx_status, LAN_RX_STATUS, &s->rx_status_ring, rx_status_of(frame, length, wanted));
    return true;
}

static void overflow(Lan9118 *s)
{
    if (s->rx_drop++ == 0x7fffffff)
        s->int_sts |= LAN_RXDFH_INT;
    s->int_sts |= LAN_RXDF_INT;
}

static void wake(Lan9118 *s, const uint8_t *frame, size_t length)
{
    if (!lan9118_is_magic(s, frame, length))
        return;
    s->mac[MAC_WUCSR] |= WUCSR_MPR;
    s->pmt_ctrl |= WUPS_FRAME;
    s->int_sts |= LAN_PME_INT;
}

/* With flow control, pause frames make the other end wait while the FIFOs are full; without, frames are lost.
 */
bool lan9118_receive(void *opaque, const uint8_t *frame, size_t length)
{
    Lan9118 *s = opaque;
    uint8_t padded[SHORTEST] = {0};
    bool listens = s->mac[MAC_CR] & MAC_CR_RXEN && !lan9118_loops_back(s);
    if (length < SHORTEST) {
        memcpy(padded, frame, length);
        frame = padded;
        length = SHORTEST;
    }
    if (s->pmt_ctrl & LAN_PM_MODE)
        wake(s, frame, length);
    else if (listens && !take_frame(s, frame, length)) {
        if (s->mac[MAC_FLOW] & FLOW_FCEN && s->mac[MAC_CR] & MAC_CR_FDPX)
            return false;
        overflow(s);
    }
    device_changed(&s->dev);
    return true;
}

/* ---- Sending ------------------------------------------------------------------------------------------ */

uint32_t lan9118_tx_status_peek(Device *dev, const RegAccess *access)
{
    (void)access;
    const Lan9118 *s = (Lan9118 *)dev;
    return s->tx_status_ring.used ? s->tx_status[s->tx_status_ring.head] : 0;
}

uint32_t lan9118_tx_status_read(Device *dev, const RegAccess *access)
{
    Lan9118 *s = (Lan9118 *)dev;
    (void)access;
    if (!s->tx_status_ring.used)
        return 0;
    uint32_t value = pop(s->tx_status, LAN_TX_STATUS, &s->tx_status_ring);
    lan9118_tx_run(s);
    return value;
}

void lan9118_tx_dump(Lan9118 *s, bool data, bool status)
{
    if (status)
        s->tx_status_ring = (LanRing){0};
    if (!data)
        return;
    s->tx_data_ring = (LanRing){0};
    s->tx_state = STATE_A;
    s->tx_held = s->tx_length = s->tx_skip = s->tx_bytes = s->tx_words = 0;
    s->tx_bad = s->tx_ready = false;
}

/* What goes over the wire: with padding, without check sequence. */
static uint32_t wire_length(Lan9118 *s)
{
    uint32_t length = s->tx_length;
    if (s->tx_command_b & TX_NO_CRC)
        return length > CRC_BYTES ? length - CRC_BYTES : 0;
    if (length < SHORTEST && !(s->tx_command_b & TX_NO_PADDING)) {
        memset(s->tx_frame + length, 0, SHORTEST - length);
        length = SHORTEST;
    }
    return length;
}

/* Sends the frame that is complete; false if it has to wait. */
static bool send_frame(Lan9118 *s, uint32_t *status)
{
    uint32_t length = wire_length(s);
    *status = s->tx_command_b & 0xffff0000;
    if (length < NET_HEADER)
        return true;
    if (lan9118_loops_back(s)) {
        if (s->mac[MAC_CR] & MAC_CR_RXEN && !take_frame(s, s->tx_frame, length))
            overflow(s);
        return true;
    }
    if (!lan9118_link(s)) {
        *status |= TX_ERROR | TX_LOST_CARRIER | TX_NO_CARRIER;
        return true;
    }
    return net_send(s->port, s->tx_frame, length);
}

/* False: it stays, until the wire or the status FIFO has room. */
static bool finish_frame(Lan9118 *s)
{
    uint32_t status;
    bool room = s->tx_status_ring.used < LAN_TX_STATUS;
    if ((!room && !(s->tx_cfg & LAN_TXSAO)) || !send_frame(s, &status))
        return false;
    if (room)
        push(s->tx_status, LAN_TX_STATUS, &s->tx_status_ring, status);
    else
        s->int_sts |= LAN_TXSO;
    if (s->tx_command_a & TX_IOC)
        s->int_sts |= LAN_TX_IOC;
    s->tx_held = s->tx_length = 0;
    s->tx_ready = false;
    return true;
}

static void bad_frame(Lan9118 *s, const char *why)
{
    if (!s->tx_bad)
        log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "a frame to send is dropped: %s", why);
    s->tx_bad = true;
    s->int_sts |= LAN_TXE;
}

static void end_buffer(Lan9118 *s)
{
    s->tx_state = STATE_A;
    if (!(s->tx_command_a & TX_LAST))
        return;
    if (s->tx_length != (s->tx_command_b & TX_SIZE))
        bad_frame(s, "its length is not that of its buffers");
    s->tx_ready = !s->tx_bad;
    if (s->tx_bad)
        s->tx_held = s->tx_length = 0;
    s->tx_bad = false;
}

static void begin_buffer(Lan9118 *s, uint32_t command_b)
{
    bool first = s->tx_command_a & TX_FIRST;
    if (first && s->tx_length)
        bad_frame(s, "another one begins before its end");
    if (!first && !s->tx_length && !s->tx_bad)
        bad_frame(s, "it has no first buffer");
    if (first && !s->tx_bad)
        s->tx_command_b = command_b;
    else if (command_b != s->tx_command_b)
        bad_frame(s, "its buffers' commands B differ");
    s->tx_command_b = command_b;
    s->tx_skip = s->tx_command_a >> 16 & 31;
    s->tx_bytes = s->tx_command_a & TX_SIZE;
    s->tx_words = aligned((s->tx_skip + s->tx_bytes + 3) / 4, s->tx_command_a >> 24);
    s->tx_state = STATE_DATA;
    if (!s->tx_words)
        end_buffer(s);
}

static void take_data(Lan9118 *s, uint32_t word)
{
    uint8_t bytes[4];
    uint32_t skip = s->tx_skip < 4 ? s->tx_skip : 4, count = 4 - skip;
    memcpy(bytes, &word, sizeof bytes);
    s->tx_skip -= skip;
    if (count > s->tx_bytes)
        count = s->tx_bytes;
    s->tx_bytes -= count;
    if (s->tx_length + count > LAN_PACKET) {
        bad_frame(s, "it is longer than 2047 bytes");
    } else {
        memcpy(s->tx_frame + s->tx_length, bytes + skip, count);
        s->tx_length += count;
    }
    if (!--s->tx_words)
        end_buffer(s);
}

static void take_word(Lan9118 *s)
{
    uint32_t word = pop(s->tx_data, LAN_TX_DATA, &s->tx_data_ring);
    s->tx_held++;
    switch (s->tx_state) {
    case STATE_A:
        s->tx_command_a = word;
        s->tx_state = STATE_B;
        break;
    case STATE_B:
        begin_buffer(s, word);
        break;
    default:
        take_data(s, word);
        break;
    }
}

void lan9118_tx_run(Lan9118 *s)
{
    while (s->tx_cfg & LAN_TX_ON && s->mac[MAC_CR] & MAC_CR_TXEN) {
        if (s->tx_ready && !finish_frame(s))
            return;
        if (!s->tx_data_ring.used)
            return;
        take_word(s);
    }
}

void lan9118_tx_data_written(Device *dev, const RegAccess *access, uint32_t value)
{
    Lan9118 *s = (Lan9118 *)dev;
    (void)access;
    if (!tx_free_words(s)) {
        s->int_sts |= LAN_TDFO;
        return;
    }
    push(s->tx_data, LAN_TX_DATA, &s->tx_data_ring, value);
    lan9118_tx_run(s);
}
