/* The motherboard's peripherals: real-time clock, system registers, flash
 * identification; identification registers of everything in the device tree. */
#include "runtime.h"

#define RTC 0x10017000u
#define SYS 0x10000000u

static void clock(void)
{
    uint32_t a = *word_at(RTC);
    print("rtc after 2020: %s\n", a > 1577836800 ? "yes" : "no");
    *word_at(RTC + 8) = 1000;
    uint32_t b = *word_at(RTC);
    print("load 1000: %s, LR %w\n", b == 1000 || b == 1001 ? "ok" : "wrong", *word_at(RTC + 8));
    print("CR %w IMSC %w RIS %w MIS %w\n", *word_at(RTC + 0xc), *word_at(RTC + 0x10), *word_at(RTC + 0x14),
          *word_at(RTC + 0x18));
    *word_at(RTC + 4) = 900;
    print("MR %w\n", *word_at(RTC + 4));
    *word_at(RTC + 0x10) = 1;
    print("IMSC %w\n", *word_at(RTC + 0x10));
    *word_at(RTC + 0x10) = 0;
}

static void system_registers(void)
{
    *word_at(SYS + 8) = 0xa5;
    print("SYS_LED %w\n", *word_at(SYS + 8));
    *word_at(SYS + 0x30) = 0x0000ff00;
    *word_at(SYS + 0x30) = 0x000000f0;
    *word_at(SYS + 0x34) = 0x00000f00;
    print("SYS_FLAGS %w\n", *word_at(SYS + 0x30));
    *word_at(SYS + 0x34) = 0xffffffff;
    *word_at(SYS + 0x38) = 0x1234;
    print("SYS_NVFLAGS %w\n", *word_at(SYS + 0x38));
    *word_at(SYS + 0x3c) = 0xffffffff;
    uint32_t a = *word_at(SYS + 0x5c), m = *word_at(SYS + 0x24);
    for (volatile unsigned n = 0; n < 30000; n++)
        ;
    print("counters: 24 MHz %s, 100 Hz %s\n", *word_at(SYS + 0x5c) != a ? "ok" : "wrong",
          *word_at(SYS + 0x24) >= m ? "ok" : "wrong");
    print("SYS_PROCID0 %w\n", *word_at(SYS + 0x84));
}

static void identify(const char *name, uint32_t base)
{
    print("%s:", name);
    for (unsigned n = 0; n < 8; n++)
        print(" %w", *word_at(base + 0xfe0 + 4 * n) & 0xff);
    print("\n");
}

static void identification(void)
{
    identify("sp804", 0x10011000);
    identify("sp805", 0x1000f000);
    identify("pl011", 0x10009000);
    identify("pl031", 0x10017000);
    identify("pl041", 0x10004000);
    identify("pl050", 0x10006000);
    identify("pl181", 0x10005000);
    identify("pl111", 0x10020000);
    identify("sp810", 0x10001000);
}

static void flash(void)
{
    volatile uint32_t *base = word_at(0x40000000);
    base[0x55] = 0x00980098;
    print("CFI %w %w %w\n", base[0x10], base[0x11], base[0x12]);
    base[0] = 0x00ff00ff;
    base[0] = 0x00900090;
    print("id %w %w\n", base[0], base[1]);
    base[0] = 0x00ff00ff;
    print("array %x\n", base[0x1000]);
}

int main(void)
{
    clock();
    system_registers();
    identification();
    flash();
    return 0;
}
