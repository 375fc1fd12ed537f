/* `armature disk`: makes disk images and overlays, and looks after them. */
#ifndef ARMATURE_FRONTENDS_DISK_TOOL_H
#define ARMATURE_FRONTENDS_DISK_TOOL_H

#include "frontends/option_table.h"
#include "frontends/tool_command.h"

typedef struct DiskTool DiskTool; /* the words and options of a command line */

extern const ToolCommands disk_commands;
extern const OptionTable disk_option_table;

/* argv[0] is "disk". Returns the process's exit code. */
int disk_main(int argc, char **argv);

#endif
