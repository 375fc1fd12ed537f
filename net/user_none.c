/* What a build without libslirp has in place of user.c. */
#include "net/user.h"

NetEnd *net_user_new(NetPort *port, Arrivals *arrivals, const NetUserOptions *options, Error *err)
{
    (void)port;
    (void)arrivals;
    (void)options;
    error_set(
        err,
        "this build has no user-mode network; it needs libslirp (Debian: libslirp-dev) when it is built");
    return NULL;
}

void net_user_restart(NetEnd *end)
{
    (void)end;
}

bool net_user_add(NetEnd *end, NetForward *forward, Error *err)
{
    (void)end;
    (void)forward;
    return error_set(err, "this build has no user-mode network");
}

bool net_user_remove(NetEnd *end, const NetForward *forward, Error *err)
{
    (void)end;
    (void)forward;
    return error_set(err, "this build has no user-mode network");
}

const NetForward *net_user_forwards(const NetEnd *end, unsigned *count)
{
    (void)end;
    *count = 0;
    return NULL;
}

bool net_end_is_user(const NetEnd *end)
{
    (void)end;
    return false;
}
