#!/usr/bin/python3
"""A bare-metal program, recorded and replayed by both engines: the same output and exit code, without the folder of its
files.

    replay.py ARMATURE PROGRAM.elf CODE CPUS"""

import os
import subprocess
import sys
import tempfile


def run(armature, folder, code, *options):
    result = subprocess.run([armature, "--display", "none", *options], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if result.returncode != code:
        sys.exit(f"FAILED: {options}: exit code {result.returncode}, not {code}: {result.stderr.decode()}")


def main(armature, program, code, cpus):
    with tempfile.TemporaryDirectory(prefix="armature-replay-") as folder:
        os.mkdir(f"{folder}/files")
        run(armature, folder, int(code), "--kernel", program, "--cpus", cpus, "--semihosting", "--semihosting-dir", "files",
            "--test-device", "--net", "none", "--record", "run.rec", "--serial", "file:recorded")
        os.rename(f"{folder}/files", f"{folder}/gone")
        with open(f"{folder}/recorded", "rb") as file:
            recorded = file.read()
        for mode in ("on", "off"):
            run(armature, folder, int(code), "--replay", "run.rec", "--jit", mode, "--serial", "file:replayed")
            with open(f"{folder}/replayed", "rb") as file:
                if file.read() != recorded or not recorded:
                    sys.exit(f"FAILED: --jit {mode}: another output, or none")
    print("passed")


main(*sys.argv[1:])
