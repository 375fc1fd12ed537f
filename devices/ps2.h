/* PS/2: the cable between an interface (PL050) and a keyboard or mouse, byte by byte, and what keyboards and
 * mice have in common.
 *
 * The sockets belong to the machine (DeviceEnv.ps2). The interface puts its side into one in create(), a
 * keyboard or mouse plugs itself in with ps2_plug(). The device clocks all bytes; the interface decides when
 * one may start, and asks ps2_next() for it. */
#ifndef ARMATURE_DEVICES_PS2_H
#define ARMATURE_DEVICES_PS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/clock.h"
#include "machine/error.h"

enum {
    PS2_PORTS = 2,
    PS2_BIT_NS = 80000, /* 12.5 kHz: devices clock at 10 to 16.7 kHz */
    PS2_BUFFER = 16,    /* bytes that a device keeps until it can send them, and one more for an overrun */
    PS2_ANSWER = 8      /* the longest answer to a command */
};

/* Answers that all devices give. */
enum { PS2_ACK = 0xfa, PS2_RESEND = 0xfe, PS2_TEST_PASSED = 0xaa };

typedef struct Device Device;
typedef struct Ps2Device Ps2Device;

/* A socket. */
typedef struct Ps2Port {
    /* The interface's side: the device has something to send, if the line is free. NULL: no interface. */
    void (*wanted)(void *host);
    void *host;
    bool enabled;      /* the interface takes bytes */
    Ps2Device *device; /* NULL: nothing is plugged in */
} Ps2Port;

/* What the kinds of devices do differently. */
typedef struct Ps2DeviceOps {
    void (*received)(void *opaque, uint8_t byte); /* a byte from the host */
    void (*sent)(void *opaque, uint8_t byte);     /* a byte has left: there is room */
    void (*tested)(void *opaque);                 /* the self-test after a reset by the host is over */
    void (*switched)(void *opaque);               /* the interface was enabled or disabled */
} Ps2DeviceOps;

/* The part of a keyboard's or mouse's state that they have in common; PS2_FIELDS saves it. */
struct Ps2Device {
    struct {
        Ps2Port *port;
        const Ps2DeviceOps *ops;
        void *opaque;
    } link;
    Timer test; /* runs during the self-test */
    uint32_t answered, queued;
    uint8_t answer[PS2_ANSWER]; /* to the host's last byte; goes first */
    uint8_t queue[PS2_BUFFER + 1];
    uint8_t command; /* whose argument is awaited; 0: none */
};

/* Rows for the FieldDef table of a device whose state has a Ps2Device of that name. */
#define PS2_FIELDS(member)                                                                                   \
    TRANSIENT(member.link, "set up by create()"), FIELD(member.test, FIELD_TIMER),                           \
        FIELD(member.answered, FIELD_U32), FIELD(member.queued, FIELD_U32),                                  \
        FIELD_ARRAY(member.answer, FIELD_U8, PS2_ANSWER),                                                    \
        FIELD_ARRAY(member.queue, FIELD_U8, PS2_BUFFER + 1), FIELD(member.command, FIELD_U8)

/* ---- For keyboards and mice ---- */

/* Plugs dev's Ps2Device into the socket that its property 0 names; ops get dev. Refuses if there is no such
 * socket, or if it is taken. */
bool ps2_plug(Ps2Device *device, Device *dev, const Ps2DeviceOps *ops, Error *err);
void ps2_unplug(Ps2Device *device);

/* As after power-on, with the self-test behind it and nothing to say. */
void ps2_reset(Ps2Device *device);

/* After loading: counts index the buffers. */
void ps2_loaded(Ps2Device *device);

/* Whether the interface takes what the device sends. */
bool ps2_heard(const Ps2Device *device);

/* Adds to the answer to the host's last byte; what does not fit is dropped. */
void ps2_answer(Ps2Device *device, const uint8_t *bytes, unsigned count);
void ps2_answer_byte(Ps2Device *device, uint8_t byte);

/* Appends to the buffer if all bytes fit. */
bool ps2_queue(Ps2Device *device, const uint8_t *bytes, unsigned count);

/* Puts the code that stands for lost bytes behind the buffer, once. */
void ps2_overrun(Ps2Device *device, uint8_t code);

/* Forgets everything that was not sent yet, but for the answer. */
void ps2_clear_queue(Ps2Device *device);

/* Acknowledges and begins the self-test: until it is over, the device does not listen. Then it says that it
 * passed, and tested() is called. */
void ps2_begin_test(Ps2Device *device);
bool ps2_testing(const Ps2Device *device);

/* ---- For the interface; device may be NULL ---- */

/* Whether the device clocks in what the host wants to send. */
bool ps2_listens(const Ps2Device *device);

/* The byte that the device wants to send now. It goes on wanting to until ps2_sent(). */
bool ps2_next(const Ps2Device *device, uint8_t *byte);
void ps2_sent(Ps2Device *device);

/* A byte from the host. */
void ps2_received(Ps2Device *device, uint8_t byte);

/* Notes whether the interface takes bytes, and tells the device. */
void ps2_enable(Ps2Port *port, bool enabled);

#endif
