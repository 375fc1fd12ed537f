"""A running armature, and an X server for its window, for the benchmarks that look at a machine from outside."""

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_options(parser):
    parser.add_argument("--armature", default=os.path.join(ROOT, "build", "armature"))
    parser.add_argument("--headless", action="store_true", help="without a window")
    parser.add_argument("options", nargs="*", help="further options of armature, after --")


def check(options, program):
    """Ends the program if something is missing that the options above need."""
    if not options.headless and not shutil.which("Xvfb"):
        sys.exit(f"{program}: Xvfb is missing (Debian's package xvfb); --headless does without a window")
    if not os.access(options.armature, os.X_OK):
        sys.exit(f"{program}: there is no program {options.armature}; build it, or give another with --armature")


def environment(home, display):
    """For armature: nothing of the user's is read or changed."""
    variables = dict(os.environ, HOME=home, XDG_STATE_HOME=home)
    variables.pop("WAYLAND_DISPLAY", None)
    if display:
        variables["DISPLAY"] = display
    return variables


@contextlib.contextmanager
def x_server(size="1280x1024"):
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", size + "x24", "-noreset"], pass_fds=[write],
                              stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as file:
            yield ":" + file.readline().strip()
    finally:
        server.terminate()
        server.wait()


class Machine:
    """armature with a control socket; the guest's lines that begin with @@."""

    def __init__(self, armature, options, folder, environment):
        self.armature, self.socket, self.text = armature, os.path.join(folder, "control"), b""
        self.process = subprocess.Popen([armature, "--control", self.socket, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def line(self, name, timeout=120):
        """The words behind "@@ NAME" of the next such line."""
        match = self.wait(rb"@@ " + name.encode() + rb" ([^\r\n]*)\r?\n", timeout)
        return match[1].decode().split()

    def wait_text(self, text, timeout):
        self.wait(re.escape(text), timeout)

    def wait(self, pattern, timeout):
        end = time.monotonic() + timeout
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            data = b""
            if select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise RuntimeError(f"the guest did not say {pattern.decode()}: {self.text[-300:]}")
            self.text += data

    def go_on(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def stats(self):
        done = subprocess.run([self.armature, "ctl", self.socket, "stats"], stdout=subprocess.PIPE, check=True)
        return {name: float(value) for name, value in (line.split() for line in done.stdout.decode().splitlines())}
