/* Virtio entropy device: Virtual I/O Device (VIRTIO) 1.2, section 5.4.
 *
 * The bytes are the host's, which the environment hands over (DeviceEnv.entropy). Where that has none, in
 * deterministic runs, they come from a generator that begins with DeviceEnv.seed: the same ones in every run,
 * and no secret. A reset does not begin again. */
#include "devices/virtio.h"

#include <string.h>

enum { ID_ENTROPY = 4 };
enum { REQUESTS, QUEUE_SIZE = 8 };

/* A request gets no more at once; the driver asks again. */
enum { REQUEST_MOST = 4096 };

typedef struct {
    Virtio virtio;
    uint64_t generator[4]; /* xoshiro256** (Blackman and Vigna) */
} State;

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static uint64_t generate(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* SplitMix64 spreads the seed, so that no state is all zeros. */
static void seed_generator(uint64_t s[4], uint64_t seed)
{
    for (unsigned n = 0; n < 4; n++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        s[n] = z ^ z >> 31;
    }
}

static void fill(State *s, uint8_t *bytes, size_t size)
{
    const DeviceEnv *env = s->virtio.dev.env;
    if (env->entropy) {
        env->entropy(bytes, size);
        return;
    }
    for (size_t n = 0; n < size; n += sizeof(uint64_t)) {
        uint64_t word = generate(s->generator);
        memcpy(bytes + n, &word, size - n < sizeof word ? size - n : sizeof word);
    }
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
    seed_generator(s->generator, dev->env->seed);
    return true;
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD_ARRAY(generator, FIELD_U64, 4),
};

const DeviceType virtio_rng_type = {
    VIRTIO_DEVICE,
    .name = "virtio_rng",
    .summary = "virtio entropy device",
    .state_size = sizeof(State),
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .version = 1,
    .create = create,
};
