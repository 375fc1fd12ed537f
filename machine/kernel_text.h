/* What lines of a Linux kernel's log give away about why it does not get on. Private to machine/. */
#ifndef ARMATURE_MACHINE_KERNEL_TEXT_H
#define ARMATURE_MACHINE_KERNEL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { CLUE_LINE = 240, CLUE_WORD = 64 };

/* The best clue so far: 0 in `rank` means none, small ranks are the most telling. */
typedef struct KernelClue {
    unsigned rank;
    char line[CLUE_LINE]; /* the kernel's own words */
    /* What else is known of the boot: options of the command line ("" if not there), and an initrd. */
    char root[CLUE_WORD], rdinit[CLUE_WORD];
    bool initrd;
} KernelClue;

/* The text of a line after "<6>", "[    1.234567]" and the like. *time is set to the time stamp in
 * microseconds, UINT64_MAX if there is none; time may be NULL. */
const char *kernel_line_text(const char *line, uint64_t *time);

/* Looks at a line's text; keeps it if it is a better clue than the one before. True if it is. */
bool kernel_clue_look(KernelClue *clue, const char *text);

/* The same for every line of a longer text. */
void kernel_clue_look_all(KernelClue *clue, const char *text);

/* The clue as a sentence without a full stop, what to do included. Allocated; NULL if there is none. */
char *kernel_clue_explain(const KernelClue *clue);

/* Drops clues that belong to one oops or panic only. */
void kernel_clue_forget_report(KernelClue *clue);

#endif
