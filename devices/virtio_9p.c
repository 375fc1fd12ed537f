/* Virtio file system device: a folder of the host by the 9P protocol. VIRTIO names the device (ID 9); how it
 * works is Linux's 9P transport over virtio: one queue, each chain a message and room for its answer; a tag
 * by which the folder is mounted in the configuration space. Property 0 says which share of the environment
 * it is.
 *
 * The device moves messages; what they mean is the share's business (machine/share_port.h). */
#include "devices/virtio.h"

#include <stdlib.h>
#include <string.h>

enum { ID_9P = 9, F_MOUNT_TAG = 0 };
enum { REQUESTS, QUEUE_SIZE = 128 };

/* Bytes of messages and answers under way; more wait in the queue. Buffers beyond KEPT are not kept. */
enum { UNDER_WAY_MOST = 8 << 20, KEPT = 4 << 20 };

/* Of an answer that says that something was wrong with the message. */
enum { RLERROR = 7, ERROR_BYTES = 11, ERROR_IO = 5 };

typedef struct Slot {
    ShareRequest request;
    Virtio *v;
    uint8_t *buffer; /* the message, then the answer */
    size_t capacity;
    bool used;
} Slot;

typedef struct {
    Virtio virtio;
    Slot *slot;            /* QUEUE_SIZE of them */
    size_t busy, capacity; /* bytes: of requests under way, of all buffers */
    bool serving;          /* the driver has sent something since the last reset */
    /* Saved: the heads of the requests under way in the order of submission, when they are carried out in
     * deterministic time, and what the share knows of the guest. */
    uint32_t under_way;
    uint16_t head[QUEUE_SIZE];
    uint64_t due[QUEUE_SIZE];
    bool held_up; /* more are in the queue until there is room */
    DeviceMemory session;
} State;

static SharePort *port_of(Virtio *v)
{
    return &v->dev.env->share[v->dev.props.value[0]];
}

/* ---- Requests under way ------------------------------------------------------------------------------- */

static void forget(State *s, unsigned n)
{
    s->under_way--;
    for (unsigned k = n; k < s->under_way; k++) {
        s->head[k] = s->head[k + 1];
        s->due[k] = s->due[k + 1];
    }
}

/* The first slot that is free has the buffer that was used last, as often as not. */
static Slot *free_slot(State *s)
{
    unsigned n = 0;
    while (n < QUEUE_SIZE && s->slot[n].used)
        n++;
    return n < QUEUE_SIZE ? &s->slot[n] : NULL;
}

static bool make_room(State *s, Slot *slot, size_t size)
{
    if (slot->capacity >= size)
        return true;
    s->capacity -= slot->capacity;
    free(slot->buffer);
    slot->buffer = malloc(size);
    slot->capacity = slot->buffer ? size : 0;
    s->capacity += slot->capacity;
    return slot->buffer;
}

static void release(State *s, Slot *slot)
{
    s->busy -= slot->request.size + slot->request.room;
    slot->used = false;
    if (s->capacity <= KEPT)
        return;
    s->capacity -= slot->capacity;
    free(slot->buffer);
    slot->buffer = NULL;
    slot->capacity = 0;
}

static void release_all(State *s)
{
    for (unsigned n = 0; n < QUEUE_SIZE; n++)
        if (s->slot[n].used)
            release(s, &s->slot[n]);
    s->under_way = 0;
    s->held_up = false;
}

/* Requests are done in the order in which they were submitted. */
static void done(ShareRequest *request)
{
    Slot *slot = request->opaque;
    Virtio *v = slot->v;
    State *s = (State *)v;
    VirtChain chain;
    size_t written = 0;
    uint16_t head = s->head[0];
    forget(s, 0);
    if (virtio_chain(v, REQUESTS, head, &chain)) {
        written = virt_chain_write(&chain, 0, request->answer, request->answered);
        virtio_finish(v, REQUESTS, head, (uint32_t)written);
    }
    release(s, slot);
    virtio_signal(v, REQUESTS);
    if (s->held_up) {
        s->held_up = false;
        virtio_resume(v, REQUESTS);
    }
}

static void submit(State *s, Slot *slot, const VirtChain *chain, uint64_t due)
{
    ShareRequest *request = &slot->request;
    s->head[s->under_way] = chain->head;
    slot->used = true;
    slot->v = &s->virtio;
    s->busy += request->size + request->room;
    request->message = slot->buffer;
    request->answer = slot->buffer + request->size;
    request->done = done;
    request->opaque = slot;
    request->job.due = due;
    s->serving = true;
    unsigned n = s->under_way++;
    share_submit(port_of(&s->virtio), request);
    s->due[n] = request->job.due;
}

/* Copies the message of a chain into a slot; NULL if there is no room at present. */
static Slot *take_message(State *s, const VirtChain *chain)
{
    uint8_t start[32];
    size_t size = chain->readable_bytes < SHARE_MESSAGE_MOST ? chain->readable_bytes : SHARE_MESSAGE_MOST;
    size_t room = share_answer_most(start, virt_chain_read(chain, 0, start, sizeof start));
    room = room < chain->writable_bytes ? room : chain->writable_bytes;
    if (s->busy && s->busy + size + room > UNDER_WAY_MOST)
        return NULL;
    Slot *slot = free_slot(s);
    if (!slot || !make_room(s, slot, size + room))
        return NULL;
    slot->request.size = virt_chain_read(chain, 0, slot->buffer, size);
    slot->request.room = room;
    return slot;
}

/* A message that no share can answer. */
static uint32_t refuse(Virtio *v, const VirtChain *chain, const char *why)
{
    uint8_t answer[ERROR_BYTES] = {ERROR_BYTES, 0, 0, 0, RLERROR, 0, 0, ERROR_IO};
    log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "%s", why);
    virt_chain_read(chain, 5, answer + 5, 2); /* its tag */
    return (uint32_t)virt_chain_write(chain, 0, answer, sizeof answer);
}

static VirtioAnswer requested(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    State *s = (State *)v;
    const char *problem = !port_of(v)->work                             ? "nothing is shared here"
                          : chain->readable_bytes < SHARE_MESSAGE_LEAST ? "a message has no whole header"
                          : chain->writable_bytes < SHARE_MESSAGE_LEAST
                              ? "a message has no room for an answer"
                              : NULL;
    if (problem) {
        *written = refuse(v, chain, problem);
        return VIRTIO_DONE;
    }
    Slot *slot = take_message(s, chain);
    if (!slot && !s->under_way) {
        *written = refuse(v, chain, "the host has no memory for a message");
        return VIRTIO_DONE;
    }
    s->held_up = !slot;
    if (!slot)
        return VIRTIO_NOT_NOW;
    submit(s, slot, chain, 0);
    return VIRTIO_LATER;
}

static const VirtioQueueDef queues[] = {
    [REQUESTS] = {QUEUE_SIZE, requested, NULL},
};

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void tag_length_read(Virtio *v, uint8_t *bytes)
{
    bytes[0] = (uint8_t)strlen(port_of(v)->tag);
}

static void tag_read(Virtio *v, uint8_t *bytes)
{
    memcpy(bytes, port_of(v)->tag, strlen(port_of(v)->tag));
}

static const VirtioConfigDef config[] = {
    {"tag_len", 0, 2,              NO_STORE, false, tag_length_read, NULL},
    {"tag",     2, SHARE_TAG_MOST, NO_STORE, false, tag_read,        NULL},
};

static void reset(Virtio *v)
{
    State *s = (State *)v;
    if (s->serving)
        share_reset(port_of(v));
    s->serving = false;
    release_all(s);
}

static const VirtioType type = {
    .id = ID_9P,
    .features = 1 << F_MOUNT_TAG,
    VIRTIO_TABLES,
    .reset = reset,
};

/* ---- The device --------------------------------------------------------------------------------------- */

/* Without deterministic time what is under way is finished first: the host may have done half of it. */
static void saving(Device *dev)
{
    State *s = (State *)dev;
    SharePort *port = port_of(&s->virtio);
    size_t size;
    device_memory_set(&s->session, 0);
    if (!port->work || !s->serving)
        return;
    host_work_drain(port->work);
    uint8_t *bytes = port->ops->save(port->share, &size);
    if (device_memory_set(&s->session, size))
        memcpy(s->session.bytes, bytes, size);
    free(bytes);
}

static void submit_again(State *s, unsigned count)
{
    Virtio *v = &s->virtio;
    uint64_t due[QUEUE_SIZE];
    uint16_t head[QUEUE_SIZE];
    memcpy(due, s->due, sizeof due);
    memcpy(head, s->head, sizeof head);
    for (unsigned n = 0; n < count; n++) {
        VirtChain chain;
        bool usable = virtio_chain(v, REQUESTS, head[n], &chain) &&
                      chain.readable_bytes >= SHARE_MESSAGE_LEAST &&
                      chain.writable_bytes >= SHARE_MESSAGE_LEAST;
        Slot *slot = usable ? take_message(s, &chain) : NULL;
        if (slot)
            submit(s, slot, &chain, due[n]);
        else
            virtio_finish(v, REQUESTS, head[n], 0);
    }
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    SharePort *port = port_of(&s->virtio);
    unsigned count = s->under_way < QUEUE_SIZE ? s->under_way : QUEUE_SIZE;
    bool held_up = s->held_up;
    release_all(s);
    if (!port->work)
        return;
    share_reset(port);
    if (s->session.size && !port->ops->load(port->share, s->session.bytes, s->session.size))
        log_line(dev->env->log, LOG_GUEST, dev->name, "the snapshot's state of the share is damaged");
    s->serving = s->session.size || count;
    submit_again(s, count);
    s->held_up = held_up && s->under_way;
}

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= SHARES)
        return error_set(err, "%s: there is no share %u", dev->name, dev->props.value[0]);
    s->slot = calloc(QUEUE_SIZE, sizeof *s->slot);
    if (!s->slot)
        return error_set(err, "%s: the host has no memory left", dev->name);
    virtio_create(&s->virtio, &type);
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    if (s->serving)
        share_reset(port_of(&s->virtio));
    for (unsigned n = 0; s->slot && n < QUEUE_SIZE; n++)
        free(s->slot[n].buffer);
    free(s->slot);
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD(under_way, FIELD_U32),
    FIELD_ARRAY(head, FIELD_U16, QUEUE_SIZE),
    FIELD_ARRAY(due, FIELD_U64, QUEUE_SIZE),
    FIELD(held_up, FIELD_BOOL),
    FIELD_OF_HOST(session, FIELD_MEMORY, "what the host knows of the files that the guest has open"),
    TRANSIENT(slot, "the requests are submitted again"),
    TRANSIENT(busy, "follows from the requests"),
    TRANSIENT(capacity, "buffers of the host"),
    TRANSIENT(serving, "follows from the session"),
};

const DeviceType virtio_9p_type = {
    VIRTIO_DEVICE,
    .name = "virtio_9p",
    .summary = "virtio file system device: a folder of the host",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .destroy = destroy,
    .saving = saving,
    .loaded = loaded,
};
