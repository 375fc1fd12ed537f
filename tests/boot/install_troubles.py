#!/usr/bin/python3
"""scripts/install-debian, interrupted by Ctrl-C in its terminal, and on a host's file system that gets full: one line says so,
the exit code is right, nothing stays but what the next
run goes on from. Skipped where there is no mirror, or nothing can be mounted.

    install_troubles.py ARMATURE"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

from drive import ROOT, SKIPPED, Failure, fetched, main

INSTALL = os.path.join(ROOT, "scripts/install-debian")
ROOM = "150M"


def interrupt(image, when):
    """Types Ctrl-C in the script's terminal when it shows `when`. Its exit code, what it showed before and after."""
    child, terminal = pty.fork()
    if not child:
        os.execv(INSTALL, [INSTALL, image])
    said, at = b"", None
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        said += data
        if at is None and when in said:
            at = len(said)
            os.write(terminal, b"\x03")
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if at is None:
        raise Failure(f"{when} never came: {said.decode(errors='replace')}")
    return code, said[:at].decode(errors="replace"), said[at:].decode(errors="replace")


def check_interrupted(folder, when, kept):
    """kept: whether something of the image stays. Returns what was shown before."""
    image = os.path.join(folder, "debian.img")
    code, before, after = interrupt(image, when)
    lines = [re.sub(r".*\x1b\[K", "", line) for line in after.replace("\r\n", "\n").split("\n")]
    lines = [line for line in lines if line.startswith("install-debian: ")]
    wanted = "install-debian: interrupted; " + (
        f"the same command goes on where it was (rm {image}.installing: it starts again)" if kept else
        "what was downloaded is kept for the next time")
    if code != 130 or lines != [wanted]:
        raise Failure(f"interrupted at {when}: exit code {code}: {after}")
    if os.listdir(folder) != (["debian.img.installing"] if kept else []):
        raise Failure(f"interrupted at {when}: left are {os.listdir(folder)}")
    print(f"ok: interrupted at {when}", flush=True)
    return before


def check_goes_on(folder):
    for not_again in "Fetching the base system", "Installing the base system":
        said = check_interrupted(folder, b"Installing kernel and packages", True)
        if "Going on" not in said or not_again in said:
            raise Failure(f"it did not go on: {said}")


def check_full(folder):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", folder]).returncode:
        print("skipped: nothing can be mounted here")
        sys.exit(SKIPPED)
    result = subprocess.run([INSTALL, os.path.join(folder, "debian.img")], capture_output=True, text=True)
    lines = [line for line in result.stderr.splitlines() if line.startswith("install-debian: ")]
    if result.returncode != 1 or "no room left" not in lines[0] or "No space left on device" not in lines[0] or len(lines) > 2:
        raise Failure(f"full: exit code {result.returncode}: {result.stderr}")
    if os.listdir(folder) != ["debian.img.log"]:
        raise Failure(f"full: left are {os.listdir(folder)}")
    print("ok: " + lines[0])


def test(armature, inside=None):
    if inside:
        check_full(inside)
        return
    if not shutil.which("unshare"):
        print("skipped: util-linux is not there")
        sys.exit(SKIPPED)
    fetched("[ -n \"$(debian_mirrors)\" ] && echo yes")
    with tempfile.TemporaryDirectory() as folder:
        check_interrupted(folder, b"what belongs to the base system", False)
        check_interrupted(folder, b"Retrieving", False)
        check_interrupted(folder, b"Installing the base system", True)
        check_goes_on(folder)
        os.unlink(os.path.join(folder, "debian.img.installing"))
        words = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Urm"]
        sys.exit(subprocess.run([*words, sys.executable, "-B", os.path.abspath(__file__), armature, folder]).returncode)


if __name__ == "__main__":
    main(test)
