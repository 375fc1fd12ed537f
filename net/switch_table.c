#include "net/switch_table.h"

#include <string.h>

void switch_table_init(SwitchTable *table)
{
    for (unsigned n = 0; n < SWITCH_ADDRESSES; n++)
        table->entry[n].port = -1;
}

/* One place for each address: who comes later takes it, so that made-up addresses cost nobody more than
 * frames that go to all. */
static unsigned place(const uint8_t *mac)
{
    uint32_t hash = 2166136261u;
    for (unsigned n = 0; n < NET_MAC; n++)
        hash = (hash ^ mac[n]) * 16777619u;
    return (hash ^ hash >> 16) % SWITCH_ADDRESSES;
}

int switch_table_pass(SwitchTable *table, const uint8_t *frame, int from)
{
    const uint8_t *to = frame, *sender = frame + NET_MAC;
    if (!(sender[0] & 1)) {
        unsigned at = place(sender);
        memcpy(table->entry[at].mac, sender, NET_MAC);
        table->entry[at].port = (int16_t)from;
    }
    unsigned at = place(to);
    if (to[0] & 1 || table->entry[at].port < 0 || memcmp(table->entry[at].mac, to, NET_MAC) != 0)
        return SWITCH_EVERY_PORT;
    return table->entry[at].port;
}

void switch_table_forget(SwitchTable *table, int port)
{
    for (unsigned n = 0; n < SWITCH_ADDRESSES; n++)
        if (table->entry[n].port == port)
            table->entry[n].port = -1;
}
