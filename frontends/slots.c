#define _GNU_SOURCE
#include "frontends/slots.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "frontends/disk_spec.h"
#include "frontends/window_state.h"
#include "snapshot/snapshot.h"

enum { NAME_MOST = 32, PICTURE_MOST = 8192 };

/* ---- Which machine it is ----------------------------------------------------------------------------- */

typedef struct Identity {
    uint64_t hash;
    char name[NAME_MOST + 1]; /* of the first file, for whoever looks into the folder */
} Identity;

static void name_by(Identity *identity, const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
    size_t length = 0;
    for (; from[length] && length < NAME_MOST; length++) {
        bool plain = (from[length] >= '0' && from[length] <= '9') ||
                     ((from[length] | 32) >= 'a' && (from[length] | 32) <= 'z');
        identity->name[length] = plain || strchr("._", from[length]) ? from[length] : '-';
    }
    identity->name[length] = 0;
}

/* FNV-1a, with the zero at the text's end. */
static void mix(Identity *identity, const char *text)
{
    do
        identity->hash = (identity->hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    while (*text++);
}

static void add(Identity *identity, const char *kind, const char *path)
{
    if (!path)
        return;
    char *real = realpath(path, NULL);
    const char *known = real ? real : path;
    if (!*identity->name)
        name_by(identity, known);
    mix(identity, kind);
    mix(identity, known);
    free(real);
}

static void add_disk(Identity *identity, const char *text)
{
    DiskSpec spec;
    Error err;
    if (disk_spec_parse(&spec, text, &err))
        add(identity, disk_bus_name(spec.bus), spec.file);
    disk_spec_free(&spec);
}

bool slots_folder(const Options *options, char *path, size_t size)
{
    char window[1024];
    Identity identity = {.hash = UINT64_C(0xcbf29ce484222325)};
    const BootOptions *boot = &options->boot;
    for (unsigned n = 0; n < options->disk_count; n++)
        add_disk(&identity, options->disk[n]);
    add(&identity, "kernel", boot->kernel);
    add(&identity, "initrd", boot->initrd);
    add(&identity, "dtb", boot->dtb);
    for (unsigned n = 0; n < boot->load_count; n++)
        add(&identity, "load", boot->load[n].path);
    for (unsigned n = 0; n < 2; n++)
        add(&identity, "flash", options->machine.flash[n]);
    if (!*identity.name)
        add(&identity, "snapshot", options->snapshot);
    if (!*identity.name)
        name_by(&identity, "rom");
    if (!window_state_path(window, sizeof window))
        return false;
    *strrchr(window, '/') = 0;
    int length =
        snprintf(path, size, "%s/slots/%s-%016llx", window, identity.name, (unsigned long long)identity.hash);
    return length > 0 && (size_t)length < size;
}

bool slot_path(const char *folder, unsigned n, char *path, size_t size)
{
    int length = snprintf(path, size, "%s/%u.snap", folder, n + 1);
    return length > 0 && (size_t)length < size;
}

bool slots_fit(const char *path, uint64_t bytes)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    struct statvfs status;
    if (!folder)
        abort();
    bool known = !statvfs(folder, &status);
    free(folder);
    return known && bytes <= (uint64_t)status.f_bavail * status.f_frsize / (2 * SLOTS);
}

/* ---- What is in a slot --------------------------------------------------------------------------------- */

/* The mean of the pixels that become one. */
static uint32_t mean(const uint8_t *pixels, size_t stride, int x0, int x1, int y0, int y1)
{
    uint32_t sum[3] = {0}, count = (uint32_t)((x1 - x0) * (y1 - y0));
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            for (int n = 0; n < 3; n++)
                sum[n] += pixels[(size_t)y * stride + 3 * (size_t)x + (size_t)n];
    return 0xff000000 | sum[0] / count << 16 | sum[1] / count << 8 | sum[2] / count;
}

static void shrink(Slot *slot, const uint8_t *pixels, int width, int height)
{
    bool wide = (int64_t)width * THUMBNAIL_HEIGHT > (int64_t)height * THUMBNAIL_WIDTH;
    int across = wide ? THUMBNAIL_WIDTH : width * THUMBNAIL_HEIGHT / height;
    int down = wide ? height * THUMBNAIL_WIDTH / width : THUMBNAIL_HEIGHT;
    slot->width = across < 1 ? 1 : across > width ? width : across;
    slot->height = down < 1 ? 1 : down > height ? height : down;
    for (int y = 0; y < slot->height; y++)
        for (int x = 0; x < slot->width; x++)
            slot->thumbnail[y * slot->width + x] =
                mean(pixels, 3 * (size_t)width, x * width / slot->width, (x + 1) * width / slot->width,
                     y * height / slot->height, (y + 1) * height / slot->height);
}

static void read_picture(Slot *slot, const uint8_t *png, size_t size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, png, size))
        return;
    if (image.width && image.height && image.width <= PICTURE_MOST && image.height <= PICTURE_MOST) {
        image.format = PNG_FORMAT_RGB;
        uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
        if (pixels && png_image_finish_read(&image, NULL, pixels, 0, NULL))
            shrink(slot, pixels, (int)image.width, (int)image.height);
        free(pixels);
    }
    png_image_free(&image);
}

static void describe(Slot *slot, const SnapshotInfo *info)
{
    time_t date = (time_t)info->host_time;
    struct tm tm;
    if (!localtime_r(&date, &tm) || !strftime(slot->date, sizeof slot->date, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(slot->date, sizeof slot->date, "unknown date");
    snprintf(slot->text, sizeof slot->text, "%.1f s, %.1f MiB", (double)info->guest_ns / 1e9,
             (double)info->file_size / (1 << 20));
}

void slot_read(Slot *slot, const char *path)
{
    Error err;
    size_t size = 0;
    *slot = (Slot){.used = !access(path, F_OK)};
    Snapshot *snapshot = slot->used ? snapshot_open(path, &err) : NULL;
    if (slot->used && !snapshot)
        snprintf(slot->text, sizeof slot->text, "cannot be used");
    if (!snapshot)
        return;
    describe(slot, snapshot_info(snapshot));
    uint8_t *png = snapshot_png(snapshot, &size, &err);
    if (png)
        read_picture(slot, png, size);
    free(png);
    snapshot_close(snapshot);
}
