#include "shares/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void nodes_init(Nodes *nodes)
{
    share_table_init(&nodes->table);
    nodes->root = must_have(calloc(1, sizeof *nodes->root));
    nodes->root->references = 1;
}

void nodes_done(Nodes *nodes)
{
    free(nodes->root);
    share_table_done(&nodes->table);
}

static size_t hash(const Node *parent, const char *name)
{
    uint64_t value = (uintptr_t)parent;
    for (; *name; name++)
        value = (value ^ (uint8_t)*name) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

static bool is_place(const void *item, const void *key)
{
    const Node *node = item, *place = key;
    return node->parent == place->parent && !strcmp(node->name, place->name);
}

/* NULL if nobody knows the place. */
static Node *find(const Nodes *nodes, Node *parent, const char *name)
{
    Node place = {.parent = parent, .name = (char *)name};
    return share_table_find(&nodes->table, hash(parent, name), is_place, &place);
}

Node *node_ref(Node *node)
{
    node->references++;
    return node;
}

/* At a place that nobody knows. */
static void put(Nodes *nodes, Node *node, Node *parent, const char *name)
{
    node->parent = node_ref(parent);
    node->name = must_have(strdup(name));
    share_table_add(&nodes->table, node, hash(parent, name));
}

Node *node_child(Nodes *nodes, Node *parent, const char *name)
{
    Node *node = find(nodes, parent, name);
    if (node)
        return node_ref(node);
    node = must_have(calloc(1, sizeof *node));
    node->references = 1;
    put(nodes, node, parent, name);
    return node;
}

/* Takes it out of the table; its parent's reference is the caller's then. */
static Node *cut(Nodes *nodes, Node *node)
{
    Node *parent = node->parent;
    if (!parent)
        return NULL;
    share_table_remove(&nodes->table, node);
    node->parent = NULL;
    return parent;
}

void node_unref(Nodes *nodes, Node *node)
{
    while (node && !--node->references) {
        Node *parent = cut(nodes, node);
        free(node->name);
        free(node);
        node = parent;
    }
}

static void lose(Nodes *nodes, Node *node)
{
    node->gone = true;
    node_unref(nodes, cut(nodes, node));
}

void node_removed(Nodes *nodes, Node *parent, const char *name)
{
    Node *node = find(nodes, parent, name);
    if (node)
        lose(nodes, node);
}

static bool is_within(const Node *node, const Node *ancestor)
{
    while (node && node != ancestor)
        node = node->parent;
    return node;
}

void node_renamed(Nodes *nodes, Node *parent, const char *name, Node *to, const char *new_name)
{
    Node *node = find(nodes, parent, name);
    if (node && node == find(nodes, to, new_name))
        return;
    node_removed(nodes, to, new_name);
    if (!node)
        return;
    /* The host's folders may be another tree than the client has seen. */
    if (is_within(to, node)) {
        lose(nodes, node);
        return;
    }
    Node *before = cut(nodes, node);
    free(node->name);
    put(nodes, node, to, new_name);
    node_unref(nodes, before);
}

int node_path(const Node *node, char *path, size_t size)
{
    size_t length = 0;
    if (!node->parent && !node->gone) {
        memcpy(path, ".", 2);
        return 0;
    }
    for (const Node *at = node; at->parent || at->gone; at = at->parent) {
        if (at->gone)
            return -ENOENT;
        length += strlen(at->name) + 1;
    }
    if (length > size)
        return -ENAMETOOLONG;
    char *end = path + length;
    for (const Node *at = node; at->parent; at = at->parent) {
        size_t part = strlen(at->name);
        *--end = at == node ? '\0' : '/';
        memcpy(end -= part, at->name, part);
    }
    return 0;
}
