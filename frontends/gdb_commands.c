/* What the debugger's packets ask for ("Debugging with GDB", appendix "GDB Remote Serial Protocol"). What is
 * not here is answered by an empty packet, as the protocol wants it. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/exit_codes.h"
#include "frontends/gdb_parts.h"
#include "frontends/gdb_registers.h"
#include "machine/checked.h"
#include "machine/inspect.h"

/* Of memory in one packet; of text in one. */
enum { MEMORY_MOST = GDB_PACKET_MOST / 2 - 16, TEXT_MOST = 1000 };

/* ---- Words of packets -------------------------------------------------------------------------------- */

static bool take_number(const char **at, uint32_t *value)
{
    const char *from = *at;
    *value = 0;
    for (int digit; (digit = gdb_digit((uint8_t) * *at)) >= 0; ++*at) {
        if (*value >> 28)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return *at != from;
}

static bool take_char(const char **at, char ch)
{
    bool there = **at == ch;
    *at += there;
    return there;
}

/* Pairs of digits up to the first that is none; returns the bytes, at most `most`. */
static size_t take_bytes(const char **at, uint8_t *bytes, size_t most)
{
    size_t count = 0;
    int high, low;
    while (count < most && (high = gdb_digit((uint8_t)(*at)[0])) >= 0 &&
           (low = gdb_digit((uint8_t)(*at)[1])) >= 0) {
        bytes[count++] = (uint8_t)(high << 4 | low);
        *at += 2;
    }
    return count;
}

/* A thread: "-1" and "0" stand for all and for any. False if there is none of that number. */
static bool take_thread(const Gdb *gdb, const char **at, unsigned *cpu)
{
    uint32_t number;
    if (!strncmp(*at, "-1", 2)) {
        *at += 2;
        return true;
    }
    if (!take_number(at, &number) || number > gdb_machine(gdb)->options.cpus)
        return false;
    if (number)
        *cpu = number - 1;
    return true;
}

static void ok(Gdb *gdb)
{
    gdb_reply_text(gdb, "OK");
}

/* The protocol gives numbers no meaning: what was wrong with the packet, or with what it asks for. */
static void bad_packet(Gdb *gdb)
{
    gdb_reply_text(gdb, "E01");
}

static void refused(Gdb *gdb)
{
    gdb_reply_text(gdb, "E0e");
}

static void ok_if(Gdb *gdb, bool done)
{
    if (done)
        ok(gdb);
    else
        refused(gdb);
}

/* A part of a text that is longer than a packet, as "OFFSET,LENGTH" says. */
static void reply_part(Gdb *gdb, const char *at, const char *text)
{
    uint32_t offset, length;
    size_t size = strlen(text);
    if (!take_number(&at, &offset) || !take_char(&at, ',') || !take_number(&at, &length) || offset > size) {
        bad_packet(gdb);
        return;
    }
    size_t part = size - offset;
    bool more = part > length || part > TEXT_MOST;
    if (more)
        part = length < TEXT_MOST ? length : TEXT_MOST;
    gdb_reply_text(gdb, "%c%.*s", more ? 'm' : 'l', (int)part, text + offset);
}

/* ---- Registers --------------------------------------------------------------------------------------- */

static void read_registers(Gdb *gdb)
{
    char text[2048];
    size_t used = 0;
    for (unsigned n = 0; n < gdb_register_count(); n++) {
        uint8_t bytes[GDB_REGISTER_MOST];
        unsigned size = gdb_register_bytes(n);
        if (used + 2 * size + 1 > sizeof text)
            break;
        if (gdb_register_read(gdb_machine(gdb), gdb->cpu, n, bytes))
            bytes_hex(bytes, size, text + used);
        else
            memset(text + used, 'x', 2 * size);
        used += 2 * size;
    }
    gdb_reply(gdb, text, used);
}

/* What stays as it is is not written: some registers do something when they are. */
static void write_registers(Gdb *gdb, const char *at)
{
    uint8_t bytes[GDB_REGISTER_MOST], old[GDB_REGISTER_MOST];
    Machine *machine = gdb_machine(gdb);
    Error err;
    bool done = true;
    for (unsigned n = 0; n < gdb_register_count() && done; n++) {
        unsigned size = gdb_register_bytes(n);
        if (take_bytes(&at, bytes, size) != size)
            break;
        if (!gdb_register_read(machine, gdb->cpu, n, old) || memcmp(bytes, old, size) != 0)
            done = gdb_register_write(machine, gdb->cpu, n, bytes, &err);
    }
    ok_if(gdb, done);
}

static void read_register(Gdb *gdb, const char *at)
{
    uint8_t bytes[GDB_REGISTER_MOST];
    char text[2 * GDB_REGISTER_MOST + 1];
    uint32_t number;
    int n = take_number(&at, &number) ? gdb_register_by_number(number) : -1;
    if (n < 0) {
        bad_packet(gdb);
    } else if (gdb_register_read(gdb_machine(gdb), gdb->cpu, (unsigned)n, bytes)) {
        bytes_hex(bytes, gdb_register_bytes((unsigned)n), text);
        gdb_reply(gdb, text, strlen(text));
    } else {
        refused(gdb);
    }
}

static void write_register(Gdb *gdb, const char *at)
{
    uint8_t bytes[GDB_REGISTER_MOST];
    uint32_t number;
    Error err;
    int n = take_number(&at, &number) ? gdb_register_by_number(number) : -1;
    unsigned size = n < 0 ? 0 : gdb_register_bytes((unsigned)n);
    if (!size || !take_char(&at, '=') || take_bytes(&at, bytes, size) != size)
        bad_packet(gdb);
    else
        ok_if(gdb, gdb_register_write(gdb_machine(gdb), gdb->cpu, (unsigned)n, bytes, &err));
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

/* As the CPU of the thread sees it. Up to what cannot be read. */
static size_t read_pages(Gdb *gdb, uint32_t address, uint8_t *data, size_t length)
{
    Error err;
    size_t done = 0;
    while (done < length) {
        uint32_t at = address + (uint32_t)done, room = PAGE_SIZE - (at & ~PAGE_MASK);
        uint32_t part = length - done < room ? (uint32_t)(length - done) : room;
        if (!inspect_read_memory(gdb_machine(gdb), (int)gdb->cpu, at, data + done, part, &err))
            break;
        done += part;
    }
    return done;
}

static bool take_range(const char **at, uint32_t *address, uint32_t *length)
{
    return take_number(at, address) && take_char(at, ',') && take_number(at, length);
}

static void read_memory(Gdb *gdb, const char *at)
{
    uint8_t data[MEMORY_MOST];
    char text[2 * MEMORY_MOST + 1];
    uint32_t address, size;
    if (!take_range(&at, &address, &size)) {
        bad_packet(gdb);
        return;
    }
    size_t got = read_pages(gdb, address, data, size < MEMORY_MOST ? size : MEMORY_MOST);
    if (!got && size) {
        refused(gdb);
        return;
    }
    bytes_hex(data, got, text);
    gdb_reply(gdb, text, 2 * got);
}

static void write_bytes(Gdb *gdb, uint32_t address, const uint8_t *data, uint32_t size)
{
    Error err;
    ok_if(gdb, !size || inspect_write_memory(gdb_machine(gdb), (int)gdb->cpu, address, data, size, &err));
}

static void write_memory(Gdb *gdb, const char *at)
{
    uint8_t data[MEMORY_MOST];
    uint32_t address, size;
    if (take_range(&at, &address, &size) && take_char(&at, ':') && size <= MEMORY_MOST &&
        take_bytes(&at, data, size) == size)
        write_bytes(gdb, address, data, size);
    else
        bad_packet(gdb);
}

/* All bytes up to the end of the packet. */
static void write_binary(Gdb *gdb, const char *at)
{
    const char *end = (const char *)gdb->wire.data + gdb->wire.length;
    uint32_t address, size;
    if (take_range(&at, &address, &size) && take_char(&at, ':') && size == (size_t)(end - at))
        write_bytes(gdb, address, (const uint8_t *)at, size);
    else
        bad_packet(gdb);
}

/* ---- Threads ----------------------------------------------------------------------------------------- */

static void choose_thread(Gdb *gdb, const char *at)
{
    unsigned cpu = gdb->cpu;
    bool is_known = *at == 'g' || *at == 'c';
    at += is_known;
    if (!is_known || !take_thread(gdb, &at, &cpu)) {
        bad_packet(gdb);
        return;
    }
    gdb->cpu = cpu;
    ok(gdb);
}

static void is_alive(Gdb *gdb, const char *at)
{
    unsigned cpu;
    if (take_thread(gdb, &at, &cpu))
        ok(gdb);
    else
        bad_packet(gdb);
}

static void current_thread(Gdb *gdb)
{
    gdb_reply_text(gdb, "QC%x", gdb->cpu + 1);
}

static void first_threads(Gdb *gdb)
{
    char text[32] = "m1";
    for (unsigned n = 2; n <= gdb_machine(gdb)->options.cpus; n++)
        sprintf(text + strlen(text), ",%x", n);
    gdb_reply(gdb, text, strlen(text));
}

static void further_threads(Gdb *gdb)
{
    gdb_reply_text(gdb, "l");
}

static void thread_text(Gdb *gdb, const char *at)
{
    char text[80], hex[2 * sizeof text + 1];
    unsigned cpu = 0;
    if (!take_thread(gdb, &at, &cpu)) {
        bad_packet(gdb);
        return;
    }
    int used = snprintf(text, sizeof text, "cpu%u %s, %s", cpu, inspect_mode(gdb_machine(gdb), cpu),
                        inspect_activity(gdb_machine(gdb), cpu));
    bytes_hex(text, (size_t)used, hex);
    gdb_reply(gdb, hex, strlen(hex));
}

/* ---- Moving ------------------------------------------------------------------------------------------ */

static void why_stopped(Gdb *gdb)
{
    session_pause(gdb->session);
    gdb_report(gdb, GDB_SIGNAL_TRAP, "");
}

/* An address to go on from: old, and nobody gives it. */
static void go_on(Gdb *gdb, const char *at)
{
    if (*at)
        bad_packet(gdb);
    else
        gdb_continue(gdb);
}

static void step(Gdb *gdb, const char *at)
{
    if (*at)
        bad_packet(gdb);
    else
        gdb_step(gdb);
}

static void what_vcont(Gdb *gdb)
{
    gdb_reply_text(gdb, "vCont;c;C;s;S;r");
}

/* One CPU may step, or all go on: the others cannot go on meanwhile, nor stand still. */
typedef struct Action {
    bool given, steps, in_range;
    unsigned cpu;
    uint32_t first, end;
} Action;

/* The first one, but rather one that steps. */
static bool take_action(const Gdb *gdb, const char **at, Action *chosen)
{
    char what = **at;
    Action action = {
        .given = true, .steps = what == 's' || what == 'S', .in_range = what == 'r', .cpu = gdb->cpu};
    uint32_t signal;
    if (!what || !strchr("cCsSr", what))
        return false;
    ++*at;
    if ((what == 'C' || what == 'S') && !take_number(at, &signal))
        return false;
    if (action.in_range && !take_range(at, &action.first, &action.end))
        return false;
    if (take_char(at, ':') && !take_thread(gdb, at, &action.cpu))
        return false;
    action.steps |= action.in_range;
    if (!chosen->given || (action.steps && !chosen->steps))
        *chosen = action;
    return true;
}

static void vcont(Gdb *gdb, const char *at)
{
    Action action = {0};
    while (take_char(&at, ';'))
        if (!take_action(gdb, &at, &action))
            break;
    if (*at || !action.given) {
        bad_packet(gdb);
        return;
    }
    if (!action.steps) {
        gdb_continue(gdb);
        return;
    }
    gdb->cpu = action.cpu;
    if (action.in_range)
        gdb_step_range(gdb, action.first, action.end);
    else
        gdb_step(gdb);
}

/* ---- Breakpoints ------------------------------------------------------------------------------------- */

static bool take_point(const char *at, GdbPoint *point)
{
    uint32_t kind, size;
    if (!take_number(&at, &kind) || kind >= GDB_POINT_KINDS || !take_char(&at, ',') ||
        !take_range(&at, &point->address, &size))
        return false;
    point->kind = (GdbPointKind)kind;
    point->size = size;
    return true;
}

static void add_point(Gdb *gdb, const char *at)
{
    GdbPoint point = {0};
    Error err;
    if (take_point(at, &point))
        ok_if(gdb, gdb_point_add(gdb, &point, &err));
    else
        bad_packet(gdb);
}

static void remove_point(Gdb *gdb, const char *at)
{
    GdbPoint point = {0};
    if (take_point(at, &point))
        ok_if(gdb, gdb_point_remove(gdb, &point));
    else
        bad_packet(gdb);
}

/* ---- monitor COMMAND --------------------------------------------------------------------------------- */

static void show(Gdb *gdb, const char *text)
{
    char packet[2 * TEXT_MOST + 2] = "O";
    for (size_t length = strlen(text); length;) {
        size_t part = length < TEXT_MOST ? length : TEXT_MOST;
        bytes_hex(text, part, packet + 1);
        gdb_reply(gdb, packet, 2 * part + 1);
        text += part;
        length -= part;
    }
}

static void show_error(Gdb *gdb, const char *why)
{
    char *line, *text = text_escaped(why, strlen(why));
    if (asprintf(&line, "error: %s\n", text) < 0)
        out_of_memory();
    show(gdb, line);
    free(line);
    free(text);
}

/* The debugger believes that the machine stands where it stood. */
static void answered(Gdb *gdb)
{
    session_pause(gdb->session);
    ok(gdb);
}

static void monitor_done(Call *call, void *opaque)
{
    Gdb *gdb = opaque;
    gdb->call = NULL;
    if (call->error) {
        show_error(gdb, call->error);
    } else if (call->result) {
        char *text = result_text(call->operation, call->result);
        show(gdb, text);
        free(text);
    }
    answered(gdb);
}

static void monitor(Gdb *gdb, const char *at)
{
    char line[GDB_PACKET_MOST / 2 + 1] = "";
    json_t *arguments;
    Error err;
    if (!take_bytes(&at, (uint8_t *)line, sizeof line - 1))
        strcpy(line, "help");
    const Operation *operation = operation_from_line(line, "monitor help", &arguments, &err);
    if (!operation) {
        show_error(gdb, err.text);
        ok(gdb);
        return;
    }
    gdb->call = operation_call(&gdb->client, operation, arguments, monitor_done, gdb);
    json_decref(arguments);
    if (gdb->call && gdb->call->wait) /* for something that the guest does */
        session_resume(gdb->session);
}

/* ---- About the connection ---------------------------------------------------------------------------- */

static void features(Gdb *gdb, const char *at)
{
    gdb->knows_swbreak = strstr(at, "swbreak+");
    gdb->knows_hwbreak = strstr(at, "hwbreak+");
    gdb_reply_text(gdb,
                   "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+%s",
                   GDB_PACKET_MOST, session_past(gdb->session) ? ";ReverseStep+;ReverseContinue+" : "");
}

static void description(Gdb *gdb, const char *at)
{
    reply_part(gdb, at, gdb->registers_xml);
}

static void no_acks(Gdb *gdb)
{
    ok(gdb);
    gdb->no_acks = true;
}

static void was_running(Gdb *gdb)
{
    gdb_reply_text(gdb, "1"); /* so that it detaches when it is left */
}

static void detach(Gdb *gdb)
{
    gdb_points_clear(gdb);
    ok(gdb);
    session_resume(gdb->session);
}

static void kill_machine(Gdb *gdb)
{
    session_end(gdb->session, EXIT_OFF, NULL);
}

/* ---- All of them ------------------------------------------------------------------------------------- */

/* By how packets begin; the first that fits. What is not empty behind that is an argument. */
static const struct {
    const char *begin;
    void (*obey)(Gdb *gdb);
    void (*obey_with)(Gdb *gdb, const char *at);
} commands[] = {
    {"qSupported",                      NULL,            features       },
    {"QStartNoAckMode",                 no_acks,         NULL           },
    {"qXfer:features:read:target.xml:", NULL,            description    },
    {"qAttached",                       was_running,     NULL           },
    {"qfThreadInfo",                    first_threads,   NULL           },
    {"qsThreadInfo",                    further_threads, NULL           },
    {"qThreadExtraInfo,",               NULL,            thread_text    },
    {"qRcmd,",                          NULL,            monitor        },
    {"qC",                              current_thread,  NULL           },
    {"vCont?",                          what_vcont,      NULL           },
    {"vCont",                           NULL,            vcont          },
    {"?",                               why_stopped,     NULL           },
    {"g",                               read_registers,  NULL           },
    {"G",                               NULL,            write_registers},
    {"p",                               NULL,            read_register  },
    {"P",                               NULL,            write_register },
    {"m",                               NULL,            read_memory    },
    {"M",                               NULL,            write_memory   },
    {"X",                               NULL,            write_binary   },
    {"H",                               NULL,            choose_thread  },
    {"T",                               NULL,            is_alive       },
    {"bs",                              gdb_step_back,   NULL           },
    {"bc",                              gdb_run_back,    NULL           },
    {"c",                               NULL,            go_on          },
    {"C",                               gdb_continue,    NULL           },
    {"s",                               NULL,            step           },
    {"S",                               gdb_step,        NULL           },
    {"Z",                               NULL,            add_point      },
    {"z",                               NULL,            remove_point   },
    {"D",                               detach,          NULL           },
    {"k",                               kill_machine,    NULL           },
};

void gdb_command(Gdb *gdb, const char *data)
{
    if (gdb->motion != GDB_STANDS || gdb->call) { /* it should have sent Ctrl-C before */
        gdb_forget_motion(gdb);
        session_pause(gdb->session);
    }
    for (unsigned n = 0; n < sizeof commands / sizeof *commands; n++) {
        size_t begin = strlen(commands[n].begin);
        if (strncmp(data, commands[n].begin, begin) != 0)
            continue;
        if (commands[n].obey)
            commands[n].obey(gdb);
        else
            commands[n].obey_with(gdb, data + begin);
        return;
    }
    gdb_reply(gdb, "", 0);
}
