/* Big-endian data (CPSR.E) and unaligned addresses, for loads and stores of every kind, also across pages. */
#include "runtime.h"

#define BUFFER 0x60500000u

static void fill(uint32_t at)
{
    for (uint32_t n = 0; n < 64; n++)
        *(volatile uint8_t *)(at + n) = (uint8_t)(0x10 + n);
}

static void show(uint32_t at, uint32_t bytes)
{
    for (uint32_t n = 0; n < bytes; n++)
        print("%s%w", n && !(n & 3) ? " " : ".", (uint32_t) * (volatile uint8_t *)(at + n));
}

/* Loads: registers r4 to r11 and d0 to d3 afterwards. */
static void load(const char *text, uint32_t code, uint32_t at)
{
    uint32_t d[8] = {0};
    fill(at & ~15u);
    set_state();
    for (unsigned n = 4; n < 12; n++)
        before.r[n] = 0;
    before.r[1] = at;
    __asm__ volatile("vldm %0, {d0-d3}" ::"r"(d));
    run_quietly(code, SVC | MASKED);
    __asm__ volatile("vstm %0, {d0-d3}" ::"r"(d) : "memory");
    print("%s:", text);
    if (after.kind != SUPERVISOR) {
        print(" kind %d dfsr %w dfar %w\n", after.kind, after.dfsr, after.dfar);
        return;
    }
    for (unsigned n = 4; n < 12; n++)
        if (after.r[n])
            print(" r%d=%w", n, after.r[n]);
    for (unsigned n = 0; n < 8; n++)
        if (d[n])
            print(" s%d=%w", n, d[n]);
    print("\n");
}

static void store(const char *text, uint32_t code, uint32_t at)
{
    static const uint32_t d[8] = {0xf0f1f2f3, 0xf4f5f6f7, 0xf8f9fafb, 0xfcfdfeff,
                                  0xe0e1e2e3, 0xe4e5e6e7, 0xe8e9eaeb, 0xecedeeef};
    uint32_t base = at & ~15u;
    for (uint32_t n = 0; n < 48; n++)
        *(volatile uint8_t *)(base + n) = 0;
    set_state();
    for (uint32_t n = 4; n < 12; n++)
        before.r[n] = 0xa0b0c000 + n * 0x10101;
    before.r[1] = at;
    __asm__ volatile("vldm %0, {d0-d3}" ::"r"(d));
    run_quietly(code, SVC | MASKED);
    print("%s:", text);
    if (after.kind != SUPERVISOR)
        print(" kind %d dfsr %w dfar %w", after.kind, after.dfsr, after.dfar);
    else
        show(base, 32);
    print("\n");
}

#define LOAD(text, at)                                                                                       \
    do {                                                                                                     \
        load("le " text, A32(text), at);                                                                     \
        load("be " text, A32("setend be; " text "; setend le"), at);                                         \
        load("be t32 " text, T32("setend be; " text "; setend le"), at);                                     \
    } while (0)
#define STORE(text, at)                                                                                      \
    do {                                                                                                     \
        store("le " text, A32(text), at);                                                                    \
        store("be " text, A32("setend be; " text "; setend le"), at);                                        \
        store("be t32 " text, T32("setend be; " text "; setend le"), at);                                    \
    } while (0)

static void aligned(void)
{
    LOAD("ldr r4, [r1]", BUFFER);
    LOAD("ldrb r4, [r1]", BUFFER);
    LOAD("ldrh r4, [r1]", BUFFER);
    LOAD("ldrsh r4, [r1]", BUFFER);
    LOAD("ldrd r4, r5, [r1]", BUFFER);
    LOAD("ldm r1, {r4-r7}", BUFFER);
    LOAD("ldrex r4, [r1]", BUFFER);
    LOAD("ldrexh r4, [r1]", BUFFER);
    LOAD("ldrexd r4, r5, [r1]", BUFFER);
    LOAD("ldrt r4, [r1]", BUFFER);
    LOAD("vldr s0, [r1]", BUFFER);
    LOAD("vldr d0, [r1]", BUFFER);
    LOAD("vldm r1, {d0, d1}", BUFFER);
    LOAD("vldm r1, {s0-s2}", BUFFER);
    LOAD("vld1.8 {d0, d1}, [r1]", BUFFER);
    LOAD("vld1.16 {d0}, [r1]", BUFFER);
    LOAD("vld1.32 {d0}, [r1]", BUFFER);
    LOAD("vld1.64 {d0, d1}, [r1]", BUFFER);
    LOAD("vld2.16 {d0, d1}, [r1]", BUFFER);
    LOAD("vld3.32 {d0, d1, d2}, [r1]", BUFFER);
    LOAD("vld4.8 {d0, d1, d2, d3}, [r1]", BUFFER);
    LOAD("vld1.16 {d0[1]}, [r1]", BUFFER);
    LOAD("vld1.32 {d0[]}, [r1]", BUFFER);
    LOAD("vld2.32 {d0[1], d1[1]}, [r1]", BUFFER);
    STORE("str r4, [r1]", BUFFER);
    STORE("strh r4, [r1]", BUFFER);
    STORE("strb r4, [r1]", BUFFER);
    STORE("strd r4, r5, [r1]", BUFFER);
    STORE("stm r1, {r4-r7}", BUFFER);
    STORE("ldrex r8, [r1]; strex r8, r4, [r1]", BUFFER);
    STORE("ldrexd r8, r9, [r1]; strexd r8, r4, r5, [r1]", BUFFER);
    STORE("ldrexh r8, [r1]; strexh r8, r4, [r1]", BUFFER);
    STORE("vstr s0, [r1]", BUFFER);
    STORE("vstr d0, [r1]", BUFFER);
    STORE("vstm r1, {d0, d1}", BUFFER);
    STORE("vst1.8 {d0}, [r1]", BUFFER);
    STORE("vst1.16 {d0}, [r1]", BUFFER);
    STORE("vst1.32 {d0, d1}, [r1]", BUFFER);
    STORE("vst1.64 {d0}, [r1]", BUFFER);
    STORE("vst2.16 {d0, d1}, [r1]", BUFFER);
    STORE("vst4.32 {d0, d1, d2, d3}, [r1]", BUFFER);
    STORE("vst1.16 {d0[2]}, [r1]", BUFFER);
    STORE("sub r1, r1, #0; mov r8, sp; mov sp, r1; add sp, #16; push {r4, r5}; mov sp, r8", BUFFER);
    load("be swp", A32("setend be; mov r4, #0x12; swp r5, r4, [r1]; setend le; ldr r6, [r1]"), BUFFER);
    load("be srs",
         A32("setend be; mov r8, sp; add sp, r1, #16; mov lr, #0x55; mov r4, #0x1d3; msr spsr_cxsf, r4; mov "
             "r4, #0; srsdb sp!, #0x13; mov sp, r8; setend le; ldr r5, [r1, #8]; ldr r6, [r1, #12]"),
         BUFFER);
    load("be tbb",
         T32("setend be; movs r4, #3; strb r4, [r1, #1]; movs r4, #1; tbb [r1, r4]; nop; nop; nop; nop; movs "
             "r4, #9; setend le"),
         BUFFER);
}

static void unaligned(void)
{
    for (uint32_t n = 1; n < 4; n++) {
        LOAD("ldr r4, [r1]", BUFFER + n);
        LOAD("ldrh r4, [r1]", BUFFER + n);
        STORE("str r4, [r1]", BUFFER + n);
        STORE("strh r4, [r1]", BUFFER + n);
    }
    LOAD("ldrsh r4, [r1]", BUFFER + 3);
    LOAD("vld1.8 {d0}, [r1]", BUFFER + 3);
    LOAD("vld1.16 {d0}, [r1]", BUFFER + 1);
    LOAD("vld1.32 {d0, d1}, [r1]", BUFFER + 5);
    LOAD("vld1.64 {d0}, [r1]", BUFFER + 2);
    STORE("vst1.16 {d0}, [r1]", BUFFER + 1);
    STORE("vst1.32 {d0, d1}, [r1]", BUFFER + 5);
    STORE("vst1.64 {d0}, [r1]", BUFFER + 2);
    LOAD("vld3.16 {d0, d1, d2}, [r1]", BUFFER + 7);
    /* Across the end of a page; the next one lies elsewhere. */
    map_page(0, 0x80000000, 0, BUFFER | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    map_page(0, 0x80001000, 0, (BUFFER + 0x8000) | SMALL | SMALL_NORMAL | PAGE_AP_ALL);
    for (uint32_t n = 1; n < 4; n++) {
        LOAD("ldr r4, [r1]", 0x80000ffc + n);
        STORE("str r4, [r1]", 0x80000ffc + n);
    }
    LOAD("ldrh r4, [r1]", 0x80000fff);
    STORE("strh r4, [r1]", 0x80000fff);
    LOAD("ldrd r4, r5, [r1]", 0x80000ffc);
    STORE("strd r4, r5, [r1]", 0x80000ffc);
    LOAD("ldm r1, {r4-r9}", 0x80000ff4);
    STORE("stm r1, {r4-r9}", 0x80000ff4);
    LOAD("vld1.32 {d0, d1}, [r1]", 0x80000ffa);
    STORE("vst1.64 {d0}, [r1]", 0x80000ffa);
    LOAD("vldr d0, [r1]", 0x80000ffc);
    STORE("vstm r1, {d0-d3}", 0x80000ff4);
}

int main(void)
{
    SCTLR_WRITE(SCTLR_READ() | 1 << 10);
    make_flat_map();
    mmu_on();
    aligned();
    unaligned();
    return 0;
}
