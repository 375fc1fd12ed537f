/* Snoop control unit of the Cortex-A9 MPCore (DDI 0407, chapter 2).
 *
 * There are no caches behind it: registers hold their values, invalidating completes at once.
 *
 * Inputs: n is the ACTLR.SMP bit of CPU n. */
#include "devices/scu.h"

enum {
    CPUS = 4,
    INVALIDATE_ALL = 0x0c,
    SNSAC = 0x54,
    TAG_RAM_32K = 1, /* size of the data cache in the configuration register */
    POWERED_OFF = 3  /* also what a CPU that is not there reports */
};

typedef struct {
    Device dev;
    uint32_t control, power, diagnostic, filter_start, filter_end, access_control, nonsecure_access;
    uint32_t smp; /* CPUs that take part in coherency */
} State;

static unsigned cpu_of(const RegAccess *access)
{
    return access->cpu < CPUS ? access->cpu : 0;
}

bool scu_allows(const Device *scu, ScuPart part, const RegAccess *access)
{
    if (!scu || access->secure)
        return true;
    return ((const State *)scu)->nonsecure_access >> (part + cpu_of(access)) & 1;
}

/* SAC governs every write; Non-secure writes need SNSAC too, and never reach SNSAC itself: only Secure
 * software opens doors for Non-secure software. */
static bool allows(Device *dev, const RegAccess *access, bool write)
{
    State *s = (State *)dev;
    if (!write)
        return true;
    if (!access->secure && (access->offset == INVALIDATE_ALL || access->offset == SNSAC))
        return false;
    return (s->access_control >> cpu_of(access) & 1) && scu_allows(dev, SCU_REGISTERS, access);
}

static uint32_t configuration_read(Device *dev, const RegAccess *access)
{
    (void)access;
    uint32_t present = (1u << dev->env->cpus) - 1, tags = 0;
    for (unsigned cpu = 0; cpu < dev->env->cpus; cpu++)
        tags |= (uint32_t)TAG_RAM_32K << (8 + 2 * cpu);
    return tags | (((State *)dev)->smp & present) << 4 | (dev->env->cpus - 1);
}

static uint32_t power_read(Device *dev, const RegAccess *access)
{
    (void)access;
    uint32_t power = ((State *)dev)->power;
    for (unsigned cpu = dev->env->cpus; cpu < CPUS; cpu++)
        power |= (uint32_t)POWERED_OFF << (8 * cpu);
    return power;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name                   offset          kind    storage               reset writable    read */
    {"SCU Control",           0x00,           REG_RW, AT(control),          0,    0x7f,       NULL, NULL, 0, 0},
    {"SCU Configuration",     0x04,           REG_RO, NO_STORE,             0,    0,          configuration_read, NULL, 0, 0},
    {"SCU CPU Power Status",  0x08,           REG_RW, AT(power),            0,    0x03030303, power_read, NULL, 0, 0},
    {"SCU Invalidate All",    INVALIDATE_ALL, REG_WO, NO_STORE,             0,    0xffff,     NULL, NULL, 0, 0},
    /* Not in the manual; known from the workaround for erratum 764369. */
    {"SCU Diagnostic Control", 0x30,          REG_RW, AT(diagnostic),       0,    0xffffffff, NULL, NULL, 0, 0},
    {"Filtering Start Address", 0x40,         REG_RW, AT(filter_start),     0,    0xfff00000, NULL, NULL, 0, 0},
    {"Filtering End Address", 0x44,           REG_RW, AT(filter_end),       0,    0xfff00000, NULL, NULL, 0, 0},
    {"SAC",                   0x50,           REG_RW, AT(access_control),   0xf,  0xf,        NULL, NULL, 0, 0},
    {"SNSAC",                 SNSAC,          REG_RW, AT(nonsecure_access), 0,    0xfff,      NULL, NULL, 0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD(smp, FIELD_U32),
};

static void input(Device *dev, unsigned input, bool level)
{
    State *s = (State *)dev;
    s->smp = level ? s->smp | 1u << input : s->smp & ~(1u << input);
}

const DeviceType scu_type = {
    .name = "scu",
    .summary = "snoop control unit of the Cortex-A9 MPCore (DDI 0407)",
    .state_size = sizeof(State),
    .window = 0x100,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .inputs = CPUS,
    .input = input,
    .allows = allows,
};
