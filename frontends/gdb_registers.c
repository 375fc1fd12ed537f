#include "frontends/gdb_registers.h"

#include <stdio.h>
#include <string.h>

#include "machine/checked.h"
#include "machine/inspect.h"

/* In the order of a `g` packet. The numbers of the protocol have a gap where old cores had the registers of
 * another floating-point unit. */
enum { CORE = 16, DOUBLE_COUNT = 32, QUAD_COUNT = 16, GAP = 9 };
enum {
    CPSR = CORE,
    DOUBLES = CPSR + 1,
    FPSCR = DOUBLES + DOUBLE_COUNT,
    QUADS = FPSCR + 1, /* pairs of the doubles */
    SYSTEM = QUADS + QUAD_COUNT
};

static bool is_described_elsewhere(const char *name)
{
    return !strcmp(name, "cpsr") || !strcmp(name, "fpscr");
}

/* Of inspect.h's list: what comes behind the core registers and is in no feature that GDB knows. NULL: no
 * more. */
static const char *system_name(unsigned n)
{
    const char *name;
    for (unsigned at = CORE; (name = inspect_register_name(at)); at++)
        if (!is_described_elsewhere(name) && n-- == 0)
            return name;
    return NULL;
}

static const char *name_of(unsigned n, char text[8])
{
    if (n < CORE)
        return inspect_register_name(n);
    if (n == CPSR || n == FPSCR)
        return n == CPSR ? "cpsr" : "fpscr";
    if (n >= SYSTEM)
        return system_name(n - SYSTEM);
    snprintf(text, 8, n >= QUADS ? "q%u" : "d%u", n >= QUADS ? n - QUADS : n - DOUBLES);
    return text;
}

unsigned gdb_register_count(void)
{
    unsigned count = SYSTEM;
    while (system_name(count - SYSTEM))
        count++;
    return count;
}

int gdb_register_by_number(uint32_t number)
{
    if (number < CORE)
        return (int)number;
    uint32_t n = number - GAP;
    return number >= CPSR + GAP && n < gdb_register_count() ? (int)n : -1;
}

static bool is_double(unsigned n)
{
    return n >= DOUBLES && n < FPSCR;
}

static bool is_quad(unsigned n)
{
    return n >= QUADS && n < SYSTEM;
}

unsigned gdb_register_bytes(unsigned n)
{
    return is_quad(n) ? 16 : is_double(n) ? 8 : 4;
}

/* The first of a pair. */
static unsigned half_of(unsigned quad)
{
    return DOUBLES + 2 * (quad - QUADS);
}

bool gdb_register_read(Machine *machine, unsigned cpu, unsigned n, uint8_t *bytes)
{
    char text[8];
    uint64_t value;
    Error err;
    if (is_quad(n))
        return gdb_register_read(machine, cpu, half_of(n), bytes) &&
               gdb_register_read(machine, cpu, half_of(n) + 1, bytes + 8);
    if (!inspect_read_register(machine, cpu, name_of(n, text), &value, &err))
        return false;
    for (unsigned at = 0; at < gdb_register_bytes(n); at++)
        bytes[at] = (uint8_t)(value >> 8 * at);
    return true;
}

bool gdb_register_write(Machine *machine, unsigned cpu, unsigned n, const uint8_t *bytes, Error *err)
{
    char text[8];
    uint64_t value = 0;
    if (is_quad(n))
        return gdb_register_write(machine, cpu, half_of(n), bytes, err) &&
               gdb_register_write(machine, cpu, half_of(n) + 1, bytes + 8, err);
    for (unsigned at = gdb_register_bytes(n); at--;)
        value = value << 8 | bytes[at];
    return inspect_write_register(machine, cpu, name_of(n, text), value, err);
}

/* ---- The description --------------------------------------------------------------------------------- */

static const char quad_type[] =
    "<vector id=\"u8x16\" type=\"uint8\" count=\"16\"/>\n"
    "<vector id=\"u16x8\" type=\"uint16\" count=\"8\"/>\n"
    "<vector id=\"u32x4\" type=\"uint32\" count=\"4\"/>\n"
    "<vector id=\"u64x2\" type=\"uint64\" count=\"2\"/>\n"
    "<vector id=\"f32x4\" type=\"ieee_single\" count=\"4\"/>\n"
    "<union id=\"quad\"><field name=\"u8\" type=\"u8x16\"/>"
    "<field name=\"u16\" type=\"u16x8\"/><field name=\"u32\" type=\"u32x4\"/>"
    "<field name=\"u64\" type=\"u64x2\"/><field name=\"f32\" type=\"f32x4\"/></union>\n";

static const char *type_of(unsigned n)
{
    if (n == 13 || n == 15)
        return n == 13 ? "data_ptr" : "code_ptr";
    return is_quad(n) ? "quad" : is_double(n) ? "ieee_double" : n >= SYSTEM ? "uint32" : "int";
}

static void describe(FILE *out, unsigned first, unsigned end, const char *group)
{
    char text[8];
    for (unsigned n = first; n < end; n++)
        fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n", name_of(n, text),
                8 * gdb_register_bytes(n), type_of(n), n < CORE ? n : n + GAP, group);
}

char *gdb_registers_xml(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    checked(out);
    fputs("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
          "<target version=\"1.0\">\n<architecture>arm</architecture>\n",
          out);
    fputs("<feature name=\"org.gnu.gdb.arm.core\">\n", out);
    describe(out, 0, DOUBLES, "");
    fputs("</feature>\n<feature name=\"org.gnu.gdb.arm.vfp\">\n", out);
    describe(out, DOUBLES, FPSCR, "");
    describe(out, FPSCR, QUADS, " group=\"float\"");
    fprintf(out, "</feature>\n<feature name=\"org.gnu.gdb.arm.neon\">\n%s", quad_type);
    describe(out, QUADS, SYSTEM, " group=\"vector\"");
    fputs("</feature>\n<feature name=\"org.armature.system\">\n", out);
    describe(out, SYSTEM, gdb_register_count(), " group=\"system\"");
    fputs("</feature>\n</target>\n", out);
    fclose(out);
    return text;
}
