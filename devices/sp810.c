/* System controller, PrimeXsys SP810 r0p0 (DDI 0254).
 *
 * Modes, crystal and PLL change at once and change nothing else: the board's clocks do not depend on them,
 * and the timers always run from the clock that SCCTRL's TimerEnSel bits select under an operating system,
 * TIMCLK. Interrupt mode is never entered, since no interrupt is wired to the controller. Writing SCSYSSTAT
 * resets the board. Output 0 is high while RemapClear is set: the board then shows RAM at address 0. The
 * registers for integration tests are not modelled. */
#include "devices/device.h"

/* SCCTRL */
enum {
    MODE_SLOW = 2,   /* 01x; 000 is SLEEP, 001 DOZE */
    MODE_NORMAL = 4, /* 1xx */
    MODE_STATUS_SHIFT = 3,
    REMAP_CLEAR = 1 << 8, /* software asks for RAM at address 0 */
    REMAP_STAT = 1 << 9
};

/* SCXTALCTRL and SCPLLCTRL */
enum { OVERRIDE = 1, OVERRIDE_ENABLE = 2, STATUS = 4 };

typedef struct {
    Device dev;
    uint32_t control, interrupt_mode, interrupt_status, crystal, pll, pll_frequency;
    uint32_t peripheral_control[2], peripheral_clocks;
} State;

/* Modes are entered at once, so that the status names the mode asked for: one bit for DOZE, SLOW, NORMAL. */
static uint32_t mode(const State *s)
{
    if (s->control & MODE_NORMAL)
        return MODE_NORMAL;
    return (s->control & MODE_SLOW) ? MODE_SLOW : s->control & 1;
}

static uint32_t scctrl_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t remapped = s->control & REMAP_CLEAR ? REMAP_STAT : 0;
    return s->control | mode(s) << MODE_STATUS_SHIFT | remapped;
}

static void scsysstat_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    dev->env->request(dev->env->machine, REQUEST_REBOOT);
}

/* The oscillator runs when overridden, or from the mode on that needs it. */
static uint32_t with_status(uint32_t reg, bool needed)
{
    bool on = (reg & OVERRIDE) ? reg & OVERRIDE_ENABLE : needed;
    return reg | (on ? STATUS : 0);
}

static uint32_t scxtalctrl_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return with_status(s->crystal, mode(s) >= MODE_SLOW);
}

static uint32_t scpllctrl_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return with_status(s->pll, mode(s) == MODE_NORMAL);
}

static void scperen_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->peripheral_clocks |= value;
}

static void scperdis_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->peripheral_clocks &= ~value;
}

static uint32_t scperstat_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->peripheral_clocks;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name        offset kind       storage                reset       writable */
    {"SCCTRL",     0x000, REG_RW,    AT(control),           0x1,        0x00fff107, scctrl_read, NULL, 0, 0},
    {"SCSYSSTAT",  0x004, REG_RW,    NO_STORE,              0,          0xffffffff, NULL, scsysstat_written, 0, 0},
    {"SCIMCTRL",   0x008, REG_RW,    AT(interrupt_mode),    0,          0x8f,       NULL, NULL, 0, 0},
    {"SCIMSTAT",   0x00c, REG_RW,    AT(interrupt_status),  0,          0x1,        NULL, NULL, 0, 0},
    {"SCXTALCTRL", 0x010, REG_RW,    AT(crystal),           0,          0x0007fffb, scxtalctrl_read, NULL, 0, 0},
    {"SCPLLCTRL",  0x014, REG_RW,    AT(pll),               0,          0x0ffffffb, scpllctrl_read, NULL, 0, 0},
    {"SCPLLFCTRL", 0x018, REG_RW,    AT(pll_frequency),     0,          0xffffffff, NULL, NULL, 0, 0},
    {"SCPERCTRL",  0x01c, REG_RW,    AT(peripheral_control), 0,         0xffffffff, NULL, NULL, 2, 0},
    {"SCPEREN",    0x024, REG_WO,    NO_STORE,              0,          0xffffffff, NULL, scperen_written, 0, 0},
    {"SCPERDIS",   0x028, REG_WO,    NO_STORE,              0,          0xffffffff, NULL, scperdis_written, 0, 0},
    {"SCPERCLKEN", 0x02c, REG_RO,    AT(peripheral_clocks), 0xffffffff, 0,          NULL, NULL, 0, 0},
    {"SCPERSTAT",  0x030, REG_RO,    NO_STORE,              0,          0,          scperstat_read, NULL, 0, 0},
    {"SCSysID",    0xee0, REG_CONST, NO_STORE,              0,          0,          NULL, NULL, 4, 0},
    {"SCITCR",     0xf00, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 0, 0},
    {"SCITIR",     0xf04, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 2, 0},
    {"SCITOR",     0xf0c, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 0, 0},
    {"SCCNTCTRL",  0xf10, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 0, 0},
    {"SCCNTDATA",  0xf14, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 0, 0},
    {"SCCNTSTEP",  0xf18, REG_UNIMP, NO_STORE,              0,          0,          NULL, NULL, 0, 0},
};
/* clang-format on */

static void update(Device *dev)
{
    State *s = (State *)dev;
    irq_set(&dev->out[0], s->control & REMAP_CLEAR);
}

const DeviceType sp810_type = {
    .name = "sp810",
    .summary = "system controller, PrimeXsys SP810 (DDI 0254)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    .version = 1,
    .periph_id = 0x00041810,
    .outputs = 1,
    .update = update,
};
