#!/usr/bin/python3
"""Debian's kernel moves from process to process while it works: busybox on ext4 on a virtio disk, to and fro over UNIX
and TCP sockets, with an overlay and with an image that all of them write. What the guest has in memory and on its disk is
the same, the console goes on, and the file system is sound. Destinations that are killed, refuse, have no room, or are
none leave it running where it is.

    migrate.py ARMATURE"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
import kernel_guest  # noqa: E402
from drive import SKIPPED, Failure, Guest, fetched, main  # noqa: E402

MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
SIZE = 48 << 20
LOAD = ("mount /dev/vda /mnt; n=0; while [ ! -e /tmp/stop ]; do n=$((n + 1)); seq $n 400 30000 > /mnt/a$((n % 37)); mkdir /mnt/d$n; "
        "cp /bin/busybox /mnt/d$n/copy; [ $((n % 3)) = 0 ] && sync; rm -rf /mnt/d$((n - 9)); echo $n > /tmp/n; done & true")


class Place:
    """Where a machine is, or is awaited."""

    count = 0

    def __init__(self, test, *options, folder=None):
        Place.count += 1
        self.test = test
        self.control = test.path(f"control{Place.count}")
        prepare = ["--no-config", "--display", "none", "--control", self.control, *options]
        environment = os.environ.get("TMPDIR")
        if folder:
            os.environ["TMPDIR"] = folder
        self.guest = Guest(test.armature, *prepare)
        if folder:
            os.environ.pop("TMPDIR") if environment is None else os.environ.update(TMPDIR=environment)

    def end(self):
        self.guest.__exit__(None, None, None)

    def ctl(self, *words, fails=False):
        end = time.monotonic() + 60
        while not os.path.exists(self.control) and time.monotonic() < end:
            time.sleep(0.02)
        result = subprocess.run([self.test.armature, "ctl", "--json", self.control, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=600)
        if (result.returncode != 0) != fails:
            raise Failure(f"{words}: {result.returncode} {result.stdout.decode()} {result.stderr.decode()}")
        return result.stderr.decode() if fails else json.loads(result.stdout.decode() or "null")

    def run(self, line, timeout=600):
        """What a command of the guest's shell says; its echo is cut in two, so that only the answer matches."""
        self.guest.send(f"echo AB''C; {line}; echo D''EF\r")
        self.guest.expect("ABC\r\n", timeout)
        return self.guest.expect("(.*?)DEF\r\n", timeout).group(1).decode().strip()


class Test:
    def __init__(self, armature, folder):
        self.armature, self.folder = armature, folder
        self.kernel = fetched("fetch_kernel 12")
        with open(self.path("initrd.gz"), "wb") as file:
            file.write(kernel_guest.initramfs(fetched("fetch_busybox 12"), self.kernel, MODULES))
        self.boot = ["--kernel", self.kernel + "/vmlinuz", "--initrd", self.path("initrd.gz"), "--append", "console=ttyAMA0 quiet",
                     "--memory", "256M", "--net", "none"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def image(self, name):
        path = self.path(name)
        with open(path, "wb") as file:
            file.truncate(SIZE)
        subprocess.run(["mkfs.ext4", "-q", "-F", path], env=TOOLS, check=True)
        return path

    def sound(self, path):
        result = subprocess.run(["e2fsck", "-f", "-n", path], env=TOOLS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode:
            raise Failure(f"{path}: {result.stdout.decode()}")

    def start(self, *options):
        place = Place(self, *self.boot, *options)
        place.guest.expect("init is done", timeout=900)
        place.guest.expect("# ")
        return place

    def awaited(self, kind, *options, folder=None):
        where = f"unix:{self.path('s%d' % Place.count)}" if kind == "unix" else "tcp-listen:0"
        place = Place(self, "--incoming", where, *options, folder=folder)
        place.at = place.guest.expect(r"waiting for a machine at (\S+)\n").group(1).decode()
        return place

    def move(self, place, kind, *options):
        """To another process, which is returned."""
        other = self.awaited(kind, *options)
        result = place.ctl("migrate", other.at)
        if not 0 < result["downtime"] <= result["seconds"] or result["bytes"] < 1 << 20:
            raise Failure(f"no sensible result: {result}")
        print(f"{kind}: stood still for {result['downtime'] * 1000:.1f} ms of {result['seconds'] * 1000:.0f} ms, {result['rounds']} rounds, "
              f"{result['bytes'] / 1e6:.1f} MB")
        place.guest.expect_exit(0)
        other.guest.expect("the machine has come", 60)
        return other


def begin(place):
    place.run("head -c 3000000 /dev/urandom > /tmp/random")
    total = place.run("sha256sum < /tmp/random")
    place.run("echo 0 > /tmp/n; " + LOAD)
    return total


def check(place, total, since=0):
    """The work goes on, and memory is what it was."""
    now = int(place.run("cat /tmp/n") or since)
    if now < since:
        raise Failure(f"the work went back from {since} to {now}")
    if place.run("sha256sum < /tmp/random") != total:
        raise Failure("memory is not what it was")
    later = now
    end = time.monotonic() + 600
    while later <= now:
        later = int(place.run("cat /tmp/n") or now)
        if time.monotonic() > end:
            raise Failure("the work does not go on")
    return later


def finish(place):
    place.run("touch /tmp/stop; wait; umount /mnt", 600)
    if re.search(r"BUG|Oops|EXT4-fs error|I/O error", place.run("dmesg")):
        raise Failure("the kernel complains: " + place.run("dmesg | tail"))


def to_and_fro(test):
    image = test.image("apart.img")
    disk = ["--disk", image + ",overlay=temp"]
    place = test.start(*disk)
    total, since = begin(place), 0
    for kind in ("unix", "tcp", "unix", "tcp"):
        place = test.move(place, kind, *disk)
        since = check(place, total, since)
    refusals(test, place, total, disk)
    finish(place)
    place.ctl("disk_commit", "disk0")
    place.end()
    test.sound(image)


def full_host(test, refused, disk):
    """The changes of the disk do not fit where they go."""
    small = test.path("small")
    os.makedirs(small, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", small], stderr=subprocess.DEVNULL).returncode:
        print("not tested: a full host, which needs mount")
        return
    try:
        other = test.awaited("unix", *disk, folder=small)
        refused([other.at], "No space left on device", "the machine goes on here")
        other.guest.expect_exit(70, 60)
    finally:
        subprocess.run(["umount", "-l", small])


def refusals(test, place, total, disk):
    """Each leaves the machine running here."""
    def refused(words, *told):
        text = place.ctl("migrate", *words, fails=True)
        for part in told:
            if part not in text:
                raise Failure(f"{words}: {text!r} does not say {part!r}")
        check(place, total)

    refused(["unix:" + test.path("nobody")], "cannot connect", "the machine goes on here")
    refused(["file:x"], "unix:PATH")
    other = test.awaited("unix")
    refused([other.at], "the other end refuses", "disk0", "the machine goes on here")
    other.guest.expect_exit(70, 60)
    full_host(test, refused, disk)
    chance = random.Random(1)
    for _ in range(6):
        other = test.awaited(chance.choice(("unix", "tcp")), *disk)
        process = subprocess.Popen([test.armature, "ctl", place.control, "migrate", other.at], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        other.guest.expect("", 1)
        time.sleep(chance.random() * 0.15)
        other.guest.process.kill()
        said = process.communicate(timeout=60)[0].decode()
        if "the machine goes on here" not in said and process.returncode:
            if "cannot be known" not in said:
                raise Failure(f"a destination was killed: {said!r}")
            place.ctl("migrate_cancel")
        check(place, total)
    other = test.awaited("unix", *disk)
    process = subprocess.Popen([test.armature, "ctl", place.control, "migrate", other.at, "downtime=0", "rounds=1000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not place.ctl("migrating")["rounds"]:
        time.sleep(0.01)
    for words in (["save", test.path("x.snap")], ["disk_eject", "disk0"], ["load", test.path("x.snap")]):
        if "leaving" not in place.ctl(*words, fails=True):
            raise Failure(f"{words} while the machine leaves")
    if not place.ctl("migrate_cancel") or "cancelled" not in process.communicate(timeout=60)[0].decode():
        raise Failure("it could not be cancelled")
    other.guest.expect_exit(70, 60)
    check(place, total)


def one_image(test):
    """All of them write the same file, one after the other."""
    image = test.image("direct.img")
    place = test.start("--disk", image)
    total, since = begin(place), 0
    for kind in ("unix", "tcp"):
        other = test.awaited("unix", "--disk", image)  # and one that is killed while it waits has taken nothing
        other.guest.process.kill()
        place = test.move(place, kind, "--disk", image)
        since = check(place, total, since)
    finish(place)
    place.end()
    test.sound(image)


def paused_and_repeatable(test):
    """A deterministic machine does not show that it was moved; one that is paused comes as it was."""
    boot = [*test.boot, "--deterministic"]
    at = 400000000
    whole = Place(test, *boot, "--hash-at", str(at))
    wanted = whole.guest.expect(rf"hash {at} all ([0-9a-f]{{16}})", 600).group(1)
    whole.end()
    other = test.awaited("unix", "--hash-at", str(at))
    with open(test.path("leave.lua"), "w") as file:
        file.write(f'pause_at({at // 2}) local moved = migrate("{other.at}") print("stood still for " .. moved.downtime)')
    place = Place(test, *boot, "--script", test.path("leave.lua"))
    place.guest.expect("stood still for 0", 600)
    place.guest.expect_exit(0)
    other.guest.expect("the machine has come, and is paused", 60)
    if other.ctl("status")["state"] != "paused":
        raise Failure("it is not paused")
    other.ctl("resume")
    if other.guest.expect(rf"hash {at} all ([0-9a-f]{{16}})", 600).group(1) != wanted:
        raise Failure("not the same run")
    other.end()


def test(armature):
    if not shutil.which("mkfs.ext4", path=TOOLS["PATH"]) or not shutil.which("e2fsck", path=TOOLS["PATH"]):
        print("skipped: no e2fsprogs")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        it = Test(armature, folder)
        to_and_fro(it)
        one_image(it)
        paused_and_repeatable(it)


main(test)
