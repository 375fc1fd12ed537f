/* What of the virtio GPU's resources is on the screen, with the cursor over it. */
#include "devices/virtio_gpu.h"

enum { FRAME_NS = 16666667 };

static void mark(GpuPicture *picture, int64_t top, int64_t end)
{
    if (top < 0)
        top = 0;
    if (end > picture->scanout.height)
        end = picture->scanout.height;
    if (top >= end)
        return;
    picture->judged = false;
    if (picture->dirty_top == picture->dirty_end) {
        picture->dirty_top = (uint32_t)top;
        picture->dirty_end = (uint32_t)end;
    }
    picture->dirty_top = top < picture->dirty_top ? (uint32_t)top : picture->dirty_top;
    picture->dirty_end = end > picture->dirty_end ? (uint32_t)end : picture->dirty_end;
}

void gpu_picture_show(GpuPicture *picture, uint32_t id, const GpuRect *rect)
{
    picture->shown = id;
    picture->scanout = id ? *rect : (GpuRect){0};
    picture->dirty_top = picture->dirty_end = 0;
    mark(picture, 0, picture->scanout.height);
}

void gpu_picture_flush(GpuPicture *picture, const GpuRect *rect)
{
    int64_t top = (int64_t)rect->y - picture->scanout.y;
    mark(picture, top, top + rect->height);
}

void gpu_picture_sanitise(GpuPicture *picture, const GpuResources *all)
{
    const GpuRect *scanout = &picture->scanout;
    int place = gpu_find(all, picture->shown);
    picture->judged = false;
    if (place < 0 || !gpu_contains(&all->resource[place], scanout) || scanout->width > DISPLAY_MOST ||
        scanout->height > DISPLAY_MOST)
        gpu_picture_show(picture, 0, NULL);
}

/* ---- The cursor --------------------------------------------------------------------------------------- */

static void mark_cursor(GpuPicture *picture)
{
    mark(picture, picture->cursor_y, (int64_t)picture->cursor_y + GPU_CURSOR);
}

/* The image is copied: the resource may change or go without any effect on the cursor. */
void gpu_picture_cursor(GpuPicture *picture, const GpuResources *all, int place)
{
    picture->cursor_shown = place >= 0;
    for (uint32_t y = 0; place >= 0 && y < GPU_CURSOR; y++)
        gpu_pixels(all, place, 0, y, GPU_CURSOR, picture->cursor + y * GPU_CURSOR);
    mark_cursor(picture);
}

void gpu_picture_move(GpuPicture *picture, int32_t x, int32_t y)
{
    mark_cursor(picture);
    picture->cursor_x = x;
    picture->cursor_y = y;
    mark_cursor(picture);
}

static uint32_t blend(uint32_t below, uint32_t above)
{
    uint32_t rest = 255 - (above >> 24), out = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t sum = (above >> shift & 0xff) + ((below >> shift & 0xff) * rest + 127) / 255;
        out |= (sum > 255 ? 255 : sum) << shift;
    }
    return out;
}

static void draw_cursor(const GpuPicture *picture, uint32_t y, uint32_t *pixels)
{
    int64_t row = (int64_t)y - picture->cursor_y;
    if (!picture->cursor_shown || row < 0 || row >= GPU_CURSOR)
        return;
    for (int64_t n = 0; n < GPU_CURSOR; n++) {
        int64_t x = picture->cursor_x + n;
        if (x >= 0 && x < picture->scanout.width)
            pixels[x] = blend(pixels[x], picture->cursor[row * GPU_CURSOR + n]);
    }
}

/* ---- For the display ---------------------------------------------------------------------------------- */

DisplayMode gpu_picture_mode(const GpuPicture *picture)
{
    if (!picture->shown)
        return (DisplayMode){0};
    return (DisplayMode){picture->scanout.width, picture->scanout.height, FRAME_NS};
}

void gpu_picture_changes(GpuPicture *picture, Display *display)
{
    display_touch(display, picture->dirty_top, picture->dirty_end - picture->dirty_top);
    picture->dirty_top = picture->dirty_end = 0;
}

void gpu_picture_row(const GpuPicture *picture, const GpuResources *all, uint32_t y, uint32_t *pixels)
{
    const GpuRect *scanout = &picture->scanout;
    gpu_pixels(all, gpu_find(all, picture->shown), scanout->x, scanout->y + y, scanout->width, pixels);
    for (uint32_t x = 0; x < scanout->width; x++)
        pixels[x] &= 0xffffff;
    draw_cursor(picture, y, pixels);
}

static bool find_black(const GpuPicture *picture, const GpuResources *all)
{
    uint32_t pixels[DISPLAY_MOST];
    for (uint32_t y = 0; y < picture->scanout.height; y++) {
        gpu_picture_row(picture, all, y, pixels);
        for (uint32_t x = 0; x < picture->scanout.width; x++)
            if (pixels[x])
                return false;
    }
    return true;
}

/* Once it is not, the first pixels tell, as a rule. */
bool gpu_picture_black(GpuPicture *picture, const GpuResources *all)
{
    if (!picture->judged)
        picture->black = find_black(picture, all);
    picture->judged = true;
    return picture->black;
}
