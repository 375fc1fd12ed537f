/* See bootable.h. */
#define _GNU_SOURCE
#include "volumes/bootable.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "volumes/find_kernel.h"
#include "volumes/sandbox.h"

enum { KERNEL_MOST = 256 << 20, INITRD_MOST = 1 << 30, PIECE = 1 << 20 };

typedef struct Result {
    bool found, has_initrd;
    char kernel[BOOTABLE_NAME], initrd[BOOTABLE_NAME];
    char command_line[BOOTABLE_COMMAND_LINE];
    char text[BOOTABLE_WARNING];
} Result;

/* ---- In the child ------------------------------------------------------------------------------------ */

static void name_file(const TreeFile *file, char *name)
{
    if (file->volume->partition)
        snprintf(name, BOOTABLE_NAME, "partition %u: %s", file->volume->partition, file->path);
    else
        snprintf(name, BOOTABLE_NAME, "%s", file->path);
}

static bool write_all(int fd, const char *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t part = write(fd, data + done, length - done);
        if (part <= 0)
            return false;
        done += (size_t)part;
    }
    return true;
}

static bool copy_out(const TreeFile *file, uint64_t most, int fd)
{
    char *data = malloc(PIECE);
    bool ok = data && file->node.size <= most;
    for (uint64_t at = 0; ok && at < file->node.size;) {
        long got = file->volume->ops->read(file->volume->fs, &file->node, at, data, PIECE);
        ok = got > 0 && write_all(fd, data, (size_t)got);
        at += ok ? (uint64_t)got : 0;
    }
    free(data);
    return ok;
}

static void look(const SandboxJob *job, const Source *disk, void *out)
{
    Result *result = out;
    DiskContents *contents = malloc(sizeof *contents);
    FoundKernel *found = malloc(sizeof *found);
    if (!contents || !found)
        return;
    disk_contents_open(contents, disk);
    result->found = find_kernel(contents, *(const bool *)job->argument, found);
    snprintf(result->text, sizeof result->text, "%s", found->text);
    if (result->found) {
        result->has_initrd = found->has_initrd;
        snprintf(result->command_line, sizeof result->command_line, "%s", found->command_line);
        name_file(&found->kernel, result->kernel);
        if (found->has_initrd)
            name_file(&found->initrd, result->initrd);
        const TreeFile *bad = !copy_out(&found->kernel, KERNEL_MOST, job->file[0]) ? &found->kernel
                              : found->has_initrd && !copy_out(&found->initrd, INITRD_MOST, job->file[1])
                                  ? &found->initrd
                                  : NULL;
        if (bad) {
            result->found = false;
            snprintf(result->text, sizeof result->text, "%.300s cannot be read: %s", bad->path,
                     contents->end > disk->size ? "the disk was cut off (an incomplete copy?)"
                                                : "its file system is damaged");
        }
    }
    disk_contents_close(contents);
    free(contents);
    free(found);
}

/* ---- In the parent ----------------------------------------------------------------------------------- */

/* Texts come from the disk, and go to a terminal. */
static void make_printable(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            *text = '?';
}

static void take_result(Result *result, Bootable *bootable)
{
    make_printable(result->kernel, sizeof result->kernel);
    make_printable(result->initrd, sizeof result->initrd);
    make_printable(result->command_line, sizeof result->command_line);
    make_printable(result->text, sizeof result->text);
    memcpy(bootable->kernel_name, result->kernel, sizeof result->kernel);
    memcpy(bootable->initrd_name, result->initrd, sizeof result->initrd);
    memcpy(bootable->command_line, result->command_line, sizeof result->command_line);
    memcpy(bootable->warning, result->text, sizeof result->text);
    if (!result->has_initrd) {
        close(bootable->initrd);
        bootable->initrd = -1;
    }
}

bool bootable_find(const Source *disk, bool has_root, Bootable *bootable, Error *err)
{
    Result *result = calloc(1, sizeof *result);
    *bootable = (Bootable){.kernel = memfd_create("kernel", MFD_CLOEXEC),
                           .initrd = memfd_create("initrd", MFD_CLOEXEC)};
    bool ok = result && bootable->kernel >= 0 && bootable->initrd >= 0;
    if (!ok)
        error_set(err, "the host lacks memory: %s", strerror(errno));
    SandboxJob job = {
        look, &has_root, {bootable->kernel, bootable->initrd},
          sizeof *result
    };
    ok = ok && sandbox_run(&job, disk, result, err);
    if (ok)
        take_result(result, bootable);
    if (ok && !result->found)
        ok = error_set(err, "%s", bootable->warning[0] ? bootable->warning : "the host lacks memory");
    free(result);
    if (!ok)
        bootable_close(bootable);
    return ok;
}

void bootable_close(Bootable *bootable)
{
    if (bootable->kernel >= 0)
        close(bootable->kernel);
    if (bootable->initrd >= 0)
        close(bootable->initrd);
    bootable->kernel = bootable->initrd = -1;
}

/* ---- Command lines ----------------------------------------------------------------------------------- */

/* The length of what comes before "=", or of the whole word. */
static size_t key_length(const char *word, size_t length)
{
    const char *equals = memchr(word, '=', length);
    return equals ? (size_t)(equals - word) : length;
}

/* ro and rw are two values of one thing. */
static bool same_key(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t a_key = key_length(a, a_length), b_key = key_length(b, b_length);
    bool a_mode = a_length == 2 && a[0] == 'r' && (a[1] == 'o' || a[1] == 'w');
    bool b_mode = b_length == 2 && b[0] == 'r' && (b[1] == 'o' || b[1] == 'w');
    return (a_mode && b_mode) || (a_key == b_key && !memcmp(a, b, a_key));
}

static bool names_key(const char *line, const char *word, size_t length)
{
    for (line += strspn(line, " "); *line; line += strspn(line, " ")) {
        size_t other = strcspn(line, " ");
        if (same_key(line, other, word, length))
            return true;
        line += other;
    }
    return false;
}

static void add_words(char *line, const char *words)
{
    if (*line && *words)
        strcat(line, " ");
    strcat(line, words);
}

char *bootable_command_line(const char *found, const char *console, const char *given)
{
    given = given ? given : "";
    char *line = calloc(1, strlen(found) + strlen(console) + strlen(given) + 3);
    if (!line)
        abort();
    for (const char *word = found + strspn(found, " "); *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        bool kept = !(names_key(given, word, length) &&
                      (same_key(word, length, "root", 4) || same_key(word, length, "ro", 2) ||
                       same_key(word, length, "console", 7)));
        if (kept) {
            if (*line)
                strcat(line, " ");
            strncat(line, word, length);
        }
        word += length;
    }
    if (!names_key(found, "console", 7) && !names_key(given, "console", 7))
        add_words(line, console);
    add_words(line, given);
    return line;
}
