/* PS/2 keyboard with 102 keys and some more, as in IBM's Personal System/2 hardware interface technical
 * reference, "Keyboards": scan code sets 1, 2 and 3 of machine/keys.def, typematic repeat, lights.
 *
 * Registers are none of a keyboard; the rows show its state to monitors.
 *
 * Power-on finds the keyboard with its self-test behind it. The user waits for a keyboard that software has
 * set up: keys arrive when scanning is enabled and the driver has said so (F4), or says nothing for a while,
 * as programs may that only enable the interface. What the user does while there is no room waits, too; only
 * repetitions can overrun the buffer. Not modelled: the click and the commands of host-specific keyboards
 * (answered, as all unknown ones, with FE).
 *
 * Properties: value[0] number of the socket. */
#include "devices/device.h"
#include "devices/ps2.h"
#include "devices/ps2_scan.h"
#include "machine/keys.h"

#include <string.h>

enum { NO_KEY = 0 };

enum { DEFAULT_SET = 2, DEFAULT_RATE = 0x2b /* 10.9 per second after 500 ms */ };

/* How long software may be silent while it sets the keyboard up, and when it is done. */
#define SETTING_UP_NS UINT64_C(500000000)
#define SET_UP_NS UINT64_C(20000000)

typedef struct {
    Device dev;
    ScanState scan;
    uint32_t rate, scanning;
    uint16_t repeating; /* code of the key, NO_KEY */
    uint8_t last;       /* byte sent */
    Ps2Device ps2;
    Timer repeat, settle;
} State;

static void send_codes(State *s, const ScanCodes *codes)
{
    if (!ps2_queue(&s->ps2, codes->byte, codes->count))
        ps2_overrun(&s->ps2, s->scan.set == 1 ? 0xff : 0x00);
}

/* ---- Typematic repeat --------------------------------------------------------------------------------- */

static uint64_t delay_ns(const State *s)
{
    return (1 + (s->rate >> 5 & 3)) * UINT64_C(250000000);
}

/* (8 + A) * 2^B / 240 seconds. */
static uint64_t period_ns(const State *s)
{
    return muldiv64((8 + (s->rate & 7)) << (s->rate >> 3 & 3), 1000000000, 240);
}

static void stop_repeating(State *s)
{
    s->repeating = NO_KEY;
    timer_cancel(&s->repeat);
}

static void start_repeating(State *s, uint16_t key)
{
    stop_repeating(s);
    if (!scan_repeats(&s->scan, key))
        return;
    s->repeating = key;
    timer_set(&s->repeat, device_now(&s->dev) + delay_ns(s));
}

/* While software is about to say what the command before was about, the keyboard does not scan. */
static void repeat_due(void *opaque)
{
    State *s = opaque;
    ScanCodes codes = {.count = 0};
    timer_set(&s->repeat, device_now(&s->dev) + period_ns(s));
    if (s->ps2.command)
        return;
    scan_add_repeat(&s->scan, &codes, s->repeating);
    send_codes(s, &codes);
}

/* ---- The user ----------------------------------------------------------------------------------------- */

static bool driven(void *opaque)
{
    State *s = opaque;
    return ps2_heard(&s->ps2) && s->scanning && !ps2_testing(&s->ps2) && s->settle.due == CLOCK_NEVER;
}

static bool has_room(void *opaque)
{
    State *s = opaque;
    return !s->ps2.command && s->ps2.queued + SCAN_LONGEST <= PS2_BUFFER;
}

/* A key that goes down again has repeated at the host; the keyboard does that itself. */
static void key_event(void *opaque, const InputEvent *event)
{
    State *s = opaque;
    ScanCodes codes = {.count = 0};
    uint16_t key = event->code;
    if (key >= SCAN_KEYS || !key_by_code(key) || (event->down && scan_is_down(&s->scan, key)))
        return;
    scan_add_key(&s->scan, &codes, key, !event->down);
    scan_note(&s->scan, key, event->down);
    if (event->down)
        start_repeating(s, key);
    else if (key == s->repeating)
        stop_repeating(s);
    if (codes.count)
        send_codes(s, &codes);
}

static const InputOps input_ops = {driven, has_room, key_event};

static void settle_due(void *opaque)
{
    input_deliver(((State *)opaque)->dev.env->input);
}

/* Holds the user back. */
static void settle(State *s, uint64_t ns)
{
    timer_set(&s->settle, device_now(&s->dev) + ns);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

enum {
    SILENT = 1,     /* not acknowledged, or by begin() */
    CLEARS = 2,     /* forgets what was not sent yet */
    SETS_UP = 4,    /* more of the kind is to be expected */
    LIST = 8,       /* takes arguments until the next command */
    EVERY_KEY = 16, /* gives all keys the kind */
};

typedef struct Command {
    uint8_t code, flags;
    uint8_t kind;                             /* of keys */
    uint8_t most;                             /* largest argument */
    void (*begin)(State *s);                  /* may be NULL */
    void (*take)(State *s, uint8_t argument); /* NULL: there is none */
} Command;

static const Command *find_command(uint8_t code);

static void clear(State *s)
{
    ps2_clear_queue(&s->ps2);
    stop_repeating(s);
}

/* What the user does from now on may go to another keyboard. */
static void let_go(State *s)
{
    memset(s->scan.down, 0, sizeof s->scan.down);
    stop_repeating(s);
}

static void set_leds(State *s, uint32_t leds)
{
    s->scan.leds = leds;
    input_set_leds(s->dev.env->input, leds);
}

static void defaults(State *s)
{
    clear(s);
    let_go(s);
    scan_default_kinds(&s->scan);
    s->scan.set = DEFAULT_SET;
    s->rate = DEFAULT_RATE;
}

static void take_leds(State *s, uint8_t value)
{
    set_leds(s, (value & 1 ? LED_SCROLL_LOCK : 0) | (value & 2 ? LED_NUM_LOCK : 0) |
                    (value & 4 ? LED_CAPS_LOCK : 0));
}

static void echo(State *s)
{
    ps2_answer_byte(&s->ps2, 0xee);
}

/* 0 asks which set it is. */
static void take_set(State *s, uint8_t value)
{
    if (value)
        s->scan.set = value;
    else
        ps2_answer_byte(&s->ps2, (uint8_t)s->scan.set);
}

static void identify(State *s)
{
    static const uint8_t id[] = {0xab, 0x83};
    ps2_answer(&s->ps2, id, sizeof id);
}

static void take_rate(State *s, uint8_t value)
{
    s->rate = value;
}

static void enable(State *s)
{
    memset(s->scan.down, 0, sizeof s->scan.down);
    s->scanning = true;
    settle(s, SET_UP_NS);
}

static void disable(State *s)
{
    defaults(s);
    s->scanning = false;
}

/* Keys are named by their code in set 3, whatever set is in use. */
static void take_key(State *s, uint8_t value)
{
    scan_set_kind(&s->scan, value, find_command(s->ps2.command)->kind);
}

static void resend(State *s)
{
    ps2_answer_byte(&s->ps2, s->last);
}

static void begin_test(State *s)
{
    defaults(s);
    set_leds(s, 0);
    s->scanning = true;
    ps2_begin_test(&s->ps2);
}

enum { FIRST_COMMAND = 0xed, BOTH = KEY_TYPEMATIC | KEY_MAKE_BREAK };

/* clang-format off */
static const Command commands[] = {
    {0xed, 0,                0,              0xec, NULL,         take_leds},
    {0xee, SILENT,           0,              0,    echo,         NULL},
    {0xf0, CLEARS | SETS_UP, 0,              3,    NULL,         take_set},
    {0xf2, SETS_UP,          0,              0,    identify,     NULL},
    {0xf3, 0,                0,              0x7f, NULL,         take_rate},
    {0xf4, CLEARS,           0,              0,    enable,       NULL},
    {0xf5, SETS_UP,          0,              0,    disable,      NULL},
    {0xf6, SETS_UP,          0,              0,    defaults, NULL},
    {0xf7, CLEARS | EVERY_KEY,     KEY_TYPEMATIC,  0,    NULL,         NULL},
    {0xf8, CLEARS | EVERY_KEY,     KEY_MAKE_BREAK, 0,    NULL,         NULL},
    {0xf9, CLEARS | EVERY_KEY,     KEY_MAKE,       0,    NULL,         NULL},
    {0xfa, CLEARS | EVERY_KEY,     BOTH,           0,    NULL,         NULL},
    {0xfb, CLEARS | LIST,    KEY_TYPEMATIC,  0xec, NULL,         take_key},
    {0xfc, CLEARS | LIST,    KEY_MAKE_BREAK, 0xec, NULL,         take_key},
    {0xfd, CLEARS | LIST,    KEY_MAKE,       0xec, NULL,         take_key},
    {0xfe, SILENT,           0,              0,    resend,       NULL},
    {0xff, SILENT | SETS_UP, 0,              0,    begin_test,   NULL},
};
/* clang-format on */

static const Command *find_command(uint8_t code)
{
    for (unsigned n = 0; n < sizeof commands / sizeof *commands; n++)
        if (commands[n].code == code)
            return &commands[n];
    return NULL;
}

static void take_argument(State *s, const Command *command, uint8_t value)
{
    ps2_answer_byte(&s->ps2, value <= command->most ? PS2_ACK : PS2_RESEND);
    if (value <= command->most)
        command->take(s, value);
    if (!(command->flags & LIST))
        s->ps2.command = 0;
}

static void start_command(State *s, uint8_t code)
{
    const Command *command = find_command(code);
    s->ps2.command = command && command->take ? code : 0;
    if (!command) {
        ps2_answer_byte(&s->ps2, PS2_RESEND);
        return;
    }
    if (command->flags & SETS_UP || s->settle.due != CLOCK_NEVER)
        settle(s, SETTING_UP_NS);
    if (command->flags & CLEARS)
        clear(s);
    if (command->flags & EVERY_KEY)
        memset(s->scan.kind, command->kind, sizeof s->scan.kind);
    if (!(command->flags & SILENT))
        ps2_answer_byte(&s->ps2, PS2_ACK);
    if (command->begin)
        command->begin(s);
}

static void received(void *opaque, uint8_t byte)
{
    State *s = opaque;
    const Command *pending = find_command(s->ps2.command);
    if (pending && pending->take && byte < FIRST_COMMAND)
        take_argument(s, pending, byte);
    else
        start_command(s, byte);
    input_deliver(s->dev.env->input);
}

/* A request to send again is nothing that would be sent again. */
static void sent(void *opaque, uint8_t byte)
{
    State *s = opaque;
    if (byte != PS2_RESEND)
        s->last = byte;
    input_deliver(s->dev.env->input);
}

static void tested(void *opaque)
{
    settle(opaque, SETTING_UP_NS);
}

static void switched(void *opaque)
{
    State *s = opaque;
    if (ps2_heard(&s->ps2))
        settle(s, SETTING_UP_NS);
    else
        let_go(s);
    input_deliver(s->dev.env->input);
}

static const Ps2DeviceOps ps2_ops = {received, sent, tested, switched};

/* clang-format off */
static const RegDef regs[] = {
    /* name       offset kind    storage       reset */
    {"LEDS",      0x0,   REG_RO, AT(scan.leds),     0,            0, NULL, NULL, 0, 0},
    {"SET",       0x4,   REG_RO, AT(scan.set),      DEFAULT_SET,  0, NULL, NULL, 0, 0},
    {"TYPEMATIC", 0x8,   REG_RO, AT(rate),     DEFAULT_RATE, 0, NULL, NULL, 0, 0},
    {"SCANNING",  0xc,   REG_RO, AT(scanning), true,         0, NULL, NULL, 0, 0},
};

static const FieldDef fields[] = {
    FIELD_ARRAY(scan.down, FIELD_U32, SCAN_KEYS / 32),
    FIELD_ARRAY(scan.kind, FIELD_U8, SCAN_KEYS),
    FIELD(repeating, FIELD_U16),
    FIELD(last, FIELD_U8),
    PS2_FIELDS(ps2),
    FIELD(repeat, FIELD_TIMER),
    FIELD(settle, FIELD_TIMER),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    DeviceEnv *env = dev->env;
    if (!ps2_plug(&s->ps2, dev, &ps2_ops, err))
        return false;
    timer_init(&s->repeat, env->clock, dev->name, 1, repeat_due, s);
    timer_init(&s->settle, env->clock, dev->name, 2, settle_due, s);
    input_connect(env->input, INPUT_KEYBOARD, &input_ops, s);
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
    set_leds(s, 0);
    ps2_reset(&s->ps2);
    s->last = PS2_TEST_PASSED;
    timer_cancel(&s->settle);
}

/* The set is an index, and so is the key. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    ps2_loaded(&s->ps2);
    if (s->scan.set < 1 || s->scan.set > KEY_SETS)
        s->scan.set = DEFAULT_SET;
    if (s->repeating >= SCAN_KEYS)
        stop_repeating(s);
    set_leds(s, s->scan.leds);
}

const DeviceType ps2_keyboard_type = {
    .name = "ps2_keyboard",
    .summary = "PS/2 keyboard",
    .state_size = sizeof(State),
    .window = 0x10,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .off_bus = true,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .loaded = loaded,
};
