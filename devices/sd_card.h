/* An SD memory card on its bus: SD Physical Layer Simplified Specification 3.01, bus protocol version 2.00
 * commands and CMD23. The medium is a disk's: of up to 2 GiB a card of standard capacity (SDSC), of more a
 * card of high capacity (SDHC).
 *
 * A card of any size: its capacity is the next one that its CSD can say. What is beyond the medium's end
 * reads as zero, and writing there is an error.
 *
 * A card keeps what it is sent until it has a buffer full or the transfer ends, and is busy while it is
 * written. What it sends is read ahead. It is never slower than its medium.
 *
 * Not modelled: passwords (CMD42), UHS modes, SPI. */
#ifndef ARMATURE_DEVICES_SD_CARD_H
#define ARMATURE_DEVICES_SD_CARD_H

#include "devices/device.h"

enum { SD_BUFFER = 64 << 10, SD_WP_GROUPS = 256 };

typedef enum SdResponse { SD_NO_RESPONSE, SD_SHORT, SD_SHORT_NO_CRC, SD_LONG } SdResponse;

/* All of it is saved, as FIELD_U32. */
typedef struct SdState {
    uint32_t state;  /* as in CURRENT_STATE */
    uint32_t errors; /* of the card status: cleared when they are sent */
    uint32_t powered, application, rca, block_length, wide, high_speed;
    uint32_t counting, count;                 /* CMD23: blocks of the transfer that follows */
    uint32_t erase_from, erase_to, erase_set; /* sectors; erase_set: 1 first, 2 both */
    uint32_t write_protect;                   /* CSD: bits 2 COPY, 1 permanent, 0 temporary */
    uint32_t protected_groups[SD_WP_GROUPS / 32];
    /* The transfer. */
    uint32_t open;           /* more than one block */
    uint32_t what;           /* an SdData */
    uint32_t sector, offset; /* of the next byte to be sent; of the first byte in the buffer to be written */
    uint32_t block_left;     /* bytes of the block */
    uint32_t filled;         /* bytes in the buffer */
    uint32_t first, ahead;   /* sending: the sector at the start of the buffer; how many to read next */
    uint32_t drop;           /* receiving: what comes is not stored, because of an error */
    uint32_t written;        /* blocks, for ACMD22 */
    uint32_t job, job_sector, job_sectors; /* what the disk does for it: an SdJob */
} SdState;

typedef struct SdCard {
    SdState s;
    uint64_t due; /* of the disk's request */
    uint8_t buffer[SD_BUFFER];
    /* The rest is not saved. */
    DiskRequest request;
    Disk *with; /* the request is under way there */
    DiskSlot *slot;
    void (*changed)(void *opaque);
    void *opaque;
} SdCard;

/* clang-format off */
#define SD_CARD_FIELDS(member)                                                                               \
    {#member ".s", FIELD_U32, AT(member.s), sizeof(SdState) / 4, 1, NULL},                                   \
    {#member ".due", FIELD_U64, AT(member.due), 1, 1, NULL},                                                 \
    {#member ".buffer", FIELD_BYTES, AT(member.buffer), SD_BUFFER, 1, NULL},                                 \
    {#member ".host", FIELD_TRANSIENT, AT(member.request), sizeof(SdCard) - offsetof(SdCard, request), 1,    \
     "the host's side of the card"}
/* clang-format on */

/* changed: the card has data, or is not busy any more. */
void sd_card_init(SdCard *card, DiskSlot *slot, void (*changed)(void *opaque), void *opaque);

/* Whether there is a card in the slot, and whether its switch protects it. */
bool sd_card_present(const SdCard *card);
bool sd_card_protected(const SdCard *card);

/* Power comes or goes: the card begins anew. What it was sent whole is still written. */
void sd_card_power(SdCard *card, bool on);

/* The slot's medium is another one. */
void sd_card_inserted(SdCard *card);

/* A command. Fills response[0] (short) or response[0..3] (long, most significant word first). */
SdResponse sd_card_command(SdCard *card, unsigned index, uint32_t argument, uint32_t *response);

/* The data lines. What it sends: copies up to size bytes of the present block, and returns how many; 0 if it
 * has nothing at present. */
uint32_t sd_card_send(SdCard *card, void *data, uint32_t size);
/* What it is sent: returns how many bytes it took; 0 while it is busy, or if it expects none. */
uint32_t sd_card_receive(SdCard *card, const void *data, uint32_t size);
/* It will send, or take, data without another command; and: it holds DAT0 low. */
bool sd_card_is_sending(const SdCard *card);
bool sd_card_is_receiving(const SdCard *card);
bool sd_card_is_busy(const SdCard *card);
/* It should send, and cannot. */
bool sd_card_failed(const SdCard *card);

/* A snapshot was loaded. */
void sd_card_loaded(SdCard *card);
/* The device goes. */
void sd_card_done(SdCard *card);

#endif
