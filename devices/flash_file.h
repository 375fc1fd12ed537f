/* The file behind a bank of NOR flash. The contents are memory of our own, which is written back: of a mapped
 * file, what the host cannot store or read (a full disk, a bad one, a file cut off) would end the process. */
#ifndef ARMATURE_DEVICES_FLASH_FILE_H
#define ARMATURE_DEVICES_FLASH_FILE_H

#include "devices/device.h"

typedef struct FlashFile {
    int fd; /* -1: nothing is kept */
    const char *path;
    Device *dev;         /* whose contents they are */
    uint32_t first, end; /* bytes that differ from the file, perhaps; first == end: none */
    bool told;           /* the user knows that they cannot be written */
} FlashFile;

/* `size` bytes of memory with what is in the file (path NULL: none), the rest erased (ones); to be unmapped
 * by whoever asked. A file as large as that, which can be written, is kept open and locked. NULL with err
 * set. */
uint8_t *flash_file_open(FlashFile *file, Device *dev, const char *path, uint32_t size, Error *err);

/* The contents have changed in [offset, offset + length). */
void flash_file_changed(FlashFile *file, const uint8_t *contents, uint32_t offset, uint32_t length);

/* Writes what has changed. When the host fails, the user is told once, and the next time it is tried again.
 */
void flash_file_store(FlashFile *file, const uint8_t *contents);

/* Writes whatever differs from the file, also what others have put into the contents, and closes it. */
void flash_file_close(FlashFile *file, const uint8_t *contents, uint32_t size);

#endif
