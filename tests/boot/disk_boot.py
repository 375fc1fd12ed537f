#!/usr/bin/python3
"""Boots from disk images alone, in the layouts that installers make: Debian's kernels, a root of busybox, and a kernel
update between two resets.

    disk_boot.py ARMATURE"""

import os
import shutil
import subprocess
import sys
import tempfile

import initramfs
from drive import SKIPPED, Failure, Guest, fetched, main

ROOT_UUID, BOOT_UUID = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"
MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4", "nls_cp437", "nls_ascii", "nls_iso8859_1", "vfat")
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin", "MTOOLS_SKIP_CHECK": "1"}
MIB = 1 << 20

# Finds the root that the command line names, as Debian's own does.
FIND_ROOT = b"""
for word in $(cat /proc/cmdline); do case $word in root=*) root=${word#root=};; esac; done
case $root in UUID=*) for n in 1 2 3 4 5 6 7 8 9 10; do findfs $root >/dev/null 2>&1 && break; sleep 1; done
    root=$(findfs $root);; esac
mount -t ext4 -o ro $root /mnt || poweroff -f
mount -t devtmpfs dev /mnt/dev
exec switch_root /mnt /sbin/init
"""

INIT = b"""#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
echo "root is up: $(uname -r), $(mount | grep ' on / ' | grep -v rootfs), $(cat /proc/cmdline)"
while :; do setsid sh -c 'exec sh </dev/ttyAMA0 >/dev/ttyAMA0 2>&1'; done
"""


def run(*command, **options):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=TOOLS, **options)


def write(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


class Files:
    """The kernels of two releases with their initrds, and the root of a system, as folders."""

    def __init__(self, work):
        self.work, self.kernels = work, {}
        busybox = fetched("fetch_busybox 12")
        for release, version in ("12", "6.1.0-9-armmp"), ("13", "6.12.1-armmp"):
            folder = fetched(f"fetch_kernel {release}")
            with open(folder + "/vmlinuz", "rb") as file:
                kernel = file.read()
            self.kernels[version] = kernel, initramfs.make(folder, busybox, MODULES, FIND_ROOT)
        self.old, self.new = self.kernels
        self.root = os.path.join(work, "root")
        with open(busybox, "rb") as file:
            write(self.root + "/bin/busybox", file.read(), 0o755)
        for name in ("sh", "mount", "umount", "uname", "cat", "grep", "cp", "ln", "sync", "reboot", "poweroff", "setsid",
                     "ls", "echo", "rm"):
            os.symlink("busybox", f"{self.root}/bin/{name}")
        write(self.root + "/sbin/init", INIT, 0o755)
        for name in "proc", "dev", "boot", "etc", "usr":
            os.makedirs(f"{self.root}/{name}")

    def put(self, folder, *versions):
        for version in versions:
            kernel, initrd = self.kernels[version]
            write(f"{folder}/vmlinuz-{version}", kernel)
            write(f"{folder}/initrd.img-{version}", initrd)

    def fstab(self, boot=""):
        write(self.root + "/etc/fstab", f"UUID={ROOT_UUID} / ext4 defaults 0 1\n{boot}\n".encode())

    def ext(self, folder, kind, uuid, size):
        path = os.path.join(self.work, uuid)
        with open(path, "wb") as file:
            file.truncate(size)
        run("mke2fs", "-q", "-F", "-t", kind, "-U", uuid, "-d", folder, path)
        return path

    def fat(self, folder, size):
        path = os.path.join(self.work, "fat")
        with open(path, "wb") as file:
            file.truncate(size)
        run("mkfs.vfat", "-F", "32", "-i", "0DD0BEEF", path)
        run("mcopy", "-i", path, *(os.path.join(folder, name) for name in os.listdir(folder)), "::/")
        return path

    def disk(self, label, *parts):
        path = os.path.join(self.work, "disk.img")
        at, lines = 1, [f"label: {label}"]
        with open(path, "wb") as file:
            file.truncate(sum(os.path.getsize(part) for part in parts) + 3 * MIB)
        for part in parts:
            lines.append(f"start={at}MiB, size={os.path.getsize(part) // MIB}MiB")
            at += os.path.getsize(part) // MIB
        run("sfdisk", "-q", path, input="\n".join(lines).encode())
        at = 1
        for part in parts:
            run("dd", f"if={part}", f"of={path}", "bs=1M", f"seek={at}", "conv=notrunc,sparse", "status=none")
            at += os.path.getsize(part) // MIB
            os.unlink(part)
        return path


def installed(work):
    """The files of a system with one kernel, and a disk without partitions that holds it."""
    files = Files(work)
    files.fstab()
    files.put(files.root + "/boot", files.old)
    os.symlink("boot/vmlinuz-" + files.old, files.root + "/vmlinuz")
    os.symlink("boot/initrd.img-" + files.old, files.root + "/initrd.img")
    return files, files.ext(files.root, "ext4", ROOT_UUID, 96 * MIB)


def up(guest, version, device):
    guest.expect(rf"root is up: {version}[^ ]*, /dev/{device} on / type ext4[^\n]* root=UUID={ROOT_UUID} ro "
                 r"console=ttyAMA0", 240)
    guest.expect("# ", 30)


def power_off(guest):
    guest.send("poweroff -f\n")
    guest.expect_exit(0, 60)


def boot(armature, image, version, device, *options):
    with Guest(armature, image, *options) as guest:
        up(guest, version, device)
        power_off(guest)
    print(f"ok: {version} on {device} {' '.join(options)}")


def update(armature, image, files):
    """In one run: the first kernel installs the second, as a package would, and reboots into it."""
    with Guest(armature, image) as guest:
        up(guest, "6[.]1[.]", "vda1")
        guest.send("mount -o remount,rw / && cp /srv/* /boot && "
                   f"ln -sf boot/vmlinuz-{files.new} /vmlinuz && ln -sf boot/initrd.img-{files.new} /initrd.img; "
                   "mount -o remount,ro /; sync; reboot -f\n")
        up(guest, "6[.]12", "vda1")
        power_off(guest)
    print("ok: a kernel update between two resets")
    boot(armature, image, "6[.]12", "vda1")


def refuse(armature, image, words):
    result = subprocess.run([armature, image], capture_output=True, text=True, timeout=60)
    lines = result.stderr.splitlines()
    if result.returncode != 64 or len(lines) != 1 or not all(word in lines[0] for word in words):
        raise Failure(f"exit code {result.returncode}, {result.stderr}")
    print("ok:", lines[0])


def test(armature):
    for tool in "mke2fs", "sfdisk", "mkfs.vfat", "mcopy":
        if not shutil.which(tool, path=TOOLS["PATH"]):
            print(f"skipped: {tool} is not there (Debian: e2fsprogs fdisk dosfstools mtools)")
            sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as work:
        files, whole = installed(work)
        boot(armature, whole, "6[.]1[.]", "vda", "--deterministic")
        files.put(files.root + "/srv", files.new)
        update(armature, files.disk("dos", files.ext(files.root, "ext4", ROOT_UUID, 160 * MIB)), files)

        shutil.rmtree(files.root + "/srv")
        shutil.rmtree(files.root + "/boot")
        os.mkdir(files.root + "/boot")
        kernels = os.path.join(work, "boot")
        files.put(kernels, files.old, files.new)
        files.fstab(f"UUID={BOOT_UUID} /boot ext2 defaults 0 2")
        boot(armature, files.disk("gpt", files.ext(kernels, "ext2", BOOT_UUID, 96 * MIB),
                                  files.ext(files.root, "ext4", ROOT_UUID, 32 * MIB)), "6[.]1[.]", "vda2")
        for name in "vmlinuz", "initrd.img":
            os.unlink(f"{files.root}/{name}")
        files.fstab("UUID=0DD0-BEEF /boot vfat defaults 0 2")
        boot(armature, files.disk("dos", files.fat(kernels, 96 * MIB),
                                  files.ext(files.root, "ext4", ROOT_UUID, 32 * MIB)), "6[.]12", "vda2",
             "--append", "quiet")
        refuse(armature, files.disk("dos", files.ext(files.root, "ext4", ROOT_UUID, 32 * MIB)),
               ("no kernel to boot on", "disk.img", "partition 1 (ext2/3/4)", "--kernel"))


if __name__ == "__main__":
    main(test)
