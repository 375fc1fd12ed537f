/* What the files of the server share. Private to shares/.
 *
 * A function for a message reads its fields from `in`, writes those of the answer to `out` and returns 0, or
 * returns a negative errno, which the client is told. */
#ifndef ARMATURE_SHARES_SERVER_H
#define ARMATURE_SHARES_SERVER_H

#include <limits.h>
#include <sys/stat.h>

#include "machine/host_folder.h"
#include "shares/fid.h"
#include "shares/node.h"
#include "shares/owner.h"
#include "shares/p9.h"
#include "shares/share.h"

/* Bounds of what a client can make the server hold. */
enum { FIDS_MOST = 1 << 20, NODES_MOST = 1 << 21, DEVICES_MOST = 255, XATTR_MOST = 64 << 10 };
#define HELD_MOST ((size_t)256 << 20) /* bytes of listings and attributes */
enum { BLOCK_SIZE = 64 << 10 };       /* what programs are told to read at once */

struct Share {
    HostFolder *folder;
    bool read_only;
    Owners owners;
    uint32_t msize; /* 0: no version was negotiated */
    Nodes nodes;
    Fids fids;
    unsigned open_files, open_most;
    size_t held;                   /* bytes, see HELD_MOST */
    uint64_t device[DEVICES_MOST]; /* host's file systems, in the order of their appearance */
    unsigned devices;
};

/* ---- server.c ---- */

/* The fid of that number. NULL with *error set: -EBADF, -ESTALE. */
Fid *server_fid(Share *share, uint32_t number, int *error);
/* The same, read from a message. */
Fid *server_get_fid(Share *share, P9In *in, int *error);

/* An O_PATH descriptor of what is at a node; a symbolic link is not followed. */
int server_find(Share *share, const Node *node);
/* The same of a fid: for an open file that file, wherever it is now. The caller closes it. */
int server_find_fid(Share *share, const Fid *fid);
/* An O_PATH descriptor of a folder in which names can be used. */
int server_find_folder(Share *share, const Fid *fid);

void server_qid(Share *share, const struct stat *st, Qid *qid);
uint64_t server_qid_path(Share *share, dev_t device, ino_t inode);

void server_remove_fid(Share *share, Fid *fid);
void server_reset(Share *share);

/* Whether `bytes` more may be held; then they are counted. */
bool server_hold(Share *share, size_t bytes);

/* ---- server_files.c ---- */

int handle_lopen(Share *share, P9In *in, P9Out *out);
int handle_lcreate(Share *share, P9In *in, P9Out *out);
int handle_read(Share *share, P9In *in, P9Out *out);
int handle_write(Share *share, P9In *in, P9Out *out);
int handle_readdir(Share *share, P9In *in, P9Out *out);
int handle_fsync(Share *share, P9In *in, P9Out *out);
int handle_lock(Share *share, P9In *in, P9Out *out);
int handle_getlock(Share *share, P9In *in, P9Out *out);
/* Opens a fid as Tlopen does, with its flags. */
int server_open(Share *share, Fid *fid, uint32_t flags);

/* ---- server_attributes.c ---- */

int handle_getattr(Share *share, P9In *in, P9Out *out);
int handle_setattr(Share *share, P9In *in, P9Out *out);
int handle_statfs(Share *share, P9In *in, P9Out *out);

/* ---- server_names.c ---- */

int handle_symlink(Share *share, P9In *in, P9Out *out);
int handle_readlink(Share *share, P9In *in, P9Out *out);
int handle_mknod(Share *share, P9In *in, P9Out *out);
int handle_mkdir(Share *share, P9In *in, P9Out *out);
int handle_link(Share *share, P9In *in, P9Out *out);
int handle_rename(Share *share, P9In *in, P9Out *out);
int handle_renameat(Share *share, P9In *in, P9Out *out);
int handle_unlinkat(Share *share, P9In *in, P9Out *out);
int handle_remove(Share *share, P9In *in, P9Out *out);

/* ---- server_xattr.c ---- */

int handle_xattrwalk(Share *share, P9In *in, P9Out *out);
int handle_xattrcreate(Share *share, P9In *in, P9Out *out);
int xattr_read(const Fid *fid, uint64_t offset, uint32_t count, P9Out *out);
int xattr_write(Fid *fid, uint64_t offset, const uint8_t *data, uint32_t count, P9Out *out);
/* Stores what was written to a FID_XATTR_WRITE. */
int xattr_finish(Share *share, const Fid *fid);

/* ---- server_state.c ---- */

uint8_t *server_save(void *share, size_t *size);
bool server_load(void *share, const uint8_t *bytes, size_t size);

#endif
