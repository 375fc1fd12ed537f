/* What the files of the GDB server have in common; nobody else sees it. */
#ifndef ARMATURE_FRONTENDS_GDB_PARTS_H
#define ARMATURE_FRONTENDS_GDB_PARTS_H

#include "frontends/client.h"
#include "frontends/gdb.h"
#include "frontends/gdb_wire.h"
#include "frontends/outflow.h"
#include "frontends/past.h"
#include "frontends/serial_spec.h"
#include "frontends/sockets.h"
#include "machine/machine.h"

/* Why the machine stopped, in the protocol's numbers: somebody wanted it to; a breakpoint, a step. */
enum { GDB_SIGNAL_INT = 2, GDB_SIGNAL_TRAP = 5 };

enum { GDB_POINTS_MOST = 128 };

/* What the debugger calls kinds of breakpoints: the number behind Z. */
typedef enum GdbPointKind {
    GDB_SOFTWARE,
    GDB_HARDWARE,
    GDB_WATCH_WRITE,
    GDB_WATCH_READ,
    GDB_WATCH_ACCESS,
    GDB_POINT_KINDS
} GdbPointKind;

typedef struct GdbPoint {
    GdbPointKind kind;
    uint32_t address, size;
    bool shared; /* a breakpoint that somebody else had set before */
} GdbPoint;

/* What the machine does that the debugger waits for. */
typedef enum GdbMotion {
    GDB_STANDS,
    GDB_RUNS,     /* until something stops it */
    GDB_STEPS,    /* until the CPU that was meant has executed an instruction */
    GDB_GOES_BACK /* in its history */
} GdbMotion;

/* One instruction of a CPU back, among those of others: see gdb_run.c. */
typedef struct GdbSearch {
    uint64_t goal; /* what the CPU's own count becomes */
    uint64_t high; /* a place where it is more */
    uint64_t low;  /* a place where it is not, if one is known */
    bool low_known;
    uint64_t distance; /* to the next place to look at, until then */
    bool found;        /* `low` is it; the machine is on its way there */
} GdbSearch;

struct Gdb {
    Session *session;
    Client client; /* of the operations that `monitor` calls */
    SessionListener *events;
    SerialSpec spec;
    UnixListener unix_listener;
    int listen_fd;
    LoopWatch *listening;
    /* The debugger. */
    int fd; /* -1: there is none */
    LoopWatch *in;
    Outflow out;
    GdbWire wire;
    uint8_t *last; /* the packet that it was sent last, framed: '-' wants it again */
    size_t last_length, last_capacity;
    bool no_acks, knows_swbreak, knows_hwbreak;
    unsigned cpu;
    char *registers_xml;
    GdbPoint point[GDB_POINTS_MOST];
    unsigned points;
    /* What it waits for. */
    GdbMotion motion;
    SessionTask report; /* the machine was paused: tell why, if nothing else did */
    bool pause_at_reset;
    uint64_t stepped_to; /* GDB_STEPS: the CPU's count at the end */
    GdbSearch search;
    Call *call; /* of a `monitor` command that has not finished */
};

/* ---- gdb.c ---- */

/* Sends a packet. */
void gdb_reply(Gdb *gdb, const void *data, size_t length);
void gdb_reply_text(Gdb *gdb, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline Machine *gdb_machine(const Gdb *gdb)
{
    return session_machine(gdb->session);
}

/* ---- gdb_commands.c ---- */

/* Obeys a packet: data is the text of gdb->wire. */
void gdb_command(Gdb *gdb, const char *data);

/* ---- gdb_run.c ---- */

/* Each ends, at once or later, with a packet that says where and why the machine stopped. */
void gdb_continue(Gdb *gdb);
void gdb_step(Gdb *gdb);
/* Steps while the CPU stays in [first, end). */
void gdb_step_range(Gdb *gdb, uint32_t first, uint32_t end);
void gdb_step_back(Gdb *gdb);
void gdb_run_back(Gdb *gdb);

/* Ctrl-C. */
void gdb_interrupt(Gdb *gdb);
/* Sends such a packet for the machine as it stands. */
void gdb_report(Gdb *gdb, unsigned signal, const char *reason);
void gdb_event(Gdb *gdb, const SessionEvent *event);
/* The debugger is gone: what it had under way ends. */
void gdb_forget_motion(Gdb *gdb);
void gdb_run_init(Gdb *gdb);

/* ---- gdb_points.c ---- */

bool gdb_point_add(Gdb *gdb, const GdbPoint *point, Error *err);
bool gdb_point_remove(Gdb *gdb, const GdbPoint *point);
void gdb_points_clear(Gdb *gdb);
/* The part of a stop packet that says which one the CPU stopped at; "" if the debugger would not understand
 * it. */
void gdb_point_reason(const Gdb *gdb, unsigned cpu, char text[32]);

#endif
