/* See disk_spec.h. As QEMU writes it: words separated by commas, the first one the file; ",," is a comma. */
#define _GNU_SOURCE
#include "frontends/disk_spec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images/image.h"

enum { LONGEST_NAME = 30 };

static const char *const buses[] = {"virtio", "sd", "cf"};

const char *disk_bus_name(DiskBus bus)
{
    return buses[bus];
}

static char *copy(const char *text)
{
    char *result = strdup(text);
    if (!result)
        abort();
    return result;
}

static void replace(char **field, const char *text)
{
    free(*field);
    *field = copy(text);
}

/* The next word of *rest, which it is cut from, with pairs of commas made one; NULL at the end. */
static char *next_word(char **rest)
{
    char *word = *rest, *to = word, *from = word;
    if (!word)
        return NULL;
    for (; *from && (*from != ',' || from[1] == ','); from++) {
        from += *from == ',';
        *to++ = *from;
    }
    *rest = *from ? from + 1 : NULL;
    *to = 0;
    return word;
}

/* ---- Options ------------------------------------------------------------------------------------------ */

static bool set_overlay(DiskSpec *spec, const char *value, Error *err)
{
    if (!*value)
        return error_set(err, "give overlay=temp, or overlay=PATH");
    spec->temporary = !strcmp(value, "temp");
    free(spec->overlay);
    spec->overlay = spec->temporary ? NULL : copy(value);
    return true;
}

static bool set_bus(DiskSpec *spec, const char *value, Error *err)
{
    for (DiskBus bus = 0; bus < DISK_BUSES; bus++) {
        if (strcmp(value, buses[bus]))
            continue;
        spec->bus = bus;
        return true;
    }
    return error_set(err, "give if=virtio, if=sd or if=cf");
}

static bool set_serial(DiskSpec *spec, const char *value, Error *err)
{
    size_t length = strlen(value);
    for (const char *p = value; *p; p++)
        if (*p < ' ' || *p > '~')
            return error_set(err, "give serial= printable ASCII characters");
    if (!length || length > DISK_SERIAL_BYTES)
        return error_set(err, "give serial= 1 to %d characters", DISK_SERIAL_BYTES);
    memcpy(spec->serial, value, length + 1);
    return true;
}

static bool set_name(DiskSpec *spec, const char *value, Error *err)
{
    size_t good = 0;
    while (isalnum((unsigned char)value[good]) || (value[good] && strchr("._-", value[good])))
        good++;
    if (!good || value[good] || good > LONGEST_NAME || !isalpha((unsigned char)*value))
        return error_set(
            err, "give name= a letter and up to %d more letters, digits, dots, dashes and underscores",
            LONGEST_NAME - 1);
    replace(&spec->name, value);
    return true;
}

static bool set_format(DiskSpec *spec, const char *value, Error *err)
{
    spec->raw = !strcmp(value, "raw");
    return spec->raw || error_set(err, "give format=raw, or nothing; other formats go through nbd:PATH");
}

/* clang-format off */
static const struct {
    const char *name;
    bool (*set)(DiskSpec *spec, const char *value, Error *err);
} options[] = {
    {"overlay=", set_overlay}, {"if=", set_bus}, {"serial=", set_serial}, {"name=", set_name}, {"format=", set_format},
};
/* clang-format on */

static bool set_option(DiskSpec *spec, const char *word, Error *err)
{
    if (!strcmp(word, "ro"))
        return spec->read_only = true;
    for (unsigned n = 0; n < sizeof options / sizeof *options; n++)
        if (!strncmp(word, options[n].name, strlen(options[n].name)))
            return options[n].set(spec, word + strlen(options[n].name), err);
    return error_set(
        err,
        "a disk has no option %.100s; there are overlay=temp, overlay=PATH, ro, if=, serial=, name= and "
        "format=raw (a comma in a file name is written twice)",
        *word ? word : "of no name");
}

/* ---- All ---------------------------------------------------------------------------------------------- */

static bool check_together(const DiskSpec *spec, Error *err)
{
    bool nbd = !strncmp(spec->file, "nbd:", 4) || !strncmp(spec->file, "nbd+unix:", 9);
    if (nbd && spec->raw)
        return error_set(err, "format=raw is for files; what a server shows is raw anyway");
    return !spec->read_only || (!spec->overlay && !spec->temporary) ||
           error_set(err, "ro and overlay: an overlay is for what is written");
}

bool disk_spec_parse(DiskSpec *spec, const char *text, Error *err)
{
    *spec = (DiskSpec){.bus = DISK_BUS_VIRTIO};
    char *work = copy(text), *rest = work, *word = next_word(&rest);
    bool ok = *word || error_set(err, "give a file, as in --disk disk.img");
    spec->file = copy(word);
    while (ok && (word = next_word(&rest)))
        ok = set_option(spec, word, err);
    free(work);
    return ok && check_together(spec, err);
}

void disk_spec_free(DiskSpec *spec)
{
    free(spec->file);
    free(spec->overlay);
    free(spec->name);
    *spec = (DiskSpec){.bus = DISK_BUS_VIRTIO};
}

bool disk_spec_check(const char *text, DiskBus *bus, Error *err)
{
    DiskSpec spec;
    bool ok = disk_spec_parse(&spec, text, err);
    *bus = spec.bus;
    disk_spec_free(&spec);
    return ok;
}

/* ---- Elsewhere ---------------------------------------------------------------------------------------- */

static void put_path(FILE *out, const char *folder, const char *path, bool moves)
{
    char whole[8192];
    snprintf(whole, sizeof whole, "%s%s%s", moves ? folder : "", moves ? "/" : "", path);
    for (const char *p = whole; *p; p++)
        fputs(*p == ',' ? ",," : (char[]){*p, 0}, out);
}

char *disk_spec_move(const char *text, const char *folder)
{
    char *work = copy(text), *rest = work, *result, *word;
    size_t size;
    FILE *out = open_memstream(&result, &size);
    if (!out)
        abort();
    for (bool first = true; (word = next_word(&rest)); first = false) {
        bool overlay = !first && !strncmp(word, "overlay=", 8);
        const char *path = word + (overlay ? 8 : 0);
        bool is_path = first ? strncmp(path, "nbd", 3) : overlay && strcmp(path, "temp");
        fputs(first ? "" : overlay ? ",overlay=" : ",", out);
        put_path(out, folder, path, is_path && *path && *path != '/');
    }
    fclose(out);
    free(work);
    return result;
}

char *disk_spec_of_plain(const char *text)
{
    DiskSpec spec;
    if (!access(text, F_OK)) {
        char *escaped;
        size_t size;
        FILE *out = image_is_disk(text) ? open_memstream(&escaped, &size) : NULL;
        if (!out)
            return NULL;
        put_path(out, "", text, false);
        fclose(out);
        return escaped;
    }
    bool disk = disk_spec_parse(&spec, text, NULL) && image_is_disk(spec.file);
    disk_spec_free(&spec);
    return disk ? copy(text) : NULL;
}
