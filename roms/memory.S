/* Eight words at a time: fewer instructions than any loop that a compiler makes of words. See memory.h. */
    .syntax unified
    .arm
    .section .text.memory, "ax"

    .global fill_memory
fill_memory:
    push {r4-r9, lr}
    add lr, r0, r2
    mov r2, r1
    mov r3, r1
    mov r4, r1
    mov r5, r1
    mov r6, r1
    mov r7, r1
    mov r8, r1
    cmp r0, lr
    beq 2f
1:  stmia r0!, {r1-r8}
    cmp r0, lr
    bne 1b
2:  pop {r4-r9, pc}

    .global copy_memory
copy_memory:
    push {r3-r10, lr}
    add lr, r0, r2
    cmp r0, lr
    beq 2f
1:  ldmia r1!, {r3-r10}
    stmia r0!, {r3-r10}
    cmp r0, lr
    bne 1b
2:  pop {r3-r10, pc}
