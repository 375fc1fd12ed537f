#!/usr/bin/env python3
"""Measures the network with iperf3: Debian's kernel and Debian's iperf3 in the guest, the host's iperf3 at the other end,
user mode on both emulators, which take turns. Prints medians in Mbit/s and the ratio to QEMU."""

import argparse
import gzip
import json
import os
import re
import shlex
import socket
import stat
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "boot")]
import machines  # noqa: E402
from drive import fetched, newc  # noqa: E402
from virtio import modules, unpack  # noqa: E402

DRIVERS = {"virtio": ("virtio_mmio", "virtio_net", "af_packet"), "lan9118": ("smsc911x", "af_packet")}
PROGRAM = re.compile(r"usr/bin/iperf3|usr/lib/(ld-linux-armhf\.so\.3|arm-linux-gnueabihf/(ld-linux-armhf|lib(c|m|dl|rt|"
                     r"pthread|iperf|crypto|ssl|sctp|z|gcc_s))\.so.*)|etc/ssl/openssl.cnf")
DIRECTIONS = {"guest to host": "", "host to guest": "-R"}

INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
MTU
sleep 3
COMMANDS
poweroff -f
"""


def files_of(tree):
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            short = os.path.relpath(path, tree)
            if PROGRAM.fullmatch(short):
                yield short, path


def initramfs(model, port, seconds, streams, mtu):
    with open(fetched("fetch_busybox 12"), "rb") as file:
        busybox = file.read()
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "armature", "iperf3-12")
    subprocess.run([os.path.join(ROOT, "scripts", "packages"), "12", folder, "iperf3"], check=True)
    found = modules(unpack(fetched("fetch_installer 12") + "/initrd.gz"), DRIVERS[model])
    commands = "".join(f"echo '@@ begin {name}'; iperf3 -c 10.0.2.2 -p {port} -t {seconds} -P {streams} {flags} -f m; "
                       f"echo '@@ end {name}'\n" for name, flags in DIRECTIONS.items())
    init = INIT.replace("COMMANDS", commands).replace("MTU", f"ip link set eth0 mtu {mtu}" if mtu else "")
    directory, executable = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755
    folders = ("bin", "dev", "proc", "sys", "tmp", "modules", "etc", "etc/ssl", "usr", "usr/bin", "usr/lib",
               "usr/lib/arm-linux-gnueabihf")
    entries = [(name, directory, b"") for name in folders]
    entries += [("dev/console", stat.S_IFCHR | 0o600, (5, 1)), ("bin/busybox", executable, busybox),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox"), ("lib", stat.S_IFLNK | 0o777, b"usr/lib"),
                ("init", executable, init.encode()),
                ("modules/order", executable, "\n".join(name for name, _ in found).encode())]
    entries += [("modules/" + name, executable, data) for name, data in found]
    for name, path in files_of(os.path.join(folder, "root")):
        if os.path.islink(path):
            entries.append((name, stat.S_IFLNK | 0o777, os.readlink(path).encode()))
        else:
            with open(path, "rb") as file:
                entries.append((name, executable, file.read()))
    return gzip.compress(newc(entries), compresslevel=1)


def rates(text):
    """Mbit/s by direction: the receiver's figure, the sum where there are several streams."""
    result = {}
    for name in DIRECTIONS:
        part = re.search(rf"@@ begin {name}\r?\n(.*?)@@ end {name}", text, re.DOTALL)
        lines = re.findall(r"(\[SUM\]|\[ *\d+\]).* ([\d.]+) Mbits/sec.*receiver", part[1]) if part else []
        total = [float(rate) for label, rate in lines if label == "[SUM]"]
        if lines:
            result[name] = total[0] if total else float(lines[-1][1])
    return result


def run(emulator, initrd, port):
    server = subprocess.Popen(["iperf3", "-s", "-p", str(port)], stdout=subprocess.DEVNULL)
    text = ""
    try:
        with machines.Serial(emulator.boot_command(initrd, "console=ttyAMA0 quiet loglevel=3")) as serial:
            for _, line in serial.lines(120):
                text += line + "\n"
    except TimeoutError:
        text += "no progress"
    finally:
        server.kill()
        server.wait()
    found = rates(text)
    if len(found) != len(DIRECTIONS):
        print(f"{emulator.name} failed: {text[-600:]}", file=sys.stderr)
    return found


def emulators(options, model):
    boot = fetched("fetch_installer 12")
    here = shlex.split(options.armature_args)
    net = f"user,model={model}" + (f",mtu={options.mtu}" if options.mtu and model == "virtio" else "")
    yield machines.armature(options.armature, ["--net", net, *here], boot)
    if options.other:
        yield machines.armature(options.other, ["--net", net, *here], boot, "other")
    if options.no_qemu:
        return
    card = {"virtio": ["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"],
            "lan9118": ["-nic", "user,model=lan9118"]}[model]
    yield machines.qemu(options.qemu, card + shlex.split(options.qemu_args), boot)


def measure(options, model):
    """Rates by direction and emulator's name."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    results = {direction: {} for direction in DIRECTIONS}
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(initramfs(model, port, options.seconds, options.streams, options.guest_mtu))
        file.flush()
        for _ in range(options.runs):
            for emulator in emulators(options, model):
                for direction, rate in run(emulator, file.name, port).items():
                    results[direction].setdefault(emulator.name, []).append(rate)
    return results


def show(model, results):
    for direction, rates_by_name in results.items():
        medians = {name: statistics.median(values) for name, values in rates_by_name.items()}
        text = "  ".join(f"{name} {medians[name]:8.0f} ({min(v):.0f} to {max(v):.0f})" for name, v in rates_by_name.items())
        ratio = f"  {medians['armature'] / medians['qemu']:6.2f} times QEMU" if {"armature", "qemu"} <= set(medians) else ""
        print(f"{model:8} {direction}  {text}  Mbit/s{ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--armature", metavar="PATH", default=os.path.join(ROOT, "build", "armature"), help="default: %(default)s")
    add("--armature-args", metavar="TEXT", default="", help="further options for armature, as one text")
    add("--other", metavar="PATH", help="another build of armature to compare with")
    add("--qemu", metavar="PATH", default="qemu-system-arm", help="default: %(default)s")
    add("--qemu-args", metavar="TEXT", default="", help="further options for QEMU, as one text")
    add("--no-qemu", action="store_true", help="leave QEMU out")
    add("--models", default="virtio,lan9118", help="which controllers (default: %(default)s)")
    add("--runs", type=int, default=3, help="boots of each machine (default: %(default)s)")
    add("--seconds", type=int, default=5, help="of each direction in each boot (default: %(default)s)")
    add("--streams", type=int, default=1, help="connections at once (default: %(default)s)")
    add("--mtu", type=int, help="mtu= of Armature's virtio device (default: Armature's own)")
    add("--guest-mtu", type=int, help="what the guest sets on its device, on both emulators")
    add("--json", metavar="FILE", help="write the measurements there")
    options = parser.parse_args()
    measured = {}
    for model in options.models.split(","):
        measured[model] = measure(options, model)
        show(model, measured[model])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(measured, file, indent=1)


if __name__ == "__main__":
    main()
