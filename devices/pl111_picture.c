/* See pl111_picture.h. Only RAM is watched for writes; other memory that can be read without side effects
 * (ROM, flash) is drawn at each look. The registers of devices are not read: they are black. */
#include "devices/pl111_picture.h"

#include <string.h>

enum { ROW_WORDS = 1024 /* of the widest row */ };

void picture_init(Picture *picture, Bus *bus, const uint32_t *palette, const uint32_t *cursor_image)
{
    *picture =
        (Picture){.bus = bus, .palette = palette, .cursor_image = cursor_image, .palette_changed = true};
}

static void unwatch(const Picture *picture, PicturePanel *panel)
{
    watches_remove(bus_watches(picture->bus), panel->watch);
    *panel = (PicturePanel){0};
}

void picture_done(Picture *picture)
{
    for (unsigned n = 0; n < PICTURE_PANELS; n++)
        unwatch(picture, &picture->panel[n]);
}

uint32_t picture_bytes(uint32_t format, uint32_t width, uint32_t height)
{
    return (pixels_bytes(format, width) * height + 3) & ~3u;
}

/* ---- Changes ------------------------------------------------------------------------------------------ */

/* Watches the panel's memory, if there is one; true if it is another than before. */
static bool attach(Picture *picture, unsigned n)
{
    const PictureFrame *frame = &picture->frame;
    PicturePanel *panel = &picture->panel[n], now = {0};
    if (n < frame->panels && !frame->dark) {
        const Region *region = bus_find(picture->bus, frame->base[n]);
        now.bytes = picture_bytes(frame->format, frame->width, frame->height);
        if (region && region->kind == REGION_RAM)
            now.host = bus_host(picture->bus, frame->base[n], now.bytes);
        now.home = bus_home(picture->bus, frame->base[n]);
    }
    if (now.host == panel->host && now.home == panel->home && now.bytes == panel->bytes)
        return false;
    unwatch(picture, panel);
    *panel = now;
    if (now.host)
        panel->watch = watches_add(bus_watches(picture->bus), now.home, now.bytes);
    return true;
}

typedef struct Touch {
    const Picture *picture;
    Display *display;
    unsigned panel;
} Touch;

static void written(void *opaque, uint32_t pa, uint32_t size)
{
    const Touch *touch = opaque;
    const PictureFrame *frame = &touch->picture->frame;
    const PicturePanel *panel = &touch->picture->panel[touch->panel];
    uint32_t row = pixels_bytes(frame->format, frame->width);
    uint64_t first = pa > panel->home ? pa - panel->home : 0, end = (uint64_t)pa + size - panel->home;
    uint32_t y = (uint32_t)(first / row), last = (uint32_t)((end + row - 1) / row);
    if (last > frame->height)
        last = frame->height;
    if (y < last)
        display_touch(touch->display, touch->panel * frame->height + y, last - y);
}

static void touch_panel(Picture *picture, unsigned n, bool all, Display *display)
{
    Touch touch = {picture, display, n};
    PicturePanel *panel = &picture->panel[n];
    if (panel->watch)
        watches_take(bus_watches(picture->bus), panel->watch, written, &touch);
    if (all || (!panel->watch && !picture->frame.dark))
        display_touch(display, n * picture->frame.height, picture->frame.height);
}

static void touch_cursor(const Picture *picture, Display *display)
{
    const PictureFrame *frame = &picture->frame;
    uint32_t rows = pixels_cursor_rows(&picture->cursor, frame->width, frame->panels * frame->height);
    display_touch(display, picture->cursor.y, rows);
}

void picture_look(Picture *picture, const PictureFrame *frame, const PixelCursor *cursor, Display *display)
{
    bool all = memcmp(&picture->frame, frame, sizeof *frame) != 0;
    uint32_t format = picture->frame.format;
    picture->frame = *frame;
    if (pixels_indexed(frame->format) && (picture->palette_changed || format != frame->format)) {
        pixels_palette(frame->format, picture->palette, picture->colour);
        picture->palette_changed = false;
        all = true;
    }
    for (unsigned n = 0; n < PICTURE_PANELS; n++)
        all = attach(picture, n) || all;
    for (unsigned n = 0; n < frame->panels; n++)
        touch_panel(picture, n, all, display);
    if (picture->cursor_changed || memcmp(&picture->cursor, cursor, sizeof *cursor)) {
        touch_cursor(picture, display);
        picture->cursor = *cursor;
        touch_cursor(picture, display);
        picture->cursor_changed = false;
    }
}

/* ---- Rows --------------------------------------------------------------------------------------------- */

/* Memory that is not one piece of RAM; what cannot be read without side effects is 0. */
static void fetch(const Picture *picture, uint64_t pa, uint8_t *to, uint32_t size)
{
    memset(to, 0, size);
    while (size && pa <= UINT32_MAX) {
        const Region *region = bus_find(picture->bus, (uint32_t)pa);
        if (!region)
            return;
        uint64_t rest = region->base + region->size - pa;
        uint32_t part = rest < size ? (uint32_t)rest : size;
        const uint8_t *host = region->direct ? bus_host(picture->bus, (uint32_t)pa, part) : NULL;
        if (host)
            memcpy(to, host, part);
        to += part;
        pa += part;
        size -= part;
    }
}

static void frame_row(const Picture *picture, unsigned n, uint32_t y, uint32_t *pixels)
{
    const PictureFrame *frame = &picture->frame;
    const PicturePanel *panel = &picture->panel[n];
    uint32_t bytes = pixels_bytes(frame->format, frame->width), at = y * bytes;
    if (panel->host && !pixels_reordered(frame->format)) {
        pixels_convert(frame->format, picture->colour, panel->host + at, pixels, frame->width);
        return;
    }
    /* A row of few bits may begin and end within a word. */
    uint32_t words[ROW_WORDS + 1], first = at & ~3u, size = ((at + bytes + 3) & ~3u) - first;
    if (panel->host)
        memcpy(words, panel->host + first, size);
    else
        fetch(picture, (uint64_t)frame->base[n] + first, (uint8_t *)words, size);
    pixels_reorder(frame->format, words, size / 4);
    pixels_convert(frame->format, picture->colour, (uint8_t *)words + (at - first), pixels, frame->width);
}

void picture_row(const Picture *picture, uint32_t y, uint32_t *pixels)
{
    const PictureFrame *frame = &picture->frame;
    if (frame->dark)
        memset(pixels, 0, frame->width * sizeof *pixels);
    else
        frame_row(picture, y / frame->height, y % frame->height, pixels);
    pixels_cursor(frame->format, &picture->cursor, picture->cursor_image, y, pixels, frame->width);
}
