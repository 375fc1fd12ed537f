#!/usr/bin/python3
"""Debian's drivers for the entropy device, the console and the balloon.

    parts.py ARMATURE RELEASE"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

from drive import Failure, Guest, fetched, main
from kernel_guest import Shell, initramfs

MODULES = ("virtio_mmio", "virtio_rng", "virtio_console", "virtio_balloon")
SCRIPT = """mkdir /full; mount -t tmpfs -o size=80% none /full
(while :; do setsid sh -c 'exec sh -i < /dev/hvc0 > /dev/hvc0 2>&1'; done) &
""" + "echo init is done\nexec setsid cttyhack sh\n"


def resident(process):
    """Of the host's memory, what the guest's RAM takes, in MiB."""
    with open(f"/proc/{process.pid}/status") as file:
        return int(re.search(r"RssShmem:\s+(\d+)", file.read())[1]) // 1024


class Terminal:
    """A terminal at the other side of the console."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.text = b""

    def run(self, line, answer, timeout=60):
        os.write(self.fd, line.encode() + b"\r")
        self.expect(answer, timeout)

    def expect(self, answer, timeout=60):
        end = time.monotonic() + timeout
        while not re.search(answer.encode(), self.text):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise Failure(f"no {answer!r} on the console: {self.text[-500:]!r}")
            self.text += os.read(self.fd, 4096)
        self.text = b""


def control(armature, path, *words):
    return subprocess.run([armature, "ctl", path, *words], stdout=subprocess.PIPE, check=True).stdout.decode()


def random_numbers(shell):
    # The seed in the device tree is enough for the kernel, before any device is there.
    shell.check("dmesg | grep -c '0[.]000000. random: crng init done'", "1\n")
    shell.check("cat /sys/class/misc/hw_random/rng_current", "virtio_rng.0\n")
    shell.check("dd if=/dev/hwrng bs=512 count=8 2> /dev/null | wc -c", "4096\n")
    size = int(shell("dd if=/dev/hwrng bs=64 count=64 2> /dev/null | gzip -c | wc -c")[0])
    if size < 4096:  # there is nothing to pack
        raise Failure(f"4096 random bytes became {size}")


def memory(guest, armature, path, shell):
    shell.check("dd if=/dev/zero of=/full/x bs=1M count=200 2> /dev/null")
    full = resident(guest.process)
    if full < 200:
        raise Failure(f"200 MiB were written, but {full} MiB are resident")
    shell.check("rm /full/x")
    end = time.monotonic() + 60
    while resident(guest.process) > full - 120:  # the guest reports free memory from time to time
        if time.monotonic() > end:
            raise Failure(f"of {full} MiB, {resident(guest.process)} are still resident")
        time.sleep(0.5)
    control(armature, path, "balloon", "300")
    end = time.monotonic() + 60
    while not re.search(r"actual\W+300\b", control(armature, path, "balloon")):
        if time.monotonic() > end:
            raise Failure(f"the balloon does not fill: {control(armature, path, 'balloon')}")
        time.sleep(0.2)
    free = int(shell("sed -n 's/MemFree: *\\([0-9]*\\).*/\\1/p' /proc/meminfo")[0]) // 1024
    if free > 200:
        raise Failure(f"{free} MiB are free beside a balloon of 300 MiB")
    control(armature, path, "balloon", "0")
    end = time.monotonic() + 60
    while not re.search(r"actual\W+0\b", control(armature, path, "balloon")):
        if time.monotonic() > end:
            raise Failure("the balloon does not empty")
        time.sleep(0.2)
    shell.check("head -c 150000000 /dev/zero > /full/x; md5sum < /full/x; rm /full/x", "e48f0b45b45dd56102e12a54e08af64a  -\n")


def console(link):
    terminal = Terminal(link)
    terminal.run("", "# ")
    terminal.run("echo $((6 * 7)) on $(tty)", r"42 on /dev/hvc0\r")
    terminal.run("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done", r"line 1999\r")
    terminal.run("stty -echo; wc -c; stty echo", "")
    os.write(terminal.fd, b"".join(b"%099d\n" % n for n in range(300)) + b"\x04")
    terminal.expect(r"30000\r")


def size(armature, options):
    """The guest learns how large the terminal is."""
    with Guest(armature, *options, "--console", "stdio", "--serial", "none", terminal=True) as guest:
        def resize(rows, columns):
            fcntl.ioctl(guest.side, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
            guest.process.send_signal(signal.SIGWINCH)  # it is not the terminal's foreground process group

        def learns(rows, columns):
            guest.send(f"until stty size 2>&1 | grep '^{rows} {columns}$'; do sleep 1; done\r")
            guest.expect(rf"\n{rows} {columns}\r", timeout=120)
            guest.expect("# ")

        resize(43, 132)
        guest.expect("# ", timeout=300)
        learns(43, 132)
        resize(25, 80)
        learns(25, 80)
        guest.send("poweroff -f\r")
        guest.expect_exit(0, timeout=60)


def test(armature, release):
    kernel = fetched(f"fetch_kernel {release}")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/initrd.gz", "wb") as file:
            file.write(initramfs(fetched("fetch_busybox 12"), kernel, MODULES, SCRIPT))
        options = ["--kernel", f"{kernel}/vmlinuz", "--initrd", f"{folder}/initrd.gz", "--memory", "512M", "--log",
                   "guest", "--log-file", f"{folder}/log"]
        with Guest(armature, *options, "--balloon", "on", "--console", f"pty:{folder}/console", "--control",
                   f"{folder}/control") as guest:
            guest.expect("init is done", timeout=300)
            shell = Shell(guest)
            random_numbers(shell)
            memory(guest, armature, f"{folder}/control", shell)
            console(f"{folder}/console")
            guest.send("poweroff -f\r")
            guest.expect_exit(0, timeout=60)
        size(armature, options)
        with open(f"{folder}/log") as file:
            if "stopped until its driver" in file.read():
                raise Failure("something went wrong")


if __name__ == "__main__":
    main(test)
