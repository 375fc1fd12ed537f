#include "devices/sd_card.h"

#include <string.h>

#include "devices/sd_registers.h"

/* CURRENT_STATE of the card status; OFF and INACTIVE are not in it. */
enum { IDLE, READY, IDENT, STBY, TRAN, DATA, RCV, PRG, DIS, INACTIVE };

/* The card status, section 4.10.1. */
enum {
    ADDRESS_ERROR = 1 << 30,
    BLOCK_LEN_ERROR = 1 << 29,
    ERASE_SEQ_ERROR = 1 << 28,
    ERASE_PARAM = 1 << 27,
    WP_VIOLATION = 1 << 26,
    ILLEGAL_COMMAND = 1 << 22,
    GENERAL_ERROR = 1 << 19,
    CSD_OVERWRITE = 1 << 16,
    WP_ERASE_SKIP = 1 << 15,
    READY_FOR_DATA = 1 << 8,
    APP_CMD = 1 << 5
};
#define OUT_OF_RANGE 0x80000000u

enum { OCR_VOLTAGES = 0x00ff8000, OCR_CCS = 1 << 30, VOLTAGE_27_36 = 1 };
#define OCR_READY 0x80000000u
enum { SECTOR = DISK_SECTOR, LEAST_AHEAD = 8, MOST_AHEAD = SD_BUFFER / SECTOR };

/* What the data of a transfer are. */
typedef enum SdData { OF_MEDIUM, OF_CARD, OF_CSD } SdData;
/* What the disk does. */
typedef enum SdJob { JOB_NONE, JOB_READ, JOB_WRITE, JOB_ERASE } SdJob;

/* ---- The medium --------------------------------------------------------------------------------------- */

bool sd_card_present(const SdCard *card)
{
    return card->slot->disk != NULL;
}

bool sd_card_protected(const SdCard *card)
{
    return card->slot->disk && disk_read_only(card->slot->disk);
}

static SdGeometry geometry(const SdCard *card)
{
    return sd_geometry(card->slot->disk ? disk_size(card->slot->disk) / SECTOR : 0);
}

/* How many of the sectors from `sector` on the medium has. */
static uint32_t on_medium(const SdCard *card, uint32_t sector, uint32_t count)
{
    uint64_t sectors = card->slot->disk ? disk_size(card->slot->disk) / SECTOR : 0;
    uint64_t left = sectors > sector ? sectors - sector : 0;
    return left < count ? (uint32_t)left : count;
}

static bool is_protected(const SdCard *card, uint32_t sector)
{
    SdGeometry g = geometry(card);
    uint32_t group = sector / (SD_GROUP_SECTORS << (g.block_bits - 9));
    return card->s.write_protect & 3 || (!g.high_capacity && group < SD_WP_GROUPS &&
                                         card->s.protected_groups[group / 32] >> group % 32 & 1);
}

/* ---- What the disk does ------------------------------------------------------------------------------- */

static void carry_on(SdCard *card);

/* The disk has done its part of the job. */
static void conclude(SdCard *card)
{
    SdState *s = &card->s;
    bool ok = card->request.result == DISK_OK;
    card->with = NULL;
    card->due = 0;
    if (!ok)
        s->errors |= card->request.result == DISK_READ_ONLY ? WP_VIOLATION : GENERAL_ERROR;
    if (s->job == JOB_READ && ok)
        s->filled = s->job_sectors * SECTOR;
    if (s->job == JOB_READ && !ok)
        s->drop = 1;
    if (s->job == JOB_WRITE && ok)
        s->written += s->job_sectors;
    if (s->job == JOB_WRITE && !ok)
        s->drop = 1;
    s->job = JOB_NONE;
    carry_on(card);
}

static void done(DiskRequest *request)
{
    SdCard *card = request->opaque;
    conclude(card);
    card->changed(card->opaque);
}

/* True: it is done already. */
static bool submit(SdCard *card)
{
    static const DiskAction actions[] = {
        [JOB_READ] = DISK_READ, [JOB_WRITE] = DISK_WRITE, [JOB_ERASE] = DISK_ZERO};
    SdState *s = &card->s;
    uint32_t there = on_medium(card, s->job_sector, s->job_sectors);
    card->request.action = actions[s->job];
    card->request.offset = (uint64_t)s->job_sector * SECTOR;
    card->request.length = (uint64_t)there * SECTOR;
    card->request.data = s->job == JOB_ERASE ? NULL : card->buffer;
    card->request.due = card->due;
    card->request.settle = s->job != JOB_READ;
    if (s->job == JOB_READ)
        memset(card->buffer + there * SECTOR, 0, (s->job_sectors - there) * SECTOR);
    card->request.result = s->job == JOB_WRITE && there < s->job_sectors ? DISK_OUTSIDE : DISK_OK;
    if (!there || card->request.result || !card->slot->disk)
        return true;
    card->with = card->slot->disk;
    if (disk_submit(card->slot->disk, &card->request))
        return true;
    card->due = card->request.due;
    return false;
}

static void start(SdCard *card, SdJob job, uint32_t sector, uint32_t sectors)
{
    card->s.job = job;
    card->s.job_sector = sector;
    card->s.job_sectors = sectors;
    if (submit(card))
        conclude(card);
}

/* Reads ahead from the sector that is to be sent next. */
static void fetch(SdCard *card)
{
    SdState *s = &card->s;
    uint32_t left = geometry(card).sectors - s->sector,
             count = s->open ? s->ahead : 1u + (s->block_left > SECTOR);
    s->first = s->sector;
    s->filled = 0;
    s->ahead = s->ahead < MOST_AHEAD ? 2 * s->ahead : MOST_AHEAD;
    start(card, JOB_READ, s->sector, count < left ? count : left);
}

/* Writes what the buffer holds. */
static void program(SdCard *card)
{
    SdState *s = &card->s;
    uint32_t sectors = s->filled / SECTOR, sector = s->sector;
    s->filled = 0;
    s->sector += sectors;
    if (s->state == RCV && !s->block_left)
        s->state = PRG;
    if (sectors)
        start(card, JOB_WRITE, sector, sectors);
    else
        carry_on(card);
}

/* Erases up to the end of a group; what is protected is left alone. */
static void erase(SdCard *card)
{
    SdState *s = &card->s;
    uint32_t unit = SD_GROUP_SECTORS << (geometry(card).block_bits - 9);
    while (s->erase_set && s->erase_from <= s->erase_to && is_protected(card, s->erase_from)) {
        s->errors |= WP_ERASE_SKIP;
        if (s->erase_from > UINT32_MAX - unit)
            s->erase_set = 0;
        s->erase_from = (s->erase_from / unit + 1) * unit;
    }
    if (!s->erase_set || s->erase_from > s->erase_to) {
        s->erase_set = 0;
        s->state = TRAN;
        return;
    }
    uint32_t from = s->erase_from, count = unit - from % unit, left = s->erase_to - from + 1;
    if (count >= left)
        s->erase_set = 0; /* this is the last part */
    else
        s->erase_from += count;
    start(card, JOB_ERASE, from, count < left ? count : left);
}

/* What follows when the disk has nothing to do. */
static void carry_on(SdCard *card)
{
    SdState *s = &card->s;
    if (s->state == PRG && s->erase_set)
        erase(card);
    else if (s->state == PRG)
        s->state = TRAN;
    else if (s->state == DIS)
        s->state = STBY;
}

/* ---- Data lines --------------------------------------------------------------------------------------- */

bool sd_card_is_sending(const SdCard *card)
{
    return card->s.state == DATA && card->s.block_left;
}

bool sd_card_is_receiving(const SdCard *card)
{
    return card->s.state == RCV && card->s.block_left;
}

bool sd_card_is_busy(const SdCard *card)
{
    return card->s.job == JOB_WRITE || card->s.job == JOB_ERASE;
}

bool sd_card_failed(const SdCard *card)
{
    return card->s.state == DATA && card->s.drop;
}

/* A block is over: is there another one in this transfer? */
static bool has_next(SdState *s)
{
    if (!s->open || (s->counting && --s->count == 0)) {
        s->counting = 0;
        return false;
    }
    return true;
}

static void sent_block(SdCard *card)
{
    SdState *s = &card->s;
    if (s->what != OF_MEDIUM || !has_next(s)) {
        s->state = TRAN;
        return;
    }
    if (s->sector >= geometry(card).sectors)
        s->errors |= OUT_OF_RANGE;
    else
        s->block_left = s->block_length;
}

uint32_t sd_card_send(SdCard *card, void *data, uint32_t size)
{
    SdState *s = &card->s;
    if (!sd_card_is_sending(card) || s->job == JOB_READ || s->drop)
        return 0;
    uint32_t at = s->what == OF_MEDIUM ? (s->sector - s->first) * SECTOR + s->offset : s->offset;
    if (s->what == OF_MEDIUM && at >= s->filled) {
        fetch(card);
        if (s->job == JOB_READ || s->drop)
            return 0;
        at = s->offset;
    }
    uint32_t count = size < s->block_left ? size : s->block_left;
    count = count < s->filled - at ? count : s->filled - at;
    memcpy(data, card->buffer + at, count);
    s->offset += count;
    s->block_left -= count;
    if (s->what == OF_MEDIUM) {
        s->sector += s->offset / SECTOR;
        s->offset %= SECTOR;
    }
    if (!s->block_left)
        sent_block(card);
    return count;
}

/* Of the CSD, only COPY and the protection may change; COPY and PERM_WRITE_PROTECT cannot be taken back. */
static void program_csd(SdCard *card)
{
    SdState *s = &card->s;
    SdGeometry g = geometry(card);
    uint32_t wanted = card->buffer[14] >> 4 & 7, kept = s->write_protect & 6;
    uint8_t csd[SD_REGISTER_BYTES];
    sd_csd(&g, wanted, s->high_speed, csd);
    if (memcmp(csd, card->buffer, sizeof csd - 1) || kept & ~wanted)
        s->errors |= CSD_OVERWRITE;
    else
        s->write_protect = wanted;
    s->filled = 0;
    s->state = TRAN;
}

static void received_block(SdCard *card)
{
    SdState *s = &card->s;
    uint32_t sector = s->sector + s->filled / SECTOR;
    if (s->what == OF_CSD) {
        program_csd(card);
        return;
    }
    if (sector > geometry(card).sectors - s->block_length / SECTOR)
        s->errors |= OUT_OF_RANGE;
    else if (is_protected(card, sector))
        s->errors |= WP_VIOLATION;
    s->drop |= s->errors & (OUT_OF_RANGE | WP_VIOLATION) ? 1 : 0;
    s->filled += s->drop ? 0 : s->block_length;
    bool next = has_next(s);
    if (next)
        s->block_left = s->block_length;
    if (!next || s->filled + s->block_length > SD_BUFFER)
        program(card);
}

uint32_t sd_card_receive(SdCard *card, const void *data, uint32_t size)
{
    SdState *s = &card->s;
    if (!sd_card_is_receiving(card) || s->job != JOB_NONE)
        return 0;
    uint32_t length = s->what == OF_CSD ? SD_REGISTER_BYTES : s->block_length;
    uint32_t count = size < s->block_left ? size : s->block_left;
    memcpy(card->buffer + s->filled + (length - s->block_left), data, count);
    s->block_left -= count;
    if (!s->block_left)
        received_block(card);
    return count;
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

typedef struct Command {
    SdCard *card;
    uint32_t index, argument, *response;
} Command;

/* R1: the status, with the state in which the command found the card. Errors are told once. */
static SdResponse answer(const Command *c, uint32_t state)
{
    SdState *s = &c->card->s;
    bool ready = !sd_card_is_busy(c->card);
    *c->response = s->errors | state << 9 | (ready ? READY_FOR_DATA : 0) | (s->application ? APP_CMD : 0);
    s->errors = 0;
    return SD_SHORT;
}

static SdResponse illegal(const Command *c)
{
    c->card->s.errors |= ILLEGAL_COMMAND;
    return SD_NO_RESPONSE;
}

static SdResponse answer_long(const Command *c, const uint8_t *reg)
{
    for (unsigned n = 0; n < 4; n++, reg += 4)
        c->response[n] = (uint32_t)reg[0] << 24 | (uint32_t)reg[1] << 16 | (uint32_t)reg[2] << 8 |
                         (reg[3] & (n < 3 ? 0xff : 0xfe));
    return SD_LONG;
}

static void reset(SdCard *card)
{
    SdState *s = &card->s;
    uint32_t protection = s->write_protect & 6, powered = s->powered, groups[SD_WP_GROUPS / 32];
    SdState busy = *s;
    memcpy(groups, s->protected_groups, sizeof groups);
    if (card->with && busy.job != JOB_WRITE)
        disk_take_back(card->with, &card->request), card->with = NULL;
    *s = (SdState){.state = IDLE, .block_length = SECTOR, .write_protect = protection, .powered = powered};
    memcpy(s->protected_groups, groups, sizeof groups);
    if (card->with) { /* what it was sent whole is still written */
        s->job = busy.job;
        s->job_sector = busy.job_sector;
        s->job_sectors = busy.job_sectors;
    } else {
        card->due = 0;
    }
}

/* Ends a transfer. What was received whole is written. */
static void stop(SdCard *card)
{
    SdState *s = &card->s;
    s->counting = 0;
    if (s->state == DATA) {
        if (card->with)
            disk_take_back(card->with, &card->request);
        card->with = NULL;
        card->due = 0;
        s->job = JOB_NONE;
        s->state = TRAN;
        s->block_left = 0;
        return;
    }
    s->block_left = 0;
    if (s->job == JOB_NONE)
        program(card);
    else
        s->state = PRG;
}

static void begin(SdCard *card, uint32_t state, SdData what, uint32_t block, bool open)
{
    SdState *s = &card->s;
    s->state = state;
    s->what = what;
    s->open = open;
    s->block_left = block;
    s->offset = s->filled = s->drop = 0;
    s->counting &= open;
    s->ahead = s->counting && s->count && s->count < MOST_AHEAD ? s->count : LEAST_AHEAD;
}

/* Data of the card itself, which are in its buffer. */
static SdResponse send_own(const Command *c, uint32_t bytes)
{
    begin(c->card, DATA, OF_CARD, bytes, false);
    c->card->s.filled = bytes;
    return answer(c, TRAN);
}

/* Sets the place of a transfer; false with the error if there is none. */
static bool find_place(const Command *c, bool write)
{
    SdState *s = &c->card->s;
    SdGeometry g = geometry(c->card);
    uint32_t in_sector = g.high_capacity ? 0 : c->argument % SECTOR;
    uint32_t block = 1u << g.block_bits, sector = g.high_capacity ? c->argument : c->argument / SECTOR;
    bool whole = s->block_length == SECTOR || s->block_length == block;
    uint32_t end = g.high_capacity ? 0 : c->argument % block + s->block_length;
    if (write && !whole)
        s->errors |= BLOCK_LEN_ERROR;
    else if (sector >= g.sectors)
        s->errors |= OUT_OF_RANGE;
    else if (end > block || (write && in_sector))
        s->errors |= ADDRESS_ERROR;
    else {
        s->sector = sector;
        s->offset = in_sector;
        return true;
    }
    return false;
}

static SdResponse read_blocks(const Command *c)
{
    SdState *s = &c->card->s;
    if (!find_place(c, false))
        return answer(c, TRAN);
    uint32_t offset = s->offset;
    begin(c->card, DATA, OF_MEDIUM, s->block_length, c->index == 18);
    s->offset = offset;
    SdResponse response = answer(c, TRAN);
    fetch(c->card);
    return response;
}

static SdResponse write_blocks(const Command *c)
{
    SdState *s = &c->card->s;
    if (!find_place(c, true))
        return answer(c, TRAN);
    begin(c->card, RCV, OF_MEDIUM, s->block_length, c->index == 25);
    s->written = 0;
    return answer(c, TRAN);
}

/* CMD28 to CMD30: groups that software protects. */
static SdResponse protect(const Command *c)
{
    SdState *s = &c->card->s;
    SdGeometry g = geometry(c->card);
    uint32_t sector = c->argument / SECTOR, group = sector / (SD_GROUP_SECTORS << (g.block_bits - 9));
    if (g.high_capacity)
        return illegal(c);
    if (sector >= g.sectors) {
        s->errors |= OUT_OF_RANGE;
        return answer(c, TRAN);
    }
    if (c->index == 30) { /* the bit of the group of the address is the last one sent */
        uint32_t bits = 0;
        for (uint32_t n = 0; n < 32 && group + n < SD_WP_GROUPS; n++)
            bits |= (s->protected_groups[(group + n) / 32] >> (group + n) % 32 & 1) << n;
        for (unsigned n = 0; n < 4; n++)
            c->card->buffer[n] = (uint8_t)(bits >> (24 - 8 * n));
        return send_own(c, 4);
    }
    uint32_t bit = 1u << group % 32, *word = &s->protected_groups[group / 32];
    *word = c->index == 28 ? *word | bit : *word & ~bit;
    return answer(c, TRAN);
}

static SdResponse set_erase(const Command *c)
{
    SdState *s = &c->card->s;
    SdGeometry g = geometry(c->card);
    uint32_t sector = g.high_capacity ? c->argument : c->argument / SECTOR;
    if (sector >= g.sectors)
        s->errors |= OUT_OF_RANGE;
    else if (c->index == 32) {
        s->erase_from = sector;
        s->erase_set = 1;
    } else if (s->erase_set != 1) {
        s->errors |= ERASE_SEQ_ERROR;
        s->erase_set = 0;
    } else {
        s->erase_to = sector;
        s->erase_set = 2;
    }
    return answer(c, TRAN);
}

static SdResponse start_erase(const Command *c)
{
    SdState *s = &c->card->s;
    uint32_t set = s->erase_set;
    bool fits = set == 2 && s->erase_from <= s->erase_to;
    if (set != 2)
        s->errors |= ERASE_SEQ_ERROR;
    else if (!fits)
        s->errors |= ERASE_PARAM;
    if (fits && s->write_protect & 3) {
        s->errors |= WP_VIOLATION;
        fits = false;
    }
    SdResponse response = answer(c, TRAN);
    s->erase_set = fits;
    if (fits) {
        s->state = PRG;
        erase(c->card);
    }
    return response;
}

static SdResponse select_card(const Command *c)
{
    SdState *s = &c->card->s;
    uint32_t before = s->state;
    bool chosen = c->argument >> 16 == s->rca && s->rca;
    if (chosen && (before == STBY || before == DIS)) {
        s->state = before == STBY ? TRAN : PRG;
        return answer(c, before);
    }
    if (chosen)
        return illegal(c);
    if (before == TRAN || before == DATA) {
        stop(c->card);
        s->state = STBY;
    } else if (before == PRG) {
        s->state = DIS;
    }
    return SD_NO_RESPONSE;
}

static SdResponse publish_address(const Command *c)
{
    SdState *s = &c->card->s;
    uint32_t before = s->state, errors = s->errors;
    s->rca = (s->rca + 0x4567) & 0xffff;
    s->rca += !s->rca;
    s->state = STBY;
    answer(c, before);
    /* R6: bits 23, 22 and 19 of the status go to 15, 14 and 13. */
    *c->response = s->rca << 16 | (*c->response & 0x1fff) | (errors >> 8 & 0xc000) | (errors >> 6 & 0x2000);
    return SD_SHORT;
}

static SdResponse send_condition(const Command *c)
{
    SdState *s = &c->card->s;
    SdGeometry g = geometry(c->card);
    bool inquiry = !(c->argument & OCR_VOLTAGES), ready = !g.high_capacity || c->argument & OCR_CCS;
    *c->response = OCR_VOLTAGES | (g.high_capacity ? OCR_CCS : 0);
    if (!inquiry && ready) {
        *c->response |= OCR_READY;
        s->state = READY;
    } else {
        *c->response &= ~(uint32_t)OCR_CCS;
    }
    return SD_SHORT_NO_CRC;
}

static SdResponse send_register(const Command *c)
{
    uint8_t reg[SD_REGISTER_BYTES];
    const SdState *s = &c->card->s;
    SdGeometry g = geometry(c->card);
    if (c->index == 9)
        sd_csd(&g, s->write_protect, s->high_speed, reg);
    else
        sd_cid(disk_serial(c->card->slot->disk), reg);
    return answer_long(c, reg);
}

static SdResponse application_command(const Command *c)
{
    SdState *s = &c->card->s;
    uint8_t *buffer = c->card->buffer;
    if (c->index == 41)
        return s->state == IDLE ? send_condition(c) : illegal(c);
    if (s->state != TRAN || s->job != JOB_NONE) /* a write may go on after CMD0 */
        return illegal(c);
    switch (c->index) {
    case 6:
        s->wide = (c->argument & 3) == 2;
        return answer(c, TRAN);
    case 13:
        sd_status(s->wide, buffer);
        return send_own(c, SD_STATUS_BYTES);
    case 22:
        for (unsigned n = 0; n < 4; n++)
            buffer[n] = (uint8_t)(s->written >> (24 - 8 * n));
        return send_own(c, 4);
    case 23: /* how many blocks to erase before they are written: nothing to gain */
    case 42: /* the pull-up resistor of DAT3 */
        return answer(c, TRAN);
    case 51:
        sd_scr(buffer);
        return send_own(c, SD_SCR_BYTES);
    default:
        return illegal(c);
    }
}

/* Commands of the transfer state. */
static SdResponse transfer_command(const Command *c)
{
    SdState *s = &c->card->s;
    switch (c->index) {
    case 6:
        s->high_speed = sd_switch(c->argument, s->high_speed, c->card->buffer);
        return send_own(c, SD_STATUS_BYTES);
    case 16:
        if (c->argument && c->argument <= 1u << geometry(c->card).block_bits)
            s->block_length = geometry(c->card).high_capacity ? SECTOR : c->argument;
        else
            s->errors |= BLOCK_LEN_ERROR;
        return answer(c, TRAN);
    case 17:
    case 18:
        return read_blocks(c);
    case 23:
        s->count = c->argument;
        s->counting = c->argument != 0;
        return answer(c, TRAN);
    case 24:
    case 25:
        return write_blocks(c);
    case 27:
        begin(c->card, RCV, OF_CSD, SD_REGISTER_BYTES, false);
        return answer(c, TRAN);
    case 28:
    case 29:
    case 30:
        return protect(c);
    case 32:
    case 33:
        return set_erase(c);
    case 38:
        return start_erase(c);
    default:
        return illegal(c);
    }
}

static bool addressed(const Command *c)
{
    return c->argument >> 16 == c->card->s.rca && c->card->s.state >= STBY;
}

static SdResponse basic_command(const Command *c)
{
    SdState *s = &c->card->s;
    uint32_t state = s->state;
    switch (c->index) {
    case 2:
        if (state != READY)
            return illegal(c);
        s->state = IDENT;
        return send_register(c);
    case 3:
        return state == IDENT || state == STBY ? publish_address(c) : illegal(c);
    case 4:
        return SD_NO_RESPONSE; /* there is no driver stage register */
    case 7:
        return state >= STBY ? select_card(c) : illegal(c);
    case 8:
        *c->response = c->argument & 0xfff;
        if (state != IDLE)
            return illegal(c);
        return (c->argument >> 8 & 15) == VOLTAGE_27_36 ? SD_SHORT : SD_NO_RESPONSE;
    case 9:
    case 10:
        if (state != STBY)
            return illegal(c);
        return addressed(c) ? send_register(c) : SD_NO_RESPONSE;
    case 12:
        if (state != DATA && state != RCV)
            return illegal(c);
        stop(c->card);
        return answer(c, state);
    case 13:
        return addressed(c) ? answer(c, state) : SD_NO_RESPONSE;
    case 15:
        if (addressed(c))
            s->state = INACTIVE;
        return SD_NO_RESPONSE;
    case 55:
        if (state != IDLE && !addressed(c))
            return SD_NO_RESPONSE;
        s->application = 1;
        return answer(c, state);
    default:
        return state == TRAN && s->job == JOB_NONE ? transfer_command(c) : illegal(c);
    }
}

SdResponse sd_card_command(SdCard *card, unsigned index, uint32_t argument, uint32_t *response)
{
    Command c = {card, index, argument, response};
    SdState *s = &card->s;
    if (!sd_card_present(card) || !s->powered || s->state == INACTIVE)
        return SD_NO_RESPONSE;
    if (index == 0) {
        reset(card);
        return SD_NO_RESPONSE;
    }
    bool application = s->application && (index == 6 || index == 13 || index == 22 || index == 23 ||
                                          index == 41 || index == 42 || index == 51);
    SdResponse result = application ? application_command(&c) : basic_command(&c);
    if (index != 55)
        s->application = 0;
    if (index != 23 && index != 18 && index != 25 && index != 13)
        s->counting = 0;
    return result;
}

/* ---- Power, media, snapshots -------------------------------------------------------------------------- */

void sd_card_power(SdCard *card, bool on)
{
    if (card->s.powered == on)
        return;
    card->s.powered = on;
    reset(card);
}

void sd_card_inserted(SdCard *card)
{
    card->with = NULL; /* the slot has seen to that */
    card->s.write_protect = 0;
    memset(card->s.protected_groups, 0, sizeof card->s.protected_groups);
    card->s.job = JOB_NONE;
    reset(card);
}

/* A state that no card could have comes of a damaged snapshot: the card begins anew. */
static bool is_sound(const SdCard *card)
{
    const SdState *s = &card->s;
    uint32_t sectors = geometry(card).sectors,
             length = s->what == OF_CSD ? SD_REGISTER_BYTES : s->block_length;
    bool own = s->what == OF_CARD, job = s->job == JOB_READ || s->job == JOB_WRITE;
    if (s->state > INACTIVE || s->job > JOB_ERASE || s->what > OF_CSD || s->erase_set > 2)
        return false;
    if (!s->block_length || s->block_length > 2 * SECTOR || s->filled > SD_BUFFER || s->ahead > MOST_AHEAD ||
        s->sector > sectors || s->first > s->sector || s->job_sector > sectors ||
        s->job_sectors > sectors - s->job_sector || (job && s->job_sectors > MOST_AHEAD))
        return false;
    if (s->state == RCV)
        return !own && length % 16 == 0 && s->block_left <= length && s->filled + length <= SD_BUFFER;
    if (s->state == DATA && own)
        return s->filled <= SD_STATUS_BYTES && s->block_left <= s->filled &&
               s->offset <= s->filled - s->block_left;
    return s->state != DATA ||
           (s->what == OF_MEDIUM && s->block_left <= s->block_length && s->offset < SECTOR);
}

void sd_card_loaded(SdCard *card)
{
    if (card->with)
        disk_take_back(card->with, &card->request);
    card->with = NULL;
    if (!is_sound(card)) {
        card->s.job = JOB_NONE;
        card->s.write_protect &= 7;
        reset(card);
    }
    if (card->s.job != JOB_NONE && card->slot->disk && submit(card))
        conclude(card);
}

void sd_card_init(SdCard *card, DiskSlot *slot, void (*changed)(void *opaque), void *opaque)
{
    card->slot = slot;
    card->changed = changed;
    card->opaque = opaque;
    card->s.block_length = SECTOR;
    card->request.done = done;
    card->request.opaque = card;
}

void sd_card_done(SdCard *card)
{
    if (card->with && card->slot->disk)
        disk_take_back(card->with, &card->request);
}
