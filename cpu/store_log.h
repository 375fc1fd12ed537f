/* What stores overwrote, so that they can be taken back: while Cpu.stores is set, and Cpu.tlb and Cpu.fast
 * let no access bypass mmu/access.c. */
#ifndef ARMATURE_CPU_STORE_LOG_H
#define ARMATURE_CPU_STORE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { STORE_LOG_ROOM = 4096 };

typedef struct StoreLogEntry {
    uint8_t *host;
    uint64_t before, after; /* after: for who takes it back, to compare */
    uint8_t size;           /* 1 to 8 bytes */
} StoreLogEntry;

typedef struct StoreLog {
    unsigned count;
    bool final; /* something was accessed that is no memory, or the log is full: it cannot be taken back */
    StoreLogEntry entry[STORE_LOG_ROOM];
} StoreLog;

/* Memory at host is about to be written. */
static inline void store_log_add(StoreLog *log, uint8_t *host, unsigned size)
{
    if (log->count == STORE_LOG_ROOM) {
        log->final = true;
        return;
    }
    StoreLogEntry *entry = &log->entry[log->count++];
    *entry = (StoreLogEntry){.host = host, .size = (uint8_t)size};
    memcpy(&entry->before, host, size);
}

#endif
