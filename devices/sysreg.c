/* System registers of the Motherboard Express uATX (V2M-P1), DUI 0447 chapter 4, with the configuration bus
 * to the microcontrollers of the motherboard (site 0) and of the CoreTile Express A9x4 (site 1, DUI 0448).
 *
 * The configuration bus completes at once. There is nothing at site 2. Oscillators take what the boards'
 * clock generators can make; of the devices, the display controllers get their clocks from them. MUXFPGA
 * chooses whose picture is at the DVI connector. DVIMODE tells the motherboard's FPGA the size of the
 * picture, which is taken from the display controller here: it only stores. Sensors read typical values.
 *
 * Properties: value[0] initial SYS_SW, value[1] initial SYS_CFGSW (the motherboard's config.txt sets both).
 * Inputs: 0 MMC card present, 1 MMC card write-protected.
 * Outputs: 0 SWINT (motherboard interrupt 1). */
#include "devices/device.h"

enum { HZ_100 = 100, HZ_24M = 24000000 };
enum { MCI_CARD_IN = 1 << 0, MCI_WRITE_PROTECT = 1 << 1 };
enum { MISC_SWINT = 1 << 19 };

enum { CFG_WRITE = 1 << 30, CFG_COMPLETE = 1 << 0, CFG_ERROR = 1 << 1 };
#define CFG_START 0x80000000u

/* What the fields of SYS_CFGCTRL select, all but DCC and stack position, which must be 0 on this board. */
typedef enum CfgFunction {
    CFG_OSC = 1,
    CFG_VOLT,
    CFG_AMP,
    CFG_TEMP,
    CFG_RESET,
    CFG_SCC,
    CFG_MUXFPGA,
    CFG_SHUTDOWN,
    CFG_REBOOT,
    CFG_DVIMODE = 11,
    CFG_POWER,
    CFG_ENERGY
} CfgFunction;

typedef struct CfgCommand {
    CfgFunction function;
    uint32_t site, device;
} CfgCommand;

enum {
    SITE_MOTHERBOARD,
    SITE_DAUGHTERBOARD,
    SITES,
    OSCILLATORS = 3,
    CLCD_OSCILLATOR = 1, /* of each site */
    SCC_REGISTERS = 3,
    MUX_SOURCES = 3,
    DVI_MODES = 5
};

typedef struct {
    Device dev;
    uint32_t sw, led, flags, nvflags, mci, flash, cfgsw, misc, dma;
    uint32_t cfgdata, cfgctrl, cfgstat;
    uint32_t osc[SITES * OSCILLATORS]; /* Hz */
    uint32_t scc[SCC_REGISTERS];
    uint32_t mux_fpga; /* which board's picture goes to the DVI connector: 0 motherboard, 1 or 2 site */
    uint32_t dvi_mode; /* 0 VGA, 1 SVGA, 2 XGA, 3 SXGA, 4 UXGA */
    uint64_t started;  /* virtual ns at which the counters were 0 */
} State;

/* ---- Configuration bus ------------------------------------------------------------------------------ */

typedef struct OscRange {
    uint32_t at_reset, lowest, highest; /* Hz */
} OscRange;

/* clang-format off */
static const OscRange osc_range[SITES][OSCILLATORS] = {
    [SITE_MOTHERBOARD]   = {{50000000, 25000000,  60000000},
                            {23750000, 23750000,  65000000},
                            {24000000, 24000000,  24000000}},
    [SITE_DAUGHTERBOARD] = {{45000000, 30000000,  50000000},
                            {23750000, 10000000,  80000000},
                            {66670000, 33000000, 100000000}},
};
/* clang-format on */

/* One thing that can be measured: microvolts, microamperes, microdegrees Celsius or microwatts. */
typedef struct Sensor {
    CfgFunction function;
    uint32_t site, device, value;
} Sensor;

static const Sensor sensors[] = {
    {CFG_VOLT,  SITE_MOTHERBOARD,   0, 3300000 }, /* VIO */
    {CFG_TEMP,  SITE_MOTHERBOARD,   0, 35000000}, /* motherboard configuration controller */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 0, 1000000 }, /* VD10 */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 1, 1000000 }, /* VD10_S2, the CPUs */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 2, 1000000 }, /* VD10_S3, the rest of the test chip */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 3, 1800000 }, /* VCC1V8 */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 4, 900000  }, /* DDR2VTT */
    {CFG_VOLT,  SITE_DAUGHTERBOARD, 5, 3300000 }, /* VCC3V3 */
    {CFG_AMP,   SITE_DAUGHTERBOARD, 0, 850000  }, /* VD10_S2 */
    {CFG_AMP,   SITE_DAUGHTERBOARD, 1, 420000  }, /* VD10_S3 */
    {CFG_POWER, SITE_DAUGHTERBOARD, 0, 850000  }, /* VD10_S2 */
    {CFG_POWER, SITE_DAUGHTERBOARD, 1, 420000  }, /* VD10_S3 */
};

static bool read_sensor(const CfgCommand *command, uint32_t *data)
{
    for (unsigned n = 0; n < sizeof sensors / sizeof *sensors; n++) {
        const Sensor *sensor = &sensors[n];
        if (sensor->function != command->function || sensor->site != command->site ||
            sensor->device != command->device)
            continue;
        *data = sensor->value;
        return true;
    }
    return false;
}

/* The value that a command reads or writes, NULL if it is none; `below` bounds what may be written. */
static uint32_t *setting(State *s, const CfgCommand *command, uint32_t *below)
{
    uint32_t device = command->device;
    bool motherboard = command->site == SITE_MOTHERBOARD;
    *below = UINT32_MAX;
    switch (command->function) {
    case CFG_OSC:
        return device < OSCILLATORS ? &s->osc[command->site * OSCILLATORS + device] : NULL;
    case CFG_SCC:
        return !motherboard && device < SCC_REGISTERS ? &s->scc[device] : NULL;
    case CFG_MUXFPGA:
        *below = MUX_SOURCES;
        return motherboard && device == 0 ? &s->mux_fpga : NULL;
    case CFG_DVIMODE:
        *below = DVI_MODES;
        return motherboard && device == 0 ? &s->dvi_mode : NULL;
    default:
        return NULL;
    }
}

static bool in_range(const CfgCommand *command, uint32_t below, uint32_t data)
{
    if (command->function != CFG_OSC)
        return data < below;
    const OscRange *range = &osc_range[command->site][command->device];
    return data >= range->lowest && data <= range->highest;
}

static bool cfg_read(State *s, const CfgCommand *command)
{
    uint32_t below;
    const uint32_t *value = setting(s, command, &below);
    if (!value)
        return read_sensor(command, &s->cfgdata);
    s->cfgdata = *value;
    return true;
}

/* Passes on what the display controllers depend on. */
static void set_display(const State *s)
{
    static const DisplayOutput source[MUX_SOURCES] = {DISPLAY_MOTHERBOARD, DISPLAY_TILE, DISPLAY_OUTPUTS};
    static const DisplayOutput site_output[SITES] = {DISPLAY_MOTHERBOARD, DISPLAY_TILE};
    Display *display = s->dev.env->display;
    display_switch(display, source[s->mux_fpga % MUX_SOURCES]);
    for (unsigned site = 0; site < SITES; site++)
        display_set_clock(display, site_output[site], s->osc[site * OSCILLATORS + CLCD_OSCILLATOR]);
}

/* RESET acts on the daughterboard, REBOOT and SHUTDOWN on the whole system; with one daughterboard the first
 * two come to the same. */
static bool cfg_write(State *s, const CfgCommand *command)
{
    uint32_t below;
    uint32_t *value = setting(s, command, &below);
    DeviceEnv *env = s->dev.env;
    if (value && in_range(command, below, s->cfgdata)) {
        *value = s->cfgdata;
        set_display(s);
        return true;
    }
    if (value || command->device)
        return false;
    if (command->function == CFG_SHUTDOWN)
        env->request(env->machine, REQUEST_POWER_OFF);
    else if (command->function == CFG_RESET || command->function == CFG_REBOOT)
        env->request(env->machine, REQUEST_REBOOT);
    else
        return false;
    return true;
}

static void cfgctrl_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    if (!(value & CFG_START))
        return;
    CfgCommand command = {
        .function = (CfgFunction)(value >> 20 & 0x3f), .site = value >> 16 & 3, .device = value & 0xfff};
    uint32_t dcc = value >> 26 & 0xf, position = value >> 12 & 0xf;
    bool done = !dcc && !position && command.site < SITES &&
                (value & CFG_WRITE ? cfg_write(s, &command) : cfg_read(s, &command));
    if (!done)
        log_line(dev->env->log, LOG_GUEST, dev->name,
                 "configuration %s refused: SYS_CFGCTRL 0x%08x SYS_CFGDATA 0x%08x",
                 value & CFG_WRITE ? "write" : "read", value, s->cfgdata);
    s->cfgstat = CFG_COMPLETE | (done ? 0 : CFG_ERROR);
    s->cfgctrl &= ~CFG_START;
}

/* ---- Other registers -------------------------------------------------------------------------------- */

static uint32_t ticks(Device *dev, uint32_t hz)
{
    return (uint32_t)clock_ns_to_ticks(device_now(dev) - ((State *)dev)->started, hz);
}

static uint32_t hz100_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ticks(dev, HZ_100);
}

static uint32_t mhz24_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ticks(dev, HZ_24M);
}

static uint32_t mci_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->mci;
}

static void flagsclr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->flags &= ~value;
}

static void nvflagsclr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->nvflags &= ~value;
}

#define ALL 0xffffffffu
/* SYS_ID: board revision B, HBI 0x190, AXI bus. SYS_PROCID: Cortex-A9 on HBI 0x191; no board fitted. */
/* clang-format off */
static const RegDef regs[] = {
    /* name            offset kind       storage      reset       writable     read        written          */
    {"SYS_ID",         0x000, REG_CONST, NO_STORE,    0x1190f500, 0,           NULL,       NULL,               0, 0},
    {"SYS_SW",         0x004, REG_RW,    AT(sw),      0,          0xff,        NULL,       NULL,               0, 0},
    {"SYS_LED",        0x008, REG_RW,    AT(led),     0,          0xff,        NULL,       NULL,               0, 0},
    {"SYS_100HZ",      0x024, REG_RO,    NO_STORE,    0,          0,           hz100_read, NULL,               0, 0},
    {"SYS_FLAGS",      0x030, REG_W1S,   AT(flags),   0,          ALL,         NULL,       NULL,               0, 0},
    {"SYS_FLAGSCLR",   0x034, REG_WO,    NO_STORE,    0,          ALL,         NULL,       flagsclr_written,   0, 0},
    {"SYS_NVFLAGS",    0x038, REG_W1S,   AT(nvflags), 0,          ALL,         NULL,       NULL,               0, 0},
    {"SYS_NVFLAGSCLR", 0x03c, REG_WO,    NO_STORE,    0,          ALL,         NULL,       nvflagsclr_written, 0, 0},
    {"SYS_MCI",        0x048, REG_RO,    NO_STORE,    0,          0,           mci_read,   NULL,               0, 0},
    {"SYS_FLASH",      0x04c, REG_RW,    AT(flash),   0,          1,           NULL,       NULL,               0, 0},
    {"SYS_CFGSW",      0x058, REG_RW,    AT(cfgsw),   0,          0xff,        NULL,       NULL,               0, 0},
    {"SYS_24MHZ",      0x05c, REG_RO,    NO_STORE,    0,          0,           mhz24_read, NULL,               0, 0},
    {"SYS_MISC",       0x060, REG_RW,    AT(misc),    0,          MISC_SWINT,  NULL,       NULL,               0, 0},
    {"SYS_DMA",        0x064, REG_RW,    AT(dma),     0,          ALL,         NULL,       NULL,               0, 0},
    {"SYS_PROCID0",    0x084, REG_CONST, NO_STORE,    0x0c000191, 0,           NULL,       NULL,               0, 0},
    {"SYS_PROCID1",    0x088, REG_CONST, NO_STORE,    0xff000000, 0,           NULL,       NULL,               0, 0},
    {"SYS_CFGDATA",    0x0a0, REG_RW,    AT(cfgdata), 0,          ALL,         NULL,       NULL,               0, 0},
    {"SYS_CFGCTRL",    0x0a4, REG_RW,    AT(cfgctrl), 0,          ALL,         NULL,       cfgctrl_written,    0, 0},
    {"SYS_CFGSTAT",    0x0a8, REG_RW,    AT(cfgstat), 0,          0x3,         NULL,       NULL,               0, 0},
};

static const FieldDef fields[] = {
    FIELD(mci, FIELD_U32),
    FIELD_ARRAY(osc, FIELD_U32, SITES * OSCILLATORS),
    FIELD_ARRAY(scc, FIELD_U32, SCC_REGISTERS),
    FIELD(mux_fpga, FIELD_U32),
    FIELD(dvi_mode, FIELD_U32),
    FIELD(started, FIELD_U64),
};
/* clang-format on */

static void input(Device *dev, unsigned input, bool level)
{
    State *s = (State *)dev;
    uint32_t bit = input == 0 ? MCI_CARD_IN : MCI_WRITE_PROTECT;
    s->mci = level ? s->mci | bit : s->mci & ~bit;
}

static void reset(Device *dev)
{
    /* As in the daughterboard's board.txt: CFGRW1 boots from NOR flash 0. */
    static const uint32_t scc[SCC_REGISTERS] = {0xbb8a802a, 0x00001f09, 0};
    State *s = (State *)dev;
    s->sw = dev->props.value[0] & 0xff;
    s->cfgsw = dev->props.value[1] & 0xff;
    for (unsigned site = 0; site < SITES; site++)
        for (unsigned n = 0; n < OSCILLATORS; n++)
            s->osc[site * OSCILLATORS + n] = osc_range[site][n].at_reset;
    for (unsigned n = 0; n < SCC_REGISTERS; n++)
        s->scc[n] = scc[n];
    s->mux_fpga = s->dvi_mode = 0;
    s->started = device_now(dev);
    set_display(s);
}

static void loaded(Device *dev)
{
    set_display((State *)dev);
}

static void update(Device *dev)
{
    irq_set(&dev->out[0], ((State *)dev)->misc & MISC_SWINT);
}

const DeviceType sysreg_type = {
    .name = "sysreg",
    .summary = "system registers of the V2M-P1 (DUI 0447)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .inputs = 2,
    .outputs = 1,
    .reset = reset,
    .update = update,
    .input = input,
    .loaded = loaded,
};
