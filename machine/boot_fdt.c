/* Completes a device tree: memory, CPUs, command line, initrd, the picture on the screen. */
#include "machine/boot_fdt.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roms/boot_params.h"

/* Before it, properties were aligned in another way. */
enum { OLDEST_VERSION = 16 };

/* What the node of a virtio slot adds to a tree at most. */
enum { VIRTIO_NODE_BYTES = 256 };

static const char *source_name(const TreeSource *source)
{
    return source->path ? source->path : "the built-in device tree";
}

/* libfdt 1.6.1 goes round in circles where a property's length leads backwards, so no length may lead out. */
static bool lengths_fit(const TreeSource *source)
{
    const uint8_t *structure = source->data + fdt_off_dt_struct(source->data);
    size_t end = fdt_totalsize(source->data) - fdt_off_dt_struct(source->data);
    for (size_t at = 0; at + 12 <= end; at = (at + 3) & ~(size_t)3) {
        uint32_t tag = fdt32_ld((const fdt32_t *)(structure + at));
        at += 4;
        if (tag == FDT_BEGIN_NODE) {
            at += strnlen((const char *)structure + at, end - at) + 1;
        } else if (tag == FDT_PROP) {
            uint32_t length = fdt32_ld((const fdt32_t *)(structure + at));
            if (length > end - at - 8)
                return false;
            at += 8 + length;
        } else if (tag != FDT_END_NODE && tag != FDT_NOP) {
            return true; /* the end, or what libfdt will refuse */
        }
    }
    return true;
}

bool tree_check(const TreeSource *source, const char **warning, Error *err)
{
    *warning = NULL;
    const char *name = source_name(source);
    if (source->size >= 8 && !memcmp(source->data, "/dts-v1/", 8))
        return error_set(err, "device tree %s is a source text: compile it with \"dtc -I dts -O dtb\"", name);
    if (source->size < sizeof(struct fdt_header) || fdt_magic(source->data) != FDT_MAGIC)
        return error_set(err, "device tree %s is not a flattened device tree (.dtb)", name);
    if (fdt_totalsize(source->data) > source->size)
        return error_set(err, "device tree %s is truncated: %u bytes are missing", name,
                         (unsigned)(fdt_totalsize(source->data) - source->size));
    int bad = fdt_check_header(source->data);
    if (!bad && fdt_version(source->data) < OLDEST_VERSION)
        bad = -FDT_ERR_BADVERSION;
    if (!bad && !lengths_fit(source))
        bad = -FDT_ERR_BADSTRUCTURE;
    if (!bad)
        bad = fdt_check_full(source->data, source->size);
    if (bad)
        return error_set(err, "device tree %s is damaged: %s", name, fdt_strerror(bad));
    if (fdt_node_check_compatible(source->data, 0, "arm,vexpress"))
        *warning = "is for another board: its root node is not compatible with \"arm,vexpress\"";
    else if (fdt_node_check_compatible(source->data, 0, "arm,vexpress,v2p-ca9"))
        *warning = "is for another CoreTile: its root node is not compatible with \"arm,vexpress,v2p-ca9\"";
    return true;
}

uint32_t tree_room(const TreeSource *source, const TreeChanges *changes)
{
    size_t text = changes->bootargs ? strlen(changes->bootargs) : 0;
    return (uint32_t)(fdt_totalsize(source->data) + text + 4096 + changes->virtio_count * VIRTIO_NODE_BYTES);
}

const char *tree_bootargs(const TreeSource *source)
{
    int chosen = fdt_path_offset(source->data, "/chosen");
    const char *text = chosen < 0 ? NULL : fdt_getprop(source->data, chosen, "bootargs", NULL);
    return text && *text ? text : NULL;
}

bool tree_has_console(const TreeSource *source)
{
    int chosen = fdt_path_offset(source->data, "/chosen");
    return chosen >= 0 && (fdt_getprop(source->data, chosen, "stdout-path", NULL) ||
                           fdt_getprop(source->data, chosen, "linux,stdout-path", NULL));
}

/* Puts value into the last of `cells` big-endian cells. */
static uint32_t *put_cells(uint32_t *at, int cells, uint64_t value)
{
    for (int i = cells - 1; i >= 0; i--)
        *at++ = i < 2 ? cpu_to_fdt32((uint32_t)(value >> (32 * i))) : 0;
    return at;
}

static int node_of_type(const void *tree, int after, const char *type)
{
    return fdt_node_offset_by_prop_value(tree, after, "device_type", type, (int)strlen(type) + 1);
}

/* One memory node with exactly the machine's RAM; trees of bigger boards may have had more. */
static int set_memory(void *tree, const TreeChanges *changes)
{
    int node = node_of_type(tree, -1, "memory");
    for (int other; node >= 0 && (other = node_of_type(tree, node, "memory")) >= 0;) {
        int bad = fdt_del_node(tree, other);
        if (bad)
            return bad;
    }
    if (node < 0)
        node = fdt_add_subnode(tree, 0, "memory");
    if (node < 0)
        return node;
    int bad = fdt_setprop_string(tree, node, "device_type", "memory");
    uint32_t reg[8];
    uint32_t *end = put_cells(reg, fdt_address_cells(tree, 0), changes->ram_base);
    end = put_cells(end, fdt_size_cells(tree, 0), changes->ram_size);
    return bad ? bad : fdt_setprop(tree, node, "reg", reg, (int)((end - reg) * 4));
}

/* A performance monitor node lists one interrupt per CPU, and the CPUs: drops those of CPUs that are gone. */
static int trim_affinity(void *tree, int node)
{
    int length, interrupts_length;
    const fdt32_t *affinity = fdt_getprop(tree, node, "interrupt-affinity", &length);
    const fdt32_t *interrupts = fdt_getprop(tree, node, "interrupts", &interrupts_length);
    int count = length / 4, kept = 0;
    if (!count || !interrupts || interrupts_length % (4 * count))
        return 0;
    int stride = interrupts_length / 4 / count;
    uint32_t *copy = malloc((size_t)(length + interrupts_length));
    if (!copy)
        abort();
    uint32_t *lines = copy + count;
    for (int i = 0; i < count; i++) {
        if (fdt_node_offset_by_phandle(tree, fdt32_ld(&affinity[i])) < 0)
            continue;
        memcpy(lines + kept * stride, interrupts + i * stride, (size_t)stride * 4);
        memcpy(copy + kept++, affinity + i, 4);
    }
    int bad = kept == count ? 0 : fdt_setprop(tree, node, "interrupts", lines, kept * stride * 4);
    if (!bad && kept < count)
        bad = fdt_setprop(tree, node, "interrupt-affinity", copy, kept * 4);
    free(copy);
    return bad;
}

static int trim_affinities(void *tree)
{
    for (int node = fdt_next_node(tree, -1, NULL); node >= 0; node = fdt_next_node(tree, node, NULL)) {
        if (!fdt_getprop(tree, node, "interrupt-affinity", NULL))
            continue;
        int bad = trim_affinity(tree, node);
        if (bad)
            return bad;
    }
    return 0;
}

/* The number in a CPU node's reg, or 0. */
static uint32_t cpu_number(const void *tree, int node)
{
    int length;
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &length);
    return reg && length >= 4 ? fdt32_ld(&reg[length / 4 - 1]) & 0xff : 0;
}

static int remove_cpus(void *tree, unsigned cpus)
{
    int parent = fdt_path_offset(tree, "/cpus");
    if (parent < 0)
        return 0;
    bool any = false;
    for (int node = fdt_first_subnode(tree, parent); node >= 0;) {
        const char *type = fdt_getprop(tree, node, "device_type", NULL);
        if (!type || strcmp(type, "cpu") || cpu_number(tree, node) < cpus) {
            node = fdt_next_subnode(tree, node);
            continue;
        }
        int bad = fdt_del_node(tree, node);
        if (bad)
            return bad;
        any = true;
        node = fdt_first_subnode(tree, parent); /* offsets moved */
    }
    return any ? trim_affinities(tree) : 0;
}

static int set_chosen(void *tree, const TreeChanges *changes)
{
    int chosen = fdt_path_offset(tree, "/chosen");
    if (chosen < 0)
        chosen = fdt_add_subnode(tree, 0, "chosen");
    if (chosen < 0)
        return chosen;
    int bad = 0;
    if (changes->bootargs)
        bad = fdt_setprop_string(tree, chosen, "bootargs", changes->bootargs);
    if (!bad && changes->seed)
        bad = fdt_setprop(tree, chosen, "rng-seed", changes->seed, TREE_SEED_BYTES);
    if (bad || changes->initrd_start == changes->initrd_end)
        return bad;
    bad = fdt_setprop_u32(tree, chosen, "linux,initrd-start", changes->initrd_start);
    return bad ? bad : fdt_setprop_u32(tree, chosen, "linux,initrd-end", changes->initrd_end);
}

/* A node for the test device, which no board has. */
static int add_test_device(void *tree, const TreeChanges *changes)
{
    char name[32];
    snprintf(name, sizeof name, "test-device@%x", changes->test_device);
    int node = fdt_subnode_offset(tree, 0, name);
    if (node < 0)
        node = fdt_add_subnode(tree, 0, name);
    if (node < 0)
        return node;
    uint32_t reg[8];
    uint32_t *end = put_cells(reg, fdt_address_cells(tree, 0), changes->test_device);
    end = put_cells(end, fdt_size_cells(tree, 0), changes->test_device_size);
    int bad = fdt_setprop_string(tree, node, "compatible", "armature,test-device");
    return bad ? bad : fdt_setprop(tree, node, "reg", reg, (int)((end - reg) * 4));
}

/* The handle by which nodes name the interrupt controller; 0 if there is none. */
static uint32_t controller_handle(void *tree)
{
    static const char *const names[] = {"arm,cortex-a9-gic", "arm,gic-400", "arm,cortex-a15-gic"};
    int node = -1;
    for (unsigned n = 0; n < sizeof names / sizeof *names && node < 0; n++)
        node = fdt_node_offset_by_compatible(tree, -1, names[n]);
    uint32_t handle = node < 0 ? 0 : fdt_get_phandle(tree, node);
    if (node < 0 || handle)
        return handle;
    handle = fdt_get_max_phandle(tree) + 1;
    return fdt_setprop_u32(tree, node, "phandle", handle) ? 0 : handle;
}

static int add_virtio_slot(void *tree, const TreeVirtio *slot, uint32_t controller)
{
    enum { SHARED = 0, LEVEL_HIGH = 4 };
    char name[32];
    snprintf(name, sizeof name, "virtio@%x", slot->base);
    int node = fdt_add_subnode(tree, 0, name);
    if (node < 0)
        return node;
    uint32_t reg[8], interrupt[3];
    uint32_t *end = put_cells(reg, fdt_address_cells(tree, 0), slot->base);
    end = put_cells(end, fdt_size_cells(tree, 0), slot->size);
    put_cells(put_cells(put_cells(interrupt, 1, SHARED), 1, slot->interrupt), 1, LEVEL_HIGH);
    int bad = fdt_setprop_string(tree, node, "compatible", "virtio,mmio");
    bad = bad ? bad : fdt_setprop(tree, node, "reg", reg, (int)((end - reg) * 4));
    bad = bad ? bad : fdt_setprop_u32(tree, node, "interrupt-parent", controller);
    bad = bad ? bad : fdt_setprop(tree, node, "interrupts", interrupt, sizeof interrupt);
    return bad ? bad : fdt_setprop_empty(tree, node, "dma-coherent");
}

/* From the last to the first, as each new node goes before the others. */
static int add_virtio(void *tree, const TreeChanges *changes)
{
    if (!changes->virtio_count || fdt_node_offset_by_compatible(tree, -1, "virtio,mmio") >= 0)
        return 0;
    uint32_t controller = controller_handle(tree);
    for (unsigned n = changes->virtio_count; controller && n-- > 0;) {
        int bad = add_virtio_slot(tree, &changes->virtio[n], controller);
        if (bad)
            return bad;
    }
    return 0;
}

/* A property of /chosen as its parent has it, unless it is there. */
static int inherit_cells(void *tree, int chosen, const char *name, int cells)
{
    return fdt_getprop(tree, chosen, name, NULL) ? 0 : fdt_setprop_u32(tree, chosen, name, (uint32_t)cells);
}

/* So that the addresses of its nodes are those of the bus. */
static int make_chosen_a_bus(void *tree, int chosen)
{
    int bad = inherit_cells(tree, chosen, "#address-cells", fdt_address_cells(tree, 0));
    if (!bad)
        bad = inherit_cells(tree, chosen, "#size-cells", fdt_size_cells(tree, 0));
    if (!bad && !fdt_getprop(tree, chosen, "ranges", NULL))
        bad = fdt_setprop_empty(tree, chosen, "ranges");
    return bad;
}

static int describe_frame(void *tree, int chosen, int node, const BootDisplay *display)
{
    uint32_t reg[8];
    uint32_t *end = put_cells(reg, fdt_address_cells(tree, chosen), BOOT_FRAME_BASE);
    end = put_cells(end, fdt_size_cells(tree, chosen), boot_display_bytes(display));
    int bad = fdt_setprop_string(tree, node, "compatible", "simple-framebuffer");
    if (!bad)
        bad = fdt_setprop(tree, node, "reg", reg, (int)((end - reg) * 4));
    if (!bad)
        bad = fdt_setprop_u32(tree, node, "width", display->width);
    if (!bad)
        bad = fdt_setprop_u32(tree, node, "height", display->height);
    if (!bad)
        bad = fdt_setprop_u32(tree, node, "stride", boot_display_stride(display));
    if (!bad)
        bad = fdt_setprop_string(tree, node, "format", display->bits == 16 ? "r5g6b5" : "x8r8g8b8");
    return bad ? bad : fdt_setprop_string(tree, node, "status", "okay");
}

/* What the boot ROM shows, for kernels without a driver for the controller. A tree that describes a picture
 * of its own knows better. */
static int add_frame(void *tree, const BootDisplay *display)
{
    if (fdt_node_offset_by_compatible(tree, -1, "simple-framebuffer") >= 0)
        return 0;
    int chosen = fdt_path_offset(tree, "/chosen");
    int bad = chosen < 0 ? chosen : make_chosen_a_bus(tree, chosen);
    if (bad)
        return bad;
    char name[32];
    snprintf(name, sizeof name, "framebuffer@%x", BOOT_FRAME_BASE);
    int node = fdt_add_subnode(tree, chosen, name);
    return node < 0 ? node : describe_frame(tree, chosen, node, display);
}

bool tree_complete(const TreeSource *source, const TreeChanges *changes, uint8_t *out, uint32_t room,
                   Error *err)
{
    int bad = fdt_open_into(source->data, out, (int)room);
    if (!bad)
        bad = set_memory(out, changes);
    if (!bad)
        bad = remove_cpus(out, changes->cpus);
    if (!bad)
        bad = set_chosen(out, changes);
    if (!bad && changes->test_device)
        bad = add_test_device(out, changes);
    if (!bad && changes->display.width)
        bad = add_frame(out, &changes->display);
    if (!bad)
        bad = add_virtio(out, changes);
    if (!bad)
        bad = fdt_pack(out);
    if (bad)
        return error_set(err, "cannot complete device tree %s: %s", source_name(source), fdt_strerror(bad));
    return true;
}
