#!/usr/bin/python3
"""Debian's installer, unmodified, driven by its screen and keyboard alone: screen.lua. Twice, with the same picture.

    screen.py ARMATURE RELEASE"""

import os
import subprocess
import tempfile

from drive import Failure, fetched, main

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "screen.lua")


def run(armature, images, picture):
    done = subprocess.run([armature, "--kernel", f"{images}/vmlinuz", "--initrd", f"{images}/initrd.gz", "--append",
                           "console=tty0", "--serial", "none", "--deterministic", "--script", SCRIPT, "--", picture],
                          stdin=subprocess.DEVNULL, timeout=1700, check=False)
    if done.returncode:
        raise Failure(f"exit code {done.returncode}")
    with open(picture, "rb") as file:
        return file.read()


def test(armature, release):
    images = fetched(f"fetch_installer {release}")
    with tempfile.TemporaryDirectory() as folder:
        if run(armature, images, f"{folder}/first.png") != run(armature, images, f"{folder}/second.png"):
            raise Failure("another run shows another picture")


main(test)
