/* The container: a header, then chunks, each with type, length, place and checksums. docs/snapshots.md has
 * the format. */
#ifndef ARMATURE_SNAPSHOT_CHUNK_H
#define ARMATURE_SNAPSHOT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

enum { CHUNK_TYPE = 4, CHUNK_HEADER = 40, SNAPSHOT_VERSION = 1 }; /* bytes of a type, of a header */

#define CHUNK_HEAD "HEAD"   /* a part: what the file is; always the first */
#define CHUNK_PNG "PNG "    /* the picture on the screen */
#define CHUNK_PART "PART"   /* a part of the machine */
#define CHUNK_MEMORY "MEMO" /* a memory: name, size, fill */
#define CHUNK_PAGES "PAGE"  /* pages of a memory, changed blocks of a disk */
#define CHUNK_DATA "DATA"   /* the pages that the chunk before is about */
#define CHUNK_DISK "DISK"   /* a disk: what its medium was */
#define CHUNK_DONE "DONE"   /* the last: how many there were before */

#define CHUNK_OPTIONS "OPTS"  /* recordings: what the machine is */
#define CHUNK_CHANNELS "CHAN" /* recordings: where inputs come in */
#define CHUNK_ENTRIES "ENTR"  /* recordings: inputs */

/* What is in the container. */
typedef enum ChunkContents { CHUNKS_SNAPSHOT, CHUNKS_RECORDING } ChunkContents;

typedef struct ChunkWriter {
    int fd;
    uint64_t offset; /* where the next one goes */
    uint32_t count;
} ChunkWriter;

/* The file's header. All of these are false with err set if the host cannot write. */
bool chunk_begin(ChunkWriter *writer, ChunkContents contents, int fd, Error *err);
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
    Chunk *chunk;
    unsigned count; /* without the last */
    bool cut_off;   /* a recording: the rest is missing, or damaged */
} ChunkFile;

/* Opens a file and reads the headers of all chunks. False with err set if it is no whole snapshot, or of a
 * version that is not known. A recording need not be whole. */
bool chunk_open(ChunkFile *file, ChunkContents contents, const char *path, Error *err);
void chunk_close(ChunkFile *file);

/* Reads `size` bytes of a payload's beginning without checking it. */
bool chunk_peek(const ChunkFile *file, const Chunk *chunk, void *data, size_t size);

/* Reads and checks a payload into data, [length]. */
bool chunk_read(const ChunkFile *file, const Chunk *chunk, void *data, Error *err);

#endif
