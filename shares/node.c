#include "shares/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void nodes_init(Nodes *nodes)
{
    *nodes = (Nodes){.root = must(calloc(1, sizeof(Node))), .buckets = FIRST_BUCKETS};
    nodes->root->references = 1;
    nodes->bucket = must(calloc(nodes->buckets, sizeof *nodes->bucket));
}

void nodes_done(Nodes *nodes)
{
    free(nodes->root);
    free(nodes->bucket);
}

static size_t hash(const Node *parent, const char *name)
{
    uint64_t value = (uintptr_t)parent;
    for (; *name; name++)
        value = (value ^ (uint8_t)*name) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

static Node **place(Nodes *nodes, const Node *parent, const char *name)
{
    Node **at = &nodes->bucket[hash(parent, name) & (nodes->buckets - 1)];
    while (*at && ((*at)->parent != parent || strcmp((*at)->name, name)))
        at = &(*at)->next;
    return at;
}

static void grow(Nodes *nodes)
{
    Node **old = nodes->bucket;
    size_t count = nodes->buckets;
    nodes->buckets *= 2;
    nodes->bucket = must(calloc(nodes->buckets, sizeof *nodes->bucket));
    for (size_t n = 0; n < count; n++)
        for (Node *node = old[n], *next; node; node = next) {
            next = node->next;
            node->next = NULL;
            *place(nodes, node->parent, node->name) = node;
        }
    free(old);
}

Node *node_ref(Node *node)
{
    node->references++;
    return node;
}

Node *node_child(Nodes *nodes, Node *parent, const char *name)
{
    Node **at = place(nodes, parent, name);
    if (*at)
        return node_ref(*at);
    if (nodes->count >= nodes->buckets) {
        grow(nodes);
        at = place(nodes, parent, name);
    }
    Node *node = must(calloc(1, sizeof *node));
    node->parent = node_ref(parent);
    node->name = must(strdup(name));
    node->references = 1;
    nodes->count++;
    *at = node;
    return node;
}

/* Takes it out of the table; its parent's reference is the caller's then. */
static Node *cut(Nodes *nodes, Node *node)
{
    Node *parent = node->parent;
    if (!parent)
        return NULL;
    *place(nodes, parent, node->name) = node->next;
    node->parent = node->next = NULL;
    nodes->count--;
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
    Node *node = *place(nodes, parent, name);
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
    Node *node = *place(nodes, parent, name);
    if (node && node == *place(nodes, to, new_name))
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
    node->name = must(strdup(new_name));
    node->parent = node_ref(to);
    nodes->count++;
    *place(nodes, to, new_name) = node;
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
