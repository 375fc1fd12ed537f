/* Recognises what a user hands over as a kernel or an initrd, by its contents. Private to machine/. */
#ifndef ARMATURE_MACHINE_BOOT_IMAGE_H
#define ARMATURE_MACHINE_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

/* Numbers at any address of a file. */
static inline uint32_t le32(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint32_t be32(const uint8_t *at)
{
    return at[3] | at[2] << 8 | at[1] << 16 | (uint32_t)at[0] << 24;
}

static inline uint32_t word_or_0(const uint8_t *data, size_t size, size_t offset)
{
    return offset + 4 <= size ? le32(data + offset) : 0;
}

/* A file's contents; read-only. */
typedef struct FileView {
    const char *path;
    const uint8_t *data;
    size_t size;
    bool mapped; /* else allocated */
} FileView;

/* what: "kernel", "initrd", ... for the message. Pipes can be read too. */
bool file_open(FileView *file, const char *what, const char *path, Error *err);
/* An open file, whose descriptor stays the caller's. name is for messages, as long as the file is used. */
bool file_view(FileView *file, const char *what, const char *name, int fd, Error *err);
void file_close(FileView *file);

enum { IMAGE_MAX_PARTS = 16 };

typedef struct ImagePart {
    uint32_t address;
    const uint8_t *data;
    uint32_t size;
    uint32_t memory_size; /* >= size; the rest is cleared */
} ImagePart;

typedef struct Image {
    const char *format; /* "zImage", for messages and the log */
    bool linux_kernel;  /* wants a device tree and a command line */
    bool placed;        /* parts and entry hold addresses; else there is one part and the loader chooses */
    ImagePart part[IMAGE_MAX_PARTS];
    unsigned parts;
    uint32_t entry;       /* not placed: relative to the part */
    uint32_t text_offset; /* not placed: where after the start of RAM the part wants to be; 0 for a zImage */
    uint32_t unpacked;    /* zImage: it unpacks itself into this many bytes at the start of RAM */
    uint8_t *owned;       /* data of the parts, if it is not in the file */
} Image;

/* The file must stay open as long as the image is used. ram_base is where the board's RAM begins. */
bool image_recognise(Image *image, const FileView *file, uint32_t ram_base, uint64_t ram_size, Error *err);
void image_free(Image *image);

/* The useful part of an initrd file. false if it is surely none; *warning is set (else NULL) if it looks odd.
 */
bool initrd_recognise(const FileView *file, const uint8_t **data, size_t *size, const char **warning,
                      Error *err);

/* "an ELF file for x86-64", "gzip-compressed data", NULL if the contents are unknown. */
const char *image_describe(const uint8_t *data, size_t size);

#endif
