"""Makes the initial file system of the machine that installs: unpacked Debian packages, and init.

    environment.py ROOT OUTPUT SETTINGS"""

import os
import re
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(HERE))
from cpio import Archive  # noqa: E402
from kernel_modules import load_order  # noqa: E402

MODULES = ["virtio_mmio", "virtio_net", "virtio_blk", "crc32c_generic", "ext4"]
FOLDERS = ["dev", "proc", "sys", "tmp", "root", "run", "target", "modules", "var", "var/lib", "var/lib/dpkg", "var/tmp"]
# What the packages hold and nothing here uses; it would take its place in the guest's memory.
UNUSED = re.compile(r"boot|usr/lib/(modules|linux-image-.*|systemd|udev|klibc|gcc)|usr/include|"
                    r"usr/share/(initramfs-tools|perl5|bug|bash-completion|zoneinfo)")


def main(root, output, settings):
    with open(output, "wb") as file:
        archive = Archive(file)
        archive.add_tree(root, leave_out=lambda name: bool(UNUSED.fullmatch(name)) or name in FOLDERS)
        for name in FOLDERS:
            archive.add_folder(name)
        loaded = load_order(os.path.join(root, "usr/lib/modules"), MODULES)
        for name, data in loaded:
            archive.add("modules/" + name, stat.S_IFREG | 0o644, data)
        archive.add("modules/order", stat.S_IFREG | 0o644, "\n".join(name for name, _ in loaded).encode())
        for name, mode in (("init", 0o755), ("udhcpc", 0o755)):
            with open(os.path.join(HERE, name), "rb") as source:
                archive.add(name, stat.S_IFREG | mode, source.read())
        with open(settings, "rb") as source:
            archive.add("settings", stat.S_IFREG | 0o600, source.read())
        archive.add_device("dev/console", 5, 1)
        archive.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
