/* What the boot ROM does after a reset, and what it says when something goes wrong. */
#include "console.h"
#include "display.h"
#include "monitor.h"
#include "picture.h"
#include "text.h"
#include "uart.h"

enum { SYS_CFGDATA = 0x100000a0, SYS_CFGCTRL = 0x100000a4, SYS_CFGSTAT = 0x100000a8, SYS_CTRL = 0x10001000 };

enum { REMAP_CLEAR = 1 << 8 };

/* How often the first CPU looks whether the others have left address 0, or the configuration bus is done. */
enum { PATIENCE = 100000 };

const BootParams *boot_params(void)
{
    static const BootParams none = {
        .cpus = 1, .ram_base = 0x60000000, .ram_bytes = 0x40000000, .release = ""};
    const BootParams *params = (const BootParams *)(uintptr_t)(BOOT_ROM_BASE + BOOT_PARAMS_OFFSET);
    /* The loader may be older or newer than the ROM, or there was none (the ROM runs in another emulator). */
    return params->magic == BOOT_PARAMS_MAGIC && params->version == BOOT_PARAMS_VERSION ? params : &none;
}

bool text_equal(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

void config_write(unsigned function, unsigned device, uint32_t value)
{
    *word_at(SYS_CFGSTAT) = 0;
    *word_at(SYS_CFGDATA) = value;
    *word_at(SYS_CFGCTRL) = 3u << 30 | function << 20 | device; /* start, write; site 0: the motherboard */
    for (unsigned n = 0; n < PATIENCE && !*word_at(SYS_CFGSTAT); n++)
        ;
}

static void banner(void)
{
    const BootParams *params = boot_params();
    print("\nArmature %s: Arm Versatile Express, CoreTile Express A9x4 (V2P-CA9)\n", params->release);
    print("%u CPU%s Cortex-A9, %u MiB RAM at 0x%x. No kernel was given.\n\n", params->cpus,
          params->cpus == 1 ? "" : "s", params->ram_bytes >> 20, params->ram_base);
    print("What you can do on the command line of your computer (leave here with Ctrl-A x):\n"
          "    scripts/boot-debian                             boot Debian's installer\n"
          "    armature --kernel zImage --initrd initrd.gz     boot a kernel of yours\n"
          "    armature program.elf                            run a bare-metal program\n"
          "    armature --help                                 see all options\n\n"
          "Or stay here: this is a small monitor. Type help for its commands.\n\n");
}

static const char *fault_name(uint32_t fsr)
{
    static const char *const names[32] = {
        [0x01] = "alignment",
        [0x02] = "debug event",
        [0x03] = "access flag, section",
        [0x04] = "instruction cache maintenance",
        [0x05] = "translation, section",
        [0x06] = "access flag, page",
        [0x07] = "translation, page",
        [0x08] = "external abort: nothing answers there",
        [0x09] = "domain, section",
        [0x0b] = "domain, page",
        [0x0c] = "external abort on a table walk, level 1",
        [0x0d] = "permission, section",
        [0x0e] = "external abort on a table walk, level 2",
        [0x0f] = "permission, page",
        [0x16] = "asynchronous external abort",
    };
    const char *name = names[(fsr & 0xf) | (fsr >> 6 & 0x10)];
    return name ? name : "unknown reason";
}

static void show_fault(uint32_t kind)
{
    uint32_t status, address;
    if (kind == 4) {
        __asm__ volatile("mrc p15, 0, %0, c5, c0, 0" : "=r"(status));
        __asm__ volatile("mrc p15, 0, %0, c6, c0, 0" : "=r"(address));
    } else {
        __asm__ volatile("mrc p15, 0, %0, c5, c0, 1" : "=r"(status));
        __asm__ volatile("mrc p15, 0, %0, c6, c0, 2" : "=r"(address));
    }
    print("  address %08x: %s\n", address, fault_name(status));
}

/* Called by the exception vectors. frame: r0 to r12 and the address of the instruction. */
void rom_exception(uint32_t kind, const uint32_t *frame, uint32_t spsr);
void rom_exception(uint32_t kind, const uint32_t *frame, uint32_t spsr)
{
    static const char *const kinds[] = {
        "", "Undefined instruction", "SVC", "Prefetch abort", "Data abort", "IRQ", "FIQ"};
    console_start();
    display_start(); /* the program may have left it otherwise */
    print("\n%s at pc %08x, cpsr %08x\n", kinds[kind], frame[13], spsr);
    if (kind == 3 || kind == 4)
        show_fault(kind);
    for (unsigned i = 0; i < 13; i++)
        print("  r%u%s %08x%s", i, i < 10 ? " " : "", frame[i], i % 4 == 3 || i == 12 ? "\n" : "");
}

/* CPUs that run at the ROM's own address say so here (start.S); the first one cleared it. */
volatile uint8_t rom_parked[4];

/* Puts RAM at address 0. The other CPUs began there too and must have gone on to where the ROM stays. */
static void remap(void)
{
    for (unsigned cpu = 1; cpu < boot_params()->cpus && cpu < 4; cpu++)
        for (unsigned n = 0; n < PATIENCE && !rom_parked[cpu]; n++)
            ;
    *word_at(SYS_CTRL) |= REMAP_CLEAR;
}

/* The picture: alone in the middle while a kernel starts; for the monitor at the top, with a terminal below.
 */
static void show_picture(bool monitor)
{
    enum { GAP = 8 };
    if (!display_start() || boot_params()->flags & BOOT_PARAMS_KEEP_FRAME)
        return;
    uint32_t rows = picture_rows(), height = display_height(), top = monitor ? GAP : (height - rows) / 2;
    display_fill(0, monitor ? rows + 2 * GAP : height, COLOUR_BACKGROUND);
    picture_draw(top);
    if (monitor)
        text_start(rows + 2 * GAP);
}

void rom_main(bool after_exception);
void rom_main(bool after_exception)
{
    const BootParams *params = boot_params();
    if (!after_exception) {
        remap();
        bool enter = params->flags & BOOT_PARAMS_ENTER;
        show_picture(!enter);
        if (enter) {
            uart_start();
            rom_enter(params->r0, params->r1, params->r2, params->entry);
        }
        console_start();
        banner();
    }
    monitor_run();
}
