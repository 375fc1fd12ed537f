/* Hostile ends of a migration. A stream whose checksums are right and whose contents are not makes no
 * machine, or one that goes on without crash and without end; answers that are not what they should be leave
 * the machine that leaves as it is, and never let it go on when the other end may. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/boot.h"
#include "snapshot/chunk.h"
#include "snapshot/hash64.h"
#include "snapshot/machine_hash.h"
#include "snapshot/stream.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"
#include "tests/snapshot/migrate_ends.h"

enum {
    GREETING = 12,
    HEADER = 32,
    FILE_HEADER = 16,
    MESSAGES = 400,
    ROOM = 32 << 20,
    DISK = 300 << 10,
    INSTRUCTIONS = 20000,
    POLLS_MOST = 2000
};

static char image_path[64];
static uint8_t *good;
static size_t good_size;
static unsigned polls;

/* ---- Machines ---------------------------------------------------------------------------------------- */

static bool poll_machine(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    return polls++ < POLLS_MOST && timeout_ns != UINT64_MAX && machine_icount(machine) < machine->pause_at;
}

static void run(Machine *machine, uint64_t count)
{
    machine->poll = poll_machine;
    machine->poll_opaque = machine;
    polls = 0;
    machine_pause_at(machine, machine_icount(machine) + count);
    machine_run(machine);
    machine->poll = NULL;
}

static void done(DiskRequest *request)
{
    (void)request;
}

/* With something in memory and on the disk that is sent in every way. */
static Machine *new_machine(void)
{
    static uint8_t data[DISK];
    Error err;
    const MachineOptions options = {.cpus = 2,
                                    .memory = 4 << 20,
                                    .jit = {.mode = JIT_OFF},
                                    .test_device = true,
                                    .gpu = true,
                                    .virtio_disks = 1};
    DiskImage image;
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    if (!machine || !boot_load(machine, &(BootOptions){0}, &err) ||
        !image_open(&image, &(ImageOptions){.path = image_path, .temporary = true}, &err))
        seeds_die(err.text);
    Disk *disk = disk_new("disk0", image.ops, image.medium, &image.info, NULL, machine->arrivals);
    disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], disk);
    run(machine, 30000);
    for (unsigned n = 0; n < DISK; n++)
        data[n] = (uint8_t)(n / 1024 % 40 * 7 + n % 3);
    DiskRequest write = {.action = DISK_WRITE, .length = DISK / 2, .data = data, .done = done};
    DiskRequest zeros = {.action = DISK_ZERO, .offset = DISK / 2, .length = DISK / 4, .done = done};
    disk_submit(disk, &write);
    disk_submit(disk, &zeros);
    disk_drain(disk);
    return machine;
}

static void write_some(void *opaque)
{
    Machine *machine = opaque;
    uint8_t data[5000];
    memset(data, 0x3c, sizeof data);
    bus_dma_write(machine->bus, machine_ram_base(machine) + 100000, data, sizeof data);
}

static void make_good(void)
{
    Machine *machine = new_machine();
    Leaver leaver = {.machine = machine, .between = write_some, .opaque = machine};
    Comer comer = {.disk = image_path, .temporary = true};
    Wire wire = {.forth = SIZE_MAX, .back = SIZE_MAX, .flip = SIZE_MAX, .room = ROOM};
    Error err;
    int fd;
    good = wire.kept = malloc(ROOM);
    wire_start(&wire, &leaver.fd, &fd);
    comer_start(&comer, fd);
    if (leaver_go(&leaver, 3, 0, &err) != MIGRATION_MOVED)
        seeds_die("the good one fails");
    pthread_join(comer.thread, NULL);
    pthread_join(wire.thread, NULL);
    good_size = wire.went;
    if (good_size > ROOM)
        seeds_die("the good one is too long");
    leaver_end(&leaver);
    machine_end(comer.machine);
    machine_end(machine);
}

/* ---- Streams
 * ----------------------------------------------------------------------------------------------- */

typedef struct Message {
    char type[5];
    uint8_t *data;
    size_t size;
} Message;

typedef struct Messages {
    Message message[MESSAGES];
    unsigned count;
} Messages;

static void take_apart(Messages *all)
{
    *all = (Messages){.count = 0};
    for (size_t at = GREETING; at < good_size;) {
        Message *message = &all->message[all->count++];
        uint64_t length;
        if (all->count == MESSAGES)
            seeds_die("too many messages");
        memcpy(message->type, good + at, 4);
        memcpy(&length, good + at + 8, 8);
        message->size = length;
        message->data = malloc(length + 1);
        memcpy(message->data, good + at + HEADER, length);
        at += HEADER + length;
    }
}

static void release(Messages *all)
{
    for (unsigned n = 0; n < all->count; n++)
        free(all->message[n].data);
}

/* Damages the payload of a random chunk of a snapshot file, and makes its checksums right. */
static void damage_file(Random *random, uint8_t *file, size_t size)
{
    size_t place[300];
    unsigned count = 0;
    for (size_t at = FILE_HEADER; at + CHUNK_HEADER <= size && count < 300;) {
        uint64_t length;
        memcpy(&length, file + at + 16, 8);
        if (length > size - at - CHUNK_HEADER)
            break;
        place[count++] = at;
        at += CHUNK_HEADER + length;
    }
    if (!count)
        return;
    size_t at = place[random_below(random, count)];
    uint8_t *payload = file + at + CHUNK_HEADER;
    uint64_t length, sum;
    uint32_t number, value = random_value(random);
    memcpy(&length, file + at + 16, 8);
    memcpy(&number, file + at + 4, 4);
    if (random_one_in(random, 8))
        memcpy(file + at, file + place[random_below(random, count)], 4);
    if (length)
        payload[random_below(random, (uint32_t)length)] ^= (uint8_t)(random_one_in(random, 2) ? value : 0);
    if (length > 16)
        memcpy(payload + random_below(random, (uint32_t)length - 4) / 4 * 4, &value, 4);
    sum = hash64(payload, length, at);
    memcpy(file + at + 24, &sum, 8);
    sum = hash64(file + at, 32, number);
    memcpy(file + at + 32, &sum, 8);
}

/* The pieces of the file at the end as one. */
static void damage_rest(Random *random, Messages *all)
{
    Buffer file = {0};
    size_t at = 0;
    for (unsigned n = 0; n < all->count; n++)
        if (!strcmp(all->message[n].type, STREAM_REST))
            buffer_put(&file, all->message[n].data, all->message[n].size);
    damage_file(random, file.data, file.size);
    for (unsigned n = 0; n < all->count; n++) {
        Message *message = &all->message[n];
        if (strcmp(message->type, STREAM_REST) != 0)
            continue;
        memcpy(message->data, file.data + at, message->size);
        at += message->size;
    }
    buffer_free(&file);
}

static void damage_pages(Random *random, Message *message)
{
    uint32_t value = random_value(random);
    size_t words = message->size / 4 < 60 ? message->size / 4 : 60;
    if (words)
        memcpy(message->data + (size_t)random_below(random, (uint32_t)words) * 4, &value, 4);
}

static void damage(Random *random, Messages *all)
{
    unsigned n = random_below(random, all->count), other = random_below(random, all->count);
    Message *message = &all->message[n], kept;
    switch (random_below(random, 8)) {
    case 0:
        kept = *message;
        *message = all->message[other];
        all->message[other] = kept;
        break;
    case 1:
        message->size = random_below(random, (uint32_t)message->size + 1);
        break;
    case 2:
        memcpy(message->type, all->message[other].type, 4);
        break;
    case 3:
        damage_file(random, all->message[0].data, all->message[0].size);
        break;
    case 4:
    case 5:
        damage_rest(random, all);
        break;
    default:
        damage_pages(random, message);
        break;
    }
}

typedef struct Feed {
    int fd;
    Buffer bytes;
} Feed;

static void put_together(const Messages *all, Buffer *out)
{
    buffer_put(out, good, GREETING);
    for (unsigned n = 0; n < all->count; n++) {
        const Message *message = &all->message[n];
        uint8_t header[HEADER];
        uint64_t length = message->size, sum = hash64(message->data, message->size, n);
        memcpy(header, message->type, 4);
        memcpy(header + 4, &n, 4);
        memcpy(header + 8, &length, 8);
        memcpy(header + 16, &sum, 8);
        sum = hash64(header, 24, n);
        memcpy(header + 24, &sum, 8);
        buffer_put(out, header, sizeof header);
        buffer_put(out, message->data, message->size);
    }
}

/* Sends all there is, and goes when the other end has heard enough. */
static void *feed(void *opaque)
{
    Feed *what = opaque;
    char rest[4096];
    for (size_t at = 0; at < what->bytes.size;) {
        ssize_t some = send(what->fd, what->bytes.data + at, what->bytes.size - at, MSG_NOSIGNAL);
        if (some <= 0)
            break;
        at += (size_t)some;
    }
    shutdown(what->fd, SHUT_WR);
    while (recv(what->fd, rest, sizeof rest, 0) > 0) {
    }
    close(what->fd);
    return NULL;
}

static void hostile_stream(Random *random)
{
    Messages all;
    Feed feeder = {0};
    Comer comer = {.disk = image_path, .temporary = true};
    pthread_t thread;
    int ends[2];
    take_apart(&all);
    for (unsigned n = random_below(random, 4); n < 4; n++)
        damage(random, &all);
    put_together(&all, &feeder.bytes);
    release(&all);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        seeds_die("no sockets");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    comer.fd = ends[0];
    feeder.fd = ends[1];
    if (pthread_create(&thread, NULL, feed, &feeder))
        seeds_die("no thread");
    comer_run(&comer);
    pthread_join(thread, NULL);
    buffer_free(&feeder.bytes);
    if (comer.runs) {
        machine_hold_time(comer.machine, false);
        run(comer.machine, INSTRUCTIONS);
    }
    machine_end(comer.machine);
}

/* ---- Answers
 * ----------------------------------------------------------------------------------------------- */

typedef struct Answers {
    int fd;
    uint64_t seed;
    bool went; /* the word to go on was read */
} Answers;

static void *answer(void *opaque)
{
    static const char *const types[] = {STREAM_READY, STREAM_RUNS, STREAM_NO, STREAM_GO, STREAM_PAGES};
    Answers *what = opaque;
    Random random = {what->seed};
    Stream stream;
    Buffer payload = {0};
    char type[STREAM_TYPE + 1];
    Error err;
    uint8_t text[300];
    unsigned early = random_below(&random, 4);
    stream_init(&stream, what->fd);
    for (unsigned n = 0; n < sizeof text; n++)
        text[n] = (uint8_t)random_next(&random);
    bool ok = stream_await_greeting(&stream, &err);
    for (unsigned count = 0; ok && (ok = stream_receive(&stream, type, &payload, 4 << 20, &err)); count++) {
        bool over = !strcmp(type, STREAM_OVER), go = !strcmp(type, STREAM_GO);
        what->went |= go;
        if (!over && !go && (early || random_below(&random, 40)))
            continue;
        if (random_one_in(&random, 4))
            break;
        const char *said = over && random_below(&random, 3) ? STREAM_READY
                           : go && random_below(&random, 3) ? STREAM_RUNS
                                                            : types[random_below(&random, 5)];
        stream.sent += random_one_in(&random, 10);
        ok = stream_send(&stream, said, text, random_one_in(&random, 3) ? random_below(&random, 300) : 0,
                         &err);
        if (go)
            break;
    }
    buffer_free(&payload);
    stream_close(&stream);
    return NULL;
}

static uint64_t hash_of(Machine *machine)
{
    MachineHash *hash = malloc(sizeof *hash);
    machine_hash(machine, hash);
    uint64_t all = hash->all;
    free(hash);
    return all;
}

static void hostile_answers(Random *random)
{
    Machine *machine = new_machine();
    Leaver leaver = {.machine = machine};
    Answers other = {.seed = (uint64_t)random_next(random) << 32 | random_next(random)};
    pthread_t thread;
    Error err;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends))
        seeds_die("no sockets");
    leaver.fd = ends[0];
    other.fd = ends[1];
    if (pthread_create(&thread, NULL, answer, &other))
        seeds_die("no thread");
    machine_hold_time(machine, true);
    uint64_t before = hash_of(machine);
    MigrationEnd end = leaver_go(&leaver, 1 + random_below(random, 3), 0, &err);
    leaver_end(&leaver);
    pthread_join(thread, NULL);
    if (end == MIGRATION_REFUSED && other.went)
        seeds_die("both go on");
    if (end == MIGRATION_MOVED && !other.went)
        seeds_die("none goes on");
    if (hash_of(machine) != before)
        seeds_die("the machine that stays has changed");
    machine_hold_time(machine, false);
    run(machine, INSTRUCTIONS);
    machine_end(machine);
}

static bool check(uint64_t seed)
{
    Random random = {seed};
    if (random_below(&random, 4))
        hostile_stream(&random);
    else
        hostile_answers(&random);
    return true;
}

int main(int argc, char **argv)
{
    snprintf(image_path, sizeof image_path, "/tmp/armature-migrate-XXXXXX");
    int fd = mkstemp(image_path);
    if (fd < 0 || ftruncate(fd, DISK))
        seeds_die("no file");
    close(fd);
    make_good();
    int code = seeds_main(argc, argv, "streams", 60, 120, check);
    unlink(image_path);
    free(good);
    return code;
}
