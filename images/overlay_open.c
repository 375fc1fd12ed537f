/* Opening and making overlays, and what they know of the image below. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "images/overlay_state.h"
#include "images/raw.h"
#include "machine/new_file.h"

enum { SAMPLE = 64 << 10, LEAST_ROOM = 64, ROOM_TIMES = 4, DATA_ALIGNED = 1 << 20 };

/* ---- The image below --------------------------------------------------------------------------------- */

static const HostFile *file_of(const DiskImage *image)
{
    if (image->kind == IMAGE_OVERLAY)
        return overlay_file(image);
    return image->kind == IMAGE_FILE ? raw_file(image) : NULL;
}

bool image_identify(const MediumOps *ops, void *medium, uint64_t size, const HostFile *file, OverlayBase *id,
                    Error *err)
{
    uint64_t length = size < SAMPLE ? size : SAMPLE;
    uint8_t *data = malloc(SAMPLE);
    struct stat status;
    if (!data)
        abort();
    *id = (OverlayBase){.size = size};
    bool ok = !ops->read(medium, 0, data, length, err);
    id->sample = (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)length);
    free(data);
    if (ok && file && !file->device && !fstat(file->fd, &status))
        id->modified = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return ok;
}

static bool identify(const DiskImage *base, OverlayBase *id, Error *err)
{
    return image_identify(base->ops, base->medium, base->info.size, file_of(base), id, err);
}

/* The time of the last change must not be an earlier one after the host lost power: fdatasync() does not keep
 * it. */
bool overlay_identify(const DiskImage *base, OverlayBase *id, Error *err)
{
    const HostFile *file = file_of(base);
    if (file)
        fsync(file->fd);
    return identify(base, id, err);
}

static void date(int64_t ns, char *text, size_t size)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(text, size, "another time");
}

/* An image below that is another one now makes nonsense of what lies upon it. */
static bool check_base(const Overlay *o, Error *err)
{
    const OverlayBase *was = &o->header.base;
    const char *base = o->base.info.name, *file = o->file.path;
    OverlayBase is;
    char then[64], now[64];
    if (o->header.flags & OVERLAY_COMMITTING) /* which we changed ourselves */
        return true;
    if (!identify(&o->base, &is, err))
        return false;
    if (is.size != was->size)
        return error_set(err, "%s was made over an image of %llu bytes, but %s has %llu", file,
                         (unsigned long long)was->size, base, (unsigned long long)is.size);
    date(was->modified, then, sizeof then);
    date(is.modified, now, sizeof now);
    if (was->modified && is.modified && was->modified != is.modified)
        return error_set(
            err,
            "%s was made over %s as it was on %s, but that was changed on %s; if it has the same contents "
            "all the same, \"armature disk check --accept-base %s\" says so",
            file, base, then, now, file);
    return is.sample == was->sample ||
           error_set(err, "%s was made over %s, whose contents are others now", file, base);
}

/* A path in the header begins at the overlay's folder. */
static char *base_from(const char *overlay_path, const char *base)
{
    const char *slash = strrchr(overlay_path, '/');
    char *result;
    bool whole = *base == '/' || !strncmp(base, "nbd", 3) || !slash;
    if (asprintf(&result, "%.*s%s", whole ? 0 : (int)(slash + 1 - overlay_path), overlay_path, base) < 0)
        abort();
    return result;
}

/* What to write into the header: so that both files can be moved together if they are in one folder. */
static bool name_base(OverlayHeader *header, const char *overlay_path, const char *base, Error *err)
{
    char whole[PATH_MAX], folder[PATH_MAX], copy[PATH_MAX];
    if (!strncmp(base, "nbd:", 4) || !strncmp(base, "nbd+unix:", 9)) {
        snprintf(whole, sizeof whole, "%s", base);
    } else if (!realpath(base, whole)) {
        return error_set(err, "cannot find %s: %s", base, strerror(errno));
    }
    const char *name = whole, *slash = strrchr(whole, '/');
    snprintf(copy, sizeof copy, "%s", overlay_path);
    if (*whole == '/' && realpath(dirname(copy), folder) && strlen(folder) == (size_t)(slash - whole) &&
        !memcmp(folder, whole, strlen(folder)) && strncmp(slash + 1, "nbd", 3))
        name = slash + 1;
    if (strlen(name) > OVERLAY_PATH)
        return error_set(err, "the name of %s is too long", base);
    strcpy(header->path, name);
    return true;
}

/* ---- Opening ----------------------------------------------------------------------------------------- */

static bool read_header(Overlay *o, Error *err)
{
    uint8_t page[OVERLAY_PAGE];
    OverlayHeader header;
    Error why = {"it is too short"};
    bool found = false;
    for (unsigned n = 0; n < OVERLAY_HEADERS && o->file.size >= OVERLAY_TABLE; n++) {
        Error other;
        if (host_file_read(&o->file, n * OVERLAY_PAGE, page, sizeof page, err))
            return false;
        bool good = overlay_header_read(&header, page, n ? &other : &why);
        if (!good || (found && header.sequence < o->header.sequence))
            continue;
        o->header = header;
        found = true;
    }
    if (!found)
        return error_set(err, "%s cannot be used: %s", o->file.path, why.text);
    uint64_t least = o->header.data + o->header.size;
    return o->file.size >= least ||
           error_set(err, "%s is cut off: it has %llu bytes and should have %llu", o->file.path,
                     (unsigned long long)o->file.size, (unsigned long long)least);
}

static bool open_base(Overlay *o, Error *err)
{
    Error why;
    ImageOptions options = {
        .path = o->base_path, .read_only = true, .look = o->look, .raw = o->header.flags & OVERLAY_BASE_RAW};
    return image_open_below(&o->base, &options, o->depth + 1, &why) ||
           error_set(err, "%.300s lies over another image: %.700s", o->file.path, why.text);
}

static bool open_all(Overlay *o, ImageCheck *check, Error *err)
{
    uint32_t lost;
    if (!read_header(o, err))
        return false;
    table_init(&o->table, o->header.size);
    if (!o->base_path)
        o->base_path = base_from(o->file.path, o->header.path);
    if (!o->base.medium && !open_base(o, err))
        return false;
    if (!(check && check->accept_base) && !check_base(o, err))
        return false;
    o->was_closed = o->header.flags & OVERLAY_CLOSED;
    if (!table_load(&o->table, &o->file, o->was_closed ? &o->header.table_check : NULL,
                    check && check->repair, &o->torn, &lost, err))
        return false;
    if (check) {
        check->torn = o->torn;
        check->lost = lost;
    }
    return true;
}

static Overlay *new_overlay(const OverlayOptions *options)
{
    Overlay *o = calloc(1, sizeof *o);
    if (!o)
        abort();
    o->file.fd = -1;
    o->depth = options->depth;
    o->look = options->look;
    o->header.flags = options->base_raw ? OVERLAY_BASE_RAW : 0;
    if (options->base) {
        o->base = *options->base;
        *options->base = (DiskImage){.kind = IMAGE_FILE};
    }
    if (options->base_path && !(o->base_path = strdup(options->base_path)))
        abort();
    return o;
}

static void note_state(DiskImage *image, const Overlay *o)
{
    const char *path = o->file.path;
    if (*image->note)
        return;
    if (o->header.flags & OVERLAY_COMMITTING)
        snprintf(image->note, sizeof image->note,
                 "%s: a commit was interrupted; \"armature disk commit %s\" brings it to an end", path, path);
    else if (!o->was_closed)
        snprintf(image->note, sizeof image->note,
                 "%s: the last run broke off; what the guest had flushed is there", path);
}

bool overlay_open(DiskImage *image, HostFile *file, const OverlayOptions *options, Error *err)
{
    Overlay *o = new_overlay(options);
    o->file = *file;
    if (o->depth > OVERLAY_DEEPEST
            ? error_set(err, "%s: overlays lie %d deep on each other", file->path, OVERLAY_DEEPEST)
            : open_all(o, options->check, err)) {
        overlay_attach(image, o);
        note_state(image, o);
        return true;
    }
    overlay_close(o);
    return false;
}

/* ---- Making ------------------------------------------------------------------------------------------ */

static bool fill_header(Overlay *o, const char *path, uint64_t size, Error *err)
{
    OverlayHeader *header = &o->header;
    uint32_t pages = overlay_pages(size);
    header->size = size;
    if (size > OVERLAY_LARGEST / 2)
        return error_set(err, "%s: an overlay's disk can have at most %llu GiB", path,
                         (unsigned long long)OVERLAY_LARGEST >> 31);
    header->table_room = ROOM_TIMES * pages < LEAST_ROOM ? LEAST_ROOM : ROOM_TIMES * pages;
    uint64_t end = OVERLAY_TABLE + 2 * (uint64_t)header->table_room * OVERLAY_PAGE;
    header->data = (end + DATA_ALIGNED - 1) / DATA_ALIGNED * DATA_ALIGNED;
    header->flags |= OVERLAY_CLOSED;
    header->table_check = table_check(&o->table);
    if (getrandom(header->id, sizeof header->id, 0) != sizeof header->id)
        return error_set(err, "no random numbers: %s", strerror(errno));
    return name_base(header, path, o->base_path, err) && overlay_identify(&o->base, &header->base, err);
}

/* The table gets its space now, so that later a full host cannot keep it from being written. */
bool overlay_make_room(Overlay *o, Error *err)
{
    uint64_t table = OVERLAY_TABLE + 2 * (uint64_t)overlay_pages(o->header.size) * OVERLAY_PAGE;
    if (!host_file_resize(&o->file, o->header.data + o->header.size, err))
        return false;
    int error = posix_fallocate(o->file.fd, 0, (off_t)table);
    return (error != ENOSPC && error != EDQUOT) || error_set(err, "%s: %s", o->file.path, strerror(error));
}

/* The whole file, durable, before it has its name. */
static bool write_new(Overlay *o, Error *err)
{
    return overlay_make_room(o, err) && !overlay_write_header(o, err) && !overlay_write_header(o, err);
}

static bool give_name(const char *made, const char *path, Error *err)
{
    bool ok = !renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE);
    if (!ok && errno == EINVAL) /* the file system cannot */
        ok = access(path, F_OK) && !rename(made, path);
    if (!ok) {
        error_set(err, "cannot create %s: %s", path, strerror(errno));
        unlink(made);
        return false;
    }
    sync_folder_of(path);
    return true;
}

bool overlay_create(const char *path, const OverlayOptions *options, uint64_t size, Error *err)
{
    Overlay *o = new_overlay(options);
    char *made;
    if (asprintf(&made, "%s.new-%d", path, (int)getpid()) < 0)
        abort();
    size = size ? size : o->base.info.size;
    table_init(&o->table, size);
    bool ok = access(path, F_OK) || error_set(err, "%s exists already", path);
    ok = ok && fill_header(o, path, size, err);
    if (ok && !host_file_open(&o->file, made, HOST_CREATE, err)) /* the user has never heard of `made` */
        ok = error_set(err, "cannot create %s: %s", path, strerror(errno));
    if (ok && !(ok = write_new(o, err)))
        unlink(made);
    ok = ok && give_name(made, path, err);
    free(made);
    overlay_close(o);
    return ok;
}

bool overlay_temporary(DiskImage *image, const OverlayOptions *options, Error *err)
{
    Overlay *o = new_overlay(options);
    o->temporary = true;
    o->header.size = o->base.info.size;
    table_init(&o->table, o->header.size);
    if (identify(&o->base, &o->header.base, err) && host_file_temporary(&o->file, o->base_path, err) &&
        host_file_resize(&o->file, o->header.size, err)) {
        overlay_attach(image, o);
        return true;
    }
    overlay_close(o);
    return false;
}
