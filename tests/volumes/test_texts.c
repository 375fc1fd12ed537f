/* Versions, fstab, extlinux.conf and command lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "volumes/bootable.h"
#include "volumes/extlinux.h"
#include "volumes/fstab.h"
#include "volumes/version.h"

/* In ascending order, as `dpkg --compare-versions` and `linux-version sort` say. */
static void test_versions(void **state)
{
    static const char *const sorted[] = {
        "5.10.0-28-armmp",   "5.10.0-100-armmp",    "6.1.0-9-armmp", "6.1.0-37-armmp",
        "6.1.0-37-armmp+b1", "6.12-rc7-armmp",      "6.12-armmp",    "6.12.0-1-armmp",
        "6.12.6-armmp",      "6.12.38+deb13-armmp", "10.0"};
    enum { COUNT = sizeof sorted / sizeof *sorted };
    (void)state;
    for (unsigned a = 0; a < COUNT; a++)
        for (unsigned b = 0; b < COUNT; b++) {
            int order = version_compare(sorted[a], sorted[b]);
            if (a < b ? order >= 0 : a > b ? order <= 0 : order != 0)
                fail_msg("%s and %s: %d", sorted[a], sorted[b], order);
        }
    assert_true(version_compare("1.0~rc1", "1.0") < 0);
    assert_true(version_compare("007", "7") == 0);
    assert_true(version_compare("", "1") < 0);
}

static void test_fstab(void **state)
{
    static const char text[] = "# <file system> <mount point>\n"
                               "\n"
                               "#UUID=old / ext4 defaults 0 1\n"
                               "UUID=0DD0-beef\t/boot\tvfat defaults 0 2\n"
                               "  /dev/vda1 / ext4 errors=remount-ro 0 1\n"
                               "LABEL=my\\040disk /srv ext4";
    char spec[FSTAB_SPEC];
    (void)state;
    assert_true(fstab_find(text, "/", spec));
    assert_string_equal(spec, "/dev/vda1");
    assert_true(fstab_find(text, "/boot", spec));
    assert_string_equal(spec, "UUID=0DD0-beef");
    assert_true(fstab_find(text, "/srv", spec));
    assert_string_equal(spec, "LABEL=my disk");
    assert_false(fstab_find(text, "/home", spec));
    assert_false(fstab_find("", "/", spec));
}

static void test_fstab_names(void **state)
{
    Volume volume = {.partition = 3, .uuid = "ab-12", .label = "my disk", .partition_uuid = "00c0ffee-03"};
    (void)state;
    static const char *const right[] = {
        "UUID=AB-12", "UUID=\"ab-12\"", "LABEL=my disk", "PARTUUID=00C0FFEE-03", "/dev/disk/by-uuid/ab-12",
        "/dev/vda3",  "/dev/mmcblk0p3", "/dev/sdb3"};
    static const char *const wrong[] = {
        "UUID=ab-1", "UUID=ab-123",  "UUID=", "UUID=\"", "LABEL=",         "/dev/vda13",
        "/dev/vda",  "/dev/mmcblk3", "proc",  "",        "/dev/mapper/a3", "/dev/mmcblk0p30"};
    for (unsigned n = 0; n < sizeof right / sizeof *right; n++)
        if (!fstab_matches(right[n], &volume))
            fail_msg("%s", right[n]);
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++)
        if (fstab_matches(wrong[n], &volume))
            fail_msg("%s", wrong[n]);
    assert_true(fstab_matches("/dev/vda", &(Volume){.partition = 0}));
    assert_false(fstab_matches("LABEL=", &(Volume){.partition = 0}));
}

static void test_extlinux(void **state)
{
    static const char text[] = "## /boot/extlinux/extlinux.conf\r\n"
                               "default l1\n"
                               "menu title U-Boot menu\n"
                               "timeout 50\n"
                               "label l0\n"
                               "\tlinux /boot/vmlinuz-1\n"
                               "\tappend root=/dev/vda1\n"
                               "LABEL l1\n"
                               "  menu label Debian\n"
                               "  KERNEL /boot/vmlinuz-2\r\n"
                               "  INITRD /boot/initrd.img-2  \n"
                               "  fdtdir /usr/lib/linux-image-2/\n"
                               "  APPEND root=UUID=1 ro quiet";
    ExtlinuxEntry entry;
    (void)state;
    assert_true(extlinux_parse(text, &entry));
    assert_string_equal(entry.kernel, "/boot/vmlinuz-2");
    assert_string_equal(entry.initrd, "/boot/initrd.img-2");
    assert_string_equal(entry.append, "root=UUID=1 ro quiet");
    assert_true(extlinux_parse(strstr(text, "menu"), &entry));
    assert_string_equal(entry.kernel, "/boot/vmlinuz-1");
    assert_string_equal(entry.initrd, "");
    assert_true(extlinux_parse("default gone\nlabel a\nkernel=/k", &entry));
    assert_string_equal(entry.kernel, "/k");
    assert_false(extlinux_parse("label a\nlabel b\nappend x\n", &entry));
    assert_false(extlinux_parse("", &entry));
}

static void check_line(const char *found, const char *given, const char *expected)
{
    char *line = bootable_command_line(found, "console=C", given);
    assert_string_equal(line, expected);
    free(line);
}

static void test_command_lines(void **state)
{
    (void)state;
    check_line("root=UUID=1 ro", NULL, "root=UUID=1 ro console=C");
    check_line("root=UUID=1 ro", "quiet", "root=UUID=1 ro console=C quiet");
    check_line("root=UUID=1 ro", "rw single", "root=UUID=1 console=C rw single");
    check_line("root=UUID=1 ro", " root=/dev/vda2 ", "ro console=C  root=/dev/vda2 ");
    check_line("root=UUID=1 ro", "console=tty0", "root=UUID=1 ro console=tty0");
    check_line("root=UUID=1 console=ttyS0  quiet", NULL, "root=UUID=1 console=ttyS0 quiet");
    check_line("root=UUID=1 console=ttyS0 quiet", "console=tty1", "root=UUID=1 quiet console=tty1");
    check_line("", NULL, "console=C");
    check_line("rootwait", "root=1", "rootwait console=C root=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),      cmocka_unit_test(test_fstab),
        cmocka_unit_test(test_fstab_names),   cmocka_unit_test(test_extlinux),
        cmocka_unit_test(test_command_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
