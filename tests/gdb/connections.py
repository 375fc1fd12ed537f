#!/usr/bin/python3
"""Debuggers that come and go, by the bytes of the protocol: connections.py ARMATURE"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, main  # noqa: E402

TIMEOUT = 20


class Machine:
    """Armature with its boot ROM, and what it says on stderr."""

    def __init__(self, armature, place, *options):
        self.process = subprocess.Popen([armature, "--gdb", place, "--net", "none", *options], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.hears(r"target remote (\S+)").group(1)

    def hears(self, pattern):
        line = self.process.stderr.readline()
        while line == "\n":
            line = self.process.stderr.readline()
        found = re.search(pattern, line)
        if not found:
            raise Failure(f"armature said {line!r} instead of {pattern!r}")
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Debugger:
    def __init__(self, address):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(TIMEOUT)
        self.waiting = b""

    def send(self, packet):
        self.socket.sendall(b"$%s#%02x" % (packet, sum(packet) & 0xff))

    def byte(self):
        if not self.waiting:
            self.waiting = self.socket.recv(65536)
            if not self.waiting:
                raise Failure("armature has hung up")
        first, self.waiting = self.waiting[:1], self.waiting[1:]
        return first

    def packet(self):
        """The next one; what comes before it is dropped."""
        while self.byte() != b"$":
            pass
        data = b""
        while (byte := self.byte()) != b"#":
            data += byte
        if int(self.byte() + self.byte(), 16) != sum(data) & 0xff:
            raise Failure(f"a damaged packet: {data}")
        return data

    def ask(self, packet):
        self.send(packet)
        return self.packet()

    def expect(self, packet, answer):
        found = self.ask(packet)
        if not re.fullmatch(answer, found):
            raise Failure(f"{packet} is answered by {found}, not {answer}")
        return found

    def is_silent(self):
        self.socket.settimeout(0.3)
        try:
            return not self.waiting and not self.socket.recv(1)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(TIMEOUT)


def instructions(debugger):
    """How many CPU 0 has executed, as `monitor` says."""
    text, answer = b"", debugger.ask(b"qRcmd," + b"status".hex().encode())
    while answer.startswith(b"O") and answer != b"OK":
        text += bytes.fromhex(answer[1:].decode())
        answer = debugger.packet()
    return int(re.search(rb"instructions +(\d+)", text).group(1))


def waits(armature, folder):
    """With `wait` nothing is executed before the debugger says so; then the ROM's prompt appears."""
    with Machine(armature, f"unix:{folder}/waits,wait") as machine:
        time.sleep(0.2)
        debugger = Debugger(machine.address)
        debugger.expect(b"?", rb"T05thread:1;.*0f:00000000;.*")
        if instructions(debugger):
            raise Failure("instructions were executed")
        debugger.send(b"c")
        text = ""
        while "\n> " not in text:
            text += machine.process.stdout.read(1)


def lost(armature, folder):
    """A debugger that is gone leaves the machine as it is; its breakpoints go. The next one waits for its turn."""
    with Machine(armature, f"unix:{folder}/lost,wait", "--serial", "none") as machine:
        first = Debugger(machine.address)
        first.expect(b"Z0,0,4", b"OK")
        first.expect(b"Z0,20,4", b"OK")
        first.expect(b"c", b"T05thread:1;.*0f:00000000;.*")
        first.expect(b"c", b"T05thread:1;.*0f:20000000;.*")
        second = Debugger(machine.address)
        second.send(b"?")
        if not second.is_silent():
            raise Failure("two debuggers are served at once")
        first.socket.close()
        machine.hears("the debugger has hung up; the machine stands still until one connects again")
        if not second.packet().startswith(b"T05thread:1;"):
            raise Failure("the second one was not told where the machine is")
        stands = instructions(second)
        time.sleep(0.1)
        if instructions(second) != stands:
            raise Failure("the machine runs")
        second.send(b"c")
        if second.byte() != b"+" or not second.is_silent():
            raise Failure("a breakpoint of the first one is left")
        second.socket.sendall(b"\x03")
        if not second.packet().startswith(b"T02thread:1;"):
            raise Failure("Ctrl-C does not stop it")
        second.expect(b"D", b"OK")
        second.socket.close()
        third = Debugger(machine.address)
        if instructions(third) <= stands:
            raise Failure("the machine stands still though the debugger has detached")


def again(armature, _folder):
    """Damage, repetition, no acknowledgements; a free TCP port; the end of the machine."""
    with Machine(armature, "0", "--serial", "none") as machine:
        debugger = Debugger(machine.address)
        debugger.socket.sendall(b"$qC#00")
        if debugger.byte() != b"-":
            raise Failure("a damaged packet is not asked for again")
        debugger.send(b"qC")
        if debugger.byte() != b"+" or debugger.packet() != b"QC1":
            raise Failure("an undamaged one is not answered")
        debugger.socket.sendall(b"-")
        if debugger.packet() != b"QC1":
            raise Failure("the answer is not repeated")
        debugger.expect(b"QStartNoAckMode", b"OK")
        debugger.socket.sendall(b"+-$qC#b4")
        if debugger.socket.recv(7, socket.MSG_WAITALL) != b"$QC1#c5":
            raise Failure("acknowledgements go on")
        debugger.expect(b"qSupported:swbreak+", rb"PacketSize=4000;.*swbreak\+.*")
        debugger.expect(b"vMustReplyEmpty", b"")
        debugger.expect(b"m0,4", rb"[0-9a-f]{8}")
        debugger.expect(b"m9fffffffff,4", b"E01")
        debugger.expect(b"mf0000000,4", b"E0e")
        debugger.expect(b"Z0,nowhere,4", b"E01")
        debugger.expect(b"bs", b"E.there is no history; start with --history SIZE")
        debugger.send(b"k")
        if not debugger.packet().startswith(b"W00") or machine.process.wait(TIMEOUT):
            raise Failure("the machine does not end well")


def in_use(armature, folder):
    with Machine(armature, f"unix:{folder}/used", "--serial", "none"):
        done = subprocess.run([armature, "--gdb", f"unix:{folder}/used"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
        if done.returncode != 64 or "used" not in done.stderr or done.stderr.count("\n") != 1:
            raise Failure(f"a place that is in use: {done}")
    for place in ("", "x", "host:", "70000", "unix:", "1234,keep", "1234,waits"):
        done = subprocess.run([armature, "--gdb", place], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
        if done.returncode != 64 or "give PORT, HOST:PORT or unix:PATH" not in done.stderr:
            raise Failure(f"--gdb {place}: {done}")


def test(armature):
    with tempfile.TemporaryDirectory() as folder:
        for case in (waits, lost, again, in_use):
            case(armature, folder)


main(test)
