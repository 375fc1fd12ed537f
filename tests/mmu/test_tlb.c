/* Loads and stores of a CPU through its TLB: faults, alignment, devices, address spaces, maintenance,
 * monitors. */
#include "tests/cpu/one_cpu.h"

enum { L1 = RAM_BASE + 0x4000, L2 = RAM_BASE + 0x8000, OTHER_L1 = RAM_BASE + 0xc000 };
enum {
    SECTION_NORMAL = 0x1c0e,
    SECTION_DEVICE = 0xc06,
    SECTION_NG = 1 << 17,
    SMALL_NORMAL = 0x7e,
    SMALL_NG = 1 << 11
};
enum { CODE = RAM_BASE + 0x2000 };
enum { SCTLR_M = 1, SCTLR_A = 2 };

/* 0x60000000 flat (global), 0x10000000 flat (device), 0x00100000 pages by L2, all in domain 0. */
static int setup(void **state)
{
    OneCpu *t = one_cpu_new(2);
    put32(t, L1 + 0x600 * 4, RAM_BASE | SECTION_NORMAL);
    put32(t, L1 + 0x100 * 4, DEVICE_BASE | SECTION_DEVICE);
    put32(t, L1 + 0x001 * 4, L2 | 1);
    for (unsigned n = 0; n < t->cpus; n++) {
        Cp15Banked *bank = &t->peers[n]->cp15.bank[0];
        bank->ttbr0 = L1;
        bank->dacr = 1;
        bank->sctlr |= SCTLR_M;
        mmu_flush_all(t->peers[n]);
    }
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    one_cpu_free(*state);
    return 0;
}

static void map_page(OneCpu *t, unsigned n, uint32_t pa, uint32_t attributes)
{
    put32(t, L2 + n * 4, pa | attributes);
}

static uint64_t load(OneCpu *t, uint32_t va, unsigned op, bool *taken)
{
    begin(t, CODE, false, 0);
    uint64_t value = mmu_load(t->cpu, va, op);
    *taken = end(t);
    return value;
}

static bool store(OneCpu *t, uint32_t va, uint64_t value, unsigned op)
{
    begin(t, CODE, false, 0);
    mmu_store(t->cpu, va, value, op);
    return !end(t);
}

static void back_to(OneCpu *t, CpuMode mode)
{
    cpsr_write(t->cpu, mode, PSR_MODE);
    t->cpu->leave = 0;
}

static void expect_abort(OneCpu *t, uint32_t dfsr, uint32_t dfar)
{
    assert_int_equal(t->cpu->mode, MODE_ABT);
    assert_int_equal(t->cpu->cp15.bank[0].dfsr, dfsr);
    assert_int_equal(t->cpu->cp15.bank[0].dfar, dfar);
    assert_int_equal(t->cpu->r[14], CODE + 8);
    assert_int_equal(t->cpu->pc, 0x10);
    back_to(t, MODE_SVC);
}

static void test_sizes(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    assert_true(store(t, 0x100010, 0x1122334455667788, MEM_64));
    assert_int_equal(get32(t, RAM_BASE + 0x20010), 0x55667788);
    assert_int_equal(get32(t, RAM_BASE + 0x20014), 0x11223344);
    assert_int_equal(load(t, 0x100010, MEM_8, &taken), 0x88);
    assert_int_equal(load(t, 0x100010, MEM_16, &taken), 0x7788);
    assert_int_equal(load(t, 0x100011, MEM_16, &taken), 0x6677);
    assert_int_equal(load(t, 0x100011, MEM_32, &taken), 0x44556677);
    assert_int_equal(load(t, 0x100010, MEM_64, &taken), 0x1122334455667788);
    assert_true(store(t, 0x100012, 0xaa, MEM_8));
    assert_int_equal(get32(t, RAM_BASE + 0x20010), 0x55aa7788);
    assert_false(taken);
}

/* A hit leaves a tag that lets the inlined path reach memory; SCTLR.A or the instruction may demand
 * alignment. */
static void test_tags(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 1, RAM_BASE + 0x21000, 0x2e | 1 << 9); /* read-only: AP = 110 */
    map_page(t, 2, DEVICE_BASE, SMALL_NORMAL);
    load(t, 0x100004, MEM_32, &taken);
    const TlbEntry *e = tlb_entry(t->cpu->tlb, 0x100000);
    assert_int_equal(e->read, 0x100000);
    assert_int_equal(e->write, 0x100000);
    assert_int_equal(e->fetch, 0x100000);
    assert_ptr_equal((void *)(e->host + 0x100000), t->ram + 0x20000);
    load(t, 0x101004, MEM_32, &taken);
    e = tlb_entry(t->cpu->tlb, 0x101000);
    assert_int_equal(e->read, 0x101000);
    assert_int_equal(e->write, TLB_NO_MATCH);
    load(t, 0x102004, MEM_32, &taken);
    e = tlb_entry(t->cpu->tlb, 0x102000);
    assert_int_equal(e->read, TLB_NO_MATCH);
    assert_int_equal(e->write, TLB_NO_MATCH);
    assert_int_equal(e->fetch, TLB_NO_MATCH);
    assert_int_equal(e->page, 0x102000);
}

static void test_alignment(void **state)
{
    OneCpu *t = *state;
    static const struct {
        bool strict;
        uint32_t va;
        unsigned op;
        bool write, fault;
    } cases[] = {
        {false, 0x60020001, MEM_32,                        false, false},
        {false, 0x60020001, MEM_32 | MEM_ALIGN_4,          false, true },
        {false, 0x60020002, MEM_32 | MEM_ALIGN_SIZE,       true,  true },
        {false, 0x60020004, MEM_64 | MEM_ALIGN_SIZE,       false, true },
        {false, 0x60020004, MEM_64 | MEM_ALIGN_4,          false, false},
        {false, 0x60020004, MEM_8 | 3 << MEM_ALIGN_SHIFT,  false, true },
        {false, 0x60020008, MEM_8 | 3 << MEM_ALIGN_SHIFT,  false, false},
        {false, 0x60020010, MEM_32 | 5 << MEM_ALIGN_SHIFT, false, true },
        {true,  0x60020001, MEM_32,                        true,  true },
        {true,  0x60020002, MEM_16,                        false, false},
        {true,  0x60020004, MEM_64 | MEM_ALIGN_4,          false, false},
        {true,  0x60020004, MEM_64,                        false, true },
        {false, 0x10000002, MEM_32,                        false, true }, /* Device memory */
        {false, 0x10000001, MEM_16,                        true,  true },
        {false, 0x10000003, MEM_8,                         false, false},
        {false, 0x10000004, MEM_64 | MEM_ALIGN_4,          false, false},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        for (unsigned again = 0; again < 2; again++) {
            uint32_t *sctlr = &t->cpu->cp15.bank[0].sctlr;
            *sctlr = cases[n].strict ? *sctlr | SCTLR_A : *sctlr & ~(uint32_t)SCTLR_A;
            bool taken = false;
            print_message("case %u\n", n);
            if (cases[n].write)
                taken = !store(t, cases[n].va, 0, cases[n].op);
            else
                load(t, cases[n].va, cases[n].op, &taken);
            assert_int_equal(taken, cases[n].fault);
            if (taken)
                expect_abort(t, cases[n].write ? 0x801 : 0x001, cases[n].va);
        }
}

/* An access that crosses into a page that faults changes nothing; DFAR is in the page that faults. */
static void test_page_crossing(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 1, RAM_BASE + 0x30000, SMALL_NORMAL);
    assert_true(store(t, 0x100ffe, 0x44332211, MEM_32));
    assert_int_equal(t->ram[0x20ffe], 0x11);
    assert_int_equal(t->ram[0x20fff], 0x22);
    assert_int_equal(t->ram[0x30000], 0x33);
    assert_int_equal(t->ram[0x30001], 0x44);
    assert_int_equal(load(t, 0x100ffe, MEM_32, &taken), 0x44332211);
    assert_true(store(t, 0x100ff9, 0x8877665544332211, MEM_64));
    assert_int_equal(load(t, 0x100ff9, MEM_64, &taken), 0x8877665544332211);
    put32(t, L2 + 4, 0);
    mmu_flush_all(t->cpu);
    assert_false(store(t, 0x100ffe, 0xffffffff, MEM_32));
    expect_abort(t, 0x807, 0x101000);
    assert_int_equal(t->ram[0x20ffe], 0x66);
}

static void test_faults(void **state)
{
    OneCpu *t = *state;
    bool taken;
    load(t, 0x00300000, MEM_32, &taken);
    assert_true(taken);
    expect_abort(t, 0x005, 0x00300000);
    assert_false(store(t, 0x00105004, 1, MEM_32));
    expect_abort(t, 0x807, 0x00105004);
    map_page(t, 6, RAM_BASE + 0x20000, 0x5e); /* privileged only */
    assert_true(store(t, 0x00106000, 1, MEM_32));
    assert_false(store(t, 0x00106000, 2, MEM_32 | MEM_UNPRIV));
    expect_abort(t, 0x80f, 0x00106000);
    back_to(t, MODE_USR);
    load(t, 0x00106000, MEM_32, &taken);
    assert_true(taken);
    expect_abort(t, 0x00f, 0x00106000);
    assert_int_equal(get32(t, RAM_BASE + 0x20000), 1);
    assert_int_equal(t->cpu->exceptions[EXC_DATA_ABORT], 4);
}

/* Nothing at 0x60100000; the table walk may meet that, too. */
static void test_external_aborts(void **state)
{
    OneCpu *t = *state;
    bool taken;
    put32(t, L1 + 0x002 * 4, 0x60100000 | SECTION_NORMAL);
    put32(t, L1 + 0x003 * 4, 0x60100000 | 1 | 2 << 5);
    load(t, 0x00200010, MEM_32, &taken);
    expect_abort(t, 0x008, 0x00200010);
    assert_false(store(t, 0x00200010, 1, MEM_32));
    expect_abort(t, 0x808, 0x00200010);
    load(t, 0x00300010, MEM_8, &taken);
    expect_abort(t, 0x02e, 0x00300010);
    t->device_result = BUS_SLAVE_ERROR;
    load(t, DEVICE_BASE, MEM_32, &taken);
    expect_abort(t, 0x1008, DEVICE_BASE);
}

static void test_devices(void **state)
{
    OneCpu *t = *state;
    bool taken;
    t->device[1] = 0xdeadbeef;
    t->device[2] = 0x01234567;
    assert_int_equal(load(t, DEVICE_BASE + 4, MEM_32, &taken), 0xdeadbeef);
    assert_int_equal(t->last_access.size, 4);
    assert_true(t->last_access.secure && t->last_access.privileged);
    assert_int_equal(load(t, DEVICE_BASE + 5, MEM_8, &taken), 0xbe);
    assert_int_equal(t->last_access.size, 1);
    t->device_accesses = 0;
    assert_int_equal(load(t, DEVICE_BASE + 4, MEM_64 | MEM_ALIGN_4, &taken), 0x01234567deadbeef);
    assert_int_equal(t->device_accesses, 2);
    assert_true(store(t, DEVICE_BASE + 6, 0x5555, MEM_16));
    assert_int_equal(t->device[1], 0x5555beef);
    assert_int_equal(t->last_access.size, 2);
    load(t, DEVICE_BASE + 4, MEM_32 | MEM_UNPRIV, &taken);
    assert_false(t->last_access.privileged);
}

static void test_big_endian(void **state)
{
    OneCpu *t = *state;
    bool taken;
    TlbTable *little = t->cpu->tlb;
    cpsr_write(t->cpu, PSR_E, PSR_E);
    assert_ptr_not_equal(t->cpu->tlb, little);
    put32(t, RAM_BASE + 0x20000, 0x44332211);
    put32(t, RAM_BASE + 0x20004, 0x88776655);
    assert_int_equal(load(t, RAM_BASE + 0x20000, MEM_32, &taken), 0x11223344);
    assert_int_equal(load(t, RAM_BASE + 0x20001, MEM_16, &taken), 0x2233);
    assert_int_equal(load(t, RAM_BASE + 0x20002, MEM_8, &taken), 0x33);
    assert_int_equal(load(t, RAM_BASE + 0x20000, MEM_64, &taken), 0x1122334455667788);
    assert_int_equal(load(t, RAM_BASE + 0x20000, MEM_32 | MEM_NO_SWAP, &taken), 0x44332211);
    assert_true(store(t, RAM_BASE + 0x20000, 0xaabbccdd, MEM_32));
    assert_int_equal(get32(t, RAM_BASE + 0x20000), 0xddccbbaa);
    cpsr_write(t->cpu, 0, PSR_E);
    assert_ptr_equal(t->cpu->tlb, little);
}

/* ---- Address spaces and maintenance ----------------------------------------------------------------- */

static void set_asid(OneCpu *t, uint32_t asid)
{
    assert_true(mcr(t, 0, 13, 0, 1, asid));
}

/* Two ASIDs see their own page at 0x00100000, and a change of ASID forgets nothing. */
static void test_asids(void **state)
{
    OneCpu *t = *state;
    bool taken;
    set_asid(t, 1);
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL | SMALL_NG);
    put32(t, RAM_BASE + 0x20000, 1);
    put32(t, RAM_BASE + 0x30000, 2);
    assert_int_equal(load(t, 0x100000, MEM_32, &taken), 1);
    TlbTable *first = t->cpu->tlb;
    set_asid(t, 2);
    map_page(t, 0, RAM_BASE + 0x30000, SMALL_NORMAL | SMALL_NG);
    assert_int_equal(load(t, 0x100000, MEM_32, &taken), 2);
    set_asid(t, 1);
    assert_ptr_equal(t->cpu->tlb, first);
    assert_int_equal(load(t, 0x100000, MEM_32, &taken), 1);
    assert_true(mcr(t, 0, 8, 7, 2, 2)); /* TLBIASID 2 leaves ASID 1 alone */
    assert_int_equal(load(t, 0x100000, MEM_32, &taken), 1);
    assert_true(mcr(t, 0, 8, 7, 2, 1));
    assert_int_equal(load(t, 0x100000, MEM_32, &taken), 2);
}

/* More address spaces than tables: old ones are given up, and never mixed up. */
static void test_many_asids(void **state)
{
    OneCpu *t = *state;
    bool taken;
    for (unsigned round = 0; round < 2; round++)
        for (uint32_t asid = 0; asid < 100; asid++) {
            set_asid(t, asid);
            map_page(t, 0, RAM_BASE + 0x20000 + (asid << 12), SMALL_NORMAL | SMALL_NG);
            put32(t, RAM_BASE + 0x20000 + (asid << 12), asid);
            assert_int_equal(load(t, 0x100000, MEM_32, &taken), asid);
        }
}

/* A domain withdrawn by DACR faults at once, without maintenance. */
static void test_dacr(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    put32(t, L1 + 0x001 * 4, L2 | 1 | 1 << 5);
    assert_true(mcr(t, 0, 3, 0, 0, 0x5));
    load(t, 0x100000, MEM_32, &taken);
    assert_false(taken);
    assert_true(mcr(t, 0, 3, 0, 0, 0x1));
    load(t, 0x100000, MEM_32, &taken);
    assert_true(taken);
    expect_abort(t, 0x01b, 0x100000);
    assert_true(mcr(t, 0, 3, 0, 0, 0x5));
    load(t, 0x100000, MEM_32, &taken);
    assert_false(taken);
}

/* TLBIMVA: entries of the ASID, and global ones whatever the ASID. */
static void test_flush_by_address(void **state)
{
    OneCpu *t = *state;
    bool taken;
    static const struct {
        uint32_t attributes, operation_asid;
        unsigned opc2;
        bool dropped;
    } cases[] = {
        {SMALL_NORMAL,            9, 1, true },
        {SMALL_NORMAL | SMALL_NG, 9, 1, false},
        {SMALL_NORMAL | SMALL_NG, 5, 1, true },
        {SMALL_NORMAL | SMALL_NG, 9, 3, true },
        {SMALL_NORMAL,            5, 3, true },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        print_message("case %u\n", n);
        set_asid(t, 5);
        mmu_flush_all(t->cpu);
        map_page(t, 0, RAM_BASE + 0x20000, cases[n].attributes);
        map_page(t, 1, RAM_BASE + 0x20000, cases[n].attributes);
        load(t, 0x100000, MEM_32, &taken);
        load(t, 0x101000, MEM_32, &taken);
        map_page(t, 0, 0, 0);
        map_page(t, 1, 0, 0);
        set_asid(t, 6);
        assert_true(mcr(t, 0, 8, 7, cases[n].opc2, 0x100000 | cases[n].operation_asid));
        set_asid(t, 5);
        load(t, 0x100000, MEM_32, &taken);
        assert_int_equal(taken, cases[n].dropped);
        back_to(t, MODE_SVC);
        load(t, 0x101000, MEM_32, &taken);
        assert_false(taken);
    }
}

/* Invalidating any address of a section drops all of it. */
static void test_flush_section(void **state)
{
    OneCpu *t = *state;
    bool taken;
    put32(t, L1 + 0x002 * 4, RAM_BASE | SECTION_NORMAL);
    load(t, 0x00280000, MEM_32, &taken);
    load(t, 0x00281000, MEM_32 | MEM_UNPRIV, &taken);
    put32(t, L1 + 0x002 * 4, 0);
    assert_true(mcr(t, 0, 8, 7, 1, 0x00200000));
    load(t, 0x00280000, MEM_32, &taken);
    assert_true(taken);
    back_to(t, MODE_SVC);
    load(t, 0x00281000, MEM_32 | MEM_UNPRIV, &taken);
    assert_true(taken);
    back_to(t, MODE_SVC);
    for (unsigned n = 0; n < 16; n++)
        put32(t, L1 + (0x010 + n) * 4, RAM_BASE | SECTION_NORMAL | 1 << 18);
    load(t, 0x01080000, MEM_32, &taken);
    for (unsigned n = 0; n < 16; n++)
        put32(t, L1 + (0x010 + n) * 4, 0);
    assert_true(mcr(t, 0, 8, 7, 1, 0x01f00000));
    load(t, 0x01080000, MEM_32, &taken);
    assert_true(taken);
}

/* Inner-shareable operations reach the other CPU, the others do not. */
static void test_broadcast(void **state)
{
    OneCpu *t = *state;
    Cpu *peer = t->peers[1];
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    for (unsigned op = 0; op < 4; op++) {
        static const uint32_t operand[] = {0, 0x100000, 0, 0x100000};
        mmu_load(peer, 0x100000, MEM_32);
        assert_int_equal(tlb_entry(peer->tlb, 0x100000)->page, 0x100000);
        assert_true(mcr(t, 0, 8, 7, op, operand[op]));
        assert_int_equal(tlb_entry(peer->tlb, 0x100000)->page, 0x100000);
        assert_true(mcr(t, 0, 8, 3, op, operand[op]));
        /* the entry is global: TLBIASIDIS leaves it */
        assert_int_equal(tlb_entry(peer->tlb, 0x100000)->page, op == 2 ? 0x100000 : TLB_NO_MATCH);
    }
}

/* With the MMU off, data accesses are Strongly-ordered even where an instruction fetch was Normal. */
static void test_mmu_off(void **state)
{
    OneCpu *t = *state;
    bool taken;
    uint32_t pa;
    const uint8_t *host;
    assert_true(mcr(t, 0, 1, 0, 0, 0));
    assert_true(mmu_fetch_page(t->cpu, RAM_BASE + 0x20000, &pa, &host));
    assert_ptr_equal(host, t->ram + 0x20000);
    load(t, RAM_BASE + 0x20001, MEM_8, &taken);
    assert_false(taken);
    load(t, RAM_BASE + 0x20001, MEM_32, &taken);
    assert_true(taken);
    expect_abort(t, 0x001, RAM_BASE + 0x20001);
    assert_true(mcr(t, 0, 1, 0, 0, SCTLR_M));
    load(t, RAM_BASE + 0x20001, MEM_32, &taken);
    assert_false(taken);
}

/* Secure and Non-secure state have their own tables; the NS bit of a Secure mapping reaches the bus. */
static void test_security_states(void **state)
{
    OneCpu *t = *state;
    bool taken;
    put32(t, L1 + 0x002 * 4, DEVICE_BASE | SECTION_DEVICE | 1 << 19);
    put32(t, OTHER_L1 + 0x002 * 4, RAM_BASE | SECTION_NORMAL);
    load(t, DEVICE_BASE, MEM_32, &taken);
    assert_true(t->last_access.secure);
    load(t, 0x00200000, MEM_32, &taken);
    assert_false(t->last_access.secure);
    Cp15Banked *ns = &t->cpu->cp15.bank[1];
    ns->ttbr0 = OTHER_L1;
    ns->dacr = 1;
    ns->sctlr |= SCTLR_M;
    put32(t, RAM_BASE, 0x12345678);
    t->cpu->cp15.scr = 1;
    cpu_switch_mode(t->cpu, MODE_SVC);
    assert_int_equal(load(t, 0x00200000, MEM_32, &taken), 0x12345678);
    t->cpu->cp15.scr = 0;
    cpu_switch_mode(t->cpu, MODE_SVC);
    t->device[0] = 0x55;
    assert_int_equal(load(t, 0x00200000, MEM_32, &taken), 0x55);
}

static void test_protect_code(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 1, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 2, RAM_BASE + 0x21000, SMALL_NORMAL);
    for (unsigned n = 0; n < 3; n++)
        load(t, 0x100000 + n * 0x1000, MEM_32, &taken);
    mmu_protect(t->cpu, RAM_BASE + 0x20000);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x100000)->write, TLB_NO_MATCH);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x101000)->write, TLB_NO_MATCH);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x102000)->write, 0x102000);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x100000)->read, 0x100000);
    mmu_protect(t->cpu, RAM_BASE + 0x21000);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x102000)->write, TLB_NO_MATCH);
    /* the code is gone (there is no code cache here): the next store brings the tag back */
    assert_true(store(t, 0x102000, 7, MEM_32));
    assert_int_equal(get32(t, RAM_BASE + 0x21000), 7);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x102000)->write, 0x102000);
}

static void test_flush_physical(void **state)
{
    OneCpu *t = *state;
    bool taken;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 1, RAM_BASE + 0x21000, SMALL_NORMAL);
    load(t, 0x100000, MEM_32, &taken);
    load(t, 0x101000, MEM_32, &taken);
    mmu_flush_physical(t->cpu, RAM_BASE + 0x20004, 4);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x100000)->page, TLB_NO_MATCH);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x101000)->page, 0x101000);
    mmu_flush_physical(t->cpu, 0, (uint64_t)1 << 32);
    assert_int_equal(tlb_entry(t->cpu->tlb, 0x101000)->page, TLB_NO_MATCH);
}

/* ---- Fetch, probes, monitors, VA to PA -------------------------------------------------------------- */

static void test_fetch(void **state)
{
    OneCpu *t = *state;
    uint32_t pa;
    const uint8_t *host;
    uint16_t half;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 1, RAM_BASE + 0x20000, SMALL_NORMAL | 1);
    assert_true(mmu_fetch_page(t->cpu, 0x100124, &pa, &host));
    assert_int_equal(pa, RAM_BASE + 0x20124);
    assert_ptr_equal(host, t->ram + 0x20000);
    assert_true(mmu_fetch_page(t->cpu, DEVICE_BASE + 4, &pa, &host));
    assert_null(host);
    t->device[1] = 0x12345678;
    assert_true(mmu_fetch_halfword(t->cpu, DEVICE_BASE + 6, &half));
    assert_int_equal(half, 0x1234);
    t->cpu->pc = 0x101000;
    assert_false(mmu_fetch_page(t->cpu, 0x101000, &pa, &host));
    assert_int_equal(t->cpu->cp15.bank[0].ifsr, 0x00f);
    assert_int_equal(t->cpu->cp15.bank[0].ifar, 0x101000);
    assert_int_equal(t->cpu->r[14], 0x101004);
    assert_int_equal(t->cpu->pc, 0x0c);
}

static void test_probe(void **state)
{
    OneCpu *t = *state;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL);
    map_page(t, 2, RAM_BASE + 0x20000, SMALL_NORMAL);
    begin(t, CODE, false, 0);
    assert_true(mmu_probe(t->cpu, 0x100f00, 0x100, ACCESS_WRITE, MEM_32));
    assert_false(mmu_probe(t->cpu, 0x100f04, 0x100, ACCESS_WRITE, MEM_32));
    assert_true(end(t));
    expect_abort(t, 0x807, 0x101000);
}

static void test_exclusive(void **state)
{
    OneCpu *t = *state;
    Cpu *peer = t->peers[1];
    uint32_t a = RAM_BASE + 0x20000;
    begin(t, CODE, false, 0);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 1, MEM_32), 1);
    assert_int_equal(get32(t, a), 0);
    mmu_load_exclusive(t->cpu, a, MEM_32);
    assert_int_equal(mmu_store_exclusive(t->cpu, a + 4, 1, MEM_32), 1);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 1, MEM_32), 1);
    mmu_load_exclusive(t->cpu, a, MEM_32);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 2, MEM_32), 0);
    assert_int_equal(get32(t, a), 2);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 3, MEM_32), 1);
    mmu_load_exclusive(t->cpu, a, MEM_32);
    mmu_clear_exclusive(t->cpu);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 3, MEM_32), 1);
    mmu_load_exclusive(t->cpu, a, MEM_32);
    mmu_load_exclusive(peer, a + 8, MEM_32);
    assert_int_equal(mmu_store_exclusive(peer, a + 8, 3, MEM_32), 0);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 3, MEM_32), 1);
    mmu_load_exclusive(t->cpu, a, MEM_64);
    assert_int_equal(mmu_store_exclusive(t->cpu, a, 0x1111111122222222, MEM_64), 0);
    assert_int_equal(get32(t, a), 0x22222222);
    assert_false(end(t));
    begin(t, CODE, false, 0);
    mmu_load_exclusive(t->cpu, a + 2, MEM_32);
    assert_true(end(t));
    expect_abort(t, 0x001, a + 2);
}

/* DDI 0406C B4.1.112. */
static void test_par(void **state)
{
    OneCpu *t = *state;
    map_page(t, 0, RAM_BASE + 0x20000, SMALL_NORMAL | 1 << 10);
    map_page(t, 1, RAM_BASE + 0x20000, 0x5e);
    put32(t, L1 + 0x010 * 4, 0x12040c0e);
    static const struct {
        uint32_t va;
        AccessKind kind;
        bool privileged;
        uint32_t par;
    } cases[] = {
        {0x100abc,   ACCESS_READ,  true,  (RAM_BASE + 0x20000) | 1 << 7 | 5 << 4 | 1 << 2},
        {0x10000000, ACCESS_WRITE, true,  0x10000000 | 1 << 7 | 3 << 4                   },
        {0x01000000, ACCESS_READ,  true,  0x12000000 | 2 | 7 << 4 | 3 << 2               },
        {0x101000,   ACCESS_READ,  false, 0xf << 1 | 1                                   },
        {0x102000,   ACCESS_READ,  true,  0x7 << 1 | 1                                   },
        {0x300000,   ACCESS_READ,  true,  0x5 << 1 | 1                                   },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        print_message("case %u\n", n);
        assert_int_equal(mmu_translate_par(t->cpu, cases[n].va, cases[n].kind, cases[n].privileged, true),
                         cases[n].par);
    }
    bool taken;
    assert_true(mcr(t, 0, 7, 8, 2, 0x101000));
    assert_int_equal(mrc(t, 0, 7, 4, 0, &taken), 0xf << 1 | 1);
}

/* Cache maintenance by address: no translation is a data abort with WnR, missing permission is none. */
static void test_cache_maintenance(void **state)
{
    OneCpu *t = *state;
    map_page(t, 0, RAM_BASE + 0x20000, 0x0e); /* no access */
    assert_true(mcr(t, 0, 7, 14, 1, 0x100000));
    assert_false(mcr(t, 0, 7, 11, 1, 0x101040));
    assert_int_equal(t->cpu->cp15.bank[0].dfsr, 0x807);
    assert_int_equal(t->cpu->cp15.bank[0].dfar, 0x101040);
    assert_int_equal(t->cpu->mode, MODE_ABT);
}

static void test_debug(void **state)
{
    OneCpu *t = *state;
    uint32_t value = 0x12345678, back = 0;
    map_page(t, 0, RAM_BASE + 0x20000, 0x0e);
    assert_true(mmu_debug_write(t->cpu, 0x100000, &value, 4));
    assert_int_equal(get32(t, RAM_BASE + 0x20000), 0x12345678);
    assert_true(mmu_debug_read(t->cpu, 0x100000, &back, 4));
    assert_int_equal(back, value);
    assert_false(mmu_debug_read(t->cpu, 0x100ffe, &back, 4));
    assert_false(mmu_debug_read(t->cpu, DEVICE_BASE, &back, 4));
    assert_int_equal(t->device_accesses, 0);
    assert_int_equal(t->cpu->mode, MODE_SVC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sizes),
        TEST(test_tags),
        TEST(test_alignment),
        TEST(test_page_crossing),
        TEST(test_faults),
        TEST(test_external_aborts),
        TEST(test_devices),
        TEST(test_big_endian),
        TEST(test_asids),
        TEST(test_many_asids),
        TEST(test_dacr),
        TEST(test_flush_by_address),
        TEST(test_flush_section),
        TEST(test_broadcast),
        TEST(test_mmu_off),
        TEST(test_security_states),
        TEST(test_protect_code),
        TEST(test_flush_physical),
        TEST(test_fetch),
        TEST(test_probe),
        TEST(test_exclusive),
        TEST(test_par),
        TEST(test_cache_maintenance),
        TEST(test_debug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
