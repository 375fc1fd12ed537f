#define _GNU_SOURCE
#include "frontends/disk_tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontends/disk_info.h"
#include "frontends/exit_codes.h"
#include "images/manage.h"

enum { FAILED = 1, MOST_WORDS = 3 };

struct DiskTool {
    const char *overlay_of;
    bool shrink, repair, accept_base, json, help;
    char *word[MOST_WORDS]; /* the command, and what follows it */
    unsigned count;
};

/* ---- The tables --------------------------------------------------------------------------------------- */

#define IN_TOOL(name) offsetof(DiskTool, name)

/* clang-format off */
static const OptionDef defs[] = {
    {"overlay-of", "BASE", NULL,
     GROUP_DISK, 0, option_set_text, IN_TOOL(overlay_of), "files",
     "create: make an overlay, which keeps what differs from the image BASE", NULL},
    {"shrink", NULL, NULL,
     GROUP_DISK, 0, option_set_switch, IN_TOOL(shrink), NULL,
     "resize: allow a smaller size; what was behind it is lost", NULL},
    {"repair", NULL, NULL,
     GROUP_DISK, 0, option_set_switch, IN_TOOL(repair), NULL,
     "check: mend a damaged overlay; what its table has lost is as in the image below", NULL},
    {"accept-base", NULL, NULL,
     GROUP_DISK, 0, option_set_switch, IN_TOOL(accept_base), NULL,
     "check: take the image below as it is now for the one that the overlay was made over", NULL},
    {"json", NULL, NULL,
     GROUP_DISK, 0, option_set_switch, IN_TOOL(json), NULL,
     "info: print JSON", NULL},
    {"help", NULL, NULL,
     GROUP_DISK, 0, option_set_switch, IN_TOOL(help), NULL,
     "show this text", NULL},
};

static const OptionHabit habits[] = {
    {"h", "help"}, {"b", "overlay-of"}, {"backing", "overlay-of"}, {"base", "overlay-of"}, {"r", "repair"}, {"output", "json"},
};
/* clang-format on */

const OptionTable disk_option_table = {defs, sizeof defs / sizeof *defs, habits,
                                       sizeof habits / sizeof *habits};

/* ---- Messages ----------------------------------------------------------------------------------------- */

static int fail(int code, const Error *err)
{
    fprintf(stderr, "armature disk: %s\n", err->text);
    return code;
}

static void show_help(void)
{
    fputs("Usage: armature disk COMMAND FILE [options]\n\n", stdout);
    for (unsigned n = 0; n < disk_command_count; n++) {
        char left[80];
        snprintf(left, sizeof left, "%s %s", disk_commands[n].name, disk_commands[n].arguments);
        printf("  %-22s %s\n", left, disk_commands[n].help);
    }
    fputs("\nSIZE is in bytes; K, M, G or T may follow it. Formats of other programs go through an NBD "
          "server;\n"
          "docs/disks.md tells how.\n\n",
          stdout);
    option_help_group(stdout, &disk_option_table, GROUP_DISK);
    printf("Exit code: 0, %d it failed, %d bad usage.\n", FAILED, EXIT_USAGE);
}

/* ---- Commands ------------------------------------------------------------------------------------------ */

/* Bytes, with K, M, G or T. */
static bool parse_size(const char *text, uint64_t *bytes, Error *err)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    end += unit != NULL;
    if (*text < '0' || *text > '9' || *end || errno || !value || value > (uint64_t)INT64_MAX >> shift)
        return error_set(err, "%.100s: give a size, as in 4G or 512M", text);
    *bytes = value << shift;
    return true;
}

static bool create(const DiskTool *tool, Error *err)
{
    const char *size_text = tool->count > 2 ? tool->word[2] : NULL;
    uint64_t size = 0;
    if (size_text && !parse_size(size_text, &size, err))
        return false;
    if (!size && !tool->overlay_of)
        return error_set(err, "create: give a size, as in armature disk create %.200s 4G", tool->word[1]);
    return tool->overlay_of ? image_create_overlay(tool->word[1], tool->overlay_of, size, err)
                            : image_create_raw(tool->word[1], size, err);
}

static bool info(const DiskTool *tool, Error *err)
{
    return disk_info(tool->word[1], tool->json, err);
}

static bool size_now(const char *path, uint64_t *size, Error *err)
{
    DiskImage image;
    if (!image_open(&image, &(ImageOptions){.path = path, .read_only = true}, err))
        return false;
    *size = image.info.size;
    image_close(&image);
    return true;
}

static bool resize(const DiskTool *tool, Error *err)
{
    uint64_t size, more = 0;
    if (tool->count < 3)
        return error_set(err, "resize: give a new size, as in 8G or +2G");
    const char *text = tool->word[2];
    if (*text == '+' && !size_now(tool->word[1], &more, err))
        return false;
    return parse_size(text + (*text == '+'), &size, err) &&
           image_resize(tool->word[1], size + more, tool->shrink, err);
}

static void report(void *opaque, uint64_t done, uint64_t total)
{
    (void)opaque;
    fprintf(stderr, "\r%3u %%%s", (unsigned)(100 * done / total), done == total ? "\r     \r" : "");
}

static bool commit(const DiskTool *tool, Error *err)
{
    DiskImage image;
    ImageProgress progress = {.report = isatty(STDERR_FILENO) ? report : NULL};
    if (!image_open(&image, &(ImageOptions){.path = tool->word[1]}, err))
        return false;
    bool ok = image_commit(&image, &progress, err);
    image_close(&image);
    return ok;
}

static bool check(const DiskTool *tool, Error *err)
{
    ImageCheck what = {.repair = tool->repair, .accept_base = tool->accept_base};
    if (!image_check(tool->word[1], &what, err))
        return false;
    if (what.lost)
        printf("%s: %" PRIu32 " pages of the table were lost, and are as in the image below\n", tool->word[1],
               what.lost);
    if (what.torn)
        printf("%s: %" PRIu32 " pages of the table are as before a write that was cut off\n", tool->word[1],
               what.torn);
    if (!what.lost && !what.torn)
        printf("%s is well\n", tool->word[1]);
    return true;
}

/* clang-format off */
const DiskCommand disk_commands[] = {
    {"create", "FILE [SIZE]",
     "make an image that takes no space yet, or, with --overlay-of, an overlay", create},
    {"info", "FILE",
     "what an image is, how large, what is on it, who uses it", info},
    {"resize", "FILE [+]SIZE",
     "give it another size, or add to it", resize},
    {"commit", "FILE",
     "write an overlay's changes to the image below; goes on if it was interrupted", commit},
    {"check", "FILE",
     "look through an overlay for damage", check},
};
/* clang-format on */
const unsigned disk_command_count = sizeof disk_commands / sizeof *disk_commands;

/* Which command each option is for; NULL: any. */
static const struct {
    const char *option, *command;
} uses[] = {
    {"overlay-of",  "create"},
    {"shrink",      "resize"},
    {"repair",      "check" },
    {"accept-base", "check" },
    {"json",        "info"  }
};

/* ---- The command line ---------------------------------------------------------------------------------- */

static bool take_option(DiskTool *tool, const OptionWord *word, const char **used, Error *err)
{
    Error why;
    if (!word->value)
        return error_set(err, "--no-%s: nothing is set by default", word->def->name);
    for (unsigned n = 0; n < sizeof uses / sizeof *uses; n++)
        if (!strcmp(uses[n].option, word->def->name))
            *used = uses[n].option;
    return word->def->set(tool, word->def, word->value, &why) ||
           error_set(err, "--%s %.200s: %s", word->def->name, word->value, why.text);
}

static bool fits(const char *command, const char *option, Error *err)
{
    for (unsigned n = 0; option && n < sizeof uses / sizeof *uses; n++)
        if (!strcmp(uses[n].option, option) && strcmp(uses[n].command, command))
            return error_set(err, "--%s is for armature disk %s", option, uses[n].command);
    return true;
}

static bool parse(DiskTool *tool, int argc, char **argv, Error *err)
{
    const OptionTable *table = &disk_option_table;
    const char *used[sizeof uses / sizeof *uses + 1] = {NULL};
    unsigned options = 0;
    bool plain = false;
    for (int i = 1; i < argc; i++) {
        OptionWord word;
        if (!plain && !strcmp(argv[i], "--")) {
            plain = true;
        } else if (plain || argv[i][0] != '-') {
            if (tool->count == MOST_WORDS)
                return error_set(err, "%.200s: that is too much; armature disk --help", argv[i]);
            tool->word[tool->count++] = argv[i];
        } else if (!option_read(&table, 1, argc, argv, &i, &word, err) ||
                   !take_option(tool, &word, &used[options], err)) {
            return false;
        }
        options += options < sizeof uses / sizeof *uses && used[options];
    }
    for (unsigned n = 0; n < options && tool->count; n++)
        if (!fits(tool->word[0], used[n], err))
            return false;
    return true;
}

static int run(const DiskTool *tool)
{
    Error err;
    const DiskCommand *command = disk_commands, *end = disk_commands + disk_command_count;
    while (command < end && strcmp(tool->word[0], command->name))
        command++;
    if (command == end) {
        error_set(&err, "there is no command %.100s; armature disk --help lists them", tool->word[0]);
        return fail(EXIT_USAGE, &err);
    }
    unsigned most = strchr(command->arguments, ' ') ? 3 : 2;
    if (tool->count < 2 || tool->count > most) {
        error_set(&err, "write it as: armature disk %s %s", command->name, command->arguments);
        return fail(EXIT_USAGE, &err);
    }
    return command->run(tool, &err) ? EXIT_OFF : fail(FAILED, &err);
}

int disk_main(int argc, char **argv)
{
    DiskTool tool = {.count = 0};
    Error err;
    if (!parse(&tool, argc, argv, &err))
        return fail(EXIT_USAGE, &err);
    if (tool.help) {
        show_help();
        return EXIT_OFF;
    }
    if (tool.count)
        return run(&tool);
    error_set(&err, "give a command and a file; armature disk --help lists the commands");
    return fail(EXIT_USAGE, &err);
}
