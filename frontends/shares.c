#include "frontends/shares.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "frontends/share_spec.h"
#include "shares/share.h"

/* Debian's first user. */
enum { FIRST_USER = 1000 };

struct Shares {
    Machine *machine;
    Share *share[SHARES];
};

/* A guest may have many files open: as many as the host lets this process have. */
static void prepare_process(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool connect(Shares *shares, unsigned n, const char *value, Error *err)
{
    Machine *m = shares->machine;
    ShareSpec spec;
    bool right = share_spec_parse(&spec, value, n, err);
    if (right) {
        uint32_t owner = geteuid() ? FIRST_USER : 0;
        ShareSettings settings = {spec.path, spec.read_only, spec.has_owner ? spec.uid : owner,
                                  spec.has_owner ? spec.gid : owner};
        Error why;
        shares->share[n] = share_new(&settings, &why);
        right = shares->share[n] || error_set(err, "--share: %s", why.text);
    }
    if (right)
        share_port_connect(&m->env.share[n], spec.tag, &share_ops, shares->share[n],
                           m->options.deterministic ? m->clock : NULL, m->arrivals);
    share_spec_free(&spec);
    return right;
}

Shares *shares_new(Machine *machine, const char *const *values, Error *err)
{
    Shares *shares = calloc(1, sizeof *shares);
    if (!shares)
        abort();
    shares->machine = machine;
    if (machine->options.shares)
        prepare_process();
    for (unsigned n = 0; n < machine->options.shares; n++) {
        if (connect(shares, n, values[n], err))
            continue;
        shares_free(shares);
        return NULL;
    }
    return shares;
}

void shares_free(Shares *shares)
{
    if (!shares)
        return;
    for (unsigned n = 0; n < SHARES; n++) {
        if (shares->share[n])
            share_port_disconnect(&shares->machine->env.share[n]);
        share_free(shares->share[n]);
    }
    free(shares);
}
