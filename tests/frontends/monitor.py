#!/usr/bin/python3
"""The emulator's monitor: in a terminal (--monitor, and from the console's menu), and with input from a pipe."""

import os
import subprocess
import termios

from uart_guest import SerialGuest, check
from drive import main, together

TIMEOUT = 60
PROMPT = r"\(armature\) "


class Terminal(SerialGuest):
    def __init__(self, armature, *options):
        os.environ["TERM"] = "xterm"
        super().__init__(armature, *options, terminal=True)

    def command(self, text, *answers):
        self.send(text + "\r")
        for answer in answers:
            self.expect(answer)
        self.expect(PROMPT)


def editing(armature):
    with Terminal(armature, "--monitor", "--cpus", "2") as guest:
        guest.expect("monitor: help lists the operations")
        guest.expect(PROMPT)
        guest.command("help", "\nexpect +waits until")
        guest.command("status", "state +running")
        guest.command("help read_word", r"read_word address \[cpu=none\]")
        guest.command("nonsense", "error: there is no operation nonsense")
        guest.command("read_word", "error: read_word: address is missing")
        guest.command("versionx\b", r"\d+\.\d+\.\d+\r\n")
        guest.command("verZZ\x1b[D\x7f\x1b[Csion\x1b[D\x1b[D\x1b[D\x1b[D\x7f", r"\d+\.\d+\.\d+\r\n")  # cursor keys
        guest.command("write_word 0x60000000 0x1234")
        guest.command("\x1b[A\x1b[A", r"\d+\.\d+\.\d+\r\n")  # history
        guest.send("versi\t")
        guest.command("", r"\d+\.\d+\.\d+\r\n")
        guest.send("read_\t\t")
        guest.expect("read_register +read_memory +read_word")
        guest.command("word 0x60000000", "0x00001234")
        guest.send("read_word addr\t0x6\x0360")  # Ctrl-C drops the line
        guest.expect(r"\^C\r\n" + PROMPT)
        guest.send("\x15device uar\t")
        guest.command("0", "UARTCR +0x00000030")
        # What waits keeps the prompt away until it has ended; Ctrl-C ends it.
        guest.command("expect \"> \" timeout=50", r"text +> ")
        guest.command("sendline 'info'")
        guest.command("match 'CPUs +(%d+),'", "captures *\r\n +2")
        guest.send("expect never timeout=0\r")
        guest.expect("never timeout=0\r\n")
        guest.send("\x03")
        guest.expect("error: cancelled\r\n" + PROMPT)
        guest.command("expect never timeout=0.1", "error: expect \"never\": not within 0.1 seconds")
        guest.send("\x15quit 8\r")
        guest.expect_exit(8)
        check(termios.tcgetattr(guest.other)[3] & termios.ICANON, "the terminal is still in raw mode")
    with Terminal(armature, "--monitor") as guest:
        guest.expect(PROMPT)
        guest.send("\x04")
        guest.expect_exit(0)


def from_the_console(armature):
    with Terminal(armature) as guest:
        guest.expect("\r\n> ")
        guest.send("\x01h")
        guest.expect("c  goes to the emulator's monitor, and back")
        guest.send("\x01c")
        guest.expect(PROMPT)
        guest.command("status", "state +running")
        guest.send("\x01c")
        guest.expect("The guest has the terminal again")
        guest.send("info\r")
        guest.expect("CPUs.*\r\n> ")
        guest.send("\x01c")
        guest.expect(PROMPT)
        guest.send("\x04")
        guest.expect("The guest has the terminal again")
        guest.send("poweroff\r")
        guest.expect_exit(0)


def breakpoints(armature):
    """Code at 60001000 that returns; the stop is told at the prompt, behind what is typed there, or on the console."""
    stop = "cpu0 stopped at a breakpoint at 0x60001000"
    with Terminal(armature, "--monitor") as guest:
        guest.expect(PROMPT)
        guest.command("expect '> '", "text")
        guest.command("write_word 0x60001000 0xe3a00007")
        guest.command("write_word 0x60001004 0xe12fff1e")
        guest.command("breakpoint 0x60001000")
        guest.command("breakpoints", "0x60001000")
        guest.command("sendline 'go 60001000'", stop + "\r\n")
        guest.command("step", "instructions +1\r\n")
        guest.command("resume")
        guest.command("expect Returned", "text +Returned")
        guest.command("sendline 'go 60001000'", stop + "\r\n")
        guest.command("wait_breakpoint", "pc +0x60001000\r\ntext +mov r0, #7")
        guest.command("resume")
        guest.command("sendline 'go 60001000'", stop + "\r\n")
        guest.command("resume")
        guest.send("sendline 'go 60001000'\rexpect nothing timeout=0\r")
        guest.expect('error: expect "nothing": ' + stop + "\r\n" + PROMPT)
        guest.send("quit\r")
        guest.expect_exit(0)
    with Terminal(armature) as guest:
        guest.expect("\r\n> ")
        guest.send("mw 60001000 e12fff1e\r")
        guest.expect("\r\n> ")
        guest.send("\x01c")
        guest.expect(PROMPT)
        guest.command("breakpoint 0x60001000")
        guest.send("\x01c")
        guest.expect("The guest has the terminal again")
        guest.send("go 60001000\r")
        guest.expect("armature: " + stop + "; Ctrl-A p goes on")
        guest.send("\x01p")
        guest.expect("Returned")
        guest.send("\x01x")
        guest.expect_exit(0)


def from_a_pipe(armature):
    def run(text, code, *answers):
        done = subprocess.run([armature, "--monitor"], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=TIMEOUT, check=False)
        missing = [answer for answer in answers if answer not in done.stdout]
        check(done.returncode == code and not missing, f"{text}: {done}, missing {missing}")

    run(b"version\n", 0, b"0.")
    run(b"expect '> '\nsendline info\nmatch 'CPUs +(%d+),'\nquit 3", 3, b"captures")
    run(b"expect never timeout=0.05\nread_word 0x1fff0000", 0, b"error: expect", b"0xea")
    run(b"\n \n\xff\x00x\nnonsense \"a b' c\nsend \"unfinished\nversion\n", 0, b"there is no operation", b"0.")
    run(b"expect '> '\nsendline poweroff\nwait_off\n", 0)


def test(armature):
    together([editing, from_the_console, breakpoints, from_a_pipe], armature)


main(test)
