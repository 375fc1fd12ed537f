#include "devices/i2c.h"

#include <assert.h>
#include <stddef.h>

void i2c_attach(I2cBus *bus, const I2cSlave *slave)
{
    unsigned n = 0;
    assert(!i2c_find(bus, slave->address) && "two I2C slaves at one address");
    while (n < I2C_SLAVES && bus->slave[n])
        n++;
    assert(n < I2C_SLAVES);
    bus->slave[n] = slave;
}

void i2c_detach(I2cBus *bus, const I2cSlave *slave)
{
    for (unsigned n = 0; n < I2C_SLAVES; n++)
        if (bus->slave[n] == slave)
            bus->slave[n] = NULL;
}

const I2cSlave *i2c_find(const I2cBus *bus, uint8_t address)
{
    for (unsigned n = 0; n < I2C_SLAVES; n++)
        if (bus->slave[n] && bus->slave[n]->address == address)
            return bus->slave[n];
    return NULL;
}
