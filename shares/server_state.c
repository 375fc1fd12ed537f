/* The session in a snapshot: version, sizes and all fids. Open files are opened again when it is loaded; what
 * the host has no more, or has as something else, answers ESTALE then.
 *
 * Little-endian: FORMAT, msize, number of file systems, their device numbers (64 bits), number of fids; for
 * each, in the order of their numbers: number, kind, user, flags, inode (64 bits, 0: any), path (16-bit
 * length; GONE: removed by the client), and for attributes name, size, written, value. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, GONE = 0xffff, FID_BYTES = 4 + 4 + 4 + 4 + 8 + 2 + PATH_MAX + 2 + NAME_MAX + 8 };

/* ---- Saving ----------------------------------------------------------------------------------------- */

typedef struct Saving {
    Share *share;
    P9Out out; /* start is allocated */
    Fid **fid; /* all of them */
    size_t count;
} Saving;

static void reserve(P9Out *out, size_t bytes)
{
    size_t used = (size_t)(out->at - out->start), room = (size_t)(out->end - out->start);
    if (room - used >= bytes)
        return;
    room = room * 2 + bytes;
    uint8_t *more = realloc(out->start, room);
    if (!more)
        abort();
    *out = (P9Out){more, more + used, more + room, false};
}

static uint64_t inode_of(Share *share, const Fid *fid)
{
    struct stat st;
    return fid->fd >= 0 && !fstat(fid->fd, &st) ? server_qid_path(share, st.st_dev, st.st_ino) : 0;
}

static void save_fid(Saving *saving, const Fid *fid)
{
    P9Out *out = &saving->out;
    char path[PATH_MAX];
    reserve(out, FID_BYTES + fid->size);
    p9_put32(out, fid->number);
    p9_put32(out, fid->kind);
    p9_put32(out, fid->user);
    p9_put32(out, fid->flags);
    p9_put64(out, inode_of(saving->share, fid));
    if (node_path(fid->node, path, sizeof path))
        p9_put16(out, GONE);
    else
        p9_put_text(out, path);
    if (fid->kind != FID_XATTR_READ && fid->kind != FID_XATTR_WRITE)
        return;
    p9_put_text(out, fid->name);
    p9_put32(out, (uint32_t)fid->size);
    p9_put32(out, (uint32_t)fid->written);
    uint8_t *value = p9_put_bytes(out, fid->size);
    if (value && fid->size)
        memcpy(value, fid->value, fid->size);
}

static void collect(void *opaque, void *fid)
{
    Saving *saving = opaque;
    saving->fid[saving->count++] = fid;
}

static int by_number(const void *a, const void *b)
{
    uint32_t one = (*(Fid *const *)a)->number, other = (*(Fid *const *)b)->number;
    return one < other ? -1 : one > other;
}

uint8_t *server_save(void *opaque, size_t *size)
{
    Share *share = opaque;
    Saving saving = {.share = share, .fid = calloc(share->fids.count + 1, sizeof(Fid *))};
    if (!saving.fid)
        abort();
    share_table_each(&share->fids, collect, &saving);
    qsort(saving.fid, saving.count, sizeof *saving.fid, by_number);
    reserve(&saving.out, 16 + 8 * share->devices);
    p9_put32(&saving.out, FORMAT);
    p9_put32(&saving.out, share->msize);
    p9_put32(&saving.out, share->devices);
    for (unsigned n = 0; n < share->devices; n++)
        p9_put64(&saving.out, share->device[n]);
    p9_put32(&saving.out, (uint32_t)saving.count);
    for (size_t n = 0; n < saving.count; n++)
        save_fid(&saving, saving.fid[n]);
    free(saving.fid);
    *size = (size_t)(saving.out.at - saving.out.start);
    return saving.out.start;
}

/* ---- Loading ---------------------------------------------------------------------------------------- */

static Node *load_node(Share *share, P9In *in)
{
    char path[PATH_MAX], *rest;
    P9In ahead = *in;
    if (p9_get16(&ahead) == GONE) {
        /* A place of its own that nobody can name. */
        *in = ahead;
        Node *node = node_child(&share->nodes, share->nodes.root, "");
        node_removed(&share->nodes, share->nodes.root, "");
        return node;
    }
    Node *node = node_ref(share->nodes.root);
    in->bad |= p9_get_text(in, path, sizeof path) != 0;
    char *name = strcmp(path, ".") ? strtok_r(path, "/", &rest) : NULL;
    for (; name && !in->bad; name = strtok_r(NULL, "/", &rest)) {
        in->bad |= !p9_is_name(name) || share->nodes.table.count >= NODES_MOST;
        if (in->bad)
            break;
        Node *next = node_child(&share->nodes, node, name);
        node_unref(&share->nodes, node);
        node = next;
    }
    return node;
}

static void load_value(Share *share, Fid *fid, P9In *in)
{
    in->bad |= p9_get_text(in, fid->name, sizeof fid->name) != 0;
    size_t size = p9_get32(in), written = p9_get32(in);
    const uint8_t *value = p9_get_bytes(in, size);
    if (in->bad || size > XATTR_MOST || written > size || !server_hold(share, size)) {
        in->bad = true;
        return;
    }
    fid->value = calloc(1, size + 1);
    if (!fid->value)
        abort();
    memcpy(fid->value, value, size);
    fid->size = size;
    fid->written = written;
}

/* Truncating and creating are over. */
static void open_again(Share *share, Fid *fid, FidKind kind, uint32_t flags, uint64_t inode)
{
    enum { L_CREAT_EXCL_TRUNC = 0100 | 0200 | 01000 };
    int bad = server_open(share, fid, flags & ~(uint32_t)L_CREAT_EXCL_TRUNC);
    fid->flags = flags;
    if (!bad && fid->kind == kind && inode_of(share, fid) == inode)
        return;
    fid->kind = FID_STALE;
}

static void load_fid(Share *share, P9In *in)
{
    uint32_t number = p9_get32(in), kind = p9_get32(in), user = p9_get32(in), flags = p9_get32(in);
    uint64_t inode = p9_get64(in);
    in->bad |= number == P9_NO_FID || fid_find(&share->fids, number) || kind >= FID_KINDS ||
               share->fids.count >= FIDS_MOST;
    if (in->bad)
        return;
    Fid *fid = fid_new(&share->fids, number, load_node(share, in), user);
    if (kind == FID_XATTR_READ || kind == FID_XATTR_WRITE)
        load_value(share, fid, in);
    if (kind == FID_FILE || kind == FID_FOLDER)
        open_again(share, fid, (FidKind)kind, flags, inode);
    else
        fid->kind = (FidKind)kind;
    fid->flags = flags;
}

/* The first is that of the shared folder, whatever its number is today. */
static void load_devices(Share *share, P9In *in)
{
    uint32_t devices = p9_get32(in);
    in->bad |= !devices || devices > DEVICES_MOST;
    for (uint32_t n = 0; n < devices && !in->bad; n++) {
        uint64_t device = p9_get64(in);
        share->device[n] = n ? device : share->device[n];
        share->devices = n + 1;
    }
}

bool server_load(void *opaque, const uint8_t *bytes, size_t size)
{
    Share *share = opaque;
    P9In in = {bytes, bytes + size, false};
    server_reset(share);
    in.bad |= p9_get32(&in) != FORMAT;
    uint32_t msize = p9_get32(&in);
    in.bad |= msize > SHARE_MESSAGE_MOST || (msize && msize < P9_MSIZE_LEAST);
    load_devices(share, &in);
    uint32_t count = p9_get32(&in);
    for (uint32_t n = 0; n < count && !in.bad; n++)
        load_fid(share, &in);
    in.bad |= in.at != in.end;
    if (in.bad)
        server_reset(share);
    else
        share->msize = msize;
    return !in.bad;
}
