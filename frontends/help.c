/* --help. Everything comes from the table of options; lines are at most 100 columns wide. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "frontends/exit_codes.h"
#include "frontends/option_table.h"
#include "frontends/options.h"

enum { COLUMNS = 100, INDENT = 25 };

/* Writes text from column `at` on, continued in column `indent`. */
static void wrap(FILE *out, const char *text, size_t at, size_t indent)
{
    for (bool first = true; *text; first = false) {
        size_t word = strcspn(text, " \n");
        if (!first && (*text == '\n' || at + 1 + word > COLUMNS)) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)word, text);
        at += word;
        text += word + (text[word] == ' ' || (text[word] == '\n' && text[word + 1] != 0));
    }
    fputc('\n', out);
}

static void option_usage(const OptionDef *def, char *text, size_t size)
{
    snprintf(text, size, "--%s%s%s%s", def->flags & OPTION_ON ? "no-" : "", def->name,
             def->argument ? " " : "", def->argument ? def->argument : "");
}

static void show_option(FILE *out, const OptionDef *def)
{
    char left[64], help[768], kinds[256];
    option_usage(def, left, sizeof left);
    snprintf(help, sizeof help, "%s%s%s%s", def->help, def->argument && def->initial ? " (default: " : "",
             def->argument && def->initial ? def->initial : "", def->argument && def->initial ? ")" : "");
    if (def->complete && !strcmp(def->complete, "log")) {
        option_offers(def, kinds, sizeof kinds);
        snprintf(help, sizeof help, "%s: %s", def->help, kinds);
    }
    int width = fprintf(out, "  %-*s", INDENT - 3, left);
    if (width >= INDENT)
        fprintf(out, "\n%*s", INDENT, "");
    else
        fprintf(out, "%*s", INDENT - width, "");
    wrap(out, help, INDENT, INDENT);
}

void option_help_group(FILE *out, const OptionTable *table, OptionGroup group)
{
    fprintf(out, "%s:\n", option_group_title(group));
    for (unsigned i = 0; i < table->count; i++)
        if (table->defs[i].group == group)
            show_option(out, &table->defs[i]);
    fputc('\n', out);
}

static void help_all(FILE *out)
{
    fputs("Usage: armature [options] [kernel] [-- script arguments]\n"
          "       armature ctl ...     controls a running machine, see armature ctl --help\n"
          "       armature farm ...    runs many machines at once, see armature farm --help\n"
          "       armature disk ...    makes disk images and overlays, see armature disk --help\n"
          "       armature snapshot ...  looks into snapshots, see armature snapshot --help\n\n"
          "Emulates an Arm Versatile Express with the CoreTile Express A9x4 (Cortex-A9). Without a kernel, "
          "its\n"
          "boot ROM starts a small monitor on the serial port.\n\n",
          out);
    for (OptionGroup group = 0; group < GROUP_FARM; group++)
        option_help_group(out, &option_table, group);
    fprintf(
        out,
        "An option that a configuration file or the environment (ARMATURE_MEMORY=512M) set is taken back by\n"
        "--no-NAME. In the terminal Ctrl-A x leaves, Ctrl-A h shows what else there is.\n\n"
        "Exit code: %d the guest switched off or you left, 1 to %d chosen by the guest or a script,\n"
        "%d bad usage or an unusable file, %d a script failed, %d kernel panic, %d the guest hangs,\n"
        "%d timeout, %d reboot (with --no-reboot), %d the host failed, %d + n ended by signal n.\n\n",
        EXIT_OFF, EXIT_GUEST_MOST, EXIT_USAGE, EXIT_SCRIPT, EXIT_PANIC, EXIT_HANG, EXIT_TIMEOUT, EXIT_REBOOT,
        EXIT_HOST, EXIT_SIGNAL);
    fputs("Examples:\n"
          "  armature --kernel zImage --initrd initrd.gz --append \"console=ttyAMA0 quiet\" --memory 512M\n"
          "  armature program.elf\n"
          "  armature --load u-boot.bin@0x60800000\n"
          "  armature --help memory\n\n"
          "--help shows more about an option, or one of these groups:\n ",
          out);
    for (OptionGroup group = 0; group < GROUP_FARM; group++)
        fprintf(out, " %s", option_group_name(group));
    fputc('\n', out);
}

/* ---- One topic -------------------------------------------------------------------------------- */

void option_help_one(FILE *out, const OptionDef *def)
{
    char text[512];
    option_usage(def, text, sizeof text);
    fprintf(out, "%s\n    ", text);
    wrap(out, def->help, 4, 4);
    if (def->detail) {
        fputs("    ", out);
        wrap(out, def->detail, 4, 4);
    }
    if (def->argument && def->initial)
        fprintf(out, "    Default: %s\n", def->initial);
    if (def->flags & OPTION_LIST)
        fputs("    Can be given several times.\n", out);
    if (def->flags & OPTION_TYPED)
        return;
    char variable[64];
    option_variable(def, false, variable, sizeof variable);
    const char *value = !def->argument ? (def->flags & OPTION_ON ? "no" : "yes") : def->argument;
    fprintf(out, "    In a configuration file: %s = %s\n    In the environment: %s=%s\n", def->name, value,
            variable, value);
}

bool options_help(FILE *out, const char *topic, Error *err)
{
    if (!topic) {
        help_all(out);
        return true;
    }
    const char *plain = topic + strspn(topic, "-");
    const OptionDef *def = option_find(&option_table, plain, strlen(plain));
    if (!def && !strncmp(plain, "no-", 3))
        def = option_find(&option_table, plain + 3, strlen(plain + 3));
    if (def) {
        option_help_one(out, def);
        return true;
    }
    for (OptionGroup group = 0; group < GROUP_FARM; group++)
        if (!strcasecmp(plain, option_group_name(group))) {
            option_help_group(out, &option_table, group);
            return true;
        }
    const char *meant = option_suggest(&option_table, plain);
    return error_set(err, "--help %.64s: there is no such option or group%s%s%s", topic,
                     meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
}
