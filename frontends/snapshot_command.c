#include "frontends/snapshot_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/exit_codes.h"
#include "frontends/snapshot_options.h"
#include "frontends/snapshot_prune.h"
#include "snapshot/snapshot.h"

enum { EXIT_BAD = 1, EXIT_TROUBLE = 2, WORDS_MOST = 1000 };

typedef struct Command {
    SnapshotOptions options;
    const char *what;
    char *word[WORDS_MOST];
    unsigned words;
} Command;

static void show_help(void)
{
    fputs("Usage: armature snapshot COMMAND FILE ... [options]\n\n", stdout);
    for (unsigned n = 0; n < snapshot_commands.count; n++) {
        const ToolCommand *command = &snapshot_commands.command[n];
        char left[80];
        snprintf(left, sizeof left, "%s %s", command->name, command->arguments);
        printf("  %-22s %s\n", left, command->help);
    }
    fputs("\nThe operation save makes snapshots; with base=FILE, of what has changed since that one.\n\n",
          stdout);
    option_help_group(stdout, &snapshot_option_table, GROUP_SNAPSHOT);
    printf("Exit code: 0, %d a file is no good or cannot be written, %d bad usage.\n", EXIT_BAD, EXIT_USAGE);
}

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

static void date_of(const SnapshotInfo *info, char *date, size_t size)
{
    time_t host_time = (time_t)info->host_time;
    struct tm tm;
    if (!host_time || !localtime_r(&host_time, &tm) || !strftime(date, size, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(date, size, "unknown");
}

/* The files that it needs, as far as they are there. */
static int print_chain(Snapshot *snapshot)
{
    Error err;
    bool whole = snapshot_open_chain(snapshot, &err);
    for (const Snapshot *base = snapshot_base(snapshot); base; base = snapshot_base(base)) {
        const SnapshotInfo *info = snapshot_info(base);
        char date[64];
        date_of(info, date, sizeof date);
        printf("needs         %s, of %s, %.1f MiB%s%s\n", snapshot_path(base), date,
               (double)info->file_size / (1 << 20), *info->note ? ": " : "", info->note);
    }
    return whole ? EXIT_OFF : wrong(&err);
}

static int print_info(Snapshot *snapshot)
{
    const SnapshotInfo *info = snapshot_info(snapshot);
    char date[64];
    date_of(info, date, sizeof date);
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
    int code = print_disks(snapshot);
    return code ? code : print_chain(snapshot);
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

static int diff(Snapshot *snapshot, const char *path)
{
    Error err;
    bool same = false;
    Snapshot *other = snapshot_open(path, &err);
    bool ok = other && snapshot_diff(snapshot, other, stdout, &same, &err);
    snapshot_close(other);
    if (!ok)
        wrong(&err);
    return !ok ? EXIT_TROUBLE : same ? EXIT_OFF : EXIT_BAD;
}

static int run(const Command *command, Snapshot *snapshot)
{
    Error err;
    const char *what = command->what, *other = command->words > 1 ? command->word[1] : NULL;
    bool compress = !command->options.raw;
    if (!strcmp(what, "info"))
        return print_info(snapshot);
    if (!strcmp(what, "picture"))
        return write_picture(snapshot, other);
    if (!strcmp(what, "diff"))
        return diff(snapshot, other);
    if (!strcmp(what, "convert"))
        return snapshot_convert(snapshot, other, compress, &err) ? EXIT_OFF : wrong(&err);
    if (!strcmp(what, "merge"))
        return snapshot_merge(snapshot, other, compress, &err) ? EXIT_OFF : wrong(&err);
    if (!snapshot_verify(snapshot, &err))
        return wrong(&err);
    printf("%s is whole", command->word[0]);
    for (const Snapshot *base = snapshot_base(snapshot); base; base = snapshot_base(base))
        printf(", and %s", snapshot_path(base));
    printf("\n");
    return EXIT_OFF;
}

/* ---- The command line ---------------------------------------------------------------------------------- */

static int misused(const char *format, const char *word)
{
    fputs("armature snapshot: ", stderr);
    fprintf(stderr, format, word);
    fputs("; armature snapshot --help\n", stderr);
    return EXIT_USAGE;
}

static bool parse(Command *command, int argc, char **argv, Error *err)
{
    const OptionTable *table = &snapshot_option_table;
    bool plain = false;
    for (int i = 1; i < argc; i++) {
        OptionWord word;
        if (!plain && !strcmp(argv[i], "--")) {
            plain = true;
        } else if (plain || argv[i][0] != '-' || !argv[i][1]) {
            if (!command->what)
                command->what = argv[i];
            else if (command->words == WORDS_MOST)
                return error_set(err, "%.200s: that is too much", argv[i]);
            else
                command->word[command->words++] = argv[i];
        } else {
            Error why;
            if (!option_read(&table, 1, argc, argv, &i, &word, err))
                return false;
            if (!word.value)
                return error_set(err, "--no-%s: nothing is set by default", word.def->name);
            if (!word.def->set(&command->options, word.def, word.value, &why))
                return error_set(err, "--%s %.200s: %s", word.def->name, word.value, why.text);
        }
    }
    return true;
}

static const ToolCommand *find_command(const char *name)
{
    for (unsigned n = 0; n < snapshot_commands.count; n++)
        if (!strcmp(snapshot_commands.command[n].name, name))
            return &snapshot_commands.command[n];
    return NULL;
}

/* EXIT_OFF, or what is wrong with the words and options. */
static int check(const Command *command)
{
    if (!command->what)
        return misused("give a command and a file%s", "");
    const ToolCommand *is = find_command(command->what);
    if (!is)
        return misused("there is no command '%.100s'", command->what);
    bool prune = !strcmp(is->name, "prune");
    bool writes = !strcmp(is->name, "convert") || !strcmp(is->name, "merge");
    unsigned wanted = strchr(is->arguments, ' ') ? 2 : 1;
    if (prune ? !command->words : command->words != wanted) {
        fprintf(stderr, "armature snapshot: write it as: armature snapshot %s %s\n", is->name, is->arguments);
        return EXIT_USAGE;
    }
    if (command->options.raw && !writes)
        return misused("--raw is for convert and merge, not for %s", is->name);
    if ((command->options.keep || command->options.remove) && !prune)
        return misused("--keep and --delete are for prune, not for %s", is->name);
    if (prune && !command->options.keep)
        return misused("%s: say with --keep N how many of the newest are to stay", is->name);
    return EXIT_OFF;
}

static int do_command(const Command *command)
{
    Error err;
    if (!strcmp(command->what, "prune"))
        return snapshot_prune(command->word, command->words, command->options.keep, command->options.remove,
                              &err)
                   ? EXIT_OFF
                   : wrong(&err);
    Snapshot *snapshot = snapshot_open(command->word[0], &err);
    if (!snapshot) {
        wrong(&err);
        return strcmp(command->what, "diff") ? EXIT_BAD : EXIT_TROUBLE;
    }
    int code = run(command, snapshot);
    snapshot_close(snapshot);
    return code;
}

int snapshot_main(int argc, char **argv)
{
    Command command = {.words = 0};
    Error err;
    if (!parse(&command, argc, argv, &err)) {
        fprintf(stderr, "armature snapshot: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (command.options.help || (command.what && !strcmp(command.what, "help"))) {
        show_help();
        return EXIT_OFF;
    }
    int code = check(&command);
    return code ? code : do_command(&command);
}
