#include <stdio.h>
#include <string.h>

#include "net/user.h"

void net_forward_text(const NetForward *forward, char *text, size_t size)
{
    bool host6 = strchr(forward->host, ':'), guest6 = strchr(forward->guest, ':');
    snprintf(text, size, "%s:%s%s%s:%u:%s%s%s:%u", forward->udp ? "udp" : "tcp", host6 ? "[" : "",
             forward->host, host6 ? "]" : "", forward->host_port, guest6 ? "[" : "", forward->guest,
             guest6 ? "]" : "", forward->guest_port);
}
