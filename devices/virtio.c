#include "devices/virtio.h"

#include <assert.h>
#include <string.h>

enum { CONFIG = 0x100 };
enum { INT_USED = 1, INT_CONFIG = 2 };
enum {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 0x40,
    FAILED = 0x80,
    BY_DRIVER = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED
};
enum { F_INDIRECT_DESC = 28, F_EVENT_IDX = 29, F_VERSION_1 = 32 };

static const uint64_t common_features = 1ull << F_INDIRECT_DESC | 1ull << F_EVENT_IDX | 1ull << F_VERSION_1;

bool virtio_running(const Virtio *v)
{
    return (v->status & (DRIVER_OK | NEEDS_RESET)) == DRIVER_OK;
}

bool virtio_has(const Virtio *v, unsigned feature)
{
    return v->driver_features[feature / 32] >> feature % 32 & 1;
}

static uint64_t offered(const Virtio *v)
{
    return common_features | v->type->features | (v->type->more_features ? v->type->more_features(v) : 0);
}

void virtio_config_changed(Virtio *v)
{
    v->config_generation++;
    if (v->status & DRIVER_OK)
        v->interrupt_status |= INT_CONFIG;
    device_changed(&v->dev);
}

void virtio_broken(Virtio *v, const char *why)
{
    log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "stopped until its driver resets it: %s", why);
    if (v->status & NEEDS_RESET)
        return;
    v->status |= NEEDS_RESET;
    virtio_config_changed(v);
}

/* ---- Queues ------------------------------------------------------------------------------------------- */

static VirtqueueAccess access_to(Virtio *v, unsigned queue)
{
    return (VirtqueueAccess){.bus = v->dev.env->bus,
                             .queue = &v->queue[queue],
                             .indirect = virtio_has(v, F_INDIRECT_DESC),
                             .event_index = virtio_has(v, F_EVENT_IDX)};
}

unsigned virtio_waiting(Virtio *v, unsigned queue)
{
    if (!virtio_running(v) || !v->queue[queue].ready)
        return 0;
    VirtqueueAccess access = access_to(v, queue);
    uint32_t waiting = virtqueue_waiting(&access);
    if (waiting <= v->queue[queue].size)
        return waiting;
    virtio_broken(v, "more chains are available than the queue holds");
    return 0;
}

/* The next chain, which is not yet taken from the queue; there is one. */
static bool look_at(Virtio *v, const VirtqueueAccess *access, VirtChain *chain)
{
    const char *problem = virtqueue_next(access, chain);
    if (problem)
        virtio_broken(v, problem);
    return !problem;
}

bool virtio_take(Virtio *v, unsigned queue, VirtChain *chain)
{
    VirtqueueAccess access = access_to(v, queue);
    if (!virtio_waiting(v, queue) || !look_at(v, &access, chain))
        return false;
    virtqueue_advance(&access);
    virtqueue_ask_for_notification(&access);
    return true;
}

void virtio_untake(Virtio *v, unsigned queue, unsigned count)
{
    v->queue[queue].taken = (uint16_t)(v->queue[queue].taken - count);
}

bool virtio_chain(Virtio *v, unsigned queue, uint32_t head, VirtChain *chain)
{
    if (!virtio_running(v) || !v->queue[queue].ready)
        return false;
    VirtqueueAccess access = access_to(v, queue);
    const char *problem = virtqueue_chain(&access, head, chain);
    if (problem)
        virtio_broken(v, problem);
    return !problem;
}

void virtio_finish(Virtio *v, unsigned queue, uint32_t head, uint32_t written)
{
    VirtqueueAccess access = access_to(v, queue);
    if (virtio_running(v) && v->queue[queue].ready && !virtqueue_give_back(&access, head, written))
        virtio_broken(v, "the used ring is not in memory");
}

void virtio_signal(Virtio *v, unsigned queue)
{
    if (!virtio_running(v) || !v->queue[queue].ready)
        return;
    VirtqueueAccess access = access_to(v, queue);
    if (virtqueue_wants_interrupt(&access))
        v->interrupt_status |= INT_USED;
    device_changed(&v->dev);
}

/* Chains that appear meanwhile, because a buffer lies in the ring itself, wait for the next notification. */
static void handle_requests(Virtio *v, unsigned queue, const VirtioQueueDef *def)
{
    VirtqueueAccess access = access_to(v, queue);
    for (unsigned left = virtio_waiting(v, queue); left && virtio_running(v); left--) {
        VirtChain chain;
        uint32_t written = 0;
        if (!look_at(v, &access, &chain))
            return;
        VirtioAnswer answer = def->request(v, queue, &chain, &written);
        if (answer == VIRTIO_NOT_NOW)
            break;
        virtqueue_advance(&access);
        if (answer == VIRTIO_DONE)
            virtio_finish(v, queue, chain.head, written);
    }
    virtqueue_ask_for_notification(&access);
    virtio_signal(v, queue);
}

void virtio_resume(Virtio *v, unsigned queue)
{
    const VirtioQueueDef *def = &v->type->queue[queue];
    if (!virtio_running(v) || !v->queue[queue].ready)
        return;
    if (def->request) {
        handle_requests(v, queue, def);
        return;
    }
    VirtqueueAccess access = access_to(v, queue);
    virtqueue_ask_for_notification(&access);
    if (def->offered)
        def->offered(v, queue);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static uint32_t device_id_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((Virtio *)dev)->type->id;
}

static uint32_t device_features_read(Device *dev, const RegAccess *access)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    return v->device_features_sel < 2 ? (uint32_t)(offered(v) >> 32 * v->device_features_sel) : 0;
}

static void driver_features_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    if (v->status & FEATURES_OK)
        log_line(dev->env->log, LOG_GUEST, dev->name, "features written after FEATURES_OK: ignored");
    else if (v->driver_features_sel < 2)
        v->driver_features[v->driver_features_sel] = value;
}

/* The queue that the registers show, NULL if there is none of that number. */
static Virtqueue *selected(Device *dev)
{
    Virtio *v = (Virtio *)dev;
    return v->queue_sel < v->type->queues ? &v->queue[v->queue_sel] : NULL;
}

static uint32_t queue_num_max_read(Device *dev, const RegAccess *access)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    return selected(dev) ? v->type->queue[v->queue_sel].most : 0;
}

static uint32_t queue_ready_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const Virtqueue *queue = selected(dev);
    return queue ? queue->ready : 0;
}

static void queue_ready_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    Virtqueue *queue = selected(dev);
    if (!queue || queue->ready == value)
        return;
    VirtqueueAccess rings = access_to(v, v->queue_sel);
    const char *problem = value ? virtqueue_problem(&rings) : NULL;
    if (value && queue->size > v->type->queue[v->queue_sel].most)
        problem = "the queue's size is above its maximum";
    if (problem) {
        virtio_broken(v, problem);
        return;
    }
    queue->ready = value;
    queue->taken = queue->used = queue->signalled = 0;
}

/* Where the rings are and how long is settled while the queue is in use. */
static void queue_register_written(Device *dev, const RegAccess *access, uint32_t value)
{
    Virtqueue *queue = selected(dev);
    if (!queue)
        return;
    if (queue->ready) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "a queue in use was changed: ignored");
        return;
    }
    switch (access->offset) {
    case 0x038:
        queue->size = value;
        break;
    case 0x080:
    case 0x084:
        queue->descriptors[access->offset / 4 & 1] = value;
        break;
    case 0x090:
    case 0x094:
        queue->driver[access->offset / 4 & 1] = value;
        break;
    default:
        queue->device[access->offset / 4 & 1] = value;
        break;
    }
}

static void queue_notify_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    if (value < v->type->queues)
        virtio_resume(v, value);
    else
        log_line(dev->env->log, LOG_GUEST, dev->name, "there is no queue %u", value);
}

static void interrupt_ack_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((Virtio *)dev)->interrupt_status &= ~value;
}

/* The bits that the driver may have; without FEATURES_OK if the device cannot work with its choice. */
static uint32_t acceptable(const Virtio *v, uint32_t status)
{
    uint64_t features = (uint64_t)v->driver_features[1] << 32 | v->driver_features[0];
    bool fits = !(features & ~offered(v)) && virtio_has(v, F_VERSION_1);
    if (status & FEATURES_OK && !(v->status & FEATURES_OK) && !fits) {
        log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "features 0x%016llx cannot be had",
                 (unsigned long long)features);
        status &= ~(uint32_t)FEATURES_OK;
    }
    if (status & DRIVER_OK && !(status & FEATURES_OK)) {
        log_line(v->dev.env->log, LOG_GUEST, v->dev.name, "DRIVER_OK without FEATURES_OK: ignored");
        status &= ~(uint32_t)DRIVER_OK;
    }
    return status;
}

/* Bits are only ever added; 0 resets the device. */
static void status_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    Virtio *v = (Virtio *)dev;
    if (!value) {
        device_reset(dev);
        return;
    }
    if (v->status & BY_DRIVER & ~value)
        log_line(dev->env->log, LOG_GUEST, dev->name, "status bits 0x%02x cannot be cleared",
                 v->status & BY_DRIVER & ~value);
    bool starts = !(v->status & DRIVER_OK);
    v->status = acceptable(v, v->status | (value & BY_DRIVER));
    if (!starts || !virtio_running(v))
        return;
    if (v->type->started)
        v->type->started(v);
    for (unsigned queue = 0; queue < v->type->queues; queue++)
        virtio_resume(v, queue);
}

static uint32_t status_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((Virtio *)dev)->status;
}

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void load_field(Virtio *v, const VirtioConfigDef *field, uint8_t *bytes)
{
    memset(bytes, 0, field->size);
    if (field->at != NO_STORE)
        memcpy(bytes, (uint8_t *)v + field->at, field->size);
    else if (field->read)
        field->read(v, bytes);
}

static bool has_byte(const VirtioConfigDef *field, uint32_t place)
{
    return place >= field->offset && place < (uint32_t)field->offset + field->size;
}

static uint32_t config_read(Device *dev, const RegAccess *access)
{
    Virtio *v = (Virtio *)dev;
    uint32_t first = access->offset - CONFIG, value = 0;
    for (unsigned n = 0; n < v->type->configs; n++) {
        const VirtioConfigDef *field = &v->type->config[n];
        uint8_t bytes[VIRTIO_CONFIG_BYTES];
        if (field->offset >= first + 4 || field->offset + field->size <= first)
            continue;
        load_field(v, field, bytes);
        for (uint32_t k = 0; k < 4; k++)
            if (has_byte(field, first + k))
                value |= (uint32_t)bytes[first + k - field->offset] << 8 * k;
    }
    return value;
}

static void config_written(Device *dev, const RegAccess *access, uint32_t value)
{
    Virtio *v = (Virtio *)dev;
    uint32_t first = access->offset - CONFIG;
    for (unsigned n = 0; n < v->type->configs; n++) {
        const VirtioConfigDef *field = &v->type->config[n];
        uint8_t bytes[VIRTIO_CONFIG_BYTES];
        bool any = false;
        if (!field->writable)
            continue;
        load_field(v, field, bytes);
        for (uint32_t k = 0; k < 4; k++) {
            if (!has_byte(field, first + k) || !(access->lanes >> 8 * k & 0xff))
                continue;
            bytes[first + k - field->offset] = (uint8_t)(value >> 8 * k);
            any = true;
        }
        if (any && field->at != NO_STORE)
            memcpy((uint8_t *)v + field->at, bytes, field->size);
        if (any && field->written)
            field->written(v, bytes);
    }
}

/* ---- The device --------------------------------------------------------------------------------------- */

#define IN(field) ((uint32_t)offsetof(Virtio, field))

enum { ALL = 0xffffffff, MAGIC = 0x74726976, VERSION = 2, VENDOR = 0x4d524141 };

/* clang-format off */
const RegDef virtio_regs[VIRTIO_REGS] = {
    /* name                offset kind       storage                  reset    writable   read                  written */
    {"MagicValue",        0x000, REG_CONST, NO_STORE,                MAGIC,   0,         NULL,                 NULL, 0, 0},
    {"Version",           0x004, REG_CONST, NO_STORE,                VERSION, 0,         NULL,                 NULL, 0, 0},
    {"DeviceID",          0x008, REG_RO,    NO_STORE,                0,       0,         device_id_read,       NULL, 0, 0},
    {"VendorID",          0x00c, REG_CONST, NO_STORE,                VENDOR,  0,         NULL,                 NULL, 0, 0},
    {"DeviceFeatures",    0x010, REG_RO,    NO_STORE,                0,       0,         device_features_read, NULL, 0, 0},
    {"DeviceFeaturesSel", 0x014, REG_RW,    IN(device_features_sel), 0,       ALL,       NULL,                 NULL, 0, 0},
    {"DriverFeatures",    0x020, REG_WO,    NO_STORE,                0,       ALL,       NULL, driver_features_written, 0, 0},
    {"DriverFeaturesSel", 0x024, REG_RW,    IN(driver_features_sel), 0,       ALL,       NULL,                 NULL, 0, 0},
    {"QueueSel",          0x030, REG_RW,    IN(queue_sel),           0,       ALL,       NULL,                 NULL, 0, 0},
    {"QueueNumMax",       0x034, REG_RO,    NO_STORE,                0,       0,         queue_num_max_read,   NULL, 0, 0},
    {"QueueNum",          0x038, REG_WO,    NO_STORE,                0,       ALL,       NULL, queue_register_written, 0, 0},
    {"QueueReady",        0x044, REG_RW,    NO_STORE,                0,       1,         queue_ready_read, queue_ready_written, 0, 0},
    {"QueueNotify",       0x050, REG_WO,    NO_STORE,                0,       ALL,       NULL, queue_notify_written, 0, 0},
    {"InterruptStatus",   0x060, REG_RO,    IN(interrupt_status),    0,       0,         NULL,                 NULL, 0, 0},
    {"InterruptACK",      0x064, REG_WO,    NO_STORE,                0,       ALL,       NULL, interrupt_ack_written, 0, 0},
    {"Status",            0x070, REG_RW,    NO_STORE,                0,       0xff,      status_read,     status_written, 0, 0},
    {"QueueDesc",         0x080, REG_WO,    NO_STORE,                0,       ALL,       NULL, queue_register_written, 2, 0},
    {"QueueDriver",       0x090, REG_WO,    NO_STORE,                0,       ALL,       NULL, queue_register_written, 2, 0},
    {"QueueDevice",       0x0a0, REG_WO,    NO_STORE,                0,       ALL,       NULL, queue_register_written, 2, 0},
    {"SHMSel",            0x0ac, REG_RW,    IN(shm_sel),             0,       ALL,       NULL,                 NULL, 0, 0},
    {"SHMLen",            0x0b0, REG_CONST, NO_STORE,                ALL,     0,         NULL,                 NULL, 2, 0},
    {"SHMBase",           0x0b8, REG_CONST, NO_STORE,                ALL,     0,         NULL,                 NULL, 2, 0},
    {"QueueReset",        0x0c0, REG_UNIMP, NO_STORE,                0,       0,         NULL,                 NULL, 0, 0},
    {"ConfigGeneration",  0x0fc, REG_RO,    IN(config_generation),   0,       0,         NULL,                 NULL, 0, 0},
    {"Config",            CONFIG, REG_RW,   NO_STORE,                0,       ALL,       config_read, config_written, VIRTIO_CONFIG_BYTES / 4, 0},
};
/* clang-format on */

void virtio_create(Virtio *v, const VirtioType *type)
{
    assert(type->queues <= VIRTIO_QUEUES);
    for (unsigned n = 0; n < type->queues; n++)
        assert(type->queue[n].most <= VIRTQUEUE_MOST);
    v->type = type;
}

void virtio_reset(Device *dev)
{
    Virtio *v = (Virtio *)dev;
    memset(v->queue, 0, sizeof v->queue);
    memset(v->driver_features, 0, sizeof v->driver_features);
    v->status = 0;
    if (v->type->reset)
        v->type->reset(v);
}

/* Queues that are in use were checked when the driver set them up; a snapshot may say anything. */
void virtio_sanitise(Device *dev)
{
    Virtio *v = (Virtio *)dev;
    for (unsigned n = 0; n < VIRTIO_QUEUES; n++) {
        Virtqueue *queue = &v->queue[n];
        if (n >= v->type->queues)
            *queue = (Virtqueue){0};
        VirtqueueAccess rings = access_to(v, n);
        bool usable = queue->ready && queue->size <= v->type->queue[n].most && !virtqueue_problem(&rings);
        if (queue->ready && !usable) {
            queue->ready = 0;
            virtio_broken(v, "the snapshot has a queue that cannot be");
        }
        queue->ready = usable;
    }
}

void virtio_update(Device *dev)
{
    irq_set(&dev->out[0], ((Virtio *)dev)->interrupt_status);
}
