/* The virtio GPU: commands and their answers, the picture, the cursor, limits. */
#include "tests/devices/board_display.h"
#include "tests/devices/virtio_driver.h"

enum { CONTROL, CURSOR, SIZE = 64 };
enum { REQUEST = DATA, REPLY = DATA + 0x1000, BACKING = DATA + 0x10000 };
enum {
    GET_DISPLAY_INFO = 0x100,
    CREATE,
    UNREF,
    SET_SCANOUT,
    FLUSH,
    TRANSFER,
    ATTACH,
    DETACH,
    GET_CAPSET_INFO,
    GET_EDID = 0x10a,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR
};
enum {
    OK = 0x1100,
    OK_DISPLAY_INFO,
    OK_EDID = 0x1104,
    ERR_UNSPEC = 0x1200,
    ERR_MEMORY,
    ERR_SCANOUT,
    ERR_RESOURCE,
    ERR_CONTEXT,
    ERR_PARAMETER
};
enum { B8G8R8A8 = 1, B8G8R8X8, A8R8G8B8, X8R8G8B8, R8G8B8A8 = 67, X8B8G8R8, A8B8G8R8 = 121, R8G8B8X8 = 134 };

static Driver d;

static int setup(void **state)
{
    (void)state;
    driver_init(&d, "virtio_gpu",
                &(DeviceProps){
                    {640, 480}
    });
    driver_start(&d, F_INDIRECT | 2, 16);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_done(&d);
    return 0;
}

/* Sends a command of `count` words behind the header, and returns the type of the answer. */
static uint32_t command_in(unsigned queue, uint32_t type, const uint32_t *word, unsigned count)
{
    uint32_t id, written;
    memset(at(&d, REQUEST), 0, 24);
    memset(at(&d, REPLY), 0xee, 0x1000);
    put32(&d, REQUEST, type);
    memcpy(at(&d, REQUEST + 24), word, 4 * count);
    driver_offer(&d, queue, 2,
                 (Buffer[]){
                     {REQUEST, 24 + 4 * count, false},
                     {REPLY,   0x1000,         true }
    });
    driver_notify(&d, queue);
    assert_true(driver_used(&d, queue, &id, &written));
    assert_true(written >= 24);
    assert_int_equal(get32(&d, REPLY + 4), 0); /* no fence was asked for */
    return get32(&d, REPLY);
}

#define WORDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)
#define COMMAND(type, ...) command_in(CONTROL, type, WORDS(__VA_ARGS__))
#define ON_CURSOR(type, ...) command_in(CURSOR, type, WORDS(__VA_ARGS__))
#define EXPECT(answer, ...) assert_int_equal(COMMAND(__VA_ARGS__), answer)

/* A resource with memory behind it, in one piece. */
static void make_resource(uint32_t id, uint32_t format, uint32_t width, uint32_t height)
{
    EXPECT(OK, CREATE, id, format, width, height);
    EXPECT(OK, ATTACH, id, 1, BACKING, 0, width * height * 4, 0);
}

static const Frame *frame(void)
{
    return display_frame(d.h.env.display);
}

static uint32_t pixel(uint32_t x, uint32_t y)
{
    const Frame *f = frame();
    assert_true(x < f->width && y < f->height);
    return f->pixels[y * f->width + x];
}

static void test_display_info(void **state)
{
    (void)state;
    expect_reg(d.dev, REG_DEVICE_ID, 16);
    expect_reg(d.dev, REG_CONFIG + 8, 1);
    expect_reg(d.dev, REG_CONFIG + 12, 0);
    EXPECT(OK_DISPLAY_INFO, GET_DISPLAY_INFO, 0);
    static const uint32_t first[6] = {0, 0, 640, 480, 1, 0}, none[6];
    assert_memory_equal(at(&d, REPLY + 24), first, 24);
    for (unsigned n = 1; n < 16; n++)
        assert_memory_equal(at(&d, REPLY + 24 + 24 * n), none, 24);
    assert_int_equal(get32(&d, REPLY + 24 + 24 * 16), 0xeeeeeeee);
}

/* The preferred mode of an EDID block, and whether the block is sound. */
static void expect_mode(uint32_t width, uint32_t height)
{
    EXPECT(OK_EDID, GET_EDID, 0, 0);
    const uint8_t *edid = at(&d, REPLY + 32), *timing = edid + 54;
    uint8_t sum = 0;
    assert_int_equal(get32(&d, REPLY + 24), 128);
    for (unsigned n = 0; n < 128; n++)
        sum = (uint8_t)(sum + edid[n]);
    assert_int_equal(sum, 0);
    assert_memory_equal(edid, "\0\377\377\377\377\377\377\0", 8);
    assert_int_equal(timing[2] | (timing[4] & 0xf0) << 4, width);
    assert_int_equal(timing[5] | (timing[7] & 0xf0) << 4, height);
    uint32_t h_total = width + (timing[3] | (timing[4] & 15) << 8);
    uint32_t v_total = height + (timing[6] | (timing[7] & 15) << 8);
    double hz = (timing[0] | timing[1] << 8) * 10000.0 / h_total / v_total;
    assert_true((hz > 59.5 && hz < 60.1) || (width > 3000 && hz > 29.5 && hz < 30.1));
    assert_memory_equal(edid + 90, "\0\0\0\xfc\0Armature\n", 14);
}

static void test_resize(void **state)
{
    (void)state;
    expect_mode(640, 480);
    make_resource(1, B8G8R8X8, 64, 64);
    EXPECT(OK, SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    frame(); /* resizing is for what is seen */
    static const uint32_t size[][4] = {
        {1280, 800,  1280, 800 },
        {1366, 768,  1366, 768 },
        {4095, 4095, 4095, 4095},
        {1,    9999, 400,  4095},
        {9999, 1,    4095, 300 }
    };
    write_reg(d.dev, REG_INT_ACK, 3);
    for (unsigned n = 0; n < sizeof size / sizeof *size; n++) {
        assert_true(display_resize(d.h.env.display, size[n][0], size[n][1]));
        expect_reg(d.dev, REG_CONFIG, 1);
        expect_reg(d.dev, REG_INT_STATUS, 2);
        expect_reg(d.dev, REG_GENERATION, n + 1);
        expect_irq(d.dev, 0, true);
        write_reg(d.dev, REG_CONFIG + 4, 1);
        expect_reg(d.dev, REG_CONFIG, 0);
        write_reg(d.dev, REG_INT_ACK, 2);
        expect_irq(d.dev, 0, false);
        EXPECT(OK_DISPLAY_INFO, GET_DISPLAY_INFO, 0);
        assert_int_equal(get32(&d, REPLY + 32), size[n][2]);
        assert_int_equal(get32(&d, REPLY + 36), size[n][3]);
        expect_mode(size[n][2], size[n][3]);
        write_reg(d.dev, REG_INT_ACK, 3);
    }
    display_resize(d.h.env.display, 4095, 300); /* as it is */
    expect_reg(d.dev, REG_CONFIG, 0);
}

static void test_formats(void **state)
{
    (void)state;
    /* Bytes 1, 2, 3, 4 in memory. */
    static const uint32_t formats[][2] = {
        {B8G8R8A8, 0x030201},
        {B8G8R8X8, 0x030201},
        {A8R8G8B8, 0x020304},
        {X8R8G8B8, 0x020304},
        {R8G8B8A8, 0x010203},
        {X8B8G8R8, 0x040302},
        {A8B8G8R8, 0x040302},
        {R8G8B8X8, 0x010203}
    };
    for (uint32_t n = 0; n < 8; n++) {
        make_resource(n + 1, formats[n][0], 8, 2);
        put32(&d, BACKING, 0x04030201);
        EXPECT(OK, TRANSFER, 0, 0, 1, 1, 0, 0, n + 1, 0);
        EXPECT(OK, SET_SCANOUT, 0, 0, 8, 2, 0, n + 1);
        if (pixel(0, 0) != formats[n][1])
            fail_msg("format %u shows 0x%06x", formats[n][0], pixel(0, 0));
        assert_int_equal(pixel(1, 0), 0);
    }
    EXPECT(ERR_PARAMETER, CREATE, 99, 5, 8, 2);
}

static void test_picture(void **state)
{
    (void)state;
    assert_int_equal(frame()->width, 0);
    make_resource(7, B8G8R8X8, 100, 50);
    for (uint32_t n = 0; n < 100 * 50; n++)
        put32(&d, BACKING + 4 * n, 0xff000000 | n);
    EXPECT(OK, SET_SCANOUT, 10, 5, 80, 40, 0, 7);
    assert_int_equal(frame()->width, 80);
    assert_int_equal(frame()->height, 40);
    assert_int_equal(frame()->output, DISPLAY_GPU);
    assert_int_equal(pixel(0, 0), 0);
    /* Twenty pixels of ten rows, at (20, 10), offset in the memory accordingly. */
    EXPECT(OK, TRANSFER, 20, 10, 20, 10, (10 * 100 + 20) * 4, 0, 7, 0);
    assert_int_equal(pixel(10, 5), 0); /* not before it is flushed */
    uint64_t before = frame()->serial;
    EXPECT(OK, FLUSH, 20, 10, 20, 10, 7, 0);
    const Frame *f = frame();
    assert_int_equal(f->pixels[5 * 80 + 10], 10 * 100 + 20);
    assert_int_equal(f->pixels[14 * 80 + 29], 19 * 100 + 39);
    assert_int_equal(f->pixels[5 * 80 + 9], 0);
    assert_int_equal(f->pixels[5 * 80 + 30], 0);
    assert_int_equal(f->pixels[15 * 80 + 10], 0);
    for (unsigned y = 0; y < 40; y++)
        assert_int_equal(f->changed[y] > before, y >= 5 && y < 15);
    EXPECT(OK, SET_SCANOUT, 0, 0, 0, 0, 0, 0);
    assert_int_equal(frame()->width, 0);
    EXPECT(OK, SET_SCANOUT, 0, 0, 100, 50, 0, 7);
    assert_int_equal(frame()->width, 100);
    EXPECT(OK, UNREF, 7, 0);
    assert_int_equal(frame()->width, 0);
    EXPECT(OK, CREATE, 7, B8G8R8X8, 8, 8);
    EXPECT(OK, SET_SCANOUT, 0, 0, 8, 8, 0, 7);
    write_reg(d.dev, REG_STATUS, 0);
    assert_int_equal(frame()->width, 0);
}

/* Memory in pieces, a piece without bytes among them, that end within a row. */
static void test_pieces(void **state)
{
    (void)state;
    EXPECT(OK, CREATE, 1, B8G8R8X8, 4, 3);
    EXPECT(OK, ATTACH, 1, 4, BACKING, 0, 10, 0, BACKING, 0, 0, 0, BACKING + 0x100, 0, 30, 0, BACKING + 0x200,
           0, 8, 0);
    static const struct {
        uint32_t address;
        uint8_t first, end;
    } pieces[] = {
        {BACKING,         0,  10},
        {BACKING + 0x100, 10, 40},
        {BACKING + 0x200, 40, 48}
    };
    for (unsigned n = 0; n < 3; n++)
        for (uint8_t byte = pieces[n].first; byte < pieces[n].end; byte++)
            memset(at(&d, pieces[n].address + byte - pieces[n].first), byte, 1);
    EXPECT(OK, SET_SCANOUT, 0, 0, 4, 3, 0, 1);
    EXPECT(OK, TRANSFER, 0, 0, 4, 3, 0, 0, 1, 0);
    for (unsigned n = 0; n < 12; n++)
        assert_int_equal(pixel(n % 4, n / 4), (4 * n + 2) << 16 | (4 * n + 1) << 8 | 4 * n);
    EXPECT(ERR_PARAMETER, TRANSFER, 0, 0, 4, 3, 4, 0, 1, 0); /* four bytes too far */
    EXPECT(ERR_PARAMETER, TRANSFER, 0, 0, 4, 3, 0, 1, 1, 0);
    EXPECT(OK, DETACH, 1, 0);
    EXPECT(ERR_UNSPEC, DETACH, 1, 0);
    EXPECT(ERR_UNSPEC, TRANSFER, 0, 0, 1, 1, 0, 0, 1, 0);
    EXPECT(OK, ATTACH, 1, 1, 0xfffffff0, 0, 64, 0); /* to where there is no memory */
    EXPECT(ERR_PARAMETER, TRANSFER, 0, 0, 4, 3, 0, 0, 1, 0);
}

static void test_errors(void **state)
{
    (void)state;
    make_resource(1, B8G8R8X8, 16, 8);
    EXPECT(ERR_RESOURCE, CREATE, 0, B8G8R8X8, 1, 1);
    EXPECT(ERR_RESOURCE, CREATE, 1, B8G8R8X8, 1, 1);
    EXPECT(ERR_PARAMETER, CREATE, 2, B8G8R8X8, 0, 1);
    EXPECT(ERR_PARAMETER, CREATE, 2, B8G8R8X8, 1, 0);
    EXPECT(ERR_RESOURCE, UNREF, 2, 0);
    EXPECT(ERR_RESOURCE, UNREF, 0, 0);
    EXPECT(ERR_RESOURCE, FLUSH, 0, 0, 1, 1, 2, 0);
    EXPECT(ERR_RESOURCE, TRANSFER, 0, 0, 1, 1, 0, 0, 2, 0);
    EXPECT(ERR_RESOURCE, ATTACH, 2, 1, BACKING, 0, 4, 0);
    EXPECT(ERR_RESOURCE, DETACH, 2, 0);
    EXPECT(ERR_RESOURCE, SET_SCANOUT, 0, 0, 1, 1, 0, 2);
    EXPECT(ERR_SCANOUT, SET_SCANOUT, 0, 0, 1, 1, 1, 1);
    EXPECT(ERR_SCANOUT, GET_EDID, 1, 0);
    static const uint32_t outside[][4] = {
        {0,          0,          17,         8},
        {0,          0,          16,         9},
        {1,          0,          16,         8},
        {0,          1,          16,         8},
        {0,          0,          0,          8},
        {0,          0,          16,         0},
        {0xffffffff, 0,          2,          1},
        {0,          0xffffffff, 1,          2},
        {0,          0,          0xffffffff, 1}
    };
    for (unsigned n = 0; n < sizeof outside / sizeof *outside; n++) {
        const uint32_t *r = outside[n];
        EXPECT(ERR_PARAMETER, FLUSH, r[0], r[1], r[2], r[3], 1, 0);
        EXPECT(ERR_PARAMETER, TRANSFER, r[0], r[1], r[2], r[3], 0, 0, 1, 0);
        EXPECT(ERR_PARAMETER, SET_SCANOUT, r[0], r[1], r[2], r[3], 0, 1);
    }
    EXPECT(ERR_UNSPEC, ATTACH, 1, 1, BACKING, 0, 4, 0);
    EXPECT(OK, DETACH, 1, 0);
    EXPECT(ERR_PARAMETER, ATTACH, 1, 0, BACKING, 0, 4, 0);
    EXPECT(ERR_PARAMETER, ATTACH, 1, 2, BACKING, 0, 4, 0);    /* one is missing */
    EXPECT(ERR_PARAMETER, ATTACH, 1, 1, BACKING, 1, 4, 0);    /* above 4 GiB */
    EXPECT(ERR_PARAMETER, ATTACH, 1, 0xffffffff, BACKING, 0); /* more than it takes */
    EXPECT(ERR_UNSPEC, GET_CAPSET_INFO, 0, 0);
    EXPECT(ERR_UNSPEC, 0x1234, 0);
    EXPECT(ERR_UNSPEC, UPDATE_CURSOR, 0, 0, 0, 0, 1, 0, 0, 0); /* on the wrong queue */
    EXPECT(ERR_UNSPEC, CREATE, 3, B8G8R8X8, 1);                /* too short */
    driver_expect_broken(&d, false);
}

static void test_fences(void **state)
{
    (void)state;
    uint32_t id, written;
    static const uint32_t request[8] = {UNREF, 1, 0x12345678, 0x9abcdef0, 77, 0, 5, 0};
    memcpy(at(&d, REQUEST), request, sizeof request);
    driver_offer(&d, CONTROL, 2,
                 (Buffer[]){
                     {REQUEST, 32, false},
                     {REPLY,   24, true }
    });
    driver_notify(&d, CONTROL);
    assert_true(driver_used(&d, CONTROL, &id, &written));
    assert_int_equal(written, 24);
    static const uint32_t reply[6] = {ERR_RESOURCE, 1, 0x12345678, 0x9abcdef0, 77, 0};
    assert_memory_equal(at(&d, REPLY), reply, sizeof reply);
    /* Without room for the answer, and without anything. */
    driver_offer(&d, CONTROL, 1, &(Buffer){REQUEST, 32, false});
    driver_offer(&d, CONTROL, 1, &(Buffer){REPLY, 4, true});
    driver_notify(&d, CONTROL);
    assert_true(driver_used(&d, CONTROL, &id, &written));
    assert_int_equal(written, 0);
    assert_true(driver_used(&d, CONTROL, &id, &written));
    assert_int_equal(written, 4);
    assert_int_equal(get32(&d, REPLY), ERR_UNSPEC);
}

/* While it is all black, what the board shows is of more use. */
static void test_black(void **state)
{
    (void)state;
    display_connect(d.h.env.display, DISPLAY_MOTHERBOARD, &board_display, NULL);
    make_resource(1, B8G8R8X8, 64, 64);
    EXPECT(OK, SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    assert_int_equal(frame()->output, DISPLAY_MOTHERBOARD);
    put32(&d, BACKING + 4 * (63 * 64 + 63), 0xff000000); /* not seen: there is no alpha */
    EXPECT(OK, TRANSFER, 0, 0, 64, 64, 0, 0, 1, 0);
    EXPECT(OK, FLUSH, 0, 0, 64, 64, 1, 0);
    assert_int_equal(frame()->output, DISPLAY_MOTHERBOARD);
    put32(&d, BACKING + 4 * (63 * 64 + 63), 1);
    EXPECT(OK, TRANSFER, 0, 0, 64, 64, 0, 0, 1, 0);
    EXPECT(OK, FLUSH, 0, 0, 64, 64, 1, 0);
    assert_int_equal(frame()->output, DISPLAY_GPU);
    assert_int_equal(pixel(63, 63), 1);
    EXPECT(OK, SET_SCANOUT, 0, 0, 32, 32, 0, 1);
    assert_int_equal(frame()->output, DISPLAY_MOTHERBOARD);
    /* A cursor makes it one that is used. */
    make_resource(2, B8G8R8A8, 64, 64);
    memset(at(&d, BACKING), 0x80, 64 * 64 * 4);
    EXPECT(OK, TRANSFER, 0, 0, 64, 64, 0, 0, 2, 0);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 10, 10, 0, 2, 0, 0, 0), OK);
    assert_int_equal(frame()->output, DISPLAY_GPU);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 10, 10, 0, 0, 0, 0, 0), OK);
    assert_int_equal(frame()->output, DISPLAY_MOTHERBOARD);
}

static void *state_field(const char *name)
{
    const DeviceType *type = d.dev->type;
    for (unsigned n = 0; n < type->field_count; n++)
        if (!strcmp(type->fields[n].name, name))
            return (uint8_t *)d.dev + type->fields[n].at;
    fail_msg("there is no field %s", name);
    return NULL;
}

static void load_with(const char *name, uint32_t word)
{
    make_resource(1, B8G8R8X8, 64, 64);
    EXPECT(OK, SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    assert_int_equal(frame()->width, 64);
    ((uint32_t *)state_field(name))[0] = word;
    d.dev->type->loaded(d.dev);
    assert_int_equal(frame()->width, 0);
    COMMAND(UNREF, 1, 0);
}

/* What comes from a file need not be what a driver can make. */
static void test_loaded(void **state)
{
    (void)state;
    load_with("picture.shown", 77);
    load_with("all.resource", 2); /* its number */
    COMMAND(UNREF, 2, 0);
    make_resource(3, B8G8R8X8, 64, 64);
    ((uint32_t *)state_field("all.resource"))[2] = 0xffffffff; /* its width */
    d.dev->type->loaded(d.dev);
    EXPECT(ERR_RESOURCE, UNREF, 3, 0);
    make_resource(4, B8G8R8X8, 64, 64);
    EXPECT(OK, SET_SCANOUT, 1, 1, 63, 63, 0, 4);
    ((uint32_t *)state_field("picture.scanout"))[0] = 2;
    d.dev->type->loaded(d.dev);
    assert_int_equal(frame()->width, 0);
    *(uint32_t *)state_field("wanted_width") = 0;
    d.dev->type->loaded(d.dev);
    expect_mode(400, 480);
    /* What is sound stays. */
    EXPECT(OK, SET_SCANOUT, 0, 0, 64, 64, 0, 4);
    d.dev->type->loaded(d.dev);
    assert_int_equal(frame()->width, 64);
}

static void test_cursor(void **state)
{
    (void)state;
    make_resource(1, B8G8R8X8, 200, 100);
    for (uint32_t n = 0; n < 200 * 100; n++)
        put32(&d, BACKING + 4 * n, 0x204060);
    EXPECT(OK, TRANSFER, 0, 0, 200, 100, 0, 0, 1, 0);
    EXPECT(OK, SET_SCANOUT, 0, 0, 200, 100, 0, 1);
    make_resource(2, B8G8R8A8, 64, 64);
    memset(at(&d, BACKING), 0, 64 * 64 * 4);
    put32(&d, BACKING, 0xffffffff);
    put32(&d, BACKING + 4, 0x80400000); /* half of red, multiplied */
    put32(&d, BACKING + 63 * 4, 0xff00ff00);
    EXPECT(OK, TRANSFER, 0, 0, 64, 64, 0, 0, 2, 0);
    frame();
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 10, 20, 0, 2, 0, 0, 0), OK);
    assert_int_equal(pixel(10, 20), 0xffffff);
    assert_int_equal(pixel(11, 20), 0x502030);
    assert_int_equal(pixel(12, 20), 0x204060);
    assert_int_equal(pixel(73, 20), 0x00ff00);
    assert_int_equal(pixel(9, 20), 0x204060);
    EXPECT(OK, UNREF, 2, 0);                                                        /* the image was copied */
    assert_int_equal(ON_CURSOR(MOVE_CURSOR, 0, 0xffffffff, 99, 0, 0, 0, 0, 0), OK); /* x is -1 */
    assert_int_equal(pixel(10, 20), 0x204060);
    assert_int_equal(pixel(0, 99), 0x502030);
    assert_int_equal(pixel(62, 99), 0x00ff00);
    assert_int_equal(ON_CURSOR(MOVE_CURSOR, 0, 199, 0x7fffffff, 0, 0, 0, 0, 0), OK);
    assert_int_equal(ON_CURSOR(MOVE_CURSOR, 0, 0x80000000, 0x80000000, 0, 0, 0, 0, 0), OK);
    assert_int_equal(pixel(0, 99), 0x204060);
    assert_int_equal(ON_CURSOR(MOVE_CURSOR, 0, 0, 0, 0, 0, 0, 0, 0), OK);
    assert_int_equal(pixel(0, 0), 0xffffff);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 0, 0, 0, 0, 0, 0, 0), OK); /* hides it */
    assert_int_equal(pixel(0, 0), 0x204060);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 1, 0, 0, 0, 0, 0, 0, 0), ERR_SCANOUT);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 0, 0, 0, 9, 0, 0, 0), ERR_RESOURCE);
    assert_int_equal(ON_CURSOR(UPDATE_CURSOR, 0, 0, 0, 0, 1, 0, 0, 0), ERR_PARAMETER); /* not 64 x 64 */
}

static void test_limits(void **state)
{
    (void)state;
    uint32_t made = 0;
    while (COMMAND(CREATE, made + 1, B8G8R8X8, 1, 1) == OK)
        made++;
    assert_int_equal(made, 1024);
    EXPECT(ERR_MEMORY, CREATE, 5000, B8G8R8X8, 1, 1);
    EXPECT(OK, UNREF, 500, 0);
    EXPECT(OK, CREATE, 5000, B8G8R8X8, 1, 1);
    for (uint32_t n = 1; n <= made; n++)
        if (n != 500)
            EXPECT(OK, UNREF, n, 0);
    EXPECT(ERR_MEMORY, CREATE, 1, B8G8R8X8, 0xffffffff, 0xffffffff);
    EXPECT(ERR_MEMORY, CREATE, 1, B8G8R8X8, 0x8000, 0x8000);
    EXPECT(OK, CREATE, 1, B8G8R8X8, 4096, 4096); /* 64 MiB */
    step(&d.h, 2 * MILLISECOND_NS);
    EXPECT(OK, CREATE, 2, B8G8R8X8, 4096, 4000);
    step(&d.h, 2 * MILLISECOND_NS);
    EXPECT(ERR_MEMORY, CREATE, 3, B8G8R8X8, 4096, 100);
    EXPECT(OK, UNREF, 2, 0);
    EXPECT(OK, CREATE, 3, B8G8R8X8, 4096, 100);
    EXPECT(ERR_PARAMETER, SET_SCANOUT, 0, 0, 4097, 1, 0, 1);
}

/* What copies much makes the rest wait, and nothing is lost. */
static void test_work_is_spread(void **state)
{
    (void)state;
    uint32_t id, written;
    EXPECT(OK, CREATE, 1, B8G8R8X8, 4096, 4096);
    put32(&d, REQUEST, UNREF);
    put32(&d, REQUEST + 24, 1);
    driver_offer(&d, CONTROL, 2,
                 (Buffer[]){
                     {REQUEST, 32, false},
                     {REPLY,   24, true }
    });
    write_reg(d.dev, REG_INT_ACK, 1);
    driver_notify(&d, CONTROL);
    driver_notify(&d, CONTROL);
    assert_false(driver_used(&d, CONTROL, &id, &written));
    expect_irq(d.dev, 0, false);
    step(&d.h, MILLISECOND_NS);
    assert_true(driver_used(&d, CONTROL, &id, &written));
    assert_int_equal(get32(&d, REPLY), OK);
    expect_irq(d.dev, 0, true);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_display_info), TEST(test_resize), TEST(test_formats), TEST(test_picture),
        TEST(test_pieces),       TEST(test_errors), TEST(test_fences),  TEST(test_black),
        TEST(test_loaded),       TEST(test_cursor), TEST(test_limits),  TEST(test_work_is_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
