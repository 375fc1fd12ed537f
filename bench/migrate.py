#!/usr/bin/env python3
"""How long a Debian stands still while it moves to another process of the same host, and how long that takes in all:
Armature's `migrate` and QEMU's, over a UNIX socket. The guest is Debian's kernel with busybox, idle but for a character that it
prints each millisecond; what it has in memory besides is a file that cannot be compressed.

"seen" is the time from the last character of the process that is left to the first one of the process that it has come to,
"said" what the emulator itself reports. Medians, and the longest; and after how many moves the guest went on."""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.join(os.path.dirname(HERE), "tests", "boot")]
import images  # noqa: E402
import machines  # noqa: E402
from busybox import initramfs  # noqa: E402
from drive import fetched  # noqa: E402
from serial_machine import ANSWER, Failure, Lines, Machine, progress  # noqa: E402

APPEND = "console=ttyAMA0 quiet"
RANDOM = 4 << 20
TICKS, STOP = "while :; do printf .; usleep 1000; done &", "kill $!; wait"


def fill(machine, mib):
    """No page of the file is like another: each copy of the random bytes begins a byte further on."""
    machine.wait(rb"init is done")
    machine.send(f"head -c {RANDOM} /dev/urandom > /tmp/one; n=0; while [ $n -lt {(mib << 20) // RANDOM} ]; do n=$((n+1)); "
                 f"printf \"%${{n}}s\"; cat /tmp/one; done > /tmp/fill; {ANSWER}\n")
    machine.wait(rb"42x\r\n")


class Armature:
    def __init__(self, command, folder):
        self.name, self.program, self.command, self.folder = "armature", command[0], command, folder

    def common(self, name):
        return ["--no-config", "--display", "none", "--control", os.path.join(self.folder, name)]

    def first(self, n):
        return self.command + self.common(str(n))

    def next(self, n):
        return [self.program, *self.common(str(n)), "--incoming", self.place(n)]

    def place(self, n):
        return f"unix:{self.folder}/place{n}"

    def move(self, n):
        """From machine n to the next: what it says about how long it stood still, and how long all took; seconds."""
        lines = Lines(os.path.join(self.folder, str(n)))
        result = lines.ask(jsonrpc="2.0", id=1, method="migrate", params=[self.place(n + 1)])
        return result["downtime"], result["seconds"]


class Qemu(Armature):
    def __init__(self, command, folder):
        super().__init__(command, folder)
        self.name = "qemu"

    def common(self, name):
        return ["-qmp", f"unix:{self.folder}/{name},server=on,wait=off"]

    def next(self, n):
        return self.command + self.common(str(n)) + ["-incoming", self.place(n)]

    def move(self, n):
        lines = Lines(os.path.join(self.folder, str(n)))
        lines.file.readline()
        lines.ask(execute="qmp_capabilities")
        lines.ask(execute="migrate-set-parameters", arguments={"max-bandwidth": 1 << 40, "downtime-limit": 50})
        lines.ask(execute="migrate", arguments={"uri": self.place(n + 1)})
        while (state := lines.ask(execute="query-migrate")).get("status") != "completed":
            if state.get("status") in ("failed", "cancelled"):
                raise Failure(f"the migration has {state['status']}")
            time.sleep(0.005)
        return state["downtime"] / 1000, state["total-time"] / 1000


def move(emulator, n, old, new):
    """How long it stood still as seen from outside (None if the guest says nothing any more), as it says, and all of it."""
    until = time.monotonic() + 60
    while not os.path.exists(os.path.join(emulator.folder, f"place{n + 1}")):
        if time.monotonic() > until:
            raise Failure("nobody waits for the machine")
        time.sleep(0.05)
    old.send(TICKS + "\n")
    time.sleep(1)
    said, seconds = emulator.move(n)
    try:
        new.wait(rb"\.", 30)
        seen = new.arrivals[0] - old.arrivals[-1]
        new.send(STOP + "\n")
        new.answered()
    except Failure:
        seen = None
    return seen, said, seconds


def moves(emulator, options):
    """Of one guest from process to process; one that did not survive is followed by another."""
    results, n = [], 0
    with contextlib.ExitStack() as stack:
        def start(command):
            return stack.enter_context(Machine(command))
        machine = None
        while len(results) < options.moves:
            if not machine:
                machine = start(emulator.first(n))
                fill(machine, options.fill)
            new = start(emulator.next(n + 1))
            seen, said, seconds = result = move(emulator, n, machine, new)
            results.append(result)
            machine.stop()
            progress(f"{emulator.name}: moved in {seconds:.3f} s, stood still for {said * 1e3:.1f} ms by its own word, " +
                     (f"{seen * 1e3:.1f} ms as seen" if seen is not None else "and the guest did not go on there"))
            machine, n = new, n + 1
            if seen is None:
                machine.stop()
                machine, n = None, n + 1
    return list(zip(*results))


def table_row(name, results):
    seen = [value for value in results[0] if value is not None]
    columns = [statistics.median(seen) * 1e3, max(seen) * 1e3] if seen else ["", ""]
    columns += [statistics.median(results[1]) * 1e3, max(results[1]) * 1e3]
    return f"{name:10}" + "".join(f"{c:10.1f}" if c != "" else f"{'-':>10}" for c in columns) + \
        f"{statistics.median(results[2]):10.2f}{len(seen):6} of {len(results[0])}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--armature", default=os.path.join(os.path.dirname(HERE), "build", "armature"))
    parser.add_argument("--qemu", default="qemu-system-arm", help="an empty name: without QEMU")
    parser.add_argument("--fill", type=int, default=100, help="MiB that hold something (default: 100)")
    parser.add_argument("--moves", type=int, default=7)
    options = parser.parse_args()
    boot = images.lib_function(f"fetch_installer {images.RELEASE}")
    print(f"{'':10}{'seen ms':>10}{'longest':>10}{'said ms':>10}{'longest':>10}{'in all s':>10}{'went on':>11}")
    with tempfile.TemporaryDirectory(prefix="armature-migrate-") as folder:
        initrd = os.path.join(folder, "initrd.gz")
        with open(initrd, "wb") as file:
            file.write(initramfs(fetched("fetch_busybox 12")))
        everybody = [(Armature, machines.armature(options.armature, [], boot))]
        if options.qemu:
            everybody.append((Qemu, machines.qemu(options.qemu, machines.QEMU_MOVABLE, boot)))
        for make, emulator in everybody:
            place = os.path.join(folder, emulator.name)
            os.mkdir(place)
            print(table_row(emulator.name, moves(make(emulator.boot_command(initrd, APPEND), place), options)), flush=True)


if __name__ == "__main__":
    main()
