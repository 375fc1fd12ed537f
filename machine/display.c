/* See display.h. The frame is drawn row by row into memory of its own; a row counts as changed only if its
 * pixels really did. */
#include "machine/display.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

typedef struct Controller {
    const DisplayOps *ops; /* NULL: there is none */
    void *opaque;
    bool invalid; /* must be drawn as a whole */
    void (*clock)(void *opaque, uint32_t hz);
    void *clock_opaque;
} Controller;

struct Display {
    Controller controller[DISPLAY_OUTPUTS + 1]; /* the last is none */
    DisplayOutput connector;                    /* what the multiplexer shows */
    DisplayOutput shown; /* what the frontend wants: DISPLAY_OUTPUTS: see display_show() */
    Frame frame;
    DisplayCounts counts;
    uint32_t *pixels;        /* [width * height] */
    uint64_t *changed;       /* [height] */
    bool *touched;           /* [height] */
    uint32_t *row;           /* [width]: drawn before it is compared */
    JournalChannel *channel; /* NULL: no journal */
};

Display *display_new(void)
{
    Display *display = checked(calloc(1, sizeof *display));
    display->shown = DISPLAY_OUTPUTS;
    return display;
}

static void free_frame(Display *display)
{
    free(display->pixels);
    free(display->changed);
    free(display->touched);
    free(display->row);
    display->pixels = display->row = NULL;
    display->changed = NULL;
    display->touched = NULL;
}

void display_free(Display *display)
{
    if (!display)
        return;
    free_frame(display);
    free(display);
}

void display_connect(Display *display, DisplayOutput output, const DisplayOps *ops, void *opaque)
{
    Controller *controller = &display->controller[output];
    controller->ops = ops;
    controller->opaque = opaque;
    controller->invalid = true;
}

void display_touch(Display *display, uint32_t y, uint32_t count)
{
    uint32_t height = display->frame.height;
    if (y < height)
        memset(display->touched + y, true, count < height - y ? count : height - y);
}

void display_invalidate(Display *display, DisplayOutput output)
{
    display->controller[output].invalid = true;
}

void display_switch(Display *display, DisplayOutput output)
{
    display->connector = output;
}

void display_on_clock(Display *display, DisplayOutput output, void (*clock)(void *opaque, uint32_t hz),
                      void *opaque)
{
    display->controller[output].clock = clock;
    display->controller[output].clock_opaque = opaque;
}

void display_set_clock(Display *display, DisplayOutput output, uint32_t hz)
{
    const Controller *controller = &display->controller[output];
    if (controller->clock)
        controller->clock(controller->clock_opaque, hz);
}

void display_show(Display *display, DisplayOutput output)
{
    display->shown = output;
}

static DisplayMode mode_of(const Display *display, DisplayOutput output)
{
    const Controller *controller = &display->controller[output];
    DisplayMode mode = controller->ops ? controller->ops->mode(controller->opaque) : (DisplayMode){0};
    bool usable = mode.width && mode.height && mode.width <= DISPLAY_MOST && mode.height <= DISPLAY_MOST;
    return usable ? mode : (DisplayMode){0};
}

static DisplayOutput output_shown(const Display *display)
{
    if (display->shown != DISPLAY_OUTPUTS)
        return display->shown;
    const Controller *gpu = &display->controller[DISPLAY_GPU];
    if (!mode_of(display, DISPLAY_GPU).width)
        return display->connector;
    bool useless =
        gpu->ops->black && mode_of(display, display->connector).width && gpu->ops->black(gpu->opaque);
    return useless ? display->connector : DISPLAY_GPU;
}

/* Gives the frame another size, all black. */
static void resize(Display *display, const DisplayMode *mode)
{
    size_t width = mode->width, height = mode->height;
    free_frame(display);
    display->frame.width = mode->width;
    display->frame.height = mode->height;
    display->frame.resized = display->frame.serial;
    if (!width)
        return;
    display->pixels = checked(calloc(width * height, sizeof *display->pixels));
    display->changed = checked(calloc(height, sizeof *display->changed));
    display->touched = checked(calloc(height, sizeof *display->touched));
    display->row = checked(calloc(width, sizeof *display->row));
    for (size_t y = 0; y < height; y++)
        display->changed[y] = display->frame.serial;
}

static bool draw_row(Display *display, const Controller *controller, uint32_t y)
{
    size_t bytes = display->frame.width * sizeof *display->pixels;
    uint32_t *old = display->pixels + (size_t)y * display->frame.width;
    controller->ops->row(controller->opaque, y, display->row);
    display->touched[y] = false;
    if (!memcmp(old, display->row, bytes))
        return false;
    memcpy(old, display->row, bytes);
    return true;
}

const Frame *display_frame(Display *display)
{
    Frame *frame = &display->frame;
    DisplayOutput output = output_shown(display);
    Controller *controller = &display->controller[output];
    DisplayMode mode = mode_of(display, output);
    uint64_t serial = frame->serial + 1;
    bool all = controller->invalid || output != frame->output;
    if (mode.width != frame->width || mode.height != frame->height) {
        frame->serial = serial;
        resize(display, &mode);
        all = true;
    }
    frame->output = output;
    frame->frame_ns = mode.frame_ns;
    if (mode.width) {
        controller->invalid = false;
        controller->ops->changes(controller->opaque, display);
        if (all)
            display_touch(display, 0, frame->height);
    }
    for (uint32_t y = 0; y < frame->height; y++) {
        if (!display->touched[y] || !draw_row(display, controller, y))
            continue;
        display->changed[y] = serial;
        frame->serial = serial;
        display->counts.rows++;
    }
    display->counts.looks++;
    display->counts.pictures += frame->serial == serial;
    frame->pixels = display->pixels;
    frame->changed = display->changed;
    return frame;
}

DisplayCounts display_counts(const Display *display)
{
    return display->counts;
}

void display_set_shown(Display *display, uint64_t pictures)
{
    display->counts.shown = pictures;
}

/* What enters. */
enum { RESIZE = 'r' };

bool display_resize(Display *display, uint32_t width, uint32_t height)
{
    const Controller *seen = &display->controller[output_shown(display)];
    bool follows = seen->ops && seen->ops->resize;
    uint32_t size[] = {width, height};
    if (!journal_event(display->channel, RESIZE, size, sizeof size))
        return follows;
    for (unsigned n = 0; n < DISPLAY_OUTPUTS; n++) {
        const Controller *controller = &display->controller[n];
        if (controller->ops && controller->ops->resize)
            controller->ops->resize(controller->opaque, width, height);
    }
    return follows;
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    uint32_t wish[2];
    if (what != RESIZE || size != sizeof wish)
        return false;
    memcpy(wish, data, sizeof wish);
    if (wish[0] > UINT16_MAX || wish[1] > UINT16_MAX)
        return false;
    display_resize(opaque, wish[0], wish[1]);
    return true;
}

void display_set_journal(Display *display, Journal *journal)
{
    display->channel = journal_channel(journal, "display", apply, display);
}
