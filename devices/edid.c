#include "devices/edid.h"

#include <string.h>

/* Places within the block. */
enum { STANDARD = 38, PREFERRED = 54, RANGES = 72, NAME = 90, UNUSED = 108, CHECKSUM = 127 };
enum { DESCRIPTOR_BYTES = 18, TEXT_BYTES = 13 };
enum { CLOCK_MOST = 65535 /* units of 10 kHz */ };

/* Reduced blanking of the VESA CVT standard: all that a display without a beam needs. */
enum { H_BLANK = 160, H_FRONT = 48, H_SYNC = 32, V_FRONT = 3, V_SYNC = 5, V_BACK_LEAST = 6 };
enum { V_BLANK_US = 460, US = 1000000, DPI = 96 };

typedef struct Timing {
    uint32_t width, height, v_blank;
    uint32_t hz;    /* frames in a second */
    uint32_t clock; /* pixels in a second, in units of 10 kHz */
} Timing;

/* 60 frames a second, or fewer where the pixel clock would not fit its field. */
static Timing timing_of(uint32_t width, uint32_t height)
{
    Timing t = {.width = width, .height = height, .hz = 60};
    for (;; t.hz /= 2) {
        uint32_t lines_us = US / t.hz - V_BLANK_US; /* for the lines that are seen */
        t.v_blank = V_BLANK_US * height / lines_us + 1;
        if (t.v_blank < V_FRONT + V_SYNC + V_BACK_LEAST)
            t.v_blank = V_FRONT + V_SYNC + V_BACK_LEAST;
        t.clock = (uint32_t)((uint64_t)(width + H_BLANK) * (height + t.v_blank) * t.hz / 10000);
        if (t.clock <= CLOCK_MOST)
            return t;
    }
}

static uint32_t millimetres(uint32_t pixels)
{
    return pixels * 254 / (10 * DPI);
}

/* Two numbers of 12 bits: their low bytes, and then a byte with the high bits of both. */
static void put_pair(uint8_t *low_a, uint8_t *low_b, uint8_t *high, uint32_t a, uint32_t b)
{
    *low_a = (uint8_t)a;
    *low_b = (uint8_t)b;
    *high = (uint8_t)((a >> 8 & 15) << 4 | (b >> 8 & 15));
}

static void put_timing(uint8_t *d, const Timing *t)
{
    d[0] = (uint8_t)t->clock;
    d[1] = (uint8_t)(t->clock >> 8);
    put_pair(&d[2], &d[3], &d[4], t->width, H_BLANK);
    put_pair(&d[5], &d[6], &d[7], t->height, t->v_blank);
    d[8] = H_FRONT;
    d[9] = H_SYNC;
    d[10] = V_FRONT << 4 | V_SYNC;
    put_pair(&d[12], &d[13], &d[14], millimetres(t->width), millimetres(t->height));
    d[17] = 0x1a; /* separate syncs, horizontal positive, vertical negative */
}

static void put_text(uint8_t *d, uint8_t tag, const char *text)
{
    size_t length = strlen(text);
    d[3] = tag;
    memset(d + 5, ' ', TEXT_BYTES);
    memcpy(d + 5, text, length < TEXT_BYTES ? length : TEXT_BYTES - 1);
    d[5 + (length < TEXT_BYTES ? length : TEXT_BYTES - 1)] = '\n';
}

/* 10 to 75 frames a second, and any of the lines and clocks that the fields can say. */
static void put_ranges(uint8_t *d)
{
    enum { LINES_KHZ_MOST = 255, CLOCK_10MHZ_MOST = 66 };
    static const uint8_t ranges[] = {0, 0, 0, 0xfd, 0, 10, 75, 10, LINES_KHZ_MOST, CLOCK_10MHZ_MOST, 1, '\n'};
    memcpy(d, ranges, sizeof ranges);
    memset(d + sizeof ranges, ' ', DESCRIPTOR_BYTES - sizeof ranges);
}

void edid_make(uint8_t block[EDID_BLOCK], uint32_t width, uint32_t height, const char *name)
{
    /* Header; maker "ARM"; product 0x191; serial number 0; model of 2024; EDID 1.4; a digital input with 8
     * bits for each colour; size (below); gamma 2.2; RGB, sRGB, the first timing is the native one; the
     * chromaticities of sRGB; 640x480, 800x600 and 1024x768 at 60 Hz. */
    static const uint8_t start[] = {0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0x06, 0x4d,
                                    0x91, 1,    0,    0,    0,    0,    0xff, 34,   1,    4,
                                    0xa0, 0,    0,    120,  0x06, 0xee, 0x91, 0xa3, 0x54, 0x4c,
                                    0x99, 0x26, 0x0f, 0x50, 0x54, 0x21, 0x08, 0};
    Timing timing = timing_of(width, height);
    uint8_t sum = 0;
    memset(block, 0, EDID_BLOCK);
    memcpy(block, start, sizeof start);
    block[21] = (uint8_t)((millimetres(width) + 5) / 10);
    block[22] = (uint8_t)((millimetres(height) + 5) / 10);
    memset(block + STANDARD, 1, PREFERRED - STANDARD);
    put_timing(block + PREFERRED, &timing);
    put_ranges(block + RANGES);
    put_text(block + NAME, 0xfc, name);
    block[UNUSED + 3] = 0x10;
    for (unsigned n = 0; n < CHECKSUM; n++)
        sum = (uint8_t)(sum + block[n]);
    block[CHECKSUM] = (uint8_t)-sum;
}
