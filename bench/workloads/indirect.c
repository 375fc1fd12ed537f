/* Calls through pointers and jumps through tables whose target changes all the time. */
#include "workload.h"

#define OBJECTS 256

typedef struct Object Object;

struct Object {
    uint32_t (*act)(Object *, uint32_t);
    uint32_t state;
};

static uint32_t act_add(Object *object, uint32_t value)
{
    return object->state += value;
}

static uint32_t act_xor(Object *object, uint32_t value)
{
    return object->state ^= value << 1;
}

static uint32_t act_rotate(Object *object, uint32_t value)
{
    return object->state = (object->state << 7 | object->state >> 25) + value;
}

static uint32_t act_count(Object *object, uint32_t value)
{
    return value + object->state++;
}

static uint32_t act_multiply(Object *object, uint32_t value)
{
    return object->state = object->state * 5 + value;
}

static uint32_t jump(uint32_t which, uint32_t x)
{
    switch (which & 15) {
    case 0:
        return x + 3;
    case 1:
        return x ^ 0x55;
    case 2:
        return x * 9;
    case 3:
        return x >> 3;
    case 4:
        return x - 77;
    case 5:
        return ~x;
    case 6:
        return x | 0x1000;
    case 7:
        return x & ~0x100u;
    case 8:
        return x << 2;
    case 9:
        return x / 3;
    case 10:
        return x ^ x >> 9;
    case 11:
        return 0 - x;
    case 12:
        return x + which;
    case 13:
        return x * x;
    case 14:
        return x ^ 0xff00;
    default:
        return x + 1;
    }
}

uint32_t run(unsigned units)
{
    static uint32_t (*const acts[])(Object *, uint32_t) = {act_add, act_xor, act_rotate, act_count,
                                                           act_multiply};
    static Object objects[OBJECTS];
    uint32_t state = 123456789, hash = 0;

    for (int i = 0; i < OBJECTS; i++)
        objects[i] = (Object){acts[next_random(&state) % 5], (uint32_t)i};
    for (unsigned i = 0; i < 500 * units; i++) {
        for (int j = 0; j < OBJECTS; j++)
            hash = objects[j].act(&objects[j], hash) + (uint32_t)j;
        for (int j = 0; j < OBJECTS; j++)
            hash = jump(objects[j].state, hash);
    }
    return hash;
}
