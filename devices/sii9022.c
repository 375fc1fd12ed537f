/* SiI9022 HDMI transmitter of the V2M-P1, on its I2C bus: the transmitter programming interface (TPI, address
 * 0x39), the consumer electronics control interface (CPI, address 0x60), and the monitor behind it, whose
 * EDID EEPROM answers at 0x50 while the host holds the DDC bus. After Silicon Image's SiI9022A/SiI9024A TPI
 * programmer's reference.
 *
 * Register n of the TPI is at offset 4 * n of the device's window, register n of the CPI at CPI_BASE + 4 * n.
 * Not modelled: HDCP, the CEC line, the legacy register set that TPI_ENABLE would switch back to, and the
 * indexed internal registers.
 *
 * Properties: value[0] number of the I2C bus. */
#include "devices/device.h"
#include "devices/i2c.h"

enum { TPI_ADDRESS = 0x39, CPI_ADDRESS = 0x60, DDC_ADDRESS = 0x50, CPI_BASE = 0x400, EDID_BYTES = 128 };

#define TPI(number) (4 * (number))
#define CPI(number) (CPI_BASE + 4 * (number))

enum {
    SYSTEM_CONTROL_DDC_GRANTED = 1 << 1,
    SYSTEM_CONTROL_DDC_REQUEST = 1 << 2,
    SYSTEM_CONTROL_TMDS_OFF = 1 << 4
};

enum {
    INT_HOT_PLUG = 1 << 0,
    INT_RECEIVER_SENSE = 1 << 1,
    STATE_HOT_PLUG = 1 << 2,
    STATE_RECEIVER_SENSE = 1 << 3
};

enum { SLAVE_TPI, SLAVE_CPI, SLAVE_DDC, SLAVES };

typedef struct {
    uint32_t pointer; /* register that the next byte is for */
    bool addressing;  /* the next byte written is the pointer */
} Cursor;

typedef struct {
    Device dev;
    uint32_t video_mode[8], input_bus, input_format, output_format, yc_input, avi_infoframe[14],
        system_control, power;
    uint32_t i2s_mapping, i2s_input, i2s_header[5], audio[3], int_enable, int_status;
    uint32_t sync_generation, de_generator[12], internal_page, internal_index;
    uint32_t infoframe_low[8], tpi_enable, infoframe_high[23];
    uint32_t cec_debug[2], cec_tx_init, cec_tx_destination, cec_setup, cec_capture[2], cec_int_enable[2];
    Cursor cursor[SLAVES];
    I2cSlave slave[SLAVES];
} State;

/* ---- The monitor -------------------------------------------------------------------------------------- */

/* EDID 1.3 without its checksum: 1024x768 at 60 Hz (65 MHz) preferred; 640x480 and 800x600 at 60 Hz. */
/* clang-format off */
static const uint8_t edid[EDID_BYTES - 1] = {
    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
    0x06, 0x4d, 0x90, 0x01, 0x01, 0x00, 0x00, 0x00, 1, 20, 1, 3, /* "ARM", product, serial, week, year, version */
    0x80, 30, 23, 0x78, 0x0a,                                    /* digital, cm, gamma 2.2, RGB, preferred timing */
    0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54,  /* sRGB primaries */
    0x21, 0x08, 0x00,                                            /* established timings */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,              /* no standard timings */
    0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0x00, 0x30, 0xe4, 0x10, 0x00, 0x00, 0x18,
    0, 0, 0, 0xfd, 0, 50, 75, 30, 65, 8, 0, '\n', ' ', ' ', ' ', ' ', ' ', ' ',
    0, 0, 0, 0xfc, 0, 'A', 'r', 'm', 'a', 't', 'u', 'r', 'e', '\n', ' ', ' ', ' ', ' ',
    0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,                                                           /* no extension */
};
/* clang-format on */

/* All 128 bytes add up to 0; the EEPROM is blank behind them. */
static uint8_t edid_byte(uint32_t place)
{
    uint8_t sum = 0;
    if (place < EDID_BYTES - 1)
        return edid[place];
    for (unsigned n = 0; n < EDID_BYTES - 1; n++)
        sum += edid[n];
    return place < EDID_BYTES ? (uint8_t)-sum : 0xff;
}

/* ---- The three slaves --------------------------------------------------------------------------------- */

static bool begin(State *s, unsigned which, bool reading)
{
    if (!reading)
        s->cursor[which].addressing = true;
    return true;
}

/* True if the byte was the register pointer. */
static bool took_pointer(Cursor *cursor, uint8_t byte)
{
    if (!cursor->addressing)
        return false;
    cursor->addressing = false;
    cursor->pointer = byte;
    return true;
}

static uint32_t next_offset(Cursor *cursor, uint32_t base)
{
    uint32_t offset = base + 4 * (cursor->pointer & 0xff);
    cursor->pointer = (cursor->pointer + 1) & 0xff;
    return offset;
}

static const BusAccess byte_access = {.size = 1, .cpu = BUS_DMA, .secure = true, .privileged = true};

static bool registers_written(State *s, unsigned which, uint32_t base, uint8_t byte)
{
    Cursor *cursor = &s->cursor[which];
    if (!took_pointer(cursor, byte))
        device_mmio.write(&s->dev, next_offset(cursor, base), &byte_access, byte);
    return true;
}

static uint8_t registers_read(State *s, unsigned which, uint32_t base)
{
    uint32_t value = 0;
    device_mmio.read(&s->dev, next_offset(&s->cursor[which], base), &byte_access, &value);
    return (uint8_t)value;
}

static bool tpi_start(void *opaque, bool reading)
{
    return begin(opaque, SLAVE_TPI, reading);
}

static bool tpi_written(void *opaque, uint8_t byte)
{
    return registers_written(opaque, SLAVE_TPI, 0, byte);
}

static uint8_t tpi_read(void *opaque)
{
    return registers_read(opaque, SLAVE_TPI, 0);
}

static bool cpi_start(void *opaque, bool reading)
{
    return begin(opaque, SLAVE_CPI, reading);
}

static bool cpi_written(void *opaque, uint8_t byte)
{
    return registers_written(opaque, SLAVE_CPI, CPI_BASE, byte);
}

static uint8_t cpi_read(void *opaque)
{
    return registers_read(opaque, SLAVE_CPI, CPI_BASE);
}

/* The transmitter passes the host through to the monitor only after a request, which it grants at once. */
static bool ddc_start(void *opaque, bool reading)
{
    State *s = opaque;
    return s->system_control & SYSTEM_CONTROL_DDC_REQUEST && begin(s, SLAVE_DDC, reading);
}

/* The EEPROM is write-protected. */
static bool ddc_written(void *opaque, uint8_t byte)
{
    return took_pointer(&((State *)opaque)->cursor[SLAVE_DDC], byte);
}

static uint8_t ddc_read(void *opaque)
{
    Cursor *cursor = &((State *)opaque)->cursor[SLAVE_DDC];
    return edid_byte(next_offset(cursor, 0) / 4);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static uint32_t system_control_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    bool granted = s->system_control & SYSTEM_CONTROL_DDC_REQUEST;
    return s->system_control | (granted ? SYSTEM_CONTROL_DDC_GRANTED : 0);
}

static uint32_t int_status_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->int_status | STATE_HOT_PLUG | STATE_RECEIVER_SENSE;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name                offset     kind       storage             reset writable  read  written  count */
    {"VIDEO_MODE",         TPI(0x00), REG_RW,    AT(video_mode),     0,    0xff, NULL, NULL,  8, 0},
    {"INPUT_BUS",          TPI(0x08), REG_RW,    AT(input_bus),      0x60, 0xff, NULL, NULL,  0, 0},
    {"INPUT_FORMAT",       TPI(0x09), REG_RW,    AT(input_format),   0,    0xff, NULL, NULL,  0, 0},
    {"OUTPUT_FORMAT",      TPI(0x0a), REG_RW,    AT(output_format),  0,    0xff, NULL, NULL,  0, 0},
    {"YC_INPUT_MODE",      TPI(0x0b), REG_RW,    AT(yc_input),       0,    0xff, NULL, NULL,  0, 0},
    {"AVI_INFOFRAME",      TPI(0x0c), REG_RW,    AT(avi_infoframe),  0,    0xff, NULL, NULL, 14, 0},
    {"SYSTEM_CONTROL",     TPI(0x1a), REG_RW,    AT(system_control), SYSTEM_CONTROL_TMDS_OFF, 0x5d,
                                                                     system_control_read, NULL, 0, 0},
    {"DEVICE_ID",          TPI(0x1b), REG_CONST, NO_STORE,           0xb0, 0,    NULL, NULL,  0, 0},
    {"DEVICE_REVISION",    TPI(0x1c), REG_CONST, NO_STORE,           0x02, 0,    NULL, NULL,  0, 0},
    {"TPI_REVISION",       TPI(0x1d), REG_CONST, NO_STORE,           0x03, 0,    NULL, NULL,  0, 0},
    {"POWER_STATE",        TPI(0x1e), REG_RW,    AT(power),          0x02, 0x17, NULL, NULL,  0, 0},
    {"I2S_MAPPING",        TPI(0x1f), REG_RW,    AT(i2s_mapping),    0,    0xff, NULL, NULL,  0, 0},
    {"I2S_INPUT",          TPI(0x20), REG_RW,    AT(i2s_input),      0,    0xff, NULL, NULL,  0, 0},
    {"I2S_STREAM_HEADER",  TPI(0x21), REG_RW,    AT(i2s_header),     0,    0xff, NULL, NULL,  5, 0},
    {"AUDIO_INTERFACE",    TPI(0x26), REG_RW,    AT(audio),          0,    0xff, NULL, NULL,  3, 0},
    {"HDCP_QUERY",         TPI(0x29), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"HDCP_CONTROL",       TPI(0x2a), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"HDCP_BKSV",          TPI(0x2b), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  5, 0},
    {"HDCP_REVISION",      TPI(0x30), REG_CONST, NO_STORE,           0x12, 0,    NULL, NULL,  0, 0},
    {"HDCP_V",             TPI(0x31), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  5, 0},
    {"HDCP_AKSV",          TPI(0x36), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  5, 0},
    {"INTERRUPT_ENABLE",   TPI(0x3c), REG_RW,    AT(int_enable),     0,    0xff, NULL, NULL,  0, 0},
    {"INTERRUPT_STATUS",   TPI(0x3d), REG_W1C,   AT(int_status),     0,    0xf3, int_status_read, NULL, 0, 0},
    {"SYNC_GENERATION",    TPI(0x60), REG_RW,    AT(sync_generation), 0x04, 0xff, NULL, NULL, 0, 0},
    {"SYNC_POLARITY",      TPI(0x61), REG_CONST, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"DE_GENERATOR",       TPI(0x62), REG_RW,    AT(de_generator),   0,    0xff, NULL, NULL, 12, 0},
    {"INTERNAL_PAGE",      TPI(0xbc), REG_RW,    AT(internal_page),  0,    0xff, NULL, NULL,  0, 0},
    {"INTERNAL_INDEX",     TPI(0xbd), REG_RW,    AT(internal_index), 0,    0xff, NULL, NULL,  0, 0},
    {"INTERNAL_VALUE",     TPI(0xbe), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"INFOFRAME",          TPI(0xbf), REG_RW,    AT(infoframe_low),  0,    0xff, NULL, NULL,  8, 0},
    {"TPI_ENABLE",         TPI(0xc7), REG_RW,    AT(tpi_enable),     0,    0xff, NULL, NULL,  0, 0},
    {"INFOFRAME_HIGH",     TPI(0xc8), REG_RW,    AT(infoframe_high), 0,    0xff, NULL, NULL, 23, 0},
    {"CEC_DEBUG",          CPI(0x86), REG_RW,    AT(cec_debug),      0,    0xff, NULL, NULL,  2, 0},
    {"CEC_TX_INIT",        CPI(0x88), REG_RW,    AT(cec_tx_init),    0,    0xff, NULL, NULL,  0, 0},
    {"CEC_TX_DESTINATION", CPI(0x89), REG_RW,    AT(cec_tx_destination), 0, 0xff, NULL, NULL, 0, 0},
    {"CEC_SETUP",          CPI(0x8e), REG_RW,    AT(cec_setup),      0,    0xff, NULL, NULL,  0, 0},
    {"CEC_TX_COMMAND",     CPI(0x8f), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_TX_OPERAND",     CPI(0x90), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL, 15, 0},
    {"CEC_TRANSMIT",       CPI(0x9f), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_CAPTURE_ID",     CPI(0xa2), REG_RW,    AT(cec_capture),    0,    0xff, NULL, NULL,  2, 0},
    {"CEC_INT_ENABLE",     CPI(0xa4), REG_RW,    AT(cec_int_enable), 0,    0xff, NULL, NULL,  2, 0},
    {"CEC_INT_STATUS",     CPI(0xa6), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  2, 0},
    {"CEC_RX_CONTROL",     CPI(0xac), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_RX_COUNT",       CPI(0xad), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_RX_HEADER",      CPI(0xae), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_RX_OPCODE",      CPI(0xaf), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL,  0, 0},
    {"CEC_RX_OPERAND",     CPI(0xb0), REG_UNIMP, NO_STORE,           0,    0,    NULL, NULL, 15, 0},
};

static const FieldDef fields[] = {
    FIELD(cursor[SLAVE_TPI].pointer, FIELD_U32),
    FIELD(cursor[SLAVE_TPI].addressing, FIELD_BOOL),
    FIELD(cursor[SLAVE_CPI].pointer, FIELD_U32),
    FIELD(cursor[SLAVE_CPI].addressing, FIELD_BOOL),
    FIELD(cursor[SLAVE_DDC].pointer, FIELD_U32),
    FIELD(cursor[SLAVE_DDC].addressing, FIELD_BOOL),
    TRANSIENT(slave, "set when the device is created"),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= I2C_BUSES)
        return error_set(err, "%s: there is no I2C bus %u", dev->name, dev->props.value[0]);
    s->slave[SLAVE_TPI] = (I2cSlave){TPI_ADDRESS, s, tpi_start, tpi_written, tpi_read};
    s->slave[SLAVE_CPI] = (I2cSlave){CPI_ADDRESS, s, cpi_start, cpi_written, cpi_read};
    s->slave[SLAVE_DDC] = (I2cSlave){DDC_ADDRESS, s, ddc_start, ddc_written, ddc_read};
    for (unsigned n = 0; n < SLAVES; n++)
        i2c_attach(&dev->env->i2c[dev->props.value[0]], &s->slave[n]);
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned n = 0; n < SLAVES; n++)
        i2c_detach(&dev->env->i2c[dev->props.value[0]], &s->slave[n]);
}

/* The monitor is plugged in when power comes. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->int_status = INT_HOT_PLUG | INT_RECEIVER_SENSE;
    for (unsigned n = 0; n < SLAVES; n++)
        s->cursor[n] = (Cursor){0};
}

const DeviceType sii9022_type = {
    .name = "sii9022",
    .summary = "HDMI transmitter SiI9022 and the monitor's EDID, on I2C",
    .state_size = sizeof(State),
    .window = 0x800,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .off_bus = true,
    .create = create,
    .destroy = destroy,
    .reset = reset,
};
