/* What a monitor says of itself: VESA Enhanced EDID, release A revision 2 (EDID 1.4), one block. */
#ifndef ARMATURE_DEVICES_EDID_H
#define ARMATURE_DEVICES_EDID_H

#include <stdint.h>

enum { EDID_BLOCK = 128, EDID_PIXELS_MOST = 4095 /* in each direction, of the preferred mode */ };

/* Fills a block for a monitor that prefers a picture of this size, up to EDID_PIXELS_MOST each, and has the
 * usual smaller ones besides. Its name has at most 12 characters. */
void edid_make(uint8_t block[EDID_BLOCK], uint32_t width, uint32_t height, const char *name);

#endif
