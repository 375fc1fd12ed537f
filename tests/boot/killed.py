#!/usr/bin/python3
"""The emulator is killed (SIGKILL), again and again, while Debian's kernel writes to ext4 on its disks: the file system is
sound afterwards, and all is there that programs in the guest had been told was stored (kill_writer.c). The disks go on from
round to round: raw images and overlays; on the latter, commits are killed too, of `armature disk` and of a machine that
runs.

    killed.py ARMATURE KILL_WRITER [ROUNDS [SEED]]"""

import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from disk_guest import TOOLS, DiskGuest, check_ext4, make_ext4, tool
from drive import SKIPPED, Failure, main
from killed_promises import Promises

KINDS = [("virtio", True), ("sd", False), ("virtio", False), ("sd", True), ("cf", True)]  # an overlay?
COMPLAINT = re.compile(rb"^armature: (?!.*(the last run broke off|a commit was interrupted))", re.M)
SIZE = 160 << 20  # two pages of an overlay's table

SCRIPT = """
local round, commits = select(4, ...)
sendline(("mount -t ext4 /dev/%s /mnt && kill_writer /mnt %s; echo @E ended"):format(device, round))
while commits == "yes" do sleep(math.random() * 0.5) disk_commit(place) end
wait_off()
"""


class Killing:
    """A disk, and what must be on it."""

    def __init__(self, guest, bus, overlay, chance):
        self.guest, self.bus, self.chance = guest, bus, chance
        self.name = f"{bus}, {'overlay' if overlay else 'raw'}"
        self.folder = guest.path(f"{bus}-{overlay}")
        os.mkdir(self.folder)
        self.image, self.overlay = self.folder + "/disk.img", self.folder + "/disk.ovl" if overlay else None
        make_ext4(self.image, SIZE)
        self.promises = Promises()
        self.rounds = self.commits = 0

    def round(self, number):
        """The state before is kept."""
        shutil.rmtree(self.folder + "/before", ignore_errors=True)
        self.copy("before")
        made, base = self.promises.made, os.stat(self.image).st_mtime_ns
        commits = bool(self.overlay) and self.chance.random() < 0.4
        self.run(number, commits)
        if self.overlay and self.chance.random() < 0.3:
            commits = True
            self.kill_commits()
        if self.overlay and not commits and os.stat(self.image).st_mtime_ns != base:
            raise Failure("the image below the overlay has changed")
        self.check("after")
        self.rounds += 1
        return self.promises.made - made

    def run(self, number, commits):
        file = self.image + (f",overlay={self.overlay}" if self.overlay else "")
        process = self.guest.start(self.bus, file, str(number), "yes" if commits else "no")
        said = b""
        try:
            # Some do not get beyond the replay of the journal.
            mark = self.chance.choice([b"@M"] + [b"@N", b"@R", b"@S", b"@L"] * 2)
            end = time.monotonic() + 300
            while mark not in said:
                data = os.read(process.stdout.fileno(), 65536)
                if not data or b"@E" in said or time.monotonic() > end:
                    raise Failure(f"not begun: {said.decode(errors='replace')}")
                said += data
            end = time.monotonic() + self.chance.expovariate(2)
            while time.monotonic() < end:
                said += self.take(process, end - time.monotonic())
        finally:
            process.send_signal(signal.SIGKILL)
            said += process.stdout.read()
            process.wait()
            process.stdout.close()
        if process.returncode != -signal.SIGKILL or COMPLAINT.search(said):
            raise Failure(f"ended with {process.returncode}: {said.decode(errors='replace')[:2000]}")
        for line in said.decode(errors="replace").split("\n")[:-1]:
            if line.startswith("@") and line.strip() != "@M":
                self.promises.hear(line)

    @staticmethod
    def take(process, seconds):
        if not select.select([process.stdout], [], [], max(0, seconds))[0]:
            return b""
        return os.read(process.stdout.fileno(), 65536)

    def kill_commits(self):
        for _ in range(self.chance.randint(1, 3)):
            process = subprocess.Popen([self.guest.armature, "disk", "commit", self.overlay], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(self.chance.random() * 0.03)
            process.kill()
            self.commits += process.wait() == -signal.SIGKILL

    def copy(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        files = [name for name in (self.image, self.overlay) if name and os.path.exists(name)]
        tool("cp", "-p", "--sparse=always", *files, folder)

    def check(self, name):
        folder = os.path.join(self.folder, name)
        if not os.path.exists(folder):
            self.copy(name)
        image, overlay = folder + "/disk.img", folder + "/disk.ovl"
        try:
            if os.path.exists(overlay):
                tool(self.guest.armature, "disk", "check", overlay)
                tool(self.guest.armature, "disk", "commit", overlay)
            check_ext4(image)
            os.mkdir(folder + "/files")
            tool("debugfs", "-R", f"rdump / {folder}/files", image)
            self.promises.check(folder + "/files")
        finally:
            shutil.rmtree(folder)

    def check_sharp(self):
        """The disk as it was before the last round breaks what was promised in it."""
        try:
            self.check("before")
        except Failure:
            return
        raise Failure("the check did not see that a round is missing")


def test(armature, writer, rounds="30", seed="1"):
    if not shutil.which("mke2fs", path=TOOLS["PATH"]):
        print("skipped: e2fsprogs is not there")
        sys.exit(SKIPPED)
    chance = random.Random(int(seed))
    with tempfile.TemporaryDirectory() as work:
        guest = DiskGuest(armature, work, SIZE, SCRIPT, [writer])
        disks = [Killing(guest, bus, overlay, chance) for bus, overlay in KINDS]
        start = time.monotonic()
        for number in range(int(rounds)):
            disk = disks[number % len(disks)]
            try:
                made = disk.round(number)
                if made and number + len(disks) >= int(rounds):
                    disk.check_sharp()
            except Failure as failure:
                raise Failure(f"{disk.name}, round {number}, seed {seed}: {failure}") from None
        for disk in disks:
            print(f"{disk.name}: {disk.rounds} rounds, {disk.promises.made} promises, {disk.commits} commits killed")
            if not disk.promises.made and disk.rounds > 2:
                raise Failure("no round got far enough to promise anything")
        print(f"{rounds} rounds in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(test)
