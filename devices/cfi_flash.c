/* One 64 MiB bank of NOR flash: two Intel StrataFlash J3 chips (28F256J3, 256 Mbit, 256 blocks of 128 KiB)
 * side by side on the 32-bit static memory bus, so that a block is 256 KiB there. Intel 28F256J3 datasheet
 * (290667); CFI as in JESD68 and JEP137.
 *
 * Each chip follows the commands on its own 16 data lines. Programming and erasing take the times in the CFI
 * table, which are shorter than a real chip's; the contents change when the operation starts. VPEN is always
 * high.
 *
 * The contents are those of DeviceEnv.flash_path: a file as large as the bank is kept up to date; of a
 * shorter or read-only one changes are not kept, and what is missing is erased; without a file all is erased.
 * Lock bits and the protection register are not in the file.
 *
 * Properties: value[0] number of the bank. */
#define _GNU_SOURCE
#include "devices/cfi_flash.h"
#include "devices/flash_file.h"

#include <string.h>
#include <sys/mman.h>

enum { CHIPS = 2, BANKS = 2, BLOCKS = 256, BLOCK_WORDS = 0x10000, BUFFER_WORDS = 16, PROTECTION_WORDS = 9 };
enum { BLOCK_BYTES = BLOCK_WORDS * 2 * CHIPS };
enum { MANUFACTURER = 0x0089, DEVICE_CODE = 0x001d };

/* Typical times as powers of two: microseconds of a word and of the write buffer, milliseconds of a block. */
enum { WORD_TIME = 3, BUFFER_TIME = 3, ERASE_TIME = 1 };
#define WORD_NS (1000u << WORD_TIME)
#define BUFFER_NS (1000u << BUFFER_TIME)
#define ERASE_NS (1000000u << ERASE_TIME)

/* First bus cycle of a command; confirm and second cycles. */
enum {
    CMD_PROGRAM_ALTERNATE = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_SUSPEND = 0xb0,
    CMD_CONFIGURE_STS = 0xb8,
    CMD_PROTECTION = 0xc0,
    CMD_RESUME = 0xd0,
    CMD_WRITE_BUFFER = 0xe8,
    CMD_READ_ARRAY = 0xff,
    SET_LOCK = 0x01,
    CONFIRM = 0xd0
};

enum {
    SR_LOCKED = 1 << 1,
    SR_PROGRAM_SUSPENDED = 1 << 2,
    SR_VPEN_LOW = 1 << 3,
    SR_PROGRAM_ERROR = 1 << 4,
    SR_ERASE_ERROR = 1 << 5,
    SR_ERASE_SUSPENDED = 1 << 6,
    SR_READY = 1 << 7,
    SR_SEQUENCE_ERROR = SR_PROGRAM_ERROR | SR_ERASE_ERROR,
    SR_ERRORS = SR_LOCKED | SR_VPEN_LOW | SR_PROGRAM_ERROR | SR_ERASE_ERROR
};

typedef enum ReadMode { READ_ARRAY, READ_STATUS, READ_EXTENDED_STATUS, READ_ID, READ_QUERY } ReadMode;

typedef enum Expect { /* what the next write is */
                      EXPECT_COMMAND,
                      EXPECT_WORD,
                      EXPECT_ERASE_CONFIRM,
                      EXPECT_BUFFER_COUNT,
                      EXPECT_BUFFER_WORD,
                      EXPECT_BUFFER_CONFIRM,
                      EXPECT_LOCK_CODE,
                      EXPECT_PROTECTION_WORD,
                      EXPECT_STS_CODE
} Expect;

typedef enum Operation { OP_NONE, OP_PROGRAM, OP_ERASE, OP_OTHER } Operation;

typedef struct Chip {
    uint32_t read_mode, expect, operation, status;
    uint32_t block;                      /* that the command under way is for */
    uint32_t erase_block;                /* that is or was last erased */
    uint32_t buffer_words, buffer_size;  /* filled, and announced */
    uint32_t buffer_place[BUFFER_WORDS]; /* word addresses */
    uint16_t buffer[BUFFER_WORDS];
    uint64_t program_left, erase_left;     /* ns that suspended operations still need */
    uint16_t protection[PROTECTION_WORDS]; /* lock word, 4 words of the factory, 4 of the user */
    bool locked[BLOCKS];
    Timer timer;
} Chip;

typedef struct {
    Device dev;
    Chip chip[CHIPS];
    uint8_t *contents;
    FlashFile file;
} State;

/* ---- What can be read --------------------------------------------------------------------------------- */

enum { QUERY_START = 0x10 };

/* clang-format off */
static const uint8_t query[] = {
    'Q', 'R', 'Y',
    0x01, 0x00, 0x31, 0x00,             /* Intel extended command set, its table at 0x31 */
    0x00, 0x00, 0x00, 0x00,             /* no alternate */
    0x27, 0x36, 0x00, 0x00,             /* Vcc 2.7 to 3.6 V, no Vpp */
    WORD_TIME, BUFFER_TIME, ERASE_TIME, 0x00,
    0x04, 0x04, 0x04, 0x00,             /* at most 16 times as long */
    0x19, 0x02, 0x00, 0x05, 0x00,       /* 2^25 bytes, x8/x16, buffer of 2^5 bytes */
    0x01, 0xff, 0x00, 0x00, 0x02,       /* one region: 256 blocks of 0x200 * 256 bytes */
    'P', 'R', 'I', '1', '1',
    0xce, 0x00, 0x00, 0x00,             /* suspend erase and program, legacy lock, protection bits, page mode */
    0x01, 0x01, 0x00,                   /* program while erase is suspended; lock bit in the block status */
    0x33, 0x00,                         /* best Vcc, no Vpp */
    0x01, 0x80, 0x00, 0x03, 0x03,       /* one protection register at 0x80: 2^3 factory, 2^3 user bytes */
    0x03, 0x00,                         /* pages of 2^3 bytes, no synchronous reads */
};
/* clang-format on */

static uint32_t read_id(const Chip *chip, uint32_t word)
{
    uint32_t place = word & 0xff;
    if (place == 0)
        return MANUFACTURER;
    if (place == 1)
        return DEVICE_CODE;
    if (place == 2)
        return chip->locked[word / BLOCK_WORDS];
    return place >= 0x80 && place < 0x80 + PROTECTION_WORDS ? chip->protection[place - 0x80] : 0xffff;
}

static uint32_t read_query(const Chip *chip, uint32_t word)
{
    uint32_t place = word & 0xff;
    if (place < QUERY_START)
        return read_id(chip, word);
    return place < QUERY_START + sizeof query ? query[place - QUERY_START] : 0;
}

/* The two bytes of a chip's word in the bank. */
static uint8_t *word_at(const State *s, unsigned n, uint32_t word)
{
    return s->contents + 4 * (size_t)word + 2 * n;
}

static uint32_t chip_read(const State *s, unsigned n, uint32_t word)
{
    const Chip *chip = &s->chip[n];
    switch (chip->read_mode) {
    case READ_STATUS:
        return chip->status;
    case READ_EXTENDED_STATUS:
        return SR_READY; /* the buffer is free */
    case READ_ID:
        return read_id(chip, word);
    case READ_QUERY:
        return read_query(chip, word);
    default:
        return word_at(s, n, word)[0] | (uint32_t)word_at(s, n, word)[1] << 8;
    }
}

/* ---- Operations --------------------------------------------------------------------------------------- */

static uint64_t now(const Chip *chip)
{
    return clock_now(chip->timer.clock);
}

static void begin(Chip *chip, Operation operation, uint64_t ns)
{
    chip->operation = operation;
    chip->status &= ~(uint32_t)SR_READY;
    timer_set(&chip->timer, now(chip) + ns);
}

static void operation_done(void *opaque)
{
    State *s = opaque;
    for (unsigned n = 0; n < CHIPS; n++) {
        Chip *chip = &s->chip[n];
        if (chip->operation == OP_NONE || chip->timer.due != CLOCK_NEVER)
            continue;
        chip->operation = OP_NONE;
        chip->status |= SR_READY;
    }
    flash_file_store(&s->file, s->contents);
    device_changed(&s->dev);
}

static void suspend(Chip *chip)
{
    if (chip->operation != OP_PROGRAM && chip->operation != OP_ERASE)
        return;
    bool erase = chip->operation == OP_ERASE;
    uint64_t left = chip->timer.due > now(chip) ? chip->timer.due - now(chip) : 0;
    *(erase ? &chip->erase_left : &chip->program_left) = left;
    chip->status |= SR_READY | (erase ? SR_ERASE_SUSPENDED : SR_PROGRAM_SUSPENDED);
    chip->operation = OP_NONE;
    chip->read_mode = READ_STATUS;
    timer_cancel(&chip->timer);
}

/* A program operation that was suspended within a suspended erase goes first. */
static void resume(Chip *chip)
{
    if (chip->status & SR_PROGRAM_SUSPENDED) {
        chip->status &= ~(uint32_t)SR_PROGRAM_SUSPENDED;
        begin(chip, OP_PROGRAM, chip->program_left);
    } else if (chip->status & SR_ERASE_SUSPENDED) {
        chip->status &= ~(uint32_t)SR_ERASE_SUSPENDED;
        begin(chip, OP_ERASE, chip->erase_left);
    } else {
        return;
    }
    chip->read_mode = READ_STATUS;
}

static bool may_program(Chip *chip, uint32_t block)
{
    bool being_erased = chip->status & SR_ERASE_SUSPENDED && block == chip->erase_block;
    if (chip->locked[block])
        chip->status |= SR_LOCKED | SR_PROGRAM_ERROR;
    else if (being_erased)
        chip->status |= SR_PROGRAM_ERROR;
    return !chip->locked[block] && !being_erased;
}

/* Contents are about to change. */
static void tell(State *s, uint32_t offset, uint32_t size)
{
    if (s->dev.region)
        watches_written(bus_watches(s->dev.env->bus), s->dev.region->home + offset, size);
}

/* Programming only turns ones into zeros. */
static void program(State *s, unsigned n, uint32_t word, uint32_t data)
{
    uint8_t *at = word_at(s, n, word);
    tell(s, (uint32_t)(at - s->contents), 2);
    at[0] &= (uint8_t)data;
    at[1] &= (uint8_t)(data >> 8);
    flash_file_changed(&s->file, s->contents, (uint32_t)(at - s->contents), 2);
}

static void program_word(State *s, unsigned n, uint32_t word, uint32_t data)
{
    Chip *chip = &s->chip[n];
    if (!may_program(chip, word / BLOCK_WORDS))
        return;
    program(s, n, word, data);
    begin(chip, OP_PROGRAM, WORD_NS);
}

static void program_buffer(State *s, unsigned n)
{
    Chip *chip = &s->chip[n];
    if (!may_program(chip, chip->block))
        return;
    for (uint32_t k = 0; k < chip->buffer_words; k++)
        program(s, n, chip->buffer_place[k], chip->buffer[k]);
    begin(chip, OP_PROGRAM, BUFFER_NS);
}

static void erase(State *s, unsigned n, uint32_t block)
{
    Chip *chip = &s->chip[n];
    if (chip->locked[block]) {
        chip->status |= SR_LOCKED | SR_ERASE_ERROR;
        return;
    }
    tell(s, block * BLOCK_BYTES, BLOCK_BYTES);
    for (uint32_t k = 0; k < BLOCK_WORDS; k++)
        memset(word_at(s, n, block * BLOCK_WORDS + k), 0xff, 2);
    flash_file_changed(&s->file, s->contents, block * BLOCK_BYTES, BLOCK_BYTES);
    chip->erase_block = block;
    begin(chip, OP_ERASE, ERASE_NS);
}

/* Lock bits are set one by one and cleared all at once. */
static void lock(Chip *chip, uint32_t block, uint32_t code)
{
    if (code == SET_LOCK)
        chip->locked[block] = true;
    else if (code == CONFIRM)
        memset(chip->locked, 0, sizeof chip->locked);
    else
        chip->status |= SR_SEQUENCE_ERROR;
    if (code == SET_LOCK || code == CONFIRM)
        begin(chip, OP_OTHER, WORD_NS);
}

/* A 0 in bit 0 of the lock word protects the factory's words, in bit 1 the user's. */
static void program_protection(Chip *chip, uint32_t word, uint32_t data)
{
    uint32_t place = (word & 0xff) - 0x80, bits = chip->protection[0];
    bool factory = place >= 1 && place <= 4, user = place >= 5 && place < PROTECTION_WORDS;
    if (place >= PROTECTION_WORDS || (factory && !(bits & 1)) || (user && !(bits & 2))) {
        chip->status |= SR_PROGRAM_ERROR | SR_LOCKED;
        return;
    }
    chip->protection[place] &= (uint16_t)data;
    begin(chip, OP_OTHER, WORD_NS);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void setup(Chip *chip, Expect expect, uint32_t word)
{
    chip->expect = expect;
    chip->block = word / BLOCK_WORDS;
    chip->read_mode = expect == EXPECT_BUFFER_COUNT ? READ_EXTENDED_STATUS : READ_STATUS;
}

/* Suspended operations leave only reading, and programming while an erase is suspended. */
static bool allowed_while_suspended(const Chip *chip, uint32_t code)
{
    if (!(chip->status & (SR_PROGRAM_SUSPENDED | SR_ERASE_SUSPENDED)))
        return true;
    switch (code) {
    case CMD_ERASE:
    case CMD_LOCK:
    case CMD_PROTECTION:
    case CMD_CONFIGURE_STS:
        return false;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALTERNATE:
    case CMD_WRITE_BUFFER:
        return !(chip->status & SR_PROGRAM_SUSPENDED);
    default:
        return true;
    }
}

static void command(State *s, Chip *chip, uint32_t word, uint32_t code)
{
    if (!(chip->status & SR_READY)) {
        if (code == CMD_SUSPEND)
            suspend(chip);
        return;
    }
    if (!allowed_while_suspended(chip, code)) {
        chip->status |= SR_SEQUENCE_ERROR;
        chip->read_mode = READ_STATUS;
        return;
    }
    /* clang-format off */
    switch (code) {
    case CMD_READ_ARRAY:        chip->read_mode = READ_ARRAY; break;
    case CMD_READ_STATUS:       chip->read_mode = READ_STATUS; break;
    case CMD_READ_ID:           chip->read_mode = READ_ID; break;
    case CMD_QUERY:             chip->read_mode = READ_QUERY; break;
    case CMD_CLEAR_STATUS:      chip->status &= ~(uint32_t)SR_ERRORS; break;
    case CMD_SUSPEND:           break;
    case CMD_RESUME:            resume(chip); break;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALTERNATE: setup(chip, EXPECT_WORD, word); break;
    case CMD_ERASE:             setup(chip, EXPECT_ERASE_CONFIRM, word); break;
    case CMD_WRITE_BUFFER:      setup(chip, EXPECT_BUFFER_COUNT, word); break;
    case CMD_LOCK:              setup(chip, EXPECT_LOCK_CODE, word); break;
    case CMD_PROTECTION:        setup(chip, EXPECT_PROTECTION_WORD, word); break;
    case CMD_CONFIGURE_STS:     setup(chip, EXPECT_STS_CODE, word); break;
    default:
        log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "flash command 0x%02x is none", code);
        break;
    }
    /* clang-format on */
}

static void buffer_count(Chip *chip, uint32_t word, uint32_t data)
{
    bool good = data < BUFFER_WORDS && word / BLOCK_WORDS == chip->block;
    chip->buffer_words = 0;
    chip->buffer_size = data + 1;
    chip->expect = good ? EXPECT_BUFFER_WORD : EXPECT_COMMAND;
    chip->read_mode = READ_STATUS;
    if (!good)
        chip->status |= SR_SEQUENCE_ERROR;
}

static void buffer_word(Chip *chip, uint32_t word, uint32_t data)
{
    if (word / BLOCK_WORDS != chip->block || chip->buffer_words >= BUFFER_WORDS) {
        chip->status |= SR_SEQUENCE_ERROR;
        chip->expect = EXPECT_COMMAND;
        return;
    }
    chip->buffer_place[chip->buffer_words] = word;
    chip->buffer[chip->buffer_words++] = (uint16_t)data;
    if (chip->buffer_words >= chip->buffer_size)
        chip->expect = EXPECT_BUFFER_CONFIRM;
}

static void chip_write(State *s, unsigned n, uint32_t word, uint32_t data)
{
    Chip *chip = &s->chip[n];
    uint32_t expect = chip->expect, code = data & 0xff;
    bool confirmed = code == CONFIRM && word / BLOCK_WORDS == chip->block;
    if (expect == EXPECT_COMMAND) {
        command(s, chip, word, code);
        return;
    }
    if (expect == EXPECT_BUFFER_COUNT) {
        buffer_count(chip, word, data);
        return;
    }
    if (expect == EXPECT_BUFFER_WORD) {
        buffer_word(chip, word, data);
        return;
    }
    chip->expect = EXPECT_COMMAND;
    if (expect == EXPECT_WORD)
        program_word(s, n, word, data);
    else if (expect == EXPECT_LOCK_CODE)
        lock(chip, word / BLOCK_WORDS, code);
    else if (expect == EXPECT_PROTECTION_WORD)
        program_protection(chip, word, data);
    else if (expect == EXPECT_ERASE_CONFIRM && confirmed)
        erase(s, n, chip->block);
    else if (expect == EXPECT_BUFFER_CONFIRM && confirmed)
        program_buffer(s, n);
    else if (expect != EXPECT_STS_CODE) /* the STS pin is not connected */
        chip->status |= SR_SEQUENCE_ERROR;
}

/* ---- The bus ------------------------------------------------------------------------------------------ */

static BusResult flash_read(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value)
{
    State *s = opaque;
    uint32_t word = offset % CFI_FLASH_BYTES / 4;
    uint32_t both = chip_read(s, 0, word) | chip_read(s, 1, word) << 16;
    uint32_t mask = access->size >= 4 ? 0xffffffff : (1u << (8 * access->size)) - 1;
    *value = both >> (8 * (offset & 3)) & mask;
    return BUS_OK;
}

/* A lane that is not written carries ones, which program nothing. */
static BusResult flash_write(void *opaque, uint32_t offset, const BusAccess *access, uint32_t value)
{
    State *s = opaque;
    uint32_t word = offset % CFI_FLASH_BYTES / 4, shift = 8 * (offset & 3);
    uint32_t lanes = (access->size >= 4 ? 0xffffffff : (1u << (8 * access->size)) - 1) << shift;
    uint32_t data = value << shift | ~lanes;
    log_line(s->dev.env->log, LOG_MMIO, s->dev.name, "cpu%d write 0x%07x.%u = 0x%08x", (int8_t)access->cpu,
             offset, access->size, value);
    for (unsigned n = 0; n < CHIPS; n++)
        if (lanes >> (16 * n) & 0xffff)
            chip_write(s, n, word, data >> (16 * n) & 0xffff);
    device_changed(&s->dev);
    return BUS_OK;
}

static const MmioOps flash_mmio = {.read = flash_read, .write = flash_write};

static void set_direct(State *s, Region *region, bool direct)
{
    if (!region || region->direct == direct)
        return;
    region->direct = direct;
    bus_region_changed(s->dev.env->bus, region);
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    bool direct = s->chip[0].read_mode == READ_ARRAY && s->chip[1].read_mode == READ_ARRAY;
    set_direct(s, dev->region, direct);
    set_direct(s, dev->alias, direct);
}

static void map(Device *dev, Region *region)
{
    State *s = (State *)dev;
    region->kind = REGION_ROM_DEVICE;
    region->host = s->contents;
    region->direct = s->chip[0].read_mode == READ_ARRAY && s->chip[1].read_mode == READ_ARRAY;
}

/* ---- Contents ----------------------------------------------------------------------------------------- */

uint8_t *cfi_flash_contents(Device *dev)
{
    return ((State *)dev)->contents;
}

/* ---- Life --------------------------------------------------------------------------------------------- */

/* As delivered: a number of its own in the factory's words, everything else blank. */
static void make_chip(State *s, unsigned n)
{
    static const char *const timer_name[BANKS][CHIPS] = {
        {"flash0 chip0", "flash0 chip1"},
        {"flash1 chip0", "flash1 chip1"}
    };
    Chip *chip = &s->chip[n];
    uint32_t bank = s->dev.props.value[0];
    memset(chip->protection, 0xff, sizeof chip->protection);
    chip->protection[0] = 0xfffe;
    chip->protection[1] = (uint16_t)(bank << 8 | n);
    timer_init(&chip->timer, s->dev.env->clock, timer_name[bank][n], 0, operation_done, s);
}

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    uint32_t bank = dev->props.value[0];
    if (bank >= BANKS)
        return error_set(err, "%s: there is no flash bank %u", dev->name, bank);
    s->contents = flash_file_open(&s->file, dev, dev->env->flash_path[bank], CFI_FLASH_BYTES, err);
    for (unsigned n = 0; n < CHIPS; n++)
        make_chip(s, n);
    return s->contents;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned n = 0; n < CHIPS; n++)
        timer_cancel(&s->chip[n].timer);
    flash_file_close(&s->file, s->contents, CFI_FLASH_BYTES);
    munmap(s->contents, CFI_FLASH_BYTES);
}

/* RP# low: operations are cut off; lock bits and protection register stay. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned n = 0; n < CHIPS; n++) {
        Chip *chip = &s->chip[n];
        timer_cancel(&chip->timer);
        chip->read_mode = READ_ARRAY;
        chip->expect = EXPECT_COMMAND;
        chip->operation = OP_NONE;
        chip->status = SR_READY;
        chip->block = chip->erase_block = chip->buffer_words = chip->buffer_size = 0;
        chip->program_left = chip->erase_left = 0;
    }
}

/* Blocks and places index arrays; the contents are others. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned n = 0; n < CHIPS; n++) {
        Chip *chip = &s->chip[n];
        chip->block %= BLOCKS;
        for (unsigned k = 0; k < BUFFER_WORDS; k++)
            chip->buffer_place[k] %= BLOCKS * BLOCK_WORDS;
        if (chip->buffer_words > BUFFER_WORDS)
            chip->buffer_words = BUFFER_WORDS;
    }
    flash_file_changed(&s->file, s->contents, 0, CFI_FLASH_BYTES);
}

/* clang-format off */
#define CHIP_FIELDS(n) \
    FIELD(chip[n].read_mode, FIELD_U32), \
    FIELD(chip[n].expect, FIELD_U32), \
    FIELD(chip[n].operation, FIELD_U32), \
    FIELD(chip[n].status, FIELD_U32), \
    FIELD(chip[n].block, FIELD_U32), \
    FIELD(chip[n].erase_block, FIELD_U32), \
    FIELD(chip[n].buffer_words, FIELD_U32), \
    FIELD(chip[n].buffer_size, FIELD_U32), \
    FIELD_ARRAY(chip[n].buffer_place, FIELD_U32, BUFFER_WORDS), \
    FIELD_ARRAY(chip[n].buffer, FIELD_U16, BUFFER_WORDS), \
    FIELD(chip[n].program_left, FIELD_U64), \
    FIELD(chip[n].erase_left, FIELD_U64), \
    FIELD_ARRAY(chip[n].protection, FIELD_U16, PROTECTION_WORDS), \
    FIELD_ARRAY(chip[n].locked, FIELD_BOOL, BLOCKS), \
    FIELD(chip[n].timer, FIELD_TIMER)

static const FieldDef fields[] = {
    CHIP_FIELDS(0),
    CHIP_FIELDS(1),
    TRANSIENT(contents, "host memory; what it holds is saved like RAM"),
    TRANSIENT(file, "the host's, who keeps a copy of the contents there"),
};
/* clang-format on */

const DeviceType cfi_flash_type = {
    .name = "cfi_flash",
    .summary = "64 MiB bank of NOR flash: two Intel 28F256J3 chips",
    .state_size = sizeof(State),
    .window = CFI_FLASH_BYTES,
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .update = update,
    .loaded = loaded,
    .map = map,
    .raw = &flash_mmio,
};
