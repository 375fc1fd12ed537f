/* Locks on the host's files, so that two machines never write one. They belong to the open file
 * (F_OFD_SETLK): two opens in one process exclude each other too, and they vanish with the process. */
#ifndef ARMATURE_MACHINE_FILE_LOCK_H
#define ARMATURE_MACHINE_FILE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/error.h"

/* Any number of readers, or one writer. False, with err set to who has it, if that cannot be now. True also
 * on a file system that has no locks. path: for the message. */
bool file_lock(int fd, const char *path, bool writes, Error *err);

/* Lets go of it. */
void file_unlock(int fd);

/* Who holds a lock: "armature (process 123)", "this machine itself", or "another program" if the host does
 * not tell. */
void file_lock_holder(int fd, char *text, size_t size);

#endif
