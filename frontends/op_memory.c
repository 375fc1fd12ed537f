/* Operations on CPUs and memory. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontends/operation_functions.h"
#include "frontends/watchdog.h"
#include "machine/inspect.h"

/* In hexadecimal, a reply must fit into what may wait for a client. */
enum { READ_MOST = 256 << 20, READ_MOST_HEX = 4 << 20, DUMP_MOST = 1 << 20, DISASSEMBLE_MOST = 10000 };

static Machine *machine_of(const Call *call)
{
    return session_machine(call->client->session);
}

bool call_has_cpu(Call *call, int cpu)
{
    if (cpu >= 0)
        return true;
    call_fail(call, "%s: which CPU?", call->operation->name);
    return false;
}

/* ---- Registers --------------------------------------------------------------------------------------- */

json_t *op_registers(Call *call, int cpu)
{
    if (!call_has_cpu(call, cpu))
        return NULL;
    json_t *result = json_object();
    const char *name;
    for (unsigned n = 0; (name = inspect_register_name(n)); n++) {
        uint64_t value;
        char text[16];
        if (!inspect_read_register(machine_of(call), (unsigned)cpu, name, &value, NULL))
            continue;
        snprintf(text, sizeof text, "0x%08x", (uint32_t)value);
        json_object_set_new(result, name,
                            call->client->binary ? json_integer((uint32_t)value) : json_string(text));
    }
    return result;
}

uint64_t op_read_register(Call *call, const char *name, int cpu)
{
    Error err;
    uint64_t value = 0;
    if (call_has_cpu(call, cpu) &&
        !inspect_read_register(machine_of(call), (unsigned)cpu, name, &value, &err))
        call_fail(call, "%s", err.text);
    return value;
}

void op_write_register(Call *call, const char *name, uint64_t value, int cpu)
{
    Error err;
    if (call_has_cpu(call, cpu) &&
        !inspect_write_register(machine_of(call), (unsigned)cpu, name, value, &err))
        call_fail(call, "%s", err.text);
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

/* The size is checked before the memory for it is taken. */
static uint8_t *read_memory(Call *call, uint32_t address, uint32_t size, uint32_t most, int cpu)
{
    Error err;
    if (size > most) {
        call_fail(call, "%s: at most %u bytes at once", call->operation->name, most);
        return NULL;
    }
    uint8_t *data = malloc(size + 1u);
    if (!data)
        abort();
    if (inspect_read_memory(machine_of(call), cpu, address, data, size, &err))
        return data;
    call_fail(call, "%s: %s", call->operation->name, err.text);
    free(data);
    return NULL;
}

static void write_memory(Call *call, uint32_t address, const void *data, uint32_t size, int cpu)
{
    Error err;
    if (!inspect_write_memory(machine_of(call), cpu, address, data, size, &err))
        call_fail(call, "%s: %s", call->operation->name, err.text);
}

Bytes *op_read_memory(Call *call, uint32_t address, uint32_t size, int cpu)
{
    uint32_t most = call->client->binary ? READ_MOST : READ_MOST_HEX;
    uint8_t *data = read_memory(call, address, size, most, cpu);
    Bytes *bytes = data ? bytes_new(data, size) : NULL;
    free(data);
    return bytes;
}

void op_write_memory(Call *call, uint32_t address, const Bytes *data, int cpu)
{
    if (data->length > UINT32_MAX)
        call_fail(call, "write_memory: too much");
    else
        write_memory(call, address, data->data, (uint32_t)data->length, cpu);
}

uint32_t op_read_word(Call *call, uint32_t address, int cpu)
{
    uint32_t word = 0;
    uint8_t *data = read_memory(call, address, sizeof word, sizeof word, cpu);
    if (data)
        memcpy(&word, data, sizeof word);
    free(data);
    return word;
}

void op_write_word(Call *call, uint32_t address, uint32_t value, int cpu)
{
    write_memory(call, address, &value, sizeof value, cpu);
}

static void dump_line(FILE *out, uint32_t address, const uint8_t *data, uint32_t length)
{
    fprintf(out, "%08x:", address);
    for (uint32_t n = 0; n < 16; n += 4) {
        uint32_t word = 0, have = n >= length ? 0 : length - n < 4 ? length - n : 4;
        memcpy(&word, data + n, have);
        if (have)
            fprintf(out, " %*s%0*x", (int)(8 - 2 * have), "", (int)(2 * have), word);
        else
            fprintf(out, "%9s", "");
    }
    fputs("  ", out);
    for (uint32_t n = 0; n < length; n++)
        fputc(data[n] >= ' ' && data[n] < 0x7f ? data[n] : '.', out);
    fputc('\n', out);
}

char *op_dump(Call *call, uint32_t address, uint32_t size, int cpu)
{
    char *text;
    size_t length;
    uint8_t *data = read_memory(call, address, size, DUMP_MOST, cpu);
    FILE *out = data ? open_memstream(&text, &length) : NULL;
    if (!out)
        return NULL;
    for (uint32_t n = 0; n < size; n += 16)
        dump_line(out, address + n, data + n, size - n < 16 ? size - n : 16);
    fclose(out);
    free(data);
    return text;
}

/* ---- Code -------------------------------------------------------------------------------------------- */

const Symbols *call_symbols(const Call *call)
{
    Watchdog *watchdog = session_watchdog(call->client->session);
    return watchdog ? watchdog_symbols(watchdog) : NULL;
}

json_t *address_json(const Call *call, uint32_t address)
{
    char text[16];
    snprintf(text, sizeof text, "0x%08x", address);
    return call->client->binary ? json_integer(address) : json_string(text);
}

/* "thumb" or "arm", or as the CPU is; false, and the call has failed, for anything else. */
static bool choose_set(Call *call, const char *set, int cpu, bool *thumb)
{
    *thumb = !strcasecmp(set, "thumb") || (!strcasecmp(set, "cpu") && machine_of(call)->cpu[cpu]->thumb);
    if (*thumb || !strcasecmp(set, "arm") || !strcasecmp(set, "cpu"))
        return true;
    call_fail(call, "disassemble: set must be arm, thumb or cpu");
    return false;
}

static bool choose_address(Call *call, const char *text, int cpu, uint32_t *address)
{
    Error err;
    *address = machine_of(call)->cpu[cpu]->pc;
    if (!strcasecmp(text, "pc") || address_from_text(call->client->session, text, address, &err))
        return true;
    call_fail(call, "disassemble: %s", err.text);
    return false;
}

json_t *op_disassemble(Call *call, const char *where, uint32_t count, int cpu, const char *set)
{
    uint32_t address;
    bool thumb;
    if (!call_has_cpu(call, cpu) || !choose_set(call, set, cpu, &thumb) ||
        !choose_address(call, where, cpu, &address))
        return NULL;
    json_t *result = json_array();
    for (uint32_t n = 0; n < count && n < DISASSEMBLE_MOST; n++) {
        char text[128], encoding[16];
        uint32_t raw;
        unsigned length =
            inspect_disassemble(machine_of(call), (unsigned)cpu, address, thumb, &raw, text, sizeof text);
        if (!length)
            break;
        json_t *row = json_object();
        json_object_set_new(row, "address", address_json(call, address));
        snprintf(encoding, sizeof encoding, "%0*x", (int)(2 * length), raw);
        json_object_set_new(row, "encoding", json_string(encoding));
        json_object_set_new(row, "text", json_string(text));
        json_array_append_new(result, row);
        address += length;
    }
    if (json_array_size(result) || !count)
        return result;
    json_decref(result);
    call_fail(call, "disassemble: there is no memory at 0x%08x as CPU %d sees it now", address, cpu);
    return NULL;
}

json_t *op_symbol(Call *call, uint32_t address)
{
    uint32_t offset = 0;
    const Symbols *symbols = call_symbols(call);
    const char *name = symbols ? symbols_name(symbols, address, &offset) : NULL;
    if (!symbols)
        call_fail(call, "symbol: there are no symbols; start with --symbols FILE");
    else if (!name)
        call_fail(call, "symbol: nothing at 0x%08x has a name", address);
    if (!name)
        return NULL;
    char text[SYMBOLS_TEXT];
    json_t *result = json_object();
    json_object_set_new(result, "address", address_json(call, address));
    json_object_set_new(result, "name", json_bytes(name, strlen(name)));
    json_object_set_new(result, "offset", json_integer(offset));
    symbols_text(symbols, address, text, sizeof text);
    json_object_set_new(result, "text", json_bytes(text, strlen(text)));
    return result;
}
