"""An ext4 image of a system with fio, from Debian's packages: no root rights needed, kept in ~/.cache/armature. The system
is fio, the libraries that it is linked with, and busybox; what it runs is in the initrd."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(ROOT, "tests", "boot"))
import initramfs  # noqa: E402
from drive import fetched  # noqa: E402

RELEASE = "12"
TOOLS = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"}
LIBRARIES = ("usr/lib/arm-linux-gnueabihf", "usr/lib/arm-linux-gnueabihf/ceph", "usr/lib/ceph")
MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "ext4", "armmmci", "pata_of_platform", "sd_mod")

# The disks are told apart by their serial numbers: which is first differs between machines.
BEGIN = b"""
disk() { for n in /sys/block/vd*; do [ "$(cat $n/serial)" = $1 ] && echo /dev/${n##*/}; done; }
for n in 1 2 3 4 5 6 7 8 9 10; do [ -b "$(disk system)" ] && break; sleep 1; done
mount -t ext4 -o ro $(disk system) /mnt || poweroff -f
for folder in dev proc sys; do mount --move /$folder /mnt/$folder; done
mount -t tmpfs tmp /mnt/tmp
cp /jobs /mnt/tmp/jobs
exec switch_root /mnt /bin/sh /tmp/jobs
"""


def needed(path):
    """Names of the libraries that a program or library is linked with."""
    text = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def find(tree, library):
    for folder in LIBRARIES:
        if os.path.exists(os.path.join(tree, folder, library)):
            return os.path.join(folder, library)
    raise FileNotFoundError(f"{library} is in none of the packages")


def closure(tree, program):
    """The program and all libraries that it needs, as paths in the tree."""
    found = [program]
    for path in found:  # grows
        for library in needed(os.path.join(tree, path)):
            path_there = find(tree, library)
            if path_there not in found:
                found.append(path_there)
    return found


def copy_system(tree, folder):
    for name in ("bin", "dev", "proc", "sys", "tmp", "usr/bin", *LIBRARIES):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    os.symlink("usr/lib", os.path.join(folder, "lib"))
    for path in closure(tree, "usr/bin/fio"):
        shutil.copy(os.path.join(tree, path), os.path.join(folder, path))
    loader = "ld-linux-armhf.so.3"
    if not os.path.exists(os.path.join(folder, "usr/lib", loader)):
        os.symlink("arm-linux-gnueabihf/" + loader, os.path.join(folder, "usr/lib", loader))
    shutil.copy(fetched("fetch_busybox 12"), os.path.join(folder, "bin/busybox"))
    os.chmod(os.path.join(folder, "bin/busybox"), 0o755)
    for name in ("sh", "cat", "sleep", "sync", "poweroff", "reboot"):
        os.symlink("busybox", os.path.join(folder, "bin", name))


def system():
    """Path of the image; made if it is not there."""
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "armature")
    image = os.path.join(cache, f"fio-{RELEASE}.ext4")
    if os.path.exists(image):
        return image
    packages = os.path.join(cache, f"fio-{RELEASE}")
    subprocess.run([os.path.join(ROOT, "scripts", "packages"), RELEASE, packages, "fio"], check=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        copy_system(os.path.join(packages, "root"), os.path.join(folder, "root"))
        made = os.path.join(folder, "image")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", os.path.join(folder, "root"), made, "128M"], check=True,
                       env=TOOLS)
        os.rename(made, image)
    return image


def initrd(script):
    """An archive that mounts the image, which is the disk with serial number "system", and runs the script there."""
    return initramfs.make(fetched(f"fetch_kernel {RELEASE}"), fetched("fetch_busybox 12"), MODULES, BEGIN,
                          [("jobs", script)])
