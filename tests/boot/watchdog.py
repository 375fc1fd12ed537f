#!/usr/bin/python3
"""Silence, panics, logs and statistics as the program shows them, with guests of a few instructions."""

import re
import struct
import subprocess
import tempfile

from drive import Failure, Guest, main, together

BASE = 0x60100000
OFF, USAGE, SCRIPT, PANIC, HANG, REBOOT = 0, 64, 65, 66, 67, 69
FOR_EVER = [0xEAFFFFFE]  # b .
SLEEP = [0xE320F003, 0xEAFFFFFD]  # wfi; b
# mov r0, #0x10000000; mov r2, #0xc0000000; orr r2, #function << 20; str r2, [r0, #0xa4]; b .
POWER_OFF = [0xE3A00201, 0xE3A02103, 0xE3822502, 0xE58020A4, 0xEAFFFFFE]
RESTART = [0xE3A00201, 0xE3A02103, 0xE3822609, 0xE58020A4, 0xEAFFFFFE]


def printing(text, end):
    """A program that sends the text to the first UART and ends with the instructions `end`."""
    head = [0xE3A00201, 0xE3800A09,  # r0 = 0x10009000
            0xE3A02C03, 0xE3822001, 0xE5802030]  # UARTCR = 0x301
    loop = [0xE4D12001, 0xE3520000, 0x0A000004,  # ldrb r2, [r1], #1; cmp r2, #0; beq end
            0xE5903018, 0xE3130020, 0x1AFFFFFC,  # until UARTFR.TXFF is clear
            0xE5C02000, 0xEAFFFFF7]  # strb r2, [r0]; b loop
    after = 4 * (len(loop) + len(end))
    code = head + [0xE28F1000 | (after - 4)] + loop + end
    return struct.pack(f"<{len(code)}I", *code) + text.encode() + b"\0"


class Run:
    """One run of the program; `text` is what it wrote to stderr."""

    def __init__(self, armature, guest, *options):
        with tempfile.NamedTemporaryFile() as file:
            file.write(guest if isinstance(guest, bytes) else struct.pack(f"<{len(guest)}I", *guest))
            file.flush()
            done = subprocess.run([armature, "--load", f"{file.name}@{BASE:#x}", *options], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, check=False)
        self.code, self.text = done.returncode, done.stderr.decode(errors="replace")
        self.output = done.stdout.decode(errors="replace")

    def expect(self, code, *parts):
        missing = [part for part in parts if part not in self.text]
        if self.code != code or missing:
            print(self.text)
            raise Failure(f"exit code {self.code}, expected {code}; missing: {missing}")
        return self

    def lacks(self, part):
        if part in self.text:
            print(self.text)
            raise Failure(f"there is {part!r}")
        return self


def silence(armature):
    Run(armature, FOR_EVER, "--watchdog", "1").expect(
        HANG, "the guest has said nothing for ", "it stays at that instruction", "Supervisor mode", "MMU off",
        "armature: the guest hangs:")
    Run(armature, [0xE1A00000] * 5 + [0xEAFFFFF9], "--watchdog", "1", "--deterministic").expect(
        HANG, f"it loops within 24 bytes from {BASE:#x} to {BASE + 20:#x}")
    Run(armature, SLEEP, "--watchdog", "1").expect(HANG, "every CPU sleeps (WFI) and no timer runs")
    # 0: off.
    Run(armature, POWER_OFF, "--watchdog", "0").expect(OFF).lacks("said nothing")


def symbols(armature):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"{BASE:08x} T start\n{BASE + 4:08x} t forever\n")
        file.flush()
        Run(armature, [0xE1A00000] + FOR_EVER, "--watchdog", "1", "--symbols", file.name).expect(
            HANG, f"pc {BASE + 4:#x} (forever+0x0)")
    Run(armature, FOR_EVER, "--symbols", "/nonexistent").expect(USAGE, "cannot read /nonexistent")
    Run(armature, FOR_EVER, "--symbols", __file__).expect(USAGE, "neither an ELF file nor a System.map")


BOOT = "[    0.100000] Kernel command line: console=ttyAMA0 root=/dev/vda\n"
PANIC_TEXT = ("[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n"
              "[    1.000001] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0 #1\n")
PANIC_END = "[    1.000002] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---\n"
OOPS = ("[    1.000000] Unable to handle kernel NULL pointer dereference at virtual address 00000000\n"
        "[    1.000001] Internal error: Oops: 5 [#1] SMP ARM\n"
        "[    1.000002] PC is at probe+0x10/0x20\n"
        "[    1.000003] ---[ end trace 1 ]---\n")


def panics(armature):
    for end in (PANIC_END, ""):  # with the last line, and cut off
        Run(armature, printing(BOOT + PANIC_TEXT + end, FOR_EVER), "--deterministic").expect(
            PANIC, "the guest's kernel panicked: VFS: Unable to mount root fs", "root=/dev/vda",
            "in swapper/0 (process 1) on CPU 0")
    # In the middle of a line it is only a text.
    Run(armature, printing("see: Kernel panic - not syncing: no\n", POWER_OFF)).expect(OFF).lacks("panicked")
    # It reboots by itself, before the report is due.
    Run(armature, printing(PANIC_TEXT, RESTART), "--deterministic").expect(PANIC, "the guest's kernel panicked")
    Run(armature, printing(PANIC_TEXT, RESTART), "--deterministic", "--no-reboot").expect(PANIC)
    Run(armature, printing(PANIC_TEXT, RESTART), "--deterministic", "--no-reboot", "--ignore-panic").expect(
        REBOOT, "the guest's kernel panicked")
    Run(armature, printing(PANIC_TEXT + PANIC_END, FOR_EVER), "--deterministic", "--ignore-panic", "--watchdog", "1").expect(
        HANG, "the guest's kernel panicked", "Likely reason: the kernel panicked")


def oopses(armature):
    run = Run(armature, printing(OOPS, POWER_OFF), "--deterministic")
    run.expect(OFF, "the guest's kernel reports: Unable to handle kernel NULL pointer", "at probe+0x10/0x20",
               "followed a null pointer").lacks("panicked")


def same_end(armature):
    """A deterministic run ends a panic at the same instruction each time."""
    counts = set()
    for _ in range(3):
        run = Run(armature, printing(BOOT + PANIC_TEXT + PANIC_END, FOR_EVER), "--deterministic", "--stats")
        counts.add(re.search(r"cpu0\.instructions +(\d+)", run.expect(PANIC).text).group(1))
    if len(counts) != 1:
        raise Failure(f"different numbers of instructions: {counts}")


def ends(armature):
    run = Run(armature, printing("hello\n", POWER_OFF), "--deterministic", "--stats", "--list-unmodelled")
    run.expect(OFF, "Nothing was used that is not modelled", "uart0.writes", "instructions.all", "time.guest")
    # ldr r1, [r0, #0xf00] of the UART.
    run = Run(armature, [0xE3A00201, 0xE3800A09, 0xE5901F00, 0xE5901F00] + POWER_OFF, "--list-unmodelled")
    run.expect(OFF, "Used and not modelled:")
    if not re.search(rf"uart0 +\(none there\) +0xf00 +2 +0  0x{BASE + 8:08x}", run.text):
        raise Failure(f"the register is not listed:\n{run.text}")


def logs(armature):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/log"
        first, last = BASE + 8, BASE + 16

        def logged(*options):
            Run(armature, printing("hi\n", POWER_OFF), "--deterministic", "--log-file", path, *options).expect(OFF)
            with open(path, encoding="ascii") as file:
                return file.read().splitlines()

        addresses = [int(line.split()[2], 16) for line in logged("--log", f"in_asm@{first:#x}-{last:#x}")]
        if sorted(set(addresses)) != list(range(first, last + 4, 4)):
            raise Failure(f"in_asm of a range shows {addresses}")
        sources = {line.split()[1] for line in logged("--log", "mmio", "--log-filter", "uart*")}
        if sources != {"uart0:"}:
            raise Failure(f"the filter lets through {sources}")
        for line in logged("--log", "mmio,time,icount"):
            if not re.match(r"\[ *\d+\.\d{9}\] #\d+ mmio \S+: ", line):
                raise Failure(f"no prefix: {line}")
    Run(armature, FOR_EVER, "--log", "mmio@0-4").expect(USAGE, "can be limited to addresses")
    Run(armature, FOR_EVER, "--log", "nonsense").expect(USAGE, "unknown kind 'nonsense'")


def attended(armature):
    """With somebody at a terminal, silence and panics are only told."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(printing(PANIC_TEXT + PANIC_END, SLEEP))
        file.flush()
        with Guest(armature, "--load", f"{file.name}@{BASE:#x}", "--watchdog", "1", terminal=True) as guest:
            guest.expect("armature: the guest's kernel panicked: VFS: Unable to mount root fs")
            guest.expect("Likely reason: the kernel panicked")
            guest.send("\x01x")
            guest.expect_exit(OFF)


def scripts(armature):
    """What a script bears is its own affair as long as it says how long."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        def script(text):
            file.seek(0)
            file.truncate()
            file.write(text)
            file.flush()
            return Run(armature, SLEEP, "--watchdog", "1", "--script", file.name)

        script("sleep(3)\nquit(5)\n").expect(5).lacks("said nothing")
        script("expect('login:', 3)\n").expect(SCRIPT).lacks("said nothing")
        script("expect('login:')\n").expect(HANG, "the guest has said nothing for ")
    Run(armature, printing("hello\n", SLEEP), "--watchdog", "1", "--until", "hello").expect(OFF)
    Run(armature, printing("hello\n", SLEEP), "--watchdog", "1", "--until", "goodbye").expect(HANG)


def test(armature, *names):
    tests = [silence, symbols, panics, oopses, same_end, ends, logs, attended, scripts]
    together([part for part in tests if not names or part.__name__ in names], armature)


if __name__ == "__main__":
    main(test)
