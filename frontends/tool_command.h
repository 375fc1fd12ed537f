/* The commands of `armature disk` and `armature snapshot`: for their help, the manual page and completion. */
#ifndef ARMATURE_FRONTENDS_TOOL_COMMAND_H
#define ARMATURE_FRONTENDS_TOOL_COMMAND_H

#include "machine/error.h"

struct DiskTool;

typedef struct ToolCommand {
    const char *name;
    const char *arguments;                                /* as the help shows them */
    const char *help;                                     /* one line */
    bool (*run)(const struct DiskTool *tool, Error *err); /* of `armature disk` */
} ToolCommand;

typedef struct ToolCommands {
    const char *tool; /* "disk" */
    const ToolCommand *command;
    unsigned count;
} ToolCommands;

#endif
