/* When the PL111 scans what: a frame's lines are sync, back porch, active video and front porch, in this
 * order. Times are ticks of the controller's clock, CLCDCLK. Pure functions. */
#ifndef ARMATURE_DEVICES_PL111_TIMING_H
#define ARMATURE_DEVICES_PL111_TIMING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ScanTiming {
    uint64_t frame;         /* ticks; 0: nothing is scanned */
    uint32_t line;          /* ticks */
    uint32_t before;        /* lines from the frame's start to the first visible one */
    uint32_t sync, active;  /* lines */
    uint32_t width, height; /* pixels of the panel, or of each of two */
} ScanTiming;

/* From LCDTiming0, 1 and 2 and LCDControl. */
ScanTiming scan_timing(const uint32_t *timing, uint32_t control);

/* Where in the frame the vertical region starts that LcdVComp selects. */
uint64_t scan_region(const ScanTiming *timing, uint32_t control);

/* Something happens once a frame, `offset` < frame ticks after its start; frames begin at start, start +
 * frame and so on. Whether it happened after tick `seen` and up to tick `now`. */
bool scan_passed(uint64_t start, uint64_t frame, uint64_t offset, uint64_t seen, uint64_t now);

/* The first tick after `seen` at which it happens. */
uint64_t scan_next(uint64_t start, uint64_t frame, uint64_t offset, uint64_t seen);

#endif
