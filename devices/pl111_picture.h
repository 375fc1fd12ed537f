/* The PL111's picture: finds which rows of it changed, and draws rows. It knows no registers. */
#ifndef ARMATURE_DEVICES_PL111_PICTURE_H
#define ARMATURE_DEVICES_PL111_PICTURE_H

#include "devices/pl111_pixels.h"
#include "machine/bus.h"
#include "machine/display.h"

enum { PICTURE_PANELS = 2 };

/* What is to be shown. */
typedef struct PictureFrame {
    uint32_t base[PICTURE_PANELS]; /* where the frame is, for each panel */
    uint32_t panels;               /* 1 or 2, one below the other */
    uint32_t width, height;        /* of each panel */
    uint32_t format;               /* see pixels_format() */
    uint32_t dark;                 /* the frame cannot be read: black */
} PictureFrame;

typedef struct PicturePanel {
    const uint8_t *host; /* its memory, NULL if that is not one piece of RAM */
    uint32_t home, bytes;
    Watch *watch;
} PicturePanel;

typedef struct Picture {
    Bus *bus;
    const uint32_t *palette, *cursor_image; /* the registers */
    PictureFrame frame;                     /* as at the last look */
    PixelCursor cursor;
    PicturePanel panel[PICTURE_PANELS];
    uint32_t colour[PIXELS_COLOURS];
    bool palette_changed, cursor_changed; /* to be set by the owner: the registers were written */
} Picture;

/* Bytes of a panel that are read: whole words. */
uint32_t picture_bytes(uint32_t format, uint32_t width, uint32_t height);

void picture_init(Picture *picture, Bus *bus, const uint32_t *palette, const uint32_t *cursor_image);
void picture_done(Picture *picture);

/* Takes over what is to be shown, and touches the rows that differ from the last look. */
void picture_look(Picture *picture, const PictureFrame *frame, const PixelCursor *cursor, Display *display);

/* Draws row y as it is now. */
void picture_row(const Picture *picture, uint32_t y, uint32_t *pixels);

#endif
