"""Runs plans of workloads on an emulator or on the host and measures them from outside."""

import os
import re
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

import images

APPEND = "console=ttyAMA0 quiet loglevel=3 rdinit=/init"
BROKEN = ("Kernel panic", "Internal error: Oops", "Unable to handle kernel")


@dataclass
class Measurement:
    seconds: float = None  # by the host's clock
    guest_seconds: float = None  # by the guest's clock
    output: str = ""
    failure: str = ""
    missing: bool = False  # the host does not have the program


class Serial:
    """The lines an emulator writes to its serial port, with the time each was complete."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.start = time.monotonic()
        self.pending, self.tail = b"", []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def read(self, timeout):
        """More bytes; b"" at the end, None after the timeout."""
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], timeout)[0]:
            return None
        return os.read(fd, 65536)

    def lines(self, timeout):
        """Pairs (time, line) until the end; raises TimeoutError if timeout seconds pass without a line of ours."""
        last = time.monotonic()
        while True:
            data = self.read(max(0, last + timeout - time.monotonic()))
            now = time.monotonic()
            if data is None:
                raise TimeoutError
            if not data:
                return
            *complete, self.pending = (self.pending + data).split(b"\n")
            for line in complete:
                text = line.decode(errors="replace").rstrip("\r")
                last = now if text.startswith("@@") else last
                self.tail = self.tail[-15:] + [text]
                yield now, text

    def wait_for(self, text, timeout):
        """Seconds from the start until text appears; None if it does not."""
        seen = b""
        while True:
            left = self.start + timeout - time.monotonic()
            data = self.read(max(0, left))
            if not data:
                return None
            seen = (seen + data)[-65536:]
            if text in seen:
                return time.monotonic() - self.start


@dataclass
class Emulator:
    name: str
    command: list
    kind: str  # "armature" or "qemu": how the options are called
    boot: str  # folder with vmlinuz and vexpress-v2p-ca9.dtb

    def version(self):
        text = subprocess.run([self.command[0], "--version"], stdout=subprocess.PIPE).stdout.decode()
        return text.splitlines()[0] if text else "unknown"

    def boot_command(self, initrd, append):
        prefix = "--" if self.kind == "armature" else "-"
        options = {"kernel": os.path.join(self.boot, "vmlinuz"), "initrd": initrd, "append": append,
                   "dtb": os.path.join(self.boot, "vexpress-v2p-ca9.dtb")}
        return self.command + [word for name, value in options.items() for word in (prefix + name, value)]


def armature(path, arguments, boot, name="armature"):
    return Emulator(name, [path, "--memory", "1G", *arguments], "armature", boot)


def qemu(path, arguments, boot):
    return Emulator("qemu", [path, "-M", "vexpress-a9", "-m", "1024", "-display", "none", "-serial", "stdio",
                             "-monitor", "none", "-no-reboot", "-audiodev", "none,id=none", *arguments], "qemu", boot)


# QEMU 7.2 does not save the secure bank of CP15. Guests of its vexpress-a9 run there, and a saved one cannot go on; without
# the security extensions it can.
QEMU_MOVABLE = ["-machine", "secure=off"]


class PlanReader:
    """Makes measurements of the lines that the guest's first process prints; other text is ignored."""

    def __init__(self, names, on_result):
        self.names, self.on_result = set(names), on_result
        self.results, self.ready, self.done, self.failure = {}, None, False, ""
        self.current, self.begin = Measurement(), None

    def take(self, now, line):
        if any(text in line for text in BROKEN):
            self.failure = line
        elif line == "@@ ready":
            self.failure = "the guest restarted" if self.ready else ""
            self.ready = self.ready or now
        elif line == "@@ done":
            self.done = True
        else:
            match = re.fullmatch(r"@@ (begin|end|output|complete) (\S+) ?(.*)", line)
            if match and match[2] in self.names:
                getattr(self, "take_" + match[1])(now, match[2], match[3])

    def take_begin(self, now, name, rest):
        self.begin = now

    def take_end(self, now, name, rest):
        numbers = re.fullmatch(r"\d+ (\d+)", rest)
        if numbers and self.begin is not None:
            self.current.seconds = now - self.begin
            self.current.guest_seconds = int(numbers[1]) / 1e6

    def take_output(self, now, name, rest):
        self.current.output += rest + "\n"

    def take_complete(self, now, name, rest):
        if rest != "0" or self.current.seconds is None:
            self.current.failure = f"exit status {rest}: {self.current.output.strip()[-300:]}"
        self.results[name] = self.current
        self.on_result(name, self.current)
        self.current, self.begin = Measurement(), None


def plan_text(workloads, scale):
    return "".join(f"{w.name}\t{w.fill(w.preparation, scale)}\t{w.fill(w.command, scale)}\n" for w in workloads)


def run_boot(emulator, system, workloads, scale, timeout, on_result):
    """One boot. Returns the reader, the seconds from the start of the emulator to the guest's first process, and why
    it ended early or ""."""
    with tempfile.NamedTemporaryFile(prefix="armature-bench.") as initrd:
        images.with_plan(system, plan_text(workloads, scale), initrd.name)
        with Serial(emulator.boot_command(initrd.name, APPEND)) as serial:
            reader = PlanReader([w.name for w in workloads], on_result)
            failure = "the machine ended"
            try:
                for now, line in serial.lines(timeout):
                    reader.take(now, line)
                    if reader.done or reader.failure:
                        failure = reader.failure
                        break
            except TimeoutError:
                failure = f"no progress in {timeout:g} s"
            if failure:
                failure += ": " + " | ".join(serial.tail[-6:])
            return reader, reader.ready and reader.ready - serial.start, failure


def run_plan(emulator, system, workloads, scale, timeout, on_result):
    """Measures the workloads, with a new boot after each one that hangs or ends the machine. on_result(name,
    measurement) is called for each, and for "boot to init", the time until the guest's first process runs."""
    left, first = list(workloads), True
    while left or first:
        reader, seconds, failure = run_boot(emulator, system, left, scale, timeout, on_result)
        if first or not seconds:
            on_result("boot to init", Measurement(seconds, failure="" if seconds else failure))
        first = False
        left = [w for w in left if w.name not in reader.results]
        if not seconds:
            for workload in left:
                on_result(workload.name, Measurement(failure="no boot"))
            return
        if left:
            on_result(left[0].name, Measurement(failure=failure or "no result"))
            left = left[1:]


def run_installer(emulator, timeout):
    """Debian's installer, until the first line of its language menu is on the serial port."""
    with Serial(emulator.boot_command(os.path.join(emulator.boot, "initrd.gz"), "console=ttyAMA0")) as serial:
        seconds = serial.wait_for(b"Language:", timeout)
    return Measurement(seconds, failure="" if seconds else "no language menu")


def run_native(programs, workload, scale, timeout):
    """The same work on the host."""
    environment = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "BENCH": programs}
    # Where the files of the guest are, too: in memory.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="armature-bench.", dir=memory) as folder:
        environment.update(HOME=folder, TMPDIR=folder)

        def shell(text):
            return subprocess.run(["/bin/sh", "-c", text], cwd=folder, env=environment, timeout=timeout,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            if workload.preparation:
                shell(workload.fill(workload.preparation, scale))
            start = time.monotonic()
            result = shell(workload.fill(workload.native or workload.command, scale))
            seconds = time.monotonic() - start
        except subprocess.TimeoutExpired:
            return Measurement(failure=f"not done in {timeout} s")
    output = result.stdout.decode(errors="replace")
    if result.returncode == 127:
        return Measurement(failure=output.strip()[-300:], missing=True)
    if result.returncode:
        return Measurement(failure=f"exit status {result.returncode}: {output.strip()[-300:]}")
    return Measurement(seconds, None, output)
