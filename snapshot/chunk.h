/* The container: a header, then chunks, each with type, length, place and checksums. docs/snapshots.md has
 * the format. */
#ifndef ARMATURE_SNAPSHOT_CHUNK_H
#define ARMATURE_SNAPSHOT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

/* Bytes of a type, of a chunk's header. SNAPSHOT_FIRST: whose files have no sum of all chunks at the end, and
 * no identity. */
enum { CHUNK_TYPE = 4, CHUNK_HEADER = 40, SNAPSHOT_VERSION = 2, SNAPSHOT_FIRST = 1 };

#define CHUNK_HEAD "HEAD"   /* a part: what the file is; always the first */
#define CHUNK_BASE "BASE"   /* a part: which snapshot what is missing here is in */
#define CHUNK_PNG "PNG "    /* the picture on the screen */
#define CHUNK_PART "PART"   /* a part of the machine */
#define CHUNK_MEMORY "MEMO" /* a memory: name, size, fill */
#define CHUNK_PAGES "PAGE"  /* pages of a memory, changed blocks of a disk */
#define CHUNK_DATA "DATA"   /* the pages that the chunk before is about */
#define CHUNK_DISK "DISK"   /* a disk: what its medium was */
#define CHUNK_DONE "DONE"   /* the last: a sum of all before */

#define CHUNK_OPTIONS "OPTS"  /* recordings: what the machine is */
#define CHUNK_CHANNELS "CHAN" /* recordings: where inputs come in */
#define CHUNK_ENTRIES "ENTR"  /* recordings: inputs */

/* What is in the container. */
typedef enum ChunkContents { CHUNKS_SNAPSHOT, CHUNKS_RECORDING } ChunkContents;

typedef struct ChunkWriter {
    int fd;
    /* Takes the file's bytes one behind the other instead of fd; NULL: it is a file. */
    bool (*put)(void *opaque, const void *data, size_t size, Error *err);
    void *opaque;
    uint64_t offset; /* where the next one goes */
    uint32_t count;
    uint64_t sum; /* of all */
} ChunkWriter;

/* The file's header. All of these are false with err set if the host cannot write. */
bool chunk_begin(ChunkWriter *writer, ChunkContents contents, int fd, Error *err);
/* The same of a snapshot that goes elsewhere. */
bool chunk_begin_stream(ChunkWriter *writer,
                        bool (*put)(void *opaque, const void *data, size_t size, Error *err), void *opaque,
                        Error *err);
bool chunk_write(ChunkWriter *writer, const char *type, const void *data, size_t size, Error *err);
/* The last chunk, and everything on the host's disk. */
bool chunk_finish(ChunkWriter *writer, Error *err);

typedef struct Chunk {
    char type[CHUNK_TYPE + 1];
    uint64_t offset, length; /* of the payload */
    uint64_t checksum;
    uint32_t number;
} Chunk;

typedef struct ChunkFile {
    int fd;
    uint64_t size;
    uint32_t version;
    Chunk *chunk;
    unsigned count; /* without the last */
    bool cut_off;   /* a recording: the rest is missing, or damaged */
    uint64_t sum;   /* of their headers, and so of what is in them */
} ChunkFile;

bool chunk_is(const Chunk *chunk, const char *type);

/* Opens a file and reads the headers of all chunks. False with err set if it is no whole snapshot, or of a
 * version that is not known. A recording need not be whole. */
bool chunk_open(ChunkFile *file, ChunkContents contents, const char *path, Error *err);
void chunk_close(ChunkFile *file);

/* Reads `size` bytes of a payload's beginning without checking it. */
bool chunk_peek(const ChunkFile *file, const Chunk *chunk, void *data, size_t size);

/* Reads and checks a payload into data, [length]. */
bool chunk_read(const ChunkFile *file, const Chunk *chunk, void *data, Error *err);

#endif
