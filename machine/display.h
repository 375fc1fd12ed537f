/* What is on the screen. Display controllers show pictures; a frontend looks whenever it likes and gets the
 * rows that changed since. Looking has no effect on the guest.
 *
 * The board has one connector, which the system registers switch between the controllers of the motherboard
 * and of the tile; a virtio GPU has one of its own. Pixels are 0x00RRGGBB. */
#ifndef ARMATURE_MACHINE_DISPLAY_H
#define ARMATURE_MACHINE_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/journal.h"

typedef struct Display Display;

enum { DISPLAY_MOST = 4096 /* pixels, in each direction */ };

typedef enum DisplayOutput { DISPLAY_MOTHERBOARD, DISPLAY_TILE, DISPLAY_GPU, DISPLAY_OUTPUTS } DisplayOutput;

/* How a controller shows at present. */
typedef struct DisplayMode {
    uint32_t width, height; /* pixels, up to DISPLAY_MOST; 0: it shows nothing */
    uint32_t frame_ns;      /* virtual time from one frame to the next */
} DisplayMode;

/* What a controller offers; it is asked between instructions. */
typedef struct DisplayOps {
    DisplayMode (*mode)(void *opaque);
    /* Calls display_touch() for all rows that may look different from when this was called last. The first
     * time, after display_invalidate() and with another size all rows are drawn in any case. */
    void (*changes)(void *opaque, Display *display);
    /* Fills the `width` pixels of row y, the cursor included. */
    void (*row)(void *opaque, uint32_t y, uint32_t *pixels);
    /* The user would like the picture to have this size. May be NULL. */
    void (*resize)(void *opaque, uint32_t width, uint32_t height);
    /* Is there nothing but black? May be NULL: then the picture counts as one that is of use. */
    bool (*black)(void *opaque);
} DisplayOps;

/* ---- For controllers ---- */

/* Connects a controller; ops and opaque stay valid as long as the display. */
void display_connect(Display *display, DisplayOutput output, const DisplayOps *ops, void *opaque);

/* From within changes(): rows [y, y + count) may have changed; what lies outside the picture does not matter.
 */
void display_touch(Display *display, uint32_t y, uint32_t count);

/* Everything is to be drawn again: after a reset, a change of format or palette. */
void display_invalidate(Display *display, DisplayOutput output);

/* Which of the board's controllers the connector shows: the multiplexer of the system registers.
 * DISPLAY_OUTPUTS: none of them, it is dark. */
void display_switch(Display *display, DisplayOutput output);

/* Says who is told the clock of an output's controller: an oscillator of the board. Until then it has none.
 */
void display_on_clock(Display *display, DisplayOutput output, void (*clock)(void *opaque, uint32_t hz),
                      void *opaque);

/* The oscillator runs at hz from now on. */
void display_set_clock(Display *display, DisplayOutput output, uint32_t hz);

/* ---- For frontends ---- */

typedef struct Frame {
    uint32_t width, height;  /* 0: the screen is dark */
    uint32_t frame_ns;       /* of virtual time that the controller takes for a frame */
    DisplayOutput output;    /* whose picture it is; DISPLAY_OUTPUTS: nobody's */
    uint64_t serial;         /* grows with every change */
    uint64_t resized;        /* the serial at which the size was last another */
    const uint32_t *pixels;  /* row by row, `width` pixels each */
    const uint64_t *changed; /* for each row, the serial at which it changed last */
} Frame;

Display *display_new(void);
void display_free(Display *display);

/* The picture as it is now, valid until the next call. What changed since an earlier call are the rows whose
 * `changed` is greater than the `serial` of then. */
const Frame *display_frame(Display *display);

/* Which picture frontends see: one output's, or, with DISPLAY_OUTPUTS, the GPU's if it shows one, and
 * otherwise that of the board's connector. To begin with it is the latter. A GPU's picture that is all black
 * counts as none while the board shows one: Linux's console stays on the first screen that it found when
 * another is added, which is black then until a program uses it. */
void display_show(Display *display, DisplayOutput output);

/* What frontends have done. */
typedef struct DisplayCounts {
    uint64_t looks;    /* calls of display_frame() */
    uint64_t pictures; /* of these, those that found something changed */
    uint64_t rows;     /* that changed */
    uint64_t shown;    /* pictures that were put on the host's screen */
} DisplayCounts;

DisplayCounts display_counts(const Display *display);

/* A window has put so many pictures on the host's screen, in all. */
void display_set_shown(Display *display, uint64_t pictures);

/* Tells all controllers that can have another size that the user would like this one, also those that are not
 * seen yet; false if the one that is seen cannot. */
bool display_resize(Display *display, uint32_t width, uint32_t height);

/* What the user would like goes through the journal from now on. */
void display_set_journal(Display *display, Journal *journal);

#endif
