/* Captures: the file byte by byte, and places that cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/pcap.h"

static void test_file(void **state)
{
    (void)state;
    char path[] = "/tmp/armature-pcap-XXXXXX";
    close(mkstemp(path));
    Error err;
    Pcap *pcap = pcap_new(path, &err);
    assert_non_null(pcap);
    pcap_frame(pcap, UINT64_C(1735689600123456789), (const uint8_t *)"0123456789abcdef", 16);
    uint32_t word[14];
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(word, 1, sizeof word, file), sizeof word); /* before it is closed */
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    const uint32_t want[] = {0xa1b23c4d, 0x00040002, 0, 0, 262144, 1, 1735689600, 123456789, 16, 16};
    assert_memory_equal(word, want, sizeof want);
    assert_memory_equal(word + 10, "0123456789abcdef", 16);
    assert_true(pcap_close(pcap, &err));
    unlink(path);
}

static void test_failures(void **state)
{
    (void)state;
    Error err;
    assert_null(pcap_new("/nonexistent/capture", &err));
    assert_non_null(strstr(err.text, "/nonexistent/capture"));
    if (access("/dev/full", W_OK))
        return;
    assert_null(pcap_new("/dev/full", &err));
    assert_non_null(strstr(err.text, "No space"));
    assert_true(pcap_close(NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
