/* Semihosting: reading the console, on which "one two\\r3\\n" is typed and then nothing more; and exceptions
 * as the result of a program. */
#include "runtime.h"

enum { OPEN = 0x01, READ = 0x06, READC = 0x07, EXIT = 0x18, DIVISION_BY_ZERO = 0x20028 };

static uint32_t block[3];
static uint8_t buffer[32];

static uint32_t call(uint32_t number, uint32_t parameter)
{
    register uint32_t r0 __asm__("r0") = number;
    register uint32_t r1 __asm__("r1") = parameter;
    __asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void set(uint32_t a, uint32_t b, uint32_t c)
{
    block[0] = a;
    block[1] = b;
    block[2] = c;
}

/* What comes may come in pieces. */
static void read_line(uint32_t in)
{
    unsigned got = 0;
    do {
        set(in, (uint32_t)&buffer[got], 1 + (got < 2));
        uint32_t left = call(READ, (uint32_t)block);
        if (left == block[2])
            break;
        got += block[2] - left;
    } while (buffer[got - 1] != '\n');
    print("line of %d:", (int)got);
    for (unsigned n = 0; n < got; n++)
        print(" %w", (uint32_t)buffer[n]);
    print("\n");
}

int main(void)
{
    set((uint32_t) ":tt", 0, 3);
    uint32_t in = call(OPEN, (uint32_t)block);
    print("readc");
    for (unsigned n = 0; n < 4; n++)
        print(" %w", call(READC, 0));
    print("\n");
    read_line(in);
    read_line(in);
    read_line(in);
    print("readc at the end %x\n", call(READC, 0));
    call(EXIT, DIVISION_BY_ZERO);
    print("went on\n");
    return 0;
}
