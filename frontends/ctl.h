/* `armature ctl`: calls an operation of a running machine from a command line. */
#ifndef ARMATURE_FRONTENDS_CTL_H
#define ARMATURE_FRONTENDS_CTL_H

/* argv[0] is "ctl". Returns the process's exit code: 0, 1 (the operation failed, or the guest's command did),
 * 64 (bad usage), 70 (no connection). */
int ctl_main(int argc, char **argv);

#endif
