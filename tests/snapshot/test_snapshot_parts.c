/* No state is forgotten: every byte of the machine's structs is saved, or somebody said why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "snapshot/hash64.h"
#include "snapshot/machine_hash.h"
#include "tests/devices/field_bytes.h"

static Machine *new_machine(unsigned cpus)
{
    Error err;
    const MachineOptions options = {
        .cpus = cpus,
        .memory = 16 << 20,
        .deterministic = true,
        .semihosting = true,
        .test_device = true,
        .gpu = true,
    };
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    assert_non_null(machine);
    return machine;
}

/* A gap is padding if it is shorter than the alignment of what follows, 16 at most. */
static bool is_padding(size_t from, size_t to)
{
    size_t alignment = 16;
    while (to % alignment)
        alignment /= 2;
    return to - from < alignment;
}

static void check_covered(const char *name, const FieldTable *table, size_t size)
{
    uint8_t *owner = calloc(size, 1);
    for (unsigned n = 0; n < table->count; n++) {
        const FieldDef *field = &table->fields[n];
        size_t bytes = field_bytes(field);
        if (field->at + bytes > size)
            fail_msg("%s: %s reaches past the struct", name, field->name);
        if (field->kind == FIELD_TRANSIENT && !field->reason)
            fail_msg("%s: %s is not saved, and no reason is given", name, field->name);
        for (size_t k = 0; k < bytes; k++) {
            if (owner[field->at + k])
                fail_msg("%s: %s is saved twice", name, field->name);
            owner[field->at + k] = 1;
        }
    }
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && !owner[end])
            end++;
        if (end > at && !is_padding(at, end))
            fail_msg("%s: %zu bytes at offset %zu are in no row", name, end - at, at);
        at = end + 1;
    }
    free(owner);
}

static void test_covered(void **state)
{
    (void)state;
    check_covered("Cpu", &cpu_table, sizeof(Cpu));
    check_covered("Machine", &machine_table, sizeof(Machine));
    check_covered("DeviceEnv", &env_table, sizeof(DeviceEnv));
    check_covered("MachineOptions", &options_table, sizeof(MachineOptions));
}

/* Fields are found by name. */
static void test_names(void **state)
{
    (void)state;
    Machine *machine = new_machine(4);
    Parts parts;
    parts_take(&parts, machine);
    for (unsigned n = 0; n < parts.count; n++) {
        const Part *part = &parts.part[n];
        assert_ptr_equal(parts_find(&parts, part->name), part);
        unsigned count = part_items(part, NULL);
        Item *items = calloc(count + 1, sizeof *items);
        part_items(part, items);
        for (unsigned k = 0; k < count; k++)
            for (unsigned j = 0; j < k; j++)
                if (!strcmp(items[j].name, items[k].name))
                    fail_msg("%s: two fields are called '%s'", part->name, items[k].name);
        free(items);
    }
    parts_free(&parts);
    machine_free(machine);
}

/* Values of the specification's sanity tests. */
static void test_hash64(void **state)
{
    (void)state;
    uint8_t data[101];
    uint32_t generator = 2654435761u;
    for (size_t n = 0; n < sizeof data; n++) {
        data[n] = (uint8_t)(generator >> 24);
        generator *= generator;
    }
    assert_int_equal(hash64(NULL, 0, 0), UINT64_C(0xef46db3751d8e999));
    assert_int_equal(hash64("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    assert_int_equal(hash64("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
    assert_int_equal(hash64("Nobody inspects the spammish repetition", 39, 0), UINT64_C(0xfbcea83c8a378bf1));
    assert_int_equal(hash64(data, 0, 2654435761u), UINT64_C(0xac75fda2929b17ef));
}

/* What changes shows in the component that it belongs to, and in no other. */
static void test_hash_names_the_component(void **state)
{
    (void)state;
    Machine *machine = new_machine(2);
    static MachineHash before, after;
    machine_hash(machine, &before);
    machine_hash(machine, &after);
    assert_null(machine_hash_difference(&before, &after));
    assert_int_equal(before.all, after.all);
    machine->cpu[1]->r[3] ^= 1;
    machine_hash(machine, &after);
    assert_string_equal(machine_hash_difference(&before, &after), "cpu1");
    assert_int_not_equal(before.all, after.all);
    machine->cpu[1]->r[3] ^= 1;
    machine->ram[5 << 20] = 1;
    machine_hash(machine, &after);
    assert_string_equal(machine_hash_difference(&before, &after), "ram");
    machine->ram[5 << 20] = 0; /* touched, and filled as before */
    serial_send(&machine->env.serial[2], "x", 1);
    machine_hash(machine, &after);
    const char *name = machine_hash_difference(&before, &after);
    assert_true(!strcmp(name, "serial2") || !strcmp(name, "uart2"));
    machine_free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covered),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_hash64),
        cmocka_unit_test(test_hash_names_the_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
