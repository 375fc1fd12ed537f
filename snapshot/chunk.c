#define _GNU_SOURCE
#include "snapshot/chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "snapshot/hash64.h"

/* The first byte is no text, and the line ends show what was transferred as text. */
static const uint8_t magic[8] = {0x89, 'A', 'R', 'M', '\r', '\n', 0x1a, '\n'};

typedef struct FileHeader {
    uint8_t magic[8];
    uint32_t version, contents;
} FileHeader;

typedef struct ChunkHeader {
    char type[CHUNK_TYPE];
    uint32_t number;
    uint64_t offset; /* of this header in the file */
    uint64_t length; /* of the payload, which follows */
    uint64_t checksum;
    uint64_t header_checksum; /* over all before */
} ChunkHeader;

_Static_assert(sizeof(FileHeader) == 16 && sizeof(ChunkHeader) == CHUNK_HEADER, "headers have no gaps");

/* More chunks than any machine has. */
enum { CHUNKS_MOST = 1 << 20 };

static uint64_t header_checksum(const ChunkHeader *header)
{
    return hash64(header, offsetof(ChunkHeader, header_checksum), header->number);
}

static uint64_t sum_with(uint64_t sum, const ChunkHeader *header)
{
    return hash64(&header->header_checksum, sizeof header->header_checksum, sum);
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

static bool write_all(int fd, struct iovec *part, int parts, uint64_t offset, Error *err)
{
    while (parts) {
        ssize_t done = pwritev(fd, part, parts, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set(err, "%s", done ? strerror(errno) : "nothing could be written");
        offset += (uint64_t)done;
        for (; parts && (size_t)done >= part->iov_len; part++, parts--)
            done -= (ssize_t)part->iov_len;
        if (parts) {
            part->iov_base = (uint8_t *)part->iov_base + done;
            part->iov_len -= (size_t)done;
        }
    }
    return true;
}

static bool put_all(const ChunkWriter *writer, struct iovec *part, int parts, uint64_t offset, Error *err)
{
    bool ok = true;
    if (!writer->put)
        return write_all(writer->fd, part, parts, offset, err);
    for (int n = 0; ok && n < parts; n++)
        ok = writer->put(writer->opaque, part[n].iov_base, part[n].iov_len, err);
    return ok;
}

static bool put_file_header(ChunkWriter *writer, ChunkContents contents, Error *err)
{
    FileHeader header = {.version = SNAPSHOT_VERSION, .contents = contents};
    struct iovec part = {&header, sizeof header};
    memcpy(header.magic, magic, sizeof magic);
    writer->offset = sizeof header;
    return put_all(writer, &part, 1, 0, err);
}

bool chunk_begin(ChunkWriter *writer, ChunkContents contents, int fd, Error *err)
{
    *writer = (ChunkWriter){.fd = fd};
    return put_file_header(writer, contents, err);
}

bool chunk_begin_stream(ChunkWriter *writer,
                        bool (*put)(void *opaque, const void *data, size_t size, Error *err), void *opaque,
                        Error *err)
{
    *writer = (ChunkWriter){.fd = -1, .put = put, .opaque = opaque};
    return put_file_header(writer, CHUNKS_SNAPSHOT, err);
}

bool chunk_write(ChunkWriter *writer, const char *type, const void *data, size_t size, Error *err)
{
    ChunkHeader header = {.number = writer->count++,
                          .offset = writer->offset,
                          .length = size,
                          .checksum = hash64(data, size, writer->offset)};
    memcpy(header.type, type, CHUNK_TYPE);
    header.header_checksum = header_checksum(&header);
    writer->sum = sum_with(writer->sum, &header);
    struct iovec part[] = {
        {&header,      sizeof header},
        {(void *)data, size         }
    };
    writer->offset += sizeof header + size;
    return put_all(writer, part, 2, header.offset, err);
}

bool chunk_finish(ChunkWriter *writer, Error *err)
{
    const uint64_t sum = writer->sum;
    if (!chunk_write(writer, CHUNK_DONE, &sum, sizeof sum, err))
        return false;
    return writer->put || !fsync(writer->fd) || error_set(err, "%s", strerror(errno));
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

static bool read_all(int fd, void *data, uint64_t size, uint64_t offset, Error *err)
{
    uint8_t *at = data;
    while (size) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, "%s", got ? strerror(errno) : "it is cut off");
        at += got;
        offset += (uint64_t)got;
        size -= (uint64_t)got;
    }
    return true;
}

static bool check_file_header(ChunkFile *file, ChunkContents contents, Error *err)
{
    const char *other = contents == CHUNKS_SNAPSHOT ? "it is no snapshot" : "it is no recording";
    FileHeader header;
    if (file->size < sizeof header)
        return error_set(err, "%s", other);
    if (!read_all(file->fd, &header, sizeof header, 0, err))
        return false;
    if (!memcmp(header.magic, magic, 4) && memcmp(header.magic, magic, sizeof magic))
        return error_set(err, "it was damaged when it was transferred as text");
    if (memcmp(header.magic, magic, sizeof magic))
        return error_set(err, "%s", other);
    if (header.contents == CHUNKS_RECORDING && contents == CHUNKS_SNAPSHOT)
        return error_set(err, "it is a recording; --replay takes it");
    if (header.contents == CHUNKS_SNAPSHOT && contents == CHUNKS_RECORDING)
        return error_set(err, "it is a snapshot; --load takes it");
    if (header.version < SNAPSHOT_FIRST || header.version > SNAPSHOT_VERSION || header.contents != contents)
        return error_set(err, "its format has version %u, this armature knows up to version %d",
                         header.version, SNAPSHOT_VERSION);
    file->version = header.version;
    return true;
}

/* The chunk at offset, and where the next one begins. */
static bool read_header(ChunkFile *file, uint64_t *offset, Chunk *chunk, Error *err)
{
    ChunkHeader header;
    if (file->size - *offset < sizeof header)
        return error_set(err, "it is cut off");
    if (!read_all(file->fd, &header, sizeof header, *offset, err))
        return false;
    if (header.header_checksum != header_checksum(&header) || header.offset != *offset ||
        header.number != file->count)
        return error_set(err, "it is damaged at byte %llu", (unsigned long long)*offset);
    *offset += sizeof header;
    if (header.length > file->size - *offset)
        return error_set(err, "it is cut off");
    *chunk = (Chunk){
        .offset = *offset, .length = header.length, .checksum = header.checksum, .number = header.number};
    memcpy(chunk->type, header.type, CHUNK_TYPE);
    *offset += header.length;
    if (strcmp(chunk->type, CHUNK_DONE) != 0)
        file->sum = sum_with(file->sum, &header);
    return true;
}

/* Chunks of two files, each of them whole, make no file. */
static bool check_last(const ChunkFile *file, const Chunk *last, Error *err)
{
    uint64_t sum;
    if (file->version == SNAPSHOT_FIRST)
        return true;
    if (last->length != sizeof sum || !chunk_read(file, last, &sum, err) || sum != file->sum)
        return error_set(err, "it is damaged: its end does not belong to its chunks");
    return true;
}

/* A recording whose writer was killed is good up to there. */
static bool ends_here(ChunkFile *file, ChunkContents contents)
{
    file->cut_off = contents == CHUNKS_RECORDING;
    return file->cut_off;
}

static bool read_headers(ChunkFile *file, ChunkContents contents, Error *err)
{
    unsigned capacity = 0;
    for (uint64_t offset = sizeof(FileHeader);;) {
        Chunk chunk;
        if (!read_header(file, &offset, &chunk, err))
            return ends_here(file, contents);
        if (chunk_is(&chunk, CHUNK_DONE) && offset != file->size)
            return error_set(err, "there is something behind its end");
        if (chunk_is(&chunk, CHUNK_DONE))
            return check_last(file, &chunk, err) || ends_here(file, contents);
        if (file->count == CHUNKS_MOST)
            return error_set(err, "it has too many chunks");
        if (file->count == capacity) {
            capacity = 2 * capacity + 64;
            file->chunk = realloc(file->chunk, capacity * sizeof *file->chunk);
            if (!file->chunk)
                abort();
        }
        file->chunk[file->count++] = chunk;
    }
}

bool chunk_is(const Chunk *chunk, const char *type)
{
    return !strcmp(chunk->type, type);
}

bool chunk_open(ChunkFile *file, ChunkContents contents, const char *path, Error *err)
{
    struct stat status;
    *file = (ChunkFile){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file->fd < 0 || fstat(file->fd, &status))
        return error_set(err, "%s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, "it is no regular file");
    file->size = (uint64_t)status.st_size;
    return check_file_header(file, contents, err) && read_headers(file, contents, err);
}

void chunk_close(ChunkFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->chunk);
    *file = (ChunkFile){.fd = -1};
}

bool chunk_peek(const ChunkFile *file, const Chunk *chunk, void *data, size_t size)
{
    Error err;
    return size <= chunk->length && read_all(file->fd, data, size, chunk->offset, &err);
}

bool chunk_read(const ChunkFile *file, const Chunk *chunk, void *data, Error *err)
{
    if (!read_all(file->fd, data, chunk->length, chunk->offset, err))
        return false;
    uint64_t sum = hash64(data, chunk->length, chunk->offset - sizeof(ChunkHeader));
    return sum == chunk->checksum ||
           error_set(err, "it is damaged: bytes %llu to %llu are not those that were written",
                     (unsigned long long)chunk->offset, (unsigned long long)(chunk->offset + chunk->length));
}
