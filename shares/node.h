/* The places that a client knows, as a tree of names: fids name nodes, and a renamed folder moves as a whole.
 * A node stands for a path, not for a file of the host: what is there now is looked up each time. Private to
 * shares/. */
#ifndef ARMATURE_SHARES_NODE_H
#define ARMATURE_SHARES_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shares/table.h"

typedef struct Node Node;
struct Node {
    ShareTableItem item;
    Node *parent; /* NULL: the root, or a node that is gone */
    char *name;
    uint32_t references;
    bool gone; /* removed by the client: nothing is at this path any more */
};

typedef struct Nodes {
    Node *root;
    ShareTable table; /* of all but the root */
} Nodes;

void nodes_init(Nodes *nodes);
void nodes_done(Nodes *nodes); /* nobody has a reference any more */

/* The node of that name in parent, made if there is none; the caller has a reference then. */
Node *node_child(Nodes *nodes, Node *parent, const char *name);
Node *node_ref(Node *node);
void node_unref(Nodes *nodes, Node *node); /* NULL is allowed */

/* The client removed what has this name. */
void node_removed(Nodes *nodes, Node *parent, const char *name);
/* The client renamed it; what was at the new place is gone. */
void node_renamed(Nodes *nodes, Node *parent, const char *name, Node *to, const char *new_name);

/* The path in the folder, "." for the root. 0, -ENOENT if it is gone, or -ENAMETOOLONG. */
int node_path(const Node *node, char *path, size_t size);

#endif
