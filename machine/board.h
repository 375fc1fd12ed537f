/* A board is a table: memory, devices, and which line goes where. machine_build.c builds whatever the table
 * says.
 */
#ifndef ARMATURE_MACHINE_BOARD_H
#define ARMATURE_MACHINE_BOARD_H

#include "machine/bus.h"
#include "devices/device.h"

enum { BOARD_LINES = 9 };

typedef enum BoardStore { STORE_RAM, STORE_ROM, STORE_VRAM, STORE_PSRAM, STORES } BoardStore;

/* What is at address 0 changes: the boot memory at reset, RAM after software asked for the remap. */
typedef enum BoardRemap { REMAP_EITHER, REMAP_BEFORE, REMAP_AFTER } BoardRemap;

typedef struct BoardMemory {
    const char *name;
    uint32_t base;
    uint32_t size; /* bytes at most; 0: as large as the store */
    RegionKind kind;
    BoardStore store; /* which host memory is behind it; several rows with one store are aliases */
    BoardRemap when;  /* when it is mapped */
} BoardMemory;

/* An output of a device and the input that it drives: of the interrupt controller, or of another device. */
typedef struct BoardLine {
    uint8_t output;
    uint8_t input;
    const char *device; /* name of the row, NULL: the interrupt controller */
} BoardLine;

/* What some rows are only there for; see MachineOptions. */
typedef enum BoardOption {
    BOARD_ALWAYS,
    BOARD_TEST_DEVICE,
    BOARD_GPU,
    BOARD_DISK,  /* virtio disk number `number` */
    BOARD_NET,   /* virtio network controller number `number` */
    BOARD_SHARE, /* shared folder number `number` */
    BOARD_RNG,
    BOARD_CONSOLE,
    BOARD_BALLOON
} BoardOption;

typedef struct BoardDevice {
    const char *type, *name;
    uint32_t base;
    const char *peer; /* name of an earlier row, see Device.peer */
    DeviceProps props;
    BoardLine line[BOARD_LINES];
    uint8_t lines;
    BoardOption option; /* when the row is there */
    uint8_t number;     /* of its kind */
} BoardDevice;

typedef struct Board {
    const char *name;
    const BoardMemory *memory;
    unsigned memory_count;
    const BoardDevice *device;
    unsigned device_count;
    const char *interrupt_controller; /* name of its row; its outputs 2n and 2n+1 are IRQ and FIQ of CPU n */
    const char
        *boot_flash;     /* name of the row that is at address 0 before the remap if there is no boot ROM */
    const char *console; /* name of the UART whose port is the first */
    const char *test_device;  /* name of the test device's row */
    const char *remap_device; /* name of the row whose output remap_output asks for the remap */
    uint8_t remap_output;
    uint32_t store_size[STORES]; /* bytes; STORE_RAM: the largest that the board takes */
    uint8_t pmu_line[4];         /* interrupt controller inputs of the CPUs' performance monitors */
} Board;

extern const Board vexpress_a9;

#endif
