/* PS/2 mouse with three buttons, as in IBM's Personal System/2 hardware interface technical reference, which
 * software can turn into one with a wheel (Microsoft's IntelliMouse: sample rates 200, 100, 80) and one with
 * five buttons, too (IntelliMouse Explorer: 200, 200, 80).
 *
 * Registers are none of a mouse; the rows show its state to monitors.
 *
 * Power-on finds the mouse with its self-test behind it. A unit of movement is one count at every resolution.
 * In stream mode the hand waits until what it did has been sent, so that nothing is lost; in remote mode
 * software decides when it looks, and counters overflow as they do in the mouse. A wheel that turns sideways
 * is not modelled.
 *
 * Properties: value[0] number of the socket. */
#include "devices/device.h"
#include "devices/ps2.h"

#include <string.h>

enum { DEFAULT_RATE = 100, DEFAULT_RESOLUTION = 2 /* 4 counts per mm */ };

enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_EXPLORER = 4 };

/* The limits of the counters. */
enum { COUNT_MOST = 255, WHEEL_MOST = 7, REST_MOST = 32767 };

/* The first byte of a packet, and the fourth of an Explorer's. */
enum {
    PACKET_LEFT = 1 << 0,
    PACKET_RIGHT = 1 << 1,
    PACKET_MIDDLE = 1 << 2,
    PACKET_ALWAYS = 1 << 3,
    PACKET_X_SIGN = 1 << 4,
    PACKET_Y_SIGN = 1 << 5,
    PACKET_X_OVERFLOW = 1 << 6,
    PACKET_Y_OVERFLOW = 1 << 7,
    PACKET_SIDE = 1 << 4,
    PACKET_EXTRA = 1 << 5,
    PACKET_BUTTONS = PACKET_LEFT | PACKET_RIGHT | PACKET_MIDDLE
};

/* In the register BUTTONS, as in packets but for the last two. */
enum { BUTTONS_SIDE = 1 << 3, BUTTONS_EXTRA = 1 << 4 };

enum { STATUS_SCALING = 1 << 4, STATUS_ENABLED = 1 << 5, STATUS_REMOTE = 1 << 6 };

enum { INVALID_AGAIN = 0xfc, LONGEST = 4 };

/* The commands that no mode keeps from being one. */
enum { CMD_RESET_WRAP = 0xec, CMD_RESET = 0xff };

typedef struct {
    Device dev;
    uint32_t id, rate, resolution, buttons;
    uint32_t status;   /* STATUS_* */
    uint32_t x, y, z;  /* not reported yet, as int32_t: to the right, up, towards the user */
    uint32_t overflow; /* PACKET_*_OVERFLOW */
    uint64_t ready;    /* when the next packet may be made */
    uint8_t last[LONGEST], last_count;
    uint8_t rates[2]; /* the sample rates that were set before */
    bool pressed;     /* a button has changed since the last packet */
    bool wrapping, invalid;
    Ps2Device ps2;
    Timer sample;
} State;

/* ---- Packets ------------------------------------------------------------------------------------------ */

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Scaling 2:1 makes small movements slower and great ones faster. */
static int32_t scaled(int32_t counts)
{
    static const uint8_t table[] = {0, 1, 1, 3, 6, 9};
    int32_t size = counts < 0 ? -counts : counts;
    int32_t result = size < (int32_t)sizeof table ? table[size] : 2 * size;
    return counts < 0 ? -result : result;
}

/* Takes out of a counter what one packet can say. */
static int32_t take(uint32_t *counter, int32_t low, int32_t high)
{
    int32_t value = clamp((int32_t)*counter, low, high);
    *counter -= (uint32_t)value;
    return value;
}

static void forget_movement(State *s)
{
    s->x = s->y = s->z = s->overflow = 0;
    s->pressed = false;
}

static bool moved(const State *s)
{
    return s->x || s->y || (s->z && s->id != ID_PLAIN) || s->pressed;
}

static unsigned packet(State *s, uint8_t *bytes, bool stream)
{
    bool scaling = stream && s->status & STATUS_SCALING;
    int32_t most = scaling ? COUNT_MOST / 2 : COUNT_MOST;
    int32_t x = take(&s->x, -most, most), y = take(&s->y, -most, most);
    int32_t z = take(&s->z, -WHEEL_MOST - 1, WHEEL_MOST);
    if (scaling) {
        x = scaled(x);
        y = scaled(y);
    }
    bytes[0] = (uint8_t)(PACKET_ALWAYS | (s->buttons & PACKET_BUTTONS) | (x < 0 ? PACKET_X_SIGN : 0) |
                         (y < 0 ? PACKET_Y_SIGN : 0) | s->overflow);
    bytes[1] = (uint8_t)x;
    bytes[2] = (uint8_t)y;
    bytes[3] = (uint8_t)z;
    if (s->id == ID_EXPLORER)
        bytes[3] = (uint8_t)((z & 0xf) | (s->buttons & BUTTONS_SIDE ? PACKET_SIDE : 0) |
                             (s->buttons & BUTTONS_EXTRA ? PACKET_EXTRA : 0));
    s->overflow = 0;
    s->pressed = false;
    return s->id == ID_PLAIN ? 3 : 4;
}

/* ---- Stream mode -------------------------------------------------------------------------------------- */

static bool streaming(const State *s)
{
    return (s->status & (STATUS_ENABLED | STATUS_REMOTE)) == STATUS_ENABLED && !s->wrapping &&
           !ps2_testing(&s->ps2);
}

/* Sends a packet if there is something to say, at most `rate` times a second. */
static void stream(State *s)
{
    if (!streaming(s) || s->ps2.queued || s->ps2.command || !moved(s))
        return;
    if (device_now(&s->dev) < s->ready) {
        timer_set(&s->sample, s->ready);
        return;
    }
    uint8_t bytes[LONGEST];
    s->ready = device_now(&s->dev) + 1000000000 / s->rate;
    s->last_count = (uint8_t)packet(s, bytes, true);
    memcpy(s->last, bytes, s->last_count);
    ps2_queue(&s->ps2, bytes, s->last_count);
}

static void sample_due(void *opaque)
{
    State *s = opaque;
    stream(s);
    input_deliver(s->dev.env->input);
}

/* ---- The user ----------------------------------------------------------------------------------------- */

static bool driven(void *opaque)
{
    State *s = opaque;
    return ps2_heard(&s->ps2) && !s->wrapping && !ps2_testing(&s->ps2) &&
           s->status & (STATUS_ENABLED | STATUS_REMOTE);
}

static bool has_room(void *opaque)
{
    State *s = opaque;
    if (s->ps2.command)
        return false;
    return s->status & STATUS_REMOTE ? !s->pressed : !moved(s);
}

/* In remote mode the counters are those of the mouse and stop at their limits. */
static void move(State *s, uint32_t *counter, int32_t by, uint32_t overflow)
{
    int32_t most = s->status & STATUS_REMOTE ? COUNT_MOST : REST_MOST;
    int32_t sum = (int32_t)*counter + clamp(by, -REST_MOST, REST_MOST);
    *counter = (uint32_t)clamp(sum, -most, most);
    if (s->status & STATUS_REMOTE && sum != (int32_t)*counter)
        s->overflow |= overflow;
}

static void press(State *s, uint16_t code, bool down)
{
    static const struct {
        uint16_t code;
        uint8_t bit;
        bool explorer;
    } buttons[] = {
        {BUTTON_LEFT,   PACKET_LEFT,   false},
        {BUTTON_RIGHT,  PACKET_RIGHT,  false},
        {BUTTON_MIDDLE, PACKET_MIDDLE, false},
        {BUTTON_SIDE,   BUTTONS_SIDE,  true },
        {BUTTON_EXTRA,  BUTTONS_EXTRA, true },
    };
    for (unsigned n = 0; n < sizeof buttons / sizeof *buttons; n++) {
        uint32_t bit = buttons[n].bit;
        if (buttons[n].code != code || !(s->buttons & bit) != down)
            continue;
        s->buttons ^= bit;
        s->pressed |= !buttons[n].explorer || s->id == ID_EXPLORER;
    }
}

static void mouse_event(void *opaque, const InputEvent *event)
{
    State *s = opaque;
    switch (event->kind) {
    case INPUT_MOVE:
        move(s, &s->x, event->x, PACKET_X_OVERFLOW);
        move(s, &s->y, -clamp(event->y, -REST_MOST, REST_MOST), PACKET_Y_OVERFLOW);
        break;
    case INPUT_WHEEL:
        if (s->id != ID_PLAIN)
            s->z = (uint32_t)clamp((int32_t)s->z - clamp(event->y, -REST_MOST, REST_MOST), -REST_MOST,
                                   REST_MOST);
        break;
    case INPUT_BUTTON:
        press(s, event->code, event->down);
        break;
    default:
        break;
    }
    stream(s);
}

static const InputOps input_ops = {driven, has_room, mouse_event};

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void defaults(State *s)
{
    s->rate = DEFAULT_RATE;
    s->resolution = DEFAULT_RESOLUTION;
    s->status = 0;
    s->wrapping = false;
    s->rates[0] = s->rates[1] = 0;
    forget_movement(s);
}

static void scale_1_1(State *s)
{
    s->status &= ~(uint32_t)STATUS_SCALING;
}

static void scale_2_1(State *s)
{
    s->status |= STATUS_SCALING;
}

static bool take_resolution(State *s, uint8_t value)
{
    if (value > 3)
        return false;
    s->resolution = value;
    return true;
}

static void tell_status(State *s)
{
    uint32_t buttons = (s->buttons & PACKET_LEFT ? 4 : 0) | (s->buttons & PACKET_MIDDLE ? 2 : 0) |
                       (s->buttons & PACKET_RIGHT ? 1 : 0);
    const uint8_t bytes[] = {(uint8_t)(s->status | buttons), (uint8_t)s->resolution, (uint8_t)s->rate};
    ps2_answer(&s->ps2, bytes, sizeof bytes);
}

static void stream_mode(State *s)
{
    s->status &= ~(uint32_t)STATUS_REMOTE;
    forget_movement(s);
}

static void remote_mode(State *s)
{
    s->status |= STATUS_REMOTE;
    forget_movement(s);
}

static void tell_movement(State *s)
{
    uint8_t bytes[LONGEST];
    unsigned count = packet(s, bytes, false);
    ps2_answer(&s->ps2, bytes, count);
}

static void end_wrapping(State *s)
{
    s->wrapping = false;
}

static void begin_wrapping(State *s)
{
    s->wrapping = true;
}

static void tell_id(State *s)
{
    ps2_answer_byte(&s->ps2, (uint8_t)s->id);
}

/* Rates that nobody would set one after another ask for another kind of mouse. */
static void knock(State *s, uint8_t rate)
{
    if (s->rates[0] == 200 && rate == 80 && (s->rates[1] == 100 || s->rates[1] == 200))
        s->id = s->rates[1] == 100 ? ID_WHEEL : ID_EXPLORER;
    s->rates[0] = s->rates[1];
    s->rates[1] = rate;
}

static bool take_rate(State *s, uint8_t value)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};
    if (!memchr(rates, value, sizeof rates))
        return false;
    s->rate = value;
    knock(s, value);
    return true;
}

static void enable(State *s)
{
    s->status |= STATUS_ENABLED;
    forget_movement(s);
}

static void disable(State *s)
{
    s->status &= ~(uint32_t)STATUS_ENABLED;
    forget_movement(s);
}

static void resend(State *s)
{
    ps2_answer(&s->ps2, s->last, s->last_count);
}

static void begin_test(State *s)
{
    defaults(s);
    s->id = ID_PLAIN;
    ps2_begin_test(&s->ps2);
}

typedef struct Command {
    uint8_t code;
    bool silent;                              /* not acknowledged, or by begin() */
    void (*begin)(State *s);                  /* may be NULL */
    bool (*take)(State *s, uint8_t argument); /* NULL: there is none; false: it is invalid */
} Command;

/* clang-format off */
static const Command commands[] = {
    {0xe6,           false, scale_1_1,      NULL},
    {0xe7,           false, scale_2_1,      NULL},
    {0xe8,           false, NULL,           take_resolution},
    {0xe9,           false, tell_status,    NULL},
    {0xea,           false, stream_mode,    NULL},
    {0xeb,           false, tell_movement,  NULL},
    {CMD_RESET_WRAP, false, end_wrapping,   NULL},
    {0xee,           false, begin_wrapping, NULL},
    {0xf0,           false, remote_mode,    NULL},
    {0xf2,           false, tell_id,        NULL},
    {0xf3,           false, NULL,           take_rate},
    {0xf4,           false, enable,         NULL},
    {0xf5,           false, disable,        NULL},
    {0xf6,           false, defaults,       NULL},
    {0xfe,           true,  resend,         NULL},
    {CMD_RESET,      true,  begin_test,     NULL},
};
/* clang-format on */

static const Command *find_command(uint8_t code)
{
    for (unsigned n = 0; n < sizeof commands / sizeof *commands; n++)
        if (commands[n].code == code)
            return &commands[n];
    return NULL;
}

/* What software should not have sent is asked for again once. */
static void refuse(State *s)
{
    ps2_answer_byte(&s->ps2, s->invalid ? INVALID_AGAIN : PS2_RESEND);
    s->invalid = !s->invalid;
}

static void start_command(State *s, uint8_t code)
{
    const Command *command = find_command(code);
    if (!command) {
        refuse(s);
        return;
    }
    s->invalid = false;
    s->ps2.command = command->take ? code : 0;
    if (!command->silent)
        ps2_answer_byte(&s->ps2, PS2_ACK);
    if (command->begin)
        command->begin(s);
}

static void take_argument(State *s, const Command *command, uint8_t value)
{
    s->ps2.command = 0;
    if (!command->take(s, value)) {
        refuse(s);
        return;
    }
    s->invalid = false;
    ps2_answer_byte(&s->ps2, PS2_ACK);
}

/* The last answer is kept, but for what was itself sent again. */
static void remember_answer(State *s, uint8_t byte)
{
    if (byte == PS2_RESEND || !s->ps2.answered || s->ps2.answered > LONGEST)
        return;
    s->last_count = (uint8_t)s->ps2.answered;
    memcpy(s->last, s->ps2.answer, s->last_count);
}

/* A byte from the host ends the packet that is being sent. */
static void received(void *opaque, uint8_t byte)
{
    State *s = opaque;
    const Command *pending = find_command(s->ps2.command);
    ps2_clear_queue(&s->ps2);
    if (s->wrapping && byte != CMD_RESET_WRAP && byte != CMD_RESET)
        ps2_answer_byte(&s->ps2, byte);
    else if (pending && pending->take && byte != CMD_RESET)
        take_argument(s, pending, byte);
    else
        start_command(s, byte);
    remember_answer(s, byte);
    stream(s);
    input_deliver(s->dev.env->input);
}

static void sent(void *opaque, uint8_t byte)
{
    State *s = opaque;
    (void)byte;
    stream(s);
    input_deliver(s->dev.env->input);
}

static void tested(void *opaque)
{
    tell_id(opaque);
}

static void switched(void *opaque)
{
    input_deliver(((State *)opaque)->dev.env->input);
}

static const Ps2DeviceOps ps2_ops = {received, sent, tested, switched};

/* clang-format off */
static const RegDef regs[] = {
    /* name        offset kind    storage         reset */
    {"ID",         0x00,  REG_RO, AT(id),         ID_PLAIN,           0, NULL, NULL, 0, 0},
    {"RATE",       0x04,  REG_RO, AT(rate),       DEFAULT_RATE,       0, NULL, NULL, 0, 0},
    {"RESOLUTION", 0x08,  REG_RO, AT(resolution), DEFAULT_RESOLUTION, 0, NULL, NULL, 0, 0},
    {"BUTTONS",    0x0c,  REG_RO, AT(buttons),    0,                  0, NULL, NULL, 0, 0},
    {"STATUS",     0x10,  REG_RO, AT(status),     0,                  0, NULL, NULL, 0, 0},
};

static const FieldDef fields[] = {
    FIELD(x, FIELD_U32),
    FIELD(y, FIELD_U32),
    FIELD(z, FIELD_U32),
    FIELD(overflow, FIELD_U32),
    FIELD(ready, FIELD_U64),
    FIELD_ARRAY(last, FIELD_U8, LONGEST),
    FIELD(last_count, FIELD_U8),
    FIELD_ARRAY(rates, FIELD_U8, 2),
    FIELD(pressed, FIELD_BOOL),
    FIELD(wrapping, FIELD_BOOL),
    FIELD(invalid, FIELD_BOOL),
    PS2_FIELDS(ps2),
    FIELD(sample, FIELD_TIMER),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    DeviceEnv *env = dev->env;
    if (!ps2_plug(&s->ps2, dev, &ps2_ops, err))
        return false;
    timer_init(&s->sample, env->clock, dev->name, 1, sample_due, s);
    input_connect(env->input, INPUT_MOUSE, &input_ops, s);
    return true;
}

static void destroy(Device *dev)
{
    ps2_unplug(&((State *)dev)->ps2);
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    defaults(s);
    ps2_reset(&s->ps2);
    s->invalid = false;
    s->ready = 0;
    s->last[0] = PS2_TEST_PASSED;
    s->last[1] = ID_PLAIN;
    s->last_count = 2;
    timer_cancel(&s->sample);
}

/* The rate divides, and the count indexes. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    ps2_loaded(&s->ps2);
    if (!s->rate)
        s->rate = DEFAULT_RATE;
    if (s->last_count > LONGEST)
        s->last_count = LONGEST;
}

const DeviceType ps2_mouse_type = {
    .name = "ps2_mouse",
    .summary = "PS/2 mouse with wheel and five buttons",
    .state_size = sizeof(State),
    .window = 0x14,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .off_bus = true,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .loaded = loaded,
};
