/* Runs in the guest: random operations on files below a shared folder, each of them also below a folder of
 * the guest's own memory. What both answer must be the same, and so must both trees be in the end, which are
 * listed for the host to compare with its own view.
 *
 *     share_guest SEED STEPS SHARED OWN */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES = 6, DEPTH = 3, PATH = 256, OPENED = 4, BLOCK = 9000, MOST = 200000 };

static uint64_t state;
static const char *top[2];

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % n);
}

/* The same place below both. */
static void make_path(char path[2][PATH])
{
    char tail[64] = "";
    unsigned depth = 1 + below(DEPTH);
    for (unsigned n = 0; n < depth; n++)
        sprintf(tail + strlen(tail), "/%c", 'a' + (char)below(NAMES));
    for (unsigned n = 0; n < 2; n++)
        snprintf(path[n], PATH, "%s%s", top[n], tail);
}

static int opened[OPENED][2];

static uint32_t sum(const uint8_t *bytes, ssize_t size)
{
    uint32_t value = 1;
    for (ssize_t n = 0; n < size; n++)
        value = value * 31 + bytes[n];
    return value;
}

/* What lstat() says, but for what is each file system's own. */
static long describe(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        return -errno;
    long size = S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ? (long)st.st_size : 0;
    long links = S_ISDIR(st.st_mode) ? 0 : (long)st.st_nlink;
    return (long)st.st_mode * 1000003 + size * 7 + links * 131 + (long)st.st_uid * 17 + (long)st.st_gid;
}

static long read_link(const char *path)
{
    char target[PATH];
    ssize_t length = readlink(path, target, sizeof target);
    return length < 0 ? -errno : (long)sum((uint8_t *)target, length) & 0x7fffffff;
}

static long count_entries(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    long names = 0;
    if (!dir)
        return -errno;
    while ((entry = readdir(dir)))
        names += sum((uint8_t *)entry->d_name, (ssize_t)strlen(entry->d_name)) & 0xffff;
    closedir(dir);
    return names;
}

static long open_both(unsigned slot, char path[2][PATH], int flags, long result[2])
{
    for (unsigned n = 0; n < 2; n++) {
        if (opened[slot][n] >= 0)
            close(opened[slot][n]);
        opened[slot][n] = open(path[n], flags, 0644);
        result[n] = opened[slot][n] < 0 ? -errno : 0;
    }
    return 0;
}

static long transfer(int fd, bool writes, uint8_t *block, uint32_t offset, uint32_t size)
{
    if (fd < 0)
        return 0;
    ssize_t done = writes ? pwrite(fd, block, size, offset) : pread(fd, block, size, offset);
    return done < 0 ? -errno : writes ? done : done * 3 + (long)(sum(block, done) & 0xffffff);
}

/* One operation on both; its name. */
static const char *step(long result[2], char path[2][PATH])
{
    static uint8_t block[BLOCK];
    char other[2][PATH];
    unsigned what = below(20), slot = below(OPENED);
    uint32_t offset = below(MOST), size = below(BLOCK), mode = below(01000), owner = below(3);
    static const int flags[] = {O_RDONLY,
                                O_RDWR,
                                O_RDWR | O_CREAT,
                                O_RDWR | O_CREAT | O_EXCL,
                                O_RDWR | O_TRUNC,
                                O_WRONLY | O_CREAT,
                                O_RDONLY | O_DIRECTORY,
                                O_RDWR | O_NOFOLLOW};
    int flag = flags[below(8)];
    make_path(path);
    make_path(other);
    for (unsigned n = 0; n < size; n++)
        block[n] = (uint8_t)(size + n * 7);
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        return open_both(slot, path, flag, result), "open";
    }
    for (unsigned n = 0; n < 2; n++) {
        long r = 0;
        int fd = opened[slot][n];
        switch (what) {
        case 4:
        case 5:
        case 6:
            r = transfer(fd, true, block, offset, size);
            break;
        case 7:
        case 8:
            r = transfer(fd, false, block, offset, size);
            break;
        case 9:
        case 10:
            r = mkdir(path[n], 0755) ? -errno : 0;
            break;
        case 11:
            r = rmdir(path[n]) ? -errno : 0;
            break;
        case 12:
            r = unlink(path[n]) ? -errno : 0;
            break;
        case 13:
        case 14:
            r = rename(path[n], other[n]) ? -errno : 0;
            break;
        case 15:
            r = link(path[n], other[n]) ? -errno : 0;
            break;
        case 16:
            r = symlink(size & 1 ? "a" : "b/c", path[n]) ? -errno : read_link(path[n]);
            break;
        case 17:
            r = fd >= 0 && ftruncate(fd, offset) ? -errno : 0;
            break;
        case 18:
            r = chmod(path[n], mode | 0700) ? -errno : 0;
            if (!r && lchown(path[n], owner, owner))
                r = -errno;
            break;
        default:
            r = count_entries(path[n]);
            break;
        }
        result[n] = r;
    }
    static const char *const names[] = {"write",   "write",    "write",  "read",   "read",   "mkdir",
                                        "mkdir",   "rmdir",    "unlink", "rename", "rename", "link",
                                        "symlink", "truncate", "chmod",  "list"};
    return names[what - 4];
}

static void list(const char *path, size_t skip)
{
    struct dirent **entry;
    int count = scandir(path, &entry, NULL, alphasort);
    for (int n = 0; n < count; n++) {
        char below_it[PATH + NAME_MAX + 2];
        struct stat st;
        if (!strcmp(entry[n]->d_name, ".") || !strcmp(entry[n]->d_name, ".."))
            continue;
        snprintf(below_it, sizeof below_it, "%s/%s", path, entry[n]->d_name);
        if (lstat(below_it, &st))
            continue;
        uint32_t value = 1;
        if (S_ISREG(st.st_mode)) {
            static uint8_t contents[MOST + BLOCK];
            int fd = open(below_it, O_RDONLY);
            value = sum(contents, read(fd, contents, sizeof contents));
            close(fd);
        } else if (S_ISLNK(st.st_mode)) {
            value = (uint32_t)read_link(below_it);
        }
        printf("%s %o %u %u %08x\n", below_it + skip, (unsigned)st.st_mode, (unsigned)st.st_uid,
               (unsigned)st.st_gid, value);
        if (S_ISDIR(st.st_mode))
            list(below_it, skip);
    }
}

int main(int argc, char **argv)
{
    char path[2][PATH];
    unsigned steps = argc == 5 ? (unsigned)atoi(argv[2]) : 0, done = 0, failed = 0;
    if (!steps)
        return 2;
    state = (uint64_t)atoi(argv[1]);
    top[0] = argv[3];
    top[1] = argv[4];
    memset(opened, -1, sizeof opened);
    umask(022);
    for (unsigned n = 0; n < steps; n++) {
        long result[2] = {0, 0};
        const char *name = step(result, path);
        done += result[0] >= 0;
        bool same = result[0] == result[1] && describe(path[0]) == describe(path[1]);
        if (!same && failed++ < 20)
            printf("step %u: %s of %s: %ld, and of one's own %ld; then %ld and %ld\n", n, name, path[0],
                   result[0], result[1], describe(path[0]), describe(path[1]));
    }
    printf("%u steps, %u succeeded, %u differ\n", steps, done, failed);
    printf("shared tree\n");
    list(top[0], strlen(top[0]));
    printf("own tree\n");
    list(top[1], strlen(top[1]));
    printf("end of trees\n");
    return failed != 0;
}
