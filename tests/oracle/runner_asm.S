@ Enters a case with the state in oracle_in and comes back with it in oracle_out.
    .syntax unified
    .arch armv7-a
    .fpu neon
    .arm
    .text
    .global oracle_enter, oracle_stub_start, oracle_stub_end, oracle_on_signal

    .equ CPSR, 60
    .equ FPSCR, 64
    .equ D, 72

oracle_enter:
    push {r4-r11, lr}
    vpush {d8-d15}
    ldr r0, =saved_sp
    str sp, [r0]
    ldr r0, =oracle_in
    add r1, r0, #D
    vldmia r1!, {d0-d15}
    vldmia r1, {d16-d31}
    ldr r1, [r0, #FPSCR]
    vmsr fpscr, r1
    ldr r1, [r0, #CPSR]
    msr CPSR_fs, r1
    ldr sp, [r0, #52]
    ldr lr, [r0, #56]
    ldmia r0, {r0-r12}
    @ All registers hold case values now: ORACLE_ENTRY loads pc from the word behind it.
    ldr pc, =0x20000700
    .ltorg

@ Copied to ORACLE_STUB, entered in A32 state with every register holding the case's result.
oracle_stub_start:
    setend le
    str r0, stub_r0
    ldr r0, stub_out
    add r0, r0, #4
    stmia r0, {r1-r12}
    str sp, [r0, #48]
    str lr, [r0, #52]
    sub r0, r0, #4
    ldr r1, stub_r0
    str r1, [r0]
    mrs r1, CPSR
    str r1, [r0, #CPSR]
    vmrs r1, fpscr
    str r1, [r0, #FPSCR]
    add r1, r0, #D
    vstmia r1!, {d0-d15}
    vstmia r1, {d16-d31}
    mov r1, #0
    vmsr fpscr, r1
    ldr r1, stub_saved_sp
    ldr sp, [r1]
    vpop {d8-d15}
    pop {r4-r11, pc}
stub_r0:
    .word 0
stub_out:
    .word oracle_out
stub_saved_sp:
    .word saved_sp
oracle_stub_end:

@ A signal handler that keeps the vector registers before C code can change them.
oracle_on_signal:
    ldr r3, =oracle_signal
    vmrs ip, fpscr
    str ip, [r3, #FPSCR]
    add r3, r3, #D
    vstmia r3!, {d0-d15}
    vstmia r3, {d16-d31}
    mov r3, #0
    vmsr fpscr, r3
    b oracle_handler
    .ltorg

    .bss
    .align 3
saved_sp:
    .space 4

    .section .note.GNU-stack, "", %progbits
