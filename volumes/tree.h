/* The files of an installed system as it sees them: its root file system, with another mounted at /boot. */
#ifndef ARMATURE_VOLUMES_TREE_H
#define ARMATURE_VOLUMES_TREE_H

#include "volumes/volume.h"

enum { TREE_PATH = 1024 };

typedef struct Tree {
    Volume *root; /* NULL: it cannot be read */
    Volume *boot; /* what is mounted at /boot; NULL: nothing */
} Tree;

typedef struct TreeFile {
    Volume *volume;
    Node node;
    char path[TREE_PATH]; /* without links */
} TreeFile;

/* path is absolute. Links are followed, the last one too. */
bool tree_find(const Tree *tree, const char *path, TreeFile *file);

/* As above, for a regular file with contents. */
bool tree_find_file(const Tree *tree, const char *path, TreeFile *file);

/* Reads a text, at most size - 1 bytes of it, and terminates it. False if there is none. */
bool tree_read_text(const Tree *tree, const char *path, char *text, size_t size);

/* Calls entry() for each name in a folder until it returns false. */
void tree_list(const Tree *tree, const char *path, bool (*entry)(void *opaque, const char *name),
               void *opaque);

#endif
