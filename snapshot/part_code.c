#include "snapshot/part_code.h"

#include <stdlib.h>
#include <string.h>

/* Fields of a part in a file at most, so that damaged ones are noticed early. */
enum { FIELDS_MOST = 1000 };

/* ---- Encoding ------------------------------------------------------------------------------------------ */

static void encode_element(const Item *item, const uint8_t *at, Buffer *out)
{
    if (item->kind == ITEM_MEMORY) {
        const DeviceMemory *memory = (const DeviceMemory *)at;
        buffer_put64(out, memory->size);
        buffer_put(out, memory->bytes, memory->size);
    } else if (item->kind == ITEM_TIMER) {
        buffer_put64(out, ((const Timer *)at)->due);
    } else {
        buffer_put(out, at, item_size(item->kind));
    }
}

static Item *items_of(const Part *part, unsigned *count)
{
    *count = part_items(part, NULL);
    Item *items = calloc(*count + 1, sizeof *items);
    if (!items)
        abort();
    part_items(part, items);
    return items;
}

void part_encode(const Part *part, Buffer *out)
{
    unsigned count;
    Item *items = items_of(part, &count);
    buffer_put_name(out, part->name);
    buffer_put_name(out, part->type);
    buffer_put32(out, part->version);
    buffer_put32(out, count);
    for (unsigned n = 0; n < count; n++) {
        buffer_put_name(out, items[n].name);
        buffer_put8(out, (uint8_t)items[n].kind);
        buffer_put32(out, items[n].count);
        for (uint32_t k = 0; k < items[n].count; k++)
            encode_element(&items[n], items[n].at + (size_t)k * items[n].stride, out);
    }
    free(items);
}

/* ---- Decoding ---------------------------------------------------------------------------------------- */

bool part_name(const uint8_t *data, size_t size, char *name)
{
    Cursor cursor = {data, size, false};
    cursor_take_name(&cursor, name);
    return !cursor.short_of && *name;
}

/* Takes the elements' bytes; NULL if they are not all there. */
static const uint8_t *take_elements(Cursor *cursor, ItemKind kind, uint32_t count)
{
    const uint8_t *data = cursor->at;
    if (kind != ITEM_MEMORY)
        return cursor_take(cursor, (uint64_t)item_size(kind) * count);
    for (uint32_t n = 0; n < count && !cursor->short_of; n++)
        cursor_take(cursor, cursor_take64(cursor));
    return cursor->short_of ? NULL : data;
}

static bool known_kind(uint8_t kind)
{
    return kind == ITEM_MEMORY || item_size((ItemKind)kind);
}

static bool check_bools(const StagedItem *staged)
{
    for (uint32_t n = 0; staged->item.kind == ITEM_BOOL && n < staged->item.count; n++)
        if (staged->data[n] > 1)
            return false;
    return true;
}

static bool stage_memory(StagedItem *staged, size_t left)
{
    Cursor cursor = {staged->data, left, false};
    if (staged->item.kind != ITEM_MEMORY)
        return true;
    staged->memory = calloc(staged->item.count, sizeof *staged->memory);
    if (!staged->memory)
        return false;
    for (uint32_t n = 0; n < staged->item.count; n++) {
        uint64_t size = cursor_take64(&cursor);
        const uint8_t *bytes = cursor_take(&cursor, size);
        if (!device_memory_set(&staged->memory[n], size))
            return false;
        if (size)
            memcpy(staged->memory[n].bytes, bytes, size);
    }
    return true;
}

static StagedItem *find_item(StagedPart *stage, const char *name)
{
    for (unsigned n = 0; n < stage->count; n++)
        if (!strcmp(stage->items[n].item.name, name))
            return &stage->items[n];
    return NULL;
}

static bool stage_field(StagedPart *stage, Cursor *cursor, Error *err)
{
    char name[256];
    const char *part = stage->part->name;
    cursor_take_name(cursor, name);
    uint8_t kind = cursor_take8(cursor);
    uint32_t count = cursor_take32(cursor);
    if (cursor->short_of || !known_kind(kind))
        return error_set(err, "%s: its fields are damaged", part);
    StagedItem *staged = find_item(stage, name);
    if (!staged)
        return error_set(err, "%s: this version of armature does not know its field '%s'", part, name);
    if (staged->data)
        return error_set(err, "%s: field '%s' is there twice", part, name);
    if (kind != staged->item.kind || count != staged->item.count)
        return error_set(err, "%s: field '%s' is of another kind or size", part, name);
    staged->data = take_elements(cursor, (ItemKind)kind, count);
    if (!staged->data)
        return error_set(err, "%s: field '%s' is cut off", part, name);
    if (!check_bools(staged))
        return error_set(err, "%s: field '%s' is neither true nor false", part, name);
    return stage_memory(staged, (size_t)(cursor->at - staged->data)) ||
           error_set(err, "%s: not enough memory for field '%s'", part, name);
}

/* What the version of the file did not have may be missing. */
static bool check_missing(const StagedPart *stage, uint32_t version, Error *err)
{
    for (unsigned n = 0; n < stage->count; n++) {
        const Item *item = &stage->items[n].item;
        bool may_lack = item->since > version || (item->reg && version < stage->part->version);
        if (!stage->items[n].data && item->count && !may_lack)
            return error_set(err, "%s: field '%s' is missing", stage->part->name, item->name);
    }
    return true;
}

bool part_stage(StagedPart *stage, const Part *part, const uint8_t *data, size_t size, Error *err)
{
    Cursor cursor = {data, size, false};
    char name[256], type[256];
    unsigned count;
    Item *items = items_of(part, &count);
    *stage = (StagedPart){.part = part, .items = calloc(count + 1, sizeof *stage->items), .count = count};
    if (!stage->items)
        abort();
    for (unsigned n = 0; n < count; n++)
        stage->items[n].item = items[n];
    free(items);
    cursor_take_name(&cursor, name);
    cursor_take_name(&cursor, type);
    uint32_t version = cursor_take32(&cursor), fields = cursor_take32(&cursor);
    if (cursor.short_of || fields > FIELDS_MOST)
        return error_set(err, "%s: its fields are damaged", part->name);
    if (strcmp(type, part->type))
        return error_set(err, "%s: the snapshot has a %s here, this machine a %s", part->name, type,
                         part->type);
    if (version > part->version)
        return error_set(err, "%s: its state is of version %u, this armature knows up to %u", part->name,
                         version, part->version);
    for (uint32_t n = 0; n < fields; n++)
        if (!stage_field(stage, &cursor, err))
            return false;
    if (cursor.left)
        return error_set(err, "%s: there is more than its fields", part->name);
    return check_missing(stage, version, err);
}

static void apply_memory(StagedItem *staged, uint8_t *at)
{
    for (uint32_t n = 0; n < staged->item.count; n++) {
        DeviceMemory *memory = (DeviceMemory *)(at + (size_t)n * staged->item.stride);
        device_memory_set(memory, 0);
        if (!staged->memory)
            continue;
        *memory = staged->memory[n];
        staged->memory[n] = (DeviceMemory){0};
    }
}

static void apply_default(const Item *item, uint8_t *at)
{
    for (uint32_t n = 0; n < item->count; n++, at += item->stride) {
        if (item->kind == ITEM_TIMER)
            timer_cancel((Timer *)at);
        else
            memset(at, 0, item_size(item->kind));
        if (item->reg)
            memcpy(at, &item->reset, sizeof item->reset);
    }
}

static void apply_elements(const StagedItem *staged, uint8_t *at)
{
    const Item *item = &staged->item;
    unsigned size = item_size(item->kind);
    const uint8_t *from = staged->data;
    if (!from) {
        apply_default(item, at);
        return;
    }
    for (uint32_t n = 0; n < item->count; n++, at += item->stride, from += size) {
        uint64_t due;
        if (item->kind == ITEM_TIMER) {
            memcpy(&due, from, sizeof due);
            timer_set((Timer *)at, due);
        } else {
            memcpy(at, from, size);
        }
    }
}

void part_apply(StagedPart *stage, void *base)
{
    bool own = base == stage->part->base;
    for (unsigned n = 0; n < stage->count; n++) {
        StagedItem *staged = &stage->items[n];
        uint8_t *at = (uint8_t *)base + (staged->item.at - (uint8_t *)stage->part->base);
        bool heavy = staged->item.kind == ITEM_MEMORY || staged->item.kind == ITEM_TIMER;
        if (heavy && !own)
            continue;
        if (staged->item.kind == ITEM_MEMORY)
            apply_memory(staged, at);
        else
            apply_elements(staged, at);
    }
}

void part_unstage(StagedPart *stage)
{
    for (unsigned n = 0; n < stage->count; n++) {
        for (uint32_t k = 0; stage->items[n].memory && k < stage->items[n].item.count; k++)
            device_memory_set(&stage->items[n].memory[k], 0);
        free(stage->items[n].memory);
    }
    free(stage->items);
    *stage = (StagedPart){0};
}

bool part_decode(const Part *part, const uint8_t *data, size_t size, Error *err)
{
    StagedPart stage;
    bool ok = part_stage(&stage, part, data, size, err);
    if (ok)
        part_apply(&stage, part->base);
    part_unstage(&stage);
    return ok;
}
