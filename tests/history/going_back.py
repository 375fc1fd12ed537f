#!/usr/bin/python3
"""going_back.lua with what the boot ROM does by itself, or with bare-metal programs, on one CPU and four, interpreted
and compiled.

    going_back.py ARMATURE [FOLDER of programs]"""

import os
import subprocess
import sys

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "going_back.lua")
PROGRAMS = (("timers", "1"), ("smp", "4"), ("interrupted", "1"))


def run(armature, jit, seconds, *options):
    command = [armature, "--no-config", "--display", "none", "--serial", "none", "--history", "32M", "--deterministic",
               "--jit", jit, *options, "--script", SCRIPT, "--", seconds]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1000)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stdout.decode(errors='replace')[-3000:]}")


def main(armature, folder=None):
    for jit in ("off", "on"):
        if not folder:
            run(armature, jit, "0.01")
            continue
        for name, cpus in PROGRAMS:
            run(armature, jit, "0.004", "--cpus", cpus, "--kernel", os.path.join(folder, name + ".elf"))


main(*sys.argv[1:])
