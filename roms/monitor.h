/* The parts of the boot ROM. */
#ifndef ARMATURE_ROMS_MONITOR_H
#define ARMATURE_ROMS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "roms/boot_params.h"

/* What the loader wrote at the end of the ROM. */
const BootParams *boot_params(void);

/* start.S */
void rom_enter(uint32_t r0, uint32_t r1, uint32_t r2, uint32_t entry) __attribute__((noreturn));
uint32_t rom_call(uint32_t entry);

/* The prompt; never returns. */
void monitor_run(void) __attribute__((noreturn));

/* Reads a line with editing; the result has no newline and is at most size - 1 characters long. */
void line_read(char *line, unsigned size);

/* memtest.c: true if the memory is good. Ctrl-C stops it. */
bool memtest(uint32_t start, uint32_t bytes);

/* devices.c: lists the devices; shows the registers of one, false if there is none of that name. */
void devices_list(void);
bool device_show(const char *name);

/* Motherboard configuration functions (SYS_CFGCTRL). */
enum {
    CONFIG_OSCILLATOR = 1,
    CONFIG_DVI_SOURCE = 7,
    CONFIG_SHUTDOWN = 8,
    CONFIG_REBOOT = 9,
    CONFIG_DVI_MODE = 11
};
void config_write(unsigned function, unsigned device, uint32_t value);

bool text_equal(const char *a, const char *b);

static inline volatile uint32_t *word_at(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

#endif
