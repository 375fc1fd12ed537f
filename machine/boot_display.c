/* See boot_display.h. */
#include "machine/boot_display.h"

#include <stdlib.h>
#include <string.h>

#include "roms/boot_params.h"

/* PL111: the lines are counted in 10 bits, the pixels of a line in units of 16 with 6 bits. Below the least,
 * neither the monitor nor a kernel's console has room for a useful line of text. */
enum { MOST = 1024, UNIT = 16, LEAST_WIDTH = 320, LEAST_HEIGHT = 200 };

/* 16 bits are what the board is made for: its bus brings the motherboard's controller 130 MB/s, 1024x768 at
 * 60 Hz takes 95 MB/s then, and a console has half as much to move. */
enum { DEFAULT_BITS = 16 };

_Static_assert(MOST *MOST * 4 <= BOOT_FRAME_BYTES, "every picture fits into video RAM");

/* A number of up to four digits; moves *text behind it. */
static bool number(const char **text, uint32_t *value)
{
    size_t digits = strspn(*text, "0123456789");
    *value = (uint32_t)strtoul(*text, NULL, 10);
    *text += digits;
    return digits && digits <= 4;
}

static bool separator(const char **text)
{
    bool found = **text == 'x' || **text == 'X';
    *text += found;
    return found;
}

bool boot_display_parse(const char *text, BootDisplay *display, Error *err)
{
    *display = (BootDisplay){.bits = DEFAULT_BITS};
    if (!strcmp(text, "none"))
        return true;
    BootDisplay wanted = *display;
    bool read = number(&text, &wanted.width) && separator(&text) && number(&text, &wanted.height);
    if (read && *text)
        read = separator(&text) && number(&text, &wanted.bits) && !*text;
    if (!read)
        return error_set(err, "give a size, as in 1024x768 or 1024x768x32 (bits for each pixel), or none");
    if (wanted.width > MOST || wanted.height > MOST)
        return error_set(err,
                         "the board's display controller shows at most %dx%d pixels; --gpu virtio shows more",
                         MOST, MOST);
    if (wanted.width < LEAST_WIDTH || wanted.height < LEAST_HEIGHT)
        return error_set(err, "give at least %dx%d pixels", LEAST_WIDTH, LEAST_HEIGHT);
    if (wanted.width % UNIT)
        return error_set(err, "the board's display controller counts in %d pixels: give %ux%u or %ux%u", UNIT,
                         wanted.width / UNIT * UNIT, wanted.height, (wanted.width / UNIT + 1) * UNIT,
                         wanted.height);
    if (wanted.bits != 16 && wanted.bits != 32)
        return error_set(err, "a pixel has 16 or 32 bits, as in %ux%ux%d", wanted.width, wanted.height,
                         DEFAULT_BITS);
    *display = wanted;
    return true;
}

uint32_t boot_display_stride(const BootDisplay *display)
{
    return display->width * display->bits / 8;
}

uint32_t boot_display_bytes(const BootDisplay *display)
{
    return boot_display_stride(display) * display->height;
}
