/* Two-wire serial bus interface of the Versatile boards (SBCon), DUI 0447 section 4.4: two register bits
 * drive the clock and data lines of an I2C bus, software does the rest.
 *
 * The file follows the lines as a slave does (UM10204 section 3.1) and talks to the I2cSlave that is
 * addressed. Lines are open-drain: low if either side pulls.
 *
 * Properties: value[0] number of the I2C bus. */
#include "devices/device.h"
#include "devices/i2c.h"

enum { SCL = 1 << 0, SDA = 1 << 1, LINES = SCL | SDA };

typedef enum BusState {
    BUS_IDLE,        /* nobody is addressed: wait for a start condition */
    BUS_ADDRESS,     /* receiving the address and direction */
    BUS_RECEIVE,     /* receiving a data byte */
    BUS_ACKNOWLEDGE, /* the slave answers for the byte received */
    BUS_SEND,        /* the slave sends a byte */
    BUS_MASTER_ACK   /* the master answers for it */
} BusState;

enum { NOBODY = 0xff };

typedef struct {
    Device dev;
    uint32_t lines;     /* what the master drives: 1 = released */
    uint32_t seen;      /* both lines as they were last */
    uint32_t state;     /* BusState */
    uint32_t bits;      /* of the byte under way */
    uint32_t shift;     /* the byte */
    uint32_t addressed; /* address of the slave, NOBODY */
    bool slave_pulls;   /* the slave holds SDA low */
    bool reading;       /* the master reads */
    bool acknowledged;  /* by the master */
} State;

/* ---- A slave's view ----------------------------------------------------------------------------------- */

static const I2cSlave *addressed_slave(const State *s)
{
    return s->addressed == NOBODY ? NULL
                                  : i2c_find(&s->dev.env->i2c[s->dev.props.value[0]], (uint8_t)s->addressed);
}

static void start_condition(State *s)
{
    s->state = BUS_ADDRESS;
    s->bits = 0;
    s->shift = 0;
    s->slave_pulls = false;
}

static void stop_condition(State *s)
{
    s->state = BUS_IDLE;
    s->addressed = NOBODY;
    s->slave_pulls = false;
}

static bool address_received(State *s)
{
    s->addressed = s->shift >> 1;
    s->reading = s->shift & 1;
    const I2cSlave *slave = addressed_slave(s);
    return slave && slave->start(slave->opaque, s->reading);
}

static bool byte_received(State *s)
{
    const I2cSlave *slave = addressed_slave(s);
    return slave && slave->written(slave->opaque, (uint8_t)s->shift);
}

static void next_byte_to_send(State *s)
{
    const I2cSlave *slave = addressed_slave(s);
    s->shift = slave ? slave->read(slave->opaque) : 0xff;
    s->bits = 0;
    s->state = BUS_SEND;
    s->slave_pulls = !(s->shift & 0x80);
}

/* The receiver samples SDA while SCL is high. */
static void clock_rose(State *s, bool data)
{
    if (s->state == BUS_ADDRESS || s->state == BUS_RECEIVE) {
        s->shift = (s->shift << 1 | data) & 0xff;
        s->bits++;
    } else if (s->state == BUS_SEND) {
        s->bits++;
    } else if (s->state == BUS_MASTER_ACK) {
        s->acknowledged = !data;
    }
}

static void byte_complete(State *s)
{
    bool ack = s->state == BUS_ADDRESS ? address_received(s) : byte_received(s);
    s->state = BUS_ACKNOWLEDGE;
    s->slave_pulls = ack;
    if (!ack)
        stop_condition(s);
}

/* The sender changes SDA while SCL is low. */
static void clock_fell(State *s)
{
    switch (s->state) {
    case BUS_ADDRESS:
    case BUS_RECEIVE:
        if (s->bits == 8)
            byte_complete(s);
        break;
    case BUS_ACKNOWLEDGE:
        s->slave_pulls = false;
        s->bits = 0;
        s->shift = 0;
        s->state = BUS_RECEIVE;
        if (s->reading)
            next_byte_to_send(s);
        break;
    case BUS_SEND:
        s->slave_pulls = s->bits < 8 && !(s->shift << s->bits & 0x80);
        if (s->bits == 8)
            s->state = BUS_MASTER_ACK;
        break;
    case BUS_MASTER_ACK:
        if (s->acknowledged)
            next_byte_to_send(s);
        else
            stop_condition(s);
        break;
    default:
        break;
    }
}

static uint32_t line_levels(const State *s)
{
    return s->slave_pulls ? s->lines & ~(uint32_t)SDA : s->lines;
}

/* The master moved its side. If both lines move at once, the clock is taken first when it falls and last when
 * it rises, so that no start or stop is seen that the master did not mean. */
static void follow_lines(State *s)
{
    uint32_t now = line_levels(s), changed = now ^ s->seen;
    if (changed & SCL && !(now & SCL))
        clock_fell(s);
    else if (changed & SDA && now & s->seen & SCL)
        now &SDA ? stop_condition(s) : start_condition(s);
    else if (changed & SCL)
        clock_rose(s, now & SDA);
    s->seen = line_levels(s);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static uint32_t control_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return line_levels((State *)dev);
}

static void controls_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    follow_lines((State *)dev);
}

static void controlc_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->lines &= ~value;
    follow_lines(s);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name         offset kind     storage    reset  writable read          written        */
    {"SB_CONTROL",  0x000, REG_W1S, AT(lines), LINES, LINES,   control_read, controls_written, 0, 0},
    {"SB_CONTROLC", 0x004, REG_WO,  NO_STORE,  0,     LINES,   NULL,         controlc_written, 0, 0},
};

static const FieldDef fields[] = {
    FIELD(seen, FIELD_U32),
    FIELD(state, FIELD_U32),
    FIELD(bits, FIELD_U32),
    FIELD(shift, FIELD_U32),
    FIELD(addressed, FIELD_U32),
    FIELD(slave_pulls, FIELD_BOOL),
    FIELD(reading, FIELD_BOOL),
    FIELD(acknowledged, FIELD_BOOL),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    if (dev->props.value[0] >= I2C_BUSES)
        return error_set(err, "%s: there is no I2C bus %u", dev->name, dev->props.value[0]);
    return true;
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    stop_condition(s);
    s->bits = s->shift = 0;
    s->reading = s->acknowledged = false;
    s->seen = s->lines;
}

const DeviceType versatile_i2c_type = {
    .name = "versatile_i2c",
    .summary = "two-wire serial bus interface (DUI 0447)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .reset = reset,
};
