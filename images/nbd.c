#include "images/nbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images/nbd_library.h"
#include "images/overlay.h"

/* What every server must take in one request. */
enum { MOST = 32 << 20 };

/* How long a server may say nothing, and how long one look lasts. */
enum { PATIENCE_S = 30, CONNECT_S = 10, LOOK_MS = 1000 };

typedef struct Server {
    struct nbd_handle *nbd;
    char *name;
    uint64_t size;
    bool flushes, trims, zeros;
    bool silent; /* it did not answer: what is under way is never touched again */
} Server;

/* libnbd's texts are "function: what: why"; a server that went away has its own. */
static DiskResult fail(const Server *server, Error *err)
{
    int error = nbd.get_errno();
    const char *text = nbd.get_error(), *colon = text ? strstr(text, ": ") : NULL;
    if (server->silent)
        error_set(err, "%s: the NBD server does not answer", server->name);
    else if (nbd.aio_is_dead(server->nbd) || nbd.aio_is_closed(server->nbd))
        error_set(err, "%s: the NBD server is gone", server->name);
    else
        error_set(err, "%s: the NBD server answers: %s", server->name,
                  colon ? colon + 2 : strerror(error ? error : EIO));
    return error == ENOSPC                    ? DISK_NO_SPACE
           : error == EPERM || error == EROFS ? DISK_READ_ONLY
                                              : DISK_IO_ERROR;
}

/* Waits for a command; a server that hangs must not keep the emulator from ending. */
static int finish(Server *server, int64_t command)
{
    int done = command < 0 ? -1 : nbd.aio_command_completed(server->nbd, (uint64_t)command);
    for (unsigned looks = 0; !done && looks < PATIENCE_S; looks++) {
        int moved = nbd.poll(server->nbd, LOOK_MS);
        if (moved < 0)
            return -1;
        looks = moved ? 0 : looks;
        done = nbd.aio_command_completed(server->nbd, (uint64_t)command);
    }
    server->silent = !done;
    return done > 0 ? 0 : -1;
}

typedef int64_t Transfer(struct nbd_handle *handle, uint8_t *data, uint64_t length, uint64_t offset);

static int64_t get(struct nbd_handle *handle, uint8_t *data, uint64_t length, uint64_t offset)
{
    return nbd.aio_pread(handle, data, length, offset, NBD_NULL_COMPLETION, 0);
}

static int64_t put(struct nbd_handle *handle, uint8_t *data, uint64_t length, uint64_t offset)
{
    return nbd.aio_pwrite(handle, data, length, offset, NBD_NULL_COMPLETION, 0);
}

static int64_t trim(struct nbd_handle *handle, uint8_t *data, uint64_t length, uint64_t offset)
{
    (void)data;
    return nbd.aio_trim(handle, length, offset, NBD_NULL_COMPLETION, 0);
}

static int64_t zero(struct nbd_handle *handle, uint8_t *data, uint64_t length, uint64_t offset)
{
    (void)data;
    return nbd.aio_zero(handle, length, offset, NBD_NULL_COMPLETION, 0);
}

static DiskResult in_parts(Server *server, Transfer *transfer, uint64_t offset, uint8_t *data,
                           uint64_t length, Error *err)
{
    for (uint64_t part; length; offset += part, data += data ? part : 0, length -= part) {
        part = length < MOST ? length : MOST;
        if (server->silent || finish(server, transfer(server->nbd, data, part, offset)))
            return fail(server, err);
    }
    return DISK_OK;
}

static DiskResult nbd_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    return in_parts(medium, get, offset, data, length, err);
}

static DiskResult nbd_write(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    return in_parts(medium, put, offset, (uint8_t *)data, length, err);
}

static DiskResult flush(void *medium, Error *err)
{
    Server *server = medium;
    if (!server->flushes)
        return DISK_OK;
    bool failed = server->silent || finish(server, nbd.aio_flush(server->nbd, NBD_NULL_COMPLETION, 0));
    return failed ? fail(server, err) : DISK_OK;
}

static DiskResult discard(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    Server *server = medium;
    return server->trims ? in_parts(server, trim, offset, NULL, length, err) : DISK_OK;
}

static DiskResult zero_range(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    static const uint8_t zeros[64 << 10];
    Server *server = medium;
    if (server->zeros)
        return in_parts(server, zero, offset, NULL, length, err);
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, length -= part) {
        part = length < sizeof zeros ? length : sizeof zeros;
        result = nbd_write(medium, offset, zeros, part, err);
    }
    return result;
}

static void close_server(void *medium)
{
    Server *server = medium;
    if (server->nbd && !server->silent && nbd.aio_is_ready(server->nbd))
        nbd.aio_disconnect(server->nbd, 0); /* it closes the connection then; we need not see that */
    nbd.close(server->nbd);
    free(server->name);
    free(server);
}

/* ---- Snapshots --------------------------------------------------------------------------------------- */

static const MediumOps nbd_ops;

static bool identify(void *medium, MediumIdentity *identity, Error *err)
{
    Server *server = medium;
    OverlayBase is;
    if (!image_identify(&nbd_ops, server, server->size, NULL, &is, err))
        return false;
    snprintf(identity->file, sizeof identity->file, "%s", server->name);
    identity->size = is.size;
    identity->sample = is.sample;
    return true;
}

static void nothing(void *medium)
{
    (void)medium;
}

static MediumStep next(void *medium, uint64_t *block, uint64_t *count, uint8_t *data, Error *err)
{
    (void)medium, (void)block, (void)count, (void)data, (void)err;
    return STEP_END;
}

static const MediumPointOps point_ops = {
    .identify = identify, .freeze = nothing, .next = next, .thaw = nothing};

static const MediumOps nbd_ops = {.read = nbd_read,
                                  .write = nbd_write,
                                  .flush = flush,
                                  .discard = discard,
                                  .zero = zero_range,
                                  .close = close_server,
                                  .point = &point_ops};

static bool dial(Server *server, const char *path)
{
    bool is_path = !strncmp(path, "nbd:", 4) && strncmp(path, "nbd://", 6);
    if (is_path ? nbd.aio_connect_unix(server->nbd, path + 4) : nbd.aio_connect_uri(server->nbd, path))
        return false;
    unsigned looks = 0;
    while (looks < CONNECT_S && nbd.aio_is_connecting(server->nbd) == 1) {
        int moved = nbd.poll(server->nbd, LOOK_MS);
        if (moved < 0)
            return false;
        looks += !moved;
    }
    server->silent = looks == CONNECT_S;
    return !server->silent && nbd.aio_is_ready(server->nbd) == 1;
}

bool nbd_image_open(DiskImage *image, const ImageOptions *options, Error *err)
{
    Error why_not;
    if (!nbd_load(&why_not))
        return error_set(err, "%s: %s", options->path, why_not.text);
    Server *server = calloc(1, sizeof *server);
    if (!server || !(server->name = strdup(options->path)))
        abort();
    server->nbd = nbd.create();
    if (!server->nbd || !dial(server, options->path)) {
        int error = nbd.get_errno();
        const char *text = nbd.get_error(), *why = error ? strerror(error) : text ? text : "no memory";
        error_set(err, "%s: cannot connect to the NBD server: %s", options->path,
                  server->silent ? "it does not answer" : why);
        close_server(server);
        return false;
    }
    server->flushes = nbd.can_flush(server->nbd) == 1;
    server->trims = nbd.can_trim(server->nbd) == 1;
    server->zeros = nbd.can_zero(server->nbd) == 1;
    bool only_read = nbd.is_read_only(server->nbd) == 1;
    int64_t size = nbd.get_size(server->nbd);
    server->size = size > 0 ? (uint64_t)size : 0;
    image->kind = IMAGE_NBD;
    image->ops = &nbd_ops;
    image->medium = server;
    image->info = (MediumInfo){
        .size = server->size, .read_only = options->read_only || only_read, .name = server->name};
    if (only_read && !options->read_only)
        snprintf(image->note, sizeof image->note, "%s: the server lets nobody write: the disk is read-only",
                 server->name);
    return true;
}
