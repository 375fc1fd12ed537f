/* Operations on the board's devices. Registers are read without side effects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontends/operation_functions.h"
#include "machine/unmodelled.h"

static Machine *machine_of(const Call *call)
{
    return session_machine(call->client->session);
}

static json_t *hex(const Call *call, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08x", value);
    return call->client->binary ? json_integer(value) : json_string(text);
}

static Device *find_device(Call *call, const char *name)
{
    Device *device = machine_device(machine_of(call), name);
    if (!device)
        call_fail(call, "%s: there is no device %.40s; the operation devices lists them",
                  call->operation->name, name);
    return device;
}

json_t *op_devices(Call *call)
{
    const Machine *machine = machine_of(call);
    json_t *devices = json_array();
    for (unsigned n = 0; n < machine->device_count; n++) {
        const Device *device = machine->device[n];
        json_t *row = json_object();
        json_object_set_new(row, "name", json_string(device->name));
        json_object_set_new(row, "base", device->type->off_bus ? json_null() : hex(call, device->base));
        json_object_set_new(row, "type", json_string(device->type->name));
        json_object_set_new(row, "summary", json_string(device->type->summary));
        json_array_append_new(devices, row);
    }
    return devices;
}

/* "DR", or "FLAGS[3]" for one of several. */
static void register_name(const RegDef *def, uint32_t index, char *name, size_t size)
{
    if (def->count > 1)
        snprintf(name, size, "%s[%u]", def->name, index);
    else
        snprintf(name, size, "%s", def->name);
}

static const char *access_name(const RegDef *def)
{
    static const char *const names[] = {
        [REG_RW] = "rw",   [REG_RO] = "ro",       [REG_WO] = "wo",           [REG_W1C] = "w1c",
        [REG_W1S] = "w1s", [REG_CONST] = "const", [REG_UNIMP] = "unmodelled"};
    return names[def->kind];
}

json_t *op_device(Call *call, const char *name)
{
    Device *device = find_device(call, name);
    if (!device)
        return NULL;
    json_t *registers = json_array();
    for (unsigned n = 0; n < device->type->reg_count; n++) {
        const RegDef *def = &device->type->regs[n];
        for (uint32_t index = 0; index < (def->count ? def->count : 1); index++) {
            char text[64];
            uint32_t offset = def->offset + 4 * index;
            json_t *row = json_object();
            register_name(def, index, text, sizeof text);
            json_object_set_new(row, "register", json_string(text));
            json_object_set_new(row, "offset", hex(call, offset));
            json_object_set_new(row, "access", json_string(access_name(def)));
            json_object_set_new(
                row, "value",
                def->kind == REG_WO && !def->read ? json_null() : hex(call, device_peek(device, offset, 0)));
            json_array_append_new(registers, row);
        }
    }
    return registers;
}

/* By name, or by offset as a number. */
static bool find_register(const Device *device, const char *name, uint32_t *offset)
{
    char *end;
    unsigned long number = strtoul(name, &end, 0);
    if (*name >= '0' && *name <= '9' && !*end && number < device->type->window) {
        *offset = (uint32_t)number;
        return device_find_reg(device, *offset & ~3u, NULL);
    }
    for (unsigned n = 0; n < device->type->reg_count; n++) {
        const RegDef *def = &device->type->regs[n];
        for (uint32_t index = 0; index < (def->count ? def->count : 1); index++) {
            char text[64];
            register_name(def, index, text, sizeof text);
            *offset = def->offset + 4 * index;
            if (!strcasecmp(text, name) || (index == 0 && !strcasecmp(def->name, name)))
                return true;
        }
    }
    return false;
}

uint32_t op_read_device(Call *call, const char *name, const char *reg)
{
    uint32_t offset;
    Device *device = find_device(call, name);
    if (!device)
        return 0;
    if (find_register(device, reg, &offset))
        return device_peek(device, offset, 0);
    call_fail(call, "read_device: %s has no register %.40s; device %s lists them", name, reg, name);
    return 0;
}

json_t *op_unmodelled(Call *call)
{
    const Unmodelled *list = log_unmodelled_list(machine_of(call)->log);
    json_t *rows = json_array();
    for (unsigned n = 0; n < unmodelled_count(list); n++) {
        const UnmodelledRow *row = unmodelled_row(list, n);
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:o, s:I, s:I, s:o}", "source", row->source, "register", row->name,
                            "offset", row->offset == LOG_NO_OFFSET ? json_null() : hex(call, row->offset),
                            "reads", (json_int_t)row->reads, "writes", (json_int_t)row->writes, "first_pc",
                            hex(call, row->first_pc)));
    }
    return rows;
}
