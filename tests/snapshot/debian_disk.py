#!/usr/bin/python3
"""Snapshots of Debian's kernel while it writes to an ext4 on a virtio disk: the run that goes on and those that are
loaded from the file, in the same process and in others, end with the same hashes and the same contents of the disk; the
file system is sound. Other and changed disks are refused.

    debian_disk.py ARMATURE"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
import kernel_guest  # noqa: E402
from drive import SKIPPED, Failure, fetched, main  # noqa: E402

MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4")
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
UUID = "6b3c6a2e-7d0e-4c57-9b2f-0f6a54c1a001"
SIZE = 48 << 20

# Files come and go, data and directories, with and without flushes.
LOAD = ("mount /dev/vda /mnt; n=0; while [ ! -e /tmp/stop ]; do n=$((n + 1)); seq $n 400 60000 > /mnt/a$((n % 37)); mkdir /mnt/d$n; "
        "cp /bin/busybox /mnt/d$n/copy; [ $((n % 3)) = 0 ] && sync; rm -rf /mnt/d$((n - 9)); done & ")
START = f'expect("init is done", 900) expect("# ") sendline("{LOAD}") expect("# ") sleep(12) '
END = ('sleep(6) sendline("touch /tmp/stop; wait; umount /mnt; echo 3 > /proc/sys/vm/drop_caches; echo sum $(sha256sum < /dev/vda)") '
       'expect("sum ", 600) expect("# ", 60) ')


class Machine:
    def __init__(self, armature, folder):
        self.armature, self.folder = armature, folder
        kernel = fetched("fetch_kernel 12")
        with open(self.path("initrd.gz"), "wb") as file:
            file.write(kernel_guest.initramfs(fetched("fetch_busybox 12"), kernel, MODULES))
        self.boot = ["--kernel", kernel + "/vmlinuz", "--initrd", self.path("initrd.gz"), "--memory", "128M"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, script, *options, code=0):
        """What the guest said, what was hashed, and what the emulator said."""
        with open(self.path("script.lua"), "w") as file:
            file.write(script)
        command = [self.armature, "--no-config", "--display", "none", "--script", self.path("script.lua"), *options]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1800)
        out, err = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
        if result.returncode != code:
            raise Failure(f"{command}: {result.returncode}\n{out[-2000:]}\n{err[-2000:]}")
        return re.findall(r"sum ([0-9a-f]{64})", out), [line for line in err.split("\n") if line.startswith("hash ")], err

    def tool(self, *words):
        result = subprocess.run([self.armature, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode:
            raise Failure(f"{words}: {result.stdout.decode()}")
        return result.stdout.decode()

    def instructions(self, snap):
        return int(re.search(r"instructions\s+(\d+)", self.tool("snapshot", "info", snap))[1])


def make_image(path):
    with open(path, "wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-b", "4096", "-U", UUID, "-E", f"hash_seed={UUID}", path], check=True,
                   env={**TOOLS, "E2FSPROGS_FAKE_TIME": "1700000000"})


def same(first, other, what):
    for one, two, kind in zip(first, other, ("contents of the disk", "hashes")):
        if not one or one != two:
            raise Failure(f"{what}: other {kind}: {one[:3]}, {two[:3]}")


def check_image(path):
    result = subprocess.run(["e2fsck", "-f", "-n", path], env=TOOLS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise Failure("the file system is not sound:\n" + result.stdout.decode())


def check_same_run(machine, image):
    snap, disk = machine.path("load.snap"), f"{image},overlay=temp"
    machine.run(START + f'save("{snap}") quit()', *machine.boot, "--deterministic", "--disk", disk)
    if not re.search(r"disk0 .*disk\.img and changes to it", machine.tool("snapshot", "info", snap)):
        raise Failure("the snapshot says nothing of its disk")
    machine.tool("snapshot", "verify", snap)
    later = ["--hash-at", str(machine.instructions(snap) + 400000000)]
    wanted = machine.run(START + END + "quit()", *machine.boot, "--deterministic", "--disk", disk, *later)[:2]
    for jit in ("on", "off"):
        same(wanted, machine.run(END + "quit()", "--load", snap, "--disk", disk, "--jit", jit, *later)[:2], f"loaded, --jit {jit}")
    print("ok: the run that was loaded is the run that was never saved")
    sums = machine.run(START + f'save("{snap}") sleep(3) machine.load("{snap}") ' + END + f'machine.load("{snap}") ' + END + "quit()",
                       *machine.boot, "--deterministic", "--disk", disk)[0]
    if sums != [wanted[0][0]] * 2:
        raise Failure(f"loaded after more was written: {sums}, not {wanted[0]}")
    print("ok: loaded after more was written, twice")
    return snap, wanted


def check_kept(machine, image, snap, wanted):
    """The same in overlays with a name, whose contents are looked at afterwards: at the end of the run, and at the
    moment of the snapshot, of which the journal makes a sound file system."""
    copy = machine.path("copy.img")
    shutil.copy2(image, copy)
    for name, script in (("end.ovl", END + "quit()"), ("then.ovl", "quit()")):
        sums = machine.run(script, "--load", snap, "--disk", f"{copy},overlay={machine.path(name)}")[0]
        if script != "quit()" and sums != wanted[0]:
            raise Failure(f"in an overlay with a name: {sums}, not {wanted[0]}")
        machine.tool("disk", "check", machine.path(name))
        machine.tool("disk", "commit", machine.path(name))
        if name == "then.ovl":
            subprocess.run(["e2fsck", "-p", copy], env=TOOLS, stdout=subprocess.DEVNULL)
        check_image(copy)
        shutil.copy2(image, copy)
    print("ok: the file system is sound, at the end and as it was saved")


def check_refused(machine, image, snap):
    def refused(disk, text):
        said = machine.run("quit()", "--load", snap, "--disk", disk, code=64)[2]
        if text not in said or said.count("\n") != 1:
            raise Failure(f"not '{text}' in: {said}")

    refused(image, "add overlay=temp")
    other = machine.path("other.img")
    make_image(other)
    with open(other, "r+b") as file:
        file.seek(1 << 16)
        file.write(b"changed")
    os.utime(other, (1800000000, 1800000000))
    refused(other + ",overlay=temp", "was changed on")
    with open(machine.path("small.img"), "wb") as file:
        file.truncate(SIZE // 2)
    refused(machine.path("small.img") + ",overlay=temp", "bytes")
    machine.run("quit()", "--load", snap, "--force", "--disk", other + ",overlay=temp")
    print("ok: other disks are refused")


def check_live(machine, image):
    """Time follows the host, and the guest writes while the file is written."""
    snap = machine.path("live.snap")
    script = START + f'save("{snap}") sleep(1) save("{snap}") sleep(1) machine.load("{snap}") ' + END
    for disk in (f"{image},overlay=temp", f"{image},overlay={machine.path('live.ovl')}"):
        machine.run(script + "quit()", *machine.boot, "--disk", disk)
        machine.run(END + "quit()", "--load", snap, "--disk", disk)
    machine.tool("disk", "commit", machine.path("live.ovl"))
    check_image(image)
    print("ok: saved while the guest went on")


def test(armature):
    if not shutil.which("mkfs.ext4", path=TOOLS["PATH"]):
        print("skipped: there is no mkfs.ext4 here")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(armature, folder)
        image = machine.path("disk.img")
        make_image(image)
        snap, wanted = check_same_run(machine, image)
        check_refused(machine, image, snap)
        check_kept(machine, image, snap, wanted)
        check_live(machine, image)


if __name__ == "__main__":
    main(test)
