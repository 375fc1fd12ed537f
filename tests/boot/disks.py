#!/usr/bin/python3
"""The board's disks with the drivers of Debian's kernel: ext4 on each, written, read back, discarded; what is on the
image afterwards is checked by the host's e2fsprogs.

    disks.py ARMATURE RELEASE virtio|sd|cf [ARMATURE_OPTION...]"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import initramfs
from drive import SKIPPED, Failure, Guest, fetched, main

MODULES = {"virtio": ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4"), "sd": ("armmmci", "crc32c_generic", "ext4"),
           "cf": ("pata_of_platform", "sd_mod", "crc32c_generic", "ext4")}
DEVICES = {"virtio": "vda", "sd": "mmcblk0", "cf": "sda"}

UUID = "6b3c6a2e-7d0e-4c57-9b2f-0f6a54c1a001"
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}

# An odd number of sectors: media have any size.
SIZE = 48 << 20 | 512 * 7

SCRIPT = b"""
disk=/dev/DEVICE
for n in 1 2 3 4 5 6 7 8 9 10; do [ -b $disk ] || sleep 1; done
echo "size $(blockdev --getsize64 $disk)"
mount -t ext4 $disk /mnt || poweroff -f
cd /mnt
seq 1 200000 > numbers
dd if=/bin/busybox of=copy bs=4k 2>/dev/null
mkdir many
for n in $(seq 1 100); do echo "file $n" > many/$n; done
sync
echo 3 > /proc/sys/vm/drop_caches
echo "sums $(md5sum < numbers) $(cat many/* | wc -l) $(md5sum < copy) $(md5sum < /bin/busybox)"
dd if=/dev/zero of=hole bs=1M count=8 conv=fsync 2>/dev/null
rm hole
sync
fstrim -v /mnt
cd /
umount /mnt
mount -t ext4 -o ro $disk /mnt && echo "again $(md5sum < /mnt/numbers)"
umount /mnt
dmesg | grep -i -e error -e warn -e 'DEVICE' | head -n 20
echo all is done
poweroff -f
"""


def make_image(path):
    with open(path, "wb") as file:
        file.truncate(SIZE)
    # The same in each run: nothing random, no time of the day.
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-U", UUID, "-E", f"hash_seed={UUID}", path], check=True,
                   env={**TOOLS, "E2FSPROGS_FAKE_TIME": "1700000000"})


def check_image(path):
    result = subprocess.run(["e2fsck", "-f", "-n", path], env=TOOLS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise Failure("the file system is not sound:\n" + result.stdout.decode())
    numbers = subprocess.run(["debugfs", "-R", "cat numbers", path], env=TOOLS, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    if numbers != b"".join(b"%d\n" % n for n in range(1, 200001)):
        raise Failure("the image does not hold the file that the guest wrote")


def check(guest, kind, slow):
    size = int(guest.expect(r"size (\d+)\r\n", timeout=300 * slow)[1])
    if not SIZE <= size < SIZE + (1 << 20):
        raise Failure(f"the guest sees {size} bytes, not {SIZE}")
    sums = re.search(r"sums (\w+)  - (\d+) (\w+)  - (\w+)  -", guest.expect(r"sums [^\r]*\r", timeout=300 * slow)[0].decode())
    if not sums or sums[2] != "100" or sums[3] != sums[4]:
        raise Failure("the guest read back something else")
    if kind == "virtio":
        guest.expect(r"/mnt: \d+ .*trimmed|/mnt: \d+ bytes", timeout=60 * slow)
    guest.expect("again " + sums[1], timeout=60 * slow)
    guest.expect("all is done", timeout=60 * slow)


def run(armature, command, image, kind):
    """One boot; returns what the guest said and what is on the image afterwards."""
    make_image(image)
    with Guest(armature, *command) as guest:
        check(guest, kind, 10 if "--jit=verify" in command else 1)
        guest.expect_exit(0, timeout=60)
        check_image(image)
        with open(image, "rb") as file:
            return guest.seen, hashlib.sha256(file.read()).digest()


def test(armature, release, kind, *options):
    kernel, busybox = fetched(f"fetch_kernel {release}"), fetched("fetch_busybox 12")
    installer = fetched(f"fetch_installer {release}")
    if not shutil.which("mkfs.ext4", path=TOOLS["PATH"]):
        print("skipped: there is no mkfs.ext4 here")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        image, initrd = os.path.join(folder, "disk.img"), os.path.join(folder, "initrd.gz")
        with open(initrd, "wb") as file:
            file.write(initramfs.make(kernel, busybox, MODULES[kind], SCRIPT.replace(b"DEVICE", DEVICES[kind].encode())))
        command = ["--kernel", kernel + "/vmlinuz", "--initrd", initrd, "--dtb", installer + "/vexpress-v2p-ca9.dtb",
                   "--append", "console=ttyAMA0 loglevel=5", "--disk", f"{image},if={kind},serial=TEST-1", *options]
        first = run(armature, command, image, kind)
        if "--deterministic" in options and run(armature, command, image, kind) != first:
            raise Failure("a second run went another way")


if __name__ == "__main__":
    main(test)
