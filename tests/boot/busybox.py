#!/usr/bin/python3
"""Debian's kernel and busybox, with the built-in device tree: a shell that works, all CPUs, reboot and power-off.

    busybox.py ARMATURE CPUS [option...]"""

import gzip
import hashlib
import stat
import tempfile

from drive import Failure, Guest, fetched, main, newc

INIT = b"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
echo init is done
exec setsid cttyhack sh
"""


def initramfs(busybox):
    with open(busybox, "rb") as file:
        program = file.read()
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    folders = [(name, directory, b"") for name in ("bin", "dev", "proc", "sys", "tmp")]
    files = [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, program),
             ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("init", executable, INIT)]
    return gzip.compress(newc(folders + files), compresslevel=1)


def shell(guest, cpus):
    guest.expect("init is done", timeout=900)
    guest.expect("# ")

    def run(line, answer, timeout=300):
        guest.send(line + "\r")
        guest.expect(r"\r\n")
        guest.expect(answer, timeout)
        guest.expect("# ")

    numbers = b"".join(b"%d\n" % n for n in range(1, 20001))
    run("uname -m", r"armv7l\r")
    run("grep -c ^processor /proc/cpuinfo", rf"{cpus}\r")
    run("cat /sys/devices/system/cpu/online", r"0-3\r" if cpus == 4 else r"0\r")
    run("echo $((6 * 7)) | sed s/4/four/", r"four2\r")
    run("cd /tmp; seq 1 20000 | tee numbers | md5sum", hashlib.md5(numbers).hexdigest())
    run("sha256sum < numbers", hashlib.sha256(numbers).hexdigest())
    run("awk 'BEGIN { printf \"%.9f\\n\", 355 / 113 }'", r"3\.141592920\r")
    run("for i in 1 2 3 4; do (seq 1 3000 | gzip | gunzip | tail -1) & done; wait", r"(3000.*){4}")
    run("sleep 1; echo slept", r"slept\r")


def test(armature, cpus, *options):
    cpus = int(cpus)
    kernel = fetched("fetch_installer 12") + "/vmlinuz"
    busybox = fetched("fetch_busybox 12")
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(initramfs(busybox))
        file.flush()
        with Guest(armature, "--kernel", kernel, "--initrd", file.name, "--cpus", str(cpus), "--memory", "256M",
                   *options) as guest:
            shell(guest, cpus)
            if b"Oops" in guest.text or b"BUG:" in guest.text:
                raise Failure("the kernel complained")
            guest.send("reboot -f\r")  # the machine starts again, from the same images
            guest.expect("Linux version", timeout=900)
            guest.expect("init is done", timeout=900)
            guest.expect("# ")
            guest.send("poweroff -f\r")
            guest.expect_exit(0, timeout=300)


if __name__ == "__main__":
    main(test)
