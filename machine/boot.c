/* Places what is to run into the machine's memory and fills the boot ROM's parameter block in.
 *
 * Layout of RAM for a kernel that does not bring its own addresses, from the bottom up: the place a zImage
 * unpacks itself into, the zImage (above it, so that it need not move itself away first), the device tree,
 * the initrd. The last two lie around 128 MiB, where every kernel has them in its linear map, or at the end
 * of a smaller memory. */
#define _GNU_SOURCE
#include "machine/boot.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/board.h"
#include "machine/boot_fdt.h"
#include "machine/boot_image.h"
#include "machine/random.h"
#include "machine/semihosting.h"
#include "roms/boot_params.h"
#include "roms/rom.h"

enum { MIB = 1 << 20, PAGE = 4096 };

/* Above the initrd of a machine with enough memory. */
enum { INITRD_OFFSET = 128 * MIB };

/* What a zImage needs behind itself while it unpacks: its variables, stack and heap. */
enum { ZIMAGE_TAIL = 1 * MIB };

/* The last console is the one that init and the installer talk to. */
#define DEFAULT_COMMAND_LINE "console=ttyAMA0"
#define SCREEN_COMMAND_LINE "console=ttyAMA0 console=tty0"

enum { MAX_RANGES = BOOT_MAX_LOADS + IMAGE_MAX_PARTS + 8 };

typedef struct Range {
    const char *what; /* "kernel", "initrd", ... */
    uint64_t start, end;
} Range;

typedef struct Boot {
    Machine *machine;
    const BootOptions *options;
    uint32_t ram_base;
    uint64_t ram_end;
    Range range[MAX_RANGES];
    unsigned ranges;
    FileView kernel, initrd, dtb;
    Image image;
    BootParams params;
} Boot;

static void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void warn(const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "armature: warning: %s\n", text);
}

static uint64_t align_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Images for address 0 up go to the RAM that the boot ROM maps there before it enters them. */
static uint64_t in_ram(const Boot *b, uint64_t address)
{
    uint64_t low = b->ram_end - b->ram_base;
    if (low > BOOT_REMAP_BYTES)
        low = BOOT_REMAP_BYTES;
    return address < low ? b->ram_base + address : address;
}

/* All of [start, end) must be memory that a loader may fill. */
static bool check_loadable(const Boot *b, const char *what, const char *path, uint64_t start, uint64_t end,
                           Error *err)
{
    for (uint64_t at = in_ram(b, start), stop = at + (end - start); at < stop;) {
        const Region *region = at <= UINT32_MAX ? bus_find(b->machine->bus, (uint32_t)at) : NULL;
        if (!region || region->kind == REGION_MMIO || !region->host)
            return error_set(err,
                             "%s %s does not fit: 0x%08llx-0x%08llx lies outside the machine's RAM "
                             "(0x%08x-0x%08llx)",
                             what, path, (unsigned long long)start, (unsigned long long)end - 1, b->ram_base,
                             (unsigned long long)b->ram_end - 1);
        if (region->host == b->machine->rom)
            return error_set(err,
                             "%s %s does not fit: 0x%08llx-0x%08llx overlaps the boot ROM (0x%08x up); RAM "
                             "begins at 0x%08x",
                             what, path, (unsigned long long)start, (unsigned long long)end - 1,
                             BOOT_ROM_BASE, b->ram_base);
        at = (uint64_t)region->base + region->size;
    }
    return true;
}

/* Notes that something occupies [start, end). */
static bool claim(Boot *b, const char *what, uint64_t start, uint64_t end, Error *err)
{
    end = in_ram(b, start) + (end - start);
    start = in_ram(b, start);
    for (unsigned i = 0; i < b->ranges; i++) {
        const Range *r = &b->range[i];
        if (start < r->end && r->start < end)
            return error_set(err, "the %s (0x%08llx-0x%08llx) overlaps the %s (0x%08llx-0x%08llx)", what,
                             (unsigned long long)start, (unsigned long long)end - 1, r->what,
                             (unsigned long long)r->start, (unsigned long long)r->end - 1);
    }
    assert(b->ranges < MAX_RANGES);
    b->range[b->ranges++] = (Range){what, start, end};
    log_line(b->machine->log, LOG_BOOT, what, "0x%08llx-0x%08llx", (unsigned long long)start,
             (unsigned long long)end - 1);
    return true;
}

/* Copies into guest memory. Big pieces for RAM go through its file: the kernel then makes the pages without
 * clearing them and without a page fault for each. */
static void put(Boot *b, uint32_t address, const uint8_t *data, size_t size)
{
    Machine *m = b->machine;
    size_t done = 0;
    address = (uint32_t)in_ram(b, address);
    if (address >= b->ram_base && address + (uint64_t)size <= b->ram_end)
        for (ssize_t got = 1; done < size && got > 0; done += got > 0 ? (size_t)got : 0)
            got = pwrite(m->ram_fd, data + done, size - done, (off_t)(address - b->ram_base + done));
    if (done < size)
        bus_load(m->bus, address + (uint32_t)done, data + done, size - done);
}

static void clear(Boot *b, uint32_t address, uint32_t size)
{
    static const uint8_t zeros[4 * PAGE];
    address = (uint32_t)in_ram(b, address);
    for (uint32_t part; size; size -= part, address += part) {
        part = size < sizeof zeros ? size : sizeof zeros;
        bus_load(b->machine->bus, address, zeros, part);
    }
}

/* A big file that a thread copies while the guest already runs; the bus makes whoever looks there wait. */
typedef struct Copy {
    pthread_t thread;
    FileView file;
    const uint8_t *data;
    size_t size;
    off_t at;
    int ram_fd;
} Copy;

enum { WORTH_A_THREAD = 1 << 20 };

static void *copy_thread(void *opaque)
{
    Copy *copy = opaque;
    size_t done = 0;
    for (ssize_t got = 1; done < copy->size && got > 0; done += got > 0 ? (size_t)got : 0)
        got = pwrite(copy->ram_fd, copy->data + done, copy->size - done, copy->at + (off_t)done);
    if (done < copy->size)
        warn("only %zu of %zu bytes of the initrd could be read: was the file changed meanwhile?", done,
             copy->size);
    return NULL;
}

static void finish_copy(void *opaque)
{
    Copy *copy = opaque;
    pthread_join(copy->thread, NULL);
    file_close(&copy->file);
    free(copy);
}

/* Puts data, which lies in file, into RAM at address; takes the file over if it is still needed afterwards.
 */
static void put_later(Boot *b, uint32_t address, const uint8_t *data, size_t size, FileView *file)
{
    Machine *m = b->machine;
    Copy *copy = size >= WORTH_A_THREAD ? malloc(sizeof *copy) : NULL;
    if (copy) {
        *copy = (Copy){
            .file = *file, .data = data, .size = size, .at = address - b->ram_base, .ram_fd = m->ram_fd};
        if (!pthread_create(&copy->thread, NULL, copy_thread, copy)) {
            *file = (FileView){0};
            bus_defer(m->bus, m->ram + copy->at, size, finish_copy, copy);
            return;
        }
        free(copy);
    }
    put(b, address, data, size);
}

/* ---- Kernel ---------------------------------------------------------------------------------- */

/* Chooses the address of an image that has none. */
static bool place_kernel(Boot *b, const char *path, Error *err)
{
    Image *image = &b->image;
    ImagePart *part = &image->part[0];
    uint64_t offset = image->unpacked ? align_up(image->unpacked, MIB) : image->text_offset;
    uint64_t end = b->ram_base + offset + part->memory_size + (image->unpacked ? ZIMAGE_TAIL : 0);
    if (end > b->ram_end)
        return error_set(err, "kernel %s needs %llu MiB of memory, the machine has %llu: use --memory %lluM",
                         path, (unsigned long long)(end - b->ram_base + MIB - 1) / MIB,
                         (unsigned long long)(b->ram_end - b->ram_base) / MIB,
                         (unsigned long long)align_up(end - b->ram_base, 32 * MIB) / MIB);
    part->address = b->ram_base + (uint32_t)offset;
    image->entry += part->address;
    image->placed = true;
    if (!image->unpacked)
        return true;
    return claim(b, "unpacked kernel", b->ram_base, b->ram_base + (uint64_t)image->unpacked, err) &&
           claim(b, "working space of the zImage", (uint64_t)part->address + part->memory_size, end, err);
}

/* NULL: there is none. */
static const char *kernel_name(const Boot *b)
{
    const BootOptions *options = b->options;
    return options->kernel ? options->kernel : options->medium ? options->medium->kernel_name : NULL;
}

static bool open_kernel(Boot *b, Error *err)
{
    return b->options->kernel
               ? file_open(&b->kernel, "kernel", b->options->kernel, err)
               : file_view(&b->kernel, "kernel", kernel_name(b), b->options->medium->kernel, err);
}

static bool load_kernel(Boot *b, Error *err)
{
    const char *path = kernel_name(b);
    Image *image = &b->image;
    if (!open_kernel(b, err) ||
        !image_recognise(image, &b->kernel, b->ram_base, b->ram_end - b->ram_base, err))
        return false;
    log_line(b->machine->log, LOG_BOOT, "kernel", "%s: %s", path, image->format);
    if (!image->placed && !place_kernel(b, path, err))
        return false;
    for (unsigned i = 0; i < image->parts; i++) {
        const ImagePart *part = &image->part[i];
        uint64_t end = (uint64_t)part->address + part->memory_size;
        if (!check_loadable(b, "kernel", path, part->address, end, err) ||
            !claim(b, "kernel", part->address, end, err))
            return false;
    }
    for (unsigned i = 0; i < image->parts; i++) {
        const ImagePart *part = &image->part[i];
        put(b, part->address, part->data, part->size);
        clear(b, part->address + part->size, part->memory_size - part->size);
    }
    b->params.entry = image->entry;
    b->params.flags |= BOOT_PARAMS_ENTER;
    return true;
}

/* ---- --load ---------------------------------------------------------------------------------- */

static bool load_binary(Boot *b, const BootLoad *load, Error *err)
{
    FileView file;
    if (!file_open(&file, "file", load->path, err))
        return false;
    if (file.size >= 4 && !memcmp(file.data,
                                  "\x7f"
                                  "ELF",
                                  4))
        warn("%s is an ELF file; --load puts it into memory byte by byte (--kernel would load its segments)",
             load->path);
    uint64_t end = (uint64_t)load->address + file.size;
    bool ok = check_loadable(b, "file", load->path, load->address, end, err) &&
              claim(b, load->path, load->address, end, err);
    if (ok)
        put(b, load->address, file.data, file.size);
    file_close(&file);
    return ok;
}

static bool load_binaries(Boot *b, Error *err)
{
    for (unsigned i = 0; i < b->options->load_count; i++)
        if (!load_binary(b, &b->options->load[i], err))
            return false;
    if (b->options->load_count && !kernel_name(b)) {
        b->params.entry = b->options->load[0].address;
        b->params.flags |= BOOT_PARAMS_ENTER;
    }
    return true;
}

/* ---- initrd and device tree ------------------------------------------------------------------ */

typedef struct Extras {
    const uint8_t *initrd;
    size_t initrd_size;
    uint64_t initrd_start;
    TreeSource tree;
    TreeChanges changes;
    uint8_t seed[TREE_SEED_BYTES];
    uint32_t tree_start, tree_room;
} Extras;

static bool open_initrd(Boot *b, Extras *x, Error *err)
{
    const BootMedium *medium = b->options->medium;
    bool on_medium = !b->options->initrd && !b->options->kernel && medium && medium->initrd >= 0;
    const char *path = on_medium ? medium->initrd_name : b->options->initrd, *warning;
    if (!path)
        return true;
    if (!kernel_name(b))
        warn("--initrd does nothing without a kernel");
    if (!(on_medium ? file_view(&b->initrd, "initrd", path, medium->initrd, err)
                    : file_open(&b->initrd, "initrd", path, err)) ||
        !initrd_recognise(&b->initrd, &x->initrd, &x->initrd_size, &warning, err))
        return false;
    if (warning)
        warn("initrd %s %s", path, warning);
    return true;
}

static bool open_tree(Boot *b, Extras *x, Error *err)
{
    const char *path = b->options->dtb, *warning;
    x->tree = (TreeSource){rom_device_tree, (size_t)(rom_device_tree_end - rom_device_tree), NULL};
    if (path) {
        if (!file_open(&b->dtb, "device tree", path, err))
            return false;
        x->tree = (TreeSource){b->dtb.data, b->dtb.size, path};
    }
    if (!tree_check(&x->tree, &warning, err))
        return false;
    if (warning)
        warn("device tree %s %s", path, warning);
    return true;
}

/* Where does the occupied part of RAM that begins at its start end? */
static uint64_t low_end(const Boot *b)
{
    uint64_t end = b->ram_base;
    for (unsigned i = 0; i < b->ranges; i++)
        if (b->range[i].start >= b->ram_base && b->range[i].start < b->ram_base + INITRD_OFFSET &&
            b->range[i].end > end && b->range[i].end <= b->ram_end)
            end = b->range[i].end;
    return end;
}

/* Chooses addresses for both; the device tree lies below the initrd. */
static bool place_extras(Boot *b, Extras *x, Error *err)
{
    uint64_t size = align_up(x->initrd_size, PAGE), bottom = align_up(low_end(b), PAGE);
    uint64_t initrd = b->ram_base + (uint64_t)INITRD_OFFSET;
    if (initrd < bottom + x->tree_room + PAGE)
        initrd = bottom + align_up(x->tree_room, PAGE);
    if (initrd + size > b->ram_end)
        initrd = size < b->ram_end - b->ram_base ? b->ram_end - size : b->ram_base;
    uint64_t tree = (initrd - x->tree_room) & ~(uint64_t)(PAGE - 1);
    if (initrd + size > b->ram_end || tree < bottom || tree > initrd) {
        uint64_t need = bottom - b->ram_base + size + align_up(x->tree_room, PAGE);
        return error_set(
            err,
            "kernel, initrd (%zu KiB) and device tree need %llu MiB of memory together, the machine has "
            "%llu: use --memory %lluM",
            x->initrd_size >> 10, (unsigned long long)(need / MIB + 1),
            (unsigned long long)(b->ram_end - b->ram_base) / MIB,
            (unsigned long long)align_up(need, 64 * MIB) / MIB);
    }
    x->initrd_start = initrd;
    x->tree_start = (uint32_t)tree;
    return true;
}

static const char *command_line(const Boot *b, const Extras *x)
{
    if (b->options->append)
        return b->options->append;
    if (!b->image.linux_kernel || tree_bootargs(&x->tree))
        return NULL;
    return b->options->screen_console ? SCREEN_COMMAND_LINE : DEFAULT_COMMAND_LINE;
}

static void check_console(const Boot *b, const Extras *x)
{
    const char *text = x->changes.bootargs ? x->changes.bootargs : tree_bootargs(&x->tree);
    bool named =
        text && (strstr(text, "console=") || strstr(text, "earlycon") || strstr(text, "earlyprintk"));
    if (b->image.linux_kernel && !named && !tree_has_console(&x->tree))
        warn("there is no console= on the kernel's command line, so it may show nothing: add console=ttyAMA0 "
             "to --append");
}

static bool put_tree(Boot *b, Extras *x, Error *err)
{
    uint8_t *tree = bus_host(b->machine->bus, x->tree_start, x->tree_room);
    assert(tree);
    if (!tree_complete(&x->tree, &x->changes, tree, x->tree_room, err) ||
        !claim(b, "device tree", x->tree_start, (uint64_t)x->tree_start + x->tree_room, err))
        return false;
    b->params.r2 = x->tree_start;
    return true;
}

/* The virtio devices that the machine has, by the board's rows. */
static void list_virtio(const Machine *machine, TreeChanges *changes)
{
    for (unsigned n = 0; n < vexpress_a9.device_count; n++) {
        const BoardDevice *row = &vexpress_a9.device[n];
        const Device *dev = machine_device((Machine *)machine, row->name);
        if (!dev || strncmp(row->type, "virtio_", 7) || changes->virtio_count == TREE_VIRTIO_MOST)
            continue;
        changes->virtio[changes->virtio_count++] =
            (TreeVirtio){dev->base, dev->type->window, row->line[0].input};
    }
}

/* So that the kernel need not gather randomness, for seconds, before it gives any. Another one at each reset.
 */
static void make_seed(const Machine *machine, Extras *x)
{
    uint64_t state[RANDOM_WORDS];
    if (machine->env.entropy) {
        machine->env.entropy(x->seed, sizeof x->seed);
    } else {
        random_seed(state, machine->options.seed + clock_now(machine->clock));
        random_bytes(state, x->seed, sizeof x->seed);
    }
    x->changes.seed = x->seed;
}

static bool load_extras(Boot *b, Error *err)
{
    Extras x = {0};
    if (!open_initrd(b, &x, err) || !open_tree(b, &x, err))
        return false;
    x.changes = (TreeChanges){.ram_base = b->ram_base,
                              .ram_size = b->ram_end - b->ram_base,
                              .cpus = b->machine->options.cpus,
                              .bootargs = command_line(b, &x)};
    if (!b->machine->options.boot_from_flash) /* without the ROM, nobody sets the display up */
        x.changes.display = b->options->display;
    const Device *test =
        b->machine->options.test_device ? machine_device(b->machine, vexpress_a9.test_device) : NULL;
    if (test) {
        x.changes.test_device = test->base;
        x.changes.test_device_size = test->type->window;
    }
    if (b->machine->options.rng)
        make_seed(b->machine, &x);
    list_virtio(b->machine, &x.changes);
    check_console(b, &x);
    x.tree_room = tree_room(&x.tree, &x.changes);
    if (!place_extras(b, &x, err)) {
        /* A bare-metal program that fills a small memory can do without the tree it did not ask for. */
        return !b->image.linux_kernel && !b->options->dtb && !b->options->initrd;
    }
    if (x.initrd_size) {
        uint64_t end = x.initrd_start + x.initrd_size;
        if (!claim(b, "initrd", x.initrd_start, end, err))
            return false;
        put_later(b, (uint32_t)x.initrd_start, x.initrd, x.initrd_size, &b->initrd);
        x.changes.initrd_start = (uint32_t)x.initrd_start;
        x.changes.initrd_end = (uint32_t)end;
    }
    return put_tree(b, &x, err);
}

/* ---- Everything ------------------------------------------------------------------------------ */

static bool is_in_frame(const Boot *b)
{
    uint64_t end = (uint64_t)BOOT_FRAME_BASE + boot_display_bytes(&b->options->display);
    for (unsigned i = 0; i < b->ranges; i++)
        if (b->range[i].start < end && b->range[i].end > BOOT_FRAME_BASE)
            return true;
    return false;
}

static void write_rom(Boot *b)
{
    if (is_in_frame(b))
        b->params.flags |= BOOT_PARAMS_KEEP_FRAME;
    size_t size = (size_t)(rom_image_end - rom_image);
    assert(size <= BOOT_PARAMS_OFFSET);
    memcpy(b->machine->rom, rom_image, size);
    memcpy(b->machine->rom + BOOT_PARAMS_OFFSET, &b->params, sizeof b->params);
}

static bool load_all(Boot *b, Error *err)
{
    const BootOptions *options = b->options;
    if (kernel_name(b) && !load_kernel(b, err))
        return false;
    if (!load_binaries(b, err))
        return false;
    if (options->has_entry) {
        b->params.entry = options->entry;
        b->params.flags |= BOOT_PARAMS_ENTER;
    }
    if (b->params.flags & BOOT_PARAMS_ENTER)
        return load_extras(b, err);
    if (options->initrd || options->dtb || options->append)
        warn("there is no kernel: --initrd, --dtb and --append do nothing");
    return true;
}

/* The longest piece of RAM that nothing was put into. */
static void find_free_memory(const Boot *b, uint64_t *base, uint64_t *limit)
{
    *base = *limit = b->ram_base;
    for (unsigned n = 0; n <= b->ranges; n++) {
        uint64_t start = n < b->ranges ? align_up(b->range[n].end, PAGE) : b->ram_base, end = b->ram_end;
        for (unsigned k = 0; k < b->ranges; k++) {
            const Range *r = &b->range[k];
            if (r->start <= start && start < r->end)
                start = end;
            else if (r->start > start && r->start < end)
                end = r->start & ~(uint64_t)(PAGE - 1);
        }
        if (start >= b->ram_base && start < end && end - start > *limit - *base) {
            *base = start;
            *limit = end;
        }
    }
}

/* What a program may ask for by semihosting. */
static void tell_semihosting(const Boot *b)
{
    Semihosting *s = b->machine->semihosting;
    const BootOptions *options = b->options;
    uint64_t base, limit;
    if (!s)
        return;
    find_free_memory(b, &base, &limit);
    semihosting_set_free_memory(s, (uint32_t)base, (uint32_t)limit);
    const char *program = options->kernel       ? options->kernel
                          : options->load_count ? options->load[0].path
                                                : NULL;
    semihosting_set_command_line(s, program, options->append);
}

bool boot_load(Machine *machine, const BootOptions *options, Error *err)
{
    Boot b = {.machine = machine, .options = options, .ram_base = machine_ram_base(machine)};
    bus_settle(machine->bus);
    machine_changed(machine);
    b.ram_end = b.ram_base + machine->options.memory;
    b.params = (BootParams){.magic = BOOT_PARAMS_MAGIC,
                            .version = BOOT_PARAMS_VERSION,
                            .r1 = BOOT_MACHINE_TYPE,
                            .cpus = machine->options.cpus,
                            .ram_base = b.ram_base,
                            .ram_bytes = (uint32_t)machine->options.memory,
                            .display_width = options->display.width,
                            .display_height = options->display.height,
                            .display_bits = options->display.bits,
                            .release = ARMATURE_VERSION};
    bool ok = load_all(&b, err);
    if (ok) {
        write_rom(&b);
        tell_semihosting(&b);
    }
    image_free(&b.image);
    file_close(&b.kernel);
    file_close(&b.initrd);
    file_close(&b.dtb);
    return ok;
}
