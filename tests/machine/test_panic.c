/* Panics and oopses as kernels print them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/kernel_text.h"
#include "machine/panic.h"

static PanicKind feed(Panic *panic, const char *text)
{
    return panic_feed(panic, text, strlen(text));
}

static void summary_has(const Panic *panic, const char *wanted)
{
    char *summary = panic_summary(panic);
    assert_non_null(summary);
    if (!strstr(summary, wanted))
        fail_msg("\"%s\" is not in:\n%s", wanted, summary);
    free(summary);
}

static void summary_lacks(const Panic *panic, const char *unwanted)
{
    char *summary = panic_summary(panic);
    if (summary && strstr(summary, unwanted))
        fail_msg("\"%s\" is in:\n%s", unwanted, summary);
    free(summary);
}

static const char no_root[] =
    "[    2.110000] /dev/root: Can't open blockdev\r\n"
    "[    2.112000] VFS: Cannot open root device \"sda1\" or unknown-block(0,0): error -6\r\n"
    "[    2.113000] Please append a correct \"root=\" boot option; here are the available partitions:\r\n"
    "[    2.114000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
    "[    2.115000] CPU: 1 PID: 1 Comm: swapper/0 Not tainted 6.1.0-18-armmp #1  Debian 6.1.76-1\r\n"
    "[    2.116000] Hardware name: ARM-Versatile Express\r\n"
    "[    2.117000]  unwind_backtrace from show_stack+0x18/0x1c\r\n"
    "[    2.118000]  show_stack from dump_stack_lvl+0x48/0x54\r\n"
    "[    2.119000]  dump_stack_lvl from panic+0x114/0x334\r\n"
    "[    2.120000]  panic from mount_block_root+0x21c/0x2d8\r\n"
    "[    2.121000]  mount_block_root from prepare_namespace+0x158/0x194\r\n";

static void test_panic(void **state)
{
    (void)state;
    Panic *panic = panic_new(NULL);
    assert_int_equal(feed(panic, no_root), PANIC_PANIC);
    assert_int_equal(panic_kind(panic), PANIC_PANIC);
    assert_false(panic_complete(panic));
    feed(panic, "[    2.122000] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on "
                "unknown-block(0,0) ]---\r\n");
    assert_true(panic_complete(panic));
    summary_has(panic, "panicked: VFS: Unable to mount root fs on unknown-block(0,0)\n");
    summary_has(panic, "root=sda1");
    summary_has(panic, "swapper/0 (process 1) on CPU 1, kernel 6.1.0-18-armmp");
    summary_has(panic, "called by mount_block_root+0x21c/0x2d8 < prepare_namespace+0x158/0x194");
    summary_lacks(panic, "show_stack");
    panic_free(panic);
}

/* The same byte by byte, and cut at any place. */
static void test_pieces(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof no_root; cut += 7) {
        Panic *panic = panic_new(NULL);
        PanicKind first = panic_feed(panic, no_root, cut);
        PanicKind second = panic_feed(panic, no_root + cut, sizeof no_root - 1 - cut);
        assert_int_equal(first > second ? first : second, PANIC_PANIC);
        assert_int_equal(panic_kind(panic), PANIC_PANIC);
        panic_free(panic);
    }
}

static const char oops[] =
    "8<--- cut here ---\n"
    "Unable to handle kernel NULL pointer dereference at virtual address 00000004 when read\n"
    "[00000004] *pgd=00000000\n"
    "Internal error: Oops: 5 [#1] SMP ARM\n"
    "Modules linked in: driver(O)\n"
    "CPU: 0 UID: 0 PID: 321 Comm: my insmod Tainted: G           O       6.12.1 #3\n"
    "PC is at driver_probe+0x18/0x40 [driver]\n"
    "LR is at really_probe+0xe4/0x3c4\n"
    "pc : [<c0100004>]    lr : [<c0512345>]    psr: 60000013\n"
    "Process insmod (pid: 321, stack limit = 0x(ptrval))\n"
    "[<bf000018>] (driver_probe [driver]) from [<c0512345>] (really_probe+0xe4/0x3c4)\n"
    "[<c0512345>] (really_probe) from [<c0512400>] (driver_attach+0x4/0x10)\n"
    "Code: e1a0c00d e92dd800 e24cb004 e3a03000 (e5933004)\n"
    "---[ end trace 0123456789abcdef ]---\n";

static void test_oops(void **state)
{
    (void)state;
    Panic *panic = panic_new(NULL);
    assert_int_equal(feed(panic, oops), PANIC_OOPS);
    assert_true(panic_complete(panic));
    summary_has(panic,
                "reports: Unable to handle kernel NULL pointer dereference at virtual address 00000004");
    summary_has(panic, "followed a null pointer");
    summary_has(panic, "at driver_probe+0x18/0x40, pc 0xc0100004");
    summary_has(panic, "my insmod (process 321) on CPU 0");
    summary_has(panic, "called by really_probe+0xe4/0x3c4 < driver_attach+0x4/0x10");
    /* Another one is another report. */
    panic_close(panic);
    assert_int_equal(feed(panic, "[  50.000000] kernel BUG at mm/slab.c:123!\n"), PANIC_OOPS);
    summary_has(panic, "a check in the kernel failed at mm/slab.c:123");
    summary_lacks(panic, "driver_probe");
    panic_free(panic);
}

static void test_oops_then_panic(void **state)
{
    (void)state;
    Panic *panic = panic_new(NULL);
    assert_int_equal(feed(panic, oops), PANIC_OOPS);
    assert_int_equal(feed(panic, "Kernel panic - not syncing: Fatal exception in interrupt\n"), PANIC_PANIC);
    assert_false(panic_complete(panic));
    summary_has(panic, "panicked: Fatal exception in interrupt");
    summary_has(panic, "after: Unable to handle kernel NULL pointer");
    summary_has(panic, "followed a null pointer");
    feed(panic, "Rebooting in 5 seconds..\n");
    assert_true(panic_complete(panic));
    panic_free(panic);
}

static void test_symbols(void **state)
{
    (void)state;
    char path[] = "/tmp/armature-map-XXXXXX";
    int fd = mkstemp(path);
    const char map[] = "c0100000 T victim\nc0200000 T other\n";
    assert_int_equal(write(fd, map, sizeof map - 1), sizeof map - 1);
    close(fd);
    Symbols *symbols = symbols_load(path, NULL);
    unlink(path);
    Panic *panic = panic_new(symbols);
    feed(panic, oops);
    summary_has(panic, "pc 0xc0100004 (victim+0x4)");
    panic_free(panic);
    symbols_free(symbols);
}

/* Text that only speaks of panics. */
static void test_not_fooled(void **state)
{
    (void)state;
    static const char *const harmless[] = {
        "$ grep 'Kernel panic - not syncing' manual.txt\n",
        "manual.txt:Kernel panic - not syncing: VFS\n",
        "  * Unable to handle kernel paging request: what to do\n",
        "[    1.0] x Kernel panic - not syncing: no\n",
        "[Kernel panic - not syncing]\n",
        "Kernel panic\n",
        "# Oops\n",
        "WARNING: CPU: 0 PID: 1 at kernel/foo.c:12 foo+0x10/0x20\n",
    };
    Panic *panic = panic_new(NULL);
    for (unsigned n = 0; n < sizeof harmless / sizeof *harmless; n++)
        assert_int_equal(feed(panic, harmless[n]), PANIC_NONE);
    assert_null(panic_summary(panic));
    panic_free(panic);
}

/* dmesg shows the past: its time stamps were seen before. */
static void test_repetition(void **state)
{
    (void)state;
    Panic *panic = panic_new(NULL);
    assert_int_equal(
        feed(panic, "[    5.000000] kernel BUG at a.c:1!\n[    5.000001] ---[ end trace 0 ]---\n"),
        PANIC_OOPS);
    feed(panic, "[   60.000000] some driver: hello\n");
    panic_close(panic);
    assert_int_equal(feed(panic, "[    5.000000] kernel BUG at a.c:1!\n"), PANIC_NONE);
    /* After a reset, time begins again. */
    panic_reset(panic);
    assert_int_equal(feed(panic, "[    5.000000] kernel BUG at a.c:1!\n"), PANIC_OOPS);
    panic_free(panic);
}

static void test_levels_and_callers(void **state)
{
    (void)state;
    static const char *const begins[] = {
        "<0>Kernel panic - not syncing: x\n",
        "<0>[    1.000000] Kernel panic - not syncing: x\n",
        "[    1.000000][    T1] Kernel panic - not syncing: x\n",
        "[    1.000000][   C0] Kernel panic - not syncing: x\n",
        "[12345.000000] Kernel panic - not syncing: x\r",
        "Kernel panic - not syncing: x\n",
    };
    for (unsigned n = 0; n < sizeof begins / sizeof *begins; n++) {
        Panic *panic = panic_new(NULL);
        assert_int_equal(feed(panic, begins[n]), PANIC_PANIC);
        summary_has(panic, "panicked: x");
        panic_free(panic);
    }
}

/* What the user can put right comes before what follows from it. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *before, *panic, *reason;
    } cases[] = {
        {"[    1.000000] Initramfs unpacking failed: junk within compressed archive\n",
         "VFS: Unable to mount root fs on unknown-block(0,0)",                                                                            "the initrd is damaged"                         },
        {"[    1.000000] Initramfs unpacking failed: write error\n",                    "No working init found.",
         "use a larger --memory"                                                                                                                                                          },
        {"",                                                                            "Requested init /bin/nothing failed (error -2).",
         "init= (/bin/nothing) cannot be started: it does not exist"                                                                                                                      },
        {"[    1.000000] Failed to execute /init (error -13)\n",
         "No working init found.  Try passing init= option",                                                                              "/init, cannot be started: it is not executable"},
        {"[    1.000000] Failed to execute /init (error -8)\n",                         "No working init found.",
         "not a program for this CPU"                                                                                                                                                     },
        {"",                                                                            "No working init found.",                         "/sbin/init"                                    },
        {"",                                                                            "Attempted to kill init! exitcode=0x0000000b",    "signal 11"                                     },
        {"",                                                                            "Attempted to kill init! exitcode=0x00007f00",    "code 127"                                      },
        {"",                                                                            "Attempted to kill init! exitcode=0x00000100",    "with code 1;"                                  },
        {"",                                                                            "System is deadlocked on memory",                 "memory is too small"                           },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        Panic *panic = panic_new(NULL);
        char text[500];
        snprintf(text, sizeof text, "%sKernel panic - not syncing: %s\n", cases[n].before, cases[n].panic);
        assert_int_equal(feed(panic, text), PANIC_PANIC);
        summary_has(panic, cases[n].reason);
        panic_free(panic);
    }
}

/* Any bytes: only that it ends and stays within its memory. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const parts[] = {"Kernel panic - not syncing",
                                        "CPU: ",
                                        "PID: ",
                                        " Comm: ",
                                        "pc : [<",
                                        "[<",
                                        " from ",
                                        "] (",
                                        "+",
                                        "PC is at ",
                                        "\n",
                                        "\r",
                                        "[    1.0",
                                        "Internal error: ",
                                        "Attempted to kill init! exitcode=0x",
                                        "<",
                                        "[",
                                        "\xff",
                                        "-",
                                        "Requested init "};
    enum { PARTS = sizeof parts / sizeof *parts };
    uint32_t random = 99;
    Panic *panic = panic_new(NULL);
    for (unsigned n = 0; n < 200000; n++) {
        random = random * 1664525 + 1013904223;
        feed(panic, parts[(random >> 10) % PARTS]);
        if (random >> 24 == 0)
            free(panic_summary(panic));
        if (random >> 20 == 1)
            panic_reset(panic);
    }
    panic_free(panic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panic),      cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_oops),       cmocka_unit_test(test_oops_then_panic),
        cmocka_unit_test(test_symbols),    cmocka_unit_test(test_not_fooled),
        cmocka_unit_test(test_repetition), cmocka_unit_test(test_levels_and_callers),
        cmocka_unit_test(test_reasons),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
