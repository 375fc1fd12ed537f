/* A wire from an output of one part to an input of another. */
#ifndef ARMATURE_MACHINE_IRQ_H
#define ARMATURE_MACHINE_IRQ_H

#include <stdbool.h>
#include <stddef.h>

typedef struct IrqLine {
    void (*changed)(void *opaque, unsigned input, bool level); /* NULL = not connected */
    void *opaque;
    unsigned input; /* number handed to changed() */
    bool level;
} IrqLine;

/* Drives the line; the receiver is called only when the level changes. */
static inline void irq_set(IrqLine *line, bool level)
{
    if (line->level == level)
        return;
    line->level = level;
    if (line->changed)
        line->changed(line->opaque, line->input, level);
}

#endif
