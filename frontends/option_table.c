/* The emulator's options: one row each, and the functions that store values which are more than a text. */
#define _GNU_SOURCE
#include "frontends/option_table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/audio.h"
#include "frontends/disk_spec.h"
#include "frontends/escape_key.h"
#include "frontends/gdb_spec.h"
#include "frontends/keyboard_layout.h"
#include "frontends/migration_place.h"
#include "frontends/net_spec.h"
#include "frontends/serial_spec.h"
#include "frontends/settings.h"
#include "frontends/share_spec.h"
#include "history/history.h"

/* ---- Values ---------------------------------------------------------------------------------- */

static bool parse_address(const char *text, uint32_t *address)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    *address = (uint32_t)value;
    return *text >= '0' && *text <= '9' && !*end && !errno && value <= UINT32_MAX;
}

/* As QEMU: a plain number means MiB. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || value > 1ull << 40)
        return false;
    unsigned shift = *end == 'G' || *end == 'g' ? 30 : *end == 'K' || *end == 'k' ? 10 : 20;
    end += *end && strchr("GgMmKk", *end);
    *bytes = value << shift;
    return !*end;
}

static bool set_load(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    const char *at = strrchr(value, '@');
    BootLoad load;
    (void)def;
    if (!at && *value) {
        options->snapshot = value;
        return true;
    }
    if (!at || at == value || !parse_address(at + 1, &load.address))
        return error_set(err, "give a file and an address, as in --load data.bin@0x60100000, or a snapshot");
    if (options->boot.load_count == BOOT_MAX_LOADS)
        return error_set(err, "at most %d files can be loaded", BOOT_MAX_LOADS);
    load.path = settings_keep(options->settings, value, (size_t)(at - value));
    options->boot.load[options->boot.load_count++] = load;
    return true;
}

static bool set_incoming(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->incoming = value;
    return migration_from_check(value, err);
}

/* Decimals, as they are written in every language. */
static bool set_time_scale(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    uint64_t millionths = 0, unit = TIME_SCALE_ONE;
    const char *at = value;
    (void)def;
    while (*at >= '0' && *at <= '9' && millionths <= TIME_SCALE_MOST)
        millionths = millionths * 10 + (uint64_t)(*at++ - '0') * TIME_SCALE_ONE;
    if (at != value && *at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++)
            millionths += (uint64_t)(*at - '0') * (unit /= 10);
    if (at == value || *at || millionths < TIME_SCALE_LEAST || millionths > TIME_SCALE_MOST)
        return error_set(err, "give a number from 0.01 to 1000, as in --time-scale 10");
    options->machine.time_scale = millionths == TIME_SCALE_ONE ? 0 : (uint32_t)millionths;
    return true;
}

static bool set_hash_at(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    char *end;
    errno = 0;
    unsigned long long icount = strtoull(value, &end, 10);
    (void)def;
    if (*value < '0' || *value > '9' || *end || errno || icount >> 62)
        return error_set(err, "give a number of instructions, as in --hash-at 1000000");
    if (options->hash_at_count == OPTIONS_MAX_HASHES)
        return error_set(err, "at most %d times", OPTIONS_MAX_HASHES);
    options->hash_at[options->hash_at_count++] = icount;
    return true;
}

static bool set_entry(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->boot.has_entry = true;
    if (!parse_address(value, &options->boot.entry))
        return error_set(err, "give an address, as in --entry 0x60100000");
    return true;
}

static bool set_history(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    return (parse_size(value, &options->history) && options->history >= HISTORY_BUDGET_LEAST) ||
           error_set(err, "give how much memory it may take, as in --history 256M, at least 4M");
}

static bool set_memory(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    uint64_t size;
    (void)def;
    if (!parse_size(value, &size))
        return error_set(err, "give a size, as in --memory 256M or --memory 1G");
    if (size > 1u << 30)
        return error_set(err, "the board has room for at most 1G");
    if (size < 1 << 20 || size % (1 << 20))
        return error_set(err, "give a multiple of 1M");
    options->machine.memory = size;
    return true;
}

static bool set_jit(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    static const char *const modes[] = {"off", "on", "verify"};
    (void)def;
    for (unsigned n = 0; n < sizeof modes / sizeof *modes; n++) {
        if (strcmp(value, modes[n]))
            continue;
        options->machine.jit.mode = (JitMode)n;
        return true;
    }
    return error_set(err, "give off, on or verify");
}

static bool set_jit_thread(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    static const char *const choices[] = {"off", "on", "auto"};
    (void)def;
    for (unsigned n = 0; n < sizeof choices / sizeof *choices; n++) {
        if (strcmp(value, choices[n]))
            continue;
        options->machine.jit.thread = (JitThread)n;
        return true;
    }
    return error_set(err, "give off, on or auto");
}

/* A device that is there or not. */
static bool set_part(void *target, const OptionDef *def, const char *value, Error *err)
{
    MachineOptions *machine = &((Options *)target)->machine;
    bool *part = !strcmp(def->name, "rng") ? &machine->rng : &machine->balloon;
    return option_parse_switch(value, part, err);
}

static bool set_seed(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    char *end;
    (void)def;
    errno = 0;
    options->machine.seed = strtoull(value, &end, 0);
    bool number = *value >= '0' && *value <= '9' && !*end && !errno;
    return number || error_set(err, "give a number, as in --seed 42");
}

static bool set_gpu(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->machine.gpu = !strcmp(value, "virtio");
    return options->machine.gpu || !strcmp(value, "none") || error_set(err, "give virtio or none");
}

static bool set_jit_threshold(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    char *end;
    unsigned long n = strtoul(value, &end, 10);
    (void)def;
    if (*value < '0' || *value > '9' || *end || n > 1000000000)
        return error_set(err, "give a number, as in --jit-threshold 24");
    options->machine.jit.threshold = (unsigned)n;
    return true;
}

static bool set_cpus(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    if (value[0] < '1' || value[0] > '0' + MAX_CPUS || value[1])
        return error_set(err, "the board has 1 to %d CPUs", MAX_CPUS);
    options->machine.cpus = (unsigned)(value[0] - '0');
    return true;
}

static bool set_rtc(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    struct tm tm = {0};
    char *end;
    (void)def;
    options->rtc_host = !strcmp(value, "host");
    options->rtc_frozen = !strcmp(value, "frozen");
    if (options->rtc_frozen && options->machine.deterministic)
        value = FIXED_DATE;
    else if (options->rtc_host || options->rtc_frozen) {
        options->machine.rtc_base = (uint32_t)time(NULL);
        return true;
    }
    const char *rest = strptime(value, "%Y-%m-%d", &tm);
    if (rest && *rest)
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
    long long seconds = rest && !*rest ? (long long)timegm(&tm) : strtoll(value, &end, 10);
    bool number = *value >= '0' && *value <= '9' && ((rest && !*rest) || !*end);
    if (!number || seconds < 0 || seconds > UINT32_MAX)
        return error_set(err,
                         "give host, frozen, a date like 2025-01-31T12:00:00 (UTC), or seconds since 1970");
    options->machine.rtc_base = (uint32_t)seconds;
    return true;
}

static bool set_display_size(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    return boot_display_parse(value, &options->boot.display, err);
}

static bool set_disk(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    unsigned most[] = {[DISK_BUS_VIRTIO] = 8, [DISK_BUS_SD] = 1, [DISK_BUS_CF] = 1}, count = 0;
    DiskBus bus, other;
    (void)def;
    if (!disk_spec_check(value, &bus, err))
        return false;
    for (unsigned n = 0; n < options->disk_count; n++)
        count += disk_spec_check(options->disk[n], &other, NULL) && other == bus;
    if (count == most[bus])
        return error_set(err, "the board has room for %u with if=%s", most[bus], disk_bus_name(bus));
    options->disk[options->disk_count++] = value;
    options->machine.virtio_disks += bus == DISK_BUS_VIRTIO;
    return true;
}

static bool set_serial(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    if (options->serial_count == SERIAL_UARTS)
        return error_set(err, "the board has %d serial ports", SERIAL_UARTS);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (!strcmp(value, "stdio") && options->serial[n] && !strcmp(options->serial[n], "stdio"))
            return error_set(err, "only one serial port can have the terminal");
    if (!serial_backend_check(value, err))
        return false;
    options->serial[options->serial_count++] = value;
    return true;
}

/* Before the serial ports, whose default depends on it. */
static bool set_console(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->machine.console = true;
    options->serial[SERIAL_CONSOLE] = value;
    return serial_backend_check(value, err);
}

static bool set_gdb(void *target, const OptionDef *def, const char *value, Error *err)
{
    SerialSpec spec = {0};
    bool good = gdb_spec_parse(&spec, value, err);
    (void)def;
    serial_spec_free(&spec);
    ((Options *)target)->gdb = value;
    return good;
}

static bool set_audio(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->audio = value;
    return audio_check(value, err);
}

/* Hubs of the same name have the same number: that of the first port which names it. */
static void number_hub(Options *options)
{
    unsigned last = options->net_count - 1, number = 0;
    NetSpec spec, other;
    net_spec_parse(&spec, options->net[last], NULL);
    for (unsigned n = 0; n <= last && !number; n++) {
        net_spec_parse(&other, options->net[n], NULL);
        if (other.kind == NET_HUB && !strcmp(other.path, spec.path))
            number = n + 1;
        net_spec_free(&other);
    }
    net_spec_free(&spec);
    options->machine.hub[options->net_port[last]] = (uint8_t)number;
}

static bool set_net(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    NetSpec spec;
    (void)def;
    bool ok = net_spec_parse(&spec, value, err), virtio = spec.model == NET_VIRTIO;
    NetKind kind = spec.kind;
    net_spec_free(&spec);
    if (!ok)
        return false;
    if (kind == NET_NONE)
        return true;
    if (virtio && options->machine.virtio_nets == NET_PORTS - NET_PORT_VIRTIO)
        return error_set(err, "the board has room for two virtio network devices; a third is model=lan9118");
    if (!virtio && options->lan9118)
        return error_set(err, "the board has one LAN9118");
    options->net_port[options->net_count] =
        virtio ? NET_PORT_VIRTIO + options->machine.virtio_nets : NET_PORT_LAN9118;
    options->machine.virtio_nets += virtio;
    options->lan9118 |= !virtio;
    options->net[options->net_count++] = value;
    if (kind == NET_HUB)
        number_hub(options);
    return true;
}

static bool set_forward(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    NetForward forward;
    (void)def;
    if (options->forward_count == NET_FORWARDS)
        return error_set(err, "at most %d ports can be forwarded", NET_FORWARDS);
    if (!net_forward_parse(&forward, value, err))
        return false;
    if (!forward.guest_port)
        return error_set(err, "say which port of the guest, as in tcp:2222:22");
    options->forward[options->forward_count++] = value;
    return true;
}

static bool set_share(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    unsigned *count = &options->machine.shares;
    (void)def;
    if (*count == SHARES)
        return error_set(err, "at most %d folders can be shared", SHARES);
    options->share[(*count)++] = value;
    return share_specs_check(options->share, *count, err);
}

static bool set_display(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    static const char *const wishes[] = {"auto", "window", "none"};
    (void)def;
    for (unsigned n = 0; n < sizeof wishes / sizeof *wishes; n++) {
        if (strcmp(value, wishes[n]))
            continue;
        options->window = (WindowWish)n;
        return true;
    }
    return error_set(err, "give window, none or auto");
}

static bool set_escape_key(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    return escape_key_parse(value, &options->escape_key, err);
}

static bool set_script_arg(void *target, const OptionDef *def, const char *value, Error *err)
{
    enum { MOST = 1024 };
    Options *options = target;
    (void)def;
    if (options->script_arg_count == MOST)
        return error_set(err, "a script takes at most %d arguments", MOST);
    if (!(options->script_arg_count & (options->script_arg_count + 1))) {
        size_t size = sizeof(char *), count = (size_t)options->script_arg_count;
        char *more = settings_keep(options->settings, NULL, (2 * count + 2) * size);
        if (count)
            memcpy(more, options->script_args, count * size);
        options->script_args = (char **)more;
    }
    options->script_args[options->script_arg_count++] =
        settings_keep(options->settings, value, strlen(value));
    options->script_args[options->script_arg_count] = NULL;
    return true;
}

static bool set_until(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    if (!*value)
        return error_set(err, "give a text to wait for");
    if (options->until_count == OPTIONS_MAX_UNTIL)
        return error_set(err, "at most %d texts can be waited for", OPTIONS_MAX_UNTIL);
    options->until[options->until_count++] = value;
    return true;
}

static bool parse_number(const char *value, unsigned long most, unsigned long *number)
{
    size_t digits = strspn(value, "0123456789");
    *number = strtoul(value, NULL, 10);
    return digits && digits < 10 && !value[digits] && *number <= most;
}

static bool set_status_fd(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    unsigned long number;
    (void)def;
    if (!parse_number(value, 1 << 20, &number))
        return error_set(err, "give the number of an open file descriptor");
    options->status_fd = (int)number;
    return true;
}

static bool set_reboot(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    bool reboot;
    (void)def;
    if (!option_parse_switch(value, &reboot, err))
        return false;
    options->no_reboot = !reboot;
    return true;
}

static bool set_screenshot_at(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    if (options->screenshot_at_count == OPTIONS_MAX_SCREENSHOTS)
        return error_set(err, "at most %d times can be given", OPTIONS_MAX_SCREENSHOTS);
    OptionDef entry = *def;
    entry.field = (size_t)((char *)&options->screenshot_at[options->screenshot_at_count] - (char *)options);
    if (!option_set_seconds(options, &entry, value, err))
        return false;
    options->screenshot_at_count++;
    return true;
}

static bool set_screen_font(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    if (options->screen_font_count == OPTIONS_MAX_FONTS)
        return error_set(err, "at most %d fonts can be given", OPTIONS_MAX_FONTS);
    options->screen_font[options->screen_font_count++] = value;
    return true;
}

static bool set_record_rate(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    unsigned long number;
    (void)def;
    if (!parse_number(value, 100, &number) || !number)
        return error_set(err, "give 1 to 100 frames a second");
    options->record_rate = (unsigned)number;
    return true;
}

static bool set_keyboard_layout(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    options->keyboard_layout = keyboard_layout_find(value);
    return options->keyboard_layout || error_set(err, "give one of %s", keyboard_layout_names);
}

static bool set_watchdog(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    unsigned long seconds;
    (void)def;
    if (!parse_number(value, 1000000, &seconds))
        return error_set(err, "give whole seconds, 0 to switch it off");
    options->watchdog = (unsigned)seconds;
    return true;
}

static bool set_help(void *target, const OptionDef *def, const char *value, Error *err)
{
    Options *options = target;
    (void)def;
    (void)err;
    options->help = true;
    options->help_topic = *value ? value : NULL;
    return true;
}

/* Which files are read is decided before values are stored. */
static bool set_nothing(void *target, const OptionDef *def, const char *value, Error *err)
{
    (void)target;
    (void)def;
    (void)value;
    (void)err;
    return true;
}

/* ---- The table ------------------------------------------------------------------------------- */

#define TEXT(name) option_set_text, offsetof(Options, name)
#define SWITCH(name) option_set_switch, offsetof(Options, name)
#define BY(function) function, 0

/* clang-format off */
static const OptionDef defs[] = {
    /* name, argument, built-in default
     * group, flags, how it is stored, what a shell offers
     * help
     * detail */
    {"kernel", "FILE", NULL,
     GROUP_RUN, OPTION_PATH | OPTION_ONCE | OPTION_GUEST, TEXT(boot.kernel), "files",
     "what to run: zImage, Image, uImage, ELF or raw program (the plain argument is the same)",
     "The format is recognised by the contents, not by the name. Without a kernel and without --load, the boot ROM "
     "starts a small monitor on the first serial port."},
    {"initrd", "FILE", NULL,
     GROUP_RUN, OPTION_PATH | OPTION_GUEST, TEXT(boot.initrd), "files",
     "initial file system for the kernel", NULL},
    {"dtb", "FILE", NULL,
     GROUP_RUN, OPTION_PATH | OPTION_GUEST, TEXT(boot.dtb), "files",
     "device tree to use instead of the built-in one",
     "Memory size, CPUs, command line and initrd are filled in, as in the built-in one."},
    {"append", "TEXT", NULL,
     GROUP_RUN, OPTION_GUEST, TEXT(boot.append), NULL,
     "the kernel's command line (default: the device tree's, or console=ttyAMA0)", NULL},
    {"load", "FILE[@ADDRESS]", NULL,
     GROUP_RUN, OPTION_LIST | OPTION_PATH | OPTION_GUEST, BY(set_load), "files",
     "go on from a snapshot; with an address: put a file into memory, byte by byte",
     "A snapshot (see `save` in docs/snapshots.md) says what the machine is: memory, CPUs, devices. What is given besides, "
     "such as a kernel, is for when the guest reboots.\n"
     "Up to 16 files can be put into memory. "
     "RAM, video RAM, PSRAM and flash can be filled. Without a kernel the first of the files is entered at its start."},
    {"incoming", "PLACE", NULL,
     GROUP_RUN, OPTION_PATH_COLON, BY(set_incoming), "unix: tcp-listen:",
     "wait for a machine that comes from another process (`migrate`), and go on with it",
     "The place is unix:PATH or tcp-listen:[HOST:]PORT. What comes says what the machine is: memory, CPUs, devices; the "
     "files of disks, shares and flash are given here. docs/migration.md has more."},
    {"force", NULL, NULL,
     GROUP_RUN, OPTION_GUEST, SWITCH(force), NULL,
     "with --load SNAPSHOT or --incoming: go on though disks are others than it was made with, or were changed since",
     "What the guest has of their contents in memory does not fit to them then; file systems can be damaged."},
    {"entry", "ADDRESS", NULL,
     GROUP_RUN, OPTION_GUEST, BY(set_entry), NULL,
     "start there instead (bit 0 set: in Thumb state)", NULL},

    {"memory", "SIZE", "1G",
     GROUP_MACHINE, OPTION_GUEST, BY(set_memory), "64M 128M 256M 512M 1G",
     "RAM, up to 1G",
     "A number is in MiB; K, M and G may follow it. A multiple of 1 MiB."},
    {"cpus", "N", "1",
     GROUP_MACHINE, OPTION_GUEST, BY(set_cpus), "1 2 3 4",
     "CPUs, 1 to 4", NULL},
    {"flash0", "FILE", NULL,
     GROUP_MACHINE, OPTION_PATH | OPTION_WRITES, TEXT(machine.flash[0]), "files",
     "contents of the first NOR flash bank; changes are kept in the file",
     "If the file holds something and there is nothing else to run, the CPU starts in the flash."},
    {"flash1", "FILE", NULL,
     GROUP_MACHINE, OPTION_PATH | OPTION_WRITES, TEXT(machine.flash[1]), "files",
     "contents of the second NOR flash bank", NULL},
    {"disk", "FILE", NULL,
     GROUP_MACHINE, OPTION_LIST | OPTION_DISK | OPTION_GUEST, BY(set_disk), "files",
     "a disk: an image file, a block device, or nbd:PATH; again for more, up to 8 virtio disks, an SD card and a "
     "CompactFlash card",
     "Options may follow after commas: overlay=temp (the image stays as it is, changes are forgotten), overlay=PATH "
     "(they are kept there), ro, if=virtio, if=sd, if=cf, serial=TEXT, name=TEXT, format=raw. A comma in a file name "
     "is written twice. docs/disks.md tells more."},
    {"rtc", "TIME", NULL,
     GROUP_MACHINE, 0, BY(set_rtc), "host",
     "date at power-on or after a load: host, frozen, 2025-01-31T12:00:00 (UTC) or seconds since 1970",
     "The default at power-on is host; in deterministic runs, which must not depend on today's date, it is 2025-01-01. "
     "After a load the clock goes on from the time of the snapshot (frozen), unless --rtc says otherwise: host sets it "
     "to the host's date at each load, a date is for --load."},
    {"deterministic", NULL, NULL,
     GROUP_MACHINE, 0, SWITCH(machine.deterministic), NULL,
     "let virtual time follow the instructions: every run is the same", NULL},
    {"time-scale", "X", "1",
     GROUP_MACHINE, 0, BY(set_time_scale), NULL,
     "let the guest's clock run X times slower than the host's, 0.01 to 1000: its disk, network and processor seem X times faster",
     "With 10, a second of the guest takes ten of the host. Timeouts and pauses that are given in guest time take so much "
     "longer, too. Numbers below 1 make the clock run faster, so that what the guest waits for comes sooner."},
    {"record", "FILE", NULL,
     GROUP_INSIDE, OPTION_PATH | OPTION_WRITES, TEXT(record), "files",
     "write down all that enters the machine from outside, so that the run can be repeated",
     "Virtual time follows the instructions then, as with --deterministic, but the guest's idle time is not skipped. "
     "Disks must have overlay=temp, or be read-only. docs/replay.md tells more."},
    {"replay", "FILE", NULL,
     GROUP_INSIDE, OPTION_TYPED | OPTION_PATH, TEXT(replay), "files",
     "repeat a recorded run, at full speed, and compare what the machine does",
     "The recording says what the machine is. What is typed is ignored until it ends. Exit code 71: the run went another "
     "way than the recorded one."},
    {"history", "SIZE", NULL,
     GROUP_INSIDE, 0, BY(set_history), "256M 1G",
     "keep the machine's past in so much memory, to go back there",
     "goto, step_back and run_back go to any instruction of the past, Ctrl-Alt-B in the window rewinds. Virtual time follows "
     "the instructions then, as with --deterministic, but the guest's idle time is not skipped. docs/going-back.md tells "
     "more."},
    {"jit", "MODE", "on",
     GROUP_MACHINE, 0, BY(set_jit), "off on verify",
     "how guest code runs: off (interpreted), on (hot code is compiled), verify (both, compared)", NULL},
    {"gdb", "PLACE", NULL,
     GROUP_INSIDE, OPTION_PATH_COLON | OPTION_WRITES, BY(set_gdb), "1234 unix:",
     "let gdb connect to PORT, HOST:PORT or unix:PATH; with ,wait the machine waits for it",
     "In gdb: target remote :1234, or target remote PATH. See docs/gdb.md."},
    {"perf-map", NULL, NULL,
     GROUP_INSIDE, 0, SWITCH(machine.jit.perf_map), NULL,
     "name compiled code for Linux's perf, in /tmp/perf-PID.map", NULL},
    {"jit-threshold", "N", "8",
     GROUP_MACHINE, 0, BY(set_jit_threshold), NULL,
     "compile a block when it was interpreted N times", NULL},
    {"jit-thread", "WHEN", "auto",
     GROUP_MACHINE, 0, BY(set_jit_thread), "off on auto",
     "whether another thread compiles: off, on, auto (if there are several processors)",
     "It only takes processor time that nobody else wants. Deterministic runs are the same with and without it. "
     "--jit=verify compiles on the CPU's thread unless told otherwise."},
    {"audio", "WHERE", "none",
     GROUP_MACHINE, OPTION_PATH_COLON | OPTION_WRITES, BY(set_audio), "none sdl wav:",
     "where the sound goes: none, sdl (the loudspeakers) or wav:FILE",
     "The file holds what the guest plays, without the pauses between, and is whole however the run ends."},
    {"net", "NETWORK", NULL,
     GROUP_NETWORK, OPTION_LIST | OPTION_WRITES | OPTION_GUEST, BY(set_net), "user none switch: tap: hub",
     "what the guest's network is: user, switch:PATH, tap:NAME, hub or none; again for each further network (default: user, "
     "with --deterministic none)",
     "user reaches what the host reaches, and needs no rights; switch:PATH joins the machines that name one socket; "
     "tap:NAME is a network device of the host; hub, given twice or more, joins the networks of this machine (hub:NAME "
     "if there are several).\n"
     "Options follow after commas: model=virtio or model=lan9118 (the board's own controller), mac=ADDRESS, mtu=BYTES, "
     "pcap=FILE (a capture of every frame); for user also restrict (the guest reaches nothing), tftp=FOLDER and "
     "bootfile=NAME. docs/network.md has more."},
    {"forward", "PORTS", NULL,
     GROUP_NETWORK, OPTION_LIST, BY(set_forward), NULL,
     "let a port of the host lead to one of the guest: tcp:2222:22; again for each further port",
     "In full: tcp:HOSTADDRESS:HOSTPORT:GUESTADDRESS:GUESTPORT, or udp:... The host listens for itself only (127.0.0.1) "
     "unless an address is given: 0.0.0.0 is for everybody. Host port 0 is any that is free."},

    {"share", "DIR", NULL,
     GROUP_MACHINE, OPTION_LIST | OPTION_PATH | OPTION_WRITES | OPTION_GUEST, BY(set_share), "folders",
     "share a folder of the host with the guest; again for more, up to 4",
     "In the guest: mount -t 9p -o trans=virtio share /mnt. The tag is share, then share1 and so on. Options may follow "
     "after commas: DIR,ro; DIR,name=TAG; DIR,owner=UID:GID, the guest's user who owns what is yours on the host."},
    {"display-size", "WxH", "1024x768",
     GROUP_MACHINE, OPTION_GUEST, BY(set_display_size), "none 640x480 800x600 1024x768 1024x768x32",
     "picture that the boot ROM sets up: WxH, WxHxBITS (16 or 32 for each pixel), or none",
     "From 320x200 to 1024x1024, the width a multiple of 16. Kernels find it in the device tree; "
     "--append \"console=ttyAMA0 console=tty0\" makes Linux show its console there, too."},
    {"semihosting", NULL, NULL,
     GROUP_MACHINE, OPTION_GUEST, SWITCH(semihosting), NULL,
     "let the guest print, end the run and use files by Arm's semihosting calls",
     "Its exit calls end the run with an exit code of the guest's choice. docs/semihosting.md lists the calls."},
    {"semihosting-dir", "DIR", NULL,
     GROUP_MACHINE, OPTION_PATH | OPTION_GUEST, TEXT(semihosting_dir), "folders",
     "the folder whose files semihosting may use (default: no files)", NULL},
    {"rng", "on|off", "on",
     GROUP_MACHINE, OPTION_GUEST, BY(set_part), "on off",
     "random numbers for the guest: a virtio device, and a seed in the device tree",
     "The numbers are the host's; in deterministic runs they follow from --seed."},
    {"seed", "N", "0",
     GROUP_MACHINE, OPTION_GUEST, BY(set_seed), NULL,
     "what the random numbers of deterministic runs begin with",
     "The same seed gives the same run."},
    {"balloon", "on|off", "off",
     GROUP_MACHINE, OPTION_GUEST, BY(set_part), "on off",
     "let the guest give memory that it does not need back to the host (virtio)",
     "Linux reports free memory by itself; the operation balloon takes more from it."},
    {"gpu", "MODEL", "none",
     GROUP_MACHINE, OPTION_GUEST, BY(set_gpu), "virtio none",
     "a graphics device besides the board's own display: virtio or none",
     "Linux drives it with its module virtio-gpu, and what it shows takes the place of the board's picture."},
    {"test-device", NULL, NULL,
     GROUP_MACHINE, OPTION_GUEST, SWITCH(test_device), NULL,
     "add a device by which a test program prints and ends the run",
     "docs/test-device.md describes its registers."},

    {"console", "WHERE", NULL,
     GROUP_SERIAL, OPTION_PATH_COLON | OPTION_WRITES, BY(set_console), "stdio none pty file: unix: tcp: tcp-listen:",
     "add a virtio console (Linux's hvc0), and what it is connected to: as --serial has it",
     "With stdio, the serial ports are on none unless --serial says otherwise."},
    {"serial", "WHERE", NULL,
     GROUP_SERIAL, OPTION_LIST | OPTION_PATH_COLON | OPTION_WRITES, BY(set_serial), "stdio none pty file: unix: tcp: tcp-listen:",
     "what the port is connected to: stdio, none, pty, file:PATH, unix:PATH, tcp:HOST:PORT or tcp-listen:PORT; "
     "again for each further port (default: stdio, then none)",
     "Options may follow after commas: file:PATH,append; unix:PATH,wait,keep; tcp-listen:PORT,wait,keep; "
     "tcp:HOST:PORT,reconnect=SECONDS."},
    {"escape-key", "KEY", "ctrl-a",
     GROUP_SERIAL, 0, BY(set_escape_key), "ctrl-a ctrl-] none",
     "the key that opens the terminal's menu, or none", NULL},

    {"script", "FILE", NULL,
     GROUP_SCRIPT, OPTION_PATH, TEXT(script), "files",
     "Lua script that drives the machine; what follows -- are its arguments", NULL},
    {"script-arg", "TEXT", NULL,
     GROUP_SCRIPT, OPTION_LIST, BY(set_script_arg), NULL,
     "one argument for the script; again for more", NULL},
    {"until", "TEXT", NULL,
     GROUP_SCRIPT, OPTION_LIST, BY(set_until), NULL,
     "end well when the first port shows TEXT; up to 8 texts, one after the other", NULL},
    {"send", "TEXT", NULL,
     GROUP_SCRIPT, 0, TEXT(send), NULL,
     "send TEXT, with escapes such as \\n, after the first --until matched, else at the start", NULL},
    {"monitor", NULL, NULL,
     GROUP_SCRIPT, 0, SWITCH(monitor), NULL,
     "give the terminal to the emulator's monitor, not to the first serial port", NULL},
    {"control", "PATH", NULL,
     GROUP_SCRIPT, OPTION_PATH | OPTION_WRITES, TEXT(control), "files",
     "listen on a socket for `armature ctl` and other programs", NULL},
    {"status-fd", "N", NULL,
     GROUP_SCRIPT, OPTION_TYPED, BY(set_status_fd), NULL,
     "write what the run is at, one line each, to this open file descriptor",
     "armature farm shows that for each of its jobs."},

    {"display", "KIND", "auto",
     GROUP_SCREEN, 0, BY(set_display), "window none auto",
     "window: the guest's screen, keyboard and mouse in a window; none: without",
     "auto opens a window if there is a display, somebody sits at a terminal, and neither --script, --until, --send nor "
     "--timeout says that the run drives itself."},
    {"full-screen", NULL, NULL,
     GROUP_SCREEN, 0, SWITCH(full_screen), NULL,
     "begin with a window that fills the screen", NULL},
    {"screenshot", "FILE.png", NULL,
     GROUP_SCREEN, OPTION_PATH | OPTION_WRITES, TEXT(screenshot), "files",
     "save the picture on the screen at the end of the run",
     "Signal SIGUSR1 and the terminal's menu save one at any time, with a number in the name (armature-1.png)."},
    {"screenshot-at", "SECONDS", NULL,
     GROUP_SCREEN, OPTION_LIST, BY(set_screenshot_at), NULL,
     "save the picture at that guest time, in armature-SECONDSs.png; again for more",
     "With --screenshot FILE.png the name is FILE-SECONDSs.png."},
    {"record-screen", "PATH", NULL,
     GROUP_SCREEN, OPTION_PATH | OPTION_WRITES, TEXT(record_screen), "files",
     "record the screen: a video (NAME.y4m), or a folder with a picture for each change", NULL},
    {"record-rate", "N", "10",
     GROUP_SCREEN, 0, BY(set_record_rate), NULL,
     "how many frames a second of guest time are recorded, or looked at", NULL},
    {"screen-font", "FILE", NULL,
     GROUP_SCREEN, OPTION_LIST | OPTION_PATH, BY(set_screen_font), "files",
     "a console font (PSF) by which text on the screen is read; again for more",
     "The font that the guest's kernel has built in is known anyway."},
    {"keyboard-layout", "NAME", "us",
     GROUP_SCREEN, 0, BY(set_keyboard_layout), keyboard_layout_names,
     "the layout that the guest has set up for its keyboard: us, uk, de, fr, es or it",
     "Text that scripts type is turned into the keys that this layout has it on."},
    {"key-pause", "SECONDS", "0.015",
     GROUP_SCREEN, 0, option_set_seconds, offsetof(Options, key_pause_ns), NULL,
     "guest time between two movements of keys or buttons that scripts make", NULL},

    {"timeout", "SECONDS", NULL,
     GROUP_END, 0, option_set_seconds, offsetof(Options, timeout_ns), NULL,
     "end with exit code 68 after so much of the guest's time", NULL},
    {"reboot", NULL, "yes",
     GROUP_END, OPTION_ON | OPTION_GUEST, BY(set_reboot), NULL,
     "end with exit code 69 when the guest reboots",
     "Otherwise a reboot resets the machine and loads all images again."},
    {"watchdog", "SECONDS", NULL,
     GROUP_END, 0, BY(set_watchdog), NULL,
     "explain a guest that says nothing for so many seconds of the host's time; 0: never",
     "Runs with --script or --until have a limit of 120 seconds, others none. A run that nobody attends ends then, "
     "with exit code 67."},
    {"ignore-panic", NULL, NULL,
     GROUP_END, 0, SWITCH(ignore_panic), NULL,
     "go on when the guest's kernel panics",
     "Otherwise a panic ends a run that nobody attends, with exit code 66."},

    {"log", "KINDS", NULL,
     GROUP_INSIDE, 0, TEXT(log_kinds), "log",
     "what to log, separated by commas",
     "exec and in_asm can be limited to addresses: exec@0xc0000000-0xc00fffff. The prefixes time and icount put the "
     "guest's time and the number of instructions in front of each line."},
    {"log-filter", "NAMES", NULL,
     GROUP_INSIDE, 0, TEXT(log_filter), NULL,
     "log only what comes from these, separated by commas: uart0, cpu*, -gic, ...",
     "A name after a minus sign leaves out. The last pattern that fits decides."},
    {"hash-at", "N", NULL,
     GROUP_INSIDE, OPTION_LIST, BY(set_hash_at), NULL,
     "print hashes of the machine's whole state after exactly N instructions of all CPUs",
     "One line for each part of the machine, on standard error. With --deterministic they are the same in every run, with "
     "every --jit, on every host."},
    {"log-file", "FILE", NULL,
     GROUP_INSIDE, OPTION_PATH | OPTION_WRITES, TEXT(log_file), "files",
     "where to log (default: stderr)", NULL},
    {"list-unmodelled", NULL, NULL,
     GROUP_INSIDE, 0, SWITCH(list_unmodelled), NULL,
     "list at the end what the guest used and is not modelled", NULL},
    {"stats", NULL, NULL,
     GROUP_INSIDE, 0, SWITCH(stats), NULL,
     "print counters at the end", NULL},
    {"symbols", "FILE", NULL,
     GROUP_INSIDE, OPTION_PATH, TEXT(symbols), "files",
     "names for addresses in explanations: the kernel's vmlinux, another ELF file, or System.map",
     "Stripped files are refused."},

    {"config", "FILE", NULL,
     GROUP_CONFIG, OPTION_LIST | OPTION_TYPED | OPTION_PATH, BY(set_nothing), "files",
     "read options from a file; a later file overrides an earlier one",
     "Lines are \"name = value\", with the names of the options. --no-config does not read the user's file "
     "($XDG_CONFIG_HOME/armature/config, else ~/.config/armature/config)."},
    {"print-config", NULL, NULL,
     GROUP_CONFIG, OPTION_TYPED, SWITCH(print_config), NULL,
     "print the configuration that results, and where each value comes from", NULL},
    {"help", "[TOPIC]", NULL,
     GROUP_CONFIG, OPTION_TYPED | OPTION_MAY_LACK, BY(set_help), "topics",
     "show this text, or more about an option or a group of options", NULL},
    {"version", NULL, NULL,
     GROUP_CONFIG, OPTION_TYPED, SWITCH(version), NULL,
     "show the version", NULL},
};

/* What people type who come from elsewhere, without dashes. */
static const OptionHabit habits[] = {
    {"m", "memory"},    {"smp", "cpus"},     {"bios", "flash0"},   {"pflash", "flash0"}, {"d", "log"},
    {"D", "log-file"},  {"h", "help"},       {"V", "version"},     {"icount", "deterministic"},
    {"device", "load"}, {"mem", "memory"},   {"cmdline", "append"}, {"ram", "memory"},   {"fdt", "dtb"},
    {"mon", "monitor"}, {"qmp", "control"},  {"nographic", "serial"}, {"dfilter", "log-filter"},
    {"readconfig", "config"}, {"c", "config"}, {"trace", "log"},   {"usage", "help"},
    {"semihosting-config", "semihosting"}, {"drive", "disk"}, {"hda", "disk"}, {"hdb", "disk"}, {"sd", "disk"},
    {"cdrom", "disk"}, {"blockdev", "disk"}, {"image", "disk"},
    {"s", "gdb"}, {"S", "gdb"}, {"gdbstub", "gdb"}, {"gdbserver", "gdb"},
    {"netdev", "net"}, {"nic", "net"}, {"network", "net"}, {"hostfwd", "forward"},
};

static const struct { const char *name, *title; } groups[] = {
    [GROUP_RUN] = {"run", "What to run"},
    [GROUP_MACHINE] = {"machine", "Machine"},
    [GROUP_NETWORK] = {"network", "Network"},
    [GROUP_SERIAL] = {"serial-terminal", "Serial ports and terminal"},
    [GROUP_SCRIPT] = {"scripts", "Scripts and control"},
    [GROUP_SCREEN] = {"screen-keyboard", "Screen and keyboard"},
    [GROUP_END] = {"ends", "Ends of a run"},
    [GROUP_INSIDE] = {"inside", "Looking inside"},
    [GROUP_CONFIG] = {"configuration", "Configuration and help"},
    [GROUP_FARM] = {"farm", "Farm"},
    [GROUP_DISK] = {"disk", "Options"},
    [GROUP_SNAPSHOT] = {"snapshot", "Options"},
};
/* clang-format on */

const OptionTable option_table = {defs, sizeof defs / sizeof *defs, habits, sizeof habits / sizeof *habits};

const char *option_group_name(OptionGroup group)
{
    return groups[group].name;
}

const char *option_group_title(OptionGroup group)
{
    return groups[group].title;
}
