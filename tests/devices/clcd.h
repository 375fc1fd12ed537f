/* A PL111 with some memory to show, for its tests. */
#ifndef ARMATURE_TESTS_DEVICES_CLCD_H
#define ARMATURE_TESTS_DEVICES_CLCD_H

#include "tests/devices/harness.h"

enum {
    TIMING0 = 0,
    TIMING1 = 4,
    TIMING2 = 8,
    UPBASE = 0x10,
    LPBASE = 0x14,
    CONTROL = 0x18,
    IMSC = 0x1c,
    RIS = 0x20,
    MIS = 0x24,
    ICR = 0x28,
    UPCURR = 0x2c,
    LPCURR = 0x30,
    PALETTE = 0x200,
    CURSOR_IMAGE = 0x800,
    CURSOR_CTRL = 0xc00,
    CURSOR_CONFIG = 0xc04,
    CURSOR_PALETTE = 0xc08,
    CURSOR_XY = 0xc10,
    CURSOR_CLIP = 0xc14,
    CURSOR_IMSC = 0xc20,
    CURSOR_ICR = 0xc24,
    CURSOR_RIS = 0xc28,
    CURSOR_MIS = 0xc2c
};

enum { EN = 1, BW = 0x10, TFT = 0x20, DUAL = 0x80, BGR = 0x100, BEBO = 0x200, BEPO = 0x400, PWR = 0x800 };
enum { BCD = 1 << 26 };

#define BPP(code) ((uint32_t)(code) << 1)
#define VCOMP_REGION(n) ((uint32_t)(n) << 12)
#define MEMORY 0x60000000u

enum { MEMORY_SIZE = 0x10000, CLCDCLK = 10000000 /* 100 ns a tick */ };

typedef struct Clcd {
    Harness h;
    Device *dev;
    _Alignas(4096) uint8_t memory[MEMORY_SIZE]; /* at MEMORY */
} Clcd;

static inline void clcd_init(Clcd *c)
{
    memset(c->memory, 0, sizeof c->memory);
    harness_init(&c->h, 1);
    Region ram = {.name = "ram", .base = MEMORY, .size = MEMORY_SIZE, .kind = REGION_RAM, .host = c->memory};
    bus_add(c->h.env.bus, &ram);
    c->dev = harness_device(&c->h, "pl111", "clcd0", NULL);
    display_set_clock(c->h.env.display, DISPLAY_MOTHERBOARD, CLCDCLK);
}

/* The one of this test program, and its setup and teardown for cmocka. */
static Clcd clcd;

static inline int clcd_setup(void **state)
{
    (void)state;
    clcd_init(&clcd);
    return 0;
}

static inline int clcd_teardown(void **state)
{
    (void)state;
    harness_done(&clcd.h);
    return 0;
}

/* A panel of that size, a pixel a tick; no porch but the least possible: a line is width + 3 ticks, and a
 * frame height + 1 lines. */
static inline void clcd_size(Clcd *c, uint32_t width, uint32_t height)
{
    write_reg(c->dev, TIMING0, (width / 16 - 1) << 2);
    write_reg(c->dev, TIMING1, height - 1);
    write_reg(c->dev, TIMING2, BCD | (width - 1) << 16);
}

static inline void clcd_show(Clcd *c, uint32_t base, uint32_t control)
{
    write_reg(c->dev, CONTROL, 0);
    write_reg(c->dev, UPBASE, base);
    write_reg(c->dev, CONTROL, control | EN | PWR);
}

static inline const Frame *clcd_frame(Clcd *c)
{
    return display_frame(c->h.env.display);
}

static inline void clcd_random(void *data, size_t size, uint64_t seed)
{
    for (size_t n = 0; n < size; n++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)data)[n] = (uint8_t)(seed >> 40);
    }
}

#endif
