#!/usr/bin/python3
"""Debian's kernel and busybox: saved at the prompt and loaded in other processes, also with four CPUs and with time
that follows the host; the same hashes later as in the run that was never saved; and round trips at random instructions.

    debian.py ARMATURE ROUND_TRIP [points]"""

import os
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from busybox import initramfs  # noqa: E402
from drive import Failure, fetched, main  # noqa: E402

PROMPT = 'expect("init is done", 900) expect("# ")\n'
WORK = 'sendline("cd /tmp; seq 1 2000 | md5sum; sleep 2; seq 1 9000 | sha256sum") sleep(8) quit()\n'
WORDS = 'sendline("echo $((6 * 7))x") expect("42x", 60) sendline("poweroff -f") wait_off(60)\n'


class Machine:
    def __init__(self, armature, folder, options):
        self.armature, self.folder, self.options = armature, folder, options

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, script, *options):
        with open(self.path("script.lua"), "w") as file:
            file.write(script)
        command = [self.armature, "--no-config", "--display", "none", "--script", self.path("script.lua"), *options]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1800)
        if result.returncode:
            raise Failure(f"{command}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
        return [line for line in result.stderr.decode().split("\n") if line.startswith("hash ")]

    def boot(self, script, *options):
        return self.run(PROMPT + script, *self.options, *options)


def same_later(machine, cpus):
    """The count to compare at is a little behind the prompt, whose own count the snapshot says."""
    snap = machine.path("prompt.snap")
    machine.boot(f'save("{snap}") quit()', "--deterministic", "--cpus", cpus)
    info = subprocess.run([machine.armature, "snapshot", "info", snap], stdout=subprocess.PIPE, check=True).stdout.decode()
    at = [line.split()[1] for line in info.split("\n") if line.startswith("instructions")][0]
    later = str(int(at) + 20000000)
    hashes = [machine.boot(WORK, "--deterministic", "--cpus", cpus, "--hash-at", later)]
    hashes += [machine.run(WORK, "--load", snap, "--jit", jit, "--hash-at", later) for jit in ("on", "off")]
    raw = machine.path("prompt.raw")
    subprocess.run([machine.armature, "snapshot", "convert", snap, raw, "--raw"], check=True)
    subprocess.run([machine.armature, "snapshot", "verify", raw], check=True)
    hashes.append(machine.run(WORK, "--load", raw, "--hash-at", later))
    for other in hashes[1:]:
        if not hashes[0] or other != hashes[0]:
            different = [line for line in other if line not in hashes[0]]
            raise Failure(f"{cpus} CPUs: not the same after {later} instructions: {different[:3]}")


def test(armature, round_trip, points="60"):
    kernel = fetched("fetch_installer 12") + "/vmlinuz"
    busybox = fetched("fetch_busybox 12")
    with tempfile.TemporaryDirectory() as folder:
        initrd = os.path.join(folder, "initrd.gz")
        with open(initrd, "wb") as file:
            file.write(initramfs(busybox))
        guest = ["--kernel", kernel, "--initrd", initrd, "--append", "console=ttyAMA0 quiet"]
        machine = Machine(armature, folder, ["--memory", "256M", *guest])
        for cpus in ("1", "4"):
            same_later(machine, cpus)
        live = machine.path("live.snap")
        machine.boot(f'save("{live}") ' + WORDS + f'machine.load("{live}") ' + WORDS, "--cpus", "2")
        machine.run(WORDS, "--load", live)
        subprocess.run([round_trip, "--points", points, "--memory", "256", *guest, "--most", "4000000000", "--all-devices"], check=True)


main(test)
