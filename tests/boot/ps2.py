#!/usr/bin/python3
"""Debian's modules for the PL050 and the PS/2 mouse, and the keyboard driver in its kernel: ps2.lua presses the keys.

    ps2.py ARMATURE RELEASE [option...]"""

import glob
import gzip
import lzma
import os
import stat
import subprocess
import sys
import tempfile

from busybox import INIT
from drive import Failure, fetched, main, newc

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ps2.lua")


def module(kernel, name):
    for path in glob.glob(f"{kernel}/modules/**/{name}.ko*", recursive=True):
        with open(path, "rb") as file:
            data = file.read()
        return lzma.decompress(data) if path.endswith(".xz") else data
    raise Failure(f"the kernel package has no module {name}")


def initramfs(busybox, kernel):
    with open(busybox, "rb") as file:
        program = file.read()
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    entries = [(name, directory, b"") for name in ("bin", "dev", "proc", "sys", "tmp", "modules")]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, program),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("init", executable, INIT)]
    entries += [(f"modules/{name}.ko", stat.S_IFREG | 0o644, module(kernel, name))
                for name in ("ambakmi", "evdev", "psmouse")]
    return gzip.compress(newc(entries), compresslevel=1)


def test(armature, release, *options):
    kernel = fetched(f"fetch_kernel {release}")
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(initramfs(fetched("fetch_busybox 12"), kernel))
        file.flush()
        result = subprocess.run([armature, "--kernel", f"{kernel}/vmlinuz", "--initrd", file.name, "--memory", "256M",
                                 *options, "--script", SCRIPT], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=1700)
    if result.returncode:
        sys.stdout.write(result.stdout.decode(errors="replace")[-6000:] + "\n")
        raise Failure(f"the script ended with code {result.returncode}")


if __name__ == "__main__":
    main(test)
