#!/usr/bin/env python3
"""Pretends to be an emulator that boots the benchmark's guest: finds the plan at the end of the initial file system and
answers each line as its command says: "good TEXT", "bad STATUS", "hang", "crash", "panic", "restart", "slow-clock"."""

import sys
import time


def say(text):
    print(text, flush=True)


def plan(path):
    with open(path, "rb") as file:
        archive = file.read()
    start = archive.rindex(b"plan\0")
    size = int(archive[start - 110 + 54:start - 110 + 62], 16)
    data = archive[start + 6:start + 6 + size + 4].lstrip(b"\0")[:size]
    return [line.split("\t") for line in data.decode().splitlines()]


def run(name, command):
    word, _, rest = command.partition(" ")
    if word == "bad":
        say(f"@@ begin {name}\n@@ end {name} {rest} 100\n@@ output {name} it broke\n@@ complete {name} {rest}")
        return
    say(f"@@ begin {name}")
    if word == "hang":
        time.sleep(60)
    if word == "crash":
        sys.exit(1)
    if word == "panic":
        say("[    1.0] Kernel panic - not syncing")
        time.sleep(60)
    if word == "restart":
        say("@@ ready")
        time.sleep(60)
    time.sleep(0.2)
    microseconds = 2000000 if word == "slow-clock" else 200000
    say("noise on the line\n@@ end other 0 1\n@@ end " + name + f" 0 {microseconds}\r")
    say(f"@@ output {name} {rest}\n@@ complete {name} 0")


def main():
    say("Uncompressing Linux...")
    say("@@ ready")
    for name, _, command in plan(sys.argv[sys.argv.index("--initrd") + 1]):
        run(name, command)
    say("@@ done")


main()
