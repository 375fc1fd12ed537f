/* Messages over a socket between two machines, one that leaves and one that comes (migrate.h). Each has a
 * type, a number that counts up, and checksums. docs/migration.md has the format. */
#ifndef ARMATURE_SNAPSHOT_STREAM_H
#define ARMATURE_SNAPSHOT_STREAM_H

#include <stdatomic.h>

#include "machine/error.h"
#include "snapshot/bytes.h"

enum { STREAM_TYPE = 4, STREAM_VERSION = 1 };

/* From the machine that leaves. */
#define STREAM_BUILD                                                                                         \
    "BULD"                  /* a snapshot file with the head and the part `setup`: how the machine is built  \
                             */
#define STREAM_PAGES "PAGE" /* as a PAGE chunk; pages may come again */
#define STREAM_ROUND "ROND" /* a round of pages has ended: pages that were sent in it (8 bytes) */
#define STREAM_REST "REST"  /* a piece of a snapshot file that has all but those pages */
#define STREAM_OVER "OVER"  /* that was all, and the disks are free; a byte: 1 if the machine was paused */
#define STREAM_GO "GO!!"    /* the machine is yours */
/* The other way. */
#define STREAM_NO "NO!!"    /* a line of text: why not */
#define STREAM_READY "REDY" /* everything is there and was loaded */
#define STREAM_RUNS "RUNS"  /* it goes on here */

typedef struct Stream {
    int fd;                  /* owned; not blocking */
    uint32_t sent, received; /* messages */
    uint64_t bytes;          /* sent */
    atomic_bool cancelled;
    int wake;             /* when this descriptor is readable, waiting ends; -1: none */
    uint64_t patience_ns; /* without a byte, of host time */
} Stream;

void stream_init(Stream *stream, int fd);
void stream_close(Stream *stream);

/* Any thread: everything fails from now on. */
void stream_cancel(Stream *stream);

/* What everything begins with. False with err set if the other end is gone, is too slow, or is something
 * else; of sending also if it has said NO!!: err is its text then. */
bool stream_greet(Stream *stream, Error *err);
bool stream_await_greeting(Stream *stream, Error *err);

/* False with err set as above. */
bool stream_send(Stream *stream, const char *type, const void *data, size_t size, Error *err);

/* The next message into payload, which it replaces. False with err set if it is damaged, longer than `most`,
 * or NO!!. */
bool stream_receive(Stream *stream, char type[STREAM_TYPE + 1], Buffer *payload, size_t most, Error *err);

/* Says NO!! with the text, and waits a little until the other end has read it. */
void stream_refuse(Stream *stream, const char *text);

#endif
