/* Messages on open files and folders. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Flags of Tlopen and Tlcreate: the numbers of most of Linux's architectures. */
enum {
    L_ACCESS = 3,
    L_EXCL = 0200,
    L_TRUNC = 01000,
    L_DSYNC = 010000,
    L_DIRECTORY = 0200000,
    L_SYNC = 04000000
};

/* Offsets say where bytes are written, also for L_APPEND: the client knows where the end is, and what it
 * writes back from its cache is not for the end. */
static int host_flags(uint32_t flags)
{
    static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY};
    return access[flags & L_ACCESS] | (flags & L_DSYNC ? O_DSYNC : 0) |
           ((flags & L_SYNC) == L_SYNC ? O_SYNC : 0);
}

static bool writes(uint32_t flags)
{
    return (flags & L_ACCESS) == 1 || (flags & L_ACCESS) == 2 || flags & L_TRUNC;
}

/* ---- Opening ---------------------------------------------------------------------------------------- */

static void opened(Share *share, Fid *fid, int fd, bool folder, uint32_t flags)
{
    fid->kind = folder ? FID_FOLDER : FID_FILE;
    fid->fd = fd;
    fid->flags = flags;
    share->open_files++;
}

static int open_found(Share *share, Fid *fid, int found, uint32_t flags)
{
    struct stat st;
    if (fstat(found, &st))
        return -errno;
    bool folder = S_ISDIR(st.st_mode);
    if (folder && writes(flags))
        return -EISDIR;
    if (!folder && flags & L_DIRECTORY)
        return -ENOTDIR;
    int fd = host_reopen(found, folder ? O_RDONLY | O_DIRECTORY
                                       : host_flags(flags) | (flags & L_TRUNC ? O_TRUNC : 0));
    if (fd < 0)
        return fd;
    opened(share, fid, fd, folder, flags);
    return 0;
}

int server_open(Share *share, Fid *fid, uint32_t flags)
{
    if (fid->kind != FID_PLACE)
        return -EINVAL;
    if (share->read_only && writes(flags))
        return -EROFS;
    if (share->open_files >= share->open_most)
        return -EMFILE;
    int found = server_find(share, fid->node);
    if (found < 0)
        return found;
    int bad = open_found(share, fid, found, flags);
    close(found);
    return bad;
}

/* The answer's iounit: the client transfers so much at once. */
static int put_opened(Share *share, const Fid *fid, P9Out *out)
{
    struct stat st;
    Qid qid;
    if (fstat(fid->fd, &st))
        return -errno;
    server_qid(share, &st, &qid);
    p9_put_qid(out, &qid);
    p9_put32(out, share->msize - P9_IO_HEADER);
    return 0;
}

int handle_lopen(Share *share, P9In *in, P9Out *out)
{
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    uint32_t flags = p9_get32(in);
    bad = in->bad ? -EPROTO : bad ? bad : server_open(share, fid, flags);
    return bad ? bad : put_opened(share, fid, out);
}

typedef struct Creation {
    const char *name;
    uint32_t flags, mode, gid;
} Creation;

/* Without L_EXCL, a file that is there is opened. */
static int create_in(Share *share, Fid *fid, int folder, const Creation *creation)
{
    uint32_t flags = creation->flags;
    int access = (flags & L_ACCESS) == 3 ? O_RDONLY : host_flags(flags);
    int fd = openat(folder, creation->name,
                    access | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        int bad = owner_created(&share->owners, fd, fid->user, creation->gid, creation->mode);
        opened(share, fid, fd, false, flags);
        return bad;
    }
    if (errno != EEXIST || flags & L_EXCL)
        return -errno;
    int found = openat(folder, creation->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (found < 0)
        return -errno;
    int bad = open_found(share, fid, found, flags);
    close(found);
    return bad;
}

int handle_lcreate(Share *share, P9In *in, P9Out *out)
{
    int bad;
    char name[NAME_MAX + 1];
    Creation creation = {.name = name};
    Fid *fid = server_get_fid(share, in, &bad);
    int wrong = p9_get_name(in, name);
    creation.flags = p9_get32(in);
    creation.mode = p9_get32(in);
    creation.gid = p9_get32(in);
    bad = in->bad ? -EPROTO : bad ? bad : wrong ? wrong : fid->kind != FID_PLACE ? -EINVAL : 0;
    if (bad)
        return bad;
    if (share->open_files >= share->open_most)
        return -EMFILE;
    int folder = server_find_folder(share, fid);
    if (folder < 0)
        return folder;
    bad = create_in(share, fid, folder, &creation);
    close(folder);
    if (bad)
        return bad;
    /* The fid stands for the file now. */
    Node *parent = fid->node;
    fid->node = node_child(&share->nodes, parent, name);
    node_unref(&share->nodes, parent);
    return put_opened(share, fid, out);
}

/* ---- Reading and writing ---------------------------------------------------------------------------- */

static int read_file(const Fid *fid, uint64_t offset, uint32_t count, P9Out *out)
{
    uint8_t *length = out->at;
    p9_put32(out, 0);
    size_t room = p9_room(out), size = count < room ? count : room, done = 0;
    if (out->full)
        return -EMSGSIZE;
    while (done < size) {
        ssize_t some = pread(fid->fd, out->at + done, size - done, (off_t)(offset + done));
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0 && !done)
            return -errno;
        if (some <= 0)
            break;
        done += (size_t)some;
    }
    out->at = length;
    p9_put32(out, (uint32_t)done);
    p9_put_bytes(out, done);
    return 0;
}

int handle_read(Share *share, P9In *in, P9Out *out)
{
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (offset > INT64_MAX - UINT32_MAX)
        return -EINVAL;
    if (fid->kind == FID_XATTR_READ)
        return xattr_read(fid, offset, count, out);
    return fid->kind == FID_FOLDER ? -EISDIR
           : fid->kind == FID_FILE ? read_file(fid, offset, count, out)
                                   : -EBADF;
}

static int write_file(const Fid *fid, uint64_t offset, const uint8_t *data, uint32_t count, P9Out *out)
{
    uint32_t done = 0;
    while (done < count) {
        ssize_t some = pwrite(fid->fd, data + done, count - done, (off_t)(offset + done));
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0 && !done)
            return -errno;
        if (some <= 0)
            break;
        done += (uint32_t)some;
    }
    p9_put32(out, done);
    return 0;
}

int handle_write(Share *share, P9In *in, P9Out *out)
{
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    const uint8_t *data = p9_get_bytes(in, count);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (offset > INT64_MAX - UINT32_MAX)
        return -EFBIG;
    if (fid->kind == FID_XATTR_WRITE)
        return xattr_write(fid, offset, data, count, out);
    return fid->kind == FID_FILE ? write_file(fid, offset, data, count, out) : -EBADF;
}

int handle_fsync(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    bool data_only = in->at < in->end && p9_get32(in); /* older clients do not say */
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (fid->fd < 0)
        return -EBADF;
    return (data_only ? fdatasync(fid->fd) : fsync(fid->fd)) ? -errno : 0;
}

/* ---- Folders ---------------------------------------------------------------------------------------- */

/* A new listing each time reading begins. */
static int list(Share *share, Fid *fid, uint64_t offset)
{
    int bad;
    if (fid->listing && offset)
        return 0;
    share->held -= fid->listing ? fid->listing->bytes : 0;
    listing_free(fid->listing);
    fid->listing = listing_new(fid->fd, &bad);
    if (!fid->listing || server_hold(share, fid->listing->bytes))
        return fid->listing ? 0 : bad;
    listing_free(fid->listing);
    fid->listing = NULL;
    return -ENOMEM;
}

/* ".." of the shared folder is that folder itself. */
static bool put_entry(Share *share, const Fid *fid, const struct stat *st, size_t n, P9Out *out)
{
    const Listing *listing = fid->listing;
    const ListingEntry *entry = &listing->entry[n];
    const char *name = listing_name(listing, n);
    bool up = !strcmp(name, "..") && fid->node == share->nodes.root;
    uint8_t kind = entry->kind;
    struct stat at;
    if (kind == DT_UNKNOWN && !fstatat(fid->fd, name, &at, AT_SYMLINK_NOFOLLOW))
        kind = IFTODT(at.st_mode);
    Qid qid = {kind == DT_DIR   ? QID_DIR
               : kind == DT_LNK ? QID_SYMLINK
                                : QID_FILE,
               0, server_qid_path(share, st->st_dev, up ? st->st_ino : entry->inode)};
    if (p9_room(out) < 13 + 8 + 1 + 2 + strlen(name))
        return false;
    p9_put_qid(out, &qid);
    p9_put64(out, n + 1);
    p9_put8(out, kind);
    p9_put_text(out, name);
    return true;
}

int handle_readdir(Share *share, P9In *in, P9Out *out)
{
    int bad;
    struct stat st;
    Fid *fid = server_get_fid(share, in, &bad);
    uint64_t offset = p9_get64(in);
    uint32_t count = p9_get32(in);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (fid->kind != FID_FOLDER)
        return fid->kind == FID_FILE ? -ENOTDIR : -EBADF;
    bad = list(share, fid, offset);
    if (bad || fstat(fid->fd, &st))
        return bad ? bad : -errno;
    P9Out length = *out;
    p9_put32(out, 0);
    P9Out entries = *out;
    if (count < p9_room(&entries))
        entries.end = entries.at + count;
    size_t n = offset < fid->listing->count ? (size_t)offset : fid->listing->count;
    size_t first = n;
    while (n < fid->listing->count && put_entry(share, fid, &st, n, &entries))
        n++;
    if (n == first && n < fid->listing->count)
        return -EINVAL; /* no room for a single one */
    p9_put32(&length, (uint32_t)(entries.at - out->at));
    out->at = entries.at;
    return 0;
}

/* ---- Locks ------------------------------------------------------------------------------------------ */

/* The guest's kernel arbitrates between the guest's programs; what it takes is taken on the host, too, so
 * that programs there see it. */
enum { LOCKED_READ, LOCKED_WRITE, UNLOCKED };
enum { LOCK_SUCCESS, LOCK_BLOCKED };

typedef struct LockSearch {
    const Fid *fid;
    struct stat st;
    bool found;
} LockSearch;

static void look_for_lock(void *opaque, void *item)
{
    LockSearch *search = opaque;
    const Fid *fid = item;
    struct stat st;
    if (fid != search->fid && fid->locked && !fstat(fid->fd, &st) && st.st_ino == search->st.st_ino &&
        st.st_dev == search->st.st_dev)
        search->found = true;
}

/* Another of the guest's programs may be who has the lock: then the guest's kernel has decided already. */
static bool is_ours(Share *share, const Fid *fid)
{
    LockSearch search = {.fid = fid};
    if (!fstat(fid->fd, &search.st))
        share_table_each(&share->fids, look_for_lock, &search);
    return search.found;
}

static int get_lock(Share *share, P9In *in, bool with_flags, Fid **fid, struct flock *lock)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
    int bad;
    *fid = server_get_fid(share, in, &bad);
    uint8_t type = p9_get8(in);
    if (with_flags)
        p9_get32(in);
    uint64_t start = p9_get64(in), length = p9_get64(in);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if ((*fid)->kind != FID_FILE)
        return -EBADF;
    if (type > UNLOCKED || start > INT64_MAX || length > INT64_MAX - start)
        return -EINVAL;
    *lock = (struct flock){
        .l_type = types[type], .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)length};
    return 0;
}

int handle_lock(Share *share, P9In *in, P9Out *out)
{
    Fid *fid;
    struct flock lock;
    int bad = get_lock(share, in, true, &fid, &lock);
    if (bad)
        return bad;
    bool taken = !fcntl(fid->fd, F_OFD_SETLK, &lock),
         blocked = !taken && (errno == EAGAIN || errno == EACCES);
    if (!taken && !blocked)
        return -errno;
    if (blocked && is_ours(share, fid))
        blocked = false;
    fid->locked |= !blocked;
    p9_put8(out, blocked ? LOCK_BLOCKED : LOCK_SUCCESS);
    return 0;
}

int handle_getlock(Share *share, P9In *in, P9Out *out)
{
    char client[256];
    Fid *fid;
    struct flock lock;
    int bad = get_lock(share, in, false, &fid, &lock);
    uint32_t process = p9_get32(in);
    bad = bad ? bad : p9_get_text(in, client, sizeof client);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (fcntl(fid->fd, F_OFD_GETLK, &lock))
        return -errno;
    bool none = lock.l_type == F_UNLCK || is_ours(share, fid);
    p9_put8(out, none ? UNLOCKED : lock.l_type == F_RDLCK ? LOCKED_READ : LOCKED_WRITE);
    p9_put64(out, (uint64_t)lock.l_start);
    p9_put64(out, (uint64_t)lock.l_len);
    p9_put32(out, process);
    p9_put_text(out, client);
    return 0;
}
