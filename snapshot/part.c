#include "snapshot/part.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/views.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are saved as they are in memory");

unsigned item_size(ItemKind kind)
{
    switch (kind) {
    case ITEM_U8:
    case ITEM_BOOL:
        return 1;
    case ITEM_U16:
        return 2;
    case ITEM_U32:
        return 4;
    case ITEM_U64:
    case ITEM_TIMER:
        return 8;
    case ITEM_MEMORY:
        break;
    }
    return 0;
}

static void set_name(Item *item, const char *prefix, const char *name)
{
    int length = snprintf(item->name, sizeof item->name, "%s%s", prefix, name);
    assert(length > 0 && length < ITEM_NAME);
    (void)length;
}

static bool saved_before(const Part *part, unsigned row)
{
    for (unsigned n = 0; n < row; n++)
        if (part->regs[n].at == part->regs[row].at)
            return true;
    return false;
}

static void reg_item(const Part *part, const RegDef *row, Item *item)
{
    *item = (Item){.kind = ITEM_U32,
                   .count = row->count ? row->count : 1,
                   .at = (uint8_t *)part->base + row->at,
                   .stride = 4,
                   .since = 1,
                   .hashed = true,
                   .reg = true,
                   .reset = row->reset};
    set_name(item, "reg.", row->name);
}

static void field_item(const Part *part, const FieldDef *field, Item *item)
{
    static const struct {
        ItemKind kind;
        uint32_t stride;
    } how[] = {
        [FIELD_U8] = {ITEM_U8,     1                   },
        [FIELD_U16] = {ITEM_U16,    2                   },
        [FIELD_U32] = {ITEM_U32,    4                   },
        [FIELD_U64] = {ITEM_U64,    8                   },
        [FIELD_BOOL] = {ITEM_BOOL,   sizeof(bool)        },
        [FIELD_BYTES] = {ITEM_U8,     1                   },
        [FIELD_TIMER] = {ITEM_TIMER,  sizeof(Timer)       },
        [FIELD_MEMORY] = {ITEM_MEMORY, sizeof(DeviceMemory)},
    };
    *item = (Item){.kind = how[field->kind].kind,
                   .count = field->count ? field->count : 1,
                   .at = (uint8_t *)part->base + field->at,
                   .stride = how[field->kind].stride,
                   .since = field->since,
                   .hashed = !field->reason};
    set_name(item, "", field->name);
}

static void lines_item(Device *dev, Item *item)
{
    *item = (Item){.kind = ITEM_BOOL,
                   .count = dev->type->outputs,
                   .at = (uint8_t *)&dev->out[0].level,
                   .stride = sizeof(IrqLine),
                   .since = 1,
                   .hashed = true};
    set_name(item, "", "output lines");
}

unsigned part_items(const Part *part, Item *items)
{
    unsigned count = 0;
    Item item;
    for (unsigned n = 0; n < part->reg_count; n++) {
        if (part->regs[n].at == NO_STORE || saved_before(part, n))
            continue;
        reg_item(part, &part->regs[n], items ? &items[count] : &item);
        count++;
    }
    for (unsigned n = 0; n < part->field_count; n++) {
        if (part->fields[n].kind == FIELD_TRANSIENT)
            continue;
        field_item(part, &part->fields[n], items ? &items[count] : &item);
        count++;
    }
    if (part->device && part->device->type->outputs) {
        lines_item(part->device, items ? &items[count] : &item);
        count++;
    }
    return count;
}

/* ---- The parts of a machine ---------------------------------------------------------------------------- */

static Part *add(Parts *parts, const char *name, const char *type)
{
    assert(parts->count < PARTS_MOST);
    Part *part = &parts->part[parts->count++];
    *part = (Part){.type = type, .version = 1};
    snprintf(part->name, sizeof part->name, "%s", name);
    return part;
}

static void add_view(Parts *parts, const View *view)
{
    Part *part = add(parts, view->name, view->type);
    part->base = view->base;
    part->fields = view->table->fields;
    part->field_count = view->table->count;
    part->flags = view->flags;
    for (unsigned n = 0; n < part->field_count; n++)
        if (part->fields[n].since > part->version)
            part->version = part->fields[n].since;
}

static void add_cpu(Parts *parts, Cpu *cpu)
{
    Part *part = add(parts, cpu->name, "cpu");
    part->base = part->cpu = cpu;
    part->fields = cpu_table.fields;
    part->field_count = cpu_table.count;
}

static void add_device(Parts *parts, Device *dev)
{
    Part *part = add(parts, dev->name, dev->type->name);
    part->version = dev->type->version;
    part->base = part->device = dev;
    part->fields = dev->type->fields;
    part->field_count = dev->type->field_count;
    part->regs = dev->type->regs;
    part->reg_count = dev->type->reg_count;
}

void parts_prepare(Parts *parts, Machine *machine)
{
    *parts = (Parts){.machine = machine, .views = views_new(machine)};
    View view;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        add_cpu(parts, machine->cpu[n]);
    for (unsigned n = 0; views_get(parts->views, n, &view); n++)
        add_view(parts, &view);
    for (unsigned n = 0; n < machine->device_count; n++)
        add_device(parts, machine->device[n]);
}

/* Some state follows from virtual time, and is worked out when somebody looks: everybody looks now. What is
 * due happens before, as it would next anyway. */
static void settle_devices(Machine *machine)
{
    if (!machine->request_pending)
        clock_run_due(machine->clock);
    for (unsigned n = 0; n < machine->device_count; n++)
        device_changed(machine->device[n]);
    for (unsigned n = 0; n < machine->device_count; n++)
        if (machine->device[n]->type->saving)
            machine->device[n]->type->saving(machine->device[n]);
}

void parts_take(Parts *parts, Machine *machine)
{
    settle_devices(machine);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_settle(machine->cpu[n]);
    parts_prepare(parts, machine);
    views_fill(parts->views);
}

void parts_free(Parts *parts)
{
    views_free(parts->views);
    *parts = (Parts){0};
}

const Part *parts_find(const Parts *parts, const char *name)
{
    for (unsigned n = 0; n < parts->count; n++)
        if (!strcmp(parts->part[n].name, name))
            return &parts->part[n];
    return NULL;
}
