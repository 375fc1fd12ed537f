#include "frontends/session_events.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

/* Characters that are delivered as one event, at most. */
enum { OUTPUT_MOST = 1024 };

struct SessionListener {
    void (*event)(void *opaque, const SessionEvent *event); /* NULL: gone */
    void *opaque;
    SessionEvents *events;
    SessionListener *next;
};

typedef struct Queued Queued;
struct Queued {
    SessionEvent event; /* data and text point into bytes */
    Queued *next;
    uint8_t bytes[];
};

struct SessionEvents {
    SessionListener *listeners;
    Queued *first, *newest;
    SessionTask *task, **last_task;
    bool delivering;
};

SessionEvents *session_events_new(void)
{
    SessionEvents *events = checked(calloc(1, sizeof *events));
    events->last_task = &events->task;
    return events;
}

void session_events_free(SessionEvents *events)
{
    while (events->first) {
        Queued *next = events->first->next;
        free(events->first);
        events->first = next;
    }
    while (events->listeners) {
        SessionListener *next = events->listeners->next;
        free(events->listeners);
        events->listeners = next;
    }
    free(events);
}

/* ---- Listeners --------------------------------------------------------------------------------------- */

SessionListener *session_events_listen(SessionEvents *events,
                                       void (*event)(void *opaque, const SessionEvent *event), void *opaque)
{
    SessionListener *listener = checked(calloc(1, sizeof *listener)), **end = &events->listeners;
    *listener = (SessionListener){event, opaque, events, NULL};
    while (*end)
        end = &(*end)->next;
    return *end = listener;
}

static void sweep(SessionEvents *events)
{
    for (SessionListener **link = &events->listeners; *link;) {
        SessionListener *listener = *link;
        if (listener->event) {
            link = &listener->next;
        } else {
            *link = listener->next;
            free(listener);
        }
    }
}

void session_unlisten(SessionListener *listener)
{
    if (!listener)
        return;
    listener->event = NULL;
    if (!listener->events->delivering)
        sweep(listener->events);
}

/* ---- Posting ----------------------------------------------------------------------------------------- */

static bool output_complete(const Queued *queued)
{
    return queued->event.length == OUTPUT_MOST || queued->bytes[queued->event.length - 1] == '\n';
}

static Queued *append(SessionEvents *events, const SessionEvent *event, size_t room)
{
    Queued *queued = checked(calloc(1, sizeof *queued + room));
    queued->event = *event;
    if (events->newest)
        events->newest->next = queued;
    else
        events->first = queued;
    return events->newest = queued;
}

static bool post_output(SessionEvents *events, const SessionEvent *event)
{
    bool complete = false;
    SessionEvent empty = {.kind = SESSION_OUTPUT, .port = event->port};
    for (size_t n = 0; n < event->length; n++) {
        Queued *queued = events->newest;
        if (!queued || queued->event.kind != SESSION_OUTPUT || queued->event.port != event->port ||
            output_complete(queued)) {
            queued = append(events, &empty, OUTPUT_MOST);
            queued->event.data = queued->bytes;
        }
        queued->bytes[queued->event.length++] = event->data[n];
        complete |= output_complete(queued);
    }
    return complete;
}

bool session_events_post(SessionEvents *events, const SessionEvent *event)
{
    if (event->kind == SESSION_OUTPUT)
        return post_output(events, event);
    size_t text = event->text ? strlen(event->text) + 1 : 0;
    Queued *queued = append(events, event, event->length + text);
    if (event->length)
        memcpy(queued->bytes, event->data, event->length);
    queued->event.data = queued->bytes;
    if (text)
        queued->event.text = memcpy(queued->bytes + event->length, event->text, text);
    return true;
}

/* ---- Tasks ------------------------------------------------------------------------------------------- */

void session_events_later(SessionEvents *events, SessionTask *task)
{
    if (task->waiting)
        return;
    task->waiting = true;
    task->next = NULL;
    *events->last_task = task;
    events->last_task = &task->next;
}

void session_events_not_later(SessionEvents *events, SessionTask *task)
{
    if (!task->waiting)
        return;
    SessionTask **link = &events->task;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    if (!task->next)
        events->last_task = link;
    task->waiting = false;
}

/* ---- Delivering -------------------------------------------------------------------------------------- */

static void run_task(SessionEvents *events)
{
    SessionTask *task = events->task;
    session_events_not_later(events, task);
    task->run(task->opaque);
}

static void deliver_event(SessionEvents *events)
{
    Queued *queued = events->first;
    events->first = queued->next;
    if (!events->first)
        events->newest = NULL;
    for (SessionListener *listener = events->listeners; listener; listener = listener->next)
        if (listener->event)
            listener->event(listener->opaque, &queued->event);
    free(queued);
}

/* Events first: whoever reports on a task that failed has seen all there was to see. */
bool session_events_deliver(SessionEvents *events)
{
    bool any = false;
    if (events->delivering)
        return false;
    events->delivering = true;
    while (events->task || events->first) {
        any = true;
        if (events->first)
            deliver_event(events);
        else
            run_task(events);
    }
    events->delivering = false;
    sweep(events);
    return any;
}
