/* The wire between a UART of the board and whatever is at its other end (terminal, file, socket, script).
 *
 * Characters for the guest wait in an unbounded queue until the UART takes them, so that none is ever lost.
 */
#ifndef ARMATURE_MACHINE_SERIAL_H
#define ARMATURE_MACHINE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SerialPort {
    /* Host side, set by the frontend; NULL drops what the guest sends. */
    void (*output)(void *opaque, uint8_t ch);
    void *output_opaque;
    /* Guest side, set by the UART: called when characters became available. */
    void (*available)(void *opaque);
    void *available_opaque;
    /* Queue of characters for the guest. */
    uint8_t *queue;
    size_t head, length, capacity;
} SerialPort;

/* Host side: queues characters for the guest. */
void serial_send(SerialPort *port, const void *data, size_t length);

/* Guest side: takes one character; false if there is none. */
bool serial_take(SerialPort *port, uint8_t *ch);

/* Guest side: a character leaves the UART. */
void serial_output(SerialPort *port, uint8_t ch);

void serial_free(SerialPort *port);

#endif
