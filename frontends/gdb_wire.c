#include "frontends/gdb_wire.h"

enum { CTRL_C = 3, ESCAPE = 0x7d, ESCAPE_XOR = 0x20 };

int gdb_digit(uint8_t ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 'a' ^ 'A';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static void begin(GdbWire *wire)
{
    wire->state = GDB_INSIDE;
    wire->length = 0;
    wire->sum = 0;
    wire->too_long = false;
}

static void append(GdbWire *wire, uint8_t ch)
{
    wire->too_long |= wire->length == GDB_PACKET_MOST;
    if (!wire->too_long)
        wire->data[wire->length++] = ch;
}

static GdbInput outside(GdbWire *wire, uint8_t ch)
{
    if (ch == '$')
        begin(wire);
    return ch == '-' ? GDB_AGAIN : ch == CTRL_C ? GDB_INTERRUPT : GDB_NOTHING;
}

static void inside(GdbWire *wire, uint8_t ch)
{
    if (ch == '$') { /* the end of the last one was lost */
        begin(wire);
        return;
    }
    if (ch == '#') {
        wire->state = GDB_SUM_HIGH;
        return;
    }
    wire->sum += ch;
    if (ch == ESCAPE)
        wire->state = GDB_ESCAPED;
    else
        append(wire, ch);
}

static GdbInput complete(GdbWire *wire, int low)
{
    wire->state = GDB_OUTSIDE;
    wire->data[wire->length] = 0;
    bool good = low >= 0 && (wire->given | low) == wire->sum && !wire->too_long;
    return good ? GDB_PACKET : GDB_DAMAGED;
}

GdbInput gdb_wire_take(GdbWire *wire, uint8_t ch)
{
    int digit;
    switch (wire->state) {
    case GDB_INSIDE:
        inside(wire, ch);
        return GDB_NOTHING;
    case GDB_ESCAPED:
        wire->sum += ch;
        append(wire, ch ^ ESCAPE_XOR);
        wire->state = GDB_INSIDE;
        return GDB_NOTHING;
    case GDB_SUM_HIGH:
        digit = gdb_digit(ch);
        wire->given = (uint8_t)(digit << 4);
        wire->state = GDB_SUM_LOW;
        wire->too_long |= digit < 0;
        return GDB_NOTHING;
    case GDB_SUM_LOW:
        return complete(wire, gdb_digit(ch));
    default:
        return outside(wire, ch);
    }
}

static bool is_special(uint8_t ch)
{
    return ch == '$' || ch == '#' || ch == '*' || ch == ESCAPE;
}

void gdb_wire_frame(const void *data, size_t length, void (*put)(void *opaque, uint8_t ch), void *opaque)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *byte = data;
    uint8_t sum = 0;
    put(opaque, '$');
    for (size_t n = 0; n < length; n++) {
        uint8_t ch = byte[n];
        if (is_special(ch)) {
            put(opaque, ESCAPE);
            sum += ESCAPE;
            ch ^= ESCAPE_XOR;
        }
        put(opaque, ch);
        sum += ch;
    }
    put(opaque, '#');
    put(opaque, (uint8_t)digits[sum >> 4]);
    put(opaque, (uint8_t)digits[sum & 15]);
}
