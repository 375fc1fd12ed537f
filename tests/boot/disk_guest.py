"""Debian's kernel at a shell's prompt, in a snapshot with no disk in its places: disks are put in when it has been loaded, so
that a machine is there in a moment, with each disk as it is."""

import os
import stat
import subprocess

import kernel_guest
from drive import Failure, fetched

MODULES = ("virtio_mmio", "virtio_blk", "armmmci", "pata_of_platform", "sd_mod", "crc32c_generic", "ext4")
DEVICES = {"virtio": "vda", "sd": "mmcblk0", "cf": "sda"}
PLACES = {"virtio": "disk0", "sd": "sd", "cf": "cf"}
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}

PREPARE = """
expect("init is done", 600) expect("# ")
for _, name in ipairs{"disk0", "sd", "cf"} do disk_eject(name) end
sleep(2)
sendline("dmesg -n 1; stty -echo; PS1=") sleep(1)
save(...) quit()
"""
# What the scripts of tests begin with: the place, the disk as --disk takes it, its name in the guest.
INSERT = """
local place, file, device = ...
disk_insert(place, file)
sendline(("while ! [ $(cat /sys/block/%s/size || echo 0) -gt 0 ]; do usleep 20000; done 2>/dev/null; echo @M"):format(device))
"""


def tool(*words, good=(0,)):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=TOOLS, timeout=600)
    if result.returncode not in good:
        raise Failure(f"{words[:3]}: {result.returncode}: {result.stdout.decode(errors='replace')}")
    return result.stdout.decode(errors="replace")


def make_ext4(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    tool("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", path)


def check_ext4(image):
    """Does what a mount does, and no more (the journal is replayed, orphans are removed); then nothing may be wrong."""
    tool("e2fsck", "-p", image, good=(0, 1))
    tool("e2fsck", "-fn", image)


class DiskGuest:
    """programs: host's files that the guest has in /bin; script: Lua that goes on behind INSERT; size of the disks."""

    def __init__(self, armature, work, size, script, programs=()):
        self.armature, self.work = armature, work
        kernel = fetched("fetch_kernel 12")
        files = []
        for program in programs:
            with open(program, "rb") as file:
                files.append(("bin/" + os.path.basename(program), stat.S_IFREG | 0o755, file.read()))
        initrd = kernel_guest.initramfs(fetched("fetch_busybox 12"), kernel, MODULES, files=files)
        for name, data in (("initrd.gz", initrd), ("prepare.lua", PREPARE.encode()), ("script.lua", (INSERT + script).encode())):
            with open(self.path(name), "wb") as file:
                file.write(data)
        self.options = [armature, "--no-config", "--display", "none"]
        boot = ["--kernel", kernel + "/vmlinuz", "--initrd", self.path("initrd.gz"), "--memory", "128M", "--append",
                "console=ttyAMA0 quiet"]
        for bus in DEVICES:
            boot += ["--disk", f"{self.path('empty-' + bus)},overlay=temp,if={bus}"]
            tool(armature, "disk", "create", self.path("empty-" + bus), str(size))
        tool(*self.options, *boot, "--script", self.path("prepare.lua"), "--", self.path("saved.snap"))
        tool(armature, "snapshot", "convert", self.path("saved.snap"), self.path("prompt.snap"), "--raw")

    def path(self, name):
        return os.path.join(self.work, name)

    def start(self, bus, file, *words, more=(), env=None):
        """file: as --disk takes it. The script finds the words behind its first three. more: options."""
        command = [*self.options, *more, "--load", self.path("prompt.snap"), "--script", self.path("script.lua"), "--", PLACES[bus],
                   file, DEVICES[bus], *words]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
