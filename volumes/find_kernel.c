/* See find_kernel.h. Looks where Debian puts kernels, and where extlinux.conf says. */
#include "volumes/find_kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "volumes/extlinux.h"
#include "volumes/fstab.h"
#include "volumes/version.h"

enum { TEXT_MOST = 64 << 10 };

/* ---- The disk ---------------------------------------------------------------------------------------- */

void disk_contents_open(DiskContents *contents, const Source *disk)
{
    Partition *list = calloc(PARTITIONS_MOST, sizeof *list);
    unsigned count = 0;
    *contents = (DiskContents){.disk = *disk};
    contents->table = list ? partitions_read(disk, list, &count, &contents->end) : TABLE_NONE;
    for (unsigned n = 0; n < count; n++)
        volume_open(&contents->volume[n], &contents->disk, &list[n]);
    if (contents->table == TABLE_NONE) {
        volume_open(&contents->volume[0], &contents->disk, NULL);
        count = 1;
    }
    contents->count = count;
    free(list);
}

void disk_contents_close(DiskContents *contents)
{
    for (unsigned n = 0; n < contents->count; n++)
        volume_close(&contents->volume[n]);
}

static void add_text(FoundKernel *found, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_text(FoundKernel *found, const char *format, ...)
{
    size_t length = strlen(found->text);
    va_list args;
    va_start(args, format);
    vsnprintf(found->text + length, sizeof found->text - length, format, args);
    va_end(args);
}

static void add_volume(FoundKernel *found, const Volume *volume)
{
    if (volume->partition)
        add_text(found, "partition %u ", volume->partition);
    else
        add_text(found, "the disk ");
    add_text(found, "(%s%s)", volume->type ? volume->type : "of no known kind",
             volume->damaged ? ", damaged" : "");
}

/* "partition 1 (ext2/3/4), partition 2 (swap space)" */
static void add_volumes(FoundKernel *found, const DiskContents *contents)
{
    enum { NAMED = 8 };
    for (unsigned n = 0; n < contents->count && n < NAMED; n++) {
        add_text(found, "%s", n ? ", " : "");
        add_volume(found, &contents->volume[n]);
    }
    if (contents->count > NAMED)
        add_text(found, " and %u more", contents->count - NAMED);
}

/* ---- Root and /boot ---------------------------------------------------------------------------------- */

typedef struct System {
    Tree tree;
    const Volume *root; /* also if it cannot be read; NULL: unknown */
    char *fstab;
} System;

static bool has(Volume *volume, const char *path)
{
    TreeFile file;
    Tree alone = {.root = volume};
    return tree_find(&alone, path, &file);
}

/* 2: its own /etc/fstab says that it is the root; 1: it looks like one; 0: it does not. */
static unsigned root_rank(Volume *volume, char *fstab)
{
    char spec[FSTAB_SPEC];
    Tree alone = {.root = volume};
    if (!volume->ops || !volume->is_root_type)
        return 0;
    if (tree_read_text(&alone, "/etc/fstab", fstab, TEXT_MOST) && fstab_find(fstab, "/", spec) &&
        fstab_matches(spec, volume))
        return 2;
    return has(volume, "/etc") && (has(volume, "/sbin/init") || has(volume, "/usr") || has(volume, "/bin"));
}

static void find_root(DiskContents *contents, System *system)
{
    unsigned best = 0, unreadable = 0;
    const Volume *candidate = NULL;
    for (unsigned n = 0; n < contents->count; n++) {
        Volume *volume = &contents->volume[n];
        unsigned rank = root_rank(volume, system->fstab);
        if (rank > best) {
            best = rank;
            system->tree.root = volume;
        }
        if (volume->is_root_type && !volume->ops) {
            unreadable++;
            candidate = volume;
        }
    }
    system->root = system->tree.root ? system->tree.root : unreadable == 1 ? candidate : NULL;
}

static bool note_kernel_name(void *opaque, const char *name)
{
    bool *any = opaque;
    *any |= !strncmp(name, "vmlinuz", 7) || !strcmp(name, "extlinux") || !strcmp(name, "zImage");
    return !*any;
}

static bool has_kernels(Volume *volume)
{
    bool any = false;
    Tree alone = {.root = volume};
    if (volume->ops)
        tree_list(&alone, "/", note_kernel_name, &any);
    return any;
}

/* What /etc/fstab mounts at /boot; without it, what looks like it. */
static void find_boot(DiskContents *contents, System *system)
{
    char spec[FSTAB_SPEC];
    bool named = system->tree.root &&
                 tree_read_text(&(Tree){.root = system->tree.root}, "/etc/fstab", system->fstab, TEXT_MOST) &&
                 fstab_find(system->fstab, "/boot", spec);
    for (unsigned n = 0; n < contents->count && !system->tree.boot; n++) {
        Volume *volume = &contents->volume[n];
        if (volume == system->tree.root || !volume->ops)
            continue;
        if (named ? fstab_matches(spec, volume) : !system->tree.root && has_kernels(volume))
            system->tree.boot = volume;
    }
}

/* ---- Kernels ----------------------------------------------------------------------------------------- */

/* Kernels that cannot run here, and what package managers leave behind. */
static bool is_bad_version(const char *version)
{
    static const char *const suffixes[] = {"-lpae",     ".old",      ".bak",     "~",
                                           ".dpkg-new", ".dpkg-tmp", ".dpkg-bak"};
    size_t length = strlen(version);
    for (unsigned n = 0; n < sizeof suffixes / sizeof *suffixes; n++) {
        size_t suffix = strlen(suffixes[n]);
        if (length >= suffix && !strcmp(version + length - suffix, suffixes[n]))
            return true;
    }
    return false;
}

typedef struct Newest {
    char version[256]; /* "": none yet */
} Newest;

static bool keep_newest(void *opaque, const char *name)
{
    Newest *newest = opaque;
    const char *version = name + 8;
    if (!strncmp(name, "vmlinuz-", 8) && *version && strlen(version) < sizeof newest->version &&
        !is_bad_version(version) && (!newest->version[0] || version_compare(version, newest->version) > 0))
        strcpy(newest->version, version);
    return true;
}

/* The initrd of a kernel "FOLDER/vmlinuz-VERSION", by the names that distributions give it. */
static void find_initrd(const Tree *tree, FoundKernel *found, const char *link)
{
    static const char *const forms[] = {"%.*s/initrd.img-%s", "%.*s/initramfs-%s.img", "%.*s/initrd-%s",
                                        "%.*s/initramfs-%s"};
    const char *path = found->kernel.path, *slash = strrchr(path, '/');
    for (unsigned n = 0; n < sizeof forms / sizeof *forms && !strncmp(slash, "/vmlinuz-", 9); n++) {
        char name[2 * TREE_PATH];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(name, sizeof name, forms[n], (int)(slash - path), path, slash + 9);
#pragma GCC diagnostic pop
        if (tree_find_file(tree, name, &found->initrd)) {
            found->has_initrd = true;
            return;
        }
    }
    found->has_initrd = tree_find_file(tree, link, &found->initrd);
}

/* In the order of preference: the links that Debian keeps to the kernel it was told to boot, the newest
 * version, and a kernel without one. */
static bool find_installed(const Tree *tree, FoundKernel *found)
{
    static const struct {
        const char *kernel, *initrd;
    } links[] = {
        {"/vmlinuz",      "/initrd.img"     },
        {"/boot/vmlinuz", "/boot/initrd.img"}
    };
    for (unsigned n = 0; n < 2; n++)
        if (tree_find_file(tree, links[n].kernel, &found->kernel)) {
            find_initrd(tree, found, links[n].initrd);
            return true;
        }
    Newest newest = {""};
    char path[TREE_PATH];
    tree_list(tree, "/boot", keep_newest, &newest);
    snprintf(path, sizeof path, "/boot/vmlinuz-%s", newest.version);
    if (newest.version[0] && tree_find_file(tree, path, &found->kernel)) {
        find_initrd(tree, found, "/boot/initrd.img");
        return true;
    }
    if (!tree_find_file(tree, "/boot/zImage", &found->kernel))
        return false;
    find_initrd(tree, found, "/boot/initrd.img");
    return true;
}

/* Paths in extlinux.conf begin at the root of the file system that it is in. */
static bool find_by_extlinux(const Tree *tree, const char *conf, FoundKernel *found)
{
    TreeFile file;
    ExtlinuxEntry entry;
    char *text = malloc(TEXT_MOST);
    bool ok = text && tree_find(tree, conf, &file) && tree_read_text(tree, conf, text, TEXT_MOST) &&
              extlinux_parse(text, &entry);
    free(text);
    if (!ok)
        return false;
    Tree own = {.root = file.volume, .boot = file.volume == tree->root ? tree->boot : NULL};
    if (!tree_find_file(&own, entry.kernel, &found->kernel)) {
        add_text(found, "%s names the kernel %s, which is not there; ", conf, entry.kernel);
        return false;
    }
    found->has_initrd = entry.initrd[0] && tree_find_file(&own, entry.initrd, &found->initrd);
    if (entry.initrd[0] && !found->has_initrd)
        add_text(found, "%s names the initrd %s, which is not there", conf, entry.initrd);
    snprintf(found->command_line, sizeof found->command_line, "%s", entry.append);
    return true;
}

/* ---- All of it --------------------------------------------------------------------------------------- */

static void name_root(const System *system, FoundKernel *found)
{
    const Volume *root = system->root;
    if (root && root->uuid[0])
        snprintf(found->command_line, sizeof found->command_line, "root=UUID=%s ro", root->uuid);
    else if (root && root->partition_uuid[0])
        snprintf(found->command_line, sizeof found->command_line, "root=PARTUUID=%s ro",
                 root->partition_uuid);
}

static void explain_cut(const DiskContents *contents, FoundKernel *found)
{
    if (contents->end > contents->disk.size)
        add_text(found,
                 "%sthe disk was cut off: its last partition ends at byte %llu, but it has only %llu (an "
                 "incomplete "
                 "copy?)",
                 found->text[0] ? "; " : "", (unsigned long long)contents->end,
                 (unsigned long long)contents->disk.size);
}

static void explain_nothing(const DiskContents *contents, const System *system, FoundKernel *found)
{
    if (contents->table == TABLE_NONE && !contents->volume[0].type) {
        add_text(found, "it has neither a partition table nor a file system; scripts/install-debian makes "
                        "disks that boot, or give a kernel with --kernel");
        return;
    }
    if (contents->count)
        add_volumes(found, contents);
    else
        add_text(found, "the partition table, which is empty,");
    bool read = system->tree.root || system->tree.boot;
    add_text(found, "%s; give one with --kernel",
             read      ? " was searched for /vmlinuz, /boot/vmlinuz-* and /boot/extlinux/extlinux.conf"
             : ext_ops ? " holds no file system of an installed Linux (ext2, ext3, ext4, FAT are read)"
                       : " cannot be read: this build lacks libext2fs");
}

bool find_kernel(DiskContents *contents, bool has_root, FoundKernel *found)
{
    static const char *const confs[] = {"/boot/extlinux/extlinux.conf", "/extlinux/extlinux.conf"};
    System system = {.fstab = malloc(TEXT_MOST)};
    bool ok = false;
    *found = (FoundKernel){.text = ""};
    if (system.fstab) {
        find_root(contents, &system);
        find_boot(contents, &system);
        for (unsigned n = 0; n < 2 && !ok; n++)
            ok = find_by_extlinux(&system.tree, confs[n], found);
        ok = ok || find_installed(&system.tree, found);
    }
    free(system.fstab);
    if (!ok) {
        explain_nothing(contents, &system, found);
        explain_cut(contents, found);
        return false;
    }
    if (!strstr(found->command_line, "root=")) {
        char line[COMMAND_LINE];
        memcpy(line, found->command_line, sizeof line);
        found->command_line[0] = '\0';
        name_root(&system, found);
        if (!found->command_line[0] && !has_root)
            add_text(found,
                     "no file system on the disk is the root of an installed Linux, so the kernel may not "
                     "find one: say where it is with --append root=...");
        size_t length = strlen(found->command_line);
        snprintf(found->command_line + length, sizeof found->command_line - length, "%s%s",
                 length && line[0] ? " " : "", line);
    }
    explain_cut(contents, found);
    return true;
}
