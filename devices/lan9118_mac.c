/* The LAN9118's MAC and PHY: datasheet sections 5.4 and 5.5. The PHY is number 1 on the MII bus; its partner
 * at the other end of the cable can do 100 Mbit/s, full duplex and pause frames, and negotiates at once. */
#include <string.h>

#include "devices/lan9118.h"

#define MAC_CR_BITS 0x80bfbdecu /* all that there are */

enum {
    MAC_CR_RESET = 0x00040000,
    MAC_CR_MCPAS = 1 << 19,
    MAC_CR_PRMS = 1 << 18,
    MAC_CR_INVFILT = 1 << 17,
    MAC_CR_HFILT = 1 << 15,
    MAC_CR_HPFILT = 1 << 13,
    MAC_CR_BCAST = 1 << 11
};
enum { MII_WRITE = 2, PHY_NUMBER = 1 };
enum {
    WUCSR_GUE = 1 << 9,
    WUCSR_WUFR = 1 << 6,
    WUCSR_MPR = 1 << 5,
    WUCSR_WAKE_EN = 1 << 2,
    WUCSR_MPEN = 1 << 1
};

/* The PHY's registers. */
enum {
    BCR = 0,
    BSR = 1,
    ID1 = 2,
    ID2 = 3,
    ANAR = 4,
    ANLPAR = 5,
    ANER = 6,
    MODE = 17,
    SPECIAL_MODES = 18,
    INT_SOURCE = 29,
    INT_MASK = 30,
    SPECIAL_STATUS = 31
};
enum {
    BCR_RESET = 1 << 15,
    BCR_LOOPBACK = 1 << 14,
    BCR_SPEED = 1 << 13,
    BCR_AUTO = 1 << 12,
    BCR_POWER_DOWN = 1 << 11,
    BCR_RESTART = 1 << 9,
    BCR_DUPLEX = 1 << 8
};
enum { BSR_ABLE = 0x7809, BSR_AUTO_DONE = 1 << 5, BSR_LINK = 1 << 2 };
enum { PARTNER = 0x45e1, PARTNER_ABLE = 1, MODE_ENERGYON = 2 };
enum {
    SOURCE_ENERGYON = 1 << 7,
    SOURCE_AUTO_DONE = 1 << 6,
    SOURCE_LINK_DOWN = 1 << 4,
    SOURCE_PARTNER_ACK = 1 << 3
};
enum { STATUS_AUTO_DONE = 1 << 12, SPEED_SHIFT = 2, SPEED_10 = 1, SPEED_100 = 2, SPEED_FULL = 4 };

/* ---- The PHY ------------------------------------------------------------------------------------------ */

bool lan9118_link(const Lan9118 *s)
{
    return s->port->connected && !(s->phy[BCR] & (BCR_POWER_DOWN | BCR_LOOPBACK));
}

static bool negotiated(const Lan9118 *s)
{
    return lan9118_link(s) && s->phy[BCR] & BCR_AUTO;
}

static void note_link(Lan9118 *s)
{
    if (!lan9118_link(s)) {
        s->phy_lost = true;
        s->phy[INT_SOURCE] |= SOURCE_LINK_DOWN;
    } else {
        s->phy[INT_SOURCE] |= SOURCE_ENERGYON | (negotiated(s) ? SOURCE_AUTO_DONE | SOURCE_PARTNER_ACK : 0);
    }
}

void lan9118_phy_reset(Lan9118 *s)
{
    memset(s->phy, 0, sizeof s->phy);
    s->phy[BCR] = BCR_SPEED | BCR_AUTO;
    s->phy[ID1] = 0x0007;
    s->phy[ID2] = 0xc0d1;
    s->phy[ANAR] = 0x01e1;
    s->phy[SPECIAL_MODES] = 0x00e0 | PHY_NUMBER;
    s->phy_lost = !lan9118_link(s);
}

void lan9118_link_changed(void *opaque)
{
    Lan9118 *s = opaque;
    note_link(s);
    device_changed(&s->dev);
}

bool lan9118_phy_wants_interrupt(const Lan9118 *s)
{
    return s->phy[INT_SOURCE] & s->phy[INT_MASK];
}

static uint32_t basic_status(Lan9118 *s)
{
    uint32_t value = BSR_ABLE | (negotiated(s) ? BSR_AUTO_DONE : 0);
    if (lan9118_link(s) && !s->phy_lost)
        value |= BSR_LINK;
    s->phy_lost = !lan9118_link(s);
    return value;
}

static uint32_t special_status(const Lan9118 *s)
{
    bool fast = s->phy[BCR] & BCR_SPEED, full = s->phy[BCR] & BCR_DUPLEX;
    if (negotiated(s)) {
        uint32_t common = s->phy[ANAR] & PARTNER;
        fast = common & 0x180;
        full = common & (fast ? 0x100 : 0x40);
    }
    return (negotiated(s) ? STATUS_AUTO_DONE : 0) | ((fast ? SPEED_100 : SPEED_10) | (full ? SPEED_FULL : 0))
                                                        << SPEED_SHIFT;
}

static uint32_t phy_read(Lan9118 *s, unsigned number)
{
    uint32_t value = s->phy[number];
    switch (number) {
    case BSR:
        return basic_status(s);
    case ANLPAR:
        return negotiated(s) ? PARTNER : 0;
    case ANER:
        return negotiated(s) ? PARTNER_ABLE : 0;
    case MODE:
        return value | (s->port->connected ? MODE_ENERGYON : 0);
    case INT_SOURCE:
        s->phy[INT_SOURCE] = 0;
        return value;
    case SPECIAL_STATUS:
        return special_status(s);
    default:
        return value;
    }
}

static void control_written(Lan9118 *s, uint32_t value)
{
    bool had_link = lan9118_link(s);
    if (value & BCR_RESET) {
        lan9118_phy_reset(s);
        return;
    }
    s->phy[BCR] =
        value & (BCR_LOOPBACK | BCR_SPEED | BCR_AUTO | BCR_POWER_DOWN | 1 << 10 | BCR_DUPLEX | 1 << 7);
    if (had_link != lan9118_link(s) || value & BCR_RESTART)
        note_link(s);
}

static void phy_write(Lan9118 *s, unsigned number, uint32_t value)
{
    static const uint16_t writable[32] = {
        [ANAR] = 0xbfff, [MODE] = 0x2000, [SPECIAL_MODES] = 0xffff, [27] = 0xffff, [INT_MASK] = 0xff};
    if (number == BCR)
        control_written(s, value);
    else
        s->phy[number] = (s->phy[number] & ~(uint32_t)writable[number]) | (value & writable[number]);
}

/* Writing the register starts the access, with or without its busy bit, and ends it. */
static void mii_access(Lan9118 *s, uint32_t command)
{
    unsigned phy = command >> 11 & 31, number = command >> 6 & 31;
    s->mac[MAC_MII_ACC] = command & 0xffc2;
    if (command & MII_WRITE) {
        if (phy == PHY_NUMBER)
            phy_write(s, number, s->mac[MAC_MII_DATA]);
    } else {
        s->mac[MAC_MII_DATA] = phy == PHY_NUMBER ? phy_read(s, number) : 0xffff;
    }
}

bool lan9118_loops_back(const Lan9118 *s)
{
    return s->mac[MAC_CR] & MAC_CR_LOOPBK || s->phy[BCR] & BCR_LOOPBACK;
}

/* ---- The MAC ------------------------------------------------------------------------------------------ */

bool lan9118_load_address(Lan9118 *s)
{
    enum { MAGIC = 0xa5 };
    const uint8_t *e = s->eeprom;
    if (e[0] != MAGIC)
        return false;
    s->mac[MAC_ADDRL] = e[1] | (uint32_t)e[2] << 8 | (uint32_t)e[3] << 16 | (uint32_t)e[4] << 24;
    s->mac[MAC_ADDRH] = e[5] | (uint32_t)e[6] << 8;
    return true;
}

void lan9118_mac_reset(Lan9118 *s)
{
    memset(s->mac, 0, sizeof s->mac);
    s->mac[MAC_CR] = MAC_CR_RESET;
    s->mac[MAC_ADDRH] = 0xffff;
    s->mac[MAC_ADDRL] = 0xffffffff;
    lan9118_load_address(s);
}

uint32_t lan9118_mac_read(Lan9118 *s, unsigned number)
{
    if (number && number < MAC_REGS && number != MAC_WUFF)
        return s->mac[number];
    log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "MAC register %u read, which there is not", number);
    return 0;
}

static void mac_control_written(Lan9118 *s, uint32_t value)
{
    uint32_t stopped = s->mac[MAC_CR] & ~value;
    s->mac[MAC_CR] = value & MAC_CR_BITS;
    if (stopped & MAC_CR_RXEN)
        s->int_sts |= LAN_RXSTOP_INT;
    if (stopped & MAC_CR_TXEN)
        s->int_sts |= LAN_TXSTOP_INT;
    lan9118_tx_run(s);
    net_deliver(s->port);
}

void lan9118_mac_write(Lan9118 *s, unsigned number, uint32_t value)
{
    static const uint32_t writable[MAC_REGS] = {
        [MAC_ADDRH] = 0xffff,
        [MAC_ADDRL] = 0xffffffff,
        [MAC_HASHH] = 0xffffffff,
        [MAC_HASHL] = 0xffffffff,
        [MAC_MII_DATA] = 0xffff,
        [MAC_FLOW] = 0xffff0006,
        [MAC_VLAN1] = 0xffff,
        [MAC_VLAN2] = 0xffff,
        [MAC_WUCSR] = WUCSR_GUE | WUCSR_WAKE_EN | WUCSR_MPEN,
    };
    switch (number) {
    case MAC_CR:
        mac_control_written(s, value);
        break;
    case MAC_MII_ACC:
        mii_access(s, value);
        break;
    case MAC_WUCSR: /* what woke it is cleared by ones */
        s->mac[number] &= ~(value & (WUCSR_WUFR | WUCSR_MPR)) & ~writable[number];
        s->mac[number] |= value & writable[number];
        break;
    case MAC_WUFF:
        log_unmodelled(s->dev.env->log, s->dev.name, "WUFF", LOG_NO_OFFSET, true);
        break;
    default:
        if (number && number < MAC_REGS)
            s->mac[number] = value & writable[number];
        else
            log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "MAC register %u written, which there is not",
                     number);
    }
}

/* ---- Which frames are for this station ---------------------------------------------------------------- */

/* The upper six bits of the CRC over the destination address, as it goes over the wire. */
static unsigned hash(const uint8_t *address)
{
    uint32_t crc = 0xffffffff;
    for (unsigned n = 0; n < NET_MAC; n++)
        for (unsigned bit = 0; bit < 8; bit++) {
            uint32_t out = crc >> 31 ^ (address[n] >> bit & 1);
            crc = crc << 1 ^ (out ? 0x04c11db7 : 0);
        }
    return crc >> 26;
}

static bool in_hash_table(const Lan9118 *s, const uint8_t *address)
{
    unsigned bit = hash(address);
    return s->mac[bit & 32 ? MAC_HASHH : MAC_HASHL] >> (bit & 31) & 1;
}

static bool is_own(const Lan9118 *s, const uint8_t *address)
{
    uint32_t low =
        address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 | (uint32_t)address[3] << 24;
    return low == s->mac[MAC_ADDRL] && (address[4] | (uint32_t)address[5] << 8) == s->mac[MAC_ADDRH];
}

static bool is_broadcast(const uint8_t *address)
{
    static const uint8_t all[NET_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return !memcmp(address, all, NET_MAC);
}

/* The table of filtering modes in section 4. */
bool lan9118_wanted(const Lan9118 *s, const uint8_t *frame)
{
    uint32_t control = s->mac[MAC_CR];
    bool group = frame[0] & 1;
    if (is_broadcast(frame))
        return !(control & MAC_CR_BCAST);
    if (control & MAC_CR_PRMS || (group && control & MAC_CR_MCPAS))
        return true;
    if (control & MAC_CR_HPFILT && (group || control & MAC_CR_HFILT))
        return in_hash_table(s, frame);
    return is_own(s, frame) != (bool)(control & MAC_CR_INVFILT);
}

/* Six bytes of ones, then the address 16 times, anywhere in a frame that is for this station. */
bool lan9118_is_magic(const Lan9118 *s, const uint8_t *frame, size_t length)
{
    enum { TIMES = 16, PATTERN = NET_MAC * (TIMES + 1) };
    if (!(s->mac[MAC_WUCSR] & WUCSR_MPEN) || !lan9118_wanted(s, frame))
        return false;
    for (size_t at = NET_HEADER; at + PATTERN <= length; at++) {
        unsigned times = 0;
        if (!is_broadcast(frame + at))
            continue;
        while (times < TIMES && is_own(s, frame + at + NET_MAC * (times + 1u)))
            times++;
        if (times == TIMES)
            return true;
    }
    return false;
}
