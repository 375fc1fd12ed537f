#!/usr/bin/python3
"""The host's file system is full while Debian's kernel writes to ext4: the guest gets I/O errors, the user is told once, what
was stored before stays; when there is room again, the file system goes on after a mount. Also files that may not grow any
more (RLIMIT_FSIZE), and a recording of such a run, whose replay fails where the host had failed. Skipped where nothing can be mounted.

    full_host.py ARMATURE"""

import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

from disk_guest import TOOLS, DiskGuest, check_ext4, make_ext4, tool
from drive import SKIPPED, Failure, main

SIZE, ROOM, FILLER = 96 << 20, 40 << 20, 16 << 20
NUMBERS = hashlib.md5(b"".join(b"%d\n" % n for n in range(1, 50001))).hexdigest()

SCRIPT = """
local filler, numbers = select(4, ...)
expect("@M", 60)
local function check(command)
    local output, status = run(command, 600)
    assert(status == 0, command .. ": " .. output)
    return output
end
local mount = ("mount -t ext4 /dev/%s /mnt"):format(device)

check(mount .. " && seq 1 50000 > /mnt/numbers && sync")
check("dd if=/dev/zero bs=1M count=1 | tr '\\0' x > /tmp/x")
-- Little at a time: who has made many pages dirty waits for ever on a file system that has given up (balance_dirty_pages()).
local output, status = run("(for n in $(seq 60); do dd if=/tmp/x of=/mnt/big$n conv=fsync || exit 1; done)", 600)
assert(status ~= 0, "nothing failed: " .. output)
check("echo 3 > /proc/sys/vm/drop_caches")
assert(check("md5sum < /mnt/numbers"):find(numbers))
if filler ~= "" then
    os.remove(filler)
    check("umount /mnt; " .. mount .. " && rm -f /mnt/big* && echo again | dd of=/mnt/again conv=fsync")
    assert(check("md5sum < /mnt/numbers"):find(numbers))
end
run("umount /mnt", 600)
quit(0)
"""


class Host:
    def __init__(self, guest, small):
        self.guest, self.small = guest, small

    def path(self, name):
        return os.path.join(self.small, name)

    def run(self, bus, file, filler, limit=None):
        """limit: longest file that it may write to, in bytes, when the disk is there."""
        process, said = self.guest.start(bus, file, filler, NUMBERS), b""
        while limit and b"@M" not in said:
            data = os.read(process.stdout.fileno(), 4096)
            if not data:
                raise Failure(f"{file}: not begun: {said}")
            said += data
        if limit:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        said = (said + process.communicate(timeout=1500)[0]).decode(errors="replace")
        lines = [line for line in said.split("\n") if line.startswith("armature: ")]
        if process.returncode or len(lines) != 1 or "make room" not in lines[0]:
            raise Failure(f"{file}: exit code {process.returncode}: {said}")
        return lines[0]

    def check(self, name, image, again):
        check_ext4(image)
        for file, wanted in (("numbers", NUMBERS), ("again", hashlib.md5(b"again\n").hexdigest()))[:1 + again]:
            data = subprocess.run(["debugfs", "-R", f"cat {file}", image], env=TOOLS, capture_output=True, check=True).stdout
            if hashlib.md5(data).hexdigest() != wanted:
                raise Failure(f"{name}: {file} is not what it was")
        print(f"ok: {name}")

    def fill(self):
        with open(self.path("filler"), "wb") as file:
            file.write(bytes(FILLER))

    def raw(self, bus):
        self.fill()
        image = self.path("raw.img")
        make_ext4(image, SIZE)
        said = self.run(bus, image + f",if={bus}", self.path("filler"))
        if "No space left on device" not in said:
            raise Failure(said)
        self.check(f"raw, {bus}", image, True)
        os.unlink(image)

    def overlay(self, bus):
        """The image is elsewhere; what the guest had written is in it after a commit."""
        self.fill()
        image, overlay = self.guest.path("base.img"), self.path("small.ovl")
        make_ext4(image, SIZE)
        self.run(bus, f"{image},if={bus},overlay={overlay}", self.path("filler"))
        tool(self.guest.armature, "disk", "check", overlay)
        tool(self.guest.armature, "disk", "commit", overlay)
        os.unlink(overlay)
        self.check(f"overlay, {bus}", image, True)

    def limited(self, bus):
        image, overlay = self.guest.path("base.img"), self.guest.path("limited.ovl")
        make_ext4(image, SIZE)
        tool(self.guest.armature, "disk", "create", "--overlay-of", image, overlay)
        said = self.run(bus, f"{overlay},if={bus}", "", 24 << 20)
        if "File too large" not in said:
            raise Failure(said)
        tool(self.guest.armature, "disk", "check", overlay)
        tool(self.guest.armature, "disk", "commit", overlay)
        self.check(f"limit, {bus}", image, False)

    def recorded(self, bus):
        """The guest reads no more and no less in the replay, where the host has room and nothing is written."""
        image, recording = self.guest.path("base.img"), self.guest.path("run.rec")
        make_ext4(image, SIZE)
        process = self.guest.start(bus, f"{image},if={bus},overlay=temp", "", NUMBERS, more=["--record", recording],
                                   env={**os.environ, "TMPDIR": self.small})
        first = process.communicate(timeout=1500)[0].decode(errors="replace")
        second = tool(*self.guest.options, "--replay", recording)
        failed = [re.findall(r"dd: .*Input/output error", said) for said in (first, second)]
        if process.returncode or "No space left on device" not in first or not failed[0] or failed[0] != failed[1]:
            raise Failure(f"recorded, {bus}: {process.returncode}, {failed}: {first}")
        print(f"ok: recorded, {bus}")


def inside(armature, work):
    small = os.path.join(work, "small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", small]).returncode:
        print("skipped: nothing can be mounted here")
        sys.exit(SKIPPED)
    host = Host(DiskGuest(armature, work, SIZE, SCRIPT), small)
    host.raw("virtio")
    host.overlay("virtio")
    host.raw("cf")
    host.overlay("sd")
    host.limited("virtio")
    host.recorded("virtio")


def test(armature, work=None):
    if not shutil.which("mke2fs", path=TOOLS["PATH"]) or not shutil.which("unshare"):
        print("skipped: e2fsprogs or util-linux is not there")
        sys.exit(SKIPPED)
    if work:
        inside(armature, work)
        return
    with tempfile.TemporaryDirectory() as folder:
        words = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Urm"]
        if subprocess.run([*words, "true"]).returncode:
            print("skipped: there can be no mounts of one's own here")
            sys.exit(SKIPPED)
        sys.exit(subprocess.run([*words, sys.executable, "-B", os.path.abspath(__file__), armature, folder]).returncode)


if __name__ == "__main__":
    main(test)
