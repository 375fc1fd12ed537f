/* The transport: registers, negotiation, queues, what goes wrong. The device is a small one of its own: queue
 * 0 echoes, at once, later or not yet; queue 1 is filled by the device. */
#include "tests/devices/virtio_driver.h"

#include "devices/virtio.h"

typedef struct {
    Virtio virtio;
    uint8_t small;
    uint16_t pair;
    uint64_t large;
    uint32_t later; /* head of the request that waits */
    unsigned starts, resets, written, offers;
    VirtioAnswer answer;
} State;

/* Writes back what it reads. */
static uint32_t echo(const VirtChain *chain)
{
    uint8_t data[64];
    size_t size = virt_chain_read(chain, 0, data, sizeof data);
    return (uint32_t)virt_chain_write(chain, 0, data, size);
}

static VirtioAnswer request(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    State *s = (State *)v;
    assert_int_equal(queue, 0);
    if (s->answer == VIRTIO_LATER)
        s->later = chain->head;
    if (s->answer == VIRTIO_DONE)
        *written = echo(chain);
    return s->answer;
}

static void offered(Virtio *v, unsigned queue)
{
    assert_int_equal(queue, 1);
    ((State *)v)->offers++;
}

static void small_written(Virtio *v, const uint8_t *bytes)
{
    assert_int_equal(bytes[0], ((State *)v)->small);
    ((State *)v)->written++;
}

static void computed_read(Virtio *v, uint8_t *bytes)
{
    (void)v;
    memcpy(bytes, "abcdefgh", 8);
}

static void reset_device(Virtio *v)
{
    ((State *)v)->resets++;
}

static void started(Virtio *v)
{
    ((State *)v)->starts++;
}

static const VirtioQueueDef queues[] = {
    {16, request, NULL   },
    {8,  NULL,    offered},
};
static const VirtioConfigDef config[] = {
    {"small",    1,  1, AT(small), true,  NULL,          small_written},
    {"pair",     2,  2, AT(pair),  true,  NULL,          NULL         },
    {"large",    8,  8, AT(large), false, NULL,          NULL         },
    {"computed", 18, 8, NO_STORE,  false, computed_read, NULL         },
};
static const VirtioType virtio = {.id = 42,
                                  .features = 0x8000000000000005,
                                  .queue = queues,
                                  .queues = 2,
                                  .config = config,
                                  .configs = 4,
                                  .reset = reset_device,
                                  .started = started};

static bool create(Device *dev, Error *err)
{
    (void)err;
    virtio_create((Virtio *)dev, &virtio);
    return true;
}

static const FieldDef fields[] = {VIRTIO_FIELDS};
static const DeviceType type = {VIRTIO_DEVICE,
                                .name = "virtio_test",
                                .state_size = sizeof(State),
                                .fields = fields,
                                .field_count = sizeof fields / sizeof *fields,
                                .version = 1,
                                .create = create};

static Driver d;
static State *s;

static int setup(void **state)
{
    (void)state;
    memset(&d, 0, sizeof d);
    harness_init(&d.h, 1);
    driver_memory(&d.h, &d.memory);
    d.dev = device_new(&type, "virtio", &d.h.env, NULL, 0, NULL);
    d.h.device[d.h.device_count++] = d.dev;
    s = (State *)d.dev;
    device_reset(d.dev);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_done(&d);
    return 0;
}

static void expect_used(unsigned queue, uint32_t id, uint32_t written)
{
    uint32_t got_id, got_written;
    assert_true(driver_used(&d, queue, &got_id, &got_written));
    assert_int_equal(got_id, id);
    assert_int_equal(got_written, written);
}

static void expect_nothing_used(unsigned queue)
{
    uint32_t id, written;
    assert_false(driver_used(&d, queue, &id, &written));
}

static void test_identity(void **state)
{
    (void)state;
    expect_reg(d.dev, REG_MAGIC, 0x74726976);
    expect_reg(d.dev, 0x004, 2);
    expect_reg(d.dev, REG_DEVICE_ID, 42);
    write_reg(d.dev, REG_FEATURES_SEL, 0);
    expect_reg(d.dev, REG_FEATURES, F_INDIRECT | F_EVENT_INDEX | 5);
    write_reg(d.dev, REG_FEATURES_SEL, 1);
    expect_reg(d.dev, REG_FEATURES, 0x80000001);
    write_reg(d.dev, REG_FEATURES_SEL, 2);
    expect_reg(d.dev, REG_FEATURES, 0);
    static const uint16_t most[] = {16, 8, 0, 0};
    for (unsigned n = 0; n < 4; n++) {
        write_reg(d.dev, REG_QUEUE_SEL, n);
        expect_reg(d.dev, REG_QUEUE_MAX, most[n]);
        expect_reg(d.dev, REG_QUEUE_READY, 0);
    }
    for (uint32_t offset = 0x0b0; offset < 0x0c0; offset += 4)
        expect_reg(d.dev, offset, 0xffffffff); /* no shared memory */
}

static void test_negotiation(void **state)
{
    (void)state;
    driver_negotiate(&d, 5);
    write_reg(d.dev, REG_DRIVER_FEATURES_SEL, 0);
    write_reg(d.dev, REG_DRIVER_FEATURES, F_INDIRECT); /* too late */
    assert_true(virtio_has(&s->virtio, 2));
    assert_false(virtio_has(&s->virtio, 28));
    assert_true(virtio_has(&s->virtio, 32));
    /* What is not offered, and without VERSION_1. */
    static const uint32_t bad[][2] = {
        {2, 1},
        {1, 3},
        {5, 0}
    };
    for (unsigned n = 0; n < 3; n++) {
        write_reg(d.dev, REG_STATUS, 0);
        write_reg(d.dev, REG_STATUS, 3);
        for (uint32_t k = 0; k < 2; k++) {
            write_reg(d.dev, REG_DRIVER_FEATURES_SEL, k);
            write_reg(d.dev, REG_DRIVER_FEATURES, bad[n][k]);
        }
        write_reg(d.dev, REG_STATUS, 0xb);
        expect_reg(d.dev, REG_STATUS, 3);
        write_reg(d.dev, REG_STATUS, 7); /* nor does it start */
        expect_reg(d.dev, REG_STATUS, 3);
    }
    assert_int_equal(s->starts, 0);
}

static void test_status(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    assert_int_equal(s->starts, 1);
    write_reg(d.dev, REG_STATUS, 0xff); /* NEEDS_RESET is the device's */
    expect_reg(d.dev, REG_STATUS, 0x8f);
    write_reg(d.dev, REG_STATUS, 1); /* bits stay */
    expect_reg(d.dev, REG_STATUS, 0x8f);
    assert_int_equal(s->starts, 1);
    unsigned resets = s->resets;
    write_reg(d.dev, REG_STATUS, 0);
    assert_int_equal(s->resets, resets + 1);
    expect_reg(d.dev, REG_STATUS, 0);
    expect_reg(d.dev, REG_QUEUE_READY, 0);
    assert_false(virtio_has(&s->virtio, 32));
}

static void test_configuration(void **state)
{
    (void)state;
    s->large = 0x1122334455667788;
    write_narrow(d.dev, REG_CONFIG + 1, 1, 0xab);
    assert_int_equal(s->small, 0xab);
    assert_int_equal(s->written, 1);
    write_reg(d.dev, REG_CONFIG, 0x12345678); /* small and pair, and a byte that is nothing */
    assert_int_equal(s->small, 0x56);
    assert_int_equal(s->pair, 0x1234);
    assert_int_equal(s->written, 2);
    expect_reg(d.dev, REG_CONFIG, 0x12345600);
    expect_equal(read_narrow(d.dev, REG_CONFIG + 2, 2), 0x1234);
    write_narrow(d.dev, REG_CONFIG + 3, 1, 0xff);
    assert_int_equal(s->pair, 0xff34);
    assert_int_equal(s->written, 2);
    expect_reg(d.dev, REG_CONFIG + 8, 0x55667788);
    expect_reg(d.dev, REG_CONFIG + 12, 0x11223344);
    write_reg(d.dev, REG_CONFIG + 8, 0);
    expect_reg(d.dev, REG_CONFIG + 8, 0x55667788);
    expect_reg(d.dev, REG_CONFIG + 16, 0x62610000);
    expect_equal(read_narrow(d.dev, REG_CONFIG + 21, 1), 'd');
    expect_reg(d.dev, REG_CONFIG + 24, 0x6867);
    expect_reg(d.dev, 0x1fc, 0);
    expect_reg(d.dev, REG_GENERATION, 0);
    virtio_config_changed(&s->virtio);
    expect_reg(d.dev, REG_GENERATION, 1);
    expect_reg(d.dev, REG_INT_STATUS, 0); /* not before DRIVER_OK */
    driver_start(&d, 0, 8);
    virtio_config_changed(&s->virtio);
    expect_reg(d.dev, REG_INT_STATUS, 2);
    expect_irq(d.dev, 0, true);
    write_reg(d.dev, REG_INT_ACK, 1);
    expect_irq(d.dev, 0, true);
    write_reg(d.dev, REG_INT_ACK, 2);
    expect_irq(d.dev, 0, false);
}

static void test_requests(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    memcpy(at(&d, DATA), "hello", 5);
    uint16_t a = driver_offer(&d, 0, 2,
                              (Buffer[]){
                                  {DATA,      5, false},
                                  {DATA + 16, 5, true }
    });
    uint16_t b = driver_offer(&d, 0, 2,
                              (Buffer[]){
                                  {DATA,      5, false},
                                  {DATA + 32, 3, true }
    });
    expect_nothing_used(0); /* not before it is told */
    driver_notify(&d, 0);
    expect_used(0, a, 5);
    expect_used(0, b, 3);
    expect_nothing_used(0);
    assert_memory_equal(at(&d, DATA + 16), "hello\0", 6);
    assert_memory_equal(at(&d, DATA + 32), "hel\0", 4);
    expect_reg(d.dev, REG_INT_STATUS, 1);
    expect_irq(d.dev, 0, true);
    write_reg(d.dev, REG_INT_ACK, 1);
    expect_irq(d.dev, 0, false);
    driver_notify(&d, 0); /* nothing new */
    driver_notify(&d, 7);
    expect_irq(d.dev, 0, false);
    driver_expect_broken(&d, false);
}

/* What was offered before DRIVER_OK is found at DRIVER_OK. */
static void test_early_requests(void **state)
{
    (void)state;
    driver_negotiate(&d, 0);
    driver_queue(&d, 0, 8);
    uint16_t head = driver_offer(&d, 0, 1, &(Buffer){DATA, 5, true});
    driver_notify(&d, 0);
    expect_nothing_used(0);
    write_reg(d.dev, REG_STATUS, 0xf);
    expect_used(0, head, 0);
}

static void test_later(void **state)
{
    (void)state;
    VirtChain chain;
    driver_start(&d, 0, 8);
    s->answer = VIRTIO_LATER;
    memcpy(at(&d, DATA), "abc", 3);
    uint16_t head = driver_offer(&d, 0, 2,
                                 (Buffer[]){
                                     {DATA,      3, false},
                                     {DATA + 16, 4, true }
    });
    driver_notify(&d, 0);
    driver_notify(&d, 0);
    expect_nothing_used(0);
    expect_irq(d.dev, 0, false);
    assert_int_equal(s->later, head);
    assert_true(virtio_chain(&s->virtio, 0, s->later, &chain));
    virtio_finish(&s->virtio, 0, s->later, echo(&chain));
    expect_irq(d.dev, 0, false);
    virtio_signal(&s->virtio, 0);
    expect_irq(d.dev, 0, true);
    expect_used(0, head, 3);
    /* After a reset, it is nobody's. */
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, false});
    driver_notify(&d, 0);
    write_reg(d.dev, REG_STATUS, 0);
    virtio_finish(&s->virtio, 0, s->later, 0);
    virtio_signal(&s->virtio, 0);
    expect_nothing_used(0);
    assert_false(virtio_chain(&s->virtio, 0, s->later, &chain));
}

static void test_not_now(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    s->answer = VIRTIO_NOT_NOW;
    uint16_t a = driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    uint16_t b = driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_nothing_used(0);
    s->answer = VIRTIO_DONE;
    virtio_resume(&s->virtio, 0);
    expect_used(0, a, 0);
    expect_used(0, b, 0);
}

static void test_queue_that_the_device_fills(void **state)
{
    (void)state;
    VirtChain chain;
    driver_start(&d, 0, 8);
    assert_false(virtio_take(&s->virtio, 1, &chain));
    unsigned offers = s->offers;
    uint16_t a = driver_offer(&d, 1, 1, &(Buffer){DATA, 8, true});
    uint16_t b = driver_offer(&d, 1, 1, &(Buffer){DATA + 8, 8, true});
    driver_notify(&d, 1);
    assert_int_equal(s->offers, offers + 1);
    assert_int_equal(virtio_waiting(&s->virtio, 1), 2);
    assert_true(virtio_take(&s->virtio, 1, &chain));
    assert_int_equal(virt_chain_write(&chain, 0, "12345678", 8), 8);
    virtio_finish(&s->virtio, 1, chain.head, 8);
    virtio_signal(&s->virtio, 1);
    expect_used(1, a, 8);
    expect_irq(d.dev, 0, true);
    assert_true(virtio_take(&s->virtio, 1, &chain));
    assert_int_equal(chain.head, b);
    assert_false(virtio_take(&s->virtio, 1, &chain));
}

static void test_event_index(void **state)
{
    (void)state;
    driver_start(&d, F_EVENT_INDEX, 8);
    uint32_t used_event = ring(0, DRIVER_AVAIL) + 4 + 2 * 8, avail_event = ring(0, DRIVER_USED) + 4 + 8 * 8;
    put16(&d, used_event, 1);
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_irq(d.dev, 0, false);
    assert_int_equal(get16(&d, avail_event), 1);
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_irq(d.dev, 0, true);
    assert_int_equal(get16(&d, avail_event), 2);
}

/* Needs a reset, says so by an interrupt, and does nothing more until then. */
static void expect_stopped(void)
{
    uint32_t id, written;
    driver_expect_broken(&d, true);
    assert_true(read_reg(d.dev, REG_INT_STATUS) & 2);
    expect_irq(d.dev, 0, true);
    while (driver_used(&d, 0, &id, &written))
        ;
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_nothing_used(0);
    driver_start(&d, 0, 8);
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    assert_true(driver_used(&d, 0, &id, &written));
}

static void test_broken_queues(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    driver_publish(&d, 0, 8); /* no such descriptor */
    driver_notify(&d, 0);
    expect_stopped();
    put16(&d, ring(0, DRIVER_AVAIL) + 2, 1000); /* more than it holds */
    driver_notify(&d, 0);
    expect_stopped();
    driver_offer(&d, 0, 1, &(Buffer){0, 16, true}); /* flash, if anything */
    driver_notify(&d, 0);
    expect_stopped();
    driver_negotiate(&d, 0);
    driver_queue(&d, 0, 16);
    write_reg(d.dev, REG_STATUS, 0xf);
    driver_queue(&d, 1, 16); /* above its maximum */
    expect_stopped();
}

static void test_queue_in_use_is_settled(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    write_reg(d.dev, REG_QUEUE_SEL, 0);
    write_reg(d.dev, REG_QUEUE_NUM, 3);
    write_reg(d.dev, REG_DESC, 0x12345678);
    write_reg(d.dev, REG_DEVICE + 4, 0x12345678);
    uint16_t head = driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_used(0, head, 0);
    driver_expect_broken(&d, false);
    write_reg(d.dev, REG_QUEUE_READY, 0);
    expect_reg(d.dev, REG_QUEUE_READY, 0);
    driver_offer(&d, 0, 1, &(Buffer){DATA, 3, true});
    driver_notify(&d, 0);
    expect_nothing_used(0);
}

/* A buffer that lies in the available ring makes ever more requests: the device does not follow forever. */
static void test_requests_that_make_requests(void **state)
{
    (void)state;
    driver_start(&d, 0, 8);
    uint32_t avail = ring(0, DRIVER_AVAIL);
    for (unsigned n = 0; n < 8; n++)
        put16(&d, avail + 4 + 2 * n, 0);
    driver_descriptor(&d, ring(0, 0), 0, &(Buffer){DATA, 2, false}, DESC_NEXT, 1);
    driver_descriptor(&d, ring(0, 0), 1, &(Buffer){avail + 2, 2, true}, 0, 0);
    put16(&d, DATA, 8);
    put16(&d, avail + 2, 1);
    driver_notify(&d, 0); /* ends; it has seen one request */
    assert_int_equal(get16(&d, ring(0, DRIVER_USED) + 2), 1);
    driver_expect_broken(&d, false);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_negotiation),
        TEST(test_status),
        TEST(test_configuration),
        TEST(test_requests),
        TEST(test_early_requests),
        TEST(test_later),
        TEST(test_not_now),
        TEST(test_queue_that_the_device_fills),
        TEST(test_event_index),
        TEST(test_broken_queues),
        TEST(test_queue_in_use_is_settled),
        TEST(test_requests_that_make_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
