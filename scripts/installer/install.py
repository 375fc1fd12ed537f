"""Runs Debian's installer in a machine without asking anything, shows how far it is, and says why if it fails.
Called by scripts/install-debian. Python's standard library only."""

import argparse
import io
import os
import re
import select
import shlex
import stat
import subprocess
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cpio import Archive  # noqa: E402

import preseed  # noqa: E402
from gateway import Gateway, Mirror  # noqa: E402
from progress import Progress  # noqa: E402

# Longest time without a word from the installer, seconds. The longest pause of a sound installation is that in which
# the compressed initrd is made: about a minute on a quiet host.
SILENCE = 900

# What the text frontend shows when it waits for somebody.
PROMPT = re.compile(r"(Prompt: '\?' for help|\[Press enter to continue\]|^Prompt:.*>)\s*$", re.M)


class Trouble(Exception):
    pass


def parse():
    p = argparse.ArgumentParser()
    for name in ("armature", "images", "disk", "log", "release", "mirror", "keep", "hostname", "user", "password",
                 "root-password", "timezone", "packages", "memory", "driver-policy", "firmware", "apt-proxy"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--guest-mirror", required=True, help="how the guest names the mirror")
    p.add_argument("--source", action="append", default=[], metavar="URI SUITE")
    p.add_argument("--option", action="append", default=[], help="for armature")
    o = p.parse_args()
    o.sources = [source.split() for source in o.source]
    match = re.fullmatch(r"http://([^/]+)(/.*)?", o.guest_mirror)
    o.host, o.directory = match[1], match[2] or "/"
    return o


def make_initrd(o, path):
    """Debian's, and behind it an archive with the answers: the kernel unpacks both."""
    with open(os.path.join(o.images, "initrd.gz"), "rb") as file:
        data = file.read()
    added = io.BytesIO()
    archive = Archive(added, first_inode=1 << 20)
    archive.add("preseed.cfg", stat.S_IFREG | 0o600, preseed.answers(o).encode())
    archive.add_folder("armature")
    archive.add_program("armature/early", preseed.EARLY.encode())
    archive.add_program("armature/late", preseed.late(o).encode())
    archive.end()
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(data + b"\0" * (-len(data) % 4) + added.getvalue())


class Run:
    def __init__(self, o, gateway, initrd):
        self.o, self.gateway = o, gateway
        self.console_path = o.log + ".console"
        self.progress = Progress()
        open(self.console_path, "w").close()
        command = [o.armature, "--no-config", "--kernel", os.path.join(o.images, "vmlinuz"), "--initrd", initrd,
                   "--append", "console=ttyAMA0 auto=true priority=critical DEBIAN_FRONTEND=text "
                   "anna/choose_modules=eatmydata-udeb", "--memory", o.memory, "--disk", escape(o.disk),
                   "--net", "user", "--display", "none", "--serial", "file:" + self.console_path, "--serial", "stdio",
                   "--watchdog", "0", "--no-reboot", *o.option]
        self.log = open(o.log, "w", errors="replace")
        self.log.write(shlex.join(command) + "\n")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.heard = time.monotonic()
        self.rest = b""
        self.console_size, self.console_seen = 0, time.monotonic()
        self.installed = False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.log.close()
        self.progress.end()

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").strip("\r")
            self.log.write(f"{self.progress.seconds():7.1f} {text}\n")
            self.progress.feed(text)
            if "armature: the system is installed" in text:
                self.installed = True
        self.log.flush()

    def console(self):
        with open(self.console_path, errors="replace") as file:
            return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", file.read()[-20000:])

    def check(self):
        """The console has stood still at a question, or everything has."""
        now, size = time.monotonic(), os.path.getsize(self.console_path)
        if size != self.console_size:
            self.console_size, self.console_seen = size, now
            self.heard = max(self.heard, now)
        elif now - self.console_seen > 20 and PROMPT.search(self.console()[-200:]):
            raise Trouble("the installer asks something that it was given no answer for:\n\n" +
                          "\n".join(self.console().rstrip().splitlines()[-24:]))
        if now - self.heard > SILENCE:
            raise Trouble(f"the installer has shown nothing for {SILENCE // 60} minutes; it was at: "
                          f"{self.progress.text()}. If this computer is very busy, try again when it is not.")

    def wait(self):
        out = self.process.stdout
        while True:
            if select.select([out], [], [], 1)[0]:
                data = os.read(out.fileno(), 65536)
                if not data:
                    break
                self.heard = time.monotonic()
                self.take(data)
            self.check()
            self.progress.show()
        code = self.process.wait()
        said = self.process.stderr.read().decode(errors="replace").strip()
        if code or not self.installed:
            raise Trouble(f"the machine ended with code {code} before the system was installed"
                          + (f": {said}" if said else f"; it was at: {self.progress.text()}"))


def escape(path):
    return path.replace(",", ",,")


def main():
    o = parse()
    notes = []
    mirror = Mirror(o.guest_mirror, o.mirror, o.keep)
    initrd = o.disk + ".initrd"
    with Gateway([mirror], notes.append) as gateway:
        o.proxy = f"http://10.0.2.2:{gateway.port}/"
        make_initrd(o, initrd)
        run = Run(o, gateway, initrd)
        try:
            run.wait()
        except (Trouble, KeyboardInterrupt) as e:
            run.stop()
            if isinstance(e, KeyboardInterrupt):
                sys.exit("install-debian: interrupted; what was downloaded is kept for the next time")
            for note in notes[-3:]:
                print("install-debian: " + note, file=sys.stderr)
            sys.exit(f"install-debian: {e}\ninstall-debian: what happened is in {o.log}, and in {o.log}.console")
        finally:
            run.stop()
            os.unlink(initrd)
    print(f"Installed in {run.progress.seconds() / 60:.1f} minutes; {mirror.bytes / 1e6:.0f} MB downloaded, "
          f"{mirror.kept} files were there already", file=sys.stderr)


main()
