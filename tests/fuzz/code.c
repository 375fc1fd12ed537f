#include "tests/fuzz/code.h"

#include <string.h>

#include "cpu/insn.h"

typedef struct Emitter {
    Random *random;
    const Places *places;
    uint8_t *host;
    uint32_t address; /* of host[0] */
    uint32_t used, size;
    bool thumb;
} Emitter;

/* ---- Places ----------------------------------------------------------------------------------------- */

bool code_is_thumb(const Places *places, uint32_t address)
{
    uint32_t chunk = (address - places->code) / CHUNK;
    return chunk * 0x9e3779b1u >> 31;
}

uint32_t code_target(Random *random, const Places *places)
{
    uint32_t chunk = places->code + random_below(random, places->chunks) * CHUNK;
    uint32_t offset = random_one_in(random, 3) ? random_below(random, CHUNK / 4) * 4 : 0;
    return (chunk + offset) | code_is_thumb(places, chunk);
}

static uint32_t device_address(Random *random, const Places *places)
{
    const Machine *m = places->machine;
    const Device *dev = m->device[random_below(random, m->device_count)];
    const DeviceType *type = dev->type;
    if (type->reg_count && !random_one_in(random, 8)) {
        const RegDef *reg = &type->regs[random_below(random, type->reg_count)];
        return dev->base + reg->offset + 4 * random_below(random, reg->count ? reg->count : 1);
    }
    return dev->base + random_below(random, type->window);
}

uint32_t code_address(Random *random, const Places *places)
{
    static const uint32_t ends[] = {0,          4,          0xfffc,     0x10000,    0x43fffffc, 0x47fffffc,
                                    0x48000000, 0x49fffffc, 0x4c000000, 0x4c7ffffc, 0x5ffffffc, 0x60000000,
                                    0xffff0000, 0xfffffffc, 0xffffffff, 0x1e000ffe, 0x10000ffe, 0x80000000};
    unsigned kind = random_below(random, 12);
    switch (places->honest && kind == 0 ? 3 : kind) {
    case 0:
        return places->tables + random_below(random, 0x4000 + 0x400 * places->second_level);
    case 1:
        return places->ram + places->ram_size - random_below(random, 64);
    case 2:
        return ends[random_below(random, sizeof ends / sizeof *ends)] + random_below(random, 8) - 4;
    case 3:
        return places->code + random_below(random, places->chunks * CHUNK);
    case 4:
    case 5:
        return places->ram + random_below(random, places->ram_size / 4) * 4;
    case 6:
        return random_value(random);
    case 7:
        return ((places->ram + random_below(random, places->ram_size)) & PAGE_MASK) - random_below(random, 8);
    default:
        return device_address(random, places);
    }
}

/* ---- Encodings of the tables ------------------------------------------------------------------------ */

static bool is_thumb_row(const InsnInfo *info)
{
    return info->table == TABLE_T16 || info->table == TABLE_T32;
}

/* Fills the free bits; what should be zero or one is so nearly always. */
static uint32_t fill_pattern(Random *random, const InsnInfo *info)
{
    uint32_t word = 0, bits = random_next(random);
    bool obey = !random_one_in(random, 16);
    for (const char *p = info->pattern; *p; p++, bits = bits >> 1 | bits << 31) {
        bool set = bits & 1;
        if (*p == '1' || (*p == 'o' && obey))
            set = true;
        else if (*p == '0' || (*p == 'z' && obey))
            set = false;
        word = word << 1 | set;
    }
    if (!strncmp(info->pattern, "cccc", 4))
        word = (word & 0x0fffffff) | (random_one_in(random, 4) ? random_below(random, 15) : 14u) << 28;
    return word;
}

/* Brings an Advanced SIMD or coprocessor encoding from A32 to T32. */
static uint32_t to_t32(const InsnInfo *info, uint32_t word)
{
    if (info->table == TABLE_NEON && (word >> 25) == 0x79)
        return 0xef000000 | (word >> 24 & 1) << 28 | (word & 0xffffff);
    if (info->table == TABLE_NEON)
        return 0xf9000000 | (word & 0xffffff);
    return info->pattern[0] == 'c' ? (word & 0x0fffffff) | 0xe0000000 : word;
}

uint32_t code_word(Random *random, bool thumb, bool *is_16bit)
{
    const InsnInfo *info;
    do
        info = &insn_table[1 + random_below(random, insn_count - 1)];
    while (thumb ? info->table == TABLE_A32 : is_thumb_row(info));
    *is_16bit = info->table == TABLE_T16;
    uint32_t word = fill_pattern(random, info);
    return thumb && !is_thumb_row(info) ? to_t32(info, word) : word;
}

/* ---- Emitting --------------------------------------------------------------------------------------- */

static void emit16(Emitter *e, uint32_t half)
{
    uint16_t value = (uint16_t)half;
    if (e->used + 2 > e->size)
        return;
    memcpy(e->host + e->used, &value, 2);
    e->used += 2;
}

/* A word of the instruction set in use. */
static void emit(Emitter *e, uint32_t word)
{
    emit16(e, e->thumb ? word >> 16 : word);
    emit16(e, e->thumb ? word : word >> 16);
}

/* One of two encodings of the same instruction. */
static void emit_either(Emitter *e, uint32_t a32, uint32_t t32)
{
    emit(e, e->thumb ? t32 : a32);
}

/* MOVW and MOVT. */
static void emit_constant(Emitter *e, unsigned reg, uint32_t value)
{
    for (unsigned top = 0; top < 2; top++) {
        uint32_t v = top ? value >> 16 : value & 0xffff;
        emit_either(e, 0xe3000000 | top << 22 | (v >> 12) << 16 | reg << 12 | (v & 0xfff),
                    0xf2400000 | top << 23 | (v >> 12) << 16 | (v >> 11 & 1) << 26 | (v >> 8 & 7) << 12 |
                        reg << 8 | (v & 0xff));
    }
}

/* Some register but sp, lr and pc. */
static unsigned any_reg(Emitter *e)
{
    return random_below(e->random, 13);
}

static void unit_table(Emitter *e)
{
    bool is_16bit;
    uint32_t word = code_word(e->random, e->thumb, &is_16bit);
    if (is_16bit)
        emit16(e, word);
    else
        emit(e, word);
}

static void unit_word(Emitter *e)
{
    emit(e, random_next(e->random));
}

/* A load or store of some kind through a register that holds an interesting address. */
static void unit_access(Emitter *e)
{
    static const struct {
        uint32_t a32, t32;
    } access[] = {
        {0xe5800000, 0xf8c00000},
        {0xe5900000, 0xf8d00000},
        {0xe5c00000, 0xf8800000},
        {0xe5d00000, 0xf8900000},
        {0xe1c000b0, 0xf8a00000},
        {0xe1d000b0, 0xf8b00000},
    };
    unsigned base = any_reg(e), data = any_reg(e), which = random_below(e->random, 6);
    if (random_one_in(e->random, 2))
        which &= 1; /* words, mostly */
    emit_constant(e, base, code_address(e->random, e->places));
    if (!random_one_in(e->random, 4))
        emit_constant(e, data,
                      random_one_in(e->random, 4) ? code_address(e->random, e->places)
                                                  : random_value(e->random));
    emit_either(e, access[which].a32 | base << 16 | data << 12, access[which].t32 | base << 16 | data << 12);
}

/* Multiple, double and vector accesses: STM, LDM, STRD, LDRD, VSTM, VLDM. */
static void unit_multiple(Emitter *e)
{
    unsigned base = any_reg(e), load = random_below(e->random, 2) << 20;
    uint32_t list = random_next(e->random) & 0x1fff & ~(1u << base), even = any_reg(e) & 0xe;
    emit_constant(e, base, code_address(e->random, e->places));
    switch (random_below(e->random, 3)) {
    case 0:
        emit_either(e, 0xe8800000 | load | base << 16 | (list | 1u << (base ^ 1)),
                    0xe8800000 | load | base << 16 | (list | 6));
        break;
    case 1:
        emit_either(e, (load ? 0xe1c000d0 : 0xe1c000f0) | base << 16 | even << 12,
                    0xe9c00000 | load | base << 16 | even << 12 | (even + 1) << 8);
        break;
    default:
        emit(e, 0xec800b00 | load | base << 16 | random_below(e->random, 16) << 12 |
                    2 * random_below(e->random, 17));
        break;
    }
}

/* ---- System registers, modes, waiting --------------------------------------------------------------- */

typedef struct CpNumbers {
    uint8_t coproc, opc1, crn, crm, opc2;
} CpNumbers;

static const CpNumbers cp_numbers[] = {
#define CP_REG(name, cp, opc1, crn, crm, opc2, access, at, reset, writable, read, write)                     \
    {cp, opc1, crn, crm, opc2},
#include "cpu/cp15.def"
#undef CP_REG
};

static void unit_coprocessor(Emitter *e)
{
    const CpNumbers *n = &cp_numbers[random_below(e->random, sizeof cp_numbers / sizeof *cp_numbers)];
    unsigned reg = any_reg(e), read = random_below(e->random, 3) == 0;
    if (random_one_in(e->random, 2))
        emit_constant(e, reg, code_address(e->random, e->places));
    else
        emit_constant(e, reg, random_value(e->random));
    emit(e, 0xee000010 | (uint32_t)n->opc1 << 21 | read << 20 | (uint32_t)n->crn << 16 | reg << 12 |
                (uint32_t)n->coproc << 8 | (uint32_t)n->opc2 << 5 | n->crm);
}

static uint32_t any_mode(Emitter *e)
{
    static const uint8_t modes[] = {MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC,
                                    MODE_MON, MODE_ABT, MODE_UND, MODE_SYS};
    return random_one_in(e->random, 8) ? random_below(e->random, 32) : modes[random_below(e->random, 8)];
}

/* MSR of a whole status register. */
static void emit_msr(Emitter *e, unsigned reg, bool spsr)
{
    emit_either(e, 0xe12ff000 | (uint32_t)spsr << 22 | reg, 0xf3808f00 | (uint32_t)spsr << 20 | reg << 16);
}

/* An exception return to code, through SPSR and RFE or SUBS PC. */
static void emit_return(Emitter *e)
{
    uint32_t target = code_target(e->random, e->places);
    uint32_t psr = any_mode(e) | (random_value(e->random) & 0xffffff00) | (target & 1 ? PSR_T : 0);
    psr &= random_one_in(e->random, 4) ? UINT32_MAX : ~(uint32_t)(PSR_IT | PSR_E);
    if (random_one_in(e->random, 2)) {
        emit_constant(e, 13, e->places->ram + 0x800);
        emit_constant(e, 0, target & ~1u);
        emit_constant(e, 1, psr);
        emit_either(e, 0xe88d0003, 0xe88d0003); /* stm sp, {r0, r1} */
        emit_either(e, 0xf89d0a00, 0xe99dc000); /* rfeia sp */
    } else {
        emit_constant(e, 1, psr);
        emit_msr(e, 1, true);
        emit_constant(e, 14, target & ~1u);
        emit_either(e, 0xe1b0f00e, 0xf3de8f00); /* movs pc, lr */
    }
}

static void unit_mode(Emitter *e)
{
    uint32_t mode = any_mode(e);
    switch (random_below(e->random, 6)) {
    case 0: /* CPS #mode */
        emit_either(e, 0xf1020000 | mode, 0xf3af8100 | mode);
        break;
    case 1: /* CPSIE or CPSID, perhaps with a mode */
        mode |= random_below(e->random, 8) << (e->thumb ? 5 : 6);
        emit_either(e, 0xf10a0000 | random_below(e->random, 2) << 18 | mode,
                    0xf3af8400 | random_below(e->random, 2) << 9 | mode);
        break;
    case 2: /* SRS */
        emit_constant(e, 13, code_address(e->random, e->places));
        emit_either(e, 0xf86d0500 | random_below(e->random, 4) << 23 | mode,
                    0xe82dc000 | random_below(e->random, 2) * 0x01800000 | mode);
        break;
    case 3: /* SVC, SMC */
        if (random_one_in(e->random, 2))
            emit_either(e, 0xe1600070, 0xf7f08000);
        else
            emit_either(e, 0xef000000, 0xdf00bf00);
        break;
    case 4:
        emit_constant(e, 0, mode | (random_value(e->random) & ~(uint32_t)PSR_MODE));
        emit_msr(e, 0, random_one_in(e->random, 2));
        break;
    default:
        emit_return(e);
        break;
    }
}

static void unit_wait(Emitter *e)
{
    static const struct {
        uint32_t a32, t32;
    } hints[] = {
        {0xe320f003, 0xf3af8003}, /* WFI */
        {0xe320f002, 0xf3af8002}, /* WFE */
        {0xe320f004, 0xf3af8004}, /* SEV */
        {0xe320f001, 0xf3af8001}, /* YIELD */
        {0xf57ff06f, 0xf3bf8f6f}, /* ISB */
        {0xf57ff01f, 0xf3bf8f2f}, /* CLREX */
        {0xe1200070, 0xbe00bf00}, /* BKPT */
        {0xf1010200, 0xb658bf00}, /* SETEND BE */
        {0xf1010000, 0xb650bf00}, /* SETEND LE */
        {0xe12fff30, 0x4780bf00}, /* BLX r0 */
    };
    unsigned which = random_below(e->random, sizeof hints / sizeof *hints);
    emit_either(e, hints[which].a32, hints[which].t32);
}

/* ---- Flow and self-modification --------------------------------------------------------------------- */

static void emit_jump(Emitter *e)
{
    emit_constant(e, 12, code_target(e->random, e->places));
    emit_either(e, 0xe12fff1c, 0x4760bf00); /* bx r12 */
}

/* Short branches, mostly backwards, under a condition. */
static void unit_branch(Emitter *e)
{
    uint32_t back = random_below(e->random, 24), cond = random_below(e->random, 15);
    if (random_one_in(e->random, 4))
        emit_jump(e);
    else if (!e->thumb)
        emit(e, cond << 28 | 0x0a000000 | (-back & 0xffffff));
    else if (random_one_in(e->random, 4))
        emit16(e, 0xb100 | random_below(e->random, 2) << 11 | random_below(e->random, 16) << 3 | (back & 7));
    else
        emit16(e, 0xd000 | (cond % 14) << 8 | (-back & 0xff));
}

/* An IT block of random instructions. */
static void unit_it(Emitter *e)
{
    if (!e->thumb)
        return;
    emit16(e, 0xbf00 | random_below(e->random, 256));
    for (unsigned n = 0; n < 4; n++)
        unit_table(e);
}

/* Stores a word near here, sometimes into the very next instructions. */
static void unit_modify(Emitter *e)
{
    uint32_t here = e->address + e->used, target = here + random_below(e->random, 64) - 16;
    bool is_16bit;
    emit_constant(e, 0, random_one_in(e->random, 4) ? code_target(e->random, e->places) & ~3u : target & ~3u);
    emit_constant(e, 1, code_word(e->random, e->thumb, &is_16bit));
    emit_either(e, 0xe5801000, 0xf8c01000); /* str r1, [r0] */
}

static void unit_exclusive(Emitter *e)
{
    bool same = !random_one_in(e->random, 4);
    emit_constant(e, 0, code_address(e->random, e->places) & ~(random_one_in(e->random, 4) ? 0 : 7u));
    emit_either(e, 0xe1901f9f, 0xe8501f00); /* ldrex r1, [r0] */
    if (!same)
        emit_constant(e, 0, code_address(e->random, e->places));
    emit_either(e, 0xe1802f91, 0xe8401200); /* strex r2, r1, [r0] */
}

/* ---- Devices that want sequences -------------------------------------------------------------------- */

/* Stores value at r0 plus offset. */
static void emit_store(Emitter *e, uint32_t offset, uint32_t value)
{
    emit_constant(e, 1, value);
    emit_either(e, 0xe5801000 | offset, 0xf8c01000 | offset);
}

/* Flash commands for both chips, or for one. */
static void unit_flash(Emitter *e)
{
    static const uint8_t command[] = {0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xb0,
                                      0xb8, 0xc0, 0xd0, 0xe8, 0xff, 0x01, 0x00, 0x0f};
    emit_constant(e, 0,
                  0x40000000 | random_below(e->random, 2) << 26 |
                      (random_one_in(e->random, 2) ? 0 : random_below(e->random, 1 << 24) << 2));
    for (unsigned n = 0; n < 6; n++) {
        uint32_t code = command[random_below(e->random, sizeof command)];
        emit_store(e, random_below(e->random, 8) * 4, random_one_in(e->random, 4) ? code : code * 0x10001);
        if (random_one_in(e->random, 3))
            emit_either(e, 0xe5902000, 0xf8d02000); /* ldr r2, [r0] */
    }
}

/* Sets or clears a line of the I2C bus at r0: r1 holds the clock's bit, r2 the data's. */
static void emit_i2c_line(Emitter *e, unsigned reg, bool high)
{
    uint32_t offset = high ? 0 : 4;
    emit_either(e, 0xe5800000 | reg << 12 | offset, 0xf8c00000 | reg << 12 | offset);
}

static void emit_i2c_bit(Emitter *e, bool bit)
{
    emit_i2c_line(e, 1, false);
    emit_i2c_line(e, 2, bit);
    emit_i2c_line(e, 1, true);
}

/* A start and the address of a slave that exists, perhaps, and a byte. */
static void unit_i2c(Emitter *e)
{
    static const uint8_t slaves[] = {0x72, 0x73, 0xc0, 0xc1, 0xa0, 0xa1};
    unsigned bytes = 1 + random_below(e->random, 2);
    emit_constant(e, 0, random_one_in(e->random, 4) ? 0x10002000 : 0x10016000);
    emit_constant(e, 1, 1);
    emit_constant(e, 2, 2);
    if (!random_one_in(e->random, 4)) {
        emit_i2c_bit(e, true);
        emit_i2c_line(e, 2, false);
    }
    for (unsigned n = 0; n < bytes; n++) {
        uint32_t byte = n || random_one_in(e->random, 4) ? random_next(e->random)
                                                         : slaves[random_below(e->random, sizeof slaves)];
        for (unsigned bit = 8; bit-- > 0;)
            emit_i2c_bit(e, byte >> bit & 1);
        emit_i2c_bit(e, !random_one_in(e->random, 4));
    }
    if (random_one_in(e->random, 4))
        emit_i2c_line(e, 2, true);
}

/* Timers and watchdogs with periods that make no sense. */
static void unit_timer(Emitter *e)
{
    static const uint32_t base[] = {0x10011000, 0x10011020, 0x10012000, 0x100e4000, 0x1e000600,
                                    0x1e000620, 0x1e000200, 0x1000f000, 0x100e5000, 0x10017000};
    emit_constant(e, 0, base[random_below(e->random, sizeof base / sizeof *base)]);
    for (unsigned n = 0; n < 4; n++) {
        uint32_t value = random_one_in(e->random, 2) ? random_below(e->random, 256) : random_value(e->random);
        emit_store(e, random_below(e->random, 8) * 4, value);
    }
}

/* The interrupt controller's small set of registers that decide whether anything happens. */
static void unit_interrupts(Emitter *e)
{
    static const uint16_t registers[] = {0x000, 0x080, 0x084, 0x088, 0x100, 0x104, 0x108, 0x180,
                                         0x200, 0x204, 0x280, 0x400, 0x440, 0x820, 0xc00, 0xf00};
    bool interface = random_one_in(e->random, 2);
    emit_constant(e, 0, interface ? 0x1e000100 : 0x1e001000);
    for (unsigned n = 0; n < 4; n++)
        emit_store(e, interface ? random_below(e->random, 8) * 4 : registers[random_below(e->random, 16)],
                   random_value(e->random));
    if (interface) {
        emit_either(e, 0xe590200c, 0xf8d0200c); /* acknowledge, end */
        emit_either(e, 0xe5802010, 0xf8c02010);
    }
}

/* The configuration bus of the board: oscillators, sensors, reset. */
static void unit_configuration(Emitter *e)
{
    emit_constant(e, 0, 0x10000000);
    emit_store(e, 0xa0, random_value(e->random));
    uint32_t function = random_below(e->random, 16), command = 0x80000000 | function << 20;
    if (function >= 8 && function <= 9 && !random_one_in(e->random, 16))
        return; /* shutdown and reboot would cut most runs short */
    emit_store(e, 0xa4,
               command | random_below(e->random, 4) << 16 | random_below(e->random, 8) |
                   random_below(e->random, 2) << 30);
}

/* A UART with a wild line control: loop-back, breaks, FIFO levels, characters. */
static void unit_uart(Emitter *e)
{
    static const uint8_t registers[] = {0x00, 0x00, 0x00, 0x04, 0x24, 0x2c, 0x30, 0x34, 0x38, 0x44};
    emit_constant(e, 0, 0x10009000 + (random_below(e->random, 4) << 12));
    emit_store(e, 0x30, 0x301 | (random_next(e->random) & 0xcc80));
    for (unsigned n = 0; n < 6; n++)
        emit_store(e, registers[random_below(e->random, sizeof registers)], random_next(e->random));
    emit_either(e, 0xe5902000, 0xf8d02000);
}

/* The board's reset and remap. */
static void unit_reset(Emitter *e)
{
    emit_constant(e, 0, 0x10001000);
    if (!random_one_in(e->random, 16)) {
        emit_store(e, 0, random_next(e->random));
    } else if (random_one_in(e->random, 2)) {
        emit_store(e, 4, 0);
    } else {
        emit_constant(e, 0, 0x10000000);
        emit_store(e, 0xa4, 0xc0000000 | (8 + random_below(e->random, 2)) << 20);
    }
}

static void emit_mcr(Emitter *e, unsigned crn, unsigned crm, unsigned opc2, uint32_t value)
{
    emit_constant(e, 1, value);
    emit(e, 0xee000f10 | crn << 16 | 1 << 12 | opc2 << 5 | crm);
}

/* Performance counters that are about to overflow. */
static void unit_counters(Emitter *e)
{
    static const uint8_t events[] = {0x00, 0x02, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x0f, 0x11, 0x68, 0x93, 0xff};
    emit_mcr(e, 9, 12, 0, 1 | (random_next(e->random) & 0x3e));
    emit_mcr(e, 9, 12, 5, random_below(e->random, 8));
    uint32_t event = events[random_below(e->random, sizeof events)];
    emit_mcr(e, 9, 13, 1, event);
    emit_mcr(e, 9, 13, 2, -random_below(e->random, 200));
    emit_mcr(e, 9, 13, 0, -random_below(e->random, 200));
    emit_mcr(e, 9, 12, 1, random_next(e->random) | 1u << 31);
    emit_mcr(e, 9, 14, 1, random_next(e->random) | 1u << 31);
}

/* VMSR and VMRS of all registers; the debug data transfer register by LDC and STC. */
static void unit_odd_registers(Emitter *e)
{
    static const uint8_t registers[] = {0, 1, 1, 6, 7, 8, 8, 9};
    uint32_t reg = registers[random_below(e->random, 8)], read = random_below(e->random, 2) << 20;
    if (random_one_in(e->random, 2)) {
        emit_constant(e, 1, random_one_in(e->random, 2) ? random_next(e->random) : 1u << 30);
        emit(e, 0xeee01a10 | read | reg << 16);
    } else {
        emit_constant(e, 1, code_address(e->random, e->places));
        emit(e, 0xec015e00 | read | (random_next(e->random) & 0x01a000ff));
    }
}

/* ---- Chunks ----------------------------------------------------------------------------------------- */

typedef struct Unit {
    void (*emit)(Emitter *e);
    unsigned weight;
} Unit;

static const Unit units[] = {
    {unit_table,         60},
    {unit_word,          4 },
    {unit_access,        30},
    {unit_multiple,      10},
    {unit_coprocessor,   16},
    {unit_mode,          6 },
    {unit_wait,          6 },
    {unit_branch,        14},
    {unit_it,            4 },
    {unit_modify,        5 },
    {unit_exclusive,     4 },
    {unit_flash,         3 },
    {unit_i2c,           2 },
    {unit_timer,         5 },
    {unit_interrupts,    5 },
    {unit_configuration, 2 },
    {unit_uart,          3 },
    {unit_reset,         1 },
    {unit_counters,      2 },
    {unit_odd_registers, 2 },
};

static void emit_unit(Emitter *e)
{
    unsigned total = 0;
    for (unsigned n = 0; n < sizeof units / sizeof *units; n++)
        total += units[n].weight;
    unsigned pick = random_below(e->random, total);
    for (const Unit *unit = units;; unit++) {
        if (pick < unit->weight) {
            unit->emit(e);
            return;
        }
        pick -= unit->weight;
    }
}

/* In honest code a write of TTBR0 or TTBR1 becomes a read: no TLB has to notice it. */
static void make_honest(const Emitter *e)
{
    for (uint32_t at = 0; e->places->honest && at + 4 <= e->used; at += e->thumb ? 2 : 4) {
        uint16_t half[2];
        memcpy(half, e->host + at, 4);
        uint16_t *high = &half[e->thumb ? 0 : 1], low = half[e->thumb ? 1 : 0];
        bool write = (*high & 0x0f10) == 0x0e00 && (low & 0x0f10) == 0x0f10, ttb = (*high & 0xf) == 2;
        if (write && ttb)
            *high |= 0x10;
        memcpy(e->host + at, half, 4);
    }
}

void code_fill(Random *random, const Places *places, uint32_t address, uint8_t *host)
{
    Emitter e = {random, places, host, address, 0, CHUNK, code_is_thumb(places, address)};
    bool wild = random_one_in(random, 16);
    while (wild && e.used < CHUNK)
        unit_word(&e);
    while (!wild && e.used + 32 < CHUNK)
        emit_unit(&e);
    emit_jump(&e);
    while (e.used < CHUNK)
        emit16(&e, random_next(random));
    make_honest(&e);
}

/* ---- Vectors ---------------------------------------------------------------------------------------- */

enum { HANDLERS = 0x40, HANDLER = 0x38 };

/* Goes on after the instruction, before it, somewhere else, or does something mad. */
static void emit_handler(Emitter *e, unsigned vector)
{
    static const uint8_t skip[8] = {0, 0, 0, 4, 4, 0, 4, 4};
    switch (random_below(e->random, 6)) {
    case 0:
        emit_unit(e);
        emit_jump(e);
        break;
    case 1:
        emit_return(e);
        break;
    case 2:
        emit_jump(e);
        break;
    default: /* subs pc, lr, #skip: an abort goes on behind the instruction */
        if (vector == 3)
            emit_return(e);
        else
            emit_either(e, 0xe25ef000 | skip[vector], 0xf3de8f00 | skip[vector]);
        break;
    }
}

/* Eight "ldr pc, [pc, #..]", the addresses of the handlers, the handlers. */
void code_vectors(Random *random, const Places *places, uint32_t address, uint8_t *host)
{
    for (unsigned n = 0; n < 8; n++) {
        bool thumb = random_one_in(random, 2);
        uint32_t load = 0xe59ff018, handler = address + HANDLERS + n * HANDLER;
        Emitter e = {random, places, host + HANDLERS + n * HANDLER, handler, 0, HANDLER, thumb};
        handler |= thumb;
        emit_handler(&e, n);
        make_honest(&e);
        memcpy(host + 4 * n, &load, 4);
        memcpy(host + 0x20 + 4 * n, &handler, 4);
    }
}
