/* An I2C bus: a master that a device drives, and the slaves that listen.
 *
 * Buses belong to the machine (DeviceEnv.i2c). A slave device attaches itself in create() and detaches in
 * destroy(); a master calls the slaves' functions. */
#ifndef ARMATURE_DEVICES_I2C_H
#define ARMATURE_DEVICES_I2C_H

#include <stdbool.h>
#include <stdint.h>

typedef struct I2cSlave {
    uint8_t address; /* 7 bits */
    void *opaque;
    /* The master addressed this slave: true acknowledges. With reading, read() follows, else written(). */
    bool (*start)(void *opaque, bool reading);
    /* A byte from the master: true acknowledges. */
    bool (*written)(void *opaque, uint8_t byte);
    /* The next byte for the master. */
    uint8_t (*read)(void *opaque);
} I2cSlave;

enum { I2C_BUSES = 2, I2C_SLAVES = 8 };

typedef struct I2cBus {
    const I2cSlave *slave[I2C_SLAVES]; /* NULL = free */
} I2cBus;

/* Not more than I2C_SLAVES fit on a bus, and addresses differ (assert). */
void i2c_attach(I2cBus *bus, const I2cSlave *slave);
void i2c_detach(I2cBus *bus, const I2cSlave *slave);

/* The slave with that address, NULL if none. */
const I2cSlave *i2c_find(const I2cBus *bus, uint8_t address);

#endif
