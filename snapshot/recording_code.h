/* How entries are in a recording. Private to snapshot/. */
#ifndef ARMATURE_SNAPSHOT_RECORDING_CODE_H
#define ARMATURE_SNAPSHOT_RECORDING_CODE_H

/* Flags of an entry; channel and turn follow, a byte each; then, as LEB128 numbers, instructions and
 * nanoseconds since the entry before, and the number of bytes that follow. */
enum { ENTRY_RESULT = 1, ENTRY_SETTLED = 2 };

/* A chunk of entries is written when it has become as large, if nobody flushed before. */
enum { ENTRIES_AT_ONCE = 1 << 20 };

#endif
