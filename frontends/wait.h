/* What operations that wait have in common: a limit in guest time, a text to wait for, and a clean end
 * whichever way it ends. */
#ifndef ARMATURE_FRONTENDS_WAIT_H
#define ARMATURE_FRONTENDS_WAIT_H

#include "frontends/client.h"
#include "frontends/operation.h"
#include "frontends/transcript.h"

typedef struct Wait Wait;

struct Wait {
    Call *call;
    /* Called between instructions when the text came (matched) or the time is over. It ends the call, with
     * wait_finish() or call_fail(), which frees the wait. */
    void (*ended)(Wait *wait);
    unsigned port;
    uint64_t limit_ns; /* of guest time; 0: none */
    uint64_t from;     /* offset at which the search began */
    bool matched;
    Match match;
    char *what; /* what is waited for, for messages; freed with the wait */
    /* Of whoever waits: called before the wait goes, whichever way that is. May be NULL. */
    void (*let_go)(Wait *wait);
    void *data;
    /* Internal. */
    Timer timer;
    SessionTask task;
    Matcher *matcher;
    TranscriptWatch *watch;
    Timer look_timer;
    bool (*look)(Wait *wait);
    uint64_t look_ns;
    bool holds;
};

/* Makes the call wait. timeout_ns: guest time; 0: without end; UINT64_MAX: the client's own. `what` is taken
 * over. NULL, and the call has failed, if the machine is switched off, or paused for good. */
Wait *wait_new(Call *call, uint64_t timeout_ns, char *what, void (*ended)(Wait *wait));

/* Ends it when the matcher (taken over) finds something in the port's output from offset `from` on. */
void wait_for_text(Wait *wait, unsigned port, Matcher *matcher, uint64_t from);

/* Ends it, as matched, when look() says so, which is asked now and then every so much guest time. */
void wait_look(Wait *wait, uint64_t every_ns, bool (*look)(Wait *wait));

/* The call ends well; the result is taken over. */
void wait_finish(Wait *wait, json_t *result);

/* The call fails because the time is over. */
void wait_timed_out(Wait *wait);

#endif
