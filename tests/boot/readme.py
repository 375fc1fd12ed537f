#!/usr/bin/python3
"""What README.md tells a user to type works: every command in it is run, and none is unknown here.

    readme.py ARMATURE [text...]       only commands that contain one of the texts

Files that stand for a user's own (zImage, program.elf, ...) lie in a folder: Debian's kernel in its forms, and small
programs. Where a command would go on for ever, options that end it are added; where it would change the system (sudo), it
works in a folder instead."""

import lzma
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

import disk_boot
from drive import Failure, ROOT, SKIPPED, Guest, fetched, main
from watchdog import POWER_OFF, printing

sys.path.insert(0, os.path.join(ROOT, "tests", "guest"))
import compare  # noqa: E402

LANGUAGE = "Select a language"
SECONDS = 900


def check(ok, what):
    if not ok:
        raise Failure(what)


# ---- What is in the README ---------------------------------------------------------------------------------------------


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def commands(text):
    """Lines of indented blocks, and code within the text, that a user types."""
    text = re.sub(r"```.*?```", "", text, flags=re.S).replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if line.startswith("    "):
            found.append(re.sub(r"\s+", " ", re.sub(r"\s+#.*", "", line)).strip())
        else:
            found += [code for code in re.findall(r"`([^`]+)`", line) if re.match(r"(armature\b|scripts/\w|bench/\w)", code)]
    return list(dict.fromkeys(found))


def documented_script(text):
    return re.search(r"```lua\n(.*?)```", text, re.S).group(1)


# ---- A user's files ----------------------------------------------------------------------------------------------------


def unpacked(kernel):
    """The Image within a zImage that is compressed by xz."""
    with open(kernel, "rb") as file:
        data = file.read()
    for match in re.finditer(re.escape(b"\xfd7zXZ\0"), data):
        try:
            return lzma.LZMADecompressor().decompress(data[match.start():])
        except lzma.LZMAError:
            pass  # the magic number within the unpacking code
    raise Failure(f"{kernel} is not compressed by xz")


def vmlinux(image):
    """The same as an ELF file at its virtual address."""
    at, start = 0xc0208000, 0x1000
    header = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, at, 52, 0, 0x5000400, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, start, at, at, len(image), len(image), 7, start)
    return (header + segment).ljust(start, b"\0") + image


class Place:
    """The folder that commands run in."""

    def __init__(self, armature, folder):
        self.folder, self.armature = folder, os.path.abspath(armature)
        self.debian = fetched("fetch_installer 12")
        os.mkdir(self.path("bin"))
        os.symlink(self.armature, self.path("bin/armature"))
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ARMATURE_")}
        self.env.update(PATH=self.path("bin") + ":" + self.env["PATH"], ARMATURE_NO_CONFIG="yes")
        for name, source in ("zImage", "vmlinuz"), ("initrd.gz", "initrd.gz"), ("my.dtb", "vexpress-v2p-ca9.dtb"):
            os.symlink(f"{self.debian}/{source}", self.path(name))
        image = unpacked(self.path("zImage"))
        self.put("Image", image)
        self.put("vmlinux", vmlinux(image))
        self.put("program.bin", printing("hello\n", POWER_OFF))
        self.put("commands.txt", b"info\rpoweroff\r")
        self.put("board.conf", b"kernel = program.elf\nmemory = 128M\n")
        self.put("boot.lua", documented_script(readme()).encode())
        self.put("save.lua", re.search(r"`save.lua` could be `(.*?)`", readme()).group(1).encode())
        os.mkdir(self.path("disk"))
        os.rename(disk_boot.installed(self.path("disk"))[1], self.path("debian.img"))
        compare.build("exceptions", self.path("program.elf"))
        shutil.copy(self.path("program.elf"), self.path("u-boot"))  # there is no U-Boot for this board to be had

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read().decode(errors="replace")

    def run(self, command, code=0, says="", typed=None, cwd=None):
        """Runs it in a shell; returns what it printed."""
        done = subprocess.run(["bash", "-c", command], cwd=cwd or self.folder, env=self.env, timeout=SECONDS,
                              input=b"" if typed is None else typed.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        text = done.stdout.decode(errors="replace").replace("\r", "")
        if done.returncode != code or not re.search(says, text, re.S):
            raise Failure(f"{command}\nended with code {done.returncode}, not {code}, or did not print {says!r}:\n{text[-3000:]}")
        return text


# ---- Commands that need more than a line ---------------------------------------------------------------------------------


def packages(place, command):
    listed = place.run(f'. "{ROOT}/scripts/lib.sh"; echo "${{build_packages[@]}}"').split()
    check(sorted(command.split()[3:]) == sorted(listed), f"scripts/lib.sh installs {listed}")


def by_hand(place, command):
    """In the source tree, but what is built goes elsewhere."""
    place.run(re.sub(r"(?<![-\w])build\b", place.path("build"), command), cwd=ROOT)


def installed(place, command):
    by_hand(place, command.replace("sudo ", "") + f" --prefix {place.path('usr')}")
    place.run(f"'{place.path('usr/bin/armature')}' --version", says="armature")


def serial_file(place, command):
    place.run(command)
    check(place.read("serial.log"), "nothing is in serial.log")


def same_runs(place, command):
    runs = [re.search(r"instructions\.all +\d+", place.run(command + " --stats", says="instructions.all")).group(0) for _ in "ab"]
    check(runs[0] == runs[1], f"two runs differ: {runs}")


def farm(place, command):
    os.rename(place.path("boot.lua"), place.path("boot.lua.kept"))
    place.put("boot.lua", b'expect("hello")\n')
    for number in range(5):
        place.put(f"images/{number}.bin", printing("hello\n", POWER_OFF))
    place.run(command, says="5 of 5 jobs passed")
    check("<testcase" in place.read("results.xml"), "results.xml holds no results")
    os.rename(place.path("boot.lua.kept"), place.path("boot.lua"))


def said_to_a_socket(word):
    return next(c for c in commands(readme()) if c.startswith(f"armature ctl machine.sock {word} "))


def control(place, command):
    """The machine's command; the other one of the row goes to it."""
    other = said_to_a_socket("expect")
    machine = subprocess.Popen(["bash", "-c", "exec " + command], cwd=place.folder, env=place.env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        place.run("until [ -S machine.sock ]; do sleep 0.1; done; " + other, says="Linux version")
        place.run("armature ctl machine.sock quit 7")
        check(machine.wait(60) == 7, f"the machine ended with {machine.returncode}")
    finally:
        machine.kill()
        machine.wait()


def install(place, command):
    """The installation itself is a test of its own, boot_install_*."""
    place.run(command.split()[0] + " --help", says="IMAGE", cwd=ROOT)


def unchanged(place, command):
    before = place.run("sha256sum debian.img")
    place.run(command + " " + UP["more"], says=UP["says"])
    check(place.run("sha256sum debian.img") == before, "the image was changed")


def captured(place, command):
    place.run(command + " " + UP["more"], says=UP["says"])
    check(os.path.getsize(place.path("net.pcap")) >= 24, "there is no capture")


def picture(place, command):
    place.run(command, code=68, says="2 seconds of guest time have passed")
    check(os.path.getsize(place.path("armature-1s.png")) > 1000, "there is no picture")


def boot(place, command):
    """Typed in a pipe, until all is there; ended with a signal, as a user would without a terminal."""
    with Guest("bash", "-c", f"cd '{ROOT}' && exec {command}") as guest:
        guest.expect(LANGUAGE if "debian" in command else "the desktop is up", SECONDS)
        guest.process.send_signal(signal.SIGINT)
        guest.expect_exit(128 + signal.SIGINT)


def desktop_picture(place, command):
    place.run(command.replace("picture.png", place.path("desktop.png")), cwd=ROOT)
    check(os.path.getsize(place.path("desktop.png")) > 10000, "there is no picture of the desktop")


def fetch_only(place, command):
    folder = place.run(command + " 2>/dev/null", cwd=ROOT).strip()
    check({"vmlinuz", "initrd.gz"} <= set(os.listdir(folder)), f"{folder} holds no kernel and initrd")


def fast(place, command):
    place.run(command)
    place.run("armature --load fast.snap --until armv7l", typed="uname -m\n", says="armv7l")


def moved(place, command):
    """The shell answers where the machine has come to."""
    there = subprocess.Popen(["bash", "-c", "exec " + command + " --until armv7l"], cwd=place.folder, env=place.env,
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    here = subprocess.Popen(["armature", "--control", "machine.sock", "--load", "booted.snap"], cwd=place.folder, env=place.env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        place.run("until [ -S machine.sock ] && [ -S move.sock ]; do sleep 0.1; done; " + said_to_a_socket("migrate"),
                  says="downtime")
        check(here.wait(60) == 0, f"the machine that was left ended with {here.returncode}")
        there.stdin.write(b"uname -m\n")
        there.stdin.close()
        check(there.wait(60) == 0, f"the machine that came ended with {there.returncode}")
    finally:
        for process in (here, there):
            process.kill()
            process.wait()


def debugged(place, command):
    """By what its row says to type in gdb, at a port that is free."""
    row = next(line for line in readme().splitlines() if command in line)
    gdb, connect = re.search(r"`(gdb-multiarch .*?)`, `(target remote .*?)`", row).groups()
    machine = subprocess.Popen(["bash", "-c", "exec " + command.replace("1234", "0")], cwd=place.folder, env=place.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        port = re.search(r"target remote \S+:(\d+)", machine.stderr.readline()).group(1)
        place.run(f"{gdb} -nx -batch -ex '{connect.replace('1234', port)}' -ex 'break main' -ex continue -ex detach",
                  says="Breakpoint 1, .* in main")
        check(machine.wait(60) == 0, f"the machine ended with {machine.returncode}")
    finally:
        machine.kill()
        machine.wait()


# ---- All of them -------------------------------------------------------------------------------------------------------

LINUX = dict(more='--until "Linux version" --timeout 60', says="Linux version")
UP = dict(more='--until "root is up" --timeout 120', says="root is up")
SHELL = 'armature --kernel zImage --initrd initrd.gz --append "console=ttyAMA0 rdinit=/bin/sh"'
PASSES = dict(says="und pc")

# A function, or how to call Place.run(); `more` is added to the command.
CHECKS = {
    "scripts/boot-debian": boot,
    "scripts/boot-desktop": boot,
    "scripts/boot-desktop --script scripts/desktop/screenshot.lua -- picture.png": desktop_picture,
    "scripts/boot-debian --fetch-only": fetch_only,
    "scripts/install-debian debian.img": install,
    "build/armature debian.img":
        lambda place, command: place.run(f"{command.replace('build/', '')} {UP['more']}", says=UP["says"]),
    "scripts/test": lambda place, command: place.run(command + " -N", says="Total Tests", cwd=ROOT),
    "scripts/test -L fast": lambda place, command: place.run(command + " -N", says="Total Tests", cwd=ROOT),
    "bench/compare.py": lambda place, command: place.run(command + " --list", says="lua", cwd=ROOT),
    "sudo apt install": packages,
    "cmake -B build -G Ninja -DBUILD_TESTING=OFF": by_hand,
    "cmake --build build": by_hand,
    "sudo cmake --install build": installed,
    "(cd build && cpack -G DEB)": by_hand,
    "armature --help": dict(says="Usage: armature"),
    "armature --help memory": dict(says="--memory"),
    'armature --kernel zImage --initrd initrd.gz --append "console=ttyAMA0"': dict(more=f'--until "{LANGUAGE}"'),
    "armature --kernel zImage --initrd initrd.gz --cpus 4 --memory 256M": dict(more='--until "4 CPUs"', says="Brought up"),
    "armature --kernel zImage --dtb my.dtb": LINUX,
    "armature vmlinux": LINUX,
    "armature Image": LINUX,
    "armature program.elf": PASSES,
    "armature --semihosting --semihosting-dir . program.elf":
        lambda place, command: (compare.build("semihosting", place.path("calls.elf")),
                                place.run(command.replace("program", "calls"), code=42)),
    "armature --load program.bin@0x60100000": dict(says="hello"),
    "armature u-boot": PASSES,
    "armature": dict(typed="help\rpoweroff\r", says="memtest"),
    "armature --config board.conf": PASSES,
    "armature debian.img": UP,
    "armature --disk debian.img,overlay=temp": unchanged,
    "armature --disk debian.img,overlay=work.ovl": unchanged,
    "armature disk create new.img 8G": dict(says=""),
    "armature disk resize new.img 16G": dict(says=""),
    "armature --disk new.img,if=sd zImage": LINUX,
    "armature --forward tcp:2222:22 debian.img":
        lambda place, command: place.run(f"{command.replace(':2222:', ':0:')} {UP['more']}", says=UP["says"]),
    "armature --share . debian.img": UP,
    "armature --net switch:lan.sock debian.img": UP,
    "armature --net user,pcap=net.pcap debian.img": captured,
    SHELL + " --script save.lua": dict(says=""),
    "armature --load booted.snap": dict(typed="uname -m\n", more="--until armv7l", says="armv7l"),
    "armature snapshot info booted.snap": dict(says="instructions"),
    "armature snapshot convert booted.snap fast.snap --raw": fast,
    "armature --incoming unix:move.sock": moved,
    "armature ctl machine.sock migrate unix:move.sock": lambda place, command: None,  # see moved()
    "armature --record run.rec --kernel zImage --initrd initrd.gz": LINUX,
    "armature --replay run.rec": dict(says="Linux version"),
    "armature --history 256M --monitor zImage":
        dict(typed="expect 'Linux version'\npause\nstep_back 1000\ndiverge\nresume\nexpect 'Memory:'\nquit\n", says="index     1"),
    "armature --time-scale 10 --kernel zImage --initrd initrd.gz": LINUX,
    "armature --serial file:serial.log program.elf": serial_file,
    "armature --serial stdio --serial pty zImage": dict(LINUX, says="serial port 1: is /dev/pts/"),
    "armature --serial tcp-listen:4000 zImage":
        lambda place, command: place.run(command.replace(":4000", ":0") + " " + LINUX["more"], says="listens at tcp"),
    f'armature --kernel zImage --initrd initrd.gz --until "{LANGUAGE}" --timeout 300': dict(says=LANGUAGE),
    SHELL + ' --until "# " --send "uname -m\\n" --until armv7l': dict(says="armv7l"),
    SHELL + " --script boot.lua": dict(says="armv7l"),
    "armature < commands.txt": dict(says="Cortex-A9"),
    "armature --watchdog 60 zImage": dict(code=66, says="Unable to mount root"),
    "armature --deterministic program.elf": same_runs,
    "armature farm --junit results.xml boot.lua images/*": farm,
    "armature --screenshot-at 1 --timeout 2": picture,
    "armature --control machine.sock zImage": control,
    'armature ctl machine.sock expect "Linux version"': lambda place, command: None,  # see control()
    "armature --monitor zImage": dict(typed="help\nexpect 'Linux version'\nquit\n", says="sendline"),
    "armature --log guest,unimp program.elf": PASSES,
    "armature --gdb 1234,wait program.elf": debugged,
    "armature --stats program.elf": dict(says="instructions.all"),
    "armature --jit=off program.elf": PASSES,
    "armature --jit=verify program.elf": PASSES,
}


def check_of(command):
    return CHECKS.get("sudo apt install" if command.startswith("sudo apt install") else command)


def try_command(place, command):
    how = check_of(command)
    if callable(how):
        how(place, command)
        return
    how = dict(how)
    more = how.pop("more", "")
    place.run(f"{command} {more}".strip(), **how)


def test(armature, *texts):
    if not shutil.which(compare.COMPILER):
        print(f"skipped: {compare.COMPILER} is not installed")
        sys.exit(SKIPPED)
    listed = commands(readme())
    unknown = [command for command in listed if not check_of(command)]
    check(not unknown, f"README.md has commands that are not tried: {unknown}")
    gone = [command for command in CHECKS if not any(check_of(c) is CHECKS[command] for c in listed)]
    check(not gone, f"README.md lacks {gone}")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(armature, folder)
        for command in listed:
            if not texts or any(text in command for text in texts):
                print(command, flush=True)
                try_command(place, command)


main(test)
