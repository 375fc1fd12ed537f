/* The interrupt controller against the GIC architecture 1.0 and the Cortex-A9 MPCore manual (DDI 0407). */
#include "harness.h"

enum {
    ICDDCR = 0x000,
    ICDICTR = 0x004,
    ICDIIDR = 0x008,
    ICDISR = 0x080,
    ICDISER = 0x100,
    ICDICER = 0x180,
    ICDISPR = 0x200,
    ICDICPR = 0x280,
    ICDABR = 0x300,
    ICDIPR = 0x400,
    ICDIPTR = 0x800,
    ICDICFR = 0xc00,
    ICPPISR = 0xd00,
    ICSPISR = 0xd04,
    ICDSGIR = 0xf00,
    ICCICR = 0x00,
    ICCPMR = 0x04,
    ICCBPR = 0x08,
    ICCIAR = 0x0c,
    ICCEOIR = 0x10,
    ICCRPR = 0x14,
    ICCHPIR = 0x18,
    ICCABPR = 0x1c,
    ICCIIDR = 0xfc,
    ENABLE_S = 1,
    ENABLE_NS = 2,
    ACK_CTL = 4,
    FIQ_EN = 8,
    SBPR = 16,
    NOTHING = 1023,
    HIDDEN = 1022
};

typedef struct {
    Harness h;
    Device *dist, *iface;
} Gic;

static void gic_init(Gic *g, unsigned cpus)
{
    harness_init(&g->h, cpus);
    g->dist = harness_device(&g->h, "gic", "gic", NULL);
    g->iface = harness_device(&g->h, "gic_cpu", "gic_cpu", NULL);
    g->iface->peer = g->dist;
}

/* Everything on, as an operating system in Secure state sets it up: priority 0xa0, all interrupts to CPU 0.
 */
static void gic_up(Gic *g, unsigned cpus)
{
    gic_init(g, cpus);
    for (unsigned n = 0; n < 24; n++)
        for (unsigned cpu = 0; cpu < cpus; cpu++)
            write_cpu(g->dist, cpu, ICDIPR + 4 * n, 0xa0a0a0a0);
    for (unsigned n = 8; n < 24; n++)
        write_reg(g->dist, ICDIPTR + 4 * n, 0x01010101);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        write_cpu(g->dist, cpu, ICDISER, 0xffffffff);
        write_cpu(g->iface, cpu, ICCPMR, 0xf0);
        write_cpu(g->iface, cpu, ICCICR, ENABLE_S);
    }
    write_reg(g->dist, ICDISER + 4, 0xffffffff);
    write_reg(g->dist, ICDISER + 8, 0xffffffff);
    write_reg(g->dist, ICDDCR, ENABLE_S);
}

static void spi(Gic *g, unsigned id, bool level)
{
    device_input(g->dist, id - 32, level);
}

static void ppi(Gic *g, unsigned cpu, unsigned id, bool level)
{
    device_input(g->dist, 64 + 5 * cpu + id - 27, level);
}

static void set_priority(Gic *g, unsigned id, uint8_t priority)
{
    write_narrow(g->dist, ICDIPR + id, 1, priority);
}

static void set_targets(Gic *g, unsigned id, uint8_t cpus)
{
    write_narrow(g->dist, ICDIPTR + id, 1, cpus);
}

static void set_edge(Gic *g, unsigned id)
{
    uint32_t at = ICDICFR + id / 16 * 4;
    write_reg(g->dist, at, read_reg(g->dist, at) | 2u << (2 * (id % 16)));
}

#define expect_irq_of(g, cpu, want) expect_irq((g)->dist, 2 * (cpu), want)
#define expect_fiq_of(g, cpu, want) expect_irq((g)->dist, 2 * (cpu) + 1, want)
#define expect_ack(g, cpu, want) expect_reg_cpu((g)->iface, cpu, ICCIAR, want)
#define end(g, cpu, id) write_cpu((g)->iface, cpu, ICCEOIR, id)

static void test_identification(void **state)
{
    (void)state;
    Gic g;
    gic_init(&g, 4);
    expect_reg(g.dist, ICDICTR, 0xfc62); /* 31 lockable, two security domains, 4 CPUs, 96 interrupts */
    expect_reg(g.dist, ICDIIDR, 0x0102043b);
    expect_reg(g.iface, ICCIIDR, 0x3901243b);
    const uint32_t id[] = {0x90, 0xb3, 0x1b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned n = 0; n < 8; n++)
        expect_reg(g.dist, 0xfe0 + 4 * n, id[n]);
    expect_reg(g.dist, 0xfd0, 4);
    harness_done(&g.h);
    gic_init(&g, 1);
    expect_reg(g.dist, ICDICTR, 0xfc02);
    harness_done(&g.h);
}

static void test_reset_values(void **state)
{
    (void)state;
    Gic g;
    gic_init(&g, 4);
    expect_reg(g.dist, ICDDCR, 0);
    expect_reg(g.dist, ICDISER, 0xffff); /* SGIs are always enabled */
    expect_reg(g.dist, ICDICER, 0xffff);
    expect_reg(g.dist, ICDISER + 4, 0);
    expect_reg(g.dist, ICDICFR, 0xaaaaaaaa);
    expect_reg(g.dist, ICDICFR + 4, 0x7dc00000);
    expect_reg(g.dist, ICDICFR + 8, 0x55555555);
    expect_reg(g.dist, ICPPISR, 0x9000); /* nIRQ and nFIQ are HIGH when nothing drives them */
    expect_reg(g.iface, ICCICR, 0);
    expect_reg(g.iface, ICCPMR, 0);
    expect_reg(g.iface, ICCBPR, 2);
    expect_reg(g.iface, ICCABPR, 3);
    expect_reg(g.iface, ICCIAR, NOTHING);
    expect_reg(g.iface, ICCRPR, 0xff);
    expect_reg(g.iface, ICCHPIR, NOTHING);
    harness_done(&g.h);
}

static void test_level_interrupt(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 2);
    spi(&g, 37, true);
    expect_reg(g.dist, ICDISPR + 4, 1u << 5);
    expect_reg(g.dist, ICSPISR, 1u << 5);
    expect_irq_of(&g, 0, true);
    expect_irq_of(&g, 1, false);
    write_reg(g.dist, ICDICPR + 4, 1u << 5); /* no effect while the line is high */
    expect_irq_of(&g, 0, true);
    expect_reg(g.iface, ICCHPIR, 37);
    expect_ack(&g, 1, NOTHING); /* not its target */
    expect_ack(&g, 0, 37);
    expect_irq_of(&g, 0, false);
    expect_reg(g.dist, ICDABR + 4, 1u << 5);
    expect_reg(g.dist, ICDISPR + 4, 1u << 5); /* active and pending: the line is still high */
    expect_ack(&g, 0, NOTHING);
    end(&g, 0, 37);
    expect_irq_of(&g, 0, true); /* and so it comes again */
    expect_ack(&g, 0, 37);
    spi(&g, 37, false);
    end(&g, 0, 37);
    expect_irq_of(&g, 0, false);
    expect_reg(g.dist, ICDABR + 4, 0);
    expect_reg(g.dist, ICDISPR + 4, 0);
    harness_done(&g.h);
}

static void test_level_interrupt_withdrawn(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    spi(&g, 40, true);
    spi(&g, 40, false);
    expect_irq_of(&g, 0, false);
    expect_ack(&g, 0, NOTHING);
    write_reg(g.dist, ICDISPR + 4, 1u << 8); /* by software it stays pending without the line */
    expect_irq_of(&g, 0, true);
    write_reg(g.dist, ICDICPR + 4, 1u << 8);
    expect_irq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_edge_interrupt(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    set_edge(&g, 50);
    expect_reg(g.dist, ICDICFR + 12, 0x55555555 | 2u << 4);
    spi(&g, 50, true);
    spi(&g, 50, false);
    expect_irq_of(&g, 0, true); /* latched */
    expect_ack(&g, 0, 50);
    expect_reg(g.dist, ICDISPR + 4, 0);
    spi(&g, 50, true); /* another edge while active */
    expect_reg(g.dist, ICDISPR + 4, 1u << 18);
    expect_irq_of(&g, 0, false);
    end(&g, 0, 50);
    expect_irq_of(&g, 0, true);
    write_reg(g.dist, ICDICPR + 4, 1u << 18); /* the line is high but the edge is cleared */
    expect_irq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_enables(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    spi(&g, 95, true);
    expect_irq_of(&g, 0, true);
    write_reg(g.dist, ICDICER + 8, 1u << 31);
    expect_reg(g.dist, ICDISER + 8, 0x7fffffff);
    expect_irq_of(&g, 0, false);
    expect_reg(g.dist, ICDISPR + 8, 1u << 31); /* pending, not forwarded */
    write_narrow(g.dist, ICDISER + 11, 1, 0x80);
    expect_irq_of(&g, 0, true);
    write_reg(g.dist, ICDDCR, 0);
    expect_irq_of(&g, 0, false);
    write_reg(g.dist, ICDDCR, ENABLE_S);
    expect_irq_of(&g, 0, true);
    write_reg(g.iface, ICCICR, 0);
    expect_irq_of(&g, 0, false);
    expect_ack(&g, 0, NOTHING);
    write_reg(g.dist, ICDICER, 0xffff); /* SGIs cannot be disabled */
    expect_reg(g.dist, ICDISER, 0xf800ffff);
    expect_reg(g.dist, ICDISER + 12, 0); /* there is no interrupt 96 */
    write_reg(g.dist, ICDISER + 12, 0xffffffff);
    expect_reg(g.dist, ICDISER + 12, 0);
    harness_done(&g.h);
}

/* With the distributor off, edges are lost (DDI 0407: control bits do not change because of external
 * stimulus). */
static void test_distributor_off_ignores_edges(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    set_edge(&g, 33);
    write_reg(g.dist, ICDDCR, 0);
    spi(&g, 33, true);
    write_reg(g.dist, ICDDCR, ENABLE_S);
    expect_reg(g.dist, ICDISPR + 4, 0);
    expect_irq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_priorities(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    set_priority(&g, 40, 0xff); /* five bits */
    expect_equal(read_narrow(g.dist, ICDIPR + 40, 1), 0xf8);
    expect_reg(g.dist, ICDIPR + 40, 0xa0a0a0f8);
    set_priority(&g, 41, 0x48);
    set_priority(&g, 42, 0x40);
    set_priority(&g, 43, 0x40);
    spi(&g, 41, true);
    spi(&g, 43, true);
    spi(&g, 42, true);
    spi(&g, 44, true);
    expect_ack(&g, 0, 42); /* highest priority, then lowest number */
    expect_reg(g.iface, ICCRPR, 0x40);
    spi(&g, 42, false);
    expect_irq_of(&g, 0, false); /* nothing that is left can preempt */
    expect_reg(g.iface, ICCHPIR, 43);
    expect_ack(&g, 0, NOTHING);
    end(&g, 0, 42);
    expect_ack(&g, 0, 43);
    spi(&g, 43, false);
    end(&g, 0, 43);
    expect_ack(&g, 0, 41);
    spi(&g, 41, false);
    end(&g, 0, 41);
    expect_ack(&g, 0, 44);
    harness_done(&g.h);
}

static void test_priority_mask(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    spi(&g, 40, true);
    write_reg(g.iface, ICCPMR, 0xa0); /* a priority must be higher than the mask */
    expect_irq_of(&g, 0, false);
    expect_ack(&g, 0, NOTHING);
    expect_reg(g.iface, ICCHPIR, 40);
    write_reg(g.iface, ICCPMR, 0xaf); /* five bits: 0xa8 */
    expect_reg(g.iface, ICCPMR, 0xa8);
    expect_irq_of(&g, 0, true);
    harness_done(&g.h);
}

static void test_preemption_nests(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    set_priority(&g, 40, 0x80);
    set_priority(&g, 41, 0x60);
    set_priority(&g, 42, 0x20);
    spi(&g, 40, true);
    expect_ack(&g, 0, 40);
    spi(&g, 41, true);
    expect_irq_of(&g, 0, true);
    expect_ack(&g, 0, 41);
    spi(&g, 42, true);
    expect_ack(&g, 0, 42);
    expect_reg(g.iface, ICCRPR, 0x20);
    spi(&g, 42, false);
    end(&g, 0, 42);
    expect_reg(g.iface, ICCRPR, 0x60);
    set_priority(&g, 41, 0x10); /* what runs keeps the priority with which it was taken */
    expect_reg(g.iface, ICCRPR, 0x60);
    spi(&g, 41, false);
    end(&g, 0, 41);
    expect_reg(g.iface, ICCRPR, 0x80);
    spi(&g, 40, false);
    end(&g, 0, 40);
    expect_reg(g.iface, ICCRPR, 0xff);
    expect_irq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_binary_point(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    write_reg(g.iface, ICCBPR, 0); /* five bits cannot be split finer than 2 */
    expect_reg(g.iface, ICCBPR, 2);
    write_reg(g.iface, ICCBPR, 4); /* group priority is [7:5] */
    set_priority(&g, 40, 0x98);
    set_priority(&g, 41, 0x80);
    set_priority(&g, 42, 0x78);
    spi(&g, 40, true);
    expect_ack(&g, 0, 40);
    spi(&g, 41, true);
    expect_irq_of(&g, 0, false); /* same group */
    spi(&g, 42, true);
    expect_irq_of(&g, 0, true);
    write_reg(g.iface, ICCBPR, 7); /* no group bit is left: nothing preempts */
    expect_irq_of(&g, 0, false);
    write_reg(g.iface, ICCBPR, 2);
    expect_irq_of(&g, 0, true);
    expect_ack(&g, 0, 42);
    harness_done(&g.h);
}

static void test_subpriority_orders_pending(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    write_reg(g.iface, ICCBPR, 7);
    set_priority(&g, 60, 0x08);
    spi(&g, 40, true);
    spi(&g, 60, true);
    expect_ack(&g, 0, 60);
    harness_done(&g.h);
}

static void test_end_out_of_order_and_bogus(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    set_priority(&g, 41, 0x20);
    spi(&g, 40, true);
    expect_ack(&g, 0, 40);
    spi(&g, 41, true);
    expect_ack(&g, 0, 41);
    end(&g, 0, NOTHING);
    end(&g, 0, 45);
    end(&g, 0, 700);
    expect_reg(g.iface, ICCRPR, 0x20);
    end(&g, 0, 40);
    expect_reg(g.iface, ICCRPR, 0x20);
    end(&g, 0, 41);
    expect_reg(g.iface, ICCRPR, 0xff);
    harness_done(&g.h);
}

static void test_targets(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 4);
    expect_reg_cpu(g.dist, 2, ICDIPTR, 0x04040404); /* SGIs and PPIs: the reader */
    expect_reg_cpu(g.dist, 2, ICDIPTR + 0x1c, 0x04040404);
    write_cpu(g.dist, 2, ICDIPTR, 0);
    expect_reg_cpu(g.dist, 2, ICDIPTR, 0x04040404);
    set_targets(&g, 40, 0xff); /* four CPUs */
    expect_equal(read_narrow(g.dist, ICDIPTR + 40, 1), 0x0f);
    set_targets(&g, 40, 0x0c);
    spi(&g, 40, true);
    expect_irq_of(&g, 0, false);
    expect_irq_of(&g, 2, true);
    expect_irq_of(&g, 3, true);
    expect_ack(&g, 3, 40); /* the first to acknowledge takes it */
    expect_irq_of(&g, 2, false);
    expect_ack(&g, 2, NOTHING);
    expect_reg_cpu(g.dist, 2, ICDABR + 4, 1u << 8);
    end(&g, 2, 40); /* not its interrupt */
    expect_reg_cpu(g.dist, 2, ICDABR + 4, 1u << 8);
    spi(&g, 40, false);
    end(&g, 3, 40);
    expect_reg(g.dist, ICDABR + 4, 0);
    harness_done(&g.h);
}

/* DDI 0407: without a target an interrupt cannot be set pending by its pin or by the Set-Pending register. */
static void test_no_target(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 2);
    set_targets(&g, 40, 0);
    spi(&g, 40, true);
    write_reg(g.dist, ICDISPR + 4, 1u << 8);
    expect_reg(g.dist, ICDISPR + 4, 0);
    set_targets(&g, 40, 2);
    expect_irq_of(&g, 1, true); /* the level is there */
    spi(&g, 40, false);
    expect_irq_of(&g, 1, false);
    harness_done(&g.h);
}

static void test_uniprocessor_targets(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    expect_reg(g.dist, ICDIPTR, 0);
    expect_reg(g.dist, ICDIPTR + 40, 0);
    spi(&g, 40, true);
    expect_irq_of(&g, 0, true);
    harness_done(&g.h);
}

static void test_private_interrupts(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 4);
    ppi(&g, 2, 29, true);
    expect_irq_of(&g, 2, true);
    expect_irq_of(&g, 0, false);
    expect_reg_cpu(g.dist, 2, ICDISPR, 1u << 29);
    expect_reg_cpu(g.dist, 0, ICDISPR, 0);
    expect_reg_cpu(g.dist, 2, ICPPISR, 0x9000 | 1u << 13);
    expect_ack(&g, 2, 29);
    end(&g, 2, 29);
    expect_irq_of(&g, 2, false); /* timers are rising edges: the level does not bring it again */
    ppi(&g, 2, 29, false);
    ppi(&g, 2, 29, true);
    expect_irq_of(&g, 2, true);
    expect_ack(&g, 2, 29);
    end(&g, 2, 29);
    write_cpu(g.dist, 2, ICDICFR + 4, 0); /* fixed */
    expect_reg_cpu(g.dist, 2, ICDICFR + 4, 0x7dc00000);
    ppi(&g, 2, 31, true); /* a level, active LOW at the pin */
    expect_reg_cpu(g.dist, 2, ICPPISR, 0x1000 | 1u << 13);
    expect_ack(&g, 2, 31);
    end(&g, 2, 31);
    expect_irq_of(&g, 2, true);
    write_cpu(g.dist, 2, ICDICER, 1u << 31);
    expect_irq_of(&g, 2, false);
    expect_reg_cpu(g.dist, 1, ICDISER, 0xf800ffff); /* banked */
    expect_reg_cpu(g.dist, 2, ICDISER, 0x7800ffff);
    harness_done(&g.h);
}

static void test_private_priorities_are_banked(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 2);
    write_cpu(g.dist, 1, ICDIPR + 28, 0x10203040);
    expect_reg_cpu(g.dist, 1, ICDIPR + 28, 0x10203040);
    expect_reg_cpu(g.dist, 0, ICDIPR + 28, 0xa0a0a0a0);
    write_cpu(g.dist, 1, ICDIPR + 24, 0x55ffffff); /* 24 to 26 do not exist */
    expect_reg_cpu(g.dist, 1, ICDIPR + 24, 0x50000000);
    write_cpu(g.dist, 1, ICDIPR + 40, 0x11223344);
    expect_reg_cpu(g.dist, 0, ICDIPR + 40, 0x10203040);
    harness_done(&g.h);
}

/* While its CPU interface is off, a CPU's nIRQ and nFIQ pins go past the controller. */
static void test_legacy_pins(void **state)
{
    (void)state;
    Gic g;
    gic_init(&g, 2);
    ppi(&g, 1, 31, true);
    expect_irq_of(&g, 1, true);
    expect_irq_of(&g, 0, false);
    ppi(&g, 1, 28, true);
    expect_fiq_of(&g, 1, true);
    write_cpu(g.iface, 1, ICCICR, ENABLE_S);
    expect_irq_of(&g, 1, false);
    expect_fiq_of(&g, 1, false);
    harness_done(&g.h);
}

static uint32_t sgi(unsigned filter, unsigned list, unsigned id)
{
    return filter << 24 | list << 16 | id;
}

static void test_sgi_targets(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 4);
    write_cpu(g.dist, 1, ICDSGIR, sgi(0, 0x5, 3));
    expect_irq_of(&g, 0, true);
    expect_irq_of(&g, 1, false);
    expect_irq_of(&g, 2, true);
    expect_irq_of(&g, 3, false);
    expect_ack(&g, 0, 1 << 10 | 3);
    expect_ack(&g, 2, 1 << 10 | 3);
    end(&g, 0, 1 << 10 | 3);
    end(&g, 2, 1 << 10 | 3);
    write_cpu(g.dist, 2, ICDSGIR, sgi(1, 0, 4)); /* all but itself */
    expect_ack(&g, 0, 2 << 10 | 4);
    expect_ack(&g, 1, 2 << 10 | 4);
    expect_ack(&g, 2, NOTHING);
    expect_ack(&g, 3, 2 << 10 | 4);
    write_cpu(g.dist, 2, ICDSGIR, sgi(2, 0, 5)); /* itself */
    expect_ack(&g, 2, 2 << 10 | 5);
    write_cpu(g.dist, 2, ICDSGIR, sgi(3, 0xf, 6)); /* reserved */
    expect_reg_cpu(g.dist, 2, ICDISPR, 0);
    harness_done(&g.h);
}

static void test_sgi_sources_are_kept_apart(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 4);
    write_cpu(g.dist, 3, ICDSGIR, sgi(0, 1, 7));
    write_cpu(g.dist, 1, ICDSGIR, sgi(0, 1, 7));
    expect_reg(g.iface, ICCHPIR, 1 << 10 | 7);
    expect_ack(&g, 0, 1 << 10 | 7);
    expect_irq_of(&g, 0, false); /* SGI 7 is active */
    expect_reg(g.dist, ICDISPR, 1 << 7);
    expect_reg(g.dist, ICDABR, 1 << 7);
    end(&g, 0, 1 << 10 | 7);
    expect_irq_of(&g, 0, true);
    expect_ack(&g, 0, 3 << 10 | 7);
    end(&g, 0, 3 << 10 | 7);
    expect_irq_of(&g, 0, false);
    write_reg(g.dist, ICDISPR, 1 << 7); /* SGIs are made through ICDSGIR only */
    expect_irq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_sgi_needs_existing_cpu(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 2);
    write_reg(g.dist, ICDSGIR, sgi(0, 0xff, 1));
    expect_ack(&g, 1, 1);
    expect_irq_of(&g, 2, false);
    expect_irq_of(&g, 3, false);
    harness_done(&g.h);
}

/* Interrupts 32 to 63 Non-secure, group enables on, priorities of Non-secure software's half. */
static void security_up(Gic *g)
{
    gic_up(g, 2);
    write_reg(g->dist, ICDISR + 4, 0xffffffff);
    write_reg(g->dist, ICDISR, 0xff00); /* SGIs 8 to 15 of CPU 0 */
    write_cpu(g->dist, 1, ICDISR, 0xff00);
    write_reg(g->dist, ICDDCR, ENABLE_S | ENABLE_NS);
    write_reg(g->iface, ICCICR, ENABLE_S | ENABLE_NS | FIQ_EN);
    for (unsigned id = 64; id < 96; id++)
        set_priority(g, id, 0x20);
}

static void test_secure_is_fiq(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    spi(&g, 40, true);
    expect_irq_of(&g, 0, true); /* Non-secure: always IRQ */
    expect_fiq_of(&g, 0, false);
    spi(&g, 70, true);
    expect_irq_of(&g, 0, false);
    expect_fiq_of(&g, 0, true);
    write_reg(g.iface, ICCICR, ENABLE_S | ENABLE_NS);
    expect_irq_of(&g, 0, true);
    expect_fiq_of(&g, 0, false);
    harness_done(&g.h);
}

static void test_acknowledge_by_security_state(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    spi(&g, 70, true);
    expect_reg_ns(g.iface, 0, ICCIAR, NOTHING); /* Secure interrupts are hidden */
    expect_reg_ns(g.iface, 0, ICCHPIR, NOTHING);
    expect_ack(&g, 0, 70);
    spi(&g, 70, false);
    write_ns(g.iface, 0, ICCEOIR, 70); /* not Non-secure software's to end */
    expect_reg(g.dist, ICDABR + 8, 1u << 6);
    end(&g, 0, 70);
    expect_reg(g.dist, ICDABR + 8, 0);
    spi(&g, 40, true);
    expect_ack(&g, 0, HIDDEN); /* AckCtl is 0 */
    expect_reg(g.iface, ICCHPIR, HIDDEN);
    expect_reg(g.dist, ICDABR + 4, 0);
    write_reg(g.iface, ICCICR, ENABLE_S | ENABLE_NS | ACK_CTL);
    expect_reg(g.iface, ICCHPIR, 40);
    expect_ack(&g, 0, 40);
    end(&g, 0, 40);
    expect_reg_ns(g.iface, 0, ICCHPIR, 40);
    expect_reg_ns(g.iface, 0, ICCIAR, 40);
    spi(&g, 40, false);
    write_ns(g.iface, 0, ICCEOIR, 40);
    expect_reg(g.dist, ICDABR + 4, 0);
    harness_done(&g.h);
}

static void test_group_enables(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    spi(&g, 40, true);
    expect_reg_ns(g.dist, 0, ICDDCR, 1);
    write_ns(g.dist, 0, ICDDCR, 0);
    expect_reg(g.dist, ICDDCR, ENABLE_S);
    expect_irq_of(&g, 0, false);
    write_ns(g.dist, 0, ICDDCR, 1);
    expect_reg(g.dist, ICDDCR, ENABLE_S | ENABLE_NS);
    expect_irq_of(&g, 0, true);
    expect_reg_ns(g.iface, 0, ICCICR, 1);
    write_ns(g.iface, 0, ICCICR, 0);
    expect_reg(g.iface, ICCICR, ENABLE_S | FIQ_EN);
    expect_irq_of(&g, 0, false);
    write_ns(g.iface, 0, ICCICR, 0xff);
    expect_reg(g.iface, ICCICR, ENABLE_S | ENABLE_NS | FIQ_EN);
    expect_irq_of(&g, 0, true);
    harness_done(&g.h);
}

static void test_nonsecure_view_of_distributor(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    expect_reg_ns(g.dist, 0, ICDISR + 4, 0);
    write_ns(g.dist, 0, ICDISR + 8, 0xffffffff);
    expect_reg(g.dist, ICDISR + 8, 0);
    expect_reg_ns(g.dist, 0, ICDISER, 0xff00);
    expect_reg_ns(g.dist, 0, ICDISER + 4, 0xffffffff);
    expect_reg_ns(g.dist, 0, ICDISER + 8, 0);
    write_ns(g.dist, 0, ICDICER + 8, 0xffffffff);
    expect_reg(g.dist, ICDISER + 8, 0xffffffff);
    expect_reg_ns(g.dist, 0, ICDIPTR + 64, 0);
    expect_reg_ns(g.dist, 0, ICDIPTR + 32, 0x01010101);
    expect_reg_ns(g.dist, 0, ICDICFR + 8, 0x55555555);
    expect_reg_ns(g.dist, 0, ICDICFR + 16, 0);
    expect_reg_ns(g.dist, 0, ICDICFR, 0xaaaa0000);
    write_ns(g.dist, 0, ICDISPR + 8, 1);
    expect_reg(g.dist, ICDISPR + 8, 0);
    write_ns(g.dist, 0, ICDISPR + 4, 1);
    expect_reg_ns(g.dist, 0, ICDISPR + 4, 1);
    spi(&g, 64, true);
    expect_reg_ns(g.dist, 0, ICDISPR + 8, 0);
    expect_reg_ns(g.dist, 0, ICSPISR + 4, 0);
    for (uint32_t at = 0; at < 0x1000; at += 4) /* nothing behind the end of the arrays */
        read_ns(g.dist, 1, at);
    harness_done(&g.h);
}

static void test_nonsecure_priorities(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    write_ns(g.dist, 0, ICDIPR + 40, 0xff7f3000); /* halved into the lower half, four bits */
    expect_reg(g.dist, ICDIPR + 40, 0xf8b89880);
    expect_reg_ns(g.dist, 0, ICDIPR + 40, 0xf0703000);
    write_ns(g.dist, 0, ICDIPR + 64, 0);
    expect_reg(g.dist, ICDIPR + 64, 0x20202020);
    expect_reg_ns(g.dist, 0, ICDIPR + 64, 0);

    write_reg(g.iface, ICCPMR, 0x40); /* a mask in the upper half is Secure software's own */
    expect_reg_ns(g.iface, 0, ICCPMR, 0);
    write_ns(g.iface, 0, ICCPMR, 0xf0);
    expect_reg(g.iface, ICCPMR, 0x40);
    write_reg(g.iface, ICCPMR, 0xf8);
    write_ns(g.iface, 0, ICCPMR, 0x90);
    expect_reg(g.iface, ICCPMR, 0xc8);
    expect_reg_ns(g.iface, 0, ICCPMR, 0x90);

    expect_reg_ns(g.iface, 0, ICCRPR, 0xff);
    spi(&g, 41, true); /* 0x98 */
    expect_reg_ns(g.iface, 0, ICCIAR, 41);
    expect_reg_ns(g.iface, 0, ICCRPR, 0x30);
    expect_reg(g.iface, ICCRPR, 0x98);
    spi(&g, 64, true);
    expect_ack(&g, 0, 64);
    expect_reg_ns(g.iface, 0, ICCRPR, 0);
    harness_done(&g.h);
}

static void test_binary_points_by_security_state(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    write_ns(g.iface, 0, ICCBPR, 1);
    expect_reg_ns(g.iface, 0, ICCBPR, 3);
    write_ns(g.iface, 0, ICCBPR, 5); /* Non-secure group priority: [7:5] */
    expect_reg(g.iface, ICCABPR, 5);
    expect_reg(g.iface, ICCBPR, 2);
    expect_reg_ns(g.iface, 0, ICCABPR, 0);
    set_priority(&g, 40, 0xb8);
    set_priority(&g, 41, 0xa0);
    set_priority(&g, 42, 0x98);
    spi(&g, 40, true);
    expect_reg_ns(g.iface, 0, ICCIAR, 40);
    spi(&g, 41, true);
    expect_irq_of(&g, 0, false);
    write_reg(g.iface, ICCICR, ENABLE_S | ENABLE_NS | SBPR); /* the Secure point, 2, for both */
    expect_irq_of(&g, 0, true);
    expect_reg_ns(g.iface, 0, ICCBPR, 3);
    write_ns(g.iface, 0, ICCBPR, 7);
    write_reg(g.iface, ICCBPR, 7);
    expect_reg_ns(g.iface, 0, ICCBPR, 7);
    expect_irq_of(&g, 0, false);
    expect_reg(g.iface, ICCABPR, 5);
    write_reg(g.iface, ICCABPR, 6);
    expect_reg(g.iface, ICCABPR, 6);
    harness_done(&g.h);
}

static void test_sgi_security(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    const uint32_t satt = 1u << 15;
    write_ns(g.dist, 1, ICDSGIR, sgi(0, 1, 3)); /* 3 is Secure at CPU 0 */
    expect_reg(g.dist, ICDISPR, 0);
    write_ns(g.dist, 1, ICDSGIR, sgi(0, 1, 9));
    expect_reg(g.dist, ICDISPR, 1 << 9);
    expect_reg_ns(g.iface, 0, ICCIAR, 1 << 10 | 9);
    write_ns(g.iface, 0, ICCEOIR, 1 << 10 | 9);
    write_reg(g.dist, ICDSGIR, sgi(0, 1, 9)); /* SATT 0: only where it is Secure */
    expect_reg(g.dist, ICDISPR, 0);
    write_reg(g.dist, ICDSGIR, satt | sgi(0, 1, 3)); /* SATT 1: only where it is Non-secure */
    expect_reg(g.dist, ICDISPR, 0);
    write_reg(g.dist, ICDSGIR, satt | sgi(0, 1, 9));
    write_reg(g.dist, ICDSGIR, sgi(0, 1, 3));
    expect_reg(g.dist, ICDISPR, 1 << 9 | 1 << 3);
    harness_done(&g.h);
}

/* A Secure interrupt that is forwarded but not enabled at the CPU interface stands before a Non-secure one.
 */
static void test_interface_enables_come_after_selection(void **state)
{
    (void)state;
    Gic g;
    security_up(&g);
    write_reg(g.iface, ICCICR, ENABLE_NS);
    spi(&g, 40, true);
    expect_irq_of(&g, 0, true);
    spi(&g, 70, true);
    expect_irq_of(&g, 0, false);
    expect_reg_ns(g.iface, 0, ICCIAR, NOTHING);
    harness_done(&g.h);
}

static void test_reset(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 2);
    spi(&g, 40, true);
    expect_ack(&g, 0, 40);
    device_reset(g.dist);
    device_reset(g.iface);
    expect_irq_of(&g, 0, false);
    expect_reg(g.dist, ICDABR + 4, 0);
    expect_reg(g.iface, ICCRPR, 0xff);
    expect_reg(g.dist, ICDISER + 4, 0);
    expect_reg(g.dist, ICDIPTR + 40, 0);
    expect_reg(g.dist, ICSPISR, 1u << 8); /* what drives the line was not reset */
    harness_done(&g.h);
}

static void test_peek_does_not_acknowledge(void **state)
{
    (void)state;
    Gic g;
    gic_up(&g, 1);
    spi(&g, 40, true);
    device_peek(g.iface, ICCIAR, 0);
    expect_reg(g.dist, ICDABR + 4, 0);
    expect_irq_of(&g, 0, true);
    harness_done(&g.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identification),
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_level_interrupt),
        cmocka_unit_test(test_level_interrupt_withdrawn),
        cmocka_unit_test(test_edge_interrupt),
        cmocka_unit_test(test_enables),
        cmocka_unit_test(test_distributor_off_ignores_edges),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_priority_mask),
        cmocka_unit_test(test_preemption_nests),
        cmocka_unit_test(test_binary_point),
        cmocka_unit_test(test_subpriority_orders_pending),
        cmocka_unit_test(test_end_out_of_order_and_bogus),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_uniprocessor_targets),
        cmocka_unit_test(test_private_interrupts),
        cmocka_unit_test(test_private_priorities_are_banked),
        cmocka_unit_test(test_legacy_pins),
        cmocka_unit_test(test_sgi_targets),
        cmocka_unit_test(test_sgi_sources_are_kept_apart),
        cmocka_unit_test(test_sgi_needs_existing_cpu),
        cmocka_unit_test(test_secure_is_fiq),
        cmocka_unit_test(test_acknowledge_by_security_state),
        cmocka_unit_test(test_group_enables),
        cmocka_unit_test(test_nonsecure_view_of_distributor),
        cmocka_unit_test(test_nonsecure_priorities),
        cmocka_unit_test(test_binary_points_by_security_state),
        cmocka_unit_test(test_sgi_security),
        cmocka_unit_test(test_interface_enables_come_after_selection),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_peek_does_not_acknowledge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
