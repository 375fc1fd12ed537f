@ Bare-metal benchmark: 20,000,000 rounds of a loop with loads, stores, a call and a return (10 instructions a round),
@ then power-off.
    .syntax unified
    .arm
    .text
    .global _start
_start:
    ldr r0, =20000000
    ldr sp, =0x60800000
    ldr r4, =0x60700000
    mov r1, #0
round:
    and r2, r0, #1020
    ldr r3, [r4, r2]
    add r3, r3, r0
    str r3, [r4, r2]
    bl function
    subs r0, r0, #1
    bne round

    ldr r6, =0x10000000
    ldr r7, =0xc0800000
    str r7, [r6, #0xa4]
1:  b 1b

function:
    push {r3, lr}
    add r1, r1, r3
    pop {r3, pc}
