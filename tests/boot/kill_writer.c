/* Runs in the guest: processes that write to a file system in the ways of careful programs, and say on the
 * terminal what they know to be stored, when fsync() and its like have come back. Others make the file system
 * busy and promise nothing. tests/boot/killed.py kills the emulator meanwhile, and compares.
 *
 *     kill_writer FOLDER ROUND
 *
 * A line is @LETTER WORDS, see killed_promises.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTOR = 512, SLOT = 4096, SLOTS = 64, KEPT = 24, LARGEST = 200000, ENTRY = 64, MOST_ENTRIES = 20000 };

static uint32_t round_number;
static uint64_t state;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % n);
}

/* One write each, so that lines of several processes stay whole. */
static void say(const char *line)
{
    if (write(1, line, strlen(line)) < 0)
        _exit(2);
}

static void fail(const char *what)
{
    char line[120];
    snprintf(line, sizeof line, "@E %s: %s\n", what, strerror(errno));
    say(line);
    _exit(1);
}

static uint32_t crc32(const void *data, size_t size)
{
    static uint32_t table[256];
    const uint8_t *bytes = data;
    uint32_t crc = ~0u;
    for (uint32_t n = 0; n < 256 && !table[255]; n++) {
        table[n] = n;
        for (unsigned bit = 0; bit < 8; bit++)
            table[n] = table[n] >> 1 ^ (table[n] & 1 ? 0xedb88320 : 0);
    }
    while (size--)
        crc = crc >> 8 ^ table[(crc ^ *bytes++) & 0xff];
    return ~crc;
}

static void fill(void *data, size_t size, uint32_t seed)
{
    uint8_t *bytes = data;
    for (size_t n = 0; n < size; n++, seed = seed * 1664525 + 1013904223)
        bytes[n] = (uint8_t)(seed >> 24);
}

/* The last word is the checksum of what is before. */
static void seal(uint8_t *data, size_t size)
{
    uint32_t crc = crc32(data, size - 4);
    memcpy(data + size - 4, &crc, 4);
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags, 0644);
    if (fd < 0)
        fail(path);
    return fd;
}

static void write_all(int fd, const uint8_t *data, size_t size, uint32_t piece)
{
    for (size_t done = 0; done < size;) {
        size_t next = size - done < piece ? size - done : piece;
        ssize_t count = write(fd, data + done, next);
        if (count <= 0)
            fail("write");
        done += (size_t)count;
    }
}

static void settle(int fd)
{
    unsigned way = below(8);
    if (way == 0 ? syncfs(fd) : fsync(fd))
        fail("fsync");
}

static void settle_folder(const char *path)
{
    int fd = open_file(path, O_RDONLY | O_DIRECTORY);
    if (fsync(fd))
        fail("fsync of a folder");
    close(fd);
}

/* ---- Files that are made, renamed and removed ---------------------------------------------------------- */

static void name_record(char *path, size_t size, unsigned worker, unsigned n)
{
    snprintf(path, size, "r%u/%u-%u", round_number % 3, worker, n);
}

static void promise(const char *path, size_t size, uint32_t crc)
{
    char line[100];
    snprintf(line, sizeof line, "@R %s %zu %08x\n", path, size, crc);
    say(line);
}

static void withdraw(const char *path)
{
    char line[80];
    snprintf(line, sizeof line, "@U %s\n", path);
    say(line);
}

static void make_record(const char *folder, unsigned worker, unsigned n)
{
    static uint8_t data[LARGEST];
    char path[60], new_path[70];
    size_t size = below(4) ? below(12000) : below(LARGEST);
    name_record(path, sizeof path, worker, n);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    fill(data, size, round_number << 16 | worker << 14 | n);
    bool renamed = below(3) == 0;
    int fd = open_file(renamed ? new_path : path, O_WRONLY | O_CREAT | O_TRUNC | (below(6) ? 0 : O_SYNC));
    if (!below(4) && size && fallocate(fd, 0, 0, (off_t)size))
        fail("fallocate");
    write_all(fd, data, size, 1 + below(30000));
    settle(fd);
    close(fd);
    if (renamed && rename(new_path, path))
        fail("rename");
    settle_folder(folder);
    promise(path, size, crc32(data, size));
}

static void keep_records(unsigned worker)
{
    char folder[20], path[60];
    snprintf(folder, sizeof folder, "r%u", round_number % 3);
    for (unsigned n = 0;; n++) {
        make_record(folder, worker, n);
        if (n < KEPT)
            continue;
        name_record(path, sizeof path, worker, n - KEPT);
        withdraw(path);
        if (unlink(path))
            fail("unlink");
    }
}

/* ---- A table that is overwritten in its place ---------------------------------------------------------- */

static void fill_slot(uint8_t *slot, uint32_t number, uint32_t version)
{
    for (uint32_t sector = 0; sector < SLOT / SECTOR; sector++) {
        uint32_t head[] = {number, version, sector};
        uint8_t *at = slot + sector * SECTOR;
        fill(at, SECTOR, version * 64 + number);
        memcpy(at, head, sizeof head);
        seal(at, SECTOR);
    }
}

static void make_table(void)
{
    static uint8_t slot[SLOT];
    if (!access("table", F_OK))
        return;
    int fd = open_file("table.new", O_WRONLY | O_CREAT | O_TRUNC);
    for (uint32_t n = 0; n < SLOTS; n++) {
        fill_slot(slot, n, 0);
        write_all(fd, slot, SLOT, SLOT);
    }
    settle(fd);
    close(fd);
    if (rename("table.new", "table"))
        fail("rename");
    settle_folder(".");
}

static void overwrite(void)
{
    static uint8_t slots[4 * SLOT] __attribute__((aligned(SLOT)));
    char line[60];
    make_table();
    int fds[] = {open_file("table", O_RDWR), open_file("table", O_RDWR | O_DIRECT)};
    for (uint32_t version = round_number * 1000000 + 1;; version++) {
        uint32_t count = 1 + below(4), first = below(SLOTS - count + 1);
        int fd = fds[below(2)];
        for (uint32_t n = 0; n < count; n++)
            fill_slot(slots + n * SLOT, first + n, version);
        if (pwrite(fd, slots, count * SLOT, (off_t)first * SLOT) != (ssize_t)(count * SLOT))
            fail("pwrite");
        if (fdatasync(fd))
            fail("fdatasync");
        for (uint32_t n = 0; n < count; n++) {
            snprintf(line, sizeof line, "@S %u %u\n", first + n, version);
            say(line);
        }
    }
}

/* ---- A file that grows --------------------------------------------------------------------------------- */

static void append(void)
{
    static uint8_t entries[40 * ENTRY];
    char path[20], line[60];
    snprintf(path, sizeof path, "log%u", round_number % 3);
    int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
    settle(fd);
    settle_folder(".");
    for (uint32_t length = 0; length < MOST_ENTRIES;) {
        uint32_t count = 1 + below(40);
        for (uint32_t n = 0; n < count; n++) {
            uint32_t head[] = {length + n, round_number};
            fill(entries + n * ENTRY, ENTRY, length + n);
            memcpy(entries + n * ENTRY, head, sizeof head);
            seal(entries + n * ENTRY, ENTRY);
        }
        write_all(fd, entries, count * ENTRY, 1 + below(3000));
        if (fdatasync(fd))
            fail("fdatasync");
        length += count;
        snprintf(line, sizeof line, "@L %s %u\n", path, length);
        say(line);
    }
}

/* ---- A file that is replaced by its next version ------------------------------------------------------- */

static void replace(void)
{
    static uint8_t data[30000];
    char line[60];
    for (uint32_t version = round_number * 1000000 + 1;; version++) {
        size_t size = 100 + below(sizeof data - 100);
        fill(data, size, version);
        memcpy(data, &version, 4);
        seal(data, size);
        int fd = open_file("current.new", O_WRONLY | O_CREAT | O_TRUNC);
        write_all(fd, data, size, 1 + below(30000));
        settle(fd);
        close(fd);
        if (rename("current.new", "current"))
            fail("rename");
        settle_folder(".");
        snprintf(line, sizeof line, "@N %u\n", version);
        say(line);
    }
}

/* ---- What promises nothing ----------------------------------------------------------------------------- */

static void bustle(void)
{
    static uint8_t data[LARGEST];
    char path[60], other[60];
    fill(data, sizeof data, round_number);
    for (unsigned n = 0;; n++) {
        snprintf(path, sizeof path, "bustle/%u", below(60));
        snprintf(other, sizeof other, "bustle/%u", below(60));
        int fd = -1;
        switch (below(7)) {
        case 0:
            mkdir(path, 0755);
            break;
        case 1:
            rmdir(path);
            break;
        case 2:
            unlink(path);
            break;
        case 3:
            (void)!symlink(other, path);
            break;
        case 4:
            (void)!rename(path, other);
            break;
        case 5:
            (void)!truncate(path, below(LARGEST));
            break;
        default:
            fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
            if (fd >= 0 && pwrite(fd, data, below(LARGEST), below(LARGEST)) < 0)
                fail("pwrite");
        }
        if (fd >= 0 && !below(3))
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, below(LARGEST), 1 + below(LARGEST));
        if (fd >= 0)
            close(fd);
        usleep(2000);
    }
}

/* ---- All of them --------------------------------------------------------------------------------------- */

/* What was written three rounds ago makes room. */
static void make_room(void)
{
    char line[100];
    unsigned n = round_number % 3;
    snprintf(line, sizeof line, "@C r%u/\n@C log%u\n", n, n);
    say(line);
    snprintf(line, sizeof line, "rm -rf r%u log%u bustle && mkdir r%u bustle", n, n, n);
    if (system(line))
        fail("rm and mkdir");
    settle_folder(".");
}

int main(int argc, char **argv)
{
    if (argc < 3 || chdir(argv[1]))
        fail("usage");
    round_number = (uint32_t)atoi(argv[2]);
    make_room();
    for (unsigned worker = 0; worker < 6; worker++) {
        if (fork())
            continue;
        state = round_number * 64 + worker;
        switch (worker) {
        case 0:
        case 1:
            keep_records(worker);
            break;
        case 2:
            overwrite();
            break;
        case 3:
            append();
            break;
        case 4:
            replace();
            break;
        default:
            bustle();
        }
        _exit(0);
    }
    while (wait(NULL) >= 0) {
    }
    return 0;
}
