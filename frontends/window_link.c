/* See window_link.h. Two locks: one for the picture, which is held while rows are copied, and one for all the
 * rest, which is held for moments. */
#define _GNU_SOURCE
#include "frontends/window_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine/checked.h"

/* Of each port's output, as much as a pane keeps in the worst case. */
enum { OUTPUT_KEPT = 1 << 18 };

typedef struct Queued Queued;
struct Queued {
    WindowCommand command;
    Queued *next;
    char text[];
};

typedef struct Picture {
    uint32_t width, height, frame_ns;
    bool resized, any;
    uint32_t *pixels;
    bool *dirty; /* for each row: the window has not seen it */
} Picture;

typedef struct Output {
    uint8_t *data; /* a ring, allocated when it is needed */
    size_t head, length;
} Output;

struct WindowLink {
    void (*wake)(void *opaque);
    void *opaque;
    atomic_bool asleep; /* the window may have to be woken */
    atomic_uint_fast64_t pictures;
    int fd;
    pthread_mutex_t picture_lock, lock;
    Picture picture;
    Queued *first, **last, *taken;
    WindowStatus status;
    Output output[SERIAL_PORTS];
};

WindowLink *window_link_new(void (*wake)(void *opaque), void *opaque)
{
    WindowLink *link = checked(calloc(1, sizeof *link));
    link->wake = wake;
    link->opaque = opaque;
    link->last = &link->first;
    atomic_init(&link->asleep, true);
    link->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->fd < 0)
        abort();
    pthread_mutex_init(&link->picture_lock, NULL);
    pthread_mutex_init(&link->lock, NULL);
    return link;
}

void window_link_free(WindowLink *link)
{
    if (!link)
        return;
    while (link->first) {
        Queued *next = link->first->next;
        free(link->first);
        link->first = next;
    }
    free(link->taken);
    free(link->picture.pixels);
    free(link->picture.dirty);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        free(link->output[n].data);
    pthread_mutex_destroy(&link->picture_lock);
    pthread_mutex_destroy(&link->lock);
    close(link->fd);
    free(link);
}

static void wake(WindowLink *link)
{
    if (atomic_exchange(&link->asleep, false))
        link->wake(link->opaque);
}

void window_link_awake(WindowLink *link)
{
    atomic_store(&link->asleep, true);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

int window_link_fd(const WindowLink *link)
{
    return link->fd;
}

void window_link_send(WindowLink *link, const WindowCommand *command)
{
    Queued *queued = checked(calloc(1, sizeof *queued + command->length + 1));
    queued->command = *command;
    queued->command.text = queued->text;
    if (command->length)
        memcpy(queued->text, command->text, command->length);
    pthread_mutex_lock(&link->lock);
    *link->last = queued;
    link->last = &queued->next;
    pthread_mutex_unlock(&link->lock);
    if (write(link->fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        return; /* the counter is full: it is readable anyway */
}

const WindowCommand *window_link_take(WindowLink *link)
{
    uint64_t count;
    if (read(link->fd, &count, sizeof count) < 0)
        count = 0; /* it is only there to be readable; what counts is the queue */
    pthread_mutex_lock(&link->lock);
    free(link->taken);
    link->taken = link->first;
    if (link->taken && !(link->first = link->taken->next))
        link->last = &link->first;
    pthread_mutex_unlock(&link->lock);
    return link->taken ? &link->taken->command : NULL;
}

/* ---- Status ------------------------------------------------------------------------------------------- */

void window_link_status(WindowLink *link, WindowStatus *status)
{
    pthread_mutex_lock(&link->lock);
    *status = link->status;
    pthread_mutex_unlock(&link->lock);
}

void window_link_report(WindowLink *link, const WindowStatus *status)
{
    pthread_mutex_lock(&link->lock);
    WindowStatus next = *status, *now = &link->status;
    memcpy(next.note, now->note, sizeof next.note);
    next.notes = now->notes;
    next.note_is_path = now->note_is_path;
    *now = next;
    pthread_mutex_unlock(&link->lock);
    wake(link);
}

void window_link_note(WindowLink *link, bool path, const char *text)
{
    pthread_mutex_lock(&link->lock);
    snprintf(link->status.note, sizeof link->status.note, "%s", text);
    link->status.note_is_path = path;
    link->status.notes++;
    pthread_mutex_unlock(&link->lock);
    wake(link);
}

/* ---- The picture -------------------------------------------------------------------------------------- */

static void resize(Picture *picture, const Frame *frame)
{
    free(picture->pixels);
    free(picture->dirty);
    *picture = (Picture){.width = frame->width, .height = frame->height, .resized = true};
    if (!frame->width)
        return;
    picture->pixels = checked(calloc((size_t)frame->width * frame->height, sizeof *picture->pixels));
    picture->dirty = checked(calloc(frame->height, sizeof *picture->dirty));
}

static bool copy_rows(Picture *picture, const Frame *frame, uint64_t since)
{
    bool any = false, all = picture->resized;
    size_t width = frame->width;
    for (size_t y = 0; y < frame->height; y++) {
        if (!all && frame->changed[y] <= since)
            continue;
        memcpy(picture->pixels + y * width, frame->pixels + y * width, width * sizeof *frame->pixels);
        picture->dirty[y] = any = true;
    }
    return any;
}

bool window_link_show(WindowLink *link, const Frame *frame, uint64_t since)
{
    Picture *picture = &link->picture;
    if (pthread_mutex_trylock(&link->picture_lock))
        return false;
    if (picture->width != frame->width || picture->height != frame->height)
        resize(picture, frame);
    picture->frame_ns = frame->frame_ns;
    bool any = copy_rows(picture, frame, since);
    picture->any |= any;
    any |= picture->resized;
    pthread_mutex_unlock(&link->picture_lock);
    if (any)
        wake(link);
    return true;
}

/* Runs of changed rows, each in one call. */
static void look_at_rows(Picture *picture, const WindowPicture *sink)
{
    for (uint32_t y = 0, end; y < picture->height; y = end) {
        end = y + 1;
        if (!picture->dirty[y])
            continue;
        while (end < picture->height && picture->dirty[end])
            end++;
        sink->rows(sink->opaque, y, end - y, picture->width, picture->pixels + (size_t)y * picture->width);
        memset(picture->dirty + y, 0, end - y);
    }
}

bool window_link_look(WindowLink *link, const WindowPicture *sink)
{
    Picture *picture = &link->picture;
    pthread_mutex_lock(&link->picture_lock);
    bool any = picture->any || picture->resized;
    if (picture->resized)
        sink->size(sink->opaque, picture->width, picture->height, picture->frame_ns);
    if (picture->any)
        look_at_rows(picture, sink);
    picture->resized = picture->any = false;
    pthread_mutex_unlock(&link->picture_lock);
    return any;
}

void window_link_shown(WindowLink *link)
{
    atomic_fetch_add(&link->pictures, 1);
}

uint64_t window_link_pictures(WindowLink *link)
{
    return atomic_load(&link->pictures);
}

void window_link_forget(WindowLink *link)
{
    Picture *picture = &link->picture;
    pthread_mutex_lock(&link->picture_lock);
    picture->resized = true;
    if (picture->height)
        memset(picture->dirty, true, picture->height * sizeof *picture->dirty);
    picture->any = picture->height;
    pthread_mutex_unlock(&link->picture_lock);
}

/* ---- Serial output ------------------------------------------------------------------------------------ */

static void put(Output *output, const uint8_t *data, size_t length)
{
    if (!output->data)
        output->data = checked(malloc(OUTPUT_KEPT));
    for (size_t n = 0; n < length; n++) {
        output->data[(output->head + output->length) % OUTPUT_KEPT] = data[n];
        if (output->length < OUTPUT_KEPT)
            output->length++;
        else
            output->head = (output->head + 1) % OUTPUT_KEPT;
    }
}

void window_link_write(WindowLink *link, unsigned port, const uint8_t *data, size_t length)
{
    pthread_mutex_lock(&link->lock);
    put(&link->output[port], data, length);
    pthread_mutex_unlock(&link->lock);
    wake(link);
}

size_t window_link_read(WindowLink *link, unsigned port, uint8_t *data, size_t size)
{
    Output *output = &link->output[port];
    pthread_mutex_lock(&link->lock);
    size_t count = output->length < size ? output->length : size;
    for (size_t n = 0; n < count; n++)
        data[n] = output->data[(output->head + n) % OUTPUT_KEPT];
    output->head = (output->head + count) % OUTPUT_KEPT;
    output->length -= count;
    pthread_mutex_unlock(&link->lock);
    return count;
}
