/* Virtio over MMIO: Virtual I/O Device (VIRTIO) 1.2, section 4.2. One register table and one set of rules for
 * all virtio devices; a device is a VirtioType: an identity, features, rows of its configuration space, and a
 * handler for each queue. See docs/adding-a-virtio-device.md.
 *
 * Only the modern interface (version 2) exists. Not modelled: resetting a single queue (RING_RESET is not
 * offered), packed queues, shared memory (the registers answer that there is none).
 *
 * Wrong use by the guest is logged (--log guest) and stops the device, as the standard asks: the status gets
 * DEVICE_NEEDS_RESET, and nothing happens until the driver resets it. */
#ifndef ARMATURE_DEVICES_VIRTIO_H
#define ARMATURE_DEVICES_VIRTIO_H

#include "devices/device.h"
#include "devices/virtqueue.h"

typedef struct Virtio Virtio;

enum { VIRTIO_QUEUES = 8, VIRTIO_WINDOW = 0x200, VIRTIO_CONFIG_BYTES = 0x100, VIRTIO_REGS = 25 };

/* What became of a request. */
typedef enum VirtioAnswer {
    VIRTIO_DONE,   /* give it back; *written says how many bytes were stored into it */
    VIRTIO_LATER,  /* virtio_finish() will give it back, by chain->head, which the device saves */
    VIRTIO_NOT_NOW /* it stays in the queue, and those behind it, until virtio_resume() */
} VirtioAnswer;

typedef struct VirtioQueueDef {
    uint16_t most; /* descriptors at most, a power of two */
    /* Called for each chain that the driver offers. NULL: the device fills this queue when it likes, with
     * virtio_take(). The chain is valid during the call; virtio_chain() gives it once more. */
    VirtioAnswer (*request)(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written);
    /* Queues without request(): the driver may have offered more chains. May be NULL. */
    void (*offered)(Virtio *v, unsigned queue);
} VirtioQueueDef;

/* A field of the configuration space. `bytes` are the field's, little-endian. */
typedef struct VirtioConfigDef {
    const char *name;
    uint16_t offset, size; /* bytes */
    uint32_t at;           /* where the device's state holds it, or NO_STORE */
    bool writable;
    void (*read)(Virtio *v, uint8_t *bytes);          /* computes a field that is not stored */
    void (*written)(Virtio *v, const uint8_t *bytes); /* after a write; may be NULL */
} VirtioConfigDef;

typedef struct VirtioType {
    uint32_t id;                                /* section 5 */
    uint64_t features;                          /* offered, besides those of the transport */
    uint64_t (*more_features)(const Virtio *v); /* those that not every instance has; may be NULL */
    const VirtioQueueDef *queue;
    unsigned queues; /* up to VIRTIO_QUEUES */
    const VirtioConfigDef *config;
    unsigned configs;
    void (*reset)(Virtio *v);   /* by the driver or the machine; may be NULL */
    void (*started)(Virtio *v); /* the driver has set DRIVER_OK; may be NULL */
} VirtioType;

/* In a VirtioType: the file's tables, if they are called `queues` and `config`. */
#define VIRTIO_TABLES                                                                                        \
    .queue = queues, .queues = sizeof queues / sizeof *queues, .config = config,                             \
    .configs = sizeof config / sizeof *config

/* The first member of each virtio device's State. */
struct Virtio {
    Device dev;
    const VirtioType *type;
    uint32_t device_features_sel, driver_features_sel;
    uint32_t driver_features[2];
    uint32_t queue_sel, shm_sel;
    uint32_t interrupt_status, status, config_generation;
    Virtqueue queue[VIRTIO_QUEUES];
};

extern const RegDef virtio_regs[VIRTIO_REGS];

/* What the DeviceType of every virtio device begins with. */
#define VIRTIO_DEVICE                                                                                        \
    .window = VIRTIO_WINDOW, .regs = virtio_regs, .reg_count = VIRTIO_REGS, .outputs = 1,                    \
    .reset = virtio_reset, .update = virtio_update, .sanitise = virtio_sanitise

/* What its FieldDef table begins with. */
/* clang-format off */
#define VIRTIO_FIELDS                                                                                        \
    {"status", FIELD_U32, offsetof(Virtio, status), 1, 1, NULL},                                             \
    {"driver_features", FIELD_U32, offsetof(Virtio, driver_features), 2, 1, NULL},                           \
    {"queue", FIELD_U32, offsetof(Virtio, queue), VIRTIO_QUEUES * sizeof(Virtqueue) / 4, 1, NULL},           \
    {"type", FIELD_TRANSIENT, offsetof(Virtio, type), sizeof(const VirtioType *), 1, "a constant"}
/* clang-format on */

/* To be called by the device's create(). */
void virtio_create(Virtio *v, const VirtioType *type);
void virtio_reset(Device *dev);
void virtio_update(Device *dev);
void virtio_sanitise(Device *dev);

/* The driver runs the device: DRIVER_OK is set, and nothing went wrong. */
bool virtio_running(const Virtio *v);

/* Whether a feature was negotiated. */
bool virtio_has(const Virtio *v, unsigned feature);

/* How many chains the driver offers in a queue at present. */
unsigned virtio_waiting(Virtio *v, unsigned queue);

/* Takes the next of them; false if there is none. It is given back by virtio_finish(). */
bool virtio_take(Virtio *v, unsigned queue, VirtChain *chain);

/* Puts the last `count` chains that were taken, and not given back, into the queue again. */
void virtio_untake(Virtio *v, unsigned queue, unsigned count);

/* The chain that begins at `head`, which was taken and not given back; false if the guest has made it
 * unusable since. */
bool virtio_chain(Virtio *v, unsigned queue, uint32_t head, VirtChain *chain);

/* Gives a chain back; after some of them, virtio_signal() tells the driver. Nothing happens if the driver has
 * reset the device or the queue since. */
void virtio_finish(Virtio *v, unsigned queue, uint32_t head, uint32_t written);
void virtio_signal(Virtio *v, unsigned queue);

/* Goes on with a queue after VIRTIO_NOT_NOW. */
void virtio_resume(Virtio *v, unsigned queue);

/* The device changed its configuration space. */
void virtio_config_changed(Virtio *v);

/* The guest did something that the device cannot go on from. */
void virtio_broken(Virtio *v, const char *why);

#endif
