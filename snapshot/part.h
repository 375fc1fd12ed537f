/* The parts that a machine's state consists of, as tables of fields: what snapshots save and hashes cover.
 *
 * Devices bring their tables along (devices/device.h). CPUs are described in cpu_fields.c. The rest of the
 * machine (queues of wires, who runs next, semihosting) is copied into views (views.h), small structs with
 * tables, and back. All values are little-endian in memory, as they are in files. */
#ifndef ARMATURE_SNAPSHOT_PART_H
#define ARMATURE_SNAPSHOT_PART_H

#include "machine/machine.h"

enum { PARTS_MOST = MAX_DEVICES + 3 * MAX_CPUS + 40, PART_NAME = 24, ITEM_NAME = 64 };

enum {
    PART_NOT_HASHED = 1, /* follows from what the engine did, not from what the guest sees */
};

typedef struct Part {
    char name[PART_NAME]; /* "cpu0", "uart0" */
    const char *type;     /* "cpu", "pl011" */
    uint32_t version;     /* of its fields */
    unsigned flags;
    void *base;
    const FieldDef *fields;
    unsigned field_count;
    const RegDef *regs; /* devices */
    unsigned reg_count;
    Device *device; /* NULL: none; its output lines are saved, too */
    Cpu *cpu;       /* NULL: none */
} Part;

/* How an item's elements are in files: the codes are those of the format. */
typedef enum ItemKind {
    ITEM_U8 = 'b',
    ITEM_U16 = 'h',
    ITEM_U32 = 'w',
    ITEM_U64 = 'q',
    ITEM_BOOL = 't',
    ITEM_TIMER = 'd', /* as 64 bits: when it is due */
    ITEM_MEMORY = 'm' /* any number of bytes: 64 bits of length before them */
} ItemKind;

/* A field or register that is saved. */
typedef struct Item {
    char name[ITEM_NAME];
    ItemKind kind;
    uint32_t count;  /* elements */
    uint8_t *at;     /* the first */
    uint32_t stride; /* bytes from one to the next */
    uint32_t since;  /* version of the part that introduced it */
    bool hashed;
    bool reg; /* a register: if it is missing, it has its reset value */
    uint32_t reset;
} Item;

/* The items of a part in the order of its tables, registers first; returns how many. items may be NULL. */
unsigned part_items(const Part *part, Item *items);

/* Bytes of an element in a file; 0 for ITEM_MEMORY. */
unsigned item_size(ItemKind kind);

struct Views;

/* All parts of a machine. */
typedef struct Parts {
    Machine *machine;
    Part part[PARTS_MOST];
    unsigned count;
    struct Views *views; /* owned */
} Parts;

/* Describes the machine as it stands, between instructions: views are filled, and what has several
 * representations is brought into one. With empty views for a state that is about to be loaded. */
void parts_take(Parts *parts, Machine *machine);
void parts_prepare(Parts *parts, Machine *machine);
void parts_free(Parts *parts);

/* NULL if there is none of that name. */
const Part *parts_find(const Parts *parts, const char *name);

/* ---- The tables ---- */

typedef struct FieldTable {
    const FieldDef *fields;
    unsigned count;
} FieldTable;

extern const FieldTable cpu_table;
/* These only say where every member of Machine and DeviceEnv is saved, or why not: all are transient. */
extern const FieldTable machine_table, env_table, options_table;

#endif
