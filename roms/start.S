/* Reset, exception vectors, the holding pen of the secondary CPUs, and the way into what was loaded. */
    .syntax unified
    .arm

    .set MODE_SVC, 0x13
    .set SYS_FLAGS, 0x10000030
    .set GIC_CPU, 0x1e000100
    .set SP810, 0x10001000              /* SCCTRL */
    .set REMAP_CLEAR, 0x100

    .section .vectors, "ax"
    .global vectors
vectors:
    b   reset
    b   undefined
    b   svc
    b   prefetch_abort
    b   data_abort
    b   .                               /* the manual's reserved vector */
    b   irq
    b   fiq

    .text
reset:
    cpsid aif, #MODE_SVC
    ldr pc, =high                       /* from address 0 to where the ROM stays */
high:
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0          /* VBAR */
    mrc p15, 0, r0, c0, c0, 5           /* MPIDR */
    ands r0, r0, #3
    bne holding_pen
    ldr sp, =stack_top
    ldr r1, =bss_start
    ldr r2, =bss_end
    mov r0, #0
clear:                                  /* .bss, rom_parked in it */
    cmp r1, r2
    strlo r0, [r1], #4
    blo clear
    bl  rom_main                        /* r0 = 0: nothing happened yet */
    b   .

/* The board's protocol: a secondary CPU sleeps until an interrupt arrives and enters what SYS_FLAGS then holds. Linux
 * writes SYS_FLAGSSET and sends a software-generated interrupt. */
holding_pen:
    ldr r1, =rom_parked
    add r0, r0, r1
    mov r1, #1
park:                                   /* again and again: the first CPU may still have to clear it */
    strb r1, [r0]
    ldr r2, =SP810
    ldr r2, [r2]
    tst r2, #REMAP_CLEAR
    beq park
    mov r0, #0
    mcr p15, 0, r0, c12, c0, 0          /* VBAR as after a reset */
    ldr r0, =GIC_CPU
    ldr r1, =SYS_FLAGS
    mov r2, #0xf0
    str r2, [r0, #4]                    /* ICCPMR: let every priority through */
    mov r2, #1
    str r2, [r0]                        /* ICCICR: enable */
sleep:
    dsb
    wfi
    ldr r2, [r1]
    cmp r2, #0
    bne leave_pen
    /* Not for us. The interrupt would keep us awake: take it away. */
    ldr r2, [r0, #0xc]                  /* ICCIAR */
    ubfx r3, r2, #0, #10
    ldr r12, =1022
    cmp r3, r12
    strlo r2, [r0, #0x10]               /* ICCEOIR */
    b   sleep
leave_pen:
    mov r0, #0
    mov r1, #0
    bx  r2

/* void rom_enter(uint32_t r0, uint32_t r1, uint32_t r2, uint32_t entry): MMU and caches are off since reset. */
    .global rom_enter
rom_enter:
    mov r12, r3
    mov r3, #0
    mcr p15, 0, r3, c12, c0, 0          /* VBAR as after a reset */
    mcr p15, 0, r3, c7, c5, 0           /* ICIALLU */
    mcr p15, 0, r3, c8, c7, 0           /* TLBIALL */
    dsb
    isb
    mov r4, #0
    mov r5, #0
    mov r6, #0
    mov r7, #0
    mov r8, #0
    mov r9, #0
    mov r10, #0
    mov r11, #0
    mov lr, #0
    mov sp, #0
    bx  r12

/* uint32_t rom_call(uint32_t entry): for programs that return; sp stays ours. */
    .global rom_call
rom_call:
    push {r4-r11, lr}
    mcr p15, 0, r0, c7, c5, 0
    dsb
    isb
    blx r0
    pop {r4-r11, pc}

/* An exception ends what the monitor was doing: its registers are shown and the prompt comes back. */
    .macro exception name, kind, adjust
\name:
    ldr sp, =exception_stack_top
    sub lr, lr, #\adjust
    push {lr}
    push {r0-r12}
    mov r0, #\kind
    mov r1, sp
    mrs r2, spsr
    b   report
    .endm

    exception undefined, 1, 4
    exception svc, 2, 4
    exception prefetch_abort, 3, 4
    exception data_abort, 4, 8
    exception irq, 5, 4
    exception fiq, 6, 4

report:
    bl  rom_exception
    cpsid aif, #MODE_SVC
    /* The program may have left the MMU on. Its tables may map us anywhere, but they mapped this code. */
    mrc p15, 0, r0, c1, c0, 0
    bic r0, r0, #0x5                    /* SCTLR.C and .M */
    bic r0, r0, #0x1000                 /* SCTLR.I */
    mcr p15, 0, r0, c1, c0, 0
    isb
    ldr sp, =stack_top
    mov r0, #1
    bl  rom_main
    b   .
