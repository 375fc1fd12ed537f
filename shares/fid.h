/* A client's handles: a table from the client's numbers to nodes, open files and extended attributes. Private
 * to shares/. */
#ifndef ARMATURE_SHARES_FID_H
#define ARMATURE_SHARES_FID_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "shares/listing.h"
#include "shares/node.h"
#include "shares/table.h"

/* Numbers are saved in snapshots: only add at the end. */
typedef enum FidKind {
    FID_PLACE,       /* not open */
    FID_FILE,        /* an open file: fd */
    FID_FOLDER,      /* an open folder: fd and listing */
    FID_XATTR_READ,  /* an extended attribute's value, or the list of their names */
    FID_XATTR_WRITE, /* a value that is being written; stored when the fid is clunked */
    FID_STALE,       /* was loaded from a snapshot, but the host has it no more: ESTALE for everything */
    FID_KINDS
} FidKind;

typedef struct Fid Fid;
struct Fid {
    ShareTableItem item;
    uint32_t number;
    Node *node;
    FidKind kind;
    uint32_t user;  /* guest's number of the user who attached */
    uint32_t flags; /* FID_FILE, FID_FOLDER: of Tlopen; FID_XATTR_WRITE: of Txattrcreate */
    int fd;         /* -1: none */
    Listing *listing;
    bool locked; /* has asked for locks */
    /* FID_XATTR_*: */
    uint8_t *value;
    size_t size, written;
    char name[NAME_MAX + 1];
};

typedef ShareTable Fids;

Fid *fid_find(const Fids *fids, uint32_t number); /* NULL if there is none */
/* A fid that does not exist yet, FID_PLACE; takes over the reference to node. */
Fid *fid_new(Fids *fids, uint32_t number, Node *node, uint32_t user);
/* Closes, frees. */
void fid_remove(Fids *fids, Nodes *nodes, Fid *fid);

#endif
