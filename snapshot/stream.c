#define _GNU_SOURCE
#include "snapshot/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "machine/host_time.h"
#include "snapshot/hash64.h"

/* Like a snapshot's, with another second half. */
static const uint8_t greeting[12] = {0x89, 'A', 'R', 'M', 'm', 'o', 'v', 'e', STREAM_VERSION, 0, 0, 0};

typedef struct Header {
    char type[STREAM_TYPE];
    uint32_t number;
    uint64_t length;          /* of the payload, which follows */
    uint64_t checksum;        /* seeded with the number */
    uint64_t header_checksum; /* over all before, seeded with the number */
} Header;

_Static_assert(sizeof(Header) == 32, "the header has no gaps");

enum { TEXT_MOST = 900, PIECE = 1 << 20 };

#define PATIENCE_NS UINT64_C(30000000000)
#define FAREWELL_NS UINT64_C(1000000000)

void stream_init(Stream *stream, int fd)
{
    *stream = (Stream){.fd = fd, .wake = -1, .patience_ns = PATIENCE_NS};
    atomic_init(&stream->cancelled, false);
}

void stream_close(Stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

void stream_cancel(Stream *stream)
{
    atomic_store(&stream->cancelled, true);
    if (stream->fd >= 0)
        shutdown(stream->fd, SHUT_RDWR);
}

/* ---- Bytes --------------------------------------------------------------------------------------------- */

static bool broken(const Stream *stream, int error, Error *err)
{
    if (atomic_load(&stream->cancelled))
        return error_set(err, "it was cancelled");
    if (!error || error == EPIPE || error == ECONNRESET)
        return error_set(err, "the connection was lost");
    return error_set(err, "the connection was lost: %s", strerror(error));
}

/* What of `events` holds for the socket; 0 with err set if that takes too long. */
static short await(const Stream *stream, short events, Error *err)
{
    struct pollfd fds[] = {
        {.fd = stream->fd,   .events = events},
        {.fd = stream->wake, .events = POLLIN}
    };
    uint64_t end = host_ns() + stream->patience_ns;
    for (;;) {
        uint64_t now = host_ns();
        int ready = poll(fds, 2, end > now ? (int)((end - now) / 1000000) + 1 : 0);
        if (ready < 0 && errno != EINTR)
            return broken(stream, errno, err), 0;
        if (ready > 0 && fds[1].revents)
            return error_set(err, "it was ended by a signal"), 0;
        if (ready > 0)
            return fds[0].revents;
        if (!ready)
            return error_set(err, "nothing has moved for %llu seconds",
                             (unsigned long long)(stream->patience_ns / 1000000000u)),
                   0;
    }
}

static bool read_all(Stream *stream, void *data, size_t size, Error *err)
{
    uint8_t *at = data;
    while (size) {
        ssize_t got = recv(stream->fd, at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!await(stream, POLLIN, err))
                return false;
            continue;
        }
        if (got <= 0)
            return broken(stream, got ? errno : 0, err);
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* Whoever is sent to says something only to refuse. */
static bool heard(Stream *stream, Error *err)
{
    char type[STREAM_TYPE + 1];
    Buffer payload = {0};
    if (stream_receive(stream, type, &payload, TEXT_MOST, err))
        error_set(err, "the other end speaks out of turn");
    buffer_free(&payload);
    return false;
}

static bool write_all(Stream *stream, struct iovec *part, size_t parts, Error *err)
{
    if (atomic_load(&stream->cancelled))
        return broken(stream, 0, err);
    while (parts) {
        struct msghdr message = {.msg_iov = part, .msg_iovlen = parts};
        ssize_t done = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            short ready = await(stream, POLLIN | POLLOUT, err);
            if (!ready)
                return false;
            if (ready & POLLIN)
                return heard(stream, err);
            continue;
        }
        if (done < 0) {
            int error = errno;
            struct pollfd said = {.fd = stream->fd, .events = POLLIN};
            bool more = !atomic_load(&stream->cancelled) && poll(&said, 1, 0) > 0 && said.revents & POLLIN;
            return more ? heard(stream, err) : broken(stream, error, err);
        }
        stream->bytes += (uint64_t)done;
        for (; parts && (size_t)done >= part->iov_len; part++, parts--)
            done -= (ssize_t)part->iov_len;
        if (parts) {
            part->iov_base = (uint8_t *)part->iov_base + done;
            part->iov_len -= (size_t)done;
        }
    }
    return true;
}

/* ---- Messages ------------------------------------------------------------------------------------------ */

bool stream_greet(Stream *stream, Error *err)
{
    struct iovec part = {(void *)greeting, sizeof greeting};
    return write_all(stream, &part, 1, err);
}

bool stream_await_greeting(Stream *stream, Error *err)
{
    uint8_t data[sizeof greeting];
    if (!read_all(stream, data, sizeof data, err))
        return false;
    if (memcmp(data, greeting, 8) != 0)
        return error_set(err, "what came is no machine");
    return !memcmp(data, greeting, sizeof data) ||
           error_set(err, "the other armature is of a version that this one does not know");
}

static uint64_t header_checksum(const Header *header)
{
    return hash64(header, offsetof(Header, header_checksum), header->number);
}

bool stream_send(Stream *stream, const char *type, const void *data, size_t size, Error *err)
{
    Header header = {.number = stream->sent++, .length = size};
    header.checksum = hash64(data, size, header.number);
    memcpy(header.type, type, STREAM_TYPE);
    header.header_checksum = header_checksum(&header);
    struct iovec part[] = {
        {&header,      sizeof header},
        {(void *)data, size         }
    };
    return write_all(stream, part, size ? 2 : 1, err);
}

/* Text of a stranger, for people. */
static void take_refusal(const Buffer *payload, Error *err)
{
    char text[TEXT_MOST + 1];
    size_t length = payload->size < TEXT_MOST ? payload->size : TEXT_MOST;
    for (size_t n = 0; n < length; n++)
        text[n] = payload->data[n] < ' ' || payload->data[n] == 0x7f ? '?' : (char)payload->data[n];
    text[length] = 0;
    error_set(err, "the other end refuses: %s", text);
}

bool stream_receive(Stream *stream, char type[STREAM_TYPE + 1], Buffer *payload, size_t most, Error *err)
{
    Header header;
    payload->size = 0;
    type[0] = 0;
    if (!read_all(stream, &header, sizeof header, err))
        return false;
    if (header.header_checksum != header_checksum(&header) || header.number != stream->received++)
        return error_set(err, "what came is damaged");
    if (header.length > most)
        return error_set(err, "what came is too long");
    /* Room grows with what really comes. */
    for (uint64_t left = header.length; left;) {
        size_t piece = left < PIECE ? (size_t)left : PIECE;
        if (!read_all(stream, buffer_grow(payload, piece), piece, err))
            return false;
        left -= piece;
    }
    if (hash64(payload->data, payload->size, header.number) != header.checksum)
        return error_set(err, "what came is damaged");
    memcpy(type, header.type, STREAM_TYPE);
    type[STREAM_TYPE] = 0;
    if (strcmp(type, STREAM_NO) != 0)
        return true;
    take_refusal(payload, err);
    return false;
}

void stream_refuse(Stream *stream, const char *text)
{
    Error err;
    uint8_t rest[4096];
    uint64_t end = host_ns() + FAREWELL_NS;
    stream->patience_ns = FAREWELL_NS;
    stream->wake = -1;
    size_t length = strlen(text);
    if (!stream_send(stream, STREAM_NO, text, length < TEXT_MOST ? length : TEXT_MOST, &err))
        return;
    shutdown(stream->fd, SHUT_WR);
    /* A socket that is closed with bytes unread would take the text back. */
    while (host_ns() < end && await(stream, POLLIN, &err)) {
        ssize_t got = recv(stream->fd, rest, sizeof rest, 0);
        if (!got || (got < 0 && errno != EINTR && errno != EAGAIN))
            break;
    }
}
