#include "tests/images/history.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 60, BLOCK_SECTORS = 8 };

/* Contents: that of the start, zeros, or what a step has written. */
enum { AT_START = 0, ZEROS = 1, STEPS = 2 };

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(x ^ x >> 32);
}

void history_begin(History *history, uint32_t seed, DiskImage *image)
{
    memset(history->sector, 0, sizeof history->sector);
    history->seed = seed;
    history->raw = image->kind != IMAGE_OVERLAY;
    if (image->ops->read(image->medium, 0, history->start, HISTORY_BYTES, NULL))
        abort();
}

Step history_step(uint32_t seed, uint32_t number)
{
    uint32_t random = mix(seed, number), kind = random % 16;
    Step step = {.first = mix(random, 1) % HISTORY_SECTORS, .count = 1 + mix(random, 2) % LONGEST};
    step.action = number % 12 == 11 || kind == 0 ? DISK_FLUSH
                  : kind == 1                    ? DISK_DISCARD
                  : kind == 2                    ? DISK_ZERO
                                                 : DISK_WRITE;
    if (random & 0x10000) { /* whole blocks */
        step.first -= step.first % BLOCK_SECTORS;
        step.count += BLOCK_SECTORS - step.count % BLOCK_SECTORS;
    }
    if (step.first + step.count > HISTORY_SECTORS)
        step.count = HISTORY_SECTORS - step.first;
    return step;
}

static void add(SectorHistory *sector, uint32_t content)
{
    if (sector->count == HISTORY_LATER)
        abort();
    sector->later[sector->count++] = content;
}

void history_settle(History *history)
{
    for (unsigned n = 0; n < HISTORY_SECTORS; n++) {
        SectorHistory *sector = &history->sector[n];
        if (sector->count)
            sector->settled = sector->later[sector->count - 1];
        sector->count = 0;
    }
}

void history_note(History *history, uint32_t number, bool settles)
{
    Step step = history_step(history->seed, number);
    uint32_t end = step.first + step.count;
    if (step.action == DISK_FLUSH) {
        if (settles)
            history_settle(history);
        return;
    }
    for (uint32_t n = step.first; n < end; n++) {
        /* What is discarded becomes zeros: whole blocks, or all of it. */
        bool whole = n - n % BLOCK_SECTORS >= step.first && n - n % BLOCK_SECTORS + BLOCK_SECTORS <= end;
        if (step.action == DISK_DISCARD && !whole && !history->raw)
            continue;
        add(&history->sector[n], step.action == DISK_WRITE ? STEPS + number : ZEROS);
    }
}

static void pattern(uint32_t seed, uint32_t number, uint32_t sector, uint8_t data[DISK_SECTOR])
{
    for (unsigned n = 0; n < DISK_SECTOR / 4; n++) {
        uint32_t word = mix(mix(seed, number), sector * 128 + n);
        memcpy(data + 4 * n, &word, 4);
    }
}

void history_data(uint32_t seed, uint32_t number, uint8_t *data)
{
    Step step = history_step(seed, number);
    for (uint32_t n = 0; n < step.count; n++)
        pattern(seed, number, step.first + n, data + (size_t)n * DISK_SECTOR);
}

static bool is(const History *history, uint32_t sector, uint32_t content, const uint8_t *data)
{
    uint8_t expected[DISK_SECTOR] = {0};
    if (content == AT_START)
        memcpy(expected, history->start + (size_t)sector * DISK_SECTOR, DISK_SECTOR);
    else if (content != ZEROS)
        pattern(history->seed, content - STEPS, sector, expected);
    return !memcmp(expected, data, DISK_SECTOR);
}

int history_check(const History *history, const uint8_t *data)
{
    for (uint32_t n = 0; n < HISTORY_SECTORS; n++) {
        const SectorHistory *sector = &history->sector[n];
        bool good = is(history, n, sector->settled, data + (size_t)n * DISK_SECTOR);
        for (unsigned i = 0; i < sector->count && !good; i++)
            good = is(history, n, sector->later[i], data + (size_t)n * DISK_SECTOR);
        if (!good)
            return (int)n;
    }
    return -1;
}
