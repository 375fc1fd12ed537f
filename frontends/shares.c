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
    bool recorded;
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

/* While a recording is replayed the folders are not needed: their answers are in it. */
static void nothing_handled(void *share, ShareRequest *request)
{
    (void)share;
    request->answered = 0;
}

static void nothing_reset(void *share)
{
    (void)share;
}

static uint8_t *nothing_saved(void *share, size_t *size)
{
    (void)share;
    *size = 0;
    return calloc(1, 1);
}

static bool nothing_loaded(void *share, const uint8_t *bytes, size_t size)
{
    (void)share;
    (void)bytes;
    (void)size;
    return true;
}

static const ShareOps no_folder = {nothing_handled, nothing_reset, nothing_saved, nothing_loaded};

static bool connect_recorded(Shares *shares, unsigned n, const char *value, Error *err)
{
    Machine *m = shares->machine;
    ShareSpec spec;
    bool right = share_spec_parse(&spec, value, n, err);
    if (right)
        share_port_connect(&m->env.share[n], spec.tag, &no_folder, NULL, m->clock, m->arrivals);
    shares->recorded = true;
    share_spec_free(&spec);
    return right;
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
        right = shares->share[n] || error_set(err, "--share %.300s: %.600s", value, why.text);
    }
    if (right)
        share_port_connect(&m->env.share[n], spec.tag, &share_ops, shares->share[n],
                           m->options.deterministic ? m->clock : NULL, m->arrivals);
    share_spec_free(&spec);
    return right;
}

Shares *shares_new(Machine *machine, const char *const *values, bool recorded, Error *err)
{
    Shares *shares = calloc(1, sizeof *shares);
    if (!shares)
        abort();
    shares->machine = machine;
    if (machine->options.shares)
        prepare_process();
    for (unsigned n = 0; n < machine->options.shares; n++) {
        if (!values[n]) { /* a machine that was saved, or comes from another process */
            error_set(err, "the machine has %u shared folder%s: give all of them again, by --share FOLDER",
                      machine->options.shares, machine->options.shares > 1 ? "s" : "");
            shares_free(shares);
            return NULL;
        }
        if (recorded ? connect_recorded(shares, n, values[n], err) : connect(shares, n, values[n], err))
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
        if (shares->share[n] || (shares->recorded && *shares->machine->env.share[n].tag))
            share_port_disconnect(&shares->machine->env.share[n]);
        share_free(shares->share[n]);
    }
    free(shares);
}
