#include "frontends/hands.h"

#include <stdlib.h>

#include "frontends/wait.h"

typedef struct Performance Performance;
struct Performance {
    Hands *hands;
    Input *input;
    Movements movements;
    size_t next;
    Performance *after;
};

/* Only the first one moves. */
struct Hands {
    Performance *first;
};

Hands *hands_new(void)
{
    Hands *hands = calloc(1, sizeof *hands);
    if (!hands)
        abort();
    return hands;
}

void hands_free(Hands *hands)
{
    free(hands);
}

void movements_add(Movements *movements, InputEvent event)
{
    if (movements->count == movements->capacity) {
        movements->capacity = 2 * movements->capacity + 16;
        movements->event = realloc(movements->event, movements->capacity * sizeof event);
        if (!movements->event)
            abort();
    }
    movements->event[movements->count++] = event;
}

void movements_free(Movements *movements)
{
    free(movements->event);
    *movements = (Movements){0};
}

/* The next movement, unless the guest has not taken the last one yet. */
static bool move(Wait *wait)
{
    Performance *p = wait->data;
    if (p->hands->first != p || input_waiting(p->input))
        return false;
    if (p->next == p->movements.count)
        return true;
    input_send(p->input, &p->movements.event[p->next++]);
    return false;
}

/* Whatever ends it: nothing stays pressed. */
static void let_go(Wait *wait)
{
    Performance *p = wait->data, **link = &p->hands->first;
    for (; p->next && p->next < p->movements.count; p->next++) {
        const InputEvent *event = &p->movements.event[p->next];
        if ((event->kind == INPUT_KEY || event->kind == INPUT_BUTTON) && !event->down)
            input_send(p->input, event);
    }
    while (*link != p)
        link = &(*link)->after;
    *link = p->after;
    movements_free(&p->movements);
    free(p);
}

static void ended(Wait *wait)
{
    const Performance *p = wait->data;
    if (wait->matched)
        wait_finish(wait, NULL);
    else if (!input_driven(p->input, INPUT_KEYBOARD) && p->movements.event[0].kind == INPUT_KEY)
        call_fail(wait->call, "%s: the guest drives no keyboard (waited %.9g seconds of guest time)",
                  wait->what, (double)wait->limit_ns / 1e9);
    else
        wait_timed_out(wait);
}

/* The guest switched itself off, maybe because of this. */
static void off(Call *call)
{
    wait_finish(call->wait, NULL);
}

void hands_perform(Call *call, Movements *movements, uint64_t pause_ns, uint64_t timeout_ns, char *what)
{
    Session *session = call->client->session;
    Wait *wait = movements->count ? wait_new(call, timeout_ns, what, ended) : NULL;
    if (!wait) {
        if (!movements->count) {
            free(what);
            call_finish(call, NULL);
        }
        movements_free(movements);
        return;
    }
    Performance *p = calloc(1, sizeof *p), **link = &session_hands(session)->first;
    if (!p)
        abort();
    *p = (Performance){
        .hands = session_hands(session), .input = session_machine(session)->input, .movements = *movements};
    while (*link)
        link = &(*link)->after;
    *link = p;
    *movements = (Movements){0};
    wait->data = p;
    wait->let_go = let_go;
    call->off = off;
    wait_look(wait, pause_ns == UINT64_MAX ? session_options(session)->key_pause_ns : pause_ns, move);
}
