"""Drives a machine over its serial port: starts armature, sends text, waits for text. Python's standard library only."""

import functools
import io
import os
import re
import select
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(ROOT, "scripts"))
from cpio import Archive  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE for these tests


class Failure(Exception):
    pass


class Guest:
    """A running armature. `terminal` gives it a pseudo-terminal instead of pipes."""

    def __init__(self, armature, *options, terminal=False):
        self.text = self.seen = b""
        self.start = time.monotonic()
        if terminal:
            self.side, other = os.openpty()
            self.process = subprocess.Popen([armature, *options], stdin=other, stdout=other, stderr=other,
                                            start_new_session=True)
            self.other = other
        else:
            self.process = subprocess.Popen([armature, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT)
            self.side = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.wait()
        if self.side is None:
            self.process.stdin.close()
            self.process.stdout.close()
        else:
            os.close(self.side)
            os.close(self.other)
        if value is not None:
            sys.stdout.write(self.text.decode(errors="replace")[-4000:] + "\n")

    def _read(self, timeout):
        fd = self.process.stdout.fileno() if self.side is None else self.side
        if not select.select([fd], [], [], timeout)[0]:
            return None
        try:
            data = os.read(fd, 65536)
        except OSError:
            return b""
        self.seen += data
        return data

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        if self.side is None:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        else:
            os.write(self.side, data)

    def close_input(self):
        self.process.stdin.close()

    def expect(self, pattern, timeout=30):
        """Waits until the pattern (a regular expression) appeared, and forgets everything up to its end."""
        expression = re.compile(pattern.encode(), re.DOTALL)
        end = time.monotonic() + timeout
        while True:
            match = expression.search(self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            data = self._read(max(0, end - time.monotonic()))
            if data is None:
                raise Failure(f"no {pattern!r} after {timeout} s")
            if not data:
                raise Failure(f"the machine ended without {pattern!r}")
            self.text += data

    def expect_exit(self, code, timeout=30):
        """Waits for the end of the process and checks its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            data = self._read(0.05)
            if data:
                self.text += data
            if time.monotonic() > end:
                raise Failure(f"still running after {timeout} s")
        if self.process.returncode != code:
            raise Failure(f"exit code {self.process.returncode}, not {code}")

    def seconds(self):
        return time.monotonic() - self.start


def newc(entries):
    """A cpio archive; entries are (name, mode, contents), with device numbers in place of contents for device nodes."""
    file = io.BytesIO()
    archive = Archive(file)
    for name, mode, contents in entries:
        if isinstance(contents, tuple):
            archive.add(name, mode, device=contents)
        else:
            archive.add(name, mode, contents)
    archive.end()
    return file.getvalue()


def fetched(command):
    """Runs a function of scripts/lib.sh that prints a path; ends as skipped if there is no network."""
    result = subprocess.run(["bash", "-c", f'. "{ROOT}/scripts/lib.sh"; {command}'], stdout=subprocess.PIPE)
    if result.returncode:
        print(f"skipped: could not fetch what is needed ({command})")
        sys.exit(SKIPPED)
    return result.stdout.decode().strip()


def in_folder(part):
    """part(armature, folder) as a part of its own for together(), with a new folder that goes with it."""
    @functools.wraps(part)
    def run(armature):
        with tempfile.TemporaryDirectory() as folder:
            part(armature, folder)
    return run


def _start(part, arguments, output):
    """The process that runs the part; what it prints goes to the file."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        part(*arguments)
        code = 0
    except Failure as failure:
        print(failure)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
    finally:
        sys.stdout.flush()
        os._exit(code)


def together(parts, *arguments, most=4):
    """Runs part(arguments...) of each, some at a time, as they wait more than they compute; each in a process of its own.
    What a part has printed is shown when it has ended. Raises Failure after the last one if any has failed."""
    waiting, running, failed = list(parts), {}, []
    while waiting or running:
        while waiting and len(running) < most:
            part, output = waiting.pop(0), tempfile.TemporaryFile()
            running[_start(part, arguments, output)] = part, output
        pid, status = os.wait()
        part, output = running.pop(pid)
        with output:
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
        if status:
            failed.append(part.__name__)
    if failed:
        raise Failure("in " + ", ".join(failed))


def main(test):
    """Runs test(armature, arguments...) and turns what happens into an exit code."""
    try:
        test(*sys.argv[1:])
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print("passed")
