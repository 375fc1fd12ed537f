/* Loading into a whole machine: where things go, what does not fit, and what the boot ROM does with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <libfdt.h>

#include "machine/boot.h"
#include "roms/boot_params.h"

#define RAM 0x60000000u

static char directory[] = "/tmp/armature-test-XXXXXX";
static char path[8][64];
static unsigned paths;
static Machine *machine;
static BootOptions options;
static Error err;
static char warnings[4096];

/* ---- Helpers --------------------------------------------------------------------------------- */

static const char *make_file(const void *data, size_t size)
{
    assert_true(paths < 8);
    char *name = path[paths];
    snprintf(name, sizeof path[0], "%s/file%u", directory, paths++);
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    return name;
}

static void make_machine(unsigned cpus, unsigned mib)
{
    if (machine)
        machine_free(machine);
    MachineOptions wanted = {.cpus = cpus, .memory = (uint64_t)mib << 20, .deterministic = true};
    machine = machine_new(&wanted, log_new(stderr), &err);
    assert_non_null(machine);
    options = (BootOptions){0};
}

/* Loads, and keeps what went to stderr. */
static bool load(void)
{
    char name[64];
    snprintf(name, sizeof name, "%s/stderr", directory);
    fflush(stderr);
    int saved = dup(2), file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    bool ok = boot_load(machine, &options, &err);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    ssize_t got = pread(file, warnings, sizeof warnings - 1, 0);
    warnings[got > 0 ? got : 0] = 0;
    close(file);
    unlink(name);
    return ok;
}

static void refused(const char *text)
{
    assert_false(load());
    if (!strstr(err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err.text);
    assert_null(strchr(err.text, '\n'));
}

static const BootParams *params(void)
{
    const BootParams *p = (const BootParams *)(machine->rom + BOOT_PARAMS_OFFSET);
    assert_int_equal(p->magic, BOOT_PARAMS_MAGIC);
    assert_int_equal(p->version, BOOT_PARAMS_VERSION);
    return p;
}

static const uint8_t *memory(uint32_t address)
{
    const uint8_t *host = bus_host(machine->bus, address, 4);
    assert_non_null(host);
    return host;
}

static const void *handed_tree(void)
{
    const void *tree = memory(params()->r2);
    assert_int_equal(fdt_check_header(tree), 0);
    return tree;
}

static const char *handed_command_line(void)
{
    const void *tree = handed_tree();
    return fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL);
}

static const char *make_zimage(uint32_t size)
{
    uint32_t *data = calloc(1, size);
    data[0x24 / 4] = 0x016f2818;
    data[0x2c / 4] = size;
    data[0x30 / 4] = 0x04030201;
    const char *name = make_file(data, size);
    free(data);
    return name;
}

static const char *make_elf(uint32_t address, uint32_t bytes, uint32_t memory_bytes)
{
    struct {
        Elf32_Ehdr header;
        Elf32_Phdr segment;
        uint8_t data[0x1000];
    } elf = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_ARM,
                   .e_entry = address + 4,
                   .e_phoff = sizeof(Elf32_Ehdr),
                   .e_phentsize = sizeof(Elf32_Phdr),
                   .e_phnum = 1},
        .segment = {.p_type = PT_LOAD,
                   .p_offset = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
                   .p_vaddr = address,
                   .p_paddr = address,
                   .p_filesz = bytes,
                   .p_memsz = memory_bytes                }
    };
    memset(elf.data, 0xa5, sizeof elf.data);
    return make_file(&elf, sizeof elf);
}

/* Switches off through the configuration bus, after writing r0 + 1 to the word at 0x60000100. */
static const uint32_t switch_off[] = {
    0xe2800001, /* add r0, r0, #1 */
    0xe3a01206, /* mov r1, #0x60000000 */
    0xe5810100, /* str r0, [r1, #0x100] */
    0xe3a01201, /* mov r1, #0x10000000 */
    0xe59f0004, /* ldr r0, [pc, #4] */
    0xe58100a4, /* str r0, [r1, #0xa4]: SYS_CFGCTRL */
    0xeafffffe, /* b . */
    0xc0800000, /* start, write, function 8 */
};

/* ---- Placement ------------------------------------------------------------------------------- */

static void test_zimage(void **state)
{
    (void)state;
    make_machine(2, 256);
    uint8_t initrd[5000] = "070701";
    strcpy((char *)initrd + 4000, "TRAILER!!!");
    options.kernel = make_zimage(0x10000);
    options.initrd = make_file(initrd, sizeof initrd);
    assert_true(load());
    assert_string_equal(warnings, "");
    /* Above the place it unpacks itself into. */
    assert_int_equal(params()->entry, RAM + (32 << 20));
    assert_int_equal(params()->flags, BOOT_PARAMS_ENTER);
    assert_int_equal(params()->r0, 0);
    assert_int_equal(params()->r1, 2272);
    assert_int_equal(params()->cpus, 2);
    assert_int_equal(*(const uint32_t *)memory(params()->entry + 0x24), 0x016f2818);
    const void *tree = handed_tree();
    int chosen = fdt_path_offset(tree, "/chosen");
    assert_string_equal(handed_command_line(), "console=ttyAMA0");
    const fdt32_t *start = fdt_getprop(tree, chosen, "linux,initrd-start", NULL);
    const fdt32_t *end = fdt_getprop(tree, chosen, "linux,initrd-end", NULL);
    assert_int_equal(fdt32_ld(end) - fdt32_ld(start), sizeof initrd);
    assert_memory_equal(memory(fdt32_ld(start)), initrd, sizeof initrd);
    assert_true(fdt_path_offset(tree, "/cpus/cpu@1") > 0);
    assert_true(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
    assert_true(params()->r2 > params()->entry && params()->r2 < fdt32_ld(start));
}

/* The same in little memory: everything moves down and still fits. */
static void test_small_memory(void **state)
{
    (void)state;
    make_machine(1, 64);
    uint8_t initrd[600] = "070701TRAILER!!!";
    options.kernel = make_zimage(0x10000);
    options.initrd = make_file(initrd, sizeof initrd);
    assert_true(load());
    assert_true(params()->r2 < RAM + (64 << 20));
    make_machine(1, 32);
    options.kernel = path[paths - 2];
    refused("needs 34 MiB of memory, the machine has 32: use --memory 64M");
}

static void test_elf(void **state)
{
    (void)state;
    make_machine(1, 16);
    memset(bus_host(machine->bus, RAM + 0x100000, 0x2000), 0xff, 0x2000);
    options.kernel = make_elf(RAM + 0x100000, 0x100, 0x1000);
    assert_true(load());
    assert_string_equal(warnings, "");
    assert_int_equal(params()->entry, RAM + 0x100004);
    assert_int_equal(*memory(RAM + 0x1000ff), 0xa5);
    assert_int_equal(*memory(RAM + 0x100100), 0); /* cleared up to its size in memory */
    assert_int_equal(*memory(RAM + 0x100fff), 0);
    assert_int_equal(*memory(RAM + 0x101000), 0xff);
    assert_null(handed_command_line()); /* not a Linux kernel */
}

static void test_tiny_memory(void **state)
{
    (void)state;
    make_machine(1, 1);
    options.kernel = make_elf(RAM, 0x100, 0x100000); /* leaves no room for a device tree */
    assert_true(load());
    assert_int_equal(params()->r2, 0);
}

static void test_load_and_entry(void **state)
{
    (void)state;
    make_machine(1, 16);
    options.load[0] = (BootLoad){make_file("abcdefgh", 8), RAM + 0x1003};
    options.load[1] = (BootLoad){make_file("in flash", 8), 0x40000000};
    options.load_count = 2;
    assert_true(load());
    assert_int_equal(params()->entry, RAM + 0x1003);
    assert_memory_equal(memory(RAM + 0x1003), "abcdefgh", 8);
    assert_memory_equal(memory(0x40000000), "in flash", 8);
    options.has_entry = true;
    options.entry = 0x40000001;
    assert_true(load());
    assert_int_equal(params()->entry, 0x40000001);
}

/* Address 0 is the boot ROM at reset, but RAM by the time that what was loaded is entered. */
static void test_address_0_is_ram(void **state)
{
    (void)state;
    make_machine(1, 128);
    options.load[0] = (BootLoad){make_file("abcdefgh", 8), 0x8000};
    options.load_count = 1;
    assert_true(load());
    assert_memory_equal(memory(RAM + 0x8000), "abcdefgh", 8);
    options.load[0].address = 0x4000000; /* past the 64 MiB that appear there */
    refused("lies outside the machine's RAM");
}

static void test_monitor_if_nothing_is_given(void **state)
{
    (void)state;
    make_machine(3, 128);
    assert_true(load());
    assert_int_equal(params()->flags, 0);
    assert_int_equal(params()->cpus, 3);
    assert_int_equal(params()->ram_bytes, 128 << 20);
}

static void test_display(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.kernel = make_zimage(0x10000);
    assert_true(load());
    assert_int_equal(params()->display_width, 0);
    assert_true(fdt_path_offset(handed_tree(), "/chosen/framebuffer@4c000000") < 0);
    options.display = (BootDisplay){800, 600, 32};
    options.screen_console = true;
    assert_true(load());
    assert_int_equal(params()->display_width, 800);
    assert_int_equal(params()->display_height, 600);
    assert_int_equal(params()->display_bits, 32);
    assert_true(fdt_path_offset(handed_tree(), "/chosen/framebuffer@4c000000") > 0);
    assert_string_equal(handed_command_line(), "console=ttyAMA0 console=tty0");
    options.append = "quiet console=ttyAMA0";
    assert_true(load());
    assert_string_equal(handed_command_line(), "quiet console=ttyAMA0");
    machine->options.boot_from_flash = true; /* nobody sets the display up */
    assert_true(load());
    assert_true(fdt_path_offset(handed_tree(), "/chosen/framebuffer@4c000000") < 0);
}

/* What the user puts into the picture stays there. */
static void test_picture_of_the_users(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.display = (BootDisplay){640, 480, 16};
    options.load[0] = (BootLoad){make_file("abcd", 4), 0x4c000000 + 640 * 480 * 2};
    options.load_count = 1;
    assert_true(load());
    assert_int_equal(params()->flags & BOOT_PARAMS_KEEP_FRAME, 0);
    options.load[0].address -= 4;
    assert_true(load());
    assert_int_equal(params()->flags & BOOT_PARAMS_KEEP_FRAME, BOOT_PARAMS_KEEP_FRAME);
}

/* ---- What does not fit ----------------------------------------------------------------------- */

static void test_outside_ram(void **state)
{
    (void)state;
    make_machine(1, 16);
    options.kernel = make_elf(0x20000000, 0x100, 0x100);
    refused("0x20000000-0x200000ff lies outside the machine's RAM (0x60000000-0x60ffffff)");
    options.kernel = make_elf(RAM + (16 << 20) - 0x80, 0x100, 0x100);
    refused("lies outside the machine's RAM");
    options.kernel = make_elf(0x1fff0000, 0x100, 0x100);
    refused("overlaps the boot ROM");
    options.kernel = NULL;
    options.load[0] = (BootLoad){path[0], 0x10009000}; /* a device */
    options.load_count = 1;
    refused("lies outside the machine's RAM");
    options.load[0].address = 0xfffffff0;
    refused("lies outside the machine's RAM");
}

static void test_overlaps(void **state)
{
    (void)state;
    make_machine(1, 256);
    options.kernel = make_zimage(0x10000);
    options.load[0] = (BootLoad){make_file("abcd", 4), RAM + (32 << 20) + 0x8000};
    options.load_count = 1;
    refused("overlaps the kernel");
    options.load[0].address = RAM + 0x1000;
    refused("overlaps the unpacked kernel");
    options.kernel = NULL;
    options.load[1] = (BootLoad){path[paths - 1], RAM + 0x1002};
    options.load_count = 2;
    refused("overlaps the");
}

/* A file at the place where initrd and device tree usually lie: they give way. */
static void test_initrd_gives_way(void **state)
{
    (void)state;
    make_machine(1, 256);
    uint8_t initrd[600] = "070701TRAILER!!!";
    options.kernel = make_zimage(0x10000);
    options.initrd = make_file(initrd, sizeof initrd);
    options.load[0] = (BootLoad){make_file("abcd", 4), RAM + (128 << 20) - 2};
    options.load_count = 1;
    assert_true(load());
    assert_memory_equal(memory(RAM + (128 << 20) - 2), "abcd", 4);
    assert_true(params()->r2 > RAM + (128 << 20));
}

static void test_initrd_too_large(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.kernel = make_zimage(0x10000);
    char *name = path[paths];
    options.initrd = make_file("070701", 6);
    assert_int_equal(truncate(name, 40 << 20), 0);
    refused("initrd (40960 KiB) and device tree need 74 MiB of memory together, the machine has 64: "
            "use --memory 128M");
    assert_int_equal(truncate(name, 200 << 20), 0);
    refused("use --memory 256M");
}

/* ---- Warnings and messages ------------------------------------------------------------------- */

static void warned(const char *text)
{
    assert_true(load());
    if (!strstr(warnings, text))
        fail_msg("\"%s\" is not in \"%s\"", text, warnings);
}

static void test_console_warning(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.kernel = make_zimage(0x10000);
    options.append = "quiet";
    warned("no console= on the kernel's command line");
    assert_string_equal(handed_command_line(), "quiet");
    options.append = "";
    warned("no console=");
    options.append = "console=ttyAMA0 quiet";
    assert_true(load());
    assert_string_equal(warnings, "");
}

static void test_other_warnings(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.kernel = make_zimage(0x10000);
    options.initrd = make_file("nonsense", 8);
    warned("initrd");
    options.initrd = NULL;
    options.kernel = NULL;
    options.append = "quiet";
    warned("there is no kernel");
    options.append = NULL;
    options.load[0] = (BootLoad){make_elf(RAM, 0x100, 0x100), RAM};
    options.load_count = 1;
    warned("is an ELF file");
}

static void test_missing_files(void **state)
{
    (void)state;
    make_machine(1, 64);
    options.kernel = "/nonexistent/zImage";
    refused("cannot read kernel /nonexistent/zImage: No such file or directory");
    options.kernel = make_zimage(0x10000);
    options.initrd = "/nonexistent/initrd";
    refused("cannot read initrd /nonexistent/initrd: No such file");
    options.initrd = NULL;
    options.dtb = "/nonexistent/dtb";
    refused("cannot read device tree /nonexistent/dtb: No such file");
    options.dtb = make_file("this is not a device tree at all, it is a text", 46);
    refused("is not a flattened device tree");
}

/* ---- Running --------------------------------------------------------------------------------- */

static void test_program_runs_and_switches_off(void **state)
{
    (void)state;
    make_machine(1, 16);
    options.kernel = make_file(switch_off, sizeof switch_off);
    assert_true(load());
    assert_int_equal(machine_run(machine), END_POWER_OFF);
    assert_int_equal(*(const uint32_t *)memory(RAM + 0x100), 1); /* r0 was 0 */
}

/* After a reboot the images are loaded again, and the ROM starts them again. */
static void test_reboot(void **state)
{
    (void)state;
    make_machine(1, 16);
    uint32_t reboot[8];
    memcpy(reboot, switch_off, sizeof reboot);
    reboot[7] = 0xc0900000; /* function 9 */
    options.kernel = make_file(reboot, sizeof reboot);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(load());
        *(uint32_t *)memory(RAM + 0x100) = 0;
        assert_int_equal(machine_run(machine), END_REBOOT);
        assert_int_equal(*(const uint32_t *)memory(RAM + 0x100), 1);
        machine_reset(machine);
    }
}

/* CPU 0 writes the address of `switch_off` to SYS_FLAGSSET and sends an interrupt: another CPU leaves the
 * pen. */
static void test_secondary_cpus_wait_in_the_pen(void **state)
{
    (void)state;
    static const uint32_t wake[] = {
        0xe3a01201, /* mov r1, #0x10000000 */
        0xe59f0018, /* ldr r0, [pc, #24]: the address */
        0xe5810030, /* str r0, [r1, #0x30]: SYS_FLAGSSET */
        0xe59f1014, /* ldr r1, [pc, #20]: the distributor */
        0xe3a00001, /* mov r0, #1 */
        0xe5810000, /* str r0, [r1]: ICDDCR, enable */
        0xe3a00802, /* mov r0, #0x20000: SGI 0 to CPU 1 */
        0xe5810f00, /* str r0, [r1, #0xf00]: ICDSGIR */
        0xeafffffe, /* b . */
        RAM + 0x200000, 0x1e001000,
    };
    make_machine(4, 16);
    options.kernel = make_file(wake, sizeof wake);
    options.load[0] = (BootLoad){make_file(switch_off, sizeof switch_off), RAM + 0x200000};
    options.load_count = 1;
    assert_true(load());
    assert_int_equal(machine_run(machine), END_POWER_OFF);
    assert_true(machine->cpu[1]->pc - (RAM + 0x200000) < sizeof switch_off + 4);
    for (unsigned n = 2; n < 4; n++)
        assert_int_equal(machine->cpu[n]->pc >> 16, BOOT_ROM_BASE >> 16);
}

/* ---- Setup ----------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    paths = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (machine)
        machine_free(machine);
    machine = NULL;
    while (paths)
        unlink(path[--paths]);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_zimage),
        TEST(test_small_memory),
        TEST(test_elf),
        TEST(test_tiny_memory),
        TEST(test_load_and_entry),
        TEST(test_address_0_is_ram),
        TEST(test_monitor_if_nothing_is_given),
        TEST(test_display),
        TEST(test_picture_of_the_users),
        TEST(test_outside_ram),
        TEST(test_overlaps),
        TEST(test_initrd_gives_way),
        TEST(test_initrd_too_large),
        TEST(test_console_warning),
        TEST(test_other_warnings),
        TEST(test_missing_files),
        TEST(test_program_runs_and_switches_off),
        TEST(test_reboot),
        TEST(test_secondary_cpus_wait_in_the_pen),
    };
    if (!mkdtemp(directory))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
