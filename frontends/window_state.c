/* The file has lines "name = number". */
#define _GNU_SOURCE
#include "frontends/window_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "machine/new_file.h"

enum { FARTHEST = 1 << 16, LEAST = 64, LINES_MOST = 64 };

typedef struct Values {
    int x, y, width, height, maximized, smooth, status;
} Values;

typedef struct Row {
    const char *name;
    size_t field;
    int least, most;
} Row;

#define AT(name) #name, offsetof(Values, name)
static const Row rows[] = {
    {AT(x),         -FARTHEST, FARTHEST},
    {AT(y),         -FARTHEST, FARTHEST},
    {AT(width),     LEAST,     FARTHEST},
    {AT(height),    LEAST,     FARTHEST},
    {AT(maximized), 0,         1       },
    {AT(smooth),    0,         1       },
    {AT(status),    0,         1       },
};
enum { ROWS = sizeof rows / sizeof *rows };

static int *field(Values *values, const Row *row)
{
    return (int *)((char *)values + row->field);
}

bool window_state_path(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length;
    if (state && *state == '/')
        length = snprintf(path, size, "%s/armature/window", state);
    else if (home && *home == '/')
        length = snprintf(path, size, "%s/.local/state/armature/window", home);
    else
        return false;
    return length > 0 && (size_t)length < size;
}

/* Which rows were given. */
static unsigned read_lines(FILE *file, Values *values)
{
    char line[80], name[16], end;
    unsigned given = 0;
    for (int lines = 0; lines < LINES_MOST && fgets(line, sizeof line, file); lines++) {
        long number;
        if (sscanf(line, "%15[a-z] = %9ld %c", name, &number, &end) != 2)
            continue;
        for (unsigned n = 0; n < ROWS; n++) {
            if (strcmp(name, rows[n].name) || number < rows[n].least || number > rows[n].most)
                continue;
            *field(values, &rows[n]) = (int)number;
            given |= 1u << n;
        }
    }
    return given;
}

void window_state_read(WindowState *state, const char *path)
{
    struct stat info;
    Values values = {0};
    *state = (WindowState){0};
    if (stat(path, &info) || !S_ISREG(info.st_mode))
        return;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    unsigned given = read_lines(file, &values);
    fclose(file);
    state->placed = (given & 3) == 3;
    state->x = state->placed ? values.x : 0;
    state->y = state->placed ? values.y : 0;
    bool sized = (given & 12) == 12;
    state->width = sized ? values.width : 0;
    state->height = sized ? values.height : 0;
    state->maximized = values.maximized;
    state->smooth = values.smooth;
    state->status = values.status;
}

bool window_state_folders(const char *path)
{
    char folder[4096];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        if ((size_t)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) >= sizeof folder)
            return false;
        if (mkdir(folder, 0700) && errno != EEXIST)
            return false;
    }
    return true;
}

static void write_lines(FILE *file, const WindowState *state)
{
    Values values = {state->x,         state->y,      state->width, state->height,
                     state->maximized, state->smooth, state->status};
    for (unsigned n = 0; n < ROWS; n++) {
        bool known = n < 2 ? state->placed : n < 4 ? state->width > 0 : true;
        if (known)
            fprintf(file, "%s = %d\n", rows[n].name, *field(&values, &rows[n]));
    }
}

bool window_state_write(const WindowState *state, const char *path)
{
    NewFile file;
    if (!window_state_folders(path))
        return false;
    bool ok = new_file_open(&file, path, false, NULL);
    FILE *out = ok ? new_file_stream(&file) : NULL;
    if (out)
        write_lines(out, state);
    ok = out && !ferror(out);
    ok = out && !fclose(out) && ok && new_file_keep(&file, NULL);
    new_file_drop(&file);
    return ok;
}
