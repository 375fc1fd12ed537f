"""A guest for tests of the serial ports: the boot ROM's monitor on port 0, and code for it that moves much data over
port 1."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, Guest  # noqa: E402

UART1 = 0x1000a000
CODE = 0x60001000
BREAK_ERROR = 1 << 9  # UARTRIS


def transfer(count, body):
    """r1 = UART1, r2 = count, r0 = 0; body, which begins with its loop's target, and is left when r2 is 0."""
    return [
        0xe3a01201,  # mov r1, #0x10000000
        0xe2811a0a,  # add r1, r1, #0xa000
        0xe3002000 | (count >> 12 & 15) << 16 | count & 0xfff,  # movw r2, #count
        0xe3402000 | (count >> 28) << 16 | count >> 16 & 0xfff,  # movt r2, #count >> 16
        0xe3a00000,  # mov r0, #0
        *body,
        0xe12fff1e,  # bx lr
    ]


def reader(count):
    """Takes count characters, and returns their checksum()."""
    return transfer(count, [
        0xe5913018,  # ldr r3, [r1, #0x18]
        0xe3130010,  # tst r3, #0x10: the receive FIFO is empty
        0x1afffffc,  # bne
        0xe5d13000,  # ldrb r3, [r1]
        0xe0830fe0,  # add r0, r3, r0, ror #31
        0xe2522001,  # subs r2, r2, #1
        0x1afffff8,  # bne
    ])


def writer(count):
    """Sends 0, 1, ... 255, 0, 1, ... as fast as it can."""
    return transfer(count, [
        0xe5c10000,  # strb r0, [r1]
        0xe2800001,  # add r0, r0, #1
        0xe2522001,  # subs r2, r2, #1
        0x1afffffb,  # bne
    ])


def checksum(data):
    value = 0
    for byte in data:
        value = (byte + (value << 1 | value >> 31)) & 0xffffffff
    return value


def pattern(count):
    return (bytes(range(256)) * (count // 256 + 1))[:count]


def noise(count):
    """Every character, in an order that shows a loss."""
    data = bytearray()
    value = 1
    while len(data) < count:
        value = value * 1103515245 + 12345 & 0x7fffffff
        data.append(value >> 16 & 0xff)
    return bytes(data)


class SerialGuest(Guest):
    """With the monitor on the port that is stdio."""

    def prompt(self):
        self.expect(r"\r\n> ")

    def command(self, text, *answers):
        self.send(text + "\r")
        self.expect(re.escape(text))
        for answer in answers:
            self.expect(answer)
        self.prompt()

    def switch_on(self):
        """Port 1's UART: 8 bits, FIFOs."""
        self.command(f"mw {UART1 + 0x2c:x} 70")
        self.command(f"mw {UART1 + 0x30:x} 301")

    def load(self, code):
        for n, word in enumerate(code):
            self.command(f"mw {CODE + 4 * n:x} {word:x}")

    def go(self):
        self.send(f"go {CODE:x}\r")

    def returned(self, timeout=120):
        result = int(self.expect(r"Returned with r0 = ([0-9a-f]{8})", timeout)[1], 16)
        self.prompt()
        return result

    def say(self, text):
        """One character each to port 1."""
        for ch in text:
            self.command(f"mw.b {UART1:x} {ord(ch):x}")

    def register(self, address):
        self.send(f"md {address:x} 1\r")
        value = int(self.expect(rf"{address:08x}: ([0-9a-f]{{8}})")[1], 16)
        self.prompt()
        return value


def check(condition, text):
    if not condition:
        raise Failure(text)
