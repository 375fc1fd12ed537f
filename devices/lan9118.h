/* LAN9118 Ethernet controller (SMSC LAN9118 datasheet): what its parts share. lan9118.c has the registers on
 * the bus, lan9118_fifo.c the frames, lan9118_mac.c the MAC's and the PHY's own registers, which are reached
 * through it. */
#ifndef ARMATURE_DEVICES_LAN9118_H
#define ARMATURE_DEVICES_LAN9118_H

#include "devices/device.h"

/* FIFO sizes in words: the largest that HW_CFG can give them. */
enum {
    LAN_RX_DATA = 3360,
    LAN_RX_STATUS = 224,
    LAN_TX_DATA = 3456,
    LAN_TX_STATUS = 128,
    LAN_PACKET = 2048,
    LAN_EEPROM = 128
};

/* INT_STS, INT_EN */
#define LAN_SW_INT (1u << 31)
#define LAN_TXSTOP_INT (1u << 25)
#define LAN_RXSTOP_INT (1u << 24)
#define LAN_RXDFH_INT (1u << 23)
#define LAN_TX_IOC (1u << 21)
#define LAN_RXD_INT (1u << 20)
#define LAN_GPT_INT (1u << 19)
#define LAN_PHY_INT (1u << 18)
#define LAN_PME_INT (1u << 17)
#define LAN_TXSO (1u << 16)
#define LAN_RXE (1u << 14)
#define LAN_TXE (1u << 13)
#define LAN_TDFO (1u << 10)
#define LAN_TDFA (1u << 9)
#define LAN_TSFF (1u << 8)
#define LAN_TSFL (1u << 7)
#define LAN_RXDF_INT (1u << 6)
#define LAN_RSFF (1u << 4)
#define LAN_RSFL (1u << 3)

/* TX_CFG */
#define LAN_TXSAO (1u << 2)
#define LAN_TX_ON (1u << 1)

/* PMT_CTRL */
#define LAN_PM_MODE (3u << 12)

/* The MAC's registers, by number. */
enum {
    MAC_CR = 1,
    MAC_ADDRH,
    MAC_ADDRL,
    MAC_HASHH,
    MAC_HASHL,
    MAC_MII_ACC,
    MAC_MII_DATA,
    MAC_FLOW,
    MAC_VLAN1,
    MAC_VLAN2,
    MAC_WUFF,
    MAC_WUCSR,
    MAC_REGS
};

/* MAC_CR */
#define MAC_CR_RXALL (1u << 31)
#define MAC_CR_LOOPBK (1u << 21)
#define MAC_CR_FDPX (1u << 20)
#define MAC_CR_TXEN (1u << 3)
#define MAC_CR_RXEN (1u << 2)

/* A ring of words. */
typedef struct LanRing {
    uint32_t head, used;
} LanRing;

typedef struct Lan9118 {
    Device dev;
    NetPort *port;
    uint32_t irq_cfg, int_sts, int_en, fifo_int, rx_cfg, tx_cfg, hw_cfg, pmt_ctrl, gpio_cfg, gpt_cfg;
    uint32_t word_swap, rx_drop, mac_csr_cmd, mac_csr_data, afc_cfg, e2p_cmd, e2p_data;
    uint32_t mac[MAC_REGS], phy[32];
    bool phy_lost; /* the link was down since the basic status was read */
    bool pin;      /* the interrupt pin is active */
    uint8_t eeprom[LAN_EEPROM];
    bool eeprom_writable;
    Timer deassertion, gpt;
    uint64_t started;     /* virtual ns at which FREE_RUN was 0 */
    uint64_t gpt_started; /* and at which the timer was loaded */
    /* Receiving: data, how many words each frame in it has left, padding that comes before the next one. */
    uint32_t rx_data[LAN_RX_DATA], rx_status[LAN_RX_STATUS], rx_frame[LAN_RX_STATUS];
    LanRing rx_data_ring, rx_status_ring, rx_frame_ring;
    uint32_t rx_frame_words; /* of the first frame, as it came */
    uint32_t rx_padding;
    /* Sending: what was written and not yet looked at; the buffer and the frame that are under way. */
    uint32_t tx_data[LAN_TX_DATA], tx_status[LAN_TX_STATUS];
    LanRing tx_data_ring, tx_status_ring;
    uint32_t tx_state, tx_command_a, tx_command_b;
    uint32_t tx_skip, tx_bytes, tx_words; /* left of the buffer: offset, data, words with padding */
    uint32_t tx_held, tx_length;          /* words taken for the frame, its bytes */
    bool tx_bad, tx_ready;                /* the frame is wrong; it is complete, but cannot leave now */
    uint8_t tx_frame[LAN_PACKET];
} Lan9118;

/* ---- lan9118_fifo.c ---- */

uint32_t lan9118_rx_data_read(Device *dev, const RegAccess *access);
uint32_t lan9118_rx_status_read(Device *dev, const RegAccess *access);
uint32_t lan9118_rx_status_peek(Device *dev, const RegAccess *access);
uint32_t lan9118_tx_status_read(Device *dev, const RegAccess *access);
uint32_t lan9118_tx_status_peek(Device *dev, const RegAccess *access);
void lan9118_tx_data_written(Device *dev, const RegAccess *access, uint32_t value);
uint32_t lan9118_rx_inf_read(Device *dev, const RegAccess *access);
uint32_t lan9118_tx_inf_read(Device *dev, const RegAccess *access);
void lan9118_rx_dump(Lan9118 *s);
void lan9118_rx_skip(Lan9118 *s); /* the rest of the first frame */
void lan9118_tx_dump(Lan9118 *s, bool data, bool status);
/* Sends what can be sent. */
void lan9118_tx_run(Lan9118 *s);
/* NetPort.receive */
bool lan9118_receive(void *opaque, const uint8_t *frame, size_t length);
/* Which of INT_STS's bits hold because of how full the FIFOs are. */
uint32_t lan9118_fifo_levels(const Lan9118 *s);

/* ---- lan9118_mac.c ---- */

void lan9118_mac_reset(Lan9118 *s);
void lan9118_phy_reset(Lan9118 *s);
uint32_t lan9118_mac_read(Lan9118 *s, unsigned number);
void lan9118_mac_write(Lan9118 *s, unsigned number, uint32_t value);
/* Loads the address from the EEPROM if there is one; false if not. */
bool lan9118_load_address(Lan9118 *s);
/* The PHY notices that the cable was put in or pulled out. */
void lan9118_link_changed(void *opaque);
bool lan9118_phy_wants_interrupt(const Lan9118 *s);
bool lan9118_link(const Lan9118 *s);
/* What is sent comes back. */
bool lan9118_loops_back(const Lan9118 *s);
/* Whether a frame is for this station, by its first bytes. */
bool lan9118_wanted(const Lan9118 *s, const uint8_t *frame);
/* While the controller sleeps: whether a frame wakes it. */
bool lan9118_is_magic(const Lan9118 *s, const uint8_t *frame, size_t length);

#endif
