/* See display.h. */
#include "display.h"

#include "memory.h"
#include "monitor.h"

#define PL111 0x1001f000u

enum { TIMING0 = 0x00, TIMING1 = 0x04, TIMING2 = 0x08, TIMING3 = 0x0c, UPBASE = 0x10, LPBASE = 0x14 };
enum { CONTROL = 0x18, IMSC = 0x1c };
enum { IVS = 1 << 11, IHS = 1 << 12, IPC = 1 << 13, BCD = 1 << 26 };
enum { LCD_EN = 1 << 0, BPP_24 = 5 << 1, BPP_565 = 6 << 1, TFT = 1 << 5, BGR = 1 << 8, PWR = 1 << 11 };

/* What the motherboard's clock generator can make. */
enum { CLOCK_LEAST = 23750000, CLOCK_MOST = 65000000 };

/* A picture's size, its pixel clock, and what surrounds it: front porch, synchronisation, back porch. */
typedef struct Mode {
    uint16_t width, height;
    uint32_t clock; /* Hz; 0: what makes 60 frames in a second, if the clock generator can */
    uint16_t hfp, hsw, hbp;
    uint16_t vfp, vsw, vbp;
    uint32_t inverted; /* IVS, IHS */
} Mode;

/* clang-format off */
/* VESA's monitor timings at 60 Hz. */
static const Mode modes[] = {
    { 640, 480, 25175000, 16,  96,  48, 10, 2, 33, IVS | IHS},
    { 800, 600, 40000000, 40, 128,  88,  1, 4, 23, 0},
    {1024, 768, 65000000, 24, 136, 160,  3, 6, 29, IVS | IHS},
};
/* clang-format on */

static const Mode any_size = {0, 0, 0, 24, 136, 160, 3, 6, 29, IVS | IHS};

static struct {
    uint32_t width, height, bits, stride;
} screen;

static Mode mode_of(uint32_t width, uint32_t height)
{
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
        if (modes[i].width == width && modes[i].height == height)
            return modes[i];
    Mode mode = any_size;
    mode.width = (uint16_t)width;
    mode.height = (uint16_t)height;
    mode.clock = (width + mode.hfp + mode.hsw + mode.hbp) * (height + mode.vfp + mode.vsw + mode.vbp) * 60;
    if (mode.clock < CLOCK_LEAST)
        mode.clock = CLOCK_LEAST;
    if (mode.clock > CLOCK_MOST)
        mode.clock = CLOCK_MOST;
    return mode;
}

static void lcd_write(unsigned offset, uint32_t value)
{
    *word_at(PL111 + offset) = value;
}

/* The manual has LCDPwr follow LCDEn after a delay, for the supply of a panel. There is none here: the
 * signals go to a DVI transmitter. */
static void program(const Mode *m)
{
    uint32_t format = screen.bits == 16 ? BPP_565 : BPP_24;
    lcd_write(CONTROL, 0);
    config_write(CONFIG_OSCILLATOR, 1, m->clock);
    config_write(CONFIG_DVI_MODE, 0, m->width > 800 ? 2 : m->width > 640 ? 1 : 0);
    config_write(CONFIG_DVI_SOURCE, 0, 0);
    lcd_write(TIMING0,
              (m->hbp - 1u) << 24 | (m->hfp - 1u) << 16 | (m->hsw - 1u) << 8 | (m->width / 16u - 1) << 2);
    lcd_write(TIMING1,
              (uint32_t)m->vbp << 24 | (uint32_t)m->vfp << 16 | (m->vsw - 1u) << 10 | (m->height - 1u));
    lcd_write(TIMING2, BCD | (m->width - 1u) << 16 | IPC | m->inverted);
    lcd_write(TIMING3, 0);
    lcd_write(UPBASE, BOOT_FRAME_BASE);
    lcd_write(LPBASE, 0);
    lcd_write(IMSC, 0);
    /* Without BGR, red is in the lowest bits: no format that all kernels know. */
    lcd_write(CONTROL, BGR | TFT | format | LCD_EN);
    lcd_write(CONTROL, PWR | BGR | TFT | format | LCD_EN);
}

bool display_start(void)
{
    const BootParams *params = boot_params();
    screen.width = params->display_width;
    screen.height = params->display_height;
    screen.bits = params->display_bits;
    screen.stride = screen.width * (screen.bits / 8);
    if (!screen.width)
        return false;
    Mode mode = mode_of(screen.width, screen.height);
    program(&mode);
    return true;
}

uint32_t display_width(void)
{
    return screen.width;
}

uint32_t display_height(void)
{
    return screen.height;
}

/* ---- Pixels ---------------------------------------------------------------------------------- */

static uint32_t to_565(uint32_t colour)
{
    return (colour >> 8 & 0xf800) | (colour >> 5 & 0x07e0) | (colour >> 3 & 0x001f);
}

/* The lower bits repeat the upper ones, so that white is white. */
static uint32_t from_565(uint32_t pixel)
{
    uint32_t wide = (pixel & 0xf800) << 8 | (pixel & 0x07e0) << 5 | (pixel & 0x001f) << 3;
    return wide | (wide >> 5 & 0x070007) | (wide >> 6 & 0x000300);
}

static uint32_t row_at(uint32_t y)
{
    return BOOT_FRAME_BASE + y * screen.stride;
}

void display_fill(uint32_t y, uint32_t rows, uint32_t colour)
{
    uint32_t value = screen.bits == 16 ? to_565(colour) * 0x10001u : colour;
    fill_memory(row_at(y), value, rows * screen.stride);
}

void display_scroll(uint32_t top, uint32_t bottom, uint32_t rows)
{
    copy_memory(row_at(top), row_at(top + rows), (bottom - top - rows) * screen.stride);
}

void display_span(uint32_t y, int32_t left, int32_t right, uint32_t colour)
{
    if (left < 0)
        left = 0;
    if (right > (int32_t)screen.width)
        right = (int32_t)screen.width;
    if (y >= screen.height || left >= right)
        return;
    uint32_t row = row_at(y);
    if (screen.bits == 16) {
        uint16_t pixel = (uint16_t)to_565(colour);
        volatile uint16_t *at = (volatile uint16_t *)(uintptr_t)row;
        for (int32_t x = left; x < right; x++)
            at[x] = pixel;
    } else {
        for (int32_t x = left; x < right; x++)
            word_at(row)[x] = colour;
    }
}

/* Red and blue together, then green: neither product reaches into its neighbour. */
static uint32_t mix(uint32_t below, uint32_t colour, uint32_t coverage)
{
    uint32_t rest = 256 - coverage;
    uint32_t red_blue = ((colour & 0xff00ff) * coverage + (below & 0xff00ff) * rest) >> 8 & 0xff00ff;
    uint32_t green = ((colour & 0x00ff00) * coverage + (below & 0x00ff00) * rest) >> 8 & 0x00ff00;
    return red_blue | green;
}

void display_blend(uint32_t y, int32_t x, uint32_t colour, uint32_t coverage)
{
    if (y >= screen.height || x < 0 || x >= (int32_t)screen.width)
        return;
    if (screen.bits == 16) {
        volatile uint16_t *pixel = (volatile uint16_t *)(uintptr_t)row_at(y) + x;
        *pixel = (uint16_t)to_565(mix(from_565(*pixel), colour, coverage));
    } else {
        volatile uint32_t *pixel = word_at(row_at(y)) + x;
        *pixel = mix(*pixel, colour, coverage);
    }
}
