/* The test device, for programs that are to run without semihosting. */
#include "runtime.h"

#define DEVICE 0x10018000u
#define D(offset) (*word_at(DEVICE + (offset)))
enum {
    ID = 0x00,
    VERSION = 0x04,
    CHAR = 0x0c,
    REPORT = 0x14,
    PASSED = 0x18,
    FAILED = 0x1c,
    FIRST_FAILED = 0x20,
    FINISH = 0x24,
    INSTRUCTIONS = 0x28,
    TIME = 0x30
};

int main(void)
{
    print("id %x version %w\n", D(ID), D(VERSION));
    for (const char *text = "by the device\n"; *text; text++)
        D(CHAR) = (uint8_t)*text;
    uint32_t insns = D(INSTRUCTIONS), time = D(TIME);
    print("counts up %d %d\n", D(INSTRUCTIONS) > insns, D(TIME) > time);
    D(REPORT) = 0;
    D(REPORT) = 0;
    D(REPORT) = 3;
    print("passed %w failed %w first %w\n", D(PASSED), D(FAILED), D(FIRST_FAILED));
    D(FINISH) = 0;
    print("went on\n");
    return 0;
}
