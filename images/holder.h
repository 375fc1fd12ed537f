/* Who holds a lock on a file: for messages. */
#ifndef ARMATURE_IMAGES_HOLDER_H
#define ARMATURE_IMAGES_HOLDER_H

#include <stddef.h>

/* "armature (process 123)", "this machine itself", or "another program" if the host does not tell. */
void lock_holder(int fd, char *text, size_t size);

#endif
