/* ext2, ext3 and ext4, by libext2fs on a Source. The journal is not replayed: what a guest that was cut off
 * had only there, is not seen. */
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volumes/volume.h"

/* A directory has its size from the disk; no folder that matters here is larger. */
enum { ENTRIES_MOST = 1 << 20 };

/* ---- What libext2fs reads from ----------------------------------------------------------------------- */

static const struct struct_io_manager source_manager;

/* name is the address of the Source: a manager gets nothing else. */
static errcode_t channel_open(const char *name, int flags, io_channel *channel)
{
    void *source;
    (void)flags;
    io_channel io = calloc(1, sizeof *io);
    if (!io || sscanf(name, "%p", &source) != 1 || !(io->name = strdup(name))) {
        free(io);
        return EXT2_ET_NO_MEMORY;
    }
    io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    io->manager = (io_manager)&source_manager; /* never written to */
    io->block_size = 1024;
    io->refcount = 1;
    io->private_data = source;
    *channel = io;
    return 0;
}

static errcode_t channel_close(io_channel io)
{
    if (--io->refcount > 0)
        return 0;
    free(io->name);
    free(io);
    return 0;
}

static errcode_t channel_set_block_size(io_channel io, int size)
{
    io->block_size = size;
    return 0;
}

/* A negative count is one of bytes. */
static errcode_t channel_read64(io_channel io, unsigned long long block, int count, void *data)
{
    const Source *source = io->private_data;
    size_t length = count < 0 ? (size_t) - (long)count : (size_t)count * (size_t)io->block_size;
    if (block > UINT64_MAX / (unsigned)io->block_size)
        return EXT2_ET_SHORT_READ;
    return source_read(source, block * (unsigned)io->block_size, data, length) ? 0 : EXT2_ET_SHORT_READ;
}

static errcode_t channel_read(io_channel io, unsigned long block, int count, void *data)
{
    return channel_read64(io, block, count, data);
}

static errcode_t refuse_write64(io_channel io, unsigned long long block, int count, const void *data)
{
    (void)io, (void)block, (void)count, (void)data;
    return EXT2_ET_RO_FILSYS;
}

static errcode_t refuse_write(io_channel io, unsigned long block, int count, const void *data)
{
    return refuse_write64(io, block, count, data);
}

static errcode_t channel_flush(io_channel io)
{
    (void)io;
    return 0;
}

static const struct struct_io_manager source_manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "Armature's source",
    .open = channel_open,
    .close = channel_close,
    .set_blksize = channel_set_block_size,
    .read_blk = channel_read,
    .write_blk = refuse_write,
    .flush = channel_flush,
    .read_blk64 = channel_read64,
    .write_blk64 = refuse_write64,
};

/* ---- The file system --------------------------------------------------------------------------------- */

static void *ext_open(const Source *source)
{
    char name[32];
    ext2_filsys fs;
    snprintf(name, sizeof name, "%p", (const void *)source);
    return ext2fs_open2(name, NULL, EXT2_FLAG_64BITS, 0, 0, (io_manager)&source_manager, &fs) ? NULL : fs;
}

static void ext_close(void *fs)
{
    ext2fs_free(fs);
}

static bool describe(ext2_filsys fs, ext2_ino_t number, Node *node)
{
    struct ext2_inode inode;
    if (ext2fs_read_inode(fs, number, &inode))
        return false;
    *node = (Node){.kind = LINUX_S_ISREG(inode.i_mode)   ? NODE_FILE
                           : LINUX_S_ISDIR(inode.i_mode) ? NODE_FOLDER
                           : LINUX_S_ISLNK(inode.i_mode) ? NODE_LINK
                                                         : NODE_OTHER,
                   .id = number,
                   .size = EXT2_I_SIZE(&inode)};
    return true;
}

static void ext_root(void *fs, Node *node)
{
    (void)fs;
    *node = (Node){.kind = NODE_FOLDER, .id = EXT2_ROOT_INO};
}

static bool ext_find(void *fs, const Node *folder, const char *name, Node *node)
{
    ext2_ino_t number;
    return !ext2fs_lookup(fs, (ext2_ino_t)folder->id, name, (int)strlen(name), NULL, &number) &&
           describe(fs, number, node);
}

typedef struct Listing {
    bool (*entry)(void *opaque, const char *name);
    void *opaque;
    unsigned count;
} Listing;

static int list_one(struct ext2_dir_entry *entry, int offset, int block_size, char *block, void *opaque)
{
    Listing *listing = opaque;
    char name[EXT2_NAME_LEN + 1];
    int length = ext2fs_dirent_name_len(entry);
    (void)offset, (void)block_size, (void)block;
    if (!entry->inode || length > EXT2_NAME_LEN)
        return 0;
    memcpy(name, entry->name, (size_t)length);
    name[length] = '\0';
    bool more = listing->entry(listing->opaque, name) && ++listing->count < ENTRIES_MOST;
    return more ? 0 : DIRENT_ABORT;
}

static bool ext_list(void *fs, const Node *folder, bool (*entry)(void *opaque, const char *name),
                     void *opaque)
{
    Listing listing = {entry, opaque, 0};
    return !ext2fs_dir_iterate(fs, (ext2_ino_t)folder->id, 0, NULL, list_one, &listing);
}

/* Short targets are in the inode. */
static long read_short_link(ext2_filsys fs, const Node *node, uint64_t offset, void *data, size_t length)
{
    struct ext2_inode inode;
    if (ext2fs_read_inode(fs, (ext2_ino_t)node->id, &inode))
        return -1;
    if (!ext2fs_is_fast_symlink(&inode))
        return -2;
    size_t size = node->size < sizeof inode.i_block ? (size_t)node->size : sizeof inode.i_block;
    size_t rest = offset < size ? size - (size_t)offset : 0;
    size_t part = length < rest ? length : rest;
    memcpy(data, (const char *)inode.i_block + (rest ? offset : 0), part);
    return (long)part;
}

static long ext_read(void *opaque, const Node *node, uint64_t offset, void *data, size_t length)
{
    ext2_filsys fs = opaque;
    long got = node->kind == NODE_LINK ? read_short_link(fs, node, offset, data, length) : -2;
    if (got != -2)
        return got;
    ext2_file_t file;
    if (ext2fs_file_open(fs, (ext2_ino_t)node->id, 0, &file))
        return -1;
    unsigned done = 0;
    bool ok = !ext2fs_file_llseek(file, offset, EXT2_SEEK_SET, NULL) &&
              !ext2fs_file_read(file, data, (unsigned)length, &done);
    ext2fs_file_close(file);
    return ok ? (long)done : -1;
}

static const FileSystemOps ops = {ext_open, ext_close, ext_root, ext_find, ext_list, ext_read};
const FileSystemOps *const ext_ops = &ops;
