/* CompactFlash slot of the V2M-P1 (DUI 0447): a card in True IDE mode, as ATA/ATAPI-6 and the CF+
 * specification 3.0 have it, whose registers are 4 bytes apart; device control and the alternate status are
 * in the second half KiB. The board has no interrupt line for it: software polls. An empty slot reads as
 * ones.
 *
 * The card is device 0; device 1 is not there. Transfers are by PIO, and take no time on the bus: what takes
 * time is the medium, meanwhile BSY is set. Data are read ahead and written in pieces of up to 64 KiB.
 *
 * Not modelled: DMA, security, SMART, the card's sleep (a command wakes it). */
#include <string.h>

#include "devices/device.h"

enum { ST_ERR = 1, ST_DRQ = 8, ST_DSC = 0x10, ST_DRDY = 0x40, ST_BSY = 0x80 };
enum { ERR_ABRT = 4, ERR_IDNF = 0x10, ERR_UNC = 0x40 };
enum { SELECT_HEAD = 0xf, SELECT_SLAVE = 0x10, SELECT_LBA = 0x40 };
enum { CONTROL_SRST = 4, CONTROL_HOB = 0x80 };
enum { SECTOR = DISK_SECTOR, SECTORS_MOST = 128, BUFFER = SECTORS_MOST * SECTOR, MULTIPLE_MOST = 16 };
enum { EMPTY = 0xff, HEADS = 16, TRACK_SECTORS = 63, CYLINDERS_MOST = 16383 };
enum { LBA28_SECTORS = 1 << 28 };

enum {
    CMD_CFA_SENSE = 0x03,
    CMD_RECALIBRATE = 0x10, /* and 15 more */
    CMD_READ = 0x20,
    CMD_READ_EXT = 0x24,
    CMD_NATIVE_MAX_EXT = 0x27,
    CMD_READ_MULTIPLE_EXT = 0x29,
    CMD_WRITE = 0x30,
    CMD_WRITE_EXT = 0x34,
    CMD_CFA_WRITE = 0x38,
    CMD_WRITE_MULTIPLE_EXT = 0x39,
    CMD_VERIFY = 0x40,
    CMD_VERIFY_EXT = 0x42,
    CMD_SEEK = 0x70, /* and 15 more */
    CMD_DIAGNOSE = 0x90,
    CMD_INIT_PARAMS = 0x91,
    CMD_OLD_POWER = 0x94, /* to 0x97: standby and idle, now or later */
    CMD_OLD_CHECK_POWER = 0x98,
    CMD_OLD_SLEEP = 0x99,
    CMD_CFA_ERASE = 0xc0,
    CMD_READ_MULTIPLE = 0xc4,
    CMD_WRITE_MULTIPLE = 0xc5,
    CMD_SET_MULTIPLE = 0xc6,
    CMD_CFA_WRITE_MULTIPLE = 0xcd,
    CMD_POWER = 0xe0, /* to 0xe3: as 0x94 to 0x97 */
    CMD_CHECK_POWER = 0xe5,
    CMD_SLEEP = 0xe6,
    CMD_FLUSH = 0xe7,
    CMD_FLUSH_EXT = 0xea,
    CMD_IDENTIFY = 0xec,
    CMD_SET_FEATURES = 0xef,
    CMD_NATIVE_MAX = 0xf8
};

/* What the card does. */
typedef enum Phase { READY, READING, WRITING, VERIFYING, OWN_DATA, FLUSHING } Phase;

/* Registers of the task file that have a previous content. */
typedef enum Task { COUNT, LOW, MID, HIGH, TASKS } Task;

typedef struct {
    Device dev;
    uint32_t task[TASKS]; /* bits 15:8: what was written before */
    uint32_t feature, select, control, error, status;
    uint32_t heads, track_sectors, multiple, eight_bit, write_cache;
    uint32_t phase;
    uint32_t sector, left;      /* the next one for the disk; how many the command has yet to move there */
    uint32_t buffered, at;      /* bytes in the buffer; the next one for software */
    uint32_t block_left, block; /* bytes of the DRQ block; sectors in one */
    uint32_t under_way;         /* sectors of the disk's request; a flush has 0 */
    uint32_t waiting;           /* for the disk */
    uint64_t due;
    uint8_t buffer[BUFFER];
    DiskRequest request;
    Disk *with;
} State;

static DiskSlot *slot_of(const State *s)
{
    return &s->dev.env->disk[DISK_SLOT_CF];
}

static uint32_t sectors_of(const State *s)
{
    const Disk *disk = slot_of(s)->disk;
    uint64_t sectors = disk ? disk_size(disk) / SECTOR : 0;
    return sectors < UINT32_MAX ? (uint32_t)sectors : UINT32_MAX;
}

/* ---- Ends of commands --------------------------------------------------------------------------------- */

static void finish(State *s)
{
    s->phase = READY;
    s->status = ST_DRDY | ST_DSC;
}

static void fail(State *s, uint32_t error)
{
    finish(s);
    s->status |= ST_ERR;
    s->error = error;
}

/* ---- The disk ----------------------------------------------------------------------------------------- */

static void proceed(State *s);

static void concluded(State *s)
{
    bool ok = s->request.result == DISK_OK;
    s->with = NULL;
    s->waiting = 0;
    s->due = 0;
    if (!ok) {
        fail(s, s->request.result == DISK_READ_ONLY || s->phase == FLUSHING ? ERR_ABRT : ERR_UNC);
        return;
    }
    s->sector += s->under_way;
    s->left -= s->under_way;
    if (s->phase == READING)
        s->buffered = s->under_way * SECTOR;
    s->at = 0;
    proceed(s);
}

static void done(DiskRequest *request)
{
    concluded(request->opaque);
}

/* True: it is done already. */
static bool submit(State *s)
{
    Disk *disk = slot_of(s)->disk;
    DiskRequest *r = &s->request;
    r->action = s->phase == FLUSHING ? DISK_FLUSH : s->phase == WRITING ? DISK_WRITE : DISK_READ;
    r->offset = (uint64_t)s->sector * SECTOR;
    r->length = s->under_way * SECTOR;
    r->data = s->buffer;
    r->due = s->due;
    r->result = DISK_IO_ERROR;
    if (!disk)
        return true;
    s->waiting = 1;
    s->with = disk;
    if (disk_submit(disk, r))
        return true;
    s->due = r->due;
    return false;
}

static void start(State *s, uint32_t sectors)
{
    s->status = ST_BSY | ST_DRDY | ST_DSC;
    s->under_way = sectors;
    if (submit(s))
        concluded(s);
}

/* ---- Transfers ---------------------------------------------------------------------------------------- */

/* Asks software for, or offers it, the next block. */
static void offer_block(State *s)
{
    uint32_t most = s->block * SECTOR, there = s->buffered - s->at;
    s->block_left = there < most ? there : most;
    s->status = ST_DRDY | ST_DSC | ST_DRQ;
}

static uint32_t piece(const State *s)
{
    return s->left < SECTORS_MOST ? s->left : SECTORS_MOST;
}

/* The disk, or software, has done its part. */
static void proceed(State *s)
{
    switch (s->phase) {
    case READING:
        if (s->at < s->buffered)
            offer_block(s);
        else if (s->left)
            start(s, piece(s));
        else
            finish(s);
        break;
    case WRITING:
        if (s->left) {
            s->buffered = piece(s) * SECTOR;
            offer_block(s);
        } else if (s->write_cache) {
            finish(s);
        } else {
            s->phase = FLUSHING;
            start(s, 0);
        }
        break;
    case VERIFYING:
        if (s->left)
            start(s, piece(s));
        else
            finish(s);
        break;
    default:
        finish(s);
        break;
    }
}

/* Software has moved a whole block. */
static void block_moved(State *s)
{
    if (s->at < s->buffered)
        offer_block(s);
    else if (s->phase == WRITING)
        start(s, s->buffered / SECTOR);
    else
        proceed(s);
}

/* So many bytes of the data register. */
static uint32_t move(State *s, uint32_t bytes, const uint32_t *written)
{
    uint32_t value = 0;
    bool in = s->phase == WRITING;
    if (!(s->status & ST_DRQ) || in != (written != NULL))
        return 0;
    bytes = bytes < s->block_left ? bytes : s->block_left;
    if (written)
        memcpy(s->buffer + s->at, written, bytes);
    else
        memcpy(&value, s->buffer + s->at, bytes);
    s->at += bytes;
    s->block_left -= bytes;
    if (!s->block_left)
        block_moved(s);
    return value;
}

/* ---- Addresses ---------------------------------------------------------------------------------------- */

static uint32_t now(const State *s, Task task)
{
    return s->task[task] & 0xff;
}

static uint32_t before(const State *s, Task task)
{
    return s->task[task] >> 8 & 0xff;
}

/* Where a command begins and how much it moves; false if that is not on the medium. */
static bool find_range(State *s, bool extended)
{
    uint64_t lba = now(s, LOW) | now(s, MID) << 8 | now(s, HIGH) << 16, count = now(s, COUNT);
    if (extended) {
        lba |=
            (uint64_t)before(s, LOW) << 24 | (uint64_t)before(s, MID) << 32 | (uint64_t)before(s, HIGH) << 40;
        count |= before(s, COUNT) << 8;
        count = count ? count : 65536;
    } else if (s->select & SELECT_LBA) {
        lba |= (uint64_t)(s->select & SELECT_HEAD) << 24;
    } else {
        uint32_t cylinder = now(s, MID) | now(s, HIGH) << 8, number = now(s, LOW),
                 head = s->select & SELECT_HEAD;
        if (!number || number > s->track_sectors || head >= s->heads)
            return false;
        lba = ((uint64_t)cylinder * s->heads + head) * s->track_sectors + number - 1;
    }
    count = count ? count : 256;
    if (lba >= sectors_of(s) || count > sectors_of(s) - lba)
        return false;
    s->sector = (uint32_t)lba;
    s->left = (uint32_t)count;
    return true;
}

static void transfer(State *s, Phase phase, uint32_t block, bool extended)
{
    if (!block) {
        fail(s, ERR_ABRT);
    } else if (phase == WRITING && slot_of(s)->disk && disk_read_only(slot_of(s)->disk)) {
        fail(s, ERR_ABRT);
    } else if (!find_range(s, extended)) {
        fail(s, ERR_IDNF);
    } else {
        s->phase = phase;
        s->block = block;
        s->buffered = s->at = 0;
        proceed(s);
    }
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void put(uint8_t *bytes, unsigned word, uint32_t value)
{
    bytes[2 * word] = (uint8_t)value;
    bytes[2 * word + 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, unsigned word, uint32_t value)
{
    put(bytes, word, value);
    put(bytes, word + 1, value >> 16);
}

/* Characters are swapped in each word, and padded with spaces. */
static void put_text(uint8_t *bytes, unsigned word, unsigned length, const char *text)
{
    for (unsigned n = 0; n < length; n++) {
        bytes[2 * word + (n ^ 1)] = (uint8_t)(*text ? *text : ' ');
        text += *text != 0;
    }
}

static void identify(State *s)
{
    uint8_t *b = s->buffer;
    uint32_t sectors = sectors_of(s), cylinders = sectors / (HEADS * TRACK_SECTORS);
    uint32_t current = sectors / (s->heads * s->track_sectors);
    cylinders = cylinders < CYLINDERS_MOST ? cylinders : CYLINDERS_MOST;
    current = current < 65535 ? current : 65535;
    memset(b, 0, SECTOR);
    put(b, 0, 0x848a); /* a CompactFlash card */
    put(b, 1, cylinders);
    put(b, 3, HEADS);
    put(b, 6, TRACK_SECTORS);
    put32(b, 7, sectors << 16 | sectors >> 16); /* the high word first */
    put_text(b, 10, 20, disk_serial(slot_of(s)->disk));
    put_text(b, 23, 8, "1.0");
    put_text(b, 27, 40, "Armature CompactFlash");
    put(b, 47, 0x8000 | MULTIPLE_MOST);
    put(b, 49, 1 << 9); /* LBA */
    put(b, 51, 2 << 8);
    put(b, 53, 3); /* words 54 to 58 and 64 to 70 count */
    put(b, 54, current);
    put(b, 55, s->heads);
    put(b, 56, s->track_sectors);
    put32(b, 57, current * s->heads * s->track_sectors);
    put(b, 59, s->multiple ? 0x100 | s->multiple : 0);
    put32(b, 60, sectors < LBA28_SECTORS ? sectors : LBA28_SECTORS - 1);
    put(b, 64, 3); /* PIO modes 3 and 4 */
    put(b, 67, 120);
    put(b, 68, 120);
    put(b, 80, 1 << 4 | 1 << 5 | 1 << 6);                       /* ATA-4 to ATA-6 */
    put(b, 82, 1 << 5 | 1 << 14);                               /* write cache, NOP */
    put(b, 83, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10 | 1 << 2); /* flush both ways, 48 bits, CFA */
    put(b, 84, 1 << 14);
    put(b, 85, (s->write_cache ? 1 << 5 : 0) | 1 << 14);
    put(b, 86, 1 << 13 | 1 << 12 | 1 << 10 | 1 << 2);
    put(b, 87, 1 << 14);
    put32(b, 100, sectors);
    s->phase = OWN_DATA;
    s->buffered = SECTOR;
    s->at = 0;
    s->block = 1;
    offer_block(s);
}

static bool enter_feature(State *s)
{
    uint32_t count = now(s, COUNT);
    switch (s->feature & 0xff) {
    case 0x01:
    case 0x81:
        s->eight_bit = (s->feature & 0xff) == 0x01;
        return true;
    case 0x02:
    case 0x82:
        s->write_cache = (s->feature & 0xff) == 0x02;
        return true;
    case 0x03: /* PIO, with or without flow control */
        return count <= 1 || (count >= 8 && count <= 12);
    case 0x55: /* look-ahead, defaults after a reset, and what matters to batteries only */
    case 0xaa:
    case 0x66:
    case 0xcc:
    case 0x0a:
    case 0x8a:
    case 0x69:
    case 0x96:
    case 0x9a:
        return true;
    default:
        return false;
    }
}

static void set_feature(State *s)
{
    enter_feature(s) ? finish(s) : fail(s, ERR_ABRT);
}

static void native_max(State *s, bool extended)
{
    uint32_t last = sectors_of(s) - 1, most = extended ? UINT32_MAX : LBA28_SECTORS - 1;
    last = last < most ? last : most;
    s->task[LOW] = last & 0xff;
    s->task[MID] = last >> 8 & 0xff;
    s->task[HIGH] = last >> 16 & 0xff;
    if (extended)
        s->task[LOW] |= last >> 24 << 8;
    else
        s->select = (s->select & ~(uint32_t)SELECT_HEAD) | last >> 24;
    finish(s);
}

static void native_max_short(State *s)
{
    native_max(s, false);
}

static void native_max_extended(State *s)
{
    native_max(s, true);
}

/* What a reset, and EXECUTE DEVICE DIAGNOSTIC, leave in the registers: all is well, and this is no packet
 * device. */
static void signature(State *s)
{
    s->task[COUNT] = s->task[LOW] = 1;
    s->task[MID] = s->task[HIGH] = 0;
    s->select &= ~(uint32_t)(SELECT_HEAD | SELECT_SLAVE);
    finish(s);
    s->error = 1;
}

static void set_geometry(State *s)
{
    s->heads = (s->select & SELECT_HEAD) + 1;
    s->track_sectors = now(s, COUNT);
    if (s->track_sectors) {
        finish(s);
        return;
    }
    s->track_sectors = TRACK_SECTORS;
    fail(s, ERR_ABRT);
}

static void set_multiple(State *s)
{
    uint32_t count = now(s, COUNT);
    bool fits = count <= MULTIPLE_MOST && !(count & (count - 1));
    s->multiple = fits ? count : 0;
    fits ? finish(s) : fail(s, ERR_ABRT);
}

static void flush(State *s)
{
    s->phase = FLUSHING;
    start(s, 0);
}

static void check_power(State *s)
{
    s->task[COUNT] = 0xff; /* active */
    finish(s);
}

/* There is nothing to add to the last error. */
static void sense(State *s)
{
    finish(s);
    s->error = 0;
}

/* It only prepares for a write. */
static void erase(State *s)
{
    find_range(s, false) ? finish(s) : fail(s, ERR_IDNF);
    s->left = 0;
}

typedef struct Command {
    uint8_t first, count; /* codes */
    void (*run)(State *s);
    Phase phase; /* without run(): data are transferred */
    uint8_t how;
} Command;

enum { MULTIPLE = 1 << 0, EXTENDED = 1 << 1 };

static const Command commands[] = {
    {CMD_CFA_SENSE,          1,  sense,               READY,     0                  },
    {CMD_RECALIBRATE,        16, finish,              READY,     0                  },
    {CMD_READ,               2,  NULL,                READING,   0                  },
    {CMD_READ_EXT,           1,  NULL,                READING,   EXTENDED           },
    {CMD_NATIVE_MAX_EXT,     1,  native_max_extended, READY,     0                  },
    {CMD_READ_MULTIPLE_EXT,  1,  NULL,                READING,   MULTIPLE | EXTENDED},
    {CMD_WRITE,              2,  NULL,                WRITING,   0                  },
    {CMD_WRITE_EXT,          1,  NULL,                WRITING,   EXTENDED           },
    {CMD_CFA_WRITE,          1,  NULL,                WRITING,   0                  },
    {CMD_WRITE_MULTIPLE_EXT, 1,  NULL,                WRITING,   MULTIPLE | EXTENDED},
    {CMD_VERIFY,             2,  NULL,                VERIFYING, 0                  },
    {CMD_VERIFY_EXT,         1,  NULL,                VERIFYING, EXTENDED           },
    {CMD_SEEK,               16, finish,              READY,     0                  },
    {CMD_DIAGNOSE,           1,  signature,           READY,     0                  },
    {CMD_INIT_PARAMS,        1,  set_geometry,        READY,     0                  },
    {CMD_OLD_POWER,          4,  finish,              READY,     0                  },
    {CMD_OLD_CHECK_POWER,    1,  check_power,         READY,     0                  },
    {CMD_OLD_SLEEP,          1,  finish,              READY,     0                  },
    {CMD_CFA_ERASE,          1,  erase,               READY,     0                  },
    {CMD_READ_MULTIPLE,      1,  NULL,                READING,   MULTIPLE           },
    {CMD_WRITE_MULTIPLE,     1,  NULL,                WRITING,   MULTIPLE           },
    {CMD_SET_MULTIPLE,       1,  set_multiple,        READY,     0                  },
    {CMD_CFA_WRITE_MULTIPLE, 1,  NULL,                WRITING,   MULTIPLE           },
    {CMD_POWER,              4,  finish,              READY,     0                  },
    {CMD_CHECK_POWER,        1,  check_power,         READY,     0                  },
    {CMD_SLEEP,              1,  finish,              READY,     0                  },
    {CMD_FLUSH,              1,  flush,               READY,     0                  },
    {CMD_FLUSH_EXT,          1,  flush,               READY,     0                  },
    {CMD_IDENTIFY,           1,  identify,            READY,     0                  },
    {CMD_SET_FEATURES,       1,  set_feature,         READY,     0                  },
    {CMD_NATIVE_MAX,         1,  native_max_short,    READY,     0                  },
};

static void carry_out(State *s, uint32_t code)
{
    const Command *command = commands, *end = commands + sizeof commands / sizeof *commands;
    while (command < end && code - command->first >= command->count)
        command++;
    if (command == end)
        fail(s, ERR_ABRT);
    else if (command->run)
        command->run(s);
    else
        transfer(s, command->phase, command->how & MULTIPLE ? s->multiple : 1, command->how & EXTENDED);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static bool answers(const State *s)
{
    return slot_of(s)->disk && !(s->select & SELECT_SLAVE);
}

static void drop(State *s)
{
    if (s->with)
        disk_take_back(s->with, &s->request);
    s->with = NULL;
    s->waiting = s->left = s->under_way = s->block_left = 0;
    s->due = 0;
}

static void restart(State *s)
{
    drop(s);
    s->heads = HEADS;
    s->track_sectors = TRACK_SECTORS;
    s->multiple = s->eight_bit = 0;
    s->write_cache = 1;
    signature(s);
}

static uint32_t unit(const RegAccess *access)
{
    return access->lanes == 0xffffffff ? 4 : access->lanes == 0xffff ? 2 : 1;
}

static uint32_t data_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    if (!slot_of(s)->disk)
        return 0xffff;
    if (!answers(s))
        return 0;
    uint32_t bytes = unit(access);
    return move(s, bytes == 1 && !s->eight_bit ? 2 : bytes, NULL);
}

static void data_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t bytes = unit(access);
    if (answers(s))
        move(s, bytes == 1 && !s->eight_bit ? 2 : bytes, &value);
}

static uint32_t task_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    Task task = (Task)access->index;
    return !slot_of(s)->disk ? EMPTY : s->control & CONTROL_HOB ? before(s, task) : now(s, task);
}

static void task_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    s->control &= ~(uint32_t)CONTROL_HOB;
    if (!(s->status & ST_BSY))
        s->task[access->index] = (s->task[access->index] << 8 & 0xff00) | (value & 0xff);
}

static uint32_t error_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return slot_of(s)->disk ? s->error : EMPTY;
}

static void feature_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->feature = value & 0xff;
}

static uint32_t select_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return slot_of(s)->disk ? s->select | 0xa0 : EMPTY;
}

static void select_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->select = value & (SELECT_LBA | SELECT_SLAVE | SELECT_HEAD);
}

static uint32_t status_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    if (!slot_of(s)->disk)
        return EMPTY;
    return s->control & CONTROL_SRST ? ST_BSY : answers(s) ? s->status : 0;
}

static void command_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    value &= 0xff;
    s->control &= ~(uint32_t)CONTROL_HOB;
    if (!slot_of(s)->disk || s->status & ST_BSY || s->control & CONTROL_SRST)
        return;
    if (!answers(s) && value != CMD_DIAGNOSE)
        return;
    s->error = 0;
    s->left = s->block_left = 0;
    carry_out(s, value);
}

static void control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    bool was = s->control & CONTROL_SRST;
    s->control = value & (CONTROL_HOB | CONTROL_SRST);
    if (s->control & CONTROL_SRST)
        drop(s);
    else if (was)
        restart(s);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name         offset kind    storage  reset writable  read         written        count flags */
    {"CF_DATA",     0x000, REG_RW, NO_STORE, 0, 0xffffffff, data_read,   data_written,    0, REG_READ_ACTS},
    {"CF_ERROR",    0x004, REG_RW, NO_STORE, 0, 0xffffffff, error_read,  feature_written, 0, 0},
    {"CF_TASK",     0x008, REG_RW, NO_STORE, 0, 0xffffffff, task_read,   task_written,    TASKS, 0},
    {"CF_SELECT",   0x018, REG_RW, NO_STORE, 0, 0xffffffff, select_read, select_written,  0, 0},
    {"CF_STATUS",   0x01c, REG_RW, NO_STORE, 0, 0xffffffff, status_read, command_written, 0, 0},
    {"CF_CONTROL",  0x100, REG_RW, NO_STORE, 0, 0xffffffff, status_read, control_written, 8, 0},
};
/* clang-format on */

/* ---- The device --------------------------------------------------------------------------------------- */

static void changed(void *opaque)
{
    State *s = opaque;
    s->with = NULL; /* the slot has seen to that */
    s->control = s->select = 0;
    restart(s);
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->control = s->select = s->feature = 0;
    restart(s);
}

/* A state that no card could have comes of a damaged snapshot: the card begins anew. */
static bool is_sound(const State *s)
{
    uint32_t sectors = sectors_of(s);
    return s->phase <= FLUSHING && s->heads - 1 < HEADS && s->track_sectors - 1 < 255 &&
           s->buffered <= BUFFER && s->at <= s->buffered && s->block_left <= s->buffered - s->at &&
           s->under_way <= SECTORS_MOST && s->sector <= sectors && s->left <= sectors - s->sector &&
           (!s->waiting || s->under_way <= s->left) && s->block <= MULTIPLE_MOST &&
           (!(s->status & ST_DRQ) || (s->block && s->block_left)) &&
           (s->phase != WRITING || s->buffered / SECTOR <= s->left) && s->multiple <= MULTIPLE_MOST;
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    if (s->with)
        disk_take_back(s->with, &s->request);
    s->with = NULL;
    if (!is_sound(s))
        restart(s);
    if (s->waiting && submit(s))
        concluded(s);
}

static bool create(Device *dev, Error *err)
{
    (void)err;
    State *s = (State *)dev;
    s->request.done = done;
    s->request.opaque = s;
    slot_of(s)->changed = changed;
    slot_of(s)->changed_opaque = s;
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    if (slot_of(s)->disk)
        drop(s);
    slot_of(s)->changed = NULL;
}

#define WORD(field) FIELD(field, FIELD_U32)
static const FieldDef fields[] = {
    FIELD_ARRAY(task, FIELD_U32, TASKS),
    WORD(feature),
    WORD(select),
    WORD(control),
    WORD(error),
    WORD(status),
    WORD(heads),
    WORD(track_sectors),
    WORD(multiple),
    WORD(eight_bit),
    WORD(write_cache),
    WORD(phase),
    WORD(sector),
    WORD(left),
    WORD(buffered),
    WORD(at),
    WORD(block_left),
    WORD(block),
    WORD(under_way),
    WORD(waiting),
    FIELD(due, FIELD_U64),
    FIELD_ARRAY(buffer, FIELD_BYTES, BUFFER),
    TRANSIENT(request, "the host's side of what the disk does"),
    TRANSIENT(with, "the host's side of what the disk does"),
};

const DeviceType compact_flash_type = {
    .name = "compact_flash",
    .summary = "CompactFlash slot of the V2M-P1 (DUI 0447), True IDE",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .loaded = loaded,
};
