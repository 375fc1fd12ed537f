/* Network controllers with drivers that do nearly the right thing, on a wire where anything comes: the
 * LAN9118 by its registers, the virtio device by its rings. Whatever they do, the emulator goes on, and a
 * second run of the same seed goes the same way. */
#include "tests/devices/virtio_driver.h"
#include "tests/fuzz/fate.h"
#include "tests/fuzz/seeds.h"

enum { STEPS = 3000, HUNG = 60, QUEUES = 3 };
enum { RX, TX, CONTROL };

typedef struct Run {
    Fate fate;
    Driver d; /* of the LAN9118, only the harness and the device are used */
    NetPort *port;
} Run;

/* ---- The wire ----------------------------------------------------------------------------------------- */

static bool host_takes(void *opaque, const uint8_t *frame, size_t length)
{
    Run *run = opaque;
    for (size_t n = 0; n < length; n += 61)
        mix(&run->fate, frame[n]);
    mix(&run->fate, (uint32_t)length);
    return !one_in(&run->fate, 10);
}

static void frame_in(Run *run)
{
    static uint8_t frame[NET_FRAME_MOST];
    size_t length = below(&run->fate, one_in(&run->fate, 8) ? NET_FRAME_MOST + 20 : 1600);
    if (length > NET_FRAME_MOST)
        length = NET_FRAME_MOST;
    for (size_t n = 0; n < length && n < 64; n++)
        frame[n] = (uint8_t)anything(&run->fate);
    if (length > 20 && one_in(&run->fate, 2))
        memcpy(frame, run->port->mac, NET_MAC);
    else if (length > 20 && one_in(&run->fate, 2))
        memset(frame, 0xff, NET_MAC);
    if (length > 20 && one_in(&run->fate, 3))
        memcpy(frame + 12, "\x81\x00", 2);
    net_receive(run->port, frame, length);
}

static void something_on_the_wire(Run *run)
{
    switch (below(&run->fate, 12)) {
    case 0:
        net_connect(run->port, !run->port->connected || one_in(&run->fate, 3));
        break;
    case 1:
        net_send_again(run->port);
        break;
    case 2:
        step(&run->d.h, below(&run->fate, 5 * MILLISECOND_NS));
        break;
    default:
        frame_in(run);
    }
}

/* ---- LAN9118 ------------------------------------------------------------------------------------------ */

static void lan_write(Run *run, uint32_t offset, uint32_t value)
{
    write_reg(run->d.dev, offset, mistake(&run->fate) ? anything(&run->fate) : value);
}

static void mac_write(Run *run, uint32_t number, uint32_t value)
{
    lan_write(run, 0xa8, value);
    lan_write(run, 0xa4, 0x80000000 | number);
}

static void lan_set_up(Run *run)
{
    lan_write(run, 0x54, below(&run->fate, 20) << 24 | 0x111);
    lan_write(run, 0x5c, anything(&run->fate));
    lan_write(run, 0x6c, below(&run->fate, 4) << 30 | below(&run->fate, 32) << 8);
    lan_write(run, 0x70, 2);
    mac_write(run, 1, 0xc | anything(&run->fate));
    mac_write(run, 8, 2 * below(&run->fate, 2));
}

static void lan_send(Run *run)
{
    uint32_t parts = 1 + below(&run->fate, 3), size = below(&run->fate, 700), command_b = parts * size;
    for (uint32_t n = 0; n < parts; n++) {
        uint32_t offset = below(&run->fate, 8), end = below(&run->fate, 3), words = (offset + size + 3) / 4;
        uint32_t align = end == 0 ? 1 : end == 1 ? 4 : 8;
        lan_write(run, 0x20, end << 24 | offset << 16 | (n ? 0 : 1 << 13) | (n + 1 == parts) << 12 | size);
        lan_write(run, 0x20, command_b);
        for (words = (words + align - 1) / align * align; words && !mistake(&run->fate); words--)
            write_reg(run->d.dev, 0x20, words);
    }
}

static void lan_receive(Run *run)
{
    uint32_t status = read_reg(run->d.dev, one_in(&run->fate, 10) ? 0x44 : 0x40);
    mix(&run->fate, status);
    if (one_in(&run->fate, 8))
        lan_write(run, 0x78, 1u << 31);
    else
        for (uint32_t n = (status >> 16 & 0x3fff) / 4 + below(&run->fate, 3); n && !mistake(&run->fate); n--)
            mix(&run->fate, read_reg(run->d.dev, 0));
}

static void lan_step(Run *run)
{
    switch (below(&run->fate, 10)) {
    case 0:
        lan_set_up(run);
        break;
    case 1:
    case 2:
        lan_send(run);
        break;
    case 3:
    case 4:
        lan_receive(run);
        break;
    case 5:
        mix(&run->fate, read_reg(run->d.dev, 4 * below(&run->fate, 0x40)));
        break;
    case 6:
        write_reg(run->d.dev, 0x58, anything(&run->fate));
        break;
    case 7:
        mac_write(run, below(&run->fate, 14), anything(&run->fate));
        break;
    case 8:
        write_reg(run->d.dev, 0x40 + 4 * below(&run->fate, 0x30), anything(&run->fate));
        break;
    default:
        mix(&run->fate, read_reg(run->d.dev, 0x48));
    }
}

/* ---- Virtio ------------------------------------------------------------------------------------------- */

static void virtio_set_up(Run *run)
{
    Device *dev = run->d.dev;
    static const uint32_t bits[] = {0, 1, 3, 11, 12, 15, 16, 17, 18, 19, 20, 23, 28, 29};
    uint32_t features = 0;
    for (unsigned n = 0; n < sizeof bits / sizeof *bits; n++)
        features |= below(&run->fate, 4) ? 1u << bits[n] : 0;
    write_reg(dev, REG_STATUS, 0);
    write_reg(dev, REG_STATUS, 3);
    write_reg(dev, REG_DRIVER_FEATURES_SEL, 0);
    write_reg(dev, REG_DRIVER_FEATURES, mistake(&run->fate) ? anything(&run->fate) : features);
    write_reg(dev, REG_DRIVER_FEATURES_SEL, 1);
    write_reg(dev, REG_DRIVER_FEATURES, 1);
    write_reg(dev, REG_STATUS, 0xb);
    for (unsigned n = 0; n < QUEUES; n++)
        driver_queue(&run->d, n, (uint16_t)(1 << below(&run->fate, 7)));
    write_reg(dev, REG_STATUS, 0xf);
}

static Buffer part(Run *run, uint32_t most, bool write)
{
    Buffer buffer = {DATA + below(&run->fate, 0x40000), below(&run->fate, most), write};
    if (mistake(&run->fate))
        buffer.address = anything(&run->fate);
    if (mistake(&run->fate))
        buffer.size = anything(&run->fate);
    return buffer;
}

static void make_header(Run *run, uint32_t address)
{
    uint8_t header[12 + 60] = {(uint8_t)below(&run->fate, 2),
                               (uint8_t)(one_in(&run->fate, 2) ? 1 + 3 * below(&run->fate, 2) : 0)};
    for (unsigned n = 2; n < 12; n += 2)
        header[n] = (uint8_t)below(&run->fate, one_in(&run->fate, 3) ? 256 : 60);
    memcpy(header + 24, "\x08\x00\x45", 3);
    header[12 + 23] = 6;
    header[12 + 46] = 0x50;
    memcpy(at(&run->d, address), header, sizeof header);
}

static void make_command(Run *run, uint32_t address)
{
    uint8_t command[32] = {(uint8_t)below(&run->fate, 4), (uint8_t)below(&run->fate, 7),
                           (uint8_t)below(&run->fate, 5)};
    memcpy(at(&run->d, address), command, sizeof command);
}

static void virtio_offer(Run *run, unsigned queue)
{
    Buffer buffer[4];
    unsigned count = 1 + below(&run->fate, 4);
    DriverQueue *q = &run->d.queue[queue];
    if ((uint16_t)(q->offered - get16(&run->d, ring(queue, DRIVER_USED) + 2)) >= q->size)
        return;
    for (unsigned n = 0; n < count; n++)
        buffer[n] = part(run, queue == RX ? 3000 : 0x8000, queue == RX || (queue == CONTROL && n));
    if (queue != RX) {
        buffer[0].address = DATA + 0x50000;
        buffer[0].size = mistake(&run->fate) ? below(&run->fate, 80) : queue == CONTROL ? 32 : 72;
    }
    if (queue == TX)
        make_header(run, buffer[0].address);
    if (queue == CONTROL)
        make_command(run, buffer[0].address);
    driver_offer(&run->d, queue, count, buffer);
}

static void virtio_step(Run *run)
{
    unsigned queue = below(&run->fate, QUEUES);
    switch (below(&run->fate, 6)) {
    case 0:
        mix(&run->fate, read_reg(run->d.dev, REG_CONFIG + 4 * below(&run->fate, 8)));
        break;
    case 1:
        write_reg(run->d.dev, REG_INT_ACK, 3);
        break;
    case 2:
        if (mistake(&run->fate))
            put32(&run->d, MEMORY + 4 * below(&run->fate, MEMORY_BYTES / 4), anything(&run->fate));
        break;
    default:
        for (uint32_t n = below(&run->fate, 20); n; n--)
            virtio_offer(run, queue);
        driver_notify(&run->d, queue);
    }
    if (read_reg(run->d.dev, REG_STATUS) != 0xf && one_in(&run->fate, 4))
        virtio_set_up(run);
}

/* ---- Runs --------------------------------------------------------------------------------------------- */

static uint64_t run_seed(uint64_t seed)
{
    Run run = {.fate = fate_of(seed, seed / 2 % 4)};
    bool lan = seed & 1;
    driver_init(&run.d, lan ? "lan9118" : "virtio_net", NULL);
    run.port = &run.d.h.env.net[lan ? NET_PORT_LAN9118 : NET_PORT_VIRTIO];
    run.port->send = host_takes;
    run.port->send_opaque = &run;
    run.port->whole_segments = seed & 4;
    net_connect(run.port, true);
    if (lan)
        lan_set_up(&run);
    else
        virtio_set_up(&run);
    for (unsigned n = 0; n < STEPS; n++) {
        if (one_in(&run.fate, 3))
            something_on_the_wire(&run);
        else if (lan)
            lan_step(&run);
        else
            virtio_step(&run);
        mix(&run.fate, run.d.dev->out[0].level);
    }
    for (uint32_t n = 0; n < MEMORY_BYTES; n += 4)
        mix(&run.fate, get32(&run.d, MEMORY + n));
    driver_done(&run.d);
    return run.fate.sum;
}

int main(int argc, char **argv)
{
    return seeds_main_twice(argc, argv, "drivers", 40, HUNG, run_seed);
}
