/* `armature snapshot`: what can be done with a snapshot's file without running it. */
#ifndef ARMATURE_FRONTENDS_SNAPSHOT_COMMAND_H
#define ARMATURE_FRONTENDS_SNAPSHOT_COMMAND_H

/* argv[0] is "snapshot". Returns the process's exit code: 0, 1 (the file is no good, or cannot be written),
 * 64 (bad usage). */
int snapshot_main(int argc, char **argv);

#endif
