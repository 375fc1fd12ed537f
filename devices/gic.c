/* The interrupt controller of the Cortex-A9 MPCore: GIC architecture 1.0 (IHI 0048A) with the security
 * extensions, as the Cortex-A9 MPCore manual (DDI 0407, chapter 3) describes it.
 *
 * "gic" is the distributor and holds all state; "gic_cpu" is the window of the CPU interfaces and shows the
 * state of the distributor that is its `peer`. 64 shared interrupts (IDs 32 to 95), per CPU 16
 * software-generated ones (0 to 15) and five private ones (27 to 31).
 *
 * Inputs: 0 to 63 are the shared interrupts IRQS[63:0] (IDs 32 up); 64 + 5 * cpu + n is private interrupt 27
 * + n of a CPU (global timer, nFIQ, private timer, watchdog, nIRQ), where true means asserted also for the
 * two active-LOW pins. Outputs: 2 * cpu is IRQ and 2 * cpu + 1 is FIQ of a CPU.
 *
 * CFGSDISABLE is tied LOW: the lockable interrupts are never locked. */
#include "devices/device.h"

#include <string.h>

enum {
    CPUS = 4,
    WORDS = 3, /* 96 interrupts, one bit each */
    IDS = 32 * WORDS,
    BANKS = CPUS + WORDS - 1, /* word 0 once per CPU, then the shared words */
    SPIS = IDS - 32,
    SGIS = 16,
    FIRST_PPI = 27,
    PPIS = 5,
    NFIQ = 28,
    NIRQ = 31,
    SPURIOUS = 1023,
    SPURIOUS_NONSECURE = 1022, /* the pending interrupt is Non-secure and ICCICR.AckCtl is 0 */
    ENABLE_S = 1,              /* of ICDDCR and ICCICR */
    ENABLE_NS = 2,
    ACK_CTL = 4,
    FIQ_EN = 8,
    SBPR = 16,
    PRIORITY_BITS = 0xf8,  /* five bits are implemented */
    NONSECURE_HALF = 0x80, /* Non-secure software only sees and sets priorities of the lower half */
    IDLE = 0xff,           /* running priority when nothing is active */
    MIN_BPR = 2,           /* five group bits; the Non-secure view is one more */
    MIN_BPR_NS = 3,
    ALL_CPUS = 0xf
};

#define SGI_WORD 0x0000ffffu
#define PPI_WORD 0xf8000000u
/* The configuration of SGIs and PPIs is fixed: edges, but for the two legacy pins. */
#define SGI_CONFIG 0xaaaaaaaau
#define PPI_EDGES (1u << 27 | 1u << 29 | 1u << 30)
#define ACTIVE_LOW_PPIS (1u << NFIQ | 1u << NIRQ)

typedef struct {
    Device dev;
    /* The distributor. Bit arrays are indexed with bank(). */
    uint32_t control;
    uint32_t nonsecure[BANKS]; /* ICDISR */
    uint32_t enabled[BANKS];
    uint32_t latched[BANKS]; /* pending by an edge or by ICDISPR */
    uint32_t line[BANKS];    /* input levels */
    uint32_t edge[BANKS];
    uint32_t target[CPUS][WORDS - 1]; /* shared interrupts that go to a CPU */
    uint32_t sgi[CPUS][CPUS];         /* [target][source]: pending SGIs */
    uint8_t priority[BANKS * 32];
    /* The CPU interfaces. */
    uint32_t interface_control[CPUS];
    uint32_t mask[CPUS]; /* ICCPMR */
    uint32_t point[CPUS], point_ns[CPUS];
    uint32_t active[CPUS][WORDS];       /* acknowledged by this CPU, not yet ended */
    uint8_t active_priority[CPUS][IDS]; /* of those, as it was when they were acknowledged */
} State;

static unsigned bank(unsigned cpu, unsigned word)
{
    return word ? CPUS + word - 1 : cpu;
}

static unsigned cpu_of(const RegAccess *access)
{
    return access->cpu < CPUS ? access->cpu : 0;
}

static bool uniprocessor(const State *s)
{
    return s->dev.env->cpus == 1;
}

static uint32_t implemented(unsigned word)
{
    if (word >= WORDS)
        return 0;
    return word ? 0xffffffff : SGI_WORD | PPI_WORD;
}

/* Interrupts of one word that an access may see: Non-secure software does not see Secure ones. */
static uint32_t visible(const State *s, const RegAccess *access, unsigned word)
{
    uint32_t exist = implemented(word);
    if (access->secure || !exist)
        return exist;
    return exist & s->nonsecure[bank(cpu_of(access), word)];
}

/* --- Interrupt state --- */

/* Interrupts of a word whose group the distributor has enabled. */
static uint32_t group_enabled(const State *s, unsigned b)
{
    return ((s->control & ENABLE_S) ? ~s->nonsecure[b] : 0) |
           ((s->control & ENABLE_NS) ? s->nonsecure[b] : 0);
}

/* A shared interrupt without a target cannot become pending (DDI 0407, 3.3.8). */
static uint32_t has_target(const State *s, unsigned word)
{
    uint32_t any = word ? 0 : 0xffffffff;
    for (unsigned cpu = 0; word && cpu < CPUS; cpu++)
        any |= s->target[cpu][word - 1];
    return any;
}

/* Interrupts whose signals the distributor heeds. */
static uint32_t heeded(const State *s, unsigned cpu, unsigned word)
{
    return group_enabled(s, bank(cpu, word)) & has_target(s, word);
}

static uint32_t pending_word(const State *s, unsigned cpu, unsigned word)
{
    unsigned b = bank(cpu, word);
    uint32_t pending = s->latched[b] | (s->line[b] & ~s->edge[b] & heeded(s, cpu, word));
    for (unsigned source = 0; !word && source < CPUS; source++)
        pending |= s->sgi[cpu][source];
    return pending;
}

static uint32_t active_word(const State *s, unsigned cpu, unsigned word)
{
    uint32_t active = s->active[cpu][word];
    for (unsigned other = 0; word && other < CPUS; other++)
        active |= s->active[other][word];
    return active;
}

typedef struct {
    unsigned id; /* SPURIOUS if there is none */
    uint8_t priority;
    bool nonsecure;
} Highest;

/* What the distributor forwards to a CPU interface: the pending interrupt of the highest priority, the lowest
 * ID among equals. */
static Highest highest_pending(const State *s, unsigned cpu)
{
    Highest highest = {SPURIOUS, IDLE, false};
    for (unsigned word = 0; word < WORDS; word++) {
        unsigned b = bank(cpu, word);
        uint32_t bits = pending_word(s, cpu, word) & s->enabled[b] & group_enabled(s, b);
        bits &= word ? s->target[cpu][word - 1] : 0xffffffff;
        if (bits)
            bits &= ~active_word(s, cpu, word);
        for (; bits; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctz(bits);
            if (s->priority[b * 32 + bit] < highest.priority)
                highest = (Highest){word * 32 + bit, s->priority[b * 32 + bit], s->nonsecure[b] >> bit & 1};
        }
    }
    return highest;
}

static uint8_t running_priority(const State *s, unsigned cpu)
{
    uint8_t running = IDLE;
    for (unsigned word = 0; word < WORDS; word++)
        for (uint32_t bits = s->active[cpu][word]; bits; bits &= bits - 1) {
            unsigned id = word * 32 + (unsigned)__builtin_ctz(bits);
            if (s->active_priority[cpu][id] < running)
                running = s->active_priority[cpu][id];
        }
    return running;
}

/* The bits of a priority that decide about preemption. */
static uint8_t group_priority_mask(const State *s, unsigned cpu, bool nonsecure)
{
    if (nonsecure && !(s->interface_control[cpu] & SBPR))
        return (uint8_t)(0xff << s->point_ns[cpu]);
    return (uint8_t)(0xfe << s->point[cpu]);
}

/* Whether the CPU interface signals the interrupt to its CPU. */
static bool signals(const State *s, unsigned cpu, const Highest *pending)
{
    if (!(s->interface_control[cpu] & (pending->nonsecure ? ENABLE_NS : ENABLE_S)))
        return false;
    if (pending->id == SPURIOUS || pending->priority >= s->mask[cpu])
        return false;
    uint8_t running = running_priority(s, cpu);
    uint8_t group = group_priority_mask(s, cpu, pending->nonsecure);
    return running == IDLE || (pending->priority & group) < (running & group);
}

static void update_cpu(State *s, unsigned cpu)
{
    bool irq, fiq;
    if (s->interface_control[cpu] & (ENABLE_S | ENABLE_NS)) {
        Highest pending = highest_pending(s, cpu);
        bool signalled = signals(s, cpu, &pending);
        bool as_fiq = !pending.nonsecure && (s->interface_control[cpu] & FIQ_EN);
        irq = signalled && !as_fiq;
        fiq = signalled && as_fiq;
    } else { /* legacy mode: the pins bypass the controller */
        irq = s->line[cpu] >> NIRQ & 1;
        fiq = s->line[cpu] >> NFIQ & 1;
    }
    irq_set(&s->dev.out[2 * cpu], irq);
    irq_set(&s->dev.out[2 * cpu + 1], fiq);
}

static void update(Device *dev)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        update_cpu((State *)dev, cpu);
}

static void input(Device *dev, unsigned input, bool level)
{
    State *s = (State *)dev;
    unsigned cpu = 0, id = 32 + input;
    if (input >= SPIS) {
        cpu = (input - SPIS) / PPIS;
        id = FIRST_PPI + (input - SPIS) % PPIS;
    }
    unsigned b = bank(cpu, id / 32);
    uint32_t bit = 1u << id % 32;
    uint32_t rising = level ? bit & ~s->line[b] : 0;
    s->line[b] = level ? s->line[b] | bit : s->line[b] & ~bit;
    s->latched[b] |= rising & s->edge[b] & heeded(s, cpu, id / 32);
}

/* --- Distributor registers --- */

static uint32_t icddcr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return access->secure ? s->control : s->control >> 1;
}

static void icddcr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    if (!(access->lanes & 0xff))
        return;
    if (access->secure)
        s->control = value;
    else
        s->control = (s->control & ENABLE_S) | ((value & 1) ? ENABLE_NS : 0);
}

static uint32_t icdictr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return 31u << 11 | 1u << 10 | (dev->env->cpus - 1) << 5 | (WORDS - 1);
}

static uint32_t icdisr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    if (!access->secure || access->index >= WORDS)
        return 0;
    return s->nonsecure[bank(cpu_of(access), access->index)];
}

static void icdisr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    if (!access->secure || access->index >= WORDS)
        return;
    uint32_t *word = &s->nonsecure[bank(cpu_of(access), access->index)];
    *word = reg_merged(*word, access, value & implemented(access->index));
}

static uint32_t enable_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    uint32_t seen = visible(s, access, access->index);
    return seen ? s->enabled[bank(cpu_of(access), access->index)] & seen : 0;
}

static void icdiser_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t set = value & visible(s, access, access->index);
    if (set)
        s->enabled[bank(cpu_of(access), access->index)] |= set;
}

/* SGIs are always enabled. */
static void icdicer_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t clear = value & visible(s, access, access->index) & ~(access->index ? 0 : SGI_WORD);
    if (clear)
        s->enabled[bank(cpu_of(access), access->index)] &= ~clear;
}

static uint32_t pending_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    uint32_t seen = visible(s, access, access->index);
    return seen ? pending_word(s, cpu_of(access), access->index) & seen : 0;
}

/* SGIs become pending through ICDSGIR only. */
static void icdispr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t set = value & visible(s, access, access->index) & ~(access->index ? 0 : SGI_WORD);
    if (set)
        s->latched[bank(cpu_of(access), access->index)] |= set & has_target(s, access->index);
}

static void icdicpr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t clear = value & visible(s, access, access->index);
    if (clear)
        s->latched[bank(cpu_of(access), access->index)] &= ~clear;
}

static uint32_t icdabr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    uint32_t seen = visible(s, access, access->index);
    return seen ? active_word(s, cpu_of(access), access->index) & seen : 0;
}

/* Registers with a byte for each interrupt: which of the four exist for the access, byte 0 in bit 0. */
static unsigned bytes_present(const State *s, const RegAccess *access)
{
    return visible(s, access, access->index / 8) >> (4 * (access->index % 8)) & 0xf;
}

static bool byte_touched(const RegAccess *access, unsigned byte)
{
    return access->lanes >> (8 * byte) & 1;
}

static uint32_t icdipr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned present = bytes_present(s, access);
    uint32_t word = 0;
    for (unsigned byte = 0; byte < 4; byte++) {
        if (!(present >> byte & 1))
            continue;
        uint8_t priority =
            s->priority[bank(cpu_of(access), access->index / 8) * 32 + access->index % 8 * 4 + byte];
        if (!access->secure)
            priority = (uint8_t)(priority << 1);
        word |= (uint32_t)priority << (8 * byte);
    }
    return word;
}

static void icdipr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned present = bytes_present(s, access);
    for (unsigned byte = 0; byte < 4; byte++) {
        if (!(present >> byte & 1) || !byte_touched(access, byte))
            continue;
        uint8_t priority = (uint8_t)(value >> (8 * byte));
        if (!access->secure)
            priority = (uint8_t)(NONSECURE_HALF | priority >> 1);
        s->priority[bank(cpu_of(access), access->index / 8) * 32 + access->index % 8 * 4 + byte] =
            priority & PRIORITY_BITS;
    }
}

static uint8_t targets_of(const State *s, unsigned word, unsigned bit)
{
    unsigned targets = 0;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        targets |= (s->target[cpu][word - 1] >> bit & 1) << cpu;
    return (uint8_t)targets;
}

/* SGIs and PPIs always go to the CPU that reads; with one CPU the registers are reserved. */
static uint32_t icdiptr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned present = uniprocessor(s) ? 0 : bytes_present(s, access), word = access->index / 8;
    uint32_t value = 0;
    for (unsigned byte = 0; byte < 4; byte++) {
        if (!(present >> byte & 1))
            continue;
        uint32_t targets = word ? targets_of(s, word, access->index % 8 * 4 + byte) : 1u << cpu_of(access);
        value |= targets << (8 * byte);
    }
    return value;
}

static void icdiptr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned present = uniprocessor(s) ? 0 : bytes_present(s, access), word = access->index / 8;
    for (unsigned byte = 0; byte < 4 && word; byte++) {
        if (!(present >> byte & 1) || !byte_touched(access, byte))
            continue;
        uint32_t bit = 1u << (access->index % 8 * 4 + byte);
        for (unsigned cpu = 0; cpu < dev->env->cpus; cpu++)
            if (value >> (8 * byte + cpu) & 1)
                s->target[cpu][word - 1] |= bit;
            else
                s->target[cpu][word - 1] &= ~bit;
    }
}

/* Two bits per interrupt; bit 0 is fixed to 1 (the 1-N model), bit 1 says edge. */
static uint32_t icdicfr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned word = access->index / 2, first = access->index % 2 * 16;
    uint32_t seen = visible(s, access, word) >> first & 0xffff, value = 0;
    if (!seen)
        return 0;
    for (unsigned n = 0; n < 16; n++) {
        bool edge = s->edge[bank(cpu_of(access), word)] >> (first + n) & 1;
        value |= (seen >> n & 1) * (edge ? 3u : 1u) << (2 * n);
    }
    return access->index == 0 ? value & SGI_CONFIG : value;
}

static void icdicfr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned word = access->index / 2, first = access->index % 2 * 16;
    uint32_t seen = visible(s, access, word) >> first & 0xffff;
    for (unsigned n = 0; n < 16 && word; n++) {
        if (!(seen >> n & 1) || !(access->lanes >> (2 * n) & 1))
            continue;
        uint32_t *edge = &s->edge[bank(0, word)], bit = 1u << (first + n);
        *edge = (value >> (2 * n) & 2) ? *edge | bit : *edge & ~bit;
    }
}

/* The levels of the pins, of which two are active LOW. PPI 27 is bit 11. */
static uint32_t ppi_status_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return ((s->line[cpu_of(access)] ^ ACTIVE_LOW_PPIS) & visible(s, access, 0)) >> 16 & 0xf800;
}

static uint32_t spi_status_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned word = access->index + 1;
    uint32_t seen = visible(s, access, word);
    return seen ? s->line[bank(0, word)] & seen : 0;
}

/* Secure software says with SATT which SGIs it means: those that are Secure (0) or Non-secure (1) at the
 * target. Non-secure software reaches Non-secure ones only. */
static void icdsgir_written(Device *dev, const RegAccess *access, uint32_t value)
{
    enum { TO_LIST, TO_OTHERS, TO_SELF };
    State *s = (State *)dev;
    unsigned source = cpu_of(access), id = value & 0xf;
    bool want_nonsecure = !access->secure || (value >> 15 & 1);
    unsigned targets = 0;
    switch (value >> 24 & 3) {
    case TO_LIST:
        targets = value >> 16 & ALL_CPUS;
        break;
    case TO_OTHERS:
        targets = ALL_CPUS & ~(1u << source);
        break;
    case TO_SELF:
        targets = 1u << source;
        break;
    }
    for (unsigned cpu = 0; cpu < dev->env->cpus; cpu++)
        if ((targets >> cpu & 1) && (s->nonsecure[cpu] >> id & 1) == want_nonsecure)
            s->sgi[cpu][source] |= 1u << id;
}

/* clang-format off */
static const RegDef distributor_regs[] = {
    /* name        offset kind       storage   reset       writable    read             written    count */
    {"ICDDCR",     0x000, REG_RW,    NO_STORE, 0,          0x3,        icddcr_read,     icddcr_written,  0, 0},
    {"ICDICTR",    0x004, REG_RO,    NO_STORE, 0,          0,          icdictr_read,    NULL,            0, 0},
    {"ICDIIDR",    0x008, REG_RO,    NO_STORE, 0x0102043b, 0,          NULL,            NULL,            0, 0},
    {"ICDISR",     0x080, REG_RW,    NO_STORE, 0,          0xffffffff, icdisr_read,     icdisr_written,  8, 0},
    {"ICDISER",    0x100, REG_RW,    NO_STORE, 0,          0xffffffff, enable_read,     icdiser_written, 8, 0},
    {"ICDICER",    0x180, REG_RW,    NO_STORE, 0,          0xffffffff, enable_read,     icdicer_written, 8, 0},
    {"ICDISPR",    0x200, REG_RW,    NO_STORE, 0,          0xffffffff, pending_read,    icdispr_written, 8, 0},
    {"ICDICPR",    0x280, REG_RW,    NO_STORE, 0,          0xffffffff, pending_read,    icdicpr_written, 8, 0},
    {"ICDABR",     0x300, REG_RO,    NO_STORE, 0,          0,          icdabr_read,     NULL,            8, 0},
    /* Reserved; software for later versions of the architecture clears active interrupts here. */
    {"GICD_ICACTIVER", 0x380, REG_CONST, NO_STORE, 0,      0,          NULL,            NULL,            8, 0},
    {"ICDIPR",     0x400, REG_RW,    NO_STORE, 0,          0xffffffff, icdipr_read,     icdipr_written, 64, 0},
    {"ICDIPTR",    0x800, REG_RW,    NO_STORE, 0,          0xffffffff, icdiptr_read,    icdiptr_written, 64, 0},
    {"ICDICFR",    0xc00, REG_RW,    NO_STORE, 0,          0xffffffff, icdicfr_read,    icdicfr_written, 16, 0},
    {"ICPPISR",    0xd00, REG_RO,    NO_STORE, 0,          0,          ppi_status_read, NULL,            0, 0},
    {"ICSPISR",    0xd04, REG_RO,    NO_STORE, 0,          0,          spi_status_read, NULL,            7, 0},
    {"ICDSGIR",    0xf00, REG_WO,    NO_STORE, 0,          0x03ff800f, NULL,            icdsgir_written, 0, 0},
    {"ICPIDR4",    0xfd0, REG_CONST, NO_STORE, 0x04,       0,          NULL,            NULL,            0, 0},
    {"ICPIDR5-7",  0xfd4, REG_CONST, NO_STORE, 0,          0,          NULL,            NULL,            3, 0},
};

static const FieldDef distributor_fields[] = {
    FIELD(control, FIELD_U32),
    FIELD_ARRAY(nonsecure, FIELD_U32, BANKS),
    FIELD_ARRAY(enabled, FIELD_U32, BANKS),
    FIELD_ARRAY(latched, FIELD_U32, BANKS),
    FIELD_ARRAY(line, FIELD_U32, BANKS),
    FIELD_ARRAY(edge, FIELD_U32, BANKS),
    FIELD_ARRAY(target, FIELD_U32, CPUS * (WORDS - 1)),
    FIELD_ARRAY(sgi, FIELD_U32, CPUS * CPUS),
    FIELD_ARRAY(priority, FIELD_U8, BANKS * 32),
    FIELD_ARRAY(interface_control, FIELD_U32, CPUS),
    FIELD_ARRAY(mask, FIELD_U32, CPUS),
    FIELD_ARRAY(point, FIELD_U32, CPUS),
    FIELD_ARRAY(point_ns, FIELD_U32, CPUS),
    FIELD_ARRAY(active, FIELD_U32, CPUS * WORDS),
    FIELD_ARRAY(active_priority, FIELD_U8, CPUS * IDS),
};
/* clang-format on */

/* Input levels belong to whatever drives them and are kept. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    uint32_t line[BANKS];
    memcpy(line, s->line, sizeof line);
    memset(&s->control, 0, sizeof *s - offsetof(State, control));
    memcpy(s->line, line, sizeof line);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        s->enabled[cpu] = SGI_WORD;
        s->edge[cpu] = SGI_WORD | PPI_EDGES;
        s->point[cpu] = MIN_BPR;
        s->point_ns[cpu] = MIN_BPR_NS;
    }
    for (unsigned word = 1; word < WORDS && uniprocessor(s); word++)
        s->target[0][word - 1] = 0xffffffff;
}

/* --- CPU interface registers --- */

/* NULL if the board row names no distributor; the window is then empty. */
static State *distributor(const Device *dev)
{
    return (State *)dev->peer;
}

static uint32_t iccicr_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return 0;
    uint32_t control = s->interface_control[cpu_of(access)];
    return access->secure ? control : control >> 1 & 1;
}

static void iccicr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = distributor(dev);
    if (!s || !(access->lanes & 0xff))
        return;
    uint32_t *control = &s->interface_control[cpu_of(access)];
    if (access->secure)
        *control = value;
    else
        *control = (*control & ~(uint32_t)ENABLE_NS) | ((value & 1) ? ENABLE_NS : 0);
}

/* A priority as Non-secure software sees it: nothing of the upper half, the lower half stretched. */
static uint32_t nonsecure_view(uint32_t priority)
{
    if (priority == IDLE)
        return IDLE;
    return (priority & NONSECURE_HALF) ? priority << 1 & 0xff : 0;
}

static uint32_t iccpmr_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return 0;
    uint32_t mask = s->mask[cpu_of(access)];
    return access->secure ? mask : nonsecure_view(mask);
}

/* Non-secure software cannot change a mask that Secure software has put into the upper half. */
static void iccpmr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = distributor(dev);
    if (!s || !(access->lanes & 0xff))
        return;
    uint32_t *mask = &s->mask[cpu_of(access)];
    if (access->secure)
        *mask = value & PRIORITY_BITS;
    else if (*mask & NONSECURE_HALF)
        *mask = (NONSECURE_HALF | value >> 1) & PRIORITY_BITS;
}

static uint32_t iccbpr_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return 0;
    unsigned cpu = cpu_of(access);
    if (access->secure)
        return s->point[cpu];
    if (s->interface_control[cpu] & SBPR)
        return s->point[cpu] < 7 ? s->point[cpu] + 1 : 7;
    return s->point_ns[cpu];
}

static void set_point_ns(State *s, unsigned cpu, uint32_t value)
{
    s->point_ns[cpu] = value < MIN_BPR_NS ? MIN_BPR_NS : value;
}

static void iccbpr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = distributor(dev);
    if (!s || !(access->lanes & 0xff))
        return;
    unsigned cpu = cpu_of(access);
    if (access->secure)
        s->point[cpu] = value < MIN_BPR ? MIN_BPR : value;
    else if (!(s->interface_control[cpu] & SBPR))
        set_point_ns(s, cpu, value);
}

/* ICCABPR: Secure software's way to the Non-secure ICCBPR. */
static uint32_t iccabpr_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    return s && access->secure ? s->point_ns[cpu_of(access)] : 0;
}

static void iccabpr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = distributor(dev);
    if (s && access->secure && (access->lanes & 0xff))
        set_point_ns(s, cpu_of(access), value);
}

/* The ID that software may learn about the highest pending interrupt (IHI 0048A, 4.4.4). */
static unsigned disclosed_id(const State *s, unsigned cpu, bool secure, const Highest *pending)
{
    if (!secure)
        return pending->nonsecure ? pending->id : SPURIOUS;
    if (pending->nonsecure && !(s->interface_control[cpu] & ACK_CTL))
        return SPURIOUS_NONSECURE;
    return pending->id;
}

/* The CPU whose SGI is taken first, in its place in ICCIAR. */
static uint32_t sgi_source(const State *s, unsigned cpu, unsigned id)
{
    for (unsigned source = 0; id < SGIS && source < CPUS; source++)
        if (s->sgi[cpu][source] >> id & 1)
            return source << 10;
    return 0;
}

static void acknowledge(State *s, unsigned cpu, const Highest *pending)
{
    unsigned word = pending->id / 32;
    uint32_t bit = 1u << pending->id % 32;
    if (pending->id < SGIS)
        s->sgi[cpu][sgi_source(s, cpu, pending->id) >> 10] &= ~bit;
    else
        s->latched[bank(cpu, word)] &= ~bit;
    s->active[cpu][word] |= bit;
    s->active_priority[cpu][pending->id] = pending->priority;
}

static uint32_t icciar_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return SPURIOUS;
    unsigned cpu = cpu_of(access);
    Highest pending = highest_pending(s, cpu);
    if (!signals(s, cpu, &pending))
        return SPURIOUS;
    uint32_t id = disclosed_id(s, cpu, access->secure, &pending);
    if (id >= IDS)
        return id;
    id |= sgi_source(s, cpu, id);
    acknowledge(s, cpu, &pending);
    return id;
}

static uint32_t icchpir_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return SPURIOUS;
    unsigned cpu = cpu_of(access);
    Highest pending = highest_pending(s, cpu);
    unsigned id = disclosed_id(s, cpu, access->secure, &pending);
    return id | sgi_source(s, cpu, id);
}

/* Ends an interrupt and drops the running priority. What is not active on this CPU, or is Secure and ended by
 * Non-secure software, stays as it is. */
static void icceoir_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = distributor(dev);
    unsigned cpu = cpu_of(access), id = value & 0x3ff;
    if (!s || id == SPURIOUS || id == SPURIOUS_NONSECURE)
        return;
    uint32_t bit = 1u << id % 32;
    if (id >= IDS || !(s->active[cpu][id / 32] & bit)) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "CPU %u ends interrupt %u, which is not active there",
                 cpu, id);
        return;
    }
    if (access->secure || (s->nonsecure[bank(cpu, id / 32)] & bit))
        s->active[cpu][id / 32] &= ~bit;
}

static uint32_t iccrpr_read(Device *dev, const RegAccess *access)
{
    State *s = distributor(dev);
    if (!s)
        return IDLE;
    uint8_t running = running_priority(s, cpu_of(access));
    return access->secure ? running : nonsecure_view(running);
}

/* clang-format off */
static const RegDef interface_regs[] = {
    /* name     offset kind     storage   reset       writable read          written          count flags */
    {"ICCICR",  0x00,  REG_RW,  NO_STORE, 0,          0x1f,    iccicr_read,  iccicr_written,  0, 0},
    {"ICCPMR",  0x04,  REG_RW,  NO_STORE, 0,          0xff,    iccpmr_read,  iccpmr_written,  0, 0},
    {"ICCBPR",  0x08,  REG_RW,  NO_STORE, 0,          0x7,     iccbpr_read,  iccbpr_written,  0, 0},
    {"ICCIAR",  0x0c,  REG_RO,  NO_STORE, SPURIOUS,   0,       icciar_read,  NULL,            0, REG_READ_ACTS},
    {"ICCEOIR", 0x10,  REG_WO,  NO_STORE, 0,          0x1fff,  NULL,         icceoir_written, 0, 0},
    {"ICCRPR",  0x14,  REG_RO,  NO_STORE, 0,          0,       iccrpr_read,  NULL,            0, 0},
    {"ICCHPIR", 0x18,  REG_RO,  NO_STORE, 0,          0,       icchpir_read, NULL,            0, 0},
    {"ICCABPR", 0x1c,  REG_RW,  NO_STORE, 0,          0x7,     iccabpr_read, iccabpr_written, 0, 0},
    {"ICCIIDR", 0xfc,  REG_RO,  NO_STORE, 0x3901243b, 0,       NULL,         NULL,            0, 0},
};
/* clang-format on */

static void interface_update(Device *dev)
{
    if (dev->peer)
        device_changed(dev->peer);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Binary points shift. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        s->point[cpu] = clamp(s->point[cpu], MIN_BPR, 7);
        s->point_ns[cpu] = clamp(s->point_ns[cpu], MIN_BPR_NS, 7);
        for (unsigned source = 0; source < CPUS; source++)
            s->sgi[cpu][source] &= SGI_WORD;
    }
}

const DeviceType gic_type = {
    .name = "gic",
    .summary = "interrupt controller of the Cortex-A9 MPCore: distributor (DDI 0407, IHI 0048A)",
    .state_size = sizeof(State),
    .window = 0x1000,
    .regs = distributor_regs,
    .reg_count = sizeof distributor_regs / sizeof *distributor_regs,
    .fields = distributor_fields,
    .field_count = sizeof distributor_fields / sizeof *distributor_fields,
    .version = 1,
    .periph_id = 0x001bb390,
    .inputs = SPIS + CPUS * PPIS,
    .outputs = 2 * CPUS,
    .reset = reset,
    .update = update,
    .loaded = loaded,
    .input = input,
};

const DeviceType gic_cpu_type = {
    .name = "gic_cpu",
    .summary = "interrupt controller of the Cortex-A9 MPCore: CPU interfaces (DDI 0407, IHI 0048A)",
    .state_size = sizeof(Device),
    .window = 0x100,
    .regs = interface_regs,
    .reg_count = sizeof interface_regs / sizeof *interface_regs,
    .version = 1,
    .update = interface_update,
};
