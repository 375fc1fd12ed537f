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

/* What an operation may use: the same on both sides but for the side. */
typedef struct Step {
    unsigned side, slot;
    uint32_t offset, size, mode, owner;
    int flags;
    uint8_t block[BLOCK];
    char path[2][PATH], other[2][PATH];
} Step;

static long result_of(long done)
{
    return done < 0 ? -errno : done;
}

static int file_of(const Step *s)
{
    return opened[s->slot][s->side];
}

static long open_file(Step *s)
{
    int *fd = &opened[s->slot][s->side];
    if (*fd >= 0)
        close(*fd);
    *fd = open(s->path[s->side], s->flags, 0644);
    return *fd < 0 ? -errno : 0;
}

static long write_file(Step *s)
{
    return file_of(s) < 0 ? 0 : result_of(pwrite(file_of(s), s->block, s->size, s->offset));
}

static long read_file(Step *s)
{
    if (file_of(s) < 0)
        return 0;
    ssize_t done = pread(file_of(s), s->block, s->size, s->offset);
    return done < 0 ? -errno : done * 3 + (long)(sum(s->block, done) & 0xffffff);
}

static long make_folder(Step *s)
{
    return result_of(mkdir(s->path[s->side], 0755));
}

static long remove_folder(Step *s)
{
    return result_of(rmdir(s->path[s->side]));
}

static long remove_file(Step *s)
{
    return result_of(unlink(s->path[s->side]));
}

static long rename_it(Step *s)
{
    return result_of(rename(s->path[s->side], s->other[s->side]));
}

static long link_it(Step *s)
{
    return result_of(link(s->path[s->side], s->other[s->side]));
}

static long make_link(Step *s)
{
    const char *path = s->path[s->side];
    return symlink(s->size & 1 ? "a" : "b/c", path) ? -errno : read_link(path);
}

static long truncate_file(Step *s)
{
    return file_of(s) < 0 ? 0 : result_of(ftruncate(file_of(s), s->offset));
}

static long change_owner(Step *s)
{
    const char *path = s->path[s->side];
    return chmod(path, s->mode | 0700) || lchown(path, s->owner, s->owner) ? -errno : 0;
}

static long list_folder(Step *s)
{
    return count_entries(s->path[s->side]);
}

/* As often as it stands here. */
static const struct {
    const char *name;
    long (*carry_out)(Step *s);
} operations[] = {
    {"open",     open_file    },
    {"open",     open_file    },
    {"open",     open_file    },
    {"open",     open_file    },
    {"write",    write_file   },
    {"write",    write_file   },
    {"write",    write_file   },
    {"read",     read_file    },
    {"read",     read_file    },
    {"mkdir",    make_folder  },
    {"mkdir",    make_folder  },
    {"rmdir",    remove_folder},
    {"unlink",   remove_file  },
    {"rename",   rename_it    },
    {"rename",   rename_it    },
    {"link",     link_it      },
    {"symlink",  make_link    },
    {"truncate", truncate_file},
    {"chmod",    change_owner },
    {"list",     list_folder  }
};

/* One operation on both; its name. */
static const char *step(Step *s, long result[2])
{
    static const int flags[] = {O_RDONLY,
                                O_RDWR,
                                O_RDWR | O_CREAT,
                                O_RDWR | O_CREAT | O_EXCL,
                                O_RDWR | O_TRUNC,
                                O_WRONLY | O_CREAT,
                                O_RDONLY | O_DIRECTORY,
                                O_RDWR | O_NOFOLLOW};
    unsigned what = below(sizeof operations / sizeof *operations);
    s->slot = below(OPENED);
    s->offset = below(MOST);
    s->size = below(BLOCK);
    s->mode = below(01000);
    s->owner = below(3);
    s->flags = flags[below(8)];
    make_path(s->path);
    make_path(s->other);
    for (unsigned n = 0; n < s->size; n++)
        s->block[n] = (uint8_t)(s->size + n * 7);
    for (s->side = 0; s->side < 2; s->side++)
        result[s->side] = operations[what].carry_out(s);
    return operations[what].name;
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
    static Step s;
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
        const char *name = step(&s, result);
        done += result[0] >= 0;
        bool same = result[0] == result[1] && describe(s.path[0]) == describe(s.path[1]);
        if (!same && failed++ < 20)
            printf("step %u: %s of %s: %ld, and of one's own %ld; then %ld and %ld\n", n, name, s.path[0],
                   result[0], result[1], describe(s.path[0]), describe(s.path[1]));
    }
    printf("%u steps, %u succeeded, %u differ\n", steps, done, failed);
    printf("shared tree\n");
    list(top[0], strlen(top[0]));
    printf("own tree\n");
    list(top[1], strlen(top[1]));
    printf("end of trees\n");
    return failed != 0;
}
