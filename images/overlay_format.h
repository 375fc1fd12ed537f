/* The header of an overlay file, and the pages of its table. All numbers are little-endian. Private to
 * images/. */
#ifndef ARMATURE_IMAGES_OVERLAY_FORMAT_H
#define ARMATURE_IMAGES_OVERLAY_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"

#define OVERLAY_MAGIC "ARMOVL\r\n"

enum {
    OVERLAY_VERSION = 1,
    OVERLAY_BLOCK = 4096,                           /* what is changed or not, as a whole */
    OVERLAY_PAGE = 4096,                            /* of header and table, what a checksum is over */
    OVERLAY_HEADERS = 2,                            /* copies, written in turn */
    OVERLAY_TABLE = OVERLAY_HEADERS * OVERLAY_PAGE, /* where the table begins */
    OVERLAY_BITS_BYTES = OVERLAY_PAGE - 16,         /* of a page, behind its own header */
    OVERLAY_BITS = 8 * OVERLAY_BITS_BYTES,
    OVERLAY_PATH = 3900, /* longest name of a base */
    OVERLAY_ID = 16
};

#define OVERLAY_LARGEST (UINT64_C(1) << 44) /* bytes of a disk: 16 TiB */

enum { OVERLAY_CLOSED = 1, OVERLAY_COMMITTING = 2, OVERLAY_BASE_RAW = 4, OVERLAY_FLAGS = 7 };

/* What the image below was when the overlay was made. */
typedef struct OverlayBase {
    uint64_t size;
    int64_t modified; /* host's time of the last change in ns; 0: that means nothing (devices, servers) */
    uint32_t sample;  /* CRC-32 of the first 64 KiB */
} OverlayBase;

typedef struct OverlayHeader {
    uint64_t sequence; /* the greater one of the copies holds */
    uint64_t size;     /* bytes of the disk */
    uint32_t flags;
    uint32_t table_room; /* pages of the table, each of them there twice */
    uint64_t data;       /* where block 0 would be; the others follow in order */
    uint8_t id[OVERLAY_ID];
    uint32_t table_check; /* with OVERLAY_CLOSED: CRC-32 of the pages' sequence numbers */
    OverlayBase base;
    char path[OVERLAY_PATH + 1]; /* of the base; relative to the overlay's folder */
} OverlayHeader;

uint64_t overlay_blocks(uint64_t size);
uint32_t overlay_pages(uint64_t size);

void overlay_header_write(const OverlayHeader *header, uint8_t page[OVERLAY_PAGE]);
/* False with err set (no file name in it) if it is damaged or makes no sense. */
bool overlay_header_read(OverlayHeader *header, const uint8_t page[OVERLAY_PAGE], Error *err);

typedef enum PageState { PAGE_GOOD, PAGE_EMPTY, PAGE_BAD } PageState;

/* bits: OVERLAY_BITS_BYTES of them. */
void overlay_page_write(uint8_t page[OVERLAY_PAGE], uint32_t number, uint64_t sequence, const uint8_t *bits);
/* PAGE_EMPTY: never written, sequence 0. */
PageState overlay_page_read(const uint8_t page[OVERLAY_PAGE], uint32_t number, uint64_t *sequence);

#endif
