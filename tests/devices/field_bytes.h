/* How much of a device's struct a row of its field table is about. */
#ifndef ARMATURE_TESTS_DEVICES_FIELD_BYTES_H
#define ARMATURE_TESTS_DEVICES_FIELD_BYTES_H

#include "devices/device.h"

static inline size_t field_bytes(const FieldDef *field)
{
    static const size_t bytes[] = {[FIELD_U8] = 1,
                                   [FIELD_U16] = 2,
                                   [FIELD_U32] = 4,
                                   [FIELD_U64] = 8,
                                   [FIELD_BOOL] = 1,
                                   [FIELD_BYTES] = 1,
                                   [FIELD_TIMER] = sizeof(Timer),
                                   [FIELD_MEMORY] = sizeof(DeviceMemory),
                                   [FIELD_TRANSIENT] = 1};
    return bytes[field->kind] * (field->count ? field->count : 1);
}

#endif
