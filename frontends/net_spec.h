/* What --net and --forward take: the other end of a network wire, and a port of the host that leads to the
 * guest, as text. docs/network.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_NET_SPEC_H
#define ARMATURE_FRONTENDS_NET_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"
#include "machine/net.h"
#include "net/user.h"

typedef enum NetKind {
    NET_NONE,   /* none */
    NET_USER,   /* user[,restrict][,tftp=FOLDER][,bootfile=NAME] */
    NET_SWITCH, /* switch:PATH */
    NET_TAP,    /* tap:NAME */
    NET_HUB     /* hub[:NAME] */
} NetKind;

typedef enum NetModel { NET_VIRTIO, NET_LAN9118 } NetModel;

/* And for all of them: [,model=virtio|lan9118][,mac=XX:XX:XX:XX:XX:XX][,mtu=BYTES][,pcap=FILE] */
typedef struct NetSpec {
    NetKind kind;
    NetModel model;
    char *path; /* the switch's socket, the tap device's name, the hub's, which may be "" */
    bool has_mac, restricted;
    uint8_t mac[NET_MAC];
    unsigned mtu; /* 0: what suits the kind */
    char *pcap, *tftp, *bootfile;
} NetSpec;

/* Fills spec; net_spec_free() frees its strings (also after a failure). err says what would be right, but not
 * what was given. */
bool net_spec_parse(NetSpec *spec, const char *text, Error *err);
void net_spec_free(NetSpec *spec);

/* tcp:[HOSTADDRESS:]HOSTPORT[:[GUESTADDRESS:]GUESTPORT], or udp:...; IPv6 addresses in brackets. Without an
 * address the host listens at 127.0.0.1 ([::1] if the guest's is IPv6); an empty one is any. The guest's part
 * may lack (guest_port is 0 then) to name a forward that is to be removed. */
bool net_forward_parse(NetForward *forward, const char *text, Error *err);

#endif
