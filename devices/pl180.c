/* PL180 multimedia card interface: PrimeCell MCI (PL180) r1p0, DDI 0172, with no card in the slot: a command
 * that waits for a response times out, one that does not is sent, and no data ever move. Not modelled: the
 * data path.
 *
 * Outputs: 0 MCIINTR0, 1 MCIINTR1. */
#include "devices/device.h"

enum { COMMAND_RESPONSE = 1 << 6, COMMAND_ENABLE = 1 << 10 };
enum { DATA_CTRL_ENABLE = 1 << 0 };
enum {
    STATUS_CMD_TIMEOUT = 1 << 2,
    STATUS_DATA_TIMEOUT = 1 << 3,
    STATUS_CMD_SENT = 1 << 7,
    STATUS_STATIC = 0x7ff
};

typedef struct {
    Device dev;
    uint32_t power, clock, argument, command, data_timer, data_length, data_ctrl, status, mask0, mask1;
} State;

static void command_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    if (value & COMMAND_ENABLE)
        ((State *)dev)->status |= value & COMMAND_RESPONSE ? STATUS_CMD_TIMEOUT : STATUS_CMD_SENT;
}

/* Data are never received; a transmission waits for a card that does not answer. */
static void data_ctrl_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    if (value & DATA_CTRL_ENABLE)
        ((State *)dev)->status |= STATUS_DATA_TIMEOUT;
}

static void clear_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->status &= ~value;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name            offset kind       storage         reset writable    read  written            */
    {"MCIPower",       0x000, REG_RW,    AT(power),       0,   0xff,       NULL, NULL,              0, 0},
    {"MCIClock",       0x004, REG_RW,    AT(clock),       0,   0xfff,      NULL, NULL,              0, 0},
    {"MCIArgument",    0x008, REG_RW,    AT(argument),    0,   0xffffffff, NULL, NULL,              0, 0},
    {"MCICommand",     0x00c, REG_RW,    AT(command),     0,   0x7ff,      NULL, command_written,   0, 0},
    {"MCIRespCommand", 0x010, REG_RO,    NO_STORE,        0,   0,          NULL, NULL,              0, 0},
    {"MCIResponse",    0x014, REG_RO,    NO_STORE,        0,   0,          NULL, NULL,              4, 0},
    {"MCIDataTimer",   0x024, REG_RW,    AT(data_timer),  0,   0xffffffff, NULL, NULL,              0, 0},
    {"MCIDataLength",  0x028, REG_RW,    AT(data_length), 0,   0xffff,     NULL, NULL,              0, 0},
    {"MCIDataCtrl",    0x02c, REG_RW,    AT(data_ctrl),   0,   0xff,       NULL, data_ctrl_written, 0, 0},
    {"MCIDataCnt",     0x030, REG_RO,    NO_STORE,        0,   0,          NULL, NULL,              0, 0},
    {"MCIStatus",      0x034, REG_RO,    AT(status),      0,   0,          NULL, NULL,              0, 0},
    {"MCIClear",       0x038, REG_WO,    NO_STORE,        0,   STATUS_STATIC, NULL, clear_written,  0, 0},
    {"MCIMask0",       0x03c, REG_RW,    AT(mask0),       0,   0x3fffff,   NULL, NULL,              0, 0},
    {"MCIMask1",       0x040, REG_RW,    AT(mask1),       0,   0x3fffff,   NULL, NULL,              0, 0},
    {"MCISelect",      0x044, REG_UNIMP, NO_STORE,        0,   0,          NULL, NULL,              0, 0},
    {"MCIFifoCnt",     0x048, REG_RO,    NO_STORE,        0,   0,          NULL, NULL,              0, 0},
    {"MCIFIFO",        0x080, REG_UNIMP, NO_STORE,        0,   0,          NULL, NULL,             16, 0},
};
/* clang-format on */

static void update(Device *dev)
{
    State *s = (State *)dev;
    irq_set(&dev->out[0], s->status & s->mask0);
    irq_set(&dev->out[1], s->status & s->mask1);
}

const DeviceType pl180_type = {
    .name = "pl180",
    .summary = "multimedia card interface, PrimeCell PL180 (DDI 0172), no card",
    .state_size = sizeof(State),
    .window = 0x1000,
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .version = 1,
    .periph_id = 0x00041180,
    .outputs = 2,
    .update = update,
};
