#include "frontends/snapshot_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/exit_codes.h"
#include "snapshot/snapshot.h"

enum { EXIT_BAD = 1 };

static const char usage[] =
    "Usage: armature snapshot info FILE              what is in it\n"
    "       armature snapshot verify FILE            reads and checks all of it\n"
    "       armature snapshot picture FILE OUT.png   the screen at that time\n"
    "       armature snapshot convert FILE OUT [--raw]\n"
    "                                                compressed, or not: larger, and quicker to load\n";

static int wrong(const Error *err)
{
    fprintf(stderr, "armature snapshot: %s\n", err->text);
    return EXIT_BAD;
}

static int print_disks(Snapshot *snapshot)
{
    SnapshotDisk disk;
    Error err;
    for (unsigned n = 0; n < snapshot_info(snapshot)->disks; n++) {
        if (!snapshot_disk(snapshot, n, &disk, &err))
            return wrong(&err);
        printf("%-13s %s", disk.slot, disk.file);
        if (disk.keeps_changes)
            printf(" and changes to it, %.1f MiB", (double)disk.bytes / (1 << 20));
        printf("\n");
    }
    return EXIT_OFF;
}

static int print_info(Snapshot *snapshot)
{
    const SnapshotInfo *info = snapshot_info(snapshot);
    char date[64] = "unknown";
    time_t host_time = (time_t)info->host_time;
    struct tm tm;
    if (host_time && localtime_r(&host_time, &tm))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    printf("made by       %s, on %s\n", info->program, date);
    if (*info->note)
        printf("note          %s\n", info->note);
    printf("machine       %u CPU%s, %llu MiB%s\n", info->cpus, info->cpus == 1 ? "" : "s",
           (unsigned long long)info->memory >> 20, info->deterministic ? ", deterministic" : "");
    printf("guest time    %.3f s\n", (double)info->guest_ns / 1e9);
    printf("instructions  %llu\n", (unsigned long long)info->instructions);
    printf("picture       %s\n", info->png_size ? "yes" : "none");
    printf("file          %.1f MiB, of which memory %.1f MiB%s\n", (double)info->file_size / (1 << 20),
           (double)info->memory_bytes / (1 << 20), info->compressed ? ", compressed" : "");
    return print_disks(snapshot);
}

static int write_picture(Snapshot *snapshot, const char *path)
{
    Error err = {""};
    size_t size = 0;
    uint8_t *png = snapshot_png(snapshot, &size, &err);
    if (!png && !err.text[0])
        error_set(&err, "there is no picture: the screen was dark");
    if (!png)
        return wrong(&err);
    FILE *file = fopen(path, "wbe");
    bool ok = file && fwrite(png, 1, size, file) == size;
    ok = file && !fclose(file) && ok;
    free(png);
    if (!ok)
        error_set(&err, "cannot write '%s'", path);
    return ok ? EXIT_OFF : wrong(&err);
}

static int run(int argc, char **argv, Snapshot *snapshot)
{
    Error err;
    const char *what = argv[1];
    if (!strcmp(what, "info"))
        return print_info(snapshot);
    if (!strcmp(what, "picture"))
        return write_picture(snapshot, argv[3]);
    if (!strcmp(what, "convert"))
        return snapshot_convert(snapshot, argv[3], argc < 5, &err) ? EXIT_OFF : wrong(&err);
    if (!snapshot_verify(snapshot, &err))
        return wrong(&err);
    printf("%s is whole\n", argv[2]);
    return EXIT_OFF;
}

static bool usable(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "info") || !strcmp(what, "verify"))
        return argc == 3;
    if (!strcmp(what, "picture"))
        return argc == 4;
    bool raw = argc == 5 && !strcmp(argv[4], "--raw");
    return !strcmp(what, "convert") && (argc == 4 || raw);
}

int snapshot_main(int argc, char **argv)
{
    Error err;
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
        fputs(usage, stdout);
        return EXIT_OFF;
    }
    if (!usable(argc, argv)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    Snapshot *snapshot = snapshot_open(argv[2], &err);
    if (!snapshot)
        return wrong(&err);
    int code = run(argc, argv, snapshot);
    snapshot_close(snapshot);
    return code;
}
