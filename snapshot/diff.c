/* In which ways two snapshots differ: parts by their fields, memory and disks by their pages' hashes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/open.h"
#include "snapshot/page_hash.h"
#include "snapshot/page_table.h"
#include "snapshot/page_walk.h"
#include "snapshot/part_code.h"

enum { ELEMENTS_SHOWN = 4, RANGES_SHOWN = 12 };

typedef struct Diff {
    FILE *out;
    bool same;
    PageKey key;
} Diff;

/* ---- Parts --------------------------------------------------------------------------------------------- */

/* One field of an encoded part. */
typedef struct Field {
    char name[256];
    ItemKind kind;
    uint32_t count;
    const uint8_t *data;
    size_t size;
} Field;

/* False at the end, or if it is damaged. */
static bool next_field(Cursor *cursor, Field *field)
{
    cursor_take_name(cursor, field->name);
    field->kind = (ItemKind)cursor_take8(cursor);
    field->count = cursor_take32(cursor);
    const uint8_t *start = cursor->at;
    if (field->kind != ITEM_MEMORY && !item_size(field->kind))
        return false;
    if (field->kind != ITEM_MEMORY)
        cursor_take(cursor, (uint64_t)item_size(field->kind) * field->count);
    for (uint32_t n = 0; field->kind == ITEM_MEMORY && n < field->count && !cursor->short_of; n++)
        cursor_take(cursor, cursor_take64(cursor));
    field->data = start;
    field->size = (size_t)(cursor->at - start);
    return !cursor->short_of;
}

static uint32_t begin_fields(Cursor *cursor, const uint8_t *payload, size_t size)
{
    char text[256];
    *cursor = (Cursor){payload, size, false};
    cursor_take_name(cursor, text);
    cursor_take_name(cursor, text);
    cursor_take32(cursor);
    uint32_t fields = cursor_take32(cursor);
    return cursor->short_of ? 0 : fields;
}

static bool find_field(const uint8_t *payload, size_t size, const char *name, Field *field)
{
    Cursor cursor;
    for (uint32_t n = begin_fields(&cursor, payload, size); n && next_field(&cursor, field); n--)
        if (!strcmp(field->name, name))
            return true;
    return false;
}

static uint64_t element(const Field *field, uint32_t n)
{
    uint64_t value = 0;
    unsigned size = item_size(field->kind);
    memcpy(&value, field->data + (size_t)n * size, size);
    return value;
}

static void print_elements(const Diff *diff, const Field *a, const Field *b)
{
    uint32_t differ = 0;
    for (uint32_t n = 0; n < a->count; n++) {
        uint64_t x = element(a, n), y = element(b, n);
        if (x == y || differ++ >= ELEMENTS_SHOWN)
            continue;
        fprintf(diff->out, differ > 1 ? ", " : " ");
        if (a->count > 1)
            fprintf(diff->out, "[%u] ", n);
        fprintf(diff->out, "0x%" PRIx64 " -> 0x%" PRIx64, x, y);
    }
    if (differ > ELEMENTS_SHOWN)
        fprintf(diff->out, " and %u more", differ - ELEMENTS_SHOWN);
    fprintf(diff->out, "\n");
}

static void print_field(const Diff *diff, const char *part, const Field *a, const Field *b)
{
    fprintf(diff->out, "%s: %s", part, a->name);
    if (a->kind != b->kind || a->count != b->count)
        fprintf(diff->out, " is of another kind or size\n");
    else if (a->kind == ITEM_MEMORY)
        fprintf(diff->out, ": %zu bytes -> %zu bytes\n", a->size, b->size);
    else
        print_elements(diff, a, b);
}

static void compare_fields(const Diff *diff, const char *part, const uint8_t *a, size_t a_size,
                           const uint8_t *b, size_t b_size)
{
    Cursor cursor;
    Field field, other;
    for (uint32_t n = begin_fields(&cursor, a, a_size); n && next_field(&cursor, &field); n--) {
        if (!find_field(b, b_size, field.name, &other))
            fprintf(diff->out, "%s: %s is only in the first\n", part, field.name);
        else if (field.size != other.size || memcmp(field.data, other.data, field.size) != 0)
            print_field(diff, part, &field, &other);
    }
    for (uint32_t n = begin_fields(&cursor, b, b_size); n && next_field(&cursor, &field); n--)
        if (!find_field(a, a_size, field.name, &other))
            fprintf(diff->out, "%s: %s is only in the second\n", part, field.name);
}

/* The part of that name, allocated; NULL with err's text empty if there is none. */
static uint8_t *find_part(const Snapshot *snapshot, const char *name, size_t *size, Error *err)
{
    char other[256];
    err->text[0] = 0;
    for (unsigned n = 0; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (!chunk_is(chunk, CHUNK_PART))
            continue;
        uint8_t *payload = snapshot_payload(snapshot, chunk, err);
        *size = chunk->length;
        if (!payload || (part_name(payload, *size, other) && !strcmp(name, other)))
            return payload;
        free(payload);
    }
    return NULL;
}

static bool compare_part(Diff *diff, const uint8_t *payload, size_t size, const Snapshot *b, bool names_only,
                         Error *err)
{
    char name[256];
    size_t other_size;
    if (!part_name(payload, size, name))
        return error_set(err, "a part has no name");
    uint8_t *other = find_part(b, name, &other_size, err);
    if (!other && err->text[0])
        return snapshot_about(b, err);
    if (!other) {
        diff->same = false;
        fprintf(diff->out, "%s: only in the %s\n", name, names_only ? "second" : "first");
    } else if (!names_only && (size != other_size || memcmp(payload, other, size) != 0)) {
        diff->same = false;
        compare_fields(diff, name, payload, size, other, other_size);
    }
    free(other);
    return true;
}

static bool compare_parts(Diff *diff, const Snapshot *a, const Snapshot *b, bool names_only, Error *err)
{
    bool ok = true;
    for (unsigned n = 0; ok && n < a->file.count; n++) {
        const Chunk *chunk = &a->file.chunk[n];
        if (!chunk_is(chunk, CHUNK_PART))
            continue;
        uint8_t *payload = snapshot_payload(a, chunk, err);
        if (!payload)
            return snapshot_about(a, err);
        ok = compare_part(diff, payload, chunk->length, b, names_only, err);
        free(payload);
    }
    return ok;
}

/* ---- Pages --------------------------------------------------------------------------------------------- */

/* All pages of a snapshot, by their hashes. */
typedef struct Pages {
    const PageKey *key;
    WalkMemory memory[WALK_MEMORIES];
    PageTable table[WALK_MEMORIES]; /* in `hash`, from 1 */
    unsigned count;
    PageHash *hash;
    uint32_t used, capacity;
} Pages;

static void set_hash(Pages *pages, unsigned memory, uint32_t page, const PageHash *hash)
{
    if (pages->used == pages->capacity) {
        pages->capacity = 2 * pages->capacity + 4096;
        pages->hash = realloc(pages->hash, pages->capacity * sizeof *pages->hash);
        if (!pages->hash)
            abort();
    }
    pages->hash[pages->used++] = *hash;
    page_table_set(&pages->table[memory], page, pages->used);
}

static bool put(void *opaque, unsigned memory, uint32_t page, const uint8_t *data, Error *err)
{
    Pages *pages = opaque;
    const WalkMemory *is = &pages->memory[memory];
    (void)err;
    if (data && !memory_is_filled(data, is->fill)) {
        PageHash hash = page_hash(pages->key, data);
        set_hash(pages, memory, page, &hash);
    } else {
        page_table_set(&pages->table[memory], page, is->disk ? PAGE_ZEROS : PAGE_NONE);
    }
    return true;
}

static bool equal(void *opaque, unsigned memory, uint32_t page, uint32_t source, Error *err)
{
    Pages *pages = opaque;
    (void)err;
    page_table_set(&pages->table[memory], page, page_table_get(&pages->table[memory], source));
    return true;
}

static bool take_pages(Pages *pages, const Snapshot *snapshot, const PageKey *key, Error *err)
{
    const PageSink sink = {pages, put, equal};
    pages->key = key;
    if (!walk_memories(snapshot, pages->memory, &pages->count, err))
        return false;
    for (unsigned n = 0; n < pages->count; n++)
        page_table_init(&pages->table[n], pages->memory[n].pages);
    return walk_pages(snapshot, true, &sink, err);
}

static void free_pages(Pages *pages)
{
    for (unsigned n = 0; n < pages->count; n++)
        page_table_free(&pages->table[n]);
    free(pages->hash);
    free(pages);
}

static bool page_differs(const Pages *a, unsigned n, const Pages *b, unsigned k, uint64_t page)
{
    uint32_t x = page_table_get(&a->table[n], page), y = page_table_get(&b->table[k], page);
    if (x == PAGE_NONE || x == PAGE_ZEROS || y == PAGE_NONE || y == PAGE_ZEROS)
        return x != y;
    return !page_hash_equal(&a->hash[x - 1], &b->hash[y - 1]);
}

typedef struct Ranges {
    FILE *out;
    uint64_t pages, ranges, first, last; /* the range that grows, if there are ranges */
} Ranges;

static void print_range(const Ranges *ranges)
{
    if (!ranges->ranges || ranges->ranges > RANGES_SHOWN)
        return;
    fprintf(ranges->out, " 0x%" PRIx64, ranges->first);
    if (ranges->last != ranges->first)
        fprintf(ranges->out, "-0x%" PRIx64, ranges->last);
}

static void add_page(Ranges *ranges, uint64_t page)
{
    ranges->pages++;
    if (ranges->ranges && ranges->last + 1 == page) {
        ranges->last = page;
        return;
    }
    print_range(ranges);
    ranges->ranges++;
    ranges->first = ranges->last = page;
}

static void compare_tables(Diff *diff, const Pages *a, unsigned n, const Pages *b, unsigned k)
{
    char *text = NULL;
    size_t size;
    Ranges ranges = {.out = open_memstream(&text, &size)};
    uint64_t end = a->memory[n].pages;
    if (!ranges.out)
        abort();
    for (uint64_t page = 0; page < end; page++) {
        uint64_t x = page_table_next(&a->table[n], page), y = page_table_next(&b->table[k], page);
        page = x < y ? x : y;
        if (page < end && page_differs(a, n, b, k, page))
            add_page(&ranges, page);
    }
    print_range(&ranges);
    fclose(ranges.out);
    if (ranges.pages) {
        const char *unit = a->memory[n].disk ? "block" : "page";
        diff->same = false;
        fprintf(diff->out, "%s: %" PRIu64 " %s%s of 4 KiB:%s", a->memory[n].name, ranges.pages, unit,
                ranges.pages == 1 ? "" : "s", text);
        if (ranges.ranges > RANGES_SHOWN)
            fprintf(diff->out, " and %" PRIu64 " more ranges", ranges.ranges - RANGES_SHOWN);
        fprintf(diff->out, "\n");
    }
    free(text);
}

static unsigned find(const Pages *pages, const char *name)
{
    unsigned n = 0;
    while (n < pages->count && strcmp(pages->memory[n].name, name) != 0)
        n++;
    return n;
}

static void compare_memories(Diff *diff, const Pages *a, const Pages *b)
{
    for (unsigned n = 0; n < a->count; n++) {
        unsigned k = find(b, a->memory[n].name);
        if (k < b->count && a->memory[n].pages == b->memory[k].pages) {
            compare_tables(diff, a, n, b, k);
            continue;
        }
        diff->same = false;
        fprintf(diff->out, "%s: %s\n", a->memory[n].name,
                k < b->count ? "of another size" : "only in the first");
    }
    for (unsigned n = 0; n < b->count; n++) {
        if (find(a, b->memory[n].name) < a->count)
            continue;
        diff->same = false;
        fprintf(diff->out, "%s: only in the second\n", b->memory[n].name);
    }
}

static bool compare_pages(Diff *diff, const Snapshot *a, const Snapshot *b, Error *err)
{
    Pages *of_a = calloc(1, sizeof *of_a), *of_b = calloc(1, sizeof *of_b);
    if (!of_a || !of_b)
        abort();
    bool ok = take_pages(of_a, a, &diff->key, err) && take_pages(of_b, b, &diff->key, err);
    if (ok)
        compare_memories(diff, of_a, of_b);
    free_pages(of_a);
    free_pages(of_b);
    return ok;
}

bool snapshot_diff(Snapshot *a, Snapshot *b, FILE *out, bool *same, Error *err)
{
    Diff diff = {.out = out, .same = true};
    page_key_init(&diff.key);
    if (!snapshot_open_chain(a, err) || !snapshot_open_chain(b, err))
        return false;
    bool ok = compare_parts(&diff, a, b, false, err) && compare_parts(&diff, b, a, true, err) &&
              compare_pages(&diff, a, b, err);
    *same = diff.same;
    return ok;
}
