#!/usr/bin/env python3
"""A very small benchmark of the emulator against the host: the guest boots, its programs come to the same results as
the host's, and the measurements are written."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(HERE, "..", "..", "bench")
NAMES = ["integer", "recursion", "string", "double", "neon", "codegen", "atomics", "syscall", "pipe", "signal",
         "pagefault", "exec", "files"]
SKIPPED = 77

sys.path.insert(0, BENCH)
import images  # noqa: E402


def main():
    if not shutil.which(images.COMPILERS["guest"][0]) or not shutil.which("gcc"):
        print("skipped: there is no compiler for the guest")
        return SKIPPED
    try:
        images.lib_function(f"fetch_installer {images.RELEASE}")
        images.lib_function(f"fetch_busybox {images.RELEASE}")
    except images.BuildError as error:
        print(f"skipped: {error}")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "result.json")
        subprocess.run([sys.executable, "-B", os.path.join(BENCH, "compare.py"), "--armature", sys.argv[1], "--no-qemu",
                        "--runs", "1", "--scale", "0.02", "--only", ",".join(NAMES), "--json", result])
        with open(result) as file:
            workloads = json.load(file)["workloads"]
    for name in NAMES:
        if sorted(workloads[name]["seconds"]) != ["armature", "native"]:
            print(f"FAILED: {name} was not measured")
            return 1
        # A busy host may make the clocks differ; that decides nothing here.
        problems = [text for text in workloads[name]["problems"] if "clock" not in text]
        if problems:
            print(f"FAILED: {name}: {problems}")
            return 1
    print("passed")
    return 0


sys.exit(main())
