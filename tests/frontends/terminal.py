#!/usr/bin/python3
"""armature in a terminal: raw mode, the escape key and its menu, job control, and that the terminal is as it was found
whatever ends the program."""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import termios
import time

from uart_guest import SerialGuest, check, BREAK_ERROR, UART1
from drive import Failure, main, together

UART0_RIS = 0x1000903c
TIMEOUT = 30


class TerminalGuest(SerialGuest):
    def __init__(self, armature, *options, **more):
        super().__init__(armature, *options, terminal=True, **more)
        self.before = None

    def __enter__(self):
        # The program may already be at work: what a new pseudo-terminal has is known from another one.
        side, other = os.openpty()
        self.before = termios.tcgetattr(other)
        os.close(side)
        os.close(other)
        return self

    def is_raw(self):
        iflag, oflag, _, lflag = termios.tcgetattr(self.other)[:4]
        return not lflag & (termios.ICANON | termios.ECHO | termios.ISIG) and not iflag & termios.IXON and \
            oflag & termios.OPOST

    def started(self):
        self.expect("Ctrl-A x leaves, Ctrl-A h for help\r\n")
        self.expect("\r\n> ")
        check(self.is_raw(), "the terminal is not in raw mode")

    def answers(self):
        self.send("\x03info\r")
        self.expect("CPUs.*\r\n> ")

    def ended(self, code):
        self.expect_exit(code)
        check(termios.tcgetattr(self.other) == self.before, f"the terminal is not as it was (exit code {code})")


def ways_out(armature):
    with TerminalGuest(armature) as guest:
        guest.started()
        guest.send("\x01x")
        guest.ended(0)
    with TerminalGuest(armature) as guest:
        guest.started()
        guest.send("poweroff\r")
        guest.ended(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with TerminalGuest(armature) as guest:
            guest.started()
            os.kill(guest.process.pid, number)
            guest.ended(128 + number)
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS,
                   signal.SIGTRAP, signal.SIGALRM, signal.SIGXCPU):
        with TerminalGuest(armature) as guest:
            guest.started()
            os.kill(guest.process.pid, number)
            guest.ended(-number)
    with TerminalGuest(armature) as guest:  # what a write would say as well is no reason to end
        guest.started()
        os.kill(guest.process.pid, signal.SIGPIPE)
        os.kill(guest.process.pid, signal.SIGXFSZ)
        guest.command("info", "CPUs")
        guest.send("\x01x")
        guest.ended(0)
    # An error of the host in the middle of it.
    with TerminalGuest(armature, "--serial", "stdio", "--serial", "file:/dev/full") as guest:
        guest.started()
        guest.switch_on()
        guest.send(f"mw.b {UART1:x} 41\r")
        guest.expect("No space left")
        guest.ended(70)
    # A mistake that is found before or after the terminal was taken.
    for spec in ("file:/nonexistent/x", "nonsense"):
        with TerminalGuest(armature, "--serial", "stdio", "--serial", spec) as guest:
            guest.expect("--serial")
            guest.expect_exit(guest.process.wait(TIMEOUT))
            guest.ended(guest.process.returncode)
            check(guest.process.returncode in (64, 70), f"{spec}: exit code {guest.process.returncode}")


def hang_up(armature):
    """The terminal is closed: there is nothing to restore, but the program ends, by the signal or by seeing it."""
    guest = TerminalGuest(armature)
    try:
        guest.started()
        os.close(guest.other)
        os.close(guest.side)
        check(guest.process.wait(TIMEOUT) == 128 + signal.SIGHUP, f"exit code {guest.process.returncode}")
    finally:
        guest.process.kill()
        guest.process.wait()


def keys(armature):
    """All characters but the escape key reach the guest: Ctrl-C drops the monitor's line, Ctrl-S stops nothing."""
    with TerminalGuest(armature) as guest:
        guest.started()
        guest.send("abc\x03")
        guest.expect("abc\r+\n> ")
        guest.send("\x13\x11")
        guest.answers()
        guest.command("mw 60000000 12345678")  # memory survives a reset

        guest.send("\x01h")
        for text in ("after Ctrl-A\r\n", "  x  leaves\r\n", "  r  resets", "  p  pauses", "  b  sends a break", "  h  ",
                     "Ctrl-A again sends it"):
            guest.expect(re.escape(text))
        guest.send("\x01?")
        guest.expect("Ctrl-A h shows what can follow it")
        guest.send("\x01")
        guest.send("P")  # later, and the shift key does not matter
        guest.expect("paused; Ctrl-A p goes on")
        guest.send("md 60000000 1\r")
        check(not select.select([guest.side], [], [], 0.5)[0], "the guest runs though it is paused")
        guest.send("\x01p")
        guest.expect("60000000: 12345678")
        guest.expect("\r\n> ")

        guest.send("\x01r")
        guest.expect(r"Armature [0-9.]+: Arm.*\r\n> ")
        check(guest.register(0x60000000) == 0x12345678, "a reset emptied the memory")
        check(not guest.register(UART0_RIS) & BREAK_ERROR, "there was a break before")
        guest.send("\x01b")
        guest.answers()
        check(guest.register(UART0_RIS) & BREAK_ERROR, "the break did not arrive")
        guest.send("\x01x")
        guest.ended(0)


def literal_escape(armature):
    """The escape key twice, or its letter behind it, sends it: seen at port 1's register, with the terminal there."""
    for sequence in ("\x01\x01", "\x01a"):
        received(armature, [], sequence, 0x01)
    received(armature, ["--escape-key", "ctrl-]"], "\x1d\x1d", 0x1d)
    received(armature, ["--escape-key", "ctrl-]"], "\x01", 0x01)
    received(armature, ["--escape-key", "none"], "\x01", 0x01)


def received(armature, options, sequence, expected):
    """The monitor is driven over a pseudo-terminal of ours while the terminal is port 1."""
    with TerminalGuest(armature, *options, "--serial", "pty", "--serial", "stdio") as guest:
        name = guest.expect(r"serial port 0: is (/dev/pts/\d+)\s")[1].decode()
        monitor = os.open(name, os.O_RDWR | os.O_NOCTTY)
        guest.expect("armature: the terminal is the guest's serial port")
        guest.send(sequence + "!")
        os.write(monitor, f"\rmw {UART1 + 0x30:x} 301\rmw {UART1 + 0x2c:x} 70\rmd {UART1:x} 1\rmd {UART1:x} 1\r".encode())
        text = b""
        while len(re.findall(rb"1000a000: [0-9a-f]{8}", text)) < 2:
            check(select.select([monitor], [], [], TIMEOUT)[0], f"{sequence!r}: {text!r}")
            text += os.read(monitor, 4096)
        values = [int(value, 16) for value in re.findall(rb"1000a000: ([0-9a-f]{8})", text)]
        check(values == [expected, ord("!")], f"{sequence!r}: the guest got {values}")
        os.close(monitor)


def other_escape_keys(armature):
    with TerminalGuest(armature, "--escape-key", "ctrl-]") as guest:
        guest.expect("Ctrl-\\] x leaves, Ctrl-\\] h for help")
        guest.expect("\r\n> ")
        guest.send("\x01x")
        guest.answers()
        guest.send("\x1dx")
        guest.ended(0)
    with TerminalGuest(armature, "--escape-key", "none") as guest:
        guest.expect("no key leaves")
        guest.expect("\r\n> ")
        guest.send("\x01x\x1dx")
        guest.answers()
        os.kill(guest.process.pid, signal.SIGTERM)
        guest.ended(128 + signal.SIGTERM)
    result = subprocess.run([armature, "--escape-key", "F12"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            timeout=TIMEOUT)
    check(result.returncode == 64 and b"give a key such as" in result.stderr, f"{result}")


def long_paste(armature):
    """The escape key is seen behind more text than the guest takes."""
    with TerminalGuest(armature) as guest:
        guest.started()
        guest.send("mw 60001000 eafffffe\rgo 60001000\r")  # for ever
        guest.expect("go 60001000")
        text = b"x" * 300000 + b"\x01x"
        os.set_blocking(guest.side, False)
        while text:
            check(select.select([], [guest.side], [], TIMEOUT)[1], "the terminal is not read any more")
            try:
                text = text[os.write(guest.side, text[:4096]):]
            except BlockingIOError:
                time.sleep(0.01)
        os.set_blocking(guest.side, True)
        guest.ended(0)


# ---- Job control ---------------------------------------------------------------------------------------------


class Shell:
    """A shell with job control (dash, which does not touch the terminal's modes) in a terminal of its own."""

    def __init__(self):
        self.pid, self.side = os.forkpty()
        if not self.pid:
            os.environ["PS1"] = "shell$ "
            os.environ.pop("ENV", None)
            os.execv("/bin/sh", ["sh", "-i"])
        self.text = b""
        self.expect(r"shell\$ $")
        self.before = termios.tcgetattr(self.side)

    def close(self):
        """The terminal's end hangs up what the shell started as well."""
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.side)
        os.waitpid(self.pid, 0)

    def send(self, text):
        os.write(self.side, text.encode())

    def expect(self, pattern):
        end = time.monotonic() + TIMEOUT
        while not (match := re.search(pattern.encode(), self.text, re.DOTALL)):
            if not select.select([self.side], [], [], max(0, end - time.monotonic()))[0]:
                sys.stdout.write(self.text.decode(errors="replace") + "\n")
                raise Failure(f"no {pattern!r} in the shell")
            self.text += os.read(self.side, 65536)
        self.text = self.text[match.end():]
        return match

    def is_restored(self):
        return termios.tcgetattr(self.side) == self.before

    def wait_for_modes(self, restored):
        end = time.monotonic() + TIMEOUT
        while self.is_restored() != restored:
            check(time.monotonic() < end, f"the terminal is {'still' if restored else 'not'} in raw mode")
            time.sleep(0.05)


def stopped_and_continued(armature):
    """Stopped by a signal, the terminal is the shell's again; in the foreground, the guest's."""
    shell = Shell()
    try:
        shell.send(f"{armature} & echo pid $!; fg\n")
        pid = int(shell.expect(r"pid (\d+)\s")[1])
        shell.expect("\r\n> ")
        shell.wait_for_modes(restored=False)
        for _ in range(2):
            os.kill(pid, signal.SIGTSTP)
            shell.expect(r"shell\$ $")
            check(shell.is_restored(), "stopped, the program kept the terminal")
            shell.send("fg\n")
            shell.wait_for_modes(restored=False)
            shell.send("\x03info\r")
            shell.expect("CPUs.*\r\n> ")
        # A stop that cannot be seen coming: the shell's user has to set the terminal, but then it is taken again.
        os.kill(pid, signal.SIGSTOP)
        shell.expect(r"shell\$ $")
        termios.tcsetattr(shell.side, termios.TCSANOW, shell.before)
        shell.send("fg\n")
        shell.wait_for_modes(restored=False)
        shell.send("\x03info\r")
        shell.expect("CPUs.*\r\n> ")
        # In the background the guest runs on, and what is typed is the shell's.
        os.kill(pid, signal.SIGTSTP)
        shell.expect(r"shell\$ $")
        shell.send("bg\n")
        shell.expect(r"shell\$ $")
        time.sleep(0.5)
        shell.send("echo still $((40 + 2))\n")
        shell.expect("still 42")
        check(shell.is_restored(), "in the background, the program took the terminal")
        shell.send("fg\n")
        shell.wait_for_modes(restored=False)
        shell.send("\x03info\r")
        shell.expect("CPUs.*\r\n> ")
        shell.send("\x01x")
        shell.expect(r"shell\$ $")
        check(shell.is_restored(), "the terminal is not as it was")
    finally:
        shell.close()


def started_in_background(armature):
    shell = Shell()
    try:
        shell.send(f"{armature} &\n")
        shell.expect("\r\n> ")  # it runs
        check(shell.is_restored(), "in the background, the program took the terminal")
        shell.send("echo still $((40 + 2))\n")
        shell.expect("still 42")
        shell.send("fg\n")
        shell.wait_for_modes(restored=False)
        shell.send("\x03info\r")
        shell.expect("CPUs.*\r\n> ")
        shell.send("poweroff\r")
        shell.expect(r"shell\$ $")
        check(shell.is_restored(), "the terminal is not as it was")
    finally:
        shell.close()


def killed(armature):
    """SIGKILL cannot be caught: the terminal stays raw (docs/serial.md says what helps)."""
    with TerminalGuest(armature) as guest:
        guest.started()
        guest.process.kill()
        guest.process.wait()
        check(guest.is_raw(), "then the document is wrong")
        subprocess.run(["stty", "sane"], stdin=guest.other, check=True)
        check(not guest.is_raw(), "stty sane does not help")


def test(armature):
    # A build with sanitizers leaves signals alone, or it would end with a code of its own.
    os.environ["ASAN_OPTIONS"] = "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:handle_sigill=0"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # nobody wants the memory of those that are crashed on purpose
    together([ways_out, hang_up, keys, literal_escape, other_escape_keys, long_paste, stopped_and_continued,
              started_in_background, killed], armature)


main(test)
