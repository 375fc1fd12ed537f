/* Fault records to fault status registers, short-descriptor format (ARM DDI 0406C, B3.13.3 and B4.1.51). */
#include "mmu/mmu.h"

enum { FSR_EXT = 1 << 12, FSR_WNR = 1 << 11 };

/* FS[4], which only asynchronous and implementation-defined faults have, is bit 10. */
static uint32_t status(const Fault *fault)
{
    bool second = fault->level == 2;
    switch (fault->kind) {
    case FAULT_NONE:
        return 0;
    case FAULT_ALIGNMENT:
        return 0x1;
    case FAULT_DEBUG:
        return 0x2;
    case FAULT_ICACHE_MAINTENANCE:
        return 0x4;
    case FAULT_ASYNCHRONOUS:
        return 0x406;
    case FAULT_ACCESS_FLAG:
        return second ? 0x6 : 0x3;
    case FAULT_TRANSLATION:
        return second ? 0x7 : 0x5;
    case FAULT_EXTERNAL:
        return 0x8;
    case FAULT_DOMAIN:
        return second ? 0xb : 0x9;
    case FAULT_EXTERNAL_ON_WALK:
        return second ? 0xe : 0xc;
    case FAULT_PERMISSION:
        return second ? 0xf : 0xd;
    }
    return 0;
}

/* ExT of the Cortex-A9: 0 is an AXI decode error, 1 a slave error. */
static uint32_t external(const Fault *fault)
{
    bool is_external = fault->kind == FAULT_EXTERNAL || fault->kind == FAULT_EXTERNAL_ON_WALK;
    return is_external && !fault->decode_error ? FSR_EXT : 0;
}

uint32_t fault_dfsr(const Fault *fault)
{
    uint32_t fsr = status(fault) | external(fault) | (uint32_t)(fault->domain & 15) << 4;
    if (fault->write || fault->cache_maintenance)
        fsr |= FSR_WNR;
    return fsr;
}

uint32_t fault_ifsr(const Fault *fault)
{
    return status(fault) | external(fault);
}
