/* `armature disk`: makes disk images and overlays, and looks after them. */
#ifndef ARMATURE_FRONTENDS_DISK_TOOL_H
#define ARMATURE_FRONTENDS_DISK_TOOL_H

#include "frontends/option_table.h"

typedef struct DiskTool DiskTool; /* the words and options of a command line */

typedef struct DiskCommand {
    const char *name;
    const char *arguments; /* as the help shows them */
    const char *help;      /* one line */
    bool (*run)(const DiskTool *tool, Error *err);
} DiskCommand;

extern const DiskCommand disk_commands[];
extern const unsigned disk_command_count;
extern const OptionTable disk_option_table;

/* argv[0] is "disk". Returns the process's exit code. */
int disk_main(int argc, char **argv);

#endif
