/* Between the thread that has the window and the thread that has the session: a picture, commands in one
 * direction, status and serial output in the other. Neither thread waits for the other longer than it takes
 * to copy a picture; nothing else is shared between them. */
#ifndef ARMATURE_FRONTENDS_WINDOW_LINK_H
#define ARMATURE_FRONTENDS_WINDOW_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"
#include "machine/display.h"
#include "machine/input.h"

typedef struct WindowLink WindowLink;

typedef enum WindowCommandKind {
    WINDOW_INPUT,      /* event */
    WINDOW_LET_GO,     /* of all keys and buttons */
    WINDOW_PAUSE,      /* on */
    WINDOW_RESET,      /* as by the board's button */
    WINDOW_POWER,      /* asks the guest to switch itself off */
    WINDOW_TURBO,      /* on: time that the guest waits is skipped */
    WINDOW_REWIND,     /* on: back in time, until it is off: then the guest goes on from there */
    WINDOW_END,        /* ends the session */
    WINDOW_TYPE,       /* text, for the guest's keyboard */
    WINDOW_PRESS,      /* text: keys at once, as the operation `press` takes them */
    WINDOW_SERIAL,     /* text, for the serial port `port` */
    WINDOW_SCREENSHOT, /* into a file, whose name comes back as a note */
    WINDOW_SAVE,       /* text: a file, of slot number `port` */
    WINDOW_LOAD,       /* the same */
    WINDOW_RESIZE,     /* the guest's picture should have `width` and `height` */
    WINDOW_SHOWN,      /* on: somebody can see the picture */
    WINDOW_MEASURE     /* on: the figures of the status are wanted */
} WindowCommandKind;

typedef struct WindowCommand {
    WindowCommandKind kind;
    InputEvent event;
    bool on;
    unsigned port;
    uint32_t width, height;
    const char *text;
    size_t length;
} WindowCommand;

enum { WINDOW_NOTE = 240 };

typedef struct WindowStatus {
    bool running; /* there is a session */
    bool paused, off, turbo;
    bool keyboard, mouse, tablet; /* which the guest drives */
    unsigned leds;                /* LED_* */
    double seconds;               /* of virtual time */
    double ratio, mips, compiled; /* lately: virtual per host time, speed, share of instructions */
    double pictures;              /* lately: shown per second of the host's time */
    char note[WINDOW_NOTE];       /* the newest text for the user */
    unsigned notes;               /* how many there have been */
    bool note_is_path;            /* of a file that was written */
} WindowStatus;

/* wake(opaque) is called, on the session's thread, when there is something for the window and
 * window_link_awake() was called since the last time. */
WindowLink *window_link_new(void (*wake)(void *opaque), void *opaque);
void window_link_free(WindowLink *link);

/* ---- The window's side ---- */

/* From now on, wake() is called again. */
void window_link_awake(WindowLink *link);

/* Copies the command and its text. */
void window_link_send(WindowLink *link, const WindowCommand *command);

void window_link_status(WindowLink *link, WindowStatus *status);

typedef struct WindowPicture {
    /* The picture has another size from now on (0: the screen is dark). */
    void (*size)(void *opaque, uint32_t width, uint32_t height, uint32_t frame_ns);
    /* Rows [y, y + count) look like this. */
    void (*rows)(void *opaque, uint32_t y, uint32_t count, uint32_t width, const uint32_t *pixels);
    void *opaque;
} WindowPicture;

/* A picture that had changed is on the host's screen. */
void window_link_shown(WindowLink *link);

/* Tells the sink what changed since the last time; false if nothing did. */
bool window_link_look(WindowLink *link, const WindowPicture *sink);

/* The picture is lost: the next look brings all of it. */
void window_link_forget(WindowLink *link);

/* Takes up to `size` characters that a serial port has shown; how many. */
size_t window_link_read(WindowLink *link, unsigned port, uint8_t *data, size_t size);

/* ---- The session's side ---- */

/* Readable while commands wait. */
int window_link_fd(const WindowLink *link);

/* The next command, valid until the next call; NULL if there is none. */
const WindowCommand *window_link_take(WindowLink *link);

/* Shows what changed since serial `since`; false if the window is copying at this moment: later, then. */
bool window_link_show(WindowLink *link, const Frame *frame, uint64_t since);

/* How many pictures the window has put on the host's screen. */
uint64_t window_link_pictures(WindowLink *link);

/* Replaces all but the note. */
void window_link_report(WindowLink *link, const WindowStatus *status);
void window_link_note(WindowLink *link, bool path, const char *text);

/* What the guest sent; of what the window does not take, the newest is kept. */
void window_link_write(WindowLink *link, unsigned port, const uint8_t *data, size_t length);

#endif
