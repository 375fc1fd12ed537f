/* The virtio block device (VIRTIO 1.2, section 5.2): transfers, flushes, ranges, errors, media that change,
 * and what becomes of requests that are under way. */
#include "tests/devices/memory_disk.h"
#include "tests/devices/virtio_driver.h"

enum { SECTORS = 256, SIZE = SECTORS * DISK_SECTOR };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { F_RO = 1 << 5, F_FLUSH = 1 << 9, F_WCE = 1 << 11, F_DISCARD = 1 << 13, F_ZEROES = 1 << 14 };
enum { S_OK, S_IOERR, S_UNSUPP, S_NONE = 0xff };
enum { ALL = F_FLUSH | F_WCE | F_DISCARD | F_ZEROES };
enum { SLOT_BYTES = 0x8000, HEADER = 0, STATUS = 0x100, PAYLOAD = 0x200, SLOTS = 14, WAIT = 1000 };

typedef struct Test {
    Driver d;
    MemoryDisk m;
} Test;

static DiskSlot *slot(Test *t)
{
    return &t->d.h.env.disk[DISK_SLOT_VIRTIO];
}

static Test *make(uint32_t features, bool deterministic, bool read_only)
{
    Test *t = calloc(1, sizeof *t);
    driver_init(&t->d, "virtio_blk", NULL);
    memory_disk_init_as(&t->m, &t->d.h, SIZE, deterministic, read_only);
    disk_slot_set(slot(t), t->m.disk);
    driver_negotiate(&t->d, features);
    driver_queue(&t->d, 0, 64);
    write_reg(t->d.dev, REG_STATUS, 0xf);
    return t;
}

static void done(Test *t)
{
    disk_slot_set(slot(t), NULL);
    memory_disk_done(&t->m);
    driver_done(&t->d);
    free(t);
}

static uint32_t place(unsigned request, uint32_t part)
{
    return DATA + SLOT_BYTES * request + part;
}

static uint8_t *payload(Test *t, unsigned request)
{
    return at(&t->d, place(request, PAYLOAD));
}

static uint8_t status(Test *t, unsigned request)
{
    return *(uint8_t *)at(&t->d, place(request, STATUS));
}

/* Offers request number `request`, which has its memory to itself, and returns its head. */
static uint16_t offer(Test *t, unsigned request, uint32_t type, uint64_t sector, uint32_t bytes)
{
    bool in = type == T_IN || type == T_GET_ID;
    Buffer chain[3] = {
        {place(request, HEADER),  16,    false},
        {place(request, PAYLOAD), bytes, in   },
        {place(request, STATUS),  1,     true }
    };
    assert_true(request < SLOTS && bytes <= SLOT_BYTES - PAYLOAD);
    put32(&t->d, place(request, 0), type);
    put32(&t->d, place(request, 4), 0);
    memcpy(at(&t->d, place(request, 8)), &sector, 8);
    *(uint8_t *)at(&t->d, place(request, STATUS)) = S_NONE;
    if (!bytes)
        chain[1] = chain[2];
    return driver_offer(&t->d, 0, bytes ? 3 : 2, chain);
}

/* Does one request, and returns its status. */
static uint8_t request(Test *t, uint32_t type, uint64_t sector, uint32_t bytes)
{
    uint32_t id, written;
    uint16_t head = offer(t, 0, type, sector, bytes);
    driver_notify(&t->d, 0);
    step(&t->d.h, WAIT * MILLISECOND_NS);
    assert_true(driver_used(&t->d, 0, &id, &written));
    assert_int_equal(id, head);
    bool in = (type == T_IN || type == T_GET_ID) && status(t, 0) == S_OK;
    assert_int_equal(written, in ? bytes + 1 : type == T_IN || type == T_GET_ID ? 0 : 1);
    return status(t, 0);
}

static void put_range(Test *t, unsigned n, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    uint8_t *range = payload(t, 0) + 16 * n;
    memcpy(range, &sector, 8);
    memcpy(range + 8, &sectors, 4);
    memcpy(range + 12, &flags, 4);
}

static void test_identity(void **state)
{
    (void)state;
    Test *t = make(ALL, true, false);
    Device *dev = t->d.dev;
    expect_reg(dev, REG_DEVICE_ID, 2);
    expect_reg(dev, REG_CONFIG, SECTORS);
    expect_reg(dev, REG_CONFIG + 4, 0);
    expect_reg(dev, REG_CONFIG + 12, 254);
    expect_reg(dev, REG_CONFIG + 20, 512);
    expect_reg(dev, REG_CONFIG + 24, 0x00080003);
    assert_int_equal(read_narrow(dev, REG_CONFIG + 32, 1), 1);
    write_reg(dev, REG_FEATURES_SEL, 0);
    assert_int_equal(read_reg(dev, REG_FEATURES) & (ALL | F_RO), ALL);
    assert_int_equal(request(t, T_GET_ID, 0, 20), S_OK);
    assert_string_equal((char *)payload(t, 0), "SERIAL-0123");
    done(t);
}

static void test_transfers(void **state)
{
    (void)state;
    Test *t = make(ALL, true, false);
    assert_int_equal(request(t, T_IN, 3, 1024), S_OK);
    assert_memory_equal(payload(t, 0), t->m.bytes + 3 * DISK_SECTOR, 1024);
    memset(payload(t, 0), 0xa5, 512);
    assert_int_equal(request(t, T_OUT, SECTORS - 1, 512), S_OK);
    assert_memory_equal(payload(t, 0), t->m.bytes + SIZE - 512, 512);
    assert_int_equal(t->m.operations[DISK_FLUSH], 0);
    assert_int_equal(request(t, T_FLUSH, 0, 0), S_OK);
    assert_int_equal(t->m.operations[DISK_FLUSH], 1);
    done(t);
}

static void test_errors(void **state)
{
    (void)state;
    Test *t = make(F_FLUSH, true, false);
    assert_int_equal(request(t, T_IN, SECTORS, 512), S_IOERR);
    assert_int_equal(request(t, T_IN, SECTORS - 1, 1024), S_IOERR);
    assert_int_equal(request(t, T_OUT, UINT64_MAX / 512 + 1, 512), S_IOERR);
    assert_int_equal(request(t, T_IN, 0, 511), S_IOERR);
    assert_int_equal(request(t, T_GET_ID, 0, 19), S_IOERR);
    assert_int_equal(request(t, 99, 0, 512), S_UNSUPP);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_UNSUPP); /* not negotiated */
    t->m.fails = DISK_IO_ERROR;
    assert_int_equal(request(t, T_IN, 0, 512), S_IOERR);
    assert_int_equal(request(t, T_OUT, 0, 512), S_IOERR);
    assert_int_equal(request(t, T_FLUSH, 0, 0), S_IOERR);
    t->m.fails = DISK_OK;
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    driver_expect_broken(&t->d, false);
    done(t);
}

static void test_ranges(void **state)
{
    (void)state;
    Test *t = make(ALL, true, false);
    put_range(t, 0, 8, 4, 0);
    put_range(t, 1, 20, 1, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 32), S_OK);
    assert_int_equal(t->m.operations[DISK_DISCARD], 2);
    assert_int_equal(t->m.bytes[8 * 512], 0xdd);
    assert_int_equal(t->m.bytes[12 * 512 - 1], 0xdd);
    assert_int_equal(t->m.bytes[20 * 512], 0xdd);
    put_range(t, 0, 8, 4, 1);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_UNSUPP); /* unmap is for zeroes only */
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_OK);
    assert_int_equal(t->m.bytes[8 * 512], 0);
    assert_int_equal(t->m.bytes[12 * 512 - 1], 0);
    put_range(t, 0, 8, 4, 2);
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_UNSUPP);
    put_range(t, 0, SECTORS, 1, 0);
    assert_int_equal(request(t, T_WRITE_ZEROES, 0, 16), S_IOERR);
    put_range(t, 0, UINT64_MAX / 2, 1, 0);
    assert_int_equal(request(t, T_DISCARD, 0, 16), S_IOERR);
    assert_int_equal(request(t, T_DISCARD, 0, 15), S_IOERR);
    done(t);
}

/* Without a write cache, what was written is on the medium before the request is done. */
static void test_write_through(void **state)
{
    (void)state;
    Test *t = make(0, true, false); /* FLUSH was not negotiated */
    assert_int_equal(request(t, T_OUT, 0, 512), S_OK);
    assert_int_equal(t->m.operations[DISK_FLUSH], 1);
    done(t);
    t = make(ALL, true, false);
    assert_int_equal(request(t, T_OUT, 0, 512), S_OK);
    assert_int_equal(t->m.operations[DISK_FLUSH], 0);
    write_narrow(t->d.dev, REG_CONFIG + 32, 1, 0);
    assert_int_equal(request(t, T_OUT, 0, 512), S_OK);
    assert_int_equal(t->m.operations[DISK_FLUSH], 1);
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    assert_int_equal(t->m.operations[DISK_FLUSH], 1);
    done(t);
}

static void test_read_only(void **state)
{
    (void)state;
    Test *t = make(F_RO, true, true);
    assert_int_equal(request(t, T_OUT, 0, 512), S_IOERR);
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    assert_int_equal(t->m.operations[DISK_WRITE], 0);
    done(t);
}

/* A large transfer goes in pieces: 64 buffers that are the same 64 KiB. */
static void test_pieces(void **state)
{
    (void)state;
    enum { BUFFERS = 60, BYTES = 0x10000 };
    Test *t = make(ALL, true, false);
    Driver *d = &t->d;
    Buffer chain[BUFFERS + 2] = {
        {place(0, HEADER), 16, false}
    };
    disk_slot_set(slot(t), NULL);
    memory_disk_done(&t->m);
    memory_disk_init(&t->m, &d->h, BUFFERS * BYTES, true);
    disk_slot_set(slot(t), t->m.disk);
    for (unsigned n = 0; n < BUFFERS; n++)
        chain[n + 1] = (Buffer){place(4, 0), BYTES, true};
    chain[BUFFERS + 1] = (Buffer){place(0, STATUS), 1, true};
    memset(at(d, place(0, HEADER)), 0, 16);
    driver_offer(d, 0, BUFFERS + 2, chain);
    driver_notify(d, 0);
    step(&d->h, WAIT * MILLISECOND_NS);
    uint32_t id, written;
    assert_true(driver_used(d, 0, &id, &written));
    assert_int_equal(written, BUFFERS * BYTES + 1);
    assert_int_equal(status(t, 0), S_OK);
    assert_int_equal(t->m.operations[DISK_READ], 3); /* a small one first, which might have been in memory */
    assert_memory_equal(at(d, place(4, 0)), t->m.bytes + (BUFFERS - 1) * BYTES, BYTES);
    done(t);
}

static void test_many_and_one_interrupt(void **state)
{
    (void)state;
    Test *t = make(ALL | F_EVENT_INDEX, true, false);
    uint32_t id, written;
    for (unsigned n = 0; n < 10; n++)
        offer(t, n, T_IN, n, 512);
    put16(&t->d, ring(0, DRIVER_AVAIL) + 4 + 2 * 64, 9); /* used_event: the tenth */
    driver_notify(&t->d, 0);
    expect_irq(t->d.dev, 0, false);
    assert_int_equal(disk_under_way(t->m.disk), 10);
    while (disk_under_way(t->m.disk) > 1)
        step(&t->d.h, 1000);
    expect_irq(t->d.dev, 0, false);
    step(&t->d.h, WAIT * MILLISECOND_NS);
    expect_irq(t->d.dev, 0, true);
    for (unsigned n = 0; n < 10; n++) {
        assert_true(driver_used(&t->d, 0, &id, &written));
        assert_memory_equal(payload(t, n), t->m.bytes + n * 512, 512);
    }
    done(t);
}

/* After a reset nothing of what was under way is to be seen. */
static void reset_under_way(bool deterministic)
{
    Test *t = make(ALL, deterministic, false);
    uint32_t id, written;
    for (unsigned n = 0; n < 10; n++) {
        memset(payload(t, n), 0x77, 512);
        offer(t, n, T_IN, n, 512);
    }
    driver_notify(&t->d, 0);
    write_reg(t->d.dev, REG_STATUS, 0);
    assert_int_equal(disk_under_way(t->m.disk), 0);
    step(&t->d.h, WAIT * MILLISECOND_NS);
    arrivals_deliver(t->m.arrivals);
    for (unsigned n = 0; n < 10; n++) {
        assert_int_equal(status(t, n), S_NONE);
        assert_int_equal(payload(t, n)[0], 0x77);
    }
    assert_false(driver_used(&t->d, 0, &id, &written));
    driver_negotiate(&t->d, ALL);
    driver_queue(&t->d, 0, 64);
    write_reg(t->d.dev, REG_STATUS, 0xf);
    if (deterministic)
        assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    done(t);
}

static void test_reset_under_way(void **state)
{
    (void)state;
    reset_under_way(true);
    for (unsigned n = 0; n < 20; n++)
        reset_under_way(false);
}

static void test_thread(void **state)
{
    (void)state;
    Test *t = make(ALL, false, false);
    uint32_t id, written;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned n = 0; n < 12; n++) {
            memset(payload(t, n), (int)(round + n), 2048);
            offer(t, n, n & 1 ? T_IN : T_OUT, 4 * (n & ~1u), 2048);
        }
        driver_notify(&t->d, 0);
        disk_drain(t->m.disk);
        for (unsigned n = 0; n < 12; n++) {
            assert_true(driver_used(&t->d, 0, &id, &written));
            assert_int_equal(status(t, n), S_OK);
            assert_int_equal(payload(t, n)[2047], (uint8_t)(round + (n & ~1u)));
        }
    }
    done(t);
}

static void test_media(void **state)
{
    (void)state;
    Test *t = make(ALL, true, false);
    uint32_t id, written, generation = read_reg(t->d.dev, REG_GENERATION);
    disk_resized(t->m.disk, SIZE / 2);
    slot(t)->changed(slot(t)->changed_opaque);
    expect_reg(t->d.dev, REG_CONFIG, SECTORS / 2);
    assert_true(read_reg(t->d.dev, REG_GENERATION) != generation);
    expect_reg(t->d.dev, REG_INT_STATUS, 2);
    expect_irq(t->d.dev, 0, true);
    assert_int_equal(request(t, T_IN, SECTORS / 2, 512), S_IOERR);
    offer(t, 0, T_IN, 0, 512);
    driver_notify(&t->d, 0);
    disk_slot_set(slot(t), NULL); /* what is under way is done before */
    assert_true(driver_used(&t->d, 0, &id, &written));
    assert_int_equal(status(t, 0), S_OK);
    expect_reg(t->d.dev, REG_CONFIG, 0);
    assert_int_equal(request(t, T_IN, 0, 512), S_IOERR);
    assert_int_equal(request(t, T_FLUSH, 0, 0), S_IOERR);
    assert_int_equal(request(t, T_GET_ID, 0, 20), S_IOERR);
    disk_slot_set(slot(t), t->m.disk);
    assert_int_equal(request(t, T_IN, 0, 512), S_OK);
    done(t);
}

static void test_hostile(void **state)
{
    (void)state;
    Test *t = make(ALL, true, false);
    Buffer no_status[] = {
        {place(0, HEADER), 16, false}
    };
    Buffer no_header[] = {
        {place(0, HEADER), 15, false},
        {place(0, STATUS), 1,  true }
    };
    driver_offer(&t->d, 0, 1, no_status);
    driver_notify(&t->d, 0);
    driver_expect_broken(&t->d, true);
    done(t);
    t = make(ALL, true, false);
    driver_offer(&t->d, 0, 2, no_header);
    driver_notify(&t->d, 0);
    driver_expect_broken(&t->d, true);
    done(t);
    t = make(ALL, true, false); /* one request twice */
    driver_publish(&t->d, 0, offer(t, 0, T_IN, 0, 512));
    driver_notify(&t->d, 0);
    driver_expect_broken(&t->d, true);
    step(&t->d.h, WAIT * MILLISECOND_NS);
    done(t);
    t = make(ALL, true, false); /* the chain is spoilt while it is under way */
    uint16_t head = offer(t, 0, T_IN, 0, 512);
    driver_notify(&t->d, 0);
    put16(&t->d, ring(0, 0) + 16u * head + 12, DESC_NEXT | DESC_WRITE);
    put32(&t->d, ring(0, 0) + 16u * head, 0x10);
    step(&t->d.h, WAIT * MILLISECOND_NS);
    driver_expect_broken(&t->d, true);
    done(t);
}

/* What a snapshot holds, moved into another device: fields only, as the tables say. */
static void copy_state(Device *to, const Device *from)
{
    const DeviceType *type = from->type;
    static const size_t bytes[] = {[FIELD_U8] = 1,  [FIELD_U16] = 2,  [FIELD_U32] = 4,
                                   [FIELD_U64] = 8, [FIELD_BOOL] = 1, [FIELD_BYTES] = 1};
    for (unsigned n = 0; n < type->reg_count; n++)
        if (type->regs[n].at != NO_STORE)
            memcpy((uint8_t *)to + type->regs[n].at, (const uint8_t *)from + type->regs[n].at, 4);
    for (unsigned n = 0; n < type->field_count; n++) {
        const FieldDef *field = &type->fields[n];
        uint8_t *target = (uint8_t *)to + field->at;
        const uint8_t *source = (const uint8_t *)from + field->at;
        if (field->kind == FIELD_TRANSIENT)
            continue;
        if (field->kind != FIELD_MEMORY) {
            memcpy(target, source, bytes[field->kind] * (field->count ? field->count : 1));
            continue;
        }
        for (uint32_t k = 0; k < field->count; k++) {
            const DeviceMemory *memory = (const DeviceMemory *)source + k;
            device_memory_set((DeviceMemory *)target + k, memory->size);
            if (memory->size)
                memcpy(((DeviceMemory *)target + k)->bytes, memory->bytes, memory->size);
        }
    }
    type->loaded(to);
    device_changed(to);
}

/* Saved with requests under way, the machine goes on elsewhere as it does here: to the nanosecond. */
static void test_saved_under_way(void **state)
{
    (void)state;
    Test *a = make(ALL, true, false), *b = make(ALL, true, false);
    static const uint32_t types[] = {T_OUT, T_IN, T_WRITE_ZEROES, T_FLUSH, T_OUT, T_IN};
    write_narrow(a->d.dev, REG_CONFIG + 32, 1, 0);
    for (unsigned n = 0; n < 6; n++) {
        memset(payload(a, n), 0x30 + (int)n, 1024);
        if (n == 2)
            memcpy(payload(a, n), (uint32_t[]){9, 0, 2, 0}, 16);
        offer(a, n, types[n], n, types[n] == T_FLUSH ? 0 : n == 2 ? 16 : 1024);
    }
    driver_notify(&a->d, 0);
    step(&a->d.h, 50000);
    assert_true(disk_under_way(a->m.disk) > 2);
    memcpy(b->d.memory, a->d.memory, MEMORY_BYTES);
    memcpy(b->m.bytes, a->m.bytes, SIZE);
    b->d.h.now = a->d.h.now;
    copy_state(b->d.dev, a->d.dev);
    assert_int_equal(disk_under_way(b->m.disk), disk_under_way(a->m.disk));
    memset(payload(b, 4), 0, 1024); /* the data that are written are those of the time of the request */
    memset(payload(a, 4), 0, 1024);
    for (unsigned n = 0; n < 400; n++) {
        step(&a->d.h, 1000);
        step(&b->d.h, 1000);
        assert_memory_equal(a->m.bytes, b->m.bytes, SIZE);
        assert_memory_equal(a->d.memory, b->d.memory, MEMORY_BYTES);
        assert_int_equal(a->d.dev->out[0].level, b->d.dev->out[0].level);
    }
    assert_int_equal(disk_under_way(b->m.disk), 0);
    assert_int_equal(b->m.bytes[4 * 512], 0x34);
    for (unsigned n = 0; n < 6; n++)
        assert_int_equal(status(b, n), S_OK);
    done(a);
    done(b);
}

/* A snapshot by an enemy: whatever it says is under way, the device goes on. */
static void test_hostile_snapshot(void **state)
{
    (void)state;
    Test *a = make(ALL, true, false), *b = make(ALL, true, false);
    uint64_t random = 1;
    const FieldDef *field = NULL;
    for (unsigned n = 0; n < a->d.dev->type->field_count; n++)
        if (!strcmp(a->d.dev->type->fields[n].name, "progress"))
            field = &a->d.dev->type->fields[n];
    assert_non_null(field);
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t *progress = (uint64_t *)((uint8_t *)a->d.dev + field->at);
        for (unsigned n = 0; n < 7 * 8; n++) {
            static const uint64_t likely[] = {0, 1, 2, 11, 13, 16, 512, 1024};
            random = random * 6364136223846793005u + 1442695040888963407u;
            progress[n] = random >> 60 ? likely[random >> 40 & 7] : random;
        }
        copy_state(b->d.dev, a->d.dev);
        step(&b->d.h, WAIT * MILLISECOND_NS);
        write_reg(b->d.dev, REG_STATUS, 0);
    }
    memset((uint8_t *)a->d.dev + field->at, 0, 8 * field->count);
    done(a);
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_errors),          cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_write_through),   cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_pieces),          cmocka_unit_test(test_many_and_one_interrupt),
        cmocka_unit_test(test_reset_under_way), cmocka_unit_test(test_thread),
        cmocka_unit_test(test_media),           cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_saved_under_way), cmocka_unit_test(test_hostile_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
