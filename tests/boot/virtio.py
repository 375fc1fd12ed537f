#!/usr/bin/python3
"""The virtio keyboard, mouse, tablet and GPU with Debian's own modules, which the installer's initrd has.

    virtio.py VIRTIO_GUEST RELEASE"""

import gzip
import lzma
import os
import re
import stat
import tempfile

from drive import Failure, Guest, fetched, main, newc

# 11 and 12 have evdev in the kernel package only: there, keys are looked for on the console.
MODULES = ("virtio_mmio", "virtio_input", "virtio_gpu", "evdev")

INIT = b"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module || echo cannot load $module; done
sleep 2
cat /proc/bus/input/devices
echo devices are listed

if [ -e /dev/input/event0 ]; then # the module evdev is there
    for event in 0 1 2; do
        dd if=/dev/input/event$event of=/tmp/event$event bs=16 2>/dev/null &
    done
    sleep 1
    echo @key 125 1
    echo @key 125 0
    echo @move 5 -7
    echo @position 1000 32767
    echo @button 272 1
    echo @wheel 0 -1
    sleep 1
    killall dd
    for event in 0 1 2; do
        echo "events $(cat /sys/class/input/event$event/device/name):"
        od -An -v -w16 -t x2 /tmp/event$event | cut -d ' ' -f 6-
    done
fi
(exec 3<>/dev/tty1; stty -icanon min 1 time 0 <&3; dd of=/tmp/typed bs=1 count=1 <&3 2>/dev/null) &
sleep 1
echo @key 42 1
echo @key 48 1
echo @key 48 0
echo @key 42 0
sleep 1
echo "typed: $(cat /tmp/typed)"
echo 1 > "$(echo /sys/class/leds/*capslock/brightness)"
sleep 1
echo @leds

for fb in /sys/class/graphics/fb*; do
    grep -q virtio $fb/name && number=${fb##*/fb}
done
cat /sys/class/graphics/fb$number/name /sys/class/graphics/fb$number/virtual_size
echo "bits $(cat /sys/class/graphics/fb$number/bits_per_pixel)"
ls /sys/class/drm
head -n 1 /sys/class/drm/card*-Virtual-1/modes
# A quarter each of red, green, blue and grey.
(
    printf '\\033[?25l\\033[2J\\033[H'
    for colour in 41 42 44 47; do
        printf "\\033[$colour;1m"
        for row in 1 2 3 4 5 6 7 8 9 10 11 12; do printf '%128s' ' '; done
    done
) > /dev/tty1
sleep 1
echo @frame
sleep 1
echo 0 > /sys/class/vtconsole/vtcon1/bind
# A quarter each of white, 0x555555, 0xaaaaaa and black.
(tr '\\0' '\\377' < /dev/zero | head -c 786432
    tr '\\0' '\\125' < /dev/zero | head -c 786432
    tr '\\0' '\\252' < /dev/zero | head -c 786432
    head -c 786432 /dev/zero) > /tmp/picture
# In one piece: Linux tells the device of nothing where single whole lines are written.
dd if=/tmp/picture of=/dev/fb$number bs=3145728 count=1 2>/dev/null
sleep 1
echo @frame
sleep 1
echo @resize 1280 800
sleep 2
echo detect > "$(echo /sys/class/drm/card*-Virtual-1/status)"
head -n 1 /sys/class/drm/card*-Virtual-1/modes
echo all is done
poweroff -f
"""


def unpack(path):
    """The files of the first archive of an initrd."""
    with gzip.open(path) as file:
        data = file.read()
    files, at = {}, 0
    while data[at:at + 6] == b"070701":
        fields = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        name, body = data[at + 110:at + 109 + fields[11]].decode(), (at + 110 + fields[11] + 3) & ~3
        if name == "TRAILER!!!":
            break
        files[name.removeprefix("./")] = data[body:body + fields[6]]
        at = (body + fields[6] + 3) & ~3
    return files


def modules(files, wanted=MODULES):
    """The modules wanted, as (file name, contents), each after those it depends on; those that are not there are left
    out."""
    found = {}
    for path, data in files.items():
        name, dot, kind = os.path.basename(path).partition(".ko")
        if dot and kind in ("", ".xz"):
            found[name.replace("-", "_")] = lzma.decompress(data) if kind else data
    order = {}

    def add(name):
        if name in found and name not in order:
            for needed in re.search(rb"\0depends=([^\0]*)\0", found[name])[1].decode().split(","):
                add(needed.replace("-", "_"))
            order[name] = found[name]

    for name in wanted:
        add(name)
    return [(name + ".ko", data) for name, data in order.items()]


def initramfs(images, busybox, init=INIT, programs=()):
    """With the modules, and programs as (path, contents)."""
    with open(busybox, "rb") as file:
        program = file.read()
    found = modules(unpack(images + "/initrd.gz"))
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    order = "\n".join(name for name, _ in found).encode()
    entries = [(name, directory, b"") for name in ("bin", "dev", "proc", "sys", "tmp", "modules")]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, program),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("init", executable, init),
                ("modules/order", executable, order)]
    entries += [("modules/" + name, executable, data) for name, data in found]
    entries += [(name, executable, data) for name, data in programs]
    return gzip.compress(newc(entries), compresslevel=1)


def check(guest, release):
    guest.expect("Run /init", timeout=900)
    for name in ("keyboard", "mouse", "tablet"):
        guest.expect(f'N: Name="Armature virtio {name}"')
    guest.expect("devices are listed")
    if release == "13":
        key, syn = r"0001 007d {:04x} 0000\r\n", r"0000 0000 0000 0000\r\n"
        guest.expect(r"events Armature virtio keyboard:\r\n" + key.format(1) + syn + key.format(0) + syn, timeout=120)
        guest.expect(r"events Armature virtio mouse:\r\n0002 0000 0005 0000\r\n0002 0001 fff9 ffff\r\n" + syn)
        guest.expect(r"events Armature virtio tablet:\r\n0003 0000 03e8 0000\r\n0003 0001 7fff 0000\r\n" + syn +
                     r"0001 0110 0001 0000\r\n" + syn + r"0002 0008 ffff ffff\r\n" + syn)
    guest.expect(r"typed: B\r\n", timeout=60)
    guest.expect(r"leds 2\n", timeout=60)
    guest.expect(r"virtio_gpudrmfb\r\n1024,768\r\nbits 32\r\n", timeout=60)
    guest.expect(r"card\d-Virtual-1.*1024x768\r\n")
    guest.expect(r"frame 1024x768 of output 2: aa0000 00aa00 0000aa aaaaaa\n", timeout=60)
    guest.expect(r"frame 1024x768 of output 2: ffffff 555555 aaaaaa 000000\n", timeout=60)
    guest.expect(r"resize ok\n.*1280x800\r\n", timeout=60)
    guest.expect("all is done", timeout=60)


def test(program, release):
    images = fetched(f"fetch_installer {release}")
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(initramfs(images, fetched("fetch_busybox 12")))
        file.flush()
        with Guest(program, images + "/vmlinuz", file.name) as guest:
            check(guest, release)
            if any(word in guest.text for word in (b"Oops", b"BUG:", b"stopped until its driver")):
                raise Failure("something went wrong")
            guest.expect_exit(0, timeout=60)


if __name__ == "__main__":
    main(test)
