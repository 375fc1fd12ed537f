/* Names what was handed over as a kernel but cannot run here, so that the user need not guess. */
#include "machine/boot_image.h"

#include <elf.h>
#include <string.h>

static const char *elf_machine(unsigned machine)
{
    /* clang-format off */
    static const struct { unsigned machine; const char *text; } names[] = {
        {EM_386, "an ELF file for 32-bit x86"},    {EM_X86_64, "an ELF file for x86-64"},
        {EM_AARCH64, "an ELF file for AArch64"},   {EM_RISCV, "an ELF file for RISC-V"},
        {EM_MIPS, "an ELF file for MIPS"},         {EM_PPC, "an ELF file for PowerPC"},
        {EM_PPC64, "an ELF file for 64-bit PowerPC"}, {EM_S390, "an ELF file for S/390"},
        {EM_SPARC, "an ELF file for SPARC"},       {EM_SPARCV9, "an ELF file for 64-bit SPARC"},
        {EM_68K, "an ELF file for Motorola 68000"}, {EM_SH, "an ELF file for SuperH"},
        {EM_IA_64, "an ELF file for Itanium"},     {258 /* EM_LOONGARCH */, "an ELF file for LoongArch"},
        {EM_ARM, "an ELF file for 32-bit Arm"},
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].machine == machine)
            return names[i].text;
    return "an ELF file for another architecture";
}

static const char *describe_elf(const uint8_t *data, size_t size)
{
    if (size < 20)
        return "a truncated ELF file";
    bool big = data[EI_DATA] == ELFDATA2MSB;
    unsigned machine = big ? data[18] << 8 | data[19] : data[19] << 8 | data[18];
    if (machine == EM_ARM && big)
        return "an ELF file for big-endian Arm";
    return elf_machine(machine);
}

/* Kernels with an EFI stub are PE files too, so their own marks come first. */
static const char *describe_kernel(const uint8_t *data, size_t size)
{
    if (word_or_0(data, size, 0x38) == 0x644d5241)
        return "a Linux kernel for AArch64 (Image)";
    if (word_or_0(data, size, 0x38) == 0x05435352 || word_or_0(data, size, 0x30) == 0x43534952)
        return "a Linux kernel for RISC-V (Image)";
    if (word_or_0(data, size, 0x202) == 0x53726448)
        return "a Linux kernel for x86 (bzImage)";
    if (size < 0x40 || data[0] != 'M' || data[1] != 'Z')
        return NULL;
    uint32_t header = word_or_0(data, size, 0x3c);
    if (word_or_0(data, size, header) != 0x4550)
        return "a DOS program";
    unsigned machine = word_or_0(data, size, (size_t)header + 4) & 0xffff;
    return machine == 0x8664   ? "an EFI or Windows program for x86-64"
           : machine == 0x14c  ? "an EFI or Windows program for 32-bit x86"
           : machine == 0xaa64 ? "an EFI program for AArch64"
           : machine == 0x5064 ? "an EFI program for RISC-V"
                               : "an EFI or Windows program";
}

static const char *describe_magic(const uint8_t *data, size_t size)
{
    /* clang-format off */
    static const struct { const char *magic; size_t length, offset; const char *text; } known[] = {
        {"\x1f\x8b", 2, 0, "gzip-compressed data"},       {"\xfd" "7zXZ\0", 6, 0, "xz-compressed data"},
        {"BZh", 3, 0, "bzip2-compressed data"},           {"\x5d\0\0", 3, 0, "lzma-compressed data"},
        {"\x02\x21\x4c\x18", 4, 0, "lz4-compressed data"}, {"\x04\x22\x4d\x18", 4, 0, "lz4-compressed data"},
        {"\x89LZO", 4, 0, "lzo-compressed data"},         {"\x28\xb5\x2f\xfd", 4, 0, "zstd-compressed data"},
        {"0707", 4, 0, "a cpio archive (an initramfs?)"}, {"\xd0\x0d\xfe\xed", 4, 0, "a device tree or FIT image"},
        {"ANDROID!", 8, 0, "an Android boot image"},      {"QFI\xfb", 4, 0, "a qcow2 disk image"},
        {"hsqs", 4, 0, "a squashfs file system"},         {"PK\x03\x04", 4, 0, "a zip archive"},
        {"CD001", 5, 0x8001, "an ISO 9660 CD image"},     {"\x55\xaa", 2, 510, "a disk image with an MBR"},
        {"!<arch>\n", 8, 0, "an ar archive or Debian package"}, {"ustar", 5, 257, "a tar archive"},
        {"#!", 2, 0, "a script"},                         {"<!", 2, 0, "an HTML or XML text"},
    };
    /* clang-format on */
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].offset + known[i].length <= size &&
            !memcmp(data + known[i].offset, known[i].magic, known[i].length))
            return known[i].text;
    return NULL;
}

/* No program is made of printable characters only. */
static bool is_text(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < 512; i++)
        if (data[i] >= 0x7f || (data[i] < ' ' && !strchr("\t\n\r\f", data[i])) || !data[i])
            return false;
    return true;
}

static bool is_uniform(const uint8_t *data, size_t size)
{
    size_t most = size < 4096 ? size : 4096;
    return !memcmp(data, data + 1, most - 1) && (data[0] == 0 || data[0] == 0xff);
}

const char *image_describe(const uint8_t *data, size_t size)
{
    if (size >= 4 && !memcmp(data, ELFMAG, SELFMAG))
        return describe_elf(data, size);
    const char *text = describe_kernel(data, size);
    if (!text)
        text = describe_magic(data, size);
    if (!text && is_text(data, size))
        text = "a text file";
    if (!text && is_uniform(data, size))
        text = data[0] ? "a file of ones" : "a file of zeros (an empty disk is given with --disk)";
    return text;
}
