#!/usr/bin/python3
"""Debian's kernel finds the boot ROM's picture and makes a console of it.

    display.py ARMATURE RELEASE WIDTH HEIGHT BITS"""

import os
import subprocess
import sys

from drive import Failure, fetched, main

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "display.lua")


def test(armature, release, *size):
    images = fetched(f"fetch_installer {release}")
    result = subprocess.run(
        [armature, "--kernel", f"{images}/vmlinuz", "--initrd", f"{images}/initrd.gz", "--memory", "256M",
         "--dtb", f"{images}/vexpress-v2p-ca9.dtb", "--display-size", "x".join(size),
         "--append", "console=tty0 console=ttyAMA0 rdinit=/bin/sh", "--script", SCRIPT, "--", *size],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1700)
    if result.returncode:
        sys.stdout.write(result.stdout.decode(errors="replace")[-6000:] + "\n")
        raise Failure(f"the script ended with code {result.returncode}")
    for text in ("simple-framebuffer 4c000000.framebuffer", "switching to colour frame buffer device"):
        if text.encode() not in result.stdout:
            raise Failure(f"the kernel did not say: {text}")


main(test)
