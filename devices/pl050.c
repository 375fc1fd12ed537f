/* PL050 keyboard/mouse interface: PrimeCell PS2 Keyboard/Mouse Interface (PL050) r1p0, DDI 0143, with nothing
 * plugged in: the lines are high, what is sent goes nowhere, nothing is ever received. Not modelled: the
 * transmitter (its buffer is always empty) and both interrupts. */
#include "devices/device.h"

enum { STAT_DATA_IN = 1 << 0, STAT_CLK_IN = 1 << 1, STAT_TXEMPTY = 1 << 6 };

typedef struct {
    Device dev;
    uint32_t cr, clkdiv;
} State;

/* clang-format off */
static const RegDef regs[] = {
    /* name       offset kind       storage     reset                                       writable */
    {"KMICR",     0x000, REG_RW,    AT(cr),     0,                                          0x3f, NULL, NULL, 0, 0},
    {"KMISTAT",   0x004, REG_RO,    NO_STORE,   STAT_TXEMPTY | STAT_CLK_IN | STAT_DATA_IN,  0,    NULL, NULL, 0, 0},
    {"KMIDATA",   0x008, REG_UNIMP, NO_STORE,   0,                                          0,    NULL, NULL, 0, 0},
    {"KMICLKDIV", 0x00c, REG_RW,    AT(clkdiv), 0,                                          0xf,  NULL, NULL, 0, 0},
    {"KMIIR",     0x010, REG_RO,    NO_STORE,   0,                                          0,    NULL, NULL, 0, 0},
};
/* clang-format on */

const DeviceType pl050_type = {
    .name = "pl050",
    .summary = "keyboard and mouse interface, PrimeCell PL050 (DDI 0143), nothing plugged in",
    .state_size = sizeof(State),
    .window = 0x1000,
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .version = 1,
    .periph_id = 0x00041050,
    .outputs = 1,
};
