/* For tests of what file systems without O_TMPFILE (NFS, FAT) lead to: programs that are linked with
 * -Wl,--wrap=open meet one as long as no_tmpfile is set. */
#ifndef ARMATURE_TESTS_MACHINE_NO_TMPFILE_H
#define ARMATURE_TESTS_MACHINE_NO_TMPFILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>

static bool no_tmpfile;

int __real_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open(path, flags, mode);
}

#endif
