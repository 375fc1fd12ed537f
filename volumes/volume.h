/* What a partition, or a disk without partitions, holds: recognised by its contents, and read if it is a file
 * system of the kinds that kernels are booted from. */
#ifndef ARMATURE_VOLUMES_VOLUME_H
#define ARMATURE_VOLUMES_VOLUME_H

#include "volumes/partitions.h"
#include "volumes/source.h"

typedef enum NodeKind { NODE_FILE, NODE_FOLDER, NODE_LINK, NODE_OTHER } NodeKind;

/* A file of one file system. */
typedef struct Node {
    NodeKind kind;
    uint64_t id, size;
} Node;

/* A file system that can be read. All fail on damaged ones, and never read without end. */
typedef struct FileSystemOps {
    void *(*open)(const Source *source); /* NULL: it is damaged; source stays */
    void (*close)(void *fs);
    void (*root)(void *fs, Node *node);
    bool (*find)(void *fs, const Node *folder, const char *name, Node *node);
    /* Calls entry() for each name in a folder until it returns false. */
    bool (*list)(void *fs, const Node *folder, bool (*entry)(void *opaque, const char *name), void *opaque);
    /* How much was read of a file, or of a link's target; -1: failed. */
    long (*read)(void *fs, const Node *node, uint64_t offset, void *data, size_t length);
} FileSystemOps;

/* NULL: built without the library. */
extern const FileSystemOps *const ext_ops;
extern const FileSystemOps fat_ops;

enum { VOLUME_LABEL_TEXT = 64 };

typedef struct Volume {
    Source source;
    unsigned partition;       /* its number; 0: the whole disk */
    const char *type;         /* "ext2/3/4", "FAT", "LUKS" ...; NULL: unknown */
    bool is_root_type;        /* of a kind that Linux could have its root on */
    const FileSystemOps *ops; /* NULL: not readable */
    bool damaged;             /* of a kind that could be read */
    void *fs;
    char uuid[PARTITION_UUID_TEXT], label[VOLUME_LABEL_TEXT], partition_uuid[PARTITION_UUID_TEXT];
} Volume;

/* source stays as long as the volume, at its address. */
void volume_open(Volume *volume, const Source *source, const Partition *partition);
void volume_close(Volume *volume);

#endif
