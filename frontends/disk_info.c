#include "frontends/disk_info.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "images/manage.h"

enum { MOST_PARTS = 128 };

typedef struct Facts {
    const char *path;
    DiskImage image;
    bool over;
    OverlayInfo overlay;
    bool held;
    char holder[200];
    char table[32];
    ImagePart part[MOST_PARTS];
    unsigned parts;
} Facts;

/* "4.0 GiB". */
static const char *human(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static const char *state(const OverlayInfo *overlay)
{
    return overlay->committing ? "a commit was interrupted; armature disk commit goes on"
           : overlay->torn     ? "the last run broke off while it wrote; what was flushed before is there"
           : !overlay->closed  ? "in use, or the last run broke off; what was flushed is there"
                               : "closed properly";
}

static void print_parts(const Facts *facts)
{
    char size[32], start[32];
    printf("partitions:   %s\n", *facts->table ? facts->table : "none");
    for (unsigned n = 0; n < facts->parts; n++) {
        const ImagePart *part = &facts->part[n];
        if (part->number)
            printf("  %-3u         at %s, %s: ", part->number, human(part->start, start),
                   human(part->size, size));
        else
            fputs("file system:  ", stdout);
        printf("%s%s%s%s\n", *part->system ? part->system : "no known file system", *part->label ? " \"" : "",
               part->label, *part->label ? "\"" : "");
    }
}

static void print_text(const Facts *facts, bool has_parts)
{
    char text[32];
    const DiskImage *image = &facts->image;
    uint64_t allocated = image_allocated(image);
    printf("image:        %s\nkind:         %s\n", facts->path,
           image->kind == IMAGE_FILE ? "raw file" : image_kind_name(image->kind));
    printf("size:         %s (%" PRIu64 " bytes)\n", human(image->info.size, text), image->info.size);
    if (allocated != UINT64_MAX)
        printf("on the host:  %s\n", human(allocated, text));
    if (facts->over) {
        printf("over:         %s\n", facts->overlay.base);
        printf("changed:      %s\n", human(facts->overlay.changed, text));
        printf("state:        %s\n", state(&facts->overlay));
    }
    if (facts->held)
        printf("in use by:    %s\n", facts->holder);
    if (has_parts)
        print_parts(facts);
}

static json_t *text(const char *value)
{
    json_t *result = *value ? json_string(value) : json_null();
    return result ? result : json_null(); /* no UTF-8 */
}

static void put(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void print_json(const Facts *facts, bool has_parts)
{
    const DiskImage *image = &facts->image;
    uint64_t allocated = image_allocated(image);
    json_t *root = json_object(), *parts = json_array();
    json_object_set_new(root, "file", text(facts->path));
    json_object_set_new(root, "kind", text(image_kind_name(image->kind)));
    put(root, "size", image->info.size);
    if (allocated != UINT64_MAX)
        put(root, "allocated", allocated);
    if (facts->over) {
        json_object_set_new(root, "base", text(facts->overlay.base));
        put(root, "changed", facts->overlay.changed);
        json_object_set_new(root, "closed", json_boolean(facts->overlay.closed));
        json_object_set_new(root, "committing", json_boolean(facts->overlay.committing));
    }
    json_object_set_new(root, "in_use_by", text(facts->held ? facts->holder : ""));
    for (unsigned n = 0; n < facts->parts; n++) {
        const ImagePart *part = &facts->part[n];
        json_t *row = json_object();
        put(row, "number", part->number);
        put(row, "start", part->start);
        put(row, "size", part->size);
        json_object_set_new(row, "file_system", text(part->system));
        json_object_set_new(row, "label", text(part->label));
        json_array_append_new(parts, row);
    }
    if (has_parts) {
        json_object_set_new(root, "partition_table", text(facts->table));
        json_object_set(root, "partitions", parts);
    }
    json_decref(parts);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

bool disk_info(const char *path, bool json, Error *err)
{
    Facts facts = {.path = path};
    if (!image_open(&facts.image, &(ImageOptions){.path = path, .read_only = true, .look = true}, err))
        return false;
    facts.over = image_overlay(&facts.image, &facts.overlay);
    facts.held = facts.image.kind != IMAGE_NBD && image_holder(path, facts.holder, sizeof facts.holder);
    bool has_parts = image_parts(&facts.image, facts.table, facts.part, MOST_PARTS, &facts.parts);
    (json ? print_json : print_text)(&facts, has_parts);
    image_close(&facts.image);
    return true;
}
