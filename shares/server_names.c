/* Messages that make, rename and remove names: in a folder that is held open, by one name that is no path, so
 * that nothing can lead elsewhere. */
#define _GNU_SOURCE
#include "shares/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A name in a folder that a client named by a fid. */
typedef struct Place {
    Fid *folder;
    int fd; /* O_PATH; -1: not open */
    char name[NAME_MAX + 1];
} Place;

static int get_place(Share *share, P9In *in, Place *place)
{
    int bad;
    place->fd = -1;
    place->folder = server_get_fid(share, in, &bad);
    int wrong = p9_get_name(in, place->name);
    return in->bad ? -EPROTO : bad ? bad : wrong;
}

static int open_place(Share *share, Place *place)
{
    place->fd = server_find_folder(share, place->folder);
    return place->fd < 0 ? place->fd : 0;
}

static void close_place(Place *place)
{
    if (place->fd >= 0)
        close(place->fd);
}

/* ---- Making ----------------------------------------------------------------------------------------- */

/* What was just made gets its owner, and its mode unless it is a link; the client gets its qid. */
static int made(Share *share, const Place *place, uint32_t gid, uint32_t mode, P9Out *out)
{
    struct stat st;
    Qid qid;
    int fd = openat(place->fd, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int bad = fstat(fd, &st) ? -errno : 0;
    if (!bad && S_ISLNK(st.st_mode))
        owner_change(&share->owners, fd, place->folder->user, gid);
    else if (!bad)
        bad = owner_created(&share->owners, fd, place->folder->user, gid, mode);
    close(fd);
    if (bad)
        return bad;
    server_qid(share, &st, &qid);
    p9_put_qid(out, &qid);
    return 0;
}

int handle_symlink(Share *share, P9In *in, P9Out *out)
{
    Place place;
    char target[PATH_MAX];
    int bad = get_place(share, in, &place), wrong = p9_get_text(in, target, sizeof target);
    uint32_t gid = p9_get32(in);
    bad = in->bad ? -EPROTO : bad ? bad : wrong ? wrong : open_place(share, &place);
    if (!bad && symlinkat(target, place.fd, place.name))
        bad = -errno;
    bad = bad ? bad : made(share, &place, gid, 0, out);
    close_place(&place);
    return bad;
}

int handle_readlink(Share *share, P9In *in, P9Out *out)
{
    char target[PATH_MAX];
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    int fd = server_find_fid(share, fid);
    if (fd < 0)
        return fd;
    ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
    bad = length >= 0 ? 0 : errno == ENOENT ? -EINVAL : -errno; /* ENOENT: it is no link */
    close(fd);
    if (bad)
        return bad;
    target[length] = '\0';
    p9_put_text(out, target);
    return 0;
}

/* Files, FIFOs and sockets are names to the host; a device would be access to the host's hardware. */
int handle_mknod(Share *share, P9In *in, P9Out *out)
{
    Place place;
    int bad = get_place(share, in, &place);
    uint32_t mode = p9_get32(in);
    p9_get32(in); /* device numbers */
    p9_get32(in);
    uint32_t gid = p9_get32(in);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return -EPERM;
    if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
        return -EINVAL;
    bad = open_place(share, &place);
    if (!bad && mknodat(place.fd, place.name, (mode & S_IFMT) | 0600, 0))
        bad = -errno;
    bad = bad ? bad : made(share, &place, gid, mode, out);
    close_place(&place);
    return bad;
}

int handle_mkdir(Share *share, P9In *in, P9Out *out)
{
    Place place;
    int bad = get_place(share, in, &place);
    uint32_t mode = p9_get32(in), gid = p9_get32(in);
    bad = in->bad ? -EPROTO : bad ? bad : open_place(share, &place);
    if (!bad && mkdirat(place.fd, place.name, 0700))
        bad = -errno;
    bad = bad ? bad : made(share, &place, gid, mode, out);
    close_place(&place);
    return bad;
}

/* ---- Names of what exists --------------------------------------------------------------------------- */

/* The folder and name of a fid that is not the root. */
static int place_of(Share *share, Fid *fid, Place *place)
{
    Node *parent = fid->node->parent;
    place->fd = -1;
    place->folder = fid;
    if (!parent)
        return fid->node->gone ? -ENOENT : -EBUSY;
    snprintf(place->name, sizeof place->name, "%s", fid->node->name);
    place->fd = server_find(share, parent);
    return place->fd < 0 ? place->fd : 0;
}

int handle_link(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    Place to, from = {.fd = -1};
    int bad, unknown;
    to.folder = server_get_fid(share, in, &bad);
    to.fd = -1;
    Fid *fid = server_get_fid(share, in, &unknown);
    int wrong = p9_get_name(in, to.name);
    bad = in->bad ? -EPROTO : bad ? bad : unknown ? unknown : wrong;
    bad = bad ? bad : open_place(share, &to);
    bad = bad ? bad : place_of(share, fid, &from);
    if (!bad && linkat(from.fd, from.name, to.fd, to.name, 0))
        bad = -errno;
    close_place(&from);
    close_place(&to);
    return bad;
}

static int rename_places(Share *share, const Place *from, Node *from_folder, const Place *to)
{
    if (renameat(from->fd, from->name, to->fd, to->name))
        return -errno;
    node_renamed(&share->nodes, from_folder, from->name, to->folder->node, to->name);
    return 0;
}

int handle_rename(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    Place to, from = {.fd = -1};
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    int wrong = get_place(share, in, &to);
    bad = in->bad ? -EPROTO : bad ? bad : wrong ? wrong : open_place(share, &to);
    bad = bad ? bad : place_of(share, fid, &from);
    bad = bad ? bad : rename_places(share, &from, fid->node->parent, &to);
    close_place(&from);
    close_place(&to);
    return bad;
}

int handle_renameat(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    Place from, to;
    int bad = get_place(share, in, &from), wrong = get_place(share, in, &to);
    bad = in->bad ? -EPROTO : bad ? bad : wrong ? wrong : open_place(share, &from);
    bad = bad ? bad : open_place(share, &to);
    bad = bad ? bad : rename_places(share, &from, from.folder->node, &to);
    close_place(&from);
    close_place(&to);
    return bad;
}

int handle_unlinkat(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    enum { REMOVE_FOLDER = 0x200 };
    Place place;
    int bad = get_place(share, in, &place);
    uint32_t flags = p9_get32(in);
    bad = in->bad                            ? -EPROTO
          : bad                              ? bad
          : flags & ~(uint32_t)REMOVE_FOLDER ? -EINVAL
                                             : open_place(share, &place);
    if (!bad && unlinkat(place.fd, place.name, flags & REMOVE_FOLDER ? AT_REMOVEDIR : 0))
        bad = -errno;
    if (!bad)
        node_removed(&share->nodes, place.folder->node, place.name);
    close_place(&place);
    return bad;
}

static int remove_place(const Place *place)
{
    struct stat st;
    if (fstatat(place->fd, place->name, &st, AT_SYMLINK_NOFOLLOW) ||
        unlinkat(place->fd, place->name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0))
        return -errno;
    return 0;
}

int handle_remove(Share *share, P9In *in, P9Out *out)
{
    (void)out;
    Place place;
    int bad;
    Fid *fid = server_get_fid(share, in, &bad);
    if (in->bad || bad)
        return in->bad ? -EPROTO : bad;
    bad = share->read_only ? -EROFS : place_of(share, fid, &place);
    if (!share->read_only) {
        bad = bad ? bad : remove_place(&place);
        if (!bad)
            node_removed(&share->nodes, fid->node->parent, place.name);
        close_place(&place);
    }
    server_remove_fid(share, fid);
    return bad;
}
