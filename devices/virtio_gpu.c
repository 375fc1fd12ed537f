/* Virtio GPU: Virtual I/O Device (VIRTIO) 1.2, section 5.7: the 2D part, one scanout, with EDID. Properties 0
 * and 1 are the size of the picture that it asks for at first.
 *
 * The guest has at most 1,024 resources, and 128 MiB of the host's memory for them: with more, commands are
 * answered with OUT_OF_MEMORY. Cursors are images of 64 x 64 pixels, their colours multiplied with alpha.
 * Commands that copy a lot make those behind them wait for a millisecond, so that none takes long.
 *
 * Not modelled: 3D (VIRGL), blob resources, UUIDs, contexts. */
#include "devices/virtio_gpu.h"

#include <string.h>

#include "devices/edid.h"
#include "devices/virtio.h"

enum { ID_GPU = 16, F_EDID = 1 };
enum { CONTROL_QUEUE, CURSOR_QUEUE, CONTROL_SIZE = 256, CURSOR_SIZE = 16 };
enum { EVENT_DISPLAY = 1, FLAG_FENCE = 1 };
enum { SCANOUTS = 16, EDID_FIELD = 1024 };
/* Drivers take smaller modes for damaged data. */
enum { WIDTH_LEAST = 400, HEIGHT_LEAST = 300 };

/* What may be copied within a millisecond of the guest's time. */
#define BATCH_BYTES (UINT64_C(64) << 20)
#define BATCH_NS UINT64_C(1000000)

typedef struct {
    Virtio virtio;
    GpuResources all;
    uint32_t events; /* of the configuration space */
    uint32_t wanted_width, wanted_height;
    GpuPicture picture;
    uint64_t batch_start, batch_bytes;
    Timer resume;
} State;

typedef struct Header {
    uint32_t type, flags;
    uint64_t fence;
    uint32_t context;
    uint8_t ring, padding[3];
} Header;

/* A command's words behind the header. */
enum { WORDS_MOST = 8 };

typedef struct Command {
    const VirtChain *chain;
    Header header;
    uint32_t word[WORDS_MOST];
    /* The answer behind its header, NULL: none. */
    const void *data;
    size_t size;
} Command;

/* ---- The picture -------------------------------------------------------------------------------------- */

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void resize(void *opaque, uint32_t width, uint32_t height)
{
    State *s = opaque;
    width = within(width, WIDTH_LEAST, EDID_PIXELS_MOST);
    height = within(height, HEIGHT_LEAST, EDID_PIXELS_MOST);
    if (width == s->wanted_width && height == s->wanted_height)
        return;
    s->wanted_width = width;
    s->wanted_height = height;
    s->events |= EVENT_DISPLAY;
    virtio_config_changed(&s->virtio);
}

static DisplayMode mode(void *opaque)
{
    return gpu_picture_mode(&((const State *)opaque)->picture);
}

static void changes(void *opaque, Display *display)
{
    gpu_picture_changes(&((State *)opaque)->picture, display);
}

static void row(void *opaque, uint32_t y, uint32_t *pixels)
{
    const State *s = opaque;
    gpu_picture_row(&s->picture, &s->all, y, pixels);
}

static bool black(void *opaque)
{
    State *s = opaque;
    return gpu_picture_black(&s->picture, &s->all);
}

static const DisplayOps ops = {mode, changes, row, resize, black};

/* ---- Commands ----------------------------------------------------------------------------------------- */

static GpuRect rect_of(const uint32_t *word)
{
    return (GpuRect){word[0], word[1], word[2], word[3]};
}

static GpuAnswer get_display_info(State *s, Command *c)
{
    static const uint32_t others[6 * (SCANOUTS - 1)];
    uint32_t first[6] = {0, 0, s->wanted_width, s->wanted_height, 1 /* enabled */, 0};
    virt_chain_write(c->chain, sizeof(Header), first, sizeof first);
    virt_chain_write(c->chain, sizeof(Header) + sizeof first, others, sizeof others);
    c->size = sizeof first + sizeof others;
    return GPU_OK_DISPLAY_INFO;
}

static GpuAnswer get_edid(State *s, Command *c)
{
    uint8_t answer[8 + EDID_FIELD] = {EDID_BLOCK};
    if (c->word[0])
        return GPU_ERR_SCANOUT_ID;
    edid_make(answer + 8, s->wanted_width, s->wanted_height, "Armature");
    virt_chain_write(c->chain, sizeof(Header), answer, sizeof answer);
    c->size = sizeof answer;
    return GPU_OK_EDID;
}

static GpuAnswer create_resource(State *s, Command *c)
{
    GpuResource wanted = {c->word[0], c->word[1], c->word[2], c->word[3]};
    GpuAnswer answer = gpu_create(&s->all, &wanted);
    if (answer == GPU_OK)
        s->batch_bytes += 4 * (uint64_t)wanted.width * wanted.height;
    return answer;
}

static GpuAnswer unref_resource(State *s, Command *c)
{
    int place = gpu_find(&s->all, c->word[0]);
    if (place < 0)
        return GPU_ERR_RESOURCE_ID;
    if (s->picture.shown == c->word[0])
        gpu_picture_show(&s->picture, 0, NULL);
    gpu_destroy(&s->all, place);
    return GPU_OK;
}

static GpuAnswer set_scanout(State *s, Command *c)
{
    GpuRect rect = rect_of(c->word);
    uint32_t id = c->word[5];
    if (c->word[4])
        return GPU_ERR_SCANOUT_ID;
    if (!id) {
        gpu_picture_show(&s->picture, 0, NULL);
        return GPU_OK;
    }
    int place = gpu_find(&s->all, id);
    if (place < 0)
        return GPU_ERR_RESOURCE_ID;
    if (!gpu_contains(&s->all.resource[place], &rect) || rect.width > DISPLAY_MOST ||
        rect.height > DISPLAY_MOST)
        return GPU_ERR_PARAMETER;
    gpu_picture_show(&s->picture, id, &rect);
    return GPU_OK;
}

static GpuAnswer flush_resource(State *s, Command *c)
{
    GpuRect rect = rect_of(c->word);
    int place = gpu_find(&s->all, c->word[4]);
    if (place < 0)
        return GPU_ERR_RESOURCE_ID;
    if (!gpu_contains(&s->all.resource[place], &rect))
        return GPU_ERR_PARAMETER;
    if (s->picture.shown == c->word[4])
        gpu_picture_flush(&s->picture, &rect);
    return GPU_OK;
}

static GpuAnswer transfer_to_host(State *s, Command *c)
{
    GpuRect rect = rect_of(c->word);
    uint64_t offset = (uint64_t)c->word[5] << 32 | c->word[4];
    int place = gpu_find(&s->all, c->word[6]);
    if (place < 0)
        return GPU_ERR_RESOURCE_ID;
    if (gpu_contains(&s->all.resource[place], &rect))
        s->batch_bytes += 4 * (uint64_t)rect.width * rect.height;
    return gpu_transfer(&s->all, place, s->virtio.dev.env->bus, &rect, offset);
}

static GpuAnswer attach_backing(State *s, Command *c)
{
    int place = gpu_find(&s->all, c->word[0]);
    if (place < 0)
        return GPU_ERR_RESOURCE_ID;
    return gpu_attach(&s->all, place, c->chain, sizeof(Header) + 8, c->word[1]);
}

static GpuAnswer detach_backing(State *s, Command *c)
{
    int place = gpu_find(&s->all, c->word[0]);
    return place < 0 ? GPU_ERR_RESOURCE_ID : gpu_detach(&s->all, place);
}

static GpuAnswer move_cursor(State *s, Command *c)
{
    if (c->word[0])
        return GPU_ERR_SCANOUT_ID;
    gpu_picture_move(&s->picture, (int32_t)c->word[1], (int32_t)c->word[2]);
    return GPU_OK;
}

/* The image is copied: the resource may change or go without any effect on the cursor. */
static GpuAnswer update_cursor(State *s, Command *c)
{
    uint32_t id = c->word[4];
    int place = gpu_find(&s->all, id);
    if (id && place < 0)
        return GPU_ERR_RESOURCE_ID;
    if (id && (s->all.resource[place].width != GPU_CURSOR || s->all.resource[place].height != GPU_CURSOR))
        return GPU_ERR_PARAMETER;
    GpuAnswer answer = move_cursor(s, c);
    if (answer != GPU_OK)
        return answer;
    gpu_picture_cursor(&s->picture, &s->all, place);
    return GPU_OK;
}

typedef struct CommandDef {
    uint32_t type;
    const char *name;
    uint8_t queue, words;
    GpuAnswer (*run)(State *s, Command *c);
} CommandDef;

/* clang-format off */
static const CommandDef commands[] = { /* section 5.7.6.7 */
    {0x100, "GET_DISPLAY_INFO",        CONTROL_QUEUE, 0, get_display_info},
    {0x101, "RESOURCE_CREATE_2D",      CONTROL_QUEUE, 4, create_resource},
    {0x102, "RESOURCE_UNREF",          CONTROL_QUEUE, 2, unref_resource},
    {0x103, "SET_SCANOUT",             CONTROL_QUEUE, 6, set_scanout},
    {0x104, "RESOURCE_FLUSH",          CONTROL_QUEUE, 6, flush_resource},
    {0x105, "TRANSFER_TO_HOST_2D",     CONTROL_QUEUE, 8, transfer_to_host},
    {0x106, "RESOURCE_ATTACH_BACKING", CONTROL_QUEUE, 2, attach_backing},
    {0x107, "RESOURCE_DETACH_BACKING", CONTROL_QUEUE, 2, detach_backing},
    {0x10a, "GET_EDID",                CONTROL_QUEUE, 2, get_edid},
    {0x300, "UPDATE_CURSOR",           CURSOR_QUEUE,  8, update_cursor},
    {0x301, "MOVE_CURSOR",             CURSOR_QUEUE,  8, move_cursor},
};
/* clang-format on */

static const CommandDef *find_command(unsigned queue, uint32_t type)
{
    for (unsigned n = 0; n < sizeof commands / sizeof *commands; n++)
        if (commands[n].queue == queue && commands[n].type == type)
            return &commands[n];
    return NULL;
}

static GpuAnswer run(State *s, unsigned queue, Command *c)
{
    const CommandDef *def = find_command(queue, c->header.type);
    size_t size = def ? def->words * sizeof *c->word : 0;
    GpuAnswer answer = GPU_ERR_UNSPEC;
    if (def && virt_chain_read(c->chain, sizeof c->header, c->word, size) == size)
        answer = def->run(s, c);
    if (answer >= GPU_ERR_UNSPEC)
        log_line(s->virtio.dev.env->log, LOG_GUEST, s->virtio.dev.name, "command 0x%x (%s) failed with 0x%x",
                 c->header.type, def ? def->name : "unknown", answer);
    return answer;
}

/* True if this millisecond's work is done. */
static bool is_tired(State *s)
{
    uint64_t now = device_now(&s->virtio.dev);
    if (now - s->batch_start >= BATCH_NS) {
        s->batch_start = now;
        s->batch_bytes = 0;
    }
    if (s->batch_bytes < BATCH_BYTES)
        return false;
    timer_set(&s->resume, s->batch_start + BATCH_NS);
    return true;
}

static void resume_due(void *opaque)
{
    State *s = opaque;
    virtio_resume(&s->virtio, CONTROL_QUEUE);
}

static VirtioAnswer requested(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    State *s = (State *)v;
    Command command = {.chain = chain};
    if (queue == CONTROL_QUEUE && is_tired(s))
        return VIRTIO_NOT_NOW;
    virt_chain_read(chain, 0, &command.header, sizeof command.header);
    Header answer = {.type = run(s, queue, &command)};
    if (command.header.flags & FLAG_FENCE) {
        answer.flags = FLAG_FENCE;
        answer.fence = command.header.fence;
        answer.context = command.header.context;
    }
    size_t all = virt_chain_write(chain, 0, &answer, sizeof answer) + command.size;
    *written = all < chain->writable_bytes ? (uint32_t)all : chain->writable_bytes;
    return VIRTIO_DONE;
}

static const VirtioQueueDef queues[] = {
    [CONTROL_QUEUE] = {CONTROL_SIZE, requested, NULL},
    [CURSOR_QUEUE] = {CURSOR_SIZE,  requested, NULL},
};

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void events_cleared(Virtio *v, const uint8_t *bytes)
{
    State *s = (State *)v;
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    s->events &= ~value;
}

static void num_scanouts_read(Virtio *v, uint8_t *bytes)
{
    (void)v;
    bytes[0] = 1;
}

static const VirtioConfigDef config[] = {
    {"events_read",  0,  4, AT(events), false, NULL,              NULL          },
    {"events_clear", 4,  4, NO_STORE,   true,  NULL,              events_cleared},
    {"num_scanouts", 8,  4, NO_STORE,   false, num_scanouts_read, NULL          },
    {"num_capsets",  12, 4, NO_STORE,   false, NULL,              NULL          },
};

/* ---- The device --------------------------------------------------------------------------------------- */

/* The size that the user asks for stays. */
static void reset(Virtio *v)
{
    State *s = (State *)v;
    gpu_destroy_all(&s->all);
    gpu_picture_show(&s->picture, 0, NULL);
    gpu_picture_cursor(&s->picture, &s->all, -1);
    gpu_picture_move(&s->picture, 0, 0);
    s->events = 0;
    s->batch_start = s->batch_bytes = 0;
    timer_cancel(&s->resume);
    display_invalidate(v->dev.env->display, DISPLAY_GPU);
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    gpu_sanitise(&s->all);
    gpu_picture_sanitise(&s->picture, &s->all);
    s->wanted_width = within(s->wanted_width, WIDTH_LEAST, EDID_PIXELS_MOST);
    s->wanted_height = within(s->wanted_height, HEIGHT_LEAST, EDID_PIXELS_MOST);
    display_invalidate(dev->env->display, DISPLAY_GPU);
}

static const VirtioType type = {
    .id = ID_GPU,
    .features = 1u << F_EDID,
    VIRTIO_TABLES,
    .reset = reset,
};

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    (void)err;
    virtio_create(&s->virtio, &type);
    s->wanted_width = within(dev->props.value[0], WIDTH_LEAST, EDID_PIXELS_MOST);
    s->wanted_height = within(dev->props.value[1], HEIGHT_LEAST, EDID_PIXELS_MOST);
    timer_init(&s->resume, dev->env->clock, dev->name, 0, resume_due, s);
    display_connect(dev->env->display, DISPLAY_GPU, &ops, s);
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD_ARRAY(all.resource, FIELD_U32, GPU_RESOURCES * sizeof(GpuResource) / 4),
    /* Saved, as a guest need not keep what it has transferred, and its memory may be ahead of the picture. */
    FIELD_ARRAY(all.pixels, FIELD_MEMORY, GPU_RESOURCES),
    FIELD_ARRAY(all.backing, FIELD_MEMORY, GPU_RESOURCES),
    FIELD(events, FIELD_U32),
    FIELD(wanted_width, FIELD_U32),
    FIELD(wanted_height, FIELD_U32),
    FIELD(picture.shown, FIELD_U32),
    FIELD_ARRAY(picture.scanout, FIELD_U32, sizeof(GpuRect) / 4),
    FIELD_ARRAY(picture.cursor, FIELD_U32, GPU_CURSOR *GPU_CURSOR),
    FIELD(picture.cursor_shown, FIELD_BOOL),
    FIELD(picture.cursor_x, FIELD_U32),
    FIELD(picture.cursor_y, FIELD_U32),
    FIELD(batch_start, FIELD_U64),
    FIELD(batch_bytes, FIELD_U64),
    FIELD(resume, FIELD_TIMER),
    TRANSIENT(picture.dirty_top, "the whole picture is drawn after loading"),
    TRANSIENT(picture.dirty_end, "the whole picture is drawn after loading"),
    TRANSIENT(picture.judged, "false after loading"),
    TRANSIENT(picture.black, "computed from the pixels"),
};

const DeviceType virtio_gpu_type = {
    VIRTIO_DEVICE,
    .name = "virtio_gpu",
    .summary = "virtio GPU, 2D, one scanout",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .loaded = loaded,
};
