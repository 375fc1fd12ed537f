/* Small files made, written, read back, renamed and deleted in the current folder. */
#include "workload.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 16384

static uint8_t data[SIZE], back[SIZE];

static uint32_t one_file(const char *name, const char *other, uint32_t size)
{
    struct stat status;
    uint32_t hash = 0;
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    require(file >= 0, "open");
    for (uint32_t at = 0; at < size; at += 1024)
        require(write(file, data + at, 1024) == 1024, "write");
    require(lseek(file, 0, SEEK_SET) == 0, "lseek");
    require(read(file, back, SIZE) == (ssize_t)size, "read");
    require(memcmp(data, back, size) == 0, "comparison");
    close(file);
    require(rename(name, other) == 0, "rename");
    require(stat(other, &status) == 0, "stat");
    hash = (uint32_t)status.st_size + back[size / 2];
    require(unlink(other) == 0, "unlink");
    return hash;
}

uint32_t run(unsigned units)
{
    uint32_t state = 693147180, hash = 0;
    char name[32], other[32];

    for (int i = 0; i < SIZE; i++)
        data[i] = (uint8_t)next_random(&state);
    for (unsigned i = 0; i < units * 20; i++) {
        snprintf(name, sizeof name, "file-%u", i % 100);
        snprintf(other, sizeof other, "renamed-%u", i % 100);
        hash = mix(hash, one_file(name, other, (1 + next_random(&state) % 16) * 1024));
    }
    return hash;
}
