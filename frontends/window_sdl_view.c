/* What is seen in the window: the picture, and over it what we draw ourselves. */
#include "frontends/clipboard_picture.h"
#include "frontends/window_sdl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTE_MS = 5000, TEXT_MOST = 320 };
enum { BAR_PAPER = 0xff1c2733, BAR_INK = 0xffc9d3dc, NOTE_PAPER = 0xe635587a, NOTE_INK = 0xffffffff };

/* ---- The title and notes ------------------------------------------------------------------------------ */

void view_title(Window *window)
{
    const WindowStatus *status = &window->status;
    char text[160];
    const char *hint = window->close_until ? "close again to end the emulator"
                       : window->keyboard  ? "Ctrl+Alt+G releases keyboard and mouse"
                       : window->grabbed   ? "Ctrl+Alt+G releases the mouse"
                                           : "Ctrl+Alt+M for the menu";
    const char *state = status->off      ? " (off)"
                        : status->paused ? " (paused)"
                        : status->turbo  ? " (turbo)"
                                         : "";
    if (window->view < 0)
        snprintf(text, sizeof text, "Armature%s - %s", state, hint);
    else
        snprintf(text, sizeof text, "Armature%s - serial port %d - %s", state, window->view, hint);
    if (window->window)
        sdl.SetWindowTitle(window->window, text);
}

void view_note(Window *window, const char *text)
{
    snprintf(window->note, sizeof window->note, "%s", text);
    window->note_until = sdl.GetTicks64() + NOTE_MS;
    window->redraw = true;
}

static void new_note(Window *window)
{
    char text[TEXT_MOST];
    window->notes = window->status.notes;
    if (!window->status.note_is_path) {
        view_note(window, window->status.note);
        return;
    }
    bool picture = clipboard_put_picture(sdl.GetCurrentVideoDriver(), window->status.note);
    if (!picture)
        sdl.SetClipboardText(window->status.note);
    snprintf(text, sizeof text, "Written to %s; %s is in the clipboard", window->status.note,
             picture ? "it" : "the name");
    view_note(window, text);
}

int view_timeout(const Window *window)
{
    Uint64 now = sdl.GetTicks64(), until = window->note_until;
    if (window->close_until && (!until || window->close_until < until))
        until = window->close_until;
    if (!until)
        return -1;
    return until > now ? (int)(until - now) : 0;
}

/* What was there for a while only is over. */
static void forget(Window *window)
{
    Uint64 now = sdl.GetTicks64();
    if (window->note_until && now >= window->note_until) {
        window->note_until = 0;
        window->redraw = true;
    }
    if (window->close_until && now >= window->close_until) {
        window->close_until = 0;
        view_title(window);
    }
}

/* ---- What the session shows --------------------------------------------------------------------------- */

static void cannot_show(Window *window, uint32_t width, uint32_t height)
{
    char text[TEXT_MOST];
    snprintf(text, sizeof text, "The picture of %ux%u cannot be shown: %s", width, height, sdl.GetError());
    view_note(window, text);
}

static void picture_size(void *opaque, uint32_t width, uint32_t height, uint32_t frame_ns)
{
    Window *window = opaque;
    bool other = (int)width != window->picture_width || (int)height != window->picture_height;
    (void)frame_ns;
    if (window->picture)
        sdl.DestroyTexture(window->picture);
    window->picture = NULL;
    window->picture_width = (int)width;
    window->picture_height = (int)height;
    window->redraw = true;
    if (!width)
        return;
    window->picture = sdl.CreateTexture(window->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                        (int)width, (int)height);
    if (!window->picture)
        cannot_show(window, width, height);
    if (other)
        size_follow_mode(window);
}

static void picture_rows(void *opaque, uint32_t y, uint32_t count, uint32_t width, const uint32_t *pixels)
{
    Window *window = opaque;
    SDL_Rect rows = {0, (int)y, (int)width, (int)count};
    if (window->picture)
        sdl.UpdateTexture(window->picture, &rows, pixels, (int)(width * sizeof *pixels));
    window->picture_changed |= window->view < 0;
}

static void read_ports(Window *window)
{
    uint8_t data[4096];
    size_t count;
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        while ((count = window_link_read(window->link, n, data, sizeof data))) {
            pane_write(window->pane[n], data, count);
            window->redraw |= window->view == (int)n;
        }
    }
}

static void read_status(Window *window)
{
    WindowStatus before = window->status, *now = &window->status;
    window_link_status(window->link, now);
    bool devices = before.mouse != now->mouse || before.tablet != now->tablet;
    if (devices)
        input_devices_changed(window);
    if (before.paused != now->paused || before.off != now->off || before.turbo != now->turbo || devices)
        view_title(window);
    if (now->notes != window->notes)
        new_note(window);
    window->menu.on[ACTION_PAUSE] = now->paused;
    window->menu.on[ACTION_TURBO] = now->turbo;
    window->redraw |= window->state.status || window->menu.open;
}

void view_update(Window *window)
{
    WindowPicture sink = {picture_size, picture_rows, window};
    if (!window->window) {
        WindowStatus status;
        window_link_status(window->link, &status);
        if (!status.running)
            return;
        if (!view_create(window)) {
            window_command(window, WINDOW_END, true);
            return;
        }
    }
    window_link_look(window->link, &sink);
    read_ports(window);
    read_status(window);
}

void view_lost(Window *window)
{
    if (window->overlay)
        sdl.DestroyTexture(window->overlay);
    window->overlay = NULL;
    window_link_forget(window->link);
    view_update(window);
}

void view_select(Window *window, int view)
{
    window->view = view;
    if (view < 0)
        sdl.StopTextInput();
    else
        sdl.StartTextInput();
    for (int n = 0; n < SERIAL_PORTS; n++)
        window->menu.on[ACTION_SERIAL0 + n] = n == view;
    window->menu.on[ACTION_SCREEN] = view < 0;
    view_title(window);
    window->redraw = true;
}

/* ---- Drawing ------------------------------------------------------------------------------------------ */

/* Nobody sees the picture: the session need not look at it. */
static void tell_whether_shown(Window *window)
{
    bool shown = !window->hidden && window->view < 0;
    if (shown != window->told_shown)
        window_command(window, WINDOW_SHOWN, shown);
    window->told_shown = shown;
}

static void draw_status(Window *window, Canvas *canvas)
{
    const WindowStatus *status = &window->status;
    char text[TEXT_MOST];
    int y = canvas->height - WINDOW_BAR;
    snprintf(text, sizeof text,
             " %.1f s   %.2f of the host's time   %.0f MIPS   %.0f %% compiled   %.0f pictures/s%s%s%s%s%s",
             status->seconds, status->ratio, status->mips, status->compiled * 100, status->pictures,
             status->paused ? "   paused" : "", status->turbo ? "   turbo" : "",
             status->leds & LED_NUM_LOCK ? "   Num" : "", status->leds & LED_CAPS_LOCK ? "   Caps" : "",
             status->leds & LED_SCROLL_LOCK ? "   Scroll" : "");
    canvas_fill(canvas, 0, y, canvas->width, WINDOW_BAR, BAR_PAPER);
    canvas_text(canvas, 0, y + 1, text, BAR_INK);
}

enum { NOTE_LINES = 8 };

/* The note in lines for this width; how many. */
static int break_note(const Window *window, int characters, char (*line)[sizeof window->note])
{
    int lines = 0;
    for (const char *at = window->note; *at && lines < NOTE_LINES; lines++) {
        size_t length = canvas_line(at, characters);
        memcpy(line[lines], at, length);
        line[lines][length] = 0;
        at += length + (at[length] == ' ');
    }
    return lines;
}

static void draw_note(Window *window, Canvas *canvas, int bottom)
{
    char line[NOTE_LINES][sizeof window->note];
    int lines = break_note(window, canvas->width / FONT_WIDTH - 4, line), width = 0;
    for (int n = 0; n < lines; n++)
        width = canvas_text_width(line[n]) > width ? canvas_text_width(line[n]) : width;
    int y = bottom - (lines + 1) * FONT_HEIGHT;
    canvas_fill(canvas, FONT_WIDTH, y - 4, width + 2 * FONT_WIDTH, lines * FONT_HEIGHT + 8, NOTE_PAPER);
    for (int n = 0; n < lines; n++)
        canvas_text(canvas, 2 * FONT_WIDTH, y + n * FONT_HEIGHT, line[n], NOTE_INK);
}

static bool overlay_wanted(const Window *window)
{
    return window->view >= 0 || window->menu.open || window->slots.open || window->state.status ||
           window->note_until;
}

static void draw_canvas(Window *window, int width, int height)
{
    Canvas *canvas = &window->canvas;
    int bottom = height - (window->state.status ? WINDOW_BAR : 0);
    canvas_clear(canvas, width, height);
    if (window->view >= 0)
        pane_draw(window->pane[window->view], canvas, bottom);
    if (window->state.status)
        draw_status(window, canvas);
    if (window->note_until)
        draw_note(window, canvas, bottom);
    if (window->menu.open)
        window_menu_draw(&window->menu, canvas);
    if (window->slots.open)
        window_slots_draw(&window->slots, canvas);
}

/* anew: it looks different from the last time. */
static void show_canvas(Window *window, int width, int height, bool anew)
{
    Canvas *canvas = &window->canvas;
    int columns = (width + window->ui - 1) / window->ui, rows = (height + window->ui - 1) / window->ui;
    if (window->overlay && (window->overlay_width != columns || window->overlay_height != rows)) {
        sdl.DestroyTexture(window->overlay);
        window->overlay = NULL;
    }
    if (!window->overlay) {
        window->overlay = sdl.CreateTexture(window->renderer, SDL_PIXELFORMAT_ARGB8888,
                                            SDL_TEXTUREACCESS_STREAMING, columns, rows);
        window->overlay_width = columns;
        window->overlay_height = rows;
        anew = true;
    }
    if (!window->overlay)
        return;
    SDL_Rect all = {0, 0, columns * window->ui, rows * window->ui};
    if (anew) {
        draw_canvas(window, columns, rows);
        sdl.SetTextureBlendMode(window->overlay, SDL_BLENDMODE_BLEND);
        sdl.UpdateTexture(window->overlay, NULL, canvas->pixels, columns * (int)sizeof *canvas->pixels);
    }
    sdl.RenderCopy(window->renderer, window->overlay, NULL, &all);
}

static void show_picture(Window *window, int width, int height)
{
    WindowBox area = {0, 0, width, height - size_of_bar(window)};
    window->box = window_fit(area, window->picture_width, window->picture_height, window->state.smooth);
    SDL_Rect box = {window->box.x, window->box.y, window->box.width, window->box.height};
    bool whole =
        window->picture_width && box.w % window->picture_width == 0 && box.h % window->picture_height == 0;
    if (!window->picture || window->view >= 0)
        return;
    sdl.SetTextureScaleMode(window->picture, whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    sdl.RenderCopy(window->renderer, window->picture, NULL, &box);
}

void view_draw(Window *window)
{
    int width, height;
    forget(window);
    if (!window->window || (!window->redraw && !window->picture_changed))
        return;
    tell_whether_shown(window);
    bool anew = window->redraw, changed = window->picture_changed;
    window->redraw = window->picture_changed = false;
    if (window->hidden)
        return;
    sdl.GetRendererOutputSize(window->renderer, &width, &height);
    sdl.SetRenderDrawColor(window->renderer, 0, 0, 0, 255);
    sdl.RenderClear(window->renderer);
    show_picture(window, width, height);
    if (overlay_wanted(window))
        show_canvas(window, width, height, anew);
    sdl.RenderPresent(window->renderer);
    if (changed)
        window_link_shown(window->link);
}

/* ---- The window itself -------------------------------------------------------------------------------- */

static bool refuse(Window *window, const char *what)
{
    fprintf(stderr, "armature: the window cannot be shown: %s: %s\n", what, sdl.GetError());
    view_destroy(window);
    return false;
}

bool view_create(Window *window)
{
    WindowState *state = &window->state;
    Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    SDL_Rect place;
    size_recall(window, &place);
    if (window->options->full_screen)
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    else if (state->maximized)
        flags |= SDL_WINDOW_MAXIMIZED;
    window->window = sdl.CreateWindow("Armature", place.x, place.y, place.w, place.h, flags);
    if (!window->window)
        return refuse(window, "no window");
    window->renderer = sdl.CreateRenderer(window->window, -1, 0);
    if (!window->renderer)
        return refuse(window, "no renderer");
    sdl.SetWindowMinimumSize(window->window, WINDOW_LEAST, WINDOW_LEAST);
    size_measure(window);
    window->menu.on[ACTION_SMOOTH] = state->smooth;
    window->menu.on[ACTION_STATUS] = state->status;
    window_command(window, WINDOW_MEASURE, state->status);
    window->told_shown = true;
    view_select(window, -1);
    input_cursor(window);
    return true;
}

void view_destroy(Window *window)
{
    if (!window->window)
        return;
    if (window->renderer) {
        size_remember(window);
        if (window->picture)
            sdl.DestroyTexture(window->picture);
        if (window->overlay)
            sdl.DestroyTexture(window->overlay);
        sdl.DestroyRenderer(window->renderer);
    }
    sdl.DestroyWindow(window->window);
    window->window = NULL;
    window->renderer = NULL;
    window->picture = window->overlay = NULL;
}

void view_event(Window *window, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_RESIZED: /* by the user */
        size_measure(window);
        size_changed(window);
        break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_DISPLAY_CHANGED:
        size_measure(window);
        break;
    case SDL_WINDOWEVENT_HIDDEN:
    case SDL_WINDOWEVENT_MINIMIZED:
        window->hidden = true;
        break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_MAXIMIZED:
    case SDL_WINDOWEVENT_EXPOSED:
        window->hidden = false;
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        input_grab(window, false);
        input_rewind(window, false);
        input_let_go(window);
        return;
    default:
        return;
    }
    window->redraw = true;
}
