#include "machine/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/checked.h"

/* File names and options may hold anything; the message stays one line. */
static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

bool error_set(Error *err, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        make_plain(err->text);
    }
    return false;
}

void out_of_memory(void)
{
    fputs("armature: no memory\n", stderr);
    abort();
}
