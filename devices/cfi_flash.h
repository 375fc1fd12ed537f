/* A bank of NOR flash. It maps itself (DeviceType.map) as a ROM device: reads go straight to host memory
 * while both chips are in read array mode. */
#ifndef ARMATURE_DEVICES_CFI_FLASH_H
#define ARMATURE_DEVICES_CFI_FLASH_H

#include "devices/device.h"

enum { CFI_FLASH_BYTES = 0x4000000 };

/* The bank's contents: CFI_FLASH_BYTES bytes, as the bus sees them. */
uint8_t *cfi_flash_contents(Device *dev);

#endif
