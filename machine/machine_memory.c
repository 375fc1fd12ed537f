/* The machine's memory: what a board's table has behind which addresses. */
#define _GNU_SOURCE
#include "machine/machine_parts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/board.h"

static bool make_store(uint8_t **store, int *fd, const char *name, uint64_t size, Error *err)
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    if (*fd < 0 || ftruncate(*fd, (off_t)size))
        return error_set(err, "cannot create %llu KiB of guest memory: %s%s", (unsigned long long)size >> 10,
                         strerror(errno), errno == EFBIG ? " (a limit of the shell, see ulimit -f)" : "");
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
    if (at == MAP_FAILED)
        return error_set(err, "cannot map %llu KiB of guest memory: %s", (unsigned long long)size >> 10,
                         strerror(errno));
    *store = at;
    return true;
}

static uint8_t *store_host(const Machine *m, BoardStore store)
{
    uint8_t *const host[STORES] = {
        [STORE_RAM] = m->ram, [STORE_ROM] = m->rom, [STORE_VRAM] = m->vram, [STORE_PSRAM] = m->psram};
    return host[store];
}

static bool row_is_mapped(const Machine *m, const BoardMemory *row, BoardRemap when)
{
    bool wanted = row->store != STORE_ROM || !m->options.boot_from_flash;
    return row->when == when && wanted;
}

static void map_memory(Machine *m, const Board *board, BoardRemap when)
{
    for (unsigned n = 0; n < board->memory_count; n++) {
        const BoardMemory *row = &board->memory[n];
        if (!row_is_mapped(m, row, when))
            continue;
        uint64_t size = row->store == STORE_RAM ? m->options.memory : board->store_size[row->store];
        if (row->size && row->size < size)
            size = row->size;
        Region *region = bus_add(m->bus, &(Region){.name = row->name,
                                                   .base = row->base,
                                                   .size = size,
                                                   .kind = row->kind,
                                                   .host = store_host(m, row->store)});
        if (when != REMAP_EITHER)
            m->remapped[m->remapped_count++] = region;
    }
}

bool machine_make_memory(Machine *m, Error *err)
{
    const Board *board = &vexpress_a9;
    if (!make_store(&m->ram, &m->ram_fd, "armature-ram", m->options.memory, err) ||
        !make_store(&m->rom, &m->rom_fd, "armature-rom", board->store_size[STORE_ROM], err) ||
        !make_store(&m->vram, &m->vram_fd, "armature-vram", board->store_size[STORE_VRAM], err) ||
        !make_store(&m->psram, &m->psram_fd, "armature-psram", board->store_size[STORE_PSRAM], err))
        return false;
    map_memory(m, board, REMAP_EITHER);
    return true;
}

void machine_free_memory(Machine *m)
{
    MachineMemory memory;
    for (unsigned n = 0; machine_memory(m, n, &memory); n++) {
        if (memory.fd && memory.host)
            munmap(memory.host, memory.size);
        if (memory.fd && *memory.fd >= 0)
            close(*memory.fd);
    }
}

Region *machine_map_device(Machine *m, Device *dev, uint32_t base)
{
    Region region = {.name = dev->name,
                     .base = base,
                     .size = dev->type->window,
                     .kind = REGION_MMIO,
                     .ops = &device_mmio,
                     .opaque = dev};
    if (dev->type->map)
        dev->type->map(dev, &region);
    return bus_add(m->bus, &region);
}

/* Changes what is at address 0. */
void machine_remap(void *opaque, unsigned input, bool after)
{
    Machine *m = opaque;
    const Board *board = &vexpress_a9;
    Device *boot_flash = machine_device(m, board->boot_flash);
    (void)input;
    while (m->remapped_count)
        bus_remove(m->bus, m->remapped[--m->remapped_count]);
    boot_flash->alias = NULL;
    m->is_remapped = after;
    map_memory(m, board, after ? REMAP_AFTER : REMAP_BEFORE);
    if (!after && m->options.boot_from_flash)
        boot_flash->alias = m->remapped[m->remapped_count++] = machine_map_device(m, boot_flash, 0);
}

bool machine_is_remapped(const Machine *machine)
{
    return machine->is_remapped;
}

void machine_set_remap(Machine *machine, bool after)
{
    if (machine_is_remapped(machine) != after)
        machine_remap(machine, 0, after);
}

/* Where a store is whatever the remap says. */
static uint32_t store_base(BoardStore store)
{
    const Board *board = &vexpress_a9;
    for (unsigned n = 0; n < board->memory_count; n++)
        if (board->memory[n].store == store && board->memory[n].when == REMAP_EITHER)
            return board->memory[n].base;
    assert(!"every store is mapped");
    return 0;
}

bool machine_memory(const Machine *machine, unsigned n, MachineMemory *memory)
{
    Machine *m = (Machine *)machine;
    const uint32_t *size = vexpress_a9.store_size;
    const MachineMemory stores[STORES] = {
        [STORE_RAM] = {.name = "ram",   .host = m->ram,   .size = m->options.memory, .fd = &m->ram_fd  },
        [STORE_ROM] = {.name = "rom",   .host = m->rom,   .size = size[STORE_ROM],   .fd = &m->rom_fd  },
        [STORE_VRAM] = {.name = "vram",  .host = m->vram,  .size = size[STORE_VRAM],  .fd = &m->vram_fd },
        [STORE_PSRAM] = {.name = "psram", .host = m->psram, .size = size[STORE_PSRAM], .fd = &m->psram_fd},
    };
    if (n < STORES) {
        *memory = stores[n];
        memory->watched = true;
        memory->base = store_base((BoardStore)n);
        return true;
    }
    n -= STORES;
    unsigned bank = 0;
    for (unsigned k = 0; k < m->device_count; k++) {
        const Region *region = m->device[k]->region;
        if (!region || region->kind != REGION_ROM_DEVICE)
            continue;
        if (bank < n) {
            bank++;
            continue;
        }
        *memory = (MachineMemory){.name = region->name,
                                  .host = region->host,
                                  .size = region->size,
                                  .base = region->home,
                                  .fill = 0xff,
                                  .blank = !m->options.flash[bank]};
        return true;
    }
    return false;
}

uint32_t machine_ram_base(const Machine *machine)
{
    (void)machine;
    return store_base(STORE_RAM);
}

void machine_forget(Machine *machine)
{
    MachineMemory memory;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        mmu_flush_all(machine->cpu[n]);
    machine_drop_code(machine, FLUSH_MAP);
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++)
        bus_host_changed(machine->bus, memory.host, memory.size);
}
