#include "frontends/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { QUOTE = '"' };

/* ---- Reading ---------------------------------------------------------------------------------- */

char *config_load(const char *path, size_t *length, Error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(err, "cannot read configuration %.400s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(CONFIG_MOST_BYTES + 2);
    *length = text ? fread(text, 1, CONFIG_MOST_BYTES + 1, file) : 0;
    if (!text)
        error_set(err, "no memory for configuration %.400s", path);
    else if (ferror(file))
        error_set(err, "cannot read configuration %.400s: %s", path, strerror(errno));
    else if (*length > CONFIG_MOST_BYTES)
        error_set(err, "configuration %.400s is larger than %d bytes", path, CONFIG_MOST_BYTES);
    else if (memchr(text, 0, *length))
        error_set(err, "configuration %.400s is no text: it holds a zero byte", path);
    else {
        text[*length] = 0;
        fclose(file);
        return text;
    }
    free(text);
    fclose(file);
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Cuts blanks off both ends. */
static char *trim(char *text, char *end)
{
    while (text < end && is_blank(*text))
        text++;
    while (text < end && is_blank(end[-1]))
        end--;
    *end = 0;
    return text;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    return isxdigit((unsigned char)c) ? (int)(strchr(digits, tolower((unsigned char)c)) - digits) : -1;
}

/* One escape after a backslash at *from; moves past it. Returns -1 if there is no such escape. */
static int unescape(const char **from)
{
    static const char letters[] = "ntrab\\\"", bytes[] = "\n\t\r\a\b\\\"";
    char c = *(*from)++;
    const char *at = c ? strchr(letters, c) : NULL;
    if (at)
        return (unsigned char)bytes[at - letters];
    int high = c == 'x' ? hex_digit((*from)[0]) : -1;
    int low = high >= 0 ? hex_digit((*from)[1]) : -1;
    *from += low >= 0 ? 2 : 0;
    return low >= 0 && (high || low) ? high << 4 | low : -1;
}

/* Replaces a quoted value by what it stands for. NULL: fine; else what is wrong. */
static const char *unquote(char *text)
{
    const char *from = text + 1;
    char *to = text;
    while (*from && *from != QUOTE) {
        int byte = *from == '\\' ? (from++, unescape(&from)) : (unsigned char)*from++;
        if (byte < 0)
            return "there is no such escape; known are \\n \\t \\r \\a \\b \\\\ \\\" and \\x01 to \\xff";
        *to++ = (char)byte;
    }
    if (!*from)
        return "the closing quote is missing";
    if (from[1])
        return "something follows the closing quote";
    *to = 0;
    return NULL;
}

static bool parse_line(const char *file, char *line, char *end, unsigned number, ConfigEntry *entry,
                       void *opaque, Error *err)
{
    line = trim(line, end);
    if (!*line || *line == '#')
        return true;
    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return error_set(err, "%.400s:%u: %.64s: give name = value", file, number, line);
    char *name = trim(line, equals), *value = trim(equals + 1, equals + 1 + strlen(equals + 1));
    const char *wrong = *value == QUOTE ? unquote(value) : NULL;
    if (wrong)
        return error_set(err, "%.400s:%u: %.64s: %s", file, number, name, wrong);
    return entry(opaque, name, value, number, err);
}

bool config_parse(const char *file, char *text, size_t length, ConfigEntry *entry, void *opaque, Error *err)
{
    char *end = text + length;
    unsigned number = 0;
    if (length >= 3 &&
        !memcmp(text, "\xef\xbb\xbf", 3)) /* some editors begin a file with a byte order mark */
        text += 3;
    while (text < end) {
        char *newline = memchr(text, '\n', (size_t)(end - text)), *stop = newline ? newline : end;
        if (!parse_line(file, text, stop, ++number, entry, opaque, err))
            return false;
        text = stop + 1;
    }
    return true;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static bool is_plain(const char *value)
{
    size_t length = strlen(value);
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return length && *value != QUOTE && !is_blank(value[0]) && !is_blank(value[length - 1]);
}

void config_write_value(FILE *out, const char *value)
{
    if (is_plain(value)) {
        fputs(value, out);
        return;
    }
    fputc(QUOTE, out);
    for (const char *p = value; *p; p++) {
        if (*p == '\n')
            fputs("\\n", out);
        else if (*p == '\\' || *p == QUOTE)
            fprintf(out, "\\%c", *p);
        else if ((unsigned char)*p < ' ' || *p == 0x7f)
            fprintf(out, "\\x%02x", (unsigned char)*p);
        else
            fputc(*p, out);
    }
    fputc(QUOTE, out);
}
