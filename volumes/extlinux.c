/* See extlinux.h. A line is a word, in any case, and a value. */
#include "volumes/extlinux.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE = 4096, LABEL = 128 };

/* Cuts the next line into a word and the rest, without blanks around. Returns where the next begins. */
static const char *take_line(const char *at, char *line, char **word, char **value)
{
    size_t whole = strcspn(at, "\n"), length = whole < LINE - 1 ? whole : LINE - 1;
    memcpy(line, at, length);
    while (length && strchr(" \t\r", line[length - 1]))
        length--;
    line[length] = '\0';
    *word = line + strspn(line, " \t");
    *value = *word + strcspn(*word, " \t=");
    if (**value)
        *(*value)++ = '\0';
    *value += strspn(*value, " \t=");
    return at + whole + (at[whole] == '\n');
}

static void find_default(const char *text, char *label)
{
    char line[LINE], *word, *value;
    label[0] = '\0';
    while (*text) {
        text = take_line(text, line, &word, &value);
        if (!strcasecmp(word, "default"))
            snprintf(label, LABEL, "%s", value);
    }
}

static void take_value(ExtlinuxEntry *entry, const char *word, const char *value)
{
    if (!strcasecmp(word, "kernel") || !strcasecmp(word, "linux"))
        snprintf(entry->kernel, sizeof entry->kernel, "%s", value);
    else if (!strcasecmp(word, "initrd"))
        snprintf(entry->initrd, sizeof entry->initrd, "%s", value);
    else if (!strcasecmp(word, "append"))
        snprintf(entry->append, sizeof entry->append, "%s", value);
}

/* The entry of that label, or the first if wanted is "". */
static bool find_entry(const char *text, const char *wanted, ExtlinuxEntry *entry)
{
    char line[LINE], *word, *value;
    bool inside = false;
    *entry = (ExtlinuxEntry){.kernel = ""};
    while (*text) {
        text = take_line(text, line, &word, &value);
        if (!strcasecmp(word, "label")) {
            if (inside && entry->kernel[0])
                break;
            inside = !wanted[0] || !strncmp(value, wanted, LABEL - 1);
        } else if (inside) {
            take_value(entry, word, value);
        }
    }
    return entry->kernel[0];
}

bool extlinux_parse(const char *text, ExtlinuxEntry *entry)
{
    char label[LABEL];
    find_default(text, label);
    return (label[0] && find_entry(text, label, entry)) || find_entry(text, "", entry);
}
