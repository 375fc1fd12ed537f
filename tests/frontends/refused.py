#!/usr/bin/python3
"""Disks, networks and shared folders that cannot be had as they were asked for: each mistake ends before the machine starts,
with exit code 64 and one line that has the option as it was typed (or the snapshot that needs more), and says what is wrong.

    refused.py ARMATURE"""

import os
import socket
import subprocess
import sys
import tempfile

failures = []


def refused(armature, folder, why, *words):
    result = subprocess.run([armature, "--no-config", "--timeout", "1", *words], cwd=folder, capture_output=True, text=True,
                            timeout=60, stdin=subprocess.DEVNULL)
    lines = result.stderr.splitlines()
    typed = "" if words[-2] == "--load" else " ".join(words[-2:])
    if result.returncode == 64 and len(lines) == 1 and ("this build has no" in lines[0] or "built without" in lines[0]):
        return
    if result.returncode != 64 or len(lines) != 1 or why not in lines[0] or typed not in lines[0]:
        failures.append(f"{words}: code {result.returncode}, {result.stderr!r}, not 64, {typed!r} and {why!r}")


def free_port(taken):
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken.getsockname()[1]


def test(armature, folder):
    def no(why, *words):
        refused(armature, folder, why, *words)

    for name, data in ("raw.img", bytes(1 << 20)), ("qcow2.img", b"QFI\xfb\0\0\0\3" + bytes(65528)), ("empty.img", b""):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    os.mkdir(os.path.join(folder, "folder"))

    no("cannot open none.img: No such file", "--disk", "none.img")
    no("is a folder, not a file", "--disk", "folder,ro")
    no("folder: Is a directory", "--disk", "folder")
    no("is empty", "--disk", "empty.img")
    no("qemu-nbd", "--disk", "qcow2.img")
    no("cannot create none/work.ovl: No such file", "--disk", "raw.img,overlay=none/work.ovl")
    no("names the image itself", "--disk", "raw.img,overlay=./raw.img")
    no("qcow2.img cannot be used: it is no overlay", "--disk", "raw.img,overlay=qcow2.img")
    no("No such file", "--disk", "nbd:none.sock")

    with socket.socket() as taken:
        port = free_port(taken)
        no(f"port {port} of 127.0.0.1 is taken", "--forward", f"tcp:{port}:22")
        no("Address already in use", "--serial", f"tcp-listen:{port}")
    # Nobody is there now.
    no("Connection refused", "--disk", f"nbd://127.0.0.1:{port}/")

    no("there is no user-mode network", "--net", "none", "--forward", "tcp:2222:22")
    no("as in tcp:2222:22", "--forward", "2222:22")
    no("there is no such device", "--net", "tap:nobodys")
    no("not a socket", "--net", "switch:raw.img")
    no("none/net.pcap: No such file", "--net", "user,pcap=none/net.pcap")
    no("tftp=none: No such file", "--net", "user,tftp=none")
    no("tftp=raw.img: Not a directory", "--net", "user,tftp=raw.img")
    no("mac=02:00:00:00:00:01", "--net", "user,mac=02:00")
    no("make its first byte even", "--net", "user,mac=01:00:00:00:00:01")

    no("cannot listen at none/socket: No such file", "--control", "none/socket")
    no("cannot use none: No such file", "--share", "none")
    no("cannot use raw.img: Not a directory", "--share", "raw.img,ro")
    with open(os.path.join(folder, "save.lua"), "w") as file:
        file.write('save("shared.snap") quit(0)')
    subprocess.run([armature, "--no-config", "--display", "none", "--share", "folder", "--script", "save.lua"], cwd=folder,
                   check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)
    no("the machine has 1 shared folder: give all of them again", "--display", "none", "--load", "shared.snap")
    no("no such place for a disk", "--share", "folder", "--load", "shared.snap", "--disk", "raw.img")
    for name in "save.lua", "shared.snap":
        os.unlink(os.path.join(folder, name))
    left = sorted(os.listdir(folder))
    if left != ["empty.img", "folder", "qcow2.img", "raw.img"]:
        failures.append(f"there are now {left}")


with tempfile.TemporaryDirectory() as work:
    test(os.path.abspath(sys.argv[1]), work)
sys.exit("\n".join(failures) or None)
