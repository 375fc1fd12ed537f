/* The device engine: a device is a table of registers, a few functions, and a table of what else must be
 * saved.
 *
 * The engine looks registers up, applies write masks and write-1-to-clear, holds reset values, answers the
 * PrimeCell identification block, handles sub-word and unaligned access, reports accesses to unmodelled
 * registers once by name, traces every access (--log mmio), and calls update() after each write, reset, input
 * change and load. A device's register functions never drive a line themselves: update() recomputes every
 * output line from the state, so that no line can stick. See docs/adding-a-device.md. */
#ifndef ARMATURE_DEVICES_DEVICE_H
#define ARMATURE_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/i2c.h"
#include "devices/ps2.h"
#include "machine/audio.h"
#include "machine/balloon.h"
#include "machine/bus.h"
#include "machine/clock.h"
#include "machine/disk.h"
#include "machine/display.h"
#include "machine/error.h"
#include "machine/input.h"
#include "machine/irq.h"
#include "machine/log.h"
#include "machine/net.h"
#include "machine/serial.h"
#include "machine/share_port.h"

typedef struct Device Device;
typedef struct DeviceType DeviceType;

/* What the machine gives every device. */
typedef enum MachineRequest {
    REQUEST_POWER_OFF,
    REQUEST_REBOOT,
    REQUEST_RESET_CPU,
    REQUEST_EXIT /* end the run with DeviceEnv.exit_code, which is set before */
} MachineRequest;

/* The board's UARTs come first; then the virtio console, if there is one. */
enum { SERIAL_UARTS = 4, SERIAL_CONSOLE = SERIAL_UARTS, SERIAL_PORTS };

typedef struct DeviceEnv {
    Clock *clock;
    Log *log;
    Bus *bus; /* for DMA and for ROM devices */
    SerialPort serial[SERIAL_PORTS];
    Display *display;
    Input *input;
    AudioPort audio;
    DiskSlot disk[DISK_SLOTS];
    NetPort net[NET_PORTS];
    SharePort share[SHARES];
    BalloonPort balloon;
    I2cBus i2c[I2C_BUSES];
    Ps2Port ps2[PS2_PORTS];
    unsigned cpus;             /* 1 to 4 */
    const char *flash_path[2]; /* files behind the NOR flash banks, NULL = erased at power-on, not kept */
    uint32_t rtc_base;         /* seconds since 1970 at virtual time 0 */
    uint64_t seed;             /* what random numbers begin with that can be repeated */
    /* Fills bytes with what nobody can guess. NULL: there is no such thing, random numbers must be
     * repeatable. */
    void (*entropy)(uint8_t *bytes, size_t size);
    /* Asks the machine to stop or restart; takes effect after the current instruction. */
    void (*request)(void *machine, MachineRequest request);
    int exit_code;                           /* for REQUEST_EXIT */
    uint64_t (*instructions)(void *machine); /* begun by all CPUs; NULL: not known */
    /* The host has failed: one line for the user. NULL: nobody listens. */
    void (*trouble)(void *machine, const char *source, const char *text);
    void *machine;
} DeviceEnv;

/* One register access as a register function sees it. */
typedef struct RegAccess {
    uint32_t offset; /* of the register's word within the window */
    uint32_t index;  /* element number in an array row, else 0 */
    uint32_t lanes;  /* mask of the bits that the access touches: 0xffffffff for a word access */
    uint8_t cpu;     /* 0 to 3, BUS_DMA for other masters */
    bool secure;
    bool privileged;
    bool debug; /* no side effects wanted: a debugger or monitor looks */
} RegAccess;

/* What a register holds after a write of some of its bytes; value is zero in the others. */
static inline uint32_t reg_merged(uint32_t old, const RegAccess *access, uint32_t value)
{
    return (old & ~access->lanes) | value;
}

typedef enum RegKind {
    REG_RW,    /* stored; bits in `writable` take the written value */
    REG_RO,    /* writes are ignored and logged as guest errors */
    REG_WO,    /* reads as 0 (logged as guest error) unless there is a read function */
    REG_W1C,   /* stored; a 1 written to a bit in `writable` clears it */
    REG_W1S,   /* stored; a 1 written to a bit in `writable` sets it */
    REG_CONST, /* reads as `reset`, writes ignored without a word */
    REG_UNIMP  /* not modelled: reads as `reset`, logged once by name */
} RegKind;

enum {
    REG_READ_ACTS = 1, /* reading changes state: debug reads do not call the function */
    REG_TIMELESS = 2   /* what is read has nothing to do with the device's timers: a FIFO's next word, many
                          times a   frame; saves a look at the clock */
};

typedef struct RegDef {
    const char *name; /* as in the manual */
    uint32_t offset;  /* byte offset, multiple of 4 */
    RegKind kind;
    uint32_t at; /* AT(field): a uint32_t (array rows: uint32_t[count]); NO_STORE */
    uint32_t reset;
    uint32_t writable; /* mask of writable bits */
    /* NULL: the stored value. */
    uint32_t (*read)(Device *dev, const RegAccess *access);
    /* Called after the stored value has been changed; value is what was written, masked with `writable` and,
     * for sub-word accesses to stored registers, merged with the old value. NULL: nothing to do. */
    void (*written)(Device *dev, const RegAccess *access, uint32_t value);
    uint32_t count; /* array rows: number of registers, one every 4 bytes (0 means 1) */
    uint32_t flags;
} RegDef;

#define NO_STORE UINT32_MAX
/* Each device file defines `typedef struct { Device dev; ... } State;` with dev first, then uses AT(field).
 */
#define AT(field) ((uint32_t)offsetof(State, field))

/* Snapshot rows for state that no register row stores. */
typedef enum FieldKind {
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_U64, /* integers, `count` of them */
    FIELD_BOOL,
    FIELD_BYTES,    /* `count` bytes */
    FIELD_TIMER,    /* a Timer; saved as absolute virtual due time */
    FIELD_MEMORY,   /* DeviceMemory, `count` of them: size and bytes are saved */
    FIELD_TRANSIENT /* not saved; `reason` says why; `count` bytes */
} FieldKind;

typedef struct FieldDef {
    const char *name;
    FieldKind kind;
    uint32_t at;
    uint32_t count; /* elements (TRANSIENT and BYTES: bytes); 0 means 1 */
    uint32_t since; /* snapshot version of the device type that introduced it */
    /* TRANSIENT: why it need not be saved. Others: why hashes leave it out; NULL: they do not. */
    const char *reason;
} FieldDef;

/* Bytes whose number changes. The engine frees them with the device. */
typedef struct DeviceMemory {
    uint8_t *bytes; /* NULL if there are none */
    uint64_t size;
} DeviceMemory;

/* Gives it another size, with all bytes zero. False if the host has not so much; then it is empty. Size 0
 * frees it. */
bool device_memory_set(DeviceMemory *memory, uint64_t size);

#define FIELD(field, kind)                                                                                   \
    {                                                                                                        \
#field, kind, AT(field), 1, 1, NULL                                                                  \
    }
#define FIELD_ARRAY(field, kind, n)                                                                          \
    {                                                                                                        \
#field, kind, AT(field), n, 1, NULL                                                                  \
    }
/* Saved, but no part of hashes of the machine: it is the host's. */
#define FIELD_OF_HOST(field, kind, why)                                                                      \
    {                                                                                                        \
#field, kind, AT(field), 1, 1, why                                                                   \
    }
#define TRANSIENT(field, why)                                                                                \
    {                                                                                                        \
#field, FIELD_TRANSIENT, AT(field), sizeof(((State *)0)->field), 1, why                              \
    }

/* In a DeviceType: the file's tables, if they are called `regs` and `fields`. */
#define DEVICE_REGS .regs = regs, .reg_count = sizeof regs / sizeof *regs
#define DEVICE_FIELDS .fields = fields, .field_count = sizeof fields / sizeof *fields

enum { DEVICE_OUTPUTS = 40, DEVICE_PROPS = 4 };

/* Board-row properties; what index means what is said in the device's file. */
typedef struct DeviceProps {
    uint32_t value[DEVICE_PROPS];
} DeviceProps;

struct DeviceType {
    const char *name;    /* "pl011" */
    const char *summary; /* "UART, PrimeCell PL011 r1p5 (DDI 0183)" */
    size_t state_size;   /* sizeof(State) */
    uint32_t window;     /* bytes of address space: multiple of 4; power of two not needed */
    const RegDef *regs;
    unsigned reg_count;
    const FieldDef *fields;
    unsigned field_count;
    uint32_t version;   /* of the snapshot fields */
    uint32_t periph_id; /* PrimeCell PeriphID3..0 as one word (0x00041011), 0: no ID block at window end */
    uint32_t pcell_id;  /* 0 means the usual 0xB105F00D */
    unsigned inputs;    /* number of input lines */
    unsigned outputs;   /* number of output lines: dev->out[0 .. outputs-1] */
    /* All may be NULL. create() checks properties and sets up timers that do more than run update(), as those
     * of the field table do by themselves; the state is zeroed before. */
    bool (*create)(Device *dev, Error *err);
    void (*destroy)(Device *dev);
    void (*reset)(Device *dev);                             /* after the registers took their reset values */
    void (*update)(Device *dev);                            /* recompute all output lines */
    void (*input)(Device *dev, unsigned input, bool level); /* an input line changed */
    void (*saving)(
        Device *dev); /* state is about to be saved: brings fields up to date that are kept elsewhere */
    void (*loaded)(Device *dev); /* state was loaded from a snapshot */
    /* Before loaded(), for what types have in common: makes state that cannot be into some that can. */
    void (*sanitise)(Device *dev);
    /* Locks and security: asked before a register is read or written; false: it reads as 0, ignores the
     * write. */
    bool (*allows)(Device *dev, const RegAccess *access, bool write);
    /* Called before a register is written: brings state that follows from virtual time up to the present,
     * while the registers still have the values that it follows from. */
    void (*before_write)(Device *dev);
    /* The device is not in the address space: its window is what an I2C master reaches. */
    bool off_bus;
    /* For devices with host memory behind their window: makes a region that is about to be added (MMIO, with
     * base and size set) what the device needs. */
    void (*map)(Device *dev, Region *region);
    /* For windows that are not made of registers (flash, FIFO windows): takes the whole access. NULL:
     * registers. */
    const MmioOps *raw;
};

struct Device {
    const DeviceType *type;
    const char *name; /* instance: "uart0" */
    DeviceEnv *env;
    DeviceProps props;
    uint32_t base;
    Device *peer;   /* another device that this one is part of (set by the board's row), or NULL */
    Region *region; /* where the board mapped it; NULL until then */
    Region *alias;  /* a second place where the same device answers, or NULL */
    IrqLine out[DEVICE_OUTPUTS];
    const uint16_t *index;  /* offset/4 -> row + 1 (owned by the engine) */
    Timer **timers;         /* those among its fields, then NULL (owned by the engine) */
    uint64_t reads, writes; /* of registers, for statistics (owned by the engine) */
};

/* Creates a device; returns NULL with err set if create() refuses. A bad register table is a programming
 * error (assert): overlaps, offsets outside the window, reset bits in W1C rows and so on. */
Device *device_new(const DeviceType *type, const char *name, DeviceEnv *env, const DeviceProps *props,
                   uint32_t base, Error *err);
void device_free(Device *dev);

/* Registers take their reset values, then type->reset(), then update(). */
void device_reset(Device *dev);

/* All of its state, and that of all other devices, was loaded from a snapshot: what cannot be is mended, and
 * what follows from it is brought up to date. device_changed() of all devices comes after that. */
void device_loaded(Device *dev);

/* Drives an input line. */
void device_input(Device *dev, unsigned input, bool level);
/* The same with the signature of IrqLine.changed; opaque is the Device. */
void device_input_changed(void *dev, unsigned input, bool level);

/* To be called by timers and host-side events after they changed state: runs update(). */
void device_changed(Device *dev);

/* The MMIO entry points (opaque is the Device). */
extern const MmioOps device_mmio;

/* Reads a register without side effects, for monitors and tests. */
uint32_t device_peek(Device *dev, uint32_t offset, uint8_t cpu);

/* The row that answers at offset, NULL if none; *index is set to the element number (may be NULL). */
const RegDef *device_find_reg(const Device *dev, uint32_t offset, uint32_t *index);

static inline uint64_t device_now(const Device *dev)
{
    return clock_now(dev->env->clock);
}

/* All device types, from types.def; NULL if there is none of that name. */
const DeviceType *device_type_find(const char *name);
extern const DeviceType *const device_types[];
extern const unsigned device_type_count;

#endif
