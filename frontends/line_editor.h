/* One line of input on a terminal, edited with libedit, from characters that arrive through callbacks. */
#ifndef ARMATURE_FRONTENDS_LINE_EDITOR_H
#define ARMATURE_FRONTENDS_LINE_EDITOR_H

#include <stddef.h>
#include <stdint.h>

#include "frontends/loop.h"

typedef struct LineEditor LineEditor;

typedef struct LineEditorOwner {
    /* A line was finished; the editor is inactive until line_editor_prompt(). */
    void (*line)(void *opaque, const char *line);
    /* Ctrl-D on an empty line. */
    void (*left)(void *opaque);
    /* The n-th word (from 0) that can stand at the end of `before`, where `word` begins; NULL after the last.
     * What follows it is "=" or a blank. Allocated. */
    char *(*complete)(void *opaque, const char *before, const char *word, unsigned n);
    void *opaque;
} LineEditorOwner;

/* For the terminal on stdin and stdout, which is in raw mode already. NULL if it is no terminal, or a dumb
 * one. */
LineEditor *line_editor_new(Loop *loop, const char *prompt, const LineEditorOwner *owner);
void line_editor_free(LineEditor *editor); /* NULL is allowed */

/* Shows the prompt and begins a line; what was typed ahead is in it already. */
void line_editor_prompt(LineEditor *editor);

/* Shows prompt and line again, after something else was printed. */
void line_editor_show(LineEditor *editor);

/* Leaves the line where it is and what was typed with it. */
void line_editor_stop(LineEditor *editor);

/* Characters from the keyboard. Without a prompt they wait. */
void line_editor_input(LineEditor *editor, const uint8_t *data, size_t length);

/* What was typed ahead is forgotten. */
void line_editor_forget(LineEditor *editor);

#endif
