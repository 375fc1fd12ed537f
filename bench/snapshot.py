#!/usr/bin/env python3
"""Snapshots beside QEMU's, of the same guest: Debian's kernel, Debian's programs in RAM, at a shell's prompt with part of the
memory in use. Prints medians of several runs: how long a save takes, the longest silence of a guest that prints without a
pause meanwhile, the size of the file, and the time from the start of a process to the answer of the loaded guest's shell.

Armature saves all of the memory, compressed or not, and what has changed since a save before. QEMU saves by savevm into a
qcow2 image, and by migration into a file."""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(HERE)
import images  # noqa: E402
import machines  # noqa: E402
from serial_machine import ANSWER, Failure, Lines, Machine, progress  # noqa: E402

APPEND = "console=ttyAMA0 quiet rdinit=/bin/sh"
# Files of the programs into the page cache and through a pipe: memory that is in use.
PREPARE = "cd /; busybox mount -t devtmpfs dev /dev; for n in 1 2 3; do busybox find /usr -type f | busybox head -3000 | busybox xargs busybox cat; done | busybox md5sum"
PRINTER, STOP = "while :; do echo again; done &", "kill $!; wait"
IMAGE_BYTES = 1 << 30  # of the qcow2 image that savevm writes to; a power of two, as QEMU wants it for SD cards


class Armature:
    first = ""

    def __init__(self, options, emulator, initrd, folder):
        self.name, self.folder, self.socket = emulator.name, folder, os.path.join(folder, "control")
        self.program = options.armature
        self.boot = emulator.boot_command(initrd, APPEND) + ["--no-config", "--display", "none", "--control", self.socket]

    def path(self, kind):
        return os.path.join(self.folder, kind + ".snap")

    def control(self):
        lines = Lines(self.socket)

        def save(kind, compress, base=""):
            lines.ask(jsonrpc="2.0", id=1, method="save", params=[self.path(kind), "", compress, base])
        return {"compressed": lambda: save("compressed", True), "not compressed": lambda: save("not compressed", False),
                "what has changed": lambda: save("what has changed", True, self.path("not compressed"))}

    def size(self, kind):
        return os.stat(self.path(kind)).st_size

    def load(self, kind):
        return [self.program, "--no-config", "--display", "none", "--load", self.path(kind)]


class Qemu:
    # What comes before the state is loaded is lost, with the FIFO that it was in.
    first = "\n" * 20

    def __init__(self, options, emulator, initrd, folder):
        self.name, self.folder, self.socket = "qemu", folder, os.path.join(folder, "qmp")
        self.disk, self.file = os.path.join(folder, "disk.qcow2"), os.path.join(folder, "migration")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self.disk, str(IMAGE_BYTES)], check=True)
        self.empty = os.stat(self.disk).st_blocks * 512
        self.machine = emulator.boot_command(initrd, APPEND) + ["-drive", f"if=sd,format=qcow2,file={self.disk}"]
        self.boot = self.machine + ["-qmp", f"unix:{self.socket},server=on,wait=off"]

    def control(self):
        lines = Lines(self.socket)
        json.loads(lines.file.readline())
        lines.ask(execute="qmp_capabilities")
        lines.ask(execute="migrate-set-parameters", arguments={"max-bandwidth": 1 << 40})

        def savevm():
            text = lines.ask(execute="human-monitor-command", arguments={"command-line": "savevm bench"})
            if text:
                raise Failure(text)

        def migrate():
            lines.ask(execute="migrate", arguments={"uri": f"exec:cat > {shlex.quote(self.file)}"})
            while (state := lines.ask(execute="query-migrate")["status"]) != "completed":
                if state in ("failed", "cancelled"):
                    raise Failure(f"the migration has {state}")
                time.sleep(0.005)
            lines.ask(execute="cont")
        return {"savevm": savevm, "migrate to a file": migrate}

    def size(self, kind):
        return os.stat(self.disk).st_blocks * 512 - self.empty if kind == "savevm" else os.stat(self.file).st_size

    def load(self, kind):
        return self.machine + (["-loadvm", "bench"] if kind == "savevm" else ["-incoming", f"exec:cat {shlex.quote(self.file)}"])


def measure_saves(emulator, machine, runs, results):
    kinds = emulator.control()
    for kind, save in kinds.items():
        for _ in range(runs):
            machine.send(PRINTER + "\n")
            time.sleep(1)
            begin = time.monotonic()
            before = machine.silence(begin - 0.8, begin - 0.1)
            save()
            end = time.monotonic()
            time.sleep(0.3)
            row = results.setdefault(kind, {"save": [], "silence": [], "before": [], "load": []})
            row["save"].append(end - begin)
            row["silence"].append(machine.silence(begin, end))
            row["before"].append(before)
            progress(f"{emulator.name} {kind}: saved in {end - begin:.3f} s")
            machine.send(STOP + "\n")
            machine.answered()
        # The one that is loaded is of a guest at its prompt.
        save()
        results[kind]["size"] = emulator.size(kind)
    return kinds


def measure_loads(emulator, kinds, runs, results):
    for kind in kinds:
        for n in range(runs + 1):
            with Machine(emulator.load(kind)) as machine:
                seconds = machine.answered(emulator.first)
            if n:  # the first one brings the file into the host's memory
                results[kind]["load"].append(seconds)
            progress(f"{emulator.name} {kind}: loaded in {seconds:.3f} s")


def measure(emulator, runs):
    results = {}
    with Machine(emulator.boot) as machine:
        machine.wait(rb"# ")
        machine.send(PREPARE + "; " + ANSWER + "\n")
        machine.wait(rb"42x\r\n")
        progress(f"{emulator.name}: the guest is ready")
        kinds = measure_saves(emulator, machine, runs, results)
    measure_loads(emulator, list(kinds), runs, results)
    return results


def report(name, results):
    for kind, row in results.items():
        save, silence, before, load = (statistics.median(row[what]) for what in ("save", "silence", "before", "load"))
        print(f"{name:10}{kind:20}{row['size'] / (1 << 20):9.1f}{save:9.3f}{silence * 1e3:11.1f}{before * 1e3:11.1f}{load:9.3f}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--armature", default=os.path.join(os.path.dirname(HERE), "build", "armature"))
    parser.add_argument("--qemu", default="qemu-system-arm")
    parser.add_argument("--no-armature", action="store_true")
    parser.add_argument("--no-qemu", action="store_true")
    parser.add_argument("--memory", default="512", help="MiB of the guest, 384 at least (default: 512)")
    parser.add_argument("--runs", type=int, default=5, help="of each save and load (default: 5)")
    options = parser.parse_args()
    boot = images.lib_function(f"fetch_installer {images.RELEASE}")
    initrd = images.build_system("large", images.build_programs("guest"))
    everybody = []
    if not options.no_armature:
        everybody.append((Armature, machines.armature(options.armature, ["--memory", options.memory + "M"], boot)))
    if not options.no_qemu:
        everybody.append((Qemu, machines.qemu(options.qemu, ["-m", options.memory, *machines.QEMU_MOVABLE], boot)))
    print(f"{'':30}{'file MiB':>9}{'save s':>9}{'silence ms':>11}{'without ms':>11}{'load s':>9}")
    for make, emulator in everybody:
        with tempfile.TemporaryDirectory(prefix="armature-snapshot-") as folder:
            report(emulator.name, measure(make(options, emulator, initrd, folder), options.runs))


if __name__ == "__main__":
    main()
