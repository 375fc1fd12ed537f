/* LAN9118 Ethernet controller (SMSC LAN9118 datasheet), identification only: a driver finds the chip, ready,
 * and a management bus on which no PHY answers, and gives up. */
#include "devices/device.h"

enum { MAC_MII_DATA = 7, MAC_CSR_BUSY = 31 };
enum { FREE_RUN_HZ = 25000000 };

typedef struct {
    Device dev;
    uint32_t mac_csr_cmd;
    uint64_t started; /* virtual ns at which FREE_RUN was 0 */
} State;

/* Commands complete at once. Nothing drives the MII data line. */
static void mac_csr_cmd_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->mac_csr_cmd = value & ~(1u << MAC_CSR_BUSY);
}

static uint32_t mac_csr_data_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (((State *)dev)->mac_csr_cmd & 0xff) == MAC_MII_DATA ? 0xffff : 0;
}

static uint32_t free_run_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)clock_ns_to_ticks(device_now(dev) - ((State *)dev)->started, FREE_RUN_HZ);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name             offset kind       storage          reset    writable read              written                  */
    {"RX_DATA_FIFO",    0x000, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                8, 0},
    {"TX_DATA_FIFO",    0x020, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                8, 0},
    {"RX_STATUS_FIFO",  0x040, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"RX_STATUS_PEEK",  0x044, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"TX_STATUS_FIFO",  0x048, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"TX_STATUS_PEEK",  0x04c, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"ID_REV",          0x050, REG_CONST, NO_STORE,        0x01180001, 0, NULL,              NULL,                0, 0},
    {"IRQ_CFG",         0x054, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"INT_STS",         0x058, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"INT_EN",          0x05c, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"BYTE_TEST",       0x064, REG_CONST, NO_STORE,        0x87654321, 0, NULL,              NULL,                0, 0},
    {"FIFO_INT",        0x068, REG_UNIMP, NO_STORE,        0x48000000, 0, NULL,              NULL,                0, 0},
    {"RX_CFG",          0x06c, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"TX_CFG",          0x070, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"HW_CFG",          0x074, REG_UNIMP, NO_STORE,        0x00050000, 0, NULL,              NULL,                0, 0},
    {"RX_DP_CTRL",      0x078, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"RX_FIFO_INF",     0x07c, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"TX_FIFO_INF",     0x080, REG_UNIMP, NO_STORE,        0x00001200, 0, NULL,              NULL,                0, 0},
    {"PMT_CTRL",        0x084, REG_UNIMP, NO_STORE,        0x00000001, 0, NULL,              NULL,                0, 0},
    {"GPIO_CFG",        0x088, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"GPT_CFG",         0x08c, REG_UNIMP, NO_STORE,        0x0000ffff, 0, NULL,              NULL,                0, 0},
    {"GPT_CNT",         0x090, REG_UNIMP, NO_STORE,        0x0000ffff, 0, NULL,              NULL,                0, 0},
    {"WORD_SWAP",       0x098, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"FREE_RUN",        0x09c, REG_RO,    NO_STORE,        0,          0, free_run_read,     NULL,                0, 0},
    {"RX_DROP",         0x0a0, REG_RO,    NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"MAC_CSR_CMD",     0x0a4, REG_RW,    AT(mac_csr_cmd), 0, 0xc00000ff, NULL,              mac_csr_cmd_written, 0, 0},
    {"MAC_CSR_DATA",    0x0a8, REG_UNIMP, NO_STORE,        0,          0, mac_csr_data_read, NULL,                0, 0},
    {"AFC_CFG",         0x0ac, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"E2P_CMD",         0x0b0, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
    {"E2P_DATA",        0x0b4, REG_UNIMP, NO_STORE,        0,          0, NULL,              NULL,                0, 0},
};

static const FieldDef fields[] = {
    FIELD(started, FIELD_U64),
};
/* clang-format on */

static void reset(Device *dev)
{
    ((State *)dev)->started = device_now(dev);
}

const DeviceType lan9118_type = {
    .name = "lan9118",
    .summary = "Ethernet controller SMSC LAN9118, identification only",
    .state_size = sizeof(State),
    .window = 0x10000,
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .version = 1,
    .outputs = 1,
    .reset = reset,
};
