/* What a driver leaves to its network controller: checksums, and cutting long TCP segments into frames. */
#ifndef ARMATURE_DEVICES_NET_OFFLOAD_H
#define ARMATURE_DEVICES_NET_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Completes a checksum whose field holds the sum of the pseudo-header: over [start, length), stored at start
 * + offset. False if the field is not within the frame. */
bool net_offload_checksum(uint8_t *frame, size_t length, size_t start, size_t offset);

/* Cuts a frame with a TCP segment over IPv4 or IPv6, VLAN tags allowed, into frames of up to `most` bytes of
 * payload, and completes their checksums. False if it is no such frame, or `most` is 0; then nothing was
 * emitted. */
bool net_offload_segment(const uint8_t *frame, size_t length, size_t most,
                         void (*emit)(void *opaque, const uint8_t *frame, size_t length), void *opaque);

#endif
