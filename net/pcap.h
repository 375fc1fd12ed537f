/* A capture of frames as a pcap file, with time stamps in nanoseconds: what tcpdump and Wireshark read. */
#ifndef ARMATURE_NET_PCAP_H
#define ARMATURE_NET_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

typedef struct Pcap Pcap;

/* Begins a file, in place of what is there. NULL with err set if it cannot be written. */
Pcap *pcap_new(const char *path, Error *err);
/* Appends a frame; `ns` are nanoseconds since 1970. The file is whole after each. */
void pcap_frame(Pcap *pcap, uint64_t ns, const uint8_t *frame, size_t length);
/* Frees it. False with err set if frames were lost; NULL is allowed. */
bool pcap_close(Pcap *pcap, Error *err);

#endif
