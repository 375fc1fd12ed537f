#!/usr/bin/python3
"""A desktop of Debian's packages, by mouse and keyboard: desktop.py ARMATURE [option...]"""

import os
import shlex
import subprocess
import sys
import tempfile
import zlib

from drive import ROOT, SKIPPED, Failure, main

HERE = os.path.dirname(os.path.abspath(__file__))


def first_pixel(png):
    """Of a PNG with 8-bit RGB: no filter changes the first one."""
    chunks, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        chunks += png[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return zlib.decompress(chunks)[1:4]


def test(armature, *options):
    found = subprocess.run([f"{ROOT}/scripts/boot-desktop", "--fetch-only"], stdout=subprocess.PIPE)
    if found.returncode:
        print("skipped: the desktop could not be fetched")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{folder}/desktop.png"
        result = subprocess.run([armature, *shlex.split(found.stdout.decode()), "--display", "none", *options, "--script",
                                 f"{HERE}/desktop.lua", "--", picture], stdin=subprocess.DEVNULL, timeout=1500)
        if result.returncode:
            raise Failure(f"exit code {result.returncode}")
        with open(picture, "rb") as file:
            colour = first_pixel(file.read())
        if any(abs(got - wanted) > 8 for got, wanted in zip(colour, (0x80, 0x40, 0x20))):
            raise Failure(f"the corner of the picture has the colour {colour.hex()}")


if __name__ == "__main__":
    main(test)
