#!/usr/bin/python3
"""Lua scripts drive Debian's kernel: shell.lua, on a busybox or in the installer's own file system."""

import os
import subprocess
import sys
import tempfile

from busybox import initramfs
from drive import Failure, fetched, main

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shell.lua")


def play(armature, *options, script_arguments):
    result = subprocess.run([armature, *options, "--script", SCRIPT, "--", *script_arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1700)
    if result.returncode:
        sys.stdout.write(result.stdout.decode(errors="replace")[-6000:] + "\n")
        raise Failure(f"the script ended with code {result.returncode}")


def test(armature, release, shell, cpus):
    images = fetched(f"fetch_installer {release}")
    common = ["--kernel", f"{images}/vmlinuz", "--cpus", cpus, "--memory", "256M"]
    if shell == "installer":
        play(armature, *common, "--initrd", f"{images}/initrd.gz", "--append", "console=ttyAMA0 rdinit=/bin/sh",
             script_arguments=[cpus, "# ", "echo o > /proc/sysrq-trigger"])
        return
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(initramfs(fetched("fetch_busybox 12")))
        file.flush()
        play(armature, *common, "--initrd", file.name, script_arguments=[cpus, "init is done", "poweroff -f"])


if __name__ == "__main__":
    main(test)
