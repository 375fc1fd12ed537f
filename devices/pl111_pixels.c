/* See pl111_pixels.h. Rows are converted in blocks of 16 pixels, so that compilers use vector instructions.
 */
#include "devices/pl111_pixels.h"

enum { BLOCK = 16 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static uint32_t bpp(uint32_t format)
{
    return format >> LCD_BPP_SHIFT & 7;
}

/* Panels that are not TFT are STN: only they can be monochrome or double. */
uint32_t pixels_format(uint32_t control)
{
    uint32_t format =
        control & (7u << LCD_BPP_SHIFT | LCD_BW | LCD_TFT | LCD_DUAL | LCD_BGR | LCD_BEBO | LCD_BEPO);
    return format & LCD_TFT ? format & ~(uint32_t)(LCD_BW | LCD_DUAL) : format;
}

bool pixels_indexed(uint32_t format)
{
    return bpp(format) <= BPP_8;
}

uint32_t pixels_bytes(uint32_t format, uint32_t width)
{
    static const uint8_t bits[] = {1, 2, 4, 8, 16, 32, 16, 16};
    return width * bits[bpp(format)] / 8;
}

/* ---- Colours ------------------------------------------------------------------------------------------ */

/* Red is the lowest component unless BGR is set. Components of fewer than eight bits are repeated in the
 * lower bits, so that white is white. */
ALWAYS_INLINE uint32_t arrange(uint32_t low, uint32_t middle, uint32_t high, bool bgr)
{
    return bgr ? high << 16 | middle << 8 | low : low << 16 | middle << 8 | high;
}

ALWAYS_INLINE uint32_t from_5(uint32_t value)
{
    return value << 3 | value >> 2;
}

ALWAYS_INLINE uint32_t from_6(uint32_t value)
{
    return value << 2 | value >> 4;
}

/* The intensity bit is the lowest of six bits of all components. */
ALWAYS_INLINE uint32_t from_1555(uint32_t value, bool bgr)
{
    uint32_t intensity = value >> 15 & 1;
    return arrange(from_6((value & 0x1f) << 1 | intensity), from_6((value >> 5 & 0x1f) << 1 | intensity),
                   from_6((value >> 10 & 0x1f) << 1 | intensity), bgr);
}

ALWAYS_INLINE uint32_t from_565(uint32_t value, bool bgr)
{
    return arrange(from_5(value & 0x1f), from_6(value >> 5 & 0x3f), from_5(value >> 11 & 0x1f), bgr);
}

ALWAYS_INLINE uint32_t from_444(uint32_t value, bool bgr)
{
    return arrange((value & 0xf) * 0x11, (value >> 4 & 0xf) * 0x11, (value >> 8 & 0xf) * 0x11, bgr);
}

ALWAYS_INLINE uint32_t from_888(uint32_t value, bool bgr)
{
    return arrange(value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, bgr);
}

/* What the gray scaler makes of four bits: the part of the time that a dot of an STN panel is on. */
static const uint8_t gray_scale[] = {0,   28,  51,  68,  85,  102, 113, 128,
                                     142, 153, 170, 187, 204, 227, 255, 255};

static uint32_t gray_scaled(uint32_t format, uint32_t colour)
{
    uint32_t red = gray_scale[colour >> 20 & 0xf], green = gray_scale[colour >> 12 & 0xf],
             blue = gray_scale[colour >> 4 & 0xf];
    if (format & LCD_BW)
        red = green = blue = format & LCD_BGR ? blue : red;
    return red << 16 | green << 8 | blue;
}

/* Two entries a word. Which half is the even one depends on the order of bytes. */
void pixels_palette(uint32_t format, const uint32_t *palette, uint32_t *colour)
{
    for (uint32_t n = 0; n < PIXELS_COLOURS; n++) {
        bool high = (n & 1) != !!(format & LCD_BEBO);
        uint32_t entry = high ? palette[n / 2] >> 16 : palette[n / 2] & 0xffff;
        colour[n] = from_1555(entry, format & LCD_BGR);
        if (!(format & LCD_TFT))
            colour[n] = gray_scaled(format, colour[n]);
    }
}

/* ---- Rows --------------------------------------------------------------------------------------------- */

bool pixels_reordered(uint32_t format)
{
    return format & LCD_BEBO && bpp(format) != BPP_24;
}

void pixels_reorder(uint32_t format, uint32_t *words, uint32_t count)
{
    if (!pixels_reordered(format))
        return;
    if (pixels_indexed(format))
        for (uint32_t n = 0; n < count; n++)
            words[n] = __builtin_bswap32(words[n]);
    else
        for (uint32_t n = 0; n < count; n++)
            words[n] = words[n] << 16 | words[n] >> 16;
}

ALWAYS_INLINE void each_halfword(const uint16_t *from, uint32_t *restrict to, uint32_t width, bool bgr,
                                 uint32_t (*pixel)(uint32_t value, bool bgr))
{
    for (; width >= BLOCK; width -= BLOCK, from += BLOCK, to += BLOCK)
        for (unsigned n = 0; n < BLOCK; n++)
            to[n] = pixel(from[n], bgr);
}

ALWAYS_INLINE void halfwords(const uint16_t *from, uint32_t *to, uint32_t width, uint32_t format,
                             uint32_t (*pixel)(uint32_t value, bool bgr))
{
    if (format & LCD_BGR)
        each_halfword(from, to, width, true, pixel);
    else
        each_halfword(from, to, width, false, pixel);
}

ALWAYS_INLINE void each_word(const uint32_t *from, uint32_t *restrict to, uint32_t width, bool bgr)
{
    for (; width >= BLOCK; width -= BLOCK, from += BLOCK, to += BLOCK)
        for (unsigned n = 0; n < BLOCK; n++)
            to[n] = from_888(from[n], bgr);
}

ALWAYS_INLINE void indices(const uint8_t *from, uint32_t *restrict to, uint32_t width, const uint32_t *colour,
                           unsigned bits, bool bepo)
{
    for (uint32_t x = 0; x < width; from++)
        for (unsigned shift = 0; shift < 8; shift += bits)
            to[x++] = colour[*from >> (bepo ? 8 - bits - shift : shift) & ((1u << bits) - 1)];
}

static void convert_indices(uint32_t format, const uint32_t *colour, const uint8_t *from, uint32_t *to,
                            uint32_t width)
{
    bool bepo = format & LCD_BEPO;
    switch (bpp(format)) {
    case BPP_1:
        indices(from, to, width, colour, 1, bepo);
        break;
    case BPP_2:
        indices(from, to, width, colour, 2, bepo);
        break;
    case BPP_4:
        indices(from, to, width, colour, 4, bepo);
        break;
    default:
        indices(from, to, width, colour, 8, false);
        break;
    }
}

static void convert_direct(uint32_t format, const void *from, uint32_t *to, uint32_t width)
{
    switch (bpp(format)) {
    case BPP_16_1555:
        halfwords(from, to, width, format, from_1555);
        break;
    case BPP_16_565:
        halfwords(from, to, width, format, from_565);
        break;
    case BPP_16_444:
        halfwords(from, to, width, format, from_444);
        break;
    default:
        each_word(from, to, width, format & LCD_BGR);
        break;
    }
}

void pixels_convert(uint32_t format, const uint32_t *colour, const void *from, uint32_t *to, uint32_t width)
{
    if (pixels_indexed(format)) {
        convert_indices(format, colour, from, to, width);
        return;
    }
    convert_direct(format, from, to, width);
    for (uint32_t x = 0; !(format & LCD_TFT) && x < width; x++)
        to[x] = gray_scaled(format, to[x]);
}

/* ---- Cursor ------------------------------------------------------------------------------------------- */

/* What is to be seen of `size` pixels without the first `clip`, placed at `at` of `limit`. */
static uint32_t visible(uint32_t size, uint32_t clip, uint32_t at, uint32_t limit)
{
    if (clip >= size || at >= limit)
        return 0;
    uint32_t rest = size - clip;
    return rest < limit - at ? rest : limit - at;
}

uint32_t pixels_cursor_rows(const PixelCursor *cursor, uint32_t width, uint32_t height)
{
    return visible(cursor->size, cursor->clip_x, cursor->x, width)
               ? visible(cursor->size, cursor->clip_y, cursor->y, height)
               : 0;
}

static uint32_t cursor_colour(uint32_t format, uint32_t entry)
{
    uint32_t colour = from_888(entry, false);
    /* The gray scaler takes red for a monochrome panel; BGR is for pixels of the frame. */
    return format & LCD_TFT ? colour : gray_scaled(format & ~(uint32_t)LCD_BGR, colour);
}

/* Two bits a pixel: bytes in ascending order, the first pixel in a byte's highest bits. Bit 1 set: what is
 * below is seen; then bit 0 inverts it. */
void pixels_cursor(uint32_t format, const PixelCursor *cursor, const uint32_t *image, uint32_t y,
                   uint32_t *pixels, uint32_t width)
{
    uint32_t count = visible(cursor->size, cursor->clip_x, cursor->x, width);
    if (!count || y < cursor->y || y - cursor->y >= pixels_cursor_rows(cursor, width, UINT32_MAX))
        return;
    const uint32_t *row = image + cursor->image + (y - cursor->y + cursor->clip_y) * cursor->size / 16;
    const uint32_t colour[2] = {cursor_colour(format, cursor->colour[0]),
                                cursor_colour(format, cursor->colour[1])};
    for (uint32_t n = 0; n < count; n++) {
        uint32_t x = cursor->clip_x + n, code = row[x / 16] >> ((x & 0xc) * 2 + 6 - (x & 3) * 2) & 3;
        uint32_t *pixel = &pixels[cursor->x + n];
        if (code < 2)
            *pixel = colour[code];
        else if (code == 3)
            *pixel ^= 0xffffff;
    }
}
