#!/usr/bin/env python3
"""Measures how often a guest can draw its whole screen anew, and how many of these pictures the window shows.

The guest is Debian's kernel with one program, redraw.c, which draws on /dev/fb0 as fast as it can, every pixel different
from picture to picture. The window is on an X server of its own (Xvfb), without a graphics processor."""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import guest_machine  # noqa: E402
import images  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
WAYS = ("fill", "copy", "write")


def guest_files(folder):
    """Kernel, and an initial file system with the program only, made in the folder."""
    program, initrd = os.path.join(folder, "redraw"), os.path.join(folder, "redraw.cpio")
    images.compiler_version("guest")
    if subprocess.run(images.COMPILERS["guest"] + images.CFLAGS + [os.path.join(HERE, "redraw.c"), "-o", program]).returncode:
        raise images.BuildError("redraw.c cannot be compiled")
    with open(program, "rb") as code, open(initrd, "wb") as file:
        archive = images.Archive(file)
        archive.add_folder("dev")
        archive.add_folder("proc")
        archive.add_device("dev/console", 5, 1)
        archive.add_program("init", code.read())
        archive.end()
    return os.path.join(images.lib_function("fetch_installer 12"), "vmlinuz"), initrd


def arguments(kernel, initrd, ways, seconds):
    append = f"console=ttyAMA0 quiet loglevel=3 redraw={','.join(ways)} seconds={seconds}"
    return ["--kernel", kernel, "--initrd", initrd, "--append", append]


def measure(machine, way):
    """Pictures a second of one way: drawn by the guest, shown by the window; both by the host's clock."""
    machine.line("begin")
    before = machine.stats()
    _, pictures, duration = machine.line("end")
    after = machine.stats()
    machine.go_on()
    seconds = after["time.host"] - before["time.host"]
    return {"way": way, "drawn": int(pictures) / int(duration) * 1e6,
            "shown": (after["display.shown"] - before["display.shown"]) / seconds,
            "ratio": (after["time.guest"] - before["time.guest"]) / seconds}


def run(options, folder, files, ways):
    server = contextlib.nullcontext() if options.headless else guest_machine.x_server()
    with server as display:
        environment = guest_machine.environment(folder, display)
        if options.renderer:
            environment["SDL_RENDER_DRIVER"] = options.renderer
        words = ["--display", "none" if options.headless else "window", "--display-size", options.size, *options.options]
        with guest_machine.Machine(options.armature, words + arguments(*files, ways, options.seconds), folder, environment) as machine:
            machine.line("screen")
            machine.go_on()
            return [measure(machine, way) for way in ways]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long each way of drawing runs")
    parser.add_argument("--runs", type=int, default=1, help="boots; medians are shown")
    parser.add_argument("--size", default="1024x768", help="as --display-size takes it")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--renderer", help="SDL's: opengl, software ... (default: what SDL chooses)")
    guest_machine.add_options(parser)
    options = parser.parse_args()
    ways = options.ways.split(",")
    if set(ways) - set(WAYS):
        parser.error("--ways: " + ", ".join(WAYS))
    guest_machine.check(options, "redraw.py")
    with tempfile.TemporaryDirectory(prefix="armature-redraw-") as folder:
        try:
            files = guest_files(folder)
            results = [run(options, folder, files, ways) for _ in range(options.runs)]
        except (images.BuildError, RuntimeError) as error:
            sys.exit(f"redraw.py: {error}")
    print(f"{'':8}{'drawn/s':>10}{'shown/s':>10}{'guest time/host time':>24}")
    for n, way in enumerate(ways):
        drawn, shown, ratio = (statistics.median(r[n][key] for r in results) for key in ("drawn", "shown", "ratio"))
        print(f"{way:8}{drawn:10.1f}{shown:10.1f}{ratio:24.2f}")


if __name__ == "__main__":
    main()
