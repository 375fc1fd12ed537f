/* A 9P client for tests: one call for each message, on a share without a machine.
 *
 *     int error = call(&client, TWALK, "ddws", fid, new_fid, 1, "name");     // 0 or an errno of Rlerror
 *     uint16_t count = p9_get16(&client.in);                                 // fields of the answer
 *
 * Letters of the format: b, w, d, q for numbers of 8 to 64 bits, s for strings, and p for bytes: their
 * number, then the bytes. */
#ifndef ARMATURE_TESTS_SHARES_P9_CLIENT_H
#define ARMATURE_TESTS_SHARES_P9_CLIENT_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shares/p9.h"
#include "shares/share.h"

enum { CLIENT_MSIZE = 128 << 10, ROOT = 1 };

typedef struct Client {
    Share *share;
    uint8_t message[CLIENT_MSIZE], answer[CLIENT_MSIZE];
    size_t answered;
    P9In in; /* the answer's fields */
    uint16_t tag;
} Client;

static inline void put_field(P9Out *out, char kind, va_list *values)
{
    switch (kind) {
    case 'b':
        p9_put8(out, (uint8_t)va_arg(*values, unsigned));
        break;
    case 'w':
        p9_put16(out, (uint16_t)va_arg(*values, unsigned));
        break;
    case 'd':
        p9_put32(out, va_arg(*values, uint32_t));
        break;
    case 'q':
        p9_put64(out, va_arg(*values, uint64_t));
        break;
    case 's':
        p9_put_text(out, va_arg(*values, const char *));
        break;
    case 'p': {
        uint32_t size = va_arg(*values, uint32_t);
        const void *bytes = va_arg(*values, const void *);
        p9_put32(out, size);
        uint8_t *to = p9_put_bytes(out, size);
        if (to)
            memcpy(to, bytes, size);
        break;
    }
    default:
        abort();
    }
}

/* Sends what is in client->message; returns the answer's type, 0 if there is none. */
static inline uint8_t exchange(Client *client, size_t size, size_t room)
{
    ShareRequest request = {.message = client->message, .size = size, .answer = client->answer, .room = room};
    share_ops.handle(client->share, &request);
    client->answered = request.answered;
    client->in = (P9In){client->answer, client->answer + request.answered, false};
    uint32_t says = p9_get32(&client->in);
    uint8_t type = p9_get8(&client->in);
    p9_get16(&client->in);
    if (request.answered && says != request.answered)
        abort();
    return request.answered ? type : 0;
}

static inline int call(Client *client, P9Type type, const char *format, ...)
{
    P9Out out = {client->message, client->message, client->message + CLIENT_MSIZE, false};
    va_list values;
    p9_put32(&out, 0);
    p9_put8(&out, (uint8_t)type);
    p9_put16(&out, ++client->tag);
    va_start(values, format);
    for (const char *at = format; *at; at++)
        put_field(&out, *at, &values);
    va_end(values);
    if (out.full)
        abort();
    uint32_t size = (uint32_t)(out.at - out.start);
    memcpy(client->message, &size, sizeof size);
    uint8_t answer = exchange(client, size, CLIENT_MSIZE);
    if (answer == RLERROR)
        return (int)p9_get32(&client->in);
    if (answer != type + 1)
        abort();
    return 0;
}

/* Numbers in calls that are not of the type that the format wants. */
#define Q(n) ((uint64_t)(n))
#define D(n) ((uint32_t)(n))

static inline Client *client_new(const char *folder, bool read_only, uint32_t owner)
{
    Error err;
    Client *client = calloc(1, sizeof *client);
    ShareSettings settings = {folder, read_only, owner, owner};
    if (!client || !(client->share = share_new(&settings, &err)))
        abort();
    return client;
}

static inline void client_free(Client *client)
{
    share_free(client->share);
    free(client);
}

/* Version and the fid ROOT, for a user of the guest. */
static inline int client_attach(Client *client, uint32_t user)
{
    int error = call(client, TVERSION, "ds", D(CLIENT_MSIZE), "9P2000.L");
    return error ? error : call(client, TATTACH, "ddssd", D(ROOT), P9_NO_FID, "", "", user);
}

#endif
