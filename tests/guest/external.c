/* External aborts: loads, stores, fetches and table walks where nothing answers, and where SCR.EA sends them.
 */
#include "runtime.h"

#define NOWHERE 0x20000000u /* no device on this board */
#define WINDOW 0x80000000u

enum { SCR_EA = 8 };

static void flat(void)
{
    set_state();
    before.r[1] = NOWHERE + 0x10;
    RUN_BOTH(SVC, "ldr r0, [r1]");
    RUN_BOTH(SVC, "str r0, [r1]");
    RUN_A32(SVC, "ldrb r0, [r1], #1");
    RUN_A32(SVC, "ldm r1!, {r2-r5}");
    RUN_A32(SVC, "vldm r1!, {d0, d1}");
    RUN_A32(USR, "ldrd r2, r3, [r1, #8]!");
    RUN_A32(SVC, "bx r1");
    RUN_A32(SVC, "orr r2, r1, #1; bx r2");
    run("it ldr", T32("itt eq; ldreq r0, [r1]; addeq r0, #1"), SVC | MASKED | PSR_Z);
}

static void mapped(void)
{
    make_flat_map();
    l1_table[WINDOW >> 20] = NOWHERE | SECTION | SECTION_AP_ALL | 3 << 5;
    l1_table[(WINDOW >> 20) + 1] = NOWHERE | 1 | 5 << 5; /* a page table where nothing is */
    mmu_on();
    DACR_WRITE(0x55555555);
    set_state();
    before.r[1] = WINDOW + 0x10;
    before.r[2] = WINDOW + 0x100010;
    RUN_A32(SVC, "ldr r0, [r1]");
    RUN_A32(USR, "str r0, [r1]");
    RUN_A32(SVC, "bx r1");
    RUN_A32(SVC, "ldr r0, [r2]");
    RUN_A32(SVC, "strb r0, [r2]");
    RUN_A32(SVC, "bx r2");
    /* VA-to-PA operations do not look at what lies there, but a walk that cannot be read aborts. */
    CP15_WRITE(0, c7, c8, 0, WINDOW + 0x10);
    print("PAR %x\n", CP15_READ(0, c7, c4, 0) & 0xfffff003);
    RUN_A32(SVC, "mcr p15, 0, r2, c7, c8, 0");
    /* A first-level table where nothing is: the program itself stays mapped by TTBR0. */
    CP15_WRITE(0, c2, c0, 1, NOWHERE);
    CP15_WRITE(0, c2, c0, 2, 1);
    TLBIALL();
    RUN_A32(SVC, "ldr r0, [r1]");
    RUN_A32(SVC, "bx r1");
    CP15_WRITE(0, c2, c0, 2, 0);
    TLBIALL();
    mmu_off();
}

/* With SCR.EA external aborts go to Monitor mode, others do not. */
static void to_monitor(void)
{
    CP15_WRITE(0, c12, c0, 1, (uint32_t)monitor_vectors);
    CP15_WRITE(0, c1, c1, 0, SCR_EA);
    set_state();
    before.r[1] = NOWHERE + 0x10;
    RUN_A32(SVC, "ldr r0, [r1]");
    RUN_A32(USR, "str r0, [r1]");
    RUN_T32(IRQ, "bx r1");
    before.r[1] += 1 - 0x10;
    RUN_A32(SVC, "ldrex r0, [r1]");
    CP15_WRITE(0, c1, c1, 0, 0);
}

int main(void)
{
    flat();
    mapped();
    to_monitor();
    return 0;
}
