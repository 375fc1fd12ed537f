/* Start-up, exception vectors, and the way into and out of the code under test (see runtime.h). */
    .syntax unified
    .arch   armv7-a
    .arch_extension sec
    .arch_extension mp
    .fpu    neon

    .set MODE_FIQ, 0x11
    .set MODE_IRQ, 0x12
    .set MODE_SVC, 0x13
    .set MODE_MON, 0x16
    .set MODE_ABT, 0x17
    .set MODE_UND, 0x1b
    .set MODE_SYS, 0x1f

    /* Offsets in struct State. */
    .set S_R8, 32
    .set S_SP, 52
    .set S_LR, 56
    .set S_PC, 60
    .set S_CPSR, 64
    .set S_KIND, 68
    .set S_HANDLER_CPSR, 72
    .set S_DFSR, 76
    .set S_DFAR, 80
    .set S_IFSR, 84
    .set S_IFAR, 88
    .set S_SCR, 92

    .section .text.start, "ax"
    .arm
    .global _start
_start:
    cpsid aif, #MODE_SVC
    mrc p15, 0, r4, c0, c0, 5           /* MPIDR */
    and r4, r4, #3
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0          /* VBAR */
    mov r0, #0xf00000
    mcr p15, 0, r0, c1, c0, 2           /* CPACR: full access to the FPU */
    isb
    mov r0, #0x40000000
    vmsr fpexc, r0
    ldr sp, =stacks_end
    sub sp, sp, r4, lsl #14
    cmp r4, #0
    bne secondary
    ldr r0, =bss_start
    ldr r1, =bss_end
    mov r2, #0
1:  cmp r0, r1
    strlo r2, [r0], #4
    blo 1b
    bl  main
    .global power_off
power_off:
    ldr r0, =0x100000a4                 /* SYS_CFGCTRL: start, write, shut down */
    ldr r1, =0xc0800000
    str r1, [r0]
    b   .

/* Some machines start every CPU here at once, others keep them in a holding pen until told where to go. */
secondary:
    ldr r0, =secondary_main
1:  ldr r1, [r0]
    cmp r1, #0
    beq 1b
    mov r0, r4
    blx r1
1:  wfi
    b   1b

    .balign 32
    .global vectors
vectors:
    b   .
    b   undefined
    b   supervisor
    b   prefetch
    b   data
    b   .
    b   interrupt
    b   fast

    .balign 32
    .global monitor_vectors
monitor_vectors:
    b   .
    b   .
    b   monitor_call
    b   monitor_prefetch
    b   monitor_data
    b   .
    b   monitor_interrupt
    b   monitor_fast

    /* r0 is kept in TPIDRPRW until it is in the state: no stack is needed, whatever the tests did to it. */
    .macro entry name, kind
\name:
    mcr p15, 0, r0, c13, c0, 4
    ldr r0, =after
    stmib r0, {r1-r12}
    mov r1, #\kind
    b   common
    .endm

    entry undefined, 1
    entry supervisor, 2
    entry prefetch, 3
    entry data, 4
    entry interrupt, 6
    entry fast, 7
    entry monitor_call, 10
    entry monitor_prefetch, 11
    entry monitor_data, 12
    entry monitor_interrupt, 14
    entry monitor_fast, 15

common:
    mrc p15, 0, r2, c13, c0, 4
    str r2, [r0]
    str r1, [r0, #S_KIND]
    str lr, [r0, #S_PC]
    mrs r2, spsr
    str r2, [r0, #S_CPSR]
    mrs r3, cpsr
    str r3, [r0, #S_HANDLER_CPSR]
    mrc p15, 0, r4, c5, c0, 0
    str r4, [r0, #S_DFSR]
    mrc p15, 0, r4, c6, c0, 0
    str r4, [r0, #S_DFAR]
    mrc p15, 0, r4, c5, c0, 1
    str r4, [r0, #S_IFSR]
    mrc p15, 0, r4, c6, c0, 2
    str r4, [r0, #S_IFAR]
    clrex
    cmp r1, #10
    bhs from_monitor
    and r2, r2, #0x1f
    cmp r2, #0x10
    moveq r2, #MODE_SYS
    orr r2, r2, #0xc0
    msr cpsr_c, r2
    str sp, [r0, #S_SP]
    str lr, [r0, #S_LR]
    add r1, r0, #S_R8
    and r3, r3, #0x1f
    cmp r3, #MODE_FIQ
    stmeq r1, {r8-r12}                  /* what was saved above was the bank of FIQ mode */
    b   leave
from_monitor:                           /* back to Secure state; the other side's sp and lr are not asked for */
    mrc p15, 0, r4, c1, c1, 0
    str r4, [r0, #S_SCR]
    bic r4, r4, #1
    mcr p15, 0, r4, c1, c1, 0
    isb
leave:
    cps #MODE_SVC
    ldr r0, =return_state
    ldr sp, [r0]
    ldr r1, [r0, #4]
    msr cpsr_cxsf, r1
    pop {r4-r11, pc}
    .ltorg

/* void enter(const struct State *): runs code in the given state until an exception ends it. */
    .global enter
enter:
    push {r4-r11, lr}
    ldr r1, =return_state
    mrs r2, cpsr
    str sp, [r1]
    str r2, [r1, #4]
    mov r7, r0
    ldr r1, [r7, #S_CPSR]
    and r2, r1, #0x1f
    cmp r2, #0x10
    moveq r3, #MODE_SYS
    movne r3, r2
    orr r3, r3, #0xc0
    msr cpsr_c, r3
    add r4, r7, #S_R8
    ldm r4, {r8-r12}
    ldr sp, [r7, #S_SP]
    ldr lr, [r7, #S_LR]
    cmp r2, #MODE_UND                   /* the registers of some other mode hold what is needed last */
    beq 1f
    cps #MODE_UND
    b   2f
1:  cps #MODE_ABT
2:  mov sp, r7
    msr spsr_cxsf, r1
    ldr lr, [sp, #S_PC]
    ldm sp, {r0-r12}
    movs pc, lr
    .ltorg

    .data
    .global secondary_main
    .balign 4
secondary_main: .word 0
return_state: .word 0, 0

    .bss
    .balign 16
    .space 0x10000
stacks_end:
