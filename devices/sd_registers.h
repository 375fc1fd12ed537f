/* Registers of an SD card (Physical Layer Simplified Specification, chapter 5), and blocks of data that
 * describe it, as functions of what it is. */
#ifndef ARMATURE_DEVICES_SD_REGISTERS_H
#define ARMATURE_DEVICES_SD_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

enum { SD_REGISTER_BYTES = 16, SD_SCR_BYTES = 8, SD_STATUS_BYTES = 64, SD_GROUP_SECTORS = 16384 };

/* What a CSD can say about a medium of so many sectors. */
typedef struct SdGeometry {
    bool high_capacity;
    uint32_t sectors; /* capacity: at least as many, if any CSD can say so */
    uint32_t size, multiplier, block_bits;
} SdGeometry;

SdGeometry sd_geometry(uint64_t sectors);

/* protection: bits 2 COPY, 1 PERM_WRITE_PROTECT, 0 TMP_WRITE_PROTECT. */
void sd_csd(const SdGeometry *geometry, uint32_t protection, bool high_speed, uint8_t *csd);
void sd_cid(const char *serial, uint8_t *cid);
void sd_scr(uint8_t *scr);
void sd_status(bool wide, uint8_t *status);

/* CMD6: fills the 64 bytes of the answer and returns the function of group 1 that there is then. */
uint32_t sd_switch(uint32_t argument, uint32_t function, uint8_t *status);

#endif
