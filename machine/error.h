/* Errors that a user or the host causes (missing file, bad option, no memory).
 *
 * A function that can fail for such a reason takes an Error * as its last argument and returns false (or
 * NULL) after error_set(). Whoever handles the error prints it; only main.c ends the process. */
#ifndef ARMATURE_MACHINE_ERROR_H
#define ARMATURE_MACHINE_ERROR_H

#include <stdbool.h>

typedef struct Error {
    char text[1024]; /* one line, no newline: what was wrong, where, and what to do */
} Error;

/* Formats the message into err (err may be NULL). Always returns false, so that callers can `return
 * error_set(...)`. */
bool error_set(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
