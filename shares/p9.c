#include "shares/p9.h"

#include <errno.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------------------------- */

const uint8_t *p9_get_bytes(P9In *in, size_t size)
{
    const uint8_t *bytes = in->at;
    if (in->bad || size > (size_t)(in->end - in->at)) {
        in->bad = true;
        return NULL;
    }
    in->at += size;
    return bytes;
}

static uint64_t get(P9In *in, unsigned size)
{
    const uint8_t *bytes = p9_get_bytes(in, size);
    uint64_t value = 0;
    for (unsigned n = 0; bytes && n < size; n++)
        value |= (uint64_t)bytes[n] << 8 * n;
    return value;
}

uint8_t p9_get8(P9In *in)
{
    return (uint8_t)get(in, 1);
}

uint16_t p9_get16(P9In *in)
{
    return (uint16_t)get(in, 2);
}

uint32_t p9_get32(P9In *in)
{
    return (uint32_t)get(in, 4);
}

uint64_t p9_get64(P9In *in)
{
    return get(in, 8);
}

int p9_get_text(P9In *in, char *text, size_t size)
{
    size_t length = p9_get16(in);
    const uint8_t *bytes = p9_get_bytes(in, length);
    *text = '\0';
    if (!bytes)
        return 0;
    if (memchr(bytes, 0, length))
        in->bad = true;
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(text, bytes, length);
    text[length] = '\0';
    return 0;
}

bool p9_is_name(const char *name)
{
    return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

int p9_get_name(P9In *in, char name[NAME_MAX + 1])
{
    int bad = p9_get_text(in, name, NAME_MAX + 1);
    return bad ? bad : in->bad || p9_is_name(name) ? 0 : *name ? -EINVAL : -ENOENT;
}

/* ---- Writing ---------------------------------------------------------------------------------------- */

size_t p9_room(const P9Out *out)
{
    return (size_t)(out->end - out->at);
}

uint8_t *p9_put_bytes(P9Out *out, size_t size)
{
    uint8_t *bytes = out->at;
    if (out->full || size > p9_room(out)) {
        out->full = true;
        return NULL;
    }
    out->at += size;
    return bytes;
}

static void put(P9Out *out, uint64_t value, unsigned size)
{
    uint8_t *bytes = p9_put_bytes(out, size);
    for (unsigned n = 0; bytes && n < size; n++)
        bytes[n] = (uint8_t)(value >> 8 * n);
}

void p9_put8(P9Out *out, uint8_t value)
{
    put(out, value, 1);
}

void p9_put16(P9Out *out, uint16_t value)
{
    put(out, value, 2);
}

void p9_put32(P9Out *out, uint32_t value)
{
    put(out, value, 4);
}

void p9_put64(P9Out *out, uint64_t value)
{
    put(out, value, 8);
}

void p9_put_text(P9Out *out, const char *text)
{
    size_t length = strlen(text);
    p9_put16(out, (uint16_t)length);
    uint8_t *bytes = p9_put_bytes(out, length);
    if (bytes)
        memcpy(bytes, text, length);
}

void p9_put_qid(P9Out *out, const Qid *qid)
{
    p9_put8(out, qid->kind);
    p9_put32(out, qid->version);
    p9_put64(out, qid->path);
}
