#!/usr/bin/python3
"""Libraries that few runs need are loaded by those alone, and one that is missing or too old is named together with
its package.

libraries.py ARMATURE [BROKEN]     BROKEN: a folder of libraries that have none of the functions"""

import os
import pty
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure  # noqa: E402

TIMEOUT = 120
LATE = ("libSDL2", "libsdl2", "libnbd", "libX11", "libgnutls")
SDL, NBD = "libSDL2-2.0.so.0", "libnbd.so.0"
NEEDED = [(SDL, "libsdl2-2.0-0", "--display", "window", 70), (SDL, "libsdl2-2.0-0", "--audio", "sdl", 64),
          (NBD, "libnbd0", "--disk", "nbd:/nonexistent", 64)]


def check(ok, what):
    if not ok:
        raise Failure(what)


def test_headless(armature):
    """While the boot ROM's prompt waits, with DISPLAY set as in a desktop's terminal."""
    with subprocess.Popen([armature, "--no-config", "--display", "none", "--until", "never"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, env={**os.environ, "DISPLAY": ":0"}) as process:
        process.stdout.read(1)
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as file:
            maps = file.read()
        process.kill()
    check("/libc.so" in maps or "/libc-" in maps, f"these are no maps:\n{maps}")
    for name in LATE:
        check(name not in maps, f"{name} is loaded in a run without a window and without NBD disks")


def complaint(armature, folder, *options, **more):
    environment = {**os.environ, "LD_LIBRARY_PATH": folder, "DISPLAY": ":99"}
    done = subprocess.run([armature, "--no-config", "--until", "> ", *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT, check=False, env=environment,
                          **{"stdin": subprocess.DEVNULL, **more})
    return done.returncode, done.stderr.decode()


def test_missing(armature):
    """The loader finds files first that are no libraries."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (SDL, NBD):
            with open(os.path.join(folder, name), "w", encoding="ascii"):
                pass
        for name, package, option, value, expected in NEEDED:
            code, text = complaint(armature, folder, option, value)
            if "was built without" in text:
                continue
            check(code == expected and text.count("\n") == 1, f"{option} {value}: {code}: {text}")
            check(name in text and f"install the package {package}" in text, f"{option} {value}: {text}")
            if option != "--disk":
                check(f"{option} none" in text, f"{text} does not say how to do without")
        code, text = complaint(armature, folder, "--display", "none")
        check((code, text) == (0, ""), f"a run that needs none of them: {code}: {text}")


def test_window_left_out(armature):
    """Nobody asked for a window: the run goes on in the terminal."""
    master, slave = pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, SDL), "w", encoding="ascii"):
            pass
        environment = {**os.environ, "LD_LIBRARY_PATH": folder, "DISPLAY": ":99"}
        with subprocess.Popen([armature, "--no-config", "--serial", "file:/dev/stdout"], stdin=slave, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment) as process:
            said = process.stderr.readline().decode()
            shown = process.stdout.read(1)
            process.kill()
    os.close(master)
    os.close(slave)
    check("no window: " in said and ("libsdl2-2.0-0" in said or "built without" in said), f"it says {said!r}")
    check(shown, "the guest says nothing")


def test_old(armature, folder):
    for name, package, option, value, expected in NEEDED:
        code, text = complaint(armature, folder, option, value)
        if "was built without" not in text:
            check(code == expected and f"{name} of this host is too old: it has no " in text and package in text,
                  f"{option} {value}: {code}: {text}")


def main():
    try:
        test_headless(sys.argv[1])
        test_missing(sys.argv[1])
        test_window_left_out(sys.argv[1])
        if len(sys.argv) > 2:
            test_old(*sys.argv[1:])
    except Failure as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
