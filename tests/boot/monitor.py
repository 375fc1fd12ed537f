#!/usr/bin/python3
"""The boot ROM's monitor, and how the program treats terminals, signals and reboots."""

import os
import signal
import subprocess
import termios

from drive import Failure, Guest, main

PROMPT = r"\r?\n> $"


def command(guest, text, *answers):
    guest.send(text + "\r")
    for answer in answers:
        guest.expect(answer)
    guest.expect(r"\r\n> ")


def commands(armature):
    with Guest(armature, "--cpus", "2", "--memory", "64M") as guest:
        guest.expect(r"Armature [0-9.]+: Arm Versatile Express, CoreTile Express A9x4 \(V2P-CA9\)")
        guest.expect(r"2 CPUs Cortex-A9, 64 MiB RAM at 0x60000000")
        guest.expect(r"scripts/boot-debian.*--kernel.*\r\n> ")
        command(guest, "help", "memtest")
        command(guest, "info", r"r0p1 \(MIDR 410fc091\)", "60000000 to 63ffffff, 64 MiB")
        command(guest, "mw 60000000 11223344 4")
        command(guest, "mw.h 60000002 abcd")
        command(guest, "mw.b 60000000 78")
        command(guest, "md 60000000 4", r"60000000: abcd3378 11223344 11223344 11223344  x3..D3")
        command(guest, "md.b 60000000 3", r"60000000: 78 33 cd  x3")
        command(guest, "md.h 60000000 2", r"60000000: 3378 abcd")
        command(guest, "md 20000000", r"Data abort.*address 20000000: external abort")
        command(guest, "dev", r"uart0.*gic ")
        command(guest, "dev uart0", r"UARTCR +00000301")
        command(guest, "dev nonsense", "There is no device")
        command(guest, "memtest 60000000 10000", r"\.\.\.\. good")
        command(guest, "memtest 4e000000 100", "BAD at 4e000000")
        command(guest, "nonsense", "is no command")
        command(guest, "md zzz", "Usage: md")
        command(guest, "mw 48000004 11223344")
        command(guest, "mmx\b\bd 48000004 1", "48000004: 11223344")  # line editing
        guest.send("mw 60001000 e1a0000f\rmw 60001004 e12fff1e\r")  # mov r0, pc; bx lr
        command(guest, "go 60001000", "Returned with r0 = 60001008")
        guest.send("mw 60001000 e7f000f0\r")  # undefined
        command(guest, "go 60001000", "Undefined instruction at pc 60001000")
        guest.send("reset\r")
        guest.expect(r"Armature [0-9.]+.*\r\n> ")
        guest.send("poweroff\r")
        guest.expect_exit(0)


def script_from_a_pipe(armature):
    """Everything piped in arrives, also when the pipe is closed long before it is read."""
    lines = "".join(f"md.b 48000000 1\rmw 48000000 {n:x}\r" for n in range(200))
    result = subprocess.run([armature], input=(lines + "md.w 48000000 1\rpoweroff\r").encode(), stdout=subprocess.PIPE,
                            timeout=60)
    if result.returncode or b"48000000: 000000c7" not in result.stdout:
        raise Failure("the piped commands were not all done")


def ends_with(guest, code):
    """The program ends with the code, and the terminal is as it was."""
    guest.expect_exit(code)
    if not termios.tcgetattr(guest.other)[3] & termios.ICANON:
        raise Failure("the terminal is still in raw mode")


def terminal(armature):
    with Guest(armature, terminal=True) as guest:
        guest.expect("Ctrl-A x leaves")
        guest.expect("\r\n> ")
        if termios.tcgetattr(guest.other)[3] & (termios.ICANON | termios.ISIG | termios.ECHO):
            raise Failure("the terminal is not in raw mode")
        guest.send("abc\x03")  # Ctrl-C is the guest's: the monitor drops the line
        guest.expect("abc\r+\n> ")
        command(guest, "info", "CPUs")
        guest.send("\x01x")
        ends_with(guest, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Guest(armature, terminal=True) as guest:
            guest.expect("\r\n> ")
            os.kill(guest.process.pid, number)
            ends_with(guest, 128 + number)
    with Guest(armature, terminal=True) as guest:
        guest.expect("\r\n> ")
        os.kill(guest.process.pid, signal.SIGABRT)
        ends_with(guest, -signal.SIGABRT)


def usage(armature):
    for options, code, text in (
        (["--kernl", "x"], 64, b"did you mean --kernel?"),
        (["/nonexistent"], 64, b"cannot read kernel /nonexistent"),
        ([armature], 64, b"is an ELF file for "),
        (["--flash0", "/nonexistent"], 64, b"--flash0: cannot read /nonexistent"),
        (["--flash1", "/tmp"], 64, b"--flash1: /tmp is not a regular file"),
        (["--semihosting", "--semihosting-dir", "/nonexistent"], 64, b"--semihosting-dir: cannot use /nonexistent"),
        (["--log", "nonsense"], 64, b"unknown kind"),
        (["--serial", "file:/nonexistent/x"], 64, b"cannot write /nonexistent/x"),
        (["--help"], 0, b"Usage: armature"),
        (["--version"], 0, b"armature "),
    ):
        result = subprocess.run([armature, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=30)
        if result.returncode != code or text not in result.stdout:
            raise Failure(f"{options}: exit code {result.returncode}, {result.stdout!r}")


def test(armature):
    commands(armature)
    script_from_a_pipe(armature)
    terminal(armature)
    usage(armature)


main(test)
