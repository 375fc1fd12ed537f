/* The device tree that the guest gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libfdt.h>

#include "machine/boot_fdt.h"
#include "roms/rom.h"

static Error err;
static uint8_t *tree;
static uint32_t room;

static TreeSource built_in(void)
{
    return (TreeSource){rom_device_tree, (size_t)(rom_device_tree_end - rom_device_tree), NULL};
}

static const TreeChanges plain = {.ram_base = 0x60000000, .ram_size = 256 << 20, .cpus = 4};

static void complete(TreeSource source, TreeChanges changes)
{
    free(tree);
    room = tree_room(&source, &changes);
    tree = malloc(room);
    assert_true(tree_complete(&source, &changes, tree, room, &err));
    assert_int_equal(fdt_check_full(tree, room), 0);
}

static int node(const char *path)
{
    int offset = fdt_path_offset(tree, path);
    if (offset < 0)
        fail_msg("there is no node %s", path);
    return offset;
}

static uint32_t cell(const char *path, const char *name, int n)
{
    int length;
    const fdt32_t *cells = fdt_getprop(tree, node(path), name, &length);
    assert_non_null(cells);
    assert_true(length >= 4 * (n + 1));
    return fdt32_ld(&cells[n]);
}

static int cells_in(const char *path, const char *name)
{
    int length = 0;
    fdt_getprop(tree, node(path), name, &length);
    return length / 4;
}

static void test_built_in_is_valid(void **state)
{
    (void)state;
    const char *warning;
    TreeSource source = built_in();
    assert_true(tree_check(&source, &warning, &err));
    assert_null(warning);
    assert_null(tree_bootargs(&source));
}

static void test_memory(void **state)
{
    (void)state;
    complete(built_in(), plain);
    assert_int_equal(cell("/memory@60000000", "reg", 0), 0x60000000);
    assert_int_equal(cell("/memory@60000000", "reg", 1), 256 << 20);
    assert_int_equal(cells_in("/memory@60000000", "reg"), 2);
}

static void test_four_cpus_stay(void **state)
{
    (void)state;
    complete(built_in(), plain);
    node("/cpus/cpu@3");
    assert_int_equal(cells_in("/pmu", "interrupts"), 12);
    assert_int_equal(cells_in("/pmu", "interrupt-affinity"), 4);
}

static void test_cpus_are_removed(void **state)
{
    (void)state;
    TreeChanges changes = plain;
    changes.cpus = 2;
    complete(built_in(), changes);
    node("/cpus/cpu@0");
    node("/cpus/cpu@1");
    assert_true(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
    assert_true(fdt_path_offset(tree, "/cpus/cpu@3") < 0);
    /* The performance monitors of those that are left, still in order. */
    assert_int_equal(cells_in("/pmu", "interrupts"), 6);
    assert_int_equal(cells_in("/pmu", "interrupt-affinity"), 2);
    assert_int_equal(cell("/pmu", "interrupts", 1), 60);
    assert_int_equal(cell("/pmu", "interrupts", 4), 61);
    assert_int_equal(cell("/pmu", "interrupt-affinity", 1), fdt_get_phandle(tree, node("/cpus/cpu@1")));
}

static void test_chosen(void **state)
{
    (void)state;
    TreeChanges changes = plain;
    changes.bootargs = "console=ttyAMA0 quiet";
    changes.initrd_start = 0x68000000;
    changes.initrd_end = 0x68123456;
    complete(built_in(), changes);
    assert_string_equal(fdt_getprop(tree, node("/chosen"), "bootargs", NULL), "console=ttyAMA0 quiet");
    assert_int_equal(cell("/chosen", "linux,initrd-start", 0), 0x68000000);
    assert_int_equal(cell("/chosen", "linux,initrd-end", 0), 0x68123456);
    assert_null(fdt_getprop(tree, node("/chosen"), "rng-seed", NULL));
    static const uint8_t seed[TREE_SEED_BYTES] = {1, 2, 3, [TREE_SEED_BYTES - 1] = 4};
    changes.seed = seed;
    complete(built_in(), changes);
    int length;
    assert_memory_equal(fdt_getprop(tree, node("/chosen"), "rng-seed", &length), seed, sizeof seed);
    assert_int_equal(length, sizeof seed);
    complete(built_in(), plain);
    assert_null(fdt_getprop(tree, node("/chosen"), "bootargs", NULL));
    assert_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-start", NULL));
}

static void test_test_device(void **state)
{
    (void)state;
    TreeChanges changes = plain;
    complete(built_in(), changes);
    assert_true(fdt_node_offset_by_compatible(tree, -1, "armature,test-device") < 0);
    changes.test_device = 0x10018000;
    changes.test_device_size = 0x1000;
    complete(built_in(), changes);
    assert_int_equal(fdt_node_offset_by_compatible(tree, -1, "armature,test-device"),
                     node("/test-device@10018000"));
    assert_int_equal(cell("/test-device@10018000", "reg", 0), 0x10018000);
    assert_int_equal(cell("/test-device@10018000", "reg", 1), 0x1000);
    assert_int_equal(cells_in("/test-device@10018000", "reg"), 2);
}

static void test_virtio(void **state)
{
    (void)state;
    TreeChanges changes = plain;
    changes.virtio[0] = (TreeVirtio){0x10013000, 0x200, 32};
    changes.virtio[1] = (TreeVirtio){0x10013200, 0x200, 33};
    changes.virtio_count = 2;
    complete(built_in(), changes);
    int first = fdt_node_offset_by_compatible(tree, -1, "virtio,mmio");
    assert_int_equal(first, node("/virtio@10013000")); /* in the order of the slots */
    assert_int_equal(fdt_node_offset_by_compatible(tree, first, "virtio,mmio"), node("/virtio@10013200"));
    assert_int_equal(cell("/virtio@10013200", "reg", 0), 0x10013200);
    assert_int_equal(cell("/virtio@10013200", "reg", 1), 0x200);
    assert_int_equal(cell("/virtio@10013200", "interrupts", 0), 0);
    assert_int_equal(cell("/virtio@10013200", "interrupts", 1), 33);
    assert_int_equal(cell("/virtio@10013200", "interrupts", 2), 4);
    uint32_t controller = cell("/virtio@10013200", "interrupt-parent", 0);
    assert_int_equal(
        fdt_node_check_compatible(tree, fdt_node_offset_by_phandle(tree, controller), "arm,cortex-a9-gic"),
        0);
    /* A tree that knows of virtio keeps what it says. */
    static uint8_t own[65536];
    uint8_t *done = tree;
    memcpy(own, done, fdt_totalsize(done));
    changes.virtio[0].base = 0x10014000;
    complete((TreeSource){own, sizeof own, "own.dtb"}, changes);
    assert_true(fdt_path_offset(tree, "/virtio@10014000") < 0);
    node("/virtio@10013000");
}

static void test_display(void **state)
{
    (void)state;
    TreeChanges changes = plain;
    complete(built_in(), changes);
    assert_true(fdt_node_offset_by_compatible(tree, -1, "simple-framebuffer") < 0);
    changes.display = (BootDisplay){1024, 768, 16};
    complete(built_in(), changes);
    const char *path = "/chosen/framebuffer@4c000000";
    assert_int_equal(fdt_node_offset_by_compatible(tree, -1, "simple-framebuffer"), node(path));
    assert_int_equal(cells_in(path, "reg"), 2);
    assert_int_equal(cell(path, "reg", 0), 0x4c000000);
    assert_int_equal(cell(path, "reg", 1), 1024 * 768 * 2);
    assert_int_equal(cell(path, "width", 0), 1024);
    assert_int_equal(cell(path, "height", 0), 768);
    assert_int_equal(cell(path, "stride", 0), 2048);
    assert_string_equal(fdt_getprop(tree, node(path), "format", NULL), "r5g6b5");
    assert_string_equal(fdt_getprop(tree, node(path), "status", NULL), "okay");
    /* Addresses in /chosen are those of the bus. */
    assert_int_equal(cell("/chosen", "#address-cells", 0), 1);
    assert_int_equal(cell("/chosen", "#size-cells", 0), 1);
    assert_non_null(fdt_getprop(tree, node("/chosen"), "ranges", NULL));
    changes.display.bits = 32;
    complete(built_in(), changes);
    assert_int_equal(cell(path, "stride", 0), 4096);
    assert_string_equal(fdt_getprop(tree, node(path), "format", NULL), "x8r8g8b8");
}

static void test_long_command_line(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    TreeChanges changes = plain;
    changes.bootargs = text;
    complete(built_in(), changes);
    assert_string_equal(fdt_getprop(tree, node("/chosen"), "bootargs", NULL), text);
}

/* A user's tree: nothing but a root node with 64-bit addresses, and a command line of its own. */
static TreeSource own_tree(const char *compatible, size_t bytes)
{
    static uint8_t own[1024];
    assert_int_equal(fdt_create_empty_tree(own, sizeof own), 0);
    fdt_setprop(own, 0, "compatible", compatible, (int)bytes);
    fdt_setprop_u32(own, 0, "#address-cells", 2);
    fdt_setprop_u32(own, 0, "#size-cells", 2);
    int chosen = fdt_add_subnode(own, 0, "chosen");
    fdt_setprop_string(own, chosen, "bootargs", "mine");
    fdt_setprop_string(own, chosen, "stdout-path", "serial0");
    return (TreeSource){own, sizeof own, "own.dtb"};
}

static void test_virtio_without_controller(void **state)
{
    (void)state;
    const char name[] = "arm,vexpress";
    TreeChanges changes = plain;
    changes.virtio[0] = (TreeVirtio){0x10013000, 0x200, 32};
    changes.virtio_count = 1;
    complete(own_tree(name, sizeof name), changes);
    assert_true(fdt_node_offset_by_compatible(tree, -1, "virtio,mmio") < 0);
}

static void test_own_tree(void **state)
{
    (void)state;
    const char names[] = "arm,vexpress,v2p-ca9\0arm,vexpress", *warning;
    TreeSource source = own_tree(names, sizeof names);
    assert_true(tree_check(&source, &warning, &err));
    assert_null(warning);
    assert_string_equal(tree_bootargs(&source), "mine");
    assert_true(tree_has_console(&source));
    TreeChanges changes = plain;
    changes.cpus = 1;
    complete(source, changes);
    assert_string_equal(fdt_getprop(tree, node("/chosen"), "bootargs", NULL), "mine");
    assert_int_equal(cells_in("/memory", "reg"), 4);
    assert_int_equal(cell("/memory", "reg", 1), 0x60000000);
    assert_int_equal(cell("/memory", "reg", 3), 256 << 20);
}

/* Its addresses have two cells; a picture that it describes itself stays the only one. */
static void test_display_in_own_tree(void **state)
{
    (void)state;
    const char names[] = "arm,vexpress,v2p-ca9\0arm,vexpress";
    TreeSource source = own_tree(names, sizeof names);
    TreeChanges changes = plain;
    changes.display = (BootDisplay){640, 480, 32};
    complete(source, changes);
    assert_int_equal(cell("/chosen", "#address-cells", 0), 2);
    assert_int_equal(cells_in("/chosen/framebuffer@4c000000", "reg"), 4);
    assert_int_equal(cell("/chosen/framebuffer@4c000000", "reg", 1), 0x4c000000);
    assert_int_equal(cell("/chosen/framebuffer@4c000000", "reg", 3), 640 * 480 * 4);
    uint8_t *own = (uint8_t *)source.data;
    int mine = fdt_add_subnode(own, fdt_path_offset(own, "/chosen"), "mine");
    assert_int_equal(fdt_setprop_string(own, mine, "compatible", "simple-framebuffer"), 0);
    complete(source, changes);
    assert_true(fdt_path_offset(tree, "/chosen/framebuffer@4c000000") < 0);
    assert_int_equal(fdt_node_offset_by_compatible(tree, -1, "simple-framebuffer"), node("/chosen/mine"));
}

static void test_other_boards(void **state)
{
    (void)state;
    const char *warning;
    TreeSource source = own_tree("raspberrypi,4-model-b", 22);
    assert_true(tree_check(&source, &warning, &err));
    assert_non_null(strstr(warning, "another board"));
    const char ca15[] = "arm,vexpress,v2p-ca15_a7\0arm,vexpress";
    source = own_tree(ca15, sizeof ca15);
    assert_true(tree_check(&source, &warning, &err));
    assert_non_null(strstr(warning, "another CoreTile"));
}

static void refused(const void *data, size_t size, const char *text)
{
    const char *warning;
    TreeSource source = {data, size, "own.dtb"};
    assert_false(tree_check(&source, &warning, &err));
    assert_non_null(strstr(err.text, "own.dtb"));
    if (!strstr(err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err.text);
}

static void test_refused(void **state)
{
    (void)state;
    TreeSource source = built_in();
    refused(source.data, source.size - 1, "truncated: 1 bytes are missing");
    refused(source.data, 20, "not a flattened device tree");
    refused("/dts-v1/; / { };                             ", 40, "compile it with");
    refused("hello, this is no device tree at all, is it? ", 44, "not a flattened device tree");
    uint8_t *copy = malloc(source.size);
    memcpy(copy, source.data, source.size);
    fdt_set_off_dt_struct(copy, 0xffffff00);
    refused(copy, source.size, "damaged");
    free(copy);
}

static void test_damaged_trees_are_safe(void **state)
{
    (void)state;
    TreeSource source = built_in();
    uint8_t *copy = malloc(source.size);
    unsigned accepted = 0;
    srand(20250102);
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(copy, source.data, source.size);
        for (unsigned n = 0; n < 3; n++)
            copy[(unsigned)rand() % (round % 2 ? source.size : 64)] = (uint8_t)(rand() >> 4);
        TreeSource damaged = {copy, source.size, "own.dtb"};
        const char *warning;
        if (!tree_check(&damaged, &warning, &err))
            continue;
        accepted++;
        tree_bootargs(&damaged);
        tree_has_console(&damaged);
        TreeChanges changes = plain;
        changes.cpus = 1;
        changes.bootargs = "quiet";
        changes.display = (BootDisplay){1024, 768, 16};
        uint32_t bytes = tree_room(&damaged, &changes);
        uint8_t *out = malloc(bytes);
        tree_complete(&damaged, &changes, out, bytes, &err);
        free(out);
    }
    assert_true(accepted > 0);
    free(copy);
}

static int teardown(void **state)
{
    (void)state;
    free(tree);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in_is_valid),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_four_cpus_stay),
        cmocka_unit_test(test_cpus_are_removed),
        cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_test_device),
        cmocka_unit_test(test_virtio),
        cmocka_unit_test(test_virtio_without_controller),
        cmocka_unit_test(test_display),
        cmocka_unit_test(test_display_in_own_tree),
        cmocka_unit_test(test_long_command_line),
        cmocka_unit_test(test_own_tree),
        cmocka_unit_test(test_other_boards),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged_trees_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
