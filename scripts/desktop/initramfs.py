#!/usr/bin/env python3
"""Makes the desktop's initial file system of unpacked Debian packages: initramfs.py ROOT OUTPUT"""

import os
import re
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(HERE))
from cpio import Archive  # noqa: E402

# What the packages hold and nothing here uses; it would take its place in the guest's memory.
LIBRARIES = r"usr/lib/arm-linux-gnueabihf/"
UNUSED = re.compile(
    r"boot/.*|usr/lib/(linux-image-.*|gcc|klibc|systemd|udev|modules/.*/source|modules/.*/build)|usr/include|"
    r"usr/share/(ghostscript|poppler|groff|perl.*|initramfs-tools|gcc|doc-base|color)|usr/share/fonts/(X11/(75dpi|100dpi)|.*/urw-base35)|"
    + LIBRARIES + r"(dri|perl.*|lib(LLVM|gs|z3|gallium|aom|x265|dav1d|jxl).*)")
MODULES = "usr/lib/modules/"
FOLDERS = ["dev", "proc", "sys", "tmp", "root", "root/.icewm", "run", "var", "var/log", "var/tmp", "var/lib", "var/lib/xkb",
           "usr/local", "usr/local/bin", "usr/local/sbin", "etc/acpi", "etc/acpi/PWRF"]
FILES = {"init": "init", "desktop": "etc/desktop", "power": "etc/acpi/PWRF/00000080", "modules": "etc/modules", "xorg.conf": "etc/X11/xorg.conf",
         "preferences": "root/.icewm/preferences"}


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


def main(root, output):
    modules = read("modules").decode().split()

    def unused(name):
        if name.startswith(MODULES) and ".ko" in name:
            return re.sub(r"\.ko.*", "", os.path.basename(name)).replace("-", "_") not in modules
        return bool(UNUSED.fullmatch(name)) or name in FOLDERS or name in FILES.values()

    with open(output, "wb") as file:
        archive = Archive(file)
        archive.add_folder("usr")
        archive.add_folder("etc")
        for name in FOLDERS:
            archive.add_folder(name)
        archive.add_tree(root, leave_out=unused)
        for name, target in FILES.items():
            archive.add(target, stat.S_IFREG | 0o755, read(name))
        archive.add_link("usr/bin/sh", "busybox")
        archive.add_device("dev/console", 5, 1)
        archive.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
