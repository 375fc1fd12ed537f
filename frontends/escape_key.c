#include "frontends/escape_key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Ctrl takes the low five bits of what is in the columns @A-Z[\]^_. */
bool escape_key_parse(const char *text, int *key, Error *err)
{
    static const char *const prefixes[] = {"ctrl-", "ctrl+", "c-", "^"};
    *key = -1;
    if (!strcasecmp(text, "none"))
        return true;
    for (unsigned n = 0; n < sizeof prefixes / sizeof *prefixes; n++) {
        size_t length = strlen(prefixes[n]);
        if (strncasecmp(text, prefixes[n], length) || !text[length] || text[length + 1])
            continue;
        int letter = toupper((unsigned char)text[length]);
        if (letter > '@' && letter <= '_') {
            *key = letter & 0x1f;
            return true;
        }
    }
    return error_set(err, "give a key such as Ctrl-A, Ctrl-] or ^T, or none");
}

void escape_key_name(int key, char name[ESCAPE_KEY_NAME])
{
    snprintf(name, ESCAPE_KEY_NAME, key < 0 ? "none" : "Ctrl-%c", (key & 0x1f) | '@');
}
