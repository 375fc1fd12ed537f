/* A binary tree and a list of records: allocate, insert, look up, rotate, delete. */
#include "workload.h"

#include <stdlib.h>

#define KEYS 4096

typedef struct Record {
    struct Record *left, *right, *next;
    uint32_t key, priority, visits;
    uint16_t tag;
    uint8_t kind;
} Record;

static Record *list;

static Record *rotate_left(Record *top)
{
    Record *right = top->right;

    top->right = right->left;
    right->left = top;
    return right;
}

static Record *rotate_right(Record *top)
{
    Record *left = top->left;

    top->left = left->right;
    left->right = top;
    return left;
}

/* A treap: ordered by key, a heap by priority. */
static Record *insert(Record *top, uint32_t key, uint32_t priority)
{
    if (!top) {
        Record *record = calloc(1, sizeof *record);
        require(record != NULL, "memory");
        *record =
            (Record){.next = list, .key = key, .priority = priority, .tag = (uint16_t)key, .kind = key % 7};
        return list = record;
    }
    if (key < top->key) {
        top->left = insert(top->left, key, priority);
        return top->left->priority > top->priority ? rotate_right(top) : top;
    }
    if (key > top->key) {
        top->right = insert(top->right, key, priority);
        return top->right->priority > top->priority ? rotate_left(top) : top;
    }
    top->visits++;
    return top;
}

static Record *find(Record *top, uint32_t key)
{
    while (top && top->key != key)
        top = key < top->key ? top->left : top->right;
    return top;
}

uint32_t run(unsigned units)
{
    uint32_t state = 314159265, hash = 0;

    for (unsigned unit = 0; unit < units; unit++) {
        Record *tree = NULL;
        for (int i = 0; i < KEYS; i++) {
            uint32_t key = next_random(&state) % (2 * KEYS);
            tree = insert(tree, key, next_random(&state));
        }
        for (uint32_t key = 0; key < 2 * KEYS; key++) {
            Record *record = find(tree, key);
            if (record)
                hash += record->visits + record->kind;
        }
        for (Record *record = list, *next; record; record = next) {
            next = record->next;
            hash = mix(hash, record->tag);
            free(record);
        }
        list = NULL;
    }
    return hash;
}
