/* PL180 multimedia card interface: PrimeCell MCI (PL180) r1p0, DDI 0172, as it is in the motherboard's FPGA:
 * with a FIFO of 128 words, and flow control that stops the card's clock while the FIFO is full or empty (the
 * second digit of PeriphID2 says so), so that it never overruns or underruns. In its slot is an SD card
 * (sd_card.h).
 *
 * Commands and data take no time on the bus; what takes time is the medium behind the card, meanwhile the
 * card is busy or sends nothing. The data timer counts only while the card is neither: then it does not
 * answer at all. Not modelled: DMA requests, pending and interrupt mode of commands, stream transfers
 * (multimedia cards have them), the test registers.
 *
 * Outputs: 0 MCIINTR0, 1 MCIINTR1, 2 a card is in the slot, 3 its switch protects it. */
#include "devices/device.h"
#include "devices/sd_card.h"

#include <string.h>

enum { POWER_CTRL = 3, POWER_OFF = 0 };
enum { CLOCK_DIVIDER = 0xff, CLOCK_ENABLE = 1 << 8, CLOCK_BYPASS = 1 << 10 };
enum {
    COMMAND_INDEX = 0x3f,
    COMMAND_RESPONSE = 1 << 6,
    COMMAND_LONG = 1 << 7,
    COMMAND_INTERRUPT = 1 << 8,
    COMMAND_PENDING = 1 << 9,
    COMMAND_ENABLE = 1 << 10
};
enum {
    DATA_CTRL_ENABLE = 1 << 0,
    DATA_CTRL_FROM_CARD = 1 << 1,
    DATA_CTRL_STREAM = 1 << 2,
    DATA_CTRL_DMA = 1 << 3
};
enum {
    STATUS_CMD_CRC_FAIL = 1 << 0,
    STATUS_CMD_TIMEOUT = 1 << 2,
    STATUS_DATA_TIMEOUT = 1 << 3,
    STATUS_CMD_RESP_END = 1 << 6,
    STATUS_CMD_SENT = 1 << 7,
    STATUS_DATA_END = 1 << 8,
    STATUS_DATA_BLOCK_END = 1 << 10,
    STATUS_TX_ACTIVE = 1 << 12,
    STATUS_RX_ACTIVE = 1 << 13,
    STATUS_TX_HALF_EMPTY = 1 << 14,
    STATUS_RX_HALF_FULL = 1 << 15,
    STATUS_TX_FULL = 1 << 16,
    STATUS_RX_FULL = 1 << 17,
    STATUS_TX_EMPTY = 1 << 18,
    STATUS_RX_EMPTY = 1 << 19,
    STATUS_TX_AVAILABLE = 1 << 20,
    STATUS_RX_AVAILABLE = 1 << 21,
    STATUS_STATIC = 0x7ff
};
enum { FIFO_WORDS = 128, HALF = FIFO_WORDS / 2, MCLK_HZ = 24000000, TIMER_PRIORITY = 50 };
enum { NO_INDEX = 0x3f /* MCIRespCommand after a response that has none */ };

/* The data path's state machine: idle, or moving data one way. */
enum { IDLE, RECEIVING, SENDING };

typedef struct {
    Device dev;
    uint32_t power, clock, argument, command, data_timer, data_length, data_ctrl, mask0, mask1;
    uint32_t flags; /* the static ones of MCIStatus */
    uint32_t response_command, response[4];
    uint32_t path; /* of the data */
    uint32_t data_count,
        fifo_count;      /* MCIDataCnt in bytes, MCIFifoCnt in words: what the bus has yet to move */
    uint32_t block_left; /* bytes */
    uint32_t fifo[FIFO_WORDS], first, held; /* words */
    uint32_t part_bytes;                    /* SENDING: of the first word, those that the card has */
    Timer timer;                            /* of the data */
    SdCard card;
} State;

static bool is_on(const State *s)
{
    return (s->power & POWER_CTRL) == POWER_CTRL;
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void run(State *s);

static void take_response(State *s, SdResponse kind, const uint32_t *response, uint32_t index)
{
    bool is_long = kind == SD_LONG, wants_long = s->command & COMMAND_LONG;
    memset(s->response, 0, sizeof s->response);
    memcpy(s->response, response, (is_long && wants_long ? 4 : 1) * sizeof *response);
    s->response_command = kind == SD_SHORT ? index : NO_INDEX;
    /* R3 has no CRC, and a response of another length than expected has none where it should be. */
    s->flags |= kind == SD_SHORT_NO_CRC || is_long != wants_long ? STATUS_CMD_CRC_FAIL : STATUS_CMD_RESP_END;
}

static void command_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t response[4] = {0};
    if (!(value & COMMAND_ENABLE))
        return;
    if (value & (COMMAND_PENDING | COMMAND_INTERRUPT))
        log_line(dev->env->log, LOG_UNIMP, dev->name, "MCICommand 0x%03x: pending or interrupt mode", value);
    bool heard = is_on(s) && s->clock & CLOCK_ENABLE;
    SdResponse kind =
        heard ? sd_card_command(&s->card, value & COMMAND_INDEX, s->argument, response) : SD_NO_RESPONSE;
    if (!(value & COMMAND_RESPONSE))
        s->flags |= STATUS_CMD_SENT;
    else if (kind == SD_NO_RESPONSE)
        s->flags |= STATUS_CMD_TIMEOUT;
    else
        take_response(s, kind, response, value & COMMAND_INDEX);
    run(s);
}

/* ---- Data --------------------------------------------------------------------------------------------- */

static void stop(State *s)
{
    s->path = IDLE;
    s->held = s->first = s->part_bytes = 0;
    timer_cancel(&s->timer);
}

static void end(State *s)
{
    s->flags |= STATUS_DATA_END;
    s->data_ctrl &= ~(uint32_t)DATA_CTRL_ENABLE;
    stop(s);
}

static uint32_t block_bytes(const State *s)
{
    return 1u << (s->data_ctrl >> 4 & 15);
}

/* So many bytes went over the bus. */
static void count(State *s, uint32_t bytes)
{
    s->data_count -= bytes;
    s->block_left -= bytes;
    if (s->block_left)
        return;
    s->flags |= STATUS_DATA_BLOCK_END;
    s->block_left = block_bytes(s);
}

static uint32_t within_block(const State *s, uint32_t bytes)
{
    bytes = bytes < s->data_count ? bytes : s->data_count;
    return bytes < s->block_left ? bytes : s->block_left;
}

/* One word from the card to the FIFO; false if it has none. Words are of one block; the last one may be
 * short. */
static bool receive_word(State *s)
{
    uint32_t want = within_block(s, 4), got = 0, word = 0;
    while (got < want) {
        uint32_t part = sd_card_send(&s->card, (uint8_t *)&word + got, want - got);
        if (!part)
            break;
        got += part;
    }
    if (!got)
        return false;
    s->fifo[(s->first + s->held++) % FIFO_WORDS] = word;
    s->fifo_count -= s->fifo_count > 0;
    count(s, got);
    return true;
}

/* What is left of the first word in the FIFO to the card; false while that takes nothing. */
static bool send_word(State *s)
{
    uint32_t left = within_block(s, 4 - s->part_bytes);
    uint32_t part = sd_card_receive(&s->card, (uint8_t *)&s->fifo[s->first] + s->part_bytes, left);
    if (!part)
        return false;
    s->part_bytes += part;
    count(s, part);
    if (s->part_bytes == 4 || !s->data_count || s->block_left == block_bytes(s)) {
        s->part_bytes = 0;
        s->first = (s->first + 1) % FIFO_WORDS;
        s->held--;
        s->fifo_count -= s->fifo_count > 0;
    }
    return true;
}

/* Nothing can come and nothing be taken, and that is not because the card works on it. */
static bool waits_in_vain(const State *s)
{
    if (s->path == RECEIVING)
        return s->held == 0 && !(sd_card_is_sending(&s->card) && !sd_card_failed(&s->card));
    return s->path == SENDING && s->held && !sd_card_is_receiving(&s->card) && !sd_card_is_busy(&s->card);
}

static uint64_t bus_period_ns(const State *s, uint32_t cycles)
{
    uint64_t divider = s->clock & CLOCK_BYPASS ? 1 : 2 * ((s->clock & CLOCK_DIVIDER) + 1);
    return clock_ticks_to_ns(cycles * divider, MCLK_HZ);
}

/* Moves what can be moved. */
static void run(State *s)
{
    if (s->path == RECEIVING) {
        while (s->held < FIFO_WORDS && s->data_count && receive_word(s))
            ;
        if (!s->data_count && !s->held)
            end(s);
    } else if (s->path == SENDING) {
        while (s->held && s->data_count && send_word(s))
            ;
        if (!s->data_count && !sd_card_is_busy(&s->card))
            end(s);
    }
    if (!waits_in_vain(s))
        timer_cancel(&s->timer);
    else if (s->timer.due == CLOCK_NEVER)
        timer_set(&s->timer, device_now(&s->dev) + bus_period_ns(s, s->data_timer));
}

static void timed_out(void *opaque)
{
    State *s = opaque;
    s->flags |= STATUS_DATA_TIMEOUT;
    s->data_ctrl &= ~(uint32_t)DATA_CTRL_ENABLE;
    stop(s);
    device_changed(&s->dev);
}

static void data_ctrl_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    stop(s);
    if (!(value & DATA_CTRL_ENABLE))
        return;
    if (value & (DATA_CTRL_STREAM | DATA_CTRL_DMA))
        log_line(dev->env->log, LOG_UNIMP, dev->name, "MCIDataCtrl 0x%02x: stream or DMA", value);
    s->data_count = s->data_length;
    s->fifo_count = (s->data_length + 3) / 4;
    s->block_left = block_bytes(s);
    s->path = value & DATA_CTRL_FROM_CARD ? RECEIVING : SENDING;
    run(s);
}

static uint32_t fifo_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    if (s->path != RECEIVING || !s->held) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "read of the FIFO, which is empty");
        return 0;
    }
    uint32_t word = s->fifo[s->first];
    s->first = (s->first + 1) % FIFO_WORDS;
    s->held--;
    if (s->held < HALF) {
        run(s);
        device_changed(dev);
    }
    return word;
}

static void fifo_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    if (s->path != SENDING || s->held == FIFO_WORDS) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "write to the FIFO, which is full or not in use");
        return;
    }
    s->fifo[(s->first + s->held++) % FIFO_WORDS] = value;
    run(s);
}

/* The flags of a FIFO that is not in use are 0. */
static uint32_t status(const State *s)
{
    uint32_t value = s->flags;
    if (s->path == RECEIVING)
        value |= STATUS_RX_ACTIVE | (s->held >= HALF ? STATUS_RX_HALF_FULL : 0) |
                 (s->held == FIFO_WORDS ? STATUS_RX_FULL : 0) |
                 (s->held ? STATUS_RX_AVAILABLE : STATUS_RX_EMPTY);
    if (s->path == SENDING)
        value |= STATUS_TX_ACTIVE | (s->held <= HALF ? STATUS_TX_HALF_EMPTY : 0) |
                 (s->held == FIFO_WORDS ? STATUS_TX_FULL : 0) |
                 (s->held ? STATUS_TX_AVAILABLE : STATUS_TX_EMPTY);
    return value;
}

static uint32_t status_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return status((State *)dev);
}

static void clear_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->flags &= ~value;
}

static void power_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    sd_card_power(&s->card, (s->power & POWER_CTRL) != POWER_OFF);
    run(s);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name            offset kind       storage         reset writable    read  written            */
    {"MCIPower",       0x000, REG_RW,    AT(power),       0,   0xff,       NULL, power_written,     0, 0},
    {"MCIClock",       0x004, REG_RW,    AT(clock),       0,   0x1fff,     NULL, NULL,              0, 0},
    {"MCIArgument",    0x008, REG_RW,    AT(argument),    0,   0xffffffff, NULL, NULL,              0, 0},
    {"MCICommand",     0x00c, REG_RW,    AT(command),     0,   0x7ff,      NULL, command_written,   0, 0},
    {"MCIRespCommand", 0x010, REG_RO,    AT(response_command), 0, 0,       NULL, NULL,              0, 0},
    {"MCIResponse",    0x014, REG_RO,    AT(response),    0,   0,          NULL, NULL,              4, 0},
    {"MCIDataTimer",   0x024, REG_RW,    AT(data_timer),  0,   0xffffffff, NULL, NULL,              0, 0},
    {"MCIDataLength",  0x028, REG_RW,    AT(data_length), 0,   0xffff,     NULL, NULL,              0, 0},
    {"MCIDataCtrl",    0x02c, REG_RW,    AT(data_ctrl),   0,   0xff,       NULL, data_ctrl_written, 0, 0},
    {"MCIDataCnt",     0x030, REG_RO,    AT(data_count),  0,   0,          NULL, NULL,              0, 0},
    {"MCIStatus",      0x034, REG_RO,    NO_STORE,        0,   0,          status_read, NULL,       0, 0},
    {"MCIClear",       0x038, REG_WO,    NO_STORE,        0,   STATUS_STATIC, NULL, clear_written,  0, 0},
    {"MCIMask0",       0x03c, REG_RW,    AT(mask0),       0,   0x3fffff,   NULL, NULL,              0, 0},
    {"MCIMask1",       0x040, REG_RW,    AT(mask1),       0,   0x3fffff,   NULL, NULL,              0, 0},
    {"MCISelect",      0x044, REG_UNIMP, NO_STORE,        0,   0,          NULL, NULL,              0, 0},
    {"MCIFifoCnt",     0x048, REG_RO,    AT(fifo_count),  0,   0,          NULL, NULL,              0, 0},
    {"MCIFIFO",        0x080, REG_RW,    NO_STORE,        0,   0xffffffff, fifo_read, fifo_written, 16, REG_READ_ACTS},
};
/* clang-format on */

static void update(Device *dev)
{
    State *s = (State *)dev;
    uint32_t flags = status(s);
    irq_set(&dev->out[0], flags & s->mask0);
    irq_set(&dev->out[1], flags & s->mask1);
    irq_set(&dev->out[2], sd_card_present(&s->card));
    irq_set(&dev->out[3], sd_card_protected(&s->card));
}

static void card_changed(void *opaque)
{
    State *s = opaque;
    run(s);
    device_changed(&s->dev);
}

static void medium_changed(void *opaque)
{
    State *s = opaque;
    sd_card_inserted(&s->card);
    card_changed(s);
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    stop(s);
    s->flags = s->block_left = 0;
    sd_card_power(&s->card, false);
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    if (s->path > SENDING || s->held > FIFO_WORDS || s->first >= FIFO_WORDS || s->part_bytes > 3 ||
        s->data_count > 0xffff || s->block_left > block_bytes(s) || (s->path && !s->block_left))
        stop(s);
    sd_card_loaded(&s->card);
    run(s);
}

static bool create(Device *dev, Error *err)
{
    (void)err;
    State *s = (State *)dev;
    DiskSlot *slot = &dev->env->disk[DISK_SLOT_SD];
    timer_init(&s->timer, dev->env->clock, dev->name, TIMER_PRIORITY, timed_out, s);
    sd_card_init(&s->card, slot, card_changed, s);
    slot->changed = medium_changed;
    slot->changed_opaque = s;
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    dev->env->disk[DISK_SLOT_SD].changed = NULL;
    sd_card_done(&s->card);
}

static const FieldDef fields[] = {
    FIELD(flags, FIELD_U32),      FIELD(path, FIELD_U32),
    FIELD(block_left, FIELD_U32), FIELD_ARRAY(fifo, FIELD_U32, FIFO_WORDS),
    FIELD(first, FIELD_U32),      FIELD(held, FIELD_U32),
    FIELD(part_bytes, FIELD_U32), FIELD(timer, FIELD_TIMER),
    SD_CARD_FIELDS(card),
};

const DeviceType pl180_type = {
    .name = "pl180",
    .summary = "multimedia card interface, PrimeCell PL180 (DDI 0172), with an SD card",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x02041180,
    .outputs = 4,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .update = update,
    .loaded = loaded,
};
