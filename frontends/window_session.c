#define _GNU_SOURCE
#include "frontends/window_session.h"

#include <poll.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/exit_codes.h"
#include "frontends/client.h"
#include "frontends/past.h"
#include "frontends/slots.h"
#include "machine/host_time.h"
#include "machine/keys.h"

/* The bounds of what a panel's rate may be, whatever the guest programs. */
#define FRAME_LEAST_NS UINT64_C(8000000)
#define FRAME_MOST_NS UINT64_C(100000000)
#define RETRY_NS UINT64_C(1000000)
#define MEASURE_NS UINT64_C(1000000000)
/* A window that is being dragged has many sizes; the guest hears of the last. */
#define RESIZE_NS UINT64_C(200000000)

/* Between two pictures of the past. */
#define REWIND_NS UINT64_C(120000000)

enum { LONG_TEXT = 200 /* bytes */ };

/* A moment, to measure from. */
typedef struct Reading {
    uint64_t host, guest, instructions, compiled, pictures;
} Reading;

struct WindowSession {
    Session *session;
    Machine *machine;
    WindowLink *link;
    LoopWatch *commands;
    LoopTimer *frame, *measure, *resize, *rewind;
    SessionListener *listener;
    Client client; /* of operations */
    Call *saving;  /* the call that saves into a slot, NULL: none */
    unsigned slot; /* that it is about, and so is a load */
    char *path;    /* of its file */
    Call *typing;  /* the call that types a text, NULL: none */
    WindowStatus status;
    Reading reading;
    bool rewinding, paused_before;
    bool shown;            /* somebody sees the picture */
    uint64_t looked;       /* host ns when the last look at the picture was due */
    uint64_t frame_ns;     /* between looks */
    uint64_t instructions; /* as of then */
    uint64_t serial;       /* what the window has */
    uint32_t width, height;
};

/* ---- Status ------------------------------------------------------------------------------------------- */

/* Tells the window what changed. */
static void report(WindowSession *window)
{
    const Input *input = window->machine->input;
    WindowStatus now = window->status;
    now.running = true;
    now.paused = session_paused(window->session);
    now.off = session_off(window->session);
    now.turbo = window->machine->turbo;
    now.keyboard = input_driven(input, INPUT_KEYBOARD);
    now.mouse = input_driven(input, INPUT_MOUSE);
    now.tablet = input_driven(input, INPUT_TABLET);
    now.leds = input_leds(input);
    if (!memcmp(&now, &window->status, sizeof now))
        return;
    window->status = now;
    window_link_report(window->link, &now);
}

static Reading take_reading(const WindowSession *window)
{
    Machine *machine = window->machine;
    return (Reading){host_ns(), clock_now(machine->clock), machine_icount(machine),
                     machine->jit ? jit_counts(machine->jit).compiled : 0,
                     window_link_pictures(window->link)};
}

static void measure(void *opaque)
{
    WindowSession *window = opaque;
    Reading now = take_reading(window), before = window->reading;
    double host = (double)(now.host - before.host) / 1e9;
    double instructions = (double)(now.instructions - before.instructions);
    window->reading = now;
    window->status.seconds = (double)now.guest / 1e9;
    if (host > 0) {
        window->status.ratio = (double)(now.guest - before.guest) / 1e9 / host;
        window->status.mips = instructions / host / 1e6;
        window->status.pictures = (double)(now.pictures - before.pictures) / host;
    }
    if (instructions > 0)
        window->status.compiled = (double)(now.compiled - before.compiled) / instructions;
    window_link_report(window->link, &window->status);
    loop_timer_set(window->measure, MEASURE_NS);
}

static void set_measuring(WindowSession *window, bool on)
{
    window->reading = take_reading(window);
    loop_timer_set(window->measure, on ? MEASURE_NS / 4 : UINT64_MAX);
}

/* ---- The picture -------------------------------------------------------------------------------------- */

/* Looks that come a little late do not make the next one late. */
static void note_look(WindowSession *window)
{
    uint64_t now = host_ns(), due = window->looked + window->frame_ns;
    window->looked = now >= due && now - due < window->frame_ns ? due : now;
}

static void look_at_picture(void *opaque)
{
    WindowSession *window = opaque;
    if (!window->shown)
        return;
    const Frame *frame = display_frame(window->machine->display);
    display_set_shown(window->machine->display, window_link_pictures(window->link));
    note_look(window);
    window->instructions = machine_icount(window->machine);
    window->frame_ns = frame->frame_ns < FRAME_LEAST_NS  ? FRAME_LEAST_NS
                       : frame->frame_ns > FRAME_MOST_NS ? FRAME_MOST_NS
                                                         : frame->frame_ns;
    if (window_link_show(window->link, frame, window->serial))
        window->serial = frame->serial;
    else
        loop_timer_set(window->frame, RETRY_NS);
    report(window);
}

/* A guest that sleeps draws nothing: without instructions since the last look there is no need for another.
 */
static void guest_ran(void *opaque)
{
    WindowSession *window = opaque;
    if (!window->shown || machine_icount(window->machine) == window->instructions)
        return;
    uint64_t since = host_ns() - window->looked;
    if (since >= window->frame_ns) {
        loop_timer_set(window->frame, UINT64_MAX);
        look_at_picture(window);
    } else {
        loop_timer_set(window->frame, window->frame_ns - since);
    }
}

static void resize(void *opaque)
{
    WindowSession *window = opaque;
    display_resize(window->machine->display, window->width, window->height);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void note(WindowSession *window, const char *text)
{
    window_link_note(window->link, false, text);
}

static void reset(WindowSession *window)
{
    Error err;
    if (!session_reset(window->session, &err))
        note(window, err.text);
}

/* No device of the board tells the guest of a button, but keyboards have a power key, which Linux's desktops
 * and systemd obey. */
static void power(WindowSession *window)
{
    Input *input = window->machine->input;
    const Key *key = key_by_name("POWER");
    if (!key || !input_driven(input, INPUT_KEYBOARD)) {
        note(window, "The guest drives no keyboard, so it cannot be asked to switch itself off");
        return;
    }
    session_resume(window->session);
    input_send(input, &(InputEvent){.kind = INPUT_KEY, .code = key->code, .down = true});
    input_send(input, &(InputEvent){.kind = INPUT_KEY, .code = key->code});
    note(window, "The guest was asked to switch itself off");
}

/* An operation has ended: what it says is for the user. */
static void operation_done(Call *call, void *opaque)
{
    WindowSession *window = opaque;
    if (call == window->typing)
        window->typing = NULL;
    char *path = json_is_string(call->result) ? realpath(json_string_value(call->result), NULL) : NULL;
    if (call->error)
        note(window, call->error);
    else if (path)
        window_link_note(window->link, true, path);
    free(path);
}

/* The command's text, if it has one, is the operation's argument. Returns the call if it waits. */
static Call *operate(WindowSession *window, const char *name, const WindowCommand *command)
{
    json_t *arguments = json_array();
    if (command->length)
        json_array_append_new(arguments, json_bytes(command->text, command->length));
    Call *call = operation_call(&window->client, operation_find(name), arguments, operation_done, window);
    json_decref(arguments);
    return call;
}

/* What went wrong, with the slot's number in the place of its file's name. */
static void slot_failed(WindowSession *window, const char *error)
{
    char text[sizeof(Error)];
    const char *name = strstr(error, window->path);
    if (name && name > error && name[-1] == '\'' && name[strlen(window->path)] == '\'')
        snprintf(text, sizeof text, "%.*sslot %u%s", (int)(name - 1 - error), error, window->slot,
                 name + strlen(window->path) + 1);
    else
        snprintf(text, sizeof text, "%s", error);
    note(window, text);
}

static void slot_saved(Call *call, void *opaque)
{
    WindowSession *window = opaque;
    char text[80];
    window->saving = NULL;
    snprintf(text, sizeof text, "Saved into slot %u", window->slot);
    if (call->error)
        slot_failed(window, call->error);
    else
        note(window, text);
}

static void slot_loaded(Call *call, void *opaque)
{
    WindowSession *window = opaque;
    char text[80];
    snprintf(text, sizeof text, "The machine is as it was in slot %u", window->slot);
    if (call->error)
        slot_failed(window, call->error);
    else
        note(window, text);
    look_at_picture(window);
}

static void use_slot(WindowSession *window, const WindowCommand *command)
{
    bool save = command->kind == WINDOW_SAVE;
    char text[80];
    if (window->saving) {
        snprintf(text, sizeof text, "Slot %u is not saved yet", window->slot);
        note(window, text);
        return;
    }
    free(window->path);
    window->path = strndup(command->text, command->length);
    if (!window->path)
        abort();
    window->slot = command->port;
    json_t *arguments = json_array();
    json_array_append_new(arguments, json_bytes(command->text, command->length));
    if (save) {
        json_array_append_new(arguments, json_string("")); /* no note */
        json_array_append_new(arguments,
                              json_boolean(!slots_fit(window->path, window->machine->options.memory)));
    }
    Call *call = operation_call(&window->client, operation_find(save ? "save" : "load"), arguments,
                                save ? slot_saved : slot_loaded, window);
    json_decref(arguments);
    window->saving = save ? call : NULL;
}

static Call *for_keyboard(WindowSession *window, const char *name, const WindowCommand *command)
{
    if (input_driven(window->machine->input, INPUT_KEYBOARD))
        return operate(window, name, command);
    note(window, "The guest drives no keyboard: nothing can be typed");
    return NULL;
}

/* A text takes as long as the guest needs for it, so that it can be stopped. */
static void type(WindowSession *window, const WindowCommand *command)
{
    if (window->typing) {
        call_cancel(window->typing);
        note(window, "The rest of the text is not typed");
        return;
    }
    window->typing = for_keyboard(window, "type", command);
    if (window->typing && command->length > LONG_TEXT)
        note(window, "A long text is being typed; Ctrl+Alt+V stops that");
}

static void set_shown(WindowSession *window, bool shown)
{
    window->shown = shown;
    if (shown)
        look_at_picture(window);
}

/* Each step shows the picture of a checkpoint. */
static void rewind_more(void *opaque)
{
    WindowSession *window = opaque;
    if (!past_rewind(session_past(window->session))) {
        note(window, "The history begins here");
        return;
    }
    look_at_picture(window);
    loop_timer_set(window->rewind, REWIND_NS);
}

static void begin_rewinding(WindowSession *window)
{
    if (window->rewinding || session_off(window->session))
        return;
    if (!session_past(window->session)) {
        note(window, "Nothing is kept of the past: start with --history 256M");
        return;
    }
    window->rewinding = true;
    window->paused_before = session_paused(window->session);
    rewind_more(window);
}

/* The guest goes on from here: no key is pressed in this present that was in that past. */
static void end_rewinding(WindowSession *window)
{
    if (!window->rewinding)
        return;
    window->rewinding = false;
    loop_timer_set(window->rewind, UINT64_MAX);
    past_diverge(session_past(window->session));
    input_release_all(window->machine->input);
    if (!window->paused_before)
        session_resume(window->session);
}

static void obey(WindowSession *window, const WindowCommand *command)
{
    Machine *machine = window->machine;
    switch (command->kind) {
    case WINDOW_INPUT:
        input_send(machine->input, &command->event);
        break;
    case WINDOW_LET_GO:
        input_release_all(machine->input);
        break;
    case WINDOW_PAUSE:
        (command->on ? session_pause : session_resume)(window->session);
        break;
    case WINDOW_RESET:
        reset(window);
        break;
    case WINDOW_POWER:
        power(window);
        break;
    case WINDOW_TURBO:
        machine->turbo = command->on;
        break;
    case WINDOW_REWIND:
        (command->on ? begin_rewinding : end_rewinding)(window);
        break;
    case WINDOW_END:
        session_end(window->session, EXIT_OFF, NULL);
        break;
    case WINDOW_TYPE:
        type(window, command);
        break;
    case WINDOW_PRESS:
        for_keyboard(window, "press", command);
        break;
    case WINDOW_SERIAL:
        serial_send(&machine->env.serial[command->port], command->text, command->length);
        break;
    case WINDOW_SCREENSHOT:
        operate(window, "screenshot", command);
        break;
    case WINDOW_SAVE:
    case WINDOW_LOAD:
        use_slot(window, command);
        break;
    case WINDOW_RESIZE:
        window->width = command->width;
        window->height = command->height;
        loop_timer_set(window->resize, RESIZE_NS);
        break;
    case WINDOW_SHOWN:
        set_shown(window, command->on);
        break;
    case WINDOW_MEASURE:
        set_measuring(window, command->on);
        break;
    }
}

static void commands_wait(void *opaque, short revents)
{
    WindowSession *window = opaque;
    const WindowCommand *command;
    (void)revents;
    while ((command = window_link_take(window->link)))
        obey(window, command);
    report(window);
}

/* ---- Events ------------------------------------------------------------------------------------------- */

static void on_event(void *opaque, const SessionEvent *event)
{
    WindowSession *window = opaque;
    switch (event->kind) {
    case SESSION_OUTPUT:
        window_link_write(window->link, event->port, event->data, event->length);
        break;
    case SESSION_PANIC:
    case SESSION_BREAKPOINT:
        note(window, event->text);
        report(window);
        break;
    case SESSION_RESET:
        look_at_picture(window);
        break;
    default:
        report(window);
        break;
    }
}

WindowSession *window_session_attach(Session *session, WindowLink *link)
{
    WindowSession *window = calloc(1, sizeof *window);
    if (!window)
        abort();
    Loop *loop = session_loop(session);
    window->session = session;
    window->machine = session_machine(session);
    window->link = link;
    window->shown = true;
    window->commands = loop_watch(loop, window_link_fd(link), POLLIN, commands_wait, window);
    window->frame = loop_timer_new(loop, look_at_picture, window);
    window->measure = loop_timer_new(loop, measure, window);
    window->resize = loop_timer_new(loop, resize, window);
    window->rewind = loop_timer_new(loop, rewind_more, window);
    client_init(&window->client, session, "window");
    window->client.timeout_ns = 0; /* whoever sits there decides how long to wait */
    window->listener = session_listen(session, on_event, window);
    session_attend(session);
    session_on_look(session, guest_ran, window);
    look_at_picture(window);
    report(window);
    return window;
}

void window_session_detach(WindowSession *window)
{
    if (!window)
        return;
    session_on_look(window->session, NULL, NULL);
    session_unlisten(window->listener);
    client_leave(&window->client);
    loop_timer_free(window->rewind);
    loop_timer_free(window->resize);
    loop_timer_free(window->measure);
    loop_timer_free(window->frame);
    loop_unwatch(window->commands);
    free(window->path);
    free(window);
}
