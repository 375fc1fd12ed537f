/* See fstab.h. */
#include "volumes/fstab.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The next word of a line, with its octal escapes resolved. */
static const char *take_word(const char *at, char *word, size_t size)
{
    size_t length = 0;
    at += strspn(at, " \t");
    for (; *at && !isspace((unsigned char)*at); at++) {
        char c = *at;
        if (c == '\\' && strspn(at + 1, "01234567") >= 3) {
            c = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 3;
        }
        if (length + 1 < size)
            word[length++] = c;
    }
    word[length] = '\0';
    return at;
}

bool fstab_find(const char *fstab, const char *folder, char spec[FSTAB_SPEC])
{
    for (const char *line = fstab; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char where[FSTAB_SPEC];
        const char *at = take_word(line, spec, FSTAB_SPEC);
        take_word(at, where, sizeof where);
        if (spec[0] && spec[0] != '#' && !strcmp(where, folder))
            return true;
    }
    return false;
}

/* The text behind a prefix, without quotes; NULL: it begins otherwise. */
static const char *behind(const char *spec, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncasecmp(spec, prefix, length) ? NULL : spec + length;
}

static bool is_text(const char *wanted, const char *text)
{
    size_t quoted = *wanted == '"' ? 1 : 0, length = strlen(wanted) - 2 * quoted;
    return *text && strlen(wanted) >= 2 * quoted && strlen(text) == length &&
           !strncasecmp(wanted + quoted, text, length);
}

/* /dev/vda1, /dev/mmcblk0p2, /dev/sdb: the number at the end of the name, 0 if there is none. */
static unsigned device_number(const char *name)
{
    size_t length = strlen(name), digits = 0;
    while (digits < length && isdigit((unsigned char)name[length - 1 - digits]))
        digits++;
    bool counted = behind(name, "/dev/mmcblk") || behind(name, "/dev/nvme");
    if (counted && (digits == length || name[length - 1 - digits] != 'p'))
        return 0;
    return (unsigned)strtoul(name + length - digits, NULL, 10);
}

bool fstab_matches(const char *spec, const Volume *volume)
{
    const struct {
        const char *prefix, *text;
    } names[] = {
        {"UUID=",                  volume->uuid          },
        {"LABEL=",                 volume->label         },
        {"PARTUUID=",              volume->partition_uuid},
        {"/dev/disk/by-uuid/",     volume->uuid          },
        {"/dev/disk/by-label/",    volume->label         },
        {"/dev/disk/by-partuuid/", volume->partition_uuid},
    };
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
        const char *wanted = behind(spec, names[n].prefix);
        if (wanted)
            return is_text(wanted, names[n].text);
    }
    return behind(spec, "/dev/") && !strchr(spec + 5, '/') && device_number(spec) == volume->partition;
}
