#!/usr/bin/python3
"""Boots Debian's kernels to a shell many times, some at once, on a host that is busy with other work too, and checks
that every run passes: shell.lua under `armature farm`, on a busybox and in the installer's own file system, on one CPU
and on four.

    many.py ARMATURE [RUNS [LOAD [option...]]]

LOAD is the number of busy loops beside the machines (default: one for each processor); further options go to armature."""

import collections
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from busybox import initramfs
from drive import Failure, fetched, main

HERE = os.path.dirname(os.path.abspath(__file__))
# Goes round until the process that started it is gone.
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))\n"


def job(number, images, busybox):
    """A line for `armature farm --jobs-file`: over six jobs, each kernel with each file system; every fourth with four CPUs."""
    release = (11, 12, 13)[number % 3]
    folder, cpus = images[release], 4 if number % 4 == 3 else 1
    if number // 3 % 2:
        name, words = "installer", [f"--initrd '{folder}/initrd.gz'", "--append 'console=ttyAMA0 rdinit=/bin/sh'"]
        arguments = f"{cpus} '# ' 'echo o > /proc/sysrq-trigger'"
    else:
        name, words = "busybox", [f"--initrd '{busybox}'"]
        arguments = f"{cpus} 'init is done' 'poweroff -f'"
    return f"{number}-{name}-{release}: --cpus {cpus} {' '.join(words)} '{folder}/vmlinuz' -- {arguments}\n"


def report(results):
    times = collections.defaultdict(list)
    failed = []
    for case in ElementTree.parse(results).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.find("skipped") is not None:
            failed.append(case.get("name"))
        times[case.get("name").split("-", 1)[1]].append(float(case.get("time")))
    for name, seconds in sorted(times.items()):
        print(f"{name}: {len(seconds)} runs, {min(seconds):.1f} to {max(seconds):.1f} s, "
              f"median {statistics.median(seconds):.1f} s")
    return sum(map(len, times.values())), failed


def test(armature, runs="200", load=None, *options):
    images = {release: fetched(f"fetch_installer {release}") for release in (11, 12, 13)}
    program = fetched("fetch_busybox 12")
    load = os.cpu_count() if load is None else int(load)
    with tempfile.TemporaryDirectory() as folder:
        busybox, jobs = f"{folder}/busybox.gz", f"{folder}/jobs"
        with open(busybox, "wb") as file:
            file.write(initramfs(program))
        with open(jobs, "w", encoding="utf-8") as file:
            file.writelines(job(number, images, busybox) for number in range(int(runs)))
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(load)]
        farm = subprocess.Popen([armature, "farm", "--memory", "256M", "--jobs-file", jobs, "--junit", f"{folder}/junit.xml",
                                 "--log-dir", f"{folder}/logs", "--tail", "60", *options, f"{HERE}/shell.lua"],
                                stdin=subprocess.DEVNULL)
        try:
            code = farm.wait()
        finally:
            if farm.poll() is None:
                farm.send_signal(signal.SIGTERM)
                farm.wait()
            for process in busy:
                process.kill()
                process.wait()
        count, failed = report(f"{folder}/junit.xml")
    if code or failed or count != int(runs):
        raise Failure(f"exit code {code}; {len(failed)} of {count} runs failed: {' '.join(failed)}")
    print(f"{count} runs with {load} busy loops: all passed")


if __name__ == "__main__":
    main(test)
