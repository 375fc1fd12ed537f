/* See net_spec.h. A description is KIND[:PLACE][,OPTION]...; ",," in a place or a value is a comma. */
#define _GNU_SOURCE
#include "frontends/net_spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum { TAP_NAME_MOST = 15 };

static const struct {
    const char *name;
    NetKind kind;
    enum { NO_PLACE, PLACE, OPTIONAL_PLACE } place;
} kinds[] = {
    {"user",   NET_USER,   NO_PLACE      },
    {"switch", NET_SWITCH, PLACE         },
    {"tap",    NET_TAP,    PLACE         },
    {"hub",    NET_HUB,    OPTIONAL_PLACE},
    {"none",   NET_NONE,   NO_PLACE      },
};

static char *copy(const char *text)
{
    char *result = strdup(text);
    if (!result)
        abort();
    return result;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *number)
{
    size_t digits = strspn(text, "0123456789");
    *number = strtoul(text, NULL, 10);
    return digits && digits < 10 && !text[digits] && *number <= most;
}

/* ---- Options ------------------------------------------------------------------------------------------ */

static bool set_model(NetSpec *spec, const char *value, Error *err)
{
    spec->model = !strcmp(value, "lan9118") ? NET_LAN9118 : NET_VIRTIO;
    return spec->model == NET_LAN9118 || !strcmp(value, "virtio") ||
           error_set(err, "give model=virtio or model=lan9118 (the board's own controller)");
}

static bool set_mac(NetSpec *spec, const char *value, Error *err)
{
    char rest;
    uint8_t *m = spec->mac;
    spec->has_mac = true;
    bool form = strlen(value) == 17 && sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &m[0], &m[1],
                                              &m[2], &m[3], &m[4], &m[5], &rest) == 6;
    if (!form)
        return error_set(err, "give a hardware address as in mac=02:00:00:00:00:01");
    return !(m[0] & 1) || error_set(err, "mac=%s is an address of a group; make its first byte even", value);
}

static bool set_mtu(NetSpec *spec, const char *value, Error *err)
{
    unsigned long mtu;
    if (!parse_number(value, NET_MTU_MOST, &mtu) || mtu < NET_MTU_LEAST)
        return error_set(err, "give mtu= bytes, %d to %d", NET_MTU_LEAST, NET_MTU_MOST);
    spec->mtu = (unsigned)mtu;
    return true;
}

static bool set_restrict(NetSpec *spec, const char *value, Error *err)
{
    (void)value;
    (void)err;
    return spec->restricted = true;
}

static bool set_name(char **name, const char *value, const char *what, Error *err)
{
    if (!*value)
        return error_set(err, "%s= needs a name", what);
    free(*name);
    *name = copy(value);
    return true;
}

static bool set_pcap(NetSpec *spec, const char *value, Error *err)
{
    return set_name(&spec->pcap, value, "pcap", err);
}

static bool set_tftp(NetSpec *spec, const char *value, Error *err)
{
    return set_name(&spec->tftp, value, "tftp", err);
}

static bool set_bootfile(NetSpec *spec, const char *value, Error *err)
{
    return set_name(&spec->bootfile, value, "bootfile", err);
}

static const struct {
    const char *name;
    bool value, user;
    bool (*set)(NetSpec *spec, const char *value, Error *err);
} settings[] = {
    {"model",    true,  false, set_model   },
    {"mac",      true,  false, set_mac     },
    {"mtu",      true,  false, set_mtu     },
    {"pcap",     true,  false, set_pcap    },
    {"restrict", false, true,  set_restrict},
    {"tftp",     true,  true,  set_tftp    },
    {"bootfile", true,  true,  set_bootfile},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

static bool set_option(NetSpec *spec, char *option, Error *err)
{
    char *equals = strchr(option, '=');
    size_t length = equals ? (size_t)(equals - option) : strlen(option);
    for (unsigned n = 0; n < SETTINGS; n++) {
        if (strlen(settings[n].name) != length || strncmp(settings[n].name, option, length) != 0)
            continue;
        if (settings[n].value != (bool)equals)
            return error_set(err, settings[n].value ? "%s needs a value" : "%s takes no value",
                             settings[n].name);
        if (settings[n].user && spec->kind != NET_USER)
            return error_set(err, "%s is for the user-mode network", settings[n].name);
        return settings[n].set(spec, equals ? equals + 1 : NULL, err);
    }
    return error_set(err,
                     "there is no option \"%.*s\"; there are model=, mac=, mtu=, pcap=, restrict, tftp= and "
                     "bootfile= (a comma in a name is written twice)",
                     (int)length, option);
}

/* Cuts `text` at its first single comma, and makes pairs of them one; returns what follows, or NULL. */
static char *cut(char *text)
{
    char *to = text;
    for (; *text && (*text != ',' || text[1] == ','); text++) {
        text += *text == ',';
        *to++ = *text;
    }
    char *rest = *text ? text + 1 : NULL;
    *to = 0;
    return rest;
}

/* ---- All ---------------------------------------------------------------------------------------------- */

static bool set_place(NetSpec *spec, const char *place, Error *err)
{
    struct sockaddr_un address;
    if (!*place && spec->kind != NET_HUB)
        return error_set(err, spec->kind == NET_TAP ? "write it as tap:NAME, with the name of a tap device"
                                                    : "write it as switch:PATH, with the name of a socket");
    if (spec->kind == NET_SWITCH && strlen(place) >= sizeof address.sun_path)
        return error_set(err, "the path is too long for a socket (at most %zu characters)",
                         sizeof address.sun_path - 1);
    if (spec->kind == NET_TAP && (strlen(place) > TAP_NAME_MOST || strchr(place, '/')))
        return error_set(err, "a tap device's name has at most %d characters", TAP_NAME_MOST);
    spec->path = copy(place);
    return true;
}

static bool set_kind(NetSpec *spec, char *text, Error *err)
{
    char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    for (unsigned n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        if (strlen(kinds[n].name) != length || strncmp(kinds[n].name, text, length) != 0)
            continue;
        spec->kind = kinds[n].kind;
        if (kinds[n].place != NO_PLACE)
            return set_place(spec, colon ? colon + 1 : "", err);
        return !colon || error_set(err, "write just %s", kinds[n].name);
    }
    return error_set(err, "give user, switch:PATH, tap:NAME, hub or none");
}

static bool parse(NetSpec *spec, char *text, Error *err)
{
    char *option = cut(text);
    if (!set_kind(spec, text, err))
        return false;
    while (option) {
        char *rest = cut(option);
        if (!set_option(spec, option, err))
            return false;
        option = rest;
    }
    if (spec->model == NET_LAN9118 && spec->mtu > 1500)
        return error_set(err, "the LAN9118 takes frames of up to 1500 bytes; leave mtu= out");
    return true;
}

bool net_spec_parse(NetSpec *spec, const char *text, Error *err)
{
    *spec = (NetSpec){.kind = NET_NONE};
    char *work = copy(text);
    bool ok = parse(spec, work, err);
    free(work);
    return ok;
}

void net_spec_free(NetSpec *spec)
{
    free(spec->path);
    free(spec->pcap);
    free(spec->tftp);
    free(spec->bootfile);
    *spec = (NetSpec){.kind = NET_NONE};
}

/* ---- Forwards ----------------------------------------------------------------------------------------- */

/* The next part of a description, up to a colon that is not in brackets; NULL if there is none left. */
static char *next_part(char **rest)
{
    char *part = *rest, *end;
    if (!part)
        return NULL;
    if (*part == '[' && (end = strchr(part, ']'))) {
        *end++ = 0;
        part++;
    } else {
        end = part + strcspn(part, ":");
    }
    *rest = *end == ':' ? end + 1 : NULL;
    if (*end && *end != ':')
        return NULL;
    *end = 0;
    return part;
}

static bool is_number(const char *part)
{
    return *part && !part[strspn(part, "0123456789")];
}

static bool is_address(const char *part, char *address)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, part, bytes) != 1 && inet_pton(AF_INET6, part, bytes) != 1)
        return false;
    snprintf(address, NET_ADDRESS, "%s", part);
    return true;
}

/* [ADDRESS:]PORT; `nothing` is what an address of no characters stands for. */
static bool take_place(char **rest, const char *nothing, char *address, uint16_t *port, Error *err)
{
    unsigned long number;
    char *part = next_part(rest);
    if (part && !is_number(part)) {
        if (!*part)
            strcpy(address, nothing);
        else if (!is_address(part, address))
            return error_set(err, "%s is not an address in numbers, like 127.0.0.1 or [::1]", part);
        part = next_part(rest);
    }
    if (!part || !parse_number(part, 65535, &number))
        return error_set(err, "write it as tcp:2222:22, tcp:HOSTADDRESS:HOSTPORT:GUESTADDRESS:GUESTPORT, or "
                              "udp:...");
    *port = (uint16_t)number;
    return true;
}

static bool parse_forward(NetForward *forward, char *text, Error *err)
{
    char *rest = text, *protocol = next_part(&rest);
    bool udp = protocol && !strcmp(protocol, "udp");
    if (!udp && (!protocol || strcmp(protocol, "tcp") != 0))
        return error_set(err, "begin with tcp: or udp:, as in tcp:2222:22");
    forward->udp = udp;
    if (!take_place(&rest, "0.0.0.0", forward->host, &forward->host_port, err))
        return false;
    if (rest && !take_place(&rest, "", forward->guest, &forward->guest_port, err))
        return false;
    if (rest)
        return error_set(err, "there is too much: \"%s\"", rest);
    if (!*forward->host)
        strcpy(forward->host, strchr(forward->guest, ':') ? "::1" : "127.0.0.1");
    return true;
}

bool net_forward_parse(NetForward *forward, const char *text, Error *err)
{
    *forward = (NetForward){0};
    char *work = copy(text);
    bool ok = parse_forward(forward, work, err);
    free(work);
    return ok;
}
