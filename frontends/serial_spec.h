/* What --serial takes: the other end of a serial port, as text. docs/serial.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_SERIAL_SPEC_H
#define ARMATURE_FRONTENDS_SERIAL_SPEC_H

#include <stdbool.h>

#include "machine/error.h"

typedef enum SerialKind {
    SERIAL_NONE,        /* none, null */
    SERIAL_STDIO,       /* stdio */
    SERIAL_FILE,        /* file:PATH[,append] */
    SERIAL_PTY,         /* pty, pty:LINK */
    SERIAL_TCP_CONNECT, /* tcp:HOST:PORT[,reconnect=SECONDS] */
    SERIAL_TCP_LISTEN,  /* tcp-listen:[HOST:]PORT[,wait][,keep], or tcp:[HOST]:PORT,server[,wait][,keep] */
    SERIAL_UNIX         /* unix:PATH[,wait][,keep] */
} SerialKind;

typedef struct SerialSpec {
    SerialKind kind;
    char *path;           /* of file and socket; the pty's link or NULL */
    char *host, *service; /* TCP; host NULL: 127.0.0.1 */
    bool append;
    bool wait;          /* the machine starts when somebody has connected */
    bool keep;          /* what is sent while nobody is connected is kept for whoever connects next */
    unsigned reconnect; /* seconds between attempts, 0: none */
} SerialSpec;

/* Fills spec; serial_spec_free() frees its strings (also after a failure). err says what would be right, but
 * not what was given. */
bool serial_spec_parse(SerialSpec *spec, const char *text, Error *err);
void serial_spec_free(SerialSpec *spec);

/* True if `text` can be given to --serial, as far as its form goes. */
bool serial_backend_check(const char *text, Error *err);

#endif
