/* Versatile Express with the CoreTile Express A9x4: V2M-P1 motherboard (DUI 0447) with V2P-CA9 daughterboard
 * (DUI 0448). Addresses and interrupts are those of Linux's device tree for the board. */
#include "devices/cfi_flash.h"
#include "machine/board.h"
#include "machine/machine.h"

_Static_assert((int)MACHINE_FLASH_BYTES == (int)CFI_FLASH_BYTES, "the flash banks' size");

#define MIB(n) ((n)*0x100000u)
#define VRAM 0x4c000000u

/* clang-format off */
/* Interrupt controller inputs: shared interrupts first, then five private ones for each CPU (see devices/gic.c). */
#define PPI(cpu, id) (64 + 5 * (cpu) + (id) - 27)
#define TO_GIC(output, input) {output, input, NULL}
#define EACH_CPU(id) TO_GIC(0, PPI(0, id)), TO_GIC(1, PPI(1, id)), TO_GIC(2, PPI(2, id)), TO_GIC(3, PPI(3, id))
#define PRIVATE(id) .line = {EACH_CPU(id)}, .lines = 4
#define NO_LINES .lines = 0
#define SPI(n) .line = {TO_GIC(0, n)}, .lines = 1
#define VIRTIO_SLOT(n) (0x10013000 + 0x200 * (n))
/* Interrupts that nothing on the motherboard uses: 32 to 42, then 18 to 31. */
#define VIRTIO_LINE(n) SPI((n) < 11 ? 32 + (n) : 18 + (n) - 11)
#define IF(what, n) .option = BOARD_##what, .number = (n)
#define TWO_SPIS(first, second) .line = {TO_GIC(0, first), TO_GIC(1, second)}, .lines = 2

/* clang-format on */

enum { PERIPHCLK = 200000000, REFCLK_32K = 32768, TIMCLK = 1000000 };

/* clang-format off */
static const BoardMemory memory[] = {
    {"rom at 0", 0x00000000, 0,       REGION_ROM, STORE_ROM,   REMAP_BEFORE},
    {"ram at 0", 0x00000000, MIB(64), REGION_RAM, STORE_RAM,   REMAP_AFTER},
    {"rom",      0x1fff0000, 0,       REGION_ROM, STORE_ROM,   REMAP_EITHER},
    {"psram",    0x48000000, 0,       REGION_RAM, STORE_PSRAM, REMAP_EITHER},
    {"vram",     VRAM,       0,       REGION_RAM, STORE_VRAM,  REMAP_EITHER},
    {"ram",      0x60000000, 0,       REGION_RAM, STORE_RAM,   REMAP_EITHER},
};

static const BoardDevice devices[] = {
    /* The Cortex-A9 MPCore's private region */
    {"gic",          "gic",       0x1e001000, NULL, {{0}}, NO_LINES},
    {"gic_cpu",      "gic_cpu",   0x1e000100, "gic", {{0}}, NO_LINES},
    {"scu",          "scu",       0x1e000000, NULL, {{0}}, NO_LINES},
    {"global_timer", "gtimer",    0x1e000200, NULL, {{PERIPHCLK}}, PRIVATE(27)},
    {"a9_timer",     "ptimer",    0x1e000600, NULL, {{PERIPHCLK}}, PRIVATE(29)},
    {"a9_watchdog",  "pwatchdog", 0x1e000620, NULL, {{PERIPHCLK}}, PRIVATE(30)},
    {"l2c310",       "l2",        0x1e00a000, NULL, {{0}}, SPI(43)},
    /* The daughterboard */
    {"pl111",        "clcd1",     0x10020000, NULL, {{DISPLAY_TILE}}, SPI(44)},
    {"pl341",        "dmc",       0x100e0000, NULL, {{0}}, NO_LINES},
    {"pl354",        "smc",       0x100e1000, NULL, {{0}}, TWO_SPIS(45, 46)},
    {"sp804",        "timer45",   0x100e4000, NULL, {{TIMCLK, TIMCLK}}, .line = {TO_GIC(1, 48), TO_GIC(2, 49)}, .lines = 2},
    {"sp805",        "wdt1",      0x100e5000, NULL, {{REFCLK_32K}}, SPI(51)},
    {"bp147",        "tzpc",      0x100e6000, NULL, {{0}}, NO_LINES},
    /* The motherboard */
    {"sysreg",       "sysreg",    0x10000000, NULL, {{0}}, SPI(1)},
    {"sp810",        "sysctl",    0x10001000, NULL, {{0}}, NO_LINES},
    {"versatile_i2c", "i2c1",     0x10002000, NULL, {{0}}, NO_LINES},
    {"pl041",        "aaci",      0x10004000, NULL, {{1, 512}}, SPI(11)},
    {"pl180",        "mmc",       0x10005000, NULL, {{0}},
     .line = {TO_GIC(0, 9), TO_GIC(1, 10), {2, 0, "sysreg"}, {3, 1, "sysreg"}}, .lines = 4},
    {"pl050",        "kmi0",      0x10006000, NULL, {{0}}, SPI(12)},
    {"pl050",        "kmi1",      0x10007000, NULL, {{1}}, SPI(13)},
    {"ps2_keyboard", "keyboard",  0,          NULL, {{0}}, NO_LINES},
    {"ps2_mouse",    "mouse",     0,          NULL, {{1}}, NO_LINES},
    {"pl011",        "uart0",     0x10009000, NULL, {{0}}, SPI(5)},
    {"pl011",        "uart1",     0x1000a000, NULL, {{1}}, SPI(6)},
    {"pl011",        "uart2",     0x1000b000, NULL, {{2}}, SPI(7)},
    {"pl011",        "uart3",     0x1000c000, NULL, {{3}}, SPI(8)},
    {"sp805",        "wdt0",      0x1000f000, NULL, {{REFCLK_32K}}, SPI(0)},
    {"sp804",        "timer01",   0x10011000, NULL, {{TIMCLK, TIMCLK}}, SPI(2)},
    {"sp804",        "timer23",   0x10012000, NULL, {{TIMCLK, TIMCLK}}, SPI(3)},
    {"versatile_i2c", "i2c0",     0x10016000, NULL, {{1}}, NO_LINES},
    {"sii9022",      "dvi",       0,          NULL, {{1}}, NO_LINES},
    {"pl031",        "rtc",       0x10017000, NULL, {{0}}, SPI(4)},
    {"compact_flash", "cf",       0x1001a000, NULL, {{0}}, NO_LINES},
    {"pl111",        "clcd0",     0x1001f000, NULL, {{DISPLAY_MOTHERBOARD, VRAM, MIB(8)}}, SPI(14)},
    /* Static memory */
    {"cfi_flash",    "flash0",    0x40000000, NULL, {{0}}, NO_LINES},
    {"cfi_flash",    "flash1",    0x44000000, NULL, {{1}}, NO_LINES},
    {"lan9118",      "lan",       0x4e000000, NULL, {{0}}, SPI(15)},
    {"isp1761",      "usb",       0x4f000000, NULL, {{0}}, SPI(16)},
    /* Not on the board: virtio slots of 0x200 bytes, in a part of the motherboard's peripherals that both of its
     * memory maps leave free. A device keeps its slot whatever others are there. */
    {"virtio_input", "vkeyboard", VIRTIO_SLOT(0), NULL, {{INPUT_KEYBOARD}}, VIRTIO_LINE(0)},
    {"virtio_input", "vmouse",    VIRTIO_SLOT(1), NULL, {{INPUT_MOUSE}},    VIRTIO_LINE(1)},
    {"virtio_input", "vtablet",   VIRTIO_SLOT(2), NULL, {{INPUT_TABLET}},   VIRTIO_LINE(2)},
    {"virtio_gpu",   "vgpu",      VIRTIO_SLOT(3), NULL, {{1024, 768}},      VIRTIO_LINE(3), IF(GPU, 0)},
    {"virtio_blk",   "vdisk0", VIRTIO_SLOT(4), NULL, {{0}},             VIRTIO_LINE(4), IF(DISK, 0)},
    {"virtio_blk",   "vdisk1", VIRTIO_SLOT(5), NULL, {{1}},             VIRTIO_LINE(5), IF(DISK, 1)},
    {"virtio_blk",   "vdisk2", VIRTIO_SLOT(6), NULL, {{2}},             VIRTIO_LINE(6), IF(DISK, 2)},
    {"virtio_blk",   "vdisk3", VIRTIO_SLOT(7), NULL, {{3}},             VIRTIO_LINE(7), IF(DISK, 3)},
    {"virtio_blk",   "vdisk4", VIRTIO_SLOT(8), NULL, {{4}},             VIRTIO_LINE(8), IF(DISK, 4)},
    {"virtio_blk",   "vdisk5", VIRTIO_SLOT(9), NULL, {{5}},             VIRTIO_LINE(9), IF(DISK, 5)},
    {"virtio_blk",   "vdisk6", VIRTIO_SLOT(10), NULL, {{6}},             VIRTIO_LINE(10), IF(DISK, 6)},
    {"virtio_blk",   "vdisk7", VIRTIO_SLOT(11), NULL, {{7}},             VIRTIO_LINE(11), IF(DISK, 7)},
    {"virtio_net",   "vnet0",     VIRTIO_SLOT(12), NULL, {{0}},             VIRTIO_LINE(12), IF(NET, 0)},
    {"virtio_net",   "vnet1",     VIRTIO_SLOT(13), NULL, {{1}},             VIRTIO_LINE(13), IF(NET, 1)},
    {"virtio_9p",    "vshare0",   VIRTIO_SLOT(14), NULL, {{0}},             VIRTIO_LINE(14), IF(SHARE, 0)},
    {"virtio_9p",    "vshare1",   VIRTIO_SLOT(15), NULL, {{1}},             VIRTIO_LINE(15), IF(SHARE, 1)},
    {"virtio_9p",    "vshare2",   VIRTIO_SLOT(16), NULL, {{2}},             VIRTIO_LINE(16), IF(SHARE, 2)},
    {"virtio_9p",    "vshare3",   VIRTIO_SLOT(17), NULL, {{3}},             VIRTIO_LINE(17), IF(SHARE, 3)},
    {"virtio_rng",   "vrng",      VIRTIO_SLOT(18), NULL, {{0}},             VIRTIO_LINE(18), IF(RNG, 0)},
    {"virtio_console", "vconsole", VIRTIO_SLOT(19), NULL, {{SERIAL_CONSOLE}}, VIRTIO_LINE(19), IF(CONSOLE, 0)},
    {"virtio_balloon", "vballoon", VIRTIO_SLOT(20), NULL, {{0}},            VIRTIO_LINE(20), IF(BALLOON, 0)},
    {"test_device",  "test",      0x10018000, NULL, {{0}}, NO_LINES, IF(TEST_DEVICE, 0)},
};
/* clang-format on */

const Board vexpress_a9 = {
    .name = "vexpress-a9",
    .memory = memory,
    .memory_count = sizeof memory / sizeof *memory,
    .device = devices,
    .device_count = sizeof devices / sizeof *devices,
    .interrupt_controller = "gic",
    .boot_flash = "flash0",
    .console = "uart0",
    .test_device = "test",
    .remap_device = "sysctl",
    .remap_output = 0,
    .store_size =
        {[STORE_RAM] = MIB(1024), [STORE_ROM] = 0x10000, [STORE_VRAM] = MIB(8), [STORE_PSRAM] = MIB(32)},
    .pmu_line = {60,                      61,                    62,                    63                     },
};
