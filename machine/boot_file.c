/* Files as read-only memory. */
#include "machine/boot_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* No board holds more; a device file may have no end. */
enum { STREAM_MOST = 1 << 30 };

static bool read_stream(FileView *file, int fd)
{
    size_t capacity = 1 << 20;
    uint8_t *data = malloc(capacity);
    ssize_t got = 0;
    while (data && (got = read(fd, data + file->size, capacity - file->size)) > 0) {
        file->size += (size_t)got;
        if (file->size >= STREAM_MOST) {
            errno = EFBIG;
            got = -1;
            break;
        }
        if (file->size == capacity) {
            uint8_t *more = realloc(data, capacity *= 2);
            if (!more)
                free(data);
            data = more;
        }
    }
    if (!data)
        abort();
    file->data = data;
    return got == 0;
}

static bool read_file(FileView *file, int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return false;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (S_ISREG(st.st_mode) && st.st_size > 0) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED)
            return false;
        file->data = at;
        file->size = (size_t)st.st_size;
        file->mapped = true;
        return true;
    }
    return read_stream(file, fd);
}

bool file_view(FileView *file, const char *what, const char *name, int fd, Error *err)
{
    *file = (FileView){.path = name};
    bool ok = fd >= 0 && read_file(file, fd);
    if (!ok)
        error_set(err, "cannot read %s %s: %s", what, name, strerror(errno));
    if (ok && !file->size)
        ok = error_set(err, "%s %s is empty", what, name);
    if (!ok)
        file_close(file);
    return ok;
}

bool file_open(FileView *file, const char *what, const char *path, Error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = file_view(file, what, path, fd, err);
    if (fd >= 0)
        close(fd);
    return ok;
}

void file_close(FileView *file)
{
    if (file->mapped)
        munmap((void *)file->data, file->size);
    else
        free((void *)file->data);
    *file = (FileView){.path = file->path};
}
