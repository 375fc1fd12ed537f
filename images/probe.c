/* What a file is, by its first bytes. The numbers are those of the formats' specifications; file systems and
 * partition tables as Linux finds them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/image.h"
#include "images/overlay_format.h"

typedef struct Magic {
    ImageContent content;
    uint32_t offset;
    const char *bytes;
    size_t length;
    const char *what;
} Magic;

#define BYTES(text) text, sizeof text - 1

/* clang-format off */
static const Magic magics[] = {
    {CONTENT_OVERLAY,    0,      BYTES(OVERLAY_MAGIC),                    "an overlay"},
    {CONTENT_FOREIGN,    0,      BYTES("QFI\xfb"),                        "a qcow2 image"},
    {CONTENT_FOREIGN,    0,      BYTES("QED\0"),                          "a QED image"},
    {CONTENT_FOREIGN,    0,      BYTES("KDMV"),                           "a VMDK image"},
    {CONTENT_FOREIGN,    0,      BYTES("# Disk DescriptorFile"),          "a VMDK descriptor"},
    {CONTENT_FOREIGN,    0x40,   BYTES("\x7f\x10\xda\xbe"),               "a VDI image"},
    {CONTENT_FOREIGN,    0,      BYTES("vhdxfile"),                       "a VHDX image"},
    {CONTENT_FOREIGN,    0,      BYTES("conectix"),                       "a VHD image"},
    {CONTENT_COMPRESSED, 0,      BYTES("\xfd" "7zXZ\0"),                  "compressed (unpack it with unxz)"},
    {CONTENT_COMPRESSED, 0,      BYTES("\x1f\x8b\x08"),                   "compressed (unpack it with gunzip)"},
    {CONTENT_COMPRESSED, 0,      BYTES("BZh"),                            "compressed (unpack it with bunzip2)"},
    {CONTENT_COMPRESSED, 0,      BYTES("\x28\xb5\x2f\xfd"),               "compressed (unpack it with unzstd)"},
    {CONTENT_COMPRESSED, 0,      BYTES("PK\x03\x04"),                     "an archive (unpack it with unzip)"},
    {CONTENT_DISK,       512,    BYTES("EFI PART"),                       "a disk with GPT"},
    {CONTENT_DISK,       1080,   BYTES("\x53\xef"),                       "an ext2, ext3 or ext4 file system"},
    {CONTENT_DISK,       0,      BYTES("hsqs"),                           "a squashfs file system"},
    {CONTENT_DISK,       0,      BYTES("XFSB"),                           "an XFS file system"},
    {CONTENT_DISK,       65600,  BYTES("_BHRfS_M"),                       "a Btrfs file system"},
    {CONTENT_DISK,       32769,  BYTES("CD001"),                          "an ISO 9660 file system"},
    {CONTENT_DISK,       1024,   BYTES("\x10\x20\xf5\xf2"),               "an F2FS file system"},
    {CONTENT_DISK,       1024,   BYTES("\xe2\xe1\xf5\xe0"),               "an EROFS file system"},
    {CONTENT_DISK,       54,     BYTES("FAT1"),                           "a FAT file system"},
    {CONTENT_DISK,       82,     BYTES("FAT32   "),                       "a FAT file system"},
    {CONTENT_DISK,       536,    BYTES("LVM2 001"),                       "an LVM volume"},
};

/* The plain argument of the command line is one of these more often than a disk. */
static const Magic kernels[] = {
    {CONTENT_UNKNOWN,    0x24,   BYTES("\x18\x28\x6f\x01"),               "zImage"},
    {CONTENT_UNKNOWN,    0,      BYTES("\x7f" "ELF"),                     "ELF"},
    {CONTENT_UNKNOWN,    0,      BYTES("\x27\x05\x19\x56"),               "uImage"},
};
/* clang-format on */

static bool matches(const Magic *magic, const uint8_t *data, size_t size)
{
    return magic->offset + magic->length <= size &&
           !memcmp(data + magic->offset, magic->bytes, magic->length);
}

/* A partition table whose four entries could be true, and one of which is in use. */
static bool is_mbr(const uint8_t *data, size_t size)
{
    unsigned used = 0;
    if (size < DISK_SECTOR || data[510] != 0x55 || data[511] != 0xaa)
        return false;
    for (unsigned n = 0; n < 4; n++) {
        const uint8_t *entry = data + 446 + 16 * n;
        bool sectors = entry[12] | entry[13] | entry[14] | entry[15];
        if (entry[0] & 0x7f || (entry[4] && !sectors))
            return false;
        used += entry[4] != 0;
    }
    return used;
}

ImageContent image_probe(const uint8_t *data, size_t size, const char **what)
{
    const char *unused;
    what = what ? what : &unused;
    for (unsigned n = 0; n < sizeof magics / sizeof *magics; n++) {
        if (!matches(&magics[n], data, size))
            continue;
        *what = magics[n].what;
        return magics[n].content;
    }
    bool mbr = is_mbr(data, size);
    *what = mbr ? "a disk with partitions" : NULL;
    return mbr ? CONTENT_DISK : CONTENT_UNKNOWN;
}

bool image_is_disk(const char *path)
{
    struct stat status;
    if (!strncmp(path, "nbd:", 4) || !strncmp(path, "nbd+unix:", 9))
        return true;
    if (stat(path, &status) || S_ISBLK(status.st_mode) || !S_ISREG(status.st_mode))
        return !access(path, F_OK) && S_ISBLK(status.st_mode);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *data = malloc(IMAGE_PROBE_BYTES);
    ssize_t got = fd >= 0 && data ? pread(fd, data, IMAGE_PROBE_BYTES, 0) : -1;
    bool kernel = got <= 0;
    for (unsigned n = 0; !kernel && n < sizeof kernels / sizeof *kernels; n++)
        kernel = matches(&kernels[n], data, (size_t)got);
    ImageContent content = kernel ? CONTENT_UNKNOWN : image_probe(data, (size_t)got, NULL);
    free(data);
    if (fd >= 0)
        close(fd);
    return content == CONTENT_DISK || content == CONTENT_OVERLAY || content == CONTENT_FOREIGN;
}
