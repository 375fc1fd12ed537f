#include "tests/fuzz/images.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "roms/rom.h"

static void put32(FuzzImage *image, size_t at, uint32_t value)
{
    if (at + 4 <= IMAGE_ROOM)
        memcpy(image->data + at, &value, 4);
}

static void put32_be(FuzzImage *image, size_t at, uint32_t value)
{
    put32(image, at, __builtin_bswap32(value));
}

static void start(FuzzImage *image, size_t size)
{
    memset(image->data, 0, sizeof image->data);
    image->size = size;
}

/* ---- Kernels ---------------------------------------------------------------------------------------- */

/* "mov r0, r0" and the like: what looks like a program. */
static void fill_with_code(FuzzImage *image, size_t from)
{
    for (size_t at = from; at + 4 <= image->size; at += 4)
        put32(image, at, 0xe1a00000 | (uint32_t)(at & 0xf) << 12);
}

static void make_zimage(FuzzImage *image)
{
    start(image, 0x800);
    fill_with_code(image, 0);
    put32(image, 0x24, 0x016f2818);
    put32(image, 0x28, 0);
    put32(image, 0x2c, 0x800);
    put32(image, 0x30, 0x04030201);
    put32(image, 0x34, 0x45454545);
    put32(image, 0x38, 0x100);
    put32(image, 0x100, 2);
    put32(image, 0x104, 0x12345678);
    put32(image, 0x108, 6);
    put32(image, 0x10c, 0x5a534c4b);
    put32(image, 0x110, 0x7fc);
    put32(image, 0x114, 0x5000);
    put32(image, 0x118, 0x8000);
    put32(image, 0x7fc, 0x10000);
}

static void make_linux_image(FuzzImage *image)
{
    start(image, 0x400);
    fill_with_code(image, 0);
    put32(image, 0, 0xe10f9000);
    put32(image, 4, 0xe229901a);
    put32(image, 8, 0xe319001f);
    put32(image, 0x40, 0xe59fd0b8); /* ldr r13, =__mmap_switched */
    put32(image, 0x100, 0xc0008200);
    put32(image, 0x200, 0xe1a07001);
    put32(image, 0x204, 0xe1a08002);
    put32(image, 0x208, 0xe1a0a000);
}

static void make_raw(FuzzImage *image)
{
    start(image, 0x400);
    fill_with_code(image, 0);
    for (unsigned n = 0; n < 8; n++) {
        put32(image, 4 * n, 0xe59ff018);
        put32(image, 0x20 + 4 * n, 0x60010100 + 4 * n);
    }
}

static void make_elf(FuzzImage *image)
{
    enum { SEGMENTS = 3, DATA = sizeof(Elf32_Ehdr) + SEGMENTS * sizeof(Elf32_Phdr) };
    Elf32_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_ARM,
        .e_entry = 0x60010000,
        .e_phoff = sizeof header,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = SEGMENTS
    };
    start(image, DATA + SEGMENTS * 0x100);
    fill_with_code(image, DATA);
    memcpy(image->data, &header, sizeof header);
    for (unsigned n = 0; n < SEGMENTS; n++) {
        Elf32_Phdr segment = {.p_type = PT_LOAD,
                              .p_offset = DATA + n * 0x100,
                              .p_vaddr = 0x60010000 + n * 0x1000,
                              .p_paddr = 0x60010000 + n * 0x1000,
                              .p_filesz = 0x100,
                              .p_memsz = n == 2 ? 0x800 : 0x100};
        memcpy(image->data + sizeof header + n * sizeof segment, &segment, sizeof segment);
    }
}

static void make_uncompressed_linux(FuzzImage *image)
{
    make_elf(image);
    size_t code = sizeof(Elf32_Ehdr) + 3 * sizeof(Elf32_Phdr);
    put32(image, code, 0xe10f9000);
    put32(image, code + 4, 0xe229901a);
    put32(image, code + 8, 0xe319001f);
}

/* ---- uImages ---------------------------------------------------------------------------------------- */

enum { HEADER = 64, TYPE = 30, COMPRESSION = 31 };

static void fix_uimage(FuzzImage *image)
{
    if (image->size < HEADER)
        return;
    put32_be(image, 12, (uint32_t)(image->size - HEADER));
    put32_be(image, 24, (uint32_t)crc32(0, image->data + HEADER, (uInt)(image->size - HEADER)));
    put32(image, 4, 0);
    put32_be(image, 4, (uint32_t)crc32(0, image->data, HEADER));
}

/* Puts a header before what the image holds. */
static void wrap(FuzzImage *image, unsigned type, unsigned compression, uint32_t load)
{
    memmove(image->data + HEADER, image->data, image->size);
    memset(image->data, 0, HEADER);
    image->size += HEADER;
    put32(image, 0, 0x56190527);
    put32_be(image, 16, load);
    put32_be(image, 20, load);
    image->data[28] = 5;
    image->data[29] = 2;
    image->data[TYPE] = (uint8_t)type;
    image->data[COMPRESSION] = (uint8_t)compression;
    fix_uimage(image);
}

static void compress_image(FuzzImage *image)
{
    static uint8_t packed[IMAGE_ROOM];
    z_stream z = {.next_in = image->data,
                  .avail_in = (uInt)image->size,
                  .next_out = packed,
                  .avail_out = sizeof packed - HEADER};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    start(image, z.total_out);
    memcpy(image->data, packed, z.total_out);
}

static void make_uimage(FuzzImage *image)
{
    make_raw(image);
    wrap(image, 2, 0, 0x60008000);
}

static void make_uimage_gzip(FuzzImage *image)
{
    make_raw(image);
    compress_image(image);
    wrap(image, 2, 1, 0x60008000);
}

static void make_uimage_noload(FuzzImage *image)
{
    make_zimage(image);
    wrap(image, 14, 0, 0);
}

static void make_uimage_noload_gzip(FuzzImage *image)
{
    make_zimage(image);
    compress_image(image);
    wrap(image, 14, 1, 0);
}

/* ---- initrds and device trees ----------------------------------------------------------------------- */

static void make_cpio(FuzzImage *image)
{
    start(image, 0x400);
    memcpy(image->data, "070701", 6);
    memcpy(image->data + 0x300, "TRAILER!!!", 11);
}

static void make_cpio_gzip(FuzzImage *image)
{
    start(image, 0x8000);
    Random random = {1};
    for (size_t at = 0; at < 0x1000; at += 4)
        put32(image, at, random_next(&random));
    compress_image(image);
}

static void make_uimage_initrd(FuzzImage *image)
{
    make_cpio(image);
    wrap(image, 3, 0, 0);
}

static void make_tree(FuzzImage *image)
{
    start(image, (size_t)(rom_device_tree_end - rom_device_tree));
    memcpy(image->data, rom_device_tree, image->size);
}

const ImageKind image_kinds[] = {
    {"zImage",                 USE_KERNEL, make_zimage            },
    {"Image",                  USE_KERNEL, make_linux_image       },
    {"raw program",            USE_KERNEL, make_raw               },
    {"ELF",                    USE_KERNEL, make_elf               },
    {"ELF Linux",              USE_KERNEL, make_uncompressed_linux},
    {"uImage",                 USE_KERNEL, make_uimage            },
    {"uImage, gzip",           USE_KERNEL, make_uimage_gzip       },
    {"uImage, anywhere",       USE_KERNEL, make_uimage_noload     },
    {"uImage, anywhere, gzip", USE_KERNEL, make_uimage_noload_gzip},
    {"cpio",                   USE_INITRD, make_cpio              },
    {"cpio, gzip",             USE_INITRD, make_cpio_gzip         },
    {"uImage of an initrd",    USE_INITRD, make_uimage_initrd     },
    {"device tree",            USE_TREE,   make_tree              },
};

const unsigned image_kind_count = sizeof image_kinds / sizeof *image_kinds;

/* ---- Spoiling --------------------------------------------------------------------------------------- */

static void spoil_once(FuzzImage *image, Random *random)
{
    /* Headers are where the interesting bytes are. */
    uint32_t reach = random_one_in(random, 2) && image->size > 0x180 ? 0x180 : (uint32_t)image->size;
    uint32_t at = random_below(random, reach);
    switch (random_below(random, 8)) {
    case 0:
        image->data[at] = (uint8_t)random_next(random);
        break;
    case 1:
        image->data[at] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 2:
        put32(image, at & ~3u, random_value(random));
        break;
    case 3:
        put32_be(image, at & ~3u, random_value(random));
        break;
    case 4:
        image->size = at ? at : 1;
        break;
    case 5: /* addresses of this board */
        put32(image, at & ~3u, 0x60000000 + random_value(random) % 0x2000000);
        break;
    case 6: /* sizes near that of the file */
        put32(image, at & ~3u, (uint32_t)image->size + random_below(random, 9) - 4);
        break;
    default:
        memmove(image->data + at, image->data + random_below(random, IMAGE_ROOM / 2),
                random_below(random, 64));
        break;
    }
}

void image_spoil(FuzzImage *image, Random *random)
{
    unsigned changes = 1 + random_below(random, 4);
    for (unsigned n = 0; n < changes; n++)
        spoil_once(image, random);
    if (image->data[0] == 0x27 && random_one_in(random, 2))
        fix_uimage(image);
}
