#include "machine/serial.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for count more items at the queue's end. */
static void reserve(SerialPort *port, size_t count)
{
    if (port->head + port->length + count <= port->capacity)
        return;
    if (port->length)
        memmove(port->queue, port->queue + port->head, port->length * sizeof *port->queue);
    port->head = 0;
    if (port->length + count <= port->capacity)
        return;
    port->capacity = 2 * (port->length + count) + 64;
    port->queue = realloc(port->queue, port->capacity * sizeof *port->queue);
    if (!port->queue)
        abort();
}

/* What enters. */
enum { DATA = 'd', BREAK = 'b', SIZE = 's', END = 'e' };

static void became_available(SerialPort *port)
{
    if (port->available)
        port->available(port->available_opaque);
}

void serial_send(SerialPort *port, const void *data, size_t length)
{
    const uint8_t *from = data;
    if (!length || !journal_event(port->channel, DATA, data, length))
        return;
    reserve(port, length);
    uint16_t *to = port->queue + port->head + port->length;
    for (size_t n = 0; n < length; n++)
        to[n] = from[n];
    port->length += length;
    became_available(port);
}

void serial_send_break(SerialPort *port)
{
    if (!journal_event(port->channel, BREAK, NULL, 0))
        return;
    reserve(port, 1);
    port->queue[port->head + port->length++] = SERIAL_BREAK;
    became_available(port);
}

bool serial_take(SerialPort *port, uint16_t *item)
{
    if (!port->length)
        return false;
    *item = port->queue[port->head++];
    if (--port->length == 0)
        port->head = 0;
    if (port->length == SERIAL_ROOM && port->room)
        port->room(port->room_opaque);
    return true;
}

void serial_output(SerialPort *port, uint8_t ch)
{
    if (++port->sent <= port->shown)
        return;
    port->shown = port->sent;
    if (port->output)
        port->output(port->output_opaque, ch);
}

void serial_clear(SerialPort *port)
{
    port->head = port->length = 0;
}

void serial_put_back(SerialPort *port, uint16_t item)
{
    reserve(port, 1);
    port->queue[port->head + port->length++] = item;
}

void serial_free(SerialPort *port)
{
    free(port->queue);
    *port = (SerialPort){0};
}

void serial_resize(SerialPort *port, unsigned columns, unsigned rows)
{
    uint8_t size[] = {(uint8_t)columns, (uint8_t)(columns >> 8), (uint8_t)rows, (uint8_t)(rows >> 8)};
    if ((port->columns == columns && port->rows == rows) ||
        !journal_event(port->channel, SIZE, size, sizeof size))
        return;
    port->columns = (uint16_t)columns;
    port->rows = (uint16_t)rows;
    if (port->resized)
        port->resized(port->resized_opaque);
}

void serial_end(SerialPort *port, bool ended)
{
    uint8_t byte = ended;
    if (port->ended != ended && journal_event(port->channel, END, &byte, 1))
        port->ended = ended;
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    SerialPort *port = opaque;
    if (what == DATA)
        serial_send(port, data, size);
    else if (what == BREAK)
        serial_send_break(port);
    else if (what == SIZE && size == 4)
        serial_resize(port, data[0] | data[1] << 8, data[2] | data[3] << 8);
    else if (what == END && size == 1)
        serial_end(port, data[0]);
    else
        return false;
    return true;
}

void serial_set_journal(SerialPort *port, Journal *journal, const char *name)
{
    port->channel = journal_channel(journal, name, apply, port);
}
