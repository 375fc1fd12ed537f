/* The virtio slots that have a device are announced in the device tree; the GPU is there only if it is
 * wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <libfdt.h>

#include "machine/boot.h"
#include "roms/boot_params.h"

/* The tree is handed to any program: this one is "b ." as an ELF file would have it, raw. */
static void make_program(char *path)
{
    static const uint32_t program[] = {0xeafffffe, 0, 0, 0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, program, sizeof program), sizeof program);
    close(fd);
}

static Machine *make(const char *program, bool gpu)
{
    Error err;
    MachineOptions options = {.cpus = 1, .memory = 64 << 20, .deterministic = true, .gpu = gpu};
    BootOptions boot = {.kernel = program};
    Machine *machine = machine_new(&options, log_new(stderr), &err);
    assert_non_null(machine);
    if (!boot_load(machine, &boot, &err))
        fail_msg("%s", err.text);
    return machine;
}

static const void *handed_tree(const Machine *machine)
{
    const BootParams *params = (const BootParams *)(machine->rom + BOOT_PARAMS_OFFSET);
    const void *tree = bus_host(machine->bus, params->r2, 4);
    assert_non_null(tree);
    assert_int_equal(fdt_check_header(tree), 0);
    return tree;
}

static void test_slots(void **state)
{
    (void)state;
    char path[] = "/tmp/armature-test-XXXXXX";
    make_program(path);
    for (unsigned gpu = 0; gpu < 2; gpu++) {
        Machine *machine = make(path, gpu);
        const void *tree = handed_tree(machine);
        unsigned slots = 0;
        assert_int_equal(machine_device(machine, "vgpu") != NULL, gpu);
        for (int node = -1; (node = fdt_node_offset_by_compatible(tree, node, "virtio,mmio")) >= 0; slots++) {
            const fdt32_t *reg = fdt_getprop(tree, node, "reg", NULL);
            const fdt32_t *interrupts = fdt_getprop(tree, node, "interrupts", NULL);
            assert_int_equal(fdt32_ld(reg), 0x10013000 + 0x200 * slots);
            assert_int_equal(fdt32_ld(&interrupts[1]), 32 + slots);
        }
        assert_int_equal(slots, 3 + gpu);
        machine_free(machine);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slots)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
