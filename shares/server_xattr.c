/* Messages on extended attributes: those of users ("user.NAME") are the host file's. The others mean
 * something to the host (labels, capabilities, access lists), and there are none of them. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_shown(const char *name)
{
    return !strncmp(name, "user.", strlen("user.")) && strcmp(name, OWNER_ATTRIBUTE);
}

/* The path of a file or folder, for calls that take no descriptor. */
static int attributes_of(int fd, char path[HOST_FD_PATH])
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    host_fd_path(fd, path);
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? 0 : -EOPNOTSUPP;
}

/* Leaves the names that are shown; returns their bytes. */
static size_t filter(char *names, size_t size)
{
    size_t kept = 0, length;
    for (size_t at = 0; at < size; at += length) {
        length = strnlen(names + at, size - at) + 1;
        if (at + length > size || !is_shown(names + at))
            continue;
        memmove(names + kept, names + at, length);
        kept += length;
    }
    return kept;
}

/* The value of an attribute, or without a name the list of names: allocated. */
static int read_value(int fd, const char *name, uint8_t **value, size_t *size)
{
    char path[HOST_FD_PATH];
    int bad = attributes_of(fd, path);
    if (bad == -EOPNOTSUPP && !*name) {
        *size = 0;
        return 0;
    }
    if (bad || (*name && !is_shown(name)))
        return bad ? bad : -EOPNOTSUPP;
    *value = malloc(XATTR_MOST);
    if (!*value)
        return -ENOMEM;
    ssize_t got =
        *name ? getxattr(path, name, *value, XATTR_MOST) : listxattr(path, (char *)*value, XATTR_MOST);
    if (got < 0 && !*name && errno == EOPNOTSUPP)
        got = 0;
    if (got < 0)
        return -errno;
    *size = *name ? (size_t)got : filter((char *)*value, (size_t)got);
    return 0;
}

static int walk_from(Share *share, const Fid *from, uint32_t number, const char *name, P9Out *out)
{
    uint8_t *value = NULL;
    size_t size = 0;
    int fd = server_find_fid(share, from);
    if (fd < 0)
        return fd;
    int bad = read_value(fd, name, &value, &size);
    close(fd);
    if (!bad && !server_hold(share, size))
        bad = -ENOMEM;
    if (bad) {
        free(value);
        return bad;
    }
    Fid *fid = fid_new(&share->fids, number, node_ref(from->node), from->user);
    fid->kind = FID_XATTR_READ;
    fid->value = realloc(value, size + 1);
    if (!fid->value)
        abort();
    fid->size = size;
    p9_put64(out, size);
    return 0;
}

int handle_xattrwalk(Share *share, P9In *in, P9Out *out)
{
    char name[NAME_MAX + 1];
    int bad;
    Fid *from = server_get_fid(share, in, &bad);
    uint32_t number = p9_get32(in);
    int wrong = p9_get_text(in, name, sizeof name);
    if (in->bad || bad || wrong)
        return in->bad ? -EPROTO : bad ? bad : wrong;
    if (number == P9_NO_FID || fid_find(&share->fids, number))
        return -EBADF;
    if (share->fids.count >= FIDS_MOST)
        return -ENFILE;
    return walk_from(share, from, number, name, out);
}

int xattr_read(const Fid *fid, uint64_t offset, uint32_t count, P9Out *out)
{
    size_t left = offset < fid->size ? fid->size - (size_t)offset : 0, room = p9_room(out);
    size_t size = left < count ? left : count;
    size = size + 4 < room ? size : room > 4 ? room - 4 : 0;
    p9_put32(out, (uint32_t)size);
    uint8_t *bytes = p9_put_bytes(out, size);
    if (bytes && size)
        memcpy(bytes, fid->value + offset, size);
    return 0;
}

int handle_xattrcreate(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    char name[NAME_MAX + 1];
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    int wrong = p9_get_text(in, name, sizeof name);
    uint64_t size = p9_get64(in);
    uint32_t flags = p9_get32(in);
    if (in->bad || bad || wrong)
        return in->bad ? -EPROTO : bad ? bad : wrong;
    if (fid->kind != FID_PLACE)
        return -EINVAL;
    if (!is_shown(name))
        return -EOPNOTSUPP;
    if (size > XATTR_MOST)
        return -E2BIG;
    if (!server_hold(share, (size_t)size))
        return -ENOMEM;
    fid->value = calloc(1, (size_t)size + 1);
    if (!fid->value)
        abort();
    fid->kind = FID_XATTR_WRITE;
    fid->size = (size_t)size;
    fid->flags = flags;
    memcpy(fid->name, name, sizeof name);
    return 0;
}

int xattr_write(Fid *fid, uint64_t offset, const uint8_t *data, uint32_t count, P9Out *out)
{
    if (offset != fid->written || count > fid->size - fid->written)
        return -EINVAL;
    memcpy(fid->value + offset, data, count);
    fid->written += count;
    p9_put32(out, count);
    return 0;
}

/* Linux removes an attribute by one of no bytes that must exist. */
int xattr_finish(Share *share, const Fid *fid)
{
    char path[HOST_FD_PATH];
    if (fid->written != fid->size)
        return -EINVAL;
    int fd = server_find(share, fid->node);
    if (fd < 0)
        return fd;
    int bad = attributes_of(fd, path);
    bool removes = !fid->size && fid->flags == XATTR_REPLACE;
    if (!bad && removes && removexattr(path, fid->name))
        bad = -errno;
    if (!bad && !removes && setxattr(path, fid->name, fid->value, fid->size, (int)fid->flags))
        bad = -errno;
    close(fd);
    return bad;
}
