/* PL111 colour LCD controller: PrimeCell Color LCD Controller (PL111) r0p2, DDI 0293. Registers, interrupts
 * and the scan; pl111_timing.c has the arithmetic of frames, pl111_pixels.c the formats, pl111_picture.c
 * finds what changed.
 *
 * The scan is worked out from virtual time when somebody looks; there is an event only for an interrupt that
 * is enabled. A change of the timing begins a new frame. FIFOs never run dry while the frame's memory
 * answers, so that the watermark has no effect. Memory is tried at each frame's start: if nothing answers at
 * some part of the frame, there is a bus error, the FIFOs underflow, and the screen is black until a frame
 * begins after software cleared the error. A frame over device registers is black, too: reading them would
 * act.
 *
 * STN panels are shown as their gray scales look, without the patterns of single frames. Polarities of
 * signals, AC bias, the line end signal, Mono8 and CLKSEL store only: they show in no picture, and the clock
 * is CLCDCLK.
 *
 * Properties: value[0] the DisplayOutput; value[1] and value[2] base and size of the only memory that DMA
 * reaches, size 0: all. The clock comes through display_on_clock(). Outputs: 0 CLCDINTR (combined). */
#include "devices/device.h"

#include <string.h>

#include "devices/pl111_picture.h"
#include "devices/pl111_timing.h"

enum { FUF = 1 << 1, LNBU = 1 << 2, VCOMP = 1 << 3, MBERROR = 1 << 4, INTERRUPTS = 0x1e };
enum { CURSOR_INTERRUPT = 1, CURSOR_ON = 1, CURSOR_64 = 1, CURSOR_FRAME_SYNC = 2 };

#define NEVER UINT64_MAX

/* The frame that is scanned, in ticks of CLCDCLK. */
typedef struct Scan {
    uint64_t start, seen;          /* when it began; up to when events have been noted */
    uint32_t base[PICTURE_PANELS]; /* LCDUPBASE and LCDLPBASE as taken over */
    uint32_t ris, cursor_ris;
    uint32_t cursor_xy, cursor_clip; /* as at the frame's start */
    uint32_t stalled;                /* DMA is in its error state */
} Scan;

typedef struct {
    Device dev;
    uint32_t timing[4], base[PICTURE_PANELS], control, imsc;
    uint32_t palette[PIXELS_PALETTE];
    uint32_t cursor_image[PIXELS_CURSOR], cursor_ctrl, cursor_config, cursor_palette[2], cursor_xy,
        cursor_clip;
    uint32_t cursor_imsc;
    uint32_t hz; /* of CLCDCLK, 0: none */
    Scan scan;
    Timer next;
    ScanTiming frame;
    Picture picture;
    bool reported; /* the guest's bus error was logged */
} State;

/* ---- The scan ----------------------------------------------------------------------------------------- */

static uint64_t ticks(const State *s)
{
    return clock_ns_to_ticks(device_now(&s->dev), s->hz);
}

/* Whether something answers at all of [pa, pa + size). */
static bool answers(const State *s, uint32_t pa, uint32_t size)
{
    uint64_t at = pa, end = at + size, base = s->dev.props.value[1], reach = s->dev.props.value[2];
    if (end > (uint64_t)1 << 32 || (reach && (at < base || end > base + reach)))
        return false;
    while (at < end) {
        const Region *region = bus_find(s->dev.env->bus, (uint32_t)at);
        if (!region)
            return false;
        at = region->base + region->size;
    }
    return true;
}

static uint32_t panels(const State *s)
{
    return pixels_format(s->control) & LCD_DUAL ? 2 : 1;
}

static void begin_frame(const State *s, Scan *scan)
{
    uint32_t bytes = picture_bytes(s->control, s->frame.width, s->frame.height);
    for (unsigned n = 0; n < PICTURE_PANELS; n++) {
        scan->base[n] = s->base[n];
        if (n < panels(s) && !answers(s, s->base[n], bytes))
            scan->ris |= MBERROR;
    }
    scan->ris |= LNBU;
    scan->cursor_xy = s->cursor_xy;
    scan->cursor_clip = s->cursor_clip;
    scan->stalled = (scan->ris & MBERROR) != 0;
    if (scan->stalled)
        scan->ris |= FUF;
}

static PixelCursor cursor_of(const State *s, const Scan *scan)
{
    bool sync = s->cursor_config & CURSOR_FRAME_SYNC, large = s->cursor_config & CURSOR_64;
    uint32_t xy = sync ? scan->cursor_xy : s->cursor_xy, clip = sync ? scan->cursor_clip : s->cursor_clip;
    if (!(s->cursor_ctrl & CURSOR_ON))
        return (PixelCursor){0};
    return (PixelCursor){
        .size = large ? 64 : 32,
        .image = large ? 0 : (s->cursor_ctrl >> 4 & 3) * 64,
        .x = xy & 0x3ff,
        .y = xy >> 16,
        .clip_x = clip & 0x3f,
        .clip_y = clip >> 8,
        .colour = {s->cursor_palette[0], s->cursor_palette[1]},
    };
}

/* When in a frame the last of the cursor was read, NEVER if it is not seen. Two panels are scanned at the
 * same time. */
static uint64_t cursor_end(const State *s, const Scan *scan)
{
    PixelCursor cursor = cursor_of(s, scan);
    uint32_t height = s->frame.height, rows = pixels_cursor_rows(&cursor, s->frame.width, panels(s) * height);
    if (!rows)
        return NEVER;
    uint32_t lines = cursor.y + rows;
    if (lines > height)
        lines = cursor.y < height ? height : lines - height;
    return (uint64_t)(s->frame.before + lines) * s->frame.line % s->frame.frame;
}

/* Notes what happened after scan->seen, within the frame or in frames like it. */
static void note(const State *s, Scan *scan, uint64_t now)
{
    uint64_t frame = s->frame.frame, end = cursor_end(s, scan);
    if (scan_passed(scan->start, frame, scan_region(&s->frame, s->control), scan->seen, now))
        scan->ris |= VCOMP;
    if (end != NEVER && scan_passed(scan->start, frame, end, scan->seen, now))
        scan->cursor_ris |= CURSOR_INTERRUPT;
    scan->seen = now;
}

/* The scan at present. */
static Scan scan_now(const State *s)
{
    Scan scan = s->scan;
    uint64_t frame = s->frame.frame;
    if (!frame)
        return scan;
    uint64_t now = ticks(s), next = scan.start + frame;
    if (now >= next) {
        note(s, &scan, next - 1);
        scan.start = next;
        begin_frame(s, &scan);
    }
    note(s, &scan, now);
    if (now - scan.start >= frame) {
        scan.start += (now - scan.start) / frame * frame;
        begin_frame(s, &scan);
    }
    return scan;
}

static void catch_up(Device *dev)
{
    State *s = (State *)dev;
    s->scan = scan_now(s);
}

static ScanTiming timing_of(const State *s)
{
    return s->hz && s->control & LCD_EN ? scan_timing(s->timing, s->control) : (ScanTiming){0};
}

static void restart(State *s)
{
    s->frame = timing_of(s);
    if (!s->frame.frame)
        return;
    s->scan.start = s->scan.seen = ticks(s);
    begin_frame(s, &s->scan);
    if (scan_region(&s->frame, s->control) == 0)
        s->scan.ris |= VCOMP;
}

/* The scan is up to date. */
static void clock_changed(void *opaque, uint32_t hz)
{
    State *s = opaque;
    if (hz == s->hz)
        return;
    catch_up(&s->dev);
    s->hz = hz;
    restart(s);
    device_changed(&s->dev);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static void timing_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    ScanTiming now = timing_of(s);
    if (memcmp(&now, &s->frame, sizeof now))
        restart(s);
}

static uint32_t ris_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return scan_now((State *)dev).ris;
}

static uint32_t mis_read(Device *dev, const RegAccess *access)
{
    return ris_read(dev, access) & ((State *)dev)->imsc;
}

static void icr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->scan.ris &= ~value;
}

/* Where DMA is, as a line of the panel. */
static uint32_t curr_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    Scan scan = scan_now(s);
    uint32_t base = scan.base[access->offset >> 2 & 1 ? 0 : 1];
    if (!s->frame.frame || scan.stalled)
        return base;
    uint64_t line = (scan.seen - scan.start) / s->frame.line;
    line = line < s->frame.before ? 0 : line - s->frame.before;
    if (line > s->frame.active)
        line = s->frame.active;
    return base + (uint32_t)line * pixels_bytes(s->control, s->frame.width);
}

static void palette_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    ((State *)dev)->picture.palette_changed = true;
}

static void image_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    ((State *)dev)->picture.cursor_changed = true;
}

static uint32_t cursor_ris_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return scan_now((State *)dev).cursor_ris;
}

static uint32_t cursor_mis_read(Device *dev, const RegAccess *access)
{
    return cursor_ris_read(dev, access) & ((State *)dev)->cursor_imsc;
}

static void cursor_icr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->scan.cursor_ris &= ~value;
}

#define ALL 0xffffffffu
/* clang-format off */
static const RegDef regs[] = {
    /* name             offset kind       storage           reset writable    read             written        */
    {"LCDTiming0",      0x000, REG_RW,    AT(timing[0]),      0,  0xfffffffc, NULL,            timing_written, 0, 0},
    {"LCDTiming1",      0x004, REG_RW,    AT(timing[1]),      0,  ALL,        NULL,            timing_written, 0, 0},
    {"LCDTiming2",      0x008, REG_RW,    AT(timing[2]),      0,  0xffff7fff, NULL,            timing_written, 0, 0},
    {"LCDTiming3",      0x00c, REG_RW,    AT(timing[3]),      0,  0x1007f,    NULL,            NULL,           0, 0},
    {"LCDUPBASE",       0x010, REG_RW,    AT(base[0]),        0,  0xfffffff8, NULL,            NULL,           0, 0},
    {"LCDLPBASE",       0x014, REG_RW,    AT(base[1]),        0,  0xfffffff8, NULL,            NULL,           0, 0},
    {"LCDControl",      0x018, REG_RW,    AT(control),        0,  0x13fff,    NULL,            timing_written, 0, 0},
    {"LCDIMSC",         0x01c, REG_RW,    AT(imsc),           0,  INTERRUPTS, NULL,            NULL,           0, 0},
    {"LCDRIS",          0x020, REG_RO,    NO_STORE,           0,  0,          ris_read,        NULL,           0, 0},
    {"LCDMIS",          0x024, REG_RO,    NO_STORE,           0,  0,          mis_read,        NULL,           0, 0},
    {"LCDICR",          0x028, REG_WO,    NO_STORE,           0,  INTERRUPTS, NULL,            icr_written,    0, 0},
    {"LCDUPCURR",       0x02c, REG_RO,    NO_STORE,           0,  0,          curr_read,       NULL,           0, 0},
    {"LCDLPCURR",       0x030, REG_RO,    NO_STORE,           0,  0,          curr_read,       NULL,           0, 0},
    {"LCDPalette",      0x200, REG_RW,    AT(palette),        0,  ALL,        NULL,            palette_written, PIXELS_PALETTE, 0},
    {"CursorImage",     0x800, REG_RW,    AT(cursor_image),   0,  ALL,        NULL,            image_written,  PIXELS_CURSOR, 0},
    {"ClcdCrsrCtrl",    0xc00, REG_RW,    AT(cursor_ctrl),    0,  0x31,       NULL,            NULL,           0, 0},
    {"ClcdCrsrConfig",  0xc04, REG_RW,    AT(cursor_config),  0,  0x3,        NULL,            NULL,           0, 0},
    {"ClcdCrsrPalette", 0xc08, REG_RW,    AT(cursor_palette), 0,  0xffffff,   NULL,            NULL,           2, 0},
    {"ClcdCrsrXY",      0xc10, REG_RW,    AT(cursor_xy),      0,  0x3ff03ff,  NULL,            NULL,           0, 0},
    {"ClcdCrsrClip",    0xc14, REG_RW,    AT(cursor_clip),    0,  0x3f3f,     NULL,            NULL,           0, 0},
    {"ClcdCrsrIMSC",    0xc20, REG_RW,    AT(cursor_imsc),    0,  0x1,        NULL,            NULL,           0, 0},
    {"ClcdCrsrICR",     0xc24, REG_WO,    NO_STORE,           0,  0x1,        NULL,            cursor_icr_written, 0, 0},
    {"ClcdCrsrRIS",     0xc28, REG_RO,    NO_STORE,           0,  0,          cursor_ris_read, NULL,           0, 0},
    {"ClcdCrsrMIS",     0xc2c, REG_RO,    NO_STORE,           0,  0,          cursor_mis_read, NULL,           0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD(hz, FIELD_U32),
    FIELD(scan.start, FIELD_U64),
    FIELD(scan.seen, FIELD_U64),
    FIELD_ARRAY(scan.base, FIELD_U32, PICTURE_PANELS),
    FIELD(scan.ris, FIELD_U32),
    FIELD(scan.cursor_ris, FIELD_U32),
    FIELD(scan.cursor_xy, FIELD_U32),
    FIELD(scan.cursor_clip, FIELD_U32),
    FIELD(scan.stalled, FIELD_U32),
    FIELD(next, FIELD_TIMER),
    TRANSIENT(frame, "follows from the registers"),
    TRANSIENT(picture, "what frontends were shown"),
    TRANSIENT(reported, "only keeps the log short"),
};

/* ---- The picture -------------------------------------------------------------------------------------- */

static DisplayMode mode(void *opaque)
{
    const State *s = opaque;
    if (!s->frame.frame || !(s->control & LCD_PWR))
        return (DisplayMode){0};
    uint64_t ns = clock_ticks_to_ns(s->frame.frame, s->hz);
    return (DisplayMode){s->frame.width, s->frame.height * panels(s),
                         ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX};
}

static void changes(void *opaque, Display *display)
{
    State *s = opaque;
    Scan scan = scan_now(s);
    PictureFrame frame = {
        .base = {scan.base[0], scan.base[1]},
        .panels = panels(s),
        .width = s->frame.width,
        .height = s->frame.height,
        .format = pixels_format(s->control),
        .dark = scan.stalled,
    };
    PixelCursor cursor = cursor_of(s, &scan);
    picture_look(&s->picture, &frame, &cursor, display);
}

static void row(void *opaque, uint32_t y, uint32_t *pixels)
{
    picture_row(&((State *)opaque)->picture, y, pixels);
}

/* ---- The device --------------------------------------------------------------------------------------- */

static bool create(Device *dev, Error *err)
{
    static const DisplayOps ops = {mode, changes, row, NULL, NULL};
    State *s = (State *)dev;
    uint32_t output = dev->props.value[0];
    if (output >= DISPLAY_OUTPUTS)
        return error_set(err, "%s: there is no display output %u", dev->name, output);
    picture_init(&s->picture, dev->env->bus, s->palette, s->cursor_image);
    display_connect(dev->env->display, (DisplayOutput)output, &ops, s);
    display_on_clock(dev->env->display, (DisplayOutput)output, clock_changed, s);
    return true;
}

static void destroy(Device *dev)
{
    picture_done(&((State *)dev)->picture);
}

/* The clock is the board's, and runs on. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->scan = (Scan){0};
    s->frame = timing_of(s);
    s->picture.palette_changed = s->picture.cursor_changed = true;
    s->reported = false;
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    s->frame = timing_of(s);
    s->picture.palette_changed = s->picture.cursor_changed = true;
}

/* When an interrupt that is enabled comes next; the scan is up to date. */
static uint64_t next_interrupt(const State *s)
{
    const Scan *scan = &s->scan;
    uint64_t frame = s->frame.frame, next = CLOCK_NEVER, at;
    uint32_t wanted = s->imsc & ~scan->ris;
    if (!frame)
        return CLOCK_NEVER;
    if (wanted & (LNBU | MBERROR | FUF))
        next = scan->start + frame;
    if (wanted & VCOMP) {
        at = scan_next(scan->start, frame, scan_region(&s->frame, s->control), scan->seen);
        next = at < next ? at : next;
    }
    uint64_t end = cursor_end(s, scan);
    if (end != NEVER && s->cursor_imsc & ~scan->cursor_ris) {
        at = scan_next(scan->start, frame, end, scan->seen);
        next = at < next ? at : next;
    }
    return next == CLOCK_NEVER ? next : clock_ticks_to_ns(next, s->hz);
}

static void report(State *s)
{
    if (s->scan.stalled && !s->reported)
        log_line(s->dev.env->log, LOG_GUEST, s->dev.name,
                 "bus error: no memory that it can read is at the frame of %ux%u at 0x%08x", s->frame.width,
                 s->frame.height * panels(s), s->scan.base[0]);
    s->reported = s->scan.stalled;
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    catch_up(dev);
    report(s);
    irq_set(&dev->out[0], (s->scan.ris & s->imsc) | (s->scan.cursor_ris & s->cursor_imsc));
    timer_set(&s->next, next_interrupt(s));
}

const DeviceType pl111_type = {
    .name = "pl111",
    .summary = "colour LCD controller, PrimeCell PL111 (DDI 0293)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00241111,
    .outputs = 1,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .update = update,
    .loaded = loaded,
    .before_write = catch_up,
};
