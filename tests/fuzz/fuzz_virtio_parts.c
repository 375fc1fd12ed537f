/* Entropy, console, balloon and 9P devices with drivers that do nearly the right thing on all their queues,
 * while the host types, moves the balloon, and the machine is saved and loaded. Whatever they do, the
 * emulator goes on, and a second run of the same seed goes the same way. */
#include <stdio.h>

#include "devices/virtio.h"
#include "tests/fuzz/hostile_driver.h"
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
    Fate fate;
    Driver d; /* whose own queues are not used: there are more */
    DriverQueue queue[QUEUES_MOST];
    const Kind *kind;
    Arrivals *arrivals;
} Run;

/* ---- A share that answers with the message ----------------------------------------------------------- */

static void answer(void *share, ShareRequest *request)
{
    Run *run = share;
    size_t size = request->message[4] % 32;
    request->answered = size < request->size ? size : request->size;
    if (request->answered > request->room)
        request->answered = request->room;
    memcpy(request->answer, request->message, request->answered);
    mix(&run->fate, (uint32_t)request->size);
}

static void forget(void *share)
{
    mix(&((Run *)share)->fate, 1);
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

static void set_up(Run *run)
{
    uint32_t features = random_next(&run->fate.random) & run->kind->features;
    hostile_set_up(&run->fate, &run->d, run->queue, run->kind->queues, features, 4);
}

/* Page numbers, statistics, messages with a length and text: all at once. */
static void fill(Run *run, uint32_t address)
{
    for (unsigned n = 0; n < 16; n++)
        put32(&run->d, address + 4 * n, MEMORY / 4096 + below(&run->fate, 300));
    put32(&run->d, address, mistake(&run->fate) ? anything(&run->fate) : 7 + below(&run->fate, 60));
    put16(&run->d, address + 4, (uint16_t)random_next(&run->fate.random));
}

static void offer(Run *run, unsigned queue)
{
    DriverQueue *q = &run->queue[queue];
    unsigned readable = below(&run->fate, 3), parts = readable + below(&run->fate, 3);
    bool full = (uint16_t)(q->offered - get16(&run->d, ring(queue, DRIVER_USED) + 2)) + parts > q->size;
    if (!parts || !q->size || ((full || parts > q->size) && !mistake(&run->fate)))
        return;
    uint16_t first = q->next;
    for (unsigned n = 0; n < parts; n++) {
        uint16_t here = q->next;
        q->next = (uint16_t)((q->next + 1) % q->size);
        Buffer buffer = {
            DATA + 0x400 * below(&run->fate, 256) + (mistake(&run->fate) ? below(&run->fate, 4096) : 0),
            mistake(&run->fate) ? below(&run->fate, 0x10000) : below(&run->fate, 0x200), n >= readable};
        fill(run, DATA + 0x400 * below(&run->fate, 256));
        hostile_descriptor(&run->fate, &run->d, ring(queue, 0), here, buffer, n + 1 < parts ? DESC_NEXT : 0,
                           q->next);
    }
    put16(&run->d, ring(queue, DRIVER_AVAIL) + 4 + 2 * (q->offered % q->size), first);
    put16(&run->d, ring(queue, DRIVER_AVAIL) + 2,
          mistake(&run->fate) ? (uint16_t)anything(&run->fate) : ++q->offered);
}

/* ---- What the host does ------------------------------------------------------------------------------- */

static void host_acts(Run *run)
{
    DeviceEnv *env = &run->d.h.env;
    SerialPort *port = &env->serial[SERIAL_CONSOLE];
    char text[64] = "typed by the host, as much of it as there is room for ........";
    BalloonState state;
    if (port->length < 4096)
        serial_send(port, text, below(&run->fate, sizeof text));
    if (one_in(&run->fate, 10))
        serial_send_break(port);
    serial_resize(port, below(&run->fate, 3), below(&run->fate, 3));
    if (!env->balloon.look)
        return;
    env->balloon.set_target(env->balloon.opaque, below(&run->fate, 5));
    env->balloon.look(env->balloon.opaque, &state);
    mix(&run->fate, state.actual ^ state.known ^ (uint32_t)state.given_back);
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
    uint32_t what = below(&run->fate, 100);
    unsigned queue = below(&run->fate, run->kind->queues);
    Device *dev = run->d.dev;
    if (what < 50)
        offer(run, queue);
    else if (what < 70)
        write_reg(dev, REG_NOTIFY, queue + (what == 69));
    else if (what < 75)
        mix(&run->fate, read_reg(dev, REG_CONFIG + 4 * below(&run->fate, 16)));
    else if (what < 78)
        write_reg(dev, REG_CONFIG + 4 * below(&run->fate, 4), anything(&run->fate));
    else if (what < 80)
        write_reg(dev, REG_INT_ACK, 3);
    else if (what < 88)
        host_acts(run);
    else if (what < 91)
        save_and_load(run);
    else if (what < 98)
        step(&run->d.h, below(&run->fate, MILLISECOND_NS / 10));
    else if (mistake(&run->fate))
        write_reg(dev, 4 * below(&run->fate, 0x80), anything(&run->fate));
    if (read_reg(dev, REG_STATUS) != 0xf && one_in(&run->fate, 4))
        set_up(run);
    mix(&run->fate, read_reg(dev, REG_INT_STATUS));
}

static uint64_t run_seed(uint64_t seed)
{
    Run run = {.fate = fate_of(seed, seed / KINDS % 4), .kind = &kinds[seed % KINDS]};
    bool console = !strcmp(run.kind->type, "virtio_console");
    run.arrivals = arrivals_new();
    driver_init(&run.d, run.kind->type, &(DeviceProps){{console ? SERIAL_CONSOLE : 0}});
    share_port_connect(&run.d.h.env.share[0], "tag", &share, &run, run.d.h.env.clock, run.arrivals);
    set_up(&run);
    for (unsigned n = 0; n < STEPS; n++)
        do_something(&run);
    for (uint32_t n = 0; n < MEMORY_BYTES; n += 4)
        mix(&run.fate, get32(&run.d, MEMORY + n));
    for (size_t n = 0; n < run.d.h.output_length; n++)
        mix(&run.fate, run.d.h.output[n]);
    share_port_disconnect(&run.d.h.env.share[0]);
    driver_done(&run.d);
    arrivals_free(run.arrivals);
    return run.fate.sum;
}

int main(int argc, char **argv)
{
    return seeds_main_twice(argc, argv, "drivers", 40, HUNG, run_seed);
}
