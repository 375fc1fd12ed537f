/* Pixels of the PL111: from bytes of the frame to 0x00RRGGBB. Pure functions. */
#ifndef ARMATURE_DEVICES_PL111_PIXELS_H
#define ARMATURE_DEVICES_PL111_PIXELS_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of LCDControl. */
enum {
    LCD_EN = 1 << 0,
    LCD_BPP_SHIFT = 1,
    LCD_BW = 1 << 4,
    LCD_TFT = 1 << 5,
    LCD_MONO8 = 1 << 6,
    LCD_DUAL = 1 << 7,
    LCD_BGR = 1 << 8,
    LCD_BEBO = 1 << 9,
    LCD_BEPO = 1 << 10,
    LCD_PWR = 1 << 11,
    LCD_VCOMP_SHIFT = 12
};

/* LcdBpp. */
enum { BPP_1, BPP_2, BPP_4, BPP_8, BPP_16_1555, BPP_24, BPP_16_565, BPP_16_444 };

enum { PIXELS_PALETTE = 128 /* words */, PIXELS_COLOURS = 256, PIXELS_CURSOR = 256 /* words */ };

/* What of LCDControl decides how pixels look, without what has no meaning beside the rest: the format that
 * the other functions take. */
uint32_t pixels_format(uint32_t control);

/* Whether the palette has a say. */
bool pixels_indexed(uint32_t format);

/* Bytes of a row of `width` pixels, which is a multiple of 16. */
uint32_t pixels_bytes(uint32_t format, uint32_t width);

/* The colours that pixel values stand for, from the palette's words. */
void pixels_palette(uint32_t format, const uint32_t *palette, uint32_t *colour);

/* Brings words of the frame into little-endian order, where the format has another. */
void pixels_reorder(uint32_t format, uint32_t *words, uint32_t count);

/* Whether pixels_reorder() does anything. */
bool pixels_reordered(uint32_t format);

/* Converts a row of a multiple of 16 pixels in little-endian order; `from` is aligned like a pixel. */
void pixels_convert(uint32_t format, const uint32_t *colour, const void *from, uint32_t *to, uint32_t width);

/* The hardware cursor. */
typedef struct PixelCursor {
    uint32_t size;           /* 32 or 64; 0: there is none */
    uint32_t image;          /* first word of its image */
    uint32_t x, y;           /* of its first visible pixel on the screen */
    uint32_t clip_x, clip_y; /* columns and rows of the image that are left out at the left and at the top */
    uint32_t colour[2];      /* as in ClcdCrsrPalette0 and 1 */
} PixelCursor;

/* How many rows of the screen it covers, from cursor->y on. */
uint32_t pixels_cursor_rows(const PixelCursor *cursor, uint32_t width, uint32_t height);

/* Lays the cursor over row y. */
void pixels_cursor(uint32_t format, const PixelCursor *cursor, const uint32_t *image, uint32_t y,
                   uint32_t *pixels, uint32_t width);

#endif
