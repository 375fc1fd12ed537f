/* Fault status encodings of the short-descriptor format: DDI 0406C, table B3-23, and the Cortex-A9's ExT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "mmu/mmu.h"

static const struct {
    Fault fault;
    uint32_t dfsr, ifsr; /* expect: */
} cases[] = {
  /* clang-format off */
    {{.kind = FAULT_ALIGNMENT},                                              0x001, 0x001},
    {{.kind = FAULT_ALIGNMENT, .write = true},                               0x801, 0x001},
    {{.kind = FAULT_DEBUG},                                                  0x002, 0x002},
    {{.kind = FAULT_ICACHE_MAINTENANCE, .cache_maintenance = true},          0x804, 0x004},
    {{.kind = FAULT_TRANSLATION, .level = 1},                                0x005, 0x005},
    {{.kind = FAULT_TRANSLATION, .level = 2, .domain = 2},                   0x027, 0x007},
    {{.kind = FAULT_TRANSLATION, .level = 2, .cache_maintenance = true},     0x807, 0x007},
    {{.kind = FAULT_ACCESS_FLAG, .level = 1, .domain = 15},                  0x0f3, 0x003},
    {{.kind = FAULT_ACCESS_FLAG, .level = 2, .domain = 1, .write = true},    0x816, 0x006},
    {{.kind = FAULT_DOMAIN, .level = 1, .domain = 1},                        0x019, 0x009},
    {{.kind = FAULT_DOMAIN, .level = 2, .domain = 1},                        0x01b, 0x00b},
    {{.kind = FAULT_PERMISSION, .level = 1, .domain = 0},                    0x00d, 0x00d},
    {{.kind = FAULT_PERMISSION, .level = 2, .domain = 3, .write = true},     0x83f, 0x00f},
    {{.kind = FAULT_EXTERNAL, .decode_error = true},                         0x008, 0x008},
    {{.kind = FAULT_EXTERNAL, .decode_error = false, .write = true},         0x1808, 0x1008},
    {{.kind = FAULT_EXTERNAL_ON_WALK, .level = 1, .decode_error = true},     0x00c, 0x00c},
    {{.kind = FAULT_EXTERNAL_ON_WALK, .level = 2, .domain = 4},              0x104e, 0x100e},
  /* clang-format on */
};

static void test_encodings(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        print_message("case %u\n", n);
        assert_int_equal(fault_dfsr(&cases[n].fault), cases[n].dfsr);
        assert_int_equal(fault_ifsr(&cases[n].fault), cases[n].ifsr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_encodings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
