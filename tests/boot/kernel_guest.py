"""Guests of Debian's kernel package: an initramfs with busybox, modules of that kernel and files of the test's own."""

import glob
import gzip
import lzma
import os
import re
import stat

from drive import Failure, newc

INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module.ko || echo cannot load $module; done
"""

SHELL = """echo init is done
exec setsid cttyhack sh
"""


def load_modules(kernel, names):
    """The modules of those names, as (name, contents), each after those it depends on. A module that is built into the
    kernel is left out."""
    found = {}
    for path in glob.glob(f"{kernel}/modules/**/*.ko*", recursive=True):
        found[os.path.basename(path).partition(".ko")[0].replace("-", "_")] = path
    order = {}

    def add(name):
        if name in order or name not in found:
            return
        with open(found[name], "rb") as file:
            data = file.read()
        data = lzma.decompress(data) if found[name].endswith(".xz") else data
        for needed in re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().split(","):
            add(needed.replace("-", "_"))
        order[name] = data

    for name in names:
        add(name.replace("-", "_"))
    return list(order.items())


def initramfs(busybox, kernel, modules, script=SHELL, files=()):
    """files: (name, mode, contents). script goes on after the modules are loaded."""
    with open(busybox, "rb") as file:
        program = file.read()
    found = load_modules(kernel, modules)
    if not found:
        raise Failure(f"the kernel package has none of {modules}")
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    order = "\n".join(name for name, _ in found).encode()
    entries = [(name, directory, b"") for name in ("bin", "dev", "proc", "sys", "tmp", "mnt", "modules")]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, program),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("init", executable, (INIT + script).encode()),
                ("modules/order", executable, order)]
    entries += [(f"modules/{name}.ko", executable, data) for name, data in found]
    return gzip.compress(newc(entries + list(files)), compresslevel=1)


class Shell:
    """Runs commands in the guest's shell and gives what they print."""

    def __init__(self, guest):
        self.guest = guest
        self.number = 0
        self("stty -echo; PS1=; dmesg -n 1")

    def __call__(self, command, timeout=60):
        self.number += 1
        mark = f"END{self.number}"
        self.guest.send(f"{command}; echo {mark[:3]}''{mark[3:]} $?\r")
        match = self.guest.expect(rf"(.*?){mark} (\d+)\r\n", timeout)
        return match[1].decode(errors="replace").replace("\r", ""), int(match[2])

    def check(self, command, wanted="", timeout=60):
        output, code = self(command, timeout)
        # What the kernel says on the console meanwhile is not part of it.
        output = "".join(line for line in output.splitlines(True) if not line.startswith("["))
        if output != wanted or code:
            raise Failure(f"{command}: {output!r} (exit status {code}), not {wanted!r}")
