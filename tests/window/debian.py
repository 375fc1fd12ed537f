#!/usr/bin/env python3
"""Debian's guests in the window on an X server, used with real keys and clicks.

Usage: debian.py FIXTURE ARMATURE installer|desktop|redrawing|gpu"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path += [os.path.join(ROOT, "bench"), os.path.join(ROOT, "tests/boot")]
import redraw  # noqa: E402
import virtio  # noqa: E402
from xserver import Failure, Guest, Server, armature, missing_programs, need, shows, wait_for  # noqa: E402

SKIPPED = 77
WIDTH, HEIGHT = 1024, 768
MOST = 1 << 24
STEP, PIXEL = 0x00030507, 0x9e3779b1  # as in redraw.c


def prepared(command):
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print("skipped: could not fetch what is needed")
        sys.exit(SKIPPED)
    return done.stdout.strip()


class Debian(Guest):
    """With a control socket beside the window."""

    def __init__(self, server, home, arguments):
        self.socket = os.path.join(home, "control")
        super().__init__(server, home, armature, ["--display", "window", "--control", self.socket, *arguments])

    def ctl(self, *words, limit=600):
        done = subprocess.run([armature, "ctl", self.socket, *map(str, words)], capture_output=True, text=True,
                              timeout=limit + 60, env=self.environment)
        need(done.returncode == 0, f"armature ctl {words}: {done.stderr}")
        return done.stdout

    def same_picture(self, home):
        """What the X server shows of the window is what a screenshot holds."""
        name = os.path.join(home, "headless.png")

        def same():
            self.ctl("screenshot", name)
            rows = png_rows(name)
            shown = self.picture()
            return all(shown.rows[y][4 * x:4 * x + 3] == rows[y][3 * x:3 * x + 3][::-1]
                       for y in range(0, HEIGHT, 3) for x in range(0, WIDTH, 5))
        wait_for(same, "the same picture in the window and without it")


def png_rows(name):
    """The rows of a PNG with 8-bit RGB."""
    with open(name, "rb") as file:
        data = file.read()
    packed, at = b"", 8
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        packed += data[at + 8:at + 8 + length] if data[at + 4:at + 8] == b"IDAT" else b""
        at += length + 12
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * WIDTH)
    for y in range(HEIGHT):
        kind, row = raw[y * (3 * WIDTH + 1)], bytearray(raw[y * (3 * WIDTH + 1) + 1:(y + 1) * (3 * WIDTH + 1)])
        for n in range(len(row)):
            left, up = row[n - 3] if n >= 3 else 0, above[n]
            corner = above[n - 3] if n >= 3 else 0
            row[n] = (row[n] + (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]) & 255
        rows.append(bytes(row))
        above = row
    return rows


def paeth(left, up, corner):
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def installer(server, home):
    """The language is chosen with the keyboard in the window."""
    images = prepared(f'. "{ROOT}/scripts/lib.sh"; fetch_installer 12')
    with Debian(server, home, ["--kernel", f"{images}/vmlinuz", "--initrd", f"{images}/initrd.gz"]) as guest:
        guest.ctl("wait_screen", "Select a language", "seconds=600")
        guest.ctl("wait_screen", "<Go Back>", "seconds=60")
        guest.wait_size(WIDTH, HEIGHT)
        guest.same_picture(home)
        guest.key("Down")
        guest.key("Up")
        guest.key("Return")
        guest.ctl("wait_screen", "Select your location", "seconds=120")
        guest.same_picture(home)


def desktop(server, home):
    """A terminal on Debian's desktop gets a click and text from the window; closing it switches Debian off."""
    options = shlex.split(prepared(f"{ROOT}/scripts/boot-desktop --fetch-only"))
    with Debian(server, home, options) as guest:
        guest.ctl("expect", "the desktop is up", "seconds=600")
        guest.wait_size(WIDTH, HEIGHT)
        guest.x("mousemove", "--window", guest.window, "300", "300")
        guest.ctl("sleep", 1)
        guest.x("click", "1")
        guest.ctl("sleep", 1)
        guest.x("type", "--delay", "60", "echo it was typed >/tmp/typed")
        guest.key("Return")
        guest.ctl("sleep", 1)
        guest.ctl("sendline", "")
        guest.ctl("expect", "# ")
        need("it was typed" in guest.ctl("run", "cat /tmp/typed"), "the terminal got the text")
        guest.x("mousemove", "--window", guest.window, "300", "600")
        guest.same_picture(home)
        guest.close_window()
        guest.end(code=0)


def number(picture, x, y):
    """Which picture's pixel it is that is seen at (x, y)."""
    return (picture.pixel(x, y) - (y * WIDTH + x) * PIXEL) * pow(STEP, -1, MOST) % MOST


def numbers(picture):
    return {number(picture, x, y) for y in range(0, HEIGHT, 5) for x in range(0, WIDTH, 7)}


class Talking(Debian):
    """Whose guest speaks on the serial port."""

    def said(self, pattern):
        def there():
            self.pump()
            return re.search(pattern, self.terminal)
        match = wait_for(there, f"the guest's {pattern!r}: {self.terminal[-300:]}", limit=300)
        self.terminal = self.terminal[match.end():]
        return match

    def go_on(self):
        os.write(self.master, b"\n")


def settled(way, seen):
    """Whether these are numbers of pictures that can be seen at one time: where the next one has come to, a picture ends."""
    return max(seen) - min(seen) <= 1 if way == "fill" else seen <= {0, 1}


def check_way(guest, way):
    guest.said(f"@@ begin {way}")
    wait_for(lambda: settled(way, numbers(guest.picture())), f"{way}: pictures")
    last = 0
    for _ in range(3):
        seen = numbers(guest.picture())
        need(settled(way, seen), f"{way}: pictures {sorted(seen)[:5]} at once")
        need(way != "fill" or last <= min(seen), f"{way}: picture {min(seen)} after {last}")
        last = max(seen)
    count = int(guest.said(rf"@@ end {way} (\d+) \d+")[1])
    final = count if way == "fill" else count % 2
    wait_for(lambda: numbers(guest.picture()) == {final}, f"{way}: the last picture, {final}")
    guest.go_on()


def need_compiler():
    if not shutil.which(redraw.images.COMPILERS["guest"][0]):
        print("skipped: not installed: a compiler for the guest")
        sys.exit(SKIPPED)


def redrawing(server, home):
    """What the window shows of a guest that draws its whole screen again and again is what that drew."""
    need_compiler()
    kernel, initrd = redraw.guest_files(home)
    with Talking(server, home, ["--display-size", "1024x768x32", *redraw.arguments(kernel, initrd, redraw.WAYS, 4)]) as guest:
        guest.said("@@ screen 1024 768 32")
        guest.wait_size(WIDTH, HEIGHT)
        guest.go_on()
        for way in redraw.WAYS:
            check_way(guest, way)
        guest.end(code=0)


FOLLOW = b"""#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
echo the console is still here >/dev/tty1
echo @@ loaded
read line
/follow
"""


def gpu(server, home):
    """The virtio GPU: the console stays on the screen until a program draws; its picture follows the window's size."""
    need_compiler()
    program = os.path.join(home, "follow")
    subprocess.run(redraw.images.COMPILERS["guest"] + redraw.images.CFLAGS + [os.path.join(HERE, "follow.c"), "-o", program],
                   check=True)
    images, initrd = virtio.fetched("fetch_installer 12"), os.path.join(home, "gpu.gz")
    with open(program, "rb") as code, open(initrd, "wb") as file:
        file.write(virtio.initramfs(images, virtio.fetched("fetch_busybox 12"), FOLLOW, [("follow", code.read())]))
    with Talking(server, home, ["--gpu", "virtio", "--kernel", f"{images}/vmlinuz", "--initrd", initrd,
                                "--append", "console=tty1 console=ttyAMA0"]) as guest:
        guest.said("@@ loaded")
        guest.ctl("wait_screen", "the console is still here", "seconds=60")
        guest.wait_size(WIDTH, HEIGHT)
        guest.same_picture(home)
        guest.x("windowmove", guest.window, "0", "0", "windowsize", guest.window, "960", "700")  # before the GPU is used
        guest.wait_size(960, 700)
        guest.ctl("sleep", 1)
        guest.go_on()
        guest.said("@@ shows 960 700")
        wait_for(lambda: shows(guest.picture(), 0, 0, 960, 700), "the picture, in the size that was asked for before")
        for width, height in ((1200, 900), (801, 603), (640, 480)):
            guest.x("windowsize", guest.window, str(width), str(height))
            guest.said(f"@@ shows {width} {height}")
            wait_for(lambda: shows(guest.picture(), 0, 0, width, height), f"the picture with {width}x{height}")
            need(guest.geometry()[2:] == (width, height), "the window stays as the user wants it")


def main():
    missing = missing_programs()
    if missing:
        print("skipped: not installed:", *missing)
        return SKIPPED
    server = Server()
    with tempfile.TemporaryDirectory(prefix="armature-window-") as home:
        try:
            {"installer": installer, "desktop": desktop, "redrawing": redrawing, "gpu": gpu}[sys.argv[3]](server, home)
            print("passed")
            return 0
        except (Failure, subprocess.SubprocessError) as failure:
            print(f"FAILED: {failure}")
            return 1
        finally:
            server.close()


if __name__ == "__main__":
    sys.exit(main())
