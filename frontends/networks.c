#define _GNU_SOURCE
#include "frontends/networks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "frontends/net_spec.h"
#include "net/pcap.h"
#include "net/switch.h"
#include "net/tap.h"
#include "net/user.h"

/* One controller that is connected. */
typedef struct Wire {
    Networks *networks;
    NetSpec spec;
    NetPort *port;
    NetEnd *end;
    Pcap *pcap;
} Wire;

struct Networks {
    Session *session;
    Wire wire[NET_PORTS];
    unsigned count;
};

/* What a user-mode network's frames hold at most where the controller allows it: measured with
 * bench/network.py. */
enum { USER_MTU = 16384, ETHERNET_MTU = 1500 };

/* ---- Captures ----------------------------------------------------------------------------------------- */

static void watch(void *opaque, const uint8_t *frame, size_t length, bool to_guest)
{
    Wire *wire = opaque;
    const Machine *machine = session_machine(wire->networks->session);
    (void)to_guest;
    pcap_frame(wire->pcap, machine->options.rtc_base * UINT64_C(1000000000) + clock_now(machine->clock),
               frame, length);
}

static bool begin_capture(Wire *wire, const char *path, Error *err)
{
    wire->pcap = pcap_new(path, err);
    wire->port->watch_opaque = wire;
    wire->port->watch = wire->pcap ? watch : NULL;
    return wire->pcap;
}

static bool end_capture(Wire *wire, Error *err)
{
    Pcap *pcap = wire->pcap;
    wire->port->watch = NULL;
    wire->pcap = NULL;
    return pcap_close(pcap, err);
}

/* ---- Connecting --------------------------------------------------------------------------------------- */

/* In a user-mode network nobody else is there, and on a hub nobody of another machine; where others are,
 * addresses must differ. */
static bool choose_mac(const Session *session, const NetSpec *spec, NetPort *port, Error *err)
{
    uint8_t mac[NET_MAC];
    memcpy(mac, spec->has_mac ? spec->mac : port->mac, NET_MAC);
    if (!spec->has_mac && spec->kind != NET_USER && spec->kind != NET_HUB) {
        if (session_machine((Session *)session)->options.deterministic)
            return error_set(
                err, "others are in this network, and with --deterministic and --record no address is chosen "
                     "at random; give one, as in mac=02:00:00:00:00:01");
        if (getrandom(mac + 3, 3, 0) != 3)
            return error_set(err, "no random numbers: %s", strerror(errno));
    }
    net_set_mac(port, mac);
    return true;
}

static NetEnd *open_end(const Wire *wire, Arrivals *arrivals, Error *err)
{
    const NetSpec *spec = &wire->spec;
    NetUserOptions user = {spec->restricted, spec->tftp, spec->bootfile};
    switch (spec->kind) {
    case NET_USER:
        return net_user_new(wire->port, arrivals, &user, err);
    case NET_SWITCH:
        return net_switch_new(wire->port, arrivals, spec->path, err);
    case NET_TAP:
        return net_tap_new(wire->port, arrivals, spec->path, err);
    case NET_HUB:
    case NET_NONE:
        break;
    }
    return NULL;
}

static bool connect_wire(Networks *networks, Wire *wire, Error *err)
{
    Machine *machine = session_machine(networks->session);
    const NetSpec *spec = &wire->spec;
    bool large = spec->kind == NET_USER && spec->model == NET_VIRTIO;
    wire->port->mtu = (uint16_t)(spec->mtu ? spec->mtu : large ? USER_MTU : ETHERNET_MTU);
    if (!choose_mac(networks->session, spec, wire->port, err))
        return false;
    bool recorded = session_options(networks->session)->replay; /* what came in is in the recording */
    wire->port->whole_segments = recorded && spec->kind == NET_USER;
    wire->port->follows_flows = spec->kind == NET_USER;
    bool outside = !recorded && spec->kind != NET_HUB;
    wire->end = outside ? open_end(wire, machine->arrivals, err) : NULL;
    if ((outside && !wire->end) || (spec->pcap && !recorded && !begin_capture(wire, spec->pcap, err)))
        return false;
    net_connect(wire->port, true);
    return true;
}

static bool add_wire(Networks *networks, const char *text, NetPortNumber number, Error *err)
{
    Machine *machine = session_machine(networks->session);
    Wire *wire = &networks->wire[networks->count++];
    Error why;
    *wire = (Wire){.networks = networks, .port = &machine->env.net[number]};
    bool ok = net_spec_parse(&wire->spec, text, &why);
    if (ok && wire->spec.kind == NET_HUB && !machine->options.hub[number])
        ok = error_set(&why, "the machine that was saved has no hub there");
    return (ok && connect_wire(networks, wire, &why)) ||
           error_set(err, "--net %.300s: %.600s", text, why.text);
}

/* Which controllers there are, options.c has checked. What leads to a hub does so whatever the options say
 * now, if the machine comes from a snapshot. */
static bool connect_all(Networks *networks, Error *err)
{
    const Options *options = session_options(networks->session);
    const uint8_t *hub = session_machine(networks->session)->options.hub;
    bool given[NET_PORTS] = {false};
    for (unsigned n = 0; n < options->net_count; n++) {
        NetPortNumber number = options->net_port[n];
        given[number] = !hub[number] || options->machine.hub[number];
        if (given[number] && !add_wire(networks, options->net[n], number, err))
            return false;
    }
    /* The board's own controller is the last. */
    for (unsigned n = 1; n <= NET_PORTS; n++) {
        NetPortNumber number = (NetPortNumber)(n % NET_PORTS);
        const char *text = number == NET_PORT_LAN9118 ? "hub,model=lan9118" : "hub";
        if (hub[number] && !given[number] && !add_wire(networks, text, number, err))
            return false;
    }
    return true;
}

static bool forward_all(Networks *networks, Error *err)
{
    const Options *options = session_options(networks->session);
    for (unsigned n = 0; n < options->forward_count; n++) {
        char text[3 * NET_ADDRESS];
        Error why;
        if (!networks_forward(networks, options->forward[n], text, sizeof text, &why))
            return error_set(err, "--forward %.300s: %.600s", options->forward[n], why.text);
    }
    return true;
}

Networks *networks_new(Session *session, Error *err)
{
    Networks *networks = calloc(1, sizeof *networks);
    if (!networks)
        abort();
    networks->session = session;
    bool recorded = session_options(session)->replay;
    if (connect_all(networks, err) && (recorded || forward_all(networks, err)))
        return networks;
    networks_free(networks);
    return NULL;
}

bool networks_finish(Networks *networks, Error *err)
{
    bool whole = true;
    for (unsigned n = 0; n < networks->count; n++)
        whole = (!networks->wire[n].pcap || end_capture(&networks->wire[n], whole ? err : NULL)) && whole;
    return whole;
}

void networks_loaded(Networks *networks)
{
    for (unsigned n = 0; networks && n < networks->count; n++) {
        const Wire *wire = &networks->wire[n];
        if (!wire->end || !net_end_is_user(wire->end))
            continue;
        net_user_restart(wire->end);
        net_end_flows(wire->port);
    }
}

void networks_free(Networks *networks)
{
    if (!networks)
        return;
    for (unsigned n = 0; n < networks->count; n++) {
        Wire *wire = &networks->wire[n];
        if (wire->end)
            net_end_free(wire->end);
        if (wire->pcap)
            end_capture(wire, NULL);
        if (wire->port)
            wire->port->connected = false;
        net_spec_free(&wire->spec);
    }
    free(networks);
}

/* ---- While it runs ------------------------------------------------------------------------------------ */

static NetEnd *user_network(const Networks *networks, Error *err)
{
    for (unsigned n = 0; n < networks->count; n++)
        if (networks->wire[n].end && net_end_is_user(networks->wire[n].end))
            return networks->wire[n].end;
    error_set(err, "there is no user-mode network (--net user) whose ports could be forwarded");
    return NULL;
}

bool networks_forward(Networks *networks, const char *forward, char *text, size_t size, Error *err)
{
    NetForward parsed;
    NetEnd *end = user_network(networks, err);
    if (!end || !net_forward_parse(&parsed, forward, err))
        return false;
    if (!parsed.guest_port)
        return error_set(err, "say which port of the guest, as in tcp:2222:22");
    if (!net_user_add(end, &parsed, err))
        return false;
    net_forward_text(&parsed, text, size);
    return true;
}

bool networks_unforward(Networks *networks, const char *forward, Error *err)
{
    NetForward parsed;
    NetEnd *end = user_network(networks, err);
    return end && net_forward_parse(&parsed, forward, err) && net_user_remove(end, &parsed, err);
}

json_t *networks_forwards(const Networks *networks)
{
    json_t *list = json_array();
    NetEnd *end = user_network(networks, NULL);
    unsigned count = 0;
    const NetForward *forward = end ? net_user_forwards(end, &count) : NULL;
    for (unsigned n = 0; n < count; n++) {
        char text[3 * NET_ADDRESS];
        net_forward_text(&forward[n], text, sizeof text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

json_t *networks_list(const Networks *networks)
{
    json_t *list = json_array();
    for (unsigned n = 0; n < networks->count; n++) {
        const Wire *wire = &networks->wire[n];
        const NetPort *port = wire->port;
        const NetStats *stats = &port->stats;
        const uint8_t *m = port->mac;
        char mac[18];
        snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
        json_array_append_new(
            list, json_pack("{s:i, s:s, s:s, s:s, s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "number", (int)n,
                            "network",
                            wire->port->next_on_hub ? "hub"
                            : wire->end             ? wire->end->ops->kind
                                                    : "recorded",
                            "model", wire->spec.model == NET_VIRTIO ? "virtio" : "lan9118", "mac", mac, "mtu",
                            (int)port->mtu, "plugged", port->connected, "captured", wire->pcap != NULL,
                            "sent", (json_int_t)stats->sent, "sent_bytes", (json_int_t)stats->sent_bytes,
                            "received", (json_int_t)stats->received, "received_bytes",
                            (json_int_t)stats->received_bytes, "dropped", (json_int_t)stats->dropped));
    }
    return list;
}

static Wire *find_wire(Networks *networks, unsigned number, Error *err)
{
    if (number < networks->count)
        return &networks->wire[number];
    error_set(err,
              networks->count ? "there is no network %u; they are counted from 0"
                              : "there is no network (--net)",
              number);
    return NULL;
}

bool networks_capture(Networks *networks, unsigned number, const char *path, Error *err)
{
    Wire *wire = find_wire(networks, number, err);
    if (wire && wire->pcap)
        return error_set(err, "network %u is captured already; end that first", number);
    return wire && begin_capture(wire, path, err);
}

bool networks_capture_end(Networks *networks, unsigned number, Error *err)
{
    Wire *wire = find_wire(networks, number, err);
    if (wire && !wire->pcap)
        return error_set(err, "network %u is not captured", number);
    return wire && end_capture(wire, err);
}

bool networks_plug(Networks *networks, unsigned number, bool in, Error *err)
{
    Wire *wire = find_wire(networks, number, err);
    if (wire)
        net_connect(wire->port, in);
    return wire;
}
