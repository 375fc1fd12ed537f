/* See tree.h. A path is resolved name by name into one without links, which says what is mounted where. */
#include "volumes/tree.h"

#include <stdio.h>
#include <string.h>

enum { LINKS_MOST = 40, NAME_MOST = 255 }; /* Linux's limits */

/* The file at a path that has no links in it. */
static bool find_plain(const Tree *tree, const char *path, TreeFile *file)
{
    bool in_boot = tree->boot && !strncmp(path, "/boot", 5) && (!path[5] || path[5] == '/');
    const char *at = in_boot ? path + 5 : path;
    file->volume = in_boot ? tree->boot : tree->root;
    if (!file->volume)
        return false;
    snprintf(file->path, sizeof file->path, "%s", path);
    file->volume->ops->root(file->volume->fs, &file->node);
    while (*(at += strspn(at, "/"))) {
        char name[NAME_MOST + 1];
        Node folder = file->node;
        size_t length = strcspn(at, "/");
        if (length > NAME_MOST || folder.kind != NODE_FOLDER)
            return false;
        memcpy(name, at, length);
        name[length] = '\0';
        if (!file->volume->ops->find(file->volume->fs, &folder, name, &file->node))
            return false;
        at += length;
    }
    return true;
}

/* Puts the target of a link before what is left of the path. */
static bool splice_link(const TreeFile *link, char *rest, char *at)
{
    char target[TREE_PATH];
    long got = link->volume->ops->read(link->volume->fs, &link->node, 0, target, sizeof target - 1);
    if (got <= 0 || memchr(target, '\0', (size_t)got))
        return false;
    target[got] = '\0';
    if (target[0] == '/')
        at[0] = '\0';
    if (strlen(target) + strlen(rest) + 2 > TREE_PATH)
        return false;
    size_t length = strlen(target);
    memmove(rest + length + 1, rest, strlen(rest) + 1);
    memcpy(rest, target, length);
    rest[length] = '/';
    return true;
}

/* Takes one name off rest, and adds it to the path without links. */
static bool add_name(char *rest, char *at)
{
    size_t slashes = strspn(rest, "/");
    memmove(rest, rest + slashes, strlen(rest + slashes) + 1);
    size_t length = strcspn(rest, "/"), end = strlen(at);
    if (length == 2 && !strncmp(rest, "..", 2)) {
        char *slash = strrchr(at, '/');
        if (slash)
            *slash = '\0';
    } else if (length && !(length == 1 && rest[0] == '.')) {
        if (end + length + 2 > TREE_PATH)
            return false;
        at[end] = '/';
        memcpy(at + end + 1, rest, length);
        at[end + 1 + length] = '\0';
    }
    memmove(rest, rest + length, strlen(rest + length) + 1);
    return true;
}

bool tree_find(const Tree *tree, const char *path, TreeFile *file)
{
    char rest[TREE_PATH], at[TREE_PATH] = "";
    unsigned links = 0;
    if (strlen(path) >= sizeof rest)
        return false;
    snprintf(rest, sizeof rest, "%s", path);
    while (rest[strspn(rest, "/")]) {
        size_t before = strlen(at);
        if (!add_name(rest, at) || strlen(at) <= before)
            continue;
        if (!find_plain(tree, at, file))
            return false;
        if (file->node.kind == NODE_LINK) {
            at[before] = '\0';
            if (++links > LINKS_MOST || !splice_link(file, rest, at))
                return false;
        }
    }
    return find_plain(tree, at, file);
}

bool tree_find_file(const Tree *tree, const char *path, TreeFile *file)
{
    return tree_find(tree, path, file) && file->node.kind == NODE_FILE && file->node.size;
}

bool tree_read_text(const Tree *tree, const char *path, char *text, size_t size)
{
    TreeFile file;
    long got = tree_find_file(tree, path, &file)
                   ? file.volume->ops->read(file.volume->fs, &file.node, 0, text, size - 1)
                   : -1;
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

void tree_list(const Tree *tree, const char *path, bool (*entry)(void *opaque, const char *name),
               void *opaque)
{
    TreeFile folder;
    if (tree_find(tree, path, &folder) && folder.node.kind == NODE_FOLDER)
        folder.volume->ops->list(folder.volume->fs, &folder.node, entry, opaque);
}
