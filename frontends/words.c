/* Operations as people write and read them: words of a command line, escapes, results as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation.h"

/* Of a line. */
enum { WORDS_MOST = 256 };

/* ---- Text -------------------------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at text, 0 if it is none: too short, overlong, a surrogate, out of range. */
static size_t utf8_length(const uint8_t *text, size_t room)
{
    uint8_t first = text[0];
    size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;
    if ((length == 4 && (first < 0xf0 || first > 0xf4)) || length > room)
        return 0;
    for (size_t n = 1; n < length; n++)
        if ((text[n] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f))
        return 0;
    if ((first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

/* C0, DEL and C1 (in UTF-8: c2 80 to c2 9f) steer terminals. */
static bool steers(const uint8_t *text, size_t length)
{
    if (length == 1)
        return text[0] < ' ' || text[0] == 0x7f;
    return length == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

static int put_escape(char *to, uint8_t ch)
{
    if (ch == '\n' || ch == '\t' || ch == '\r')
        return sprintf(to, "\\%c", ch == '\n' ? 'n' : ch == '\t' ? 't' : 'r');
    return sprintf(to, "\\x%02x", ch);
}

/* Characters in `plain` stay as they are; if there are any, a carriage return before a newline or the end
 * goes. */
static char *escaped(const uint8_t *from, size_t length, const char *plain)
{
    char *result = malloc(4 * length + 1), *to = result;
    if (!result)
        abort();
    for (size_t n = 0, part; n < length; n += part) {
        size_t sequence = utf8_length(from + n, length - n);
        part = sequence ? sequence : 1;
        bool line_end = *plain && from[n] == '\r' && (n + 1 == length || from[n + 1] == '\n');
        if (line_end)
            continue;
        if (sequence && (!steers(from + n, sequence) || (from[n] && strchr(plain, from[n])))) {
            memcpy(to, from + n, sequence);
            to += sequence;
            continue;
        }
        for (size_t k = 0; k < part; k++)
            to += put_escape(to, from[n + k]);
    }
    *to = 0;
    return result;
}

char *text_escaped(const void *text, size_t length)
{
    return escaped(text, length, "\n\t");
}

char *text_one_line(const void *text, size_t length)
{
    return escaped(text, length, "");
}

static bool hex_pair(const char *text, char *ch)
{
    static const char digits[] = "0123456789abcdef";
    unsigned value = 0;
    for (unsigned n = 0; n < 2; n++) {
        const char *digit =
            text[n] ? strchr(digits, text[n] >= 'A' && text[n] <= 'F' ? text[n] + 32 : text[n]) : NULL;
        if (!digit)
            return false;
        value = value << 4 | (unsigned)(digit - digits);
    }
    *ch = (char)value;
    return true;
}

size_t text_unescape(char *text)
{
    static const char names[] = "rntabefv0\\", values[] = "\r\n\t\a\b\x1b\f\v\0\\";
    char *to = text;
    for (const char *from = text; *from; from++) {
        const char *name = from[0] == '\\' && from[1] ? strchr(names, from[1]) : NULL;
        if (name) {
            *to++ = values[name - names];
            from++;
        } else if (from[0] == '\\' && from[1] == 'x' && hex_pair(from + 2, to)) {
            to++;
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    return (size_t)(to - text);
}

void bytes_hex(const void *data, size_t length, char *text)
{
    const uint8_t *from = data;
    for (size_t n = 0; n < length; n++) {
        *text++ = "0123456789abcdef"[from[n] >> 4];
        *text++ = "0123456789abcdef"[from[n] & 15];
    }
    *text = 0;
}

json_t *json_bytes(const void *data, size_t length)
{
    json_t *string = json_stringn_nocheck(data, length);
    if (!string)
        abort();
    return string;
}

/* Bytes that are not UTF-8 become U+FFFD. */
static json_t *printable_string(const char *text, size_t length)
{
    const uint8_t *from = (const uint8_t *)text;
    char *copy = malloc(3 * length + 1), *to = copy;
    if (!copy)
        abort();
    for (size_t n = 0, part; n < length; n += part) {
        part = utf8_length(from + n, length - n);
        memcpy(to, part ? text + n : "\xef\xbf\xbd", part ? part : 3);
        to += part ? part : 3;
        part = part ? part : 1;
    }
    json_t *string = json_stringn(copy, (size_t)(to - copy));
    free(copy);
    return string;
}

json_t *json_printable(const json_t *value)
{
    json_t *json = (json_t *)(uintptr_t)value, *copy, *member;
    size_t index;
    const char *name;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return printable_string(json_string_value(value), json_string_length(value));
    case JSON_ARRAY:
        copy = json_array();
        json_array_foreach(json, index, member) json_array_append_new(copy, json_printable(member));
        return copy;
    case JSON_OBJECT:
        copy = json_object();
        json_object_foreach(json, name, member) json_object_set_new(copy, name, json_printable(member));
        return copy;
    default:
        return json_deep_copy(value);
    }
}

/* ---- Words to arguments ------------------------------------------------------------------------------- */

/* The parameter that "name=value" names, NULL if the word is not of that form. */
static const Parameter *named(const Operation *operation, const char *word)
{
    const char *equals = strchr(word, '=');
    for (unsigned n = 0; equals && n < operation_parameters(operation); n++) {
        const Parameter *parameter = &operation->parameter[n];
        if (strlen(parameter->name) == (size_t)(equals - word) &&
            !strncmp(parameter->name, word, (size_t)(equals - word)))
            return parameter;
    }
    return NULL;
}

static json_t *word_value(const Parameter *parameter, const char *word)
{
    if (parameter->type != TYPE_TEXT && parameter->type != TYPE_LIST)
        return json_bytes(word, strlen(word));
    char *copy = strdup(word);
    if (!copy)
        abort();
    json_t *value = json_bytes(copy, text_unescape(copy));
    free(copy);
    return value;
}

static bool put(const Operation *operation, json_t *arguments, const Parameter *parameter, const char *word,
                Error *err)
{
    json_t *old = json_object_get(arguments, parameter->name), *value = word_value(parameter, word);
    if (parameter->type == TYPE_LIST) {
        if (!old) {
            old = json_array();
            json_object_set_new(arguments, parameter->name, old);
        }
        json_array_append_new(old, value);
        return true;
    }
    json_object_set_new(arguments, parameter->name, value);
    return !old || error_set(err, "%s: %s is given twice", operation->name, parameter->name);
}

static unsigned split(char *line, char **word)
{
    unsigned count = 0;
    char *from = line, *to = line;
    while (count < WORDS_MOST) {
        char quote = 0;
        while (*from == ' ' || *from == '\t')
            from++;
        if (!*from)
            break;
        word[count++] = to;
        for (; *from && (quote || (*from != ' ' && *from != '\t')); from++) {
            if (from[0] == '\\' && (from[1] == '"' || from[1] == '\''))
                *to++ = *++from;
            else if (quote ? *from == quote : *from == '"' || *from == '\'')
                quote = quote ? 0 : *from;
            else
                *to++ = *from;
        }
        from += *from != 0;
        *to++ = 0;
    }
    return count;
}

json_t *arguments_from_words(const Operation *operation, unsigned count, char *const *word, Error *err)
{
    json_t *arguments = json_object();
    unsigned position = 0;
    bool ok = true;
    for (unsigned n = 0; n < count && ok; n++) {
        const Parameter *parameter = named(operation, word[n]);
        const char *value = parameter ? strchr(word[n], '=') + 1 : word[n];
        if (!parameter && position < operation_parameters(operation)) {
            parameter = &operation->parameter[position];
            /* A list takes all the words that follow. */
            position += parameter->type != TYPE_LIST;
        }
        if (!parameter) {
            char *usage = operation_usage(operation);
            ok = error_set(err, "%s: too many arguments; use: %s", operation->name, usage);
            free(usage);
        } else {
            ok = put(operation, arguments, parameter, value, err);
        }
    }
    if (ok)
        return arguments;
    json_decref(arguments);
    return NULL;
}

const Operation *operation_from_line(char *line, const char *list, json_t **arguments, Error *err)
{
    char *word[WORDS_MOST];
    unsigned count = split(line, word);
    err->text[0] = 0;
    if (!count)
        return NULL;
    const Operation *operation = operation_find(strcmp(word[0], "?") ? word[0] : "help");
    if (operation)
        return (*arguments = arguments_from_words(operation, count - 1, word + 1, err)) ? operation : NULL;
    char *shown = text_one_line(word[0], strlen(word[0]));
    operation_unknown(shown, list, err->text, sizeof err->text);
    free(shown);
    return NULL;
}
