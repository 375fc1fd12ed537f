#!/usr/bin/python3
"""Disk images under a real kernel's file system: overlays and what they leave of the image, the emulator killed in the
middle of writing, discards, commit, cards changed while the machine runs, qcow2 through an NBD server.

    disk_images.py ARMATURE"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import kernel_guest
from drive import Failure, Guest, fetched, main

MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
MIB = 1 << 20


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Machines:
    def __init__(self, armature, work):
        self.armature, self.work = armature, work
        folder = fetched("fetch_kernel 12")
        self.kernel, self.initrd = folder + "/vmlinuz", os.path.join(work, "initrd.gz")
        with open(self.initrd, "wb") as file:
            file.write(kernel_guest.initramfs(fetched("fetch_busybox 12"), folder, MODULES))

    def path(self, name):
        return os.path.join(self.work, name)

    def tool(self, *words):
        result = subprocess.run([self.armature, "disk", *words], capture_output=True, text=True, timeout=60)
        if result.returncode or result.stderr:
            raise Failure(f"armature disk {words}: {result.stderr}")
        return result.stdout

    def start(self, *options):
        guest = Guest(self.armature, "--kernel", self.kernel, "--initrd", self.initrd, "--memory", "256M", *options)
        guest.expect("init is done", 240)
        guest.expect("# ")
        return guest


def run(guest, command, answer="", timeout=120):
    """The command succeeds, and its output has the answer."""
    guest.send(f"({command}) && echo all'-'well || echo it' 'failed\n")
    end = guest.expect(r"(all-well|it failed)\r\n", timeout)
    guest.expect("# ")
    if end[1] != b"all-well" or not re.search(answer.encode(), end.string[:end.end()]):
        raise Failure(f"{command}: {end.string.decode(errors='replace')}")


def ext4(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", path], check=True, env=TOOLS)


def off(guest):
    guest.send("umount /mnt 2>/dev/null; sync; poweroff -f\n")
    guest.expect_exit(0, 60)


def test_kept(machines):
    image, overlay = machines.path("a.img"), machines.path("a.ovl")
    ext4(image, 64 * MIB)
    before = checksum(image)
    with machines.start("--disk", f"{image},overlay={overlay},serial=alpha") as guest:
        run(guest, "cat /sys/block/vda/serial", "alpha")
        run(guest, "mount /dev/vda /mnt && seq 1 200000 > /mnt/numbers && sync")
        guest.send("while :; do dd if=/dev/urandom of=/mnt/junk bs=64k count=100 2>/dev/null; sync; done &\n")
        time.sleep(2)
        guest.process.send_signal(signal.SIGKILL)
        guest.process.wait()
    if checksum(image) != before:
        raise Failure("the image has changed")
    print("ok: killed in the middle of writing; the image is as it was")
    numbers = hashlib.md5(b"".join(b"%d\n" % n for n in range(1, 200001))).hexdigest()
    with machines.start("--disk", overlay) as guest:
        run(guest, "mount /dev/vda /mnt && md5sum /mnt/numbers", numbers)
        run(guest, "rm /mnt/junk; dd if=/dev/zero of=/mnt/big bs=1M count=24; sync")
        large = os.stat(overlay).st_blocks * 512
        run(guest, "rm /mnt/big; sync; fstrim /mnt; sync")
        small = os.stat(overlay).st_blocks * 512
        off(guest)
    if small > large - 20 * MIB:
        raise Failure(f"discards gave nothing back: {large} bytes, then {small}")
    print(f"ok: what was flushed is there; discards gave {(large - small) // MIB} MiB back")
    facts = json.loads(machines.tool("info", "--json", overlay))
    if not facts["closed"] or not facts["changed"]:
        raise Failure(str(facts))
    machines.tool("check", overlay)
    machines.tool("commit", overlay)
    if json.loads(machines.tool("info", "--json", overlay))["changed"]:
        raise Failure("the overlay is not empty after the commit")
    subprocess.run(["e2fsck", "-fn", image], check=True, env=TOOLS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with machines.start("--disk", f"{image},ro") as guest:
        run(guest, "mount -o ro /dev/vda /mnt && md5sum /mnt/numbers", numbers)
        off(guest)
    print("ok: committed")


def test_temporary(machines):
    image = machines.path("a.img")
    before = checksum(image)
    with machines.start("--deterministic", "--disk", f"{image},overlay=temp", "--disk", f"{image},overlay=temp") as guest:
        run(guest, "mount /dev/vda /mnt && rm /mnt/numbers && echo other > /mnt/file && umount /mnt")
        run(guest, "mount /dev/vdb /mnt && ls /mnt", "numbers")
        off(guest)
    if checksum(image) != before:
        raise Failure("the image has changed")
    print("ok: two temporary overlays over one image")


def test_control(machines):
    image, sock, extra = machines.path("a.img"), machines.path("control"), machines.path("b.img")
    machines.tool("create", extra, "5M")

    def ctl(*words, ok=True):
        result = subprocess.run([machines.armature, "ctl", "--json", sock, *words], capture_output=True, text=True,
                                timeout=60)
        if (result.returncode == 0) != ok:
            raise Failure(f"ctl {words}: {result.stdout}{result.stderr}")
        return result.stdout if ok else result.stderr

    with machines.start("--control", sock, "--disk", f"{image},overlay=temp,name=root") as guest:
        run(guest, "mount /dev/vda /mnt && rm /mnt/numbers && umount /mnt")
        disk = json.loads(ctl("disks"))[0]
        if disk["name"] != "root" or not disk["writes"] or not disk["changed_bytes"] or disk["errors"]:
            raise Failure(str(disk))
        ctl("disk_revert", "root")
        run(guest, "echo 3 > /proc/sys/vm/drop_caches; mount -o ro /dev/vda /mnt && ls /mnt && umount /mnt", "numbers")
        ctl("disk_eject", "root")
        if "is empty" not in ctl("disk_commit", "root", ok=False):
            raise Failure("an empty disk was committed")
        ctl("disk_insert", "root", extra)
        if "has a disk" not in ctl("disk_insert", "root", extra, ok=False):
            raise Failure("two disks in one place")
        time.sleep(1)
        run(guest, "cat /sys/block/vda/size", "10240\r")
        run(guest, "echo 3 > /proc/sys/vm/drop_caches; echo something else > /dev/vda; sync")
        off(guest)
    with open(extra, "rb") as file:
        if file.read(14) != b"something else":
            raise Failure("the inserted disk was not written to")
    print("ok: reverted, ejected and inserted while the machine ran")


def test_nbd(machines):
    if not shutil.which("qemu-nbd"):
        print("left out: qemu-nbd is not there (Debian: qemu-utils)")
        return
    image, sock = machines.path("c.qcow2"), machines.path("nbd")
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", machines.path("a.img"), image], check=True)
    server = subprocess.Popen(["qemu-nbd", "--persistent", "--discard=unmap", "-k", sock, image])
    try:
        while not os.path.exists(sock):
            time.sleep(0.05)
        with machines.start("--disk", f"nbd:{sock}") as guest:
            run(guest, "mount /dev/vda /mnt && echo more > /mnt/more && md5sum /mnt/numbers && umount /mnt", "numbers")
            run(guest, "mount /dev/vda /mnt && cat /mnt/more", "more\r")
            server.kill()
            server.wait()
            guest.send("echo lost > /mnt/lost; sync\n")
            guest.expect("I/O error", 60)
            off(guest)
    finally:
        server.kill()
        server.wait()
    print("ok: qcow2 through an NBD server, and its end")


def test(armature):
    with tempfile.TemporaryDirectory() as work:
        machines = Machines(armature, work)
        test_kept(machines)
        test_temporary(machines)
        test_control(machines)
        test_nbd(machines)


if __name__ == "__main__":
    main(test)
