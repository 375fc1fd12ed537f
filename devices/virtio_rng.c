/* Virtio entropy device: Virtual I/O Device (VIRTIO) 1.2, section 5.4.
 *
 * The bytes are the host's, which the environment hands over (DeviceEnv.entropy). Where that has none, in
 * deterministic runs, they come from a generator that begins with DeviceEnv.seed: the same ones in every run,
 * and no secret. A reset does not begin again. */
#include "devices/virtio.h"
#include "machine/random.h"

enum { ID_ENTROPY = 4 };
enum { REQUESTS, QUEUE_SIZE = 8 };

/* A request gets no more at once; the driver asks again. */
enum { REQUEST_MOST = 4096 };

typedef struct {
    Virtio virtio;
    uint64_t generator[RANDOM_WORDS];
} State;

static void fill(State *s, uint8_t *bytes, size_t size)
{
    const DeviceEnv *env = s->virtio.dev.env;
    if (env->entropy) {
        env->entropy(bytes, size);
        return;
    }
    random_bytes(s->generator, bytes, size);
}

static VirtioAnswer requested(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    uint8_t bytes[REQUEST_MOST];
    size_t size = chain->writable_bytes < REQUEST_MOST ? chain->writable_bytes : REQUEST_MOST;
    fill((State *)v, bytes, size);
    *written = (uint32_t)virt_chain_write(chain, 0, bytes, size);
    return VIRTIO_DONE;
}

static const VirtioQueueDef queues[] = {
    [REQUESTS] = {QUEUE_SIZE, requested, NULL},
};

static const VirtioType type = {
    .id = ID_ENTROPY,
    .queue = queues,
    .queues = sizeof queues / sizeof *queues,
};

static bool create(Device *dev, Error *err)
{
    (void)err;
    State *s = (State *)dev;
    virtio_create(&s->virtio, &type);
    random_seed(s->generator, dev->env->seed);
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD_ARRAY(generator, FIELD_U64, RANDOM_WORDS),
};

const DeviceType virtio_rng_type = {
    VIRTIO_DEVICE,
    .name = "virtio_rng",
    .summary = "virtio entropy device",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
};
