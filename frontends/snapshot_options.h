/* What `armature snapshot` understands. */
#ifndef ARMATURE_FRONTENDS_SNAPSHOT_OPTIONS_H
#define ARMATURE_FRONTENDS_SNAPSHOT_OPTIONS_H

#include "frontends/option_table.h"
#include "frontends/tool_command.h"

typedef struct SnapshotOptions {
    bool raw, remove, help;
    unsigned keep; /* 0: not given */
} SnapshotOptions;

extern const OptionTable snapshot_option_table;
extern const ToolCommands snapshot_commands;

#endif
