#!/usr/bin/python3
"""Each exit code of docs/exit-codes.md, produced on purpose, with one line on stderr that says why."""

import os
import re
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, main  # noqa: E402
from watchdog import FOR_EVER, PANIC_END, PANIC_TEXT, printing  # noqa: E402

TIMEOUT = 120
BASE = 0x60100000


def run(armature, *options, program=None):
    with tempfile.NamedTemporaryFile() as file:
        if program:
            file.write(program if isinstance(program, bytes) else struct.pack(f"<{len(program)}I", *program))
            file.flush()
            options = ["--load", f"{file.name}@{BASE:#x}", *options]
        done = subprocess.run([armature, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def exits(number):
    """movw r0, #0x8008; movt r0, #0x1001; movw r1, #number; str r1, [r0]: the test device's EXIT."""
    return [0xe3080008, 0xe3410001, 0xe3001000 | number & 0xfff | (number >> 12) << 16, 0xe5801000, *FOR_EVER]


def signalled(armature, number):
    process = subprocess.Popen([armature, "--until", "never"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        process.stdout.read(1)
        process.send_signal(number)
        _, err = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    return process.returncode, err.decode()


def documented():
    """The codes in the table of docs/exit-codes.md."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
    with open(f"{root}/docs/exit-codes.md", encoding="utf-8") as file:
        return set(re.findall(r"^\| (\S.*?) \|", file.read(), re.MULTILINE)) - {"code", "---"}


def test(armature):
    silent = ["--serial", "none"]
    test_device = [*silent, "--test-device"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("expect('> ') quit(tonumber((...)) or error('no number'))")
        script.flush()
        cases = [
            (0, "", run(armature, "--send", "poweroff\\r")),
            (0, "", run(armature, "--until", "> ")),
            (0, "", run(armature, *silent, "--script", script.name, "--", "0")),
            (5, "the script ended the run with code 5", run(armature, *silent, "--script", script.name, "--", "5")),
            (63, "with code 63", run(armature, *silent, "--script", script.name, "--", "63")),
            (0, "", run(armature, *test_device, program=exits(0))),
            (1, "the guest ended the run with code 1", run(armature, *test_device, program=exits(1))),
            (63, "the guest ended the run with code 4000", run(armature, *test_device, program=exits(4000))),
            (64, "there is no option --nonsense", run(armature, "--nonsense")),
            (64, "cannot read kernel /nonexistent", run(armature, "/nonexistent")),
            (65, "script failed: ", run(armature, *silent, "--script", script.name, "--", "x")),
            (66, "the guest's kernel panicked", run(armature, *silent, "--deterministic",
                                                    program=printing(PANIC_TEXT + PANIC_END, FOR_EVER))),
            (67, "the guest hangs", run(armature, *silent, "--watchdog", "1", program=FOR_EVER)),
            (68, "--timeout", run(armature, *silent, "--timeout", "0.1")),
            (69, "the guest rebooted", run(armature, *silent, "--no-reboot", "--send", "reset\\r")),
            (70, "No space left on device", run(armature, "--serial", "file:/dev/full", "--until", "never")),
            (128 + signal.SIGTERM, "signal 15", signalled(armature, signal.SIGTERM)),
            (128 + signal.SIGHUP, "signal 1 ", signalled(armature, signal.SIGHUP)),
        ]
    for wanted, text, (code, err) in cases:
        last = err.rstrip("\n").rsplit("\n", 1)[-1]
        if code != wanted or (text and (not last.startswith("armature: ") or text not in last)) or (not wanted and last):
            print(err)
            raise Failure(f"exit code {code}, expected {wanted} and {text!r} on the last line")
    codes = documented()
    missing = {"0", "1 to 63", "64", "65", "66", "67", "68", "69", "70", "128 + n"} - codes
    if missing:
        raise Failure(f"docs/exit-codes.md lacks {missing}")


main(test)
