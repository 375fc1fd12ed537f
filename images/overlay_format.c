#include "images/overlay_format.h"

#include <string.h>
#include <zlib.h>

/* Where the header's members are. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_CRC = 12,
    AT_SEQUENCE = 16,
    AT_SIZE = 24,
    AT_BLOCK = 32,
    AT_FLAGS = 36,
    AT_TABLE_ROOM = 40,
    AT_TABLE_CHECK = 44,
    AT_DATA = 48,
    AT_ID = 56,
    AT_BASE_SIZE = 72,
    AT_BASE_MODIFIED = 80,
    AT_BASE_SAMPLE = 88,
    AT_PATH_LENGTH = 92,
    AT_PATH = 96
};

/* And a table page's. */
enum { AT_PAGE_CRC = 0, AT_PAGE_NUMBER = 4, AT_PAGE_SEQUENCE = 8, AT_PAGE_BITS = 16 };

_Static_assert(AT_PATH + OVERLAY_PATH <= OVERLAY_PAGE, "the header is one page");

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned n = 0; n < 4; n++)
        at[n] = (uint8_t)(value >> 8 * n);
}

static void put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)value);
    put32(at + 4, (uint32_t)(value >> 32));
}

static uint32_t get32(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get64(const uint8_t *at)
{
    return get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* Of a page whose checksum is at `at`, which counts as zero. */
static uint32_t checksum(const uint8_t *page, unsigned at)
{
    static const uint8_t zero[4];
    uLong crc = crc32(0, page, at);
    crc = crc32(crc, zero, sizeof zero);
    return (uint32_t)crc32(crc, page + at + 4, OVERLAY_PAGE - at - 4);
}

uint64_t overlay_blocks(uint64_t size)
{
    return (size + OVERLAY_BLOCK - 1) / OVERLAY_BLOCK;
}

uint32_t overlay_pages(uint64_t size)
{
    return (uint32_t)((overlay_blocks(size) + OVERLAY_BITS - 1) / OVERLAY_BITS);
}

void overlay_header_write(const OverlayHeader *header, uint8_t page[OVERLAY_PAGE])
{
    size_t length = strlen(header->path);
    memset(page, 0, OVERLAY_PAGE);
    memcpy(page + AT_MAGIC, OVERLAY_MAGIC, 8);
    put32(page + AT_VERSION, OVERLAY_VERSION);
    put64(page + AT_SEQUENCE, header->sequence);
    put64(page + AT_SIZE, header->size);
    put32(page + AT_BLOCK, OVERLAY_BLOCK);
    put32(page + AT_FLAGS, header->flags);
    put32(page + AT_TABLE_ROOM, header->table_room);
    put32(page + AT_TABLE_CHECK, header->table_check);
    put64(page + AT_DATA, header->data);
    memcpy(page + AT_ID, header->id, OVERLAY_ID);
    put64(page + AT_BASE_SIZE, header->base.size);
    put64(page + AT_BASE_MODIFIED, (uint64_t)header->base.modified);
    put32(page + AT_BASE_SAMPLE, header->base.sample);
    put32(page + AT_PATH_LENGTH, (uint32_t)length);
    memcpy(page + AT_PATH, header->path, length);
    put32(page + AT_CRC, checksum(page, AT_CRC));
}

static bool makes_sense(const OverlayHeader *header, Error *err)
{
    uint64_t end = OVERLAY_TABLE + 2 * (uint64_t)header->table_room * OVERLAY_PAGE;
    if (!header->size || header->size > OVERLAY_LARGEST)
        return error_set(err, "its disk has %llu bytes", (unsigned long long)header->size);
    if (overlay_pages(header->size) > header->table_room)
        return error_set(err, "its table is too short");
    if (header->data % OVERLAY_BLOCK || header->data < end || header->data > OVERLAY_LARGEST)
        return error_set(err, "its data are nowhere");
    return !(header->flags & ~(uint32_t)OVERLAY_FLAGS) || error_set(err, "it has flags that mean nothing");
}

bool overlay_header_read(OverlayHeader *header, const uint8_t page[OVERLAY_PAGE], Error *err)
{
    uint32_t version = get32(page + AT_VERSION), length = get32(page + AT_PATH_LENGTH);
    if (memcmp(page + AT_MAGIC, OVERLAY_MAGIC, 8))
        return error_set(err, "it is no overlay");
    if (get32(page + AT_CRC) != checksum(page, AT_CRC))
        return error_set(err, "its header is damaged");
    if (version != OVERLAY_VERSION)
        return error_set(err, "its format has version %u, and this armature knows version %d", version,
                         OVERLAY_VERSION);
    if (get32(page + AT_BLOCK) != OVERLAY_BLOCK)
        return error_set(err, "its blocks have %u bytes", get32(page + AT_BLOCK));
    if (!length || length > OVERLAY_PATH || memchr(page + AT_PATH, 0, length))
        return error_set(err, "it names no base");
    *header = (OverlayHeader){
        .sequence = get64(page + AT_SEQUENCE),
        .size = get64(page + AT_SIZE),
        .flags = get32(page + AT_FLAGS),
        .table_room = get32(page + AT_TABLE_ROOM),
        .table_check = get32(page + AT_TABLE_CHECK),
        .data = get64(page + AT_DATA),
        .base = {.size = get64(page + AT_BASE_SIZE),
                 .modified = (int64_t)get64(page + AT_BASE_MODIFIED),
                 .sample = get32(page + AT_BASE_SAMPLE)}
    };
    memcpy(header->id, page + AT_ID, OVERLAY_ID);
    memcpy(header->path, page + AT_PATH, length);
    return makes_sense(header, err);
}

/* ---- Pages of the table ------------------------------------------------------------------------------ */

void overlay_page_write(uint8_t page[OVERLAY_PAGE], uint32_t number, uint64_t sequence, const uint8_t *bits)
{
    put32(page + AT_PAGE_NUMBER, number);
    put64(page + AT_PAGE_SEQUENCE, sequence);
    memcpy(page + AT_PAGE_BITS, bits, OVERLAY_BITS_BYTES);
    put32(page + AT_PAGE_CRC, checksum(page, AT_PAGE_CRC));
}

PageState overlay_page_read(const uint8_t page[OVERLAY_PAGE], uint32_t number, uint64_t *sequence)
{
    static const uint8_t zeros[OVERLAY_PAGE];
    *sequence = 0;
    if (!memcmp(page, zeros, OVERLAY_PAGE))
        return PAGE_EMPTY;
    if (get32(page + AT_PAGE_CRC) != checksum(page, AT_PAGE_CRC) || get32(page + AT_PAGE_NUMBER) != number)
        return PAGE_BAD;
    *sequence = get64(page + AT_PAGE_SEQUENCE);
    return PAGE_GOOD;
}
