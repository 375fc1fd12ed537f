"""Runs the machine that installs, shows how far it is, and says why if it fails. Called by scripts/install-debian.
Python's standard library only."""

import argparse
import hashlib
import os
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
import environment  # noqa: E402
from gateway import Gateway, Mirror  # noqa: E402
from progress import Progress  # noqa: E402

# Longest time without a word, seconds. The longest silence of a sound installation is that in which the compressed
# initrd is made: less than a minute on a quiet host.
SILENCE = 900


class Trouble(Exception):
    pass


def parse():
    p = argparse.ArgumentParser()
    for name in ("armature", "packages-root", "disk", "log", "keep", "suite", "mirror", "security", "guest-mirror",
                 "guest-security", "hostname", "user", "password", "root-password", "timezone", "packages", "memory",
                 "drivers", "required", "base", "components", "apt-proxy"):
        p.add_argument("--" + name, required=True)
    return p.parse_args()


def plain_http(uri):
    """Between guest and gateway; what comes behind the gateway is the host's business."""
    return "http://" + uri.partition("://")[2]


def encoded(password):
    """SHA-512 crypt, which Python has no longer."""
    for command in (["openssl", "passwd", "-6", "-stdin"], ["mkpasswd", "-m", "sha-512", "--stdin"]):
        if shutil.which(command[0]):
            result = subprocess.run(command, input=password + "\n", capture_output=True, text=True, check=True)
            return result.stdout.strip()
    raise Trouble("openssl (or mkpasswd of the package whois) is needed to encode passwords")


def sources(o, change):
    return "\n".join(f"deb {change(uri)} {suite} {o.components}" for uri, suite in (
        (o.guest_mirror, o.suite), (o.guest_mirror, o.suite + "-updates"),
        (o.guest_security, o.suite + "-security")))


def final_sources(o):
    text = sources(o, str)
    if "//mirror.example/" not in o.guest_mirror:
        return text
    return "# Only the computer that installed this one reaches its mirror: put another in place of mirror.example.\n" + text


def key(o):
    """Of all that decides what a checkpoint holds: a run goes on only from one with the same."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "init"), "rb") as file:
        values = [file.read(), *(text.encode() for text in (o.suite, o.guest_mirror, o.required, o.base))]
    return hashlib.sha256(b"\0".join(values)).hexdigest()


def settings(o, port):
    packages = o.packages + (" ca-certificates" if "https://" in o.guest_mirror + o.guest_security else "")
    values = {"suite": o.suite, "proxy": f"http://10.0.2.2:{port}/", "guest_mirror": plain_http(o.guest_mirror),
              "sources": sources(o, plain_http), "final_sources": final_sources(o), "hostname": o.hostname,
              "user": o.user, "password": encoded(o.password), "root_password": encoded(o.root_password),
              "timezone": o.timezone, "packages": packages, "drivers": o.drivers, "required": o.required, "base": o.base,
              "apt_proxy": o.apt_proxy, "key": key(o)}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def no_room(text):
    return Trouble(f"this computer has no room left for the disk; make some, and start again ({text.split(';')[0]})")


def commit(words):
    """Brings what the machine has written so far to the image; `words` are the command that does it."""
    result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    said = result.stderr.strip().split("\n")[-1]
    if "No space left on device" in said:
        raise no_room(said)
    if result.returncode:
        raise Trouble(f"the image cannot be written ({said})")


def private_file(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


class Run:
    """The image changes only at checkpoints: what is written in between is in an overlay, which is forgotten when the run
    is cut off."""

    def __init__(self, o, initrd, folder):
        self.o, self.rest, self.reason, self.done = o, b"", "", False
        self.progress = Progress()
        self.heard = time.monotonic()
        kernel = next(entry.path for entry in os.scandir(os.path.join(o.packages_root, "boot"))
                      if entry.name.startswith("vmlinuz-"))
        self.control = os.path.join(folder, "control")
        command = [o.armature, "--no-config", "--kernel", kernel, "--initrd", initrd, "--append",
                   "console=ttyAMA0 quiet panic=1", "--memory", o.memory, "--disk",
                   f"{o.disk},overlay={o.disk}.ovl".replace(",", ",,").replace(",,overlay=", ",overlay=", 1),
                   "--net", "user", "--control", self.control, "--display", "none", "--no-reboot"]
        self.log = open(o.log, "w", errors="replace")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def checkpoint(self):
        commit([self.o.armature, "ctl", self.control, "disk_commit", "disk0"])
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.write("", True)
        self.progress.end()

    def write(self, text, last=False):
        """Into the log, as far as this computer has room for it."""
        try:
            self.log.write(text)
            self.log.flush()
        except (OSError, ValueError):
            last = True
        if last:
            try:
                self.log.close()
            except OSError:
                pass

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").strip("\r")
            self.write(f"{self.progress.seconds():7.1f} {text}\n")
            self.progress.feed(text)
            if text.startswith("@reason "):
                self.reason = text[len("@reason "):]
            elif text.startswith(("E: ", "armature: ")) and not self.reason:
                self.reason = text
            self.done |= text == "@done"
            if text.startswith("armature: ") and "make room" in text:
                raise no_room(text)
            if text == "@checkpoint":
                self.checkpoint()

    def wait(self):
        out = self.process.stdout.fileno()
        while True:
            if select.select([out], [], [], 1)[0]:
                data = os.read(out, 65536)
                if not data:
                    break
                self.heard = time.monotonic()
                self.take(data)
            if time.monotonic() - self.heard > SILENCE:
                raise Trouble(f"nothing has happened for {SILENCE // 60} minutes at: {self.progress.text()}. If this "
                              "computer is very busy, try again when it is not")
            self.progress.show()
        code = self.process.wait()
        if code or not self.done:
            raise Trouble(f"the installation ended at: {self.progress.text()}" +
                          (f" ({self.reason})" if self.reason else f" (exit code {code})"))


def install(o, notes):
    mirrors = [Mirror(plain_http(o.guest_mirror), o.mirror, os.path.join(o.keep, "debian"))]
    if o.guest_security != o.guest_mirror:
        mirrors.insert(0, Mirror(plain_http(o.guest_security), o.security, os.path.join(o.keep, "security")))
    initrd, secrets = o.disk + ".initrd", o.disk + ".settings"
    with Gateway(mirrors, notes.append) as gateway, tempfile.TemporaryDirectory() as folder:
        try:
            private_file(secrets, settings(o, gateway.port))
            private_file(initrd, "")
            environment.main(o.packages_root, initrd, secrets)
            run = Run(o, initrd, folder)
            try:
                run.wait()
            finally:
                run.stop()
            open(o.disk + ".done", "w").close()  # whatever becomes of this process: no machine is needed any more
            commit([o.armature, "disk", "commit", o.disk + ".ovl"])
        finally:
            for path in initrd, secrets:
                if os.path.exists(path):
                    os.unlink(path)
    return (f"Installed in {run.progress.seconds() / 60:.1f} minutes; {sum(m.bytes for m in mirrors) / 1e6:.0f} MB "
            f"downloaded, {sum(m.kept for m in mirrors)} files were there already")


def main():
    o = parse()
    notes = []
    try:
        print("== " + install(o, notes), file=sys.stderr)
    except KeyboardInterrupt:
        if os.path.exists(o.log):
            os.unlink(o.log)
        sys.exit(130)  # the caller has been interrupted, too, and says so
    except OSError as e:
        sys.exit(f"install-debian: {e}")
    except Trouble as e:
        for note in notes[-3:]:
            print("install-debian: " + note, file=sys.stderr)
        sys.exit(f"install-debian: {e}\ninstall-debian: what happened is in {o.log}")


main()
