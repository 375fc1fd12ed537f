"""A running emulator, whichever it is: when characters came from its serial port, and messages to its socket."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

ANSWER = "echo $((6 * 7))x"


class Failure(Exception):
    pass


def progress(text):
    print("   " + text, file=sys.stderr, flush=True)


class Machine:
    """A running emulator, the serial port on its standard input and output, and when something came from there."""

    def __init__(self, command):
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text, self.arrivals, self.change = b"", [], threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()

    def read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.change:
                self.arrivals.append(time.monotonic())
                self.text = (self.text + data)[-200000:]
                self.change.notify_all()

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait(self, pattern, timeout=300):
        """When the text came; it is forgotten up to there."""
        end = time.monotonic() + timeout
        with self.change:
            while not (match := re.search(pattern, self.text)):
                if not self.change.wait(end - time.monotonic()) or time.monotonic() > end:
                    raise Failure(f"the guest did not say {pattern!r}: {self.text[-300:]}")
            self.text = self.text[match.end():]
            return self.arrivals[-1]

    def silence(self, begin, end):
        """The longest time without a character, of those that have to do with [begin, end]."""
        with self.change:
            times = list(self.arrivals)
        gaps = [(b - a, a, b) for a, b in zip(times, times[1:]) if b > begin and a < end]
        return max((gap for gap, _, _ in gaps), default=0)

    def answered(self, first=""):
        self.send(first + ANSWER + "\n")
        return self.wait(rb"42x\r\n") - self.start


class Lines:
    """JSON messages, one a line, on a UNIX socket."""

    def __init__(self, path):
        end = time.monotonic() + 60
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self.file = self.socket.makefile("rw")

    def ask(self, **message):
        self.file.write(json.dumps(message) + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "error" in reply:
                raise Failure(reply["error"])
            if "result" in reply or "return" in reply:
                return reply.get("result", reply.get("return"))
