#define _GNU_SOURCE
#include "devices/flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/file_lock.h"

/* Changes that are farther apart are written one by one; the pieces in which contents and file are compared.
 */
enum { NEAR = 4096, PIECE = 256 << 10 };

/* ---- Memory ------------------------------------------------------------------------------------------ */

enum { ERASED_PIECE = 0x100000 };

/* Erased memory that costs nothing until it is written: private mappings of one piece filled with ones. */
static uint8_t *map_erased(uint32_t size, Error *err)
{
    uint8_t *at = MAP_FAILED;
    int fd = memfd_create("armature-erased", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, ERASED_PIECE))
        goto done;
    uint8_t *piece = mmap(NULL, ERASED_PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (piece == MAP_FAILED)
        goto done;
    memset(piece, 0xff, ERASED_PIECE);
    munmap(piece, ERASED_PIECE);
    at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (uint32_t k = 0; at != MAP_FAILED && k < size; k += ERASED_PIECE)
        if (mmap(at + k, ERASED_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd,
                 0) == MAP_FAILED) {
            munmap(at, size);
            at = MAP_FAILED;
        }
done:
    if (at == MAP_FAILED)
        error_set(err, "cannot map %u MiB for a flash bank: %s", size >> 20, strerror(errno));
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? NULL : at;
}

/* A file may have large holes, which are zeros: nothing is read of them. */
static uint8_t *map_zeros(uint32_t size, Error *err)
{
    uint8_t *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at != MAP_FAILED)
        return at;
    error_set(err, "cannot map %u MiB for a flash bank: %s", size >> 20, strerror(errno));
    return NULL;
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

static bool read_part(int fd, uint8_t *to, uint32_t offset, uint32_t length)
{
    while (length) {
        ssize_t got = pread(fd, to, length, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got ? errno : EIO;
            return false;
        }
        to += got;
        offset += (uint32_t)got;
        length -= (uint32_t)got;
    }
    return true;
}

/* Memory that is zero, and the data of the file. */
static bool read_data(int fd, uint8_t *at, uint32_t size)
{
    for (off_t offset = 0, end; offset < size; offset = end) {
        offset = lseek(fd, offset, SEEK_DATA);
        if (offset < 0 && errno == ENXIO)
            return true;
        end = offset < 0 ? -1 : lseek(fd, offset, SEEK_HOLE);
        if (end < 0) /* the host does not tell */
            return read_part(fd, at, 0, size);
        end = end < size ? end : size;
        if (!read_part(fd, at + offset, (uint32_t)offset, (uint32_t)(end - offset)))
            return false;
    }
    return true;
}

static uint8_t *read_file(FlashFile *file, int fd, off_t length, bool keeps, uint32_t size, Error *err)
{
    uint8_t *at = keeps ? map_zeros(size, err) : map_erased(size, err);
    if (at && !(keeps ? read_data(fd, at, size) : read_part(fd, at, 0, (uint32_t)length))) {
        error_set(err, "cannot read flash contents from '%s': %s", file->path, strerror(errno));
        munmap(at, size);
        return NULL;
    }
    return at;
}

/* What becomes of the file: its contents, and whether changes go back to it. */
static uint8_t *use_file(FlashFile *file, int fd, bool writable, uint32_t size, Error *err)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status)) {
        error_set(err, "cannot open flash file '%s': %s", file->path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        error_set(err, "flash file '%s' is not a regular file", file->path);
        return NULL;
    }
    if (status.st_size > size) {
        error_set(err, "flash file '%s' has %lld bytes, but the bank holds %u", file->path,
                  (long long)status.st_size, size);
        return NULL;
    }
    bool keeps = writable && status.st_size == size;
    if (!keeps)
        log_line(file->dev->env->log, LOG_BOOT, file->dev->name, "changes are not kept: '%s' is %s",
                 file->path, writable ? "smaller than the bank (67108864 bytes)" : "read-only");
    if (!file_lock(fd, file->path, keeps, err))
        return NULL;
    uint8_t *contents = read_file(file, fd, status.st_size, keeps, size, err);
    file->fd = contents && keeps ? fd : -1;
    return contents;
}

uint8_t *flash_file_open(FlashFile *file, Device *dev, const char *path, uint32_t size, Error *err)
{
    *file = (FlashFile){.fd = -1, .path = path, .dev = dev};
    if (!path)
        return map_erased(size, err);
    bool writable = true;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        writable = false;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    uint8_t *contents = use_file(file, fd, writable, size, err);
    if (fd >= 0 && file->fd < 0)
        close(fd);
    return contents;
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

static void tell(FlashFile *file, const char *what, int error)
{
    char text[600];
    const DeviceEnv *env = file->dev->env;
    if (file->told || !env->trouble)
        return;
    snprintf(text, sizeof text, "%.400s: %s: %s", file->path, what, strerror(error));
    env->trouble(env->machine, file->dev->name, text);
    file->told = true;
}

void flash_file_store(FlashFile *file, const uint8_t *contents)
{
    while (file->fd >= 0 && file->first < file->end) {
        ssize_t put = pwrite(file->fd, contents + file->first, file->end - file->first, file->first);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            tell(file, "cannot write", put ? errno : ENOSPC);
            return;
        }
        file->first += (uint32_t)put;
        file->told = false;
    }
}

static bool is_near(const FlashFile *file, uint32_t offset, uint32_t end)
{
    return offset <= file->end + NEAR && file->first <= end + NEAR;
}

void flash_file_changed(FlashFile *file, const uint8_t *contents, uint32_t offset, uint32_t length)
{
    uint32_t end = offset + length;
    if (file->fd < 0)
        return;
    if (file->first < file->end && !is_near(file, offset, end))
        flash_file_store(file, contents);
    bool some =
        file->first < file->end; /* still, if the host fails: then what is between is written as well */
    file->first = some && file->first < offset ? file->first : offset;
    file->end = some && file->end > end ? file->end : end;
}

void flash_file_close(FlashFile *file, const uint8_t *contents, uint32_t size)
{
    uint8_t *piece = file->fd >= 0 ? malloc(PIECE) : NULL;
    for (uint32_t at = 0; piece && at < size; at += PIECE) {
        bool known = read_part(file->fd, piece, at, PIECE);
        if (!known || memcmp(piece, contents + at, PIECE))
            flash_file_changed(file, contents, at, PIECE);
    }
    flash_file_store(file, contents);
    free(piece);
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
