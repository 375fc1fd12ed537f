/* The server: messages, the session, fids and walking. The other messages are in server_*.c. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Fids ------------------------------------------------------------------------------------------- */

Fid *server_fid(Share *share, uint32_t number, int *error)
{
    Fid *fid = fid_find(&share->fids, number);
    *error = !fid ? -EBADF : fid->kind == FID_STALE ? -ESTALE : 0;
    return *error ? NULL : fid;
}

Fid *server_get_fid(Share *share, P9In *in, int *error)
{
    return server_fid(share, p9_get32(in), error);
}

bool server_hold(Share *share, size_t bytes)
{
    if (bytes > HELD_MOST - share->held)
        return false;
    share->held += bytes;
    return true;
}

void server_remove_fid(Share *share, Fid *fid)
{
    share->open_files -= fid->fd >= 0;
    share->held -= (fid->listing ? fid->listing->bytes : 0) + (fid->value ? fid->size : 0);
    fid_remove(&share->fids, &share->nodes, fid);
}

static void remove_fid(void *opaque, void *fid)
{
    server_remove_fid(opaque, fid);
}

void server_reset(Share *share)
{
    share_table_each(&share->fids, remove_fid, share);
    share->msize = 0;
}

static int new_fid(Share *share, uint32_t number, Node *node, uint32_t user)
{
    fid_new(&share->fids, number, node, user);
    return 0;
}

/* Whether the client may use this number for a new fid. */
static int check_new(Share *share, uint32_t number)
{
    if (number == P9_NO_FID || fid_find(&share->fids, number))
        return -EBADF;
    return share->fids.count < FIDS_MOST && share->nodes.table.count < NODES_MOST ? 0 : -ENFILE;
}

/* ---- Places ----------------------------------------------------------------------------------------- */

int server_find(Share *share, const Node *node)
{
    char path[PATH_MAX];
    int bad = node_path(node, path, sizeof path);
    return bad ? bad : host_folder_at(share->folder, path, O_PATH | O_NOFOLLOW, 0);
}

int server_find_fid(Share *share, const Fid *fid)
{
    if (fid->fd < 0)
        return server_find(share, fid->node);
    int fd = fcntl(fid->fd, F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? fd : -errno;
}

int server_find_folder(Share *share, const Fid *fid)
{
    char path[PATH_MAX];
    int bad = node_path(fid->node, path, sizeof path);
    return bad ? bad : host_folder_at(share->folder, path, O_PATH | O_NOFOLLOW | O_DIRECTORY, 0);
}

/* Inode numbers are unique in one file system; the others below the folder differ in the upper bits. */
uint64_t server_qid_path(Share *share, dev_t device, ino_t inode)
{
    unsigned n = 0;
    while (n < share->devices && share->device[n] != device)
        n++;
    if (n == share->devices && n < DEVICES_MOST)
        share->device[share->devices++] = device;
    return (uint64_t)n << 56 ^ inode;
}

/* Clients that cache compare versions; to some, 0 means: do not cache. */
void server_qid(Share *share, const struct stat *st, Qid *qid)
{
    uint64_t version = (uint64_t)st->st_mtim.tv_sec * 1000000007u ^ (uint64_t)st->st_mtim.tv_nsec ^
                       (uint64_t)st->st_size << 8;
    *qid = (Qid){S_ISDIR(st->st_mode)   ? QID_DIR
                 : S_ISLNK(st->st_mode) ? QID_SYMLINK
                                        : QID_FILE,
                 (uint32_t)(version ^ version >> 32) | 1, server_qid_path(share, st->st_dev, st->st_ino)};
}

/* ---- Session ---------------------------------------------------------------------------------------- */

/* Forgets the client that was there before. */
static int handle_version(Share *share, P9In *in, P9Out *out)
{
    char version[32];
    uint32_t msize = p9_get32(in);
    int bad = p9_get_text(in, version, sizeof version);
    bool known = !bad && !strcmp(version, "9P2000.L");
    if (msize < P9_MSIZE_LEAST)
        return -EMSGSIZE;
    server_reset(share);
    msize = msize < SHARE_MESSAGE_MOST ? msize : SHARE_MESSAGE_MOST;
    share->msize = known ? msize : 0;
    p9_put32(out, msize);
    p9_put_text(out, known ? "9P2000.L" : "unknown");
    return 0;
}

static int handle_auth(Share *share, P9In *in, P9Out *out)
{
    (void)share;
    (void)in;
    (void)out;
    return -EOPNOTSUPP; /* needed by nobody: Tattach takes no afid */
}

/* Goes one name further: *fd and *node are those of the new place then. Takes over *fd and the reference. */
static int go(Share *share, int *fd, Node **node, const char *name)
{
    bool up = !strcmp(name, "..");
    Node *next =
        up ? node_ref((*node)->parent ? (*node)->parent : *node) : node_child(&share->nodes, *node, name);
    int found = up ? server_find(share, next) : openat(*fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (!up && found < 0)
        found = -errno;
    if (found < 0) {
        node_unref(&share->nodes, next);
        return found;
    }
    close(*fd);
    node_unref(&share->nodes, *node);
    *fd = found;
    *node = next;
    return 0;
}

static int qid_of(Share *share, int fd, Qid *qid)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    server_qid(share, &st, qid);
    return 0;
}

/* A folder below the shared one may be asked for. */
static int attach_at(Share *share, char *path, int *fd, Node **node)
{
    char *rest;
    for (char *name = strtok_r(path, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
        int bad = p9_is_name(name) ? go(share, fd, node, name) : -ENOENT;
        if (bad)
            return bad;
    }
    return 0;
}

static int handle_attach(Share *share, P9In *in, P9Out *out)
{
    char name[NAME_MAX + 1], path[PATH_MAX];
    uint32_t number = p9_get32(in), auth = p9_get32(in);
    int bad = p9_get_text(in, name, sizeof name);
    bad = bad ? bad : p9_get_text(in, path, sizeof path);
    uint32_t user = p9_get32(in);
    bad = bad ? bad : in->bad ? -EPROTO : auth != P9_NO_FID ? -EINVAL : check_new(share, number);
    if (bad)
        return bad;
    Node *node = node_ref(share->nodes.root);
    Qid qid = {0};
    int fd = server_find(share, node);
    bad = fd < 0 ? fd : attach_at(share, path, &fd, &node);
    bad = bad ? bad : qid_of(share, fd, &qid);
    if (fd >= 0)
        close(fd);
    if (bad) {
        node_unref(&share->nodes, node);
        return bad;
    }
    p9_put_qid(out, &qid);
    return new_fid(share, number, node, user == P9_NO_ID ? 0 : user);
}

/* Requests are answered in their order, so what is to be flushed has been answered. */
static int handle_flush(Share *share, P9In *in, P9Out *out)
{
    (void)share;
    (void)out;
    p9_get16(in);
    return 0;
}

static int handle_clunk(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    Fid *fid = fid_find(&share->fids, p9_get32(in));
    if (in->bad || !fid)
        return in->bad ? -EPROTO : -EBADF;
    int bad = fid->kind == FID_XATTR_WRITE ? xattr_finish(share, fid) : 0;
    server_remove_fid(share, fid);
    return bad;
}

/* ---- Walking ---------------------------------------------------------------------------------------- */

/* Fewer qids than names say how far it went; *error is why it went no further. */
static unsigned walk(Share *share, P9In *in, unsigned count, int *fd, Node **node, Qid *qid, int *error)
{
    char name[NAME_MAX + 1];
    for (unsigned n = 0; n < count; n++) {
        *error = p9_get_text(in, name, sizeof name);
        if (!*error && !in->bad)
            *error = p9_is_name(name) || !strcmp(name, "..") ? go(share, fd, node, name) : -ENOENT;
        if (!*error && !in->bad)
            *error = qid_of(share, *fd, &qid[n]);
        if (*error || in->bad)
            return n;
    }
    return count;
}

static int walk_to(Share *share, Fid *from, uint32_t number, unsigned count, P9In *in, P9Out *out)
{
    Qid qid[P9_WALK_MOST];
    Node *node = node_ref(from->node);
    int error = 0, fd = count ? server_find(share, node) : -1;
    unsigned done = 0;
    if (count && fd < 0)
        error = fd;
    else
        done = walk(share, in, count, &fd, &node, qid, &error);
    if (fd >= 0)
        close(fd);
    bool whole = done == count && !in->bad;
    if (in->bad || (!whole && !done)) {
        node_unref(&share->nodes, node);
        return in->bad ? -EPROTO : error;
    }
    p9_put16(out, (uint16_t)done);
    for (unsigned n = 0; n < done; n++)
        p9_put_qid(out, &qid[n]);
    if (!whole) {
        node_unref(&share->nodes, node);
        return 0;
    }
    if (number != from->number)
        return new_fid(share, number, node, from->user);
    node_unref(&share->nodes, from->node);
    from->node = node;
    return 0;
}

static int handle_walk(Share *share, P9In *in, P9Out *out)
{
    int bad;
    Fid *from = server_get_fid(share, in, &bad);
    uint32_t number = p9_get32(in);
    unsigned count = p9_get16(in);
    if (in->bad || count > P9_WALK_MOST)
        return -EPROTO;
    if (!bad && number != from->number)
        bad = check_new(share, number);
    else if (!bad && from->kind != FID_PLACE)
        bad = -EINVAL; /* an open file does not go elsewhere */
    if (!bad && (from->kind == FID_XATTR_READ || from->kind == FID_XATTR_WRITE))
        bad = -EINVAL;
    return bad ? bad : walk_to(share, from, number, count, in, out);
}

/* ---- Messages --------------------------------------------------------------------------------------- */

typedef struct Message {
    int (*handle)(Share *share, P9In *in, P9Out *out);
    bool changes; /* refused by a folder that is read-only */
} Message;

static const Message messages[P9_TYPES] = {
    [TSTATFS] = {handle_statfs,      false},
    [TLOPEN] = {handle_lopen,       false},
    [TLCREATE] = {handle_lcreate,     true },
    [TSYMLINK] = {handle_symlink,     true },
    [TMKNOD] = {handle_mknod,       true },
    [TRENAME] = {handle_rename,      true },
    [TREADLINK] = {handle_readlink,    false},
    [TGETATTR] = {handle_getattr,     false},
    [TSETATTR] = {handle_setattr,     true },
    [TXATTRWALK] = {handle_xattrwalk,   false},
    [TXATTRCREATE] = {handle_xattrcreate, true },
    [TREADDIR] = {handle_readdir,     false},
    [TFSYNC] = {handle_fsync,       false},
    [TLOCK] = {handle_lock,        false},
    [TGETLOCK] = {handle_getlock,     false},
    [TLINK] = {handle_link,        true },
    [TMKDIR] = {handle_mkdir,       true },
    [TRENAMEAT] = {handle_renameat,    true },
    [TUNLINKAT] = {handle_unlinkat,    true },
    [TVERSION] = {handle_version,     false},
    [TAUTH] = {handle_auth,        false},
    [TATTACH] = {handle_attach,      false},
    [TFLUSH] = {handle_flush,       false},
    [TWALK] = {handle_walk,        false},
    [TREAD] = {handle_read,        false},
    [TWRITE] = {handle_write,       false},
    [TCLUNK] = {handle_clunk,       false},
    [TREMOVE] = {handle_remove,      false}, /* it clunks the fid in any case */
};

static int carry_out(Share *share, unsigned type, P9In *in, P9Out *out)
{
    const Message *message = type < P9_TYPES && messages[type].handle ? &messages[type] : NULL;
    if (!message)
        return -EOPNOTSUPP;
    if (!share->msize && type != TVERSION && type != TFLUSH)
        return -EPROTO;
    if (share->read_only && message->changes)
        return -EROFS;
    int bad = message->handle(share, in, out);
    return bad ? bad : in->bad ? -EPROTO : out->full ? -EMSGSIZE : 0;
}

static void handle(void *opaque, ShareRequest *request)
{
    Share *share = opaque;
    P9In in = {request->message, request->message + request->size, false};
    uint32_t most = share->msize ? share->msize : SHARE_MESSAGE_MOST;
    size_t room = request->room < most ? request->room : most;
    P9Out out = {request->answer, request->answer, request->answer + room, false};
    uint32_t size = p9_get32(&in);
    unsigned type = p9_get8(&in), tag = p9_get16(&in);
    bool whole = size >= P9_HEADER && size <= request->size && size <= most;
    if (whole)
        in.end = request->message + size;
    p9_put_bytes(&out, P9_HEADER);
    int bad = out.full ? -EMSGSIZE : whole ? carry_out(share, type, &in, &out) : -EPROTO;
    if (bad) {
        out = (P9Out){request->answer, request->answer, request->answer + request->room, false};
        p9_put_bytes(&out, P9_HEADER);
        p9_put32(&out, (uint32_t)-bad);
    }
    request->answered = out.full ? 0 : (size_t)(out.at - out.start);
    out.at = out.start;
    if (!request->answered)
        return;
    p9_put32(&out, (uint32_t)request->answered);
    p9_put8(&out, bad ? RLERROR : (uint8_t)(type + 1));
    p9_put16(&out, (uint16_t)tag);
}

/* ---- Life ------------------------------------------------------------------------------------------- */

static void reset(void *share)
{
    server_reset(share);
}

const ShareOps share_ops = {handle, reset, server_save, server_load};

/* Some descriptors are for the rest of the program. */
static unsigned most_open(void)
{
    enum { OTHERS = 128, LEAST = 16, MOST = 1 << 16 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return LEAST;
    rlim_t most = limit.rlim_cur > OTHERS + LEAST ? (limit.rlim_cur - OTHERS) / SHARES : LEAST;
    return most < MOST ? (unsigned)most : MOST;
}

static void note_root_device(Share *share)
{
    struct stat st;
    int fd = server_find(share, share->nodes.root);
    if (fd >= 0 && !fstat(fd, &st))
        server_qid_path(share, st.st_dev, st.st_ino);
    if (fd >= 0)
        close(fd);
}

Share *share_new(const ShareSettings *settings, Error *err)
{
    HostFolder *folder = host_folder_new(settings->path, err);
    if (!folder)
        return NULL;
    Share *share = calloc(1, sizeof *share);
    if (!share)
        abort();
    share->folder = folder;
    share->read_only = settings->read_only;
    share->open_most = most_open();
    owners_init(&share->owners, settings->uid, settings->gid);
    nodes_init(&share->nodes);
    share_table_init(&share->fids);
    note_root_device(share);
    return share;
}

void share_free(Share *share)
{
    if (!share)
        return;
    server_reset(share);
    share_table_done(&share->fids);
    nodes_done(&share->nodes);
    host_folder_free(share->folder);
    free(share);
}

void share_walk_only(Share *share)
{
    host_folder_walk_only(share->folder);
}
