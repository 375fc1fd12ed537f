/* Level 2 cache controller L2C-310 (PL310) r3p2 (DDI 0246), with 512 KiB in 8 ways as on the CoreTile Express
 * A9x4.
 *
 * There is no cache behind it: maintenance operations complete at once, nothing is counted, no error occurs.
 * Output 0 is the combined interrupt L2CCINTR. */
#include "devices/device.h"

enum {
    CONTROL = 0x100,
    AUX_CONTROL = 0x104,
    DATA_LATENCY = 0x10c,
    EVENT_CONTROL = 0x200,
    EVENT_COUNTER = 0x20c,
    INTERRUPT_MASK = 0x214,
    INTERRUPT_CLEAR = 0x220,
    LOCKDOWN = 0x900,
    LOCKDOWN_END = 0x940,
    LOCK_LINE = 0x950,
    UNLOCK_ALL = 0x954,
    FILTER_START = 0xc00,
    POWER_CONTROL = 0xf80,
    SPNIDEN = 4,       /* of the debug register: read-only, Secure debug is permitted */
    RESET_COUNTERS = 6 /* of the event counter control register: act once, read as 0 */
};

#define CACHE_ID 0x410000c8u   /* ARM, PL310, r3p2 */
#define CACHE_TYPE 0x1e000000u /* lockdown by line and by master; Harvard and line length fields are 0 */
#define AUX_RESET 0x02060000u  /* round robin, 64 KiB ways, 8 of them */
#define AUX_NS_LOCKDOWN (1u << 26)
#define AUX_NS_INTERRUPTS (1u << 27)
#define PREFETCH_IN_AUX 0x30000000u /* these two bits are the same in both registers */

typedef struct {
    Device dev;
    uint32_t control, aux, tag_latency, data_latency;
    uint32_t event_control, event_config[2], event_count[2], interrupt_mask, interrupt_raw;
    uint32_t lockdown[16], lock_line, filter_start, filter_end, debug, prefetch, power;
} State;

static uint32_t cache_type_read(Device *dev, const RegAccess *access)
{
    (void)access;
    uint32_t aux = ((State *)dev)->aux;
    uint32_t way_size = aux >> 17 & 7, ways = aux >> 16 & 1;
    return CACHE_TYPE | way_size << 20 | ways << 18 | way_size << 8 | ways << 6;
}

static void aux_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->prefetch = (s->prefetch & ~PREFETCH_IN_AUX) | (value & PREFETCH_IN_AUX);
}

static void prefetch_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->aux = (s->aux & ~PREFETCH_IN_AUX) | (value & PREFETCH_IN_AUX);
}

/* Bit 1 resets counter 0, bit 2 counter 1. */
static void event_control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    for (unsigned n = 0; n < 2; n++)
        if (value >> (n + 1) & 1)
            s->event_count[1 - n] = 0;
    s->event_control &= ~(uint32_t)RESET_COUNTERS;
}

static uint32_t masked_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return s->interrupt_raw & s->interrupt_mask;
}

static void clear_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->interrupt_raw &= ~value;
}

static uint32_t debug_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->debug | SPNIDEN;
}

/* Non-secure software may always maintain the cache and count events, with AUX_CONTROL's leave also lock ways
 * down and handle interrupts; the rest is written by Secure software only, and what shapes the cache only
 * while it is off. */
static bool allows(Device *dev, const RegAccess *access, bool write)
{
    State *s = (State *)dev;
    uint32_t at = access->offset;
    if (!write)
        return true;
    if (at >= AUX_CONTROL && at <= DATA_LATENCY && (s->control & 1))
        return false;
    if ((at == EVENT_COUNTER || at == EVENT_COUNTER + 4) && (s->event_control & 1))
        return false;
    if (access->secure)
        return true;
    if (at >= INTERRUPT_MASK && at <= INTERRUPT_CLEAR)
        return s->aux & AUX_NS_INTERRUPTS;
    if (at >= LOCKDOWN && at <= UNLOCK_ALL)
        return s->aux & AUX_NS_LOCKDOWN;
    return at >= EVENT_CONTROL && at < FILTER_START;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name                       offset kind      storage             reset       writable */
    {"reg0_cache_id",             0x000, REG_RO,    NO_STORE,          CACHE_ID,   0,          NULL, NULL, 0, 0},
    {"reg0_cache_type",           0x004, REG_RO,    NO_STORE,          0,          0,          cache_type_read, NULL, 0, 0},
    {"reg1_control",              0x100, REG_RW,    AT(control),       0,          0x1,        NULL, NULL, 0, 0},
    {"reg1_aux_control",          0x104, REG_RW,    AT(aux),           AUX_RESET,  0x7fff3c01, NULL, aux_written, 0, 0},
    {"reg1_tag_ram_control",      0x108, REG_RW,    AT(tag_latency),   0x777,      0x777,      NULL, NULL, 0, 0},
    {"reg1_data_ram_control",     0x10c, REG_RW,    AT(data_latency),  0x777,      0x777,      NULL, NULL, 0, 0},
    {"reg2_ev_counter_ctrl",      0x200, REG_RW,    AT(event_control), 0,          0x7,        NULL, event_control_written, 0, 0},
    {"reg2_ev_counter_cfg",       0x204, REG_RW,    AT(event_config),  0,          0x3f,       NULL, NULL, 2, 0},
    {"reg2_ev_counter",           0x20c, REG_RW,    AT(event_count),   0,          0xffffffff, NULL, NULL, 2, 0},
    {"reg2_int_mask",             0x214, REG_RW,    AT(interrupt_mask), 0,         0x1ff,      NULL, NULL, 0, 0},
    {"reg2_int_mask_status",      0x218, REG_RO,    NO_STORE,          0,          0,          masked_read, NULL, 0, 0},
    {"reg2_int_raw_status",       0x21c, REG_RO,    AT(interrupt_raw), 0,          0,          NULL, NULL, 0, 0},
    {"reg2_int_clear",            0x220, REG_WO,    NO_STORE,          0,          0x1ff,      NULL, clear_written, 0, 0},
    {"reg7_cache_sync",           0x730, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_dummy_sync",           0x740, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_inv_pa",               0x770, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_inv_way",              0x77c, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_pa",             0x7b0, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_index",          0x7b8, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_way",            0x7bc, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_inv_pa",         0x7f0, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_inv_index",      0x7f8, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg7_clean_inv_way",        0x7fc, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    /* reg9_d_lockdown0, reg9_i_lockdown0, reg9_d_lockdown1 and so on */
    {"reg9_lockdown",             0x900, REG_RW,    AT(lockdown),      0,          0xffff,     NULL, NULL, 16, 0},
    {"reg9_lock_line_en",         0x950, REG_RW,    AT(lock_line),     0,          0x1,        NULL, NULL, 0, 0},
    {"reg9_unlock_way",           0x954, REG_CONST, NO_STORE,          0,          0,          NULL, NULL, 0, 0},
    {"reg12_addr_filtering_start", 0xc00, REG_RW,   AT(filter_start),  0,          0xfff00001, NULL, NULL, 0, 0},
    {"reg12_addr_filtering_end",  0xc04, REG_RW,    AT(filter_end),    0,          0xfff00000, NULL, NULL, 0, 0},
    {"reg15_debug_ctrl",          0xf40, REG_RW,    AT(debug),         0,          0x3,        debug_read, NULL, 0, 0},
    {"reg15_prefetch_ctrl",       0xf60, REG_RW,    AT(prefetch),      0,          0x79a0001f, NULL, prefetch_written, 0, 0},
    {"reg15_power_ctrl",          0xf80, REG_RW,    AT(power),         0,          0x3,        NULL, NULL, 0, 0},
};
/* clang-format on */

static void update(Device *dev)
{
    State *s = (State *)dev;
    irq_set(&dev->out[0], s->interrupt_raw & s->interrupt_mask);
}

const DeviceType l2c310_type = {
    .name = "l2c310",
    .summary = "level 2 cache controller, L2C-310 (DDI 0246)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    .version = 1,
    .outputs = 1,
    .update = update,
    .allows = allows,
};
