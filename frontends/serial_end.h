/* The host's end of one serial port: what the kinds of serial_backend.c share. Private to serial_*.c. */
#ifndef ARMATURE_FRONTENDS_SERIAL_END_H
#define ARMATURE_FRONTENDS_SERIAL_END_H

#include "frontends/console.h"
#include "frontends/outflow.h"
#include "frontends/serial_spec.h"
#include "frontends/session.h"
#include "frontends/sockets.h"

/* Readers stop when so much waits for the guest, and go on when the port says that it has room. */
enum { SERIAL_QUEUE_MOST = 1 << 16 };

typedef struct SerialEnd SerialEnd;

/* Somebody at the other side, who may come and go. */
typedef struct SerialLink {
    int fd;        /* -1: nobody. Owned by the kind */
    LoopWatch *in; /* NULL while nothing is read */
    bool parked;   /* not reading: the guest has enough */
    bool input_ended, output_ended;
    LoopTimer *stall; /* runs while the guest is held by the other side */
    uint64_t progress;
} SerialLink;

typedef struct SerialEndKind {
    const char *name; /* begins the place: "tcp" */
    bool (*open)(SerialEnd *end, Error *err);
    void (*put)(SerialEnd *end, uint8_t ch);   /* NULL: output goes nowhere */
    void (*close)(SerialEnd *end);             /* NULL: nothing to do */
    void (*failed)(SerialEnd *end, int error); /* the outflow's descriptor */
    /* With a link: it reads nothing more, it was given up. */
    void (*input_ended)(SerialEnd *end);
    void (*gone)(SerialEnd *end);
    bool patient; /* at the end, output waits for as long as it takes */
} SerialEndKind;

struct SerialEnd {
    const SerialEndKind *kind; /* NULL: not opened */
    Session *session;
    Loop *loop;
    SerialPort *port;
    unsigned number;
    SerialSpec spec;
    char *place;
    Outflow out;
    int fd;           /* own descriptor of stdio, file and pty; -1: none */
    bool is_terminal; /* stdout is */
    bool has_stderr;  /* stdout and stderr are one place */
    bool mid_line;    /* what was sent last did not end a line */
    bool waiting;     /* `wait`, and nobody has come yet */
    Console *console;
    SerialLink link;
    /* Sockets */
    UnixListener unix_listener;
    int listen_fd;
    LoopWatch *listening;
    struct addrinfo *addresses, *next_address;
    int trying; /* descriptor that is being connected, -1: none */
    LoopWatch *connecting;
    /* Sockets: time to try again. Pseudo-terminals: time to look for somebody. */
    LoopTimer *again;
    char *symlink;
};

/* One line for the user on stderr, after "armature: serial port N: ". */
void serial_end_notice(const SerialEnd *end, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the place, after the kind's name. */
void serial_end_place(SerialEnd *end, const char *place);

/* Begins to serve fd, ends that. While nobody is there, output is dropped or kept (spec.keep). */
void serial_link_open(SerialEnd *end, int fd);
void serial_link_close(SerialEnd *end);
void serial_link_put(SerialEnd *end, uint8_t ch);
void serial_link_failed(SerialEnd *end, int error);
void serial_link_free(SerialEnd *end);

/* Reads what goes at once; false: nothing will come any more. */
bool serial_link_read(SerialEnd *end);

extern const SerialEndKind serial_tcp_connect, serial_tcp_listen, serial_unix, serial_pty;

#endif
