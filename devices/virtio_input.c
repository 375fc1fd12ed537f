/* Virtio input device: Virtual I/O Device (VIRTIO) 1.2, section 5.8. Property 0 says what it is: a keyboard,
 * a mouse or a tablet (an InputKind).
 *
 * Keys are repeated by the guest itself (EV_REP). Of what the guest sends to the device, the keyboard's
 * lights have an effect; its repeat rate has none. Not modelled: sounds, force feedback, serial numbers. */
#include "devices/virtio.h"
#include "machine/keys.h"

#include <string.h>

enum { ID_INPUT = 18 };
enum { EVENT_QUEUE, STATUS_QUEUE, QUEUE_SIZE = 64 };

/* Values of the field `select`. */
enum { ID_NAME = 1, ID_DEVIDS = 3, EV_BITS = 0x11, ABS_INFO = 0x12 };

/* Numbers of Linux's input events, which the standard uses. */
enum { EV_SYN, EV_KEY, EV_REL, EV_ABS, EV_LED = 0x11, EV_REP = 0x14 };
enum { REL_X = 0, REL_Y = 1, REL_HWHEEL = 6, REL_WHEEL = 8 };
enum { ABS_X = 0, ABS_Y = 1 };
enum { REP_DELAY = 0, REP_PERIOD = 1, LIGHTS = 3 };
enum { BUS_VIRTUAL = 6, FIRST_PRODUCT = 1, PRODUCT_VERSION = 1 };

/* The largest report: two values and the end. */
enum { REPORT_MOST = 3, UNION_BYTES = 128 };

typedef struct {
    Virtio virtio;
    uint8_t select, subsel;
    bool listening;                 /* the driver has offered buffers for events */
    uint32_t down[INPUT_KEYS / 32]; /* keys, as the guest was told */
} State;

/* An event as it is in buffers. */
typedef struct WireEvent {
    uint16_t type, code;
    uint32_t value;
} WireEvent;

static InputKind kind_of(const Virtio *v)
{
    return (InputKind)v->dev.props.value[0];
}

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void set_bit(uint8_t *bytes, unsigned bit)
{
    bytes[bit / 8] |= (uint8_t)(1 << bit % 8);
}

static void key_bits(InputKind kind, uint8_t *bytes)
{
    for (unsigned n = 0; n < key_count && kind == INPUT_KEYBOARD; n++)
        set_bit(bytes, keys[n].code);
    for (unsigned code = BUTTON_LEFT; code <= BUTTON_EXTRA && kind != INPUT_KEYBOARD; code++)
        set_bit(bytes, code);
}

/* Which codes of an event type the device sends or takes. */
static void event_bits(InputKind kind, unsigned type, uint8_t *bytes)
{
    static const struct {
        uint8_t type, count, code[4];
    } codes[INPUT_KINDS][3] = {
        [INPUT_KEYBOARD] = {{EV_LED, LIGHTS, {0, 1, 2}},                        {EV_REP, 2, {REP_DELAY, REP_PERIOD}}},
        [INPUT_MOUSE] = {{EV_REL, 4, {REL_X, REL_Y, REL_HWHEEL, REL_WHEEL}}},
        [INPUT_TABLET] = {{EV_ABS, 2, {ABS_X, ABS_Y}},              {EV_REL, 2, {REL_HWHEEL, REL_WHEEL}}                                    },
    };
    if (type == EV_KEY)
        key_bits(kind, bytes);
    for (unsigned n = 0; n < sizeof codes[0] / sizeof *codes[0]; n++)
        for (unsigned k = 0; codes[kind][n].type == type && k < codes[kind][n].count; k++)
            set_bit(bytes, codes[kind][n].code[k]);
}

/* Fills the union for what is selected, and returns how many bytes of it count: 0 for what there is not. */
static uint8_t answer(const State *s, uint8_t *bytes)
{
    static const char *const names[INPUT_KINDS] = {"Armature virtio keyboard", "Armature virtio mouse",
                                                   "Armature virtio tablet"};
    InputKind kind = kind_of(&s->virtio);
    uint16_t ids[] = {BUS_VIRTUAL, 0, (uint16_t)(FIRST_PRODUCT + kind), PRODUCT_VERSION};
    uint32_t axis[] = {0, INPUT_POSITION_MOST, 0, 0, 0}; /* least, most, fuzz, flat, resolution */
    memset(bytes, 0, UNION_BYTES);
    switch (s->select) {
    case ID_NAME:
        memcpy(bytes, names[kind], strlen(names[kind]));
        break;
    case ID_DEVIDS:
        memcpy(bytes, ids, sizeof ids);
        return s->subsel ? 0 : sizeof ids;
    case EV_BITS:
        event_bits(kind, s->subsel, bytes);
        break;
    case ABS_INFO:
        memcpy(bytes, axis, sizeof axis);
        return kind == INPUT_TABLET && s->subsel <= ABS_Y ? sizeof axis : 0;
    }
    if (s->select == ID_NAME && s->subsel)
        return 0;
    uint8_t size = UNION_BYTES;
    while (size && !bytes[size - 1])
        size--;
    return size;
}

static void size_read(Virtio *v, uint8_t *bytes)
{
    uint8_t contents[UNION_BYTES];
    bytes[0] = answer((State *)v, contents);
}

static void union_read(Virtio *v, uint8_t *bytes)
{
    uint8_t size = answer((State *)v, bytes);
    memset(bytes + size, 0, UNION_BYTES - size);
}

static const VirtioConfigDef config[] = {
    {"select", 0, 1,           AT(select), true,  NULL,       NULL},
    {"subsel", 1, 1,           AT(subsel), true,  NULL,       NULL},
    {"size",   2, 1,           NO_STORE,   false, size_read,  NULL},
    {"u",      8, UNION_BYTES, NO_STORE,   false, union_read, NULL},
};

/* ---- Events to the guest ------------------------------------------------------------------------------ */

static void send(Virtio *v, uint16_t type, uint16_t code, int32_t value)
{
    WireEvent event = {type, code, (uint32_t)value};
    VirtChain chain;
    if (virtio_take(v, EVENT_QUEUE, &chain))
        virtio_finish(v, EVENT_QUEUE, chain.head,
                      (uint32_t)virt_chain_write(&chain, 0, &event, sizeof event));
}

/* False if the guest knows of it already. */
static bool send_key(State *s, const InputEvent *event)
{
    uint32_t *word = &s->down[event->code / 32], bit = 1u << event->code % 32;
    if (!(*word & bit) == !event->down)
        return false;
    *word ^= bit;
    send(&s->virtio, EV_KEY, event->code, event->down);
    return true;
}

/* Those axes of a movement that moved. */
static bool send_pair(Virtio *v, const InputEvent *event, uint16_t x_code, uint16_t y_code)
{
    if (event->x)
        send(v, EV_REL, x_code, event->x);
    if (event->y)
        send(v, EV_REL, y_code, event->y);
    return event->x || event->y;
}

static bool send_event(State *s, const InputEvent *event)
{
    Virtio *v = &s->virtio;
    switch (event->kind) {
    case INPUT_KEY:
    case INPUT_BUTTON:
        return send_key(s, event);
    case INPUT_MOVE:
        return send_pair(v, event, REL_X, REL_Y);
    case INPUT_WHEEL:
        return send_pair(v, event, REL_HWHEEL, REL_WHEEL);
    case INPUT_POSITION:
        send(v, EV_ABS, ABS_X, event->x);
        send(v, EV_ABS, ABS_Y, event->y);
        return true;
    }
    return false;
}

static void event(void *opaque, const InputEvent *event)
{
    Virtio *v = opaque;
    if (event->code >= INPUT_KEYS || !send_event(opaque, event))
        return;
    send(v, EV_SYN, 0, 0);
    virtio_signal(v, EVENT_QUEUE);
}

static bool driven(void *opaque)
{
    const State *s = opaque;
    return virtio_running(&s->virtio) && s->listening;
}

static bool has_room(void *opaque)
{
    return virtio_waiting(opaque, EVENT_QUEUE) >= REPORT_MOST;
}

static const InputOps ops = {driven, has_room, event};

/* ---- Queues ------------------------------------------------------------------------------------------- */

static void events_offered(Virtio *v, unsigned queue)
{
    State *s = (State *)v;
    s->listening |= virtio_waiting(v, queue) > 0;
    input_deliver(v->dev.env->input);
}

static VirtioAnswer status_sent(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    (void)written;
    static const unsigned light[LIGHTS] = {LED_NUM_LOCK, LED_CAPS_LOCK, LED_SCROLL_LOCK};
    Input *input = v->dev.env->input;
    WireEvent event;
    bool whole = virt_chain_read(chain, 0, &event, sizeof event) == sizeof event;
    if (!whole || event.type != EV_LED || event.code >= LIGHTS || kind_of(v) != INPUT_KEYBOARD)
        return VIRTIO_DONE;
    unsigned others = input_leds(input) & ~light[event.code];
    input_set_leds(input, others | (event.value ? light[event.code] : 0));
    return VIRTIO_DONE;
}

static const VirtioQueueDef queues[] = {
    [EVENT_QUEUE] = {QUEUE_SIZE, NULL,        events_offered},
    [STATUS_QUEUE] = {QUEUE_SIZE, status_sent, NULL          },
};

/* ---- The device --------------------------------------------------------------------------------------- */

static void reset(Virtio *v)
{
    State *s = (State *)v;
    s->select = s->subsel = 0;
    s->listening = false;
    memset(s->down, 0, sizeof s->down);
    input_deliver(v->dev.env->input);
}

static const VirtioType type = {
    .id = ID_INPUT,
    VIRTIO_TABLES,
    .reset = reset,
};

static bool create(Device *dev, Error *err)
{
    Virtio *v = (Virtio *)dev;
    if (dev->props.value[0] >= INPUT_KINDS)
        return error_set(err, "%s: there is no input device of kind %u", dev->name, dev->props.value[0]);
    virtio_create(v, &type);
    input_connect(dev->env->input, kind_of(v), &ops, v);
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD(select, FIELD_U8),
    FIELD(subsel, FIELD_U8),
    FIELD(listening, FIELD_BOOL),
    FIELD_ARRAY(down, FIELD_U32, INPUT_KEYS / 32),
};

const DeviceType virtio_input_type = {
    VIRTIO_DEVICE,
    .name = "virtio_input",
    .summary = "virtio input device: keyboard, mouse or tablet",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
};
