#!/usr/bin/env python3
"""Disassembles the host code in a log of `armature --log out_asm`: reads the log from a file or standard input, and
writes each block's guest instructions followed by its host instructions. Needs binutils' objdump.

    armature --jit=on --log out_asm --log-file log ...; bench/host_asm.py log"""

import re
import subprocess
import sys
import tempfile


def disassemble(code):
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        text = subprocess.run(["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel",
                               "--no-show-raw-insn", file.name], capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if re.match(r" +[0-9a-f]+:", line)]


def main():
    lines = open(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin
    code = b""
    for line in lines:
        word = line.rstrip("\n").split(": ", 1)[-1] if line.startswith("out_asm ") else None
        if word is None:
            continue
        if word.startswith("code "):
            code += bytes.fromhex(word[5:])
            continue
        if code:
            print("\n".join(disassemble(code)), end="\n\n")
            code = b""
        print(word)
    if code:
        print("\n".join(disassemble(code)))


if __name__ == "__main__":
    main()
