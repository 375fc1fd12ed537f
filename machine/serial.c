#include "machine/serial.h"

#include <stdlib.h>
#include <string.h>

void serial_send(SerialPort *port, const void *data, size_t length)
{
    if (!length)
        return;
    if (port->head + port->length + length > port->capacity) {
        if (port->length)
            memmove(port->queue, port->queue + port->head, port->length);
        port->head = 0;
        if (port->length + length > port->capacity) {
            port->capacity = 2 * (port->length + length) + 64;
            port->queue = realloc(port->queue, port->capacity);
            if (!port->queue)
                abort();
        }
    }
    memcpy(port->queue + port->head + port->length, data, length);
    port->length += length;
    if (port->available)
        port->available(port->available_opaque);
}

bool serial_take(SerialPort *port, uint8_t *ch)
{
    if (!port->length)
        return false;
    *ch = port->queue[port->head++];
    if (--port->length == 0)
        port->head = 0;
    return true;
}

void serial_output(SerialPort *port, uint8_t ch)
{
    if (port->output)
        port->output(port->output_opaque, ch);
}

void serial_free(SerialPort *port)
{
    free(port->queue);
    *port = (SerialPort){0};
}
