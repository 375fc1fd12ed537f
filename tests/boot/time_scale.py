#!/usr/bin/python3
"""A guest whose clock is slower than the host's measures its disk and its processor: what it measures is so many times
more, and fits to how long that took for the host, however busy that is.

    time_scale.py ARMATURE"""

import re
import tempfile
import time

import kernel_guest
from drive import Failure, Guest, fetched, main

MODULES = ("virtio_mmio", "virtio_blk")
MIB = 32
SCALE = 20
NOW = "grep -m1 'now at' /proc/timer_list"


class Measured:
    def __init__(self, armature, boot, scale):
        self.scale = scale
        self.guest = Guest(armature, *boot, "--time-scale", str(scale))
        self.guest.expect("init is done", timeout=900)
        self.guest.expect("# ")
        self.shell = kernel_guest.Shell(self.guest)

    def disk(self):
        """MiB a second, as the guest sees it; checked against the host's clock around it."""
        begun = time.monotonic()
        text, code = self.shell(f"echo 3 > /proc/sys/vm/drop_caches; {NOW}; dd if=/dev/vda of=/dev/null bs=1M 2>&1; {NOW}", 600)
        host = time.monotonic() - begun
        times = re.findall(r"now at (\d+) nsecs", text)
        if code or len(times) != 2 or f"{MIB}+0 records in" not in text:
            raise Failure(f"the guest says {text!r}")
        seconds = (int(times[1]) - int(times[0])) / 1e9
        if seconds * self.scale > host:
            raise Failure(f"{self.scale}: {seconds} s of the guest were only {host} s of the host")
        return MIB / max(seconds, 1e-6)


def test(armature):
    kernel = fetched("fetch_kernel 12")
    with tempfile.NamedTemporaryFile(suffix=".gz") as initrd, tempfile.NamedTemporaryFile(suffix=".img") as image:
        initrd.write(kernel_guest.initramfs(fetched("fetch_busybox 12"), kernel, MODULES))
        initrd.flush()
        image.truncate(MIB << 20)
        boot = ["--no-config", "--display", "none", "--kernel", kernel + "/vmlinuz", "--initrd", initrd.name, "--net", "none",
                "--append", "console=ttyAMA0 quiet", "--memory", "128M", "--disk", image.name + ",ro"]
        plain, slow = Measured(armature, boot, 1), Measured(armature, boot, SCALE)
        ratios = []
        for _ in range(7):  # by turns, so that the host is as busy for one as for the other
            ratios.append(slow.disk() / plain.disk())
        ratio = sorted(ratios)[len(ratios) // 2]
        print(f"--time-scale {SCALE}: the disk seems {ratio:.1f} times as fast ({', '.join('%.1f' % r for r in ratios)})")
        if not SCALE / 4 < ratio < SCALE * 4:
            raise Failure(f"the disk seems {ratio:.1f} times as fast, not about {SCALE} times")
        for each in (plain, slow):
            each.guest.send("poweroff -f\r")
            each.guest.expect_exit(0, timeout=300)


main(test)
