/* The map of physical addresses: regions that share a page, that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "machine/bus.h"

static BusResult read_name(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value)
{
    (void)access;
    *value = *(uint32_t *)opaque + offset;
    return BUS_OK;
}

static const MmioOps ops = {.read = read_name};

static Region *add(Bus *bus, uint32_t base, uint64_t size, uint32_t *name)
{
    Region region = {
        .name = "r", .base = base, .size = size, .kind = REGION_MMIO, .ops = &ops, .opaque = name};
    return bus_add(bus, &region);
}

static uint32_t read_at(Bus *bus, uint32_t pa)
{
    BusAccess access = {.size = 4};
    uint32_t value = 0;
    BusResult result = bus_read(bus, pa, &access, &value);
    return result == BUS_OK ? value : result == BUS_DECODE_ERROR ? 0xdead : 0xbad;
}

static void test_parts_of_pages(void **state)
{
    (void)state;
    Log *log = log_new(stderr);
    Bus *bus = bus_new(log);
    uint32_t name[] = {0x10000, 0x20000, 0x30000, 0x40000};
    add(bus, 0x1000, 0x1000, &name[0]);
    Region *first = add(bus, 0x2000, 0x100, &name[1]);
    add(bus, 0x2100, 0x40, &name[2]);
    add(bus, 0x2800, 0x1800, &name[3]); /* all of a page, too */
    assert_int_equal(read_at(bus, 0x1ffc), 0x10ffc);
    assert_int_equal(read_at(bus, 0x2000), 0x20000);
    assert_int_equal(read_at(bus, 0x20fc), 0x200fc);
    assert_int_equal(read_at(bus, 0x2100), 0x30000);
    assert_int_equal(read_at(bus, 0x213c), 0x3003c);
    assert_int_equal(read_at(bus, 0x2140), 0xdead);
    assert_int_equal(read_at(bus, 0x27fc), 0xdead);
    assert_int_equal(read_at(bus, 0x2800), 0x40000);
    assert_int_equal(read_at(bus, 0x3ffc), 0x417fc);
    assert_int_equal(read_at(bus, 0x4000), 0xdead);
    assert_true(bus_page_uniform(bus, 0x3000));
    assert_false(bus_page_uniform(bus, 0x2000));
    bus_remove(bus, first);
    assert_int_equal(read_at(bus, 0x2000), 0xdead);
    assert_int_equal(read_at(bus, 0x2100), 0x30000);
    add(bus, 0x2000, 0x80, &name[1]);
    assert_int_equal(read_at(bus, 0x207c), 0x2007c);
    assert_int_equal(read_at(bus, 0x2080), 0xdead);
    bus_free(bus);
    log_free(log);
}

/* The last page, the end of which is beyond what 32 bits count. */
static void test_end_of_the_map(void **state)
{
    (void)state;
    Log *log = log_new(stderr);
    Bus *bus = bus_new(log);
    uint32_t name[] = {0x10000, 0x20000};
    add(bus, 0xfffff000, 0x10, &name[0]);
    add(bus, 0xfffffff0, 0x10, &name[1]);
    assert_int_equal(read_at(bus, 0xfffff00c), 0x1000c);
    assert_int_equal(read_at(bus, 0xfffff010), 0xdead);
    assert_int_equal(read_at(bus, 0xfffffffc), 0x2000c);
    bus_free(bus);
    log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_pages),
        cmocka_unit_test(test_end_of_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
