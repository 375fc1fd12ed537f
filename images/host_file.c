#define _GNU_SOURCE
#include "images/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "machine/file_lock.h"
#include "machine/new_file.h"

static DiskResult result_of(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? DISK_NO_SPACE : DISK_IO_ERROR;
}

static DiskResult fail(const HostFile *file, int error, const char *doing, Error *err)
{
    error_set(err, "%s: %s: %s", file->path, doing, strerror(error));
    return result_of(error);
}

/* ---- Opening ----------------------------------------------------------------------------------------- */

static void note_memory(HostFile *file)
{
    struct statfs system;
    file->in_memory = !fstatfs(file->fd, &system) && system.f_type == TMPFS_MAGIC;
}

static bool has_kind(HostFile *file, Error *err)
{
    struct stat status;
    if (fstat(file->fd, &status))
        return error_set(err, "cannot use %s: %s", file->path, strerror(errno));
    file->device = S_ISBLK(status.st_mode);
    note_memory(file);
    if (S_ISREG(status.st_mode)) {
        file->size = (uint64_t)status.st_size;
        return true;
    }
    if (!file->device)
        return error_set(err, "%s is %s, not a file or a block device", file->path,
                         S_ISDIR(status.st_mode) ? "a folder" : "something else");
    return !ioctl(file->fd, BLKGETSIZE64, &file->size) ||
           error_set(err, "cannot find out how large %s is: %s", file->path, strerror(errno));
}

/* O_NONBLOCK: a FIFO must not keep us waiting for its other end. */
static void open_it(HostFile *file, HostFileMode mode)
{
    const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    file->writable = mode > HOST_READ;
    file->fd = mode == HOST_CREATE ? open(file->path, flags | O_RDWR | O_CREAT | O_EXCL, 0666)
                                   : open(file->path, flags | (file->writable ? O_RDWR : O_RDONLY));
    if (file->fd >= 0 || mode != HOST_TRY_WRITE ||
        (errno != EACCES && errno != EROFS && errno != EPERM && errno != ETXTBSY))
        return;
    int refused = errno;
    file->fd = open(file->path, flags | O_RDONLY);
    file->refused = file->fd >= 0 ? refused : 0;
    file->writable = false;
}

bool host_file_open(HostFile *file, const char *path, HostFileMode mode, Error *err)
{
    *file = (HostFile){.path = strdup(path)};
    if (!file->path)
        abort();
    open_it(file, mode);
    bool ok = file->fd >= 0 || error_set(err, "cannot %s %s: %s", mode == HOST_CREATE ? "create" : "open",
                                         path, strerror(errno));
    ok = ok && has_kind(file, err) &&
         (mode == HOST_LOOK || file_lock(file->fd, file->path, file->writable, err));
    if (ok)
        return true;
    host_file_close(file);
    return false;
}

bool host_file_temporary(HostFile *file, const char *beside, Error *err)
{
    const char *folder = getenv("TMPDIR"), *slash = strrchr(beside, '/');
    char text[4096];
    int length = slash ? (int)(slash - beside) + (slash == beside) : 1;
    if (!folder || !*folder) {
        snprintf(text, sizeof text, "%.*s", length, slash ? beside : ".");
        folder = text;
    }
    int fd = nameless_file(folder);
    if (fd < 0 && folder == text) /* the image's folder may be read-only */
        fd = nameless_file(folder = "/tmp");
    if (fd < 0)
        return error_set(err, "cannot make a temporary file in %s (TMPDIR): %s", folder, strerror(errno));
    *file = (HostFile){.fd = fd, .writable = true};
    note_memory(file);
    if (asprintf(&file->path, "temporary file in %s", folder) < 0)
        abort();
    return true;
}

void host_file_close(HostFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (HostFile){.fd = -1};
}

/* ---- Transfers --------------------------------------------------------------------------------------- */

DiskResult host_file_read(HostFile *file, uint64_t offset, void *data, uint64_t length, Error *err)
{
    for (uint8_t *to = data; length;) {
        ssize_t got = pread(file->fd, to, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(file, errno, "cannot read", err);
        if (!got) {
            error_set(err, "%s: it has become shorter than it was when it was opened", file->path);
            return DISK_IO_ERROR;
        }
        to += got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return DISK_OK;
}

DiskResult host_file_write(HostFile *file, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    for (const uint8_t *from = data; length;) {
        ssize_t put = pwrite(file->fd, from, length, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(file, put ? errno : ENOSPC, "cannot write", err);
        from += put;
        offset += (uint64_t)put;
        length -= (uint64_t)put;
    }
    return DISK_OK;
}

bool host_file_read_now(const HostFile *file, uint64_t offset, void *data, uint64_t length)
{
    struct iovec part = {data, length};
    int flags = file->in_memory ? 0 : RWF_NOWAIT;
    return preadv2(file->fd, &part, 1, (off_t)offset, flags) == (ssize_t)length;
}

bool host_file_may_write_now(const HostFile *file, uint64_t offset, uint64_t length)
{
    enum { PAGE = 4096 };
    uint64_t end = offset + length;
    uint8_t byte;
    return (offset % PAGE == 0 || host_file_read_now(file, offset, &byte, 1)) &&
           (end % PAGE == 0 || host_file_read_now(file, end - 1, &byte, 1));
}

/* When a flush fails, the host has dropped what it could not write, and another flush would succeed without
 * it. */
DiskResult host_file_sync(HostFile *file, Error *err)
{
    int done;
    if (file->lost) {
        error_set(err, "%s: changes were lost on the host's medium", file->path);
        return DISK_IO_ERROR;
    }
    while ((done = fdatasync(file->fd)) && errno == EINTR) {
    }
    if (!done)
        return DISK_OK;
    file->lost = true;
    return fail(file, errno, "cannot make changes durable", err);
}

/* ---- Holes ------------------------------------------------------------------------------------------- */

static bool unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == ENOTTY || error == ENODEV;
}

static int allocate(const HostFile *file, int mode, uint64_t offset, uint64_t length)
{
    int done;
    while ((done = fallocate(file->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length)) &&
           errno == EINTR) {
    }
    return done ? errno : 0;
}

static int punch_hole(HostFile *file, uint64_t offset, uint64_t length)
{
    int error = file->cannot_punch ? EOPNOTSUPP : allocate(file, FALLOC_FL_PUNCH_HOLE, offset, length);
    file->cannot_punch |= unsupported(error);
    return error;
}

DiskResult host_file_discard(HostFile *file, uint64_t offset, uint64_t length, Error *err)
{
    if (!length)
        return DISK_OK;
    int error;
    if (file->device)
        error = ioctl(file->fd, BLKDISCARD, (uint64_t[]){offset, length}) ? errno : 0;
    else
        error = punch_hole(file, offset, length);
    return !error || unsupported(error) ? DISK_OK : fail(file, error, "cannot discard", err);
}

static DiskResult write_zeros(HostFile *file, uint64_t offset, uint64_t length, Error *err)
{
    static const uint8_t zeros[64 << 10];
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, length -= part) {
        part = length < sizeof zeros ? length : sizeof zeros;
        result = host_file_write(file, offset, zeros, part, err);
    }
    return result;
}

DiskResult host_file_zero(HostFile *file, uint64_t offset, uint64_t length, Error *err)
{
    int error = EOPNOTSUPP;
    if (!length)
        return DISK_OK;
    if (file->device)
        error = ioctl(file->fd, BLKZEROOUT, (uint64_t[]){offset, length}) ? errno : 0;
    else
        error = punch_hole(file, offset, length);
    if (error && unsupported(error) && !file->device)
        error = allocate(file, FALLOC_FL_ZERO_RANGE, offset, length);
    if (error && unsupported(error))
        return write_zeros(file, offset, length, err);
    return error ? fail(file, error, "cannot write", err) : DISK_OK;
}

bool host_file_resize(HostFile *file, uint64_t size, Error *err)
{
    if (file->device)
        return error_set(err, "%s is a block device, whose size is the host's business", file->path);
    if (ftruncate(file->fd, (off_t)size))
        return error_set(err, "%s: cannot have %llu bytes: %s", file->path, (unsigned long long)size,
                         strerror(errno));
    file->size = size;
    return true;
}

uint64_t host_file_allocated(const HostFile *file)
{
    struct stat status;
    if (file->device || fstat(file->fd, &status))
        return file->size;
    return (uint64_t)status.st_blocks * 512;
}

static uint64_t seek(const HostFile *file, uint64_t offset, uint64_t end, int whence, uint64_t otherwise)
{
    off_t found = offset < end ? lseek(file->fd, (off_t)offset, whence) : -1;
    if (found < 0)
        return offset < end && errno != ENXIO ? otherwise : end;
    return (uint64_t)found < end ? (uint64_t)found : end;
}

/* Where the host does not tell, all is data. */
uint64_t host_file_next_data(const HostFile *file, uint64_t offset, uint64_t end)
{
    return seek(file, offset, end, SEEK_DATA, offset);
}

uint64_t host_file_next_hole(const HostFile *file, uint64_t offset, uint64_t end)
{
    return seek(file, offset, end, SEEK_HOLE, end);
}
