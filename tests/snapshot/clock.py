#!/usr/bin/python3
"""The date after a load: it goes on from the snapshot's, or is what --rtc says.

    clock.py ARMATURE"""

import os
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "boot"))
from drive import Failure, main  # noqa: E402

SAVED, OTHER = 1000000000, 1738281600  # 2001-09-09; 2025-01-31
LOOK = 'print("date " .. read_device("rtc", "DR"))\n'


class Machine:
    def __init__(self, armature, folder):
        self.armature, self.folder = armature, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, script, *options, code=0):
        with open(self.path("script.lua"), "w") as file:
            file.write(script + "quit()")
        result = subprocess.run([self.armature, "--no-config", "--display", "none", "--script", self.path("script.lua"), *options],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        said = result.stdout.decode()
        if result.returncode != code:
            raise Failure(f"{options}: {result.returncode}, {said}")
        return said

    def date(self, wanted, script, *options):
        said = self.run(script + LOOK, *options)
        date = int(said.split("date ")[1].split()[0])
        if not wanted <= date <= wanted + 60:
            raise Failure(f"{options}: the clock shows {date}, not {wanted}")


def test(armature):
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(os.path.abspath(armature), folder)
        snap, image = machine.path("saved.snap"), machine.path("loop.bin")
        with open(image, "wb") as file:
            file.write(b"\xfe\xff\xff\xea")  # b .
        program = ("--load", image + "@0x60008000")
        machine.run(f'sleep(2) save("{snap}")', "--rtc", str(SAVED), *program)
        machine.date(SAVED + 2, "", "--load", snap)
        machine.date(SAVED + 2, "", "--load", snap, "--rtc", "frozen")
        machine.date(OTHER, "", "--load", snap, "--rtc", "2025-01-31")
        machine.date(int(time.time()), "", "--load", snap, "--rtc", "host")
        again = f'machine.load("{snap}")\n'
        machine.date(int(time.time()), "", *program, "--rtc", "frozen")
        machine.date(SAVED + 2, again, *program)
        machine.date(SAVED + 2, again, *program, "--rtc", "2025-01-31")
        machine.date(int(time.time()), again, *program, "--rtc", "host")
        machine.run(f'save("{snap}")', "--deterministic", *program)
        said = machine.run("", "--load", snap, "--rtc", "host", code=64)
        if said.count("\n") != 1 or "of a deterministic run" not in said:
            raise Failure(said)
        machine.date(OTHER, "", "--load", snap, "--rtc", "2025-01-31")


main(test)
