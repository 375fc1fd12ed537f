#!/usr/bin/python3
"""How long an idle Debian stands still while it moves to another process of the same host, and how long that takes in all:
Armature's `migrate` and QEMU's, over a UNIX socket. The guest is Debian's kernel with busybox at its prompt; what it has in
memory besides is a file that cannot be compressed.

    migrate.py [--armature PATH] [--qemu PATH] [--memory 1G] [--fill MIB] [--moves 5]"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(ROOT, "tests", "boot"))
from busybox import initramfs  # noqa: E402
from drive import Guest, fetched  # noqa: E402


def boot(guest, fill):
    """No page of what fills the memory is like another: each copy of the random bytes begins one byte further on."""
    guest.expect("init is done", timeout=900)
    guest.expect("# ")
    guest.send(f"head -c 4194304 /dev/urandom > /tmp/one; n=0; while [ $n -lt {fill // 4} ]; do n=$((n+1)); printf \"%${{n}}s\"; "
               "cat /tmp/one; done > /tmp/fill; echo fil''led\r")
    guest.expect("filled\r\n", timeout=900)
    time.sleep(2)


class Armature:
    def __init__(self, program, folder, options):
        self.program, self.folder, self.options, self.count = program, folder, options, 0

    def start(self, *options):
        self.count += 1
        self.control = os.path.join(self.folder, f"control{self.count}")
        return Guest(self.program, "--no-config", "--display", "none", "--control", self.control, *options)

    def moves(self, count, fill):
        guest = self.start(*self.options)
        boot(guest, fill)
        for n in range(count):
            before, place = self.control, f"unix:{self.folder}/move{n}"
            other = self.start("--incoming", place)
            other.expect("waiting for a machine")
            result = json.loads(subprocess.check_output([self.program, "ctl", "--json", before, "migrate", place]))
            other.expect("the machine has come")
            guest.expect_exit(0)
            guest = other
            yield result["downtime"], result["seconds"]
            time.sleep(1)
        guest.process.kill()


class Qmp:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "return" in answer or "error" in answer:
                return answer.get("return")


class Qemu:
    def __init__(self, program, folder, options):
        self.program, self.folder, self.options, self.count = program, folder, options, 0

    def start(self, *options):
        self.count += 1
        self.control = os.path.join(self.folder, f"qmp{self.count}")
        return Guest(self.program, "-M", "vexpress-a9", "-display", "none", "-serial", "stdio", "-monitor", "none", "-qmp",
                     f"unix:{self.control},server=on,wait=off", *self.options, *options)

    def moves(self, count, fill):
        guest = self.start()
        boot(guest, fill)
        for n in range(count):
            qmp, place = Qmp(self.control), f"unix:{self.folder}/qemu{n}"
            other = self.start("-incoming", place)
            time.sleep(1)
            qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 40, "downtime-limit": 50})
            qmp("migrate", uri=place)
            while (state := qmp("query-migrate")).get("status") not in ("completed", "failed"):
                time.sleep(0.02)
            if state["status"] == "failed":
                raise SystemExit(f"QEMU: {state}")
            guest.process.kill()
            guest = other
            yield state["downtime"] / 1000, state["total-time"] / 1000
            time.sleep(1)
        guest.process.kill()


def report(name, moves):
    results = list(moves)
    down, total = [sorted(values) for values in zip(*results)]
    print(f"{name:9} stood still {statistics.median(down) * 1000:6.1f} ms ({down[0] * 1000:.1f} to {down[-1] * 1000:.1f}), "
          f"in all {statistics.median(total):5.2f} s ({total[0]:.2f} to {total[-1]:.2f}); {len(results)} moves", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--armature", default=os.path.join(ROOT, "build", "armature"))
    parser.add_argument("--qemu", default="qemu-system-arm", help="an empty name: without QEMU")
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--fill", type=int, default=100)
    parser.add_argument("--moves", type=int, default=5)
    options = parser.parse_args()
    kernel_folder = fetched("fetch_installer 12")
    with tempfile.TemporaryDirectory() as folder:
        initrd = os.path.join(folder, "initrd.gz")
        with open(initrd, "wb") as file:
            file.write(initramfs(fetched("fetch_busybox 12")))
        kernel = os.path.join(kernel_folder, "vmlinuz")
        machine = Armature(options.armature, folder, ["--kernel", kernel, "--initrd", initrd, "--memory", options.memory,
                                                      "--append", "console=ttyAMA0 quiet"])
        report("Armature", machine.moves(options.moves, options.fill))
        if options.qemu:
            dtb = os.path.join(folder, "board.dtb")
            found = [os.path.join(at, name) for at, _, names in os.walk(os.path.dirname(kernel_folder)) for name in names
                     if name == "vexpress-v2p-ca9.dtb"]
            if not found:
                raise SystemExit("QEMU: no vexpress-v2p-ca9.dtb among the downloads (scripts/lib.sh, fetch_kernel 12)")
            os.symlink(found[0], dtb)
            machine = Qemu(options.qemu, folder, ["-m", options.memory, "-kernel", kernel, "-initrd", initrd, "-dtb", dtb,
                                                  "-append", "console=ttyAMA0 quiet"])
            report("QEMU", machine.moves(options.moves, options.fill))


main()
