/* Virtio devices with drivers that do nearly the right thing: rings, descriptors, indirect tables, GPU
 * commands and disk requests with random mistakes, while the user types, moves, resizes and changes disks.
 * Whatever they do, the emulator goes on, within bounds of time and memory, and a second run of the same seed
 * goes the same way. */
#include <stdio.h>

#include "devices/virtio.h"
#include "tests/devices/board_display.h"
#include "tests/devices/memory_disk.h"
#include "tests/fuzz/hostile_driver.h"
#include "tests/fuzz/seeds.h"

enum { STEPS = 4000, HUNG = 60, QUEUES = 2, SLOT = 128, WORDS = 20, SECTORS = 128 };

typedef struct Run {
    Fate fate;
    Driver d;
    bool gpu, disk;
    MemoryDisk medium;
} Run;

static uint32_t somewhere(Run *run)
{
    return mistake(&run->fate) ? anything(&run->fate) : MEMORY + below(&run->fate, MEMORY_BYTES);
}

/* ---- What a driver does ------------------------------------------------------------------------------- */

static void set_up(Run *run)
{
    uint32_t features = run->gpu ? 2 : run->disk ? below(&run->fate, 0x10000) & 0x6e46 : 0;
    hostile_set_up(&run->fate, &run->d, run->d.queue, QUEUES, features, 1);
}

/* Fills the words of a command as they should be. Resources have few numbers, so that they meet. */
static void fill_command(Run *run, uint32_t type, uint32_t *word)
{
    static const uint8_t formats[] = {1, 2, 3, 4, 67, 68, 121, 134};
    bool square = one_in(&run->fate, 2);
    uint32_t id = 1 + below(&run->fate, 4), rect[4] = {below(&run->fate, 3), below(&run->fate, 3),
                                                       1 + below(&run->fate, 62), 1 + below(&run->fate, 62)};
    uint32_t create[4] = {id, formats[below(&run->fate, 8)], square ? 64 : 64 + below(&run->fate, 5000),
                          square ? 64 : 64 + below(&run->fate, 5000)};
    uint32_t piece[4] = {somewhere(run), 0, below(&run->fate, 0x10000), 0};
    word[0] = type < 0x103 || type == 0x106 || type == 0x107 ? id : 0;
    word[1] = 1 + below(&run->fate, 2);
    if (type == 0x101)
        memcpy(word, create, sizeof create);
    if (type >= 0x103 && type <= 0x105) {
        memcpy(word, rect, sizeof rect);
        word[type == 0x103 ? 5 : type == 0x104 ? 4 : 6] = id;
    }
    if (type == 0x106) {
        memcpy(word + 2, piece, sizeof piece);
        piece[0] = somewhere(run);
        memcpy(word + 6, piece, sizeof piece);
    }
    if (type >= 0x300) {
        word[1] = below(&run->fate, 200) - 70;
        word[2] = below(&run->fate, 200) - 70;
        word[4] = below(&run->fate, 5);
    }
}

/* A header, and ranges in case it is about some. */
static uint32_t make_request(Run *run)
{
    static const uint8_t types[] = {0, 0, 1, 1, 4, 8, 11, 13, 2};
    uint32_t request = DATA + SLOT * below(&run->fate, 256);
    put32(&run->d, request, types[below(&run->fate, sizeof types)]);
    put32(&run->d, request + 4, 0);
    put32(&run->d, request + 8, mistake(&run->fate) ? anything(&run->fate) : below(&run->fate, SECTORS));
    put32(&run->d, request + 12, mistake(&run->fate) ? anything(&run->fate) : 0);
    for (unsigned n = 1; n < 3; n++) {
        put32(&run->d, request + 16 * n, below(&run->fate, SECTORS));
        put32(&run->d, request + 16 * n + 4, mistake(&run->fate) ? anything(&run->fate) : 0);
        put32(&run->d, request + 16 * n + 8, below(&run->fate, 8));
        put32(&run->d, request + 16 * n + 12, below(&run->fate, 4) == 0);
    }
    return request;
}

static uint32_t make_command(Run *run, unsigned queue)
{
    uint32_t request = DATA + SLOT * below(&run->fate, 256), word[WORDS] = {0};
    uint32_t type = queue ? 0x300 + below(&run->fate, 2) : 0x100 + below(&run->fate, 11);
    fill_command(run, type, word);
    if (mistake(&run->fate))
        type = anything(&run->fate);
    if (mistake(&run->fate))
        word[below(&run->fate, WORDS)] = anything(&run->fate);
    put32(&run->d, request, type);
    put32(&run->d, request + 4, below(&run->fate, 2));
    memcpy(at(&run->d, request + 24), word, sizeof word);
    return request;
}

static bool is_full(Run *run, unsigned queue)
{
    const DriverQueue *q = &run->d.queue[queue];
    return (uint16_t)(q->offered - get16(&run->d, ring(queue, DRIVER_USED) + 2)) >= q->size;
}

/* A request and room for its answer, or an event buffer, straight or by an indirect table. */
static void offer(Run *run, unsigned queue)
{
    DriverQueue *q = &run->d.queue[queue];
    bool fills = !run->gpu && !run->disk && queue == 0, indirect = one_in(&run->fate, 3);
    uint32_t table = indirect ? DATA + 0x40000 + 0x400 * below(&run->fate, 16) : ring(queue, 0);
    uint16_t first = indirect || !q->size ? 0 : (uint16_t)below(&run->fate, q->size),
             count = (uint16_t)(1 + below(&run->fate, 5));
    Buffer in = {run->disk  ? make_request(run)
                 : run->gpu ? make_command(run, queue)
                            : DATA + SLOT * below(&run->fate, 256),
                 run->disk ? 16 * (1 + below(&run->fate, 3)) : 24 + 4 * WORDS, fills};
    bool writes = !run->disk || one_in(&run->fate, 2);
    for (uint16_t n = 0; n < count; n++) {
        uint16_t here = (uint16_t)(first + n), next = (uint16_t)(first + n + 1);
        if (!indirect) {
            here %= (uint16_t)q->size;
            next %= (uint16_t)q->size;
        }
        bool last = run->disk && n + 1 == count;
        Buffer out = {DATA + 0x20000 + 0x400 * below(&run->fate, 64),
                      run->disk ? 0x200 : below(&run->fate, 0x400), writes};
        if (last)
            out = (Buffer){out.address, 1, true};
        hostile_descriptor(&run->fate, &run->d, table, here, n ? out : in, n + 1 < count ? DESC_NEXT : 0,
                           next);
    }
    if (indirect) {
        first = (uint16_t)below(&run->fate, q->size);
        hostile_descriptor(&run->fate, &run->d, ring(queue, 0), first, (Buffer){table, 16u * count, false},
                           DESC_INDIRECT, 0);
    }
    driver_publish(&run->d, queue, mistake(&run->fate) ? (uint16_t)anything(&run->fate) : first);
    if (mistake(&run->fate))
        put16(&run->d, ring(queue, DRIVER_AVAIL) + 2, (uint16_t)anything(&run->fate));
}

/* ---- What the user does ------------------------------------------------------------------------------- */

static void send_input(Run *run)
{
    InputEvent event = {.kind = (InputEventKind)below(&run->fate, 5),
                        .code = (uint16_t)below(&run->fate, INPUT_KEYS),
                        .down = one_in(&run->fate, 2),
                        .x = (int32_t)anything(&run->fate),
                        .y = (int32_t)below(&run->fate, 3) - 1};
    input_send(run->d.h.env.input, &event);
}

static void look(Run *run)
{
    const Frame *frame = display_frame(run->d.h.env.display);
    mix(&run->fate, frame->width);
    mix(&run->fate, frame->height);
    for (size_t n = 0; n < (size_t)frame->width * frame->height; n += 97)
        mix(&run->fate, frame->pixels[n]);
}

static void change_disk(Run *run)
{
    DiskSlot *slot = &run->d.h.env.disk[DISK_SLOT_VIRTIO];
    if (!run->disk)
        return;
    run->medium.fails = one_in(&run->fate, 4) ? DISK_IO_ERROR : DISK_OK;
    if (one_in(&run->fate, 2))
        disk_slot_set(slot, slot->disk ? NULL : run->medium.disk);
    mix(&run->fate, run->medium.operations[DISK_WRITE]);
}

/* ---- Runs --------------------------------------------------------------------------------------------- */

static void do_something(Run *run)
{
    uint32_t what = below(&run->fate, 100);
    Driver *d = &run->d;
    unsigned queue = below(&run->fate, QUEUES);
    if (what < 50 && is_full(run, queue) && !mistake(&run->fate))
        write_reg(d->dev, REG_NOTIFY, queue);
    else if (what < 50)
        offer(run, queue);
    else if (what < 70)
        write_reg(d->dev, REG_NOTIFY, below(&run->fate, QUEUES + (what == 69)));
    else if (what < 75)
        mix(&run->fate, read_reg(d->dev, REG_CONFIG + 4 * below(&run->fate, 64)));
    else if (what < 78)
        write_reg(d->dev, REG_CONFIG + 4 * below(&run->fate, 4), anything(&run->fate));
    else if (what < 80 && mistake(&run->fate))
        write_reg(d->dev, 4 * below(&run->fate, 0x80), anything(&run->fate));
    else if (what < 82)
        mix(&run->fate, read_reg(d->dev, 4 * below(&run->fate, 0x80)));
    else if (what < 83)
        write_narrow(d->dev, REG_CONFIG, 1, below(&run->fate, 0x20));
    else if (what < 84)
        write_narrow(d->dev, REG_CONFIG + 1, 1, below(&run->fate, 0x20));
    else if (what < 86)
        write_reg(d->dev, REG_INT_ACK, 3);
    else if (what < 92)
        send_input(run);
    else if (what < 94)
        look(run);
    else if (what < 95 && run->disk)
        change_disk(run);
    else if (what < 95)
        display_resize(d->h.env.display, anything(&run->fate), below(&run->fate, 2000));
    else if (what < 98)
        step(&d->h, below(&run->fate, 3 * MILLISECOND_NS));
    else if (mistake(&run->fate))
        put32(d, MEMORY + 4 * below(&run->fate, MEMORY_BYTES / 4), anything(&run->fate));
    if (read_reg(d->dev, REG_STATUS) != 0xf && one_in(&run->fate, 4))
        set_up(run);
    mix(&run->fate, read_reg(d->dev, REG_INT_STATUS));
}

static uint64_t run_seed(uint64_t seed)
{
    Run run = {.fate = fate_of(seed, seed / 2 % 4), .gpu = seed & 1, .disk = seed % 4 == 2};
    DeviceProps props = {
        {run.gpu ? 640 : seed / 2 % INPUT_KINDS, 480}
    };
    if (run.disk)
        props.value[0] = 0;
    driver_init(&run.d, run.gpu ? "virtio_gpu" : run.disk ? "virtio_blk" : "virtio_input", &props);
    if (run.disk) {
        memory_disk_init(&run.medium, &run.d.h, SECTORS * DISK_SECTOR, true);
        disk_slot_set(&run.d.h.env.disk[DISK_SLOT_VIRTIO], run.medium.disk);
    }
    if (seed & 2)
        display_connect(run.d.h.env.display, DISPLAY_MOTHERBOARD, &board_display, NULL);
    set_up(&run);
    for (unsigned n = 0; n < STEPS; n++)
        do_something(&run);
    for (uint32_t n = 0; n < MEMORY_BYTES; n += 4)
        mix(&run.fate, get32(&run.d, MEMORY + n));
    if (run.disk) {
        for (uint32_t n = 0; n < SECTORS * DISK_SECTOR; n++)
            mix(&run.fate, run.medium.bytes[n]);
        disk_slot_set(&run.d.h.env.disk[DISK_SLOT_VIRTIO], NULL);
        memory_disk_done(&run.medium);
    }
    driver_done(&run.d);
    return run.fate.sum;
}

int main(int argc, char **argv)
{
    return seeds_main_twice(argc, argv, "drivers", 40, HUNG, run_seed);
}
