#define _GNU_SOURCE
#include "frontends/wanted.h"

#include <stdio.h>
#include <stdlib.h>

/* One entry of the list: a text, or an object that says what it is. */
static const json_t *entry_text(const json_t *entry, bool *is_pattern)
{
    const json_t *pattern = json_object_get(entry, "pattern"), *text = json_object_get(entry, "text");
    if (!json_is_object(entry))
        return entry;
    *is_pattern = pattern;
    return json_object_size(entry) == 1 ? pattern ? pattern : text : NULL;
}

static bool add_entry(Call *call, Matcher *matcher, const json_t *entry, bool is_pattern, FILE *what)
{
    Error err;
    const json_t *text = entry_text(entry, &is_pattern);
    if (!json_is_string(text)) {
        call_fail(call, "%s: give texts, or objects like {\"pattern\": \"...\"}", call->operation->name);
        return false;
    }
    const char *from = json_string_value(text);
    size_t length = json_string_length(text);
    char *shown = text_one_line(from, length > 80 ? 80 : length);
    if (!matcher_add(matcher, from, length, is_pattern, &err))
        call_fail(call, "%s \"%s\": %s", call->operation->name, shown, err.text);
    fprintf(what, "%s%s\"%s\"%s", ftell(what) ? " or" : call->operation->name, is_pattern ? " pattern " : " ",
            shown, length > 80 ? "..." : "");
    free(shown);
    return !call->finished;
}

Matcher *wanted_matcher(Call *call, const json_t *list, bool is_pattern, char **what)
{
    size_t size, index;
    const json_t *entry;
    FILE *out = open_memstream(what, &size);
    if (!out)
        abort();
    Matcher *matcher = matcher_new();
    if (!json_array_size(list))
        call_fail(call, "%s: there is nothing to wait for", call->operation->name);
    json_array_foreach((json_t *)(uintptr_t)list, index,
                       entry) if (!add_entry(call, matcher, entry, is_pattern, out)) break;
    fclose(out);
    if (!call->finished)
        return matcher;
    matcher_free(matcher);
    free(*what);
    return NULL;
}
