/* Packets of the debugger's protocol: framing, escapes, checksums, damage. Examples are from "Debugging with
 * GDB", appendix "GDB Remote Serial Protocol". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/gdb_wire.h"

static GdbWire wire;

static int setup(void **state)
{
    (void)state;
    memset(&wire, 0, sizeof wire);
    return 0;
}

/* What the last byte brings; those before bring nothing. */
static GdbInput take(const char *bytes, size_t length)
{
    for (size_t n = 0; n + 1 < length; n++)
        assert_int_equal(gdb_wire_take(&wire, (uint8_t)bytes[n]), GDB_NOTHING);
    return gdb_wire_take(&wire, (uint8_t)bytes[length - 1]);
}

static void takes(const char *text, GdbInput input)
{
    assert_int_equal(take(text, strlen(text)), input);
}

static void holds(const char *data)
{
    assert_int_equal(wire.length, strlen(data));
    assert_string_equal((char *)wire.data, data);
}

static void test_packets(void **state)
{
    (void)state;
    takes("$OK#9a", GDB_PACKET);
    holds("OK");
    takes("$#00", GDB_PACKET);
    holds("");
    takes("+$g#67", GDB_PACKET);
    holds("g");
    takes("noise$m0,4#FD", GDB_PACKET);
    holds("m0,4");
}

static void test_escapes(void **state)
{
    (void)state;
    takes("$X0,2:}\x03}\x04#21", GDB_PACKET);
    holds("X0,2:#$");
    assert_int_equal(take("$}\x20#9d", 6), GDB_PACKET);
    assert_int_equal(wire.length, 1);
    assert_int_equal(wire.data[0], 0);
}

static void test_damage(void **state)
{
    (void)state;
    takes("$OK#9b", GDB_DAMAGED);
    takes("$OK#xa", GDB_DAMAGED);
    takes("$OK#9$", GDB_DAMAGED);
    takes("$OK$g#67", GDB_PACKET); /* the end of the first was lost */
    holds("g");
}

static void test_long(void **state)
{
    (void)state;
    assert_int_equal(gdb_wire_take(&wire, '$'), GDB_NOTHING);
    for (unsigned n = 0; n < GDB_PACKET_MOST; n++)
        assert_int_equal(gdb_wire_take(&wire, 0), GDB_NOTHING);
    takes("#00", GDB_PACKET);
    assert_int_equal(wire.length, GDB_PACKET_MOST);
    gdb_wire_take(&wire, '$');
    for (unsigned n = 0; n <= GDB_PACKET_MOST; n++)
        gdb_wire_take(&wire, 0);
    takes("#00", GDB_DAMAGED);
    takes("$g#67", GDB_PACKET);
}

static void test_others(void **state)
{
    (void)state;
    takes("-", GDB_AGAIN);
    takes("\x03", GDB_INTERRUPT);
    takes("+", GDB_NOTHING);
    assert_int_equal(take("$\x03#03", 5), GDB_PACKET); /* within a packet it is data */
    assert_int_equal(wire.data[0], 3);
}

typedef struct Sent {
    uint8_t bytes[64];
    size_t length;
} Sent;

static void put(void *opaque, uint8_t ch)
{
    Sent *sent = opaque;
    assert_true(sent->length < sizeof sent->bytes);
    sent->bytes[sent->length++] = ch;
}

static void frames(const char *data, size_t length, const char *packet)
{
    Sent sent = {.length = 0};
    gdb_wire_frame(data, length, put, &sent);
    assert_int_equal(sent.length, strlen(packet));
    assert_memory_equal(sent.bytes, packet, sent.length);
}

static void test_frames(void **state)
{
    (void)state;
    frames("OK", 2, "$OK#9a");
    frames("", 0, "$#00");
    frames("a#b$c}d*", 8,
           "$a}\x03"
           "b}\x04"
           "c}]d}\n#ec");
}

/* Whatever is framed comes back. */
static void test_back(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char data[3] = {(char)first, (char)(first * 7), (char)(255 - first)};
        Sent sent = {.length = 0};
        gdb_wire_frame(data, sizeof data, put, &sent);
        assert_int_equal(take((char *)sent.bytes, sent.length), GDB_PACKET);
        assert_int_equal(wire.length, sizeof data);
        assert_memory_equal(wire.data, data, sizeof data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_packets, setup), cmocka_unit_test_setup(test_escapes, setup),
        cmocka_unit_test_setup(test_damage, setup),  cmocka_unit_test_setup(test_long, setup),
        cmocka_unit_test_setup(test_others, setup),  cmocka_unit_test_setup(test_frames, setup),
        cmocka_unit_test_setup(test_back, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
