/* What a switch has learnt: behind which of its ports an address was seen last. Bounded; an address that is
 * not there goes to all ports. */
#ifndef ARMATURE_NET_SWITCH_TABLE_H
#define ARMATURE_NET_SWITCH_TABLE_H

#include <stdint.h>

#include "machine/net.h"

enum { SWITCH_ADDRESSES = 1024, SWITCH_EVERY_PORT = -1 };

typedef struct SwitchTable {
    struct {
        uint8_t mac[NET_MAC];
        int16_t port; /* -1: unused */
    } entry[SWITCH_ADDRESSES];
} SwitchTable;

void switch_table_init(SwitchTable *table);
/* Learns from a frame where its sender is, and says where it goes: a port, or SWITCH_EVERY_PORT (but `from`).
 */
int switch_table_pass(SwitchTable *table, const uint8_t *frame, int from);
/* Forgets what is behind a port. */
void switch_table_forget(SwitchTable *table, int port);

#endif
