/* Results for people to read. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation.h"

enum { COLUMNS_MOST = 12, WIDTH_MOST = 60 };

/* One value within a line. Addresses and the like arrive as texts that say how they want to be seen. */
static char *inline_text(const json_t *value)
{
    char *text = NULL;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return text_escaped(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        if (asprintf(&text, "%lld", (long long)json_integer_value(value)) < 0)
            abort();
        return text;
    case JSON_REAL:
        if (asprintf(&text, "%.9g", json_real_value(value)) < 0)
            abort();
        return text;
    case JSON_TRUE:
        return strdup("yes");
    case JSON_FALSE:
        return strdup("no");
    case JSON_NULL:
        return strdup("-");
    default:
        break;
    }
    json_t *printable = json_printable(value);
    text = json_dumps(printable, 0);
    json_decref(printable);
    return text ? text : strdup("?");
}

static void print_object(FILE *out, json_t *object, unsigned indent);

/* Widths of the columns: of the names, and of what is below them. */
static void measure(json_t *array, size_t *width)
{
    size_t row;
    const char *name;
    json_t *object, *value;
    json_array_foreach(array, row, object)
    {
        size_t column = 0;
        json_object_foreach(object, name, value)
        {
            char *text = inline_text(value);
            size_t length = strlen(text) > strlen(name) ? strlen(text) : strlen(name);
            if (column < COLUMNS_MOST && length > width[column])
                width[column] = length > WIDTH_MOST ? WIDTH_MOST : length;
            free(text);
            column++;
        }
    }
}

static void print_row(FILE *out, json_t *object, const size_t *width, unsigned indent, bool names)
{
    size_t column = 0, last = json_object_size(object) - 1;
    const char *name;
    json_t *value;
    fprintf(out, "%*s", (int)indent, "");
    json_object_foreach(object, name, value)
    {
        char *text = names ? strdup(name) : inline_text(value);
        int wide = column < COLUMNS_MOST && (column < last || json_is_number(value)) ? (int)width[column] : 0;
        fprintf(out, json_is_number(value) ? "%*s%s" : "%-*s%s", wide, text, column < last ? "  " : "\n");
        free(text);
        column++;
    }
}

/* Rows of objects with the same members, as a table. */
static void print_table(FILE *out, json_t *array, unsigned indent)
{
    size_t width[COLUMNS_MOST] = {0}, row;
    json_t *object;
    measure(array, width);
    print_row(out, json_array_get(array, 0), width, indent, true);
    json_array_foreach(array, row, object) print_row(out, object, width, indent, false);
}

static void print_value(FILE *out, json_t *value, unsigned indent)
{
    size_t index;
    json_t *member;
    if (json_is_object(value)) {
        print_object(out, value, indent);
    } else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        print_table(out, value, indent);
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, member) print_value(out, member, indent);
    } else if (!json_is_null(value)) {
        char *text = inline_text(value);
        size_t length = strlen(text);
        fprintf(out, "%*s%s%s", (int)indent, "", text, length && text[length - 1] == '\n' ? "" : "\n");
        free(text);
    }
}

static void print_object(FILE *out, json_t *object, unsigned indent)
{
    const char *name;
    json_t *value;
    size_t width = 0;
    json_object_foreach(object, name, value) width = strlen(name) > width ? strlen(name) : width;
    json_object_foreach(object, name, value)
    {
        bool nested = (json_is_object(value) || json_is_array(value)) &&
                      json_object_size(value) + json_array_size(value);
        char *label = text_escaped(name, strlen(name));
        fprintf(out, "%*s%-*s%s", (int)indent, "", (int)width, label, nested ? "\n" : "  ");
        print_value(out, value, nested ? indent + 2 : 0);
        if (json_is_null(value) || (!nested && (json_is_object(value) || json_is_array(value))))
            fputs("-\n", out);
        free(label);
    }
}

char *result_text(const Operation *operation, const json_t *result)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    if (operation->result == TYPE_U32 || operation->result == TYPE_U64) {
        if (json_is_integer(result))
            fprintf(out, "0x%08llx\n", (unsigned long long)json_integer_value(result));
        else
            fprintf(out, "%s\n", json_string_value(result));
    } else if (result) {
        print_value(out, (json_t *)(uintptr_t)result, 0);
    }
    fclose(out);
    return text;
}
