#!/usr/bin/python3
"""Every source of the emulator that is built here compiles without a warning under Clang too.

    check_clang.py CLANG COMPILE_COMMANDS ROOT"""

import concurrent.futures
import json
import os
import shlex
import subprocess
import sys


def words(entry):
    """The compiler's words of an entry that do not name its output, and none that only GCC knows."""
    given = iter(shlex.split(entry["command"])[1:])
    for word in given:
        if word in ("-o", "-MF", "-MT"):
            next(given)
        elif word != "-c" and not word.startswith(("-O", "-g", "-M", "-fsanitize", "-fno-sanitize")):
            yield word


def check(clang, entry):
    done = subprocess.run([clang, "-fsyntax-only", *words(entry)], cwd=entry["directory"], stderr=subprocess.PIPE,
                          text=True)
    return done.stderr if done.returncode or done.stderr else ""


def main(clang, commands, root):
    with open(commands) as file:
        entries = [entry for entry in json.load(file)
                   if not os.path.relpath(entry["file"], root).startswith(("tests/", "build"))]
    assert len(entries) > 100, f"only {len(entries)} sources in {commands}"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = "".join(pool.map(lambda entry: check(clang, entry), entries))
    if wrong:
        sys.exit(wrong)
    print(f"{len(entries)} sources")


main(*sys.argv[1:])
