#include "frontends/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 250 }; /* less than PIPE_BUF, so that a line is written whole or not at all */

static void tell(void *opaque, const SessionEvent *event)
{
    Session *session = opaque;
    bool wanted =
        event->kind == SESSION_PROGRESS || event->kind == SESSION_PANIC || event->kind == SESSION_SILENCE;
    char line[LONGEST + 2];
    if (!wanted || !event->text)
        return;
    int length = snprintf(line, LONGEST + 1, "%.*s", (int)strcspn(event->text, "\n"), event->text);
    length = length > LONGEST ? LONGEST : length;
    line[length++] = '\n';
    if (write(session_options(session)->status_fd, line, (size_t)length) < 0)
        return; /* nobody reads: the run is not for them */
}

bool status_attach(Session *session, Error *err)
{
    int fd = session_options(session)->status_fd;
    if (fd < 0)
        return true;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return error_set(err, "--status-fd %d: that descriptor is not open", fd);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    session_listen(session, tell, session);
    return true;
}
