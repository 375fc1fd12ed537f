@ Bare-metal benchmark: 25,000,000 rounds of 8 integer instructions, then power-off through the configuration bus
@ (DUI 0447, SYS_CFGCTRL: start, write, function 8 = shutdown).
    .syntax unified
    .arm
    .text
    .global _start
_start:
    ldr r0, =25000000
    mov r1, #1
    mov r2, #0
    mov r3, #7
round:
    add r1, r1, r3
    eor r2, r2, r1, lsl #3
    orr r4, r2, r1
    sub r3, r3, r2, lsr #5
    and r5, r4, #255
    add r2, r2, r5
    subs r0, r0, #1
    bne round

    ldr r6, =0x10000000
    ldr r7, =0xc0800000
    str r7, [r6, #0xa4]
1:  b 1b
