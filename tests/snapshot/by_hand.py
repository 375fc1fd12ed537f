#!/usr/bin/python3
"""Snapshots that a signal asks for: under the next free name, while the guest goes on, and again; what the user is told of
disks without overlays; what a snapshot says of its disks; what is refused; and hubs, which are part of the machine.

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


def check_hub(armature):
    def script(text, *options, code=0):
        with open("hub.lua", "w") as file:
            file.write(f'function networks_are() local t = {{}} for _, n in ipairs(networks()) do t[#t + 1] = n.network .. " " .. n.model .. '
                       f'" " .. tostring(n.plugged) .. " " .. n.mtu end print(table.concat(t, ", ")) end {text} quit()')
        return run(armature, "--no-config", "--display", "none", "--script", "hub.lua", *options, code=code)

    program = ("--load", "loop.bin@0x60008000", "--deterministic")
    hub = ("--net", "hub:a", "--net", "user", "--net", "hub:a,model=lan9118", "--net", "none")
    wired = "hub virtio true 1500, user virtio true 16384, hub lan9118 true 1500\n"
    said = script('networks_are() save("in.snap") unplug(0) save("out.snap") machine.load("in.snap") networks_are() '
                  'machine.load("out.snap") networks_are()', *program, *hub)
    if said != wired + wired + wired.replace("true", "false", 1):
        raise Failure(said)
    if script("networks_are()", "--load", "in.snap", *hub) != wired:
        raise Failure("loaded with the same networks")
    said = script("networks_are() plug(0) networks_are()", "--load", "out.snap")
    if said != "hub virtio false 1500, hub lan9118 true 1500\nhub virtio true 1500, hub lan9118 true 1500\n":
        raise Failure(f"loaded without --net: {said}")
    said = script('save("large.snap")', *program, "--net", "hub,mtu=9000", "--net", "hub,mtu=9000")
    said = script("networks_are()", "--load", "large.snap")
    if said != "hub virtio true 9000, hub virtio true 9000\n":
        raise Failure(f"the MTU: {said}")
    said = script('machine.load("in.snap")', *program, "--net", "user", "--net", "user", code=65)
    if "the saved machine's networks are wired to other hubs (--net hub)" not in said:
        raise Failure(said)
    script('save("none.snap")', *program, "--net", "user", "--net", "user")
    said = script("", "--load", "none.snap", "--net", "hub", "--net", "hub", code=64)
    if said.count("\n") != 1 or "the machine that was saved has no hub there" not in said:
        raise Failure(said)


def test(armature):
    armature, before = os.path.abspath(armature), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            check(armature)
            check_hub(armature)
        finally:
            os.chdir(before)


main(test)
