/* Files that appear at their path whole, or not at all, whatever kills the process or the host.
 *
 * A file has no name while it is written, if the file system can do that (O_TMPFILE): it vanishes with the
 * process. Otherwise it is .NAME.xxxxxxxx beside its path, xxxxxxxx at random, and locked (flock) as long as
 * somebody writes it. One that nobody locks was left by a process that was killed; the next who writes NAME
 * removes it. */
#ifndef ARMATURE_MACHINE_NEW_FILE_H
#define ARMATURE_MACHINE_NEW_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "machine/error.h"

typedef struct NewFile {
    int fd; /* to be read and written; -1: none */
    char *path;
    char *beside; /* the name that it has meanwhile; NULL: none */
    bool durable;
} NewFile;

/* Makes one that is to be at path, where a regular file may be already. durable: it takes long to write, and
 * must not be lost with the host's power once it is kept. False with err set to the reason alone;
 * new_file_drop() is allowed then. */
bool new_file_open(NewFile *file, const char *path, bool durable, Error *err);
/* To write it by; closed by the caller before new_file_keep(). NULL with errno set. */
FILE *new_file_stream(const NewFile *file);
/* Gives it its path, in place of what was there. Its contents have to be on the host's medium already if it
 * is to be durable (fsync); its name is afterwards. False with err set to the reason alone. */
bool new_file_keep(NewFile *file, Error *err);
/* Closes it, and removes it if it was not kept. */
void new_file_drop(NewFile *file);

/* A file in the folder that never has a name; close() removes it. -1 with errno set. */
int nameless_file(const char *folder);
/* The same in the folder of path. */
int nameless_file_beside(const char *path);
/* The names in the folder of path are on the host's medium. */
void sync_folder_of(const char *path);

#endif
