#!/usr/bin/python3
"""Builds a bare-metal program, runs it on armature and, where it is installed, on QEMU, and compares what both print with
the text that is stored beside it.

    compare.py ARMATURE PROGRAM [--elf FILE] [--cpus N] [--semihosting] [--test-device] [--input TEXT] [--exit CODE]
               [--no-qemu|--only-qemu] [--update]
    compare.py --build FILE PROGRAM

The second only builds; the first builds too unless it is given the result.

PROGRAM.txt holds what the architecture demands, one line for each line printed. Where QEMU prints something else, a line
`qemu: TEXT` follows (`qemu: -` where it prints nothing there), and a line `# reason` somewhere above it says why that is
QEMU's deviation and not ours. A file that begins with `# not compared with QEMU: reason` is for armature only.

--update writes the file anew from what the two print; the reasons are kept, new deviations get none and then fail."""

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COMPILER = "arm-linux-gnueabihf-gcc"
QEMU = "qemu-system-arm"
ENGINES = {"interpreter": [["--jit", "off"]],
           "compiler": [["--jit", "on", "--jit-threshold", "0"], ["--jit", "on", "--jit-threshold", "1"],
                        ["--jit", "verify", "--jit-threshold", "0"]]}
NOT_COMPARED = "# not compared with QEMU"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
FLAGS = ("-std=gnu17 -O1 -g0 -marm -march=armv7-a+mp+sec+simd -mfloat-abi=hard -mgeneral-regs-only -mno-unaligned-access "
         "-masm-syntax-unified -ffreestanding -fno-toplevel-reorder -fno-pic -fno-stack-protector -fno-reorder-functions "
         "-Wall -Wextra -Werror -Wa,-W,-mno-warn-deprecated -nostdlib -static -no-pie "
         "-Wl,-N,--build-id=none,--no-warn-rwx-segments,-z,noexecstack").split()


def build(name, elf):
    sources = [os.path.join(HERE, source) for source in ("start.S", "runtime.c", name + ".c")]
    subprocess.run([COMPILER, *FLAGS, "-T", os.path.join(HERE, "guest.ld"), *sources, "-lgcc", "-o", elf], check=True)


def run(command, seconds, options, folder):
    """Runs in a new folder, which is the one that semihosting has for its files."""
    text = (options.input or "").encode().decode("unicode_escape").encode()
    try:
        with tempfile.TemporaryDirectory(dir=folder) as files:
            done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  timeout=seconds, cwd=files)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, code = expired.stdout or b"", "none: it did not end in %d s" % seconds
    return output.decode(errors="replace").replace("\r", "").splitlines(), code


def run_armature(elf, options, folder, extra):
    command = [os.path.abspath(options.armature), "--kernel", elf, "--memory", "256M", "--cpus", str(options.cpus), *extra]
    if options.semihosting:
        command += ["--semihosting", "--semihosting-dir", "."]
    if options.test_device:
        command += ["--test-device"]
    return run(command, 60, options, folder)


def run_qemu(elf, options, folder):
    command = [QEMU, "-M", "vexpress-a9", "-cpu", "cortex-a9", "-smp", str(options.cpus), "-m", "256",
               "-audiodev", "none,id=none", "-display", "none", "-chardev", "stdio,mux=on,id=stdio", "-serial", "chardev:stdio",
               "-monitor", "none", "-kernel", elf]
    if options.semihosting:
        command += ["-semihosting-config", "enable=on,target=native,chardev=stdio,userspace=on"]
    return run(["timeout", "-k", "1", "120", *command], 125, options, folder)


class Expected:
    """The stored text: what is right, what QEMU prints, and the comments in front of each line."""

    def __init__(self, path):
        self.right, self.qemu, self.head = [], [], []
        self.reasons = {}  # comments by the qemu: line that they stand in front of
        self.unexplained = []
        self.compared = True
        comments, known = [], False
        for line in open(path).read().splitlines() if os.path.exists(path) else []:
            if line.startswith("#"):
                comments.append(line)
                self.compared &= not line.startswith(NOT_COMPARED)
            elif line.startswith("qemu: "):
                if comments:
                    self.reasons[line] = comments
                    known = True
                if not known:
                    self.unexplained.append(line)
                comments = []
                self._replace(line[6:])
            else:
                if comments and not self.right:
                    self.head = comments
                    comments = []
                self.right.append(line)
                self.qemu.append(line)
        if not self.right:
            self.head = comments

    def _replace(self, text):
        if text == "-":
            self.qemu[-1] = None
        else:
            self.qemu[-1] = text

    def for_qemu(self):
        return [line for line in self.qemu if line is not None]


def report(title, expected, got):
    print(title)
    for line in difflib.unified_diff(expected, got, "expected", "printed", lineterm="", n=1):
        print("  " + line)


def update(path, old, right, qemu):
    """Writes the text; lines of QEMU are matched to ours in order."""
    lines = list(old.head)
    matcher = difflib.SequenceMatcher(None, right, qemu or right, autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            lines += right[a:a_end]
            continue
        for n in range(max(a_end - a, b_end - b)):
            if a + n >= a_end:
                sys.exit("QEMU prints more lines than armature: %s" % qemu[b + n])
            lines.append(right[a + n])
            other = "qemu: " + (qemu[b + n] if b + n < b_end else "-")
            lines += old.reasons.get(other, [])
            if other != "qemu: " + right[a + n]:
                lines.append(other)
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-clock", action="store_true",
                        help="run a second time with time from the host's clock; a busy host may spoil that")
    parser.add_argument("--build", metavar="FILE", help="only build the program")
    parser.add_argument("--elf", metavar="FILE", help="the program, built before")
    parser.add_argument("armature", nargs="?")
    parser.add_argument("program")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--semihosting", action="store_true")
    parser.add_argument("--test-device", action="store_true")
    parser.add_argument("--input", metavar="TEXT", help="what is typed, with escapes as in Python")
    parser.add_argument("--exit", metavar="CODE", type=int, default=0, help="the exit code that is right")
    parser.add_argument("--engine", choices=ENGINES, default="interpreter", help="what executes the guest's code")
    parser.add_argument("--no-qemu", action="store_true")
    parser.add_argument("--only-qemu", action="store_true")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if not shutil.which(COMPILER):
        print("%s is not installed" % COMPILER)
        return SKIPPED
    if options.build:
        build(options.program, options.build)
        return 0
    path = os.path.join(HERE, options.program + ".txt")
    expected = Expected(path)
    with_qemu = expected.compared and not options.no_qemu
    if with_qemu and not shutil.which(QEMU):
        if options.only_qemu:
            print("%s is not installed" % QEMU)
            return SKIPPED
        with_qemu = False
    with tempfile.TemporaryDirectory() as folder:
        elf = options.elf or os.path.join(folder, options.program + ".elf")
        if not options.elf:
            build(options.program, elf)
        failed = False
        qemu = None
        if options.update:
            right, _ = run_armature(elf, options, folder, [])
            if with_qemu:
                qemu, _ = run_qemu(elf, options, folder)
            update(path, expected, right, qemu)
            return 0
        clocks = [["--deterministic"]] + ([[]] if options.host_clock else [])
        for extra in [] if options.only_qemu else [e + c for e in ENGINES[options.engine] for c in clocks]:
            printed, code = run_armature(elf, options, folder, extra)
            if printed != expected.right or code != options.exit:
                report(" ".join(["armature", *extra, "exit code", str(code)]), expected.right, printed)
                failed = True
        if with_qemu:
            qemu, code = run_qemu(elf, options, folder)
            if qemu != expected.for_qemu():
                report("QEMU: what is stored about it is no longer so", expected.for_qemu(), qemu)
                failed = True
    for line in expected.unexplained:
        print("no reason is given for: " + line)
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
