/* Messages on attributes of files, and of the file system. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define GETATTR_BASIC 0x7ffu /* all but creation time, generation and data version */

/* Which fields of Tsetattr count. */
enum {
    SET_MODE = 1,
    SET_UID = 2,
    SET_GID = 4,
    SET_SIZE = 8,
    SET_ATIME = 0x10,
    SET_MTIME = 0x20,
    SET_ATIME_TO = 0x80,
    SET_MTIME_TO = 0x100
};

static void put_time(P9Out *out, const struct timespec *time)
{
    p9_put64(out, (uint64_t)time->tv_sec);
    p9_put64(out, (uint64_t)time->tv_nsec);
}

/* A device's number, as Linux's 32-bit encoding has it. */
static uint64_t device_number(dev_t device)
{
    uint32_t high = major(device), low = minor(device);
    return (low & 0xff) | high << 8 | (uint64_t)(low & ~0xffu) << 12;
}

static void put_attributes(Share *share, const struct stat *st, P9Out *out)
{
    Qid qid;
    server_qid(share, st, &qid);
    p9_put64(out, GETATTR_BASIC);
    p9_put_qid(out, &qid);
    p9_put32(out, st->st_mode);
    p9_put32(out, st->st_uid);
    p9_put32(out, st->st_gid);
    p9_put64(out, st->st_nlink);
    p9_put64(out, device_number(st->st_rdev));
    p9_put64(out, (uint64_t)st->st_size);
    p9_put64(out, BLOCK_SIZE);
    p9_put64(out, (uint64_t)st->st_blocks);
    put_time(out, &st->st_atim);
    put_time(out, &st->st_mtim);
    put_time(out, &st->st_ctim);
    for (unsigned n = 0; n < 4; n++) /* creation time, generation, data version */
        p9_put64(out, 0);
}

int handle_getattr(Share *share, P9In *in, P9Out *out)
{
    int bad;
    struct stat st;
    Fid *fid = server_get_fid(share, in, &bad);
    p9_get64(in); /* what is wished for: it gets everything */
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    int fd = fid->fd >= 0 ? fid->fd : server_find(share, fid->node);
    if (fd < 0)
        return fd;
    bad = fstat(fd, &st) ? -errno : 0;
    if (!bad)
        owner_show(&share->owners, fd, &st);
    if (fd != fid->fd)
        close(fd);
    if (!bad)
        put_attributes(share, &st, out);
    return bad;
}

typedef struct Change {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct timespec time[2];
} Change;

static struct timespec get_time(P9In *in)
{
    uint64_t seconds = p9_get64(in), nanoseconds = p9_get64(in);
    return (struct timespec){(time_t)seconds, nanoseconds < 1000000000 ? (long)nanoseconds : 0};
}

static int set_size(const Fid *fid, int fd, uint64_t size)
{
    if (size > INT64_MAX)
        return -EFBIG;
    /* An open file may be written to even if its mode would not let it be opened so again. */
    if (fid->kind == FID_FILE && !ftruncate(fid->fd, (off_t)size))
        return 0;
    int file = host_reopen(fd, O_WRONLY);
    if (file < 0)
        return file;
    int bad = ftruncate(file, (off_t)size) ? -errno : 0;
    close(file);
    return bad;
}

static int set_times(int fd, const Change *change)
{
    struct timespec time[2];
    static const uint32_t set[] = {SET_ATIME, SET_MTIME}, to[] = {SET_ATIME_TO, SET_MTIME_TO};
    for (unsigned n = 0; n < 2; n++) {
        time[n] = change->time[n];
        if (!(change->valid & to[n]))
            time[n].tv_nsec = change->valid & set[n] ? UTIME_NOW : UTIME_OMIT;
    }
    return utimensat(fd, "", time, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int change_all(Share *share, const Fid *fid, int fd, const Change *change)
{
    uint32_t valid = change->valid;
    uint32_t uid = valid & SET_UID ? change->uid : P9_NO_ID, gid = valid & SET_GID ? change->gid : P9_NO_ID;
    int bad = 0;
    if (valid & SET_SIZE)
        bad = set_size(fid, fd, change->size);
    if (!bad && valid & (SET_UID | SET_GID))
        bad = owner_change(&share->owners, fd, uid, gid);
    if (!bad && valid & SET_MODE)
        bad = owner_change_mode(&share->owners, fd, change->mode);
    if (!bad && valid & (SET_ATIME | SET_MTIME))
        bad = set_times(fd, change);
    return bad;
}

int handle_setattr(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    Change change = {.valid = p9_get32(in)};
    change.mode = p9_get32(in);
    change.uid = p9_get32(in);
    change.gid = p9_get32(in);
    change.size = p9_get64(in);
    change.time[0] = get_time(in);
    change.time[1] = get_time(in);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    int fd = server_find_fid(share, fid);
    if (fd < 0)
        return fd;
    bad = change_all(share, fid, fd, &change);
    close(fd);
    return bad;
}

int handle_statfs(Share *share, P9In *in, P9Out *out)
{
    enum { V9FS_MAGIC = 0x01021997 };
    struct statvfs fs;
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    int fd = server_find_fid(share, fid);
    if (fd < 0)
        return fd;
    bad = fstatvfs(fd, &fs) ? -errno : 0;
    close(fd);
    if (bad)
        return bad;
    p9_put32(out, V9FS_MAGIC);
    p9_put32(out, (uint32_t)fs.f_frsize); /* what the numbers of blocks count */
    p9_put64(out, fs.f_blocks);
    p9_put64(out, fs.f_bfree);
    p9_put64(out, fs.f_bavail);
    p9_put64(out, fs.f_files);
    p9_put64(out, fs.f_ffree);
    p9_put64(out, fs.f_fsid);
    p9_put32(out, (uint32_t)fs.f_namemax);
    return 0;
}
