/* Recognising kernels and initrds: every format, and every way to be none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <elf.h>
#include <sys/stat.h>
#include <zlib.h>

#include "machine/boot_image.h"

#define RAM 0x60000000u
#define RAM_SIZE 0x10000000u

static uint8_t data[0x8000];
static size_t size;
static Image image;
static Error err;

static void start(size_t bytes)
{
    memset(data, 0, sizeof data);
    size = bytes;
}

static void put32(size_t offset, uint32_t value)
{
    memcpy(data + offset, &value, 4);
}

static void put32_be(size_t offset, uint32_t value)
{
    put32(offset, __builtin_bswap32(value));
}

static bool recognise(void)
{
    FileView file = {.path = "test-file", .data = data, .size = size};
    err.text[0] = 0;
    return image_recognise(&image, &file, RAM, RAM_SIZE, &err);
}

/* Refused, with a message that names the file and says `text`; the image is empty then. */
static void refused(const char *text)
{
    assert_false(recognise());
    assert_non_null(strstr(err.text, "test-file"));
    if (!strstr(err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err.text);
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(image.parts, 0);
}

/* ---- zImage ---------------------------------------------------------------------------------- */

static void make_zimage(void)
{
    start(0x1000);
    put32(0x24, 0x016f2818);
    put32(0x28, 0);
    put32(0x2c, 0x1000);
    put32(0x30, 0x04030201);
}

static void test_zimage(void **state)
{
    (void)state;
    make_zimage();
    assert_true(recognise());
    assert_string_equal(image.format, "zImage");
    assert_true(image.linux_kernel);
    assert_false(image.placed);
    assert_int_equal(image.parts, 1);
    assert_int_equal(image.part[0].size, 0x1000);
    assert_int_equal(image.unpacked, 32 << 20); /* it does not say */
    image_free(&image);
}

static void test_zimage_says_its_size(void **state)
{
    (void)state;
    make_zimage();
    put32(0x34, 0x45454545);
    put32(0x38, 0x100);
    put32(0x100, 2); /* another tag first */
    put32(0x104, 0x12345678);
    put32(0x108, 6);
    put32(0x10c, 0x5a534c4b);
    put32(0x110, 0xffc); /* where the unpacked size stands */
    put32(0x114, 0x5000);
    put32(0x118, 0x208000);
    put32(0xffc, 0x01000000);
    assert_true(recognise());
    assert_int_equal(image.unpacked, 0x01000000 + 0x5000 + 0x208000);
    put32(0x110, 0xfffffff0); /* outside the file */
    assert_true(recognise());
    assert_int_equal(image.unpacked, 32 << 20);
}

static void test_zimage_with_appended_tree(void **state)
{
    (void)state;
    make_zimage();
    size = 0x1800;
    assert_true(recognise());
    assert_int_equal(image.part[0].size, 0x1800);
}

static void test_zimage_refused(void **state)
{
    (void)state;
    make_zimage();
    size = 0xfff;
    refused("truncated: its zImage header says 4096 bytes, there are 4095");
    make_zimage();
    put32(0x2c, 0x10);
    put32(0x28, 0x20);
    refused("damaged");
    make_zimage();
    put32(0x30, 0x01020304);
    refused("big-endian");
    make_zimage();
    put32(0x24, 0x18286f01);
    refused("big-endian");
}

/* ---- ELF ------------------------------------------------------------------------------------- */

static Elf32_Ehdr *make_elf(unsigned segments)
{
    start(0x2000);
    Elf32_Ehdr *header = (Elf32_Ehdr *)data;
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS32;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_type = ET_EXEC;
    header->e_machine = EM_ARM;
    header->e_phoff = sizeof *header;
    header->e_phentsize = sizeof(Elf32_Phdr);
    header->e_phnum = (uint16_t)segments;
    return header;
}

static Elf32_Phdr *segment(unsigned n)
{
    return (Elf32_Phdr *)(data + sizeof(Elf32_Ehdr)) + n;
}

static void set_segment(unsigned n, uint32_t virtual, uint32_t physical, uint32_t bytes, uint32_t memory)
{
    *segment(n) = (Elf32_Phdr){.p_type = PT_LOAD,
                               .p_offset = 0x1000,
                               .p_vaddr = virtual,
                               .p_paddr = physical,
                               .p_filesz = bytes,
                               .p_memsz = memory};
}

static void test_elf(void **state)
{
    (void)state;
    Elf32_Ehdr *header = make_elf(3);
    header->e_entry = 0x60010021; /* Thumb */
    set_segment(0, 0x60010000, 0x60010000, 0x100, 0x100);
    segment(1)->p_type = PT_NOTE;
    set_segment(2, 0x60020000, 0x60020000, 0x10, 0x4000);
    assert_true(recognise());
    assert_string_equal(image.format, "ELF");
    assert_false(image.linux_kernel);
    assert_true(image.placed);
    assert_int_equal(image.entry, 0x60010021);
    assert_int_equal(image.parts, 2);
    assert_int_equal(image.part[0].address, 0x60010000);
    assert_ptr_equal(image.part[0].data, data + 0x1000);
    assert_int_equal(image.part[1].size, 0x10);
    assert_int_equal(image.part[1].memory_size, 0x4000);
}

/* Loaded at physical addresses, linked to virtual ones: the entry is where that code lies. */
static void test_elf_physical_entry(void **state)
{
    (void)state;
    Elf32_Ehdr *header = make_elf(1);
    header->e_entry = 0x80000040;
    set_segment(0, 0x80000000, 0x60100000, 0x100, 0x100);
    assert_true(recognise());
    assert_int_equal(image.part[0].address, 0x60100000);
    assert_int_equal(image.entry, 0x60100040);
}

static void put_linux_head(size_t offset)
{
    put32(offset, 0xe10f9000);     /* mrs r9, cpsr */
    put32(offset + 4, 0xe229901a); /* eor r9, r9, #0x1a */
    put32(offset + 8, 0xe319001f); /* tst r9, #0x1f */
}

static void test_elf_linux(void **state)
{
    (void)state;
    Elf32_Ehdr *header = make_elf(2);
    header->e_entry = 0xc0008000;
    set_segment(0, 0xc0008000, 0xc0008000, 0x100, 0x100);
    set_segment(1, 0xc1000000, 0xc1000000, 0x100, 0x8000);
    put_linux_head(0x1000);
    assert_true(recognise());
    assert_true(image.linux_kernel);
    assert_int_equal(image.entry, 0x60008000);
    assert_int_equal(image.part[0].address, 0x60008000);
    assert_int_equal(image.part[1].address, 0x61000000);
}

static void test_elf_position_independent(void **state)
{
    (void)state;
    Elf32_Ehdr *header = make_elf(1);
    header->e_type = ET_DYN;
    header->e_entry = 0x40;
    set_segment(0, 0, 0, 0x100, 0x100);
    assert_true(recognise());
    assert_int_equal(image.part[0].address, 0x60010000);
    assert_int_equal(image.entry, 0x60010040);
    header->e_entry = 0x60800040; /* U-Boot is position-independent too, but has an address */
    set_segment(0, 0x60800000, 0x60800000, 0x100, 0x100);
    assert_true(recognise());
    assert_int_equal(image.part[0].address, 0x60800000);
}

static void test_elf_other_machines(void **state)
{
    (void)state;
    static const struct {
        uint16_t machine;
        uint8_t class, order;
        const char *text;
    } others[] = {
        {EM_X86_64,  ELFCLASS64, ELFDATA2LSB, "x86-64"              },
        {EM_AARCH64, ELFCLASS64, ELFDATA2LSB, "AArch64"             },
        {EM_RISCV,   ELFCLASS64, ELFDATA2LSB, "RISC-V"              },
        {EM_386,     ELFCLASS32, ELFDATA2LSB, "32-bit x86"          },
        {EM_MIPS,    ELFCLASS32, ELFDATA2LSB, "MIPS"                },
        {0x0800,     ELFCLASS32, ELFDATA2MSB, "MIPS"                },
        {0x2800,     ELFCLASS32, ELFDATA2MSB, "big-endian Arm"      },
        {12345,      ELFCLASS32, ELFDATA2LSB, "another architecture"},
    };
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        Elf32_Ehdr *header = make_elf(1);
        header->e_machine = others[i].machine;
        header->e_ident[EI_CLASS] = others[i].class;
        header->e_ident[EI_DATA] = others[i].order;
        refused(others[i].text);
    }
}

static void test_elf_refused(void **state)
{
    (void)state;
    make_elf(1);
    set_segment(0, 0x60010000, 0x60010000, 0x1001, 0x1001);
    refused("truncated: a segment ends at byte 8193, the file at 8192");
    make_elf(1)->e_phoff = 0x1ff0;
    refused("truncated: its ELF program headers are missing");
    make_elf(1);
    size = 30;
    refused("truncated");
    make_elf(1);
    set_segment(0, 0x60010000, 0x60010000, 0x100, 0x50);
    refused("impossible size");
    make_elf(1);
    set_segment(0, 0xfffff000, 0xfffff000, 0x100, 0x2000);
    refused("impossible size");
    make_elf(1)->e_type = ET_REL;
    refused("object file");
    make_elf(1);
    refused("nothing to load");
    make_elf(IMAGE_MAX_PARTS + 1);
    for (unsigned i = 0; i <= IMAGE_MAX_PARTS; i++)
        set_segment(i, RAM + 0x1000 * i, RAM + 0x1000 * i, 0x10, 0x10);
    refused("more than 16 segments");
}

/* ---- uImage ---------------------------------------------------------------------------------- */

enum { OS = 28, ARCH = 29, TYPE = 30, COMPRESSION = 31 };

static void finish_uimage(void)
{
    put32_be(24, (uint32_t)crc32(0, data + 64, (uInt)(size - 64)));
    put32(4, 0);
    put32_be(4, (uint32_t)crc32(0, data, 64));
}

static void make_uimage(const uint8_t *payload, size_t bytes)
{
    start(64 + bytes);
    put32_be(0, 0x27051956);
    put32_be(12, (uint32_t)bytes);
    put32_be(16, 0x60008000);
    put32_be(20, 0x60008040);
    data[OS] = 5;
    data[ARCH] = 2;
    data[TYPE] = 2;
    memcpy(data + 64, payload, bytes);
    finish_uimage();
}

static void test_uimage(void **state)
{
    (void)state;
    static const uint8_t payload[100] = {1, 2, 3};
    make_uimage(payload, sizeof payload);
    assert_true(recognise());
    assert_string_equal(image.format, "uImage");
    assert_true(image.linux_kernel);
    assert_true(image.placed);
    assert_int_equal(image.entry, 0x60008040);
    assert_int_equal(image.part[0].address, 0x60008000);
    assert_int_equal(image.part[0].size, 100);
    data[TYPE] = 1;
    finish_uimage();
    assert_true(recognise());
    assert_false(image.linux_kernel); /* a standalone program */
}

static size_t gzip(const uint8_t *in, size_t bytes, uint8_t *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)in, .avail_in = (uInt)bytes, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void test_uimage_gzip(void **state)
{
    (void)state;
    enum { UNPACKED = 300000 };
    uint8_t *payload = calloc(1, UNPACKED);
    static uint8_t packed[4096];
    memset(payload + 1000, 0x5a, 1000);
    size_t bytes = gzip(payload, UNPACKED, packed, sizeof packed);
    make_uimage(packed, bytes);
    data[COMPRESSION] = 1;
    finish_uimage();
    assert_true(recognise());
    assert_int_equal(image.part[0].size, UNPACKED);
    assert_memory_equal(image.part[0].data, payload, UNPACKED);
    image_free(&image);
    make_uimage(packed, bytes - 20); /* its checksums are right, its contents end too early */
    data[COMPRESSION] = 1;
    finish_uimage();
    refused("gzip data cannot be unpacked");
    free(payload);
}

static void test_uimage_refused(void **state)
{
    (void)state;
    static const uint8_t payload[100] = {1, 2, 3};
    make_uimage(payload, sizeof payload);
    data[20] ^= 1;
    refused("checksum of its uImage header is wrong");
    make_uimage(payload, sizeof payload);
    data[100] ^= 1;
    refused("checksum of the uImage's data is wrong");
    make_uimage(payload, sizeof payload);
    size--;
    refused("truncated: its uImage header says 100 bytes of data, there are 99");
    static const struct {
        unsigned field, value;
        const char *text;
    } bad[] = {
        {ARCH,        22, "for AArch64"                },
        {ARCH,        24, "for x86-64"                 },
        {ARCH,        26, "for RISC-V"                 },
        {ARCH,        99, "unknown architecture"       },
        {TYPE,        3,  "--initrd"                   },
        {TYPE,        4,  "neither a kernel"           },
        {COMPRESSION, 3,  "compression other than gzip"}
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_uimage(payload, sizeof payload);
        data[bad[i].field] = (uint8_t)bad[i].value;
        finish_uimage();
        refused(bad[i].text);
    }
}

/* ---- Raw ------------------------------------------------------------------------------------- */

static void fill_with_code(void)
{
    for (size_t i = 0; i < size; i += 4)
        put32(i, 0xe1a00000 + (uint32_t)i / 4 % 8); /* mov r0, r0..r7 */
}

static void test_raw_linux(void **state)
{
    (void)state;
    start(0x1000);
    fill_with_code();
    put32(0, 0xeb000123); /* bl __hyp_stub_install */
    put_linux_head(4);
    assert_true(recognise());
    assert_string_equal(image.format, "Image");
    assert_true(image.linux_kernel);
    assert_int_equal(image.text_offset, 0x8000);
    start(0x1000);
    fill_with_code();
    put32(0, 0xe28f9001); /* adr r9, 1f + 1; bx r9: a Thumb-2 kernel */
    put32(4, 0xe12fff19);
    assert_true(recognise());
    assert_true(image.linux_kernel);
}

/* A multi-platform kernel says in its code how far from the start of RAM it is linked to. */
static void test_raw_linux_text_offset(void **state)
{
    (void)state;
    start(0x1000);
    fill_with_code();
    put_linux_head(0);
    put32(0x40, 0xe59fd038);         /* ldr r13, [pc, #0x38] */
    put32(0x80, 0xc0208000 + 0x800); /* __mmap_switched */
    put32(0x800, 0xe1a07001);        /* mov r7, r1 */
    put32(0x804, 0xe1a08002);        /* mov r8, r2 */
    put32(0x808, 0xe1a0a000);        /* mov r10, r0 */
    assert_true(recognise());
    assert_int_equal(image.text_offset, 0x208000);
    put32(0x80, 0xc0208123 + 0x800);
    assert_true(recognise());
    assert_int_equal(image.text_offset, 0x8000);
}

static void test_raw_program(void **state)
{
    (void)state;
    start(0x1000);
    fill_with_code();
    assert_true(recognise());
    assert_string_equal(image.format, "raw program");
    assert_false(image.linux_kernel);
    assert_int_equal(image.text_offset, 0x10000);
}

/* Vectors that load PC from a table behind them, as U-Boot has: the table says where the program is linked
 * to. */
static void test_raw_vectors(void **state)
{
    (void)state;
    start(0x1000);
    fill_with_code();
    put32(0, 0xea0000b8); /* b reset */
    for (unsigned i = 1; i < 8; i++) {
        put32(4 * i, 0xe59ff014);
        put32(4 * i + 8 + 0x14, 0x60800060 + 0x20 * i);
    }
    assert_true(recognise());
    assert_int_equal(image.text_offset, 0x00800000);
}

static void test_raw_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        const char *bytes;
        size_t length;
        const char *text;
    } others[] = {
        {0x38,  "ARM\x64",          4,  "a Linux kernel for AArch64"},
        {0x38,  "RSC\x05",          4,  "a Linux kernel for RISC-V" },
        {0x202, "HdrS",             4,  "a Linux kernel for x86"    },
        {0,     "\x1f\x8b\x08",     3,  "gzip-compressed"           },
        {0,
         "\xfd"
         "7zXZ",                    6,  "xz-compressed"             },
        {0,     "BZh9",             4,  "bzip2-compressed"          },
        {0,     "\x28\xb5\x2f\xfd", 4,  "zstd-compressed"           },
        {0,     "\x02\x21\x4c\x18", 4,  "lz4-compressed"            },
        {0,     "070701",           6,  "cpio archive"              },
        {0,     "\xd0\x0d\xfe\xed", 4,  "device tree or FIT"        },
        {0,     "QFI\xfb",          4,  "qcow2"                     },
        {0,     "#!/bin/sh\n",      10, "a script"                  },
        {510,   "\x55\xaa",         2,  "disk image"                },
    };
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        start(0x1000);
        memcpy(data + others[i].offset, others[i].bytes, others[i].length);
        refused(others[i].text);
    }
    start(0x1000);
    refused("zeros");
    start(0x1000);
    memset(data, 'x', size);
    refused("a text file");
    start(0x1000);
    memcpy(data, "MZ", 2);
    put32(0x3c, 0x80);
    put32(0x80, 0x4550);
    put32(0x84, 0x8664);
    refused("EFI or Windows program for x86-64");
    start(0x1000);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 | 1) & 0x7f;
    refused("--load");
}

static void test_larger_than_memory(void **state)
{
    (void)state;
    FileView file = {.path = "test-file", .data = data, .size = (size_t)RAM_SIZE + 1};
    assert_false(image_recognise(&image, &file, RAM, RAM_SIZE, &err));
    assert_non_null(strstr(err.text, "larger"));
}

/* ---- initrd ---------------------------------------------------------------------------------- */

static const char *initrd_says(void)
{
    FileView file = {.path = "test-file", .data = data, .size = size};
    const uint8_t *start_of_data;
    size_t bytes;
    const char *warning;
    assert_true(initrd_recognise(&file, &start_of_data, &bytes, &warning, &err));
    return warning ? warning : "";
}

static void test_initrd(void **state)
{
    (void)state;
    static uint8_t archive[16384];
    srand(1);
    for (size_t i = 0; i < sizeof archive; i++)
        archive[i] = (uint8_t)(rand() >> 8 & 15);
    start(0);
    size = gzip(archive, sizeof archive, data, sizeof data);
    assert_string_equal(initrd_says(), "");
    size_t whole = size;
    unsigned noticed = 0;
    for (size = whole - 1000; size < whole; size++)
        noticed += !strcmp(initrd_says(), "looks truncated");
    assert_true(noticed > 990);
    size = whole + 300; /* padding */
    assert_string_equal(initrd_says(), "");

    start(2048);
    strcpy((char *)data, "070701");
    assert_string_equal(initrd_says(), "looks truncated");
    strcpy((char *)data + 1600, "TRAILER!!!");
    assert_string_equal(initrd_says(), "");
    data[5] = '7';
    assert_non_null(strstr(initrd_says(), "newc"));
    start(2048);
    data[7] = 1;
    assert_non_null(strstr(initrd_says(), "neither"));
    start(100);
    assert_non_null(strstr(initrd_says(), "too small"));
}

static void test_initrd_uimage(void **state)
{
    (void)state;
    uint8_t payload[1024] = "070701";
    strcpy((char *)payload + 900, "TRAILER!!!");
    make_uimage(payload, sizeof payload);
    FileView file = {.path = "test-file", .data = data, .size = size};
    const uint8_t *inner;
    size_t bytes;
    const char *warning;
    assert_false(initrd_recognise(&file, &inner, &bytes, &warning, &err)); /* of a kernel */
    data[TYPE] = 3;
    finish_uimage();
    assert_true(initrd_recognise(&file, &inner, &bytes, &warning, &err));
    assert_null(warning);
    assert_ptr_equal(inner, data + 64);
    assert_int_equal(bytes, 1024);
    data[200] ^= 1;
    assert_false(initrd_recognise(&file, &inner, &bytes, &warning, &err));
    assert_non_null(strstr(err.text, "initrd test-file is damaged"));
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void test_files(void **state)
{
    (void)state;
    char directory[] = "/tmp/armature-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    FileView file;
    assert_false(file_open(&file, "kernel", path, &err));
    assert_non_null(strstr(err.text, "cannot read kernel /tmp/armature-test-"));
    assert_non_null(strstr(err.text, "No such file"));
    assert_false(file_open(&file, "kernel", directory, &err));
    assert_non_null(strstr(err.text, "directory"));
    FILE *out = fopen(path, "w");
    fclose(out);
    assert_false(file_open(&file, "initrd", path, &err));
    assert_non_null(strstr(err.text, "is empty"));
    out = fopen(path, "w");
    fputs("hello", out);
    fclose(out);
    assert_true(file_open(&file, "kernel", path, &err));
    assert_int_equal(file.size, 5);
    assert_memory_equal(file.data, "hello", 5);
    file_close(&file);
    unlink(path);
    rmdir(directory);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_true(file_open(&file, "kernel", path, &err));
    assert_int_equal(file.size, 5);
    file_close(&file);
    close(ends[0]);
}

/* Whatever is in a file, reading it is safe (the sanitizer build proves it): damages every kind at random. */
static void test_damaged_files_are_safe(void **state)
{
    (void)state;
    static const uint8_t payload[100] = {1, 2, 3};
    srand(20250101);
    for (unsigned round = 0; round < 20000; round++) {
        switch (round % 4) {
        case 0:
            make_zimage();
            put32(0x34, 0x45454545);
            put32(0x38, 0x100);
            put32(0x100, 6);
            put32(0x104, 0x5a534c4b);
            break;
        case 1:
            make_elf(4);
            for (unsigned i = 0; i < 4; i++)
                set_segment(i, RAM + 0x1000 * i, RAM + 0x1000 * i, 0x10, 0x10);
            break;
        case 2:
            make_uimage(payload, sizeof payload);
            break;
        default:
            start(0x400);
            fill_with_code();
        }
        for (unsigned n = 0; n < 4; n++)
            data[(unsigned)rand() % 0x140] = (uint8_t)(rand() >> 4);
        if (round % 4 == 2)
            finish_uimage();
        size_t bytes = (unsigned)rand() % size + 1;
        uint8_t *exact = malloc(bytes); /* so that a read past the end is noticed */
        memcpy(exact, data, bytes);
        FileView file = {.path = "test-file", .data = exact, .size = bytes};
        if (image_recognise(&image, &file, RAM, RAM_SIZE, &err))
            image_free(&image);
        const char *warning;
        const uint8_t *inner;
        initrd_recognise(&file, &inner, &bytes, &warning, &err);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zimage),
        cmocka_unit_test(test_zimage_says_its_size),
        cmocka_unit_test(test_zimage_with_appended_tree),
        cmocka_unit_test(test_zimage_refused),
        cmocka_unit_test(test_elf),
        cmocka_unit_test(test_elf_physical_entry),
        cmocka_unit_test(test_elf_linux),
        cmocka_unit_test(test_elf_position_independent),
        cmocka_unit_test(test_elf_other_machines),
        cmocka_unit_test(test_elf_refused),
        cmocka_unit_test(test_uimage),
        cmocka_unit_test(test_uimage_gzip),
        cmocka_unit_test(test_uimage_refused),
        cmocka_unit_test(test_raw_linux),
        cmocka_unit_test(test_raw_linux_text_offset),
        cmocka_unit_test(test_raw_program),
        cmocka_unit_test(test_raw_vectors),
        cmocka_unit_test(test_raw_refused),
        cmocka_unit_test(test_larger_than_memory),
        cmocka_unit_test(test_initrd),
        cmocka_unit_test(test_initrd_uimage),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_damaged_files_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
