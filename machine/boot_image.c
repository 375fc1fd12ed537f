/* Recognises kernels, programs and initrds by their contents. */
#define _GNU_SOURCE
#include "machine/boot_image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Where raw programs are linked to for this board (U-Boot's and other systems' linker scripts, and their
 * peers). */
enum { RAW_OFFSET = 0x10000 };

/* Linux runs its own head code at the start of RAM plus this. */
enum { LINUX_TEXT_OFFSET = 0x8000, MOST_TEXT_OFFSET = 64 << 20, PAGE_BYTES = 4096 };

/* ---- ELF ------------------------------------------------------------------------------------- */

/* The first instructions of arch/arm/kernel/head.S: "mrs r9, cpsr; eor r9, r9, #0x1a; tst r9, #0x1f", after
 * an optional branch for hypervisors; or the switch to Thumb of a Thumb-2 kernel. */
static bool is_linux_head(const uint8_t *data, size_t size)
{
    static const uint8_t svc_mode[] = {0x00, 0x90, 0x0f, 0xe1, 0x1a, 0x90,
                                       0x29, 0xe2, 0x1f, 0x00, 0x19, 0xe3};
    static const uint8_t to_thumb[] = {0x01, 0x90, 0x8f, 0xe2, 0x19, 0xff, 0x2f, 0xe1};
    size_t most = size < 64 ? size : 64;
    return memmem(data, most, svc_mode, sizeof svc_mode) || memmem(data, most, to_thumb, sizeof to_thumb);
}

static bool elf_part(Image *image, const FileView *file, const Elf32_Phdr *ph, Error *err)
{
    if (image->parts == IMAGE_MAX_PARTS)
        return error_set(err, "kernel %s has more than %d segments", file->path, IMAGE_MAX_PARTS);
    if ((uint64_t)ph->p_offset + ph->p_filesz > file->size)
        return error_set(err, "kernel %s is truncated: a segment ends at byte %llu, the file at %zu",
                         file->path, (unsigned long long)ph->p_offset + ph->p_filesz, file->size);
    if (ph->p_memsz < ph->p_filesz || (uint64_t)ph->p_paddr + ph->p_memsz > UINT32_MAX)
        return error_set(err, "kernel %s is damaged: segment at 0x%08x has an impossible size", file->path,
                         ph->p_paddr);
    image->part[image->parts++] = (ImagePart){.address = ph->p_paddr,
                                              .data = file->data + ph->p_offset,
                                              .size = ph->p_filesz,
                                              .memory_size = ph->p_memsz};
    if (image->entry - ph->p_vaddr < ph->p_memsz && !image->placed) {
        image->entry += ph->p_paddr - ph->p_vaddr;
        image->placed = true;
    }
    return true;
}

/* An uncompressed Linux kernel is linked to its virtual addresses and runs at the same offset from the start
 * of RAM; a position-independent program without an address of its own goes where raw programs go. */
static void elf_relocate(Image *image, bool dynamic, uint32_t ram_base)
{
    for (unsigned i = 0; i < image->parts; i++) {
        ImagePart *part = &image->part[i];
        if (image->entry - part->address < part->size)
            image->linux_kernel = is_linux_head(part->data + (image->entry - part->address),
                                                part->size - (image->entry - part->address));
    }
    bool low = dynamic;
    for (unsigned i = 0; i < image->parts; i++)
        low &= image->part[i].address < ram_base;
    for (unsigned i = 0; i < image->parts; i++) {
        uint32_t *address = &image->part[i].address;
        if (image->linux_kernel)
            *address = ram_base + (*address & 0x0fffffff);
        else if (low)
            *address += ram_base + RAW_OFFSET;
    }
    if (image->linux_kernel)
        image->entry = ram_base + (image->entry & 0x0fffffff);
    else if (low)
        image->entry += ram_base + RAW_OFFSET;
}

static bool recognise_elf(Image *image, const FileView *file, uint32_t ram_base, Error *err)
{
    Elf32_Ehdr header;
    if (file->size < sizeof header)
        return error_set(err, "kernel %s is a truncated ELF file", file->path);
    memcpy(&header, file->data, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_ARM)
        return error_set(err, "kernel %s is %s; this machine is a 32-bit little-endian Arm", file->path,
                         image_describe(file->data, file->size));
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return error_set(err, "kernel %s is an ELF object file, not a linked program", file->path);
    if (header.e_phentsize < sizeof(Elf32_Phdr) ||
        (uint64_t)header.e_phoff + (uint64_t)header.e_phnum * header.e_phentsize > file->size)
        return error_set(err, "kernel %s is truncated: its ELF program headers are missing", file->path);
    image->format = "ELF";
    image->entry = header.e_entry;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr ph;
        memcpy(&ph, file->data + header.e_phoff + i * header.e_phentsize, sizeof ph);
        if (ph.p_type == PT_LOAD && ph.p_memsz && !elf_part(image, file, &ph, err))
            return false;
    }
    if (!image->parts)
        return error_set(err, "kernel %s is an ELF file with nothing to load", file->path);
    image->placed = true;
    elf_relocate(image, header.e_type == ET_DYN, ram_base);
    return true;
}

/* ---- zImage ---------------------------------------------------------------------------------- */

enum {
    ZIMAGE_MAGIC = 0x016f2818,
    ZIMAGE_MAGIC_BE = 0x18286f01,
    ZIMAGE_TABLE = 0x45454545,
    TAG_SIZES = 0x5a534c4b
};

/* Kernels since 4.15 say how much memory they unpack into; for older ones, more than any had. */
static uint32_t zimage_unpacked(const uint8_t *data, size_t size)
{
    const uint32_t unknown = 32 << 20;
    if (word_or_0(data, size, 0x34) != ZIMAGE_TABLE)
        return unknown;
    for (size_t tag = word_or_0(data, size, 0x38); tag + 24 <= size;) {
        uint32_t words = le32(data + tag);
        if (!words)
            break;
        if (le32(data + tag + 4) == TAG_SIZES && words >= 6) {
            uint64_t image = word_or_0(data, size, le32(data + tag + 8));
            uint64_t total = image + le32(data + tag + 12) + le32(data + tag + 16);
            return image && total < 0x08000000 ? (uint32_t)total : unknown;
        }
        tag += 4 * (size_t)words;
    }
    return unknown;
}

static bool recognise_zimage(Image *image, const char *path, const uint8_t *data, size_t size, Error *err)
{
    if (le32(data + 0x24) == ZIMAGE_MAGIC_BE || word_or_0(data, size, 0x30) == 0x01020304)
        return error_set(err, "kernel %s is a zImage for big-endian Arm; this machine is little-endian",
                         path);
    uint32_t start = word_or_0(data, size, 0x28), end = word_or_0(data, size, 0x2c);
    if (end < start || end - start < 0x40)
        return error_set(err, "kernel %s is damaged: its zImage header says it ends at 0x%x before it starts",
                         path, end);
    if (end - start > size)
        return error_set(err, "kernel %s is truncated: its zImage header says %u bytes, there are %zu", path,
                         end - start, size);
    image->format = "zImage";
    image->linux_kernel = true;
    image->unpacked = zimage_unpacked(data, size);
    image->part[image->parts++] =
        (ImagePart){.data = data, .size = (uint32_t)size, .memory_size = (uint32_t)size};
    return true;
}

/* ---- Raw ------------------------------------------------------------------------------------- */

/* A program that starts with the exception vectors "ldr pc, [pc, #..]" holds the handlers' addresses behind
 * them: they tell where it is linked to. Returns 0 if it does not start so. */
static uint32_t linked_at(const uint8_t *data, size_t size, uint32_t ram_base, uint64_t ram_size)
{
    uint32_t lowest = UINT32_MAX;
    unsigned vectors = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t insn = word_or_0(data, size, 4 * i);
        if ((insn & 0xfffff000) != 0xe59ff000)
            continue;
        uint32_t handler = word_or_0(data, size, 4 * i + 8 + (insn & 0xfff));
        if (handler - ram_base >= ram_size)
            return 0;
        vectors++;
        lowest = handler < lowest ? handler : lowest;
    }
    return vectors >= 5 ? lowest & 0xffff0000 : 0;
}

/* Multi-platform kernels are linked to more than 32 KiB from the start of RAM. head.S holds __mmap_switched's
 * virtual address ("ldr r13, =__mmap_switched"), and that function's first instructions tell where it is in
 * the file. */
static uint32_t linux_text_offset(const uint8_t *data, size_t size)
{
    static const uint8_t mmap_switched[] = {0x01, 0x70, 0xa0, 0xe1, 0x02, 0x80,
                                            0xa0, 0xe1, 0x00, 0xa0, 0xa0, 0xe1};
    const uint8_t *at = memmem(data, size, mmap_switched, sizeof mmap_switched);
    for (size_t i = 0; at && i < 0x400; i += 4) {
        uint32_t insn = word_or_0(data, size, i);
        if ((insn & 0xfffff000) != 0xe59fd000)
            continue;
        uint32_t text = word_or_0(data, size, i + 8 + (insn & 0xfff)) - (uint32_t)(at - data);
        uint32_t offset = text & 0x0fffffff;
        if (text % PAGE_BYTES == 0 && offset >= LINUX_TEXT_OFFSET && offset < MOST_TEXT_OFFSET)
            return offset;
    }
    return LINUX_TEXT_OFFSET;
}

/* Most instructions of Arm code are executed always: condition 0b1110. */
static bool looks_like_code(const uint8_t *data, size_t size)
{
    unsigned always = 0, words = 0;
    for (; words < 64 && 4 * words + 4 <= size; words++)
        always += data[4 * words + 3] >> 4 == 0xe;
    return words && 4 * always >= words;
}

static bool recognise_raw(Image *image, const char *path, const uint8_t *data, size_t size, uint32_t ram_base,
                          uint64_t ram_size, Error *err)
{
    const char *other = image_describe(data, size);
    if (other)
        return error_set(err,
                         "kernel %s is %s; this machine runs a zImage, Image, uImage, ELF or raw program for "
                         "32-bit Arm",
                         path, other);
    image->part[image->parts++] =
        (ImagePart){.data = data, .size = (uint32_t)size, .memory_size = (uint32_t)size};
    if (is_linux_head(data, size)) {
        image->format = "Image";
        image->linux_kernel = true;
        image->text_offset = linux_text_offset(data, size);
        return true;
    }
    if (!looks_like_code(data, size))
        return error_set(
            err,
            "kernel %s is of no known format and does not look like Arm code; to run it all the same, "
            "use --load %s@ADDRESS --entry ADDRESS",
            path, path);
    image->format = "raw program";
    uint32_t linked = linked_at(data, size, ram_base, ram_size);
    image->text_offset = linked ? linked - ram_base : RAW_OFFSET;
    return true;
}

/* ---- uImage ---------------------------------------------------------------------------------- */

enum { UIMAGE_MAGIC = 0x27051956, UIMAGE_HEADER = 64 };
enum { UIMAGE_OS_LINUX = 5, UIMAGE_ARCH_ARM = 2 };
enum { UIMAGE_STANDALONE = 1, UIMAGE_KERNEL = 2, UIMAGE_RAMDISK = 3, UIMAGE_KERNEL_NOLOAD = 14 };

typedef struct UImage {
    uint32_t load, entry;
    uint8_t os, arch, type, compression;
    const uint8_t *data;
    uint32_t size;
} UImage;

static const char *uimage_arch(unsigned arch)
{
    static const char *const names[] = {
        [1] = "Alpha",       [2] = "Arm",         [3] = "x86",           [4] = "Itanium",
        [5] = "MIPS",        [6] = "64-bit MIPS", [7] = "PowerPC",       [8] = "S/390",
        [9] = "SuperH",      [10] = "SPARC",      [11] = "64-bit SPARC", [12] = "Motorola 68000",
        [14] = "MicroBlaze", [15] = "Nios II",    [16] = "Blackfin",     [17] = "AVR32",
        [20] = "Sandbox",    [21] = "ARC",        [22] = "AArch64",      [23] = "Arc",
        [24] = "x86-64",     [25] = "Xtensa",     [26] = "RISC-V",
    };
    return arch < sizeof names / sizeof *names && names[arch] ? names[arch] : "an unknown architecture";
}

static bool is_uimage(const uint8_t *data, size_t size)
{
    return size >= UIMAGE_HEADER && be32(data) == UIMAGE_MAGIC;
}

/* what: "kernel" or "initrd". */
static bool parse_uimage(UImage *u, const char *what, const char *path, const uint8_t *data, size_t size,
                         Error *err)
{
    uint8_t header[UIMAGE_HEADER];
    memcpy(header, data, sizeof header);
    memset(header + 4, 0, 4); /* the header's checksum is made with this field zero */
    if (crc32(0, header, sizeof header) != be32(data + 4))
        return error_set(err, "%s %s is damaged: the checksum of its uImage header is wrong", what, path);
    *u = (UImage){.load = be32(data + 16),
                  .entry = be32(data + 20),
                  .os = data[28],
                  .arch = data[29],
                  .type = data[30],
                  .compression = data[31],
                  .data = data + UIMAGE_HEADER,
                  .size = be32(data + 12)};
    if (u->size > size - UIMAGE_HEADER)
        return error_set(err, "%s %s is truncated: its uImage header says %u bytes of data, there are %zu",
                         what, path, u->size, size - UIMAGE_HEADER);
    if (crc32(0, u->data, u->size) != be32(data + 24))
        return error_set(err, "%s %s is damaged: the checksum of the uImage's data is wrong", what, path);
    if (u->arch != UIMAGE_ARCH_ARM)
        return error_set(err, "%s %s is a uImage for %s; this machine is a 32-bit Arm", what, path,
                         uimage_arch(u->arch));
    return true;
}

/* Inflates the data; at most `most` bytes. */
static bool inflate_all(Image *image, UImage *u, const char *path, uint64_t most, Error *err)
{
    z_stream z = {.next_in = (Bytef *)u->data, .avail_in = u->size};
    size_t capacity = 4 * (size_t)u->size + 65536;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        abort();
    int status = Z_OK;
    while (status == Z_OK && z.total_out < most) {
        capacity *= image->owned ? 2 : 1;
        uint8_t *more = realloc(image->owned, capacity);
        if (!more)
            abort();
        image->owned = more;
        z.next_out = more + z.total_out;
        z.avail_out = (uInt)(capacity - z.total_out);
        status = inflate(&z, Z_NO_FLUSH);
    }
    u->data = image->owned;
    u->size = (uint32_t)z.total_out;
    inflateEnd(&z);
    if (status == Z_OK)
        return error_set(err, "kernel %s unpacks to more than the machine's memory", path);
    if (status != Z_STREAM_END)
        return error_set(err, "kernel %s is damaged: its gzip data cannot be unpacked", path);
    return true;
}

static bool recognise_uimage(Image *image, const FileView *file, uint32_t ram_base, uint64_t ram_size,
                             Error *err)
{
    UImage u;
    if (!parse_uimage(&u, "kernel", file->path, file->data, file->size, err))
        return false;
    if (u.type == UIMAGE_RAMDISK)
        return error_set(err, "kernel %s is a uImage of an initrd: give it with --initrd", file->path);
    if (u.type != UIMAGE_KERNEL && u.type != UIMAGE_STANDALONE && u.type != UIMAGE_KERNEL_NOLOAD)
        return error_set(err,
                         "kernel %s is a uImage, but neither a kernel nor a standalone program (type %u)",
                         file->path, u.type);
    if (u.compression > 1)
        return error_set(err, "kernel %s is a uImage with a compression other than gzip (number %u)",
                         file->path, u.compression);
    if (u.compression == 1 && !inflate_all(image, &u, file->path, ram_size, err))
        return false;
    if (u.type == UIMAGE_KERNEL_NOLOAD || u.load == UINT32_MAX) {
        /* It runs wherever it is: as what it contains. */
        if (word_or_0(u.data, u.size, 0x24) == ZIMAGE_MAGIC)
            return recognise_zimage(image, file->path, u.data, u.size, err);
        return recognise_raw(image, file->path, u.data, u.size, ram_base, ram_size, err);
    }
    image->format = "uImage";
    image->placed = true;
    image->linux_kernel = u.os == UIMAGE_OS_LINUX && u.type == UIMAGE_KERNEL;
    image->entry = u.entry;
    image->part[image->parts++] =
        (ImagePart){.address = u.load, .data = u.data, .size = u.size, .memory_size = u.size};
    return true;
}

bool image_recognise(Image *image, const FileView *file, uint32_t ram_base, uint64_t ram_size, Error *err)
{
    *image = (Image){0};
    if (file->size > ram_size)
        return error_set(err, "kernel %s is larger (%zu bytes) than the machine's memory (%llu MiB)",
                         file->path, file->size, (unsigned long long)ram_size >> 20);
    bool ok;
    uint32_t magic = word_or_0(file->data, file->size, 0x24);
    if (file->size >= 4 && !memcmp(file->data, ELFMAG, SELFMAG))
        ok = recognise_elf(image, file, ram_base, err);
    else if (is_uimage(file->data, file->size))
        ok = recognise_uimage(image, file, ram_base, ram_size, err);
    else if (magic == ZIMAGE_MAGIC || magic == ZIMAGE_MAGIC_BE)
        ok = recognise_zimage(image, file->path, file->data, file->size, err);
    else
        ok = recognise_raw(image, file->path, file->data, file->size, ram_base, ram_size, err);
    if (!ok)
        image_free(image);
    return ok;
}

void image_free(Image *image)
{
    free(image->owned);
    *image = (Image){0};
}

/* ---- initrd ---------------------------------------------------------------------------------- */

static bool starts_with(const uint8_t *data, size_t size, const char *magic, size_t length)
{
    return size >= length && !memcmp(data, magic, length);
}

/* A gzip file ends with its unpacked size. An initramfs is a cpio archive: a multiple of 4 bytes, and not
 * much smaller or vastly larger than what it was packed into. Zeros at the end are padding, which says
 * nothing. */
static bool gzip_end_fits(const uint8_t *data, size_t size)
{
    uint32_t unpacked = le32(data + size - 4);
    return !unpacked || (unpacked % 4 == 0 && unpacked >= size - size / 4 && unpacked / 64 < size);
}

/* The name of a cpio archive's last entry; usually near the end of the file. */
static bool has_trailer(const uint8_t *data, size_t size)
{
    const char name[] = "TRAILER!!!";
    size_t end = size < 65536 ? size : 65536;
    return memmem(data + size - end, end, name, sizeof name) || memmem(data, size, name, sizeof name);
}

static const char *initrd_warning(const uint8_t *data, size_t size)
{
    const char *truncated = "looks truncated";
    if (size < 512)
        return "is too small to be an initrd";
    if (starts_with(data, size, "\x1f\x8b", 2))
        return gzip_end_fits(data, size) ? NULL : truncated;
    if (starts_with(data, size, "07070", 5)) {
        if (data[5] != '1' && data[5] != '2')
            return "is a cpio archive of a kind that Linux does not read (make it with cpio -H newc)";
        /* Another archive, perhaps compressed, may follow. */
        return has_trailer(data, size) ? NULL : truncated;
    }
    static const struct {
        const char *magic;
        size_t length, offset;
    } known[] = {
        {"\xfd"
         "7zXZ\0",  6, 0    },
        {"BZh",              3, 0    },
        {"\x5d\0\0",         3, 0    },
        {"\x02\x21\x4c\x18", 4, 0    },
        {"\x89LZO",          4, 0    },
        {"\x28\xb5\x2f\xfd", 4, 0    },
        {"hsqs",             4, 0    },
        {"-rom1fs-",         8, 0    },
        {"\x45\x3d\xcd\x28", 4, 0    },
        {"\x53\xef",         2, 0x438}
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].offset + known[i].length <= size &&
            !memcmp(data + known[i].offset, known[i].magic, known[i].length))
            return NULL;
    return "is neither an initramfs (cpio), nor compressed in a way that Linux knows, nor a file system "
           "image";
}

bool initrd_recognise(const FileView *file, const uint8_t **data, size_t *size, const char **warning,
                      Error *err)
{
    *data = file->data;
    *size = file->size;
    if (is_uimage(file->data, file->size)) {
        UImage u;
        if (!parse_uimage(&u, "initrd", file->path, file->data, file->size, err))
            return false;
        if (u.type != UIMAGE_RAMDISK)
            return error_set(err, "initrd %s is a uImage, but not of an initrd (type %u)", file->path,
                             u.type);
        *data = u.data;
        *size = u.size;
    }
    *warning = initrd_warning(*data, *size);
    return true;
}
