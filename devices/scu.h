/* What the timers of the Cortex-A9 MPCore need to know of its snoop control unit. */
#ifndef ARMATURE_DEVICES_SCU_H
#define ARMATURE_DEVICES_SCU_H

#include "devices/device.h"

/* Fields of SNSAC: the bit of CPU 0. */
typedef enum ScuPart { SCU_REGISTERS = 0, SCU_PRIVATE_TIMERS = 4, SCU_GLOBAL_TIMER = 8 } ScuPart;

/* Whether the access may reach the part: always if it is Secure, else as SNSAC says. scu may be NULL (no
 * limits). */
bool scu_allows(const Device *scu, ScuPart part, const RegAccess *access);

#endif
