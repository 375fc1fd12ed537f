/* Devices that are identified but not modelled: they answer their identification registers, and every other
 * register of theirs is a row that reads as its reset value and is named once in the log. A model replaces
 * its rows here by a file of its own.
 *
 * PL341 dynamic memory controller (DDI 0418) and PL354 static memory controller (DDI 0380) of the A9x4 tile:
 * memory works whatever they are told.
 * ISP1761 USB controller (datasheet of NXP). */
#include "devices/device.h"

/* A device without state; the memory controller has its state machine. */
typedef struct {
    Device dev;
    uint32_t memc_state;
} State;

#define ROWS(table) .regs = table, .reg_count = sizeof table / sizeof *table
/* Most rows: not modelled, one register or an array, with its value after reset. */
#define UNMODELLED(name, offset, count, reset)                                                               \
    {                                                                                                        \
        name, offset, REG_UNIMP, NO_STORE, reset, 0, NULL, NULL, count, 0                                    \
    }
#define CONSTANT(name, offset, count, value)                                                                 \
    {                                                                                                        \
        name, offset, REG_CONST, NO_STORE, value, 0, NULL, NULL, count, 0                                    \
    }

/* clang-format off */

/* ---- PL341 -------------------------------------------------------------------------------------------- */

enum { MEMC_CONFIG, MEMC_READY, MEMC_PAUSED, MEMC_LOW_POWER };
enum { CMD_GO, CMD_SLEEP, CMD_WAKEUP, CMD_PAUSE, CMD_CONFIGURE, CMD_ACTIVE_PAUSE = 7 };

/* Firmware polls the state after each command (DDI 0418 section 2.3.1). */
static void memc_cmd_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    switch (value & 7) {
    case CMD_GO:           s->memc_state = MEMC_READY; break;
    case CMD_SLEEP:        s->memc_state = MEMC_LOW_POWER; break;
    case CMD_WAKEUP:
    case CMD_PAUSE:
    case CMD_ACTIVE_PAUSE: s->memc_state = MEMC_PAUSED; break;
    case CMD_CONFIGURE:    s->memc_state = MEMC_CONFIG; break;
    default:               break;
    }
}

static const RegDef pl341_regs[] = {
    {"memc_status", 0x000, REG_RO, AT(memc_state), MEMC_CONFIG, 0, NULL, NULL,             0, 0},
    {"memc_cmd",    0x004, REG_WO, NO_STORE,       0,           7, NULL, memc_cmd_written, 0, 0},
    UNMODELLED("direct_cmd",    0x008, 1, 0),       UNMODELLED("memory_cfg",   0x00c, 1, 0x00010020),
    UNMODELLED("refresh_prd",   0x010, 1, 0xa60),   UNMODELLED("cas_latency",  0x014, 1, 6),
    UNMODELLED("write_latency", 0x018, 1, 2),       UNMODELLED("t_mrd",        0x01c, 1, 2),
    UNMODELLED("t_ras",         0x020, 1, 0xe),     UNMODELLED("t_rc",         0x024, 1, 0x12),
    UNMODELLED("t_rcd",         0x028, 1, 0x205),   UNMODELLED("t_rfc",        0x02c, 1, 0x2023),
    UNMODELLED("t_rp",          0x030, 1, 0x205),   UNMODELLED("t_rrd",        0x034, 1, 4),
    UNMODELLED("t_wr",          0x038, 1, 5),       UNMODELLED("t_wtr",        0x03c, 1, 4),
    UNMODELLED("t_xp",          0x040, 1, 2),       UNMODELLED("t_xsr",        0x044, 1, 0x27),
    UNMODELLED("t_esr",         0x048, 1, 0x14),    UNMODELLED("memory_cfg2",  0x04c, 1, 0),
    UNMODELLED("memory_cfg3",   0x050, 1, 7),       UNMODELLED("t_faw",        0x054, 1, 0x1114),
    UNMODELLED("id_cfg",        0x100, 16, 0),      UNMODELLED("chip_cfg",     0x200, 4, 0xff00),
    UNMODELLED("user_status",   0x300, 1, 0),       UNMODELLED("user_config0", 0x304, 1, 0),
    UNMODELLED("user_config1",  0x308, 1, 0),       UNMODELLED("feature_ctrl", 0x30c, 1, 0),
    UNMODELLED("int_cfg",       0xe00, 1, 0),       UNMODELLED("int_inputs",   0xe04, 1, 0),
    UNMODELLED("int_outputs",   0xe08, 1, 0),
};

const DeviceType pl341_type = {
    .name = "pl341",
    .summary = "dynamic memory controller, PrimeCell PL341 (DDI 0418), identification only",
    .state_size = sizeof(State),
    .window = 0x1000,
    ROWS(pl341_regs),
    .version = 1,
    .periph_id = 0x00041341,
};

/* ---- PL354 -------------------------------------------------------------------------------------------- */

static const RegDef pl354_regs[] = {
    UNMODELLED("memc_status",      0x000, 1, 0),    UNMODELLED("memif_cfg",        0x004, 1, 0x2d),
    UNMODELLED("memc_cfg_set",     0x008, 1, 0),    UNMODELLED("memc_cfg_clr",     0x00c, 1, 0),
    UNMODELLED("direct_cmd",       0x010, 1, 0),    UNMODELLED("set_cycles",       0x014, 1, 0),
    UNMODELLED("set_opmode",       0x018, 1, 0),    UNMODELLED("refresh_period_0", 0x020, 1, 0),
    UNMODELLED("refresh_period_1", 0x024, 1, 0),
    UNMODELLED("sram_cycles0_0",   0x100, 1, 0x2b3cc), UNMODELLED("opmode0_0",     0x104, 1, 0),
    UNMODELLED("sram_cycles0_1",   0x120, 1, 0x2b3cc), UNMODELLED("opmode0_1",     0x124, 1, 0),
    UNMODELLED("sram_cycles0_2",   0x140, 1, 0x2b3cc), UNMODELLED("opmode0_2",     0x144, 1, 0),
    UNMODELLED("sram_cycles0_3",   0x160, 1, 0x2b3cc), UNMODELLED("opmode0_3",     0x164, 1, 0),
    UNMODELLED("sram_cycles1_0",   0x180, 1, 0x2b3cc), UNMODELLED("opmode1_0",     0x184, 1, 0),
    UNMODELLED("sram_cycles1_1",   0x1a0, 1, 0x2b3cc), UNMODELLED("opmode1_1",     0x1a4, 1, 0),
    UNMODELLED("sram_cycles1_2",   0x1c0, 1, 0x2b3cc), UNMODELLED("opmode1_2",     0x1c4, 1, 0),
    UNMODELLED("sram_cycles1_3",   0x1e0, 1, 0x2b3cc), UNMODELLED("opmode1_3",     0x1e4, 1, 0),
    UNMODELLED("user_status",      0x200, 1, 0),    UNMODELLED("user_config",      0x204, 1, 0),
    UNMODELLED("int_cfg",          0xe00, 1, 0),    UNMODELLED("int_inputs",       0xe04, 1, 0),
    UNMODELLED("int_outputs",      0xe08, 1, 0),
};

const DeviceType pl354_type = {
    .name = "pl354",
    .summary = "static memory controller, PrimeCell PL354 (DDI 0380), identification only",
    .state_size = sizeof(Device),
    .window = 0x1000,
    ROWS(pl354_regs),
    .version = 1,
    .periph_id = 0x00041354,
    .outputs = 2,
};

/* ---- ISP1761 ------------------------------------------------------------------------------------------ */

/* The scratch registers do not keep what is written: that is where a driver gives up. */
static const RegDef isp1761_regs[] = {
    UNMODELLED("CAPLENGTH",        0x000, 1, 0x01000020), UNMODELLED("HCSPARAMS",         0x004, 1, 0x00000011),
    UNMODELLED("HCCPARAMS",        0x008, 1, 0x00000086), UNMODELLED("USBCMD",            0x020, 1, 0x00080b00),
    UNMODELLED("USBSTS",           0x024, 1, 0x00001000), UNMODELLED("FRINDEX",           0x02c, 1, 0),
    UNMODELLED("CONFIGFLAG",       0x060, 1, 0),          UNMODELLED("PORTSC1",           0x064, 1, 0x00002000),
    UNMODELLED("DcAddress",        0x200, 1, 0),          UNMODELLED("DcEndpointMaxPacketSize", 0x204, 1, 0),
    UNMODELLED("DcEndpointType",   0x208, 1, 0),          UNMODELLED("DcMode",            0x20c, 1, 0),
    UNMODELLED("DcInterruptConfiguration", 0x210, 1, 0xfc), UNMODELLED("DcInterruptEnable", 0x214, 1, 0),
    UNMODELLED("DcInterrupt",      0x218, 1, 0),          UNMODELLED("DcBufferLength",    0x21c, 1, 0),
    UNMODELLED("DcDataPort",       0x220, 1, 0),          UNMODELLED("DcControlFunction", 0x228, 1, 0),
    UNMODELLED("DcEndpointIndex",  0x22c, 1, 0x20),
    CONSTANT("DcChipID",           0x270, 1, 0x00158210), UNMODELLED("DcFrameNumber",     0x274, 1, 0),
    UNMODELLED("DcScratch",        0x278, 1, 0),          UNMODELLED("DcTestMode",        0x284, 1, 0),
    UNMODELLED("HW_MODE_CONTROL",  0x300, 1, 0),          CONSTANT("HcChipID",            0x304, 1, 0x00011761),
    UNMODELLED("HcScratch",        0x308, 1, 0),          UNMODELLED("SW_RESET",          0x30c, 1, 0),
    UNMODELLED("HcDMAConfiguration", 0x330, 1, 0),        UNMODELLED("HcBufferStatus",    0x334, 1, 0),
    UNMODELLED("HcInterrupt",      0x310, 1, 0),          UNMODELLED("HcInterruptEnable", 0x314, 1, 0),
    UNMODELLED("HcMemory",         0x33c, 1, 0),          UNMODELLED("PowerDownControl",  0x354, 1, 0x03e81ba0),
};

/* clang-format on */

const DeviceType isp1761_type = {
    .name = "isp1761",
    .summary = "USB controller NXP ISP1761, identification only",
    .state_size = sizeof(Device),
    .window = 0x20000,
    ROWS(isp1761_regs),
    .version = 1,
    .outputs = 1,
};
