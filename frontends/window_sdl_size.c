/* Size and place of the window: what is remembered, what the guest's modes and the user ask for. */
#include "frontends/window_sdl.h"

#include <stdlib.h>

enum { FIRST_WIDTH = 640, FIRST_HEIGHT = 480, MULTIPLE_MOST = 3, RESIZE_SLACK = 16 };

static bool is_free(const Window *window)
{
    Uint32 fixed = SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED | SDL_WINDOW_MINIMIZED;
    return !(sdl.GetWindowFlags(window->window) & fixed);
}

int size_of_bar(const Window *window)
{
    return window->state.status ? WINDOW_BAR * window->ui : 0;
}

static int inside(int at, int length, int begin, int room)
{
    if (at + length > begin + room)
        at = begin + room - length;
    return at < begin ? begin : at;
}

/* What the window manager puts around the window. */
typedef struct Borders {
    int top, left, bottom, right;
} Borders;

static Borders borders_of(Window *window)
{
    Borders borders = {0};
    if (sdl.GetWindowBordersSize(window->window, &borders.top, &borders.left, &borders.bottom,
                                 &borders.right))
        return (Borders){0};
    return borders;
}

/* A window that has grown should not reach beyond the screen, if it fits on it. */
static void keep_on_screen(Window *window, int width, int height)
{
    SDL_Rect screen;
    Borders around = borders_of(window);
    int x, y, display = sdl.GetWindowDisplayIndex(window->window);
    if (sdl.GetDisplayUsableBounds(display < 0 ? 0 : display, &screen))
        return;
    sdl.GetWindowPosition(window->window, &x, &y);
    int left = inside(x, width + around.right, screen.x + around.left, screen.w - around.left);
    int top = inside(y, height + around.bottom, screen.y + around.top, screen.h - around.top);
    if (left != x || top != y)
        sdl.SetWindowPosition(window->window, left, top);
}

/* Gives the window the size for a whole multiple of the picture. */
static void set_size(Window *window, int multiple)
{
    int width = (int)((float)(window->picture_width * multiple) / window->density + 0.5f);
    int height =
        (int)((float)(window->picture_height * multiple + size_of_bar(window)) / window->density + 0.5f);
    window->asked_width = window->picture_width * multiple; /* this is no wish of the user's */
    window->asked_height = window->picture_height * multiple;
    sdl.SetWindowSize(window->window, width, height);
    keep_on_screen(window, width, height);
}

static int fitting_multiple(Window *window, int most)
{
    SDL_Rect screen;
    int display = sdl.GetWindowDisplayIndex(window->window);
    if (sdl.GetDisplayUsableBounds(display < 0 ? 0 : display, &screen))
        return 1;
    return window_multiple((int)((float)screen.w * window->density), (int)((float)screen.h * window->density),
                           window->picture_width, window->picture_height, most);
}

static bool near(int a, int b)
{
    return abs(a - b) < RESIZE_SLACK;
}

void size_follow_mode(Window *window)
{
    bool as_asked = near(window->picture_width, window->asked_width) &&
                    near(window->picture_height, window->asked_height);
    if (!window->picture_width || !is_free(window) || as_asked)
        return;
    if (window->sized)
        window->sized = false; /* the size that was remembered is for the first mode */
    else
        set_size(window, fitting_multiple(window, MULTIPLE_MOST));
}

void size_original(Window *window)
{
    if (window->picture_width && is_free(window))
        set_size(window, 1);
}

void size_status_line(Window *window)
{
    int width, height, bar = (int)((float)(WINDOW_BAR * window->ui) / window->density);
    window_command(window, WINDOW_MEASURE, window->state.status);
    if (!is_free(window))
        return;
    sdl.GetWindowSize(window->window, &width, &height);
    height += window->state.status ? bar : -bar;
    sdl.SetWindowSize(window->window, width, height);
    keep_on_screen(window, width, height);
}

void size_full_screen(Window *window)
{
    bool full = sdl.GetWindowFlags(window->window) & SDL_WINDOW_FULLSCREEN_DESKTOP;
    sdl.SetWindowFullscreen(window->window, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
    window->redraw = true;
}

void size_changed(Window *window)
{
    int width, height;
    sdl.GetRendererOutputSize(window->renderer, &width, &height);
    height -= size_of_bar(window);
    if (width < WINDOW_LEAST || height < WINDOW_LEAST ||
        (width == window->asked_width && height == window->asked_height))
        return;
    window->asked_width = width;
    window->asked_height = height;
    window_link_send(
        window->link,
        &(WindowCommand){.kind = WINDOW_RESIZE, .width = (uint32_t)width, .height = (uint32_t)height});
}

/* ---- Screens with scaled units ----------------------------------------------------------------------- */

void size_measure(Window *window)
{
    int units, pixels;
    sdl.GetWindowSize(window->window, &units, NULL);
    sdl.GetRendererOutputSize(window->renderer, &pixels, NULL);
    window->density = units > 0 && pixels > 0 ? (float)pixels / (float)units : 1;
    window->ui = window->density > 1.5f ? (int)(window->density + 0.5f) : 1;
}

/* ---- From one run to the next ----------------------------------------------------------------------------
 */

/* A place that was remembered may be on a screen that is not there any more. */
static bool on_some_screen(const WindowState *state)
{
    SDL_Rect screen, window = {state->x, state->y, state->width, 3 * FONT_HEIGHT};
    for (int n = 0; n < sdl.GetNumVideoDisplays(); n++)
        if (!sdl.GetDisplayBounds(n, &screen) && sdl.HasIntersection(&screen, &window))
            return true;
    return false;
}

void size_recall(Window *window, SDL_Rect *place)
{
    WindowState *state = &window->state;
    if (!window_state_path(window->state_path, sizeof window->state_path))
        window->state_path[0] = 0;
    else
        window_state_read(state, window->state_path);
    window->sized = state->width > 0;
    bool placed = state->placed && window->sized && on_some_screen(state);
    *place = (SDL_Rect){
        placed ? state->x : (int)SDL_WINDOWPOS_UNDEFINED, placed ? state->y : (int)SDL_WINDOWPOS_UNDEFINED,
        window->sized ? state->width : FIRST_WIDTH, window->sized ? state->height : FIRST_HEIGHT};
}

void size_remember(Window *window)
{
    WindowState *state = &window->state;
    Uint32 flags = sdl.GetWindowFlags(window->window);
    state->maximized = flags & SDL_WINDOW_MAXIMIZED;
    if (is_free(window)) {
        Borders around = borders_of(window); /* a new window's place is that of what is around it */
        sdl.GetWindowPosition(window->window, &state->x, &state->y);
        sdl.GetWindowSize(window->window, &state->width, &state->height);
        state->x -= around.left;
        state->y -= around.top;
        state->placed = true;
    }
    if (window->state_path[0])
        window_state_write(state, window->state_path);
}
