#!/usr/bin/env python3
"""Measures the interpreter: millions of instructions per second in bare-metal loops, the time from process start to the
first guest instruction, and the time to the installer's language screen. Medians of several runs, side by side with
QEMU where qemu-system-arm is installed.

    bench/interp.py [--armature PATH] [--runs N] [--boot FOLDER]

FOLDER holds Debian's vmlinuz, initrd.gz and vexpress-v2p-ca9.dtb, as scripts/boot-debian leaves them in
~/.cache/armature/debian-installer-12."""

import argparse
import os
import pty
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# name: instructions executed, see the comments in guests/
GUESTS = {"loop": 200_000_000, "memory": 200_000_000}
GCC = ["arm-linux-gnueabihf-gcc", "-nostdlib", "-static", "-march=armv7-a+fp",
       "-Wl,-Ttext=0x60010000,-N,--build-id=none,--no-warn-rwx-segments"]


def build(name, folder):
    out = os.path.join(folder, name + ".elf")
    subprocess.run(GCC + [os.path.join(HERE, "guests", name + ".S"), "-o", out], check=True)
    return out


def timed(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def until_text(command, text, limit):
    """Seconds until text appears on the command's terminal; None if it does not."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    start, seen = time.monotonic(), b""
    try:
        while time.monotonic() - start < limit:
            if not select.select([fd], [], [], 1)[0]:
                continue
            try:
                seen = (seen + os.read(fd, 65536))[-65536:]
            except OSError:
                return None
            if text in seen:
                return time.monotonic() - start
        return None
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)


def emulators(args, kernel_options):
    yield "armature", [args.armature] + kernel_options
    if shutil.which("qemu-system-arm"):
        qemu = ["qemu-system-arm", "-M", "vexpress-a9", "-m", "1024", "-nographic", "-no-reboot",
                "-audiodev", "none,id=none"]
        names = {"--kernel": "-kernel", "--initrd": "-initrd", "--dtb": "-dtb", "--append": "-append"}
        yield "qemu", qemu + [names.get(word, word) for word in kernel_options]


def bench_loops(args, folder):
    for name, instructions in GUESTS.items():
        elf = build(name, folder)
        for emulator, command in emulators(args, ["--kernel", elf]):
            seconds = statistics.median(timed(command) for _ in range(args.runs))
            print(f"{name:8} {emulator:9} {seconds:7.2f} s  {instructions / seconds / 1e6:7.0f} million instructions/s")


def bench_start(args):
    """The first line of --log exec is written when the first guest instruction is about to run."""
    command = [args.armature, "--log", "exec", "--kernel", os.path.join(args.boot, "vmlinuz"),
               "--initrd", os.path.join(args.boot, "initrd.gz")]
    times = []
    for _ in range(max(args.runs, 9)):
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        process.stderr.readline()
        times.append(time.monotonic() - start)
        process.kill()
        process.wait()
        process.stderr.close()
    print(f"start    armature  {1000 * statistics.median(times):7.1f} ms to the first guest instruction")


def bench_boot(args):
    image = lambda name: os.path.join(args.boot, name)
    options = ["--kernel", image("vmlinuz"), "--initrd", image("initrd.gz"),
               "--dtb", image("vexpress-v2p-ca9.dtb"), "--append", "console=ttyAMA0"]
    for emulator, command in emulators(args, options):
        times = [until_text(command, b"Language:", 600) for _ in range(args.runs)]
        if None in times:
            print(f"boot     {emulator:9} did not reach the language screen in 600 s")
        else:
            print(f"boot     {emulator:9} {statistics.median(times):7.1f} s to the language screen")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--armature", default=os.path.join(HERE, "..", "build", "armature"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--boot", metavar="FOLDER")
    args = parser.parse_args()
    if not os.access(args.armature, os.X_OK):
        sys.exit(f"{args.armature} is missing: build it first, or name it with --armature")
    with tempfile.TemporaryDirectory() as folder:
        bench_loops(args, folder)
    if args.boot:
        bench_start(args)
        bench_boot(args)


if __name__ == "__main__":
    main()
