#define _GNU_SOURCE
#include "frontends/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontends/client.h"
#include "frontends/screen_font_file.h"
#include "frontends/screen_png.h"
#include "frontends/screen_record.h"
#include "machine/bus.h"
#include "machine/checked.h"
#include "machine/font.h"

#define SECOND UINT64_C(1000000000)

/* Where a kernel's font is looked for: kernels lie at the beginning of RAM. */
enum { SEARCHED_BYTES = 64 << 20 };

/* A picture at a moment that was asked for. */
typedef struct Planned {
    Screen *screen;
    uint64_t at; /* guest ns */
    bool done;
    Timer timer;
} Planned;

struct Screen {
    Session *session;
    Machine *machine;
    ScreenText *text;
    bool has_guest_font;
    bool has_initrd_fonts;               /* as far as there are any */
    uint64_t next_search, next_thorough; /* guest ns: not before */
    uint64_t unread,
        unread_anywhere; /* serials of frames in which no text was found: at the usual places, at any */
    Recording *recording;
    Timer record_timer;
    Planned planned[OPTIONS_MAX_SCREENSHOTS];
    unsigned planned_count;
    unsigned number; /* of the last picture without a name */
};

static uint64_t now(const Screen *screen)
{
    return clock_now(screen->machine->clock);
}

const Frame *screen_frame(Screen *screen)
{
    return display_frame(screen->machine->display);
}

Frame *screen_frame_copy(Screen *screen)
{
    const Frame *frame = screen_frame(screen);
    size_t bytes = (size_t)frame->width * frame->height * sizeof *frame->pixels;
    Frame *copy = checked(malloc(sizeof *copy + bytes));
    *copy = *frame;
    copy->pixels = bytes ? memcpy(copy + 1, frame->pixels, bytes) : NULL;
    copy->changed = NULL;
    return copy;
}

bool screen_is_lit(Screen *screen, Error *err)
{
    return screen_frame(screen)->width ||
           error_set(err, "the screen is dark: no display controller shows a picture");
}

/* ---- Screenshots ------------------------------------------------------------------------------------- */

/* --screenshot's name without .png; or a name of ours. Its length in *length. */
static const char *stem(const Screen *screen, int *length)
{
    const char *path = session_options(screen->session)->screenshot;
    *length = path ? (int)strlen(path) - 4 : 8;
    return path ? path : "armature";
}

static char *numbered_name(Screen *screen)
{
    char *path = NULL;
    int length;
    const char *name = stem(screen, &length);
    do {
        free(path);
        if (asprintf(&path, "%.*s-%u.png", length, name, ++screen->number) < 0)
            abort();
    } while (!access(path, F_OK));
    return path;
}

static char *shot_at(Screen *screen, char *path, Error *err)
{
    if (screen_png_write(screen_frame(screen), path, NULL, err))
        return path;
    free(path);
    return NULL;
}

char *screen_shot(Screen *screen, const char *path, Error *err)
{
    if (!screen_is_lit(screen, err))
        return NULL;
    char *name = path && *path ? strdup(path) : numbered_name(screen);
    if (!name)
        abort();
    return shot_at(screen, name, err);
}

void screen_shot_by_hand(Screen *screen)
{
    Error err;
    char *name = screen_shot(screen, NULL, &err);
    session_say(screen->session, name ? "saved %s" : "no screenshot: %s", name ? name : err.text);
    free(name);
}

static void chosen(void *opaque)
{
    screen_shot_by_hand(opaque);
}

void screen_add_command(Screen *screen, Console *console)
{
    console_add_command(console, 's', "saves a screenshot", chosen, screen);
}

static void planned_time(void *opaque)
{
    Planned *planned = opaque;
    Error err;
    char *path;
    int length;
    const char *name = stem(planned->screen, &length);
    planned->done = true;
    if (asprintf(&path, "%.*s-%.9gs.png", length, name, (double)planned->at / 1e9) < 0)
        abort();
    char *saved = shot_at(planned->screen, path, &err);
    if (!saved)
        fprintf(stderr, "armature: --screenshot-at %.9g: %s\n", (double)planned->at / 1e9, err.text);
    free(saved);
}

static void plan(Screen *screen, const Options *options)
{
    for (unsigned n = 0; n < options->screenshot_at_count; n++) {
        Planned *planned = &screen->planned[screen->planned_count++];
        *planned = (Planned){.screen = screen, .at = options->screenshot_at[n]};
        timer_init(&planned->timer, screen->machine->clock, "screenshot", CLIENT_TIMER_PRIORITY, planned_time,
                   planned);
        timer_set(&planned->timer, planned->at);
    }
}

/* ---- Text -------------------------------------------------------------------------------------------- */

static void add_fonts(Screen *screen, ScreenFont **font, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        if (!screen_text_add_font(screen->text, font[n]))
            screen_font_free(font[n]);
    if (count)
        screen->unread = screen->unread_anywhere = 0;
}

/* The font that the guest's kernel has built in: it is there once the kernel was decompressed. */
static void look_for_font(Screen *screen)
{
    ScreenFont *font[SCREEN_FONTS_MOST];
    const Machine *machine = screen->machine;
    uint64_t size = machine->options.memory < SEARCHED_BYTES ? machine->options.memory : SEARCHED_BYTES;
    if (screen->has_guest_font || now(screen) < screen->next_search)
        return;
    screen->next_search = now(screen) + SECOND;
    bus_settle(machine->bus);
    unsigned count = screen_font_find(machine->ram, size, font, SCREEN_FONTS_MOST);
    screen->has_guest_font = count;
    add_fonts(screen, font, count);
}

/* Programs of an initial file system may bring their own. */
static bool take_initrd_fonts(Screen *screen)
{
    ScreenFont *font[SCREEN_FONTS_MOST];
    const char *initrd = session_options(screen->session)->boot.initrd;
    if (screen->has_initrd_fonts || !initrd)
        return false;
    screen->has_initrd_fonts = true;
    unsigned count = screen_font_initrd(initrd, font, SCREEN_FONTS_MOST);
    add_fonts(screen, font, count);
    return count;
}

static bool read_text(Screen *screen, const Frame *frame, bool thorough)
{
    if (screen_text_read(screen->text, frame, false))
        return true;
    if (take_initrd_fonts(screen) && screen_text_read(screen->text, frame, false))
        return true;
    return thorough && screen_text_read(screen->text, frame, true);
}

const ScreenText *screen_read(Screen *screen, bool hurry, Error *err)
{
    if (!screen_is_lit(screen, err))
        return NULL;
    look_for_font(screen);
    const Frame *frame = screen_frame(screen);
    bool thorough = now(screen) >= screen->next_thorough && frame->serial != screen->unread_anywhere;
    if (thorough || !hurry || screen->unread != frame->serial) {
        if (read_text(screen, frame, thorough || !hurry))
            return screen->text;
        screen->unread = frame->serial;
        if (thorough || !hurry) {
            screen->unread_anywhere = frame->serial;
            screen->next_thorough = now(screen) + SECOND;
        }
    }
    error_set(err, "no text can be read: none of the known fonts fits; give another with --screen-font");
    return NULL;
}

/* The boot ROM's letters are those of our own font. */
static ScreenFont *rom_font(void)
{
    Font *font = font_new();
    ScreenFont *of_rom = screen_font_new(FONT_WIDTH, FONT_HEIGHT, '~' - ' ' + 1);
    for (unsigned ch = ' '; ch <= '~'; ch++) {
        const uint8_t *glyph = font_glyph(font, ch);
        uint32_t rows[FONT_HEIGHT];
        for (unsigned y = 0; y < FONT_HEIGHT; y++)
            rows[y] = (uint32_t)glyph[y] << 24;
        screen_font_put(of_rom, ch, rows);
    }
    font_free(font);
    return of_rom;
}

static bool load_fonts(Screen *screen, const Options *options, Error *err)
{
    Error why;
    for (unsigned n = 0; n < options->screen_font_count; n++) {
        ScreenFont *font = screen_font_load(options->screen_font[n], &why);
        if (!font)
            return error_set(err, "--screen-font: %s", why.text);
        if (!screen_text_add_font(screen->text, font)) {
            screen_font_free(font);
            return error_set(err, "--screen-font: at most %d fonts", SCREEN_FONTS_MOST);
        }
    }
    return true;
}

/* ---- Recordings -------------------------------------------------------------------------------------- */

static void take_frame(void *opaque)
{
    Screen *screen = opaque;
    Error err, why;
    uint64_t frames;
    if (recording_take(screen->recording, screen_frame(screen), now(screen), &err)) {
        timer_set(&screen->record_timer, recording_due(screen->recording));
        return;
    }
    session_say(screen->session, "recording: %s", err.text);
    screen_record_end(screen, &frames, &why);
}

bool screen_record(Screen *screen, const char *path, unsigned rate, Error *err)
{
    if (screen->recording)
        return error_set(err, "a recording is under way; record_stop ends it");
    screen->recording = recording_new(path, rate, now(screen), err);
    if (!screen->recording)
        return false;
    timer_set(&screen->record_timer, now(screen));
    return true;
}

bool screen_record_end(Screen *screen, uint64_t *frames, Error *err)
{
    Recording *recording = screen->recording;
    screen->recording = NULL;
    timer_cancel(&screen->record_timer);
    return recording ? recording_end(recording, now(screen), frames, err)
                     : error_set(err, "nothing is being recorded");
}

/* ---- Beginning and end ------------------------------------------------------------------------------- */

static bool check_names(const Options *options, Error *err)
{
    Error why;
    return !options->screenshot || screen_png_check(options->screenshot, &why) ||
           error_set(err, "--screenshot: %s", why.text);
}

Screen *screen_new(Session *session, Error *err)
{
    const Options *options = session_options(session);
    Error why;
    Screen *screen = calloc(1, sizeof *screen);
    if (!screen)
        abort();
    screen->session = session;
    screen->machine = session_machine(session);
    screen->text = screen_text_new();
    screen_text_add_font(screen->text, rom_font());
    timer_init(&screen->record_timer, screen->machine->clock, "recording", CLIENT_TIMER_PRIORITY, take_frame,
               screen);
    bool ok = check_names(options, err) && load_fonts(screen, options, err);
    if (ok && options->record_screen &&
        !screen_record(screen, options->record_screen, options->record_rate, &why))
        ok = error_set(err, "--record-screen: %s", why.text);
    if (!ok) {
        screen_free(screen);
        return NULL;
    }
    plan(screen, options);
    return screen;
}

void screen_free(Screen *screen)
{
    Error err;
    uint64_t frames;
    if (!screen)
        return;
    if (screen->recording)
        screen_record_end(screen, &frames, &err);
    for (unsigned n = 0; n < screen->planned_count; n++)
        timer_cancel(&screen->planned[n].timer);
    screen_text_free(screen->text);
    free(screen);
}

static void tell_missing(const Screen *screen)
{
    for (unsigned n = 0; n < screen->planned_count; n++)
        if (!screen->planned[n].done)
            fprintf(stderr, "armature: --screenshot-at %.9g: the run ended before\n",
                    (double)screen->planned[n].at / 1e9);
}

bool screen_finish(Screen *screen, Error *err)
{
    const char *path = session_options(screen->session)->screenshot;
    Error why;
    uint64_t frames;
    bool ok = true;
    tell_missing(screen);
    if (screen->recording && !screen_record_end(screen, &frames, &why))
        ok = error_set(err, "--record-screen: %s", why.text);
    if (!path)
        return ok;
    if (!screen_is_lit(screen, &why)) {
        fprintf(stderr, "armature: --screenshot: %s\n", why.text);
        return ok;
    }
    return (screen_png_write(screen_frame(screen), path, NULL, &why) ||
            error_set(err, "--screenshot: %s", why.text)) &&
           ok;
}
