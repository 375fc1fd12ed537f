#include "frontends/spec.h"

#include <stddef.h>
#include <string.h>

char *spec_cut_place(char *text)
{
    char *to = text, *from = text;
    for (; *from && (*from != ',' || from[1] == ','); from++) {
        from += *from == ',';
        *to++ = *from;
    }
    char *options = *from ? from + 1 : NULL;
    *to = 0;
    return options;
}

char *spec_cut_option(char *options)
{
    char *comma = strchr(options, ',');
    if (!comma)
        return NULL;
    *comma = 0;
    return comma + 1;
}
