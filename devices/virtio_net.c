/* Virtio network device: Virtual I/O Device (VIRTIO) 1.2, section 5.1. Property 0 is the number of its wire
 * (env->net[NET_PORT_VIRTIO + n]).
 *
 * The driver may leave checksums and the cutting of TCP segments to the device (net_offload.h); what arrives
 * needs no checking. Frames of more than 1500 bytes come and go as the wire's MTU says. Not modelled: several
 * pairs of queues, segments that arrive uncut (GUEST_TSO), UDP segmentation, announcing after a migration. */
#include "devices/net_offload.h"
#include "devices/virtio.h"

#include <string.h>

enum { ID_NET = 1 };
enum { RX_QUEUE, TX_QUEUE, CONTROL_QUEUE, QUEUE_SIZE = 256 };

enum {
    F_CSUM = 0,
    F_GUEST_CSUM = 1,
    F_MTU = 3,
    F_MAC = 5,
    F_HOST_TSO4 = 11,
    F_HOST_TSO6 = 12,
    F_HOST_ECN = 13,
    F_MRG_RXBUF = 15,
    F_STATUS = 16,
    F_CTRL_VQ = 17,
    F_CTRL_RX = 18,
    F_CTRL_VLAN = 19,
    F_CTRL_RX_EXTRA = 20,
    F_CTRL_MAC_ADDR = 23
};

/* What precedes each frame in the buffers. */
typedef struct Header {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
} Header;

_Static_assert(sizeof(Header) == 12, "as in the standard");

enum { NEEDS_CSUM = 1, DATA_VALID = 2 };
enum { GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_ECN = 0x80 };
enum { LINK_UP = 1 };

enum { CLASS_RX, CLASS_MAC, CLASS_VLAN };
enum { RX_PROMISC, RX_ALLMULTI, RX_ALLUNI, RX_NOMULTI, RX_NOUNI, RX_NOBCAST, RX_MODES };
enum { MAC_TABLE_SET, MAC_ADDR_SET };
enum { VLAN_ADD, VLAN_DEL, VLANS = 4096 };
enum { CONTROL_OK, CONTROL_ERROR };

/* Addresses in a table of a driver; of more, all are let through. */
enum { TABLE_MOST = 64 };
enum { UNICAST, MULTICAST, TABLES };

typedef struct {
    Virtio virtio;
    NetPort *port;
    uint8_t mac[NET_MAC];
    bool has_mac; /* the driver has begun with this address; before, it is the wire's */
    uint8_t mode[RX_MODES];
    uint8_t table[TABLES * TABLE_MOST * NET_MAC];
    uint32_t table_count[TABLES]; /* TABLE_MOST + 1: too many */
    uint32_t vlan[VLANS / 32];
} State;

static const uint8_t *address_of(const State *s)
{
    return s->has_mac ? s->mac : s->port->mac;
}

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void mac_read(Virtio *v, uint8_t *bytes)
{
    memcpy(bytes, address_of((State *)v), NET_MAC);
}

static void status_read(Virtio *v, uint8_t *bytes)
{
    bytes[0] = ((State *)v)->port->connected ? LINK_UP : 0;
}

static void pairs_read(Virtio *v, uint8_t *bytes)
{
    (void)v;
    bytes[0] = 1;
}

static void mtu_read(Virtio *v, uint8_t *bytes)
{
    memcpy(bytes, &((State *)v)->port->mtu, sizeof(uint16_t));
}

static const VirtioConfigDef config[] = {
    {"mac",                 0,  NET_MAC, NO_STORE, false, mac_read,    NULL},
    {"status",              6,  2,       NO_STORE, false, status_read, NULL},
    {"max_virtqueue_pairs", 8,  2,       NO_STORE, false, pairs_read,  NULL},
    {"mtu",                 10, 2,       NO_STORE, false, mtu_read,    NULL},
};

static void link_changed(void *opaque)
{
    virtio_config_changed(opaque);
}

/* ---- Which frames the driver wants -------------------------------------------------------------------- */

static bool in_table(const State *s, unsigned table, const uint8_t *address)
{
    uint32_t count = s->table_count[table];
    const uint8_t *entry = s->table + table * TABLE_MOST * NET_MAC;
    if (count > TABLE_MOST)
        return true;
    for (; count; count--, entry += NET_MAC)
        if (!memcmp(entry, address, NET_MAC))
            return true;
    return false;
}

static bool vlan_wanted(const State *s, const uint8_t *frame, size_t length)
{
    if (!virtio_has(&s->virtio, F_CTRL_VLAN) || length < 18 || frame[12] != 0x81 || frame[13] != 0)
        return true;
    unsigned id = (unsigned)(frame[14] & 15) << 8 | frame[15];
    return s->vlan[id / 32] >> id % 32 & 1;
}

static bool wanted(const State *s, const uint8_t *frame, size_t length)
{
    static const uint8_t broadcast[NET_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (s->mode[RX_PROMISC])
        return true;
    if (!vlan_wanted(s, frame, length))
        return false;
    if (!memcmp(frame, broadcast, NET_MAC))
        return !s->mode[RX_NOBCAST];
    if (frame[0] & 1)
        return !s->mode[RX_NOMULTI] && (s->mode[RX_ALLMULTI] || in_table(s, MULTICAST, frame));
    return !s->mode[RX_NOUNI] &&
           (s->mode[RX_ALLUNI] || !memcmp(frame, address_of(s), NET_MAC) || in_table(s, UNICAST, frame));
}

/* ---- Frames to the guest ------------------------------------------------------------------------------ */

/* A frame on its way into as many buffers as it needs. */
typedef struct Filling {
    const uint8_t *frame;
    size_t length, done; /* with the header */
    uint16_t head[VIRTQUEUE_MOST];
    uint32_t written[VIRTQUEUE_MOST];
    VirtChain first;
    unsigned count;
} Filling;

/* Puts the frame's next part into a chain, leaving room for the header in the first. */
static void fill(Filling *f, const VirtChain *chain)
{
    size_t skip = f->done < sizeof(Header) ? sizeof(Header) - f->done : 0;
    size_t from = f->done + skip - sizeof(Header);
    size_t written = skip + virt_chain_write(chain, skip, f->frame + from, f->length - f->done - skip);
    f->head[f->count] = chain->head;
    f->written[f->count++] = (uint32_t)written;
    f->done += written;
}

/* Takes chains until the frame is in them; false if there are not enough, and then none is taken. */
static bool take_buffers(State *s, Filling *f, unsigned most)
{
    Virtio *v = &s->virtio;
    VirtChain later;
    while (f->done < f->length && f->count < most) {
        VirtChain *chain = f->count ? &later : &f->first;
        if (!virtio_take(v, RX_QUEUE, chain))
            break;
        if (!f->count && chain->writable_bytes < sizeof(Header)) {
            virtio_broken(v, "a receive buffer is shorter than the header");
            return true;
        }
        fill(f, chain);
    }
    if (f->done < f->length && virtio_running(v))
        virtio_untake(v, RX_QUEUE, f->count);
    return f->done >= f->length;
}

static void give_buffers(State *s, const Filling *f)
{
    Header header = {.num_buffers = (uint16_t)f->count};
    if (virtio_has(&s->virtio, F_GUEST_CSUM))
        header.flags = DATA_VALID;
    virt_chain_write(&f->first, 0, &header, sizeof header);
    for (unsigned n = 0; n < f->count; n++)
        virtio_finish(&s->virtio, RX_QUEUE, f->head[n], f->written[n]);
    virtio_signal(&s->virtio, RX_QUEUE);
}

/* One buffer, which holds the frame or never will. */
static bool receive_whole(State *s, Filling *f)
{
    if (take_buffers(s, f, 1)) {
        if (f->count)
            give_buffers(s, f);
        return true;
    }
    if (!f->count)
        return !virtio_running(&s->virtio);
    log_line(s->virtio.dev.env->log, LOG_GUEST, s->virtio.dev.name,
             "a frame of %zu bytes does not fit into the driver's buffers: dropped",
             f->length - sizeof(Header));
    return true;
}

static bool receive(void *opaque, const uint8_t *frame, size_t length)
{
    State *s = opaque;
    Virtio *v = &s->virtio;
    if (!virtio_running(v) || !v->queue[RX_QUEUE].ready || !wanted(s, frame, length))
        return true;
    Filling f = {.frame = frame, .length = length + sizeof(Header)};
    if (!virtio_has(v, F_MRG_RXBUF))
        return receive_whole(s, &f);
    if (!take_buffers(s, &f, v->queue[RX_QUEUE].size))
        return !virtio_running(v) || f.count == v->queue[RX_QUEUE].size;
    if (virtio_running(v))
        give_buffers(s, &f);
    return true;
}

static void buffers_offered(Virtio *v, unsigned queue)
{
    (void)queue;
    net_deliver(((State *)v)->port);
}

/* ---- Frames from the guest ---------------------------------------------------------------------------- */

static void emit(void *opaque, const uint8_t *frame, size_t length)
{
    net_send(((State *)opaque)->port, frame, length);
}

static const char *check_request(const Virtio *v, const VirtChain *chain, const Header *header)
{
    size_t bytes = chain->readable_bytes;
    unsigned gso = header->gso_type & ~(unsigned)GSO_ECN;
    bool allowed = gso == GSO_NONE || (gso == GSO_TCPV4 && virtio_has(v, F_HOST_TSO4)) ||
                   (gso == GSO_TCPV6 && virtio_has(v, F_HOST_TSO6));
    if (bytes < sizeof(Header) + NET_HEADER)
        return "a frame is shorter than its header";
    if (bytes > sizeof(Header) + NET_FRAME_MOST)
        return "a frame is too long";
    if (!allowed)
        return "a frame asks for segmentation that was not negotiated";
    if (header->flags & NEEDS_CSUM && !virtio_has(v, F_CSUM))
        return "a frame asks for a checksum that was not negotiated";
    return NULL;
}

static VirtioAnswer send_frame(State *s, const Header *header, uint8_t *frame, size_t length)
{
    if (header->gso_type != GSO_NONE && !s->port->whole_segments &&
        net_offload_segment(frame, length, header->gso_size, emit, s))
        return VIRTIO_DONE;
    if (header->flags & NEEDS_CSUM &&
        !net_offload_checksum(frame, length, header->csum_start, header->csum_offset))
        log_line(s->virtio.dev.env->log, LOG_GUEST, s->virtio.dev.name,
                 "a checksum at %u + %u of a frame of %zu bytes", header->csum_start, header->csum_offset,
                 length);
    return net_send(s->port, frame, length) ? VIRTIO_DONE : VIRTIO_NOT_NOW;
}

static VirtioAnswer transmit(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    (void)written;
    State *s = (State *)v;
    Header header = {0};
    uint8_t frame[NET_FRAME_MOST];
    virt_chain_read(chain, 0, &header, sizeof header);
    const char *problem = check_request(v, chain, &header);
    if (problem) {
        log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "%s: dropped", problem);
        return VIRTIO_DONE;
    }
    size_t length = chain->readable_bytes - sizeof header;
    if (virt_chain_read(chain, sizeof header, frame, length) != length)
        return VIRTIO_DONE;
    return send_frame(s, &header, frame, length);
}

static void send_again(void *opaque)
{
    virtio_resume(opaque, TX_QUEUE);
}

/* ---- Control ------------------------------------------------------------------------------------------ */

/* A command's data, read from the front. */
typedef struct Reader {
    const VirtChain *chain;
    size_t at;
} Reader;

static bool take(Reader *reader, void *data, size_t size)
{
    bool whole = virt_chain_read(reader->chain, reader->at, data, size) == size;
    reader->at += size;
    return whole;
}

static bool set_mode(State *s, uint8_t command, Reader *reader)
{
    uint8_t on;
    if (command >= RX_MODES || !take(reader, &on, sizeof on) || on > 1)
        return false;
    s->mode[command] = on;
    return true;
}

static bool set_table(State *s, unsigned table, Reader *reader)
{
    uint32_t count;
    if (!take(reader, &count, sizeof count) || count > (reader->chain->readable_bytes - reader->at) / NET_MAC)
        return false;
    bool fits = count <= TABLE_MOST;
    s->table_count[table] = fits ? count : TABLE_MOST + 1;
    if (fits)
        return take(reader, s->table + table * TABLE_MOST * NET_MAC, NET_MAC * (size_t)count);
    reader->at += NET_MAC * (size_t)count;
    return true;
}

static bool set_address(State *s, uint8_t command, Reader *reader)
{
    uint8_t mac[NET_MAC];
    if (command == MAC_TABLE_SET)
        return set_table(s, UNICAST, reader) && set_table(s, MULTICAST, reader);
    if (command != MAC_ADDR_SET || !take(reader, mac, sizeof mac))
        return false;
    memcpy(s->mac, mac, sizeof mac);
    s->has_mac = true;
    return true;
}

static bool set_vlan(State *s, uint8_t command, Reader *reader)
{
    uint16_t id;
    if (command > VLAN_DEL || !take(reader, &id, sizeof id) || id >= VLANS)
        return false;
    uint32_t bit = 1u << id % 32;
    s->vlan[id / 32] = command == VLAN_ADD ? s->vlan[id / 32] | bit : s->vlan[id / 32] & ~bit;
    return true;
}

static bool command(State *s, const uint8_t *what, Reader *reader)
{
    const Virtio *v = &s->virtio;
    switch (what[0]) {
    case CLASS_RX:
        return virtio_has(v, what[1] > RX_ALLMULTI ? F_CTRL_RX_EXTRA : F_CTRL_RX) &&
               set_mode(s, what[1], reader);
    case CLASS_MAC:
        return virtio_has(v, what[1] == MAC_ADDR_SET ? F_CTRL_MAC_ADDR : F_CTRL_RX) &&
               set_address(s, what[1], reader);
    case CLASS_VLAN:
        return virtio_has(v, F_CTRL_VLAN) && set_vlan(s, what[1], reader);
    default:
        return false;
    }
}

static VirtioAnswer controlled(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    Reader reader = {chain, 0};
    uint8_t what[2];
    bool done = take(&reader, what, sizeof what) && command((State *)v, what, &reader);
    uint8_t answer = done ? CONTROL_OK : CONTROL_ERROR;
    *written = (uint32_t)virt_chain_write(chain, 0, &answer, sizeof answer);
    return VIRTIO_DONE;
}

/* ---- The device --------------------------------------------------------------------------------------- */

static const VirtioQueueDef queues[] = {
    [RX_QUEUE] = {QUEUE_SIZE, NULL,       buffers_offered},
    [TX_QUEUE] = {QUEUE_SIZE, transmit,   NULL           },
    [CONTROL_QUEUE] = {64,         controlled, NULL           },
};

/* Until the driver asks for less, it gets everything. */
static void reset(Virtio *v)
{
    State *s = (State *)v;
    memset(s->mac, 0, sizeof s->mac);
    memset(s->mode, 0, sizeof s->mode);
    memset(s->table, 0, sizeof s->table);
    memset(s->table_count, 0, sizeof s->table_count);
    memset(s->vlan, 0, sizeof s->vlan);
    s->has_mac = false;
    s->mode[RX_PROMISC] = 1;
    net_reset(s->port);
}

/* The address is the device's own from here on, wherever the wire leads after a snapshot. */
static void started(Virtio *v)
{
    State *s = (State *)v;
    memcpy(s->mac, address_of(s), NET_MAC);
    s->has_mac = true;
}

static const VirtioType type = {
    .id = ID_NET,
    .features = 1u << F_CSUM | 1u << F_GUEST_CSUM | 1u << F_MTU | 1u << F_MAC | 1u << F_HOST_TSO4 |
                1u << F_HOST_TSO6 | 1u << F_HOST_ECN | 1u << F_MRG_RXBUF | 1u << F_STATUS | 1u << F_CTRL_VQ |
                1u << F_CTRL_RX | 1u << F_CTRL_VLAN | 1u << F_CTRL_RX_EXTRA | 1u << F_CTRL_MAC_ADDR,
    VIRTIO_TABLES,
    .reset = reset,
    .started = started,
};

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= NET_PORTS - NET_PORT_VIRTIO)
        return error_set(err, "%s: there is no wire %u", dev->name, dev->props.value[0]);
    virtio_create(&s->virtio, &type);
    s->port = &dev->env->net[NET_PORT_VIRTIO + dev->props.value[0]];
    s->port->receive = receive;
    s->port->link_changed = link_changed;
    s->port->send_again = send_again;
    s->port->receive_opaque = s;
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD_ARRAY(mac, FIELD_U8, NET_MAC),
    FIELD(has_mac, FIELD_BOOL),
    FIELD_ARRAY(mode, FIELD_U8, RX_MODES),
    FIELD_ARRAY(table, FIELD_U8, TABLES *TABLE_MOST *NET_MAC),
    FIELD_ARRAY(table_count, FIELD_U32, TABLES),
    FIELD_ARRAY(vlan, FIELD_U32, VLANS / 32),
    TRANSIENT(port, "a wire of the board"),
};

const DeviceType virtio_net_type = {
    VIRTIO_DEVICE,
    .name = "virtio_net",
    .summary = "virtio network device",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
};
