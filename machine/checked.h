/* Allocation of what is small: a host that has not even that is beyond help. */
#ifndef ARMATURE_MACHINE_CHECKED_H
#define ARMATURE_MACHINE_CHECKED_H

#include <stdnoreturn.h>

/* Ends the process with a line of text. */
noreturn void out_of_memory(void);

/* memory, which malloc() and its like returned; NULL does not come back. */
static inline void *checked(void *memory)
{
    if (!memory)
        out_of_memory();
    return memory;
}

#endif
