"""Disks made by e2fsprogs, dosfstools, mtools and sfdisk, in the layouts that installers make, and what would be
booted from them. Usage: disks.py SHOW_DISK [--keep FOLDER]"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ["MTOOLS_SKIP_CHECK"] = "1"
SHOW = sys.argv[1]
MIB = 1 << 20
ROOT_UUID = "11111111-2222-3333-4444-555555555555"
BOOT_UUID = "66666666-7777-8888-9999-aaaaaaaaaaaa"
failures = []


def run(*command, **options):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


def crc(data):
    return f"{zlib.crc32(data):08x}"


# Sizes beside the limits: a block, a cluster, and enough for indirect blocks and several extents.
KERNELS = {version: (version.encode() * 50000)[:1_300_001] for version in
           ("5.10.0-9-armmp", "6.1.0-9-armmp", "6.1.0-37-armmp", "6.1.0-38-armmp-lpae")}
INITRDS = {version: os.urandom(900_000) for version in KERNELS}


class Tree:
    """A folder that becomes a file system."""

    def __init__(self, work):
        self.path = tempfile.mkdtemp(dir=work)

    def write(self, name, data):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self

    def link(self, name, target):
        os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
        os.symlink(target, os.path.join(self.path, name))
        return self

    def kernels(self, folder, versions):
        for version in versions:
            self.write(f"{folder}vmlinuz-{version}", KERNELS[version])
            self.write(f"{folder}initrd.img-{version}", INITRDS[version])
            self.write(f"{folder}config-{version}", "CONFIG_ARM=y\n")
        return self

    def system(self, fstab):
        self.write("etc/fstab", fstab)
        self.write("usr/lib/os-release", "ID=debian\n")
        self.link("etc/os-release", "../usr/lib/os-release")
        self.link("bin", "usr/bin")
        return self.write("usr/bin/true", "")


def ext(work, tree, size=24 * MIB, kind="ext4", uuid=ROOT_UUID, options=()):
    path = tempfile.mktemp(dir=work)
    run("truncate", "-s", str(size), path)
    run("mke2fs", "-q", "-F", "-t", kind, "-U", uuid, "-d", tree.path, *options, path)
    return path


def fat(work, tree, bits, size):
    path = tempfile.mktemp(dir=work)
    run("truncate", "-s", str(size), path)
    run("mkfs.vfat", "-F", str(bits), "-i", "0DD0BEEF", "-n", "BOOT", path)
    for name in sorted(os.listdir(tree.path)):
        run("mcopy", "-s", "-i", path, os.path.join(tree.path, name), "::/")
    return path


def disk(work, label, parts, extended=False):
    """parts: images, one behind the other."""
    path = tempfile.mktemp(dir=work)
    starts, at, lines = [], 1, [f"label: {label}", "label-id: 0x00c0ffee" if label == "dos" else ""]
    total = sum(os.path.getsize(part) // MIB + 1 for part in parts) + 3
    run("truncate", "-s", f"{total}M", path)
    for number, part in enumerate(parts, 1):
        if extended and number == 2:
            lines.append(f"start={at}MiB, type=5")
            at += 1
        starts.append(at)
        lines.append(f"start={at}MiB, size={os.path.getsize(part) // MIB}MiB")
        at += os.path.getsize(part) // MIB + 1
    run("sfdisk", "-q", path, input="\n".join(lines).encode())
    for start, part in zip(starts, parts):
        run("dd", f"if={part}", f"of={path}", "bs=1M", f"seek={start}", "conv=notrunc,sparse")
    return path


def expect(name, image, expected, append=None):
    out = subprocess.run([SHOW, image] + ([append] if append else []), capture_output=True, text=True)
    got = out.stdout.splitlines()
    good = out.returncode == 0 and len(got) == len(expected) and all(
        want in line for want, line in zip(expected, got))
    print("ok  " if good else "FAIL", name)
    if not good:
        print("    expected", *expected, "    got", *got, out.stderr, sep="\n      ")
        failures.append(name)


def booted(prefix, folder, version, line, initrd=True):
    wanted = [f"kernel: {prefix}{folder}vmlinuz-{version} {crc(KERNELS[version])}"]
    if initrd:
        wanted.append(f"initrd: {prefix}{folder}initrd.img-{version} {crc(INITRDS[version])}")
    return wanted + ["command line: " + line]


ROOT_LINE = f"root=UUID={ROOT_UUID} ro console=ttyAMA0"
DEBIAN = f"UUID={ROOT_UUID} / ext4 errors=remount-ro 0 1\n"
OLD, NEW, ALL = "6.1.0-9-armmp", "6.1.0-37-armmp", list(KERNELS)


def debian(work, versions=(OLD, NEW), linked=OLD):
    tree = Tree(work).system(DEBIAN).kernels("boot/", versions)
    if linked:
        tree.link("vmlinuz", f"boot/vmlinuz-{linked}").link("initrd.img", f"boot/initrd.img-{linked}")
        tree.link("vmlinuz.old", "boot/vmlinuz-gone")
    return tree


def test_one_partition(work):
    tree = debian(work)
    for kind in "ext2", "ext3", "ext4":
        expect(f"MBR, {kind}, Debian's links", disk(work, "dos", [ext(work, tree, kind=kind)]),
               booted("partition 1: ", "/boot/", OLD, ROOT_LINE))
    for block in "1024", "4096":
        expect(f"GPT, ext4 with blocks of {block}", disk(work, "gpt", [ext(work, tree, options=("-b", block))]),
               booted("partition 1: ", "/boot/", OLD, ROOT_LINE))
    image = ext(work, tree, options=("-O", "64bit,metadata_csum,inline_data,metadata_csum_seed,orphan_file"))
    expect("no partitions, ext4 with new features", image, booted("", "/boot/", OLD, ROOT_LINE))
    expect("--append adds", image, booted("", "/boot/", OLD, ROOT_LINE + " quiet"), "quiet")
    expect("--append replaces", image, booted("", "/boot/", OLD, "ro console=ttyAMA0 root=/dev/vda9"),
           "root=/dev/vda9")
    expect("no links: the newest that runs here", ext(work, debian(work, ALL, None)),
           booted("", "/boot/", NEW, ROOT_LINE))
    tree = debian(work, ALL, None).link("vmlinuz", "/boot/vmlinuz-gone")
    expect("a dangling link", ext(work, tree), booted("", "/boot/", NEW, ROOT_LINE))
    tree = debian(work, ALL, None).link("vmlinuz", "vmlinuz")
    expect("a link to itself", ext(work, tree), booted("", "/boot/", NEW, ROOT_LINE))
    tree = debian(work, ALL, None).link("vmlinuz", "/./etc/../../boot/../a").link(
        "a", "//boot///vmlinuz-" + OLD)
    expect("links in odd ways", ext(work, tree), booted("", "/boot/", OLD, ROOT_LINE))
    tree = debian(work)
    os.remove(os.path.join(tree.path, "boot/initrd.img-" + OLD))
    expect("no initrd", ext(work, tree), booted("", "/boot/", OLD, ROOT_LINE, initrd=False))


def test_logical(work):
    swap = tempfile.mktemp(dir=work)
    run("truncate", "-s", "2M", swap)
    run("mkswap", "-q", swap)
    expect("MBR, root in a logical partition",
           disk(work, "dos", [swap, swap, ext(work, debian(work))], extended=True),
           booted("partition 6: ", "/boot/", OLD, ROOT_LINE))


def test_boot_partition(work):
    fstab = DEBIAN + f"UUID={BOOT_UUID} /boot ext2 defaults 0 2\n"
    root = Tree(work).system(fstab).link("vmlinuz", "boot/vmlinuz-" + OLD)
    root.write("boot/vmlinuz-9.9", b"covered by the partition that is mounted there")
    boot = ext(work, Tree(work).kernels("", (OLD, NEW)), kind="ext2", uuid=BOOT_UUID)
    root_image = ext(work, root, size=8 * MIB)
    expect("GPT, /boot in a partition of its own", disk(work, "gpt", [boot, root_image]),
           booted("partition 1: ", "/boot/", OLD, ROOT_LINE))
    expect("the same behind the root", disk(work, "gpt", [root_image, boot]),
           booted("partition 2: ", "/boot/", OLD, ROOT_LINE))
    expect("/boot alone", disk(work, "gpt", [boot]),
           booted("partition 1: ", "/boot/", NEW, "console=ttyAMA0") + ["warning: no file system"])
    expect("/boot alone, but the user knows", disk(work, "gpt", [boot]),
           booted("partition 1: ", "/boot/", NEW, "console=ttyAMA0 root=/dev/vda7"), "root=/dev/vda7")
    btrfs = tempfile.mktemp(dir=work)
    with open(btrfs, "wb") as file:
        file.truncate(2 * MIB)
        file.seek(0x10020)
        file.write(bytes.fromhex("0123456789abcdef" * 2))
        file.seek(0x10040)
        file.write(b"_BHRfS_M")
    expect("/boot, and a root that is not read", disk(work, "gpt", [boot, btrfs]),
           booted("partition 1: ", "/boot/", NEW,
                  "root=UUID=01234567-89ab-cdef-0123-456789abcdef ro console=ttyAMA0"))
    copy = ext(work, Tree(work).system(DEBIAN).kernels("boot/", ALL), uuid=BOOT_UUID)
    expect("a copy of a system beside it", disk(work, "gpt", [copy, ext(work, debian(work))]),
           booted("partition 2: ", "/boot/", OLD, ROOT_LINE))


def test_fat(work):
    for bits, size in (12, 12 * MIB), (16, 24 * MIB), (32, 48 * MIB):
        boot = fat(work, Tree(work).kernels("", (OLD, NEW)).write("zImage", KERNELS[OLD]), bits, size)
        for fstab in "UUID=0DD0-BEEF", "/dev/vda1", "PARTUUID=00c0ffee-01", "LABEL=BOOT":
            root = ext(work, Tree(work).system(DEBIAN + fstab + " /boot vfat\n"), size=8 * MIB)
            expect(f"MBR, /boot on FAT{bits}, as {fstab}", disk(work, "dos", [boot, root]),
                   booted("partition 1: ", "/boot/", NEW, ROOT_LINE))
    short = fat(work, Tree(work).write("zImage", KERNELS[OLD]), 16, 24 * MIB)
    expect("short names, FAT16 without partitions", short,
           [f"kernel: /boot/zImage {crc(KERNELS[OLD])}", "command line: console=ttyAMA0", "warning: no file"])


def test_extlinux(work):
    conf = f"default old\nlabel new\nlinux /boot/vmlinuz-{NEW}\nlabel old\n  linux /boot/vmlinuz-{OLD}\n" \
           f"  initrd /boot/initrd.img-{OLD}\n  append root=/dev/vda2 rw quiet\n"
    tree = debian(work, linked=NEW).write("boot/extlinux/extlinux.conf", conf)
    expect("extlinux.conf", ext(work, tree),
           booted("", "/boot/", OLD, "root=/dev/vda2 rw quiet console=ttyAMA0"))
    tree.write("boot/extlinux/extlinux.conf", conf.replace("vmlinuz", "vmlinux"))
    expect("extlinux.conf with another kernel", ext(work, tree),
           booted("", "/boot/", NEW, ROOT_LINE) + ["warning: /boot/extlinux/extlinux.conf names the kernel"])
    boot = Tree(work).kernels("", (OLD, NEW)).write("extlinux/extlinux.conf", conf.replace("/boot/", "/"))
    root = Tree(work).system(DEBIAN + f"UUID={BOOT_UUID} /boot ext4\n")
    expect("extlinux.conf in /boot", disk(work, "gpt", [ext(work, boot, uuid=BOOT_UUID), ext(work, root)]),
           [f"kernel: partition 1: /vmlinuz-{OLD}", f"initrd: partition 1: /initrd.img-{OLD}",
            "command line: root=/dev/vda2 rw quiet console=ttyAMA0"])


def test_nothing(work):
    blank = tempfile.mktemp(dir=work)
    run("truncate", "-s", "3M", blank)
    expect("a blank disk", blank, ["error: it has neither a partition table nor a file system"])
    expect("an empty partition table", disk(work, "gpt", []), ["error: "])
    root = ext(work, Tree(work).system(DEBIAN))
    expect("no kernel", disk(work, "gpt", [root]),
           ["error: partition 1 (ext2/3/4) was searched for /vmlinuz, /boot/vmlinuz-* and"])
    luks = tempfile.mktemp(dir=work)
    with open(luks, "wb") as file:
        file.write(b"LUKS\xba\xbe".ljust(MIB, b"\0"))
    expect("LUKS", disk(work, "gpt", [luks]), ["error: partition 1 (LUKS) holds no file system of an installed"])


def test_gpt_copy(work):
    image = disk(work, "gpt", [ext(work, debian(work))])
    with open(image, "r+b") as file:
        file.seek(512 + 40)
        file.write(b"\xff\xff")
    expect("GPT, of which the first copy is damaged", image, booted("partition 1: ", "/boot/", OLD, ROOT_LINE))
    with open(image, "r+b") as file:
        file.truncate(os.path.getsize(image) - 3 * MIB)
    expect("truncated", image, ["error: "])


def test_cut(work):
    """What copied the image was interrupted."""
    for label in "dos", "gpt":
        image = disk(work, label, [ext(work, debian(work))])
        with open(image, "r+b") as file:
            file.truncate(24 * MIB)
        if label == "dos":
            expect("its end is missing", image, booted("partition 1: ", "/boot/", OLD, ROOT_LINE) +
                   [f"but it has only {24 * MIB} (an incomplete copy?)"])
        with open(image, "r+b") as file:
            file.truncate(MIB + 4096)
        expect(f"most of a disk is missing ({label})", image, ["; the disk was cut off: its last partition ends at byte"])


def test_damage(work):
    """Nothing may crash: what is ours runs in the test's process, the rest as when booting."""
    small = (OLD,)
    root = ext(work, debian(work, small), size=6 * MIB, options=("-b", "1024"))
    boot = fat(work, Tree(work).kernels("", small), 16, 10 * MIB)
    for name, image in (("GPT and ext4", disk(work, "gpt", [root])),
                        ("MBR and FAT", disk(work, "dos", [boot], extended=True)), ("FAT", boot)):
        out = subprocess.run([SHOW, image, "--fuzz", "60"], capture_output=True, text=True)
        good = out.returncode == 0
        print("ok  " if good else "FAIL", f"damaged {name}:", out.stdout.strip(), out.stderr[-3000:])
        if not good:
            failures.append(name)


def main():
    for tool in "mke2fs", "mkfs.vfat", "mcopy", "sfdisk", "mkswap":
        if not shutil.which(tool):
            print(f"skipped: {tool} is not there (Debian: e2fsprogs dosfstools mtools fdisk)")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        for test in (test_one_partition, test_logical, test_boot_partition, test_fat, test_extlinux, test_nothing,
                     test_gpt_copy, test_cut, test_damage):
            try:
                test(work)
            except subprocess.CalledProcessError as e:
                print("FAIL", e, e.stderr)
                failures.append(test.__name__)
            for name in os.listdir(work):
                path = os.path.join(work, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    sys.exit(f"{len(failures)} failed: {failures}" if failures else 0)


main()
