/* The wire between a UART of the board and whatever is at its other end (terminal, file, socket, script).
 *
 * What is sent to the guest waits in an unbounded queue until the UART takes it, so that none is ever lost.
 * Senders that read from the host keep the queue short: they stop at some length of their own and go on when
 * room() is called.
 */
#ifndef ARMATURE_MACHINE_SERIAL_H
#define ARMATURE_MACHINE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/journal.h"

/* An item of the queue: a character, or a break (the line held low for longer than a character takes). */
enum { SERIAL_BREAK = 0x100 };

/* room() is called when the queue has become this short. */
enum { SERIAL_ROOM = 1 << 14 };

typedef struct SerialPort {
    /* Host side, set by the frontend; NULL drops what the guest sends. */
    void (*output)(void *opaque, uint8_t ch);
    void *output_opaque;
    /* Host side, may be NULL; called while an instruction executes, so it may only take note. */
    void (*room)(void *opaque);
    void *room_opaque;
    /* Characters that have left the UART. While there are not more than `shown` (the machine repeats its
     * past, see history/), the host has had them already. */
    uint64_t sent, shown;
    /* Guest side, set by the UART: called when characters became available. */
    void (*available)(void *opaque);
    void *available_opaque;
    /* The terminal's size in characters, 0: not known. Guest side: resized() hears of changes; may be NULL.
     */
    uint16_t columns, rows;
    void (*resized)(void *opaque);
    void *resized_opaque;
    /* Queue of characters and breaks for the guest. */
    uint16_t *queue;
    size_t head, length, capacity;
    bool ended;              /* serial_end(): nothing will follow what is in the queue */
    JournalChannel *channel; /* NULL: no journal */
} SerialPort;

/* Host side: queues characters for the guest. */
void serial_send(SerialPort *port, const void *data, size_t length);

/* Host side: queues a break, after all characters sent so far. */
void serial_send_break(SerialPort *port);

/* Host side: the terminal has this size now. */
void serial_resize(SerialPort *port, unsigned columns, unsigned rows);

/* Host side: whether nothing will follow (the end of a file). */
void serial_end(SerialPort *port, bool ended);

/* What enters goes through the journal, by this name, from now on. */
void serial_set_journal(SerialPort *port, Journal *journal, const char *name);

/* Guest side: takes one character (0 to 0xff) or SERIAL_BREAK; false if there is none. */
bool serial_take(SerialPort *port, uint16_t *item);

/* Guest side: a character leaves the UART. */
void serial_output(SerialPort *port, uint8_t ch);

/* For snapshots: what waits for the guest is forgotten; an item more waits. Nobody is told. */
void serial_clear(SerialPort *port);
void serial_put_back(SerialPort *port, uint16_t item);

void serial_free(SerialPort *port);

#endif
