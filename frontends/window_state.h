/* What a window remembers from one run to the next, in $XDG_STATE_HOME/armature/window. */
#ifndef ARMATURE_FRONTENDS_WINDOW_STATE_H
#define ARMATURE_FRONTENDS_WINDOW_STATE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct WindowState {
    bool placed; /* x and y are known */
    int x, y;
    int width, height; /* 0: not known */
    bool maximized, smooth, status;
} WindowState;

/* The file's name; false if there is no home. */
bool window_state_path(char *path, size_t size);

/* Reads what makes sense in the file; a file that is not there, or none of ours, says nothing. */
void window_state_read(WindowState *state, const char *path);

/* Makes the folders that a file, with an absolute path, is to be in; false (errno is set) if that fails. */
bool window_state_folders(const char *path);

/* Replaces the file, and makes its folders; false (errno is set) if that fails. */
bool window_state_write(const WindowState *state, const char *path);

#endif
