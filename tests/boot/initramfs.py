"""Initramfs archives for boot tests: Debian's busybox, modules of Debian's kernel package, and an init of the test's."""

import gzip
import os
import stat

from drive import newc
from kernel_modules import load_order

DIRECTORY, EXECUTABLE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755

START = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module || echo cannot load $module; done
"""


def make(kernel, busybox, modules, script, files=()):
    """A compressed archive whose init loads the modules and goes on with the script; files are (path, contents)."""
    with open(busybox, "rb") as file:
        program = file.read()
    loaded = load_order(os.path.join(kernel, "modules"), modules)
    order = "\n".join(name for name, _ in loaded).encode()
    folders = {"bin", "dev", "proc", "sys", "tmp", "mnt", "modules"}
    for path, _ in files:
        parts = path.split("/")[:-1]
        folders |= {"/".join(parts[:n + 1]) for n in range(len(parts))}
    entries = [(name, DIRECTORY, b"") for name in sorted(folders)]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", EXECUTABLE, program),
                ("init", EXECUTABLE, START + script), ("modules/order", EXECUTABLE, order)]
    entries += [("modules/" + name, EXECUTABLE, data) for name, data in loaded]
    entries += [(path, EXECUTABLE, data) for path, data in files]
    return gzip.compress(newc(entries), compresslevel=1)
