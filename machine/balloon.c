#include "machine/balloon.h"

#include <string.h>

/* What enters. */
enum { TARGET = 't', LOOK = 'l' };

void balloon_set_target(BalloonPort *port, uint32_t pages)
{
    if (journal_event(port->channel, TARGET, &pages, sizeof pages))
        port->set_target(port->opaque, pages);
}

/* A look asks the guest for statistics. */
void balloon_look(BalloonPort *port, BalloonState *state)
{
    *state = (BalloonState){.driven = false};
    if (journal_event(port->channel, LOOK, NULL, 0))
        port->look(port->opaque, state);
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    BalloonPort *port = opaque;
    BalloonState state;
    uint32_t pages;
    if (!port->look)
        return false;
    if (what == TARGET && size == sizeof pages) {
        memcpy(&pages, data, sizeof pages);
        balloon_set_target(port, pages);
        return true;
    }
    if (what == LOOK)
        balloon_look(port, &state);
    return what == LOOK;
}

void balloon_set_journal(BalloonPort *port, Journal *journal)
{
    port->channel = journal_channel(journal, "balloon", apply, port);
}
