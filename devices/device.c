#include "devices/device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_TYPE(symbol) extern const DeviceType symbol;
#include "devices/types.def"
#undef DEVICE_TYPE

#define DEVICE_TYPE(symbol) &symbol,
const DeviceType *const device_types[] = {
#include "devices/types.def"
};
#undef DEVICE_TYPE

const unsigned device_type_count = sizeof device_types / sizeof *device_types;

enum { ID_BLOCK = 0x20, USUAL_PCELL_ID_BYTES = 4 };
static const uint32_t usual_pcell_id = 0xb105f00d;

const DeviceType *device_type_find(const char *name)
{
    for (unsigned n = 0; n < device_type_count; n++)
        if (!strcmp(device_types[n]->name, name))
            return device_types[n];
    return NULL;
}

static uint32_t row_count(const RegDef *row)
{
    return row->count ? row->count : 1;
}

static uint32_t *stored(Device *dev, const RegDef *row, uint32_t index)
{
    return (uint32_t *)((uint8_t *)dev + row->at) + index;
}

/* offset/4 -> row number + 1, checked for overlaps and for rows outside the window. */
static uint16_t *build_index(const DeviceType *type)
{
    uint16_t *index = calloc(type->window / 4 + 1, sizeof *index);
    if (!index)
        abort();
    for (unsigned n = 0; n < type->reg_count; n++) {
        const RegDef *row = &type->regs[n];
        assert(row->offset % 4 == 0 && "register offsets are word offsets");
        assert(row->at == NO_STORE || row->at + 4 * row_count(row) <= type->state_size);
        assert(row->at == NO_STORE || row->at >= sizeof(Device));
        for (uint32_t k = 0; k < row_count(row); k++) {
            uint32_t word = row->offset / 4 + k;
            assert(word < type->window / 4 && "register outside the window");
            assert(!index[word] && "two registers at one offset");
            index[word] = (uint16_t)(n + 1);
        }
    }
    return index;
}

static Timer **list_timers(Device *dev)
{
    unsigned count = 0;
    Timer **list = calloc(dev->type->field_count + 1, sizeof *list);
    if (!list)
        abort();
    for (unsigned n = 0; n < dev->type->field_count; n++)
        if (dev->type->fields[n].kind == FIELD_TIMER)
            list[count++] = (Timer *)((uint8_t *)dev + dev->type->fields[n].at);
    return list;
}

static void update_due(void *dev)
{
    device_changed(dev);
}

Device *device_new(const DeviceType *type, const char *name, DeviceEnv *env, const DeviceProps *props,
                   uint32_t base, Error *err)
{
    assert(type->state_size >= sizeof(Device) && type->outputs <= DEVICE_OUTPUTS);
    Device *dev = calloc(1, type->state_size);
    if (!dev)
        abort();
    dev->type = type;
    dev->name = name;
    dev->env = env;
    dev->base = base;
    if (props)
        dev->props = *props;
    dev->index = build_index(type);
    dev->timers = list_timers(dev);
    for (Timer **timer = dev->timers; *timer; timer++)
        timer_init(*timer, env->clock, name, 0, update_due, dev);
    if (type->create && !type->create(dev, err)) {
        free((void *)dev->index);
        free(dev->timers);
        free(dev);
        return NULL;
    }
    return dev;
}

/* The queue must not know a timer whose memory is gone. */
static void cancel_timers(Device *dev)
{
    for (Timer **timer = dev->timers; *timer; timer++)
        timer_cancel(*timer);
}

bool device_memory_set(DeviceMemory *memory, uint64_t size)
{
    free(memory->bytes);
    memory->bytes = size ? calloc(1, size) : NULL;
    memory->size = memory->bytes ? size : 0;
    return memory->size == size;
}

static void free_memory(Device *dev)
{
    for (unsigned n = 0; n < dev->type->field_count; n++) {
        const FieldDef *field = &dev->type->fields[n];
        DeviceMemory *memory = (DeviceMemory *)((uint8_t *)dev + field->at);
        for (uint32_t k = 0; field->kind == FIELD_MEMORY && k < (field->count ? field->count : 1); k++)
            device_memory_set(&memory[k], 0);
    }
}

void device_free(Device *dev)
{
    if (!dev)
        return;
    cancel_timers(dev);
    if (dev->type->destroy)
        dev->type->destroy(dev);
    free_memory(dev);
    free((void *)dev->index);
    free(dev->timers);
    free(dev);
}

void device_changed(Device *dev)
{
    if (dev->type->update)
        dev->type->update(dev);
}

void device_reset(Device *dev)
{
    const DeviceType *type = dev->type;
    for (unsigned n = 0; n < type->reg_count; n++) {
        const RegDef *row = &type->regs[n];
        for (uint32_t k = 0; row->at != NO_STORE && k < row_count(row); k++)
            *stored(dev, row, k) = row->reset;
    }
    if (type->reset)
        type->reset(dev);
    device_changed(dev);
}

void device_loaded(Device *dev)
{
    if (dev->type->sanitise)
        dev->type->sanitise(dev);
    if (dev->type->loaded)
        dev->type->loaded(dev);
}

void device_input(Device *dev, unsigned input, bool level)
{
    assert(input < dev->type->inputs);
    dev->type->input(dev, input, level);
    device_changed(dev);
}

void device_input_changed(void *dev, unsigned input, bool level)
{
    device_input(dev, input, level);
}

const RegDef *device_find_reg(const Device *dev, uint32_t offset, uint32_t *index)
{
    if (offset >= dev->type->window || !dev->index[offset / 4])
        return NULL;
    const RegDef *row = &dev->type->regs[dev->index[offset / 4] - 1];
    if (index)
        *index = (offset - row->offset) / 4;
    return row;
}

/* The PrimeCell identification block: eight words at the end of the window, one byte in each. */
static bool id_block_read(const Device *dev, uint32_t offset, uint32_t *value)
{
    const DeviceType *type = dev->type;
    if (!type->periph_id || offset < type->window - ID_BLOCK)
        return false;
    unsigned word = (offset - (type->window - ID_BLOCK)) / 4;
    uint32_t pcell = type->pcell_id ? type->pcell_id : usual_pcell_id;
    uint32_t id = word < 4 ? type->periph_id : pcell;
    *value = id >> (8 * (word % 4)) & 0xff;
    return true;
}

/* False, and a log line, if the device refuses the access. */
static bool allowed(Device *dev, const RegDef *row, const RegAccess *access, bool write)
{
    if (!dev->type->allows || access->debug || dev->type->allows(dev, access, write))
        return true;
    log_line(dev->env->log, LOG_GUEST, dev->name, "%s of register %s refused", write ? "write" : "read",
             row->name);
    return false;
}

static uint32_t read_row(Device *dev, const RegDef *row, const RegAccess *access)
{
    if (!allowed(dev, row, access, false))
        return 0;
    bool may_act = !(row->flags & REG_READ_ACTS) || !access->debug;
    if (row->read && may_act)
        return row->read(dev, access);
    if (row->at != NO_STORE)
        return *stored(dev, row, access->index);
    switch (row->kind) {
    case REG_UNIMP:
        if (!access->debug)
            log_unmodelled(dev->env->log, dev->name, row->name, access->offset, false);
        return row->reset;
    case REG_WO:
        if (!access->debug)
            log_line(dev->env->log, LOG_GUEST, dev->name, "write-only register %s read", row->name);
        return 0;
    default:
        return row->reset;
    }
}

static void write_row(Device *dev, const RegDef *row, const RegAccess *access, uint32_t value)
{
    if (!allowed(dev, row, access, true))
        return;
    uint32_t mask = row->writable & access->lanes;
    switch (row->kind) {
    case REG_RO:
        log_line(dev->env->log, LOG_GUEST, dev->name, "read-only register %s written with 0x%08x", row->name,
                 value);
        return;
    case REG_CONST:
        return;
    case REG_UNIMP:
        log_unmodelled(dev->env->log, dev->name, row->name, access->offset, true);
        return;
    default:
        break;
    }
    uint32_t result = value & mask;
    if (row->at != NO_STORE) {
        uint32_t *store = stored(dev, row, access->index);
        switch (row->kind) {
        case REG_W1C:
            *store &= ~(value & mask);
            break;
        case REG_W1S:
            *store |= value & mask;
            break;
        default:
            *store = (*store & ~mask) | (value & mask);
            result = *store & row->writable;
            break;
        }
    }
    if (row->written)
        row->written(dev, access, result);
}

/* Sub-word and unaligned bus accesses become accesses to the word with the touched bits in `lanes`. */
static RegAccess word_access(uint32_t offset, const BusAccess *bus)
{
    uint32_t bits = bus->size >= 4 ? 0xffffffffu : (1u << (8 * bus->size)) - 1;
    return (RegAccess){.offset = offset & ~3u,
                       .lanes = bits << (8 * (offset & 3)),
                       .cpu = bus->cpu,
                       .secure = bus->secure,
                       .privileged = bus->privileged};
}

static bool awaits_timer(const Device *dev)
{
    for (Timer *const *timer = dev->timers; *timer; timer++)
        if ((*timer)->due != CLOCK_NEVER)
            return true;
    return false;
}

/* What is due has happened when software looks: a timer's event may not show in its registers before it shows
 * at the interrupt controller, or the other way round. */
static BusResult mmio_read(void *opaque, uint32_t offset, const BusAccess *bus, uint32_t *value)
{
    Device *dev = opaque;
    if (dev->type->raw)
        return dev->type->raw->read(opaque, offset, bus, value);
    dev->reads++;
    RegAccess access = word_access(offset, bus);
    const RegDef *row = device_find_reg(dev, access.offset, &access.index);
    if (!(row && row->flags & REG_TIMELESS) && awaits_timer(dev))
        clock_run_due(dev->env->clock);
    const char *name = row ? row->name : "ID";
    uint32_t word = 0;
    if (row) {
        word = read_row(dev, row, &access);
    } else if (!id_block_read(dev, access.offset, &word)) {
        name = "reserved";
        log_unmodelled(dev->env->log, dev->name, "", access.offset, false);
    }
    *value = (word & access.lanes) >> (8 * (offset & 3));
    if (log_on(dev->env->log, LOG_MMIO))
        log_line(dev->env->log, LOG_MMIO, dev->name, "cpu%d read %s[%u] (0x%03x.%u) = 0x%08x",
                 (int8_t)bus->cpu, name, access.index, offset, bus->size, *value);
    if (row && (row->flags & REG_READ_ACTS))
        device_changed(dev);
    return BUS_OK;
}

static BusResult mmio_write(void *opaque, uint32_t offset, const BusAccess *bus, uint32_t value)
{
    Device *dev = opaque;
    if (dev->type->raw)
        return dev->type->raw->write(opaque, offset, bus, value);
    dev->writes++;
    RegAccess access = word_access(offset, bus);
    const RegDef *row = device_find_reg(dev, access.offset, &access.index);
    if (log_on(dev->env->log, LOG_MMIO))
        log_line(dev->env->log, LOG_MMIO, dev->name, "cpu%d write %s[%u] (0x%03x.%u) = 0x%08x",
                 (int8_t)bus->cpu, row ? row->name : "reserved", access.index, offset, bus->size, value);
    if (row && dev->type->before_write)
        dev->type->before_write(dev);
    if (row)
        write_row(dev, row, &access, value << (8 * (offset & 3)));
    else
        log_unmodelled(dev->env->log, dev->name, "", access.offset, true);
    device_changed(dev);
    return BUS_OK;
}

const MmioOps device_mmio = {.read = mmio_read, .write = mmio_write};

uint32_t device_peek(Device *dev, uint32_t offset, uint8_t cpu)
{
    RegAccess access = {.offset = offset & ~3u,
                        .lanes = 0xffffffff,
                        .cpu = cpu,
                        .secure = true,
                        .privileged = true,
                        .debug = true};
    const RegDef *row = device_find_reg(dev, access.offset, &access.index);
    uint32_t value = 0;
    if (row)
        return read_row(dev, row, &access);
    id_block_read(dev, access.offset, &value);
    return value;
}
