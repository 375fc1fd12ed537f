/* A guest that journals are tried with: busy and asleep by turns, and what it receives shows in its memory.
 */
#ifndef ARMATURE_TESTS_MACHINE_JOURNAL_GUEST_H
#define ARMATURE_TESTS_MACHINE_JOURNAL_GUEST_H

#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

enum { RAM = 0x60000000, UART = 0x10009000 };

/* Each CPU counts in a word of its own, and adds up what the UART receives; it sleeps now and then, until the
 * UART or the private timer interrupts. */
static const uint32_t journal_program[] = {
    0xee100fb0, /*        mrc   p15, 0, r0, c0, c0, 5 */
    0xe200000f, /*        and   r0, r0, #15 */
    0xe59f1048, /*        ldr   r1, =0x60001000 */
    0xe0811200, /*        add   r1, r1, r0, lsl #4 */
    0xe59f2044, /*        ldr   r2, =0x10009000 */
    0xe2833001, /* loop:  add   r3, r3, #1 */
    0xe5813000, /*        str   r3, [r1] */
    0xe3500000, /*        cmp   r0, #0 */
    0x1afffffb, /*        bne   loop */
    0xe5924018, /*        ldr   r4, [r2, #0x18] */
    0xe3140010, /*        tst   r4, #0x10 */
    0x05925000, /*        ldreq r5, [r2] */
    0x00876005, /*        addeq r6, r7, r5 */
    0x00867286, /*        addeq r7, r6, r6, lsl #5 */
    0x00877003, /*        addeq r7, r7, r3 */
    0x05817004, /*        streq r7, [r1, #4] */
    0xe31300ff, /*        tst   r3, #255 */
    0x1afffff2, /*        bne   loop */
    0xe3a04000, /*        mov   r4, #0 */
    0xe320f003, /*        wfi */
    0xeaffffef, /*        b     loop */
    0x00000000, 0x60001000, 0x10009000,
};

static inline void put_word(Machine *machine, uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    if (bus_write(machine->bus, address, &access, value) != BUS_OK)
        abort();
}

static inline Machine *journal_guest(unsigned cpus, JitMode jit, bool paced)
{
    Error err;
    const MachineOptions options = {
        .cpus = cpus,
        .memory = 1 << 20,
        .deterministic = true,
        .paced = paced,
        .jit = {.mode = jit, .threshold = 2}
    };
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    if (!machine)
        abort();
    memcpy(machine->ram, journal_program, sizeof journal_program);
    for (unsigned n = 0; n < cpus; n++) {
        machine->cpu[n]->pc = RAM;
        machine->cpu[n]->attention &= (uint8_t)~ATTN_RESET;
    }
    put_word(machine, UART + 0x30, 0x301); /* receiver on */
    put_word(machine, UART + 0x38, 0x50);  /* its interrupts */
    put_word(machine, 0x1e001000, 1);      /* distributor: the UART's, 37, to CPU 0; the private timer's */
    put_word(machine, 0x1e001100, 1u << 29);
    put_word(machine, 0x1e001104, 1u << 5);
    put_word(machine, 0x1e001824, 0x100);
    put_word(machine, 0x1e000100, 1);
    put_word(machine, 0x1e000104, 0xf0);
    put_word(machine, 0x1e000600, 30000); /* private timer of CPU 0 */
    put_word(machine, 0x1e000608, 7);
    machine_make_journal(machine);
    return machine;
}

#endif
