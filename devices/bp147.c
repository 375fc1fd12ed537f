/* TrustZone protection controller, PrimeCell Infrastructure BP147 (DTO 0015).
 *
 * Keeps which parts of the daughterboard's memory and peripherals Non-secure software may use. The decode
 * signals lead to bus logic that is not modelled: nothing is hidden from Non-secure accesses. */
#include "devices/device.h"

enum { DECPROT_BITS = 0xff, R0SIZE_BITS = 0x3ff, R0SIZE_WHOLE = 0x200 };

typedef struct {
    Device dev;
    uint32_t r0size;
    uint32_t protection[3];
} State;

/* Status, set and clear of each decode group lie 4 bytes apart, the groups 12. */
static uint32_t *group(Device *dev, const RegAccess *access)
{
    return &((State *)dev)->protection[(access->offset - 0x800) / 12];
}

static void set_written(Device *dev, const RegAccess *access, uint32_t value)
{
    *group(dev, access) |= value;
}

static void clr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    *group(dev, access) &= ~value;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name              offset kind    storage           reset         writable      read  written */
    {"TZPCR0SIZE",       0x000, REG_RW, AT(r0size),       R0SIZE_WHOLE, R0SIZE_BITS,  NULL, NULL,        0, 0},
    {"TZPCDECPROT0Stat", 0x800, REG_RO, AT(protection[0]), 0,           0,            NULL, NULL,        0, 0},
    {"TZPCDECPROT0Set",  0x804, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, set_written, 0, 0},
    {"TZPCDECPROT0Clr",  0x808, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, clr_written, 0, 0},
    {"TZPCDECPROT1Stat", 0x80c, REG_RO, AT(protection[1]), 0,           0,            NULL, NULL,        0, 0},
    {"TZPCDECPROT1Set",  0x810, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, set_written, 0, 0},
    {"TZPCDECPROT1Clr",  0x814, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, clr_written, 0, 0},
    {"TZPCDECPROT2Stat", 0x818, REG_RO, AT(protection[2]), 0,           0,            NULL, NULL,        0, 0},
    {"TZPCDECPROT2Set",  0x81c, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, set_written, 0, 0},
    {"TZPCDECPROT2Clr",  0x820, REG_WO, NO_STORE,         0,            DECPROT_BITS, NULL, clr_written, 0, 0},
};
/* clang-format on */

const DeviceType bp147_type = {
    .name = "bp147",
    .summary = "TrustZone protection controller, BP147 (DTO 0015)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    .version = 1,
    .periph_id = 0x00041870,
};
