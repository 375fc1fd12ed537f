/* What must hold for every device type, checked from its tables: reset, write masks, read-only registers,
 * write-1-to-clear, identification, that no state is forgotten, and that nothing a guest does breaks it. */
#include "tests/devices/harness.h"

#include "machine/board.h"
#include "tests/devices/field_bytes.h"

enum { FUZZ_STEPS = 60000, ID_BLOCK = 0x20, SAVED_OUTPUTS = DEVICE_OUTPUTS };

/* ---- Every type in turn -------------------------------------------------------------------------------- */

static const BoardDevice *board_row(const char *type, const char *name)
{
    for (unsigned n = 0; n < vexpress_a9.device_count; n++) {
        const BoardDevice *row = &vexpress_a9.device[n];
        if ((type && !strcmp(row->type, type)) || (name && !strcmp(row->name, name)))
            return row;
    }
    return NULL;
}

/* Creates a device as the board does, with the device it is part of. */
static Device *make(Harness *h, const DeviceType *type)
{
    const BoardDevice *row = board_row(type->name, NULL);
    Device *peer = NULL;
    if (row && row->peer) {
        const BoardDevice *peer_row = board_row(NULL, row->peer);
        assert_non_null(peer_row);
        peer = harness_device(h, peer_row->type, peer_row->name, &peer_row->props);
    }
    Error err = {""};
    Device *dev = device_new(type, type->name, &h->env, row ? &row->props : NULL, 0, &err);
    if (!dev)
        fail_msg("device %s refused: %s", type->name, err.text);
    dev->peer = peer;
    h->device[h->device_count++] = dev;
    device_reset(dev);
    return dev;
}

static void for_each_type(void (*check)(Harness *h, Device *dev))
{
    for (unsigned n = 0; n < device_type_count; n++) {
        Harness h;
        harness_init(&h, 4);
        check(&h, make(&h, device_types[n]));
        harness_done(&h);
    }
}

static uint32_t elements(const RegDef *row)
{
    return row->count ? row->count : 1;
}

static void for_each_row(Device *dev, void (*check)(Device *dev, const RegDef *row, uint32_t offset))
{
    for (unsigned n = 0; n < dev->type->reg_count; n++) {
        const RegDef *row = &dev->type->regs[n];
        check(dev, row, row->offset);
        if (elements(row) > 1)
            check(dev, row, row->offset + 4 * (elements(row) - 1));
    }
}

static uint32_t *stored(Device *dev, const RegDef *row, uint32_t offset)
{
    return (uint32_t *)((uint8_t *)dev + row->at + (offset - row->offset));
}

static bool refuses_writes(Device *dev, const RegDef *row, uint32_t offset)
{
    RegAccess access = {.offset = offset,
                        .index = (offset - row->offset) / 4,
                        .lanes = 0xffffffff,
                        .secure = true,
                        .privileged = true};
    return dev->type->allows && !dev->type->allows(dev, &access, true);
}

static void expect_row(Device *dev, const RegDef *row, uint32_t offset, uint32_t got, uint32_t want)
{
    if (got != want)
        fail_msg("%s: %s (offset 0x%03x) is 0x%08x, expected 0x%08x", dev->type->name, row->name, offset, got,
                 want);
}

/* ---- Tables -------------------------------------------------------------------------------------------- */

static void check_row(Device *dev, const RegDef *row, uint32_t offset)
{
    (void)offset;
    const char *type = dev->type->name;
    if (!row->name || !*row->name)
        fail_msg("%s: a row has no name", type);
    if (row->kind == REG_UNIMP && row->at != NO_STORE)
        fail_msg("%s: %s is not modelled, but stored", type, row->name);
    if ((row->kind == REG_W1C || row->kind == REG_W1S) && row->at == NO_STORE)
        fail_msg("%s: %s sets or clears bits of nothing", type, row->name);
    if ((row->kind == REG_RO || row->kind == REG_CONST) && row->written)
        fail_msg("%s: %s cannot be written, but has a function for it", type, row->name);
}

static void check_tables(Harness *h, Device *dev)
{
    (void)h;
    const DeviceType *type = dev->type;
    assert_non_null(type->name);
    assert_non_null(type->summary);
    assert_ptr_equal(device_type_find(type->name), type); /* names differ */
    assert_int_equal(type->window % 4, 0);
    if (!type->raw && !type->reg_count)
        fail_msg("%s has no registers", type->name);
    if (type->inputs && !type->input)
        fail_msg("%s has inputs, but no function for them", type->name);
    for_each_row(dev, check_row);
}

static void test_tables(void **state)
{
    (void)state;
    for_each_type(check_tables);
}

/* ---- Identification ------------------------------------------------------------------------------------ */

static void check_id_block(Harness *h, Device *dev)
{
    (void)h;
    const DeviceType *type = dev->type;
    uint32_t pcell = type->pcell_id ? type->pcell_id : 0xb105f00d;
    for (uint32_t n = 0; type->periph_id && n < 8; n++) {
        uint32_t offset = type->window - ID_BLOCK + 4 * n;
        uint32_t want = (n < 4 ? type->periph_id : pcell) >> (8 * (n % 4)) & 0xff;
        if (device_find_reg(dev, offset, NULL))
            fail_msg("%s has a register in its identification block", type->name);
        expect_reg(dev, offset, want);
        write_reg(dev, offset, ~want);
        expect_reg(dev, offset, want);
        expect_equal(read_narrow(dev, offset, 1), want);
        expect_equal(read_narrow(dev, offset + 1, 1), 0);
    }
}

static void test_id_blocks(void **state)
{
    (void)state;
    for_each_type(check_id_block);
}

/* ---- Registers one by one ------------------------------------------------------------------------------ */

/* Rows whose reads and writes the engine does alone. */
static bool plain(const RegDef *row)
{
    return row->at != NO_STORE && !row->read && !row->written;
}

static void check_plain_row(Device *dev, const RegDef *row, uint32_t offset)
{
    if (!plain(row) || refuses_writes(dev, row, offset))
        return;
    uint32_t *store = stored(dev, row, offset), fixed = *store & ~row->writable;
    switch (row->kind) {
    case REG_RW:
        write_reg(dev, offset, 0xffffffff);
        expect_row(dev, row, offset, *store, fixed | row->writable);
        write_narrow(dev, offset + 1, 1, 0); /* one byte of it */
        expect_row(dev, row, offset, *store, (fixed | row->writable) & ~(row->writable & 0xff00));
        write_reg(dev, offset, 0);
        expect_row(dev, row, offset, *store, fixed);
        break;
    case REG_W1S:
        *store = fixed;
        write_reg(dev, offset, 0x55555555);
        expect_row(dev, row, offset, *store, fixed | (row->writable & 0x55555555));
        write_reg(dev, offset, 0xffffffff);
        expect_row(dev, row, offset, *store, fixed | row->writable);
        break;
    case REG_W1C:
        *store = 0xffffffff;
        write_reg(dev, offset, 0x55555555);
        expect_row(dev, row, offset, *store, ~(row->writable & 0x55555555));
        write_reg(dev, offset, 0);
        expect_row(dev, row, offset, *store, ~(row->writable & 0x55555555));
        write_reg(dev, offset, 0xffffffff);
        expect_row(dev, row, offset, *store, ~row->writable);
        break;
    default:
        break;
    }
}

static void check_plain_rows(Harness *h, Device *dev)
{
    (void)h;
    for_each_row(dev, check_plain_row);
}

static void test_write_masks(void **state)
{
    (void)state;
    for_each_type(check_plain_rows);
}

static void check_read_only_row(Device *dev, const RegDef *row, uint32_t offset)
{
    if ((row->kind != REG_RO && row->kind != REG_CONST && row->kind != REG_UNIMP) ||
        row->flags & REG_READ_ACTS)
        return;
    uint32_t before = device_peek(dev, offset, 0);
    write_reg(dev, offset, ~before);
    expect_row(dev, row, offset, device_peek(dev, offset, 0), before);
    if (row->kind != REG_RO && !row->read)
        expect_row(dev, row, offset, before, row->reset);
}

static void check_read_only_rows(Harness *h, Device *dev)
{
    (void)h;
    for_each_row(dev, check_read_only_row);
}

static void test_read_only(void **state)
{
    (void)state;
    for_each_type(check_read_only_rows);
}

/* ---- Random use ---------------------------------------------------------------------------------------- */

typedef struct Random {
    uint64_t state;
} Random;

static uint32_t next(Random *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return (uint32_t)(random->state >> 16);
}

/* Numbers as guests like to write them: small, single bits, all ones, anything. */
static uint32_t some_value(Random *random)
{
    switch (next(random) % 5) {
    case 0:
        return next(random) & 0xff;
    case 1:
        return 1u << (next(random) & 31);
    case 2:
        return -(next(random) & 1);
    case 3:
        return next(random) & next(random);
    default:
        return next(random);
    }
}

static uint32_t some_offset(Device *dev, Random *random)
{
    const DeviceType *type = dev->type;
    if (type->raw)
        return next(random) & 0xfffff & (type->window - 1); /* keeps to a few blocks */
    if (next(random) % 8 == 0)
        return next(random) % type->window;
    const RegDef *row = &type->regs[next(random) % type->reg_count];
    return row->offset + 4 * (next(random) % elements(row)) + next(random) % 4;
}

static void access_once(Device *dev, Random *random)
{
    BusAccess access = {.size = (uint8_t)(1u << next(random) % 3),
                        .cpu = next(random) % 16 ? (uint8_t)(next(random) % 4) : BUS_DMA,
                        .secure = next(random) % 4,
                        .privileged = next(random) % 8};
    if (next(random) % 2)
        access.size = 4;
    uint32_t offset = some_offset(dev, random) & ~(access.size - 1u), value = 0;
    if (next(random) % 4 == 0) {
        device_mmio.read(dev, offset, &access, &value);
        if (access.size < 4 && value >> (8 * access.size))
            fail_msg("%s: a read of %u bytes at 0x%x gives 0x%08x", dev->type->name, access.size, offset,
                     value);
    } else {
        device_mmio.write(dev, offset, &access, some_value(random));
    }
}

static void use_at_random(Harness *h, Device *dev, uint64_t seed, unsigned steps)
{
    Random random = {seed};
    for (unsigned n = 0; n < steps; n++) {
        uint32_t what = next(&random) % 64;
        uint8_t ch = (uint8_t)next(&random);
        if (what < 4)
            step(h, next(&random) >> (next(&random) & 31));
        else if (what == 4)
            serial_send(&h->env.serial[0], &ch, 1);
        else if (what == 5 && dev->type->inputs)
            device_input(dev, next(&random) % dev->type->inputs, next(&random) & 1);
        else if (what == 6 && !dev->type->raw)
            device_peek(dev, some_offset(dev, &random), (uint8_t)(next(&random) % 4));
        else
            access_once(dev, &random);
        if (what == 7 && next(&random) % 64 == 0)
            device_reset(dev);
        h->output_length = 0;
    }
}

static void check_random_use(Harness *h, Device *dev)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        use_at_random(h, dev, seed * 0x9e3779b97f4a7c15, FUZZ_STEPS / 3);
}

static void test_random_use(void **state)
{
    (void)state;
    for_each_type(check_random_use);
}

/* ---- Reset --------------------------------------------------------------------------------------------- */

static bool survives_reset(const DeviceType *type, const RegDef *row)
{
    (void)row;
    return !strcmp(type->name, "pl031"); /* has a battery */
}

/* After any use, reset brings back the registers and lines of the first reset. */
static void check_reset(Harness *h, Device *dev)
{
    const DeviceType *type = dev->type;
    uint32_t *first = calloc(type->window / 4, sizeof *first);
    bool line[SAVED_OUTPUTS];
    for (uint32_t offset = 0; type->reg_count && offset < type->window; offset += 4)
        first[offset / 4] = device_peek(dev, offset, 0);
    for (unsigned n = 0; n < SAVED_OUTPUTS; n++)
        line[n] = dev->out[n].level;
    h->now = SECOND_NS;
    use_at_random(h, dev, 12345, 2000);
    for (unsigned n = 0; n < type->inputs; n++)
        device_input(dev, n, false);
    h->now = SECOND_NS * 4000000000; /* where a counter that did not start anew would show it */
    for (unsigned n = 0; n < h->device_count; n++)
        device_reset(h->device[n]);
    for (unsigned n = 0; n < type->reg_count; n++) {
        const RegDef *row = &type->regs[n];
        for (uint32_t offset = row->offset; offset < row->offset + 4 * elements(row); offset += 4)
            if (!survives_reset(type, row))
                expect_row(dev, row, offset, device_peek(dev, offset, 0), first[offset / 4]);
        if (row->at != NO_STORE && !row->read && !type->reset)
            expect_row(dev, row, row->offset, device_peek(dev, row->offset, 0), row->reset);
    }
    for (unsigned n = 0; n < SAVED_OUTPUTS; n++)
        if (dev->out[n].level != line[n])
            fail_msg("%s: output %u differs after reset", type->name, n);
    free(first);
}

static void test_reset(void **state)
{
    (void)state;
    for_each_type(check_reset);
}

/* ---- State --------------------------------------------------------------------------------------------- */

enum { UNKNOWN, HEADER, STORED, SAVED };

static void mark_registers(const DeviceType *type, uint8_t *owner)
{
    memset(owner, HEADER, sizeof(Device));
    for (unsigned n = 0; n < type->reg_count; n++)
        if (type->regs[n].at != NO_STORE)
            memset(owner + type->regs[n].at, STORED, 4 * elements(&type->regs[n]));
}

static void mark_fields(const DeviceType *type, uint8_t *owner)
{
    for (unsigned n = 0; n < type->field_count; n++) {
        const FieldDef *field = &type->fields[n];
        if (field->at + field_bytes(field) > type->state_size)
            fail_msg("%s: field %s reaches past the state", type->name, field->name);
        if (field->kind == FIELD_TRANSIENT && !field->reason)
            fail_msg("%s: field %s is not saved, and no reason is given", type->name, field->name);
        if (!field->since || field->since > type->version)
            fail_msg("%s: field %s is since version %u of %u", type->name, field->name, field->since,
                     type->version);
        for (size_t k = 0; k < field_bytes(field); k++) {
            if (owner[field->at + k] != UNKNOWN)
                fail_msg("%s: field %s is saved twice", type->name, field->name);
            owner[field->at + k] = SAVED;
        }
    }
}

/* A gap is padding if it is shorter than the alignment that its end has, and nothing ever writes to it. */
static bool is_padding(const Device *dev, size_t from, size_t to)
{
    static const uint8_t zeros[8];
    size_t length = to - from, alignment = to % 8 == 0 ? 8 : to % 4 == 0 ? 4 : to % 2 == 0 ? 2 : 1;
    return length < alignment && !memcmp((const uint8_t *)dev + from, zeros, length);
}

static void check_coverage(Harness *h, Device *dev)
{
    const DeviceType *type = dev->type;
    uint8_t *owner = calloc(type->state_size, 1);
    mark_registers(type, owner);
    mark_fields(type, owner);
    use_at_random(h, dev, 4711, 2000);
    for (size_t at = 0; at < type->state_size;) {
        size_t end = at;
        while (end < type->state_size && owner[end] == UNKNOWN)
            end++;
        if (end > at && !is_padding(dev, at, end))
            fail_msg("%s: %zu bytes at offset %zu of the state are neither registers nor fields", type->name,
                     end - at, at);
        at = end + 1;
    }
    free(owner);
}

static void test_no_state_is_forgotten(void **state)
{
    (void)state;
    for_each_type(check_coverage);
}

/* A device that goes takes its timers out of the queue. */
static void test_no_timer_is_left(void **state)
{
    (void)state;
    for (unsigned n = 0; n < device_type_count; n++) {
        Harness h;
        harness_init(&h, 4);
        use_at_random(&h, make(&h, device_types[n]), 815, 2000);
        while (h.device_count)
            device_free(h.device[--h.device_count]);
        if (clock_next_due(h.env.clock) != CLOCK_NEVER)
            fail_msg("%s leaves a timer behind", device_types[n]->name);
        harness_done(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),      cmocka_unit_test(test_id_blocks),
        cmocka_unit_test(test_write_masks), cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_reset),       cmocka_unit_test(test_no_state_is_forgotten),
        cmocka_unit_test(test_random_use),  cmocka_unit_test(test_no_timer_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
