#define _GNU_SOURCE
#include "frontends/share_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/spec.h"

static bool set_tag(ShareSpec *spec, const char *tag, Error *err)
{
    size_t length = strlen(tag);
    for (const char *at = tag; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
            return error_set(err, "a share's name has letters, digits and the characters . _ -");
    if (!length || length > SHARE_TAG_MOST)
        return error_set(err, "a share's name has 1 to %d characters", SHARE_TAG_MOST);
    memcpy(spec->tag, tag, length + 1);
    return true;
}

/* Moves *text behind the number. */
static bool get_id(const char **text, uint32_t *id)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(*text, &end, 10);
    bool number = isdigit((unsigned char)**text) && !errno && value < UINT32_MAX;
    *id = (uint32_t)value;
    *text = end;
    return number;
}

static bool set_owner(ShareSpec *spec, const char *owner, Error *err)
{
    bool right = get_id(&owner, &spec->uid);
    spec->gid = spec->uid;
    if (right && *owner == ':') {
        owner++;
        right = get_id(&owner, &spec->gid);
    }
    spec->has_owner = true;
    return (right && !*owner) || error_set(err, "give owner= the guest's user and group as numbers, as in "
                                                "owner=1000:1000");
}

static bool set_option(ShareSpec *spec, const char *option, Error *err)
{
    spec->read_only |= !strcmp(option, "ro");
    if (!strcmp(option, "ro") || !strcmp(option, "rw"))
        return true;
    if (!strncmp(option, "name=", strlen("name=")))
        return set_tag(spec, option + strlen("name="), err);
    if (!strncmp(option, "owner=", strlen("owner=")))
        return set_owner(spec, option + strlen("owner="), err);
    return error_set(
        err,
        "a share has no option %s: known are ro, name=TAG and owner=UID:GID (a comma in a folder's "
        "name is written twice)",
        *option ? option : "of no name");
}

bool share_spec_parse(ShareSpec *spec, const char *text, unsigned number, Error *err)
{
    *spec = (ShareSpec){.path = strdup(text)};
    if (!spec->path)
        abort();
    snprintf(spec->tag, sizeof spec->tag, number ? "share%u" : "share", number);
    char *option = spec_cut_place(spec->path);
    if (!*spec->path)
        return error_set(err, "give a folder, as in --share projects");
    while (option) {
        char *next = spec_cut_option(option);
        if (!set_option(spec, option, err))
            return false;
        option = next;
    }
    return true;
}

void share_spec_free(ShareSpec *spec)
{
    free(spec->path);
    *spec = (ShareSpec){0};
}

bool share_specs_check(const char *const *texts, unsigned count, Error *err)
{
    ShareSpec last, other;
    bool right = share_spec_parse(&last, texts[count - 1], count - 1, err);
    for (unsigned n = 0; n + 1 < count && right; n++) {
        share_spec_parse(&other, texts[n], n, err);
        right = strcmp(other.tag, last.tag) || error_set(err, "two shares have the name %s", last.tag);
        share_spec_free(&other);
    }
    share_spec_free(&last);
    return right;
}
