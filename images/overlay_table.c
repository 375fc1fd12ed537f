#include "images/overlay_table.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void *allocate(uint64_t count, size_t size)
{
    void *result = calloc(count ? count : 1, size);
    if (!result)
        abort();
    return result;
}

void table_init(OverlayTable *table, uint64_t size)
{
    uint32_t pages = overlay_pages(size);
    *table = (OverlayTable){.blocks = overlay_blocks(size),
                            .pages = pages,
                            .bits = allocate(pages, OVERLAY_BITS_BYTES),
                            .page = allocate(pages, sizeof(TablePage))};
}

void table_free(OverlayTable *table)
{
    free(table->bits);
    free(table->page);
    *table = (OverlayTable){.blocks = 0};
}

/* ---- Bits -------------------------------------------------------------------------------------------- */

bool table_has(const OverlayTable *table, uint64_t block)
{
    return table->bits[block / 8] >> block % 8 & 1;
}

uint64_t table_run(const OverlayTable *table, uint64_t block, uint64_t end)
{
    bool has = table_has(table, block);
    uint8_t all = has ? 0xff : 0;
    while (block < end && table_has(table, block) == has) {
        while (block % 8 == 0 && end - block >= 8 && table->bits[block / 8] == all)
            block += 8;
        block += block < end && table_has(table, block) == has;
    }
    return block;
}

static void touch(OverlayTable *table, uint64_t block)
{
    TablePage *page = &table->page[block / OVERLAY_BITS];
    table->dirty += !page->dirty;
    page->dirty = true;
    page->written = false;
}

void table_set(OverlayTable *table, uint64_t block, uint64_t end, bool has)
{
    uint8_t all = has ? 0xff : 0;
    while (block < end) {
        uint8_t *byte = &table->bits[block / 8];
        bool whole = block % 8 == 0 && end - block >= 8;
        uint8_t mask = whole ? 0xff : (uint8_t)(1 << block % 8), changed = (*byte ^ all) & mask;
        if (changed) {
            uint64_t count = (uint64_t)__builtin_popcount(changed);
            table->present = has ? table->present + count : table->present - count;
            *byte ^= changed;
            touch(table, block);
        }
        block += whole ? 8 : 1;
    }
}

/* ---- The file ---------------------------------------------------------------------------------------- */

static uint64_t place(uint32_t number, unsigned copy)
{
    return OVERLAY_TABLE + (2 * (uint64_t)number + copy) * OVERLAY_PAGE;
}

typedef struct Damage {
    uint32_t torn, lost;
} Damage;

/* Bits behind the disk's end are none. */
static void take_bits(OverlayTable *table, uint32_t number, const uint8_t *page)
{
    uint64_t first = (uint64_t)number * OVERLAY_BITS, end = first + OVERLAY_BITS;
    memcpy(table->bits + (size_t)number * OVERLAY_BITS_BYTES, page + OVERLAY_PAGE - OVERLAY_BITS_BYTES,
           OVERLAY_BITS_BYTES);
    end = end < table->blocks ? end : table->blocks;
    for (uint64_t block = end; block < first + OVERLAY_BITS; block++)
        table->bits[block / 8] &= (uint8_t) ~(1 << block % 8);
    for (uint64_t at = first / 8; at < (end + 7) / 8; at++)
        table->present += (uint64_t)__builtin_popcount(table->bits[at]);
}

static DiskResult load_page(OverlayTable *table, HostFile *file, uint32_t number, Damage *damage, Error *err)
{
    uint8_t pages[2][OVERLAY_PAGE];
    PageState state[2];
    uint64_t sequence[2];
    DiskResult result = host_file_read(file, place(number, 0), pages, sizeof pages, err);
    if (result)
        return result;
    for (unsigned copy = 0; copy < 2; copy++)
        state[copy] = overlay_page_read(pages[copy], number, &sequence[copy]);
    if (state[0] == PAGE_BAD && state[1] == PAGE_BAD) {
        damage->lost++;
        return DISK_OK;
    }
    unsigned best = state[0] == PAGE_BAD || (state[1] != PAGE_BAD && sequence[1] > sequence[0]);
    damage->torn += state[!best] == PAGE_BAD;
    table->page[number] = (TablePage){.sequence = sequence[best], .copy = (uint8_t)best};
    if (state[best] == PAGE_GOOD)
        take_bits(table, number, pages[best]);
    return DISK_OK;
}

/* Pages in holes were never written. */
static bool load_pages(OverlayTable *table, HostFile *file, Damage *damage, Error *err)
{
    uint64_t end = place(table->pages, 0);
    for (uint64_t at = OVERLAY_TABLE; (at = host_file_next_data(file, at, end)) < end;) {
        uint32_t number = (uint32_t)((at - OVERLAY_TABLE) / (2 * OVERLAY_PAGE));
        if (load_page(table, file, number, damage, err))
            return false;
        at = place(number + 1, 0);
    }
    return true;
}

bool table_load(OverlayTable *table, HostFile *file, const uint32_t *check, bool repair, uint32_t *torn,
                uint32_t *lost, Error *err)
{
    Damage damage = {0};
    if (!load_pages(table, file, &damage, err))
        return false;
    *lost = damage.lost;
    *torn = damage.torn;
    if (damage.lost && !repair)
        return error_set(err, "%s is damaged: %u pages of its table are lost", file->path, damage.lost);
    bool as_closed = !check || *check == table_check(table);
    if (!as_closed)
        *lost += !*lost;
    return as_closed || repair ||
           error_set(err, "%s is damaged: its table is not what it was when it was closed", file->path);
}

DiskResult table_save(OverlayTable *table, HostFile *file, Error *err)
{
    uint8_t page[OVERLAY_PAGE];
    DiskResult result = DISK_OK;
    for (uint32_t n = 0, left = table->dirty; left && !result; n++) {
        TablePage *state = &table->page[n];
        left -= state->dirty;
        if (!state->dirty || state->written)
            continue;
        overlay_page_write(page, n, state->sequence + 1, table->bits + (size_t)n * OVERLAY_BITS_BYTES);
        result = host_file_write(file, place(n, !state->copy), page, sizeof page, err);
        state->written = !result;
    }
    return result;
}

void table_saved(OverlayTable *table)
{
    for (uint32_t n = 0; table->dirty; n++) {
        TablePage *state = &table->page[n];
        if (!state->dirty)
            continue;
        state->sequence++;
        state->copy = !state->copy;
        state->dirty = state->written = false;
        table->dirty--;
    }
}

uint32_t table_check(const OverlayTable *table)
{
    uLong crc = crc32(0, NULL, 0);
    for (uint32_t n = 0; n < table->pages; n++) {
        uint8_t bytes[8];
        for (unsigned i = 0; i < 8; i++)
            bytes[i] = (uint8_t)(table->page[n].sequence >> 8 * i);
        crc = crc32(crc, bytes, sizeof bytes);
    }
    return (uint32_t)crc;
}
