/* Entropy, console, balloon and 9P devices with drivers that do nearly the right thing on all their queues,
 * while the host types, moves the balloon, and the machine is saved and loaded. Whatever they do, the
 * emulator goes on, and a second run of the same seed goes the same way. */
#include <stdio.h>

#include "devices/virtio.h"
#include "tests/devices/virtio_driver.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"

enum { STEPS = 3000, HUNG = 60, QUEUES_MOST = 5, PARTS_MOST = 6 };

typedef struct Kind {
    const char *type;
    unsigned queues;
    uint32_t features;
} Kind;

static const Kind kinds[] = {
    {"virtio_rng",     1, 0   },
    {"virtio_console", 2, 0x5 },
    {"virtio_balloon", 5, 0x3f},
    {"virtio_9p",      1, 0x1 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct Run {
    Random random;
    Driver d; /* whose own queues are not used: there are more */
    DriverQueue queue[QUEUES_MOST];
    const Kind *kind;
    Arrivals *arrivals;
    uint32_t care; /* one thing in so many is wrong */
    uint64_t sum;  /* fingerprint of what guest and host see */
} Run;

static void mix(Run *run, uint32_t value)
{
    run->sum = (run->sum ^ value) * 0x100000001b3u;
}

static uint32_t below(Run *run, uint32_t n)
{
    return random_below(&run->random, n);
}

static bool mistake(Run *run)
{
    return random_one_in(&run->random, run->care);
}

/* ---- A share that answers with the message --------------------------------------------------------------
 */

static void answer(void *share, ShareRequest *request)
{
    Run *run = share;
    size_t size = request->message[4] % 32;
    request->answered = size < request->size ? size : request->size;
    if (request->answered > request->room)
        request->answered = request->room;
    memcpy(request->answer, request->message, request->answered);
    mix(run, (uint32_t)request->size);
}

static void forget(void *share)
{
    mix(share, 1);
}

static uint8_t *save(void *share, size_t *size)
{
    (void)share;
    *size = 3;
    return calloc(1, *size);
}

static bool load(void *share, const uint8_t *bytes, size_t size)
{
    (void)share;
    return bytes && size == 3;
}

static const ShareOps share = {answer, forget, save, load};

/* ---- What a driver does ------------------------------------------------------------------------------- */

static void write_word(Run *run, uint32_t offset, uint32_t value)
{
    write_reg(run->d.dev, offset, mistake(run) ? random_value(&run->random) : value);
}

static void set_up(Run *run)
{
    static const uint32_t steps[] = {0, 1, 3};
    for (unsigned n = 0; n < 3; n++)
        write_word(run, REG_STATUS, steps[n]);
    write_word(run, REG_DRIVER_FEATURES_SEL, 0);
    write_word(run, REG_DRIVER_FEATURES,
               below(run, 4) << 28 | (random_next(&run->random) & run->kind->features));
    write_word(run, REG_DRIVER_FEATURES_SEL, 1);
    write_word(run, REG_DRIVER_FEATURES, 1);
    write_word(run, REG_STATUS, 0xb);
    for (unsigned n = 0; n < run->kind->queues; n++) {
        uint16_t size = (uint16_t)(4 << below(run, 5));
        run->queue[n] = (DriverQueue){.size = size};
        memset(at(&run->d, ring(n, DRIVER_AVAIL)), 0, 4);
        memset(at(&run->d, ring(n, DRIVER_USED)), 0, 4);
        write_word(run, REG_QUEUE_SEL, n);
        write_word(run, REG_QUEUE_NUM, size);
        write_word(run, REG_DESC, ring(n, 0));
        write_word(run, REG_DRIVER, ring(n, DRIVER_AVAIL));
        write_word(run, REG_DEVICE, ring(n, DRIVER_USED));
        write_word(run, REG_QUEUE_READY, 1);
    }
    write_word(run, REG_STATUS, 0xf);
}

/* Page numbers, statistics, messages with a length and text: all at once. */
static void fill(Run *run, uint32_t address)
{
    for (unsigned n = 0; n < 16; n++)
        put32(&run->d, address + 4 * n, MEMORY / 4096 + below(run, 300));
    put32(&run->d, address, mistake(run) ? random_value(&run->random) : 7 + below(run, 60));
    put16(&run->d, address + 4, (uint16_t)random_next(&run->random));
}

static void put_descriptor(Run *run, unsigned queue, unsigned number, Buffer buffer, uint16_t flags,
                           uint16_t next)
{
    if (mistake(run))
        buffer.address = random_value(&run->random);
    if (mistake(run))
        buffer.size = random_value(&run->random);
    if (mistake(run))
        flags = (uint16_t)below(run, 8);
    driver_descriptor(&run->d, ring(queue, 0), number, &buffer, flags, next);
}

static void offer(Run *run, unsigned queue)
{
    DriverQueue *q = &run->queue[queue];
    unsigned readable = below(run, 3), parts = readable + below(run, 3);
    bool full = (uint16_t)(q->offered - get16(&run->d, ring(queue, DRIVER_USED) + 2)) + parts > q->size;
    if (!parts || !q->size || ((full || parts > q->size) && !mistake(run)))
        return;
    uint16_t first = q->next;
    for (unsigned n = 0; n < parts; n++) {
        uint16_t here = q->next;
        q->next = (uint16_t)((q->next + 1) % q->size);
        Buffer buffer = {DATA + 0x400 * below(run, 256) + (mistake(run) ? below(run, 4096) : 0),
                         mistake(run) ? below(run, 0x10000) : below(run, 0x200), n >= readable};
        fill(run, DATA + 0x400 * below(run, 256));
        put_descriptor(run, queue, here, buffer, n + 1 < parts ? DESC_NEXT : 0, q->next);
    }
    put16(&run->d, ring(queue, DRIVER_AVAIL) + 4 + 2 * (q->offered % q->size), first);
    put16(&run->d, ring(queue, DRIVER_AVAIL) + 2,
          mistake(run) ? (uint16_t)random_value(&run->random) : ++q->offered);
}

/* ---- What the host does ------------------------------------------------------------------------------- */

static void host_acts(Run *run)
{
    DeviceEnv *env = &run->d.h.env;
    SerialPort *port = &env->serial[SERIAL_CONSOLE];
    char text[64] = "typed by the host, as much of it as there is room for ........";
    BalloonState state;
    if (port->length < 4096)
        serial_send(port, text, below(run, sizeof text));
    if (random_one_in(&run->random, 10))
        serial_send_break(port);
    serial_resize(port, below(run, 3), below(run, 3));
    if (!env->balloon.look)
        return;
    env->balloon.set_target(env->balloon.opaque, below(run, 5));
    env->balloon.look(env->balloon.opaque, &state);
    mix(run, state.actual ^ state.known ^ (uint32_t)state.given_back);
}

static void save_and_load(Run *run)
{
    const DeviceType *type = run->d.dev->type;
    if (type->saving)
        type->saving(run->d.dev);
    if (type->loaded)
        type->loaded(run->d.dev);
    device_changed(run->d.dev);
}

/* ---- Runs --------------------------------------------------------------------------------------------- */

static void do_something(Run *run)
{
    uint32_t what = below(run, 100);
    unsigned queue = below(run, run->kind->queues);
    Device *dev = run->d.dev;
    if (what < 50)
        offer(run, queue);
    else if (what < 70)
        write_reg(dev, REG_NOTIFY, queue + (what == 69));
    else if (what < 75)
        mix(run, read_reg(dev, REG_CONFIG + 4 * below(run, 16)));
    else if (what < 78)
        write_reg(dev, REG_CONFIG + 4 * below(run, 4), random_value(&run->random));
    else if (what < 80)
        write_reg(dev, REG_INT_ACK, 3);
    else if (what < 88)
        host_acts(run);
    else if (what < 91)
        save_and_load(run);
    else if (what < 98)
        step(&run->d.h, below(run, MILLISECOND_NS / 10));
    else if (mistake(run))
        write_reg(dev, 4 * below(run, 0x80), random_value(&run->random));
    if (read_reg(dev, REG_STATUS) != 0xf && random_one_in(&run->random, 4))
        set_up(run);
    mix(run, read_reg(dev, REG_INT_STATUS));
}

static uint64_t run_seed(uint64_t seed)
{
    Run run = {.random = {seed}, .kind = &kinds[seed % KINDS], .care = 20};
    for (uint64_t n = seed / KINDS % 4; n; n--)
        run.care *= 10;
    bool console = !strcmp(run.kind->type, "virtio_console");
    run.arrivals = arrivals_new();
    driver_init(&run.d, run.kind->type, &(DeviceProps){{console ? SERIAL_CONSOLE : 0}});
    share_port_connect(&run.d.h.env.share[0], "tag", &share, &run, run.d.h.env.clock, run.arrivals);
    set_up(&run);
    for (unsigned n = 0; n < STEPS; n++)
        do_something(&run);
    for (uint32_t n = 0; n < MEMORY_BYTES; n += 4)
        mix(&run, get32(&run.d, MEMORY + n));
    for (size_t n = 0; n < run.d.h.output_length; n++)
        mix(&run, run.d.h.output[n]);
    share_port_disconnect(&run.d.h.env.share[0]);
    driver_done(&run.d);
    arrivals_free(run.arrivals);
    return run.sum;
}

static bool check_seed(uint64_t seed)
{
    if (run_seed(seed) == run_seed(seed))
        return true;
    fprintf(stderr, "seed %llu: a second run went another way\n", (unsigned long long)seed);
    return false;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, "drivers", 40, HUNG, check_seed);
}
