#!/usr/bin/python3
"""Snapshots that a signal asks for: under the next free name, while the guest goes on, and again; what the user is told of
disks without overlays; what a snapshot says of its disks; and what is refused.

    by_hand.py ARMATURE"""

import os
import signal
import subprocess
import sys
import tempfile

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from drive import Failure, Guest, main  # noqa: E402


def run(*words, code=0):
    result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    said = result.stdout.decode()
    if result.returncode != code:
        raise Failure(f"{words}: {result.returncode}, {said}")
    return said


def check(armature):
    for name, size in (("one.img", 1 << 20), ("two.img", 2 << 20)):
        run(armature, "disk", "create", name, str(size))
    with open("loop.bin", "wb") as file:
        file.write(b"\xfe\xff\xff\xea")  # b .
    with open("quit.lua", "w") as file:
        file.write("quit()")
    disks = ("--disk", "one.img,overlay=temp", "--disk", "two.img")
    with Guest(armature, "--no-config", "--load", "loop.bin@0x60008000", *disks, terminal=True) as guest:
        guest.expect("Ctrl-A x leaves")
        for n in (1, 2):
            os.kill(guest.process.pid, signal.SIGUSR2)
            if n == 1:
                guest.expect("disk1 is written directly: the snapshot can be loaded only until the guest writes again")
            guest.expect(f"armature: saved armature-{n}.snap")
        guest.send("\x01x")
        guest.expect_exit(0)
    if sorted(name for name in os.listdir() if "snap" in name) != ["armature-1.snap", "armature-2.snap"]:
        raise Failure(str(os.listdir()))
    said = run(armature, "snapshot", "info", "armature-2.snap")
    if "disk0         one.img and changes to it, 0.0 MiB\ndisk1         two.img\n" not in said:
        raise Failure(said)
    load = (armature, "--no-config", "--display", "none", "--script", "quit.lua", "--load", "armature-2.snap")
    run(*load, "--disk", "one.img", "--disk", "two.img")
    said = run(*load, "--disk", "two.img", "--disk", "one.img", code=64)
    if "the guest's virtio disk has 1048576 bytes, this one 2097152" not in said:
        raise Failure(said)
    os.utime("two.img", (1800000000, 1800000000))
    said = run(*load, "--disk", "one.img", "--disk", "two.img", code=64)
    if said.count("\n") != 1 or "two.img was changed on 2027" not in said or "--force loads all the same" not in said:
        raise Failure(said)
    run(*load, "--disk", "one.img", "--disk", "two.img", "--force")


def test(armature):
    armature, before = os.path.abspath(armature), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            check(armature)
        finally:
            os.chdir(before)


main(test)
