#!/usr/bin/env python3
"""Throughput of the guest's disks by fio, beside QEMU: the same system on the same image (Debian's kernel and Debian's fio, on
a disk of their own), the same second disk under test, in turns. That is read and written past the guest's page cache,
from and to a file in the host's. Prints medians: MiB/s for blocks of 1 MiB, thousands of operations a second for 4 KiB."""

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.append(HERE)
import fio_image  # noqa: E402
import machines  # noqa: E402
from drive import fetched  # noqa: E402

IMAGE_BYTES = 256 << 20  # a power of two, as QEMU wants it for SD cards
JOBS = [(mode, block, depth) for block, modes in (("1M", ("read", "write")), ("4k", ("randread", "randwrite")))
        for mode in modes for depth in (1, 16)]
DEVICES = {"virtio": "$(disk test)", "sd": "/dev/mmcblk0", "cf": "/dev/sda"}

SCRIPT = """
export PATH=/usr/bin:/bin
disk() { for n in /sys/block/vd*; do [ "$(cat $n/serial)" = $1 ] && echo /dev/${n##*/}; done; }
for n in 1 2 3 4 5 6 7 8 9 10; do [ -b "DEVICE" ] && break; sleep 1; done
COMMANDS
sync
poweroff -f
reboot -f
"""


def name_of(job):
    mode, block, depth = job
    return f"{mode}-{block}-{depth}"


def script(kind, engine, seconds, only):
    commands = ""
    for job in JOBS:
        mode, block, depth = job
        if only in name_of(job):
            commands += (f"echo '@@ begin {name_of(job)}'\nfio --name=job --filename=DEVICE --direct=1 --ioengine={engine} "
                         f"--rw={mode} --bs={block} --iodepth={depth} --time_based --runtime={seconds} --thread "
                         f"--output-format=json\necho '@@ end {name_of(job)}'\n")
    return SCRIPT.replace("COMMANDS", commands).replace("DEVICE", DEVICES[kind]).encode()


def emulators(options, boot, image):
    system = fio_image.system()
    here = ["--no-reboot", "--disk", f"{system},ro,serial=system", "--disk",
            f"{image},if={options.kind}" + (",serial=test" if options.kind == "virtio" else "")]
    for name, path in (("armature", options.armature), ("other", options.other)):
        if path:
            yield machines.armature(path, here + shlex.split(options.armature_args), boot, name)
    if options.no_qemu or options.kind == "cf":  # QEMU's board has no CompactFlash
        return
    test = {"virtio": ["-drive", f"if=none,id=test,format=raw,file={image}{options.qemu_drive}", "-device",
                       "virtio-blk-device,drive=test,serial=test"],
            "sd": ["-drive", f"if=sd,format=raw,file={image}{options.qemu_drive}"]}[options.kind]
    yield machines.qemu(options.qemu, ["-drive", f"if=none,id=system,format=raw,readonly=on,file={system}", "-device",
                                       "virtio-blk-device,drive=system,serial=system", *test], boot)


def results_in(text):
    """MiB/s or thousands of operations a second, by job's name."""
    found = {}
    for name, output in re.findall(r"@@ begin (\S+)\r?\n(.*?)@@ end", text, re.DOTALL):
        try:
            job = json.loads(output[output.index("{"):output.rindex("}") + 1])["jobs"][0]
        except ValueError:
            continue
        side = job["write" if "write" in name else "read"]
        if job["error"] == 0 and side["total_ios"]:
            found[name] = side["bw_bytes"] / 2**20 if "-1M-" in name else side["iops"] / 1000
    return found


def measure(emulator, initrd):
    command = emulator.boot_command(initrd, "console=ttyAMA0 quiet loglevel=3")
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
    text = result.stdout.decode(errors="replace")
    found = results_in(text)
    if not found:
        sys.exit(f"{emulator.name}: no result\n" + text[-2000:])
    return found


def link_boot(folder):
    """Kernel and device tree, which come from different packages, side by side."""
    os.symlink(fetched(f"fetch_kernel {fio_image.RELEASE}") + "/vmlinuz", os.path.join(folder, "vmlinuz"))
    tree = "vexpress-v2p-ca9.dtb"
    os.symlink(os.path.join(fetched(f"fetch_installer {fio_image.RELEASE}"), tree), os.path.join(folder, tree))


def make_disk(path):
    """No holes: reading one is another thing."""
    with open(path, "wb") as file:
        for _ in range(IMAGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))


def show(kind, measured):
    names = list(measured)
    print(f"{kind + ', job':26}" + "".join(f"{name:>12}" for name in names))
    for job in JOBS:
        name = name_of(job)
        values = {emulator: [run[name] for run in runs if name in run] for emulator, runs in measured.items()}
        if not all(values.values()):
            continue
        medians = {emulator: statistics.median(v) for emulator, v in values.items()}
        unit = " MiB/s" if job[1] == "1M" else " kIOPS"
        ratio = f"{medians['armature'] / medians['qemu']:9.2f} times QEMU" if "qemu" in medians else ""
        spread = "  (" + ", ".join(f"{min(v):.1f} to {max(v):.1f}" for v in values.values()) + ")"
        print(f"{name:26}" + "".join(f"{medians[n]:12.1f}" for n in names) + unit + ratio + spread, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--armature", metavar="PATH", default=os.path.join(ROOT, "build", "armature"), help="default: %(default)s")
    add("--armature-args", metavar="TEXT", default="", help="further options for armature, as one text")
    add("--other", metavar="PATH", help="another build of armature to compare with")
    add("--qemu", metavar="PATH", default="qemu-system-arm", help="default: %(default)s")
    add("--qemu-drive", metavar="TEXT", default="", help="further options of QEMU's drive, as ,cache=none")
    add("--no-qemu", action="store_true", help="leave QEMU out")
    add("--kind", default="virtio,sd,cf", help="which disks (default: %(default)s)")
    add("--engine", default="libaio", help="fio's ioengine (default: %(default)s)")
    add("--runs", type=int, default=3, help="boots of each machine (default: %(default)s)")
    add("--seconds", type=int, default=2, help="of each job in each boot (default: %(default)s)")
    add("--only", metavar="TEXT", default="", help="jobs whose name has this text")
    add("--json", metavar="FILE", help="write the measurements there")
    options = parser.parse_args()
    kinds, everything = options.kind.split(","), {}
    if not set(kinds) <= set(DEVICES):
        parser.error("--kind: virtio, sd or cf")
    for options.kind in kinds:
        with tempfile.TemporaryDirectory() as folder:
            image, initrd = os.path.join(folder, "disk.img"), os.path.join(folder, "initrd.gz")
            link_boot(folder)
            make_disk(image)
            with open(initrd, "wb") as file:
                file.write(fio_image.initrd(script(options.kind, options.engine, options.seconds, options.only)))
            measured = everything[options.kind] = {}
            for _ in range(options.runs):
                for emulator in emulators(options, folder, image):
                    measured.setdefault(emulator.name, []).append(measure(emulator, initrd))
        show(options.kind, measured)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(everything, file, indent=1)


if __name__ == "__main__":
    main()
