/* Virtio console: Virtual I/O Device (VIRTIO) 1.2, section 5.3. One port, whose other end is the serial port
 * that property 0 names; Linux calls it hvc0. Not modelled: several ports (MULTIPORT is not offered). */
#include "devices/virtio.h"

#include <string.h>

enum { ID_CONSOLE = 3, F_SIZE = 0, F_EMERG_WRITE = 2 };
enum { RECEIVE, TRANSMIT, QUEUE_SIZE = 64 };

/* Of a chain of any length so much is sent at most: more than a driver has reason to offer at once. */
enum { TRANSMIT_MOST = 1 << 20 };

typedef struct {
    Virtio virtio;
    uint16_t cols, rows; /* configuration space */
    uint32_t emerg_wr;
    bool heard; /* the driver has sent something */
} State;

static SerialPort *port_of(Virtio *v)
{
    return &v->dev.env->serial[v->dev.props.value[0]];
}

/* ---- To the guest ------------------------------------------------------------------------------------- */

/* Fills one buffer; breaks mean nothing here. Returns how many bytes. */
static uint32_t fill(SerialPort *port, const VirtChain *chain)
{
    uint8_t block[256];
    uint32_t filled = 0, count;
    do {
        uint16_t item;
        count = 0;
        while (count < sizeof block && filled + count < chain->writable_bytes && serial_take(port, &item))
            if (item < SERIAL_BREAK)
                block[count++] = (uint8_t)item;
        filled += (uint32_t)virt_chain_write(chain, filled, block, count);
    } while (count);
    return filled;
}

static void deliver(Virtio *v)
{
    SerialPort *port = port_of(v);
    VirtChain chain;
    bool any = false;
    while (port->length && virtio_take(v, RECEIVE, &chain)) {
        virtio_finish(v, RECEIVE, chain.head, fill(port, &chain));
        any = true;
    }
    if (any)
        virtio_signal(v, RECEIVE);
}

static void available(void *opaque)
{
    deliver(opaque);
}

static void offered(Virtio *v, unsigned queue)
{
    (void)queue;
    deliver(v);
}

/* ---- From the guest ----------------------------------------------------------------------------------- */

/* Linux asks for the size only when it is told that it changed, and must not be told before it has a port:
 * which it has when it sends. */
static void first_output(State *s)
{
    if (s->heard)
        return;
    s->heard = true;
    if (s->cols || s->rows)
        virtio_config_changed(&s->virtio);
}

static VirtioAnswer transmitted(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    (void)written;
    uint8_t block[4096];
    size_t at = 0, size;
    first_output((State *)v);
    for (; at < TRANSMIT_MOST && (size = virt_chain_read(chain, at, block, sizeof block)); at += size)
        for (size_t n = 0; n < size; n++)
            serial_output(port_of(v), block[n]);
    if (at < chain->readable_bytes)
        log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "%u bytes at once: only %zu are sent",
                 chain->readable_bytes, at);
    return VIRTIO_DONE;
}

static const VirtioQueueDef queues[] = {
    [RECEIVE] = {QUEUE_SIZE, NULL,        offered},
    [TRANSMIT] = {QUEUE_SIZE, transmitted, NULL   },
};

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void ports_read(Virtio *v, uint8_t *bytes)
{
    (void)v;
    bytes[0] = 1;
}

/* One character, from a driver that has no queues yet. */
static void emerg_written(Virtio *v, const uint8_t *bytes)
{
    serial_output(port_of(v), bytes[0]);
}

static const VirtioConfigDef config[] = {
    {"cols",         0, 2, AT(cols),     false, NULL,       NULL         },
    {"rows",         2, 2, AT(rows),     false, NULL,       NULL         },
    {"max_nr_ports", 4, 4, NO_STORE,     false, ports_read, NULL         },
    {"emerg_wr",     8, 4, AT(emerg_wr), true,  NULL,       emerg_written},
};

static void resized(void *opaque)
{
    Virtio *v = opaque;
    State *s = opaque;
    s->cols = port_of(v)->columns;
    s->rows = port_of(v)->rows;
    if (s->heard)
        virtio_config_changed(v);
}

/* ---- The device --------------------------------------------------------------------------------------- */

static void reset(Virtio *v)
{
    State *s = (State *)v;
    s->emerg_wr = 0;
    s->heard = false;
}

static const VirtioType type = {
    .id = ID_CONSOLE,
    .features = 1 << F_SIZE | 1 << F_EMERG_WRITE,
    VIRTIO_TABLES,
    .reset = reset,
};

static bool create(Device *dev, Error *err)
{
    Virtio *v = (Virtio *)dev;
    if (dev->props.value[0] >= SERIAL_PORTS)
        return error_set(err, "%s: there is no serial port %u", dev->name, dev->props.value[0]);
    virtio_create(v, &type);
    SerialPort *port = port_of(v);
    port->available = available;
    port->available_opaque = v;
    port->resized = resized;
    port->resized_opaque = v;
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD(cols, FIELD_U16),
    FIELD(rows, FIELD_U16),
    FIELD(emerg_wr, FIELD_U32),
    FIELD(heard, FIELD_BOOL),
};

const DeviceType virtio_console_type = {
    VIRTIO_DEVICE,
    .name = "virtio_console",
    .summary = "virtio console",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
};
