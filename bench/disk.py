#!/usr/bin/python3
"""Throughput of the guest's disks, beside QEMU: the same kernel, the same program in the guest, the same image, in turns.

    bench/disk.py [--armature PATH] [--qemu PATH] [--kind virtio|sd] [--runs N] [--seconds S] [--only TEXT]

Prints a table of medians: MiB/s for 1 MiB blocks, thousands of operations a second for 4 KiB blocks. The disk is read and
written past the guest's page cache, from and to a file in the host's."""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(ROOT, "tests", "boot"))
import initramfs  # noqa: E402
from drive import fetched  # noqa: E402

IMAGE_BYTES = 256 << 20  # a power of two, as QEMU wants it for SD cards
CASES = [(order, way, block, depth) for block, order in ((1 << 20, "seq"), (4096, "random"))
         for way in ("read", "write") for depth in (1, 16)]
DEVICES = {"virtio": "/dev/vda", "sd": "/dev/mmcblk0"}
MODULES = {"virtio": ("virtio_mmio", "virtio_blk"), "sd": ("armmmci",)}


def script(kind, seconds, only):
    device = DEVICES[kind]
    lines = [f"for n in 1 2 3 4 5 6 7 8 9 10; do [ -b {device} ] || sleep 1; done"]
    for order, way, block, depth in CASES:
        if only in f"{order}-{way}-{block}-{depth}":
            lines.append(f"/bin/disk_io {device} {seconds} {way} {order} {block} {depth}")
    # QEMU's board cannot be switched off by the kernel: it restarts, which -no-reboot makes the end.
    lines += ["sync", "reboot -f"]
    return ("\n".join(lines) + "\n").encode()


def commands(arguments, boot, initrd, image):
    kernel, dtb = boot
    append = "console=ttyAMA0 quiet"
    qemu = {"virtio": ["-drive", f"if=none,id=d,format=raw,file={image}", "-device", "virtio-blk-device,drive=d"],
            "sd": ["-drive", f"if=sd,format=raw,file={image}"]}[arguments.kind]
    return {
        "armature": [arguments.armature, "--memory", "512M", "--no-reboot", "--kernel", kernel, "--initrd", initrd, "--dtb",
                     dtb, "--append", append, "--disk", f"{image},if={arguments.kind}"],
        "qemu": [arguments.qemu, "-M", "vexpress-a9", "-m", "512", "-display", "none", "-serial", "stdio", "-monitor",
                 "none", "-no-reboot", "-audiodev", "none,id=none", "-kernel", kernel, "-initrd", initrd, "-dtb", dtb,
                 "-append", append, *qemu]}


def measure(command):
    """Operations and bytes a second, by case."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            timeout=900)
    text = result.stdout.decode(errors="replace")
    found = {}
    for name, operations, size, seconds in re.findall(r"@@ disk (\S+) (\d+) (\d+) ([\d.]+)", text):
        found[name] = (int(operations) / float(seconds), int(size) / float(seconds))
    if not found:
        sys.exit("no result from " + " ".join(command) + "\n" + text[-2000:])
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--armature", default=os.path.join(ROOT, "build", "armature"))
    parser.add_argument("--qemu", default="qemu-system-arm")
    parser.add_argument("--kind", choices=sorted(DEVICES), default="virtio")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--alone", action="store_true", help="without QEMU")
    arguments = parser.parse_args()
    kernel, installer = fetched("fetch_kernel 12"), fetched("fetch_installer 12")
    with tempfile.TemporaryDirectory() as folder:
        program, initrd = os.path.join(folder, "disk_io"), os.path.join(folder, "initrd.gz")
        image = os.path.join(folder, "disk.img")
        subprocess.run(["arm-linux-gnueabihf-gcc", "-O2", "-static", "-o", program,
                        os.path.join(ROOT, "bench", "disk_io.c")], check=True)
        with open(program, "rb") as file:
            files = [("bin/disk_io", file.read())]
        with open(initrd, "wb") as file:
            file.write(initramfs.make(kernel, fetched("fetch_busybox 12"), MODULES[arguments.kind],
                                      script(arguments.kind, arguments.seconds, arguments.only), files))
        with open(image, "wb") as file:  # no holes: reading one is another thing
            for _ in range(IMAGE_BYTES >> 20):
                file.write(os.urandom(1 << 20))
        both = commands(arguments, (kernel + "/vmlinuz", installer + "/vexpress-v2p-ca9.dtb"), initrd, image)
        if arguments.alone:
            del both["qemu"]
        results = {name: [] for name in both}
        for _ in range(arguments.runs):
            for name, command in both.items():
                results[name].append(measure(command))
    print(f"{'case':26}" + "".join(f"{name:>12}" for name in both) + "       ratio")
    for order, way, block, depth in CASES:
        case = f"{order}-{way}-{block}-{depth}"
        values = {name: [run[case] for run in runs if case in run] for name, runs in results.items()}
        if not all(values.values()):
            continue
        big = block >= 1 << 20
        medians = [statistics.median(bytes_ / 2**20 if big else operations / 1000 for operations, bytes_ in runs)
                   for runs in values.values()]
        ratio = f"{medians[0] / medians[1]:11.2f}x" if len(medians) == 2 else ""
        print(f"{case:26}" + "".join(f"{median:12.1f}" for median in medians) + ratio + (" MiB/s" if big else " kIOPS"))


if __name__ == "__main__":
    main()
