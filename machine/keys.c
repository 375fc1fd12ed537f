#include "machine/keys.h"

#include <stddef.h>
#include <strings.h>

const Key keys[] = {
/* clang-format off */
#define KEY(name, code, usage, set1, set2, set3, kind) {#name, code, usage, {set1, set2, set3}, KEY_##kind},
/* clang-format on */
#include "machine/keys.def"
#undef KEY
};

const unsigned key_count = sizeof keys / sizeof *keys;

const Key *key_by_code(uint16_t code)
{
    for (unsigned n = 0; n < key_count; n++)
        if (keys[n].code == code)
            return &keys[n];
    return NULL;
}

const Key *key_by_usage(uint16_t usage)
{
    for (unsigned n = 0; n < key_count; n++)
        if (keys[n].usage == usage)
            return &keys[n];
    return NULL;
}

const Key *key_by_name(const char *name)
{
    for (unsigned n = 0; n < key_count; n++)
        if (!strcasecmp(keys[n].name, name))
            return &keys[n];
    return NULL;
}
