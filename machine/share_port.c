#include "machine/share_port.h"

#include <assert.h>
#include <string.h>

/* Virtual time of a request in deterministic runs. */
enum { LATENCY_NS = 20000, NS_PER_KIB = 500 };

/* Messages whose answer has a length that the client chooses: type, and where its count is. */
enum { TREADDIR = 40, TREAD = 116, COUNT_AT = 19, COUNT_END = 23, ANSWER_HEADER = 11 };

/* Of all others: a target of a symbolic link is the longest. */
enum { SMALL_ANSWER = 8192 };

size_t share_answer_most(const uint8_t *message, size_t size)
{
    uint32_t count;
    if (size < COUNT_END || (message[4] != TREAD && message[4] != TREADDIR))
        return SMALL_ANSWER;
    memcpy(&count, message + COUNT_AT, sizeof count);
    size_t most = (size_t)count + ANSWER_HEADER;
    return most < SHARE_MESSAGE_MOST ? most : SHARE_MESSAGE_MOST;
}

static void recall(JournalChannel *channel, ShareRequest *request)
{
    size_t size;
    const uint8_t *answer = journal_recall(channel, &size);
    request->answered = size <= request->room ? size : 0;
    if (answer)
        memcpy(request->answer, answer, request->answered);
}

static void carry_out(HostJob *job)
{
    ShareRequest *request = (ShareRequest *)job;
    JournalChannel *channel = request->port->channel;
    if (journal_recalls(channel)) {
        recall(channel, request);
        return;
    }
    request->port->ops->handle(request->port->share, request);
    journal_keep(channel, request->answer, request->answered);
}

static void done(HostJob *job)
{
    ShareRequest *request = (ShareRequest *)job;
    request->done(request);
}

void share_submit(SharePort *port, ShareRequest *request)
{
    assert(port->work && request->size >= SHARE_MESSAGE_LEAST);
    request->port = port;
    request->answered = 0;
    request->job.carry_out = carry_out;
    request->job.done = done;
    request->job.takes = LATENCY_NS + muldiv64(request->size + request->room, NS_PER_KIB, 1024);
    host_work_submit(port->work, &request->job);
}

void share_reset(SharePort *port)
{
    if (!port->work)
        return;
    host_work_drop(port->work);
    if (!journal_recalls(port->channel))
        port->ops->reset(port->share);
}

void share_port_connect(SharePort *port, const char *tag, const ShareOps *ops, void *share, Clock *clock,
                        Arrivals *arrivals)
{
    size_t length = strlen(tag);
    assert(length && length <= SHARE_TAG_MOST && !port->work);
    memcpy(port->tag, tag, length + 1);
    port->ops = ops;
    port->share = share;
    port->work = host_work_new(port->tag, clock, arrivals);
}

void share_port_disconnect(SharePort *port)
{
    JournalChannel *channel = port->channel;
    host_work_free(port->work);
    *port = (SharePort){.channel = channel};
}
