/* Operations on networks. */
#include <string.h>

#include "frontends/networks.h"
#include "frontends/operation_functions.h"

static Networks *networks_of(const Call *call)
{
    return session_networks(call->client->session);
}

static void check(Call *call, bool ok, const Error *err)
{
    if (!ok)
        call_fail(call, "%s: %s", call->operation->name, err->text);
}

json_t *op_networks(Call *call)
{
    return networks_list(networks_of(call));
}

char *op_forward(Call *call, const char *ports)
{
    Error err;
    char text[3 * 64];
    bool ok = networks_forward(networks_of(call), ports, text, sizeof text, &err);
    check(call, ok, &err);
    return ok ? strdup(text) : NULL;
}

void op_delete_forward(Call *call, const char *ports)
{
    Error err;
    check(call, networks_unforward(networks_of(call), ports, &err), &err);
}

json_t *op_forwards(Call *call)
{
    return networks_forwards(networks_of(call));
}

void op_capture_start(Call *call, const char *file, uint32_t network)
{
    Error err;
    check(call, networks_capture(networks_of(call), network, file, &err), &err);
}

void op_capture_stop(Call *call, uint32_t network)
{
    Error err;
    check(call, networks_capture_end(networks_of(call), network, &err), &err);
}

void op_plug(Call *call, uint32_t network)
{
    Error err;
    check(call, networks_plug(networks_of(call), network, true, &err), &err);
}

void op_unplug(Call *call, uint32_t network)
{
    Error err;
    check(call, networks_plug(networks_of(call), network, false, &err), &err);
}
