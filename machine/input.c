#include "machine/input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SINKS = 8 };

typedef struct Sink {
    InputKind kind;
    const InputOps *ops;
    void *opaque;
} Sink;

struct Input {
    Sink sink[SINKS];
    unsigned sinks;
    bool down[INPUT_KEYS]; /* as sent */
    unsigned leds;
    bool delivering;
    InputEvent *queue;
    unsigned head, length, capacity;
    JournalChannel *channel; /* NULL: no journal */
};

Input *input_new(void)
{
    Input *input = calloc(1, sizeof *input);
    if (!input)
        abort();
    return input;
}

void input_free(Input *input)
{
    if (!input)
        return;
    free(input->queue);
    free(input);
}

void input_connect(Input *input, InputKind kind, const InputOps *ops, void *opaque)
{
    assert(input->sinks < SINKS);
    input->sink[input->sinks++] = (Sink){kind, ops, opaque};
}

/* The device that events of the kind go to; NULL if the guest drives none. */
static const Sink *find(const Input *input, InputKind kind)
{
    for (unsigned n = input->sinks; n-- > 0;) {
        const Sink *sink = &input->sink[n];
        if (sink->kind == kind && sink->ops->driven(sink->opaque))
            return sink;
    }
    return NULL;
}

bool input_driven(const Input *input, InputKind kind)
{
    return find(input, kind);
}

static const Sink *find_for(const Input *input, const InputEvent *event)
{
    const Sink *tablet = event->kind == INPUT_KEY ? NULL : find(input, INPUT_TABLET);
    switch (event->kind) {
    case INPUT_KEY:
        return find(input, INPUT_KEYBOARD);
    case INPUT_MOVE:
        return find(input, INPUT_MOUSE);
    case INPUT_POSITION:
        return tablet;
    default:
        return tablet ? tablet : find(input, INPUT_MOUSE);
    }
}

/* ---- The queue ---------------------------------------------------------------------------------------- */

static InputEvent *queued(const Input *input, unsigned n)
{
    return &input->queue[input->head + n];
}

static void append(Input *input, const InputEvent *event)
{
    if (input->head + input->length == input->capacity) {
        if (input->head)
            memmove(input->queue, queued(input, 0), input->length * sizeof *input->queue);
        input->head = 0;
    }
    if (input->length == input->capacity) {
        input->capacity = 2 * input->capacity + 64;
        input->queue = realloc(input->queue, input->capacity * sizeof *input->queue);
        if (!input->queue)
            abort();
    }
    input->queue[input->head + input->length++] = *event;
}

static int32_t sum(int32_t a, int32_t b)
{
    int64_t value = (int64_t)a + b;
    return value > INT16_MAX ? INT16_MAX : value < -INT16_MAX ? -INT16_MAX : (int32_t)value;
}

/* Makes one event of this and the last that waits, where the guest could not tell. */
static bool merge(Input *input, const InputEvent *event)
{
    InputEvent *last = input->length ? queued(input, input->length - 1) : NULL;
    if (!last || last->kind != event->kind)
        return false;
    switch (event->kind) {
    case INPUT_MOVE:
    case INPUT_WHEEL:
        last->x = sum(last->x, event->x);
        last->y = sum(last->y, event->y);
        return true;
    case INPUT_POSITION:
        *last = *event;
        return true;
    default:
        return false;
    }
}

/* Keys wait until the guest drives a keyboard; what a pointer does that nobody looks at is over. */
void input_deliver(Input *input)
{
    if (input->delivering)
        return;
    input->delivering = true;
    while (input->length) {
        InputEvent event = *queued(input, 0);
        const Sink *sink = find_for(input, &event);
        if (sink ? !sink->ops->has_room(sink->opaque) : event.kind == INPUT_KEY)
            break;
        input->head = --input->length ? input->head + 1 : 0;
        if (sink)
            sink->ops->event(sink->opaque, &event);
    }
    input->delivering = false;
}

/* An event in the journal: kind, down, code in 2 bytes, x and y in 4 each. */
enum { EVENT = 'e', EVENT_BYTES = 12 };

static bool enters(Input *input, const InputEvent *event)
{
    uint8_t bytes[EVENT_BYTES] = {(uint8_t)event->kind, event->down, (uint8_t)event->code,
                                  (uint8_t)(event->code >> 8)};
    memcpy(bytes + 4, &event->x, 4);
    memcpy(bytes + 8, &event->y, 4);
    return journal_event(input->channel, EVENT, bytes, sizeof bytes);
}

void input_send(Input *input, const InputEvent *event)
{
    bool is_key = event->kind == INPUT_KEY || event->kind == INPUT_BUTTON;
    if (is_key && (event->code >= INPUT_KEYS || (!event->down && !input->down[event->code])))
        return;
    if (!enters(input, event))
        return;
    if (is_key)
        input->down[event->code] = event->down;
    if (!merge(input, event))
        append(input, event);
    input_deliver(input);
}

void input_release_all(Input *input)
{
    for (uint16_t code = 0; code < INPUT_KEYS; code++)
        if (input->down[code])
            input_send(input,
                       &(InputEvent){.kind = code >= BUTTON_LEFT ? INPUT_BUTTON : INPUT_KEY, .code = code});
}

unsigned input_waiting(const Input *input)
{
    return input->length;
}

/* Sinks are set up with the devices, and nothing is delivered between instructions. */
_Static_assert(sizeof(struct Input) == sizeof(Sink) * SINKS + INPUT_KEYS + 48,
               "what is new in Input: save it in snapshot/views.c, or say here why not");

InputEvent input_event_waiting(const Input *input, unsigned n)
{
    return *queued(input, n);
}

void input_put_back(Input *input, const InputEvent *event)
{
    append(input, event);
}

void input_keys_down(const Input *input, bool *down)
{
    memcpy(down, input->down, sizeof input->down);
}

void input_set_keys_down(Input *input, const bool *down)
{
    memcpy(input->down, down, sizeof input->down);
}

void input_set_leds(Input *input, unsigned leds)
{
    input->leds = leds;
}

unsigned input_leds(const Input *input)
{
    return input->leds;
}

void input_reset(Input *input)
{
    memset(input->down, 0, sizeof input->down);
    input->head = input->length = 0;
    input->leds = 0;
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    if (what != EVENT || size != EVENT_BYTES || data[0] > INPUT_WHEEL)
        return false;
    InputEvent event = {
        .kind = (InputEventKind)data[0], .down = data[1], .code = (uint16_t)(data[2] | data[3] << 8)};
    memcpy(&event.x, data + 4, 4);
    memcpy(&event.y, data + 8, 4);
    bool inside = (uint32_t)event.x <= INPUT_POSITION_MOST && (uint32_t)event.y <= INPUT_POSITION_MOST;
    if (event.kind == INPUT_POSITION && !inside)
        return false;
    input_send(opaque, &event);
    return true;
}

void input_set_journal(Input *input, Journal *journal)
{
    input->channel = journal_channel(journal, "input", apply, input);
}
