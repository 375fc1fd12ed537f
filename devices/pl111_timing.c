/* See pl111_timing.h. */
#include "devices/pl111_timing.h"

#include "devices/pl111_pixels.h"

enum { TIMING2_BCD = 1 << 26 };

static uint32_t field(uint32_t value, unsigned shift, unsigned bits)
{
    return value >> shift & ((1u << bits) - 1);
}

/* CLCDCLK ticks in one tick of the panel's clock. The divider is in two parts; BCD passes it by. */
static uint32_t divider(uint32_t timing2)
{
    return timing2 & TIMING2_BCD ? 1 : (field(timing2, 27, 5) << 5 | field(timing2, 0, 5)) + 2;
}

/* A TFT panel takes a pixel each tick. An STN panel takes several; software says how many ticks that makes.
 */
ScanTiming scan_timing(const uint32_t *timing, uint32_t control)
{
    ScanTiming t = {
        .width = (field(timing[0], 2, 6) + 1) * 16,
        .height = field(timing[1], 0, 10) + 1,
        .sync = field(timing[1], 10, 6) + 1,
    };
    uint32_t data = control & LCD_TFT ? t.width : field(timing[2], 16, 10) + 1;
    uint32_t sync = field(timing[0], 8, 8) + 1, front = field(timing[0], 16, 8) + 1,
             back = field(timing[0], 24, 8) + 1;
    t.line = (sync + back + data + front) * divider(timing[2]);
    t.before = t.sync + field(timing[1], 24, 8);
    t.active = t.height;
    t.frame = (uint64_t)t.line * (t.before + t.active + field(timing[1], 16, 8));
    return t;
}

uint64_t scan_region(const ScanTiming *timing, uint32_t control)
{
    const uint32_t line[4] = {0, timing->sync, timing->before, timing->before + timing->active};
    uint64_t offset = (uint64_t)line[control >> LCD_VCOMP_SHIFT & 3] * timing->line;
    return offset < timing->frame ? offset : 0; /* no front porch: the next frame's start */
}

/* How often it has happened since start. */
static uint64_t times(uint64_t start, uint64_t frame, uint64_t offset, uint64_t tick)
{
    return tick < start + offset ? 0 : (tick - start - offset) / frame + 1;
}

bool scan_passed(uint64_t start, uint64_t frame, uint64_t offset, uint64_t seen, uint64_t now)
{
    return times(start, frame, offset, now) > times(start, frame, offset, seen);
}

uint64_t scan_next(uint64_t start, uint64_t frame, uint64_t offset, uint64_t seen)
{
    return start + offset + times(start, frame, offset, seen) * frame;
}
